//! What is due: the provider is asked by itself, expired orders are closed, and two machines do nothing twice.

use serde_json::{Value, json};

use crate::provider::Fault;
use crate::till::{NUMBER, Till};

fn tick(till: &Till) -> Value {
    till.run("tick", json!({})).unwrap()
}

#[test]
fn a_payment_whose_notification_was_lost_is_found_by_asking() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    assert_eq!(tick(&till)["orders"], 0, "it is not due yet");
    till.later(10_001);
    assert_eq!(tick(&till)["orders"], 1);
    assert_eq!(till.state(NUMBER), "paid");
    assert_eq!(till.claim(1)[0]["source"], "query");
    assert_eq!(tick(&till)["next_due_ms"], Value::Null);
}

#[test]
fn the_pauses_between_queries_grow() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    let mut due = Vec::new();
    let mut now = 0;
    for _ in 0..5 {
        let next = till.order(NUMBER)["order"]["due_ms"].as_i64().unwrap();
        due.push(next - 1_700_000_000_000 - now);
        now = next - 1_700_000_000_000;
        till.later(now);
        tick(&till);
    }
    assert_eq!(due, [10_000, 30_000, 60_000, 180_000, 300_000]);
}

#[test]
fn an_expired_order_is_asked_about_and_then_closed() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.later(1_800_000);
    tick(&till);
    assert_eq!(till.state(NUMBER), "closed");
    let asked = till.asked();
    assert!(asked[1].starts_with("GET") && asked[2].ends_with("/close"));
    assert_eq!(till.claim(1)[0]["kind"], "payment.closed");
}

#[test]
fn an_expired_order_that_was_paid_is_paid() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.later(1_800_000);
    tick(&till);
    assert_eq!(till.state(NUMBER), "paid");
}

#[test]
fn an_order_that_never_reached_the_provider_is_closed_in_the_end() {
    let till = Till::new();
    till.provider.lock().unwrap().faults.push(Fault::NotSent);
    till.create(NUMBER).unwrap_err();
    till.later(1_800_000);
    tick(&till);
    till.later(4_000_000);
    tick(&till);
    assert_eq!(till.state(NUMBER), "closed");
}

#[test]
fn one_that_fails_holds_up_no_other_and_comes_again() {
    let till = Till::new();
    till.create("order-one").unwrap();
    till.create("order-two").unwrap();
    till.pay("order-one");
    till.pay("order-two");
    till.later(10_001);
    till.provider.lock().unwrap().faults.push(Fault::AnswerLost);
    let done = tick(&till);
    assert_eq!((&done["orders"], &done["failed"]), (&json!(2), &json!(1)));
    till.later(100_000);
    tick(&till);
    assert_eq!(
        (&*till.state("order-one"), &*till.state("order-two")),
        ("paid", "paid")
    );
}

#[test]
fn two_machines_ask_about_each_order_once() {
    let till = Till::new();
    for n in 0..20 {
        till.create(&format!("order{n}")).unwrap();
    }
    till.later(10_001);
    let other = till.another(json!({}));
    let before = till.asked().len();
    std::thread::scope(|scope| {
        scope.spawn(|| tick(&till));
        scope.spawn(|| tick(&other));
    });
    assert_eq!(till.asked().len() - before, 20);
}

#[test]
fn what_was_done_long_ago_is_removed_and_what_is_dead_is_not() {
    let till = Till::new();
    till.paid(NUMBER);
    till.accept(
        &till
            .provider
            .lock()
            .unwrap()
            .tell("COMPLAINT.CREATE", json!({ "complaint_id": "1" })),
    );
    let event = till.claim(1).remove(0);
    till.run(
        "dead",
        json!({ "id": event["id"], "token": event["token"], "reason": "why not" }),
    )
    .unwrap();
    till.later(31 * 86_400_000);
    assert_eq!(tick(&till)["purged"], 1);
    let stats = till.run("stats", json!({})).unwrap();
    assert_eq!(
        (&stats["inbox"]["waiting"], &stats["inbox"]["dead"]),
        (&json!(0), &json!(1))
    );
}

crate::till::everywhere! {
    a_payment_whose_notification_was_lost_is_found_by_asking,
    the_pauses_between_queries_grow,
    an_expired_order_is_asked_about_and_then_closed,
    an_expired_order_that_was_paid_is_paid,
    an_order_that_never_reached_the_provider_is_closed_in_the_end,
    one_that_fails_holds_up_no_other_and_comes_again,
    two_machines_ask_about_each_order_once,
    what_was_done_long_ago_is_removed_and_what_is_dead_is_not,
}
