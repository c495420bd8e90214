//! `/v3/merchant-service/complaints-v2`: what payers complain about and what the merchant does about it. The payer's
//! part is played by control calls, in `payer`.

mod address;
mod images;
mod ledger;
mod payer;

use std::sync::Arc;

use serde_json::json;
use time::{Date, Duration, macros::format_description};

use crate::catalogue::Checked;
use crate::operations::{Operation, Reply, checked};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub use ledger::{Complaints, refund_settled};
pub use payer::{complain_at_cashier, control};

use ledger::{Change, Complaint, State};

pub const OPERATIONS: &[Operation] = &[
    checked("GET /v3/merchant-service/complaints-v2", list),
    checked(
        "GET /v3/merchant-service/complaints-v2/{complaint_id}",
        |sandbox, request| {
            let ledger = sandbox.ledger();
            let complaint = ledger.families.complaints.find(id(request))?;
            Ok(complaint.detail(sandbox, &ledger).into())
        },
    ),
    checked(
        "GET /v3/merchant-service/complaints-v2/{complaint_id}/negotiation-historys",
        history,
    ),
    checked(
        "POST /v3/merchant-service/complaints-v2/{complaint_id}/response",
        respond,
    ),
    checked(
        "POST /v3/merchant-service/complaints-v2/{complaint_id}/response-immediate-service",
        respond_at_once,
    ),
    checked(
        "POST /v3/merchant-service/complaints-v2/{complaint_id}/complete",
        complete,
    ),
    checked(
        "POST /v3/merchant-service/complaints-v2/{complaint_id}/update-refund-progress",
        decide_on_refund,
    ),
    checked(
        "POST /v3/merchant-service/complaint-notifications",
        address::create,
    ),
    checked(
        "GET /v3/merchant-service/complaint-notifications",
        address::query,
    ),
    checked(
        "PUT /v3/merchant-service/complaint-notifications",
        address::update,
    ),
    checked(
        "DELETE /v3/merchant-service/complaint-notifications",
        address::delete,
    ),
    checked("POST /v3/merchant-service/images/upload", images::upload),
    checked(
        "GET /v3/merchant-service/images/{media_id}",
        images::download,
    ),
];

const LONGEST_RANGE: Duration = Duration::days(30);
const LONGEST_ANSWER: usize = 500;
const LONGEST_REASON: usize = 200;
const MOST_IMAGES: usize = 4;

fn id<'a>(request: &'a Checked) -> &'a str {
    request.parameter("complaint_id")
}

fn wrong(field: &str, issue: &str) -> Problem {
    Problem::parameter("body", field, None, issue)
}

fn list(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (begin, end) = (day(request, "begin_date")?, day(request, "end_date")?);
    if end < begin || end - begin > LONGEST_RANGE {
        let issue =
            "须不早于开始日期，且跨度不超过30天 (not before begin_date, at most 30 days later)";
        let value = request.parameter("end_date").into();
        return Err(Problem::parameter("query", "end_date", Some(&value), issue));
    }
    let mchid = request.parameter("complainted_mchid");
    let ledger = sandbox.ledger();
    let wanted = |complaint: &&Complaint| {
        (begin..=end).contains(&complaint.opened.date())
            && (mchid.is_empty() || complaint.mchid == mchid)
    };
    let found: Vec<_> = ledger
        .families
        .complaints
        .newest_first()
        .filter(wanted)
        .collect();
    request
        .page(&found, 50, 10, |complaint| {
            let mut listed = complaint.detail(sandbox, &ledger);
            if let Some(listed) = listed.as_object_mut() {
                // Only the detail says who it was.
                listed.shift_remove("payer_openid");
            }
            listed
        })
        .map(Reply::from)
}

fn day(request: &Checked, name: &str) -> Result<Date, Problem> {
    let text = request.parameter(name);
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(|_| {
        Problem::parameter(
            "query",
            name,
            Some(&text.into()),
            "须为yyyy-MM-DD格式的日期 (must be a date)",
        )
    })
}

fn history(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let ledger = sandbox.ledger();
    let complaint = ledger.families.complaints.find(id(request))?;
    let newest_first: Vec<_> = complaint.history.iter().rev().collect();
    request
        .page(&newest_first, 300, 100, |entry| (*entry).clone())
        .map(Reply::from)
}

fn respond(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let content = request.text("response_content");
    if content.is_empty() || content.chars().count() > LONGEST_ANSWER {
        return Err(wrong(
            "/response_content",
            "长度须为1至500个字符 (from 1 to 500 characters)",
        ));
    }
    let (jump, text) = (request.text("jump_url"), request.text("jump_url_text"));
    if jump.is_empty() != text.is_empty() {
        return Err(wrong(
            "/jump_url_text",
            "跳转链接与文案须同时传入 (a link and its text come together)",
        ));
    }
    if !jump.is_empty() && !jump.starts_with("https://") {
        return Err(wrong("/jump_url", "链接须为HTTPS格式 (must be https)"));
    }
    let images = images::sent(sandbox, &request.body, "response_images")?;
    ledger::change(
        sandbox,
        id(request),
        Some(request.text("complainted_mchid")),
        |complaint| {
            complaint.must_be_open("投诉单已处理完成，无法回复")?;
            complaint.answered();
            let mut entry = complaint.entry("商户", "MERCHANT_RESPONSE", content);
            entry["image_list"] = images;
            Ok(Change::told("MERCHANT_RESPONSE", vec![entry]))
        },
    )?;
    Ok(Reply::Nothing)
}

/// The answer to a payer who waits for it; the same `idempotent_id` is the same answer.
fn respond_at_once(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (key, mchid) = (
        request.text("idempotent_id"),
        request.text("complainted_mchid"),
    );
    {
        let ledger = sandbox.ledger();
        let complaint = ledger.families.complaints.find(id(request))?;
        complaint.must_be_about(mchid)?;
        if let Some(log_id) = complaint.said_at_once.get(key) {
            return Ok(json!({ "log_id": log_id }).into());
        }
    }
    let log_id = ledger::change(
        sandbox,
        id(request),
        Some(request.text("complainted_mchid")),
        |complaint| {
            if !complaint.needs_immediate_service {
                return Err(Problem::request(
                    268435506,
                    "投诉单不需要即时服务，请使用回复用户接口",
                ));
            }
            complaint.must_be_open("投诉单已处理完成，无法回复")?;
            complaint.answered();
            let mut entry = complaint.entry("商户", "MERCHANT_RESPONSE", "");
            entry["normal_message"] = request.body["message"].clone();
            let log_id = entry["log_id"].as_str().unwrap_or_default().to_owned();
            complaint.said_at_once.insert(key.to_owned(), log_id);
            Ok(Change::told("MERCHANT_RESPONSE", vec![entry]))
        },
    )?;
    Ok(json!({ "log_id": log_id }).into())
}

fn complete(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    ledger::change(
        sandbox,
        id(request),
        Some(request.text("complainted_mchid")),
        |complaint| {
            complaint.must_be_open("当前单据状态不支持操作，请检查是否重复调用")?;
            complaint.state = State::Processed;
            complaint.awaits_answer = false;
            let entry = complaint.entry("商户", "MERCHANT_CONFIRM_COMPLETE", "");
            Ok(Change::told("MERCHANT_CONFIRM_COMPLETE", vec![entry]))
        },
    )?;
    Ok(Reply::Nothing)
}

/// Whether the payer who asks for a refund gets one. The refund itself is another request.
fn decide_on_refund(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    let approves = body["action"] == "APPROVE";
    let days = body["launch_refund_day"].as_i64();
    let reason = request.text("reject_reason");
    if approves && days.is_none_or(|days| days < 0) {
        return Err(wrong(
            "/launch_refund_day",
            "同意退款时必填，0代表当天 (required with APPROVE, in days)",
        ));
    }
    if !approves && (reason.is_empty() || reason.chars().count() > LONGEST_REASON) {
        return Err(wrong(
            "/reject_reason",
            "拒绝退款时必填，至多200个字符 (required with REJECT, at most 200 characters)",
        ));
    }
    let images = images::sent(sandbox, body, "reject_media_list")?;
    ledger::change(sandbox, id(request), None, |complaint| {
        if !complaint.asks_for_refund() {
            return Err(Problem::request(
                268435507,
                "投诉单不是申请退款单，不支持更新退款审批结果",
            ));
        }
        complaint.must_be_open("当前单据状态不支持操作, 请检查是否重复调用")?;
        if complaint.refund_approved {
            return Err(Problem::request(
                268435508,
                "当前单据状态不支持操作, 请检查是否重复调用",
            ));
        }
        complaint.answered();
        if approves {
            complaint.refund_approved = true;
            let when = format!("预计{}个工作日内发起退款", days.unwrap_or_default());
            let entry = complaint.entry("商户", "MERCHANT_APPROVE_REFUND", &when);
            return Ok(Change::told("MERCHANT_APPROVE_REFUND", vec![entry]));
        }
        complaint.state = State::Processed;
        // So spelt by the provider.
        let mut entry = complaint.entry("商户", "MERCHANT_REFUSE_RERUND", reason);
        entry["image_list"] = images;
        Ok(Change::told("MERCHANT_REJECT_REFUND", vec![entry]))
    })?;
    Ok(Reply::Nothing)
}
