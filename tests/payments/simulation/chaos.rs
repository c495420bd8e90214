//! A store that now and then fails before it has done anything, or after it has done all; that lets somebody else get in between; and that can be
//! made to break a promise, so that the simulation shows that it would notice.

use std::sync::{Arc, Mutex};

use payseal::error::{Code, Error, Outcome, Result};
use payseal::payments::Payments;
use payseal::payments::store::{Dialect, NewEvent, Queue, Row, Statement, Store, Transaction};
use serde_json::{Value as Json, json};

use super::chance::Chance;

/// A promise that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Broken {
    Nothing,
    /// The success reply is given out before the commit, which then does not happen.
    AcknowledgesFirst,
    /// Whoever ends work ends it, also after its lease.
    NoFencing,
    /// What was decided is written, whoever wrote in between.
    NoGuard,
    /// An event is marked as seen before it is stored, as a `SET NX` in Redis does.
    FlagFirst,
}

#[derive(Clone)]
pub struct Chaos(Arc<Mutex<Inner>>);

struct Inner {
    chance: Chance,
    is_armed: bool,
    broken: Broken,
    /// Another process on the same database.
    other: Option<Arc<Payments>>,
    failures: u32,
}

impl Chaos {
    pub fn new(seed: u64, broken: Broken) -> Chaos {
        Chaos(Arc::new(Mutex::new(Inner {
            chance: Chance::new(seed),
            is_armed: false,
            broken,
            other: None,
            failures: 0,
        })))
    }

    pub fn arm(&self, other: Option<Arc<Payments>>) {
        let mut inner = self.0.lock().unwrap();
        inner.is_armed = other.is_some();
        inner.other = other;
    }

    pub fn failures(&self) -> u32 {
        self.0.lock().unwrap().failures
    }

    pub fn around(&self, store: Box<dyn Store>) -> Box<dyn Store> {
        Box::new(Chaotic {
            store,
            chaos: self.clone(),
        })
    }

    fn happens(&self, per_mille: i64) -> bool {
        let mut inner = self.0.lock().unwrap();
        inner.is_armed && inner.chance.per_mille(per_mille)
    }

    fn breaks(&self, promise: Broken) -> bool {
        self.0.lock().unwrap().broken == promise
    }

    fn fails(&self, per_mille: i64, outcome: Outcome) -> Result<()> {
        if !self.happens(per_mille) {
            return Ok(());
        }
        self.0.lock().unwrap().failures += 1;
        Err(Error::new(Code::StoreUnavailable, "the simulated store fails").with_outcome(outcome))
    }

    /// The other process works off what there is, right now.
    fn interrupt(&self, statements: &[Statement]) {
        // Who writes without looking is met where it hurts.
        let decides = |it: &Statement| it.sql.starts_with("UPDATE payseal_orders SET state");
        let hurts = self.breaks(Broken::NoGuard) && statements.iter().any(decides);
        if !self.happens(if hurts { 1_000 } else { 40 }) {
            return;
        }
        let other = self.0.lock().unwrap().other.clone();
        let Some(other) = other else { return };
        let run = |action: &str, params: Json| -> Json {
            let done = other.execute(action, params.to_string().as_bytes(), None);
            done.map_or(Json::Null, |done| {
                serde_json::from_slice(&done.body).unwrap()
            })
        };
        let claimed = run("claim", json!({ "most": 20 }));
        for event in claimed["events"].as_array().into_iter().flatten() {
            run("ack", json!({ "id": event["id"], "token": event["token"] }));
        }
    }
}

struct Chaotic {
    store: Box<dyn Store>,
    chaos: Chaos,
}

impl Chaotic {
    fn failing<T>(&self, work: impl FnOnce(&dyn Store) -> Result<T>) -> Result<T> {
        self.chaos.fails(4, Outcome::NotSent)?;
        let done = work(&*self.store)?;
        self.chaos.fails(4, Outcome::Unknown)?;
        Ok(done)
    }

    /// As a careless program would write it.
    fn careless(&self, statement: &Statement) -> Statement {
        let mut statement = statement.clone();
        if self.chaos.breaks(Broken::NoFencing) && statement.sql.contains("SET state = 1") {
            statement.sql = statement.sql.replace("attempts = ?", "? > 0").into();
        }
        if self.chaos.breaks(Broken::NoGuard) && statement.sql.starts_with("UPDATE payseal_orders")
        {
            statement.sql = statement.sql.replace("AND version = ?", "AND ? > 0").into();
        }
        statement
    }
}

impl Store for Chaotic {
    fn dialect(&self) -> Dialect {
        self.store.dialect()
    }

    fn store_id(&self) -> &str {
        self.store.store_id()
    }

    fn rows(&self, query: &Statement) -> Result<Vec<Row>> {
        self.chaos.fails(2, Outcome::NotSent)?;
        self.store.rows(query)
    }

    fn transact(&self, statements: &[Statement]) -> Result<Transaction> {
        self.chaos.interrupt(statements);
        let written: Vec<Statement> = statements.iter().map(|it| self.careless(it)).collect();
        self.failing(|store| store.transact(&written))
    }

    fn insert(&self, events: &[NewEvent]) -> Result<Vec<bool>> {
        if self.chaos.breaks(Broken::AcknowledgesFirst) && self.chaos.happens(50) {
            return Ok(vec![true; events.len()]);
        }
        self.failing(|store| store.insert(events))
    }

    fn claim(
        &self,
        queue: Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> Result<Vec<Row>> {
        self.failing(|store| store.claim(queue, columns, most, now_ms, until_ms))
    }
}
