//! A host's own HTTP client drives a call through C: step, request, body, respond or fail, result.

use payseal::ffi::*;
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::abi::{Raised, garbage, new_call, new_client, run, standing_clock, step, take};
use crate::support::merchant::{MCHID, ORDER, QUERY, REFUND, config, query, refund};
use crate::support::platform::{BY_PUBLIC_KEY, Signed, transaction};

fn with_client<T>(changes: Value, test: impl FnOnce(*mut payseal_client) -> T) -> T {
    let client = new_client(&config(changes), &standing_clock()).unwrap();
    let result = test(client);
    payseal_client_free(client);
    result
}

fn request(call: *mut payseal_call) -> Result<Value, Raised> {
    let mut request = garbage();
    run(|e| unsafe { payseal_call_request(call, &mut request, e) })?;
    Ok(serde_json::from_slice(&take(request)).unwrap())
}

fn body(call: *mut payseal_call) -> Vec<u8> {
    let mut body = garbage();
    run(|e| unsafe { payseal_call_body(call, &mut body, e) }).unwrap();
    take(body)
}

fn respond(call: *mut payseal_call, status: u32, signed: &Signed) -> Result<(), Raised> {
    let (lines, body) = (signed.lines(), &signed.body);
    run(|e| unsafe {
        payseal_call_respond(
            call,
            status,
            lines.as_ptr(),
            lines.len(),
            body.as_ptr(),
            body.len(),
            e,
        )
    })
}

fn fail(call: *mut payseal_call, failure: HostFailure) -> Result<(), Raised> {
    let reason = "no route";
    run(|e| unsafe { payseal_call_fail(call, failure as i32, reason.as_ptr(), reason.len(), e) })
}

fn result(call: *mut payseal_call) -> Result<(Vec<u8>, Value), Raised> {
    let (mut body, mut info) = (garbage(), garbage());
    run(|e| unsafe { payseal_call_result(call, &mut body, &mut info, e) })?;
    Ok((take(body), serde_json::from_slice(&take(info)).unwrap()))
}

#[test]
fn a_call_is_driven_to_its_verified_end() {
    with_client(json!({}), |client| {
        let call = new_call(client, QUERY, &query(ORDER)).unwrap();
        assert_eq!(step(call).unwrap(), (Action::Send as i32, 0));
        let asked = request(call).unwrap();
        assert_eq!(asked["method"], "GET");
        assert_eq!(
            asked["url"],
            format!(
                "https://api.mch.weixin.qq.com/v3/pay/transactions/out-trade-no/{ORDER}?mchid={MCHID}"
            )
        );
        assert!(asked["timeout_ms"].as_u64().unwrap() <= 15_000);
        assert_eq!(asked["max_response_bytes"], 10_485_760);
        assert!(
            asked["headers"]
                .as_array()
                .unwrap()
                .iter()
                .any(|field| field[0] == "Authorization")
        );
        assert!(body(call).is_empty());
        respond(call, 200, &BY_PUBLIC_KEY.signed(transaction().to_string())).unwrap();
        assert_eq!(step(call).unwrap().0, Action::Done as i32);
        let (answer, info) = result(call).unwrap();
        assert_eq!(answer, transaction().to_string().into_bytes());
        assert_eq!(info["verified"], true);
        payseal_call_free(call);
    });
}

#[test]
fn each_failure_of_the_host_means_what_it_says() {
    for (failure, code, outcome) in [
        (HostFailure::NotSent, Code::ConnectFailed, Outcome::NotSent),
        (HostFailure::Sent, Code::ConnectionLost, Outcome::Unknown),
        (HostFailure::Timeout, Code::Timeout, Outcome::Unknown),
        (HostFailure::Cancelled, Code::Cancelled, Outcome::Unknown),
    ] {
        with_client(json!({ "retry": { "max_attempts": 1 } }), |client| {
            let call = new_call(client, REFUND, &refund()).unwrap();
            step(call).unwrap();
            assert!(!body(call).is_empty());
            fail(call, failure).unwrap();
            assert_eq!(step(call).unwrap().0, Action::Done as i32);
            let raised = result(call).unwrap_err();
            assert_eq!((raised.code, raised.outcome), (code as i32, outcome as i32));
            payseal_call_free(call);
        });
    }
}

#[test]
fn a_wait_is_given_in_whole_milliseconds_and_never_zero() {
    let changes = json!({ "retry": { "base_ms": 60_000, "cap_ms": 60_000 }, "timeouts": { "total_ms": 600_000 }, "circuit_breaker": { "failures": 100 } });
    with_client(changes, |client| {
        for _ in 0..20 {
            let call = new_call(client, REFUND, &refund()).unwrap();
            step(call).unwrap();
            fail(call, HostFailure::Sent).unwrap();
            match step(call).unwrap() {
                (action, wait) if action == Action::Wait as i32 => {
                    assert!((1..=60_000).contains(&wait), "{wait}");
                }
                (action, _) => assert_eq!(action, Action::Send as i32),
            }
            payseal_call_free(call);
        }
    });
}

#[test]
fn out_of_turn_is_an_error_and_changes_nothing() {
    with_client(json!({}), |client| {
        let call = new_call(client, QUERY, &query(ORDER)).unwrap();
        let good = BY_PUBLIC_KEY.signed(transaction().to_string());
        let out_of_turn = Code::InvalidState as i32;
        assert_eq!(request(call).unwrap_err().code, out_of_turn);
        assert_eq!(respond(call, 200, &good).unwrap_err().code, out_of_turn);
        assert_eq!(fail(call, HostFailure::Sent).unwrap_err().code, out_of_turn);
        assert_eq!(result(call).unwrap_err().code, out_of_turn);
        step(call).unwrap();
        respond(call, 200, &good).unwrap();
        step(call).unwrap();
        result(call).unwrap();
        payseal_call_free(call);
    });
}

#[test]
fn what_is_no_http_answer_leaves_the_call_unknown() {
    let good = BY_PUBLIC_KEY.signed(transaction().to_string());
    let fields = |line: &str| Signed {
        headers: vec![(line.to_owned(), String::new())],
        body: Vec::new(),
    };
    let large = Signed {
        headers: vec![("X-Large".into(), "x".repeat(1 << 17))],
        body: Vec::new(),
    };
    for (status, answer) in [
        (0, good.clone()),
        (99, good.clone()),
        (1000, good.clone()),
        (u32::MAX, good.clone()),
        ((1 << 16) + 200, good),
        (200, fields("no colon\nX")),
        (200, fields("a b")),
        (200, fields("a\0")),
        (200, large),
    ] {
        with_client(json!({ "retry": { "max_attempts": 1 } }), |client| {
            let call = new_call(client, REFUND, &refund()).unwrap();
            step(call).unwrap();
            respond(call, status, &answer).unwrap();
            assert_eq!(step(call).unwrap().0, Action::Done as i32);
            let raised = result(call).unwrap_err();
            assert_eq!(
                raised.code,
                Code::ResponseInvalid as i32,
                "{status}: {raised:?}"
            );
            assert_eq!(raised.outcome, Outcome::Unknown as i32);
            payseal_call_free(call);
        });
    }
}
