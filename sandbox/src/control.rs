//! The control API and the pages: everything below `/sandbox/`, `/cashier/` and at `/`.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{self, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Json, Router};
use futures_util::{StreamExt, future, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::books::{Account, Kind as AccountKind};
use crate::families::{codepay, complaints, favor, papay, parking, payscore, transfer};
use crate::faults::{Kind, Wish};
use crate::loopback;
use crate::orders::{Ledger, Order};
use crate::problem::Problem;
use crate::sandbox::{Sandbox, Settings};
use crate::signing::Asked;
use crate::{
    alipay, cashier, catalogue, clock, exchanges, invoke, notifications, operations, provider, v2,
};

const HOME: &str = include_str!("pages/home.html");
const CASHIER: &str = include_str!("pages/cashier.html");
const BUYER: &str = include_str!("pages/buyer.html");
const TRANSFER: &str = include_str!("pages/transfer.html");
const EXCHANGES: &str = include_str!("pages/exchanges.html");
const WX: &str = include_str!("pages/wx.js");

/// The pages load nothing from anywhere, and talk to the sandbox only.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";

const GREATEST_SKEW_S: u64 = 365 * 86_400;

pub fn router(sandbox: Arc<Sandbox>) -> Router {
    let people = Router::new()
        .merge(alipay::control::routes())
        .route("/", get(|| async { page(HOME) }))
        .route("/cashier/{token}", get(|| async { page(CASHIER) }))
        .route("/cashier/{token}/state", get(cashier::state))
        .route("/cashier/{token}/pay", post(cashier::pay_button))
        .route(
            "/cashier/{token}/complain",
            post(complaints::complain_at_cashier),
        )
        .route("/sandbox", get(about))
        .route("/sandbox/wx.js", get(wx))
        .route("/sandbox/wx/request-payment", post(invoke::jsapi))
        .route("/sandbox/app/request-payment", post(invoke::app))
        .route("/sandbox/orders", get(orders))
        .route("/sandbox/orders/{out_trade_no}", get(order))
        .route("/sandbox/orders/{out_trade_no}/pay", post(pay))
        .route("/sandbox/orders/{out_trade_no}/close", post(close))
        .route("/sandbox/orders/{out_trade_no}/expire", post(expire))
        .route("/exchanges", get(|| async { page(EXCHANGES) }))
        .route("/buyer", get(|| async { page(BUYER) }))
        .route("/sandbox/buyer/codes", post(codepay::fresh))
        .route("/sandbox/buyer/codes/{code}", get(codepay::look))
        .route(
            "/sandbox/buyer/codes/{code}/confirm",
            post(codepay::confirm),
        )
        .route(
            "/sandbox/buyer/codes/{code}/decline",
            post(codepay::decline),
        )
        .route("/transfer/{token}", get(|| async { page(TRANSFER) }))
        .route("/transfer/{token}/state", get(transfer::page_state))
        .route("/transfer/{token}/confirm", post(transfer::page_confirm))
        .route(
            "/sandbox/wx/request-merchant-transfer",
            post(transfer::invoke),
        )
        .route("/sandbox/transfers", get(transfer::list))
        .route(
            "/sandbox/transfers/{out_bill_no}/confirm",
            post(transfer::confirm_by_number),
        )
        .route("/sandbox/ledger", get(ledger))
        .route("/sandbox/ledger/top-up", post(top_up))
        .route("/sandbox/notifications", get(deliveries).post(tell))
        .route("/sandbox/notifications/{id}", get(delivery))
        .route("/sandbox/notifications/{id}/resend", post(resend))
        .route(
            "/sandbox/faults",
            get(faults).post(set_fault).delete(clear_faults),
        )
        .route("/sandbox/faults/{id}", delete(remove_fault))
        .route("/sandbox/certificates", get(certificates))
        .route("/sandbox/certificates/rotate", post(rotate))
        .route("/sandbox/settings", get(settings).put(change_settings))
        .route("/sandbox/requests", get(requests))
        .route("/sandbox/exchanges", get(exchanges::list))
        .route("/sandbox/exchanges/{id}", get(exchanges::one))
        .route("/sandbox/events", get(events))
        .merge(complaints::control())
        .merge(payscore::control())
        .merge(papay::control())
        .merge(parking::control())
        .merge(favor::control())
        .layer(from_fn(loopback_origins_only));
    Router::new()
        .route("/v3/alipay/{*rest}", any(alipay::rest))
        .route("/v3/{*rest}", any(provider::answer))
        .route("/hk/v3/{*rest}", any(provider::answer))
        .route("/global/v3/{*rest}", any(provider::answer))
        .route("/pay/{*rest}", post(v2::answer))
        .route("/secapi/{*rest}", post(v2::answer))
        .route("/xdc/{*rest}", post(v2::answer))
        .route(alipay::GATEWAY, get(alipay::gateway).post(alipay::gateway))
        .merge(people)
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(sandbox)
}

fn page(html: &'static str) -> Response {
    (
        [
            (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
            (header::CACHE_CONTROL, "no-store"),
        ],
        Html(html),
    )
        .into_response()
}

async fn wx() -> Response {
    (
        [
            (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        WX,
    )
        .into_response()
}

/// Pages of this machine may use the control API; a page from elsewhere in somebody's browser may not.
async fn loopback_origins_only(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin
        .as_ref()
        .is_none_or(|origin| origin.to_str().is_ok_and(loopback::is_loopback_origin));
    if !allowed {
        return refusal(
            StatusCode::FORBIDDEN,
            "Origin: only pages of this machine may use the sandbox",
        );
    }
    let mut response = match *request.method() == Method::OPTIONS {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, POST, PUT, DELETE"),
        );
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type"),
        );
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    response
}

pub fn refusal(status: StatusCode, error: impl Into<String>) -> Response {
    (status, Json(json!({ "error": error.into() }))).into_response()
}

pub fn refused(problem: &Problem) -> Response {
    (
        problem.status,
        Json(json!({ "error": problem.message, "code": problem.code })),
    )
        .into_response()
}

/// An empty body stands for `{}`.
pub fn options<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(if body.is_empty() { b"{}" } else { body })
        .map_err(|error| error.to_string())
}

async fn about(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(json!({
        "address": sandbox.address,
        "speed": sandbox.speed,
        "mchid": sandbox.merchant.mchid,
        "appid": sandbox.merchant.appid,
        "merchant_serial": sandbox.merchant.serial,
        "public_key_id": sandbox.public_key.id,
        "platform_serial": sandbox.ring().signing().serial,
        "alipay": {
            "app_id": sandbox.alipay.app.id,
            "seller_id": sandbox.alipay.app.pid,
            "methods": alipay::names(),
        },
        "operations": operations::names(),
        "sampled_operations": catalogue::operations().map(|operation| operation.name).collect::<Vec<_>>(),
        "faults": Kind::ALL.map(|kind| json!({ "fault": kind, "answers": kind.for_answers(), "notifications": kind.for_notifications() })),
    }))
}

async fn orders(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let orders = ledger
        .orders()
        .into_iter()
        .map(|order| order_view(&sandbox, order, &ledger));
    let mut orders: Vec<Value> = orders.collect();
    drop(ledger);
    orders.extend(alipay::control::orders(&sandbox));
    orders.sort_by(|one, other| other["created"].as_str().cmp(&one["created"].as_str()));
    Json(orders.into())
}

async fn order(State(sandbox): State<Arc<Sandbox>>, Path(out_trade_no): Path<String>) -> Response {
    if let Some(order) = alipay::control::order(&sandbox, &out_trade_no) {
        return Json(order).into_response();
    }
    let ledger = sandbox.ledger();
    match ledger.find(&out_trade_no) {
        Some(order) => Json(order_view(&sandbox, order, &ledger)).into_response(),
        None => refused(&Problem::order_not_exist()),
    }
}

fn order_view(sandbox: &Sandbox, order: &Order, ledger: &Ledger) -> Value {
    let refunds = ledger.refunds_of(Some(&order.key));
    // A part of a combined order is paid at the cashier of all.
    let combined = order.combined.as_ref();
    let token = combined
        .and_then(|number| ledger.combined.get(number))
        .map_or(&order.token, |combined| &combined.token);
    json!({
        "out_trade_no": order.out_trade_no,
        "trade_type": order.trade_type.name(),
        "state": order.state.name(),
        "description": order.description(),
        "amount_fen": order.total,
        "notify_url": order.notify_url,
        "created": clock::rfc3339(order.created),
        "prepay_id": order.prepay_id,
        "sub_mchid": order.request["sub_mchid"],
        "combine_out_trade_no": order.combined,
        "cashier_url": cashier::link(sandbox, token),
        "transaction_id": order.payment.as_ref().map(|payment| payment.transaction_id.as_str()),
        "paid_at": order.payment.as_ref().map(|payment| clock::rfc3339(payment.at)),
        "request": order.request,
        "refunds": refunds.iter().map(|refund| refund.answer()).collect::<Value>(),
    })
}

/// The key of an order by its number.
fn key_of(sandbox: &Sandbox, out_trade_no: &str) -> String {
    let ledger = sandbox.ledger();
    ledger
        .find(out_trade_no)
        .map_or_else(|| out_trade_no.to_owned(), |order| order.key.clone())
}

async fn pay(State(sandbox): State<Arc<Sandbox>>, Path(out_trade_no): Path<String>) -> Response {
    if let Some(answer) = alipay::control::pay(&sandbox, &out_trade_no) {
        return answer;
    }
    match cashier::pay(&sandbox, &key_of(&sandbox, &out_trade_no)) {
        Ok(transaction) => Json(transaction).into_response(),
        Err(problem) => refused(&problem),
    }
}

async fn close(State(sandbox): State<Arc<Sandbox>>, Path(out_trade_no): Path<String>) -> Response {
    if let Some(answer) = alipay::control::close(&sandbox, &out_trade_no) {
        return answer;
    }
    let key = key_of(&sandbox, &out_trade_no);
    let closed = sandbox.ledger().close(&key);
    sandbox.announce(json!({ "change": "order", "out_trade_no": out_trade_no }));
    closed.map_or_else(
        |problem| refused(&problem),
        |()| StatusCode::NO_CONTENT.into_response(),
    )
}

async fn expire(State(sandbox): State<Arc<Sandbox>>, Path(out_trade_no): Path<String>) -> Response {
    if let Some(answer) = alipay::control::expire(&sandbox, &out_trade_no) {
        return answer;
    }
    let key = key_of(&sandbox, &out_trade_no);
    let expired = sandbox.ledger().expire(&key);
    sandbox.announce(json!({ "change": "order", "out_trade_no": out_trade_no }));
    expired.map_or_else(
        |problem| refused(&problem),
        |()| StatusCode::NO_CONTENT.into_response(),
    )
}

/// Balances of all accounts and the latest postings.
async fn ledger(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(sandbox.ledger().books.view())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopUp {
    /// The merchant's own account when there is none.
    mchid: Option<String>,
    account_type: String,
    amount_fen: i64,
}

/// Money from a bank into one of a merchant's accounts.
async fn top_up(State(sandbox): State<Arc<Sandbox>>, body: axum::body::Bytes) -> Response {
    let wish: TopUp = match options(&body) {
        Ok(wish) => wish,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    let Some(kind) = AccountKind::parse(&wish.account_type) else {
        return refusal(
            StatusCode::BAD_REQUEST,
            "account_type: BASIC, OPERATION, FEES or DEPOSIT",
        );
    };
    if !(1..=1_000_000_000_000).contains(&wish.amount_fen) {
        return refusal(
            StatusCode::BAD_REQUEST,
            "amount_fen: from 1 to 1000000000000",
        );
    }
    let mchid = wish.mchid.unwrap_or_else(|| sandbox.merchant.mchid.clone());
    let mut ledger = sandbox.ledger();
    let into = Account::Available(mchid, kind);
    match ledger.books.top_up(into.clone(), wish.amount_fen) {
        Ok(()) => Json(json!({ "balance_fen": ledger.books.balance(&into) })).into_response(),
        Err(problem) => refused(&problem),
    }
}

#[derive(Deserialize)]
struct DeliveryFilter {
    out_trade_no: Option<String>,
}

async fn deliveries(
    State(sandbox): State<Arc<Sandbox>>,
    Query(filter): Query<DeliveryFilter>,
) -> Json<Value> {
    let deliveries = sandbox.deliveries();
    let wanted = deliveries.all().iter().rev().filter(|delivery| {
        filter
            .out_trade_no
            .as_ref()
            .is_none_or(|number| *number == delivery.out_trade_no)
    });
    Json(wanted.map(|delivery| json!(delivery)).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Telling {
    event_type: String,
    notify_url: String,
    /// The plaintext.
    resource: Value,
    #[serde(default)]
    original_type: String,
    #[serde(default)]
    summary: String,
    /// The number that filters and faults know it by.
    #[serde(default)]
    out_trade_no: String,
}

/// Tells any event, as if it had happened.
async fn tell(State(sandbox): State<Arc<Sandbox>>, body: axum::body::Bytes) -> Response {
    let telling: Telling = match options(&body) {
        Ok(telling) => telling,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    if let Err(issue) = loopback::target(&telling.notify_url) {
        return refusal(StatusCode::BAD_REQUEST, format!("notify_url: {issue}"));
    }
    if telling.event_type.is_empty() || !telling.resource.is_object() {
        let error = "event_type and resource: an event's name, and its plaintext as an object";
        return refusal(StatusCode::BAD_REQUEST, error);
    }
    let event = notifications::Event {
        event_type: telling.event_type,
        original_type: telling.original_type,
        summary: telling.summary,
        resource: telling.resource,
        number: telling.out_trade_no,
        notify_url: telling.notify_url,
        asked: Asked::default(),
    };
    let id = notifications::tell(&sandbox, event);
    (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
}

async fn delivery(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<String>) -> Response {
    match sandbox.deliveries().find(&id) {
        Some(delivery) => Json(json!(delivery)).into_response(),
        None => refusal(StatusCode::NOT_FOUND, "no such notification"),
    }
}

/// Sends a notification once more, now, and answers when the attempt is over.
async fn resend(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<String>) -> Response {
    if sandbox.deliveries().find(&id).is_none() {
        return refusal(StatusCode::NOT_FOUND, "no such notification");
    }
    notifications::attempt(&sandbox, &id).await;
    delivery(State(sandbox), Path(id)).await
}

async fn faults(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(json!(sandbox.faults().all()))
}

async fn set_fault(
    State(sandbox): State<Arc<Sandbox>>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Response {
    let wish = match wish {
        Ok(Json(wish)) => wish,
        Err(rejection) => return refusal(StatusCode::BAD_REQUEST, rejection.body_text()),
    };
    let names: Vec<_> = operations::names()
        .into_iter()
        .chain(alipay::names())
        .collect();
    let set = sandbox.faults().set(wish, &names);
    match set {
        Ok(fault) => {
            sandbox.announce(json!({ "change": "fault", "id": fault.id }));
            (StatusCode::CREATED, Json(json!(fault))).into_response()
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, error),
    }
}

async fn clear_faults(State(sandbox): State<Arc<Sandbox>>) -> StatusCode {
    sandbox.faults().clear();
    sandbox.announce(json!({ "change": "fault" }));
    StatusCode::NO_CONTENT
}

async fn remove_fault(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<u64>) -> Response {
    if !sandbox.faults().remove(id) {
        return refusal(StatusCode::NOT_FOUND, "no such fault");
    }
    sandbox.announce(json!({ "change": "fault", "id": id }));
    StatusCode::NO_CONTENT.into_response()
}

async fn certificates(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    let ring = sandbox.ring();
    let now = clock::now();
    let signing = &ring.signing().serial;
    Json(
        ring.all()
            .iter()
            .rev()
            .map(|certificate| {
                json!({
                    "serial": certificate.serial,
                    "effective": clock::rfc3339(certificate.effective),
                    "expires": clock::rfc3339(certificate.expires),
                    "withdrawn": certificate.withdrawn.map(clock::rfc3339),
                    "valid": certificate.is_valid(now),
                    "signs": certificate.serial == *signing,
                    "pem": certificate.pem,
                })
            })
            .collect(),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    overlap_s: u32,
    expire_old: bool,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            overlap_s: 86_400,
            expire_old: false,
        }
    }
}

async fn rotate(State(sandbox): State<Arc<Sandbox>>, body: axum::body::Bytes) -> Response {
    let rotation: Rotation = match options(&body) {
        Ok(rotation) => rotation,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    let overlap_s = if rotation.expire_old {
        0
    } else {
        rotation.overlap_s
    };
    match sandbox.rotate(time::Duration::seconds(overlap_s.into())) {
        Ok(serial) => Json(json!({ "serial": serial })).into_response(),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}

async fn settings(State(sandbox): State<Arc<Sandbox>>) -> Json<Settings> {
    Json(sandbox.settings())
}

/// Settings that are not named go back to their defaults.
async fn change_settings(State(sandbox): State<Arc<Sandbox>>, body: axum::body::Bytes) -> Response {
    let settings: Settings = match options(&body) {
        Ok(settings) => settings,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    if settings.clock_skew_s.unsigned_abs() > GREATEST_SKEW_S {
        return refusal(
            StatusCode::BAD_REQUEST,
            "clock_skew_s: at most a year either way",
        );
    }
    if settings.bill_part_rows == 0 {
        return refusal(StatusCode::BAD_REQUEST, "bill_part_rows: at least 1");
    }
    if let Some(Err(issue)) = settings
        .profitsharing_notify_url
        .as_deref()
        .map(loopback::target)
    {
        return refusal(
            StatusCode::BAD_REQUEST,
            format!("profitsharing_notify_url: {issue}"),
        );
    }
    let app_gateway = settings.alipay.app_gateway.as_deref();
    if let Some(Err(issue)) = app_gateway.map(loopback::target_with_query) {
        return refusal(
            StatusCode::BAD_REQUEST,
            format!("alipay.app_gateway: {issue}"),
        );
    }
    sandbox.change_settings(settings.clone());
    sandbox.announce(json!({ "change": "settings" }));
    Json(settings).into_response()
}

async fn requests(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    Json(json!(sandbox.requests()))
}

/// Server-sent events: one per change, as JSON. The first, `{"change":"listening"}`, says that none will be missed.
async fn events(State(sandbox): State<Arc<Sandbox>>) -> Response {
    let event =
        |change: &Value| Ok::<_, Infallible>(sse::Event::default().data(change.to_string()));
    let first = stream::once(future::ready(event(&json!({ "change": "listening" }))));
    let rest = stream::unfold(sandbox.changes(), move |mut changes| async move {
        let change = match changes.recv().await {
            Ok(change) => change,
            // Too slow a listener has lost some and must look for itself.
            Err(RecvError::Lagged(_)) => json!({ "change": "lost" }),
            Err(RecvError::Closed) => return None,
        };
        Some((event(&change), changes))
    });
    Sse::new(first.chain(rest))
        .keep_alive(sse::KeepAlive::default())
        .into_response()
}
