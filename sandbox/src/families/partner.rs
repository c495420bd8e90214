//! `/v3/pay/partner/transactions`: orders that a service provider makes for its sub-merchants. The merchant
//! of this sandbox is the service provider; any other number of eight to ten digits is a sub-merchant.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bodies;
use super::pay::{place, prepaid};
use crate::operations::{
    Input, Operation, Reply, check_notify_url, operation, own_appid, own_mchid,
};
use crate::orders::{Order, TradeType, key};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation(
        "POST /v3/pay/partner/transactions/jsapi",
        |sandbox, input| prepay(sandbox, TradeType::Jsapi, input),
    ),
    operation(
        "POST /v3/pay/partner/transactions/miniprogram",
        |sandbox, input| prepay(sandbox, TradeType::Jsapi, input),
    ),
    operation("POST /v3/pay/partner/transactions/app", |sandbox, input| {
        prepay(sandbox, TradeType::App, input)
    }),
    operation("POST /v3/pay/partner/transactions/h5", |sandbox, input| {
        prepay(sandbox, TradeType::H5, input)
    }),
    operation(
        "POST /v3/pay/partner/transactions/native",
        |sandbox, input| prepay(sandbox, TradeType::Native, input),
    ),
    operation(
        "GET /v3/pay/partner/transactions/id/{transaction_id}",
        query_by_transaction_id,
    ),
    operation(
        "GET /v3/pay/partner/transactions/out-trade-no/{out_trade_no}",
        query_by_out_trade_no,
    ),
    operation(
        "POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close",
        close,
    ),
];

fn prepay(sandbox: &Arc<Sandbox>, trade_type: TradeType, input: &Input) -> Result<Reply, Problem> {
    let fields = match trade_type {
        TradeType::Jsapi => bodies::PARTNER_JSAPI,
        TradeType::App => bodies::PARTNER_APP,
        TradeType::H5 => bodies::PARTNER_H5,
        TradeType::Native | TradeType::Codepay | TradeType::Deducted => bodies::PARTNER_NATIVE,
    };
    let body = input.checked_body(sandbox, fields)?;
    check_parties(sandbox, &body)?;
    if trade_type == TradeType::Jsapi {
        check_payer(&body)?;
    }
    check_notify_url(&body)?;
    place(sandbox, Order::new(trade_type, body, input.asked))
        .map(|order| prepaid(sandbox, &order).into())
}

/// The service provider must be the signer, the sub-merchant somebody else.
pub fn check_parties(sandbox: &Sandbox, body: &Value) -> Result<(), Problem> {
    own_mchid(sandbox, &body["sp_mchid"])?;
    if body["sp_appid"].is_string() {
        own_appid(sandbox, &body["sp_appid"])?;
    }
    check_sub_mchid(sandbox, body["sub_mchid"].as_str().unwrap_or_default())
}

pub fn check_sub_mchid(sandbox: &Sandbox, sub_mchid: &str) -> Result<(), Problem> {
    let number =
        (8..=10).contains(&sub_mchid.len()) && sub_mchid.bytes().all(|byte| byte.is_ascii_digit());
    match number && sub_mchid != sandbox.merchant.mchid {
        true => Ok(()),
        false => Err(Problem::no_auth("特约商户号未授权服务商的产品权限")),
    }
}

fn check_payer(body: &Value) -> Result<(), Problem> {
    let payer = &body["payer"];
    let missing = |field, issue| Err(Problem::parameter("body", field, None, issue));
    match (
        payer["sp_openid"].is_string(),
        payer["sub_openid"].is_string(),
    ) {
        (false, false) => missing(
            "/payer/sp_openid",
            "sp_openid和sub_openid二选一 (one of both is required)",
        ),
        (_, true) if !body["sub_appid"].is_string() => missing(
            "/sub_appid",
            "传sub_openid时必填 (required with sub_openid)",
        ),
        _ => Ok(()),
    }
}

/// The order of the parties that a query names; nobody else's is told.
fn own_order(
    sandbox: &Sandbox,
    input: &Input,
    find: impl Fn(&crate::orders::Ledger, &str) -> Option<Order>,
) -> Result<Order, Problem> {
    own_mchid(sandbox, &input.required_query("sp_mchid")?.into())?;
    let sub_mchid = input.required_query("sub_mchid")?;
    find(&sandbox.ledger(), &sub_mchid)
        .filter(|order| order.is_partner() && order.payee == sub_mchid)
        .ok_or_else(Problem::order_not_exist)
}

fn query_by_transaction_id(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let id = input.placeholder("transaction_id");
    own_order(sandbox, input, |ledger, _| {
        ledger.by_transaction(id).cloned()
    })
    .map(|order| order.transaction().into())
}

fn query_by_out_trade_no(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let number = input.placeholder("out_trade_no");
    own_order(sandbox, input, |ledger, sub_mchid| {
        ledger.order(&key(Some(sub_mchid), number)).cloned()
    })
    .map(|order| order.transaction().into())
}

fn close(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, bodies::PARTNER_CLOSE)?;
    check_parties(sandbox, &body)?;
    let out_trade_no = input.placeholder("out_trade_no");
    sandbox
        .ledger()
        .close(&key(body["sub_mchid"].as_str(), out_trade_no))?;
    sandbox.announce(json!({ "change": "order", "out_trade_no": out_trade_no, "state": "CLOSED" }));
    Ok(Reply::Nothing)
}
