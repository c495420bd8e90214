//! Orders: stored before anything is sent, one for each number, and moved only by what is verified.

use serde_json::{Value, json};

use payseal::call::{Step, Steps};
use payseal::payments::Payments;
use payseal::{Code, Outcome};

use crate::gateway;
use crate::provider::Fault;
use crate::support::field;
use crate::support::host::World;
use crate::support::merchant::{self, client_in};
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
        // Where the provider's rule says no, what the caller wrote is named all the same.
        (json!({ "order_no": "short" }), "order_no"),
        (json!({ "subject": "长".repeat(200) }), "subject"),
        (json!({ "notify_url": "shop.example.com" }), "notify_url"),
        (
            json!({ "extra": { "attach": "x".repeat(200) } }),
            "extra.attach",
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
fn an_order_of_whose_payment_nobody_would_be_told_is_refused() {
    let till = Till::new();
    let unnotified = |changes: Value| {
        let world = &till.world;
        let wechat = client_in(world, merchant::config(json!({ "notify_url": null })));
        let alipay = client_in(world, gateway::config_with(json!({})));
        let mut config = json!({ "store": till.database.url });
        config
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        let config = config.to_string();
        Payments::new(config.as_bytes(), &[&wechat, &alipay], world.host()).unwrap()
    };
    let payments = unnotified(json!({}));
    let create = |payments: &Payments, number: &str, changes: Value| {
        let asked = order(number, changes).to_string();
        let mut work = payments.work("create", asked.as_bytes())?;
        till.drive(&mut work)
    };
    for (account, method) in [
        ("wechat", "native"),
        ("alipay", "page"),
        ("alipay", "precreate"),
    ] {
        let asked = json!({ "account": account, "method": method });
        let refused = create(&payments, NUMBER, asked);
        let error = refused_as(Code::ParamsInvalid, refused.map(|_| json!({})));
        assert_eq!(field(&error), "notify_url");
        assert!(error.message().contains("`notify_urls`"), "{error}");
        let stored = till.run("order", json!({ "order_no": NUMBER }));
        refused_as(Code::OrderUnknown, stored);
    }
    assert!(till.asked().is_empty());
    let address = "https://shop.example.com/told";
    let page = |changes: Value| {
        let mut asked = json!({ "account": "alipay", "method": "page" });
        asked
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        asked
    };
    create(
        &payments,
        "20231115000002",
        page(json!({ "notify_url": address })),
    )
    .unwrap();
    let payments = unnotified(json!({ "notify_urls": { "alipay": address } }));
    create(&payments, "20231115000003", page(json!({}))).unwrap();
}

#[test]
fn an_address_that_no_provider_could_tell_is_refused_at_the_start() {
    let till = Till::new();
    for address in [
        "",
        "shop.example.com/told",
        "ftp://shop.example.com",
        "https://",
    ] {
        let settings = json!({ "notify_urls": { "wechat": address } });
        let error = crate::till::open(&till.world, &till.database, settings);
        let error = refused_as(Code::ConfigInvalid, error.map(|_| json!({})));
        assert_eq!(field(&error), "notify_urls.wechat", "{address}");
    }
}

#[test]
fn paging_leaves_no_order_out_also_of_the_same_millisecond() {
    let till = Till::new();
    let mut expected = Vec::new();
    for (at, numbers) in [
        (0, ["A00001", "a00002", "B00003"]),
        (1, ["b00004", "C00005", "c00006"]),
    ] {
        till.later(at);
        for number in numbers {
            till.create(number).unwrap();
            expected.push(number.to_owned());
        }
    }
    let mut found = Vec::new();
    let mut asked = json!({ "most": 2 });
    loop {
        let page = till.run("orders", asked.clone()).unwrap();
        let Some(last) = page["orders"].as_array().unwrap().last() else {
            break;
        };
        asked["before_ms"] = last["created_ms"].clone();
        asked["before_order_no"] = last["order_no"].clone();
        for order in page["orders"].as_array().unwrap() {
            found.push(order["order_no"].as_str().unwrap().to_owned());
        }
        assert!(found.len() <= expected.len(), "{found:?}");
    }
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let alone = till.run("orders", json!({ "before_order_no": NUMBER }));
    assert_eq!(field(&refused_as(Code::ParamsInvalid, alone)), "before_ms");
}

#[test]
fn payments_without_a_store_or_a_client_say_what_is_missing() {
    let world = World::new();
    let client = client_in(&world, merchant::config(json!({})));
    for config in [json!({}), json!({ "store": "" }), json!({ "store": null })] {
        let config = config.to_string();
        let refused = Payments::new(config.as_bytes(), &[&client], world.host());
        let error = refused.err().unwrap();
        assert_eq!(field(&error), "store");
        assert!(error.message().contains("missing or empty"), "{error}");
    }
    let refused = Payments::new(b"{}", &[], world.host());
    let error = refused.err().unwrap();
    assert_eq!(field(&error), "clients");
    assert!(error.message().contains("at least one client"), "{error}");
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
    paging_leaves_no_order_out_also_of_the_same_millisecond,
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
