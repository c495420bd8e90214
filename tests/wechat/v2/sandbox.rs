//! The provider's own sandbox: its key is fetched first, and everything goes under its prefix.

use payseal::{Code, Outcome};
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

const SANDBOX_KEY: &str = "SandboxKey0123456789abcdefghijkl";
const KEY_PATH: &str = "/xdc/apiv2getsignkey/sign/getsignkey";

fn key_answer(changes: &[(&str, &str)]) -> Response {
    let mut fields = pairs(&[
        ("return_code", "SUCCESS"),
        ("return_msg", "ok"),
        ("mch_id", MCHID),
        ("sandbox_signkey", SANDBOX_KEY),
    ]);
    for (name, value) in changes {
        fields.retain(|(key, _)| key != name);
        fields.push((name.to_string(), value.to_string()));
    }
    answer(document(&fields))
}

#[test]
fn the_key_is_fetched_once_and_signs_and_verifies_from_then_on() {
    let client = client(json!({ "sandbox": true }));
    let mut targets = Vec::new();
    let mut run = |operation: &str, params: &Value| {
        drive::execute(&client, operation, params, |request| {
            targets.push(request.target.clone());
            let fields = sent(request);
            if request.target == KEY_PATH {
                assert_eq!(
                    field(&fields, "sign"),
                    Some(signature("MD5", APIV2_KEY, &fields).as_str())
                );
                return Ok(key_answer(&[]));
            }
            assert_eq!(
                field(&fields, "sign"),
                Some(signature("HMAC-SHA256", SANDBOX_KEY, &fields).as_str())
            );
            assert!(
                !request.client_certificate,
                "the sandbox knows no client certificates"
            );
            Ok(answer(signed_with(
                "HMAC-SHA256",
                SANDBOX_KEY,
                prepaid(&[]),
            )))
        })
    };
    run(UNIFIED, &order()).unwrap();
    run(REFUND, &refund()).unwrap();
    assert_eq!(
        targets,
        [
            KEY_PATH,
            "/xdc/apiv2sandbox/pay/unifiedorder",
            "/xdc/apiv2sandbox/pay/refund"
        ]
    );
}

#[test]
fn without_a_key_nothing_is_sent() {
    for bad in [
        key_answer(&[("return_code", "FAIL"), ("return_msg", "no")]),
        key_answer(&[("mch_id", "1900000109")]),
        key_answer(&[("sandbox_signkey", "short")]),
        answer("<!DOCTYPE x><xml></xml>"),
        Response::read(500, b"", b"").unwrap(),
    ] {
        let client = client(json!({ "sandbox": true }));
        let result = drive::execute(&client, UNIFIED, &order(), |request| {
            assert_eq!(request.target, KEY_PATH);
            Ok(bad.clone())
        });
        assert_eq!(
            refused_as(Code::BodyInvalid, result).outcome(),
            Outcome::NotSent
        );
    }
}

#[test]
fn a_notification_is_verified_with_the_sandboxs_key() {
    let client = client(json!({ "sandbox": true }));
    let body = signed_with(
        "HMAC-SHA256",
        SANDBOX_KEY,
        pairs(&[
            ("mch_id", MCHID),
            ("out_trade_no", ORDER),
            ("result_code", "SUCCESS"),
        ]),
    );
    let mut call = client.call_notification("", &body, b"").unwrap();
    let opened = drive::drive(&mut call, |request| {
        assert_eq!(request.target, KEY_PATH);
        Ok(key_answer(&[]))
    });
    assert_eq!(opened.unwrap().info()["event_type"], "TRANSACTION.SUCCESS");
}

#[test]
fn parameters_of_the_cashier_need_the_key_first() {
    let error = refused_as(
        Code::UnknownSerial,
        client(json!({ "sandbox": true })).invoke("jsapi", br#"{"prepay_id":"wx1"}"#),
    );
    assert!(error.message().contains("sandbox"));
}

#[test]
fn an_operation_of_another_host_has_no_sandbox() {
    let result = drive::request(
        &client(json!({ "sandbox": true })),
        "POST /risk/getpublickey",
        &json!({}),
    );
    assert_eq!(
        text(&refused_as(Code::ParamsInvalid, result), "field"),
        "operation"
    );
}
