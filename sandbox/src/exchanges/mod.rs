//! What `/sandbox/exchanges` shows: every request and its answer, byte for byte, with the text that was signed.
//! The newest are kept, within a bound; no private key and no signature of the platform's own making gets here but
//! those that were sent.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::authorization::{self, Received};
use crate::clock;
use crate::sandbox::Sandbox;

const KEPT: usize = 300;
/// Of one body; and of all that is kept.
const LONGEST_BODY: usize = 16 << 10;
const LONGEST: usize = 4 << 20;

#[derive(Clone, Serialize)]
pub struct Exchange {
    pub id: u64,
    pub at: String,
    /// The provider's name; none for a request that is no operation.
    pub operation: Option<&'static str>,
    /// Nobody plays it: a sample answered.
    pub sample_answer: bool,
    /// The merchant's number of what it is about.
    pub number: Option<String>,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// What the merchant has signed if he signed what arrived.
    pub signed_text: String,
    pub serial: Option<String>,
    /// `accepted` or the code of the refusal, or what a fault did.
    pub outcome: String,
    /// Of a refused one: what was expected, what came, and the likely cause.
    pub refusal: Option<Value>,
    pub faults: Vec<&'static str>,
    pub answer: Answer,
}

#[derive(Clone, Default, Serialize)]
pub struct Answer {
    /// None: the connection was reset.
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// None: it has no signature.
    pub signed_text: Option<String>,
    pub signature: Option<String>,
}

#[derive(Default)]
pub struct Exchanges {
    kept: VecDeque<Exchange>,
    bytes: usize,
    count: u64,
}

impl Exchanges {
    pub fn add(&mut self, mut exchange: Exchange) {
        self.count += 1;
        exchange.id = self.count;
        self.bytes += weight(&exchange);
        self.kept.push_back(exchange);
        while self.kept.len() > KEPT || self.bytes > LONGEST {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= weight(&oldest);
        }
    }
}

fn weight(exchange: &Exchange) -> usize {
    let lines = |headers: &[(String, String)]| -> usize {
        headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    };
    exchange.url.len()
        + exchange.body.len()
        + exchange.signed_text.len()
        + exchange.answer.body.len()
        + exchange.answer.signed_text.as_ref().map_or(0, String::len)
        + lines(&exchange.headers)
        + lines(&exchange.answer.headers)
}

/// What is known before the request is carried out.
pub fn begin(received: &Received, whole: &Bytes) -> Exchange {
    let header = |name: &str| {
        received
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let credentials = header("authorization")
        .and_then(|line| line.split_once(' '))
        .and_then(|(_, fields)| authorization::parse_fields(fields))
        .unwrap_or_default();
    let signed_text = format!(
        "{}\n{}\n{}\n{}\n{}\n",
        received.method,
        received.target,
        credentials.timestamp.unwrap_or_default(),
        credentials.nonce_str.unwrap_or_default(),
        shown(received.body)
    );
    Exchange {
        id: 0,
        at: clock::rfc3339(clock::now()),
        operation: None,
        sample_answer: false,
        number: None,
        method: received.method.to_string(),
        url: received.target.to_owned(),
        headers: lines(received.headers),
        body: shown(whole),
        signed_text,
        serial: credentials.serial_no.map(str::to_owned),
        outcome: String::new(),
        refusal: None,
        faults: Vec::new(),
        answer: Answer::default(),
    }
}

/// The answer as it was sent, and why it is a refusal if it is one.
pub fn answered(
    sandbox: &Sandbox,
    exchange: &mut Exchange,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let signed_text = header("wechatpay-signature").map(|_| {
        format!(
            "{}\n{}\n{}\n",
            header("wechatpay-timestamp").unwrap_or_default(),
            header("wechatpay-nonce").unwrap_or_default(),
            shown(body)
        )
    });
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = said["code"].as_str().filter(|_| status.as_u16() >= 400);
    exchange.outcome = match code {
        Some(code) => code.to_owned(),
        None if status.is_success() => "accepted".into(),
        None => status.as_u16().to_string(),
    };
    exchange.refusal = code.map(|_| explain(sandbox, exchange, &said));
    exchange.answer = Answer {
        status: Some(status.as_u16()),
        headers: lines(headers),
        body: shown(body),
        signed_text,
        signature: header("wechatpay-signature").map(str::to_owned),
    };
}

/// What was expected and what came, for the refusals that puzzle most.
fn explain(sandbox: &Sandbox, exchange: &Exchange, said: &Value) -> Value {
    let field = said["detail"]["field"].as_str().unwrap_or_default();
    let merchant = &sandbox.merchant;
    let cause = match field {
        "signature" => json!({
            "expected": "a signature by the merchant's key over signed_text",
            "likely_cause": "The body or the query was changed after signing (written again as JSON, encoded again, parameters in another order), \
                             the nonce or timestamp in Authorization are not those that were signed, or the key is not that of the serial.",
        }),
        "serial_no" => json!({
            "expected": merchant.serial,
            "received": exchange.serial,
            "likely_cause": "The serial is of another certificate than the merchant's.",
        }),
        "timestamp" => json!({
            "expected": format!("{} ± 300 s", clock::now().unix_timestamp()),
            "received": exchange.signed_text.split('\n').nth(2),
            "likely_cause": "The clock of the caller is wrong, or the request was made long before it was sent.",
        }),
        "mchid" => json!({
            "expected": merchant.mchid,
            "likely_cause": "The configuration is that of another sandbox or merchant.",
        }),
        "Wechatpay-Serial" => json!({
            "expected": [sandbox.public_key.id, sandbox.ring().signing().serial],
            "received": said["detail"]["value"],
            "likely_cause": "The platform's key was rotated, or is that of another sandbox.",
        }),
        _ => json!({
            "expected": said["detail"]["issue"],
            "received": said["detail"]["value"],
            "likely_cause": said["message"],
        }),
    };
    json!({ "field": said["detail"]["field"], "cause": cause })
}

fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_BODY)]).into_owned();
    match bytes.len() > LONGEST_BODY {
        true => format!("{text}… ({} bytes)", bytes.len()),
        false => text,
    }
}

#[derive(Deserialize)]
pub struct Filter {
    operation: Option<String>,
    outcome: Option<String>,
    number: Option<String>,
}

/// Newest first.
pub async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let has = |wanted: &Option<String>, text: &str| {
        wanted
            .as_ref()
            .is_none_or(|wanted| text.contains(wanted.as_str()))
    };
    let exchanges = sandbox.exchanges();
    let found = exchanges.kept.iter().rev().filter(|exchange| {
        let name = format!("{} {}", exchange.method, exchange.url);
        let in_name = has(&filter.operation, exchange.operation.unwrap_or_default());
        (in_name || has(&filter.operation, &name))
            && has(&filter.outcome, &exchange.outcome)
            && has(
                &filter.number,
                exchange.number.as_deref().unwrap_or_default(),
            )
    });
    Json(found.map(|exchange| json!(exchange)).collect())
}

pub async fn one(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<u64>) -> Response {
    let exchanges = sandbox.exchanges();
    match exchanges.kept.iter().find(|exchange| exchange.id == id) {
        Some(exchange) => Json(exchange).into_response(),
        None => (
            StatusCode::NOT_FOUND,
            Json(json!({ "error": "no such exchange, or no longer kept" })),
        )
            .into_response(),
    }
}
