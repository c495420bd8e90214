//! A code that the shop scanned: at the end the order is paid, or certainly not, or it is said that nobody knows.

use payseal::call::{About, Delivered};
use payseal::{Code, Outcome, Result};
use serde_json::{Value, json};

use crate::support::drive::{Sent, drive, lost, not_sent};
use crate::support::merchant::{self, *};
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::{refused, refused_as};

fn order(options: Value) -> Value {
    json!({ "body": {
        "description": "a test",
        "out_trade_no": ORDER,
        "amount": { "total": 100, "currency": "CNY" },
        "payer": { "auth_code": "130000000000000000" },
        "scene_info": { "store_info": { "id": "0001" } },
    }, "$": options })
}

fn state(state: &str) -> Sent {
    Ok(BY_PUBLIC_KEY.json(
        200,
        json!({ "out_trade_no": ORDER, "mchid": MCHID, "trade_state": state }),
    ))
}

fn no(status: u16, code: &str) -> Sent {
    Ok(BY_PUBLIC_KEY.json(status, json!({ "code": code, "message": "" })))
}

fn reversed() -> Sent {
    Ok(BY_PUBLIC_KEY.json(200, json!({ "out_trade_no": ORDER, "mchid": MCHID })))
}

/// What is asked, in one letter each: Order, Query, Reverse.
fn run(options: Value, script: Vec<(char, Sent)>) -> Result<Delivered> {
    let (client, _) = merchant::client(config(
        json!({ "retry": { "max_attempts": 1 }, "circuit_breaker": { "failures": 1000 } }),
    ));
    let mut flow = client.flow("codepay", order(options).to_string().as_bytes())?;
    let mut script = script.into_iter();
    let result = drive(&mut flow, |request| {
        let asked = match (request.method, request.target.as_str()) {
            ("POST", "/v3/pay/transactions/codepay") => 'O',
            ("POST", target) if target.ends_with(&format!("/out-trade-no/{ORDER}/reverse")) => 'R',
            ("GET", target) if target.contains(&format!("/out-trade-no/{ORDER}?mchid=")) => 'Q',
            other => panic!("nobody expects {other:?}"),
        };
        let (expected, answer) = script
            .next()
            .unwrap_or_else(|| panic!("{asked} after the end"));
        assert_eq!(asked, expected);
        answer
    });
    assert_eq!(script.count(), 0, "not everything was asked");
    result
}

const QUICK: &str = r#"{"schedule_ms":[1],"deadline_ms":2000}"#;
/// The deadline has passed when the first pause begins.
const NO_TIME: &str = r#"{"schedule_ms":[20],"deadline_ms":1}"#;

fn options(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[track_caller]
fn assert_ends(result: Result<Delivered>, last: &str, is_final: bool) {
    let delivered = result.unwrap();
    let body: Value = serde_json::from_slice(&delivered.body).unwrap();
    assert_eq!(body["trade_state"], last);
    let About::Answer(exchange) = delivered.about else {
        panic!("an answer")
    };
    assert_eq!(exchange.is_final, Some(is_final));
}

#[test]
fn a_payment_without_password_is_paid_at_once() {
    assert_ends(
        run(options(QUICK), vec![('O', state("SUCCESS"))]),
        "SUCCESS",
        true,
    );
}

#[test]
fn a_payer_who_has_to_confirm_is_waited_for() {
    for first in [
        state("USERPAYING"),
        no(400, "USERPAYING"),
        no(500, "SYSTEM_ERROR"),
        no(400, "BANK_ERROR"),
        Err(lost()),
    ] {
        let script = vec![
            ('O', first),
            ('Q', state("USERPAYING")),
            ('Q', state("SUCCESS")),
        ];
        assert_ends(run(options(QUICK), script), "SUCCESS", true);
    }
}

#[test]
fn nothing_that_happens_while_waiting_orders_again() {
    let script = vec![
        ('O', Err(lost())),
        ('Q', Err(lost())),
        ('Q', no(404, "ORDER_NOT_EXIST")),
        ('Q', no(429, "FREQUENCY_LIMITED")),
        ('Q', state("SUCCESS")),
    ];
    assert_ends(run(options(QUICK), script), "SUCCESS", true);
}

#[test]
fn a_refused_code_is_the_end() {
    for (status, code) in [
        (400, "AUTH_CODE_INVALID"),
        (403, "NOT_ENOUGH"),
        (400, "PARAM_ERROR"),
    ] {
        let error = refused_as(
            Code::ProviderRejected,
            run(options(QUICK), vec![('O', no(status, code))]),
        );
        assert_eq!(error.outcome(), Outcome::Rejected);
    }
    let error = refused(run(options(QUICK), vec![('O', Err(not_sent()))]));
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn at_the_deadline_the_order_is_reversed_and_the_query_says_what_became_of_it() {
    for (last, name) in [
        ("REVOKED", "reversed"),
        ("SUCCESS", "paid a moment before"),
        ("CLOSED", "closed"),
    ] {
        let script = vec![
            ('O', no(400, "USERPAYING")),
            ('R', reversed()),
            ('Q', state(last)),
        ];
        println!("{name}");
        assert_ends(run(options(NO_TIME), script), last, true);
    }
}

#[test]
fn a_reversal_is_tried_again_until_the_query_is_final() {
    let script = vec![
        ('O', no(400, "USERPAYING")),
        ('R', Err(lost())),
        ('R', no(500, "SYSTEM_ERROR")),
        ('R', reversed()),
        ('Q', state("USERPAYING")),
        ('R', reversed()),
        ('Q', state("REVOKED")),
    ];
    assert_ends(run(options(NO_TIME), script), "REVOKED", true);
}

#[test]
fn an_order_that_never_was_is_told_by_the_provider() {
    let script = vec![
        ('O', Err(lost())),
        ('R', no(404, "ORDER_NOT_EXIST")),
        ('Q', no(404, "ORDER_NOT_EXIST")),
    ];
    let error = refused_as(Code::ProviderRejected, run(options(NO_TIME), script));
    assert_eq!(error.outcome(), Outcome::Rejected);
}

#[test]
fn where_nobody_answers_it_is_said_that_nobody_knows() {
    let mut script = vec![('O', Err(lost()))];
    script.extend((0..5).map(|_| ('R', Err(lost()))));
    let error = refused(run(options(NO_TIME), script));
    assert_eq!(error.outcome(), Outcome::Unknown);
    let mut script = vec![('O', state("USERPAYING"))];
    script.extend((0..5).map(|_| ('R', Err(lost()))));
    assert_ends(run(options(NO_TIME), script), "USERPAYING", false);
}
