//! Where orders, inbox and outbox are kept: SQLite, PostgreSQL or MySQL, chosen by the URL.
//!
//! What is written is decided above: a store runs statements, says whether what they expected was so, and knows three things that
//! databases do differently: inserting many events in one commit, claiming what is due, and migrating the schema.

#[cfg(feature = "database-server")]
mod attempt;
#[cfg(feature = "database-server")]
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "it alone does several things at once")
)]
mod event_loop;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(any(feature = "sqlite", feature = "database-server"))]
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "database-server"))]
#[cfg_attr(
    not(feature = "database-server"),
    allow(dead_code, reason = "a file needs less")
)]
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "database-server")]
mod tls;
#[cfg_attr(
    not(all(feature = "sqlite", feature = "database-server")),
    allow(dead_code, reason = "a part is for files, another for servers")
)]
mod url;

use std::borrow::Cow;

use crate::error::Result;
use url::Url;

/// Opens the store at a URL, and makes or migrates its tables: `sqlite:PATH`, `postgres://user:password@host:port/database` or
/// `mysql://user:password@host:port/database`.
///
/// # Errors
/// `ConfigInvalid` for a URL that is not understood, or of a database that was left out of this build; otherwise one of the `Store…` codes.
pub fn open(url: &str) -> Result<Box<dyn Store>> {
    let url = Url::parse(url)?;
    match url.dialect {
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => Ok(Box::new(sqlite::open(&url)?)),
        #[cfg(feature = "postgres")]
        Dialect::Postgres => Ok(Box::new(postgres::open(&url)?)),
        #[cfg(feature = "mysql")]
        Dialect::Mysql => Ok(Box::new(mysql::open(&url)?)),
        #[allow(unreachable_patterns, reason = "none is left out of a full build")]
        missing => Err(url::invalid(format!(
            "this build of payseal has no {missing:?}; build it with the feature `{}`",
            format!("{missing:?}").to_lowercase()
        ))),
    }
}

/// What a column holds. Times are Unix milliseconds, amounts minor units, flags do not occur.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    /// What a database holds as a text and is not UTF-8 comes as `Bytes`: whoever reads a text refuses it, and the rest of the row is there.
    Text(String),
    Bytes(Vec<u8>),
}

pub type Row = Vec<Value>;

#[cfg(any(feature = "sqlite", feature = "database-server"))]
impl Value {
    /// What a database gives as a text.
    fn of_text(bytes: Vec<u8>) -> Value {
        match String::from_utf8(bytes) {
            Ok(text) => Value::Text(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        }
    }
}

/// One statement in the SQL that all databases of the store understand. Placeholders are `?`, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub sql: Cow<'static, str>,
    pub values: Vec<Value>,
    /// How many rows it must change; otherwise nothing of its transaction happens. Rows that an UPDATE or DELETE finds count, also if their values
    /// stay the same; of an INSERT those that are new.
    pub changes: Option<u64>,
}

/// The detail of a failure that says which statement of a transaction the database refused: its place.
pub(crate) const FAILED_AT: &str = "statement";

/// What became of a transaction that failed in no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    Committed,
    /// The statement at this place changed another number of rows than it must: rolled back.
    Refused(usize),
}

/// One queue: a table with `state` (0 waiting, 1 done, 2 dead), `due_ms` and `attempts`, which is also the fencing token. What looks for certain
/// rows says `state < 1`: for `state = 0` PostgreSQL may take the index of all that waits, and go through it for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Inbox,
    Outbox,
}

impl Queue {
    pub fn name(self) -> &'static str {
        match self {
            Queue::Inbox => "inbox",
            Queue::Outbox => "outbox",
        }
    }

    pub fn table(self) -> &'static str {
        match self {
            Queue::Inbox => "payseal_inbox",
            Queue::Outbox => "payseal_outbox",
        }
    }
}

/// What became of work that was to be ended at once.
#[derive(Clone, Debug, PartialEq)]
pub enum Ended {
    /// This work is ended. Of the rest the leases had run out.
    Now(Vec<(i64, i64)>),
    /// Nothing is: some of it are notifications that state facts, which take effect with its end. `account, source, fact` of each of these, in the
    /// order of the ids.
    Stating(Vec<Row>),
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

/// Events that come one after the other.
pub trait Arriving {
    /// Those that have come since the last call, which may wait a moment for them. None once no more come.
    fn next(&mut self) -> Option<&[NewEvent]>;

    /// All of them in their order, also those that were given out before, once no more come.
    fn rest(&mut self) -> &[NewEvent];
}

/// Which SQL a statement for the host's own transaction is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
    Mysql,
}

impl Dialect {
    /// An INSERT of one row that changes nothing, and counts no row, where a unique key is taken.
    pub fn insert_or_nothing(self, table: &str, columns: &[&str]) -> String {
        let places = vec!["?"; columns.len()].join(", ");
        let insert = format!(
            "INSERT INTO {table} ({}) VALUES ({places})",
            columns.join(", ")
        );
        match self {
            Dialect::Sqlite | Dialect::Postgres => insert + " ON CONFLICT DO NOTHING",
            // Not INSERT IGNORE, which also ignores values that do not fit.
            Dialect::Mysql => {
                let first = columns.first().copied().unwrap_or_default();
                format!("{insert} ON DUPLICATE KEY UPDATE {first} = {table}.{first}")
            }
        }
    }
}

/// A database with payseal's tables. Any number of threads may use it at once, also after `fork`.
///
/// Every failure is one of the `Store…` codes, and says by its outcome that nothing was written (`NotSent`) or that nobody knows
/// (`Unknown`): the connection ended after COMMIT was sent.
pub trait Store: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// 32 hexadecimal digits that were drawn when the tables were made: the namespace of this database's message ids.
    fn store_id(&self) -> &str;

    /// Runs a query outside of any transaction.
    fn rows(&self, query: &Statement) -> Result<Vec<Row>>;

    /// Runs statements in one transaction, durably committed when this returns.
    fn transact(&self, statements: &[Statement]) -> Result<Transaction>;

    /// Inserts events in one transaction, durably committed when this returns. Says of each whether it was new; of two with the same key one is.
    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>>;

    /// The same of events of which some come only while it is under way.
    fn insert_arriving(&self, events: &mut dyn Arriving) -> Result<Vec<bool>> {
        self.insert(events.rest())
    }

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

    /// Ends work, ids and tokens, whose leases hold, in one transaction, durably committed when this returns; unless a fact takes effect with it.
    /// None where the database has no statement that does both, and nothing was done.
    fn end(&self, _queue: Queue, _work: &[(i64, i64)], _now_ms: i64) -> Result<Option<Ended>> {
        Ok(None)
    }
}
