//! A code that the shop scanned, by APIv2: paid, or certainly not, or it is said that nobody knows.

use payseal::call::{About, Delivered};
use payseal::wire::Request;
use payseal::{Code, Outcome, Result};
use serde_json::{Value, json};

use super::{answer, client, signed};
use crate::support::drive::{Sent, drive, lost};
use crate::support::merchant::*;
use crate::support::{field, refused_as};

fn order(options: Value) -> Value {
    json!({ "body": {
        "body": "a test",
        "out_trade_no": ORDER,
        "total_fee": 100,
        "spbill_create_ip": "203.0.113.7",
        "auth_code": "130000000000000000",
    }, "$": options })
}

/// What is asked, in one letter each: Order, Query, Reverse.
fn run(options: Value, script: Vec<(char, Vec<(&str, &str)>)>) -> Result<Delivered> {
    let client = client(json!({ "retry": { "max_attempts": 1 } }));
    let mut flow = client.flow("micropay", order(options).to_string().as_bytes())?;
    let mut script = script.into_iter();
    let result = drive(&mut flow, |request: &Request| -> Sent {
        let asked = match request.target.as_str() {
            "/pay/micropay" => 'O',
            "/pay/orderquery" => 'Q',
            "/secapi/pay/reverse" => 'R',
            other => panic!("nobody expects {other}"),
        };
        assert_eq!(request.client_certificate, asked == 'R');
        let (expected, fields) = script.next().expect("no more is asked");
        assert_eq!(asked, expected);
        if fields.is_empty() {
            return Err(lost());
        }
        let mut all = vec![
            ("return_code", "SUCCESS"),
            ("mch_id", MCHID),
            ("appid", APPID),
            ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
        ];
        all.extend(fields);
        Ok(answer(signed(&all)))
    });
    assert_eq!(script.count(), 0, "not everything was asked");
    result
}

const PAYING: [(&str, &str); 2] = [("result_code", "FAIL"), ("err_code", "USERPAYING")];

fn state(state: &'static str) -> Vec<(&'static str, &'static str)> {
    vec![
        ("result_code", "SUCCESS"),
        ("out_trade_no", ORDER),
        ("trade_state", state),
    ]
}

fn is_final(result: Result<Delivered>) -> bool {
    match result.unwrap().about {
        About::Answer(exchange) => exchange.is_final.unwrap(),
        About::Event(_) | About::Work(_) => panic!("an answer"),
    }
}

#[test]
fn an_answer_without_a_state_means_that_it_is_paid() {
    let paid = vec![
        ("result_code", "SUCCESS"),
        ("out_trade_no", ORDER),
        ("transaction_id", "4200001"),
    ];
    assert!(is_final(run(
        json!({ "schedule_ms": [1] }),
        vec![('O', paid)]
    )));
}

#[test]
fn a_payer_who_has_to_confirm_is_waited_for() {
    let script = vec![
        ('O', PAYING.to_vec()),
        ('Q', state("USERPAYING")),
        ('Q', vec![]),
        ('Q', state("SUCCESS")),
    ];
    assert!(is_final(run(json!({ "schedule_ms": [1] }), script)));
}

#[test]
fn at_the_deadline_the_order_is_reversed_with_the_client_certificate() {
    let reversed = vec![("result_code", "SUCCESS"), ("recall", "N")];
    let script = vec![
        ('O', PAYING.to_vec()),
        ('R', vec![]),
        ('R', reversed),
        ('Q', state("REVOKED")),
    ];
    assert!(is_final(run(
        json!({ "schedule_ms": [20], "deadline_ms": 1 }),
        script
    )));
}

#[test]
fn a_refused_code_is_the_end() {
    let no = vec![("result_code", "FAIL"), ("err_code", "AUTHCODEEXPIRE")];
    let error = refused_as(Code::ProviderRejected, run(json!({}), vec![('O', no)]));
    assert_eq!(error.outcome(), Outcome::Rejected);
}

#[test]
fn an_order_without_its_number_is_not_sent() {
    let client = client(json!({}));
    let refused = refused_as(Code::ParamsInvalid, client.flow("micropay", b"{}"));
    assert_eq!(field(&refused), "body.out_trade_no");
    refused_as(Code::UnknownOperation, client.flow("codepay", b"{}"));
}
