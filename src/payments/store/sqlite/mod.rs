//! One file, by the SQLite that is compiled in. Several processes may use it at once; one writes at a time.

mod connection;
mod errors;
mod fork;
mod place;

use rusqlite::{CachedStatement, Connection};

use super::pool::Pool;
use super::url::Url;
use super::{
    Arriving, Dialect, FAILED_AT, NewEvent, Queue, Row, Statement, Store, Transaction, Value,
    schema,
};
use crate::error::{Code, Error, Outcome, Result};
use crate::process::PerProcess;
use errors::failure;
use place::Place;

/// Readers of one process. They never wait for the writer.
const READERS: usize = 4;

pub(super) struct Sqlite {
    place: Place,
    connections: PerProcess<Connections>,
    store_id: String,
}

struct Connections {
    writer: Pool<Connection>,
    readers: Pool<Connection>,
}

pub(super) fn open(url: &Url) -> Result<Sqlite> {
    let place = Place::of(url)?;
    fork::separate_processes()?;
    place.create()?;
    let store_id = connection::writer(&place)
        .and_then(|mut connection| migrate(&mut connection))
        .map_err(|error| place.named(error))?;
    let wait = place.lock_timeout;
    Ok(Sqlite {
        place,
        connections: PerProcess::new(move || Connections {
            writer: Pool::new(1, wait),
            readers: Pool::new(READERS, wait),
        }),
        store_id,
    })
}

/// The id of the database, whose tables are then those that this version knows.
fn migrate(connection: &mut Connection) -> Result<String> {
    if let Some((version, id)) = version(connection)?
        && schema::lacking(Dialect::Sqlite, version)?.is_empty()
    {
        return Ok(id);
    }
    write(connection, |connection| {
        let (version, id) = match version(connection)? {
            Some(found) => found,
            None => (0, schema::new_store_id()?),
        };
        for migration in schema::lacking(Dialect::Sqlite, version)? {
            connection
                .execute_batch(migration)
                .map_err(|error| errors::migration(&error))?;
        }
        connection
            .execute_batch("CREATE TABLE IF NOT EXISTS payseal_schema (only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, store_id TEXT NOT NULL) STRICT")
            .map_err(|error| errors::migration(&error))?;
        connection
            .execute(
                "INSERT INTO payseal_schema VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version",
                (schema::migrations(Dialect::Sqlite).len() as i64, &id),
            )
            .map_err(|error| failure(&error))?;
        Ok(Work::Commit(id))
    })
}

fn version(connection: &Connection) -> Result<Option<(i64, String)>> {
    let exists = connection
        .prepare("SELECT 1 FROM sqlite_schema WHERE name = 'payseal_schema'")
        .and_then(|mut query| query.exists(()))
        .map_err(|error| failure(&error))?;
    if !exists {
        return Ok(None);
    }
    connection
        .query_row("SELECT version, store_id FROM payseal_schema", (), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map(Some)
        .map_err(|error| errors::migration(&error))
}

/// What a transaction came to.
enum Work<T> {
    Commit(T),
    RollBack(T),
}

/// Everything that writes goes through here: one transaction, which waits for its turn at its beginning and nowhere else.
fn write<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<Work<T>>,
) -> Result<T> {
    execute(connection, "BEGIN IMMEDIATE").map_err(|error| failure(&error))?;
    match work(connection) {
        Ok(Work::Commit(value)) => {
            execute(connection, "COMMIT").map_err(|error| errors::commit(&error))?;
            Ok(value)
        }
        Ok(Work::RollBack(value)) => {
            execute(connection, "ROLLBACK").map_err(|error| failure(&error))?;
            Ok(value)
        }
        Err(error) => {
            // Some failures have ended it already. A connection that is still inside of it afterwards is not used again.
            let _ = execute(connection, "ROLLBACK");
            Err(error)
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(drop)
}

impl Sqlite {
    /// Lends a connection. After a failure it is thrown away: what a failed write or sync left behind in it is not to be trusted.
    fn lend<T>(
        &self,
        pool: &Pool<Connection>,
        connect: fn(&Place) -> Result<Connection>,
        work: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let mut lease = pool.take()?;
        let mut connection = match lease.idle.take() {
            Some(connection) => connection,
            None => connect(&self.place).map_err(|error| self.place.named(error))?,
        };
        let result = work(&mut connection);
        let sound = match &result {
            Ok(_) => true,
            Err(error) => error.code() == Code::StoreLocked,
        };
        if sound && connection.is_autocommit() {
            lease.give_back(connection);
        }
        result.map_err(|error| self.place.named(error))
    }

    fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<Work<T>>) -> Result<T> {
        let connections = self.connections.get();
        self.lend(&connections.writer, connection::writer, |connection| {
            write(connection, work)
        })
    }
}

impl Store for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn store_id(&self) -> &str {
        &self.store_id
    }

    fn rows(&self, query: &Statement) -> Result<Vec<Row>> {
        let connections = self.connections.get();
        self.lend(&connections.readers, connection::reader, |connection| {
            let mut prepared = bound(connection, &query.sql, &query.values)?;
            rows(&mut prepared)
        })
    }

    fn transact(&self, statements: &[Statement]) -> Result<Transaction> {
        self.write(|connection| {
            for (place, statement) in statements.iter().enumerate() {
                let changed = bound(connection, &statement.sql, &statement.values)
                    .and_then(|mut bound| bound.raw_execute().map_err(|error| failure(&error)))
                    .map_err(|error| error.with(FAILED_AT, place))?;
                if statement
                    .changes
                    .is_some_and(|expected| expected != changed as u64)
                {
                    return Ok(Work::RollBack(Transaction::Refused(place)));
                }
            }
            Ok(Work::Commit(Transaction::Committed))
        })
    }

    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        self.write(|connection| {
            let mut new = Vec::with_capacity(events.len());
            insert_events(connection, events, &mut new)?;
            Ok(Work::Commit(new))
        })
    }

    fn insert_arriving(&self, events: &mut dyn Arriving) -> Result<Vec<bool>> {
        self.write(|connection| {
            let mut new = Vec::new();
            while let Some(events) = events.next() {
                insert_events(connection, events, &mut new)?;
            }
            Ok(Work::Commit(new))
        })
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
        let due = format!(
            "SELECT id FROM {table} WHERE state = 0 AND due_ms <= ? ORDER BY due_ms, id LIMIT ?"
        );
        let take = format!(
            "UPDATE {table} SET attempts = attempts + 1, due_ms = ? WHERE id = ? RETURNING {columns}"
        );
        let now = [Value::Integer(now_ms), Value::Integer(most.into())];
        self.write(|connection| {
            let ids = rows(&mut bound(connection, &due, &now)?)?;
            let mut claimed = Vec::with_capacity(ids.len());
            for id in ids {
                let values = [
                    Value::Integer(until_ms),
                    id.into_iter().next().unwrap_or(Value::Null),
                ];
                claimed.append(&mut rows(&mut bound(connection, &take, &values)?)?);
            }
            Ok(Work::Commit(claimed))
        })
    }
}

const INSERT_EVENT: &str = "INSERT INTO payseal_inbox (event_key, account, kind, order_no, source, headers, body, envelope, plaintext, fact, \
    received_ms, state, due_ms, attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?11, 0) ON CONFLICT DO NOTHING";

/// Adds of each whether it was new.
fn insert_events(connection: &Connection, events: &[NewEvent], new: &mut Vec<bool>) -> Result<()> {
    let mut insert = connection
        .prepare_cached(INSERT_EVENT)
        .map_err(|error| failure(&error))?;
    for event in events {
        new.push(insert_event(&mut insert, event).map_err(|error| failure(&error))?);
    }
    Ok(())
}

fn insert_event(insert: &mut CachedStatement<'_>, event: &NewEvent) -> rusqlite::Result<bool> {
    insert.raw_bind_parameter(1, &event.event_key[..])?;
    insert.raw_bind_parameter(2, &event.account)?;
    insert.raw_bind_parameter(3, &event.kind)?;
    insert.raw_bind_parameter(4, &event.order_no)?;
    insert.raw_bind_parameter(5, event.source)?;
    insert.raw_bind_parameter(6, &event.headers)?;
    insert.raw_bind_parameter(7, &event.body)?;
    insert.raw_bind_parameter(8, &event.envelope)?;
    insert.raw_bind_parameter(9, &event.plaintext)?;
    insert.raw_bind_parameter(10, &event.fact)?;
    insert.raw_bind_parameter(11, event.received_ms)?;
    Ok(insert.raw_execute()? == 1)
}

/// A prepared statement with its values.
fn bound<'a>(
    connection: &'a Connection,
    sql: &str,
    values: &[Value],
) -> Result<CachedStatement<'a>> {
    let bind = || -> rusqlite::Result<_> {
        let mut prepared = connection.prepare_cached(sql)?;
        if prepared.parameter_count() != values.len() {
            return Err(rusqlite::Error::InvalidParameterCount(
                values.len(),
                prepared.parameter_count(),
            ));
        }
        for (place, value) in values.iter().enumerate() {
            match value {
                Value::Null => prepared.raw_bind_parameter(place + 1, rusqlite::types::Null)?,
                Value::Integer(value) => prepared.raw_bind_parameter(place + 1, value)?,
                Value::Text(value) => prepared.raw_bind_parameter(place + 1, value)?,
                Value::Bytes(value) => prepared.raw_bind_parameter(place + 1, value)?,
            }
        }
        Ok(prepared)
    };
    bind().map_err(|error| failure(&error))
}

fn rows(prepared: &mut CachedStatement<'_>) -> Result<Vec<Row>> {
    use rusqlite::types::ValueRef;
    let columns = prepared.column_count();
    let mut rows = Vec::new();
    let mut found = prepared.raw_query();
    while let Some(row) = found.next().map_err(|error| failure(&error))? {
        let value = |place| match row.get_ref(place).map_err(|error| failure(&error))? {
            ValueRef::Null => Ok(Value::Null),
            ValueRef::Integer(value) => Ok(Value::Integer(value)),
            ValueRef::Blob(value) => Ok(Value::Bytes(value.to_vec())),
            ValueRef::Text(value) => Ok(Value::of_text(value.to_vec())),
            ValueRef::Real(_) => Err(fraction()),
        };
        rows.push((0..columns).map(value).collect::<Result<_>>()?);
    }
    Ok(rows)
}

fn fraction() -> Error {
    Error::new(
        Code::StoreFailed,
        "the database holds a fraction where payseal never writes it; look who else writes to its tables",
    )
    .with_outcome(Outcome::NotSent)
}
