//! What a person has agreed to before and is taken without asking again: PayScore's collections, contracts, parking.
//! The payment is an order like any other, so that it is in the books and can be refunded.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::sharing;
use crate::orders::{Ledger, Order, TradeState};
use crate::problem::Problem;
use crate::sandbox::{Deductions, Sandbox};

/// How long the platform works on it, at speed 1.
pub const PROCESSING: Duration = Duration::from_secs(1);

/// Whether the platform finds money to take, as the settings say.
pub fn funded(sandbox: &Sandbox) -> Result<(), Problem> {
    match sandbox.settings().deductions {
        Deductions::Succeed => Ok(()),
        Deductions::Fail => Err(Problem::coded(
            StatusCode::FORBIDDEN,
            "NOT_ENOUGH",
            "用户账户余额不足，扣款失败",
        )),
    }
}

/// Takes the money: the order is placed and paid at once.
pub fn take(ledger: &mut Ledger, order: Order) -> Result<Order, Problem> {
    let key = order.key.clone();
    ledger.place(order)?;
    ledger.pay(&key).cloned()
}

/// What follows when the ledger is free again.
pub fn taken(sandbox: &Arc<Sandbox>, paid: &Order) {
    sharing::unfreeze_in_time(sandbox, paid);
    sandbox.announce(
        json!({ "change": "order", "out_trade_no": paid.out_trade_no, "state": paid.state.name() }),
    );
}

/// There is no money: the order stays, and can never be paid.
pub fn fail(ledger: &mut Ledger, order: Order) -> Result<Order, Problem> {
    let key = order.key.clone();
    ledger.place(order)?;
    let order = ledger
        .order_mut(&key)
        .ok_or_else(Problem::order_not_exist)?;
    order.state = TradeState::PayError;
    Ok(order.clone())
}
