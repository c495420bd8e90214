//! Where orders, inbox and outbox are kept: SQLite, PostgreSQL or MySQL, chosen by the URL.
//!
//! What is written is decided above: a store runs statements, says whether what they expected was so, and knows three things that
//! databases do differently: inserting many events in one commit, claiming what is due, and migrating the schema.

use std::borrow::Cow;

use crate::error::Result;

/// What a column holds. Times are Unix milliseconds, amounts minor units, flags do not occur.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

pub type Row = Vec<Value>;

/// One statement in the SQL that all databases of the store understand. Placeholders are `?`, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
    /// How many rows it must change; otherwise nothing of its transaction happens.
    pub changes: Option<u64>,
}

/// What became of a transaction that failed in no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    Committed,
    /// The statement at this place changed another number of rows than it must: rolled back.
    Refused(usize),
}

/// One queue: a table with `state` (0 waiting, 1 done, 2 dead), `due_ms` and `attempts`, which is also the fencing token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Inbox,
    Outbox,
}

/// An event to insert under its unique key.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    /// SHA-256 of what is told, see `inbox`.
    pub event_key: [u8; 32],
    pub account: String,
    pub kind: String,
    pub order_no: String,
    pub source: &'static str,
    pub headers: String,
    pub body: Vec<u8>,
    pub envelope: String,
    pub plaintext: Vec<u8>,
    pub fact: Option<String>,
    pub received_ms: i64,
}

/// Which SQL a statement for the host's own transaction is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

/// A database with payseal's tables. Any number of threads may use it at once, also after `fork`.
///
/// Every failure is one of the `Store…` codes, and says by its outcome that nothing was written (`NotSent`) or that nobody knows
/// (`Unknown`): the connection ended after COMMIT was sent.
pub trait Store: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// Runs a query outside of any transaction.
    fn rows(&self, query: &Statement) -> Result<Vec<Row>>;

    /// Runs statements in one transaction, durably committed when this returns.
    fn transact(&self, statements: &[Statement]) -> Result<Transaction>;

    /// Inserts events in one transaction, durably committed when this returns. Says of each whether it was new; of two with the same key one is.
    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>>;

    /// Takes at most `most` rows that are due at `now_ms`, oldest first, hides them until `until_ms` and counts the attempt. No two callers get
    /// the same row. Returns `columns` of each, a comma-separated list that begins with `id`, in the order in which they were due.
    fn claim(
        &self,
        queue: Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Row>>;
}
