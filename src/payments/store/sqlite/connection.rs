//! Connections that keep what they commit.
//!
//! A commit is frames at the end of the log and one sync of it, by fdatasync. That is enough: it flushes what is needed to read the frames again,
//! the log's length among it, and a frame counts only if its checksum is right. What fsync would write besides is the time of the change.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::errors::{failure, read_only};
use super::place::Place;
use crate::error::{Code, Error, Result};

/// What a new file is divided into: three notifications of 2.4 KB fill a page, where one would leave much of a smaller page empty.
const PAGE_BYTES: i64 = 8192;

/// A log larger than this is cut when it has been copied into the file.
const LOG_BYTES: i64 = 64 << 20;

pub fn writer(place: &Place) -> Result<Connection> {
    let connection = open(place)?;
    connection
        .pragma_update(None, "page_size", PAGE_BYTES) // of a file that has pages it changes nothing
        .map_err(|error| failure(&error))?;
    let mode: String = until_free(place, || {
        connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
    })?;
    if mode != "wal" {
        return Err(Error::new(
            Code::StoreFailed,
            format!(
                "the file cannot have a write-ahead log, SQLite stays with `{mode}`; put it on a local disk"
            ),
        ));
    }
    set(&connection, "synchronous", 2)?; // FULL: synced at each commit
    set(&connection, "fullfsync", 1)?; // macOS: through the disk's cache
    set(&connection, "checkpoint_fullfsync", 1)?;
    set(&connection, "journal_size_limit", LOG_BYTES)?;
    keep_what_is_found(&connection, place)?;
    Ok(connection)
}

/// After a crash SQLite finds commits in the log that were written and never synced, and shows them like all others: what is known by them, such as
/// that an event is a repetition, might be gone after the next crash. So they are copied into the file, which syncs both. Where others have the
/// file open nothing of that kind is found, and as much is copied as is free.
fn keep_what_is_found(connection: &Connection, place: &Place) -> Result<()> {
    let until = Instant::now() + place.lock_timeout;
    loop {
        let others_copy: i64 = until_free(place, || {
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(0))
        })?;
        if others_copy == 0 || Instant::now() >= until {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn reader(place: &Place) -> Result<Connection> {
    let connection = open(place)?;
    set(&connection, "query_only", 1)?;
    Ok(connection)
}

fn open(place: &Place) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(&place.path, flags).map_err(|error| failure(&error))?;
    // What may only be read is opened for that, and only the first that writes would be told.
    if connection
        .is_readonly(rusqlite::MAIN_DB)
        .map_err(|error| failure(&error))?
    {
        return Err(read_only());
    }
    connection
        .busy_timeout(place.lock_timeout)
        .map_err(|error| failure(&error))?;
    connection.set_prepared_statement_cache_capacity(128);
    set(&connection, "trusted_schema", 0)?;
    Ok(connection)
}

/// Sets a value and sees that it is set: SQLite ignores what it does not know.
fn set(connection: &Connection, name: &str, value: i64) -> Result<()> {
    let is: i64 = connection
        .execute_batch(&format!("PRAGMA {name} = {value}"))
        .and_then(|()| connection.query_row(&format!("PRAGMA {name}"), (), |row| row.get(0)))
        .map_err(|error| failure(&error))?;
    if value == is {
        return Ok(());
    }
    Err(Error::new(
        Code::StoreFailed,
        format!(
            "SQLite has `{name}` at {is} where it must be {value}; build payseal with the SQLite it brings"
        ),
    ))
}

/// SQLite waits by itself for others, but not where several processes make a file's log at once.
fn until_free<T>(place: &Place, mut attempt: impl FnMut() -> rusqlite::Result<T>) -> Result<T> {
    let until = Instant::now() + place.lock_timeout;
    loop {
        match attempt() {
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && Instant::now() < until =>
            {
                std::thread::sleep(Duration::from_millis(2));
            }
            result => return result.map_err(|error| failure(&error)),
        }
    }
}
