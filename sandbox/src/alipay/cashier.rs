//! The cashier of a trade. It is the same page as WeChat Pay's, in other colours.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

use super::agreement;
use super::certify;
use super::freeze;
use super::money::yuan;
use super::notices::return_address;
use super::pay::{announce, has_paid, payment};
use super::trade::{Product, Trade};

pub fn link(sandbox: &Sandbox, token: &str) -> String {
    format!("{}/cashier/{token}", sandbox.address)
}

/// What the page shows, if anything of Alipay's bears this token: a trade, a freeze, an agreement.
pub fn state(sandbox: &Sandbox, token: &str) -> Option<Value> {
    if let Some(view) = trade_state(sandbox, token) {
        return Some(view);
    }
    let mut state = sandbox.alipay.state();
    if let Some(freeze) = state.freeze_by_token(token) {
        return Some(freeze.view());
    }
    if let Some(view) = certify::view(&mut state, token) {
        return Some(view);
    }
    let agreement = state.agreement_by_token(token)?.clone();
    drop(state);
    Some(agreement.view(sandbox))
}

/// To look at a trade is to be its buyer: it then exists.
fn trade_state(sandbox: &Sandbox, token: &str) -> Option<Value> {
    let (trade, new) = {
        let mut state = sandbox.alipay.state();
        let trade = state.by_token(token)?;
        let new = trade.trade_no.is_none() && trade.closed.is_none();
        if new {
            trade.seen();
        }
        (trade.clone(), new)
    };
    if new {
        announce(sandbox, &trade.out_trade_no, trade.status);
    }
    Some(view(sandbox, &trade))
}

/// The button.
pub fn pay_button(sandbox: &Arc<Sandbox>, token: &str) {
    let paid = {
        let mut state = sandbox.alipay.state();
        let trade = state.by_token(token);
        // A refusal (paid, closed, expired) is what the page then says.
        trade.and_then(|trade| trade.pay(sandbox).is_ok().then(|| trade.clone()))
    };
    match paid {
        Some(trade) => has_paid(sandbox, &trade),
        None => {
            freeze::authorize(sandbox, token);
            agreement::agree(sandbox, token);
            certify::pass(sandbox, token);
        }
    }
}

fn view(sandbox: &Sandbox, trade: &Trade) -> Value {
    let mut view = trade.view();
    if trade.is_paid() {
        view["return_url"] = return_address(sandbox, trade).into();
    }
    view
}

/// What Alipay's app hands back to the app that asked it to pay.
pub fn app_result(sandbox: &Sandbox, trade: &Trade) -> Option<Value> {
    if trade.product != Product::App || !trade.is_paid() {
        return None;
    }
    let node = json!({
        "code": "10000",
        "msg": "Success",
        "app_id": sandbox.alipay.app.id,
        "auth_app_id": trade.party.auth_app_id,
        "charset": trade.style.charset.name(),
        "timestamp": payment(trade)["gmt_payment"],
        "out_trade_no": trade.out_trade_no,
        "trade_no": trade.number(),
        "total_amount": yuan(trade.total),
        "seller_id": trade.party.seller,
    });
    let root = "alipay_trade_app_pay_response";
    let envelope = super::envelope::seal(
        sandbox,
        trade.style,
        root,
        &node,
        crate::signing::Spoiling::None,
    );
    // A member of its own follows the signature, as the app has it.
    let text = trade.style.charset.decode(&envelope.bytes);
    let sign_type = trade.style.sign_type.name();
    let text = format!(
        "{},\"sign_type\":\"{sign_type}\"}}",
        text.trim_end_matches('}')
    );
    Some(json!({ "resultStatus": "9000", "memo": "", "result": text }))
}
