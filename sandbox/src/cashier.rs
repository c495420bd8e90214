//! The cashier: the page where a person pays an order.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock;
use crate::keys::MERCHANT_NAME;
use crate::notifications;
use crate::orders::{Order, Payable};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

/// The address of an order's cashier.
pub fn link(sandbox: &Sandbox, order: &Order) -> String {
    format!("{}/cashier/{}", sandbox.address, order.token)
}

/// What the page shows.
pub async fn state(State(sandbox): State<Arc<Sandbox>>, Path(token): Path<String>) -> Response {
    match sandbox.ledger().by_token(&token) {
        Some(order) => Json(view(order)).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "state": "unknown" }))).into_response(),
    }
}

/// The button. Answers with the order as it then is, also when it could not be paid any more.
pub async fn pay_button(
    State(sandbox): State<Arc<Sandbox>>,
    Path(token): Path<String>,
) -> Response {
    let out_trade_no = sandbox
        .ledger()
        .by_token(&token)
        .map(|order| order.out_trade_no.clone());
    if let Some(number) = out_trade_no {
        // A refusal (paid, closed, expired) is what the returned state says.
        let _ = pay(&sandbox, &number);
    }
    state(State(sandbox), Path(token)).await
}

/// Pays an order and sends its notification.
pub fn pay(sandbox: &Arc<Sandbox>, out_trade_no: &str) -> Result<Value, Problem> {
    let order = sandbox.ledger().pay(out_trade_no)?.clone();
    sandbox.announce(json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": order.state.name() }));
    notifications::transaction_succeeded(sandbox, &order);
    Ok(order.transaction())
}

fn view(order: &Order) -> Value {
    let state = match order.payable(clock::now()) {
        Payable::Open => "open",
        Payable::Paid => "paid",
        Payable::Closed => "closed",
        Payable::Expired => "expired",
    };
    json!({
        "merchant": MERCHANT_NAME,
        "description": order.description(),
        "amount_fen": order.total,
        "out_trade_no": order.out_trade_no,
        "trade_type": order.trade_type.name(),
        "state": state,
        "transaction_id": order.payment.as_ref().map(|payment| payment.transaction_id.as_str()),
        "paid_at": order.payment.as_ref().map(|payment| clock::rfc3339(payment.at)),
    })
}
