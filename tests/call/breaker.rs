//! The circuit breaker: an open one answers at once that nothing was sent.

use payseal::call::Step;
use payseal::{Client, Code, Outcome};
use serde_json::json;

use crate::support::drive::{execute, lost, not_sent};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::{refused, refused_as, text};

fn broken_client(open_ms: u64) -> (Client, World) {
    let (client, world) = merchant::client(config(json!({
        "circuit_breaker": { "failures": 3, "open_ms": open_ms },
    })));
    let error = refused(execute(&client, QUERY, &query(ORDER), |_| Err(not_sent())));
    assert_eq!(error.code(), Code::ConnectFailed);
    assert_eq!(world.records_of("breaker.opened").len(), 1);
    (client, world)
}

#[test]
fn while_it_is_open_nothing_is_sent_and_that_is_said() {
    let (client, _) = broken_client(600_000);
    let error = refused_as(
        Code::CircuitOpen,
        execute(&client, REFUND, &refund(), |_| panic!("it was sent")),
    );
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(text(&error, "advice"), "retry_later");
}

#[test]
fn opening_in_the_middle_of_a_call_does_not_make_its_first_attempt_unsent() {
    let (client, _) = merchant::client(config(json!({
        "circuit_breaker": { "failures": 2, "open_ms": 600_000 },
    })));
    let mut count = 0;
    let error = refused_as(
        Code::CircuitOpen,
        execute(&client, REFUND, &refund(), |_| {
            count += 1;
            Err(lost())
        }),
    );
    assert_eq!((count, error.outcome()), (2, Outcome::Unknown));
}

#[test]
fn one_trial_closes_it_again() {
    let (client, world) = broken_client(1);
    std::thread::sleep(std::time::Duration::from_millis(2));
    let ask = || {
        execute(&client, QUERY, &query(ORDER), |_| {
            Ok(BY_PUBLIC_KEY.json(200, transaction()))
        })
    };
    ask().unwrap();
    assert_eq!(world.records_of("breaker.closed").len(), 1);
    ask().unwrap();
}

#[test]
fn during_the_trial_others_are_turned_away() {
    let (client, _) = broken_client(30_000);
    // Half open only after the time is over: until then every call is refused, whatever another one is about to find out.
    for _ in 0..10 {
        let mut call = client
            .call(QUERY, query(ORDER).to_string().as_bytes(), b"")
            .unwrap();
        assert_eq!(call.step(), Step::Done);
        assert_eq!(refused(call.result()).code(), Code::CircuitOpen);
    }
}

#[test]
fn a_cancelled_call_says_nothing_about_its_host() {
    let (client, world) = merchant::client(config(json!({
        "circuit_breaker": { "failures": 1, "open_ms": 600_000 },
    })));
    for _ in 0..3 {
        refused(execute(&client, QUERY, &query(ORDER), |_| {
            Err(crate::support::drive::cancelled(true))
        }));
    }
    assert_eq!(world.records_of("breaker.opened").len(), 0);
}

#[test]
fn two_clients_have_two_breakers() {
    let (_broken, _) = broken_client(600_000);
    let (other, _) = merchant::client(config(json!({})));
    execute(&other, QUERY, &query(ORDER), |_| {
        Ok(BY_PUBLIC_KEY.json(200, transaction()))
    })
    .unwrap();
}
