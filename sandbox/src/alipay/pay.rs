//! `alipay.trade.*`: placing and paying, querying, closing, cancelling, settling.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock;
use crate::crypto::random_digits;
use crate::sandbox::Sandbox;

use super::buyer;
use super::cashier;
use super::money::yuan;
use super::notices;
use super::operations::{Ask, Operation, Reply, api, app, page};
use super::parties::{BUYER_ID, BUYER_OPEN_ID};
use super::refusal::Refusal;
use super::state::State;
use super::trade::{Product, Refund, Settlement, Status, Trade, not_exist};

const ACQ: &str = "ACQ.";

pub const OPERATIONS: &[Operation] = &[
    api("alipay.trade.precreate", precreate),
    api("alipay.trade.pay", pay),
    api("alipay.trade.create", create),
    page("alipay.trade.page.pay", |ask| {
        at_the_cashier(ask, Product::Page)
    }),
    page("alipay.trade.wap.pay", |ask| {
        at_the_cashier(ask, Product::Wap)
    }),
    app("alipay.trade.app.pay", |ask| {
        at_the_cashier(ask, Product::App)
    }),
    api("alipay.trade.query", query),
    api("alipay.trade.close", close),
    api("alipay.trade.cancel", cancel),
    api("alipay.trade.order.settle", settle),
    api("alipay.trade.order.settle.query", settlement),
    api("alipay.trade.orderinfo.sync", sync),
];

/// Puts the order of a request among the trades. The token of its cashier.
fn place(ask: &Ask, product: Product) -> Result<String, Refusal> {
    let out_trade_no = ask.number(ACQ, "out_trade_no")?;
    let subject = ask.short(ACQ, "subject", 256)?;
    if subject.contains(['/', '=', '&']) && product == Product::Precreate {
        return Err(Refusal::parameter(
            ACQ,
            "subject",
            "不可使用特殊字符，如 /，=，& 等",
        ));
    }
    let total = ask.amount(ACQ, "total_amount")?;
    let seller = ask.text("seller_id").unwrap_or(&ask.party.seller);
    if seller != ask.party.seller {
        return Err(Refusal::parameter(ACQ, "seller_id", "与应用的卖家不一致"));
    }
    let order = (out_trade_no, subject, total);
    let mut trade = Trade::new(
        product,
        order,
        ask.body.clone(),
        ask.party.clone(),
        ask.style,
    )?;
    trade.notify_url = ask.address("notify_url")?;
    trade.return_url = ask.address("return_url")?;
    let sandbox = ask.sandbox;
    let (token, expires) = {
        let mut state = sandbox.alipay.state();
        let trade = state.place(trade)?;
        (trade.token.clone(), trade.expires)
    };
    announce(sandbox, out_trade_no, Status::WaitBuyerPay);
    let wait = (expires - clock::now())
        .max(time::Duration::ZERO)
        .unsigned_abs();
    tokio::spawn(lapse_in_time(sandbox.clone(), token.clone(), wait));
    Ok(token)
}

async fn lapse_in_time(sandbox: Arc<Sandbox>, token: String, wait: std::time::Duration) {
    tokio::time::sleep(wait).await;
    let closed = {
        let mut state = sandbox.alipay.state();
        let trade = state.trades.iter_mut().find(|trade| trade.token == token);
        trade.and_then(|trade| trade.lapse().then(|| trade.clone()))
    };
    if let Some(trade) = closed {
        notices::closed(&sandbox, &trade);
    }
}

pub fn announce(sandbox: &Sandbox, out_trade_no: &str, status: Status) {
    sandbox.announce(
        json!({ "change": "order", "out_trade_no": out_trade_no, "state": status.name() }),
    );
}

fn precreate(ask: &Ask) -> Result<Reply, Refusal> {
    let token = place(ask, Product::Precreate)?;
    Ok(json!({
        "out_trade_no": ask.body["out_trade_no"],
        "qr_code": cashier::link(ask.sandbox, &token),
    })
    .into())
}

/// A mini-program's order. It exists at once, and is paid with its number.
fn create(ask: &Ask) -> Result<Reply, Refusal> {
    let names = [
        "buyer_id",
        "buyer_open_id",
        "op_buyer_open_id",
        "buyer_logon_id",
    ];
    let Some(buyer) = names.into_iter().find_map(|name| ask.text(name)) else {
        return Err(Refusal::parameter(
            ACQ,
            "buyer_id",
            "与buyer_open_id不能同时为空",
        ));
    };
    if buyer.starts_with("2088") && buyer != BUYER_ID {
        return Err(Refusal::business("ACQ.BUYER_NOT_EXIST", "买家不存在"));
    }
    let token = place(ask, Product::Create)?;
    let mut state = ask.sandbox.alipay.state();
    let trade = state.by_token(&token).ok_or_else(not_exist)?;
    let trade_no = trade.seen().to_owned();
    Ok(json!({ "out_trade_no": trade.out_trade_no, "trade_no": trade_no }).into())
}

fn at_the_cashier(ask: &Ask, product: Product) -> Result<Reply, Refusal> {
    let code = match product {
        Product::Page => "FAST_INSTANT_TRADE_PAY",
        Product::Wap => "QUICK_WAP_WAY",
        _ => "QUICK_MSECURITY_PAY",
    };
    // Only a website's order has to say what it is.
    let said = match product {
        Product::Page => ask.required(ACQ, "product_code")?,
        _ => ask.text("product_code").unwrap_or(code),
    };
    if said != code {
        return Err(Refusal::parameter(
            ACQ,
            "product_code",
            &format!("须为{code}"),
        ));
    }
    place(ask, product).map(|token| Reply::Page(format!("/cashier/{token}")))
}

/// A scanned code, an agreement, or what a freeze holds.
fn pay(ask: &Ask) -> Result<Reply, Refusal> {
    if let Some(number) = ask.body["agreement_params"]["agreement_no"].as_str() {
        let amount = ask.amount(ACQ, "total_amount")?;
        ask.sandbox.alipay.state().may_deduct(number, amount)?;
        return at_once(ask, Product::Agreement, |_| Ok(()));
    }
    if let Some(number) = ask.text("auth_no") {
        let amount = ask.amount(ACQ, "total_amount")?;
        let complete = ask.text("auth_confirm_mode") == Some("COMPLETE");
        ask.sandbox.alipay.state().freeze_for(number, amount)?;
        return at_once(ask, Product::Freeze, |state| {
            let freeze = state.freeze_for(number, amount)?;
            freeze.pay(amount, complete);
            Ok(())
        });
    }
    scanned(ask)
}

/// Nobody has to be asked. `take` is what else it changes.
fn at_once(
    ask: &Ask,
    product: Product,
    take: impl FnOnce(&mut State) -> Result<(), Refusal>,
) -> Result<Reply, Refusal> {
    let token = place(ask, product)?;
    let trade = {
        let mut state = ask.sandbox.alipay.state();
        take(&mut state)?;
        let trade = state.by_token(&token).ok_or_else(not_exist)?;
        trade.pay(ask.sandbox)?;
        trade.clone()
    };
    has_paid(ask.sandbox, &trade);
    Ok(payment(&trade).into())
}

fn scanned(ask: &Ask) -> Result<Reply, Refusal> {
    let code = ask.required(ACQ, "auth_code")?;
    buyer::check(&ask.sandbox.alipay.state(), code)?;
    let token = place(ask, Product::Pay)?;
    let sandbox = ask.sandbox;
    let (trade, paid) = {
        let mut state = sandbox.alipay.state();
        let scanned = buyer::scan(&mut state, code, &token);
        let trade = state.by_token(&token).ok_or_else(not_exist)?;
        trade.seen();
        let code = match scanned {
            Ok(code) => code,
            Err(refusal) => {
                trade.close();
                return Err(refusal);
            }
        };
        let asks = code.asks_password || trade.total > buyer::PASSWORD_FROM_FEN;
        if asks {
            trade.asks_password = true;
            (trade.clone(), false)
        } else {
            trade.pay(sandbox)?;
            (trade.clone(), true)
        }
    };
    if !paid {
        announce(sandbox, &trade.out_trade_no, trade.status);
        return Ok(Reply::Pending(json!({
            "out_trade_no": trade.out_trade_no,
            "trade_no": trade.number(),
            "total_amount": yuan(trade.total),
            "buyer_user_id": BUYER_ID,
            "buyer_open_id": BUYER_OPEN_ID,
        })));
    }
    has_paid(sandbox, &trade);
    Ok(payment(&trade).into())
}

/// What `alipay.trade.pay` says of a payment: the query's answer, with its time under another name.
pub fn payment(trade: &Trade) -> Value {
    let mut answer = trade.answer();
    if let Some(members) = answer.as_object_mut() {
        members.remove("trade_status");
        members.remove("subject");
        if let Some(at) = members.remove("send_pay_date") {
            members.insert("gmt_payment".into(), at);
        }
    }
    answer
}

/// Says so everywhere.
pub fn has_paid(sandbox: &Arc<Sandbox>, trade: &Trade) {
    announce(sandbox, &trade.out_trade_no, trade.status);
    notices::paid(sandbox, trade);
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let mut state = ask.sandbox.alipay.state();
    let trade = state
        .named(&ask.party.seller, &ask.body)
        .map_err(|refusal| {
            let nothing = json!({
                "out_trade_no": ask.body["out_trade_no"],
                "buyer_pay_amount": "0.00",
                "invoice_amount": "0.00",
                "point_amount": "0.00",
                "receipt_amount": "0.00",
            });
            refusal.with(nothing)
        })?;
    Ok(trade.answer().into())
}

fn close(ask: &Ask) -> Result<Reply, Refusal> {
    let trade = {
        let mut state = ask.sandbox.alipay.state();
        let trade = state.named(&ask.party.seller, &ask.body)?;
        match trade.status {
            Status::WaitBuyerPay => trade.close(),
            Status::Closed if trade.paid.is_none() => {}
            _ => {
                let words = "交易状态不合法";
                return Err(Refusal::business("ACQ.REASON_TRADE_STATUS_INVALID", words));
            }
        }
        trade.clone()
    };
    announce(ask.sandbox, &trade.out_trade_no, trade.status);
    notices::closed(ask.sandbox, &trade);
    Ok(json!({ "trade_no": trade.number(), "out_trade_no": trade.out_trade_no }).into())
}

/// Whatever has become of it, it is not paid afterwards. What nobody has seen is answered without `action`.
fn cancel(ask: &Ask) -> Result<Reply, Refusal> {
    let sandbox = ask.sandbox;
    let mut state = sandbox.alipay.state();
    let unseen = ask.text("out_trade_no").and_then(|number| {
        state
            .by_out_trade_no(number)
            .filter(|trade| trade.trade_no.is_none() && trade.party.seller == ask.party.seller)
    });
    if let Some(trade) = unseen {
        trade.close();
        let answer = json!({ "out_trade_no": trade.out_trade_no, "retry_flag": "N" });
        return Ok(answer.into());
    }
    let trade = match state.named(&ask.party.seller, &ask.body) {
        Ok(trade) => trade,
        Err(refusal) if refusal.sub_code != "ACQ.TRADE_NOT_EXIST" => return Err(refusal),
        Err(_) => {
            let answer = json!({ "out_trade_no": ask.body["out_trade_no"], "retry_flag": "N" });
            return Ok(answer.into());
        }
    };
    let action = match trade.status {
        Status::Finished => {
            return Err(Refusal::business("ACQ.TRADE_HAS_FINISHED", "交易已完结"));
        }
        Status::WaitBuyerPay => {
            trade.close();
            "close"
        }
        Status::Success => {
            let rest = Refund {
                out_request_no: format!("cancel-{}", trade.out_trade_no),
                amount: trade.total - trade.refunded(),
                reason: "撤销".into(),
                at: clock::now(),
                pending: false,
            };
            trade.refund(sandbox, rest)?;
            "refund"
        }
        Status::Closed if trade.paid.is_some() => "refund",
        Status::Closed => "close",
    };
    let trade = trade.clone();
    drop(state);
    announce(sandbox, &trade.out_trade_no, trade.status);
    Ok(json!({
        "trade_no": trade.number(),
        "out_trade_no": trade.out_trade_no,
        "retry_flag": "N",
        "action": action,
    })
    .into())
}

/// Shares a payment with others.
fn settle(ask: &Ask) -> Result<Reply, Refusal> {
    let out_request_no = ask.number(ACQ, "out_request_no")?.to_owned();
    ask.required(ACQ, "trade_no")?;
    let shares = ask.body["royalty_parameters"].as_array();
    let shares = shares.filter(|shares| !shares.is_empty() && shares.len() <= 50);
    let shares = shares
        .ok_or_else(|| Refusal::parameter(ACQ, "royalty_parameters", "须有1至50个分账明细"))?;
    let mut amount = 0;
    for share in shares {
        let share = ask.of(share);
        share.required(ACQ, "trans_in")?;
        amount += share.amount(ACQ, "amount")?;
    }
    let mut state = ask.sandbox.alipay.state();
    let trade = state.named(&ask.party.seller, &ask.body)?;
    let known = trade
        .settlements
        .iter()
        .find(|one| one.out_request_no == out_request_no);
    if let Some(known) = known {
        if known.royalties != ask.body["royalty_parameters"] {
            return Err(Refusal::business(
                "ACQ.DISCORDANT_REPEAT_REQUEST",
                "请求信息不一致",
            ));
        }
        let answer = json!({ "trade_no": trade.number(), "settle_no": known.settle_no });
        return Ok(answer.into());
    }
    if !trade.is_paid() {
        return Err(Refusal::business(
            "ACQ.TRADE_STATUS_ERROR",
            "交易状态不合法",
        ));
    }
    let shared: i64 = trade.settlements.iter().map(|one| one.amount).sum();
    if shared + amount > trade.total - trade.fee - trade.refunded() {
        return Err(Refusal::business(
            "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR",
            "分账金额超限",
        ));
    }
    let settlement = Settlement {
        out_request_no,
        settle_no: format!(
            "{}002530020{}",
            clock::date_digits(clock::now()),
            random_digits(15)
        ),
        amount,
        royalties: ask.body["royalty_parameters"].clone(),
        at: clock::now(),
    };
    let cause = super::parties::cause("分账", trade.number(), &settlement.out_request_no);
    let moves = vec![
        (crate::books::Account::basic(&trade.party.seller), -amount),
        (crate::books::Account::Wallet("royalties".into()), amount),
    ];
    super::parties::post(ask.sandbox, &trade.party.seller, cause, moves)?;
    let answer = json!({ "trade_no": trade.number(), "settle_no": settlement.settle_no });
    trade.settlements.push(settlement);
    Ok(answer.into())
}

fn settlement(ask: &Ask) -> Result<Reply, Refusal> {
    let mut state = ask.sandbox.alipay.state();
    let found = state.trades.iter_mut().find_map(|trade| {
        let one = trade
            .settlements
            .iter()
            .find(|one| match ask.text("settle_no") {
                Some(number) => one.settle_no == number,
                None => {
                    Some(one.out_request_no.as_str()) == ask.text("out_request_no")
                        && trade.trade_no.as_deref() == ask.text("trade_no")
                }
            });
        one.cloned()
    });
    let one = found.ok_or_else(not_exist)?;
    let details = one.royalties.as_array().cloned().unwrap_or_default();
    let details: Vec<Value> = details
        .iter()
        .map(|share| {
            json!({
                "operation_type": "transfer",
                "execute_dt": clock::plain(one.at),
                "trans_out": ask.party.seller,
                "trans_in": share["trans_in"],
                "trans_in_type": share["trans_in_type"],
                "amount": share["amount"],
                "state": "SUCCESS",
                "detail_id": format!("{}{}", one.settle_no, random_digits(4)),
            })
        })
        .collect();
    Ok(json!({
        "out_request_no": one.out_request_no,
        "operation_dt": clock::plain(one.at),
        "royalty_detail_list": details,
    })
    .into())
}

fn sync(ask: &Ask) -> Result<Reply, Refusal> {
    ask.required(ACQ, "out_request_no")?;
    ask.required(ACQ, "biz_type")?;
    let mut state = ask.sandbox.alipay.state();
    let trade = state.named(&ask.party.seller, &ask.body)?;
    Ok(json!({
        "trade_no": trade.number(),
        "out_trade_no": trade.out_trade_no,
        "buyer_user_id": BUYER_ID,
        "buyer_open_id": BUYER_OPEN_ID,
    })
    .into())
}
