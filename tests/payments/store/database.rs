//! A database of a test's own, and what is written to it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use payseal::payments::store::{NewEvent, Row, Statement, Store, Value, open};

/// Empty, and gone with its value.
pub struct Database {
    pub url: String,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    /// The URL of the database that its server came with, and the name of ours.
    Server(String, String),
}

impl Database {
    pub fn sqlite() -> Database {
        Database::sqlite_below(&std::env::temp_dir())
    }

    pub fn sqlite_below(place: &std::path::Path) -> Database {
        let folder = place.join(format!("payseal-store-{}", unique()));
        std::fs::create_dir(&folder).unwrap();
        Database {
            url: format!("sqlite:{}", folder.join("pay.db").display()),
            place: Place::Folder(folder),
        }
    }

    pub fn postgres() -> Database {
        Database::on_server("PAYSEAL_TEST_POSTGRES")
    }

    pub fn mysql() -> Database {
        Database::on_server("PAYSEAL_TEST_MYSQL")
    }

    fn on_server(variable: &str) -> Database {
        let server = std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set; scripts/services.py starts a server and sets it")
        });
        let name = format!("payseal_{}", unique());
        administrate(&server, format!("CREATE DATABASE {name}"));
        Database {
            url: with_database(&server, &name),
            place: Place::Server(server, name),
        }
    }

    pub fn open(&self) -> Box<dyn Store> {
        open(&self.url).unwrap()
    }

    pub fn folder(&self) -> &std::path::Path {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::Server(..) => panic!("a server has no folder"),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.place {
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Server(server, name) => {
                let force = if server.starts_with("postgres") {
                    " WITH (FORCE)"
                } else {
                    ""
                };
                administrate(server, format!("DROP DATABASE {name}{force}"));
            }
        }
    }
}

/// In the server's own database, one at a time: PostgreSQL copies a template that nobody may look at meanwhile.
fn administrate(server: &str, sql: String) {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let statement = Statement {
        sql: sql.into(),
        values: vec![],
        changes: None,
    };
    open(server).unwrap().rows(&statement).unwrap();
}

/// The same server, another database.
fn with_database(url: &str, name: &str) -> String {
    let (address, parameters) = url
        .split_once('?')
        .map_or((url, None), |(a, p)| (a, Some(p)));
    let (server, _) = address.rsplit_once('/').unwrap();
    match parameters {
        None => format!("{server}/{name}"),
        Some(parameters) => format!("{server}/{name}?{parameters}"),
    }
}

pub fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static MADE: AtomicU32 = AtomicU32::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    format!("{}_{made}", std::process::id())
}

pub const NOW: i64 = 1_800_000_000_000;

/// The event of this number, received at `NOW` + number.
pub fn event(number: u32) -> NewEvent {
    let mut event_key = [0; 32];
    event_key[..4].copy_from_slice(&number.to_be_bytes());
    NewEvent {
        event_key,
        account: "shop".into(),
        kind: "payment".into(),
        order_no: format!("Order-{number}"),
        source: "notification",
        headers: r#"{"名":"值 🦀"}"#.into(),
        body: vec![0, 255, 39, 92, 10],
        envelope: "{}".into(),
        plaintext: b"{\"amount\":1}".to_vec(),
        fact: number.is_multiple_of(2).then(|| "paid".into()),
        received_ms: NOW + i64::from(number),
    }
}

pub fn events(numbers: std::ops::Range<u32>) -> Vec<NewEvent> {
    numbers.map(event).collect()
}

pub fn statement(sql: &'static str, values: Vec<Value>, changes: Option<u64>) -> Statement {
    Statement {
        sql: sql.into(),
        values,
        changes,
    }
}

pub fn rows(store: &dyn Store, sql: &'static str, values: Vec<Value>) -> Vec<Row> {
    store.rows(&statement(sql, values, None)).unwrap()
}

/// The only value of the only row.
pub fn number(store: &dyn Store, sql: &'static str) -> i64 {
    match rows(store, sql, vec![])[..] {
        [ref row] => match row[..] {
            [Value::Integer(number)] => number,
            ref other => panic!("{other:?}"),
        },
        ref other => panic!("{other:?}"),
    }
}

pub fn text(text: &str) -> Value {
    Value::Text(text.into())
}

pub fn integer(row: &Row, place: usize) -> i64 {
    match row[place] {
        Value::Integer(value) => value,
        ref other => panic!("{other:?}"),
    }
}

/// Runs `work` in this many threads at once, and gives what they returned.
pub fn at_once<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|thread| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(thread)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}
