//! A request of APIv3, from what arrived to what was answered.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::authorization::{self, Received};
use crate::operations::Call;
use crate::sandbox::Sandbox;

use super::{Answer, Exchange, Kind, Refusal, lines, shown};

/// What is known before the request is carried out. `whole` is the body as it came, also of a form.
pub fn begin(received: &Received, whole: &Bytes, call: Option<&Call>) -> Exchange {
    let authorization = received.headers.get("authorization");
    let (scheme, fields) = authorization
        .and_then(|line| line.to_str().ok())
        .and_then(|line| line.split_once(' '))
        .unwrap_or_default();
    let credentials = authorization::parse_fields(fields).unwrap_or_default();
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let (method, target) = (received.method.as_str(), received.target);
    Exchange {
        operation: call.map(|call| call.operation.name.to_owned()),
        sample_answer: call.is_some_and(|call| call.operation.sampled),
        headers: lines(received.headers),
        body: shown(whole),
        signed_text: Some(format!(
            "{method}\n{target}\n{}\n{}\n{}\n",
            credentials.timestamp.unwrap_or_default(),
            credentials.nonce_str.unwrap_or_default(),
            shown(received.body)
        )),
        signature: owned(credentials.signature),
        algorithm: Some(scheme.to_owned()).filter(|scheme| !scheme.is_empty()),
        serial: owned(credentials.serial_no),
        ..Exchange::new(Kind::Request, "v3", method, target)
    }
}

/// The answer as it was sent, and why it is a refusal if it is one.
pub fn answered(
    sandbox: &Sandbox,
    exchange: &mut Exchange,
    received: (&Received<'_>, &Bytes),
    (status, headers, body): (StatusCode, &HeaderMap, &[u8]),
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
    exchange.refusal = match (code, status.is_success()) {
        (Some(_), _) => Some(Refusal::of_request(
            sandbox, exchange, received, status, &said,
        )),
        (None, true) => None,
        (None, false) => Some(Refusal::by_fault()),
    };
    exchange.answer = Answer {
        status: Some(status.as_u16()),
        headers: lines(headers),
        body: match std::str::from_utf8(body) {
            Ok(_) => shown(body),
            Err(_) => format!("({} bytes, no text)", body.len()),
        },
        signed_text,
        signature: header("wechatpay-signature").map(str::to_owned),
        error: None,
    };
}
