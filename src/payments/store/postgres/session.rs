//! One connection, with the statements it has prepared.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::result::Result as Either;
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Runtime;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls};

use super::super::attempt::{Failed, Kind};
use super::super::{Row, Statement, Transaction, event_loop};
use super::encrypted::Encrypt;
use super::errors::{failed, failed_to_commit, not_connected, unknown};
use super::place::Place;
use super::placeholders::numbered;
use crate::error::{Code, Error, Result};

/// What is waited for an answer beyond the time in which the server gives up by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Statements that one connection keeps prepared. The library has fewer; a host's own may differ each time.
const PREPARED: usize = 256;

pub struct Session {
    runtime: Runtime,
    client: Client,
    prepared: HashMap<String, tokio_postgres::Statement>,
    patience: Duration,
}

type Parameters<'a> = Vec<&'a (dyn ToSql + Sync)>;

impl Session {
    pub fn connect(place: &Place) -> Result<Session> {
        let runtime = event_loop::new()?;
        let time = place.waits.connect_timeout;
        let unreachable = |error: std::io::Error| {
            Error::new(
                Code::StoreUnavailable,
                format!(
                    "no connection to the database at {}:{}: {error}; look at host and port in the store's URL, and whether the server runs",
                    place.server.host, place.port
                ),
            )
        };
        let client = match place.socket() {
            Some(path) => {
                let stream = UnixStream::connect(path)
                    .and_then(|stream| stream.set_nonblocking(true).map(|()| stream))
                    .map_err(unreachable)?;
                let _inside = runtime.enter();
                let stream = tokio::net::UnixStream::from_std(stream).map_err(unreachable)?;
                begin(&runtime, place, stream, None)?
            }
            None => {
                let (stream, address) = event_loop::connect(&place.server.host, place.port, time)
                    .map_err(unreachable)?;
                let _inside = runtime.enter();
                let stream = tokio::net::TcpStream::from_std(stream).map_err(unreachable)?;
                begin(&runtime, place, stream, Some(address))?
            }
        };
        let mut session = Session {
            runtime,
            client,
            prepared: HashMap::new(),
            patience: place.waits.statement_timeout + GRACE,
        };
        session.set_up(place)?;
        Ok(session)
    }

    /// Bounds every wait on the side of the server, and makes commits durable where a default says otherwise.
    fn set_up(&mut self, place: &Place) -> Result<()> {
        let waits = format!(
            "SET lock_timeout = {}; SET statement_timeout = {}",
            place.waits.lock_timeout.as_millis(),
            place.waits.statement_timeout.as_millis(),
        );
        self.batch(&waits).map_err(|failed| failed.error)?;
        // Compiling a claim takes longer than running it. CockroachDB has no such setting.
        let _ = self.batch("SET jit = off");
        let durable = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";
        self.batch(durable).map_err(|failed| failed.error)
    }

    /// False if the server is known to have ended the connection.
    pub fn is_alive(&mut self) -> bool {
        self.runtime.block_on(async {
            for _ in 0..2 {
                tokio::task::yield_now().await; // sees what the socket has meanwhile
            }
        });
        !self.client.is_closed()
    }

    /// Statements without values, which commit nothing.
    pub fn batch(&self, sql: &str) -> Either<(), Failed> {
        self.wait(self.client.batch_execute(sql), failed, late)
    }

    pub fn commit(&self) -> Either<(), Failed> {
        self.wait(
            self.client.batch_execute("COMMIT"),
            failed_to_commit,
            || unknown("no answer in time"),
        )
    }

    /// A query that writes nothing.
    pub fn rows(&mut self, query: &Statement) -> Either<Vec<Row>, Failed> {
        let statement = self.prepare(&query.sql)?;
        let found = self.wait(
            self.client.query(&statement, &parameters(query)),
            failed,
            late,
        )?;
        read(&found)
    }

    /// One statement that writes, and is its own transaction.
    pub fn write(
        &mut self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Either<Vec<tokio_postgres::Row>, Failed> {
        let statement = self.prepare(sql)?;
        self.wait(
            self.client.query(&statement, values),
            failed_to_commit,
            || unknown("no answer in time"),
        )
    }

    /// One round trip for everything up to the counts, one for what follows from them.
    pub fn transact(&mut self, statements: &[Statement]) -> Either<Transaction, Failed> {
        self.prepare_all(statements.iter().map(|statement| &*statement.sql))
            .map_err(|(place, failed)| failed.at(place))?;
        let client = &self.client;
        let running = statements.iter().map(|statement| {
            let prepared = self.prepared[&*statement.sql].clone();
            async move { client.execute(&prepared, &parameters(statement)).await }
        });
        let begin = client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        let all = event_loop::both(begin, event_loop::all(running));
        let Some((begun, counts)) = event_loop::wait(&self.runtime, self.patience, all) else {
            return Err(late());
        };
        if let Err(error) = begun {
            // What followed was sent already, and each was its own transaction.
            return Err(match counts.iter().any(|count| count.is_ok()) {
                true => unknown("BEGIN failed, and what followed it did not"),
                false => failed(&error),
            });
        }
        for (place, (statement, count)) in statements.iter().zip(counts).enumerate() {
            match count {
                Err(error) => {
                    let failed = failed(&error).at(place);
                    if matches!(failed.kind, Kind::Conflict | Kind::Refused) {
                        self.batch("ROLLBACK")?;
                    }
                    return Err(failed);
                }
                Ok(count) if statement.changes.is_some_and(|expected| expected != count) => {
                    self.batch("ROLLBACK")?;
                    return Ok(Transaction::Refused(place));
                }
                Ok(_) => {}
            }
        }
        self.commit().map(|()| Transaction::Committed)
    }

    fn prepare(&mut self, sql: &str) -> Either<tokio_postgres::Statement, Failed> {
        self.prepare_all(std::iter::once(sql))
            .map_err(|(_, failed)| failed)?;
        Ok(self.prepared[sql].clone())
    }

    /// In one round trip, if one is needed. A failure comes with the place of its statement.
    fn prepare_all<'a>(
        &mut self,
        sql: impl Iterator<Item = &'a str> + Clone,
    ) -> Either<(), (usize, Failed)> {
        let mut new: Vec<&str> = sql
            .clone()
            .filter(|sql| !self.prepared.contains_key(*sql))
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        if self.prepared.len() + new.len() > PREPARED {
            self.prepared.clear();
            new = sql.clone().collect();
        }
        new.sort_unstable();
        new.dedup();
        let numbered: Vec<String> = new.iter().map(|sql| numbered(sql)).collect();
        let preparing = event_loop::all(numbered.iter().map(|sql| self.client.prepare(sql)));
        let Some(prepared) = event_loop::wait(&self.runtime, self.patience, preparing) else {
            return Err((0, late()));
        };
        for (text, statement) in new.into_iter().zip(prepared) {
            let statement = statement.map_err(|error| {
                let place = sql.clone().position(|sql| sql == text).unwrap_or_default();
                (place, failed(&error))
            })?;
            self.prepared.insert(text.to_owned(), statement);
        }
        Ok(())
    }

    fn wait<T>(
        &self,
        future: impl Future<Output = Either<T, tokio_postgres::Error>>,
        meaning: fn(&tokio_postgres::Error) -> Failed,
        late: fn() -> Failed,
    ) -> Either<T, Failed> {
        match event_loop::wait(&self.runtime, self.patience, future) {
            Some(result) => result.map_err(|error| meaning(&error)),
            None => Err(late()),
        }
    }
}

/// Says who we are over a stream that is connected, encrypted where it must be.
fn begin<S>(runtime: &Runtime, place: &Place, stream: S, address: Option<IpAddr>) -> Result<Client>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut config = Config::new();
    config
        .user(&place.server.user)
        .dbname(&place.server.database)
        .application_name(&place.application);
    if let Some(password) = &place.server.password {
        config.password(password.as_bytes());
    }
    if let Some(options) = &place.options {
        config.options(options);
    }
    let time = place.waits.connect_timeout;
    let result = if place.mode.encrypts(address) {
        let name = ServerName::try_from(place.server.host.clone()).map_err(|_| {
            super::super::url::invalid(
                "the host in the store's URL is no name that a certificate can have",
            )
        })?;
        let encrypt = Encrypt {
            configuration: place.tls.clone(),
            name,
        };
        config.ssl_mode(SslMode::Require);
        event_loop::wait(runtime, time, config.connect_raw(stream, encrypt)).map(|connected| {
            connected.map(|(client, connection)| {
                runtime.spawn(connection);
                client
            })
        })
    } else {
        config.ssl_mode(SslMode::Disable);
        event_loop::wait(runtime, time, config.connect_raw(stream, NoTls)).map(|connected| {
            connected.map(|(client, connection)| {
                runtime.spawn(connection);
                client
            })
        })
    };
    match result {
        Some(connected) => connected.map_err(|error| not_connected(&error)),
        None => Err(Error::new(
            Code::StoreUnavailable,
            "the database accepted the connection, but said nothing in time; look whether it is overloaded",
        )),
    }
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

fn parameters(statement: &Statement) -> Parameters<'_> {
    statement
        .values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

pub fn read(rows: &[tokio_postgres::Row]) -> Either<Vec<Row>, Failed> {
    rows.iter()
        .map(|row| {
            (0..row.len())
                .map(|place| row.try_get(place).map_err(|error| failed(&error)))
                .collect()
        })
        .collect()
}
