//! What APIv2 can be asked here. Each request becomes what APIv3 would have said, so that both share orders and refunds.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock;
use crate::families::codepay;
use crate::loopback;
use crate::notifications::process_refund;
use crate::orders::{Ledger, Order, SANDBOX_OPENID, TradeState, TradeType};
use crate::problem::Problem;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;
use crate::signing::Asked;

use super::xml::{Fields, field};
use super::{Reply, bills, own};

pub type Perform = fn(&Arc<Sandbox>, &Fields) -> Reply;

pub fn find(path: &str) -> Option<Perform> {
    Some(match path {
        "/pay/unifiedorder" => unified_order,
        "/pay/orderquery" => query_order,
        "/pay/closeorder" => close_order,
        "/pay/micropay" => micropay,
        "/secapi/pay/reverse" | "/pay/reverse" => reverse,
        "/secapi/pay/refund" | "/pay/refund" => refund,
        "/pay/refundquery" => query_refund,
        "/pay/downloadbill" => bills::trade,
        "/pay/downloadfundflow" => bills::fund_flow,
        super::SIGN_KEY => |_, _| Reply::Fields(Fields::new()), // answered before
        _ => return None,
    })
}

fn unified_order(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let trade_type = match field(request, "trade_type") {
        Some("JSAPI") if field(request, "openid").is_none() => {
            return refused("PARAM_ERROR", "JSAPI支付必须传openid");
        }
        Some("JSAPI") => TradeType::Jsapi,
        Some("APP") => TradeType::App,
        Some("MWEB") => TradeType::H5,
        Some("NATIVE") => TradeType::Native,
        _ => return refused("PARAM_ERROR", "trade_type参数错误"),
    };
    let Some(notify_url) = field(request, "notify_url") else {
        return refused("PARAM_ERROR", "缺少参数notify_url");
    };
    if let Err(issue) = loopback::target(notify_url) {
        return refused("PARAM_ERROR", &format!("notify_url: {issue}"));
    }
    let order = match placed(sandbox, trade_type, request) {
        Ok(order) => order,
        Err(reply) => return reply,
    };
    sandbox.announce(json!({ "change": "order", "out_trade_no": order.out_trade_no, "state": order.state.name() }));
    let mut fields = own(&[
        ("prepay_id", &order.prepay_id),
        ("trade_type", trade_type.name()),
    ]);
    let cashier = format!("{}/cashier/{}", sandbox.address, order.token);
    match trade_type {
        TradeType::Native => fields.push(("code_url".into(), cashier)),
        TradeType::H5 => fields.push(("mweb_url".into(), cashier)),
        _ => {}
    }
    Reply::Fields(fields)
}

/// The order as APIv3 would have it, with the fields of the request beside.
fn placed(sandbox: &Arc<Sandbox>, trade_type: TradeType, request: &Fields) -> Result<Order, Reply> {
    let text = |name: &str| field(request, name).unwrap_or_default();
    for name in ["body", "out_trade_no", "total_fee", "spbill_create_ip"] {
        if text(name).is_empty() {
            return Err(refused("PARAM_ERROR", &format!("缺少参数{name}")));
        }
    }
    let well_formed = |number: &str| {
        (6..=32).contains(&number.len())
            && number
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-|*".contains(&b))
    };
    if !well_formed(text("out_trade_no")) {
        return Err(refused("PARAM_ERROR", "out_trade_no参数错误"));
    }
    let Some(total) = amount(text("total_fee")) else {
        return Err(refused("PARAM_ERROR", "total_fee参数错误"));
    };
    // The nonce and the signature of a repetition are others.
    let said: serde_json::Map<String, Value> = request
        .iter()
        .filter(|(name, value)| !matches!(name.as_str(), "sign" | "nonce_str") && !value.is_empty())
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let mut asked = json!({
        "appid": sandbox.merchant.appid,
        "mchid": sandbox.merchant.mchid,
        "description": text("body"),
        "out_trade_no": text("out_trade_no"),
        "notify_url": text("notify_url"),
        "amount": { "total": total, "currency": "CNY" },
        "v2": said,
    });
    if let Some(attach) = field(request, "attach") {
        asked["attach"] = attach.into();
    }
    if let Some(openid) = field(request, "openid") {
        asked["payer"] = json!({ "openid": openid });
    }
    let order = Order::new(trade_type, asked, Asked::Nothing);
    let placed = sandbox.ledger().place(order).cloned();
    placed.map_err(|problem| business(&problem))
}

fn query_order(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    match find_order(&sandbox.ledger(), request) {
        Some(order) => Reply::Fields(state_of(order)),
        None => refused("ORDERNOTEXIST", "订单不存在"),
    }
}

fn find_order<'a>(ledger: &'a Ledger, request: &Fields) -> Option<&'a Order> {
    match (
        field(request, "transaction_id"),
        field(request, "out_trade_no"),
    ) {
        (Some(id), _) => ledger.by_transaction(id),
        (None, Some(number)) => ledger.order(number),
        (None, None) => None,
    }
}

/// What a query tells.
fn state_of(order: &Order) -> Fields {
    let mut fields = own(&[
        ("out_trade_no", &order.out_trade_no),
        ("trade_state", order.state.name()),
    ]);
    if order.payment.is_some() {
        fields.extend(paid(order));
    }
    fields
}

/// What is known of an order once it is paid: in a query, in the answer of a scanned code and in a notification.
pub fn paid(order: &Order) -> Fields {
    let openid = order
        .request
        .pointer("/payer/openid")
        .and_then(Value::as_str);
    let total = order.total.to_string();
    let mut fields = own(&[
        ("openid", openid.unwrap_or(SANDBOX_OPENID)),
        ("is_subscribe", "N"),
        ("trade_type", order.trade_type.name()),
        ("bank_type", "OTHERS"),
        ("total_fee", &total),
        ("cash_fee", &total),
        ("fee_type", "CNY"),
    ]);
    if let Some(attach) = order.request["attach"].as_str() {
        fields.push(("attach".into(), attach.into()));
    }
    if let Some(payment) = &order.payment {
        fields.push(("transaction_id".into(), payment.transaction_id.clone()));
        fields.push(("time_end".into(), clock::digits(payment.at)));
    }
    fields
}

fn close_order(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let number = field(request, "out_trade_no").unwrap_or_default();
    let closed = sandbox.ledger().close(number);
    match closed {
        Ok(()) => {
            sandbox.announce(json!({ "change": "order", "out_trade_no": number }));
            Reply::Fields(Fields::new())
        }
        Err(problem) => business(&problem),
    }
}

/// The buyer's code was scanned. A code from the page `/buyer` may ask for the password; any other is of a
/// buyer who has the money and needs none.
fn micropay(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let is_code = |code: &&str| {
        code.len() == 18 && code.starts_with('1') && code.bytes().all(|b| b.is_ascii_digit())
    };
    let Some(auth_code) = field(request, "auth_code").filter(is_code) else {
        return refused("AUTH_CODE_INVALID", "付款码无效");
    };
    let order = match placed(sandbox, TradeType::Codepay, request) {
        Ok(order) => order,
        Err(reply) => return reply,
    };
    if order.state == TradeState::UserPaying {
        return refused("USERPAYING", "需要用户输入支付密码");
    }
    match codepay::scanned(sandbox, &order, auth_code) {
        Ok(order) if order.state == TradeState::UserPaying => {
            refused("USERPAYING", "需要用户输入支付密码")
        }
        Ok(order) => {
            let mut fields = own(&[("out_trade_no", &order.out_trade_no)]);
            fields.extend(paid(&order));
            Reply::Fields(fields)
        }
        Err(problem) => business(&problem),
    }
}

/// Takes a scanned payment back, whatever had become of it.
fn reverse(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let mut ledger = sandbox.ledger();
    let Some(order) = find_order(&ledger, request) else {
        return refused("ORDERNOTEXIST", "订单不存在");
    };
    if order.trade_type != TradeType::Codepay {
        return refused("REVERSE_EXPIRE", "仅支持付款码支付的订单");
    }
    let key = order.key.clone();
    match ledger.revoke(&key) {
        Ok(()) => Reply::Fields(own(&[("recall", "N")])),
        Err(problem) => business(&problem),
    }
}

fn refund(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let text = |name: &str| field(request, name);
    let (Some(number), Some(total), Some(part)) = (
        text("out_refund_no"),
        text("total_fee").and_then(amount),
        text("refund_fee").and_then(amount),
    ) else {
        return refused("PARAM_ERROR", "缺少参数");
    };
    let mut asked = json!({
        "out_refund_no": number,
        "amount": { "refund": part, "total": total, "currency": "CNY" },
    });
    for name in ["out_trade_no", "transaction_id", "notify_url"] {
        if let Some(value) = text(name) {
            asked[name] = value.into();
        }
    }
    if let Some(Err(issue)) = text("notify_url").map(loopback::target) {
        return refused("PARAM_ERROR", &format!("notify_url: {issue}"));
    }
    let begun = sandbox.ledger().refund(asked);
    match begun {
        Ok((refund, is_new)) => {
            if is_new {
                process_refund(sandbox, &refund);
            }
            let (total, part) = (refund.total.to_string(), refund.amount.to_string());
            Reply::Fields(own(&[
                ("transaction_id", &refund.transaction_id),
                ("out_trade_no", &refund.out_trade_no),
                ("out_refund_no", &refund.out_refund_no),
                ("refund_id", &refund.refund_id),
                ("refund_fee", &part),
                ("total_fee", &total),
                ("cash_fee", &total),
            ]))
        }
        Err(problem) => business(&problem),
    }
}

fn query_refund(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let ledger = sandbox.ledger();
    let matches = |refund: &&Refund| match [
        "refund_id",
        "out_refund_no",
        "transaction_id",
        "out_trade_no",
    ]
    .map(|name| field(request, name))
    {
        [Some(id), ..] => refund.refund_id == id,
        [_, Some(number), ..] => refund.out_refund_no == number,
        [_, _, Some(id), _] => refund.transaction_id == id,
        [_, _, _, Some(number)] => refund.out_trade_no == number,
        _ => false,
    };
    let mut found: Vec<&Refund> = ledger
        .refunds_of(None)
        .into_iter()
        .filter(matches)
        .collect();
    found.reverse();
    let Some(first) = found.first() else {
        return refused("REFUNDNOTEXIST", "退款订单查询失败");
    };
    let sum: i64 = found.iter().map(|refund| refund.amount).sum();
    let mut fields = own(&[
        ("transaction_id", &first.transaction_id),
        ("out_trade_no", &first.out_trade_no),
        ("total_fee", &first.total.to_string()),
        ("cash_fee", &first.total.to_string()),
        ("refund_fee", &sum.to_string()),
        ("refund_count", &found.len().to_string()),
    ]);
    for (n, refund) in found.iter().enumerate() {
        let mut put = |name: &str, value: String| fields.push((format!("{name}_{n}"), value));
        put("out_refund_no", refund.out_refund_no.clone());
        put("refund_id", refund.refund_id.clone());
        put("refund_fee", refund.amount.to_string());
        put("refund_channel", "ORIGINAL".into());
        put("refund_status", status(refund).into());
        put("refund_recv_accout", "支付用户零钱".into()); // the provider's spelling
        if let Some(at) = refund.settled {
            put("refund_success_time", time_of_day(at));
        }
    }
    Reply::Fields(fields)
}

/// A refund's state in the words of APIv2.
pub fn status(refund: &Refund) -> &'static str {
    match refund.status {
        RefundStatus::Processing => "PROCESSING",
        RefundStatus::Success => "SUCCESS",
        RefundStatus::Abnormal => "CHANGE",
        RefundStatus::Closed => "REFUNDCLOSE",
    }
}

/// `2026-01-31 12:00:00`
pub fn time_of_day(at: time::OffsetDateTime) -> String {
    let text = clock::rfc3339(at);
    text.get(..19).unwrap_or_default().replace('T', " ")
}

/// Fen: digits without sign or leading zero.
fn amount(text: &str) -> Option<i64> {
    let fen: i64 = text.parse().ok()?;
    (fen > 0 && fen.to_string() == text).then_some(fen)
}

fn refused(code: &'static str, words: &str) -> Reply {
    Reply::Refused {
        code,
        words: words.into(),
    }
}

/// A refusal of APIv3 in the words of APIv2.
fn business(problem: &Problem) -> Reply {
    let code = match problem.code {
        "ORDER_CLOSED" => "ORDERCLOSED",
        "ORDER_NOT_EXIST" | "ORDERNOTEXIST" => "ORDERNOTEXIST",
        "INVALID_REQUEST" => "OUT_TRADE_NO_USED",
        "NOT_ENOUGH" => "NOTENOUGH",
        "RESOURCE_NOT_EXISTS" => "REFUNDNOTEXIST",
        code => code,
    };
    Reply::Refused {
        code,
        words: problem.message.to_string(),
    }
}
