//! What `/sandbox/exchanges` and `/sandbox/requests` show of a request to Alipay.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::Value;

use crate::crypto::{hex_upper, random_bytes};
use crate::exchanges::{Answer, Exchange, Kind, Refusal as Explained, lines, shown};
use crate::faults::Fault;
use crate::listen::ResetConnection;
use crate::sandbox::{RequestRecord, Sandbox};

use super::canonical::{Params, read_form};
use super::causes::explain;
use super::charset::Charset;
use super::cipher;
use super::envelope::Envelope;
use super::gateway::Received;
use super::operations;
use super::refusal::Refusal;

/// How an exchange of REST v3 is called.
const V3: &str = "alipay-v3";

/// One exchange while it happens.
pub struct Seen {
    exchange: Exchange,
    /// The provider's id of the request.
    pub trace: String,
    code: Option<String>,
    nonce: Option<String>,
    timestamp: Option<String>,
}

impl Seen {
    pub fn of_gateway(
        head: &Parts,
        body: &Bytes,
        received: &Received,
        number: Option<String>,
        struck: &[Fault],
    ) -> Self {
        let params = &received.params;
        let method = params.get("method").unwrap_or_default();
        let serial = params.get("app_cert_sn");
        let mut seen = Self::new(head, body, method, number, struck);
        seen.exchange.signed_text = Some(params.canonical());
        seen.exchange.signature = params.get("sign").map(str::to_owned);
        seen.exchange.algorithm = params.get("sign_type").map(str::to_owned);
        seen.exchange.serial = serial.map(str::to_owned);
        seen.timestamp = params.get("timestamp").map(str::to_owned);
        seen
    }

    pub fn new(
        head: &Parts,
        body: &Bytes,
        method: &str,
        number: Option<String>,
        struck: &[Fault],
    ) -> Self {
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let api = match target.starts_with(super::GATEWAY) {
            true => "alipay",
            false => V3,
        };
        let exchange = Exchange {
            operation: operations::find(method).map(|operation| operation.name.to_owned()),
            number,
            headers: lines(&head.headers),
            body: shown(body),
            outcome: "accepted".into(),
            faults: struck.iter().map(|fault| fault.fault.name()).collect(),
            ..Exchange::new(Kind::Request, api, head.method.as_str(), target)
        };
        Self {
            exchange,
            trace: hex_upper(&random_bytes::<15>()).to_lowercase(),
            code: None,
            nonce: None,
            timestamp: None,
        }
    }

    pub fn rest(&mut self, signed_text: String, signature: &str, fields: [Option<&str>; 3]) {
        let [serial, nonce, timestamp] = fields.map(|field| field.map(str::to_owned));
        self.exchange.signed_text = Some(signed_text);
        self.exchange.signature = Some(signature.to_owned());
        self.exchange.algorithm = Some("ALIPAY-SHA256withRSA".into());
        self.exchange.serial = serial;
        self.nonce = nonce;
        self.timestamp = timestamp;
    }

    pub fn refused(&mut self, sandbox: &Sandbox, params: &Params, refusal: &Refusal) {
        self.exchange.outcome = refusal.sub_code.clone();
        self.code = Some(refusal.sub_code.clone());
        self.exchange.refusal = Some(explain(sandbox, params, refusal));
    }

    pub fn answered(&mut self, envelope: &Envelope, charset: Charset) {
        self.exchange.answer = Answer {
            body: charset.decode(&envelope.bytes),
            signed_text: envelope.signed_text.clone(),
            signature: envelope.signature.clone(),
            ..Answer::default()
        };
    }

    /// Keeps it.
    pub fn finish(mut self, sandbox: &Sandbox, response: &Response) {
        let reset = response.extensions().get::<ResetConnection>().is_some();
        let status = (!reset).then(|| response.status().as_u16());
        if reset {
            self.exchange.outcome = "reset".into();
            self.exchange.refusal = Some(Explained::by_fault());
        } else if self.code.is_none() && response.status().is_server_error() {
            self.exchange.outcome = response.status().as_u16().to_string();
            self.exchange.refusal = Some(Explained::by_fault());
        }
        self.exchange.answer.status = status;
        self.exchange.answer.headers = lines(response.headers());
        let operation = self.exchange.operation.as_deref();
        sandbox.record(RequestRecord {
            at: self.exchange.at.clone(),
            method: self.exchange.method.clone(),
            // The address of gateway v2 is the same for all; the method says more.
            target: match operation {
                Some(name) if self.exchange.url.starts_with(super::GATEWAY) => {
                    format!("{} {name}", super::GATEWAY)
                }
                _ => self.exchange.url.clone(),
            },
            status,
            code: self.code,
            faults: self.exchange.faults.clone(),
            nonce: self.nonce,
            timestamp: self.timestamp,
            wechatpay_serial: None,
            request_id: Some(self.trace),
        });
        sandbox.exchanges().add(self.exchange);
    }
}

/// What was encrypted in a request, opened: where it stood and its plaintext.
pub fn opened_message(sandbox: &Sandbox, exchange: &Exchange) -> Option<(String, Value)> {
    let (field, sealed) = match exchange.api {
        V3 => {
            header(&exchange.headers, "alipay-encrypt-type")?;
            ("body", exchange.body.clone())
        }
        _ => {
            let query = exchange.url.split_once('?').map_or("", |(_, query)| query);
            let mut pairs = read_form(query.as_bytes());
            pairs.extend(read_form(exchange.body.as_bytes()));
            let params = Params::new(Charset::Utf8, &pairs).ok()?;
            params.get("encrypt_type")?;
            ("biz_content", params.get("biz_content")?.to_owned())
        }
    };
    Some((field.to_owned(), open(sandbox, &sealed)?))
}

/// The same of its answer.
pub fn opened_answer(sandbox: &Sandbox, exchange: &Exchange) -> Option<(String, Value)> {
    let answer = &exchange.answer;
    if exchange.api == V3 {
        header(&answer.headers, "alipay-encrypt-type")?;
        return Some(("body".into(), open(sandbox, &answer.body)?));
    }
    let whole: Value = serde_json::from_str(&answer.body).ok()?;
    let mut nodes = whole.as_object()?.iter();
    let (name, node) = nodes.find(|(name, _)| name.ends_with("_response"))?;
    Some((format!("/{name}"), open(sandbox, node.as_str()?)?))
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = headers.iter().find(|(other, _)| other == name)?;
    Some(&found.1)
}

fn open(sandbox: &Sandbox, sealed: &str) -> Option<Value> {
    let plain = cipher::decrypt(&sandbox.alipay.app.encrypt_key, sealed)?;
    let text = String::from_utf8_lossy(&plain).into_owned();
    Some(serde_json::from_str(&text).unwrap_or_else(|_| text.into()))
}

/// The merchant's number of what a request is about, read before any check.
pub fn concerned_order(sandbox: &Sandbox, params: &Params) -> Option<String> {
    let content = params.get("biz_content")?;
    let content = match params.get("encrypt_type") {
        None => content.as_bytes().to_vec(),
        Some(_) => super::cipher::decrypt(&sandbox.alipay.app.encrypt_key, content)?,
    };
    let content = serde_json::from_slice(&content).ok()?;
    concerned(sandbox, &content)
}

pub fn concerned(sandbox: &Sandbox, content: &Value) -> Option<String> {
    let named = |name: &str| content[name].as_str().map(str::to_owned);
    if let Some(number) = named("out_trade_no") {
        return Some(number);
    }
    if let Some(number) = named("trade_no") {
        let state = sandbox.alipay.state();
        let mut trades = state.trades.iter();
        let trade = trades.find(|trade| trade.trade_no.as_ref() == Some(&number))?;
        return Some(trade.out_trade_no.clone());
    }
    [
        "out_biz_no",
        "out_order_no",
        "out_request_no",
        "external_agreement_no",
    ]
    .into_iter()
    .find_map(named)
}
