//! What a shop is told by APIv2: payments signed, refunds encrypted and not signed at all.

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::crypto::random_text;
use crate::orders::Order;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;

use super::operations::{paid, status, time_of_day};
use super::own;
use super::signing::{self, SignType, sealed, sign};
use super::xml::{self, Fields};

/// The body of a notification, what it tells, and the same by somebody who does not have the key.
pub struct Notice {
    pub body: Bytes,
    pub forged: Bytes,
    pub tells: Value,
}

/// None for an order that was made by APIv3.
pub fn transaction_notice(sandbox: &Sandbox, order: &Order) -> Option<Notice> {
    let said = order.request.get("v2")?;
    let sign_type = SignType::of(said["sign_type"].as_str())?;
    let mut fields = own(&[
        ("return_code", "SUCCESS"),
        ("appid", &sandbox.merchant.appid),
        ("mch_id", &sandbox.merchant.mchid),
        ("nonce_str", &random_text(16)),
        ("result_code", "SUCCESS"),
        ("out_trade_no", &order.out_trade_no),
    ]);
    fields.extend(paid(order));
    let signed = |key: &str| {
        let mut fields = fields.clone();
        fields.push(("sign".into(), sign(sign_type, key, &fields)));
        Bytes::from(xml::write("xml", &fields))
    };
    Some(Notice {
        body: signed(&signing::api_key(&sandbox.merchant)),
        forged: signed(&random_text(32)),
        tells: told(&fields),
    })
}

/// None for a refund of an order that was made by APIv3.
pub fn refund_notice(sandbox: &Sandbox, order: &Order, refund: &Refund) -> Option<Notice> {
    order.request.get("v2")?;
    let (total, part) = (refund.total.to_string(), refund.amount.to_string());
    let mut inside = own(&[
        ("transaction_id", &refund.transaction_id),
        ("out_trade_no", &refund.out_trade_no),
        ("refund_id", &refund.refund_id),
        ("out_refund_no", &refund.out_refund_no),
        ("total_fee", &total),
        ("refund_fee", &part),
        ("settlement_refund_fee", &part),
        ("refund_status", status(refund)),
        ("refund_recv_accout", "支付用户零钱"),
        ("refund_account", "REFUND_SOURCE_RECHARGE_FUNDS"),
        ("refund_request_source", "API"),
    ]);
    if let (RefundStatus::Success, Some(at)) = (refund.status, refund.settled) {
        inside.push(("success_time".into(), time_of_day(at)));
    }
    let around = |key: &str| {
        let fields = own(&[
            ("return_code", "SUCCESS"),
            ("appid", &sandbox.merchant.appid),
            ("mch_id", &sandbox.merchant.mchid),
            ("nonce_str", &random_text(16)),
            ("req_info", &sealed(key, &xml::write("root", &inside))),
        ]);
        Bytes::from(xml::write("xml", &fields))
    };
    Some(Notice {
        body: around(&signing::api_key(&sandbox.merchant)),
        forged: around(&random_text(32)),
        tells: told(&inside),
    })
}

fn told(fields: &Fields) -> Value {
    let pairs = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()));
    Value::Object(pairs.collect::<Map<_, _>>())
}
