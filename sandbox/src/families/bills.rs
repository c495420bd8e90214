//! The bills of a day: trades, fund flow, sharing; plain for the merchant himself, sealed for sub-merchants.
//! CSV as the provider writes it: a byte-order mark, a backtick before every value, a summary at the end.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use time::Date;

use super::files::{self, Place, bill_day};
use super::partner::check_sub_mchid;
use super::receipts::yuan;
use crate::books::{Account, FEE_RATE, Kind as AccountKind, Line, Posting};
use crate::clock;
use crate::crypto::random_text;
use crate::operations::{Input, Operation, Reply, operation};
use crate::orders::{Ledger, Order};
use crate::problem::Problem;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;
use crate::signing::seal_for_merchant;

pub const OPERATIONS: &[Operation] = &[
    operation("GET /v3/bill/tradebill", trade),
    operation("GET /v3/bill/fundflowbill", fund_flow),
    operation("GET /v3/bill/sub-merchant-fundflowbill", sub_fund_flow),
    operation("GET /v3/ecommerce/bill/fundflowbill", every_sub_fund_flow),
];

/// A bill before it becomes a file.
pub struct Bill {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    summary_columns: &'static [&'static str],
    summary: Vec<String>,
}

impl Bill {
    pub fn csv(&self) -> Vec<u8> {
        let mut text = self.head();
        text.extend(self.rows.iter().map(|row| line(row)));
        text.push_str(&self.tail());
        text.into_bytes()
    }

    fn head(&self) -> String {
        format!("\u{FEFF}{}\r\n", self.columns.join(","))
    }

    fn tail(&self) -> String {
        format!(
            "{}\r\n{}",
            self.summary_columns.join(","),
            line(&self.summary)
        )
    }

    /// Pieces of at most `rows` rows; put together they are the bill.
    fn parts(&self, rows: usize) -> Vec<Vec<u8>> {
        let mut parts: Vec<String> = self
            .rows
            .chunks(rows.max(1))
            .map(|rows| rows.iter().map(|row| line(row)).collect())
            .collect();
        if let Some(first) = parts.first_mut() {
            first.insert_str(0, &self.head());
        }
        if let Some(last) = parts.last_mut() {
            last.push_str(&self.tail());
        }
        parts.into_iter().map(String::into_bytes).collect()
    }
}

/// A backtick keeps spreadsheets from taking numbers for numbers.
fn line(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| format!("`{}", cell.replace([',', '\r', '\n'], " ")))
        .collect();
    cells.join(",") + "\r\n"
}

/// Offers the file and answers as every application for a plain bill does.
fn offered(
    sandbox: &Sandbox,
    ledger: &mut Ledger,
    input: &Input,
    csv: &[u8],
) -> Result<Reply, Problem> {
    let hash = files::sha1(csv);
    let (content_type, bytes) = match gzipped(input)? {
        true => ("application/gzip", files::gzip(csv)),
        false => ("text/plain; charset=utf-8", csv.to_vec()),
    };
    let mut link = files::offer(
        sandbox,
        &mut ledger.families.files,
        Place::Bill,
        content_type,
        bytes,
    );
    if content_type == "application/gzip" {
        link.push_str("&tartype=gzip");
    }
    Ok(json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": link }).into())
}

fn gzipped(input: &Input) -> Result<bool, Problem> {
    match input.query("tar_type").as_deref() {
        None => Ok(false),
        Some("GZIP") => Ok(true),
        Some(other) => Err(Problem::parameter(
            "query",
            "tar_type",
            Some(&other.into()),
            "须为GZIP (not an allowed value)",
        )),
    }
}

/// What a bill of trades is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trades {
    All,
    Paid,
    Refunded,
}

impl Trades {
    /// The names of APIv3 and of APIv2.
    pub fn parse(bill_type: Option<&str>) -> Option<Self> {
        match bill_type {
            None | Some("ALL") => Some(Self::All),
            Some("SUCCESS") => Some(Self::Paid),
            Some("REFUND") => Some(Self::Refunded),
            Some(_) => None,
        }
    }
}

fn trade(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let bill_type = input.query("bill_type");
    let trades = Trades::parse(bill_type.as_deref()).ok_or_else(|| {
        Problem::parameter(
            "query",
            "bill_type",
            bill_type.as_deref().map(Value::from).as_ref(),
            "须为ALL、SUCCESS、REFUND之一 (not an allowed value)",
        )
    })?;
    let sub_mchid = input.query("sub_mchid");
    gzipped(input)?;
    let day = bill_day(sandbox, input)?;
    let mut ledger = sandbox.ledger();
    let csv = trade_bill(&ledger, day, trades, sub_mchid.as_deref())?.csv();
    offered(sandbox, &mut ledger, input, &csv)
}

/// The payments and refunds of a day; of one sub-merchant where he is named.
pub fn trade_bill(
    ledger: &Ledger,
    day: Date,
    trades: Trades,
    sub_mchid: Option<&str>,
) -> Result<Bill, Problem> {
    let ours = |order: &&Order| sub_mchid.is_none_or(|mchid| order.payee == mchid);
    let mut paid: Vec<&Order> = ledger
        .orders()
        .into_iter()
        .filter(ours)
        .filter(|order| {
            order
                .payment
                .as_ref()
                .is_some_and(|payment| payment.at.date() == day)
        })
        .collect();
    paid.reverse();
    let mut refunded: Vec<(&Refund, &Order)> = ledger
        .refunds_of(None)
        .into_iter()
        .filter(|refund| refund.status != RefundStatus::Closed && refund.created.date() == day)
        .filter_map(|refund| Some((refund, ledger.order(&refund.order_key)?)))
        .filter(|(_, order)| ours(order))
        .collect();
    refunded.reverse();
    match trades {
        Trades::All => {}
        Trades::Paid => refunded.clear(),
        Trades::Refunded => paid.clear(),
    }
    if paid.is_empty() && refunded.is_empty() {
        return Err(Problem::no_statement());
    }

    let mut rows: Vec<Vec<String>> = paid
        .iter()
        .map(|order| trade_row(order, None, trades))
        .collect();
    rows.extend(
        refunded
            .iter()
            .map(|(refund, order)| trade_row(order, Some(refund), trades)),
    );
    let total: i64 = paid.iter().map(|order| order.total).sum();
    let back: i64 = refunded.iter().map(|(refund, _)| refund.amount).sum();
    let fees = paid.iter().map(|order| order.fee).sum::<i64>()
        - refunded.iter().map(|(refund, _)| refund.fee).sum::<i64>();
    Ok(Bill {
        columns: trade_columns(trades),
        summary: vec![
            rows.len().to_string(),
            yuan(total),
            yuan(back),
            yuan(0),
            yuan(fees),
            yuan(total),
            yuan(back),
        ],
        rows,
        summary_columns: &[
            "总交易单数",
            "应结订单总金额",
            "退款总金额",
            "充值券退款总金额",
            "手续费总金额",
            "订单总金额",
            "申请退款总金额",
        ],
    })
}

/// The columns, in the provider's order; those of refunds are missing in a bill of payments.
fn trade_columns(trades: Trades) -> Vec<&'static str> {
    let mut columns = vec![
        "交易时间",
        "公众账号ID",
        "商户号",
        "特约商户号",
        "设备号",
        "微信订单号",
        "商户订单号",
        "用户标识",
        "交易类型",
        "交易状态",
        "付款银行",
        "货币种类",
        "应结订单金额",
        "代金券金额",
    ];
    if trades == Trades::Refunded {
        columns.extend(["退款申请时间", "退款成功时间"]);
    }
    if trades != Trades::Paid {
        columns.extend([
            "微信退款单号",
            "商户退款单号",
            "退款金额",
            "充值券退款金额",
            "退款类型",
            "退款状态",
        ]);
    }
    columns.extend(["商品名称", "商户数据包", "手续费", "费率", "订单金额"]);
    if trades != Trades::Paid {
        columns.push("申请退款金额");
    }
    columns.push("费率备注");
    columns
}

fn trade_row(order: &Order, refund: Option<&&Refund>, trades: Trades) -> Vec<String> {
    let text = |pointer: &str| {
        order
            .request
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let either = |one: &str, other: &str| match text(one) {
        found if !found.is_empty() => found,
        _ => text(other),
    };
    let payment = order.payment.as_ref();
    let at = match refund {
        Some(refund) => refund.created,
        None => payment.map_or(order.created, |payment| payment.at),
    };
    let money = |fen: i64| yuan(if refund.is_some() { 0 } else { fen });
    let mut row = vec![
        time_cell(at),
        either("/appid", "/sp_appid"),
        either("/mchid", "/sp_mchid"),
        match text("/sub_mchid") {
            none if none.is_empty() => "0".into(),
            mchid => mchid,
        },
        text("/scene_info/device_id"),
        payment.map_or_else(String::new, |payment| payment.transaction_id.clone()),
        order.out_trade_no.clone(),
        order.openid().to_owned(),
        order.trade_type.name().into(),
        if refund.is_some() {
            "REFUND"
        } else {
            "SUCCESS"
        }
        .into(),
        "OTHERS".into(),
        "CNY".into(),
        money(order.total),
        yuan(0),
    ];
    if trades == Trades::Refunded {
        row.push(refund.map_or_else(String::new, |refund| time_cell(refund.created)));
        row.push(
            refund
                .and_then(|refund| refund.settled)
                .map_or_else(String::new, time_cell),
        );
    }
    if trades != Trades::Paid {
        row.extend(match refund {
            Some(refund) => [
                refund.refund_id.clone(),
                refund.out_refund_no.clone(),
                yuan(refund.amount),
                yuan(0),
                "ORIGINAL".into(),
                refund.status.name().into(),
            ],
            None => [
                "0".into(),
                "0".into(),
                yuan(0),
                yuan(0),
                String::new(),
                String::new(),
            ],
        });
    }
    let fee = refund.map_or(order.fee, |refund| -refund.fee);
    row.extend([
        order.description().to_owned(),
        text("/attach"),
        format!("{}000", yuan(fee)),
        FEE_RATE.into(),
        money(order.total),
    ]);
    if trades != Trades::Paid {
        row.push(yuan(refund.map_or(0, |refund| refund.amount)));
    }
    row.push(String::new());
    row
}

/// `2026-01-31 12:00:00`
fn time_cell(at: time::OffsetDateTime) -> String {
    clock::rfc3339(at)
        .chars()
        .take(19)
        .collect::<String>()
        .replace('T', " ")
}

fn account_type(input: &Input, allowed: &[&str], otherwise: &str) -> Result<AccountKind, Problem> {
    let name = input
        .query("account_type")
        .unwrap_or_else(|| otherwise.into());
    AccountKind::parse(&name)
        .filter(|_| allowed.contains(&name.as_str()))
        .ok_or_else(|| {
            Problem::parameter(
                "query",
                "account_type",
                Some(&name.as_str().into()),
                "账户类型有误 (not an allowed value)",
            )
        })
}

fn fund_flow(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let kind = account_type(input, &["BASIC", "OPERATION", "FEES"], "BASIC")?;
    gzipped(input)?;
    let day = bill_day(sandbox, input)?;
    let mut ledger = sandbox.ledger();
    let owner = sandbox.merchant.mchid.clone();
    let csv = flow_bill(&ledger, &[(owner, kind)], day)?.csv();
    offered(sandbox, &mut ledger, input, &csv)
}

/// What has moved on these accounts. The frozen part of a merchant's money is a part of his basic account.
pub fn flow_bill(
    ledger: &Ledger,
    accounts: &[(String, AccountKind)],
    day: Date,
) -> Result<Bill, Problem> {
    let mut moved: Vec<(&Posting, &Line, &str)> = Vec::new();
    for (mchid, kind) in accounts {
        let mut parts = vec![Account::Available(mchid.clone(), *kind)];
        if *kind == AccountKind::Basic {
            parts.push(Account::Frozen(mchid.clone()));
        }
        for part in parts {
            let lines: Vec<_> = ledger.books.lines(&part).collect();
            moved.extend(
                lines
                    .into_iter()
                    .filter(|(posting, _)| posting.at.date() == day)
                    .map(|(posting, line)| (posting, line, mchid.as_str())),
            );
        }
    }
    if moved.is_empty() {
        return Err(Problem::no_statement());
    }
    moved.sort_by_key(|(posting, _, _)| posting.at);
    let sum = |income: bool| {
        let some = moved
            .iter()
            .filter(move |(_, line, _)| (line.change > 0) == income);
        some.fold((0, 0), |(count, sum), (_, line, _)| {
            (count + 1, sum + line.change.abs())
        })
    };
    let ((incomes, income), (expenses, expense)) = (sum(true), sum(false));
    Ok(Bill {
        columns: vec![
            "记账时间",
            "微信支付业务单号",
            "资金流水单号",
            "业务名称",
            "业务类型",
            "收支类型",
            "收支金额(元)",
            "账户结余(元)",
            "资金变更提交申请人",
            "备注",
            "业务凭证号",
        ],
        summary: vec![
            moved.len().to_string(),
            incomes.to_string(),
            yuan(income),
            expenses.to_string(),
            yuan(expense),
        ],
        rows: moved
            .iter()
            .map(|(posting, line, owner)| flow_row(posting, line, owner))
            .collect(),
        summary_columns: &[
            "资金流水总笔数",
            "收入笔数",
            "收入金额",
            "支出笔数",
            "支出金额",
        ],
    })
}

fn flow_row(posting: &Posting, line: &Line, owner: &str) -> Vec<String> {
    let cause = &posting.cause;
    vec![
        time_cell(posting.at),
        cause.number.clone(),
        posting.flow_number.clone(),
        cause.name.into(),
        cause.kind.into(),
        if line.change > 0 { "收入" } else { "支出" }.into(),
        yuan(line.change.abs()),
        yuan(line.balance),
        format!("{owner}API"),
        cause.remark.clone(),
        cause.voucher.clone(),
    ]
}

fn sub_fund_flow(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.required_query("sub_mchid")?;
    check_sub_mchid(sandbox, &sub_mchid)?;
    input.required_query("account_type")?;
    let kind = account_type(input, &["BASIC", "OPERATION", "FEES", "DEPOSIT"], "BASIC")?;
    sealed_parts(sandbox, input, |_| vec![(sub_mchid.clone(), kind)])
}

fn every_sub_fund_flow(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    if input.required_query("account_type")? != "ALL" {
        return Err(Problem::parameter(
            "query",
            "account_type",
            None,
            "须为ALL (not an allowed value)",
        ));
    }
    let own = sandbox.merchant.mchid.clone();
    sealed_parts(sandbox, input, |ledger| {
        ledger
            .books
            .merchants()
            .into_iter()
            .filter(|(mchid, _)| *mchid != own)
            .collect()
    })
}

/// Each part under a key of its own, which only the merchant's private key opens.
fn sealed_parts(
    sandbox: &Arc<Sandbox>,
    input: &Input,
    accounts: impl Fn(&Ledger) -> Vec<(String, AccountKind)>,
) -> Result<Reply, Problem> {
    let scheme = sandbox.merchant.scheme;
    let algorithm = input.required_query("algorithm")?;
    if algorithm != scheme.file_cipher() {
        return Err(Problem::parameter(
            "query",
            "algorithm",
            Some(&algorithm.into()),
            &format!(
                "须为{0} (this merchant's keys are for {0})",
                scheme.file_cipher()
            ),
        ));
    }
    let gzip = gzipped(input)?;
    let day = bill_day(sandbox, input)?;
    let rows = sandbox.settings().bill_part_rows;
    let mut ledger = sandbox.ledger();
    let parts = flow_bill(&ledger, &accounts(&ledger), day)?.parts(rows);
    let list: Vec<Value> = parts
        .iter()
        .enumerate()
        .map(|(index, part)| {
            let (key, nonce) = (random_text(scheme.file_key_length()), random_text(16));
            let plain = if gzip {
                files::gzip(part)
            } else {
                part.clone()
            };
            let link = files::offer(
                sandbox,
                &mut ledger.families.files,
                Place::Bill,
                "application/octet-stream",
                scheme.seal_file(&key, &nonce, &plain),
            );
            json!({
                "bill_sequence": index + 1,
                "download_url": link,
                "encrypt_key": STANDARD.encode(seal_for_merchant(sandbox, key.as_bytes())),
                "hash_type": "SHA1",
                "hash_value": files::sha1(part),
                "nonce": nonce,
            })
        })
        .collect();
    Ok(json!({ "download_bill_count": list.len(), "download_bill_list": list }).into())
}

/// `GET /v3/profitsharing/bills`
pub fn profitsharing(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.query("sub_mchid");
    gzipped(input)?;
    let day = bill_day(sandbox, input)?;
    let mut ledger = sandbox.ledger();
    let mut shares: Vec<_> = ledger
        .families
        .sharing
        .orders
        .values()
        .filter(|share| share.finished && share.created.date() == day)
        .filter(|share| sub_mchid.as_ref().is_none_or(|mchid| share.payee == *mchid))
        .collect();
    shares
        .sort_by(|one, other| (one.created, &one.order_id).cmp(&(other.created, &other.order_id)));
    let rows: Vec<Vec<String>> = shares
        .iter()
        .flat_map(|share| {
            share.receivers.iter().map(|receiver| {
                vec![
                    time_cell(receiver.finished),
                    sandbox.merchant.mchid.clone(),
                    share.payee.clone(),
                    share.transaction_id.clone(),
                    share.order_id.clone(),
                    receiver.detail_id.clone(),
                    share.out_order_no().to_owned(),
                    receiver.account.clone(),
                    yuan(receiver.amount),
                    "分账".into(),
                    match receiver.result {
                        "SUCCESS" => "分账成功",
                        _ => "分账失败",
                    }
                    .into(),
                    receiver.description.clone(),
                ]
            })
        })
        .collect();
    if rows.is_empty() {
        return Err(Problem::no_statement());
    }
    let total: i64 = shares
        .iter()
        .flat_map(|share| &share.receivers)
        .map(|receiver| receiver.amount)
        .sum();
    let bill = Bill {
        columns: vec![
            "分账时间",
            "分账发起方",
            "分账方",
            "微信订单号",
            "微信分账单号",
            "微信分账明细单号",
            "商户分账单号",
            "分账接收方",
            "分账金额",
            "业务类型",
            "处理状态",
            "分账描述",
        ],
        summary: vec![rows.len().to_string(), yuan(total)],
        rows,
        summary_columns: &["分账总笔数", "分账总金额"],
    };
    let csv = bill.csv();
    offered(sandbox, &mut ledger, input, &csv)
}
