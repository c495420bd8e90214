//! What an answer means: verified first, read second. <https://pay.weixin.qq.com/doc/v3/merchant/4012081606>

use serde_json::Value;
use zeroize::Zeroizing;

use crate::catalogue;
use crate::error::{Code, Error, Outcome, Result};
use crate::provider::{Answer, Prepared, Sensitive};
use crate::wire::{Response, json};

use super::keyring::KeyRing;
use super::merchant::Merchant;
use super::{diagnosis, sensitive, statement, verification};

/// Paths whose successful answers are never signed, by path and never "because the header is missing".
pub(super) fn is_never_signed(path: &str) -> bool {
    const EXACT: [&str; 6] = [
        "/v3/billdownload/file",
        "/v3/transferdownload/signfile",
        "/v3/transferdownload/elecvoucherfile",
        "/v3/new-tax-control-fapiao/download",
        "/v3/statements",
        "/v3/global/statements",
    ];
    let image = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|id| !id.is_empty() && id != "upload" && !id.contains('/'))
    };
    EXACT.contains(&path)
        || image("/v3/merchant-service/images/")
        || image("/v3/global/merchant-service/images/")
}

pub(super) fn check(
    merchant: &Merchant,
    ring: &KeyRing,
    prepared: &Prepared,
    response: &Response,
    now_s: i64,
) -> Result<Answer> {
    let window_s = merchant.window_s;
    match response.status {
        200..=299 => {}
        300..=399 => {
            return Err(described(
                Error::new(
                    Code::ResponseInvalid,
                    format!(
                        "the answer is a redirect ({}), which is never followed",
                        response.status
                    ),
                ),
                response,
            ));
        }
        401 => {
            let error = refusal(ring, window_s, response, now_s);
            return Err(diagnosis::explain(error, prepared));
        }
        _ => return Err(refusal(ring, window_s, response, now_s)),
    }
    let unproven = |error: Error| described(error.with_outcome(Outcome::Unknown), response);
    let statement = statement::signed(&prepared.target, response).map_err(unproven)?;
    let text = statement.as_deref().map_or(&*response.body, str::as_bytes);
    let proof = match prepared.answer_is_signed || statement.is_some() {
        true => Some(
            verification::verify(ring, window_s, &response.headers, text, now_s)
                .map_err(unproven)?,
        ),
        false => None,
    };
    if let Some(signed) = &statement {
        statement::check(signed, response).map_err(unproven)?;
    }
    let (body, sensitive) = match &proof {
        Some(_) if statement.is_none() => {
            let operation = catalogue::find("wechat", &prepared.operation);
            let (body, sensitive) =
                sensitive::open_all(operation.as_ref(), merchant, &response.body)
                    .map_err(|error| described(error, response))?;
            let body = Zeroizing::new(body);
            // A plaintext is read again only where something is expected that may be in it.
            let read = match prepared.expect.is_empty() {
                true => &response.body,
                false => &*body,
            };
            compare(prepared, read, response)?;
            (body, sensitive)
        }
        _ => (Zeroizing::new(response.body.clone()), Sensitive::default()),
    };
    Ok(Answer {
        body,
        sensitive,
        verified: proof.is_some(),
        skew_s: proof.as_ref().map(|proof| proof.timestamp - now_s),
        serial: proof.map(|proof| proof.serial),
        status: response.status,
        request_id: response.headers.first("request-id").map(str::to_owned),
        content_type: response.headers.first("content-type").map(str::to_owned),
    })
}

/// The signature covers time, nonce and body, not the request: a genuine answer to another request would pass. So what it says about
/// order, merchant and amount is compared with what was asked.
fn compare(prepared: &Prepared, body: &[u8], response: &Response) -> Result<()> {
    let mismatch = |path: &str, problem: &str| {
        let message = format!("the answer is genuine, but its {path} {problem}");
        Error::new(Code::ResponseMismatch, message)
            .with_outcome(Outcome::Unknown)
            .with_field(path)
    };
    if body.is_empty() {
        return match prepared.expect.keys().next() {
            Some(path) => Err(mismatch(path, "was expected and there is no body")),
            None => Ok(()),
        };
    }
    let body = json::parse(body).map_err(|problem| {
        described(
            Error::new(
                Code::BodyInvalid,
                format!("the answer is genuine, but cannot be read: {problem}"),
            )
            .with_outcome(Outcome::Unknown),
            response,
        )
    })?;
    for (path, asked) in &prepared.asked {
        if json::at(&body, path).is_some_and(|said| said != asked) {
            return Err(mismatch(
                path,
                "is not what was asked about: it belongs to another request",
            ));
        }
    }
    match json::unmet(&body, &prepared.expect) {
        Some(path) => Err(mismatch(path, "is not what the caller expects")),
        None => Ok(()),
    }
}

/// The error that an answer outside 2xx stands for.
///
/// Load balancers answer without a signature, so none is required; but only a verified one counts as the provider's word. Where a
/// signature is there and does not fit, nothing of the answer is believed.
pub(super) fn refusal(ring: &KeyRing, window_s: i64, response: &Response, now_s: i64) -> Error {
    let authenticated = verification::is_signed(&response.headers);
    if authenticated
        && let Err(error) =
            verification::verify(ring, window_s, &response.headers, &response.body, now_s)
    {
        return described(error.with_outcome(Outcome::Unknown), response)
            .with("authenticated", false);
    }
    let body = json::parse_object(&response.body).unwrap_or_default();
    let provider_code = body.get("code").and_then(Value::as_str).unwrap_or_default();
    let meaning = Meaning::of(response.status, provider_code);
    let message = match provider_code {
        "" => format!(
            "the provider answered {} without a readable error",
            response.status
        ),
        code => format!("the provider answered {} {code}", response.status),
    };
    let mut error = Error::new(meaning.code, message)
        .with("authenticated", authenticated)
        .with("advice", meaning.advice);
    if !authenticated || meaning.state_unknown {
        error = error.with_outcome(Outcome::Unknown);
    }
    for (detail, key) in [
        ("provider_code", "code"),
        ("provider_message", "message"),
        ("provider_detail", "detail"),
    ] {
        if let Some(value) = body.get(key) {
            error = error.with(detail, value.clone());
        }
    }
    if let Some(field) = body
        .get("detail")
        .and_then(|detail| detail.get("field"))
        .and_then(Value::as_str)
    {
        error = error.with_field(field);
    }
    described(error, response)
}

fn described(error: Error, response: &Response) -> Error {
    let error = error.with("http_status", response.status);
    match response.headers.first("request-id") {
        Some(id) => error.with("request_id", id),
        None => error,
    }
}

/// What a refusal means for the caller.
struct Meaning {
    code: Code,
    advice: &'static str,
    /// Even a verified answer leaves open whether the request took effect.
    state_unknown: bool,
}

impl Meaning {
    /// `message` of the provider takes no part: it is text for people and changes.
    fn of(status: u16, provider_code: &str) -> Meaning {
        let meaning = |code, advice, state_unknown| Meaning {
            code,
            advice,
            state_unknown,
        };
        match (status, provider_code) {
            (_, "ORDERPAID" | "ORDER_PAID" | "REFUND_ALREADY_SUCCESS") => {
                meaning(Code::ProviderRejected, "already_done", false)
            }
            (_, "USERPAYING" | "BANKERROR" | "BANK_ERROR") => {
                meaning(Code::ProviderUnavailable, "query_first", true)
            }
            (429, _)
            | (
                _,
                "RATELIMIT_EXCEEDED"
                | "RATELIMIT_EXCEED"
                | "FREQUENCY_LIMITED"
                | "FREQUENCY_LIMIT_EXCEED",
            ) => meaning(Code::ProviderRateLimited, "retry_later", true),
            (502..=504, _) => meaning(Code::ProviderUnavailable, "retry_later", true),
            (500.., _) | (_, "SYSTEM_ERROR" | "SYSTEMERROR") => {
                meaning(Code::ProviderUnavailable, "retry_same", true)
            }
            _ => meaning(Code::ProviderRejected, "definite_failure", false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_download_paths_may_answer_unsigned() {
        for path in [
            "/v3/billdownload/file",
            "/v3/statements",
            "/v3/merchant-service/images/x1",
            "/v3/global/merchant-service/images/x",
        ] {
            assert!(is_never_signed(path), "{path}");
        }
        for path in [
            "/v3/billdownload/file/",
            "/v3/merchant-service/images/upload",
            "/v3/merchant-service/images/",
            "/v3/merchant-service/images/a/b",
            "/v3/pay/transactions/jsapi",
        ] {
            assert!(!is_never_signed(path), "{path}");
        }
    }

    #[test]
    fn a_rate_limit_and_a_system_error_leave_the_state_unknown() {
        for (status, code) in [
            (429, "RATELIMIT_EXCEEDED"),
            (403, "FREQUENCY_LIMITED"),
            (500, "SYSTEM_ERROR"),
            (502, ""),
            (400, "SYSTEM_ERROR"),
        ] {
            assert!(Meaning::of(status, code).state_unknown, "{status} {code}");
        }
        for (status, code) in [
            (400, "PARAM_ERROR"),
            (404, "ORDER_NOT_EXIST"),
            (401, "SIGN_ERROR"),
            (403, "NOT_ENOUGH"),
        ] {
            assert!(!Meaning::of(status, code).state_unknown, "{status} {code}");
        }
    }
}
