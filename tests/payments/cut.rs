//! The connection to the database is cut after COMMIT was sent: nobody knows, so it is said again, and takes effect once.

use serde_json::{Value, json};

use payseal::{Code, Outcome};

use crate::store::proxy::Proxy;
use crate::till::{NUMBER, Till, refused_as};

fn a_callback_and_its_effect_whose_commits_are_cut_off_happen_once() {
    let direct = Till::new();
    direct.create(NUMBER).unwrap();
    direct.pay(NUMBER);
    let notification = direct.notify(NUMBER, json!({}));

    let url = &direct.database.url;
    let (user, rest) = url.split_once('@').unwrap();
    let (address, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::to(address);
    let through = json!({ "store": format!("{user}@127.0.0.1:{}/{name}", proxy.port) });
    let till = direct.another(through);
    // PostgreSQL commits the insertion with the statement itself.
    let (insertion, commit) = match url.starts_with("postgres") {
        true => (NUMBER.as_bytes(), &b"COMMIT\0"[..]),
        false => (&b"COMMIT"[..], &b"COMMIT"[..]),
    };

    // A connection that is being made says READ COMMITTED.
    assert!(till.claim(1).is_empty());
    proxy.swallow_the_answer_to(insertion);
    let (status, about) = till.accept(&notification);
    assert!(status >= 500, "the provider sends it again: {status}");
    assert_eq!(about["error"]["outcome"], Outcome::Unknown as i32);
    let (status, about) = till.accept(&notification);
    assert_eq!((status, &about["duplicate"]), (200, &json!(true)));

    let events = till.claim(10);
    assert_eq!(events.len(), 1);
    proxy.swallow_the_answer_to(commit);
    let error = refused_as(Code::StoreUnavailable, till.ack(&events[0]));
    assert_eq!(error.outcome(), Outcome::Unknown);
    refused_as(Code::LeaseLost, till.ack(&events[0]));
    assert_eq!(till.state(NUMBER), "paid");
    let topics: Vec<Value> = till
        .messages()
        .iter()
        .map(|message| message["topic"].clone())
        .collect();
    assert_eq!(topics, ["payment.paid"]);
}

crate::till::everywhere! {
    a_callback_and_its_effect_whose_commits_are_cut_off_happen_once,
}
