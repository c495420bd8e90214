//! What an answer of the gateway means: the span is found, verified, decrypted, and only then read. <https://opendocs.alipay.com/common/02mse7>

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Outcome, Result};
use crate::provider::{Answer, Prepared, Sensitive};
use crate::wire::{Response, json};

use super::app::App;
use super::asked;
use super::keyring::KeyRing;
use super::refusal::{self, described};
use super::span::{self, Parts};

pub(super) fn check(
    app: &App,
    ring: &KeyRing,
    prepared: &Prepared,
    response: &Response,
    now_s: i64,
) -> Result<Answer> {
    if response.status != 200 {
        return Err(described(refusal::of_status(response.status), response));
    }
    let unproven = |error: Error| described(error.with_outcome(Outcome::Unknown), response);
    let parts = span::take_apart(&response.body, app.charset)
        .map_err(|problem| unproven(unreadable(&problem)))?;
    let is_error_node = parts.node == "error_response";
    if !is_error_node && parts.node != node_of(&prepared.operation) {
        let error = Error::new(
            Code::ResponseMismatch,
            "the answer is one to another operation",
        );
        return Err(unproven(error.with_field("operation")));
    }
    let Some(signature) = parts
        .signature
        .as_deref()
        .filter(|signature| !signature.is_empty())
    else {
        return Err(described(unsigned(app, &parts, is_error_node), response));
    };
    let (number, verified) = verify(ring, &parts, signature, now_s).map_err(unproven)?;
    let body = plaintext(app, &verified).map_err(unproven)?;
    let node = read(&body).map_err(|problem| unproven(malformed(&problem)))?;
    if let Some(error) = refusal::of_node(&node, is_error_node) {
        return Err(described(error, response));
    }
    asked::compare(prepared, &Value::Object(node)).map_err(|error| described(error, response))?;
    Ok(Answer {
        body,
        sensitive: Sensitive::default(),
        verified: true,
        serial: number,
        skew_s: None,
        status: response.status,
        request_id: refusal::request_id(response),
        content_type: response.headers.first("content-type").map(str::to_owned),
    })
}

/// `alipay.trade.query` → `alipay_trade_query_response`.
fn node_of(operation: &str) -> String {
    format!("{}_response", operation.replace('.', "_"))
}

/// Verifies the span. Where it fits only with `\/` written as `/`, which is how the provider signs what it escapes, those are the bytes that
/// were verified, and those that are read.
pub(super) fn verify(
    ring: &KeyRing,
    parts: &Parts,
    signature: &str,
    now_s: i64,
) -> Result<(Option<String>, Vec<u8>)> {
    let number = parts.certificate.as_deref();
    let error = match ring.verify(number, parts.signed, signature, now_s) {
        Ok(number) => return Ok((number, parts.signed.to_vec())),
        Err(error) => error,
    };
    let plain = without_escaped_slashes(parts.signed);
    if error.code() != Code::SignatureInvalid || plain.len() == parts.signed.len() {
        return Err(error);
    }
    match ring.verify(number, &plain, signature, now_s) {
        Ok(number) => Ok((number, plain)),
        Err(_) => Err(error),
    }
}

fn without_escaped_slashes(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(byte) = rest.first() {
        let skipped = usize::from(rest.starts_with(br"\/"));
        plain.push(if skipped == 1 { b'/' } else { *byte });
        rest = &rest[1 + skipped..];
    }
    plain
}

/// The verified object in UTF-8. An encrypted one is a text, with its quotes.
fn plaintext(app: &App, verified: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let opened = match (verified.strip_prefix(b"\""), &app.encrypt_key) {
        (None, _) => Zeroizing::new(verified.to_vec()),
        (Some(_), Some(key)) => {
            let text: String = serde_json::from_slice(verified)
                .map_err(|_| malformed("its encrypted text is none"))?;
            key.open(text.as_bytes())?
        }
        (Some(_), None) => {
            return Err(Error::new(
                Code::DecryptionFailed,
                "the answer is encrypted, and there is no encrypt_key",
            )
            .with_outcome(Outcome::Unknown)
            .with_field("encrypt_key"));
        }
    };
    match app.charset.decode(&opened) {
        Some(text) => Ok(Zeroizing::new(text.as_bytes().to_vec())),
        None => Err(malformed(&format!(
            "it is not text in {}",
            app.charset.name()
        ))),
    }
}

fn read(body: &[u8]) -> std::result::Result<Map<String, Value>, String> {
    json::parse_object(body)
}

/// Errors may come without a signature, such as for an unknown app: they are told, and prove nothing. A success without one is none.
fn unsigned(app: &App, parts: &Parts, is_error_node: bool) -> Error {
    let text = app.charset.decode(parts.signed);
    let node = text
        .and_then(|text| read(text.as_bytes()).ok())
        .unwrap_or_default();
    match refusal::of_node(&node, is_error_node) {
        Some(error) => refusal::unauthenticated(error),
        None => Error::new(Code::SignatureMissing, "the answer is not signed")
            .with_outcome(Outcome::Unknown),
    }
}

fn unreadable(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the answer cannot be read: {problem}"),
    )
}

fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the answer is genuine, but cannot be read: {problem}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escaped_slashes_are_rewritten() {
        assert_eq!(
            without_escaped_slashes(br#"{"u":"http:\/\/a\/b\\n\\/"}"#),
            br#"{"u":"http://a/b\\n\/"}"#
        );
        assert_eq!(node_of("alipay.trade.query"), "alipay_trade_query_response");
    }
}
