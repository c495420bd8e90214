//! Standard output, which may be closed early, and errors as a person reads them.

use std::io::{ErrorKind, Write};

use payseal::Error;
use serde_json::Value;

use crate::Failure;

pub fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::File(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

pub fn text(text: &str) -> Result<(), Failure> {
    bytes(text.as_bytes())
}

pub fn line(text: &str) -> Result<(), Failure> {
    bytes(format!("{text}\n").as_bytes())
}

/// Whether the order has to be queried before anything is repeated. A GET changes nothing.
pub fn may_have_moved_money(error: &Error) -> bool {
    let operation = error.detail("operation").and_then(Value::as_str);
    let is_query = operation.is_some_and(|name| name.starts_with("GET "));
    error.outcome() == payseal::Outcome::Unknown && !is_query
}

/// Message first, then what helps: the hint, the cause, the provider's own words.
pub fn error(error: &Error) -> String {
    let mut told = format!("payseal: {}\n", error.message());
    let outcome = match error.outcome() {
        payseal::Outcome::NotSent => "nothing was sent",
        payseal::Outcome::Rejected => "the provider said no",
        payseal::Outcome::Unknown if may_have_moved_money(error) => {
            "MONEY MAY HAVE MOVED: query before you repeat anything"
        }
        payseal::Outcome::Unknown => "no answer that can be believed; the request changes nothing",
        payseal::Outcome::Unauthentic => "the message is not the provider's",
        payseal::Outcome::Malformed => "the message cannot be read",
    };
    let mut add = |key: &str, value: &str| told.push_str(&format!("  {key:<17} {value}\n"));
    add("outcome", outcome);
    for key in [
        "code_name",
        "field",
        "hint",
        "cause",
        "http_status",
        "provider_code",
        "provider_message",
        "request_id",
        "advice",
    ] {
        match error.detail(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => add(key, text),
            Some(value) => add(key, &value.to_string()),
        }
    }
    told
}
