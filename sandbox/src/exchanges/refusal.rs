//! Why something was refused: what was expected, what came, what is likely wrong, and what to do.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::authorization::{self, Received};
use crate::clock;
use crate::diagnosis::causes::{self, Cause};
use crate::diagnosis::{self, Difference, Finding, Refused};
use crate::sandbox::Sandbox;
use crate::signing::Sealing;

use super::{Exchange, shown};

#[derive(Clone, Serialize)]
pub struct Refusal {
    /// What the provider names: a field, a header, a part of Authorization.
    pub field: Option<String>,
    /// The provider's words about it.
    pub issue: Option<String>,
    pub expected: Option<Value>,
    pub received: Option<Value>,
    #[serde(flatten)]
    pub cause: &'static Cause,
    /// Of a wrong signature: which lines of the signed text differ.
    pub differences: Vec<Difference>,
    /// The text that the caller has signed instead, where it could be found.
    pub signed_instead: Option<String>,
}

impl Refusal {
    pub fn of(cause: &'static Cause) -> Self {
        Self {
            field: None,
            issue: None,
            expected: None,
            received: None,
            cause,
            differences: Vec::new(),
            signed_instead: None,
        }
    }

    pub fn by_fault() -> Self {
        Self::of(causes::BY_FAULT)
    }

    pub fn cause(&self) -> &'static str {
        self.cause.name
    }

    pub fn is_of_signature(&self) -> bool {
        matches!(self.field.as_deref(), Some("signature" | "sign"))
    }

    pub fn weight(&self) -> usize {
        self.signed_instead.as_ref().map_or(0, String::len)
    }

    /// Takes over what the search has found.
    pub fn found(mut self, finding: Finding) -> Self {
        if let Some(first) = finding.differences.first() {
            self.cause = first.cause;
        }
        self.signed_instead = finding.signed.map(|text| shown(&text));
        self.differences = finding.differences;
        self
    }

    pub fn of_request(
        sandbox: &Sandbox,
        exchange: &Exchange,
        received: (&Received<'_>, &Bytes),
        status: StatusCode,
        said: &Value,
    ) -> Self {
        let detail = &said["detail"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let field = detail["field"].as_str().unwrap_or_default();
        let is_sign = said["code"] == "SIGN_ERROR";
        let replaced = ["system_error", "rate_limit"];
        let mut refusal = Self {
            field: text(&detail["field"]),
            issue: text(&detail["issue"]).or_else(|| text(&said["message"])),
            received: Some(detail["value"].clone()).filter(|value| !value.is_null()),
            ..Self::of(causes::STATE)
        };
        if exchange.faults.iter().any(|name| replaced.contains(name)) {
            refusal.cause = causes::BY_FAULT;
        } else if is_sign {
            refusal = refusal.of_authorization(sandbox, exchange, received, field);
        } else if status == StatusCode::METHOD_NOT_ALLOWED {
            refusal.cause = causes::NO_SUCH_METHOD;
        } else if exchange.operation.is_none() && status == StatusCode::NOT_FOUND {
            refusal.cause = causes::NO_SUCH_OPERATION;
        } else if field == "Wechatpay-Serial" {
            let ring = sandbox.ring();
            refusal.expected = Some(json!([sandbox.public_key.id, ring.signing().serial]));
            let is_own = detail["value"] == sandbox.merchant.serial.as_str();
            refusal.cause = match is_own {
                true => causes::MERCHANT_SERIAL_AS_PLATFORM,
                false => causes::PLATFORM_KEY_UNKNOWN,
            };
        } else if detail["location"] == "header" {
            refusal.cause = causes::HEADER_MISSING;
        } else if let Some(sealing) = Sealing::of(detail["issue"].as_str().unwrap_or_default()) {
            refusal.cause = match sealing {
                Sealing::NoKeyNamed => causes::FIELD_KEY_NOT_NAMED,
                Sealing::NotOpened => sealed_otherwise(sandbox, detail["value"].as_str()),
            };
        } else if detail["field"] == "/" {
            refusal.cause = causes::BODY_NOT_JSON;
        } else if detail["field"].is_string() {
            refusal.cause = causes::PARAMETER;
        }
        refusal
    }

    fn of_authorization(
        mut self,
        sandbox: &Sandbox,
        exchange: &Exchange,
        (received, whole): (&Received<'_>, &Bytes),
        field: &str,
    ) -> Self {
        let merchant = &sandbox.merchant;
        let line = |index: usize| {
            let text = exchange.signed_text.as_ref()?;
            text.split('\n').nth(index).map(str::to_owned)
        };
        match field {
            "signature" => {
                let earlier = exchange.signature.as_deref().unwrap_or_default();
                let earlier = sandbox.exchanges().text_of(earlier);
                return match found(sandbox, received, whole, exchange, earlier.as_deref()) {
                    Some(finding) => self.found(finding),
                    None => self,
                };
            }
            "serial_no" => {
                let serial = exchange.serial.as_deref().unwrap_or_default();
                let of_platform = serial == sandbox.public_key.id
                    || sandbox.ring().all().iter().any(|it| it.serial == serial);
                self.expected = Some(json!(merchant.serial));
                self.received = Some(json!(serial));
                self.cause = match of_platform {
                    true => causes::SERIAL_OF_PLATFORM,
                    false => causes::SERIAL_OTHER,
                };
            }
            "timestamp" => {
                let sent = line(2).unwrap_or_default();
                let is_seconds = sent.len() <= 11 && sent.parse::<i64>().is_ok();
                let now = clock::now().unix_timestamp();
                self.expected = Some(json!(format!("{now} ± 300 s")));
                self.received = Some(json!(sent));
                self.cause = match is_seconds {
                    true => causes::CLOCK,
                    false => causes::TIMESTAMP_NOT_SECONDS,
                };
            }
            "nonce_str" => {
                self.received = line(3).map(Value::from);
                self.cause = causes::NONCE_TOO_LONG;
            }
            "mchid" => {
                self.expected = Some(json!(merchant.mchid));
                self.cause = causes::MERCHANT_OTHER;
            }
            _ => {
                self.expected = Some(json!(merchant.scheme.name()));
                self.received = exchange.algorithm.clone().map(Value::from);
                self.cause = causes::AUTHORIZATION_MALFORMED;
            }
        }
        self
    }
}

/// What a signature that does not fit was made over.
fn found(
    sandbox: &Sandbox,
    received: &Received,
    whole: &Bytes,
    exchange: &Exchange,
    earlier: Option<&str>,
) -> Option<Finding> {
    let text = |name: &str| received.headers.get(name)?.to_str().ok();
    let (_, fields) = text("authorization")?.split_once(' ')?;
    let credentials = authorization::parse_fields(fields)?;
    let operation = exchange.operation.as_deref();
    let refused = Refused {
        method: received.method.as_str(),
        target: received.target,
        timestamp: credentials.timestamp?,
        nonce: credentials.nonce_str?,
        body: received.body,
        signature: credentials.signature?,
        whole,
        host: text("host").unwrap_or_default(),
        template: operation
            .and_then(|name| name.split_once(' '))
            .map(|(_, template)| template),
    };
    Some(diagnosis::of_signature(sandbox, &refused, earlier))
}

/// Whose key, if any, opens a sensitive field that could not be opened with the one that was named.
fn sealed_otherwise(sandbox: &Sandbox, value: Option<&str>) -> &'static Cause {
    let value = value.unwrap_or_default();
    if !super::opened::looks_sealed(value) {
        return causes::FIELD_NOT_SEALED;
    }
    if super::opened::by_platform(sandbox, value).is_some() {
        return causes::FIELD_SEALED_FOR_OTHER_KEY;
    }
    match sandbox.merchant.key.open_field(value) {
        Some(_) => causes::FIELD_SEALED_FOR_MERCHANT,
        None => causes::FIELD_CANNOT_BE_OPENED,
    }
}
