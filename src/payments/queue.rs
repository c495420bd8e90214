//! What claiming and ending work have in common.
//!
//! A claim hides its rows until the lease ends and counts the attempt. That count is the fencing token: whoever comes back after his lease ran
//! out, and after somebody else has claimed the row, holds an older one and changes nothing.

use serde_json::json;

use crate::error::{Code, Error, Result};

use super::Shared;
use super::given::Given;
use super::sql::{HELD, statement};
use super::store::{Queue, Transaction};

/// How much is claimed or ended at once.
pub(super) const MOST: i64 = 1_000;

/// A piece of work and the token under which it was claimed.
pub(super) type Held = (i64, i64);

pub(super) fn named(given: &mut Given) -> Result<Queue> {
    match given.text("queue")?.as_deref() {
        None | Some("inbox") => Ok(Queue::Inbox),
        Some("outbox") => Ok(Queue::Outbox),
        Some(_) => Err(given.error("queue", "must be \"inbox\" or \"outbox\"")),
    }
}

pub(super) fn held(given: &mut Given) -> Result<Held> {
    Ok((
        given.required_integer("id", 1..=i64::MAX)?,
        given.required_integer("token", 1..=i64::MAX)?,
    ))
}

pub(super) fn lease(shared: &Shared, given: &mut Given) -> Result<i64> {
    let lease = given.integer("lease_ms", 100..=86_400_000)?;
    Ok(lease.unwrap_or(shared.settings.lease_ms))
}

pub(super) fn extend(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let (id, token) = held(&mut given)?;
    let lease_ms = lease(shared, &mut given)?;
    given.finish()?;
    let until_ms = shared.now_ms()? + lease_ms;
    let sql = format!("UPDATE {} SET due_ms = ? WHERE {HELD}", queue.table());
    let extended = statement(sql, [until_ms.into(), id.into(), token.into()], Some(1));
    held_still(shared.store().transact(&[extended])?)?;
    Ok(json!({ "lease_until_ms": until_ms }).to_string())
}

pub(super) fn held_still(transaction: Transaction) -> Result<()> {
    match transaction {
        Transaction::Committed => Ok(()),
        Transaction::Refused(_) => Err(Error::new(
            Code::LeaseLost,
            "the lease has run out and the work was claimed anew, or it was ended before; nothing was changed",
        )
        .with_field("token")),
    }
}
