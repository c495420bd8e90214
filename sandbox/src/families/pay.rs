//! `/v3/pay/transactions`: a merchant's own orders.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bodies;
use crate::cashier;
use crate::operations::{
    Input, Operation, Reply, check_notify_url, operation, own_appid, own_mchid,
};
use crate::orders::{Order, TradeType};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/pay/transactions/jsapi", |sandbox, input| {
        prepay(sandbox, TradeType::Jsapi, input)
    }),
    operation("POST /v3/pay/transactions/app", |sandbox, input| {
        prepay(sandbox, TradeType::App, input)
    }),
    operation("POST /v3/pay/transactions/h5", |sandbox, input| {
        prepay(sandbox, TradeType::H5, input)
    }),
    operation("POST /v3/pay/transactions/native", |sandbox, input| {
        prepay(sandbox, TradeType::Native, input)
    }),
    operation(
        "GET /v3/pay/transactions/id/{transaction_id}",
        query_by_transaction_id,
    ),
    operation(
        "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
        query_by_out_trade_no,
    ),
    operation(
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        close,
    ),
];

fn prepay(sandbox: &Arc<Sandbox>, trade_type: TradeType, input: &Input) -> Result<Reply, Problem> {
    let fields = match trade_type {
        TradeType::Jsapi => bodies::JSAPI,
        TradeType::App => bodies::APP,
        TradeType::H5 => bodies::H5,
        TradeType::Native | TradeType::Codepay | TradeType::Deducted => bodies::NATIVE,
    };
    let body = input.checked_body(sandbox, fields)?;
    own_mchid(sandbox, &body["mchid"])?;
    own_appid(sandbox, &body["appid"])?;
    check_notify_url(&body)?;
    place(sandbox, Order::new(trade_type, body, input.asked))
        .map(|order| prepaid(sandbox, &order).into())
}

/// Takes an order into the ledger, or finds it there.
pub fn place(sandbox: &Sandbox, order: Order) -> Result<Order, Problem> {
    let order = sandbox.ledger().place(order)?.clone();
    sandbox.announce(json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": order.state.name() }));
    Ok(order)
}

pub fn prepaid(sandbox: &Sandbox, order: &Order) -> Value {
    way_to_cashier(sandbox, order.trade_type, &order.prepay_id, &order.token)
}

/// What the shop needs to show its buyer the cashier.
pub fn way_to_cashier(
    sandbox: &Sandbox,
    trade_type: TradeType,
    prepay_id: &str,
    token: &str,
) -> Value {
    match trade_type {
        TradeType::Jsapi | TradeType::App | TradeType::Deducted => {
            json!({ "prepay_id": prepay_id })
        }
        TradeType::Native | TradeType::Codepay => {
            json!({ "code_url": cashier::link(sandbox, token) })
        }
        // With a query already, so that a shop can append `&redirect_url=`.
        TradeType::H5 => {
            json!({ "h5_url": format!("{}?prepay_id={prepay_id}", cashier::link(sandbox, token)) })
        }
    }
}

fn query_by_transaction_id(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    own_mchid(sandbox, &input.required_query("mchid")?.into())?;
    sandbox
        .ledger()
        .by_transaction(input.placeholder("transaction_id"))
        .filter(|order| !order.is_partner())
        .map(|order| order.transaction().into())
        .ok_or_else(Problem::order_not_exist)
}

fn query_by_out_trade_no(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    own_mchid(sandbox, &input.required_query("mchid")?.into())?;
    sandbox
        .ledger()
        .order(input.placeholder("out_trade_no"))
        .map(|order| order.transaction().into())
        .ok_or_else(Problem::order_not_exist)
}

fn close(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, bodies::CLOSE)?;
    own_mchid(sandbox, &body["mchid"])?;
    let out_trade_no = input.placeholder("out_trade_no");
    sandbox.ledger().close(out_trade_no)?;
    sandbox.announce(json!({ "change": "order", "out_trade_no": out_trade_no, "state": "CLOSED" }));
    Ok(Reply::Nothing)
}
