//! What is refused before anything is sent.

use payseal::Code;
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

#[track_caller]
fn refused(operation: &str, params: Value, field: &str) {
    let result = drive::request(&client(json!({})), operation, &params);
    assert!(result.is_err(), "{params}");
    let error = refused_as(Code::ParamsInvalid, result);
    assert_eq!(text(&error, "field"), field, "{error:?}");
    assert_eq!(error.outcome(), payseal::Outcome::NotSent);
}

#[test]
fn a_value_that_xml_or_the_signature_could_not_carry_is_refused() {
    for value in [
        json!("a\nb"),
        json!("a\rb"),
        json!("a\u{0}b"),
        json!("\u{7f}"),
        json!("\u{85}"),
        json!(1.5),
        json!(1e2),
        json!({"a": 1}),
        json!([1]),
    ] {
        refused(
            UNKNOWN,
            json!({ "body": { "attach": value } }),
            "body.attach",
        );
    }
}

#[test]
fn a_name_that_could_be_read_as_something_else_is_refused() {
    for name in ["a=b", "a&b", "a b", "", "1a", "a<b", "a\u{200b}"] {
        refused(
            UNKNOWN,
            json!({ "body": { name: "1" } }),
            &format!("body.{name}"),
        );
    }
}

#[test]
fn what_apiv2_does_not_have_is_refused() {
    refused(UNKNOWN, json!({ "path": { "id": "1" } }), "path.id");
    refused(UNKNOWN, json!({ "body": "text" }), "body");
    refused(
        UNKNOWN,
        json!({ "$": { "idempotency_key": "1" } }),
        "$.idempotency_key",
    );
    refused("GET /appauth/getaccesstoken", json!({ "body": {} }), "body");
    let client = client(json!({}));
    for operation in [
        "PUT /pay/unifiedorder",
        "POST /pay/{id}",
        "POST pay",
        "GET /papay/entrustweb",
    ] {
        let error = refused_as(
            Code::UnknownOperation,
            drive::request(&client, operation, &json!({})),
        );
        assert_eq!(text(&error, "field"), "operation", "{operation}");
    }
}

#[test]
fn an_upload_without_a_file_is_refused() {
    refused("POST /secapi/mch/uploadmedia", json!({}), "$.filename");
}

#[test]
fn what_a_catalogued_operation_does_not_take_is_refused() {
    for (field, value) in [
        ("total_fee", json!("1.00")),
        ("colour", json!("red")),
        ("sign", json!("0")),
    ] {
        let mut params = order();
        params["body"][field] = value;
        refused(UNIFIED, params, &format!("body.{field}"));
    }
}

#[test]
fn an_integer_may_be_written_as_its_digits_and_in_no_other_form() {
    let total = |value: Value| {
        let mut params = order();
        params["body"]["total_fee"] = value;
        drive::request(&client(json!({})), UNIFIED, &params)
    };
    for good in [json!(100), json!("100")] {
        assert_eq!(
            field(&sent(&total(good).unwrap()), "total_fee"),
            Some("100")
        );
    }
    for bad in [
        "1e2",
        "1.0",
        "-0",
        "+1",
        "0100",
        " 1",
        "１００",
        "9223372036854775808",
        "",
    ] {
        assert!(total(json!(bad)).is_err(), "{bad}");
    }
}

#[test]
fn exact_bytes_are_sent_as_they_are() {
    let body = b"<xml><a>1</a><sign>X</sign></xml>";
    let request = drive::request_with(&client(json!({})), UNKNOWN, &json!({}), body).unwrap();
    assert_eq!(request.body, body);
}
