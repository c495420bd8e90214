//! A store whose process dies before or after a certain step.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use payseal::Result;
use payseal::payments::store::{
    Arriving, Dialect, Ended, NewEvent, Queue, Row, Statement, Store, Transaction,
};

/// Where a process dies: before or after the step of this number, counted over all its writes.
#[derive(Clone)]
pub struct Death {
    is_after: bool,
    step: u64,
    steps: Arc<AtomicU64>,
}

impl Death {
    pub const VARIABLE: &str = "PAYSEAL_CRASH_AT";

    /// `before 3`, `after 3`; nothing for one that is to live.
    pub fn told() -> Death {
        let told = std::env::var(Death::VARIABLE).unwrap_or_else(|_| "before 0".into());
        let (moment, step) = told.split_once(' ').unwrap();
        Death {
            is_after: moment == "after",
            step: step.parse().unwrap(),
            steps: Arc::default(),
        }
    }

    fn around<T>(&self, write: impl FnOnce() -> T) -> T {
        let is_due = self.steps.fetch_add(1, SeqCst) + 1 == self.step;
        if is_due && !self.is_after {
            die();
        }
        let written = write();
        if is_due {
            die();
        }
        written
    }
}

/// As by SIGKILL from outside: nothing is put in order.
fn die() -> ! {
    // SAFETY: a signal to this process.
    unsafe { libc::raise(libc::SIGKILL) };
    unreachable!("nobody survives that")
}

pub struct Dying {
    pub store: Box<dyn Store>,
    pub death: Death,
}

impl Store for Dying {
    fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    fn store_id(&self) -> &str {
        self.store.store_id()
    }

    fn rows(&self, query: &Statement) -> Result<Vec<Row>> {
        self.store.rows(query)
    }

    fn transact(&self, statements: &[Statement]) -> Result<Transaction> {
        self.death.around(|| self.store.transact(statements))
    }

    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>> {
        self.death.around(|| self.store.insert(events))
    }

    fn insert_arriving(&self, events: &mut dyn Arriving) -> Result<Vec<bool>> {
        self.death.around(|| self.store.insert_arriving(events))
    }

    fn claim(
        &self,
        queue: Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Row>> {
        let rows = self.store.claim(queue, columns, most, now_ms, until_ms)?;
        // An idle worker claims nothing, again and again.
        match rows.is_empty() {
            true => Ok(rows),
            false => Ok(self.death.around(|| rows)),
        }
    }

    fn end(&self, queue: Queue, work: &[(i64, i64)], now_ms: i64) -> Result<Option<Ended>> {
        let ended = self.store.end(queue, work, now_ms)?;
        match ended {
            Some(Ended::Now(_)) => Ok(self.death.around(|| ended)),
            nothing => Ok(nothing),
        }
    }
}
