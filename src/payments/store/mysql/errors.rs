//! What the failures of MySQL, MariaDB and TiDB mean.

use mysql_async::{Error as Driver, IoError};

use super::super::attempt::{Failed, Kind, conflict};
use super::place::Place;
use crate::error::{Code, Error, Outcome};

/// Of what is not committed by the statement that failed.
pub fn failed(error: &Driver) -> Failed {
    let told = match error {
        Driver::Server(told) => told,
        Driver::Driver(mysql_async::DriverError::StmtParamsMismatch { .. }) => {
            return Failed {
                error: Error::new(
                    Code::StoreFailed,
                    format!(
                        "a statement has not as many values as places; nothing was written ({error})"
                    ),
                ),
                kind: Kind::Broken,
            };
        }
        _ => {
            return Failed {
                error: Error::new(
                    Code::StoreUnavailable,
                    format!(
                        "the connection to the database ended; nothing was written, try again ({error})"
                    ),
                ),
                kind: Kind::Gone,
            };
        }
    };
    let text = format!("{}, error {}", told.message, told.code);
    let (kind, code, advice) = match told.code {
        1213 | 1020 | 8002 | 8022 | 9007 => {
            return Failed {
                error: conflict(&text).with("database_code", told.code),
                kind: Kind::Conflict,
            };
        }
        1021 | 1114 => FULL,
        1026 | 1030 if text.contains("28") => FULL, // ENOSPC
        1290 | 1792 | 1836 | 3032 => (
            Kind::Broken, // the next connection may reach the one that took over
            Code::StoreReadOnly,
            "the database may only be read: it is a replica, or told so by `read_only`; nothing was written, connect to the one that is written to",
        ),
        1142 | 1143 | 1227 | 1370 => (
            Kind::Refused,
            Code::StoreReadOnly,
            "the database's user may not do that; give it the right to create, read and write payseal's tables",
        ),
        1205 | 3572 => (
            Kind::Refused,
            Code::StoreLocked,
            "others hold the same rows for longer than was waited for; nothing was written, try again",
        ),
        1049 => (
            Kind::Broken,
            Code::StoreUnavailable,
            "there is no such database; make it, or look at its name at the end of the store's URL",
        ),
        1044 | 1045 | 1698 => (
            Kind::Broken,
            Code::StoreUnavailable,
            "the database does not let this user in; look at user, password and database in the store's URL",
        ),
        1040 | 1203 | 1226 => (
            Kind::Broken,
            Code::StoreUnavailable,
            "the database has no connection left; allow it more, or the store's URL less by `max_connections`",
        ),
        1053 | 1077..=1080 | 1317 | 1927 => (
            Kind::Gone,
            Code::StoreUnavailable,
            "the database ended the statement or the connection; nothing was written, try again",
        ),
        _ => (
            Kind::Refused,
            Code::StoreFailed,
            "the database refused a statement; nothing was written",
        ),
    };
    Failed {
        error: Error::new(code, format!("{advice} ({text})")).with("database_code", told.code),
        kind,
    }
}

const FULL: (Kind, Code, &str) = (
    Kind::Refused,
    Code::StoreFull,
    "the disk of the database is full; make room, nothing was written",
);

/// Of the statement that commits. Only the database can say that it did not.
pub fn failed_to_commit(error: &Driver) -> Failed {
    let failed = failed(error);
    match (failed.kind, error) {
        (Kind::Gone, _) | (Kind::Broken, Driver::Driver(_) | Driver::Io(_) | Driver::Other(_)) => {
            unknown(&error.to_string())
        }
        _ => failed,
    }
}

/// Nobody knows whether what was sent is committed.
pub fn unknown(why: &str) -> Failed {
    Failed {
        error: Error::new(
            Code::StoreUnavailable,
            format!("the connection ended after the commit was sent; it may or may not be done, look before you repeat it ({why})"),
        )
        .with_outcome(Outcome::Unknown),
        kind: Kind::Broken,
    }
}

/// Of a connection that was never made.
pub fn not_connected(error: &Driver, place: &Place) -> Error {
    match error {
        Driver::Server(_) => failed(error).error,
        Driver::Io(IoError::Io(error)) => not_reached(error, place),
        _ => not_reached(error, place),
    }
}

pub fn not_reached(error: &dyn std::fmt::Display, place: &Place) -> Error {
    Error::new(
        Code::StoreUnavailable,
        format!(
            "no connection to the database at {place}: {error}; look at host, port and TLS in the store's URL, and whether the server runs and is a MySQL server"
        ),
    )
}
