//! What the payer does: he complains, says more, complains again, or withdraws his complaint.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Value, json};

use super::images::Image;
use super::ledger::{self, Change, Complaint, Opening, State};
use crate::control::{options, refusal, refused};
use crate::orders::{Ledger, Order};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

/// The control calls.
pub fn control() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/sandbox/orders/{out_trade_no}/complain", post(complain))
        .route("/sandbox/complaints", get(list))
        .route("/sandbox/complaints/{id}", get(one))
        .route("/sandbox/complaints/{id}/respond", post(respond))
        .route("/sandbox/complaints/{id}/continue", post(complain_again))
        .route("/sandbox/complaints/{id}/withdraw", post(withdraw))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wish {
    detail: String,
    problem_type: String,
    problem_description: String,
    phone: Option<String>,
    apply_refund_amount: Option<i64>,
    /// Base64.
    images: Vec<String>,
    need_immediate_service: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            detail: "商家未按约定提供服务".into(),
            problem_type: "OTHERS".into(),
            problem_description: "商家服务问题".into(),
            phone: Some("13800138000".into()),
            apply_refund_amount: None,
            images: Vec::new(),
            need_immediate_service: false,
        }
    }
}

impl Wish {
    fn opening(self, order: &Order) -> Result<Opening, String> {
        if !["REFUND", "SERVICE_NOT_WORK", "OTHERS"].contains(&self.problem_type.as_str()) {
            return Err("problem_type: REFUND, SERVICE_NOT_WORK or OTHERS".into());
        }
        if self.detail.is_empty() {
            return Err("detail: what the payer says must not be empty".into());
        }
        if self
            .apply_refund_amount
            .is_some_and(|fen| !(1..=order.total).contains(&fen))
        {
            return Err(format!("apply_refund_amount: from 1 to {}", order.total));
        }
        let image = |text: String| {
            let bytes = STANDARD
                .decode(text)
                .map_err(|_| "images: must be base64".to_owned())?;
            Ok(Image {
                content_type: "image/jpeg",
                bytes: bytes.into(),
            })
        };
        Ok(Opening {
            detail: self.detail,
            problem_type: self.problem_type,
            problem: self.problem_description,
            phone: self.phone,
            refund_wanted: self.apply_refund_amount,
            images: self
                .images
                .into_iter()
                .map(image)
                .collect::<Result<_, String>>()?,
            needs_immediate_service: self.need_immediate_service,
        })
    }
}

async fn complain(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(out_trade_no): Path<String>,
    body: Bytes,
) -> Response {
    let Some(order) = sandbox.ledger().find(&out_trade_no).cloned() else {
        return refused(&Problem::order_not_exist());
    };
    take(&sandbox, &order, &body)
}

/// `POST /cashier/{token}/complain`: the button of the cashier's page. Of a combined order, its parts are complained about one by one.
pub async fn complain_at_cashier(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(token): Path<String>,
    body: Bytes,
) -> Response {
    let Some(order) = sandbox.ledger().by_token(&token).cloned() else {
        return refused(&Problem::order_not_exist());
    };
    take(&sandbox, &order, &body)
}

fn take(sandbox: &Arc<Sandbox>, order: &Order, body: &[u8]) -> Response {
    let opening = options::<Wish>(body).and_then(|wish| wish.opening(order));
    let opening = match opening {
        Ok(opening) => opening,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    match ledger::open(sandbox, order, opening) {
        Ok(id) => (StatusCode::CREATED, shown(sandbox, &id)).into_response(),
        Err(problem) => refused(&problem),
    }
}

async fn list(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let all = ledger.families.complaints.newest_first();
    Json(
        all.map(|complaint| view(&sandbox, &ledger, complaint))
            .collect(),
    )
}

async fn one(Shared(sandbox): Shared<Arc<Sandbox>>, Path(id): Path<String>) -> Response {
    shown(&sandbox, &id)
}

fn shown(sandbox: &Sandbox, id: &str) -> Response {
    let ledger = sandbox.ledger();
    match ledger.families.complaints.find(id) {
        Ok(complaint) => Json(view(sandbox, &ledger, complaint)).into_response(),
        Err(problem) => refused(&problem),
    }
}

fn view(sandbox: &Sandbox, ledger: &Ledger, complaint: &Complaint) -> Value {
    let mut view = complaint.detail(sandbox, ledger);
    view["history"] = json!(complaint.history);
    view
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    #[serde(default)]
    detail: String,
}

/// Reads what the payer says, changes the complaint, and answers it as it then is.
fn say(
    sandbox: &Arc<Sandbox>,
    id: &str,
    body: &[u8],
    change: impl FnOnce(&mut Complaint, &str) -> Result<Change, Problem>,
) -> Response {
    let words: Words = match options(body) {
        Ok(words) => words,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    match ledger::change(sandbox, id, None, |complaint| {
        change(complaint, &words.detail)
    }) {
        Ok(_) => shown(sandbox, id),
        Err(problem) => refused(&problem),
    }
}

async fn respond(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    say(&sandbox, &id, &body, |complaint, words| {
        complaint.must_be_open("the complaint has been dealt with: continue it")?;
        complaint.awaits_answer = true;
        let entry = complaint.entry("投诉人", "USER_RESPONSE", words);
        Ok(Change::told("USER_RESPONSE", vec![entry]))
    })
}

async fn complain_again(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    say(&sandbox, &id, &body, |complaint, words| {
        complaint.complained_again();
        let entry = complaint.entry("投诉人", "USER_CONTINUE_COMPLAINT", words);
        let system = complaint.entry(
            "系统",
            "USER_CONTINUE_COMPLAINT_SYSTEM_MESSAGE",
            "用户继续投诉，请尽快处理",
        );
        Ok(Change::told("CONTINUE_COMPLAINT", vec![entry, system]))
    })
}

async fn withdraw(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    say(&sandbox, &id, &body, |complaint, words| {
        complaint.must_be_open("the complaint has been dealt with")?;
        complaint.state = State::Processed;
        complaint.awaits_answer = false;
        let entry = complaint.entry("投诉人", "USER_REVOKE_COMPLAINT", words);
        Ok(Change::untold(vec![entry]))
    })
}
