//! What PostgreSQL's failures mean.

use super::super::attempt::{Failed, Kind, conflict};
use crate::error::{Code, Error, Outcome};

/// Of what is not committed by the statement that failed.
pub fn failed(error: &tokio_postgres::Error) -> Failed {
    let Some(told) = error.as_db_error() else {
        return match error.is_closed()
            || std::error::Error::source(error).is_some_and(|cause| cause.is::<std::io::Error>())
        {
            true => Failed {
                error: gone(error),
                kind: Kind::Gone,
            },
            // A value that does not fit its column: found before anything is sent, or after everything was read.
            false => Failed {
                error: Error::new(
                    Code::StoreFailed,
                    format!(
                        "the database and payseal do not understand each other; nothing was written: {}",
                        causes(error)
                    ),
                ),
                kind: Kind::Broken,
            },
        };
    };
    let state = told.code();
    let text = format!("{}, SQLSTATE {}", told.message(), state.code());
    let refused = |code, advice: &str| Failed {
        error: Error::new(code, format!("{advice} ({text})")).with("database_code", state.code()),
        kind: Kind::Refused,
    };
    let broken = |code, advice: &str| Failed {
        kind: Kind::Broken,
        ..refused(code, advice)
    };
    match state.code() {
        "40001" | "40P01" | "CR000" => Failed {
            error: conflict(&text).with("database_code", state.code()),
            kind: Kind::Conflict,
        },
        "53100" => refused(
            Code::StoreFull,
            "the disk of the database is full; make room, nothing was written",
        ),
        // The next connection may reach the one that took over.
        "25006" => broken(
            Code::StoreReadOnly,
            "the database may only be read: it is a standby, or told so by `default_transaction_read_only`; nothing was written, connect to the one that is written to",
        ),
        // What this connection has prepared is of tables that were changed since, or was prepared by another behind a pooler.
        "0A000" | "26000" => broken(
            Code::StoreFailed,
            "the database knows the statement no more; nothing was written, try again",
        ),
        "42501" => refused(
            Code::StoreReadOnly,
            "the database's user may not do that; give it the right to create, read and write payseal's tables",
        ),
        "55P03" => refused(
            Code::StoreLocked,
            "others hold the same rows for longer than was waited for; nothing was written, try again",
        ),
        "57014" => refused(
            Code::StoreLocked,
            "the database took longer than `statement_timeout_ms`; nothing was written, try again",
        ),
        "3D000" => refused(
            Code::StoreUnavailable,
            "there is no such database; make it, or look at its name at the end of the store's URL",
        ),
        "28P01" | "28000" => refused(
            Code::StoreUnavailable,
            "the database does not let this user in; look at user, password and database in the store's URL",
        ),
        "53300" | "53400" => refused(
            Code::StoreUnavailable,
            "the database has no connection left; allow it more, or the store's URL less by `max_connections`",
        ),
        code if code.starts_with("08") || code.starts_with("57P") => Failed {
            error: Error::new(
                Code::StoreUnavailable,
                format!(
                    "the database ended the connection; nothing was written, try again ({text})"
                ),
            )
            .with("database_code", code),
            kind: Kind::Gone,
        },
        code if code.starts_with("53") => refused(
            Code::StoreUnavailable,
            "the database has not enough of something; nothing was written",
        ),
        _ => refused(
            Code::StoreFailed,
            "the database refused a statement; nothing was written",
        ),
    }
}

/// Of the statement that commits. Only the database can say that it did not.
pub fn failed_to_commit(error: &tokio_postgres::Error) -> Failed {
    let failed = failed(error);
    match failed.kind {
        // CockroachDB cannot always say either.
        _ if error.code().is_some_and(|state| state.code() == "40003") => unknown(&causes(error)),
        Kind::Conflict | Kind::Refused => failed,
        Kind::Gone | Kind::Broken => unknown(&causes(error)),
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
pub fn not_connected(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(_) => failed(error).error,
        None => Error::new(
            Code::StoreUnavailable,
            format!(
                "no connection to the database: {}; look at host, port, TLS and the server's log, and whether the server runs",
                causes(error)
            ),
        ),
    }
}

fn gone(error: &tokio_postgres::Error) -> Error {
    Error::new(
        Code::StoreUnavailable,
        format!(
            "the connection to the database ended; nothing was written, try again ({})",
            causes(error)
        ),
    )
}

/// The text of an error and of what it came from. The driver puts no password into them.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
