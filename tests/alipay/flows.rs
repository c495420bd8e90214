//! Flows that wait: at the provider's pace, and never paying twice.

use payseal::Outcome;
use payseal::wire::Request;
use serde_json::{Value, json};

use crate::alipay::{answer, client, sent};
use crate::support::drive::{Sent, drive, lost};
use crate::support::host::World;
use crate::support::refused;

fn params() -> Value {
    json!({ "body": { "out_trade_no": "A100", "total_amount": "88.88", "subject": "s", "auth_code": "280000000000000000", "scene": "bar_code" }, "$": { "schedule_ms": [1] } })
}

fn method(request: &Request) -> String {
    String::from_utf8(sent(request)["method"].clone()).unwrap()
}

fn say(method: &str, content: Value) -> Sent {
    let mut said = json!({ "code": "10000", "msg": "Success", "out_trade_no": "A100" });
    said.as_object_mut()
        .unwrap()
        .extend(content.as_object().unwrap().clone());
    Ok(answer(
        &format!("{}_response", method.replace('.', "_")),
        &said.to_string(),
    ))
}

fn waits() -> Value {
    json!({ "code": "10003", "msg": "order success pay inprocess" })
}

/// Runs a flow; `turn` has the answer to each request by its number and method.
fn run(
    flow: &str,
    params: &Value,
    mut turn: impl FnMut(usize, &str) -> Sent,
) -> (payseal::Result<payseal::call::Delivered>, Vec<String>) {
    let client = client(&World::new());
    let mut methods = Vec::new();
    let mut flow = client.flow(flow, params.to_string().as_bytes()).unwrap();
    let result = drive(&mut flow, |request| {
        methods.push(method(request));
        turn(methods.len(), &methods[methods.len() - 1])
    });
    (result, methods)
}

#[test]
fn a_scanned_code_that_the_payer_confirms_ends_paid() {
    let (result, methods) = run("pay", &params(), |turn, method| match turn {
        1 => say(method, waits()),
        2 => say(method, json!({ "trade_status": "WAIT_BUYER_PAY" })),
        _ => say(method, json!({ "trade_status": "TRADE_SUCCESS" })),
    });
    let info: Value = serde_json::from_str(&result.unwrap().info_text()).unwrap();
    assert_eq!(
        (&info["final"], methods.as_slice()),
        (
            &json!(true),
            &[
                "alipay.trade.pay",
                "alipay.trade.query",
                "alipay.trade.query"
            ]
            .map(String::from)[..]
        )
    );
}

#[test]
fn a_payer_who_does_not_confirm_is_cancelled_and_asked_about() {
    let mut params = params();
    params["$"]["deadline_ms"] = 1.into();
    let mut cancelled = false;
    let (result, methods) = run("pay", &params, |_, method| match method {
        "alipay.trade.pay" => say(method, waits()),
        "alipay.trade.cancel" => {
            cancelled = true;
            say(method, json!({ "action": "close", "retry_flag": "N" }))
        }
        _ if cancelled => say(method, json!({ "trade_status": "TRADE_CLOSED" })),
        _ => say(method, json!({ "trade_status": "WAIT_BUYER_PAY" })),
    });
    let delivered = result.unwrap();
    assert!(String::from_utf8_lossy(&delivered.body).contains("TRADE_CLOSED"));
    assert_eq!(
        methods
            .iter()
            .filter(|method| *method == "alipay.trade.pay")
            .count(),
        1
    );
}

#[test]
fn a_payment_whose_answer_is_lost_is_asked_about_and_not_repeated() {
    let (result, methods) = run("pay", &params(), |turn, method| match turn {
        1 => Err(lost()),
        _ => say(method, json!({ "trade_status": "TRADE_SUCCESS" })),
    });
    result.unwrap();
    assert_eq!(methods, ["alipay.trade.pay", "alipay.trade.query"]);
}

#[test]
fn a_definite_no_ends_it_at_once() {
    let (result, methods) = run("pay", &params(), |_, method| {
        say(
            method,
            json!({ "code": "40004", "sub_code": "ACQ.PAYMENT_AUTH_CODE_INVALID" }),
        )
    });
    assert_eq!(refused(result).outcome(), Outcome::Rejected);
    assert_eq!(methods.len(), 1);
}

#[test]
fn an_order_that_nobody_has_scanned_is_waited_for() {
    let params = json!({ "body": { "out_trade_no": "A100", "total_amount": "88.88", "subject": "s" }, "$": { "schedule_ms": [1] } });
    let (result, methods) = run("precreate", &params, |turn, method| match turn {
        1 => say(method, json!({ "qr_code": "https://qr.alipay.com/x" })),
        2 => say(
            method,
            json!({ "code": "40004", "sub_code": "ACQ.TRADE_NOT_EXIST" }),
        ),
        _ => say(method, json!({ "trade_status": "TRADE_SUCCESS" })),
    });
    result.unwrap();
    assert_eq!(
        methods,
        [
            "alipay.trade.precreate",
            "alipay.trade.query",
            "alipay.trade.query"
        ]
    );
}
