//! Giving up: when, and what it means.

use payseal::cancel::Cancel;
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::drive::lost;
use crate::support::merchant::{self, *};
use crate::support::{refused, refused_as};

#[test]
fn a_cancel_that_was_triggered_before_sends_nothing() {
    let (client, _) = merchant::client(config(json!({ "hosts": ["http://127.0.0.1:9"] })));
    let cancel = Cancel::default();
    cancel.trigger();
    cancel.trigger();
    let error = refused_as(
        Code::Cancelled,
        client.execute(REFUND, refund().to_string().as_bytes(), b"", Some(&cancel)),
    );
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn a_pause_ends_when_another_thread_cancels() {
    // Nothing listens on the port, so the first attempt fails at once; then the pause would take a minute.
    let (client, world) = merchant::client(config(json!({
        "hosts": ["http://127.0.0.1:9"],
        "retry": { "base_ms": 60_000, "cap_ms": 60_000 },
        "timeouts": { "total_ms": 600_000 },
    })));
    world.set_random(|out| out.fill(0x11));
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let call = scope
            .spawn(|| client.execute(REFUND, refund().to_string().as_bytes(), b"", Some(&cancel)));
        while world.records_of("call.retry").is_empty() {
            std::thread::yield_now();
        }
        cancel.trigger();
        let error = refused_as(Code::Cancelled, call.join().unwrap());
        assert_eq!(error.outcome(), Outcome::NotSent);
    });
}

#[test]
fn a_call_that_is_cancelled_between_attempts_is_unknown_when_one_left() {
    let (client, world) = merchant::client(config(json!({
        "retry": { "base_ms": 60_000, "cap_ms": 60_000 },
        "timeouts": { "total_ms": 600_000 },
    })));
    world.set_random(|out| out.fill(0x11));
    let mut call = client
        .call(REFUND, refund().to_string().as_bytes(), b"")
        .unwrap();
    call.step();
    call.fail(lost()).unwrap();
    call.cancel();
    let error = refused(call.result());
    assert_eq!(error.code(), Code::Cancelled);
    assert_eq!(error.outcome(), Outcome::Unknown);
}
