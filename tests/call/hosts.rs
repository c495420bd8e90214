//! Several hosts: the next one when one fails, and back again.

use payseal::wire::FailureKind;
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::drive::{execute, failure, lost, not_sent};
use crate::support::merchant::{self, *};
use crate::support::platform::{self, BY_PUBLIC_KEY, transaction, unsigned};
use crate::support::refused;

const FIRST: &str = "https://api.mch.weixin.qq.com";
const SECOND: &str = "https://api2.mch.weixin.qq.com";

fn two_hosts() -> serde_json::Value {
    config(
        json!({ "hosts": [FIRST, SECOND], "circuit_breaker": { "failures": 3, "open_ms": 600_000 } }),
    )
}

#[test]
fn the_second_host_is_asked_when_the_first_fails_and_the_first_again_by_the_next_call() {
    let (client, _) = merchant::client(two_hosts());
    for failure in [
        || Err(not_sent()),
        || Err(lost()),
        || Err(failure(FailureKind::NotSent, Code::TlsFailed)),
    ] {
        let mut asked = Vec::new();
        let answer = execute(&client, QUERY, &query(ORDER), |request| {
            asked.push(request.origin.clone());
            platform::verify(request, b"");
            if request.origin == FIRST {
                failure()
            } else {
                Ok(BY_PUBLIC_KEY.json(200, transaction()))
            }
        })
        .unwrap();
        assert_eq!(asked, [FIRST, SECOND]);
        assert_eq!(answer.info()["host"], SECOND);
        // Forgiven at once: the breaker counts, the call does not.
        let answer = execute(&client, QUERY, &query(ORDER), |_| {
            Ok(BY_PUBLIC_KEY.json(200, transaction()))
        })
        .unwrap();
        assert_eq!(answer.info()["host"], FIRST);
    }
}

#[test]
fn hosts_take_turns_while_all_fail() {
    let (client, _) = merchant::client(two_hosts());
    let mut asked = Vec::new();
    let error = refused(execute(&client, QUERY, &query(ORDER), |request| {
        asked.push(request.origin.clone());
        Err(not_sent())
    }));
    assert_eq!(asked, [FIRST, SECOND, FIRST]);
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn what_may_not_be_repeated_is_not_repeated_elsewhere_either() {
    let (client, _) = merchant::client(two_hosts());
    let mut asked = Vec::new();
    let params = json!({ "body": {} });
    let error = refused(execute(&client, UNKNOWN_POST, &params, |request| {
        asked.push(request.origin.clone());
        Err(lost())
    }));
    assert_eq!(asked, [FIRST]);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_host_that_keeps_failing_is_left_alone() {
    let (client, world) = merchant::client(two_hosts());
    let mut asked = Vec::new();
    for _ in 0..4 {
        execute(&client, QUERY, &query(ORDER), |request| {
            asked.push(request.origin.clone());
            if request.origin == FIRST {
                Err(not_sent())
            } else {
                Ok(BY_PUBLIC_KEY.json(200, transaction()))
            }
        })
        .unwrap();
    }
    assert_eq!(asked, [FIRST, SECOND, FIRST, SECOND, FIRST, SECOND, SECOND]);
    let opened = world.records_of("breaker.opened");
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["host"], FIRST);
    let metrics = client.metrics();
    for (host, open) in [(FIRST, 1), (SECOND, 0)] {
        let line = format!("payseal_circuit_open{{provider=\"wechat\",host=\"{host}\"}} {open}");
        assert!(metrics.lines().any(|l| l == line), "{metrics}");
    }
}

#[test]
fn a_gateway_error_counts_against_its_host_and_a_no_does_not() {
    let (client, world) = merchant::client(two_hosts());
    for _ in 0..5 {
        refused(execute(&client, QUERY, &query(ORDER), |_| {
            Ok(BY_PUBLIC_KEY.json(404, json!({ "code": "ORDER_NOT_EXIST" })))
        }));
    }
    assert_eq!(world.records_of("breaker.opened").len(), 0);
    for _ in 0..2 {
        refused(execute(&client, QUERY, &query(ORDER), |_| {
            Ok(unsigned(502, ""))
        }));
    }
    // Six failures; a failed attempt makes the next one go elsewhere only when there was no answer at all.
    assert!(!world.records_of("breaker.opened").is_empty());
}
