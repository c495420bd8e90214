//! Parameters: put where they belong, completed from the configuration, and refused before anything leaves when they are wrong.

use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::support::drive::{self, request, request_with};
use crate::support::merchant::{self, *};
use crate::support::{field, refused, refused_as};

fn body(request: &payseal::wire::Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn merchant_id_app_id_and_notify_url_come_from_the_configuration() {
    let (client, _) = merchant::client(config(json!({})));
    let sent = body(&request(&client, JSAPI, &jsapi_order()).unwrap());
    assert_eq!(sent["mchid"], MCHID);
    assert_eq!(sent["appid"], APPID);
    assert_eq!(sent["notify_url"], "https://shop.example.com/notify");
    assert_eq!(sent["out_trade_no"], ORDER);
    let close = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close";
    let sent = body(&request(&client, close, &query(ORDER)).unwrap());
    assert_eq!(sent, json!({ "mchid": MCHID }));
}

#[test]
fn what_the_caller_gives_is_not_overwritten() {
    let (client, _) = merchant::client(config(json!({})));
    let mut params = jsapi_order();
    params["body"]["appid"] = "wx0123456789abcdef".into();
    params["body"]["notify_url"] = "https://other.example.com/n".into();
    let sent = body(&request(&client, JSAPI, &params).unwrap());
    assert_eq!(sent["appid"], "wx0123456789abcdef");
    assert_eq!(sent["notify_url"], "https://other.example.com/n");
}

#[test]
fn an_uncatalogued_operation_is_sent_as_it_is() {
    let (client, _) = merchant::client(config(json!({})));
    let params = json!({ "body": { "x": 1 } });
    assert_eq!(
        body(&request(&client, UNKNOWN_POST, &params).unwrap()),
        json!({ "x": 1 })
    );
}

#[test]
fn malformed_parameters_never_leave_the_machine() {
    let (client, _) = merchant::client(config(json!({})));
    let order = |change: &dyn Fn(&mut Value)| {
        let mut params = jsapi_order();
        change(&mut params);
        params
    };
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            JSAPI,
            order(&|p| p["body"]["payer"] = Value::Null),
            "body.payer",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["amount"]["total"] = "100".into()),
            "body.amount.total",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["amount"]["total"] = json!(1.0)),
            "body.amount.total",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["amount"]["total"] = json!(-1)),
            "body.amount.total",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["amount"]["totl"] = json!(1)),
            "body.amount.totl",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["description"] = "".into()),
            "body.description",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["notify_url"] = "https://a/n?x=1".into()),
            "body.notify_url",
        ),
        (
            JSAPI,
            order(&|p| p["body"]["out_trade_no"] = "a b\n".into()),
            "body.out_trade_no",
        ),
        (JSAPI, json!({ "body": [] }), "body"),
        (JSAPI, json!({ "body": "x" }), "body"),
        (QUERY, json!({}), "path.out_trade_no"),
        (
            QUERY,
            json!({ "path": { "out_trade_no": "" } }),
            "path.out_trade_no",
        ),
        (
            QUERY,
            json!({ "path": { "out_trade_no": ORDER, "other": "x" } }),
            "path.other",
        ),
        ("GET /v3/{x}", json!({ "path": { "x": ".." } }), "path.x"),
        (
            "GET /v3/{x}",
            json!({ "path": { "x": "a\r\nHost: evil" } }),
            "path.x",
        ),
        (
            "GET /v3/x",
            json!({ "query": { "x": "a\u{0}b" } }),
            "query.x",
        ),
        ("GET /v3/x", json!({ "query": { "x": 1.5 } }), "query.x"),
        ("GET /v3/x", json!({ "query": { "x": [1] } }), "query.x"),
        ("GET /v3/x", json!({ "query": 1 }), "query"),
        ("GET /v3/x", json!({ "body": { "x": 1 } }), "body"),
        ("GET /v3/x", json!({ "bdy": {} }), "bdy"),
        ("GET /v3/x", json!({ "$": { "timeout": 1 } }), "$.timeout"),
        (
            "GET /v3/x",
            json!({ "$": { "timeout_ms": 0 } }),
            "$.timeout_ms",
        ),
        (
            "GET /v3/x",
            json!({ "$": { "timeout_ms": 1e3 } }),
            "$.timeout_ms",
        ),
        (
            "GET /v3/x",
            json!({ "$": { "max_attempts": 11 } }),
            "$.max_attempts",
        ),
        (
            "GET /v3/x",
            json!({ "$": { "idempotency_key": "a\r\nX: y" } }),
            "$.idempotency_key",
        ),
        ("GET /v3/x", json!({ "$": { "accept": "" } }), "$.accept"),
        (
            "GET /v3/x",
            json!({ "$": { "trace_id": "é" } }),
            "$.trace_id",
        ),
        ("GET /v3/x", json!({ "$": { "expect": [] } }), "$.expect"),
        (
            UNKNOWN_POST,
            json!({ "$": { "content_type": "a\nb" } }),
            "$.content_type",
        ),
        (
            UNKNOWN_POST,
            json!({ "$": { "filename": "../a" } }),
            "$.filename",
        ),
        (
            UNKNOWN_POST,
            json!({ "$": { "filename": "a\r\nb" } }),
            "$.filename",
        ),
    ];
    for (operation, params, expected) in cases {
        let error = refused_as(
            Code::ParamsInvalid,
            drive::execute(&client, operation, &params, |_| panic!("{params} was sent")),
        );
        assert_eq!(field(&error), expected, "{params}: {error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert!(!error.message().is_empty());
    }
}

#[test]
fn parameters_that_are_no_json_are_refused() {
    let (client, _) = merchant::client(config(json!({})));
    let deep = format!(
        r#"{{"body":{}{}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    for params in [
        "[]",
        "null",
        "{",
        "{}{}",
        r#"{"body":{"a":1,"a":2}}"#,
        r#"{"body":{"total":1,"tot\u0061l":2}}"#,
        "\u{feff}{}",
        &deep,
    ] {
        let error = refused_as(
            Code::ParamsInvalid,
            client.call(UNKNOWN_POST, params.as_bytes(), b""),
        );
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    refused_as(
        Code::ParamsInvalid,
        client.call(UNKNOWN_POST, b"{\"body\":\"\xff\"}", b""),
    );
}

#[test]
fn an_operation_that_is_no_method_and_path_is_refused() {
    let (client, _) = merchant::client(config(json!({})));
    for operation in [
        "",
        "jsapi",
        "/v3/x",
        "GET",
        "GET  /v3/x",
        "GET v3/x",
        "get /v3/x",
        "TRACE /v3/x",
        "GET /v3/x?y=1",
        "GET /v3/x#y",
        "GET /v3/../secret",
        "GET /v3/./x",
        "GET //evil.example.com/x",
        "GET /v3//x",
        "GET /v3/x\r\nHost: evil",
        "GET /v3/x y",
        "GET /v3/%2e%2e/x",
        "GET /v3/五",
        "GET https://evil.example.com/v3/x",
        "GET /v3/{",
        "GET /v3/}",
        "GET /v3/{}",
        "GET /v3/{a",
        "GET /v3/a}",
        "GET /v3/{a{b}}",
        "GET /v3/}a{",
    ] {
        let params = json!({ "path": {} });
        let error = refused(request(&client, operation, &params));
        assert_eq!(
            error.code(),
            Code::UnknownOperation,
            "{operation}: {error:?}"
        );
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(field(&error), "operation", "{operation}: {error:?}");
    }
}

#[test]
fn body_and_payload_together_are_refused() {
    let (client, _) = merchant::client(config(json!({})));
    let params = json!({ "body": { "x": 1 } });
    let error = refused_as(
        Code::ParamsInvalid,
        request_with(&client, UNKNOWN_POST, &params, b"y"),
    );
    assert_eq!(field(&error), "body");
    refused_as(
        Code::ParamsInvalid,
        request_with(&client, "GET /v3/x", &json!({}), b"y"),
    );
}

#[test]
fn a_clock_random_source_or_signer_that_fails_sends_nothing() {
    let (client, world) = merchant::client(config(json!({})));
    world.break_clock(true);
    let error = refused_as(Code::CallbackFailed, request(&client, QUERY, &query(ORDER)));
    assert_eq!(error.outcome(), Outcome::NotSent);
    world.break_clock(false);
    world.break_random(true);
    let error = refused_as(Code::CallbackFailed, request(&client, QUERY, &query(ORDER)));
    assert_eq!(error.outcome(), Outcome::NotSent);
}
