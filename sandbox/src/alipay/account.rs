//! The seller's account: what may still be transferred, what there is, what has moved it, what was sold.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::books::{Account, fee_returned};
use crate::clock;

use super::money::yuan;
use super::operations::{Ask, Operation, Reply, api};
use super::parties::{BUYER_LOGON_ID, balance};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.fund.quota.query", quota),
    api("alipay.data.bill.balance.query", |ask| {
        let total = yuan(balance(ask.sandbox, &ask.party.seller));
        Ok(json!({
            "total_amount": total,
            "available_amount": total,
            "freeze_amount": "0.00",
            "settle_amount": "0.00",
        })
        .into())
    }),
    api("alipay.data.bill.accountlog.query", account_log),
    api("alipay.data.bill.sell.query", sales),
];

/// There is no limit but the balance.
fn quota(ask: &Ask) -> Result<Reply, Refusal> {
    let available = yuan(balance(ask.sandbox, &ask.party.seller));
    let mut answer = json!({ "active_quota_is_new": false });
    for kind in ["private", "corporate"] {
        for period in ["daily", "monthly"] {
            answer[format!("to_{kind}_{period}_available_amount")] = available.as_str().into();
        }
    }
    Ok(answer.into())
}

/// A span of time, and which page of what lies in it.
struct Page {
    start: OffsetDateTime,
    end: OffsetDateTime,
    number: usize,
    size: usize,
}

impl Page {
    fn of(ask: &Ask) -> Result<Self, Refusal> {
        let time = |name: &str| {
            clock::parse_plain(ask.required("", name)?)
                .ok_or_else(|| Refusal::parameter("", name, "格式为yyyy-MM-dd HH:mm:ss"))
        };
        let count = |name: &str, usual: usize, most: usize| match ask.text(name) {
            None => Ok(usual),
            Some(text) => text
                .parse()
                .ok()
                .filter(|count| (1..=most).contains(count))
                .ok_or_else(|| Refusal::parameter("", name, &format!("取值范围：1～{most}"))),
        };
        let page = Self {
            start: time("start_time")?,
            end: time("end_time")?,
            number: count("page_no", 1, 1_000_000)?,
            size: count("page_size", 2000, 2000)?,
        };
        match page.start <= page.end && page.end - page.start <= time::Duration::days(31) {
            true => Ok(page),
            false => Err(Refusal::parameter(
                "",
                "end_time",
                "与start_time的间隔不能超过31天",
            )),
        }
    }

    fn has(&self, at: OffsetDateTime) -> bool {
        (self.start..=self.end).contains(&at)
    }

    fn answer(&self, found: Vec<Value>) -> Reply {
        let total = found.len();
        let first = (self.number - 1).saturating_mul(self.size);
        let details: Vec<Value> = found.into_iter().skip(first).take(self.size).collect();
        json!({
            "page_no": self.number.to_string(),
            "page_size": self.size.to_string(),
            "total_size": total.to_string(),
            "detail_list": details,
        })
        .into()
    }
}

/// Whether a row is one of those that the request names by number.
fn is_named(ask: &Ask, alipay: &str, own: &str) -> bool {
    let is = |name: &str, number: &str| ask.text(name).is_none_or(|wanted| wanted == number);
    is("alipay_order_no", alipay) && is("merchant_order_no", own)
}

fn account_log(ask: &Ask) -> Result<Reply, Refusal> {
    let page = Page::of(ask)?;
    let ledger = ask.sandbox.ledger();
    let account = Account::basic(&ask.party.seller);
    let lines = ledger.books.lines(&account).filter(|(posting, _)| {
        page.has(posting.at) && is_named(ask, &posting.cause.number, &posting.cause.voucher)
    });
    let rows = lines.map(|(posting, moved)| {
        json!({
            "trans_dt": clock::plain(posting.at),
            "account_log_id": posting.flow_number,
            "alipay_order_no": posting.cause.number,
            "merchant_order_no": posting.cause.voucher,
            "trans_amount": yuan(moved.change.abs()),
            "balance": yuan(moved.balance),
            "direction": if moved.change > 0 { "收入" } else { "支出" },
            "type": posting.cause.kind,
            "other_account": BUYER_LOGON_ID,
            "trans_memo": posting.cause.remark,
        })
    });
    Ok(page.answer(rows.collect()))
}

fn sales(ask: &Ask) -> Result<Reply, Refusal> {
    let page = Page::of(ask)?;
    let state = ask.sandbox.alipay.state();
    let trades = state.trades.iter().filter(|trade| {
        trade.party.seller == ask.party.seller
            && trade.paid.is_some_and(|at| page.has(at))
            && is_named(ask, trade.number(), &trade.out_trade_no)
    });
    let rows = trades.map(|trade| {
        let kept = trade.fee - fee_returned(trade.fee, trade.total, trade.refunded());
        let mut row = json!({
            "gmt_create": clock::plain(trade.placed),
            "gmt_pay": trade.paid.map(clock::plain),
            "alipay_order_no": trade.number(),
            "merchant_order_no": trade.out_trade_no,
            "other_account": BUYER_LOGON_ID,
            "goods_title": trade.subject,
            "trade_status": trade.status.name(),
            "trade_type": "交易",
            "total_amount": yuan(trade.total),
            "refund_amount": yuan(trade.refunded()),
            "service_fee": yuan(kept),
            "net_mdiscount": "0.00",
        });
        if let Some(refund) = trade.refunds.last() {
            row["gmt_refund"] = clock::plain(refund.at).into();
        }
        if let Some(store) = trade.request["store_id"].as_str() {
            row["store_no"] = store.into();
        }
        row
    });
    Ok(page.answer(rows.collect()))
}
