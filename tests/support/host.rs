//! What the tests lend the core: a clock that stands where it is put, known randomness, a log that is kept.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use payseal::host::{Clock, Host, Level, Log, Random};
use payseal::{Code, Error, Result};
use serde_json::Value;

use super::canary;
use super::merchant::NOW;

type Fill = Box<dyn FnMut(&mut [u8]) + Send>;

/// Lends itself to any number of clients; a clone is the same world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    now_ms: AtomicI64,
    clock_fails: AtomicBool,
    random_fails: AtomicBool,
    random: Mutex<Fill>,
    records: Mutex<Vec<Value>>,
}

impl World {
    /// Its clock shows `NOW`.
    pub fn new() -> World {
        World(Arc::new(Inner {
            now_ms: AtomicI64::new(NOW * 1000),
            clock_fails: AtomicBool::new(false),
            random_fails: AtomicBool::new(false),
            random: Mutex::new(Box::new(counter())),
            records: Mutex::default(),
        }))
    }

    pub fn host(&self) -> Host {
        Host {
            clock: Box::new(self.clone()),
            random: Box::new(self.clone()),
            log: Some(Box::new(self.clone())),
            ..Host::default()
        }
    }

    pub fn set_now(&self, seconds: i64) {
        self.0.now_ms.store(seconds * 1000, SeqCst);
    }

    pub fn set_now_ms(&self, milliseconds: i64) {
        self.0.now_ms.store(milliseconds, SeqCst);
    }

    pub fn break_clock(&self, broken: bool) {
        self.0.clock_fails.store(broken, SeqCst);
    }

    pub fn break_random(&self, broken: bool) {
        self.0.random_fails.store(broken, SeqCst);
    }

    /// Randomness from now on.
    pub fn set_random(&self, fill: impl FnMut(&mut [u8]) + Send + 'static) {
        *self.0.random.lock().unwrap() = Box::new(fill);
    }

    /// The log records so far.
    pub fn records(&self) -> Vec<Value> {
        self.0.records.lock().unwrap().clone()
    }

    pub fn records_of(&self, event: &str) -> Vec<Value> {
        let mut records = self.records();
        records.retain(|record| record["event"] == event);
        records
    }
}

/// Every number once.
fn counter() -> impl FnMut(&mut [u8]) + Send {
    let mut next = 0u64;
    move |out| {
        for chunk in out.chunks_mut(8) {
            next = next.wrapping_add(0x9E37_79B9_7F4A_7C15);
            chunk.copy_from_slice(&next.to_be_bytes()[..chunk.len()]);
        }
    }
}

fn broken(what: &str) -> Error {
    Error::new(Code::CallbackFailed, format!("the {what} is broken"))
}

impl Clock for World {
    fn now_ms(&self) -> Result<i64> {
        match self.0.clock_fails.load(SeqCst) {
            true => Err(broken("clock")),
            false => Ok(self.0.now_ms.load(SeqCst)),
        }
    }
}

impl Random for World {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        if self.0.random_fails.load(SeqCst) {
            return Err(broken("random source"));
        }
        (self.0.random.lock().unwrap())(out);
        Ok(())
    }
}

impl Log for World {
    fn log(&self, level: Level, record: &str) {
        canary::check(record);
        let record: Value = serde_json::from_str(record).expect("a log record is JSON");
        assert_eq!(record["level"], level.name());
        self.0.records.lock().unwrap().push(record);
    }
}
