//! MySQL 8, MariaDB and TiDB, in the statements that all three execute.

mod errors;
mod place;
mod schema;
mod session;
mod values;

use std::collections::HashSet;
use std::result::Result as Either;
use std::sync::Arc;

use mysql_async::Value as Driver;

use super::attempt::{self, Failed};
use super::pool::Pool;
use super::url::Url;
use super::{Dialect, NewEvent, Queue, Row, Statement, Store, Transaction, Value};
use crate::error::{Code, Error, Result};
use crate::process::PerProcess;
use errors::unknown;
use place::Place;
use session::Session;

/// Events of one statement: a power of two, so that few statements are prepared, at most this.
const ROWS: usize = 64;
/// Bytes of one statement. Servers accept packets of 16 MB and more.
const BYTES: usize = 4 << 20;

pub(super) struct Mysql {
    place: Arc<Place>,
    sessions: PerProcess<Pool<Session>>,
    store_id: String,
}

pub(super) fn open(url: &Url) -> Result<Mysql> {
    let place = Arc::new(Place::of(url)?);
    let store_id = schema::migrate(&mut Session::connect(&place)?, place.waits.lock_timeout)?;
    let (most, wait) = (place.connections, place.waits.lock_timeout);
    Ok(Mysql {
        place,
        sessions: PerProcess::new(move || Pool::new(most, wait)),
        store_id,
    })
}

impl Mysql {
    fn run<T>(&self, work: impl FnMut(&mut Session) -> Either<T, Failed>) -> Result<T> {
        let connect = || Session::connect(&self.place);
        attempt::run(&self.sessions.get(), Session::is_alive, connect, work)
    }
}

impl Store for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn store_id(&self) -> &str {
        &self.store_id
    }

    fn rows(&self, query: &Statement) -> Result<Vec<Row>> {
        self.run(|session| Ok(session.run(&query.sql, &query.values)?.rows))
    }

    fn transact(&self, statements: &[Statement]) -> Result<Transaction> {
        if statements.is_empty() {
            return Ok(Transaction::Committed);
        }
        self.run(|session| session.transact(statements))
    }

    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>> {
        let mut seen = HashSet::new();
        let distinct: Vec<&NewEvent> = events
            .iter()
            .filter(|event| seen.insert(event.event_key))
            .collect();
        if distinct.is_empty() {
            return Ok(Vec::new());
        }
        let mark = mark()?;
        let mut new = self.run(|session| {
            session.transaction(|session| {
                let mut new = HashSet::new();
                for chunk in chunks(&distinct) {
                    insert_chunk(session, chunk, &mark, &mut new)?;
                }
                Ok((true, new))
            })
        })?;
        Ok(events
            .iter()
            .map(|event| new.remove(&event.event_key[..]))
            .collect())
    }

    /// A mark of its own tells which rows this call took: there is no RETURNING and no SKIP LOCKED everywhere.
    fn claim(
        &self,
        queue: Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Row>> {
        let table = queue.table();
        let take = format!(
            "UPDATE {table} SET was_due_ms = due_ms, attempts = attempts + 1, due_ms = ?, claim = ? WHERE state = 0 AND due_ms <= ? \
             ORDER BY due_ms, id LIMIT ?"
        );
        let taken = format!(
            "SELECT {columns} FROM {table} WHERE state = 0 AND due_ms = ? AND claim = ? ORDER BY was_due_ms, id"
        );
        let mark = mark()?;
        self.run(|session| {
            let until = Value::Integer(until_ms);
            let mark = Value::Bytes(mark.clone());
            let values = [
                until,
                mark,
                Value::Integer(now_ms),
                Value::Integer(most.into()),
            ];
            if session.write(&take, &values)?.changes == 0 {
                return Ok(Vec::new());
            }
            let found = session.run(&taken, &values[..2]);
            // They are counted and hidden now, whoever asks.
            found
                .map(|done| done.rows)
                .map_err(|failed| unknown(failed.error.message()))
        })
    }
}

/// Unlike any other.
fn mark() -> Result<Vec<u8>> {
    let mut mark = vec![0; 16];
    getrandom::fill(&mut mark)
        .map_err(|error| Error::new(Code::CallbackFailed, format!("no random bytes: {error}")))?;
    Ok(mark)
}

/// Powers of two of events, none larger than one statement may be.
fn chunks<'a, 'b>(mut events: &'a [&'b NewEvent]) -> Vec<&'a [&'b NewEvent]> {
    let mut chunks = Vec::new();
    while !events.is_empty() {
        let mut rows = 1 << events.len().min(ROWS).ilog2();
        while rows > 1
            && events[..rows]
                .iter()
                .map(|event| size(event))
                .sum::<usize>()
                > BYTES
        {
            rows /= 2;
        }
        let (chunk, rest) = events.split_at(rows);
        chunks.push(chunk);
        events = rest;
    }
    chunks
}

fn size(event: &NewEvent) -> usize {
    event.body.len() + event.plaintext.len() + event.headers.len() + event.envelope.len()
}

/// Adds the keys of those that are new.
fn insert_chunk(
    session: &mut Session,
    chunk: &[&NewEvent],
    mark: &[u8],
    new: &mut HashSet<Vec<u8>>,
) -> Either<(), Failed> {
    let rows = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, ?)"; chunk.len()].join(", ");
    let insert = format!(
        "INSERT INTO payseal_inbox (event_key, account, kind, order_no, source, headers, body, envelope, plaintext, fact, received_ms, state, \
         due_ms, attempts, claim) VALUES {rows} ON DUPLICATE KEY UPDATE id = id"
    );
    let values = chunk.iter().flat_map(|event| values(event, mark)).collect();
    let inserted = session.run_raw(&insert, values)?.changes;
    let keys = || chunk.iter().map(|event| event.event_key.to_vec());
    if inserted == chunk.len() as u64 {
        new.extend(keys());
    } else if inserted > 0 {
        let places = vec!["?"; chunk.len()].join(", ");
        let ours = format!(
            "SELECT event_key FROM payseal_inbox WHERE event_key IN ({places}) AND claim = ?"
        );
        let values = keys().chain([mark.to_vec()]).map(Driver::Bytes).collect();
        for row in session.run_raw(&ours, values)?.rows {
            if let Some(Value::Bytes(key)) = row.into_iter().next() {
                new.insert(key);
            }
        }
    }
    Ok(())
}

fn values(event: &NewEvent, mark: &[u8]) -> [Driver; 13] {
    let bytes = |bytes: &[u8]| Driver::Bytes(bytes.to_vec());
    let received = Driver::Int(event.received_ms);
    [
        bytes(&event.event_key),
        bytes(event.account.as_bytes()),
        bytes(event.kind.as_bytes()),
        bytes(event.order_no.as_bytes()),
        bytes(event.source.as_bytes()),
        bytes(event.headers.as_bytes()),
        bytes(&event.body),
        bytes(event.envelope.as_bytes()),
        bytes(&event.plaintext),
        event
            .fact
            .as_ref()
            .map_or(Driver::NULL, |fact| bytes(fact.as_bytes())),
        received.clone(),
        received,
        bytes(mark),
    ]
}
