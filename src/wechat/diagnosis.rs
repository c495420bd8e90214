//! Why the provider did not accept our signature: what it says that it verified, compared with what was signed.
//! <https://pay.weixin.qq.com/doc/v3/merchant/4012365330>

use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::provider::Prepared;

/// What a line of the message that holds the time and one that holds the nonce add to its length, line ends included.
const TIMESTAMP_LINE: usize = 10 + 1;
const NONCE_LINE: usize = 32 + 1;

/// The most likely cause of a refused signature.
struct Diagnosis {
    cause: &'static str,
    hint: String,
}

/// Adds to the error that a `SIGN_ERROR` stands for its cause, what to do about it, and what was signed.
pub(super) fn explain(error: Error, prepared: &Prepared) -> Error {
    let is_sign_error = error.detail("provider_code") == Some(&"SIGN_ERROR".into());
    let diagnosis = error
        .detail("provider_detail")
        .filter(|_| is_sign_error)
        .and_then(|detail| diagnose(prepared, detail));
    let Some(Diagnosis { cause, hint }) = diagnosis else {
        return error;
    };
    let body = signed_body(prepared);
    error.with_hint(hint).with("cause", cause).with(
        "signed",
        json!({
            "method": prepared.method,
            "url": prepared.target,
            "sign_message_length": length(prepared, body),
        }),
    )
}

fn diagnose(prepared: &Prepared, detail: &Value) -> Option<Diagnosis> {
    let field = detail
        .get("field")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let Some(verified) = detail.get("sign_information").and_then(Value::as_object) {
        return Some(compare(prepared, verified));
    }
    let (cause, hint) = match field.rsplit(['.', '/']).next().unwrap_or_default() {
        "serial_no" => (
            "serial",
            "no certificate with merchant_serial belongs to this mchid: copy the serial number of the merchant API certificate, not the platform's, with its leading zeros",
        ),
        "mchid" => (
            "mchid",
            "mchid does not exist or is not the one that the certificate belongs to; a service provider signs with its own mchid",
        ),
        "timestamp" => (
            "clock",
            "the provider found our time too far from its own: check NTP on this machine",
        ),
        _ => return None,
    };
    Some(Diagnosis {
        cause,
        hint: hint.into(),
    })
}

/// The provider tells method, address and length of the message it built: the first that is not ours is what was changed on the way.
fn compare(prepared: &Prepared, verified: &Map<String, Value>) -> Diagnosis {
    let text = |key| verified.get(key).and_then(Value::as_str);
    let found = |cause, hint: String| Diagnosis { cause, hint };
    if let Some(method) = text("method").filter(|method| *method != prepared.method) {
        return found(
            "method_changed",
            format!(
                "{} was signed and {method} arrived: a proxy on the way changes the method",
                prepared.method
            ),
        );
    }
    // The provider may tell the whole address; the path begins after its host.
    let path = |url: &str| match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]).to_owned(),
        None => url.to_owned(),
    };
    if let Some(url) = text("url").map(path).filter(|url| *url != prepared.target) {
        return match sorted_query(&url) == sorted_query(&prepared.target) {
            true => found(
                "query_reordered",
                "the query parameters arrived in another order or with other escapes than they were signed in: a proxy on the way rewrites addresses".into(),
            ),
            false => found(
                "url_changed",
                format!(
                    "{} was signed and {url} arrived: a proxy or gateway on the way rewrites addresses",
                    prepared.target
                ),
            ),
        };
    }
    let body = signed_body(prepared);
    let ours = length(prepared, body) as i64;
    let theirs = verified.get("sign_message_length").and_then(Value::as_i64);
    match theirs {
        Some(theirs) if theirs != ours => found(
            "body_changed",
            format!(
                "a message of {ours} bytes was signed and one of {theirs} arrived: a proxy on the way changes the body ({:+} bytes)",
                theirs - ours
            ),
        ),
        _ => found(
            "key_or_serial",
            "both sides built the same message, so the key is another one: private_key does not belong to merchant_serial; take both from the same download, and check whether the certificate was replaced in the merchant platform".into(),
        ),
    }
}

fn signed_body(prepared: &Prepared) -> &[u8] {
    prepared.signed_body.as_deref().unwrap_or(&prepared.body)
}

/// Bytes of the message that was signed: five lines, each with its end.
fn length(prepared: &Prepared, body: &[u8]) -> usize {
    let lines = [prepared.method.len(), prepared.target.len(), body.len()];
    lines.iter().map(|line| line + 1).sum::<usize>() + TIMESTAMP_LINE + NONCE_LINE
}

/// The path, and the parameters without order and escapes.
fn sorted_query(url: &str) -> (String, Vec<String>) {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters: Vec<String> = query.split('&').map(unescaped).collect();
    parameters.sort();
    (unescaped(path), parameters)
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
