//! What is sent again, and what never is.

use payseal::wire::FailureKind;
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::support::drive::{self, Sent, execute, failure, lost, not_sent, script, timed_out};
use crate::support::merchant::{self, *};
use crate::support::platform::{self, BY_PUBLIC_KEY, Platform, transaction, unsigned};
use crate::support::{refused, text};

/// How many requests were made, and how it ended, when every attempt gets `answer`.
fn attempts(operation: &str, params: &Value, answer: impl Fn() -> Sent) -> (usize, Outcome) {
    let (client, _) = merchant::client(config(json!({})));
    let mut count = 0;
    let result = execute(&client, operation, params, |_| {
        count += 1;
        answer()
    });
    (count, refused(result).outcome())
}

fn unknown_post() -> Value {
    json!({ "body": { "x": 1 } })
}

#[test]
fn what_never_left_is_sent_again_whatever_it_is() {
    for (operation, params) in [
        (QUERY, query(ORDER)),
        (JSAPI, jsapi_order()),
        (UNKNOWN_POST, unknown_post()),
    ] {
        let ended = attempts(operation, &params, || Err(not_sent()));
        assert_eq!(ended, (3, Outcome::NotSent), "{operation}");
    }
}

#[test]
fn a_handshake_that_failed_is_not_repeated_at_the_same_host() {
    let tls = || Err(failure(FailureKind::NotSent, Code::TlsFailed));
    assert_eq!(attempts(QUERY, &query(ORDER), tls), (1, Outcome::NotSent));
}

#[test]
fn without_an_answer_only_what_is_safe_or_numbered_is_sent_again() {
    for answer in [lost, timed_out] {
        for (operation, params, count) in [
            (QUERY, query(ORDER), 3),
            (JSAPI, jsapi_order(), 3),
            (REFUND, refund(), 3),
            (UNKNOWN_POST, unknown_post(), 1),
            ("PUT /v3/x", json!({}), 1),
            ("PATCH /v3/x", json!({}), 1),
            ("DELETE /v3/x", json!({}), 1),
            ("GET /v3/x", json!({}), 3),
            (
                UNKNOWN_POST,
                with_options(unknown_post(), json!({ "idempotency_key": "k" })),
                3,
            ),
        ] {
            let ended = attempts(operation, &params, || Err(answer()));
            assert_eq!(ended, (count, Outcome::Unknown), "{operation}");
        }
    }
}

#[test]
fn trouble_at_the_provider_is_waited_for_and_a_no_is_not() {
    for (status, code, count) in [
        (500, "SYSTEM_ERROR", 3),
        (502, "", 3),
        (503, "", 3),
        (504, "", 3),
        (429, "RATELIMIT_EXCEEDED", 3),
        (403, "FREQUENCY_LIMITED", 3),
        (400, "PARAM_ERROR", 1),
        (401, "SIGN_ERROR", 1),
        (403, "NOT_ENOUGH", 1),
        (404, "ORDER_NOT_EXIST", 1),
        (400, "ORDERPAID", 1),
    ] {
        let body = json!({ "code": code, "message": "m" });
        for (operation, params, most) in [
            (QUERY, query(ORDER), 3),
            (JSAPI, jsapi_order(), 3),
            (UNKNOWN_POST, unknown_post(), 1),
        ] {
            let (signed, _) = attempts(operation, &params, || {
                Ok(BY_PUBLIC_KEY.json(status, body.clone()))
            });
            assert_eq!(signed, count.min(most), "{operation} {status} {code}");
            let (unsigned, outcome) = attempts(operation, &params, || {
                Ok(unsigned(status, &body.to_string()))
            });
            assert_eq!(unsigned, count.min(most), "{operation} {status} {code}");
            assert_eq!(outcome, Outcome::Unknown);
        }
    }
}

#[test]
fn an_answer_that_is_not_believed_is_not_asked_for_again() {
    let stranger = Platform::new(&STRANGER, PUBLIC_KEY_ID);
    for answer in [
        unsigned(200, &transaction().to_string()),
        stranger.answer(200, transaction().to_string()),
        BY_PUBLIC_KEY.signed_at("1600000000", "{}").response(200),
        BY_PUBLIC_KEY.answer(200, "not json"),
        BY_PUBLIC_KEY.json(200, json!({ "out_trade_no": "order0002" })),
        unsigned(302, ""),
        stranger.answer(500, r#"{"code":"SYSTEM_ERROR"}"#),
    ] {
        let ended = attempts(QUERY, &query(ORDER), || Ok(answer.clone()));
        assert_eq!(ended, (1, Outcome::Unknown), "{answer:?}");
    }
}

#[test]
fn a_probe_instead_of_an_answer_is_asked_again_where_that_is_safe() {
    let probe = || {
        Ok(BY_PUBLIC_KEY
            .signed("{}")
            .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
            .response(200))
    };
    assert_eq!(attempts(QUERY, &query(ORDER), probe), (3, Outcome::Unknown));
    assert_eq!(
        attempts(JSAPI, &jsapi_order(), probe),
        (3, Outcome::Unknown)
    );
    assert_eq!(
        attempts(UNKNOWN_POST, &unknown_post(), probe),
        (1, Outcome::Unknown)
    );
}

#[test]
fn every_attempt_is_signed_anew_over_the_same_bytes() {
    let (client, world) = merchant::client(config(json!({})));
    let mut seen = Vec::new();
    let mut now = NOW;
    refused(execute(&client, REFUND, &refund(), |request| {
        let authorization = platform::verify(request, &request.body);
        assert_eq!(authorization.timestamp, now.to_string());
        seen.push((request.body.clone(), request.target.clone(), authorization));
        now += 7;
        world.set_now(now);
        Err(lost())
    }));
    let [
        (body, target, first),
        (body2, target2, second),
        (body3, target3, third),
    ] = <[_; 3]>::try_from(seen).unwrap();
    assert!(body == body2 && body2 == body3);
    assert!(target == target2 && target2 == target3);
    let mut nonces = [first.nonce, second.nonce, third.nonce];
    nonces.sort();
    assert!(nonces[0] != nonces[1] && nonces[1] != nonces[2]);
    assert!(first.signature != second.signature && second.signature != third.signature);
}

#[test]
fn an_answer_to_a_later_attempt_is_as_good_as_to_the_first() {
    let (client, world) = merchant::client(config(json!({})));
    let answer = execute(
        &client,
        QUERY,
        &query(ORDER),
        script(vec![
            Err(lost()),
            Ok(unsigned(502, "<html>")),
            Ok(BY_PUBLIC_KEY.json(200, transaction())),
        ]),
    )
    .unwrap();
    assert_eq!(answer.info()["attempts"], 3);
    let retries = world.records_of("call.retry");
    assert_eq!(retries.len(), 2);
    assert_eq!(retries[0]["code"], "CONNECTION_LOST");
    assert_eq!(retries[1]["code"], "PROVIDER_UNAVAILABLE");
    let done = world.records_of("call.done");
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["outcome"], "ok");
    assert_eq!(done[0]["attempts"], 3);
    assert_eq!(done[0]["out_trade_no"], ORDER);
    let metric = format!(
        "payseal_requests_total{{provider=\"wechat\",operation=\"{QUERY}\",outcome=\"ok\"}} 1"
    );
    assert!(client.metrics().lines().any(|line| line == metric));
    assert!(
        !client.metrics().contains(ORDER),
        "no order number is a label"
    );
}

#[test]
fn the_number_of_attempts_is_the_calls_else_the_configurations() {
    for (configured, asked, expected) in [
        (json!(null), json!(null), 3),
        (json!(1), json!(null), 1),
        (json!(5), json!(null), 5),
        (json!(5), json!(2), 2),
        (json!(1), json!(4), 4),
    ] {
        let retry = json!({ "max_attempts": configured, "base_ms": 1, "cap_ms": 1 });
        // More failures than attempts, so that no breaker is in the way.
        let breaker = json!({ "failures": 100 });
        let (client, _) = merchant::client(config(
            json!({ "retry": retry, "circuit_breaker": breaker }),
        ));
        let params = with_options(query(ORDER), json!({ "max_attempts": asked }));
        let mut count = 0;
        let error = refused(execute(&client, QUERY, &params, |_| {
            count += 1;
            Err(lost())
        }));
        assert_eq!(count, expected);
        assert_eq!(error.detail("attempts").unwrap(), expected);
    }
}

#[test]
fn what_to_do_about_an_unknown_outcome_is_said() {
    for (operation, params, advice) in [
        (QUERY, query(ORDER), "retry_same"),
        (REFUND, refund(), "retry_same"),
        (UNKNOWN_POST, unknown_post(), "query_first"),
    ] {
        let (client, _) = merchant::client(config(json!({})));
        let error = refused(execute(&client, operation, &params, |_| Err(lost())));
        assert_eq!(text(&error, "advice"), advice);
        assert_eq!(text(&error, "operation"), operation);
        assert_eq!(text(&error, "host"), "https://api.mch.weixin.qq.com");
    }
    let client = merchant::client(config(json!({}))).0;
    let error = refused(execute(&client, UNKNOWN_POST, &unknown_post(), |_| {
        Err(not_sent())
    }));
    assert_eq!(text(&error, "advice"), "retry_later");
}

#[test]
fn an_answer_longer_than_was_asked_for_is_no_answer() {
    let (client, _) = merchant::client(config(json!({ "max_response_bytes": 1024 })));
    let error = refused(execute(
        &client,
        UNKNOWN_POST,
        &unknown_post(),
        drive::script(vec![Ok(
            BY_PUBLIC_KEY.json(200, json!({ "x": "y".repeat(2000) }))
        )]),
    ));
    assert_eq!(error.code(), Code::ResponseTooLarge);
    assert_eq!(error.outcome(), Outcome::Unknown);
}
