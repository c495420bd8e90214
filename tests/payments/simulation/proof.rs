//! What has to hold in the end, read from the tables.

use std::collections::{HashMap, HashSet};

use payseal::payments::State;
use rusqlite::Connection;
use serde_json::Value;

use super::course::{Course, PRICE};

/// The name of what a notification tells.
pub fn paid(order: &str, transaction: &str) -> String {
    format!("{order} paid by {transaction}")
}

/// `state` in the provider's word.
pub fn refunded(refund: &str, state: &str) -> String {
    let state = match state {
        "SUCCESS" => "succeeded",
        "ABNORMAL" => "abnormal",
        _ => "failed",
    };
    format!("{refund} {state}")
}

fn told(fact: &Value) -> String {
    let text = |key: &str| fact[key].as_str().unwrap_or_default();
    match text("of") {
        "payment" => paid(text("order_no"), text("transaction_id")),
        _ => format!("{} {}", text("refund_no"), text("state")),
    }
}

fn database(course: &Course) -> Connection {
    Connection::open(course.database.folder().join("pay.db")).unwrap()
}

/// Whether the inbox has what is told.
pub fn is_kept(course: &Course, tells: &str) -> bool {
    let database = database(course);
    let sql = "SELECT fact FROM payseal_inbox WHERE fact LIKE '%' || ?1 || '%'";
    let mut query = database.prepare(sql).unwrap();
    let about = tells.split(' ').next().unwrap();
    let facts = query.query_map([about], |row| row.get::<_, String>(0));
    facts
        .unwrap()
        .any(|fact| told(&serde_json::from_str(&fact.unwrap()).unwrap()) == tells)
}

pub fn exceptions(course: &Course) -> usize {
    let sql = "SELECT COUNT(*) FROM payseal_exceptions";
    let count: i64 = database(course)
        .query_row(sql, (), |row| row.get(0))
        .unwrap();
    count as usize
}

struct Order {
    state: State,
    transaction: Option<String>,
    refunding: i64,
    refunded: i64,
}

struct Refund {
    order: String,
    amount: i64,
    state: String,
}

struct Raised {
    order: String,
    is_open: bool,
    fact: Value,
}

struct Tables {
    orders: HashMap<String, Order>,
    refunds: HashMap<String, Refund>,
    exceptions: Vec<Raised>,
    /// Order → from, to and source of its transitions.
    history: HashMap<String, Vec<(Option<String>, String, String)>>,
    /// What the inbox has, and how often.
    inbox: Vec<(i64, Option<Value>)>,
    /// Topic, order and fact of the messages.
    outbox: Vec<(String, String, Value)>,
}

fn read(course: &Course) -> Tables {
    let database = database(course);
    let all = |sql: &str| -> Vec<Vec<rusqlite::types::Value>> {
        let mut query = database.prepare(sql).unwrap();
        let columns = query.column_count();
        let rows = query.query_map((), |row| (0..columns).map(|at| row.get(at)).collect());
        rows.unwrap().map(|row| row.unwrap()).collect()
    };
    use rusqlite::types::Value::{Integer, Text};
    let text = |value: &rusqlite::types::Value| match value {
        Text(text) => Some(text.clone()),
        _ => None,
    };
    let number = |value: &rusqlite::types::Value| match value {
        Integer(number) => *number,
        other => panic!("{other:?} is no number"),
    };
    let json = |value: &rusqlite::types::Value| {
        text(value).map(|text| serde_json::from_str::<Value>(&text).unwrap())
    };
    let mut history: HashMap<_, Vec<_>> = HashMap::new();
    for row in all("SELECT order_no, from_state, to_state, source FROM payseal_history ORDER BY id")
    {
        let transition = (
            text(&row[1]),
            text(&row[2]).unwrap(),
            text(&row[3]).unwrap(),
        );
        history
            .entry(text(&row[0]).unwrap())
            .or_default()
            .push(transition);
    }
    Tables {
        orders: all(
            "SELECT order_no, state, transaction_id, refunding, refunded FROM payseal_orders",
        )
        .iter()
        .map(|row| {
            let order = Order {
                state: State::named(&text(&row[1]).unwrap()).unwrap(),
                transaction: text(&row[2]),
                refunding: number(&row[3]),
                refunded: number(&row[4]),
            };
            (text(&row[0]).unwrap(), order)
        })
        .collect(),
        refunds: all("SELECT refund_no, order_no, amount, state FROM payseal_refunds")
            .iter()
            .map(|row| {
                let refund = Refund {
                    order: text(&row[1]).unwrap(),
                    amount: number(&row[2]),
                    state: text(&row[3]).unwrap(),
                };
                (text(&row[0]).unwrap(), refund)
            })
            .collect(),
        exceptions: all("SELECT order_no, resolved_ms IS NULL, evidence FROM payseal_exceptions")
            .iter()
            .map(|row| Raised {
                order: text(&row[0]).unwrap(),
                is_open: number(&row[1]) == 1,
                fact: json(&row[2]).unwrap()["fact"].clone(),
            })
            .collect(),
        history,
        inbox: all("SELECT state, fact FROM payseal_inbox")
            .iter()
            .map(|row| (number(&row[0]), json(&row[1])))
            .collect(),
        outbox: all("SELECT topic, order_no, payload FROM payseal_outbox")
            .iter()
            .map(|row| {
                let payload = json(&row[2]).unwrap();
                (
                    text(&row[0]).unwrap(),
                    text(&row[1]).unwrap(),
                    payload["fact"].clone(),
                )
            })
            .collect(),
    }
}

pub fn prove(course: &mut Course) {
    let tables = read(course);
    let mut wrong = Vec::new();
    nothing_acknowledged_is_lost(course, &tables, &mut wrong);
    every_payment_is_somewhere(course, &tables, &mut wrong);
    orders_went_only_ways_that_there_are(&tables, &mut wrong);
    every_effect_is_told_once(&tables, &mut wrong);
    refunds_are_what_the_provider_has(course, &tables, &mut wrong);
    course.wrong.extend(wrong);
}

fn nothing_acknowledged_is_lost(course: &Course, tables: &Tables, wrong: &mut Vec<String>) {
    let kept: HashSet<String> = tables
        .inbox
        .iter()
        .filter_map(|(_, fact)| fact.as_ref().map(told))
        .collect();
    for told in course.acknowledged.difference(&kept) {
        wrong.push(format!("{told}: acknowledged and lost"));
    }
    let unfinished = tables.inbox.iter().filter(|(state, _)| *state != 1).count();
    if unfinished > 0 {
        wrong.push(format!("{unfinished} events were never ended"));
    }
}

/// Every payment is its order's, or evidence of an exception. No order waits for ever, and none is an exception without one for a person to see.
fn every_payment_is_somewhere(course: &Course, tables: &Tables, wrong: &mut Vec<String>) {
    let provider = course.provider.lock().unwrap();
    let evidence: HashSet<(&str, &str)> = tables
        .exceptions
        .iter()
        .filter_map(|it| Some((&*it.order, it.fact["transaction_id"].as_str()?)))
        .collect();
    for payment in &provider.payments {
        let (number, id) = (&*payment.order_no, &*payment.transaction_id);
        let order = &tables.orders[number];
        let is_orders = order.transaction.as_deref() == Some(id);
        if !is_orders && !evidence.contains(&(number, id)) {
            wrong.push(format!(
                "{number}: payment {id} is nowhere, the order is {}",
                order.state
            ));
        }
        if is_orders && payment.amount != PRICE && !evidence.contains(&(number, id)) {
            wrong.push(format!(
                "{number}: paid with {} and nobody was told",
                payment.amount
            ));
        }
    }
    let paid: HashSet<(&str, &str)> = provider
        .payments
        .iter()
        .map(|it| (&*it.order_no, &*it.transaction_id))
        .collect();
    for (number, order) in &tables.orders {
        if order.state.is_open() {
            wrong.push(format!("{number} is {} for ever", order.state));
        }
        if let Some(id) = &order.transaction
            && !paid.contains(&(number, id))
        {
            wrong.push(format!(
                "{number} has transaction {id}, which the provider has not"
            ));
        }
        let is_raised = tables
            .exceptions
            .iter()
            .any(|it| it.order == *number && it.is_open);
        if order.state == State::Exception && !is_raised {
            wrong.push(format!("{number} is an exception that no person is shown"));
        }
        let is_paid = matches!(
            order.state,
            State::Paid | State::Refunding | State::PartlyRefunded | State::Refunded
        );
        if is_paid != order.transaction.is_some() && order.state != State::Exception {
            wrong.push(format!(
                "{number} is {} with transaction {:?}",
                order.state, order.transaction
            ));
        }
    }
}

fn orders_went_only_ways_that_there_are(tables: &Tables, wrong: &mut Vec<String>) {
    for (number, order) in &tables.orders {
        let history = &tables.history[number];
        let mut at: Option<State> = None;
        let mut payments = 0;
        for (from, to, source) in history {
            let from = from.as_deref().map(|name| State::named(name).unwrap());
            let to = State::named(to).unwrap();
            if from != at {
                wrong.push(format!("{number}: its history has a gap: {history:?}"));
                break;
            }
            let is_way = match from {
                None => to == State::Created,
                Some(from) if from == to => true,
                Some(State::Exception) => {
                    source == "host" || source == "notification" || source == "query"
                }
                Some(from) => from.may_become(to),
            };
            if !is_way {
                wrong.push(format!(
                    "{number}: there is no way from {from:?} to {to}: {history:?}"
                ));
            }
            if from.is_some_and(State::is_open) && to == State::Paid {
                payments += 1;
            }
            at = Some(to);
        }
        if at != Some(order.state) {
            wrong.push(format!(
                "{number} is {}, its history ends with {at:?}",
                order.state
            ));
        }
        if payments > 1 {
            wrong.push(format!("{number} was paid {payments} times: {history:?}"));
        }
    }
}

fn every_effect_is_told_once(tables: &Tables, wrong: &mut Vec<String>) {
    let mut messages: HashMap<(&str, &str), usize> = HashMap::new();
    for (topic, order, fact) in &tables.outbox {
        let about = match topic.as_str() {
            "refund.succeeded" | "refund.failed" => fact["refund_no"].as_str().unwrap(),
            _ => order,
        };
        *messages.entry((topic, about)).or_default() += 1;
    }
    let mut expect = |topic: &str, about: &str, times: usize| {
        let told = messages.get(&(topic, about)).copied().unwrap_or(0);
        if told != times {
            wrong.push(format!(
                "{about}: {topic} was told {told} times instead of {times}"
            ));
        }
    };
    for (number, order) in &tables.orders {
        expect(
            "payment.paid",
            number,
            usize::from(order.transaction.is_some()),
        );
        let closings = tables.history[number]
            .iter()
            .filter(|(from, to, _)| to == "closed" && from.as_deref() != Some("exception"));
        expect("payment.closed", number, closings.count());
        let raised = tables.exceptions.iter().filter(|it| it.order == *number);
        expect("exception.raised", number, raised.count());
    }
    for (number, refund) in &tables.refunds {
        let contradicted = tables
            .exceptions
            .iter()
            .any(|it| it.fact["refund_no"] == **number && it.fact["state"] == "succeeded");
        let succeeded = refund.state == "succeeded" && !contradicted;
        expect("refund.succeeded", number, usize::from(succeeded));
    }
}

fn refunds_are_what_the_provider_has(course: &Course, tables: &Tables, wrong: &mut Vec<String>) {
    let provider = course.provider.lock().unwrap();
    let mut given_back: HashMap<&str, i64> = HashMap::new();
    for (number, refund) in &provider.refunds {
        let kept = &tables.refunds[number];
        let expected = if refund.state == "SUCCESS" {
            "succeeded"
        } else {
            "failed"
        };
        if kept.state != expected {
            wrong.push(format!(
                "{number} is {} at the provider and {} here",
                refund.state, kept.state
            ));
        }
        if refund.state == "SUCCESS" {
            *given_back.entry(&refund.order_no).or_default() += refund.amount;
        }
    }
    for (number, refund) in &tables.refunds {
        if refund.state == "succeeded" && !provider.refunds.contains_key(number) {
            wrong.push(format!(
                "{number} has succeeded, and the provider has no such refund"
            ));
        }
        if !matches!(refund.state.as_str(), "succeeded" | "failed") {
            wrong.push(format!("{number} is {} for ever", refund.state));
        }
    }
    for (number, order) in &tables.orders {
        let back = given_back.get(&**number).copied().unwrap_or(0);
        if back > PRICE {
            wrong.push(format!("{number}: {back} of {PRICE} were given back"));
        }
        let kept: i64 = tables
            .refunds
            .values()
            .filter(|it| it.order == *number && it.state == "succeeded")
            .map(|it| it.amount)
            .sum();
        if order.refunded != back || kept != back || order.refunding != 0 {
            wrong.push(format!(
                "{number}: {back} were given back, {} are counted and {} under way",
                order.refunded, order.refunding
            ));
        }
    }
}
