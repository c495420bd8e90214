//! The provider says no: what it means for money, and whether it was the provider at all.

use payseal::wire::Response;
use payseal::{Code, Error, Outcome};
use serde_json::{Value, json};

use crate::support::drive::execute;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, Platform, unsigned};
use crate::support::{field, refused, text};

fn refusal(response: Response) -> Error {
    let (client, _) = merchant::client(config(json!({ "retry": { "max_attempts": 1 } })));
    refused(execute(&client, JSAPI, &jsapi_order(), |_| {
        Ok(response.clone())
    }))
}

fn body(code: &str) -> Value {
    json!({ "code": code, "message": "text for people" })
}

#[test]
fn a_verified_no_is_classified_by_status_and_code() {
    use Code::*;
    use Outcome::*;
    for (status, code, expected, outcome, advice) in [
        (
            400,
            "PARAM_ERROR",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (
            400,
            "INVALID_REQUEST",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (
            401,
            "SIGN_ERROR",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (
            403,
            "NO_AUTH",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (
            403,
            "NOT_ENOUGH",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (
            404,
            "ORDER_NOT_EXIST",
            ProviderRejected,
            Rejected,
            "definite_failure",
        ),
        (400, "ORDERPAID", ProviderRejected, Rejected, "already_done"),
        (
            429,
            "RATELIMIT_EXCEEDED",
            ProviderRateLimited,
            Unknown,
            "retry_later",
        ),
        (429, "", ProviderRateLimited, Unknown, "retry_later"),
        (
            403,
            "FREQUENCY_LIMITED",
            ProviderRateLimited,
            Unknown,
            "retry_later",
        ),
        (
            500,
            "SYSTEM_ERROR",
            ProviderUnavailable,
            Unknown,
            "retry_same",
        ),
        (
            400,
            "SYSTEM_ERROR",
            ProviderUnavailable,
            Unknown,
            "retry_same",
        ),
        (502, "", ProviderUnavailable, Unknown, "retry_later"),
        (503, "", ProviderUnavailable, Unknown, "retry_later"),
        (504, "", ProviderUnavailable, Unknown, "retry_later"),
        (599, "X", ProviderUnavailable, Unknown, "retry_same"),
        (
            400,
            "USERPAYING",
            ProviderUnavailable,
            Unknown,
            "query_first",
        ),
        (
            403,
            "BANK_ERROR",
            ProviderUnavailable,
            Unknown,
            "query_first",
        ),
    ] {
        let error = refusal(BY_PUBLIC_KEY.json(status, body(code)));
        assert_eq!(error.code(), expected, "{status} {code}: {error:?}");
        assert_eq!(error.outcome(), outcome, "{status} {code}");
        assert_eq!(text(&error, "advice"), advice, "{status} {code}");
        assert_eq!(error.detail("authenticated").unwrap(), true);
        assert_eq!(text(&error, "provider_code"), code);
        assert_eq!(text(&error, "provider_message"), "text for people");
        assert_eq!(error.detail("http_status").unwrap(), status);
    }
}

#[test]
fn an_unsigned_no_leaves_the_state_unknown() {
    for (status, code) in [
        (400, "PARAM_ERROR"),
        (400, "ORDERPAID"),
        (403, "NOT_ENOUGH"),
        (404, "ORDER_NOT_EXIST"),
        (401, "SIGN_ERROR"),
        (429, ""),
        (502, ""),
    ] {
        let error = refusal(unsigned(status, &body(code).to_string()));
        assert_eq!(
            error.outcome(),
            Outcome::Unknown,
            "{status} {code}: {error:?}"
        );
        assert_eq!(error.detail("authenticated").unwrap(), false);
    }
}

#[test]
fn of_a_no_with_a_wrong_signature_nothing_is_believed() {
    let stranger = Platform::new(&STRANGER, PUBLIC_KEY_ID);
    for (response, code) in [
        (
            stranger.json(400, body("ORDERPAID")),
            Code::SignatureInvalid,
        ),
        (
            BY_PUBLIC_KEY
                .signed(body("PARAM_ERROR").to_string())
                .with_body(body("ORDERPAID").to_string())
                .response(400),
            Code::SignatureInvalid,
        ),
        (
            BY_PUBLIC_KEY
                .signed(body("ORDERPAID").to_string())
                .without("Wechatpay-Nonce")
                .response(400),
            Code::SignatureMissing,
        ),
        (
            BY_PUBLIC_KEY
                .signed_at(&(NOW - 301).to_string(), body("ORDERPAID").to_string())
                .response(400),
            Code::ClockSkew,
        ),
        (
            BY_PUBLIC_KEY
                .signed(body("ORDERPAID").to_string())
                .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
                .response(500),
            Code::SignatureProbe,
        ),
    ] {
        let error = refusal(response);
        assert_eq!(error.code(), code, "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.detail("authenticated").unwrap(), false);
        for key in ["provider_code", "provider_message", "provider_detail"] {
            assert_eq!(error.detail(key), None);
        }
    }
}

#[test]
fn an_answer_that_is_no_json_is_still_an_error_of_its_status() {
    for text in [
        "<html>502 Bad Gateway</html>",
        "",
        "[]",
        "{",
        "\u{0}",
        r#"{"code":"A","code":"B"}"#,
    ] {
        let error = refusal(unsigned(502, text));
        assert_eq!(error.code(), Code::ProviderUnavailable);
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.detail("provider_code"), None);
        let error = refusal(BY_PUBLIC_KEY.answer(400, text));
        assert_eq!(error.code(), Code::ProviderRejected);
        assert_eq!(error.outcome(), Outcome::Rejected);
    }
}

#[test]
fn details_of_the_provider_are_passed_on_whatever_their_type() {
    for detail in [
        json!({ "field": "/body/amount", "issue": "sign not match", "location": "authorization",
                "sign_information": { "method": "POST", "sign_message_length": 177 } }),
        json!("text"),
        json!(["a", 1]),
        Value::Null,
    ] {
        let mut answer = body("SIGN_ERROR");
        answer["detail"] = detail.clone();
        let error = refusal(BY_PUBLIC_KEY.json(401, answer));
        assert_eq!(*error.detail("provider_detail").unwrap(), detail);
        if detail.is_object() {
            assert_eq!(field(&error), "/body/amount");
        }
    }
}

#[test]
fn the_providers_code_of_another_type_decides_nothing() {
    for code in [
        json!(400),
        json!(["ORDERPAID"]),
        Value::Null,
        json!({ "x": 1 }),
    ] {
        let error = refusal(BY_PUBLIC_KEY.json(400, json!({ "code": code, "message": 1 })));
        assert_eq!(error.code(), Code::ProviderRejected);
        assert_eq!(text(&error, "advice"), "definite_failure");
    }
}

#[test]
fn the_message_of_the_provider_decides_nothing() {
    let error = refusal(BY_PUBLIC_KEY.json(
        400,
        json!({ "code": "PARAM_ERROR", "message": "ORDERPAID SYSTEM_ERROR" }),
    ));
    assert_eq!(error.code(), Code::ProviderRejected);
    assert_eq!(text(&error, "advice"), "definite_failure");
}

#[test]
fn a_status_that_is_none_is_no_success() {
    for status in [100, 101, 199, 600, 999] {
        let error = refusal(unsigned(status, "{}"));
        assert_eq!(error.outcome(), Outcome::Unknown, "{status}: {error:?}");
    }
}
