//! The state machine used out of turn: an error each time, and the call goes on as if nothing had been.

use payseal::call::Step;
use payseal::{Client, Code};
use serde_json::json;

use crate::support::drive::{cancelled, lost};
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::refused_as;

fn begin(client: &Client) -> payseal::call::Call {
    client
        .call(QUERY, query(ORDER).to_string().as_bytes(), b"")
        .unwrap()
}

#[test]
fn nothing_may_be_reported_before_something_was_to_be_sent() {
    let (client, _) = merchant::client(config(json!({})));
    let mut call = begin(&client);
    refused_as(Code::InvalidState, call.request().map(|_| ()));
    refused_as(
        Code::InvalidState,
        call.respond(BY_PUBLIC_KEY.json(200, transaction())),
    );
    refused_as(Code::InvalidState, call.fail(lost()));
    refused_as(Code::InvalidState, call.result());
    assert_eq!(call.step(), Step::Send);
    assert_eq!(call.step(), Step::Send, "asking again changes nothing");
    refused_as(Code::InvalidState, call.result());
    call.respond(BY_PUBLIC_KEY.json(200, transaction()))
        .unwrap();
    refused_as(
        Code::InvalidState,
        call.respond(BY_PUBLIC_KEY.json(200, transaction())),
    );
    refused_as(Code::InvalidState, call.fail(lost()));
    refused_as(Code::InvalidState, call.request().map(|_| ()));
    assert_eq!(call.step(), Step::Done);
    call.result().unwrap();
    refused_as(Code::InvalidState, call.result());
    assert_eq!(call.step(), Step::Done);
    refused_as(Code::InvalidState, call.request().map(|_| ()));
}

#[test]
fn nothing_may_be_reported_while_it_waits() {
    let (client, world) = merchant::client(config(json!({
        "retry": { "base_ms": 60_000, "cap_ms": 60_000 },
        "timeouts": { "total_ms": 600_000 },
    })));
    world.set_random(|out| out.fill(0x11));
    let mut call = begin(&client);
    assert_eq!(call.step(), Step::Send);
    call.fail(lost()).unwrap();
    assert!(matches!(call.step(), Step::Wait(_)));
    refused_as(Code::InvalidState, call.request().map(|_| ()));
    refused_as(
        Code::InvalidState,
        call.respond(BY_PUBLIC_KEY.json(200, transaction())),
    );
    refused_as(Code::InvalidState, call.fail(lost()));
    assert!(matches!(call.step(), Step::Wait(_)));
    // Giving up is always possible.
    call.fail(cancelled(false)).unwrap();
    assert_eq!(call.step(), Step::Done);
    let error = refused_as(Code::Cancelled, call.result());
    assert_eq!(error.outcome(), payseal::Outcome::Unknown);
}

#[test]
fn a_late_report_cannot_change_a_result() {
    let (client, _) = merchant::client(config(json!({})));
    let mut call = begin(&client);
    call.step();
    call.fail(cancelled(true)).unwrap();
    refused_as(
        Code::InvalidState,
        call.respond(BY_PUBLIC_KEY.json(200, transaction())),
    );
    call.cancel();
    call.fail(cancelled(true)).unwrap();
    refused_as(Code::Cancelled, call.result());
}
