//! The operations of the API: which request is which, and what each does.

use std::sync::Arc;

use axum::http::Method;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::bodies;
use crate::clock;
use crate::crypto::{random_text, seal};
use crate::fields::{self, Field};
use crate::loopback;
use crate::orders::{Order, TradeType};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{self, Asked};
use crate::{cashier, notifications};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Prepay(TradeType),
    QueryByTransactionId,
    QueryByOutTradeNo,
    Close,
    Refund,
    QueryRefund,
    Certificates,
}

/// Every operation by the provider's name.
pub const OPERATIONS: [(&str, Operation); 10] = [
    (
        "POST /v3/pay/transactions/jsapi",
        Operation::Prepay(TradeType::Jsapi),
    ),
    (
        "POST /v3/pay/transactions/app",
        Operation::Prepay(TradeType::App),
    ),
    (
        "POST /v3/pay/transactions/h5",
        Operation::Prepay(TradeType::H5),
    ),
    (
        "POST /v3/pay/transactions/native",
        Operation::Prepay(TradeType::Native),
    ),
    (
        "GET /v3/pay/transactions/id/{transaction_id}",
        Operation::QueryByTransactionId,
    ),
    (
        "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
        Operation::QueryByOutTradeNo,
    ),
    (
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        Operation::Close,
    ),
    ("POST /v3/refund/domestic/refunds", Operation::Refund),
    (
        "GET /v3/refund/domestic/refunds/{out_refund_no}",
        Operation::QueryRefund,
    ),
    ("GET /v3/certificates", Operation::Certificates),
];

/// A request that is one of the operations, with the decoded value of its placeholder.
pub struct Call {
    pub name: &'static str,
    pub operation: Operation,
    pub placeholder: Option<String>,
}

/// Finds the operation of a request line; `Err(true)` when only the method is wrong.
pub fn route(method: &Method, path: &str) -> Result<Call, bool> {
    let mut wrong_method = false;
    for (name, operation) in OPERATIONS {
        let (verb, template) = name.split_once(' ').unwrap_or_default();
        let Some(placeholder) = matches(template, path) else {
            continue;
        };
        if verb == method.as_str() {
            return Ok(Call {
                name,
                operation,
                placeholder,
            });
        }
        wrong_method = true;
    }
    Err(wrong_method)
}

fn matches(template: &str, path: &str) -> Option<Option<String>> {
    let mut placeholder = None;
    let mut parts = path.split('/');
    for expected in template.split('/') {
        let part = parts.next()?;
        if expected.starts_with('{') {
            placeholder = Some(
                percent_decode_str(part)
                    .decode_utf8()
                    .ok()
                    .filter(|value| !value.is_empty())?
                    .into_owned(),
            );
        } else if part != expected {
            return None;
        }
    }
    parts.next().is_none().then_some(placeholder)
}

/// What an operation needs of its request, after the signature has been checked.
pub struct Input<'a> {
    pub query: &'a str,
    pub body: &'a [u8],
    pub asked: Asked,
    /// The serial whose key opens sensitive fields.
    pub field_key: Option<String>,
}

/// Carries out `call`; `None` is 204.
pub fn perform(
    sandbox: &Arc<Sandbox>,
    call: &Call,
    input: &Input,
) -> Result<Option<Value>, Problem> {
    let placeholder = call.placeholder.as_deref().unwrap_or_default();
    match call.operation {
        Operation::Prepay(trade_type) => prepay(sandbox, trade_type, input).map(Some),
        Operation::QueryByTransactionId => {
            own_mchid(sandbox, query_value(input.query, "mchid"), "query")?;
            let ledger = sandbox.ledger();
            ledger
                .by_transaction(placeholder)
                .map(|order| Some(order.transaction()))
                .ok_or_else(Problem::order_not_exist)
        }
        Operation::QueryByOutTradeNo => {
            own_mchid(sandbox, query_value(input.query, "mchid"), "query")?;
            let ledger = sandbox.ledger();
            ledger
                .order(placeholder)
                .map(|order| Some(order.transaction()))
                .ok_or_else(Problem::order_not_exist)
        }
        Operation::Close => {
            let body = checked_body(sandbox, bodies::CLOSE, input)?;
            own_mchid(sandbox, body["mchid"].as_str().map(str::to_owned), "body")?;
            sandbox.ledger().close(placeholder)?;
            sandbox.announce(
                json!({ "change": "order", "out_trade_no": placeholder, "state": "CLOSED" }),
            );
            Ok(None)
        }
        Operation::Refund => {
            let body = checked_body(sandbox, bodies::REFUND, input)?;
            if let Some(url) = body["notify_url"].as_str() {
                check_notify_url(url)?;
            }
            let (refund, new) = sandbox.ledger().refund(body)?;
            if new {
                notifications::process_refund(sandbox, &refund);
            }
            Ok(Some(refund.answer()))
        }
        Operation::QueryRefund => {
            let ledger = sandbox.ledger();
            ledger
                .refunds
                .get(placeholder)
                .map(|refund| Some(refund.answer()))
                .ok_or_else(|| Problem::not_found("退款单不存在"))
        }
        Operation::Certificates => certificates(sandbox, input).map(Some),
    }
}

fn prepay(sandbox: &Arc<Sandbox>, trade_type: TradeType, input: &Input) -> Result<Value, Problem> {
    let fields = match trade_type {
        TradeType::Jsapi => bodies::JSAPI,
        TradeType::App => bodies::APP,
        TradeType::H5 => bodies::H5,
        TradeType::Native => bodies::NATIVE,
    };
    let body = checked_body(sandbox, fields, input)?;
    own_mchid(sandbox, body["mchid"].as_str().map(str::to_owned), "body")?;
    if body["appid"] != sandbox.merchant.appid.as_str() {
        return Err(Problem::appid_mismatch());
    }
    check_notify_url(body["notify_url"].as_str().unwrap_or_default())?;
    let mut ledger = sandbox.ledger();
    let order = ledger.place(Order::new(trade_type, body, input.asked))?;
    sandbox.announce(json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": order.state.name() }));
    Ok(match trade_type {
        TradeType::Jsapi | TradeType::App => json!({ "prepay_id": order.prepay_id }),
        TradeType::Native => json!({ "code_url": cashier::link(sandbox, order) }),
        // With a query already, so that a shop can append `&redirect_url=`.
        TradeType::H5 => {
            json!({ "h5_url": format!("{}?prepay_id={}", cashier::link(sandbox, order), order.prepay_id) })
        }
    })
}

fn certificates(sandbox: &Sandbox, input: &Input) -> Result<Value, Problem> {
    if !sandbox.settings().certificates {
        return Err(Problem::not_found(
            "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥",
        ));
    }
    match query_value(input.query, "algorithm_type").as_deref() {
        None | Some("RSA" | "ALL") => {}
        Some("SM2") => return Err(Problem::not_found("无可用的国密平台证书")),
        Some(other) => {
            return Err(Problem::parameter(
                "query",
                "algorithm_type",
                Some(&other.into()),
                "须为RSA、SM2、ALL之一 (not an allowed value)",
            ));
        }
    }
    let ring = sandbox.ring();
    let data: Vec<Value> = ring
        .valid()
        .map(|certificate| {
            let nonce = random_text(12);
            json!({
                "serial_no": certificate.serial,
                "effective_time": clock::rfc3339(certificate.effective),
                "expire_time": clock::rfc3339(certificate.expires),
                "encrypt_certificate": {
                    "algorithm": "AEAD_AES_256_GCM",
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": seal(&sandbox.merchant.apiv3_key, &nonce, "certificate", certificate.pem.as_bytes()),
                },
            })
        })
        .collect();
    Ok(json!({ "data": data }))
}

fn checked_body(sandbox: &Sandbox, fields: &[Field], input: &Input) -> Result<Value, Problem> {
    let mut body = serde_json::from_slice(input.body).map_err(|_| {
        Problem::parameter("body", "/", None, "请求体不是合法的JSON (not valid JSON)")
    })?;
    fields::check(fields, &mut body, &|sealed| {
        signing::open_field(sandbox, input.field_key.as_deref(), sealed)
    })?;
    Ok(body)
}

fn own_mchid(sandbox: &Sandbox, mchid: Option<String>, location: &str) -> Result<(), Problem> {
    match mchid {
        None => Err(Problem::parameter(
            location,
            "mchid",
            None,
            "必填参数缺失 (required)",
        )),
        Some(mchid) if mchid == sandbox.merchant.mchid => Ok(()),
        Some(_) => Err(Problem::foreign_merchant()),
    }
}

fn check_notify_url(url: &str) -> Result<(), Problem> {
    loopback::target(url)
        .map(drop)
        .map_err(|issue| Problem::parameter("body", "/notify_url", Some(&url.into()), &issue))
}

fn query_value(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_find_their_operation_and_its_decoded_placeholder() {
        let call = route(
            &Method::GET,
            "/v3/pay/transactions/out-trade-no/order%7C0001",
        )
        .ok()
        .unwrap();
        assert_eq!(
            (call.operation, call.placeholder.as_deref()),
            (Operation::QueryByOutTradeNo, Some("order|0001"))
        );
        assert_eq!(route(&Method::DELETE, "/v3/certificates").err(), Some(true));
        for unknown in [
            "/v3/certificates/",
            "/v3/pay/transactions/id/",
            "/v3/pay/transactions",
            "/v4/certificates",
        ] {
            assert_eq!(route(&Method::GET, unknown).err(), Some(false));
        }
    }
}
