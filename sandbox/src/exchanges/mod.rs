//! What `/sandbox/exchanges` shows: every request and its answer, and every attempt of a notification, byte for byte, with
//! the texts that were signed. The newest are kept, within a bound. No key gets here: of APIv2's texts the end is `&key=…`.

pub mod notification;
mod opened;
mod refusal;
mod request;

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock;
use crate::sandbox::Sandbox;

pub use self::refusal::Refusal;
pub use self::request::{answered, begin};

const KEPT: usize = 500;
/// Of one body; and of all that is kept.
const LONGEST_BODY: usize = 16 << 10;
const LONGEST: usize = 4 << 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The merchant has asked.
    Request,
    /// The sandbox has told.
    Notification,
}

#[derive(Clone, Serialize)]
pub struct Exchange {
    pub id: u64,
    pub kind: Kind,
    pub at: String,
    /// The same in milliseconds since 1970.
    pub at_ms: i64,
    pub duration_ms: i64,
    /// `v3` or `v2`; Alipay's are `alipay` and `alipay-v3`.
    pub api: &'static str,
    /// The provider's name of it, or of the event; none for a request that is no operation.
    pub operation: Option<String>,
    /// Nobody plays it: a sample answered.
    pub sample_answer: bool,
    /// The merchant's number of what it is about.
    pub number: Option<String>,
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// What must have been signed, as what arrived has it.
    pub signed_text: Option<String>,
    pub signature: Option<String>,
    /// How it says that it was signed.
    pub algorithm: Option<String>,
    pub serial: Option<String>,
    /// `accepted`, the code of the refusal, the status of the answer, or what a fault did.
    pub outcome: String,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    pub faults: Vec<&'static str>,
    pub answer: Answer,
    /// Of a notification: which one, and which attempt.
    pub notification: Option<Attempted>,
}

#[derive(Clone, Default, Serialize)]
pub struct Answer {
    /// None: there was none.
    pub status: Option<u16>,
    pub headers: Vec<(String, String)>,
    pub body: String,
    /// None: it has no signature.
    pub signed_text: Option<String>,
    pub signature: Option<String>,
    /// Why there was none.
    pub error: Option<String>,
}

#[derive(Clone, Serialize)]
pub struct Attempted {
    pub id: String,
    /// From 1 on.
    pub attempt: usize,
}

impl Exchange {
    /// Of something that begins now.
    pub fn new(kind: Kind, api: &'static str, method: &str, url: &str) -> Self {
        Self {
            id: 0,
            kind,
            at: clock::rfc3339(clock::now()),
            at_ms: clock::milliseconds(),
            duration_ms: 0,
            api,
            operation: None,
            sample_answer: false,
            number: None,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: String::new(),
            signed_text: None,
            signature: None,
            algorithm: None,
            serial: None,
            outcome: String::new(),
            refusal: None,
            faults: Vec::new(),
            answer: Answer::default(),
            notification: None,
        }
    }

    fn weight(&self) -> usize {
        let lines = |headers: &[(String, String)]| -> usize {
            let line = |(name, value): &(String, String)| name.len() + value.len();
            headers.iter().map(line).sum()
        };
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        self.url.len()
            + self.body.len()
            + length(&self.signed_text)
            + self.refusal.as_ref().map_or(0, Refusal::weight)
            + self.answer.body.len()
            + length(&self.answer.signed_text)
            + lines(&self.headers)
            + lines(&self.answer.headers)
    }

    /// A line of the list: without headers, bodies and texts.
    fn brief(&self) -> Value {
        json!({
            "id": self.id, "kind": self.kind, "at": self.at, "at_ms": self.at_ms, "duration_ms": self.duration_ms, "api": self.api,
            "operation": self.operation, "sample_answer": self.sample_answer, "number": self.number,
            "method": self.method, "url": self.url, "outcome": self.outcome, "faults": self.faults, "status": self.answer.status,
            "cause": self.refusal.as_ref().map(Refusal::cause), "notification": self.notification,
        })
    }
}

#[derive(Default)]
pub struct Exchanges {
    kept: VecDeque<Exchange>,
    bytes: usize,
    count: u64,
}

impl Exchanges {
    /// Its id.
    pub fn add(&mut self, mut exchange: Exchange) -> u64 {
        self.count += 1;
        exchange.id = self.count;
        exchange.duration_ms = clock::milliseconds() - exchange.at_ms;
        self.bytes += exchange.weight();
        self.kept.push_back(exchange);
        while self.kept.len() > KEPT || self.bytes > LONGEST {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.weight();
        }
        self.count
    }

    /// The text of an earlier request that has this signature, and rightly.
    fn text_of(&self, signature: &str) -> Option<String> {
        let mut accepted = self.kept.iter().rev().filter(|it| {
            let wrongly = it.refusal.as_ref().is_some_and(Refusal::is_of_signature);
            it.kind == Kind::Request && !wrongly
        });
        let earlier = accepted.find(|it| it.signature.as_deref() == Some(signature))?;
        earlier.signed_text.clone()
    }
}

pub fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.to_string(), value)
        })
        .collect()
}

/// The text of a body; of a long one the beginning.
pub fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST_BODY)]).into_owned();
    match bytes.len() > LONGEST_BODY {
        true => format!("{text}… ({} bytes)", bytes.len()),
        false => text,
    }
}

#[derive(Deserialize)]
pub struct Filter {
    kind: Option<Kind>,
    operation: Option<String>,
    outcome: Option<String>,
    number: Option<String>,
    /// Only what a list shows of each.
    #[serde(default)]
    brief: bool,
}

impl Filter {
    fn takes(&self, exchange: &Exchange) -> bool {
        let has = |wanted: &Option<String>, text: &str| {
            let text = text.to_lowercase();
            wanted
                .as_ref()
                .is_none_or(|wanted| text.contains(&wanted.to_lowercase()))
        };
        let line = format!("{} {}", exchange.method, exchange.url);
        let operation = exchange.operation.as_deref().unwrap_or_default();
        self.kind.is_none_or(|kind| kind == exchange.kind)
            && (has(&self.operation, operation) || has(&self.operation, &line))
            && has(&self.outcome, &exchange.outcome)
            && has(&self.number, exchange.number.as_deref().unwrap_or_default())
    }
}

/// Newest first.
pub async fn list(
    State(sandbox): State<Arc<Sandbox>>,
    Query(filter): Query<Filter>,
) -> Json<Value> {
    let exchanges = sandbox.exchanges();
    let found = exchanges.kept.iter().rev().filter(|it| filter.takes(it));
    Json(match filter.brief {
        true => found.map(Exchange::brief).collect(),
        false => found.map(|exchange| json!(exchange)).collect(),
    })
}

/// One, with what was sealed in it opened, and how its notification stands.
pub async fn one(State(sandbox): State<Arc<Sandbox>>, Path(id): Path<u64>) -> Response {
    let found = sandbox
        .exchanges()
        .kept
        .iter()
        .find(|exchange| exchange.id == id)
        .cloned();
    let Some(exchange) = found else {
        let error = json!({ "error": "no such exchange, or no longer kept" });
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    };
    let mut view = json!(exchange);
    view["opened"] = json!(opened::of_message(&sandbox, &exchange));
    view["answer"]["opened"] = json!(opened::of_answer(&sandbox, &exchange));
    if let Some(attempted) = &exchange.notification
        && let Some(delivery) = sandbox.deliveries().find(&attempted.id)
    {
        view["notification"]["state"] = json!(delivery.state);
        view["notification"]["attempts"] = delivery.attempts.len().into();
        view["notification"]["next_attempt"] = json!(delivery.next_attempt);
    }
    Json(view).into_response()
}
