//! The service: takes in a notification for each line that it reads, says when it is acknowledged, and works off what is there, with a row of its
//! own in the transaction of each effect.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use payseal::call::About;
use payseal::host::Host;
use payseal::payments::Payments;
use payseal::payments::store::{self, Statement, Store, Transaction, Value};
use payseal::{Client, Result};
use serde_json::{Value as Json, json};

use crate::steps::{Death, Dying};

const ACCEPTORS: usize = 3;
const WORKERS: u64 = 2;

pub fn run() {
    let told = std::env::var("PAYSEAL_CRASH").expect("who runs this says with what");
    let told: Json = serde_json::from_str(&told).unwrap();
    let client = Client::new(told["client"].to_string().as_bytes(), Host::default()).unwrap();
    let settings = told["payments"].to_string();
    let death = Death::told();
    let open = |url: &str| -> Result<Box<dyn Store>> {
        Ok(Box::new(Dying {
            store: store::open(url)?,
            death: death.clone(),
        }))
    };
    let payments = Payments::over(open, settings.as_bytes(), &[&client], Host::default()).unwrap();
    let store = open(told["payments"]["store"].as_str().unwrap()).unwrap();
    let is_over = AtomicBool::new(false);
    say("ready");
    std::thread::scope(|scope| {
        for _ in 0..told["workers"].as_u64().unwrap_or(WORKERS) {
            scope.spawn(|| work(&payments, &*store, &is_over));
        }
        let acceptors: Vec<_> = (0..ACCEPTORS)
            .map(|_| {
                scope.spawn(|| {
                    let mut line = String::new();
                    while std::io::stdin()
                        .read_line(&mut line)
                        .is_ok_and(|read| read > 0)
                    {
                        accept(&payments, &line);
                        line.clear();
                    }
                })
            })
            .collect();
        for acceptor in acceptors {
            acceptor.join().unwrap();
        }
        is_over.store(true, SeqCst);
    });
}

/// Past the capture of the test harness, in one piece.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

fn accept(payments: &Payments, line: &str) {
    let sent: Json = serde_json::from_str(line).unwrap();
    let body = sent["body"].as_str().unwrap().as_bytes();
    let headers = sent["headers"].as_str().unwrap();
    let done = payments.accept(None, headers, body, b"", None).unwrap();
    let About::Work(about) = done.about else {
        panic!("what payments say about a notification");
    };
    let verdict = if about["status"] == 200 {
        "acknowledged"
    } else {
        "refused"
    };
    say(&format!("{verdict} {}", sent["order_no"].as_str().unwrap()));
}

/// Until nothing is left, also of what others had claimed before they died, and nothing comes any more.
fn work(payments: &Payments, store: &dyn Store, is_over: &AtomicBool) {
    loop {
        let was_over = is_over.load(SeqCst);
        match some_work(payments, store) {
            Ok(0) if was_over && is_empty(payments) => return,
            Ok(0) | Err(_) => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) => {}
        }
    }
}

fn ask(payments: &Payments, action: &str, params: Json) -> Result<Json> {
    let done = payments.execute(action, params.to_string().as_bytes(), None)?;
    Ok(serde_json::from_slice(&done.body).unwrap())
}

fn is_empty(payments: &Payments) -> bool {
    ask(payments, "stats", json!({})).is_ok_and(|stats| stats["inbox"]["waiting"] == 0)
}

fn some_work(payments: &Payments, store: &dyn Store) -> Result<usize> {
    let claimed = ask(payments, "claim", json!({ "most": 4, "lease_ms": 500 }))?;
    let events = claimed["events"].as_array().unwrap();
    for event in events {
        let held = json!({ "id": event["id"], "token": event["token"], "placeholders": "?" });
        let asked = ask(payments, "ack_statements", held)?;
        let written = asked["statements"].as_array().unwrap();
        let mut statements: Vec<Statement> = written.iter().map(statement).collect();
        statements.push(Statement {
            sql: "INSERT INTO deliveries (order_no, event_id) VALUES (?, ?)".into(),
            values: vec![
                Value::Text(event["order_no"].as_str().unwrap().into()),
                Value::Integer(event["id"].as_i64().unwrap()),
            ],
            changes: Some(1),
        });
        // Whoever comes too late is refused, and a doubtful end is looked at by the next.
        let _: Transaction = store.transact(&statements)?;
    }
    Ok(events.len())
}

fn statement(written: &Json) -> Statement {
    let value = |value: &Json| match value {
        Json::Null => Value::Null,
        Json::Number(number) => Value::Integer(number.as_i64().unwrap()),
        other => Value::Text(other.as_str().unwrap().into()),
    };
    Statement {
        sql: written["sql"].as_str().unwrap().to_owned().into(),
        values: written["values"]
            .as_array()
            .unwrap()
            .iter()
            .map(value)
            .collect(),
        changes: written["changes"].as_u64(),
    }
}
