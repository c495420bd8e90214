//! `alipay.data.bill.ereceipt.*`: a receipt is applied for, made a while later, then fetched as a PDF.

use std::time::Duration as Wait;

use serde_json::json;
use time::OffsetDateTime;

use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::families::receipts::pdf;

use super::bills::Link;
use super::money::yuan;
use super::operations::{Ask, Operation, Reply, api};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.data.bill.ereceipt.apply", apply),
    api("alipay.data.bill.ereceipt.query", query),
];

/// How long it takes to make one.
const WORK: Wait = Wait::from_secs(10);

pub struct Receipt {
    file_id: String,
    key: String,
    applied: OffsetDateTime,
    lines: Vec<String>,
}

fn apply(ask: &Ask) -> Result<Reply, Refusal> {
    if ask.required("", "type")? != "FUND_DETAIL" {
        return Err(Refusal::parameter("", "type", "须为FUND_DETAIL"));
    }
    let key = ask.required("", "key")?.to_owned();
    let mut state = ask.sandbox.alipay.state();
    if let Some(known) = state.receipts.iter().find(|receipt| receipt.key == key) {
        return Ok(json!({ "file_id": known.file_id }).into());
    }
    let transfers = &state.transfers;
    let transfer = transfers.iter().find(|one| one.has_number(&key));
    let transfer = transfer.ok_or_else(|| Refusal::parameter("", "key", "没有这笔资金流水"))?;
    let receipt = Receipt {
        file_id: random_digits(16),
        key,
        applied: clock::now(),
        lines: vec![
            format!("Alipay transfer {}", transfer.order_id),
            format!("Merchant's number {}", transfer.out_biz_no),
            format!("Amount CNY {}", yuan(transfer.amount)),
            format!("At {}", clock::plain(transfer.at)),
        ],
    };
    let answer = json!({ "file_id": receipt.file_id });
    state.receipts.push(receipt);
    Ok(answer.into())
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let file_id = ask.required("", "file_id")?;
    let mut state = ask.sandbox.alipay.state();
    let receipt = state
        .receipts
        .iter()
        .find(|receipt| receipt.file_id == file_id);
    let receipt = receipt.ok_or_else(|| Refusal::parameter("", "file_id", "没有这个文件"))?;
    if clock::now() - receipt.applied < ask.sandbox.scaled(WORK) {
        return Ok(json!({ "status": "PROCESS" }).into());
    }
    let link = Link {
        bytes: pdf(&receipt.lines),
        content_type: "application/pdf",
        made: clock::now(),
    };
    let token = random_text(32);
    state.links.insert(token.clone(), link);
    let url = format!("{}/alipay/files/{token}.pdf", ask.sandbox.address);
    Ok(json!({ "status": "SUCCESS", "download_url": url }).into())
}
