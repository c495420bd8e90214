//! Notifications: nothing that was answered with success is lost, and nothing is processed twice.

use serde_json::{Value, json};

use payseal::Code;
use payseal::payments::store::{Statement, Store, Transaction, Value as Sql};

use crate::support::field;
use crate::till::{NUMBER, Till, refused_as};

fn paid_but_untold() -> Till {
    let till = Till::new();
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till
}

#[test]
fn a_notification_is_stored_and_then_answered_with_success() {
    let till = paid_but_untold();
    let (status, about) = till.accept(&till.notify(NUMBER, json!({})));
    assert_eq!(status, 200);
    assert_eq!(
        (&about["accepted"], &about["duplicate"]),
        (&json!(true), &json!(false))
    );
    assert_eq!(
        (&about["kind"], &about["order_no"]),
        (&json!("payment.paid"), &json!(NUMBER))
    );
    // Another process of the service finds it.
    let events = till.another(json!({})).claim(10);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["envelope"]["event_type"], "TRANSACTION.SUCCESS");
    assert!(events[0]["resource"].as_str().unwrap().contains(NUMBER));
}

#[test]
fn a_repetition_gets_success_and_is_not_processed_again() {
    let till = paid_but_untold();
    let notification = till.notify(NUMBER, json!({}));
    for duplicate in [false, true, true] {
        let (status, about) = till.accept(&notification);
        assert_eq!((status, &about["duplicate"]), (200, &json!(duplicate)));
    }
    assert_eq!(till.work_all(), 1);
    assert_eq!(till.accept(&notification).0, 200);
    assert_eq!(till.work_all(), 0, "also after it was processed");
}

#[test]
fn another_event_that_tells_the_same_fact_is_the_same_event() {
    let till = paid_but_untold();
    till.accept(&till.notify(NUMBER, json!({})));
    let (status, about) = till.accept(&till.notify(NUMBER, json!({})));
    assert_eq!((status, &about["duplicate"]), (200, &json!(true)));
}

#[test]
fn what_is_not_genuine_is_refused_and_not_stored() {
    let till = paid_but_untold();
    let forged = till
        .notify(NUMBER, json!({}))
        .with("Wechatpay-Signature", "AAAA");
    let (status, about) = till.accept(&forged);
    assert_eq!((status, &about["accepted"]), (401, &json!(false)));
    assert_eq!(about["error"]["details"]["code_name"], "SIGNATURE_INVALID");
    assert!(till.claim(10).is_empty());
}

#[test]
fn events_about_something_else_are_kept_for_the_service() {
    let till = Till::new();
    let notification = till.provider.lock().unwrap().tell(
        "COMPLAINT.CREATE",
        json!({ "complaint_id": "1", "action_type": "CREATE_COMPLAINT" }),
    );
    assert_eq!(till.accept(&notification).0, 200);
    assert_eq!(till.accept(&notification).1["duplicate"], true);
    let events = till.claim(10);
    assert_eq!(
        (&events[0]["kind"], &events[0]["fact"]),
        (&json!("COMPLAINT.CREATE"), &Value::Null)
    );
    till.ack(&events[0]).unwrap();
    assert_eq!(till.work_all(), 0);
}

#[test]
fn while_the_store_is_broken_the_provider_is_told_to_send_again() {
    let till = paid_but_untold();
    let notification = till.notify(NUMBER, json!({}));
    let blocked = rusqlite::Connection::open(till.database.folder().join("pay.db")).unwrap();
    blocked
        .execute_batch("ALTER TABLE payseal_inbox RENAME TO payseal_gone")
        .unwrap();
    let (status, about) = till.accept(&notification);
    assert!(status >= 500, "{status}");
    assert_eq!(about["accepted"], false);
    assert!(about["error"]["code"].as_i64().unwrap() >= 600);
    blocked
        .execute_batch("ALTER TABLE payseal_gone RENAME TO payseal_inbox")
        .unwrap();
    assert_eq!(
        till.accept(&notification).1["duplicate"],
        false,
        "nothing was half stored"
    );
}

#[test]
fn many_callers_share_commits_and_each_is_told_about_his_own() {
    let till = Till::new();
    let notifications: Vec<_> = (0..64)
        .map(|n| {
            till.provider
                .lock()
                .unwrap()
                .tell("COMPLAINT.CREATE", json!({ "complaint_id": n.to_string() }))
        })
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for notification in &notifications {
                    assert_eq!(till.accept(notification).0, 200);
                }
            });
        }
    });
    assert_eq!(till.work_all(), 64, "four of each, one event of each");
}

#[test]
fn one_event_that_cannot_be_stored_keeps_no_other_out() {
    let till = Till::new();
    let other = rusqlite::Connection::open(till.database.folder().join("pay.db")).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON payseal_inbox WHEN NEW.kind = 'POISON' BEGIN SELECT RAISE(ABORT, 'no'); END";
    other.execute_batch(refuse).unwrap();
    let notifications: Vec<_> = (0..48)
        .map(|n| {
            let kind = if n % 6 == 0 {
                "POISON"
            } else {
                "COMPLAINT.CREATE"
            };
            let said = json!({ "complaint_id": n.to_string() });
            (kind, till.provider.lock().unwrap().tell(kind, said))
        })
        .collect();
    std::thread::scope(|scope| {
        for part in notifications.chunks(6) {
            let till = &till;
            scope.spawn(move || {
                for (kind, notification) in part {
                    let (status, _) = till.accept(notification);
                    assert_eq!(status == 200, *kind != "POISON", "{kind}: {status}");
                }
            });
        }
    });
    assert_eq!(till.work_all(), 40);
}

#[test]
fn an_event_is_hidden_for_its_lease_and_then_comes_back() {
    let till = paid_but_untold();
    till.accept(&till.notify(NUMBER, json!({})));
    let first = till.claim(1).remove(0);
    assert!(till.claim(1).is_empty());
    till.later(29_000);
    till.run(
        "extend",
        json!({ "id": first["id"], "token": first["token"] }),
    )
    .unwrap();
    till.later(31_000);
    assert!(till.claim(1).is_empty(), "it was extended");
    till.later(60_000);
    let second = till.claim(1).remove(0);
    assert!(second["token"].as_i64() > first["token"].as_i64());
    // Who comes too late changes nothing, however he ends it.
    let late = json!({ "id": first["id"], "token": first["token"], "reason": "late" });
    for action in ["nack", "dead"] {
        refused_as(Code::LeaseLost, till.run(action, late.clone()));
    }
    refused_as(Code::LeaseLost, till.ack(&first));
    assert_eq!(
        till.state(NUMBER),
        "paying",
        "the effect is whose lease holds"
    );
    till.ack(&second).unwrap();
    assert_eq!(till.state(NUMBER), "paid");
    refused_as(Code::LeaseLost, till.ack(&second));
}

#[test]
fn of_several_ended_together_only_the_lost_ones_are_not() {
    let till = Till::new();
    for n in 0..3 {
        let notification = till
            .provider
            .lock()
            .unwrap()
            .tell("COMPLAINT.CREATE", json!({ "complaint_id": n.to_string() }));
        till.accept(&notification);
    }
    let events = till.claim(3);
    till.run(
        "dead",
        json!({ "id": events[1]["id"], "token": events[1]["token"], "reason": "another" }),
    )
    .unwrap();
    let work: Vec<Value> = events
        .iter()
        .map(|event| json!({ "id": event["id"], "token": event["token"] }))
        .collect();
    let ended = till.run("ack", json!({ "work": work })).unwrap();
    assert_eq!(ended["lost"], json!([work[1]]));
    till.later(3_600_000);
    assert!(till.claim(10).is_empty());
}

#[test]
fn what_fails_comes_again_later_and_dies_after_too_many_attempts() {
    let till =
        Till::with(json!({ "work": { "max_attempts": 3, "base_ms": 1_000, "cap_ms": 2_000 } }));
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    for attempt in 1..=3 {
        till.later(attempt * 10_000);
        let event = till.claim(1).remove(0);
        let given_back = till.run("nack", json!({ "id": event["id"], "token": event["token"], "reason": "the printer burns" })).unwrap();
        assert_eq!(given_back["dead"], attempt == 3);
    }
    till.later(3_600_000);
    assert!(till.claim(1).is_empty());
    let dead = till.run("dead_letters", json!({})).unwrap();
    assert_eq!(
        (&dead["dead"][0]["reason"], &dead["dead"][0]["attempts"]),
        (&json!("the printer burns"), &json!(3))
    );
    assert_eq!(till.run("redrive", json!({})).unwrap()["redriven"], 1);
    let event = till.claim(1).remove(0);
    assert_eq!(
        event["token"], 4,
        "whoever had it before must not find his token again"
    );
    till.ack(&event).unwrap();
    assert_eq!(till.state(NUMBER), "paid");
}

#[test]
fn what_kills_its_workers_dies_in_the_end() {
    let till = Till::with(json!({ "work": { "max_attempts": 2 } }));
    till.create(NUMBER).unwrap();
    till.pay(NUMBER);
    till.accept(&till.notify(NUMBER, json!({})));
    for attempt in 0..2 {
        till.later(attempt * 60_000);
        assert_eq!(till.claim(1).len(), 1);
    }
    till.later(120_000);
    assert!(till.claim(1).is_empty());
    assert_eq!(till.run("stats", json!({})).unwrap()["inbox"]["dead"], 1);
}

/// What somebody else does to the file of the store.
fn tamper(till: &Till, sql: &str) {
    let other = rusqlite::Connection::open(till.database.folder().join("pay.db")).unwrap();
    assert_eq!(other.execute(sql, ()).unwrap(), 1, "{sql}");
}

fn paid_and_told(till: &Till, numbers: &[&str]) {
    for number in numbers {
        till.create(number).unwrap();
        till.pay(number);
        till.accept(&till.notify(number, json!({})));
    }
}

fn order_numbers(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event["order_no"].as_str().unwrap())
        .collect()
}

#[test]
fn an_event_that_cannot_be_read_is_a_dead_letter_and_keeps_no_other_back() {
    let till = Till::new();
    paid_and_told(&till, &["order-1", "order-2", "order-3"]);
    let newer = r#"UPDATE payseal_inbox SET fact = replace(fact, '"state":"paid"', '"state":"paid_in_parts"') WHERE order_no = 'order-2'"#;
    tamper(&till, newer);
    let events = till.claim(10);
    assert_eq!(order_numbers(&events), ["order-1", "order-3"]);
    for event in &events {
        till.ack(event).unwrap();
    }
    till.later(3_600_000);
    assert!(
        till.claim(10).is_empty(),
        "it does not come again and again"
    );
    let dead = till.run("dead_letters", json!({})).unwrap();
    assert_eq!(dead["dead"][0]["order_no"], "order-2");
    let reason = dead["dead"][0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("fact") && reason.contains("paid_in_parts"),
        "{reason}"
    );
    assert_eq!(till.state("order-2"), "paying", "nobody guessed");

    // A version that reads it comes.
    let understood = "UPDATE payseal_inbox SET fact = replace(fact, 'paid_in_parts', 'paid') WHERE order_no = 'order-2'";
    tamper(&till, understood);
    assert_eq!(till.run("redrive", json!({})).unwrap()["redriven"], 1);
    let events = till.claim(10);
    assert_eq!(order_numbers(&events), ["order-2"]);
    till.ack(&events[0]).unwrap();
    assert_eq!(till.state("order-2"), "paid");
}

#[test]
fn whatever_of_an_event_cannot_be_read_buries_that_event_alone() {
    for damage in [
        "payseal_inbox SET kind = CAST(x'ff' AS TEXT)",
        "payseal_inbox SET account = CAST(x'ff' AS TEXT)",
        "payseal_inbox SET order_no = CAST(x'74ff' AS TEXT)",
        "payseal_inbox SET source = 'oracle'",
        "payseal_inbox SET envelope = '{'",
        "payseal_inbox SET fact = 'paid'",
        "payseal_orders SET state = 'half_paid'",
        "payseal_orders SET request = '{'",
    ] {
        let till = Till::new();
        paid_and_told(&till, &["order-1", "order-2", "order-3"]);
        tamper(
            &till,
            &format!("UPDATE {damage} WHERE order_no = 'order-2'"),
        );
        assert_eq!(
            order_numbers(&till.claim(10)),
            ["order-1", "order-3"],
            "{damage}"
        );
        let dead = till.run("dead_letters", json!({})).unwrap();
        let dead = dead["dead"].as_array().unwrap();
        assert_eq!(dead.len(), 1, "{damage}");
        assert!(
            dead[0]["reason"]
                .as_str()
                .unwrap()
                .contains("cannot be read"),
            "{damage}: {}",
            dead[0]
        );
    }
}

#[test]
fn a_message_that_cannot_be_read_is_a_dead_letter_too() {
    let till = Till::new();
    for number in ["order-1", "order-2", "order-3"] {
        till.paid(number);
    }
    tamper(
        &till,
        "UPDATE payseal_outbox SET payload = CAST(x'7bff' AS TEXT) WHERE order_no = 'order-2'",
    );
    assert_eq!(order_numbers(&till.messages()), ["order-1", "order-3"]);
    let dead = till
        .run("dead_letters", json!({ "queue": "outbox" }))
        .unwrap();
    assert_eq!(dead["dead"][0]["order_no"], "order-2");
}

/// Writes of the service's own, in any database.
fn deliveries(till: &Till) -> Box<dyn Store> {
    let own = till.database.open();
    let create = "CREATE TABLE deliveries (order_no VARCHAR(64) NOT NULL PRIMARY KEY)";
    own.transact(&[sql(create, vec![], None)]).unwrap();
    own
}

fn sql(sql: &str, values: Vec<Sql>, changes: Option<u64>) -> Statement {
    Statement {
        sql: sql.to_owned().into(),
        values,
        changes,
    }
}

fn delivered(own: &dyn Store) -> usize {
    own.rows(&sql("SELECT order_no FROM deliveries", vec![], None))
        .unwrap()
        .len()
}

#[test]
fn what_the_service_writes_is_written_with_the_effect_or_not_at_all() {
    let till = paid_but_untold();
    let own = deliveries(&till);
    till.accept(&till.notify(NUMBER, json!({})));
    let event = till.claim(1).remove(0);
    let insert = json!({ "sql": "INSERT INTO deliveries (order_no) VALUES (?)", "values": [NUMBER], "changes": 1 });
    let nothing = json!({ "sql": "UPDATE deliveries SET order_no = ? WHERE order_no = ?", "values": ["x", "y"], "changes": 1 });
    let ack = |also: Value| {
        till.run(
            "ack",
            json!({ "id": event["id"], "token": event["token"], "also": also }),
        )
    };
    let schema = json!({ "sql": "DROP TABLE deliveries" });
    let error = refused_as(Code::ParamsInvalid, ack(json!([insert, schema])));
    assert_eq!(
        field(&error),
        "also[1].sql",
        "it would commit what stands before it"
    );
    let error = refused_as(Code::OrderState, ack(json!([insert, nothing])));
    assert_eq!(field(&error), "also[1].changes");
    assert_eq!((delivered(&*own), &*till.state(NUMBER)), (0, "paying"));
    ack(json!([insert])).unwrap();
    assert_eq!((delivered(&*own), &*till.state(NUMBER)), (1, "paid"));
    refused_as(Code::LeaseLost, ack(json!([insert])));
    assert_eq!(till.messages().len(), 1);
}

#[test]
fn a_statement_of_the_services_own_that_fails_is_named_and_the_work_stays_claimed() {
    let till = paid_but_untold();
    let own = deliveries(&till);
    till.accept(&till.notify(NUMBER, json!({})));
    let event = till.claim(1).remove(0);
    let insert = json!({ "sql": "INSERT INTO deliveries (order_no) VALUES (?)", "values": [NUMBER], "changes": 1 });
    let ack = |also: Value| {
        till.run(
            "ack",
            json!({ "id": event["id"], "token": event["token"], "also": also }),
        )
    };
    for wrong in [
        json!({ "sql": "INSERT INTO nope (order_no) VALUES (?)", "values": [NUMBER] }),
        json!({ "sql": "UPDATE deliveries SET order_no = NULL" }),
        json!({ "sql": "UPDATE deliveries SET order_no = ?" }),
    ] {
        let error = refused_as(Code::StoreFailed, ack(json!([insert, wrong])));
        assert_eq!(field(&error), "also[1]", "{error}");
        for told in ["also[1]", "nothing was written", "still claimed"] {
            assert!(error.message().contains(told), "{error}");
        }
        assert_eq!((delivered(&*own), &*till.state(NUMBER)), (0, "paying"));
    }
    ack(json!([insert])).unwrap();
    assert_eq!((delivered(&*own), &*till.state(NUMBER)), (1, "paid"));
}

#[test]
fn a_statement_of_the_services_own_leaves_payseals_tables_alone() {
    let till = paid_but_untold();
    till.accept(&till.notify(NUMBER, json!({})));
    let event = till.claim(1).remove(0);
    for sql in [
        "DELETE FROM payseal_orders",
        "UPDATE PAYSEAL_orders SET state = 'refunded'",
        "DELETE FROM \"payseal_inbox\"",
        "DELETE FROM `payseal_inbox`",
        "DELETE FROM main.payseal_inbox",
    ] {
        let asked = json!({ "id": event["id"], "token": event["token"], "also": [{ "sql": sql }] });
        let error = refused_as(Code::ParamsInvalid, till.run("ack", asked));
        assert_eq!(field(&error), "also[0].sql", "{sql}");
        assert_eq!(till.state(NUMBER), "paying");
    }
}

#[test]
fn the_effect_can_be_part_of_the_services_own_transaction() {
    let till = paid_but_untold();
    till.accept(&till.notify(NUMBER, json!({})));
    let event = till.claim(1).remove(0);
    let asked = json!({ "id": event["id"], "token": event["token"], "placeholders": "?" });
    let statements = till.run("ack_statements", asked).unwrap();
    let value = |value: &Value| match value {
        Value::Number(number) => Sql::Integer(number.as_i64().unwrap()),
        Value::String(text) => Sql::Text(text.clone()),
        _ => Sql::Null,
    };
    let read = |statement: &Value| {
        let values = statement["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(value)
            .collect();
        sql(
            statement["sql"].as_str().unwrap(),
            values,
            statement["changes"].as_u64(),
        )
    };
    let own = deliveries(&till);
    let mut all: Vec<Statement> = statements["statements"]
        .as_array()
        .unwrap()
        .iter()
        .map(read)
        .collect();
    all.push(sql(
        "INSERT INTO deliveries (order_no) VALUES (?)",
        vec![Sql::Text(NUMBER.into())],
        Some(1),
    ));
    assert_eq!(own.transact(&all).unwrap(), Transaction::Committed);
    assert_eq!((delivered(&*own), &*till.state(NUMBER)), (1, "paid"));
    assert_eq!(
        own.transact(&all).unwrap(),
        Transaction::Refused(0),
        "the work is ended"
    );
    assert_eq!(till.messages().len(), 1);
}

crate::till::everywhere! {
    what_the_service_writes_is_written_with_the_effect_or_not_at_all,
    a_statement_of_the_services_own_that_fails_is_named_and_the_work_stays_claimed,
    the_effect_can_be_part_of_the_services_own_transaction,
    a_notification_is_stored_and_then_answered_with_success,
    a_repetition_gets_success_and_is_not_processed_again,
    another_event_that_tells_the_same_fact_is_the_same_event,
    what_is_not_genuine_is_refused_and_not_stored,
    events_about_something_else_are_kept_for_the_service,
    many_callers_share_commits_and_each_is_told_about_his_own,
    an_event_is_hidden_for_its_lease_and_then_comes_back,
    of_several_ended_together_only_the_lost_ones_are_not,
    what_fails_comes_again_later_and_dies_after_too_many_attempts,
    what_kills_its_workers_dies_in_the_end,
}
