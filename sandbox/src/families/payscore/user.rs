//! What the user does: he gives leave, confirms an order, pays it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::Value;

use super::{order, permissions};
use crate::control::{options, refusal, refused};
use crate::orders::SANDBOX_OPENID;
use crate::problem::Problem;
use crate::sandbox::Sandbox;

/// The control calls.
pub fn control() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/sandbox/payscore/orders", get(orders))
        .route(
            "/sandbox/payscore/orders/{out_order_no}/confirm",
            post(confirm),
        )
        .route("/sandbox/payscore/orders/{out_order_no}/pay", post(pay))
        .route("/sandbox/payscore/permissions", get(all_permissions))
        .route("/sandbox/payscore/permissions/{code}/open", post(open))
        .route("/sandbox/payscore/permissions/{code}/close", post(close))
}

/// Who it is; the sandbox's person when nobody is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    openid: Option<String>,
}

fn answered(answer: Result<Value, Problem>) -> Response {
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => refused(&problem),
    }
}

async fn orders(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let all = ledger.families.payscore.all();
    Json(all.iter().map(|order| order.view(&sandbox)).collect())
}

async fn confirm(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(number): Path<String>,
    body: Bytes,
) -> Response {
    let person: Person = match options(&body) {
        Ok(person) => person,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    answered(order::confirm(&sandbox, &number, person.openid))
}

async fn pay(Shared(sandbox): Shared<Arc<Sandbox>>, Path(number): Path<String>) -> Response {
    answered(order::settle(&sandbox, &number))
}

async fn all_permissions(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let all = ledger.families.permissions.all().iter().rev();
    Json(all.map(|permission| permission.answer(&sandbox)).collect())
}

async fn open(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(code): Path<String>,
    body: Bytes,
) -> Response {
    let person: Person = match options(&body) {
        Ok(person) => person,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    let openid = person.openid.unwrap_or_else(|| SANDBOX_OPENID.to_owned());
    answered(permissions::open(&sandbox, &code, &openid))
}

async fn close(Shared(sandbox): Shared<Arc<Sandbox>>, Path(code): Path<String>) -> Response {
    answered(permissions::close(&sandbox, &code))
}
