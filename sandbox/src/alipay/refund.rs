//! `alipay.trade.refund`: idempotent by `out_request_no`, in parts, at most the total; and its query.

use serde_json::{Value, json};

use crate::clock;
use crate::faults::{Group, Place};

use super::money::yuan;
use super::notices;
use super::operations::{Ask, Operation, Reply, api};
use super::parties::buyer;
use super::pay::announce;
use super::refusal::Refusal;
use super::trade::{Refund, Status, Trade};

const ACQ: &str = "ACQ.";

pub const OPERATIONS: &[Operation] = &[
    api("alipay.trade.refund", refund),
    api("alipay.trade.fastpay.refund.query", query),
];

fn refund(ask: &Ask) -> Result<Reply, Refusal> {
    let amount = ask.amount(ACQ, "refund_amount")?;
    let reason = ask.text("refund_reason").unwrap_or("正常退款").to_owned();
    let sandbox = ask.sandbox;
    let mut state = sandbox.alipay.state();
    let trade = state.named(&ask.party.seller, &ask.body)?;
    // Without a number of its own, a refund is that of the whole trade, once.
    let out_request_no = match ask.text("out_request_no") {
        Some(_) => ask.number(ACQ, "out_request_no")?.to_owned(),
        None => trade.out_trade_no.clone(),
    };
    let known = trade
        .refunds
        .iter_mut()
        .find(|refund| refund.out_request_no == out_request_no);
    if let Some(known) = known {
        if known.amount != amount {
            return Err(Refusal::business(
                "ACQ.DISCORDANT_REPEAT_REQUEST",
                "请求信息不一致",
            ));
        }
        // The second request is what finishes one that was left in the middle.
        let changed = std::mem::take(&mut known.pending);
        let trade = trade.clone();
        drop(state);
        if changed {
            told(ask, &trade, &out_request_no);
        }
        return Ok(answer(&trade, amount, changed).into());
    }
    match trade.status {
        Status::Success => {}
        Status::Finished => {
            return Err(Refusal::business("ACQ.TRADE_HAS_FINISHED", "交易已完结"));
        }
        Status::WaitBuyerPay | Status::Closed => {
            return Err(Refusal::business(
                "ACQ.TRADE_STATUS_ERROR",
                "交易状态不合法",
            ));
        }
    }
    if trade.refunded() + amount > trade.total {
        return Err(Refusal::business(
            "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL",
            "退款金额超限",
        ));
    }
    let out_trade_no = trade.out_trade_no.clone();
    let place = Place::Refund {
        out_trade_no: &out_trade_no,
    };
    let pending = !sandbox
        .faults()
        .strike(&place, &[Group::Settlement])
        .is_empty();
    let refund = Refund {
        out_request_no: out_request_no.clone(),
        amount,
        reason,
        at: clock::now(),
        pending,
    };
    trade.refund(sandbox, refund)?;
    let trade = trade.clone();
    drop(state);
    if !pending {
        told(ask, &trade, &out_request_no);
    }
    Ok(answer(&trade, amount, !pending).into())
}

fn told(ask: &Ask, trade: &Trade, out_request_no: &str) {
    announce(ask.sandbox, &trade.out_trade_no, trade.status);
    let refund = trade
        .refunds
        .iter()
        .find(|one| one.out_request_no == out_request_no);
    if let Some(refund) = refund {
        notices::refunded(ask.sandbox, trade, refund);
    }
}

/// `refund_fee` is what has been given back of the trade in all.
fn answer(trade: &Trade, amount: i64, changed: bool) -> Value {
    let done = trade.refunds.iter().filter(|refund| !refund.pending);
    let done: i64 = done.map(|refund| refund.amount).sum();
    let mut answer = buyer(json!({
        "trade_no": trade.number(),
        "out_trade_no": trade.out_trade_no,
        "fund_change": if changed { "Y" } else { "N" },
        "refund_fee": yuan(done),
        "send_back_fee": if changed { yuan(amount) } else { "0.00".into() },
        "refund_detail_item_list": [{ "fund_channel": "ALIPAYACCOUNT", "amount": yuan(amount) }],
    }));
    if let Some(refund) = trade.refunds.last() {
        answer["gmt_refund_pay"] = clock::plain(refund.at).into();
    }
    answer
}

/// A refund that is not there is no error: `refund_status` is missing.
fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let out_request_no = ask.required(ACQ, "out_request_no")?.to_owned();
    let mut state = ask.sandbox.alipay.state();
    let trade = state.named(&ask.party.seller, &ask.body)?;
    let found = trade
        .refunds
        .iter()
        .find(|refund| refund.out_request_no == out_request_no && !refund.pending);
    let mut answer = json!({
        "trade_no": trade.number(),
        "out_trade_no": trade.out_trade_no,
        "out_request_no": out_request_no,
    });
    if let Some(refund) = found {
        answer["total_amount"] = yuan(trade.total).into();
        answer["refund_amount"] = yuan(refund.amount).into();
        answer["refund_status"] = "REFUND_SUCCESS".into();
        answer["refund_reason"] = refund.reason.as_str().into();
        answer["send_back_fee"] = yuan(refund.amount).into();
        answer["gmt_refund_pay"] = clock::plain(refund.at).into();
    }
    Ok(answer.into())
}
