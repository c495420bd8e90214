//! The tables by version, for each database.

use super::Dialect;
use crate::error::{Code, Error, Result};

/// What makes a database of one version from the version before it. Never changed once released: a change is another entry.
pub(super) fn migrations(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Sqlite => &[include_str!("migrations/0001.sqlite.sql")],
        Dialect::Postgres => &[include_str!("migrations/0001.postgres.sql")],
        Dialect::Mysql => &[include_str!("migrations/0001.mysql.sql")],
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

/// Queries that fail on tables of the same names that are not payseal's. Where tables are made only if they are not there, these tell.
pub(super) const PROBES: &[&str] = &[
    "SELECT account, merchant, amount, refunding, request, due_ms, polls FROM payseal_orders WHERE 1 = 0",
    "SELECT refund_no, order_no, amount, request, due_ms, polls FROM payseal_refunds WHERE 1 = 0",
    "SELECT id, order_no, refund_no, from_state, to_state, detail FROM payseal_history WHERE 1 = 0",
    "SELECT id, evidence_key, kind, evidence, resolved_ms FROM payseal_exceptions WHERE 1 = 0",
    "SELECT id, event_key, envelope, plaintext, fact, state, due_ms, attempts FROM payseal_inbox WHERE 1 = 0",
    "SELECT id, topic, payload, state, due_ms, attempts FROM payseal_outbox WHERE 1 = 0",
];

pub(super) fn strange() -> Error {
    Error::new(
        Code::StoreSchema,
        "the database has tables of these names that are not payseal's, or they were changed; give payseal a database or schema of its own",
    )
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
