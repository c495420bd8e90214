//! `alipay.data.dataservice.bill.downloadurl.query`: a day's or a month's business as CSV in GBK, two files in a ZIP.

use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use time::{Date, Duration, OffsetDateTime};

use crate::books::{Account, fee_returned};
use crate::clock;
use crate::crypto::random_text;
use crate::sandbox::{BillDays, Sandbox};

use super::charset::Charset;
use super::money::yuan;
use super::operations::{Ask, Operation, Reply, api};
use super::parties::BUYER_LOGON_ID;
use super::refusal::Refusal;
use super::trade::Trade;
use super::zip::zip;

pub const OPERATIONS: &[Operation] =
    &[api("alipay.data.dataservice.bill.downloadurl.query", query)];

/// How long a link is good.
const LIFETIME: Duration = Duration::seconds(30);

/// A file that can be fetched for a while.
pub struct Link {
    pub bytes: Vec<u8>,
    pub content_type: &'static str,
    pub made: OffsetDateTime,
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let kind = ask.required("", "bill_type")?;
    let date = ask.required("", "bill_date")?;
    let days = days(date)
        .ok_or_else(|| Refusal::parameter("", "bill_date", "格式为yyyy-MM-dd或yyyy-MM"))?;
    let bill = match kind {
        "trade" => trades(ask, days),
        "signcustomer" => account(ask, days),
        _ => {
            return Err(Refusal::parameter(
                "",
                "bill_type",
                "须为trade或signcustomer",
            ));
        }
    };
    let today = clock::now().date();
    let is_over = ask.sandbox.settings().bills == BillDays::AtOnce || days.1 < today;
    let bill = bill
        .filter(|_| is_over)
        .ok_or_else(|| Refusal::business("isp.bill_not_exist", "账单不存在"))?;
    let bytes = bill.packed(&ask.party.seller, date);
    let token = random_text(32);
    let link = Link {
        bytes,
        content_type: "application/zip",
        made: clock::now(),
    };
    let mut state = ask.sandbox.alipay.state();
    state
        .links
        .retain(|_, link| clock::now() - link.made <= LIFETIME);
    state.links.insert(token.clone(), link);
    let url = format!("{}/alipay/files/{token}.csv.zip", ask.sandbox.address);
    Ok(json!({ "bill_download_url": url, "bill_file_code": "EXIST" }).into())
}

/// `GET /alipay/files/{name}`: unsigned, as long as the link is good.
pub async fn fetch(Shared(sandbox): Shared<Arc<Sandbox>>, Path(name): Path<String>) -> Response {
    let token = name.split('.').next().unwrap_or_default();
    let state = sandbox.alipay.state();
    let link = state.links.get(token);
    match link.filter(|link| clock::now() - link.made <= LIFETIME) {
        Some(link) => (
            [(header::CONTENT_TYPE, link.content_type)],
            link.bytes.clone(),
        )
            .into_response(),
        None => StatusCode::FORBIDDEN.into_response(),
    }
}

/// The first and the last day.
fn days(date: &str) -> Option<(Date, Date)> {
    let first = |text: &str| Some(clock::parse_plain(&format!("{text} 00:00:00"))?.date());
    match date.len() {
        10 => first(date).map(|day| (day, day)),
        7 => {
            let start = first(&format!("{date}-01"))?;
            let last = start.replace_day(start.month().length(start.year())).ok()?;
            Some((start, last))
        }
        _ => None,
    }
}

/// The texts of the two files.
struct Bill {
    title: &'static str,
    details: String,
    summary: String,
}

impl Bill {
    fn packed(&self, seller: &str, date: &str) -> Vec<u8> {
        let date = date.replace('-', "");
        let file = |suffix: &str, text: &str| {
            let name = format!("{seller}_{date}_{}{suffix}.csv", self.title);
            (Charset::Gbk.encode(&name), Charset::Gbk.encode(text))
        };
        zip(&[
            file("明细", &self.details),
            file("明细(汇总)", &self.summary),
        ])
    }
}

fn head(title: &str, seller: &str, (first, last): (Date, Date)) -> String {
    let day = |day: Date| {
        format!(
            "{}年{:02}月{:02}日",
            day.year(),
            u8::from(day.month()),
            day.day()
        )
    };
    let next = last.next_day().unwrap_or(last);
    format!(
        "#支付宝{title}查询\r\n#账号：[{seller}0156]\r\n#起始日期：[{} 00:00:00]   终止日期：[{} 00:00:00]\r\n",
        day(first),
        day(next)
    )
}

fn line(fields: &[&str]) -> String {
    // Numbers are followed by a tab, so that no spreadsheet takes them for one.
    let fields: Vec<_> = fields
        .iter()
        .map(|field| format!("{}\t", field.replace([',', '\t', '\r', '\n'], " ")))
        .collect();
    format!("{}\r\n", fields.join(","))
}

fn rule(words: &str) -> String {
    let dashes = "-".repeat(41);
    format!("#{dashes}{words}{dashes}\r\n")
}

fn exported() -> String {
    let at = clock::plain(clock::now());
    format!("#导出时间：[{at}]\r\n")
}

#[derive(Default)]
struct Sums {
    payments: usize,
    paid: i64,
    refunds: usize,
    refunded: i64,
    fees: i64,
}

/// Every payment and refund.
fn trades(ask: &Ask, days: (Date, Date)) -> Option<Bill> {
    let state = ask.sandbox.alipay.state();
    let within = |at: OffsetDateTime| (days.0..=days.1).contains(&at.date());
    let mut sums = Sums::default();
    let mut rows = String::new();
    for trade in state
        .trades
        .iter()
        .filter(|trade| trade.party.seller == ask.party.seller)
    {
        if let Some(at) = trade.paid.filter(|at| within(*at)) {
            sums.payments += 1;
            sums.paid += trade.total;
            sums.fees -= trade.fee;
            rows += &row(trade, "交易", at, trade.total, ["", &yuan(-trade.fee)]);
        }
        let mut before = 0;
        for refund in &trade.refunds {
            let returned = |sum| fee_returned(trade.fee, trade.total, sum);
            let fee = returned(before + refund.amount) - returned(before);
            before += refund.amount;
            if within(refund.at) && !refund.pending {
                sums.refunds += 1;
                sums.refunded += refund.amount;
                sums.fees += fee;
                let number = &refund.out_request_no;
                rows += &row(
                    trade,
                    "退款",
                    refund.at,
                    -refund.amount,
                    [number, &yuan(fee)],
                );
            }
        }
    }
    if rows.is_empty() {
        return None;
    }
    let title = "业务明细";
    let mut details = head(title, &ask.party.seller, days);
    details += &rule("业务明细列表");
    details += "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注\r\n";
    details += &rows;
    details += &rule("业务明细列表结束");
    details += &format!(
        "#交易合计：{}笔，商家实收共{}元，商家优惠共0.00元\r\n#退款合计：{}笔，商家实收退款共{}元，商家优惠退款共0.00元\r\n",
        sums.payments,
        yuan(sums.paid),
        sums.refunds,
        yuan(-sums.refunded)
    );
    details += &exported();

    let mut summary = head("业务汇总", &ask.party.seller, days);
    summary += &rule("业务汇总列表");
    summary += "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）\r\n";
    let net = sums.paid - sums.refunded;
    summary += &line(&[
        "合计",
        "",
        &sums.payments.to_string(),
        &sums.refunds.to_string(),
        &yuan(net),
        &yuan(net),
        "0.00",
        "0.00",
        "0.00",
        &yuan(sums.fees),
        "0.00",
        &yuan(net + sums.fees),
    ]);
    summary += &rule("业务汇总列表结束");
    summary += &exported();
    Some(Bill {
        title: "业务",
        details,
        summary,
    })
}

fn row(
    trade: &Trade,
    kind: &str,
    at: OffsetDateTime,
    amount: i64,
    [request, fee]: [&str; 2],
) -> String {
    let amount = yuan(amount);
    let text = |name: &str| trade.request[name].as_str().unwrap_or_default();
    line(&[
        trade.number(),
        &trade.out_trade_no,
        kind,
        &trade.subject,
        &clock::plain(trade.placed),
        &clock::plain(at),
        text("store_id"),
        "",
        text("operator_id"),
        text("terminal_id"),
        BUYER_LOGON_ID,
        &amount,
        &amount,
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "0.00",
        "",
        "0.00",
        "0.00",
        request,
        fee,
        "0.00",
        text("body"),
    ])
}

/// Everything that has moved the account.
fn account(ask: &Ask, days: (Date, Date)) -> Option<Bill> {
    let ledger = ask.sandbox.ledger();
    let account = Account::basic(&ask.party.seller);
    let mut rows = String::new();
    let (mut income, mut expense, mut counts) = (0, 0, [0, 0]);
    for (posting, moved) in ledger.books.lines(&account) {
        if !(days.0..=days.1).contains(&posting.at.date()) {
            continue;
        }
        match moved.change > 0 {
            true => (income, counts[0]) = (income + moved.change, counts[0] + 1),
            false => (expense, counts[1]) = (expense + moved.change, counts[1] + 1),
        }
        let amounts = match moved.change > 0 {
            true => [yuan(moved.change), "0.00".into()],
            false => ["0.00".into(), yuan(moved.change)],
        };
        rows += &line(&[
            &posting.flow_number,
            &posting.cause.number,
            &posting.cause.voucher,
            posting.cause.name,
            &clock::plain(posting.at),
            BUYER_LOGON_ID,
            &amounts[0],
            &amounts[1],
            &yuan(moved.balance),
            "支付宝",
            posting.cause.kind,
            &posting.cause.remark,
        ]);
    }
    if rows.is_empty() {
        return None;
    }
    let title = "账务明细";
    let mut details = head(title, &ask.party.seller, days);
    details += &rule("账务明细列表");
    details += "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注\r\n";
    details += &rows;
    details += &rule("账务明细列表结束");
    details += &format!(
        "#支出合计：{}笔，共{}元\r\n#收入合计：{}笔，共{}元\r\n",
        counts[1],
        yuan(expense),
        counts[0],
        yuan(income)
    );
    details += &exported();
    let mut summary = head("账务汇总", &ask.party.seller, days);
    summary += &rule("账务汇总列表");
    summary += "类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\r\n";
    summary += &line(&[
        "合计",
        &counts[0].to_string(),
        &yuan(income),
        &counts[1].to_string(),
        &yuan(expense),
        &yuan(income + expense),
    ]);
    summary += &rule("账务汇总列表结束");
    summary += &exported();
    Some(Bill {
        title: "账务",
        details,
        summary,
    })
}
