//! What the service and its operators read: orders, their history, and the exceptions that wait for a person.

use serde_json::{Value as Json, json};

use crate::error::{Code, Error, Result};
use crate::face::{Fact, PaymentFact, PaymentState};

use super::Shared;
use super::apply::{self, Told};
use super::create::unknown;
use super::event;
use super::given::Given;
use super::inquiry::load;
use super::order::{Columns, Order, Refund, State};
use super::settle::{Doubt, Topic};
use super::sql::{self, Source, Transition, statement};
use super::store::{Row, Transaction, Value};

const MOST: i64 = 1_000;

/// One order with its refunds, its history and its exceptions.
pub(super) fn order(shared: &Shared, mut given: Given) -> Result<String> {
    let order_no = given.required_text("order_no")?;
    given.finish()?;
    let order = sql::load_order(shared.store(), &order_no)?.ok_or_else(|| unknown(&order_no))?;
    let sql = format!(
        "SELECT {} FROM payseal_refunds WHERE order_no = ? ORDER BY created_ms, refund_no",
        Refund::COLUMNS
    );
    let rows = shared
        .store()
        .rows(&statement(sql, [order_no.as_str().into()], None))?;
    let refunds = rows
        .into_iter()
        .map(Refund::read)
        .collect::<Result<Vec<_>>>()?;
    let sql = "SELECT id, refund_no, at_ms, from_state, to_state, source, detail FROM payseal_history WHERE order_no = ? ORDER BY id";
    let rows = shared
        .store()
        .rows(&statement(sql, [order_no.as_str().into()], None))?;
    let history = rows
        .into_iter()
        .map(transition)
        .collect::<Result<Vec<_>>>()?;
    let raised = exceptions_where(shared, "order_no = ?", vec![order_no.as_str().into()], MOST)?;
    let client = order
        .client
        .as_ref()
        .filter(|_| order.state == State::Paying);
    Ok(sql::json(&json!({
        "order": order,
        "client": client,
        "refunds": refunds,
        "history": history,
        "exceptions": raised,
    })))
}

fn transition(row: Row) -> Result<Json> {
    let mut row = Columns(row.into_iter());
    Ok(json!({
        "id": row.integer()?,
        "refund_no": row.text_or_null()?,
        "at_ms": row.integer()?,
        "from": row.text_or_null()?,
        "to": row.text()?,
        "source": row.text()?,
        "detail": row.json_or_null()?,
    }))
}

/// Orders, newest first.
pub(super) fn orders(shared: &Shared, mut given: Given) -> Result<String> {
    let state = given.text("state")?;
    let before_ms = given.integer("before_ms", 0..=i64::MAX)?;
    let before_order_no = given.text("before_order_no")?;
    if before_order_no.is_some() && before_ms.is_none() {
        return Err(given.error("before_ms", "is missing; it belongs to before_order_no"));
    }
    let most = given.integer("most", 1..=MOST)?.unwrap_or(100);
    if state
        .as_deref()
        .is_some_and(|name| State::named(name).is_none())
    {
        let names = State::ALL.map(State::name).join(", ");
        return Err(given.error("state", &format!("is no state; there are {names}")));
    }
    given.finish()?;
    let before_ms = before_ms.unwrap_or(i64::MAX);
    let mut values: Vec<Value> = vec![before_ms.into()];
    let earlier = match before_order_no {
        None => "created_ms < ?",
        // Of the same millisecond those that come behind it.
        Some(order_no) => {
            values.extend([before_ms.into(), order_no.into()]);
            "created_ms <= ? AND (created_ms < ? OR order_no < ?)"
        }
    };
    let mut sql = format!(
        "SELECT {} FROM payseal_orders WHERE {earlier}",
        Order::COLUMNS
    );
    if let Some(state) = state {
        sql.push_str(" AND state = ?");
        values.push(state.into());
    }
    sql.push_str(&format!(
        " ORDER BY created_ms DESC, order_no DESC LIMIT {most}"
    ));
    let rows = shared.store().rows(&statement(sql, values, None))?;
    let orders = rows
        .into_iter()
        .map(Order::read)
        .collect::<Result<Vec<_>>>()?;
    Ok(sql::json(&json!({ "orders": orders })))
}

/// Exceptions, newest first: those that wait for a person, or all.
pub(super) fn exceptions(shared: &Shared, mut given: Given) -> Result<String> {
    let all = given.flag("all")?.unwrap_or(false);
    let before = given
        .integer("before_id", 1..=i64::MAX)?
        .unwrap_or(i64::MAX);
    let most = given.integer("most", 1..=MOST)?.unwrap_or(100);
    given.finish()?;
    let condition = match all {
        true => "id < ?",
        false => "resolved_ms IS NULL AND id < ?",
    };
    let raised = exceptions_where(shared, condition, vec![before.into()], most)?;
    Ok(json!({ "exceptions": raised }).to_string())
}

fn exceptions_where(
    shared: &Shared,
    condition: &str,
    values: Vec<Value>,
    most: i64,
) -> Result<Vec<Json>> {
    let sql = format!(
        "SELECT id, account, order_no, kind, source, at_ms, evidence, resolved_ms, resolution FROM payseal_exceptions WHERE {condition} ORDER BY id DESC LIMIT {most}"
    );
    let read = |row: Row| {
        let mut row = Columns(row.into_iter());
        Ok(json!({
            "id": row.integer()?,
            "account": row.text()?,
            "order_no": row.text()?,
            "kind": row.text()?,
            "source": row.text()?,
            "at_ms": row.integer()?,
            "evidence": row.json_or_null()?,
            "resolved_ms": row.integer_or_null()?,
            "resolution": row.text_or_null()?,
        }))
    };
    shared
        .store()
        .rows(&statement(sql, values, None))?
        .into_iter()
        .map(read)
        .collect()
}

/// A person has looked at an exception and says what the order is: `paid` takes the money of the evidence for the order's, `closed` leaves it to
/// be given back outside of the order. Without a state the order keeps what it has, where money came before.
pub(super) fn resolve(shared: &Shared, mut given: Given) -> Result<String> {
    let id = given.required_integer("id", 1..=i64::MAX)?;
    let note = given.required_text("note")?;
    let wanted = match given.text("state")?.as_deref() {
        None => None,
        Some("paid") => Some(State::Paid),
        Some("closed") => Some(State::Closed),
        Some(_) => return Err(given.error("state", "must be \"paid\" or \"closed\"")),
    };
    given.finish()?;
    let raised = exceptions_where(shared, "id = ?", vec![id.into()], 1)?
        .pop()
        .ok_or_else(|| {
            Error::new(Code::OrderUnknown, format!("there is no exception {id}")).with_field("id")
        })?;
    if !raised["resolved_ms"].is_null() {
        return Err(Error::new(
            Code::OrderState,
            format!("exception {id} is resolved already"),
        )
        .with_field("id"));
    }
    let order_no = raised["order_no"].as_str().unwrap_or_default();
    // Money for an order that was not here says nothing of one that is here since.
    let order = match raised["kind"] == Doubt::UnknownOrder.name() {
        true => None,
        false => sql::load_order(shared.store(), order_no)?,
    };
    if order.is_none() && wanted.is_some() {
        let message = format!(
            "exception {id} is about no order that could have a state; only a note can be left. What was paid for an order that is here since is told by report"
        );
        return Err(Error::new(Code::OrderState, message).with_field("state"));
    }
    let now_ms = shared.now_ms()?;
    let mut statements = vec![statement(
        "UPDATE payseal_exceptions SET resolved_ms = ?, resolution = ? WHERE id = ? AND resolved_ms IS NULL",
        [now_ms.into(), note.as_str().into(), id.into()],
        Some(1),
    )];
    if let Some(mut order) = order.filter(|order| order.state == State::Exception) {
        // The rest of the service has not heard of this payment before.
        let mut took_effect = None;
        let next = match (wanted, &order.transaction_id) {
            (None, None) => {
                let message = format!(
                    "order {order_no} has no payment to go back to: say with state whether it is \"paid\" or \"closed\""
                );
                return Err(Error::new(Code::ParamsInvalid, message).with_field("state"));
            }
            (Some(State::Closed), Some(_)) => {
                let message = format!(
                    "order {order_no} is paid by another transaction and cannot be closed; refund what came too much at the provider, and resolve without a state"
                );
                return Err(Error::new(Code::OrderState, message).with_field("state"));
            }
            (Some(State::Closed), None) => State::Closed,
            (Some(_), None) => {
                let fact: Fact = serde_json::from_value(raised["evidence"]["fact"].clone())
                    .map_err(|_| {
                        Error::new(
                            Code::StoreFailed,
                            "the evidence of the exception cannot be read",
                        )
                    })?;
                let Fact::Payment(PaymentFact {
                    state: PaymentState::Paid,
                    transaction_id,
                    paid_ms,
                    ..
                }) = &fact
                else {
                    let message = "the evidence is of no payment, so it cannot make the order paid";
                    return Err(Error::new(Code::OrderState, message).with_field("state"));
                };
                order.transaction_id.clone_from(transaction_id);
                order.paid_ms = Some(paid_ms.unwrap_or(now_ms));
                took_effect = Some(fact);
                State::Paid
            }
            (_, Some(_)) => order.state_by_refunds(),
        };
        order.state = next;
        order.updated_ms = now_ms;
        if let Some(fact) = &took_effect {
            let told = Told {
                account: &order.account,
                source: Source::Host,
                fact,
            };
            apply::publish(
                shared,
                told,
                Topic::PaymentPaid,
                Some(&order),
                None,
                now_ms,
                &mut statements,
            );
            let key = event::decision_key(told.account, "resolved", &id.to_string());
            let kind = Topic::PaymentPaid.name();
            statements.push(event::tell(shared, told, kind, key, now_ms));
        }
        statements.push(sql::update_order(&order));
        statements.push(sql::insert_history(Transition {
            order_no,
            refund_no: None,
            at_ms: now_ms,
            from: Some(State::Exception),
            to: next,
            source: Source::Host,
            detail: json!({ "exception": id, "note": note }).to_string(),
        }));
    }
    match shared.store().transact(&statements)? {
        Transaction::Committed => {
            Ok(json!({ "order": sql::load_order(shared.store(), order_no)? }).to_string())
        }
        Transaction::Refused(_) => Err(apply::contended_order(order_no)),
    }
}

/// A fact that the host learned otherwise: a line of a bill, or what a person saw at the provider. It takes effect like any other, once.
pub(super) fn report(shared: &Shared, mut given: Given) -> Result<String> {
    let source = match given.required_text("source")?.as_str() {
        "bill" => Source::Bill,
        "host" => Source::Host,
        _ => return Err(given.error("source", "must be \"bill\" or \"host\"")),
    };
    let order_no = given.required_text("order_no")?;
    let account = given.text("account")?;
    let transaction_id = given.required_text("transaction_id")?;
    let amount = given.amount("amount")?;
    let currency = given.text("currency")?;
    let merchant = given.text("merchant")?;
    let application = given.text("application")?;
    let paid_ms = given.integer("paid_ms", 0..=i64::MAX)?;
    given.finish()?;
    let account = match account {
        Some(name) => shared.account(&name).map(|_| name)?,
        None => load(shared, &order_no)?.account,
    };
    let fact = Fact::Payment(PaymentFact {
        order_no: order_no.clone(),
        state: PaymentState::Paid,
        provider_state: source.name().to_owned(),
        transaction_id: Some(transaction_id),
        amount: Some(amount),
        currency: Some(currency.unwrap_or_else(|| "CNY".into())),
        merchant,
        sub_merchant: None,
        application,
        paid_ms,
    });
    let told = Told {
        account: &account,
        source,
        fact: &fact,
    };
    let (_, order) = apply::tell(shared, told)?;
    Ok(sql::json(&json!({ "order": order })))
}

/// How much is where, for dashboards.
pub(super) fn stats(shared: &Shared, given: Given) -> Result<String> {
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let count = |sql: &str, values: Vec<Value>| -> Result<i64> {
        Ok(sql::single(shared.store(), &statement(sql.to_owned(), values, None))?.unwrap_or(0))
    };
    let queue = |table: &str| -> Result<Json> {
        Ok(json!({
            "waiting": count(&format!("SELECT COUNT(*) FROM {table} WHERE state = 0"), vec![])?,
            "due": count(&format!("SELECT COUNT(*) FROM {table} WHERE state = 0 AND due_ms <= ?"), vec![now_ms.into()])?,
            "dead": count(&format!("SELECT COUNT(*) FROM {table} WHERE state = 2"), vec![])?,
        }))
    };
    let rows = shared.store().rows(&statement(
        "SELECT state, COUNT(*) FROM payseal_orders GROUP BY state",
        [],
        None,
    ))?;
    let mut orders = serde_json::Map::new();
    for row in rows {
        let mut row = Columns(row.into_iter());
        orders.insert(row.text()?, row.integer()?.into());
    }
    Ok(json!({
        "orders": orders,
        "inbox": queue("payseal_inbox")?,
        "outbox": queue("payseal_outbox")?,
        "exceptions": count("SELECT COUNT(*) FROM payseal_exceptions WHERE resolved_ms IS NULL", vec![])?,
    })
    .to_string())
}
