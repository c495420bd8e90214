//! Work out of the inbox and messages out of the outbox: claimed under a lease, ended by whoever still holds it.
//!
//! A claim hides its rows until the lease ends and counts the attempt. That count is the fencing token: whoever comes back after his lease ran
//! out, and after somebody else has claimed the row, holds an older one and changes nothing.

use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::crypto::base64;
use crate::error::{Code, Error, Result};
use crate::face::Fact;
use crate::host::Level;
use crate::observe::Record;

use super::Shared;
use super::apply::{Ledger, Told, has_taken_effect};
use super::commit::{Together, is_the_stores};
use super::given::Given;
use super::order::Columns;
use super::settle::Topic;
use super::sql::{self, Source, statement};
use super::store::{Dialect, Queue, Row, Statement, Transaction, Value};

/// How much is claimed or ended at once.
const MOST: i64 = 1_000;
/// How often an ending is decided anew when somebody else got on with one of its orders.
const DECISIONS: usize = 8;
const INBOX: &str =
    "id, attempts, budget, account, kind, order_no, source, envelope, plaintext, fact, received_ms";
const OUTBOX: &str = "id, attempts, budget, topic, order_no, payload, created_ms";

/// A piece of work and the token under which it was claimed.
type Held = (i64, i64);

pub(super) fn named(given: &mut Given) -> Result<Queue> {
    match given.text("queue")?.as_deref() {
        None | Some("inbox") => Ok(Queue::Inbox),
        Some("outbox") => Ok(Queue::Outbox),
        Some(_) => Err(given.error("queue", "must be \"inbox\" or \"outbox\"")),
    }
}

pub(super) fn claim(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let most = given.integer("most", 1..=MOST)?.unwrap_or(1) as u32;
    let lease_ms = lease(shared, &mut given)?;
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let columns = match queue {
        Queue::Inbox => INBOX,
        Queue::Outbox => OUTBOX,
    };
    let mut claimed = Vec::new();
    let mut dead = Vec::new();
    for row in take(shared, queue, columns, most, now_ms, lease_ms)? {
        let mut row = Columns(row.into_iter());
        let held = (row.integer()?, row.integer()?);
        match Claimed::read(shared, queue, held, row, now_ms + lease_ms) {
            // It was claimed that often and never ended: whoever takes it does not live to tell.
            Ok(one) if one.is_exhausted => {
                let times = held.1 - 1;
                dead.push((
                    held,
                    format!("it was claimed {times} times, and nobody ended it"),
                ));
            }
            Ok(one) => claimed.push(one),
            Err(error) => dead.push((held, unreadable(&error))),
        }
    }
    let facts = claimed
        .iter()
        .filter_map(|one| Some(&one.stated.as_ref()?.2));
    let ledger = Ledger::load(shared, facts)?;
    let mut work = Vec::with_capacity(claimed.len());
    for one in claimed {
        let held = one.held;
        match one.foreseen(shared, &ledger, now_ms) {
            Ok(json) => work.push(json),
            Err(error) => dead.push((held, unreadable(&error))),
        }
    }
    for (held, reason) in dead {
        // What cannot be buried now comes back when its lease ends. It keeps nothing else from being worked on.
        let _ = bury(shared, queue, held, &reason, now_ms);
    }
    let name = match queue {
        Queue::Inbox => "events",
        Queue::Outbox => "messages",
    };
    Ok(sql::json(&json!({ name: work })))
}

/// Callers that want work at the same time claim together; each gets the oldest that are left, and at most as much as it asked for.
fn take(
    shared: &Shared,
    queue: Queue,
    columns: &'static str,
    most: u32,
    now_ms: i64,
    lease_ms: i64,
) -> Result<Vec<Row>> {
    let claim = |most| {
        shared
            .store()
            .claim(queue, columns, most, now_ms, now_ms + lease_ms)
    };
    if lease_ms != shared.settings.lease_ms {
        return claim(most);
    }
    shared.commit.get().line(queue).claims.ask(most, |wanted| {
        let mut rows = claim(wanted.iter().sum())?.into_iter();
        Ok(wanted
            .iter()
            .map(|most| rows.by_ref().take(*most as usize).collect())
            .collect())
    })
}

/// The callers that claim or end work of one queue at the same time.
#[derive(Default)]
pub(super) struct Callers {
    claims: Together<u32, Vec<Row>>,
    /// One piece of work each; whether its lease had run out.
    ends: Together<Held, Result<bool>>,
}

fn lease(shared: &Shared, given: &mut Given) -> Result<i64> {
    let lease = given.integer("lease_ms", 100..=86_400_000)?;
    Ok(lease.unwrap_or(shared.settings.lease_ms))
}

/// Why nobody is given what nobody could compare.
fn unreadable(error: &Error) -> String {
    format!(
        "it cannot be read: {}; if a newer version wrote it, upgrade and redrive it",
        error.message()
    )
}

struct Claimed {
    held: Held,
    is_exhausted: bool,
    stated: Option<Stated>,
    json: Json,
}

impl Claimed {
    /// `row` without its first columns, which are `held`.
    fn read(
        shared: &Shared,
        queue: Queue,
        held: Held,
        mut row: Columns<impl Iterator<Item = Value>>,
        until_ms: i64,
    ) -> Result<Claimed> {
        let budget = row
            .integer_or_null()?
            .unwrap_or(shared.settings.max_attempts);
        let mut stated = None;
        let json = match queue {
            Queue::Inbox => {
                let (account, kind, order_no, source) =
                    (row.text()?, row.text()?, row.text()?, row.text()?);
                let envelope = row.json::<Box<RawValue>>()?;
                let resource = resource(&row.bytes()?);
                let fact = row.json_or_null()?;
                if let Some(fact) = &fact {
                    stated = Some(read_stated(account.clone(), &source, fact.get())?);
                }
                json!({
                    "id": held.0,
                    "token": held.1,
                    "account": account,
                    "kind": kind,
                    "order_no": order_no,
                    "source": source,
                    "envelope": envelope,
                    "resource": resource,
                    "fact": fact,
                    "exception": null,
                    "order": null,
                    "received_ms": row.integer()?,
                    "lease_until_ms": until_ms,
                })
            }
            Queue::Outbox => json!({
                "id": held.0,
                "token": held.1,
                "message_id": format!("{}-{}", shared.store().store_id(), held.0),
                "topic": row.text()?,
                "order_no": row.text()?,
                "payload": row.text()?,
                "created_ms": row.integer()?,
                "lease_until_ms": until_ms,
            }),
        };
        Ok(Claimed {
            held,
            is_exhausted: held.1 > budget,
            stated,
            json,
        })
    }

    /// Says of an event what its fact does to its order, as far as is known now, so that nobody takes for paid what is an exception.
    fn foreseen(self, shared: &Shared, ledger: &Ledger, now_ms: i64) -> Result<Json> {
        let mut event = self.json;
        let Some((account, source, fact)) = self.stated else {
            return Ok(event);
        };
        let told = Told {
            account: &account,
            source,
            fact: &fact,
        };
        let (doubt, order) = ledger.foresee(shared, told, now_ms)?;
        let raised = Topic::ExceptionRaised.name();
        // What took effect when it was told has its kind by that, whatever was doubted of the fact before.
        let doubt = doubt.filter(|_| !has_taken_effect(source) || event["kind"] == raised);
        if let Some(doubt) = doubt {
            event["kind"] = raised.into();
            event["exception"] = doubt.into();
        }
        event["order"] = serde_json::to_value(&order).unwrap_or_default();
        Ok(event)
    }
}

/// The decrypted resource as a text, which JSON is; what is no text is base64 with a prefix that no JSON has.
fn resource(plaintext: &[u8]) -> Json {
    match std::str::from_utf8(plaintext) {
        Ok("") => Json::Null,
        Ok(text) => text.into(),
        Err(_) => format!("base64:{}", base64::encode(plaintext)).into(),
    }
}

fn held(given: &mut Given) -> Result<Held> {
    Ok((
        given.required_integer("id", 1..=i64::MAX)?,
        given.required_integer("token", 1..=i64::MAX)?,
    ))
}

pub(super) fn extend(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let (id, token) = held(&mut given)?;
    let lease_ms = lease(shared, &mut given)?;
    given.finish()?;
    let until_ms = shared.now_ms()? + lease_ms;
    let sql = format!(
        "UPDATE {} SET due_ms = ? WHERE id = ? AND attempts = ? AND state = 0",
        queue.table()
    );
    let extended = statement(sql, [until_ms.into(), id.into(), token.into()], Some(1));
    held_still(shared.store().transact(&[extended])?)?;
    Ok(json!({ "lease_until_ms": until_ms }).to_string())
}

fn held_still(transaction: Transaction) -> Result<()> {
    match transaction {
        Transaction::Committed => Ok(()),
        Transaction::Refused(_) => Err(Error::new(
            Code::LeaseLost,
            "the lease has run out and the work was claimed anew, or it was ended before; nothing was changed",
        )
        .with_field("token")),
    }
}

/// Ends work that is done. What its facts do is written in the same transaction, and with it statements of the service's own.
pub(super) fn ack(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let also = own_statements(&mut given)?;
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
fn end_together(shared: &Shared, queue: Queue, all: Vec<Held>) -> Result<Vec<Result<bool>>> {
    match finish(shared, queue, all.clone(), &[]) {
        Ok(lost) => Ok(all.iter().map(|held| Ok(lost.contains(held))).collect()),
        Err(error) if all.len() == 1 || is_the_stores(&error) => Err(error),
        Err(_) => {
            let end = |held: Held| Ok(!finish(shared, queue, vec![held], &[])?.is_empty());
            Ok(all.into_iter().map(end).collect())
        }
    }
}

/// What the service wants written in the same transaction: `{"sql", "values", "changes"}` each, with `?` for the values.
fn own_statements(given: &mut Given) -> Result<Vec<Statement>> {
    let mut also = Vec::new();
    for mut part in given.parts("also")?.unwrap_or_default() {
        let sql = part.required_text("sql")?;
        // A statement that changes the schema would commit what stands before it, in MySQL.
        let verb = sql
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        if !["INSERT", "UPDATE", "DELETE"].contains(&verb.as_str()) {
            return Err(part.error("sql", "must be an INSERT, UPDATE or DELETE"));
        }
        let values = part.values("values")?;
        let changes = part.integer("changes", 0..=i64::MAX)?;
        part.finish()?;
        also.push(statement(
            sql,
            values,
            changes.map(|changes| changes as u64),
        ));
    }
    Ok(also)
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
        let facts = match queue {
            Queue::Inbox => facts(shared, &all)?,
            Queue::Outbox => Vec::new(),
        };
        let mut statements = vec![sql::finish(queue, &all, now_ms)];
        decide(shared, &facts, now_ms, &mut statements)?;
        let ours = statements.len();
        statements.extend_from_slice(also);
        match shared.store().transact(&statements)? {
            Transaction::Committed => return Ok(lost),
            Transaction::Refused(0) => {
                let holding = holding(shared, queue, &all)?;
                lost.extend(all.iter().copied().filter(|held| !holding.contains(held)));
                all = holding;
            }
            Transaction::Refused(place) if place >= ours => {
                let place = place - ours;
                return Err(Error::new(
                    Code::OrderState,
                    format!("also[{place}] changed another number of rows than it must; nothing was written, and the work is still claimed"),
                )
                .with_field(format!("also[{place}].changes")));
            }
            Transaction::Refused(_) => {}
        }
    }
    Err(super::apply::contended("of the work"))
}

/// The facts that the work states: account, source and fact.
type Stated = (String, Source, Fact);

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

fn read_stated(account: String, source: &str, fact: &str) -> Result<Stated> {
    let foreign = |what: String| Error::new(Code::StoreFailed, what);
    let source = Source::named(source)
        .ok_or_else(|| foreign(format!("the source of an event, {source:?}, is not known")))?;
    let fact = serde_json::from_str(fact)
        .map_err(|error| foreign(format!("the fact of an event is not understood: {error}")))?;
    Ok((account, source, fact))
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
    let read = |row: Row| {
        let mut row = Columns(row.into_iter());
        read_stated(row.text()?, &row.text()?, &row.text()?)
    };
    rows.into_iter().map(read).collect()
}

/// Those whose lease holds.
fn holding(shared: &Shared, queue: Queue, all: &[Held]) -> Result<Vec<Held>> {
    let sql = format!(
        "SELECT id, attempts FROM {} WHERE state = 0 AND id IN ({})",
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

/// Gives work back, to be claimed again after a while: the given time, or a random one that grows with the attempts. After too many it is dead.
pub(super) fn nack(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let (id, token) = held(&mut given)?;
    let delay_ms = given.integer("delay_ms", 0..=2_592_000_000)?;
    let reason = given.text("reason")?;
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let sql = format!("SELECT budget FROM {} WHERE id = ?", queue.table());
    let budget = sql::single(shared.store(), &statement(sql, [id.into()], None))?;
    if token >= budget.unwrap_or(shared.settings.max_attempts) {
        let reason = reason.unwrap_or_else(|| format!("it failed {token} times"));
        bury(shared, queue, (id, token), &reason, now_ms)?;
        return Ok(json!({ "dead": true }).to_string());
    }
    let due_ms =
        now_ms + delay_ms.map_or_else(|| shared.settings.backoff_ms(token, &shared.host), Ok)?;
    let sql = format!(
        "UPDATE {} SET due_ms = ?, reason = ? WHERE id = ? AND attempts = ? AND state = 0",
        queue.table()
    );
    let given_back = statement(
        sql,
        [due_ms.into(), short(reason).into(), id.into(), token.into()],
        Some(1),
    );
    held_still(shared.store().transact(&[given_back])?)?;
    Ok(json!({ "dead": false, "due_ms": due_ms }).to_string())
}

pub(super) fn dead(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let held = held(&mut given)?;
    let reason = given.required_text("reason")?;
    given.finish()?;
    bury(shared, queue, held, &reason, shared.now_ms()?)?;
    Ok(json!({ "dead": true }).to_string())
}

fn bury(shared: &Shared, queue: Queue, (id, token): Held, reason: &str, now_ms: i64) -> Result<()> {
    let sql = format!(
        "UPDATE {} SET state = 2, ended_ms = ?, reason = ? WHERE id = ? AND attempts = ? AND state = 0",
        queue.table()
    );
    let buried = statement(
        sql,
        [
            now_ms.into(),
            short(Some(reason.to_owned())).into(),
            id.into(),
            token.into(),
        ],
        Some(1),
    );
    held_still(shared.store().transact(&[buried])?)?;
    Record::new(&shared.host, Level::Warn, "work.dead")
        .with("queue", queue.name())
        .with("id", id)
        .with("reason", reason)
        .write();
    Ok(())
}

/// A reason that a person reads; what is longer says no more.
fn short(reason: Option<String>) -> Option<String> {
    reason.map(|reason| reason.chars().take(1_000).collect())
}

/// Dead work comes back to life, with as many attempts as it had at first. Without ids, all of it.
pub(super) fn redrive(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let ids = given.integers("ids")?;
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let ids = match ids {
        Some(ids) => ids,
        None => {
            let sql = format!(
                "SELECT id FROM {} WHERE state = 2 ORDER BY id LIMIT {MOST}",
                queue.table()
            );
            let rows = shared.store().rows(&statement(sql, [], None))?;
            rows.into_iter()
                .map(|row| Columns(row.into_iter()).integer())
                .collect::<Result<_>>()?
        }
    };
    let mut redriven = 0;
    for id in ids {
        // The token goes on counting: whoever claimed it before it died must not find his own again.
        let sql = format!(
            "UPDATE {} SET state = 0, due_ms = ?, ended_ms = NULL, budget = attempts + ? WHERE id = ? AND state = 2",
            queue.table()
        );
        let values = [
            now_ms.into(),
            shared.settings.max_attempts.into(),
            id.into(),
        ];
        let revived = shared
            .store()
            .transact(&[statement(sql, values, Some(1))])?;
        redriven += i64::from(revived == Transaction::Committed);
    }
    Ok(json!({ "redriven": redriven }).to_string())
}

/// Dead work, newest first.
pub(super) fn dead_letters(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let most = given.integer("most", 1..=MOST)?.unwrap_or(100);
    given.finish()?;
    let kind = match queue {
        Queue::Inbox => "kind",
        Queue::Outbox => "topic",
    };
    let sql = format!(
        "SELECT id, {kind}, order_no, attempts, ended_ms, reason FROM {} WHERE state = 2 ORDER BY id DESC LIMIT {most}",
        queue.table()
    );
    let read = |row: Row| {
        let mut row = Columns(row.into_iter());
        Ok(json!({
            "id": row.integer()?,
            "kind": row.shown()?,
            "order_no": row.shown()?,
            "attempts": row.integer()?,
            "ended_ms": row.integer_or_null()?,
            "reason": row.shown()?,
        }))
    };
    let rows = shared.store().rows(&statement(sql, [], None))?;
    let dead: Vec<Json> = rows.into_iter().map(read).collect::<Result<_>>()?;
    Ok(json!({ "dead": dead }).to_string())
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
