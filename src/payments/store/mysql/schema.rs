//! Making and changing the tables, also when ten processes start at once.

use std::result::Result as Either;
use std::time::Duration;

use super::super::attempt::{Failed, Kind};
use super::super::{Dialect, Value, schema};
use super::session::Session;
use crate::error::{Code, Error, Result};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS payseal_schema (only_row BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, store_id VARCHAR(32) NOT NULL) \
    ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_bin";
const READ: &str = "SELECT version, store_id FROM payseal_schema WHERE only_row = 1";

/// Held by who migrates. A row cannot be it: each change of a table commits.
const LOCK: &str = "CONCAT('payseal ', LEFT(DATABASE(), 48))";

/// The id of the database, whose tables are then those that this version knows.
pub fn migrate(session: &mut Session, time: Duration) -> Result<String> {
    if let Ok(Some((version, id))) = read(session)
        && schema::lacking(Dialect::Mysql, version)?.is_empty()
    {
        return Ok(id);
    }
    let result = lock(session, time).and_then(|()| migrate_locked(session));
    // Also given back when the connection ends, as it does after most failures.
    let _ = session.command(&format!("DO RELEASE_LOCK({LOCK})"));
    result.map_err(|failed| failed.error)
}

fn lock(session: &mut Session, time: Duration) -> Either<(), Failed> {
    let seconds = time.as_millis().div_ceil(1000);
    let got = session.run(&format!("SELECT GET_LOCK({LOCK}, {seconds})"), &[])?;
    match got.rows.first().map(|row| &row[..]) {
        Some([Value::Integer(1)]) => Ok(()),
        _ => Err(refused(Error::new(
            Code::StoreLocked,
            "another process makes or changes payseal's tables for longer than was waited for; nothing was done, try again",
        ))),
    }
}

/// What was begun and not ended by a process that died is done again: each statement makes only what is not there.
fn migrate_locked(session: &mut Session) -> Either<String, Failed> {
    session.command(TABLE)?;
    let id = schema::new_store_id().map_err(refused)?;
    session.command(&format!(
        "INSERT INTO payseal_schema (only_row, version, store_id) VALUES (1, 0, '{id}') ON DUPLICATE KEY UPDATE only_row = only_row"
    ))?;
    let (version, id) = read(session)?.ok_or_else(|| refused(schema::strange()))?;
    let lacking = schema::lacking(Dialect::Mysql, version).map_err(refused)?;
    for statement in lacking.iter().flat_map(|migration| migration.split(";\n")) {
        if !statement.trim().is_empty() {
            session.command(statement)?;
        }
    }
    for probe in schema::PROBES {
        session
            .run(probe, &[])
            .map_err(|failed| match failed.error.code() {
                Code::StoreFailed => refused(schema::strange()),
                _ => failed,
            })?;
    }
    let now = version + lacking.len() as i64;
    session.command(&format!(
        "UPDATE payseal_schema SET version = {now} WHERE only_row = 1"
    ))?;
    Ok(id)
}

fn read(session: &mut Session) -> Either<Option<(i64, String)>, Failed> {
    match session.run(READ, &[])?.rows.first().map(|row| &row[..]) {
        None => Ok(None),
        Some([Value::Integer(version), Value::Text(id)]) => Ok(Some((*version, id.clone()))),
        Some(_) => Err(refused(schema::strange())),
    }
}

fn refused(error: Error) -> Failed {
    Failed {
        error,
        kind: Kind::Refused,
    }
}
