//! Work out of the inbox and messages out of the outbox: claimed under a lease.

use serde_json::value::RawValue;
use serde_json::{Value as Json, json};

use crate::crypto::base64;
use crate::error::{Error, Result};

use super::Shared;
use super::apply::{Ledger, Told, has_taken_effect};
use super::commit::Together;
use super::dead::bury;
use super::event::{self, Stated};
use super::given::Given;
use super::order::Columns;
use super::queue::{self, Held, MOST, named};
use super::settle::Topic;
use super::sql;
use super::store::{Queue, Row, Value};

/// Callers that claim work of one queue at the same time.
pub(super) type Claimers = Together<u32, Vec<Row>>;

/// What is read of a message.
const MESSAGE: &str = "id, attempts, budget, topic, order_no, payload, created_ms";

pub(super) fn claim(shared: &Shared, mut given: Given) -> Result<String> {
    let queue = named(&mut given)?;
    let most = given.integer("most", 1..=MOST)?.unwrap_or(1) as u32;
    let lease_ms = queue::lease(shared, &mut given)?;
    given.finish()?;
    let now_ms = shared.now_ms()?;
    let columns = match queue {
        Queue::Inbox => event::COLUMNS,
        Queue::Outbox => MESSAGE,
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
                    stated = Some(event::read_stated(account.clone(), &source, fact.get())?);
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
