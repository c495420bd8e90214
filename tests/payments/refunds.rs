//! Refunds: stored first, never more than was paid, and followed to their end.

use serde_json::{Value, json};

use payseal::call::{Step, Steps};
use payseal::{Code, Outcome};

use crate::provider::Fault;
use crate::support::field;
use crate::till::{NUMBER, Till, refused_as};

fn refund(number: &str, amount: i64) -> Value {
    json!({ "order_no": NUMBER, "refund_no": number, "amount": amount, "reason": "too cold" })
}

fn paid() -> Till {
    let till = Till::new();
    till.paid(NUMBER);
    till
}

#[test]
fn an_order_is_refunded_in_parts_until_nothing_is_left() {
    let till = paid();
    for (number, amount, during, after) in [
        ("r1", 8000, "refunding", "partly_refunded"),
        ("r2", 888, "refunding", "refunded"),
    ] {
        let asked = till.run("refund", refund(number, amount)).unwrap();
        assert_eq!(
            (&asked["refund"]["state"], &asked["order"]["state"]),
            (&json!("processing"), &json!(during))
        );
        till.provider.lock().unwrap().end_refund(number, "SUCCESS");
        let told = till.provider.lock().unwrap().notify_refund(number);
        assert_eq!(till.accept(&told).1["kind"], "refund.succeeded");
        till.work_all();
        assert_eq!(till.state(NUMBER), after);
    }
    assert_eq!(till.order(NUMBER)["order"]["refunded"], 8888);
    let error = refused_as(Code::OrderState, till.run("refund", refund("r3", 1)));
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn more_than_is_left_is_refused_and_nothing_is_sent() {
    let till = paid();
    till.run("refund", refund("r1", 8000)).unwrap();
    let before = till.asked().len();
    let error = refused_as(Code::OrderState, till.run("refund", refund("r2", 889)));
    assert_eq!(field(&error), "amount");
    refused_as(Code::OrderConflict, till.run("refund", refund("r1", 1)));
    assert_eq!(till.asked().len(), before);
}

#[test]
fn the_same_number_is_the_same_refund() {
    let till = paid();
    till.run("refund", refund("r1", 100)).unwrap();
    let before = till.asked().len();
    let again = till.run("refund", refund("r1", 100)).unwrap();
    assert_eq!(again["refund"]["state"], "processing");
    assert_eq!(
        (till.asked().len(), &again["order"]["refunding"]),
        (before, &json!(100))
    );
}

#[test]
fn a_refused_refund_frees_its_amount_and_can_be_tried_again() {
    let till = paid();
    till.provider
        .lock()
        .unwrap()
        .faults
        .push(Fault::No(403, "NOT_ENOUGH"));
    let error = refused_as(
        Code::ProviderRejected,
        till.run("refund", refund("r1", 100)),
    );
    assert_eq!(error.outcome(), Outcome::Rejected);
    let shown = till.order(NUMBER);
    assert_eq!(
        (&shown["order"]["state"], &shown["order"]["refunding"]),
        (&json!("paid"), &json!(0))
    );
    assert_eq!(
        shown["refunds"][0]["refusal"]["provider_code"],
        "NOT_ENOUGH"
    );
    let again = till.run("refund", refund("r1", 100)).unwrap();
    assert_eq!(
        (&again["refund"]["state"], &again["order"]["refunding"]),
        (&json!("processing"), &json!(100))
    );
}

#[test]
fn a_refund_whose_answer_was_lost_is_followed_by_the_clock() {
    let till = paid();
    till.provider.lock().unwrap().faults.push(Fault::AnswerLost);
    let error = refused_as(Code::ConnectionLost, till.run("refund", refund("r1", 100)));
    assert_eq!(error.outcome(), Outcome::Unknown);
    till.provider.lock().unwrap().end_refund("r1", "SUCCESS");
    till.later(61_000);
    assert_eq!(till.run("tick", json!({})).unwrap()["refunds"], 1);
    assert_eq!(till.state(NUMBER), "partly_refunded");
}

#[test]
fn a_refund_that_never_left_is_sent_by_the_clock() {
    let till = paid();
    till.provider.lock().unwrap().faults.push(Fault::NotSent);
    refused_as(Code::ConnectFailed, till.run("refund", refund("r1", 100)));
    till.later(61_000);
    till.run("tick", json!({})).unwrap();
    assert_eq!(till.order(NUMBER)["refunds"][0]["state"], "processing");
}

#[test]
fn an_abnormal_refund_is_an_exception_and_may_yet_succeed() {
    let till = paid();
    till.run("refund", refund("r1", 100)).unwrap();
    till.provider.lock().unwrap().end_refund("r1", "ABNORMAL");
    let told = till.provider.lock().unwrap().notify_refund("r1");
    till.accept(&told);
    till.work_all();
    assert_eq!(till.exceptions()[0]["kind"], "refund_abnormal");
    till.provider.lock().unwrap().end_refund("r1", "SUCCESS");
    let asked = till
        .run("query_refund", json!({ "refund_no": "r1" }))
        .unwrap();
    assert_eq!(
        (&asked["refund"]["state"], &asked["order"]["refunded"]),
        (&json!("succeeded"), &json!(100))
    );
}

#[test]
fn only_what_was_paid_can_be_refunded() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    refused_as(Code::OrderState, till.run("refund", refund("r1", 100)));
    refused_as(
        Code::OrderUnknown,
        till.run(
            "refund",
            json!({ "order_no": "x", "refund_no": "r1", "amount": 1 }),
        ),
    );
}

#[test]
fn a_refund_that_was_made_elsewhere_is_an_exception() {
    let till = paid();
    till.run("refund", refund("r1", 100)).unwrap();
    let told = {
        let mut provider = till.provider.lock().unwrap();
        let elsewhere = provider.refunds["r1"].clone();
        provider.refunds.insert("elsewhere".into(), elsewhere);
        provider.end_refund("elsewhere", "SUCCESS");
        provider.notify_refund("elsewhere")
    };
    till.accept(&told);
    till.work_all();
    assert_eq!(till.exceptions()[0]["kind"], "unknown_refund");
}

#[test]
fn a_refund_sent_again_and_refused_is_not_taken_for_failed_while_the_first_is_under_way() {
    let till = paid();
    till.provider.lock().unwrap().faults.push(Fault::AnswerLost);
    refused_as(Code::ConnectionLost, till.run("refund", refund("r1", 100)));
    // It is asked about before anything is sent again.
    let again = till.run("refund", refund("r1", 100)).unwrap();
    assert_eq!(again["refund"]["state"], "processing");
    let sent = |asked: &&String| asked.starts_with("POST /v3/refund");
    assert_eq!(till.asked().iter().filter(sent).count(), 1);
}

#[test]
fn a_refusal_of_the_second_sending_counts_once_the_provider_knows_of_none() {
    let till = paid();
    till.provider.lock().unwrap().faults.push(Fault::NotSent);
    refused_as(Code::ConnectFailed, till.run("refund", refund("r1", 100)));
    let no = |status, code| Fault::No(status, code);
    till.provider
        .lock()
        .unwrap()
        .faults
        .extend([no(404, "RESOURCE_NOT_EXISTS"), no(403, "NOT_ENOUGH")]);
    let error = refused_as(
        Code::ProviderRejected,
        till.run("refund", refund("r1", 100)),
    );
    assert_eq!(error.outcome(), Outcome::Rejected);
    let asked = till.asked();
    assert!(asked.last().unwrap().starts_with("GET"), "{asked:?}");
    assert_eq!(till.order(NUMBER)["refunds"][0]["state"], "failed");
}

#[test]
fn not_having_been_able_to_ask_does_not_say_that_no_money_moves() {
    let till = paid();
    let faults = [Fault::AnswerLost, Fault::NotSent];
    till.provider.lock().unwrap().faults.extend(faults);
    refused_as(Code::ConnectionLost, till.run("refund", refund("r1", 100)));
    let error = refused_as(Code::ConnectFailed, till.run("refund", refund("r1", 100)));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn money_that_went_after_all_is_not_given_back_again() {
    let till = paid();
    till.run("refund", refund("r1", 8_000)).unwrap();
    let tell = |state| {
        let mut provider = till.provider.lock().unwrap();
        provider.end_refund("r1", state);
        provider.notify_refund("r1")
    };
    for state in ["CLOSED", "SUCCESS"] {
        till.accept(&tell(state));
        till.work_all();
    }
    let raised = till.exceptions().remove(0);
    assert_eq!(raised["kind"], "refund_contradiction");
    till.run("resolve", json!({ "id": raised["id"], "note": "seen" }))
        .unwrap();
    let shown = till.order(NUMBER);
    assert_eq!(
        (&shown["order"]["state"], &shown["order"]["refunded"]),
        (&json!("partly_refunded"), &json!(8_000))
    );
    refused_as(Code::OrderState, till.run("refund", refund("r2", 889)));
}

fn refusing(till: &Till) {
    let no = Fault::No(403, "NOT_ENOUGH");
    till.provider.lock().unwrap().faults.push(no);
}

fn refused(till: &Till) {
    refusing(till);
    refused_as(
        Code::ProviderRejected,
        till.run("refund", refund("r1", 100)),
    );
}

#[test]
fn a_refusal_that_is_acknowledged_late_does_not_end_the_refund_that_was_tried_again() {
    let till = paid();
    refused(&till);
    let again = till.run("refund", refund("r1", 100)).unwrap();
    assert_eq!(again["refund"]["state"], "processing");
    assert_eq!(till.work_all(), 1, "the worker hears of the refusal");
    let shown = till.order(NUMBER);
    assert_eq!(
        (
            &shown["refunds"][0]["state"],
            &shown["order"]["refunding"],
            &shown["order"]["state"]
        ),
        (&json!("processing"), &json!(100), &json!("refunding"))
    );
}

#[test]
fn each_refusal_is_told() {
    let till = paid();
    till.messages();
    refused(&till);
    refused(&till);
    let told: Vec<Value> = till.claim(10);
    let kinds: Vec<&Value> = told.iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["refund.failed", "refund.failed"]);
    assert_eq!(told[0]["order"]["state"], "paid");
    assert_eq!(till.messages().len(), 2);
}

#[test]
fn a_refund_that_the_provider_closes_after_it_was_tried_again_is_told_too() {
    let till = paid();
    refused(&till);
    till.work_all();
    till.run("refund", refund("r1", 100)).unwrap();
    till.provider.lock().unwrap().end_refund("r1", "CLOSED");
    let told = till.provider.lock().unwrap().notify_refund("r1");
    assert_eq!(till.accept(&told).1["duplicate"], false);
    assert_eq!(till.work_all(), 1);
    assert_eq!(till.order(NUMBER)["refunds"][0]["state"], "failed");
}

#[test]
fn a_refusal_of_an_older_sending_says_nothing_of_what_was_sent_since() {
    let till = paid();
    let params = refund("r1", 100).to_string();
    let mut slow = till.payments.work("refund", params.as_bytes()).unwrap();
    assert!(matches!(slow.step(), Step::Send));
    // Another process finds that the provider has none, and sends it; its answer is lost.
    let other = till.another(json!({}));
    let missing = Fault::No(404, "RESOURCE_NOT_EXISTS");
    let faults = [missing, Fault::AnswerLost];
    till.provider.lock().unwrap().faults.extend(faults);
    refused_as(Code::ConnectionLost, other.run("refund", refund("r1", 100)));
    refusing(&till);
    let done = till.drive(&mut slow).unwrap();
    let done: Value = serde_json::from_slice(&done.body).unwrap();
    assert_eq!(done["refund"]["state"], "created");
    let asked = till.run("query_refund", json!({ "refund_no": "r1" }));
    assert_eq!(asked.unwrap()["refund"]["state"], "processing");
}

#[test]
fn a_refund_that_was_taken_for_refused_and_is_under_way_is_an_exception_and_followed() {
    let till = paid();
    refused(&till);
    {
        let mut provider = till.provider.lock().unwrap();
        let there = crate::provider::Refunded {
            order_no: NUMBER.into(),
            amount: 100,
            state: "PROCESSING",
        };
        provider.refunds.insert("r1".into(), there);
    }
    let asked = till
        .run("query_refund", json!({ "refund_no": "r1" }))
        .unwrap();
    assert_eq!(
        (&asked["refund"]["state"], &asked["order"]["refunding"]),
        (&json!("processing"), &json!(100))
    );
    assert_eq!(till.exceptions()[0]["kind"], "refund_contradiction");
    till.provider.lock().unwrap().end_refund("r1", "SUCCESS");
    assert_eq!(till.run("tick", json!({})).unwrap()["refunds"], 1);
    let shown = till.order(NUMBER);
    assert_eq!(
        (&shown["order"]["refunding"], &shown["order"]["refunded"]),
        (&json!(0), &json!(100))
    );
}

crate::till::everywhere! {
    a_refusal_that_is_acknowledged_late_does_not_end_the_refund_that_was_tried_again,
    each_refusal_is_told,
    a_refund_that_the_provider_closes_after_it_was_tried_again_is_told_too,
    a_refusal_of_an_older_sending_says_nothing_of_what_was_sent_since,
    a_refund_that_was_taken_for_refused_and_is_under_way_is_an_exception_and_followed,
    an_order_is_refunded_in_parts_until_nothing_is_left,
    more_than_is_left_is_refused_and_nothing_is_sent,
    the_same_number_is_the_same_refund,
    a_refused_refund_frees_its_amount_and_can_be_tried_again,
    a_refund_whose_answer_was_lost_is_followed_by_the_clock,
    a_refund_that_never_left_is_sent_by_the_clock,
    an_abnormal_refund_is_an_exception_and_may_yet_succeed,
    only_what_was_paid_can_be_refunded,
    a_refund_that_was_made_elsewhere_is_an_exception,
    a_refund_sent_again_and_refused_is_not_taken_for_failed_while_the_first_is_under_way,
    a_refusal_of_the_second_sending_counts_once_the_provider_knows_of_none,
    not_having_been_able_to_ask_does_not_say_that_no_money_moves,
    money_that_went_after_all_is_not_given_back_again,
}
