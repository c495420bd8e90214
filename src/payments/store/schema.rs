//! The tables by version, for each database.

use super::Dialect;
use crate::error::{Code, Error, Result};

/// What makes a database of one version from the version before it. Never changed once released: a change is another entry.
pub(super) fn migrations(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &[include_str!("migrations/0001.sqlite.sql")],
        Dialect::Postgres => &[],
        Dialect::Mysql => &[],
    }
}

/// The migrations that a database of this version lacks.
pub(super) fn lacking(dialect: Dialect, version: i64) -> Result<&'static [&'static str]> {
    let all = migrations(dialect);
    usize::try_from(version)
        .ok()
        .and_then(|version| all.get(version..))
        .ok_or_else(|| newer(version, all.len()))
}

fn newer(found: i64, known: usize) -> Error {
    Error::new(
        Code::StoreSchema,
        format!(
            "the tables are of version {found}, this payseal knows versions up to {known}; nothing was changed. Update payseal here before the \
             processes that it shares the database with"
        ),
    )
}

/// The name of a database for ever: the namespace of the ids of its outbox messages. 128 random bits in hex.
pub(super) fn new_store_id() -> Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| Error::new(Code::CallbackFailed, format!("no random bytes: {error}")))?;
    Ok(bits.iter().map(|byte| format!("{byte:02x}")).collect())
}
