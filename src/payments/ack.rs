//! Work that is done: ended by whoever still holds it, and with it happens what its facts do.

use serde_json::{Value as Json, json};

use crate::crypto::base64;
use crate::error::Result;

use super::Shared;
use super::also;
use super::apply::{self, Ledger, Told};
use super::commit::{Together, is_the_stores};
use super::event::{self, Stated};
use super::given::Given;
use super::order::Columns;
use super::queue::{Held, MOST, held, held_still, named};
use super::sql::{self, Source, statement};
use super::store::{Dialect, Ended, Queue, Row, Statement, Transaction, Value};

/// Callers that end work of one queue at the same time: one piece each, and of each whether its lease had run out.
pub(super) type Enders = Together<Held, Result<bool>>;

/// How often an ending is decided anew when somebody else got on with one of its orders.
const DECISIONS: usize = 8;

/// Ends work that is done. What its facts do is written in the same transaction, and with it statements of the service's own.
pub(super) fn ack(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let also = also::read(&mut given)?;
    let Some(parts) = given.parts("work")? else {
        let one = held(&mut given)?;
        given.finish()?;
        let is_lost = match also.is_empty() {
            true => shared
                .commit
                .get()
                .line(queue)
                .ends
                .ask(one, |all| end_together(shared, queue, all))??,
            false => !finish(shared, queue, vec![one], &also)?.is_empty(),
        };
        return match is_lost {
            false => Ok(json!({ "lost": [] }).to_string()),
            true => held_still(Transaction::Refused(0)).map(|()| String::new()),
        };
    };
    let mut all = Vec::with_capacity(parts.len());
    for mut part in parts {
        all.push(held(&mut part)?);
        part.finish()?;
    }
    if all.len() as i64 > MOST {
        return Err(given.error("work", &format!("has more than {MOST} items")));
    }
    // Whose lease is lost is left out, and statements for it would be carried out all the same.
    if all.len() > 1 && !also.is_empty() {
        return Err(given.error("also", "belongs to one piece of work"));
    }
    given.finish()?;
    let lost = finish(shared, queue, all, &also)?;
    let lost: Vec<Json> = lost
        .into_iter()
        .map(|(id, token)| json!({ "id": id, "token": token }))
        .collect();
    Ok(json!({ "lost": lost }).to_string())
}

/// Ends what several callers end at the same time; of each, whether its lease had run out. Where one cannot be ended, the others are ended without it.
fn end_together(shared: &Shared, queue: Queue, all: &[Held]) -> Result<Vec<Result<bool>>> {
    match finish(shared, queue, all.to_vec(), &[]) {
        Ok(lost) => Ok(all.iter().map(|held| Ok(lost.contains(held))).collect()),
        Err(error) if all.len() == 1 || is_the_stores(&error) => Err(error),
        Err(_) => {
            let end = |held: &Held| Ok(!finish(shared, queue, vec![*held], &[])?.is_empty());
            Ok(all.iter().map(end).collect())
        }
    }
}

/// Ends all work whose lease still holds; the rest comes back.
fn finish(
    shared: &Shared,
    queue: Queue,
    mut all: Vec<Held>,
    also: &[Statement],
) -> Result<Vec<Held>> {
    all.sort_unstable();
    all.dedup();
    let mut lost = Vec::new();
    for _ in 0..DECISIONS {
        if all.is_empty() {
            return Ok(lost);
        }
        let now_ms = shared.now_ms()?;
        // Where nothing takes effect with it, some databases end it in one statement.
        let at_once = match also.is_empty() {
            true => shared.store().end(queue, &all, now_ms)?,
            false => None,
        };
        let facts = match (at_once, queue) {
            (Some(Ended::Now(ended)), _) => {
                lost.extend(all.into_iter().filter(|held| !ended.contains(held)));
                return Ok(lost);
            }
            (Some(Ended::Stating(rows)), _) => rows.into_iter().map(read).collect::<Result<_>>()?,
            (None, Queue::Inbox) => facts(shared, &all)?,
            (None, Queue::Outbox) => Vec::new(),
        };
        let mut statements = vec![sql::finish(queue, &all, now_ms)];
        decide(shared, &facts, now_ms, &mut statements)?;
        let ours = statements.len();
        statements.extend_from_slice(also);
        let transacted = shared.store().transact(&statements);
        match transacted.map_err(|error| also::named(error, ours))? {
            Transaction::Committed => return Ok(lost),
            Transaction::Refused(0) => {
                let holding = holding(shared, queue, &all)?;
                lost.extend(all.iter().copied().filter(|held| !holding.contains(held)));
                all = holding;
            }
            Transaction::Refused(place) if place >= ours => {
                return Err(also::miscounted(place - ours));
            }
            Transaction::Refused(_) => {}
        }
    }
    Err(apply::contended("an order of the work"))
}

fn decide(
    shared: &Shared,
    facts: &[Stated],
    now_ms: i64,
    statements: &mut Vec<Statement>,
) -> Result<()> {
    if facts.is_empty() {
        return Ok(());
    }
    let mut ledger = Ledger::load(shared, facts.iter().map(|(_, _, fact)| fact))?;
    for (account, source, fact) in facts {
        let told = Told {
            account,
            source: *source,
            fact,
        };
        ledger.apply(shared, told, now_ms, statements)?;
    }
    Ok(())
}

/// What takes effect when these events are acknowledged: what notifications said. The rest has taken effect when it was told, and may be out of
/// date by now.
fn facts(shared: &Shared, all: &[Held]) -> Result<Vec<Stated>> {
    let sql = format!(
        "SELECT account, source, fact FROM payseal_inbox WHERE source = '{}' AND fact IS NOT NULL AND id IN ({}) ORDER BY id",
        Source::Notification.name(),
        sql::places(all.len())
    );
    let ids: Vec<Value> = all.iter().map(|(id, _)| Value::Integer(*id)).collect();
    let rows = shared.store().rows(&statement(sql, ids, None))?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Stated> {
    let mut row = Columns(row.into_iter());
    event::read_stated(row.text()?, &row.text()?, &row.text()?)
}

/// Those whose lease holds.
fn holding(shared: &Shared, queue: Queue, all: &[Held]) -> Result<Vec<Held>> {
    let sql = format!(
        "SELECT id, attempts FROM {} WHERE state < 1 AND id IN ({})",
        queue.table(),
        sql::places(all.len())
    );
    let ids: Vec<Value> = all.iter().map(|(id, _)| Value::Integer(*id)).collect();
    let rows = shared.store().rows(&statement(sql, ids, None))?;
    let mut holding = Vec::with_capacity(rows.len());
    for row in rows {
        let mut row = Columns(row.into_iter());
        let held = (row.integer()?, row.integer()?);
        if all.contains(&held) {
            holding.push(held);
        }
    }
    Ok(holding)
}

/// What `ack` would run, for the host to run in a transaction of its own on the same database, together with rows of its own. Each statement has
/// to change exactly `changes` rows where that is given; otherwise the host rolls back, and somebody else has the work. SQLite's file must not be
/// opened by a second library in the same process, so there this is for another process; `ack` with `also` is for all.
pub(super) fn ack_statements(shared: &Shared, mut given: Given) -> Result<String> {
    let held = held(&mut given)?;
    let style = given.text("placeholders")?;
    let dialect = shared.store().dialect();
    let style = match style.as_deref() {
        None if dialect == Dialect::Postgres => "$1",
        None => "?",
        Some(style @ ("?" | "$1" | "%s")) => style,
        Some(_) => return Err(given.error("placeholders", "must be \"?\", \"$1\" or \"%s\"")),
    };
    let style = style.to_owned();
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let facts = facts(shared, &[held])?;
    let mut statements = vec![sql::finish(Queue::Inbox, &[held], now_ms)];
    decide(shared, &facts, now_ms, &mut statements)?;
    let written: Vec<Json> = statements
        .iter()
        .map(|statement| written(statement, &style))
        .collect();
    Ok(json!({ "statements": written }).to_string())
}

fn written(statement: &Statement, style: &str) -> Json {
    let mut sql = String::with_capacity(statement.sql.len() + 32);
    let mut number = 0;
    for part in statement.sql.split_inclusive('?') {
        match part.strip_suffix('?') {
            None => sql.push_str(part),
            Some(text) => {
                number += 1;
                sql.push_str(text);
                match style {
                    "$1" => sql.push_str(&format!("${number}")),
                    style => sql.push_str(style),
                }
            }
        }
    }
    let value = |value: &Value| match value {
        Value::Null => Json::Null,
        Value::Integer(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => base64::encode(bytes).into(),
    };
    let values: Vec<Json> = statement.values.iter().map(value).collect();
    json!({ "sql": sql, "values": values, "changes": statement.changes })
}
