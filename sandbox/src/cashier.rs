//! The cashier: the page where a person pays an order.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::alipay;
use crate::clock;
use crate::families::{combine, sharing};
use crate::keys::MERCHANT_NAME;
use crate::notifications;
use crate::orders::{Order, Payable};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

/// The address of the cashier for what bears this token: an order, or several combined.
pub fn link(sandbox: &Sandbox, token: &str) -> String {
    format!("{}/cashier/{token}", sandbox.address)
}

/// What the page shows.
pub async fn state(State(sandbox): State<Arc<Sandbox>>, Path(token): Path<String>) -> Response {
    if let Some(view) = alipay::cashier_state(&sandbox, &token) {
        return Json(view).into_response();
    }
    let ledger = sandbox.ledger();
    let view = match ledger.by_token(&token) {
        Some(order) => Some(view(order)),
        None => ledger
            .combined_by_token(&token)
            .map(|combined| combined.cashier_view(&ledger)),
    };
    match view {
        Some(view) => Json(view).into_response(),
        None => (StatusCode::NOT_FOUND, Json(json!({ "state": "unknown" }))).into_response(),
    }
}

/// The button. Answers with the order as it then is, also when it could not be paid any more.
pub async fn pay_button(
    State(sandbox): State<Arc<Sandbox>>,
    Path(token): Path<String>,
) -> Response {
    let (order, combined) = {
        let ledger = sandbox.ledger();
        (
            ledger.by_token(&token).map(|order| order.key.clone()),
            ledger
                .combined_by_token(&token)
                .map(|combined| combined.number.clone()),
        )
    };
    // A refusal (paid, closed, expired) is what the returned state says.
    if let Some(key) = order {
        let _ = pay(&sandbox, &key);
    } else if let Some(number) = combined {
        let _ = combine::pay(&sandbox, &number);
    } else {
        alipay::pay_button(&sandbox, &token);
    }
    state(State(sandbox), Path(token)).await
}

/// Pays an order and sends its notification. Of a combined order, all is paid.
pub fn pay(sandbox: &Arc<Sandbox>, key: &str) -> Result<Value, Problem> {
    let combined = sandbox
        .ledger()
        .order(key)
        .and_then(|order| order.combined.clone());
    if let Some(number) = combined {
        return combine::pay(sandbox, &number);
    }
    let order = sandbox.ledger().pay(key)?.clone();
    sharing::unfreeze_in_time(sandbox, &order);
    sandbox.announce(json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": order.state.name() }));
    notifications::transaction_succeeded(sandbox, &order);
    Ok(order.transaction())
}

pub fn state_word(payable: Payable) -> &'static str {
    match payable {
        Payable::Open => "open",
        Payable::Paid => "paid",
        Payable::Closed => "closed",
        Payable::Expired => "expired",
    }
}

fn view(order: &Order) -> Value {
    json!({
        "merchant": MERCHANT_NAME,
        "description": order.description(),
        "amount_fen": order.total,
        "out_trade_no": order.out_trade_no,
        "trade_type": order.trade_type.name(),
        "state": state_word(order.payable(clock::now())),
        "transaction_id": order.payment.as_ref().map(|payment| payment.transaction_id.as_str()),
        "paid_at": order.payment.as_ref().map(|payment| clock::rfc3339(payment.at)),
    })
}
