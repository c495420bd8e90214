//! Orders: stored before anything is sent, one for each number, and moved only by what is verified.

use serde_json::{Value, json};

use payseal::call::{Step, Steps};
use payseal::{Code, Outcome};

use crate::provider::Fault;
use crate::support::field;
use crate::till::{NUMBER, Till, order, refused_as};

#[test]
fn an_order_is_stored_before_anything_is_sent() {
    let till = Till::new();
    let mut work = till
        .payments
        .work("create", order(NUMBER, json!({})).to_string().as_bytes())
        .unwrap();
    assert_eq!(work.step(), Step::Send);
    assert_eq!(till.state(NUMBER), "created");
    assert!(till.asked().is_empty());
    drop(work); // as if the process had ended here
    let again = till.create(NUMBER).unwrap();
    assert_eq!(again["order"]["state"], "paying");
    assert_eq!(again["client"]["kind"], "qr");
}

#[test]
fn the_same_number_is_the_same_order_and_gets_the_same_answer() {
    let till = Till::new();
    let first = till.create(NUMBER).unwrap();
    let again = till.create(NUMBER).unwrap();
    assert_eq!(first["client"], again["client"]);
    assert_eq!(till.asked().len(), 1, "the provider is asked once");
}

#[test]
fn the_same_number_for_something_else_is_refused_and_nothing_is_sent() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    for (changes, expected) in [
        (json!({ "amount": 8889 }), "amount"),
        (json!({ "method": "app" }), "method"),
    ] {
        let error = refused_as(
            Code::OrderConflict,
            till.run("create", order(NUMBER, changes)),
        );
        assert_eq!(
            (field(&error), error.outcome()),
            (expected, Outcome::NotSent)
        );
    }
    assert_eq!(till.asked().len(), 1);
}

#[test]
fn what_is_wrong_with_an_order_shows_before_it_is_stored() {
    let till = Till::new();
    for (changes, expected) in [
        (json!({ "amount": 0 }), "amount"),
        (json!({ "amount": 88.88 }), "amount"),
        (json!({ "amount": "8888" }), "amount"),
        (json!({ "method": "cash" }), "method"),
        (json!({ "method": "jsapi" }), "payer.id"),
        (json!({ "subject": " " }), "subject"),
        (json!({ "account": "alipay" }), "account"),
        (json!({ "provider": "stripe" }), "provider"),
        (json!({ "payer": { "name": "x" } }), "payer.name"),
        (json!({ "amuont": 1 }), "amuont"),
        (json!({ "expires_in_ms": 1 }), "expires_in_ms"),
        (
            json!({ "extra": { "out_trade_no": "another" } }),
            "extra.out_trade_no",
        ),
    ] {
        let error = refused_as(
            Code::ParamsInvalid,
            till.run("create", order(NUMBER, changes.clone())),
        );
        assert_eq!(field(&error), expected, "{changes}: {error}");
    }
    refused_as(
        Code::OrderUnknown,
        till.run("order", json!({ "order_no": NUMBER })),
    );
    assert!(till.asked().is_empty());
}

#[test]
fn a_refusal_is_kept_and_the_number_can_be_tried_again() {
    let till = Till::new();
    till.provider
        .lock()
        .unwrap()
        .faults
        .push(Fault::No(403, "NO_AUTH"));
    let error = refused_as(Code::ProviderRejected, till.create(NUMBER));
    assert_eq!(error.outcome(), Outcome::Rejected);
    let kept = till.order(NUMBER);
    assert_eq!(kept["order"]["state"], "created");
    assert_eq!(kept["order"]["refusal"]["provider_code"], "NO_AUTH");
    assert_eq!(
        till.create(NUMBER).unwrap()["order"]["refusal"],
        Value::Null
    );
}

#[test]
fn an_order_whose_answer_was_lost_waits_for_money_and_is_gone_on_with() {
    let till = Till::new();
    till.provider.lock().unwrap().faults.push(Fault::AnswerLost);
    let error = refused_as(Code::ConnectionLost, till.create(NUMBER));
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(till.state(NUMBER), "paying");
    let again = till.create(NUMBER).unwrap();
    assert_eq!(again["client"]["kind"], "qr");
}

#[test]
fn an_order_that_did_not_leave_stays_as_it_was() {
    let till = Till::new();
    till.provider.lock().unwrap().faults.push(Fault::NotSent);
    let error = refused_as(Code::ConnectFailed, till.create(NUMBER));
    assert_eq!(
        (error.outcome(), &*till.state(NUMBER)),
        (Outcome::NotSent, "created")
    );
}

#[test]
fn a_query_moves_the_order_and_the_worker_hears_of_it_once() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    let unpaid = till.run("query", json!({ "order_no": NUMBER })).unwrap();
    assert_eq!(
        (&unpaid["payment_state"], &unpaid["provider_state"]),
        (&json!("unpaid"), &json!("NOTPAY"))
    );
    till.pay(NUMBER);
    let paid = till.run("query", json!({ "order_no": NUMBER })).unwrap();
    assert_eq!(paid["order"]["state"], "paid");
    let (status, about) = till.accept(&till.notify(NUMBER, json!({})));
    assert_eq!(
        (status, &about["duplicate"]),
        (200, &json!(true)),
        "the query has told the same fact"
    );
    let events = till.claim(10);
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["kind"], &events[0]["source"]),
        (&json!("payment.paid"), &json!("query"))
    );
    till.ack(&events[0]).unwrap();
    assert_eq!(till.messages().len(), 1, "one effect, one message");
}

#[test]
fn every_transition_is_kept_with_its_source() {
    let till = Till::new();
    till.paid(NUMBER);
    let shown = till.order(NUMBER);
    let history: Vec<(&str, &str)> = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["to"].as_str().unwrap(),
                entry["source"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        history,
        [
            ("created", "host"),
            ("paying", "answer"),
            ("paid", "notification")
        ]
    );
    assert_eq!(
        shown["history"][2]["detail"]["transaction_id"],
        shown["order"]["transaction_id"]
    );
    assert_eq!(shown["client"], Value::Null, "nobody pays it again");
}

#[test]
fn closing_asks_first_and_then_closes() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    let closed = till.run("close", json!({ "order_no": NUMBER })).unwrap();
    assert_eq!(closed["order"]["state"], "closed");
    let asked = till.asked();
    assert!(
        asked[1].starts_with("GET") && asked[2].ends_with("/close"),
        "{asked:?}"
    );
    refused_as(Code::OrderState, till.create(NUMBER));
}

#[test]
fn what_was_paid_is_not_closed() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    let asked = till.run("close", json!({ "order_no": NUMBER })).unwrap();
    assert_eq!(
        (&asked["order"]["state"], &asked["payment_state"]),
        (&json!("paid"), &json!("paid"))
    );
    refused_as(
        Code::OrderState,
        till.run("close", json!({ "order_no": NUMBER })),
    );
}

#[test]
fn money_that_comes_while_the_order_is_being_closed_has_come_in_time() {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    let mut work = till
        .payments
        .work(
            "close",
            json!({ "order_no": NUMBER }).to_string().as_bytes(),
        )
        .unwrap();
    assert_eq!(work.step(), Step::Send); // the query
    let unpaid = till
        .provider
        .lock()
        .unwrap()
        .answer(work.request().unwrap())
        .unwrap();
    work.respond(unpaid).unwrap();
    assert_eq!(work.step(), Step::Send); // the closing
    assert_eq!(till.state(NUMBER), "closing");
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    till.work_all();
    assert_eq!(till.state(NUMBER), "paid");
    till.drive(&mut work).unwrap();
    assert_eq!(till.state(NUMBER), "paid");
}

crate::till::everywhere! {
    an_order_is_stored_before_anything_is_sent,
    the_same_number_is_the_same_order_and_gets_the_same_answer,
    the_same_number_for_something_else_is_refused_and_nothing_is_sent,
    what_is_wrong_with_an_order_shows_before_it_is_stored,
    a_refusal_is_kept_and_the_number_can_be_tried_again,
    an_order_whose_answer_was_lost_waits_for_money_and_is_gone_on_with,
    an_order_that_did_not_leave_stays_as_it_was,
    a_query_moves_the_order_and_the_worker_hears_of_it_once,
    every_transition_is_kept_with_its_source,
    closing_asks_first_and_then_closes,
    what_was_paid_is_not_closed,
    money_that_comes_while_the_order_is_being_closed_has_come_in_time,
}
