//! What an answer means. Nobody signs it.

use serde_json::Value;

use crate::error::{Code, Error, Outcome, Result};
use crate::provider::{Answer, Prepared, Sensitive};
use crate::wire::Response;
use crate::wire::json::{self, Wiped};

pub(super) fn check(prepared: &Prepared, response: &Response) -> Result<Answer> {
    let refused = |code, message: String| {
        Err(Error::new(code, message)
            .with("http_status", response.status)
            .with("authenticated", false)
            .with_outcome(Outcome::Unknown))
    };
    match response.status {
        200..=299 => {}
        300..=399 => {
            return refused(
                Code::ResponseInvalid,
                format!(
                    "the answer is a redirect ({}), which is never followed",
                    response.status
                ),
            );
        }
        429 => {
            return refused(
                Code::ProviderRateLimited,
                "the platform answered 429".into(),
            );
        }
        status => {
            return refused(
                Code::ProviderUnavailable,
                format!("the platform answered {status}"),
            );
        }
    }
    let content_type = response.headers.first("content-type").map(str::to_owned);
    let is_binary = content_type
        .as_deref()
        .is_some_and(|kind| kind.starts_with("image/") || kind.starts_with("video/"));
    if !is_binary {
        let body = match json::parse(&response.body) {
            Ok(body @ Value::Object(_)) => Wiped(body),
            Ok(_) => return refused(Code::BodyInvalid, "the answer is not a JSON object".into()),
            Err(problem) => {
                let message = format!("the answer cannot be read: {problem}");
                return refused(Code::BodyInvalid, message);
            }
        };
        match body.get("errcode") {
            None => {}
            Some(code) if code == 0 => {}
            Some(code) => return Err(refusal(code, response)),
        }
        if let Some(path) = json::unmet(&body, &prepared.expect) {
            return Err(Error::new(
                Code::ResponseMismatch,
                format!("the answer's {path} is not what the caller expects"),
            )
            .with_outcome(Outcome::Unknown)
            .with_field(path));
        }
    }
    Ok(Answer {
        body: response.body.clone().into(),
        sensitive: Sensitive::default(),
        verified: false,
        serial: None,
        skew_s: None,
        status: response.status,
        request_id: None,
        content_type,
    })
}

/// `errmsg` is not passed on: for some errors it quotes what was sent.
fn refusal(errcode: &Value, response: &Response) -> Error {
    let number = errcode.as_i64();
    let (code, advice, hint) = match number {
        Some(-1) => (Code::ProviderUnavailable, "retry_same", None),
        Some(45009 | 45011) => (Code::ProviderRateLimited, "retry_later", None),
        Some(40029) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("the code is not valid: is it of this appid, and not older than five minutes?"),
        ),
        Some(40163) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("the code was used before; ask wx.login for a new one"),
        ),
        Some(40226) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("the platform blocks this user"),
        ),
        Some(40001 | 40014 | 42001) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("the access token or the secret is not valid (any more)"),
        ),
        Some(40013) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("there is no such appid"),
        ),
        Some(40125) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("secret is not this app's, or was reset"),
        ),
        Some(40164) => (
            Code::ProviderRejected,
            "definite_failure",
            Some("the address of this machine is not on the app's allow list"),
        ),
        _ => (Code::ProviderRejected, "definite_failure", None),
    };
    let shown = number.map_or_else(|| "an error".to_owned(), |number| number.to_string());
    let error = Error::new(code, format!("the platform answered errcode {shown}"))
        .with("http_status", response.status)
        .with("authenticated", false)
        .with("provider_code", shown)
        .with("advice", advice)
        .with_outcome(Outcome::Unknown);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
