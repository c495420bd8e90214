//! One connection, with the statements it has prepared.

use std::result::Result as Either;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Params};
use tokio::runtime::Runtime;

use super::super::attempt::{Failed, Kind};
use super::super::{Row, Statement, Transaction, Value, event_loop};
use super::errors::{failed, failed_to_commit, not_connected, not_reached, unknown};
use super::place::Place;
use super::values;
use crate::error::{Code, Error, Result};

/// A connection that nobody has used for so long is asked whether it is still there.
const FRESH: Duration = Duration::from_millis(200);

pub struct Session {
    runtime: Runtime,
    connection: Conn,
    patience: Duration,
    used: Instant,
}

/// What a statement did.
pub struct Done {
    pub rows: Vec<Row>,
    /// Rows that were found by an UPDATE or a DELETE, or are new by an INSERT.
    pub changes: u64,
}

impl Session {
    pub fn connect(place: &Place) -> Result<Session> {
        let addresses = match place.is_socket() {
            true => None,
            false => {
                let found = event_loop::resolve(&place.server.host, place.port)
                    .map_err(|error| not_reached(&error, place))?;
                Some(found.iter().map(|address| address.ip()).collect())
            }
        };
        let runtime = event_loop::new()?;
        let connecting = Conn::new(place.options(addresses));
        let connection = match event_loop::wait(&runtime, place.waits.connect_timeout, connecting) {
            Some(connected) => connected.map_err(|error| not_connected(&error, place))?,
            None => return Err(not_reached(&"it does not answer in time", place)),
        };
        let mut session = Session {
            runtime,
            connection,
            // A statement waits for locks, and works.
            patience: place.waits.lock_timeout + place.waits.statement_timeout,
            used: Instant::now(),
        };
        session.set_up(place).map_err(|failed| failed.error)?;
        Ok(session)
    }

    /// Whatever the server's defaults are: values that do not fit are refused, and waits end.
    fn set_up(&mut self, place: &Place) -> Either<(), Failed> {
        let seconds = place.waits.lock_timeout.as_millis().div_ceil(1000);
        self.command(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1",
        )?;
        self.command("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")?;
        self.command(&format!(
            "SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
        ))
    }

    /// False if the server ended the connection.
    pub fn is_alive(&mut self) -> bool {
        if self.used.elapsed() < FRESH {
            return true;
        }
        let ping = event_loop::wait(&self.runtime, self.patience, self.connection.ping());
        matches!(ping, Some(Ok(())))
    }

    /// A statement without values, which commits nothing.
    pub fn command(&mut self, sql: &str) -> Either<(), Failed> {
        match self.wait(async |connection| connection.query_drop(sql).await) {
            Some(done) => done.map_err(|error| failed(&error)),
            None => Err(late()),
        }
    }

    pub fn commit(&mut self) -> Either<(), Failed> {
        match self.wait(async |connection| connection.query_drop("COMMIT").await) {
            Some(done) => done.map_err(|error| failed_to_commit(&error)),
            None => Err(unknown("no answer in time")),
        }
    }

    /// A statement whose effect is committed later, or which has none.
    pub fn run(&mut self, sql: &str, values: &[Value]) -> Either<Done, Failed> {
        match self.execute(sql, values.iter().map(values::to_driver).collect()) {
            Some(done) => done.map_err(|error| failed(&error))?,
            None => Err(late()),
        }
    }

    /// A statement that is its own transaction.
    pub fn write(&mut self, sql: &str, values: &[Value]) -> Either<Done, Failed> {
        match self.execute(sql, values.iter().map(values::to_driver).collect()) {
            Some(done) => done.map_err(|error| failed_to_commit(&error))?,
            None => Err(unknown("no answer in time")),
        }
    }

    /// A statement inside of a transaction, with the values of the driver.
    pub fn run_raw(&mut self, sql: &str, values: Vec<mysql_async::Value>) -> Either<Done, Failed> {
        match self.execute(sql, values) {
            Some(done) => done.map_err(|error| failed(&error))?,
            None => Err(late()),
        }
    }

    pub fn transact(&mut self, statements: &[Statement]) -> Either<Transaction, Failed> {
        self.transaction(|session| {
            for (place, statement) in statements.iter().enumerate() {
                let done = session
                    .run(&statement.sql, &statement.values)
                    .map_err(|failed| failed.at(place))?;
                if statement
                    .changes
                    .is_some_and(|expected| expected != done.changes)
                {
                    return Ok((false, Transaction::Refused(place)));
                }
            }
            Ok((true, Transaction::Committed))
        })
    }

    /// Commits if `work` says so, otherwise nothing has happened.
    pub fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Session) -> Either<(bool, T), Failed>,
    ) -> Either<T, Failed> {
        self.command("START TRANSACTION")?;
        match work(self) {
            Ok((true, value)) => self.commit().map(|()| value),
            Ok((false, value)) => self.command("ROLLBACK").map(|()| value),
            Err(failed) => {
                if matches!(failed.kind, Kind::Conflict | Kind::Refused) {
                    self.command("ROLLBACK")?;
                }
                Err(failed)
            }
        }
    }

    fn execute(
        &mut self,
        sql: &str,
        values: Vec<mysql_async::Value>,
    ) -> Option<mysql_async::Result<Either<Done, Failed>>> {
        let values = match values.is_empty() {
            true => Params::Empty,
            false => Params::Positional(values),
        };
        self.wait(async |connection| {
            let mut result = connection.exec_iter(sql, values).await?;
            let rows: Vec<mysql_async::Row> = result.collect().await?;
            let changes = matched(&result.info()).unwrap_or(result.affected_rows());
            drop(result);
            let rows = rows
                .into_iter()
                .map(values::from_driver)
                .collect::<Either<_, _>>();
            Ok(rows.map(|rows| Done { rows, changes }))
        })
    }

    fn wait<T>(&mut self, work: impl AsyncFnOnce(&mut Conn) -> T) -> Option<T> {
        self.used = Instant::now();
        event_loop::wait(&self.runtime, self.patience, work(&mut self.connection))
    }
}

/// The server counts what an UPDATE changed, and tells beside it what it found.
fn matched(information: &str) -> Option<u64> {
    let rest = information.strip_prefix("Rows matched: ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What was not answered, and commits nothing.
fn late() -> Failed {
    Failed {
        error: Error::new(
            Code::StoreUnavailable,
            "the database did not answer in time; nothing was written, try again",
        ),
        kind: Kind::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::matched;

    #[test]
    fn rows_that_were_found_are_counted() {
        assert_eq!(
            matched("Rows matched: 40  Changed: 3  Warnings: 0"),
            Some(40)
        );
        assert_eq!(matched("Records: 3  Duplicates: 0  Warnings: 0"), None);
        assert_eq!(matched(""), None);
    }
}
