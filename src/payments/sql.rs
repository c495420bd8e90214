//! The statements that write what was decided. Every one that changes an order or a refund is guarded by the version that was read, so that a
//! decision is carried out on what it was made for, or not at all.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Result;

use super::order::{Columns, Order, Refund, State};
use super::store::{Queue, Row, Statement, Store, Value};

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// What a transition came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Answer,
    Notification,
    Query,
    Bill,
    /// The service itself, or its clock.
    Host,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Source::Answer => "answer",
            Source::Notification => "notification",
            Source::Query => "query",
            Source::Bill => "bill",
            Source::Host => "host",
        }
    }

    pub fn named(name: &str) -> Option<Source> {
        [
            Source::Answer,
            Source::Notification,
            Source::Query,
            Source::Bill,
            Source::Host,
        ]
        .into_iter()
        .find(|source| source.name() == name)
    }
}

pub fn statement(
    sql: impl Into<Cow<'static, str>>,
    values: impl Into<Vec<Value>>,
    changes: Option<u64>,
) -> Statement {
    Statement {
        sql: sql.into(),
        values: values.into(),
        changes,
    }
}

pub fn insert_order(order: &Order) -> Statement {
    statement(
        "INSERT INTO payseal_orders (order_no, account, provider, method, merchant, sub_merchant, application, amount, currency, state, version, transaction_id, refunding, refunded, request, client, refusal, created_ms, updated_ms, expires_ms, paid_ms, due_ms, polls) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            order.order_no.as_str().into(),
            order.account.as_str().into(),
            order.provider.as_str().into(),
            order.method.as_str().into(),
            order.merchant.as_str().into(),
            order.sub_merchant.clone().into(),
            order.application.clone().into(),
            order.amount.into(),
            order.currency.as_str().into(),
            order.state.name().into(),
            order.version.into(),
            order.transaction_id.clone().into(),
            order.refunding.into(),
            order.refunded.into(),
            json(&order.request).into(),
            raw(&order.client),
            raw(&order.refusal),
            order.created_ms.into(),
            order.updated_ms.into(),
            order.expires_ms.into(),
            order.paid_ms.into(),
            order.due_ms.into(),
            order.polls.into(),
        ],
        Some(1),
    )
}

/// The order as it is now, if nobody has written it since it was read.
pub fn update_order(order: &Order) -> Statement {
    statement(
        "UPDATE payseal_orders SET state = ?, version = version + 1, transaction_id = ?, refunding = ?, refunded = ?, client = ?, refusal = ?, updated_ms = ?, paid_ms = ?, due_ms = ?, polls = ? WHERE order_no = ? AND version = ?",
        [
            order.state.name().into(),
            order.transaction_id.clone().into(),
            order.refunding.into(),
            order.refunded.into(),
            raw(&order.client),
            raw(&order.refusal),
            order.updated_ms.into(),
            order.paid_ms.into(),
            order.due_ms.into(),
            order.polls.into(),
            order.order_no.as_str().into(),
            order.version.into(),
        ],
        Some(1),
    )
}

pub fn insert_refund(refund: &Refund) -> Statement {
    statement(
        "INSERT INTO payseal_refunds (refund_no, order_no, amount, state, version, refund_id, request, refusal, created_ms, updated_ms, due_ms, polls) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            refund.refund_no.as_str().into(),
            refund.order_no.as_str().into(),
            refund.amount.into(),
            refund.state.name().into(),
            refund.version.into(),
            refund.refund_id.clone().into(),
            json(&refund.request).into(),
            Value::Null,
            refund.created_ms.into(),
            refund.updated_ms.into(),
            refund.due_ms.into(),
            refund.polls.into(),
        ],
        Some(1),
    )
}

pub fn update_refund(refund: &Refund) -> Statement {
    statement(
        "UPDATE payseal_refunds SET state = ?, version = version + 1, refund_id = ?, refusal = ?, updated_ms = ?, due_ms = ?, polls = ? WHERE refund_no = ? AND version = ?",
        [
            refund.state.name().into(),
            refund.refund_id.clone().into(),
            raw(&refund.refusal),
            refund.updated_ms.into(),
            refund.due_ms.into(),
            refund.polls.into(),
            refund.refund_no.as_str().into(),
            refund.version.into(),
        ],
        Some(1),
    )
}

/// A transition, for whoever asks later how it came about.
pub struct Transition<'a> {
    pub order_no: &'a str,
    pub refund_no: Option<&'a str>,
    pub at_ms: i64,
    pub from: Option<State>,
    pub to: State,
    pub source: Source,
    /// JSON: the fact, the error or the reason.
    pub detail: String,
}

pub fn insert_history(transition: Transition) -> Statement {
    statement(
        "INSERT INTO payseal_history (order_no, refund_no, at_ms, from_state, to_state, source, detail) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            transition.order_no.into(),
            transition.refund_no.map(str::to_owned).into(),
            transition.at_ms.into(),
            transition.from.map(|state| state.name().to_owned()).into(),
            transition.to.name().into(),
            transition.source.name().into(),
            transition.detail.into(),
        ],
        Some(1),
    )
}

/// Something for a person to look at.
pub struct NewException<'a> {
    pub account: &'a str,
    pub order_no: &'a str,
    pub kind: &'static str,
    pub source: Source,
    pub at_ms: i64,
    /// Unique: the same evidence is kept once.
    pub evidence_key: String,
    /// JSON.
    pub evidence: String,
}

pub fn insert_exception(exception: NewException) -> Statement {
    statement(
        "INSERT INTO payseal_exceptions (evidence_key, account, order_no, kind, source, at_ms, evidence) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            exception.evidence_key.into(),
            exception.account.into(),
            exception.order_no.into(),
            exception.kind.into(),
            exception.source.name().into(),
            exception.at_ms.into(),
            exception.evidence.into(),
        ],
        Some(1),
    )
}

pub fn insert_message(
    topic: &'static str,
    order_no: &str,
    payload: String,
    now_ms: i64,
) -> Statement {
    statement(
        "INSERT INTO payseal_outbox (topic, order_no, payload, created_ms, state, due_ms, attempts) VALUES (?, ?, ?, ?, 0, ?, 0)",
        [
            topic.into(),
            order_no.into(),
            payload.into(),
            now_ms.into(),
            now_ms.into(),
        ],
        Some(1),
    )
}

/// The row of an id, while the lease of the token holds.
pub const HELD: &str = "id = ? AND attempts = ? AND state < 1";

/// Ends work whose leases still hold. `work` are ids and tokens.
pub fn finish(queue: Queue, work: &[(i64, i64)], now_ms: i64) -> Statement {
    let mut sql = format!(
        "UPDATE {} SET state = 1, ended_ms = ? WHERE state < 1 AND (",
        queue.table()
    );
    let mut values = vec![now_ms.into()];
    for (index, (id, token)) in work.iter().enumerate() {
        sql.push_str(if index == 0 { "" } else { " OR " });
        sql.push_str("id = ? AND attempts = ?");
        values.extend([Value::from(*id), Value::from(*token)]);
    }
    sql.push(')');
    statement(sql, values, Some(work.len() as u64))
}

/// Orders by their numbers. One that cannot be read stands in nobody else's way.
pub fn load_orders(store: &dyn Store, numbers: &[&str]) -> Result<Vec<(String, Result<Order>)>> {
    let sql = format!(
        "SELECT {} FROM payseal_orders WHERE order_no IN ({})",
        Order::COLUMNS,
        places(numbers.len())
    );
    load(store, sql, numbers, Order::read)
}

pub fn load_order(store: &dyn Store, order_no: &str) -> Result<Option<Order>> {
    let mut found = load_orders(store, &[order_no])?;
    found.pop().map(|(_, order)| order).transpose()
}

/// Refunds by their numbers, as [`load_orders`].
pub fn load_refunds(store: &dyn Store, numbers: &[&str]) -> Result<Vec<(String, Result<Refund>)>> {
    let sql = format!(
        "SELECT {} FROM payseal_refunds WHERE refund_no IN ({})",
        Refund::COLUMNS,
        places(numbers.len())
    );
    load(store, sql, numbers, Refund::read)
}

pub fn load_refund(store: &dyn Store, refund_no: &str) -> Result<Option<Refund>> {
    let mut found = load_refunds(store, &[refund_no])?;
    found.pop().map(|(_, refund)| refund).transpose()
}

/// Each row with its number, which is its first column.
fn load<T>(
    store: &dyn Store,
    sql: String,
    numbers: &[&str],
    read: fn(Row) -> Result<T>,
) -> Result<Vec<(String, Result<T>)>> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let values: Vec<Value> = numbers.iter().map(|number| Value::from(*number)).collect();
    let rows = store.rows(&statement(sql, values, None))?;
    rows.into_iter()
        .map(|row| {
            let number = Columns(row.first().cloned().into_iter()).text()?;
            Ok((number, read(row)))
        })
        .collect()
}

/// `?, ?, ?`
pub fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is written here has texts as keys")
}

fn raw(json: &Option<Box<RawValue>>) -> Value {
    Value::from(json.as_ref().map(|json| json.get().to_owned()))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first column of the first row.
pub fn single(store: &dyn Store, query: &Statement) -> Result<Option<i64>> {
    match store.rows(query)?.into_iter().next() {
        Some(row) => Columns(row.into_iter()).integer_or_null(),
        None => Ok(None),
    }
}
