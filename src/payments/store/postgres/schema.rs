//! Making and changing the tables, also when ten processes start at once.

use std::time::{Duration, Instant};

use super::super::attempt::{Failed, Kind};
use super::super::{Dialect, Row, Statement, Value, schema};
use super::session::Session;
use crate::error::{Code, Result};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS payseal_schema (only_row BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL, store_id TEXT NOT NULL)";
const READ: &str = "SELECT version, store_id FROM payseal_schema WHERE only_row = 1";

/// The id of the database, whose tables are then those that this version knows.
pub fn migrate(session: &mut Session, time: Duration) -> Result<String> {
    if let Ok(Some((version, id))) = read(session, READ)
        && schema::lacking(Dialect::Postgres, version)?.is_empty()
    {
        return Ok(id);
    }
    let until = Instant::now() + time;
    make_lock(session, until)?;
    loop {
        match migrate_locked(session) {
            Ok(id) => return Ok(id),
            Err(Failed { error, kind }) => {
                session.batch("ROLLBACK").map_err(|failed| failed.error)?;
                if kind != Kind::Conflict || Instant::now() > until {
                    return Err(error);
                }
            }
        }
    }
}

/// The row that is the lock. Those who make its table at once fail in several ways, and succeed the next time.
fn make_lock(session: &mut Session, until: Instant) -> Result<()> {
    loop {
        let Err(failed) = session.batch(TABLE) else {
            break;
        };
        let again = failed.kind == Kind::Conflict || failed.error.code() == Code::StoreFailed;
        if !again || Instant::now() > until {
            return Err(failed.error);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = schema::new_store_id()?;
    session
        .batch(&format!(
            "INSERT INTO payseal_schema (only_row, version, store_id) VALUES (1, 0, '{id}') ON CONFLICT DO NOTHING"
        ))
        .map_err(|failed| failed.error)
}

fn migrate_locked(session: &mut Session) -> std::result::Result<String, Failed> {
    // CockroachDB would commit before each change of a table; others have no such setting.
    let _ = session.batch("SET autocommit_before_ddl = off");
    session.batch("BEGIN")?;
    let (version, id) = read(session, &format!("{READ} FOR UPDATE"))?.ok_or_else(strange)?;
    let refuse = |error| Failed {
        error,
        kind: Kind::Refused,
    };
    let lacking = schema::lacking(Dialect::Postgres, version).map_err(refuse)?;
    for migration in lacking {
        session.batch(migration)?;
    }
    for probe in schema::PROBES {
        session
            .batch(probe)
            .map_err(|failed| match failed.error.code() {
                Code::StoreFailed => strange(),
                _ => failed,
            })?;
    }
    let now = version + lacking.len() as i64;
    session.batch(&format!(
        "UPDATE payseal_schema SET version = {now} WHERE only_row = 1"
    ))?;
    session.commit()?;
    Ok(id)
}

fn read(session: &mut Session, sql: &str) -> std::result::Result<Option<(i64, String)>, Failed> {
    let query = Statement {
        sql: sql.to_owned().into(),
        values: Vec::new(),
        changes: None,
    };
    let found: Option<Row> = session.rows(&query)?.into_iter().next();
    match found.as_deref() {
        None => Ok(None),
        Some([Value::Integer(version), Value::Text(id)]) => Ok(Some((*version, id.clone()))),
        Some(_) => Err(strange()),
    }
}

fn strange() -> Failed {
    Failed {
        error: schema::strange(),
        kind: Kind::Refused,
    }
}
