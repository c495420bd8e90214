//! PostgreSQL, in the SQL that CockroachDB and YugabyteDB also run.

mod encrypted;
mod errors;
mod place;
mod placeholders;
mod schema;
mod session;
mod values;

use std::collections::HashSet;
use std::result::Result as Either;
use std::sync::Arc;

use tokio_postgres::types::ToSql;

use super::attempt::{self, Failed};
use super::pool::Pool;
use super::url::Url;
use super::{Dialect, NewEvent, Queue, Row, Statement, Store, Transaction, Value};
use crate::error::Result;
use crate::process::PerProcess;
use errors::failed;
use place::Place;
use session::Session;

pub(super) struct Postgres {
    place: Arc<Place>,
    sessions: PerProcess<Pool<Session>>,
    store_id: String,
}

pub(super) fn open(url: &Url) -> Result<Postgres> {
    let place = Arc::new(Place::of(url)?);
    let store_id = schema::migrate(&mut Session::connect(&place)?, place.waits.lock_timeout)?;
    let (most, wait) = (place.connections, place.waits.lock_timeout);
    Ok(Postgres {
        place,
        sessions: PerProcess::new(move || Pool::new(most, wait)),
        store_id,
    })
}

impl Postgres {
    fn run<T>(&self, work: impl FnMut(&mut Session) -> Either<T, Failed>) -> Result<T> {
        let connect = || Session::connect(&self.place);
        attempt::run(&self.sessions.get(), Session::is_alive, connect, work)
    }
}

impl Store for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn store_id(&self) -> &str {
        &self.store_id
    }

    fn rows(&self, query: &Statement) -> Result<Vec<Row>> {
        self.run(|session| session.rows(query))
    }

    fn transact(&self, statements: &[Statement]) -> Result<Transaction> {
        if statements.is_empty() {
            return Ok(Transaction::Committed);
        }
        self.run(|session| session.transact(statements))
    }

    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let columns = Columns::of(events);
        let new = self.run(|session| {
            session
                .write(INSERT_EVENTS, &columns.parameters())?
                .iter()
                .map(|row| row.try_get::<_, Vec<u8>>(0).map_err(|error| failed(&error)))
                .collect::<Either<HashSet<_>, _>>()
        });
        // Of two with the same key the first one was inserted.
        let mut new = new?;
        Ok(events
            .iter()
            .map(|event| new.remove(&event.event_key[..]))
            .collect())
    }

    fn claim(
        &self,
        queue: Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Row>> {
        let table = queue.table();
        let sql = format!(
            "WITH due AS (SELECT id AS due_id, due_ms AS was_due FROM {table} WHERE state = 0 AND due_ms <= ? ORDER BY due_ms, id LIMIT ? \
             FOR UPDATE SKIP LOCKED) \
             UPDATE {table} SET attempts = attempts + 1, due_ms = ? FROM due WHERE id = due_id RETURNING {columns}, was_due"
        );
        let values: [&(dyn ToSql + Sync); 3] = [&now_ms, &i64::from(most), &until_ms];
        let mut rows = self.run(|session| session::read(&session.write(&sql, &values)?))?;
        let place = |row: &Row| match (row.last(), row.first()) {
            (Some(Value::Integer(due)), Some(Value::Integer(id))) => (*due, *id),
            _ => (i64::MAX, i64::MAX),
        };
        rows.sort_unstable_by_key(place); // what an UPDATE returns is in no order
        for row in &mut rows {
            row.pop();
        }
        Ok(rows)
    }
}

const INSERT_EVENTS: &str = "INSERT INTO payseal_inbox (event_key, account, kind, order_no, source, headers, body, envelope, plaintext, fact, \
    received_ms, state, due_ms, attempts) \
    SELECT k, a, t, o, s, h, b, e, p, f, r, 0, r, 0 \
    FROM unnest(?::BYTEA[], ?::TEXT[], ?::TEXT[], ?::TEXT[], ?::TEXT[], ?::TEXT[], ?::BYTEA[], ?::TEXT[], ?::BYTEA[], ?::TEXT[], ?::BIGINT[]) \
    AS new (k, a, t, o, s, h, b, e, p, f, r) \
    ON CONFLICT DO NOTHING RETURNING event_key";

/// Events as PostgreSQL takes many: an array a column.
#[derive(Default)]
struct Columns<'a> {
    bytes: [Vec<&'a [u8]>; 3],
    texts: [Vec<&'a str>; 6],
    facts: Vec<Option<&'a str>>,
    received: Vec<i64>,
}

impl<'a> Columns<'a> {
    fn of(events: &'a [NewEvent]) -> Self {
        let mut columns = Columns::default();
        for event in events {
            let bytes = [&event.event_key[..], &event.body, &event.plaintext];
            let texts = [
                event.account.as_str(),
                &event.kind,
                &event.order_no,
                event.source,
                &event.headers,
                &event.envelope,
            ];
            columns
                .bytes
                .iter_mut()
                .zip(bytes)
                .for_each(|(column, value)| column.push(value));
            columns
                .texts
                .iter_mut()
                .zip(texts)
                .for_each(|(column, value)| column.push(value));
            columns.facts.push(event.fact.as_deref());
            columns.received.push(event.received_ms);
        }
        columns
    }

    /// In the order of the statement.
    fn parameters(&self) -> [&(dyn ToSql + Sync); 11] {
        let [key, body, plaintext] = &self.bytes;
        let [account, kind, order_no, source, headers, envelope] = &self.texts;
        [
            key,
            account,
            kind,
            order_no,
            source,
            headers,
            body,
            envelope,
            plaintext,
            &self.facts,
            &self.received,
        ]
    }
}
