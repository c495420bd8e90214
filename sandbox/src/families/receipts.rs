//! Receipts with the platform's seal: of new transfers (`elecsign`), of old batches (`bill-receipt`) and of
//! their details (`electronic-receipts`). Applied for, made a while later, then a PDF to download.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration as Wait;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::files::{self, Place};
use super::transfer::Stage;
use crate::clock;
use crate::crypto::random_digits;
use crate::fields::{Field, Kind, optional, required};
use crate::operations::{Operation, Reply, operation};
use crate::orders::Ledger;
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation(
        "POST /v3/fund-app/mch-transfer/elecsign/out-bill-no",
        |sandbox, input| {
            let body = input.checked_body(sandbox, &[required("out_bill_no", NUMBER)])?;
            apply_for_bill(sandbox, &text(&body, "out_bill_no"))
        },
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/elecsign/transfer-bill-no",
        |sandbox, input| {
            let body = input.checked_body(sandbox, &[required("transfer_bill_no", NUMBER)])?;
            let number = out_bill_no(sandbox, &text(&body, "transfer_bill_no"))?;
            apply_for_bill(sandbox, &number)
        },
    ),
    operation(
        "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
        |sandbox, input| query_bill(sandbox, input.placeholder("out_bill_no")),
    ),
    operation(
        "GET /v3/fund-app/mch-transfer/elecsign/transfer-bill-no/{transfer_bill_no}",
        |sandbox, input| {
            let number = out_bill_no(sandbox, input.placeholder("transfer_bill_no"))?;
            query_bill(sandbox, &number)
        },
    ),
    operation("POST /v3/transfer/bill-receipt", |sandbox, input| {
        let body = input.checked_body(sandbox, &[required("out_batch_no", NUMBER)])?;
        let number = text(&body, "out_batch_no");
        batch_answer(sandbox, &number, true)
    }),
    operation(
        "GET /v3/transfer/bill-receipt/{out_batch_no}",
        |sandbox, input| batch_answer(sandbox, input.placeholder("out_batch_no"), false),
    ),
    operation(
        "POST /v3/transfer-detail/electronic-receipts",
        |sandbox, input| {
            let body = input.checked_body(sandbox, DETAIL)?;
            detail_answer(sandbox, &body, true)
        },
    ),
    operation(
        "GET /v3/transfer-detail/electronic-receipts",
        |sandbox, input| {
            let mut body = json!({});
            for name in ["accept_type", "out_detail_no"] {
                body[name] = input.required_query(name)?.into();
            }
            if let Some(number) = input.query("out_batch_no") {
                body["out_batch_no"] = number.into();
            }
            detail_answer(sandbox, &body, false)
        },
    ),
];

const NUMBER: Kind = Kind::Text { min: 1, max: 64 };
const DETAIL: &[Field] = &[
    required(
        "accept_type",
        Kind::OneOf(&["BATCH_TRANSFER", "TRANSFER_TO_POCKET", "TRANSFER_TO_BANK"]),
    ),
    optional("out_batch_no", NUMBER),
    required("out_detail_no", NUMBER),
];

/// How long a receipt is being made, at speed 1.
const MAKING: Wait = Wait::from_secs(3);

/// By what they are of: `bill/…`, `batch/…`, `detail/…/…`.
pub type Receipts = HashMap<String, Receipt>;

#[derive(Clone)]
pub struct Receipt {
    signature_no: String,
    created: OffsetDateTime,
    /// When it is ready.
    ready: std::time::Instant,
    updated: OffsetDateTime,
    pdf: Vec<u8>,
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

fn missing(message: &str) -> Problem {
    Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", message)
}

impl Ledger {
    /// Begins to make a receipt, or finds the one that was begun.
    fn apply(&mut self, sandbox: &Sandbox, key: String, lines: &[String]) -> Receipt {
        let now = clock::now();
        let making = sandbox.scaled(MAKING);
        self.families
            .receipts
            .entry(key)
            .or_insert_with(|| Receipt {
                signature_no: random_digits(28),
                created: now,
                ready: std::time::Instant::now() + making,
                updated: now + Duration::try_from(making).unwrap_or_default(),
                pdf: pdf(lines),
            })
            .clone()
    }

    /// The receipt, once it has been applied for, with a fresh link when it is ready.
    fn receipt(&mut self, sandbox: &Sandbox, key: &str, place: Place) -> Option<(Receipt, Value)> {
        let receipt = self.families.receipts.get(key)?.clone();
        if std::time::Instant::now() < receipt.ready {
            return Some((receipt, Value::Null));
        }
        let hash = files::sha256(&receipt.pdf);
        let link = files::offer(
            sandbox,
            &mut self.families.files,
            place,
            "application/pdf",
            receipt.pdf.clone(),
        );
        let made = json!({ "hash_type": "SHA256", "hash_value": hash, "download_url": link });
        Some((receipt, made))
    }
}

fn extend(answer: &mut Value, more: Value) {
    if let (Value::Object(answer), Value::Object(more)) = (answer, more) {
        answer.extend(more);
    }
}

fn out_bill_no(sandbox: &Sandbox, transfer_bill_no: &str) -> Result<String, Problem> {
    let ledger = sandbox.ledger();
    let mut bills = ledger.families.transfers.bills.values();
    bills
        .find(|bill| bill.transfer_bill_no == transfer_bill_no)
        .map(|bill| bill.out_bill_no.clone())
        .ok_or_else(|| missing("转账单不存在"))
}

fn apply_for_bill(sandbox: &Arc<Sandbox>, number: &str) -> Result<Reply, Problem> {
    let mut ledger = sandbox.ledger();
    let bill = ledger
        .families
        .transfers
        .bills
        .get(number)
        .ok_or_else(|| missing("转账单不存在"))?;
    if bill.state != Stage::Success {
        return Err(Problem::request(268435494, "转账未成功，不能申请电子回单"));
    }
    let lines = [
        format!("Transfer {}", bill.transfer_bill_no),
        format!("Merchant's number {}", bill.out_bill_no),
        format!("Receiver {}", bill.openid),
        format!("Amount CNY {}", yuan(bill.amount)),
        format!("At {}", clock::rfc3339(bill.updated)),
    ];
    let receipt = ledger.apply(sandbox, format!("bill/{number}"), &lines);
    Ok(json!({ "state": "GENERATING", "create_time": clock::rfc3339(receipt.created) }).into())
}

fn query_bill(sandbox: &Arc<Sandbox>, number: &str) -> Result<Reply, Problem> {
    let (receipt, made) = sandbox
        .ledger()
        .receipt(sandbox, &format!("bill/{number}"), Place::Sign)
        .ok_or_else(|| missing("电子回单未申请"))?;
    let state = match made {
        Value::Null => "GENERATING",
        _ => "FINISHED",
    };
    let mut answer = json!({
        "state": state,
        "create_time": clock::rfc3339(receipt.created),
        "update_time": clock::rfc3339(receipt.updated),
    });
    extend(&mut answer, made);
    Ok(answer.into())
}

fn batch_answer(sandbox: &Arc<Sandbox>, number: &str, apply: bool) -> Result<Reply, Problem> {
    let mut ledger = sandbox.ledger();
    let key = format!("batch/{number}");
    if apply {
        let batch = ledger
            .families
            .batches
            .get(number)
            .ok_or_else(|| missing("转账批次单不存在"))?;
        if batch.status != "FINISHED" {
            return Err(Problem::request(268435494, "批次未完成，不能申请电子回单"));
        }
        let mut lines = vec![
            format!("Batch {}", batch.batch_id),
            format!("Merchant's number {number}"),
            format!("At {}", clock::rfc3339(batch.updated)),
        ];
        lines.extend(batch.details.iter().take(40).map(|detail| {
            format!(
                "{}  {}  CNY {}  {}",
                detail.out_detail_no,
                detail.openid,
                yuan(detail.amount),
                detail.status
            )
        }));
        ledger.apply(sandbox, key.clone(), &lines);
    }
    let (receipt, made) = ledger
        .receipt(sandbox, &key, Place::Sign)
        .ok_or_else(|| missing("电子回单未申请"))?;
    let mut answer = json!({
        "out_batch_no": number,
        "signature_no": receipt.signature_no,
        "signature_status": status(&made),
        "create_time": clock::rfc3339(receipt.created),
        "update_time": clock::rfc3339(receipt.updated),
    });
    extend(&mut answer, made);
    Ok(answer.into())
}

fn status(made: &Value) -> &'static str {
    match made {
        Value::Null => "ACCEPTED",
        _ => "FINISHED",
    }
}

fn detail_answer(sandbox: &Arc<Sandbox>, body: &Value, apply: bool) -> Result<Reply, Problem> {
    let (batch_no, detail_no) = (text(body, "out_batch_no"), text(body, "out_detail_no"));
    if body["accept_type"] == "BATCH_TRANSFER" && batch_no.is_empty() {
        return Err(Problem::parameter(
            if apply { "body" } else { "query" },
            if apply {
                "/out_batch_no"
            } else {
                "out_batch_no"
            },
            None,
            "受理类型为BATCH_TRANSFER时必填 (required with BATCH_TRANSFER)",
        ));
    }
    let key = format!("detail/{batch_no}/{detail_no}");
    let mut ledger = sandbox.ledger();
    if apply {
        let detail = ledger
            .families
            .batches
            .get(&batch_no)
            .and_then(|batch| {
                let mut details = batch.details.iter();
                details.find(|detail| detail.out_detail_no == detail_no)
            })
            .ok_or_else(|| missing("转账明细单不存在"))?;
        if detail.status != "SUCCESS" {
            return Err(Problem::request(268435494, "转账未成功，不能申请电子回单"));
        }
        let lines = [
            format!("Detail {}", detail.detail_id),
            format!("Merchant's numbers {batch_no} {detail_no}"),
            format!("Receiver {}", detail.openid),
            format!("Amount CNY {}", yuan(detail.amount)),
        ];
        ledger.apply(sandbox, key.clone(), &lines);
    }
    let (receipt, made) = ledger
        .receipt(sandbox, &key, Place::Voucher)
        .ok_or_else(|| missing("电子回单未申请"))?;
    let mut answer = json!({
        "accept_type": body["accept_type"],
        "out_batch_no": batch_no,
        "out_detail_no": detail_no,
        "signature_no": receipt.signature_no,
        "signature_status": status(&made),
    });
    extend(&mut answer, made);
    Ok(answer.into())
}

/// Fen as yuan with two decimals.
pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

/// One page of PDF with these lines. Only ASCII is shown; numbers and ids are nothing else.
pub fn pdf(lines: &[String]) -> Vec<u8> {
    let mut page = String::from(
        "BT /F1 16 Tf 72 770 Td (payseal sandbox: electronic receipt) Tj /F1 11 Tf 0 -14 Td\n",
    );
    for line in lines {
        let shown: String = line
            .chars()
            .map(|one| {
                if one.is_ascii_graphic() || one == ' ' {
                    one
                } else {
                    '?'
                }
            })
            .collect();
        let shown = shown
            .replace('\\', "\\\\")
            .replace('(', "\\(")
            .replace(')', "\\)");
        writeln!(page, "0 -18 Td ({shown}) Tj").expect("a string takes every line");
    }
    page.push_str("0 -36 Td (No real money has moved.) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        write!(file, "{} 0 obj\n{object}\nendobj\n", index + 1).expect("a string takes it");
    }
    let table = file.len();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1)
        .expect("a string takes it");
    for offset in offsets {
        writeln!(file, "{offset:010} 00000 n ").expect("a string takes it");
    }
    write!(
        file,
        "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n",
        objects.len() + 1
    )
    .expect("a string takes it");
    file.into_bytes()
}
