//! `/v3/merchant-service/complaint-notifications`: where complaints are told. There is one address for the merchant
//! and all his sub-merchants.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::catalogue::Checked;
use crate::operations::{Reply, check_address};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub fn create(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    check_address(&request.body, "url")?;
    if sandbox.ledger().families.complaints.address.is_some() {
        return Err(refusal(
            "RESOURCE_ALREADY_EXISTS",
            "通知回调地址已存在，请使用更新接口",
        ));
    }
    set(sandbox, request)
}

pub fn query(sandbox: &Arc<Sandbox>, _: &Checked) -> Result<Reply, Problem> {
    let address = sandbox.ledger().families.complaints.address.clone();
    let (url, _) = address.ok_or_else(none)?;
    Ok(answer(sandbox, &url).into())
}

pub fn update(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    check_address(&request.body, "url")?;
    if sandbox.ledger().families.complaints.address.is_none() {
        return Err(none());
    }
    set(sandbox, request)
}

pub fn delete(sandbox: &Arc<Sandbox>, _: &Checked) -> Result<Reply, Problem> {
    let removed = sandbox.ledger().families.complaints.address.take();
    removed.map(|_| Reply::Nothing).ok_or_else(none)
}

fn set(sandbox: &Sandbox, request: &Checked) -> Result<Reply, Problem> {
    let url = request.text("url");
    sandbox.ledger().families.complaints.address = Some((url.to_owned(), request.asked));
    Ok(answer(sandbox, url).into())
}

fn answer(sandbox: &Sandbox, url: &str) -> Value {
    json!({ "mchid": sandbox.merchant.mchid, "url": url })
}

/// The table of these operations has it with 400.
fn none() -> Problem {
    refusal("RESOURCE_NOT_EXISTS", "通知回调地址不存在，请先创建")
}

fn refusal(code: &'static str, message: &str) -> Problem {
    Problem::coded(StatusCode::BAD_REQUEST, code, message)
}
