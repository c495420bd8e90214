//! Work that failed: given back to be claimed again later, and after too many attempts a dead letter, which a person brings back.

use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::host::Level;
use crate::observe::Record;

use super::Shared;
use super::given::Given;
use super::order::Columns;
use super::queue::{Held, MOST, held, held_still, named};
use super::sql::{self, HELD, statement};
use super::store::{Queue, Row, Transaction};

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
        "UPDATE {} SET due_ms = ?, reason = ? WHERE {HELD}",
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

pub(super) fn bury(
    shared: &Shared,
    queue: Queue,
    (id, token): Held,
    reason: &str,
    now_ms: i64,
) -> Result<()> {
    let sql = format!(
        "UPDATE {} SET state = 2, ended_ms = ?, reason = ? WHERE {HELD}",
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
