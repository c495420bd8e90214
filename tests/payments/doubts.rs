//! What does not fit becomes an exception with all evidence, never silence.

use serde_json::{Value, json};

use payseal::Code;

use crate::support::field;
use crate::till::{NUMBER, Till, refused_as};

/// The one exception that there is.
#[track_caller]
fn only(till: &Till, kind: &str) -> Value {
    let all = till.exceptions();
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0]["kind"], kind, "{all:?}");
    all[0].clone()
}

#[test]
fn what_was_paid_is_compared_with_what_was_ordered() {
    for (changes, kind) in [
        (json!({ "amount": { "total": 1 } }), "amount_mismatch"),
        (
            json!({ "amount": { "currency": "USD" } }),
            "currency_mismatch",
        ),
        (
            json!({ "appid": "wx0000000000000000" }),
            "application_mismatch",
        ),
    ] {
        let till = Till::new();
        till.create(NUMBER).unwrap();
        till.pay(NUMBER);
        let (status, _) = till.accept(&till.notify(NUMBER, changes));
        assert_eq!(status, 200, "it is genuine, and kept");
        till.work_all();
        assert_eq!(till.state(NUMBER), "exception");
        let raised = only(&till, kind);
        assert_eq!(raised["source"], "notification");
        assert!(raised["evidence"]["fact"]["transaction_id"].is_string());
        let topics: Vec<Value> = till
            .messages()
            .iter()
            .map(|message| message["topic"].clone())
            .collect();
        assert_eq!(topics, ["exception.raised"]);
    }
}

#[test]
fn money_after_closing_is_an_exception_and_a_person_decides() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.run("close", json!({ "order_no": NUMBER })).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    till.work_all();
    assert_eq!(till.state(NUMBER), "exception");
    let raised = only(&till, "paid_after_close");

    let unsaid = till.run("resolve", json!({ "id": raised["id"], "note": "?" }));
    assert_eq!(field(&refused_as(Code::ParamsInvalid, unsaid)), "state");
    till.run(
        "resolve",
        json!({ "id": raised["id"], "note": "delivered all the same", "state": "paid" }),
    )
    .unwrap();
    let shown = till.order(NUMBER);
    assert_eq!(shown["order"]["state"], "paid");
    assert_eq!(
        shown["order"]["transaction_id"],
        raised["evidence"]["fact"]["transaction_id"]
    );
    assert!(till.exceptions().is_empty());
    refused_as(
        Code::OrderState,
        till.run("resolve", json!({ "id": raised["id"], "note": "again" })),
    );
}

#[test]
fn a_second_transaction_is_an_exception_and_the_first_stays_the_orders() {
    let till = Till::new();
    till.paid(NUMBER);
    let first = till.order(NUMBER)["order"]["transaction_id"].clone();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    till.work_all();
    let raised = only(&till, "second_transaction");
    let shown = till.order(NUMBER);
    assert_eq!(
        (&shown["order"]["state"], &shown["order"]["transaction_id"]),
        (&json!("exception"), &first)
    );
    assert_ne!(raised["evidence"]["fact"]["transaction_id"], first);
    till.run(
        "resolve",
        json!({ "id": raised["id"], "note": "the second one was refunded" }),
    )
    .unwrap();
    assert_eq!(till.state(NUMBER), "paid");
}

#[test]
fn money_for_an_order_that_is_not_here_is_an_exception() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    let stray = till.notify(NUMBER, json!({ "out_trade_no": "another" }));
    till.accept(&stray);
    till.work_all();
    let raised = only(&till, "unknown_order");
    assert_eq!(raised["order_no"], "another");
    for state in ["paid", "closed"] {
        let decided = json!({ "id": raised["id"], "note": "?", "state": state });
        let error = refused_as(Code::OrderState, till.run("resolve", decided));
        assert_eq!(field(&error), "state", "no order has it");
    }
    only(&till, "unknown_order");
    till.run("resolve", json!({ "id": raised["id"], "note": "seen" }))
        .unwrap();
    assert!(till.exceptions().is_empty());
}

#[test]
fn where_orders_are_kept_elsewhere_too_money_for_them_is_none_of_our_business() {
    let till = Till::with(json!({ "unknown_orders": "ignore" }));
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({ "out_trade_no": "another" })));
    assert_eq!(till.work_all(), 1, "the service's own worker hears of it");
    assert!(till.exceptions().is_empty());
}

#[test]
fn the_same_evidence_is_kept_once() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    let wrong = json!({ "amount": { "total": 1 } });
    till.accept(&till.notify(NUMBER, wrong.clone()));
    till.work_all();
    till.accept(&till.notify(NUMBER, wrong));
    till.work_all();
    only(&till, "amount_mismatch");
}

#[test]
fn a_worker_never_takes_for_paid_what_is_an_exception() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({ "amount": { "total": 1 } })));
    let event = till.claim(1).remove(0);
    assert_eq!(
        (&event["kind"], &event["exception"]),
        (&json!("exception.raised"), &json!("amount_mismatch"))
    );
    assert_eq!(event["order"]["state"], "exception");
}

#[test]
fn nor_what_a_query_has_found_to_be_one_before() {
    for told_first in [true, false] {
        let till = Till::new();
        till.create(NUMBER).unwrap();
        till.pay(NUMBER);
        let amount = |amount| {
            let mut provider = till.provider.lock().unwrap();
            provider.orders.get_mut(NUMBER).unwrap().amount = amount;
        };
        amount(1);
        if told_first {
            till.accept(&till.notify(NUMBER, json!({})));
        }
        till.run("query", json!({ "order_no": NUMBER })).unwrap();
        only(&till, "amount_mismatch");
        let events = till.claim(10);
        assert_eq!(events.len(), 1);
        assert_eq!(
            (&events[0]["kind"], &events[0]["exception"]),
            (&json!("exception.raised"), &json!("amount_mismatch"))
        );
    }
}

#[test]
fn nor_money_for_an_order_that_is_not_here() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({ "out_trade_no": "another" })));
    let event = till.claim(1).remove(0);
    assert_eq!(
        (&event["kind"], &event["exception"], &event["order"]),
        (
            &json!("exception.raised"),
            &json!("unknown_order"),
            &Value::Null
        )
    );
}

#[test]
fn what_is_acknowledged_late_raises_no_doubt_about_what_a_person_has_decided() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.run("close", json!({ "order_no": NUMBER })).unwrap();
    let closed = till.claim(1).remove(0);
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    till.work_all();
    let raised = only(&till, "paid_after_close");
    till.run(
        "resolve",
        json!({ "id": raised["id"], "note": "delivered", "state": "paid" }),
    )
    .unwrap();
    till.ack(&closed).unwrap();
    assert_eq!(till.state(NUMBER), "paid");
    assert!(till.exceptions().is_empty());
}

#[test]
fn an_exception_that_is_told_again_raises_no_other() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.run("close", json!({ "order_no": NUMBER })).unwrap();
    till.pay(NUMBER);
    for _ in 0..3 {
        till.run("query", json!({ "order_no": NUMBER })).unwrap();
        till.accept(&till.notify(NUMBER, json!({})));
        till.work_all();
    }
    only(&till, "paid_after_close");
    let raised = till
        .messages()
        .iter()
        .filter(|message| message["topic"] == "exception.raised")
        .count();
    assert_eq!(raised, 1);
}

#[test]
fn evidence_that_a_person_has_dealt_with_changes_nothing_when_it_is_told_again() {
    let till = Till::new();
    till.paid(NUMBER);
    till.pay(NUMBER);
    for _ in 0..3 {
        till.run("query", json!({ "order_no": NUMBER })).unwrap();
    }
    let raised = only(&till, "second_transaction");
    let topics = |till: &Till| -> Vec<Value> {
        let messages = till.messages();
        messages.iter().map(|it| it["topic"].clone()).collect()
    };
    assert_eq!(topics(&till), ["payment.paid", "exception.raised"]);
    till.run("resolve", json!({ "id": raised["id"], "note": "refunded" }))
        .unwrap();
    till.run("query", json!({ "order_no": NUMBER })).unwrap();
    assert_eq!(till.state(NUMBER), "paid");
    till.later(60_000);
    assert_eq!(topics(&till).len(), 2);
}

#[test]
fn the_service_hears_of_a_payment_that_a_person_takes_for_the_orders() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({ "amount": { "total": 1 } })));
    till.work_all();
    let raised = only(&till, "amount_mismatch");
    till.run(
        "resolve",
        json!({ "id": raised["id"], "note": "a discount", "state": "paid" }),
    )
    .unwrap();
    let messages = till.messages();
    let topics: Vec<&Value> = messages.iter().map(|it| &it["topic"]).collect();
    assert_eq!(topics, ["exception.raised", "payment.paid"]);
    let events = till.claim(10);
    assert_eq!(events.len(), 1, "its worker does too");
    assert_eq!(
        (&events[0]["kind"], &events[0]["exception"]),
        (&json!("payment.paid"), &Value::Null)
    );
    assert_eq!(events[0]["order"]["state"], "paid");
    till.ack(&events[0]).unwrap();
    assert!(till.exceptions().is_empty());
}

#[test]
fn what_is_decided_about_money_that_was_nobodys_moves_no_order_that_came_since() {
    let till = Till::new();
    let early = till.another(json!({}));
    early.create("placed-elsewhere").unwrap();
    early.pay("placed-elsewhere");
    till.accept(&till.notify("placed-elsewhere", json!({ "out_trade_no": NUMBER })));
    till.work_all();
    let nobodys = only(&till, "unknown_order");
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({ "amount": { "total": 1 } })));
    till.work_all();
    let resolve = |state| json!({ "id": nobodys["id"], "note": "given back", "state": state });
    let refused = till.run("resolve", resolve(json!("paid")));
    assert_eq!(field(&refused_as(Code::OrderState, refused)), "state");
    till.run("resolve", resolve(Value::Null)).unwrap();
    assert_eq!(till.state(NUMBER), "exception");
    only(&till, "amount_mismatch");
}

#[test]
fn money_that_was_nobodys_is_the_orders_once_the_order_is_there() {
    let till = Till::new();
    let early = till.another(json!({}));
    early.create("placed-elsewhere").unwrap();
    early.pay("placed-elsewhere");
    till.accept(&till.notify("placed-elsewhere", json!({ "out_trade_no": NUMBER })));
    till.work_all();
    only(&till, "unknown_order");
    till.create(NUMBER).unwrap();
    let transaction = till.provider.lock().unwrap().orders["placed-elsewhere"]
        .transaction_id
        .clone();
    till.run(
        "report",
        json!({ "source": "bill", "order_no": NUMBER, "transaction_id": transaction, "amount": 8888 }),
    )
    .unwrap();
    assert_eq!(till.state(NUMBER), "paid");
}

crate::till::everywhere! {
    what_was_paid_is_compared_with_what_was_ordered,
    money_after_closing_is_an_exception_and_a_person_decides,
    a_second_transaction_is_an_exception_and_the_first_stays_the_orders,
    money_for_an_order_that_is_not_here_is_an_exception,
    where_orders_are_kept_elsewhere_too_money_for_them_is_none_of_our_business,
    the_same_evidence_is_kept_once,
    a_worker_never_takes_for_paid_what_is_an_exception,
    nor_what_a_query_has_found_to_be_one_before,
    nor_money_for_an_order_that_is_not_here,
    what_is_acknowledged_late_raises_no_doubt_about_what_a_person_has_decided,
    an_exception_that_is_told_again_raises_no_other,
    evidence_that_a_person_has_dealt_with_changes_nothing_when_it_is_told_again,
    the_service_hears_of_a_payment_that_a_person_takes_for_the_orders,
    what_is_decided_about_money_that_was_nobodys_moves_no_order_that_came_since,
    money_that_was_nobodys_is_the_orders_once_the_order_is_there,
}
