//! What a refusal means for the caller. <https://opendocs.alipay.com/common/02km9f>

use serde_json::{Map, Value};

use crate::error::{Code, Error, Outcome};
use crate::wire::Response;

/// The provider's word for success.
pub(super) const SUCCESS: &str = "10000";

/// The error that a node of an answer stands for; none where it reports success. A few old operations answer without a code.
pub(super) fn of_node(node: &Map<String, Value>, is_error_node: bool) -> Option<Error> {
    let text = |name: &str| {
        node.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let code = match text("code") {
        Some(SUCCESS) if !is_error_node => return None,
        None if !is_error_node && !node.contains_key("code") => return None,
        code => code.unwrap_or_default(),
    };
    let specific = text("sub_code").unwrap_or(code);
    Some(
        Meaning::of(code, specific)
            .error(format!("the provider answered {code} {specific}"))
            .with("provider_code", specific)
            .with("provider_status", code)
            .with(
                "provider_message",
                text("sub_msg").or(text("msg")).unwrap_or_default(),
            ),
    )
}

/// The error of REST v3, whose status says the kind and whose body says the code.
pub(super) fn of_rest(status: u16, body: &Map<String, Value>) -> Error {
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let code = text("code").unwrap_or_default();
    let meaning = match (status, Meaning::of("40004", code)) {
        (429, _) => Meaning::RateLimited,
        (500.., Meaning::No) => Meaning::Unavailable,
        (_, meaning) => meaning,
    };
    let error = meaning
        .error(format!("the provider answered {status} {code}"))
        .with("provider_code", code)
        .with("provider_message", text("message").unwrap_or_default());
    match body.get("details") {
        Some(details) => error.with("provider_detail", details.clone()),
        None => error,
    }
}

/// What is not signed is nobody's word: it may be a load balancer's.
pub(super) fn unauthenticated(error: Error) -> Error {
    error
        .with("authenticated", false)
        .with_outcome(Outcome::Unknown)
}

/// The error of a status outside 2xx without a readable body.
pub(super) fn of_status(status: u16) -> Error {
    let (code, advice) = match status {
        300..=399 => (Code::ResponseInvalid, "query_first"),
        429 => (Code::ProviderRateLimited, "retry_later"),
        502..=504 => (Code::ProviderUnavailable, "retry_later"),
        500.. => (Code::ProviderUnavailable, "query_first"),
        _ => (Code::ProviderRejected, "query_first"),
    };
    let message = match status {
        300..=399 => format!("the answer is a redirect ({status}), which is never followed"),
        _ => format!("the provider answered {status} without a readable error"),
    };
    unauthenticated(Error::new(code, message).with("advice", advice))
}

pub(super) fn described(error: Error, response: &Response) -> Error {
    let error = error.with("http_status", response.status);
    match request_id(response) {
        Some(id) => error.with("request_id", id),
        None => error,
    }
}

pub(super) fn request_id(response: &Response) -> Option<String> {
    ["alipay-trace-id", "trace_id"]
        .iter()
        .find_map(|name| response.headers.first(name))
        .map(str::to_owned)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// What was asked for had happened before.
    Done,
    /// The payer has yet to act, or nobody knows: only a query tells.
    Open,
    Unavailable,
    RateLimited,
    No,
}

impl Meaning {
    /// The texts for people take no part: they change.
    fn of(code: &str, specific: &str) -> Meaning {
        let name = specific.rsplit('.').next().unwrap_or_default();
        match (code, name) {
            (_, "TRADE_HAS_SUCCESS" | "REASON_TRADE_BEEN_FREEZEN" | "TRADE_SETTLE_SUCCESS") => {
                Meaning::Done
            }
            ("10003", _)
            | (
                _,
                "USER_PAYING" | "SYSTEM_ERROR" | "SYSTEMERROR" | "ACQ_SYSTEM_ERROR"
                | "UNKNOW_ERROR",
            ) => Meaning::Open,
            ("20000", _) => Meaning::Unavailable,
            ("40005", _)
            | (
                _,
                "CALL_LIMITED"
                | "REQUEST_TOO_FREQUENT"
                | "app-call-limited"
                | "method-call-limited",
            ) => Meaning::RateLimited,
            _ if specific.starts_with("isp.") => Meaning::Unavailable,
            _ => Meaning::No,
        }
    }

    fn error(self, message: String) -> Error {
        let (code, advice, is_open) = match self {
            Meaning::Done => (Code::ProviderRejected, "already_done", false),
            Meaning::Open => (Code::ProviderUnavailable, "query_first", true),
            Meaning::Unavailable => (Code::ProviderUnavailable, "query_first", true),
            Meaning::RateLimited => (Code::ProviderRateLimited, "retry_later", true),
            Meaning::No => (Code::ProviderRejected, "definite_failure", false),
        };
        let error = Error::new(code, message)
            .with("authenticated", true)
            .with("advice", advice);
        match is_open {
            true => error.with_outcome(Outcome::Unknown),
            false => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_query_can_tell_is_never_called_a_no() {
        for (code, specific) in [
            ("10003", "10003"),
            ("20000", "aop.unknow-error"),
            ("20000", "isp.unknow-error"),
            ("40004", "ACQ.SYSTEM_ERROR"),
            ("40004", "aop.ACQ.SYSTEM_ERROR"),
            ("40005", "aop.app-call-limited"),
        ] {
            let error = Meaning::of(code, specific).error(String::new());
            assert_eq!(error.outcome(), Outcome::Unknown, "{code} {specific}");
        }
        for (code, specific) in [
            ("40002", "isv.invalid-signature"),
            ("40004", "ACQ.TRADE_NOT_EXIST"),
            ("40006", "isv.insufficient-isv-permissions"),
            ("20001", "aop.invalid-auth-token"),
        ] {
            let outcome = Meaning::of(code, specific).error(String::new()).outcome();
            assert_eq!(outcome, Outcome::Rejected, "{code} {specific}");
        }
    }
}
