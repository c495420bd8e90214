//! One request to the API, from the first byte to the signed answer, with the faults that were asked for.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::authorization::{self, Received};
use crate::clock;
use crate::crypto::{hex_upper, random_bytes, random_digits};
use crate::exchanges::{self, Refusal};
use crate::faults::{Fault, Group, Kind, Place};
use crate::listen::ResetConnection;
use crate::operations::{self, Call, File, Input, Reply};
use crate::problem::Problem;
use crate::sandbox::{RequestRecord, Sandbox};
use crate::signing::{self, Asked, Spoiling};
use crate::truncated::Truncated;
use crate::upload::{self, Upload};

const LONGEST_BODY: usize = 1 << 20;
const SUCCESS_NUMBER: u32 = 268435456;

/// The answer before it is signed.
struct Answer {
    status: StatusCode,
    number: u32,
    body: Option<Value>,
}

impl Answer {
    fn ok(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            number: SUCCESS_NUMBER,
            body: Some(body),
        }
    }

    fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            number: SUCCESS_NUMBER,
            body: None,
        }
    }

    fn refusal(problem: &Problem) -> Self {
        Self {
            status: problem.status,
            number: problem.number,
            body: Some(problem.body()),
        }
    }
}

/// The handler of everything below `/v3/`, `/hk/v3/` and `/global/v3/`.
pub async fn answer(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let longest = match upload::is_form(&head.headers) {
        true => upload::LONGEST,
        false => LONGEST_BODY,
    };
    let Ok(body) = to_bytes(body, longest).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // A task of its own: a caller who hangs up meanwhile does not take his request back.
    tokio::spawn(handle(sandbox, head, body))
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn handle(sandbox: Arc<Sandbox>, head: Parts, body: Bytes) -> Response {
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let call = operations::route(&head.method, head.uri.path());
    let is_form = call
        .as_ref()
        .is_ok_and(|call| call.operation.takes_a_file());
    let form = match is_form {
        true => Some(upload::read(&head.headers, &body).await),
        false => None,
    };
    let received = Received {
        method: &head.method,
        target,
        headers: &head.headers,
        body: form.as_ref().map_or(&body, |form| &form.meta),
        is_form,
    };

    let out_trade_no = concerned_order(&sandbox, call.as_ref().ok(), &body);
    let place = Place::Answer {
        operation: call.as_ref().ok().map(|call| call.operation.name),
        path: head.uri.path(),
        out_trade_no: out_trade_no.as_deref(),
    };
    let struck = sandbox
        .faults()
        .strike(&place, &[Group::Delay, Group::Rotation, Group::Outcome]);
    let record = record(&received, &struck);
    let mut seen = exchanges::begin(&received, &body, call.as_ref().ok());
    seen.number.clone_from(&out_trade_no);
    seen.faults.clone_from(&record.faults);
    let response = exchange(&sandbox, &received, call, form.as_ref(), &struck).await;
    match response.extensions().get::<ResetConnection>() {
        Some(_) => {
            seen.outcome = "reset".into();
            seen.refusal = Some(Refusal::by_fault());
        }
        None => {
            let sent = response.extensions().get::<Sent>();
            let sent = sent.map_or(&[][..], |sent| &sent.0);
            let answer = (response.status(), response.headers(), sent);
            exchanges::answered(&sandbox, &mut seen, (&received, &body), answer);
        }
    }
    sandbox.exchanges().add(seen);
    sandbox.record(RequestRecord {
        status: response
            .extensions()
            .get::<ResetConnection>()
            .is_none()
            .then(|| response.status().as_u16()),
        code: response
            .extensions()
            .get::<RefusalCode>()
            .map(|code| code.0.clone()),
        request_id: response
            .headers()
            .get("request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned),
        ..record
    });
    response
}

/// The whole body of an answer, also of one that a fault cuts short.
#[derive(Clone)]
struct Sent(Bytes);

/// The provider's code, kept beside the response for the record.
#[derive(Clone)]
struct RefusalCode(String);

async fn exchange(
    sandbox: &Arc<Sandbox>,
    received: &Received<'_>,
    call: Result<Call, bool>,
    form: Option<&Upload>,
    struck: &[Fault],
) -> Response {
    let delay = struck.iter().find(|fault| fault.fault == Kind::Delay);
    if let Some(fault) = delay {
        tokio::time::sleep(Duration::from_millis(fault.ms)).await;
    }
    let outcome = struck
        .iter()
        .find(|fault| fault.fault.group() == Group::Outcome);
    let kind = outcome.map(|fault| fault.fault);
    if kind == Some(Kind::ResetBefore) {
        return reset();
    }
    if let Some(fault) = outcome.filter(|fault| fault.fault.replaces_answer() && !fault.processed) {
        return replaced(sandbox, fault.fault);
    }

    if struck
        .iter()
        .any(|fault| fault.fault == Kind::RotateCertificate)
    {
        // The request was made under the old certificate, which is still good, and is answered under the new one.
        if let Err(error) = sandbox.rotate(time::Duration::hours(24)) {
            return (StatusCode::INTERNAL_SERVER_ERROR, error).into_response();
        }
    }
    let (asked, result) = process(sandbox, received, call, form);
    match kind {
        Some(Kind::ResetAfter) => reset(),
        Some(kind) if kind.replaces_answer() => replaced(sandbox, kind),
        kind => {
            let mut answer = match result {
                Ok(Reply::Json(body)) => Answer::ok(body),
                Ok(Reply::Status(status, body)) => Answer {
                    status,
                    number: SUCCESS_NUMBER,
                    body,
                },
                Ok(Reply::Nothing) => Answer::no_content(),
                Ok(Reply::File(file)) => return unsigned(file, kind),
                Err(problem) => Answer::refusal(&problem),
            };
            if kind == Some(Kind::WrongAnswer) {
                answer.body.as_mut().map(mistake_for_another);
            }
            signed(sandbox, asked, &answer, kind)
        }
    }
}

/// Checks and carries out a request, without any fault.
fn process(
    sandbox: &Arc<Sandbox>,
    received: &Received,
    call: Result<Call, bool>,
    form: Option<&Upload>,
) -> (Asked, Result<Reply, Problem>) {
    if let Err(problem) = authorization::check(received, &sandbox.merchant) {
        // A refused caller still gets his answer from the key he named, when that one exists.
        let asked =
            signing::asked(sandbox, received.headers).map_or(Asked::Nothing, |(asked, _)| asked);
        return (asked, Err(problem));
    }
    let (asked, field_key) = match signing::asked(sandbox, received.headers) {
        Ok(found) => found,
        Err(problem) => return (Asked::Nothing, Err(problem)),
    };
    let call = match call {
        Ok(call) => call,
        Err(true) => return (asked, Err(Problem::method_not_allowed())),
        Err(false) => return (asked, Err(Problem::not_found("接口不存在，请检查URL"))),
    };
    let query = received
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    let input = Input {
        call: &call,
        query,
        body: received.body,
        upload: form,
        asked,
        field_key,
    };
    (asked, call.operation.perform(sandbox, &input))
}

fn signed(sandbox: &Sandbox, asked: Asked, answer: &Answer, kind: Option<Kind>) -> Response {
    let bytes = answer
        .body
        .as_ref()
        .map_or_else(Bytes::new, |body| body.to_string().into());
    let spoiling = kind.map_or(Spoiling::None, Kind::spoiling);
    let mut response = with_body(&bytes, kind);
    *response.status_mut() = answer.status;
    response.extensions_mut().insert(Sent(bytes.clone()));
    let headers = response.headers_mut();
    if !bytes.is_empty() {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
    }
    usual_headers(headers, answer.number);
    headers.extend(signing::headers(sandbox, asked, &bytes, spoiling));
    if let Some(code) = answer.body.as_ref().and_then(|body| body["code"].as_str()) {
        response
            .extensions_mut()
            .insert(RefusalCode(code.to_owned()));
    }
    response
}

/// A download: no signature, whatever was asked.
fn unsigned(file: File, kind: Option<Kind>) -> Response {
    let bytes = Bytes::from(file.bytes);
    let mut response = with_body(&bytes, kind);
    response.extensions_mut().insert(Sent(bytes));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(file.content_type),
    );
    usual_headers(headers, SUCCESS_NUMBER);
    response
}

fn with_body(bytes: &Bytes, kind: Option<Kind>) -> Response {
    if kind != Some(Kind::TruncatedBody) || bytes.is_empty() {
        return Response::new(Body::from(bytes.clone()));
    }
    let mut response = Response::new(Body::new(Truncated::half_of(bytes)));
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, bytes.len().into());
    response
}

fn usual_headers(headers: &mut HeaderMap, number: u32) {
    let mut set = |name: &'static str, value: String| {
        headers.insert(
            name,
            HeaderValue::from_str(&value).expect("these headers are plain ASCII"),
        );
    };
    set("server", "nginx".into());
    set(
        "keep-alive",
        format!("timeout={}", crate::listen::KEEP_ALIVE.as_secs()),
    );
    set("cache-control", "no-cache, must-revalidate".into());
    set("content-language", "zh-CN".into());
    set("x-content-type-options", "nosniff".into());
    set(
        "request-id",
        format!(
            "{}{}-{number}",
            hex_upper(&random_bytes::<14>()),
            random_digits(4)
        ),
    );
}

pub fn reset() -> Response {
    let mut response = StatusCode::BAD_GATEWAY.into_response();
    response.extensions_mut().insert(ResetConnection);
    response
}

/// What a load balancer says instead of the API, or the API instead of the operation.
pub fn replaced(sandbox: &Sandbox, kind: Kind) -> Response {
    let html = |status: StatusCode| {
        let page = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
        );
        let head = [
            (header::CONTENT_TYPE, "text/html"),
            (header::SERVER, "nginx"),
        ];
        let mut response = (status, head, page.clone()).into_response();
        response.extensions_mut().insert(Sent(page.into()));
        response
    };
    let refusal =
        |problem: Problem| signed(sandbox, Asked::Nothing, &Answer::refusal(&problem), None);
    match kind {
        Kind::Html500 => html(StatusCode::INTERNAL_SERVER_ERROR),
        Kind::RateLimit => refusal(Problem::rate_limited()),
        Kind::SystemError => refusal(Problem::system_error()),
        Kind::Redirect => (
            StatusCode::FOUND,
            [
                (
                    header::LOCATION,
                    format!("{}/v3/redirected", sandbox.address),
                ),
                (header::SERVER, "nginx".into()),
            ],
        )
            .into_response(),
        _ => html(StatusCode::BAD_GATEWAY),
    }
}

/// Turns a true answer into the equally true-looking answer to somebody else's order.
fn mistake_for_another(body: &mut Value) {
    let other = |text: &str| match text.strip_suffix('0') {
        Some(kept) => format!("{kept}1"),
        None => text
            .chars()
            .take(text.chars().count().saturating_sub(1))
            .chain(['0'])
            .collect(),
    };
    for name in [
        "out_trade_no",
        "transaction_id",
        "out_refund_no",
        "refund_id",
        "prepay_id",
        "code_url",
        "h5_url",
    ] {
        if let Some(text) = body[name].as_str() {
            body[name] = other(text).into();
        }
    }
    if let Some(total) = body.pointer_mut("/amount/total") {
        *total = total
            .as_i64()
            .map_or(1, |fen| fen.checked_add(100).unwrap_or(1))
            .into();
    }
}

/// The number of the order a request is about, for faults that wait for one order; read before any check.
fn concerned_order(sandbox: &Sandbox, call: Option<&Call>, body: &Bytes) -> Option<String> {
    let call = call?;
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let named = |name: &str| call.placeholder(name).or_else(|| body[name].as_str());
    let ledger = sandbox.ledger();
    if let Some(number) = named("out_trade_no") {
        return Some(number.to_owned());
    }
    if let Some(order) = named("transaction_id").and_then(|id| ledger.by_transaction(id)) {
        return Some(order.out_trade_no.clone());
    }
    if let Some(number) = named("out_refund_no") {
        let mut refunds = ledger.refunds.values();
        let refund = refunds.find(|refund| refund.out_refund_no == number)?;
        return Some(refund.out_trade_no.clone());
    }
    if let Some(id) = named("complaint_id") {
        return ledger.families.complaints.order_of(id);
    }
    // Of what is no order: the number that the merchant gave it.
    [
        "combine_out_trade_no",
        "out_bill_no",
        "out_order_no",
        "out_batch_no",
        "out_request_no",
        "out_contract_code",
        "out_parking_no",
        "authorization_code",
    ]
    .iter()
    .find_map(|name| named(name).map(str::to_owned))
}

fn record(received: &Received, struck: &[Fault]) -> RequestRecord {
    let text = |name: &str| {
        received
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let credentials = text("authorization")
        .and_then(|line| line.split_once(' '))
        .and_then(|(_, fields)| authorization::parse_fields(fields));
    let field = |value: Option<&str>| value.map(str::to_owned);
    RequestRecord {
        at: clock::rfc3339(clock::now()),
        method: received.method.to_string(),
        target: received.target.to_owned(),
        status: None,
        code: None,
        faults: struck.iter().map(|fault| fault.fault.name()).collect(),
        nonce: field(
            credentials
                .as_ref()
                .and_then(|credentials| credentials.nonce_str),
        ),
        timestamp: field(
            credentials
                .as_ref()
                .and_then(|credentials| credentials.timestamp),
        ),
        wechatpay_serial: field(text("wechatpay-serial")),
        request_id: None,
    }
}
