//! Payments over a database of the test's own, a provider in memory and a clock that stands where it is put.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use payseal::call::{About, Delivered, Steps};
use payseal::payments::Payments;
use payseal::{Code, Error, Result};
use serde_json::{Value, json};

use crate::provider::Provider;
use crate::store::database::Database;
use crate::support::drive::drive;
use crate::support::host::World;
use crate::support::merchant::{NOW, client_in, config};
use crate::support::platform::Signed;

pub struct Till {
    pub payments: Payments,
    pub provider: Arc<Mutex<Provider>>,
    pub world: World,
    pub database: Arc<Database>,
}

pub const NUMBER: &str = "20231115000001";

/// Which database the tests of this thread use.
#[derive(Clone, Copy)]
pub enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

thread_local! {
    static KIND: Cell<Kind> = const { Cell::new(Kind::Sqlite) };
}

/// Runs a test over another database.
pub fn on(kind: Kind, test: fn()) {
    KIND.set(kind);
    test();
}

/// Runs tests of SQLite over the other databases as well: those at PAYSEAL_TEST_POSTGRES and PAYSEAL_TEST_MYSQL.
macro_rules! everywhere {
    ($($name:ident),* $(,)?) => {
        mod on_postgres {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_POSTGRES"] fn $name() { crate::till::on(crate::till::Kind::Postgres, super::$name); })*
        }
        mod on_mysql {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_MYSQL"] fn $name() { crate::till::on(crate::till::Kind::Mysql, super::$name); })*
        }
    };
}
pub(crate) use everywhere;

fn database() -> Database {
    match KIND.get() {
        Kind::Sqlite => Database::sqlite(),
        Kind::Postgres => Database::postgres(),
        Kind::Mysql => Database::mysql(),
    }
}

impl Till {
    pub fn new() -> Till {
        Till::with(json!({}))
    }

    pub fn with(changes: Value) -> Till {
        Till::over(Arc::new(database()), changes)
    }

    pub fn over(database: Arc<Database>, changes: Value) -> Till {
        let world = World::new();
        let payments = open(&world, &database, changes).unwrap();
        Till {
            payments,
            provider: Arc::new(Mutex::new(Provider::new(&world))),
            world,
            database,
        }
    }

    /// A second process of the same service: the same database, provider and clock.
    pub fn another(&self, changes: Value) -> Till {
        Till {
            payments: open(&self.world, &self.database, changes).unwrap(),
            provider: self.provider.clone(),
            world: self.world.clone(),
            database: self.database.clone(),
        }
    }

    pub fn run(&self, action: &str, params: Value) -> Result<Value> {
        let mut work = self.payments.work(action, params.to_string().as_bytes())?;
        self.drive(&mut work)
            .map(|delivered| serde_json::from_slice(&delivered.body).unwrap())
    }

    pub fn drive(&self, work: &mut impl Steps) -> Result<Delivered> {
        drive(work, |request| {
            self.provider.lock().unwrap().answer(request)
        })
    }

    /// What is answered to a notification: status, and what became of it.
    pub fn accept(&self, notification: &Signed) -> (u16, Value) {
        let mut work = self
            .payments
            .work_accept(None, notification.lines(), &notification.body, b"")
            .unwrap();
        let About::Work(about) = self.drive(&mut work).unwrap().about else {
            panic!("what payments say about a notification");
        };
        (about["status"].as_u64().unwrap() as u16, about)
    }

    pub fn create(&self, number: &str) -> Result<Value> {
        self.run("create", order(number, json!({})))
    }

    pub fn order(&self, number: &str) -> Value {
        self.run("order", json!({ "order_no": number })).unwrap()
    }

    pub fn state(&self, number: &str) -> String {
        self.order(number)["order"]["state"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    pub fn pay(&self, number: &str) {
        self.provider.lock().unwrap().pay(number);
    }

    pub fn notify(&self, number: &str, changes: Value) -> Signed {
        self.provider.lock().unwrap().notify(number, changes)
    }

    /// An order that was paid, told and worked on.
    pub fn paid(&self, number: &str) {
        self.create(number).unwrap();
        self.pay(number);
        self.accept(&self.notify(number, json!({})));
        self.work_all();
        assert_eq!(self.state(number), "paid");
    }

    pub fn claim(&self, most: u32) -> Vec<Value> {
        let claimed = self.run("claim", json!({ "most": most })).unwrap();
        claimed["events"].as_array().unwrap().clone()
    }

    pub fn ack(&self, event: &Value) -> Result<Value> {
        self.run("ack", json!({ "id": event["id"], "token": event["token"] }))
    }

    /// Claims and acknowledges until there is nothing to do.
    pub fn work_all(&self) -> usize {
        let mut done = 0;
        loop {
            let events = self.claim(100);
            if events.is_empty() {
                return done;
            }
            for event in events {
                self.ack(&event).unwrap();
                done += 1;
            }
        }
    }

    pub fn later(&self, milliseconds: i64) {
        self.world.set_now_ms(NOW * 1000 + milliseconds);
    }

    pub fn exceptions(&self) -> Vec<Value> {
        let all = self.run("exceptions", json!({})).unwrap();
        all["exceptions"].as_array().unwrap().clone()
    }

    pub fn messages(&self) -> Vec<Value> {
        let all = self
            .run("claim", json!({ "queue": "outbox", "most": 1000 }))
            .unwrap();
        all["messages"].as_array().unwrap().clone()
    }

    pub fn asked(&self) -> Vec<String> {
        self.provider.lock().unwrap().asked.clone()
    }
}

pub fn open(world: &World, database: &Database, changes: Value) -> Result<Payments> {
    let client = client_in(world, config(json!({ "retry": { "max_attempts": 1 } })));
    let mut settings = json!({ "store": database.url, "outbox": true });
    for (key, value) in changes.as_object().unwrap() {
        settings[key] = value.clone();
    }
    Payments::new(settings.to_string().as_bytes(), &[&client], world.host())
}

/// An order of 88 yuan and 88 fen, to be paid by a QR code.
pub fn order(number: &str, changes: Value) -> Value {
    let mut order =
        json!({ "order_no": number, "method": "native", "amount": 8888, "subject": "一杯绿茶" });
    for (key, value) in changes.as_object().unwrap() {
        order[key] = value.clone();
    }
    order
}

#[track_caller]
pub fn refused_as(code: Code, result: Result<Value>) -> Error {
    crate::support::refused_as(code, result)
}
