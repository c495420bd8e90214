//! What SQLite's failures mean.

use rusqlite::{ErrorCode, ffi};

use crate::error::{Code, Error, Outcome};

/// Of a statement whose transaction was not committed: nothing is written.
pub fn failure(error: &rusqlite::Error) -> Error {
    let (code, advice) = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            Code::StoreFull,
            "the disk of the store's file is full; make room, nothing was written",
        ),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => (Code::StoreReadOnly, READ_ONLY),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
            Code::StoreLocked,
            "another process writes to the store's file for longer than was waited for; nothing was written, try again",
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => (
            Code::StoreSchema,
            "the store's file is not a database, or is damaged; restore it from a backup, or name another file",
        ),
        Some(
            ErrorCode::CannotOpen
            | ErrorCode::SystemIoFailure
            | ErrorCode::FileLockingProtocolFailed,
        ) => (
            Code::StoreUnavailable,
            "the store's file cannot be opened, read or written; look at the disk and the rights, nothing was written",
        ),
        _ => (Code::StoreFailed, "SQLite failed; nothing was written"),
    };
    told(code, advice, error)
}

const READ_ONLY: &str = "the store's file or its folder may only be read; give this user the right to write both, nothing was written";

/// Of a file that was opened, and may only be read.
pub fn read_only() -> Error {
    Error::new(Code::StoreReadOnly, READ_ONLY)
}

/// Of COMMIT itself. What a failed write or sync left in the log may be found there after a crash.
pub fn commit(error: &rusqlite::Error) -> Error {
    let surely_not = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DiskFull | ErrorCode::ReadOnly)
    );
    if surely_not {
        return failure(error);
    }
    told(
        Code::StoreUnavailable,
        "the commit could not be written safely to the disk; it may or may not be there, look before you repeat it",
        error,
    )
    .with_outcome(Outcome::Unknown)
}

/// Of the statements that make the tables.
pub fn migration(error: &rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::Unknown) | None => told(
            Code::StoreSchema,
            "the file has tables of these names that are not payseal's, or they were changed; name another file, nothing was written",
            error,
        ),
        _ => failure(error),
    }
}

fn told(code: Code, advice: &str, error: &rusqlite::Error) -> Error {
    let (name, text) = match error {
        rusqlite::Error::SqliteFailure(failure, text) => (
            failure.extended_code.to_string(),
            text.clone()
                .unwrap_or_else(|| ffi::code_to_str(failure.extended_code).into()),
        ),
        other => (String::new(), other.to_string()),
    };
    Error::new(code, format!("{advice} ({text})")).with("database_code", name)
}
