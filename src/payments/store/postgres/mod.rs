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
use super::{Dialect, Ended, NewEvent, Queue, Row, Statement, Store, Transaction, Value};
use crate::error::Result;
use crate::process::PerProcess;
use errors::failed;
use place::Place;
use session::Session;

/// Claims of up to so many rows have a statement, and so a plan, each.
const PLANNED: u32 = 64;

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
        // A limit that is a value makes PostgreSQL plan anew each time: what it would plan for all limits looks dear to it.
        let (limit, count) = match most <= PLANNED {
            true => (most.to_string(), None),
            false => ("?".to_owned(), Some(i64::from(most))),
        };
        let sql = format!(
            "WITH due AS (SELECT id AS due_id, due_ms AS was_due FROM {table} WHERE state = 0 AND due_ms <= ? ORDER BY due_ms, id LIMIT {limit} \
             FOR UPDATE SKIP LOCKED) \
             UPDATE {table} SET attempts = attempts + 1, due_ms = ? FROM due WHERE id = due_id RETURNING {columns}, was_due"
        );
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&now_ms];
        values.extend(count.as_ref().map(|count| count as &(dyn ToSql + Sync)));
        values.push(&until_ms);
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

    fn end(&self, queue: Queue, work: &[(i64, i64)], now_ms: i64) -> Result<Option<Ended>> {
        let (ids, tokens): (Vec<i64>, Vec<i64>) = work.iter().copied().unzip();
        let values: [&(dyn ToSql + Sync); 3] = [&ids, &tokens, &now_ms];
        let sql = match queue {
            Queue::Inbox => END_EVENTS,
            Queue::Outbox => END_MESSAGES,
        };
        let rows = self.run(|session| session::read(&session.write(sql, &values)?))?;
        let mut ended = Vec::new();
        let mut stating = Vec::new();
        for mut row in rows {
            let fact = row.split_off(2);
            match (&row[..], fact.last()) {
                (&[Value::Integer(id), Value::Integer(token)], None | Some(Value::Null)) => {
                    ended.push((id, token));
                }
                _ => stating.push(fact),
            }
        }
        Ok(Some(match stating.is_empty() {
            true => Ended::Now(ended),
            false => Ended::Stating(stating),
        }))
    }
}

/// Ends events if with none of them a fact takes effect, and otherwise tells the facts.
const END_EVENTS: &str = "WITH held AS (SELECT held_id, token FROM unnest(?::BIGINT[], ?::BIGINT[]) AS held (held_id, token)), \
    stated AS (SELECT id, account, source, fact FROM payseal_inbox JOIN held ON id = held_id \
    WHERE source = 'notification' AND fact IS NOT NULL), \
    ended AS (UPDATE payseal_inbox SET state = 1, ended_ms = ? FROM held WHERE id = held_id AND attempts = token AND state < 1 \
    AND NOT EXISTS (SELECT 1 FROM stated) RETURNING id, attempts) \
    SELECT id, attempts, NULL::TEXT AS account, NULL::TEXT AS source, NULL::TEXT AS fact FROM ended \
    UNION ALL SELECT id, 0, account, source, fact FROM stated ORDER BY id";

const END_MESSAGES: &str = "WITH held AS (SELECT held_id, token FROM unnest(?::BIGINT[], ?::BIGINT[]) AS held (held_id, token)) \
    UPDATE payseal_outbox SET state = 1, ended_ms = ? FROM held WHERE id = held_id AND attempts = token AND state < 1 RETURNING id, attempts";

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
