//! The payment code on the buyer's screen. The screen is the page `/buyer?provider=alipay`.

use std::sync::Arc;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::Duration;

use crate::clock;
use crate::crypto::random_digits;
use crate::sandbox::Sandbox;

use super::pay::{announce, has_paid};
use super::refusal::Refusal;
use super::state::{Code, State};
use super::trade::{Status, Trade};

/// How long a code may be scanned.
const LIFETIME: Duration = Duration::seconds(60);
/// Above this the buyer is always asked for the password.
pub const PASSWORD_FROM_FEN: i64 = 100_000;

/// Whether digits are one of Alipay's codes: 16 to 24 that begin with 25 to 30.
pub fn is_code(digits: &str) -> bool {
    let length = (16..=24).contains(&digits.len());
    let first = digits.get(..2).and_then(|first| first.parse::<u8>().ok());
    length
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && first.is_some_and(|first| (25..=30).contains(&first))
}

fn invalid(words: &str) -> Refusal {
    Refusal::business("ACQ.PAYMENT_AUTH_CODE_INVALID", words)
}

/// Before an order is placed for it.
pub fn check(state: &State, digits: &str) -> Result<(), Refusal> {
    match is_code(digits) && state.codes.contains_key(digits) {
        true => Ok(()),
        false => Err(invalid(
            "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款",
        )),
    }
}

/// Uses a code up for the trade with that token.
pub fn scan(state: &mut State, digits: &str, token: &str) -> Result<Code, Refusal> {
    let code = state
        .codes
        .get_mut(digits)
        .ok_or_else(|| invalid("付款码无效"))?;
    match code.trade.as_deref() {
        // The same request once more.
        Some(other) if other == token => return Ok(code.clone()),
        Some(_) => return Err(invalid("付款码已被使用，请顾客刷新付款码后重试")),
        None if clock::now() - code.created > LIFETIME => {
            return Err(invalid("付款码已过期，请顾客刷新付款码后重试"));
        }
        None => code.trade = Some(token.to_owned()),
    }
    if code.poor {
        return Err(Refusal::business(
            "ACQ.BUYER_BALANCE_NOT_ENOUGH",
            "买家余额不足",
        ));
    }
    Ok(code.clone())
}

/// `POST /sandbox/buyer/codes` with `{"provider":"alipay"}`.
pub fn fresh(sandbox: &Sandbox, wish: &Value) -> Response {
    let digits = format!("28{}", random_digits(16));
    let code = Code {
        created: clock::now(),
        asks_password: wish["asks_password"] == true,
        poor: wish["poor"] == true,
        trade: None,
    };
    let mut state = sandbox.alipay.state();
    state
        .codes
        .retain(|_, code| code.trade.is_some() || clock::now() - code.created < LIFETIME * 5);
    state.codes.insert(digits.clone(), code);
    let answer = json!({ "auth_code": digits, "expires_in_s": LIFETIME.whole_seconds() });
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// What the buyer's screen shows.
pub fn look(sandbox: &Sandbox, digits: &str) -> Response {
    let mut state = sandbox.alipay.state();
    let Some(code) = state.codes.get(digits).cloned() else {
        return (StatusCode::NOT_FOUND, Json(json!({ "state": "unknown" }))).into_response();
    };
    let trade = code
        .trade
        .as_deref()
        .and_then(|token| state.by_token(token));
    let Some(trade) = trade else {
        let expired = clock::now() - code.created > LIFETIME;
        let state = if expired { "expired" } else { "waiting" };
        return Json(json!({ "state": state, "asks_password": code.asks_password }))
            .into_response();
    };
    let mut view = trade.view();
    view["state"] = match trade.status {
        Status::WaitBuyerPay => "paying",
        Status::Success | Status::Finished => "paid",
        Status::Closed if trade.paid.is_some() => "reversed",
        Status::Closed if trade.declined => "declined",
        Status::Closed => "closed",
    }
    .into();
    Json(view).into_response()
}

/// The password is right: any six digits are.
pub fn confirm(sandbox: &Arc<Sandbox>, digits: &str) {
    let paid = asked(sandbox, digits, |trade| {
        // If it cannot be paid any more, the screen says why.
        trade.pay(sandbox).is_ok().then(|| trade.clone())
    });
    if let Some(trade) = paid {
        has_paid(sandbox, &trade);
    }
}

/// The buyer does not want to: the trade is over.
pub fn decline(sandbox: &Arc<Sandbox>, digits: &str) {
    let closed = asked(sandbox, digits, |trade| {
        trade.declined = true;
        trade.close();
        Some(trade.clone())
    });
    if let Some(trade) = closed {
        announce(sandbox, &trade.out_trade_no, trade.status);
    }
}

fn asked(
    sandbox: &Sandbox,
    digits: &str,
    act: impl FnOnce(&mut Trade) -> Option<Trade>,
) -> Option<Trade> {
    let mut state = sandbox.alipay.state();
    let token = state.codes.get(digits)?.trade.clone()?;
    let trade = state.by_token(&token)?;
    if !trade.asks_password {
        return None;
    }
    act(trade)
}
