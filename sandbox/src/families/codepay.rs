//! `/v3/pay/transactions/codepay`: the shop scans the code on a buyer's screen. The screen is the page `/buyer`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::bodies;
use super::partner::check_parties;
use crate::alipay;
use crate::books::{Account, Cause};
use crate::cashier;
use crate::clock;
use crate::crypto::random_digits;
use crate::keys::MERCHANT_NAME;
use crate::operations::{Input, Operation, Reply, operation, own_appid, own_mchid};
use crate::orders::{Ledger, Order, TradeState, TradeType, key};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/pay/transactions/codepay", |sandbox, input| {
        let body = input.checked_body(sandbox, bodies::CODEPAY)?;
        own_mchid(sandbox, &body["mchid"])?;
        own_appid(sandbox, &body["appid"])?;
        pay(sandbox, body, input)
    }),
    operation(
        "POST /v3/pay/partner/transactions/codepay",
        |sandbox, input| {
            let body = input.checked_body(sandbox, bodies::PARTNER_CODEPAY)?;
            check_parties(sandbox, &body)?;
            pay(sandbox, body, input)
        },
    ),
    operation(
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse",
        |sandbox, input| {
            let body = input.checked_body(sandbox, bodies::REVERSE)?;
            own_mchid(sandbox, &body["mchid"])?;
            own_appid(sandbox, &body["appid"])?;
            reverse(sandbox, body, input)
        },
    ),
    operation(
        "POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse",
        |sandbox, input| {
            let body = input.checked_body(sandbox, bodies::PARTNER_REVERSE)?;
            check_parties(sandbox, &body)?;
            reverse(sandbox, body, input)
        },
    ),
];

/// How long a code may be scanned: a minute, as on the phone.
const CODE_LIFETIME: Duration = Duration::seconds(60);
/// From here on the provider always asks for the password: ¥1000.
const PASSWORD_FROM_FEN: i64 = 100_000;
const REVERSIBLE_FOR: Duration = Duration::days(7);

/// What a buyer shows, by the eighteen digits.
pub type Codes = HashMap<String, Code>;

#[derive(Clone)]
pub struct Code {
    created: OffsetDateTime,
    asks_password: bool,
    /// The order that it was scanned for.
    order: Option<String>,
}

fn pay(sandbox: &Arc<Sandbox>, body: Value, input: &Input) -> Result<Reply, Problem> {
    let auth_code = body["payer"]["auth_code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    check_code(&auth_code)?;
    let order = Order::new(TradeType::Codepay, body, input.asked);
    let (order, password) = {
        let mut ledger = sandbox.ledger();
        // A repetition is answered from the order; only a new order uses the code up.
        if ledger.order(&order.key).is_none() {
            scan(&mut ledger.families.codes, &auth_code, &order.key)?;
        }
        let order = ledger.place(order)?.clone();
        let asks = ledger
            .families
            .codes
            .get(&auth_code)
            .is_some_and(|code| code.asks_password);
        let password = asks || order.total > PASSWORD_FROM_FEN;
        if let Some(order) = ledger.order_mut(&order.key).filter(|_| password) {
            order.state = TradeState::UserPaying;
        }
        (order, password)
    };
    if !password {
        return cashier::pay(sandbox, &order.key).map(Reply::from);
    }
    sandbox.announce(
        json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": "USERPAYING" }),
    );
    let ledger = sandbox.ledger();
    let order = ledger.order(&order.key).unwrap_or(&order);
    Ok(order.transaction().into())
}

/// What APIv2 does with a code after it has placed the order: a code that is on the buyer's screen asks for
/// the password as it does here; any other pays at once.
pub fn scanned(sandbox: &Arc<Sandbox>, order: &Order, auth_code: &str) -> Result<Order, Problem> {
    let mut ledger = sandbox.ledger();
    let known = ledger.families.codes.get(auth_code).cloned();
    if known.as_ref().is_some_and(|code| code.order.is_none()) {
        scan(&mut ledger.families.codes, auth_code, &order.key)?;
    }
    let password = known.is_some_and(|code| code.asks_password) || order.total > PASSWORD_FROM_FEN;
    if password && ledger.families.codes.contains_key(auth_code) {
        let order = ledger
            .order_mut(&order.key)
            .ok_or_else(Problem::order_not_exist)?;
        order.state = TradeState::UserPaying;
        return Ok(order.clone());
    }
    drop(ledger);
    cashier::pay(sandbox, &order.key)?;
    let ledger = sandbox.ledger();
    ledger
        .order(&order.key)
        .cloned()
        .ok_or_else(Problem::order_not_exist)
}

/// Eighteen digits that begin with 10 to 15.
fn check_code(code: &str) -> Result<(), Problem> {
    let digits = code.len() == 18 && code.bytes().all(|byte| byte.is_ascii_digit());
    match digits && code.starts_with('1') && code.as_bytes()[1] <= b'5' {
        true => Ok(()),
        false => Err(Problem::parameter(
            "body",
            "/payer/auth_code",
            Some(&code.into()),
            "须为以10-15开头的18位数字 (must be 18 digits that begin with 10 to 15)",
        )),
    }
}

fn scan(codes: &mut Codes, auth_code: &str, order_key: &str) -> Result<(), Problem> {
    let refused = |code, message| Err(Problem::coded(StatusCode::BAD_REQUEST, code, message));
    let Some(code) = codes.get_mut(auth_code) else {
        return refused("AUTH_CODE_INVALID", "付款码无效，请扫描微信付款码");
    };
    if code.order.is_some() {
        return refused("AUTH_CODE_INVALID", "付款码已被使用，请用户刷新后重试");
    }
    if clock::now() - code.created > CODE_LIFETIME {
        return refused("AUTH_CODE_EXPIRED", "付款码已过期，请用户刷新后重试");
    }
    code.order = Some(order_key.to_owned());
    Ok(())
}

/// Takes an order back: what is unpaid is closed, what is paid goes back at once.
fn reverse(sandbox: &Arc<Sandbox>, body: Value, input: &Input) -> Result<Reply, Problem> {
    let out_trade_no = input.placeholder("out_trade_no");
    let order_key = key(body["sub_mchid"].as_str(), out_trade_no);
    sandbox.ledger().revoke(&order_key)?;
    sandbox
        .announce(json!({ "change": "order", "out_trade_no": out_trade_no, "state": "REVOKED" }));
    let mut answer = body;
    answer["out_trade_no"] = out_trade_no.into();
    Ok(answer.into())
}

impl Ledger {
    pub fn revoke(&mut self, order_key: &str) -> Result<(), Problem> {
        let order = self
            .order(order_key)
            .cloned()
            .ok_or_else(Problem::order_not_exist)?;
        if order.trade_type != TradeType::Codepay {
            return Err(Problem::request(268435477, "只有付款码订单支持撤销"));
        }
        match order.state {
            TradeState::Revoked => return Ok(()),
            TradeState::Closed => return Err(Problem::order_closed()),
            TradeState::Refund => {
                return Err(Problem::request(268435478, "订单已发生退款，不能撤销"));
            }
            TradeState::NotPay | TradeState::UserPaying | TradeState::PayError => {}
            TradeState::Success => {
                let paid = order.payment.as_ref().map(|payment| payment.at);
                if paid.is_some_and(|at| clock::now() - at > REVERSIBLE_FOR) {
                    return Err(Problem::request(268435479, "订单已超过7天，不能撤销"));
                }
                let cause = Cause {
                    name: "退款",
                    kind: "撤销",
                    number: order
                        .payment
                        .as_ref()
                        .map_or_else(String::new, |payment| payment.transaction_id.clone()),
                    voucher: order.out_trade_no.clone(),
                    remark: String::new(),
                };
                let moves = vec![
                    (Account::Frozen(order.payee.clone()), -order.frozen),
                    (
                        Account::basic(&order.payee),
                        order.frozen + order.fee - order.total,
                    ),
                    (Account::Fees, -order.fee),
                    (Account::Buyers, order.total),
                ];
                self.books.post(cause, moves)?;
            }
        }
        if let Some(order) = self.order_mut(order_key) {
            order.state = TradeState::Revoked;
            order.frozen = 0;
        }
        Ok(())
    }
}

/// `POST /sandbox/buyer/codes`: a fresh code on the buyer's screen, and whether he wants to be asked.
pub async fn fresh(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Response {
    let wish: Value = serde_json::from_slice(&body).unwrap_or_default();
    if wish["provider"] == "alipay" {
        return alipay::buyer::fresh(&sandbox, &wish);
    }
    let auth_code = format!("13{}", random_digits(16));
    let code = Code {
        created: clock::now(),
        asks_password: wish["asks_password"] == true,
        order: None,
    };
    let mut ledger = sandbox.ledger();
    let codes = &mut ledger.families.codes;
    // What nobody scanned in time is of no use to anybody.
    codes.retain(|_, code| code.order.is_some() || clock::now() - code.created < CODE_LIFETIME * 5);
    codes.insert(auth_code.clone(), code);
    (
        StatusCode::CREATED,
        Json(json!({ "auth_code": auth_code, "expires_in_s": CODE_LIFETIME.whole_seconds() })),
    )
        .into_response()
}

/// `GET /sandbox/buyer/codes/{code}`: what the buyer's screen shows.
pub async fn look(State(sandbox): State<Arc<Sandbox>>, Path(auth_code): Path<String>) -> Response {
    if alipay::buyer::is_code(&auth_code) {
        return alipay::buyer::look(&sandbox, &auth_code);
    }
    let ledger = sandbox.ledger();
    let Some(code) = ledger.families.codes.get(&auth_code) else {
        return (StatusCode::NOT_FOUND, Json(json!({ "state": "unknown" }))).into_response();
    };
    let order = code.order.as_deref().and_then(|key| ledger.order(key));
    let Some(order) = order else {
        let expired = clock::now() - code.created > CODE_LIFETIME;
        let state = if expired { "expired" } else { "waiting" };
        return Json(json!({ "state": state, "asks_password": code.asks_password }))
            .into_response();
    };
    let state = match order.state {
        TradeState::UserPaying | TradeState::NotPay => "paying",
        TradeState::Success | TradeState::Refund => "paid",
        TradeState::PayError => "declined",
        TradeState::Revoked => "reversed",
        TradeState::Closed => "closed",
    };
    Json(json!({
        "state": state,
        "merchant": MERCHANT_NAME,
        "description": order.description(),
        "amount_fen": order.total,
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.payment.as_ref().map(|payment| payment.transaction_id.as_str()),
        "paid_at": order.payment.as_ref().map(|payment| clock::rfc3339(payment.at)),
    }))
    .into_response()
}

/// `POST /sandbox/buyer/codes/{code}/confirm` with any six digits as the password.
pub async fn confirm(
    State(sandbox): State<Arc<Sandbox>>,
    Path(auth_code): Path<String>,
    body: Bytes,
) -> Response {
    let wish: Value = serde_json::from_slice(&body).unwrap_or_default();
    let password = wish["password"].as_str().unwrap_or_default();
    if password.len() != 6 || !password.bytes().all(|byte| byte.is_ascii_digit()) {
        let error = "password: 须为六位数字 (must be six digits)";
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    alipay::buyer::confirm(&sandbox, &auth_code);
    if let Some(order) = asked_for(&sandbox, &auth_code) {
        // If it cannot be paid any more, the screen says why.
        let _ = cashier::pay(&sandbox, &order);
    }
    look(State(sandbox), Path(auth_code)).await
}

/// `POST /sandbox/buyer/codes/{code}/decline`
pub async fn decline(
    State(sandbox): State<Arc<Sandbox>>,
    Path(auth_code): Path<String>,
) -> Response {
    alipay::buyer::decline(&sandbox, &auth_code);
    if let Some(order) = asked_for(&sandbox, &auth_code) {
        if let Some(order) = sandbox.ledger().order_mut(&order) {
            order.state = TradeState::PayError;
        }
        sandbox.announce(json!({ "change": "order", "state": "PAYERROR" }));
    }
    look(State(sandbox), Path(auth_code)).await
}

/// The order whose buyer is being asked for the password.
fn asked_for(sandbox: &Sandbox, auth_code: &str) -> Option<String> {
    let ledger = sandbox.ledger();
    let key = ledger.families.codes.get(auth_code)?.order.clone()?;
    let order = ledger.order(&key)?;
    (order.state == TradeState::UserPaying).then_some(key)
}
