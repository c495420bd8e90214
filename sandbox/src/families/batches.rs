//! `/v3/transfer/batches`: the older transfers, many at once, that arrive without asking anybody.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::bodies::{ID, NOTIFY_URL, OPENID, POSITIVE_FEN};
use super::transfer::PROCESSING;
use crate::books::{Account, Cause};
use crate::clock;
use crate::crypto::random_digits;
use crate::fields::{Field, Kind, optional, required};
use crate::notifications::{self, Event};
use crate::operations::{Input, Operation, Reply, check_notify_url, operation, own_appid};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{Asked, seal_field};

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/transfer/batches", create),
    operation("GET /v3/transfer/batches/batch-id/{batch_id}", query),
    operation(
        "GET /v3/transfer/batches/out-batch-no/{out_batch_no}",
        query,
    ),
    operation(
        "GET /v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}",
        query_detail,
    ),
    operation(
        "GET /v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
        query_detail,
    ),
];

const OUT_NO: Kind = Kind::Number {
    min: 5,
    max: 32,
    also: "",
};
const DETAIL: Kind = Kind::Object(&[
    required("out_detail_no", OUT_NO),
    required("transfer_amount", POSITIVE_FEN),
    required("transfer_remark", Kind::Text { min: 1, max: 32 }),
    required("openid", OPENID),
    optional("user_name", Kind::Sealed),
    optional("user_id_card", Kind::Sealed),
]);
const CREATE: &[Field] = &[
    required("appid", ID),
    required("out_batch_no", OUT_NO),
    required("batch_name", Kind::Text { min: 1, max: 32 }),
    required("batch_remark", Kind::Text { min: 1, max: 32 }),
    required("total_amount", POSITIVE_FEN),
    required("total_num", Kind::Integer { min: 1, max: 1000 }),
    required("transfer_detail_list", Kind::List(&DETAIL)),
    optional("transfer_scene_id", Kind::Text { min: 1, max: 36 }),
    optional("notify_url", NOTIFY_URL),
];

/// From ¥2000 on a receiver must be named; below ¥0.30 he must not.
const NAME_FROM_FEN: i64 = 200_000;
const NAMELESS_BELOW_FEN: i64 = 30;
const MOST_LISTED: usize = 100;
const LISTED: usize = 20;

/// By `out_batch_no`.
pub type Batches = HashMap<String, Batch>;

#[derive(Clone)]
pub struct Batch {
    request: Value,
    pub out_batch_no: String,
    pub batch_id: String,
    pub status: &'static str,
    pub details: Vec<Detail>,
    created: OffsetDateTime,
    pub updated: OffsetDateTime,
    asked: Asked,
}

#[derive(Clone)]
pub struct Detail {
    pub out_detail_no: String,
    pub detail_id: String,
    pub openid: String,
    user_name: Option<String>,
    pub amount: i64,
    remark: String,
    /// `PROCESSING`, `SUCCESS` or `FAIL`
    pub status: &'static str,
    fail_reason: Option<&'static str>,
}

fn create(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, CREATE)?;
    own_appid(sandbox, &body["appid"])?;
    check_notify_url(&body)?;
    let details = details(&body)?;
    let out_batch_no = body["out_batch_no"].as_str().unwrap_or_default().to_owned();
    let mut ledger = sandbox.ledger();
    if let Some(existing) = ledger.families.batches.get(&out_batch_no) {
        return match existing.request == body {
            true => Ok(existing.receipt().into()),
            false => Err(Problem::coded(
                StatusCode::BAD_REQUEST,
                "ALREADY_EXISTS",
                "批次单号已存在，且参数与首次请求不一致",
            )),
        };
    }
    let now = clock::now();
    let batch = Batch {
        batch_id: format!("13100{}{}", random_digits(20), random_digits(15)),
        status: "ACCEPTED",
        details,
        created: now,
        updated: now,
        asked: input.asked,
        out_batch_no: out_batch_no.clone(),
        request: body,
    };
    let total = batch.request["total_amount"].as_i64().unwrap_or_default();
    ledger.books.transfer(
        batch.cause("商家转账", ""),
        Account::operation(&sandbox.merchant.mchid),
        Account::Transit,
        total,
    )?;
    let answer = batch.receipt();
    ledger.families.batches.insert(out_batch_no.clone(), batch);
    drop(ledger);
    finish_later(sandbox, out_batch_no);
    Ok(answer.into())
}

/// The details, which must agree with the totals.
fn details(body: &Value) -> Result<Vec<Detail>, Problem> {
    let refused = |field: &str, issue| Err(Problem::parameter("body", field, None, issue));
    let list = body["transfer_detail_list"].as_array();
    let details: Vec<Detail> = list
        .into_iter()
        .flatten()
        .map(|detail| {
            let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
            Detail {
                out_detail_no: text("out_detail_no"),
                detail_id: format!("10400{}{}", random_digits(20), random_digits(15)),
                openid: text("openid"),
                user_name: detail["user_name"].as_str().map(str::to_owned),
                amount: detail["transfer_amount"].as_i64().unwrap_or_default(),
                remark: text("transfer_remark"),
                status: "PROCESSING",
                fail_reason: None,
            }
        })
        .collect();
    let number = i64::try_from(details.len()).unwrap_or_default();
    if body["total_num"] != number {
        return refused(
            "/total_num",
            "与明细笔数不一致 (is not the number of details)",
        );
    }
    let sum = details
        .iter()
        .try_fold(0_i64, |sum, detail| sum.checked_add(detail.amount));
    if body["total_amount"].as_i64() != sum {
        return refused(
            "/total_amount",
            "与明细金额之和不一致 (is not the sum of the details)",
        );
    }
    let mut numbers = HashSet::new();
    for (index, detail) in details.iter().enumerate() {
        let field = |name: &str| format!("/transfer_detail_list/{index}/{name}");
        if !numbers.insert(&detail.out_detail_no) {
            return refused(&field("out_detail_no"), "明细单号重复 (comes twice)");
        }
        match detail.user_name.is_some() {
            false if detail.amount >= NAME_FROM_FEN => {
                return refused(
                    &field("user_name"),
                    "转账金额2000元及以上时必填 (required from 200000 fen on)",
                );
            }
            true if detail.amount < NAMELESS_BELOW_FEN => {
                return refused(
                    &field("user_name"),
                    "转账金额低于0.3元时不支持 (not accepted below 30 fen)",
                );
            }
            _ => {}
        }
    }
    Ok(details)
}

fn finish_later(sandbox: &Arc<Sandbox>, out_batch_no: String) {
    let sandbox = sandbox.clone();
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(PROCESSING)).await;
        let receiver = sandbox.settings().receiver_name;
        let mchid = sandbox.merchant.mchid.clone();
        let finished = {
            let mut ledger = sandbox.ledger();
            let Some(mut batch) = ledger.families.batches.get(&out_batch_no).cloned() else {
                return;
            };
            for detail in &mut batch.details {
                let wrong = match (&receiver, &detail.user_name) {
                    (Some(receiver), Some(name)) => name != receiver,
                    _ => false,
                };
                detail.status = if wrong { "FAIL" } else { "SUCCESS" };
                detail.fail_reason = wrong.then_some("NAME_NOT_CORRECT");
            }
            for detail in &batch.details {
                let (kind, into) = match detail.status {
                    "SUCCESS" => ("商家转账", Account::Wallet(detail.openid.clone())),
                    _ => ("商家转账退回", Account::operation(&mchid)),
                };
                ledger
                    .books
                    .transfer(
                        batch.cause(kind, &detail.remark),
                        Account::Transit,
                        into,
                        detail.amount,
                    )
                    .expect("what is on its way can arrive");
            }
            batch.status = "FINISHED";
            batch.updated = clock::now();
            ledger.families.batches.insert(out_batch_no, batch.clone());
            batch
        };
        tell(&sandbox, &finished);
    });
}

fn tell(sandbox: &Arc<Sandbox>, batch: &Batch) {
    sandbox.announce(
        json!({ "change": "batch", "out_batch_no": batch.out_batch_no, "state": batch.status }),
    );
    let Some(notify_url) = batch.request["notify_url"].as_str() else {
        return;
    };
    let event = Event {
        event_type: "MCHTRANSFER.BATCH.FINISHED",
        original_type: "mch_payment",
        summary: "商家转账批次完成通知",
        resource: batch.told(&sandbox.merchant.mchid),
        number: batch.out_batch_no.clone(),
        notify_url: notify_url.to_owned(),
        asked: batch.asked,
    };
    notifications::tell(sandbox, event);
}

impl Batch {
    fn receipt(&self) -> Value {
        json!({
            "out_batch_no": self.out_batch_no,
            "batch_id": self.batch_id,
            "create_time": clock::rfc3339(self.created),
            "batch_status": self.status,
        })
    }

    fn told(&self, mchid: &str) -> Value {
        let ended = |status| {
            let details = self.details.iter().filter(move |one| one.status == status);
            details.fold((0, 0), |(count, sum), one| (count + 1, sum + one.amount))
        };
        let (success_num, success_amount) = ended("SUCCESS");
        let (fail_num, fail_amount) = ended("FAIL");
        json!({
            "mchid": mchid,
            "out_batch_no": self.out_batch_no,
            "batch_id": self.batch_id,
            "batch_status": self.status,
            "total_num": self.request["total_num"],
            "total_amount": self.request["total_amount"],
            "success_num": success_num,
            "success_amount": success_amount,
            "fail_num": fail_num,
            "fail_amount": fail_amount,
            "update_time": clock::rfc3339(self.updated),
        })
    }

    fn answer(&self, mchid: &str) -> Value {
        let mut answer = self.told(mchid);
        for name in ["appid", "batch_name", "batch_remark", "transfer_scene_id"] {
            if let Some(value) = self.request.get(name) {
                answer[name] = value.clone();
            }
        }
        answer["batch_type"] = "API".into();
        answer["create_time"] = clock::rfc3339(self.created).into();
        answer
    }

    fn cause(&self, kind: &'static str, remark: &str) -> Cause {
        Cause {
            name: "商家转账",
            kind,
            number: self.batch_id.clone(),
            voucher: self.out_batch_no.clone(),
            remark: remark.to_owned(),
        }
    }
}

fn find(sandbox: &Sandbox, input: &Input) -> Result<Batch, Problem> {
    let ledger = sandbox.ledger();
    let batches = &ledger.families.batches;
    let found = match input.placeholder("batch_id") {
        "" => batches.get(input.placeholder("out_batch_no")),
        id => batches.values().find(|batch| batch.batch_id == id),
    };
    found
        .cloned()
        .ok_or_else(|| Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "记录不存在"))
}

fn query(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let unfit = |name: &str, issue| Problem::parameter("query", name, None, issue);
    let with_details = match input.required_query("need_query_detail")?.as_str() {
        "true" => true,
        "false" => false,
        _ => {
            return Err(unfit(
                "need_query_detail",
                "须为true或false (must be a boolean)",
            ));
        }
    };
    let batch = find(sandbox, input)?;
    let mut answer = json!({ "transfer_batch": batch.answer(&sandbox.merchant.mchid) });
    if !with_details {
        return Ok(answer.into());
    }
    let number = |name: &str, otherwise: usize| match input.query(name) {
        None => Ok(otherwise),
        Some(text) => text
            .parse()
            .map_err(|_| unfit(name, "须为整数 (must be an integer)")),
    };
    let (offset, limit) = (number("offset", 0)?, number("limit", LISTED)?);
    if limit > MOST_LISTED {
        return Err(unfit("limit", "最大100 (at most 100)"));
    }
    let status = input.required_query("detail_status")?;
    if !["ALL", "SUCCESS", "FAIL", "WAIT_PAY"].contains(&status.as_str()) {
        return Err(unfit(
            "detail_status",
            "须为ALL、SUCCESS、FAIL、WAIT_PAY之一 (not an allowed value)",
        ));
    }
    answer["offset"] = offset.into();
    answer["limit"] = limit.into();
    answer["transfer_detail_list"] = batch
        .details
        .iter()
        .filter(|detail| status == "ALL" || detail.status == status)
        .skip(offset)
        .take(limit)
        .map(|detail| {
            json!({
                "detail_id": detail.detail_id,
                "out_detail_no": detail.out_detail_no,
                "detail_status": detail.status,
            })
        })
        .collect();
    Ok(answer.into())
}

fn query_detail(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let batch = find(sandbox, input)?;
    let detail = batch
        .details
        .iter()
        .find(|detail| match input.placeholder("detail_id") {
            "" => detail.out_detail_no == input.placeholder("out_detail_no"),
            id => detail.detail_id == id,
        })
        .ok_or_else(|| Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "记录不存在"))?;
    let mut answer = json!({
        "mchid": sandbox.merchant.mchid,
        "appid": batch.request["appid"],
        "out_batch_no": batch.out_batch_no,
        "batch_id": batch.batch_id,
        "out_detail_no": detail.out_detail_no,
        "detail_id": detail.detail_id,
        "detail_status": detail.status,
        "transfer_amount": detail.amount,
        "transfer_remark": detail.remark,
        "openid": detail.openid,
        "initiate_time": clock::rfc3339(batch.created),
        "update_time": clock::rfc3339(batch.updated),
    });
    if let Some(name) = &detail.user_name {
        answer["user_name"] = seal_field(sandbox, name).into();
    }
    if let Some(reason) = detail.fail_reason {
        answer["fail_reason"] = reason.into();
    }
    Ok(answer.into())
}
