//! A flow is driven like a call: in turn, cancelled at any moment, and its result fetched once.

use payseal::call::{Step, Steps};
use payseal::flow::Flow;
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::drive::{cancelled, drive};
use crate::support::merchant::{self, *};
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::{refused, refused_as};

fn flow(name: &str, params: serde_json::Value) -> Flow {
    let (client, _) = merchant::client(config(json!({})));
    client.flow(name, params.to_string().as_bytes()).unwrap()
}

#[test]
fn what_is_out_of_turn_is_refused() {
    let mut flow = flow("await_payment", query(ORDER));
    assert!(matches!(flow.step(), Step::Wait(_)));
    refused_as(Code::InvalidState, flow.request());
    refused_as(
        Code::InvalidState,
        flow.respond(BY_PUBLIC_KEY.json(200, json!({}))),
    );
    refused_as(Code::InvalidState, flow.result());
}

#[test]
fn a_flow_that_is_cancelled_before_anything_was_sent_sent_nothing() {
    let mut flow = flow("await_payment", query(ORDER));
    assert!(matches!(flow.step(), Step::Wait(_)));
    flow.fail(cancelled(false)).unwrap();
    assert_eq!(flow.step(), Step::Done);
    let error = refused_as(Code::Cancelled, flow.result());
    assert_eq!(error.outcome(), Outcome::NotSent);
    refused_as(Code::InvalidState, flow.result());
}

#[test]
fn a_flow_that_is_cancelled_later_leaves_it_open() {
    let options = json!({ "schedule_ms": [60_000], "deadline_ms": 86_400_000 });
    let mut flow = flow("refund", with_options(refund(), options));
    assert_eq!(flow.step(), Step::Send);
    flow.respond(BY_PUBLIC_KEY.json(200, json!({ "status": "PROCESSING" })))
        .unwrap();
    assert!(matches!(flow.step(), Step::Wait(_)));
    flow.cancel();
    assert_eq!(flow.step(), Step::Done);
    let error = refused_as(Code::Cancelled, flow.result());
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_request_that_is_given_up_ends_the_flow() {
    for (sent, outcome) in [(true, Outcome::Unknown), (false, Outcome::NotSent)] {
        let mut flow = flow("refund", refund());
        let error = refused(drive(&mut flow, |_| Err(cancelled(sent))));
        assert_eq!(error.code(), Code::Cancelled);
        assert_eq!(error.outcome(), outcome);
    }
}
