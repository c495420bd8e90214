//! `inbox_accept`: the way of a notification into the store after it was verified, durable, with 1, 8 and 32 callers, beside a bare loop that inserts the
//! same rows with as many a commit; and with 32 callers beside one commit a row. A row is what a notification of WeChat Pay leaves there, about 2.4 KB;
//! `inbox_accept_small` has rows of 1.2 KB, `inbox_accept_scattered` order numbers that are not counted up, on SQLite. `accept_verified`: signature,
//! decryption and store together.
//! Prints JSON lines for the report. PostgreSQL and MariaDB are those at PAYSEAL_TEST_POSTGRES and PAYSEAL_TEST_MYSQL; without them they are left out.

mod signed;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use payseal::Client;
use payseal::host::Host;
use payseal::payments::Payments;
use payseal::payments::commit::GroupCommit;
use payseal::payments::store::{Arriving, NewEvent, Row, Statement, Store, Value, open};
use serde_json::json;

/// Each measurement lasts this long.
const TIME: Duration = Duration::from_secs(3);
const CALLERS: [usize; 3] = [1, 8, 32];

fn main() {
    let folder = std::env::temp_dir().join(format!("payseal-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder for the database");
    let sqlite = format!("sqlite:{}", folder.join("pay.db").display());
    let real = Rows::of_a_notification(&sqlite);
    eprintln!("a row has {} bytes", real.size());
    measure("inbox_accept", "sqlite", &sqlite, &CALLERS, &real);
    measure(
        "inbox_accept_small",
        "sqlite",
        &sqlite,
        &[32],
        &real.small(),
    );
    measure(
        "inbox_accept_scattered",
        "sqlite",
        &sqlite,
        &[32],
        &real.scattered(),
    );
    verified(&sqlite);
    for (name, variable) in [
        ("postgres", "PAYSEAL_TEST_POSTGRES"),
        ("mariadb", "PAYSEAL_TEST_MYSQL"),
    ] {
        match std::env::var(variable) {
            Ok(url) => measure("inbox_accept", name, &url, &CALLERS, &real),
            Err(_) => eprintln!("{variable} is not set: {name} is left out"),
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn measure(what: &str, name: &str, url: &str, callers: &[usize], rows: &Rows) {
    let store = open(url).expect("the database of the bench");
    for &callers in callers {
        clear(&*store);
        let (ours, rows_per_commit) = grouped(&*store, rows, callers);
        clear(&*store);
        let bare = bare(&*store, rows, rows_per_commit);
        let ratio = |peer: f64| (ours / peer * 1000.0).round() / 1000.0;
        println!(
            "{}",
            json!({
                "name": format!("{what}.{name}.{callers}"), "ours": ours.round(), "peer": bare.round(), "unit": "events/s",
                "ratio": ratio(bare), "rows_per_commit": rows_per_commit, "row_bytes": rows.size(),
            })
        );
        if what == "inbox_accept" && callers == 32 {
            clear(&*store);
            let single = single(&*store, rows, callers);
            println!(
                "{}",
                json!({ "name": format!("inbox_group.{name}"), "ours": ours.round(), "peer": single.round(), "unit": "events/s", "ratio": ratio(single) })
            );
        }
    }
    clear(&*store);
}

/// Signature, decryption and store together, as 32 callers bring notifications of as many orders.
fn verified(url: &str) {
    const NOTIFICATIONS: usize = 20_000;
    let (client, notifications) = signed::notifications(NOTIFICATIONS);
    let payments = payments(url, &client);
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while let Some((headers, body)) = notifications.get(next.fetch_add(1, Relaxed)) {
                    let accepted = payments
                        .accept(Some("wechat"), headers, body, b"", None)
                        .expect("a reply");
                    assert_eq!(accepted.info()["accepted"], true);
                }
            });
        }
    });
    let rate = NOTIFICATIONS as f64 / started.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "name": "accept_verified", "ours": rate.round(), "peer": null, "unit": "events/s", "ratio": (rate / 15_000.0 * 1000.0).round() / 1000.0 })
    );
}

/// As notifications come: many callers, each waiting for its own event. Also how many rows a commit had.
fn grouped(store: &dyn Store, rows: &Rows, callers: usize) -> (f64, usize) {
    let counting = Counting {
        store,
        commits: AtomicUsize::new(0),
        rows: AtomicUsize::new(0),
    };
    let commit = GroupCommit::default();
    let rate = callers_at(callers, |number| {
        commit
            .insert(&counting, rows.event(number))
            .expect("inserted");
    });
    let rows = counting.rows.load(Relaxed) as f64 / counting.commits.load(Relaxed) as f64;
    (rate, rows.round().max(1.0) as usize)
}

/// One caller with rows at hand.
fn bare(store: &dyn Store, rows: &Rows, most: usize) -> f64 {
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < TIME {
        let batch: Vec<NewEvent> = (0..most as u64).map(|n| rows.event(number + n)).collect();
        store.insert(&batch).expect("inserted");
        number += most as u64;
    }
    number as f64 / started.elapsed().as_secs_f64()
}

/// One commit a row, with as many callers.
fn single(store: &dyn Store, rows: &Rows, callers: usize) -> f64 {
    callers_at(callers, |number| {
        store.insert(&[rows.event(number)]).expect("inserted");
    })
}

fn callers_at(callers: usize, work: impl Fn(u64) + Sync) -> f64 {
    let next = AtomicU64::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                while started.elapsed() < TIME {
                    work(next.fetch_add(1, Relaxed));
                }
            });
        }
    });
    next.load(Relaxed) as f64 / started.elapsed().as_secs_f64()
}

/// What is inserted: one event, each time of another order.
struct Rows {
    event: NewEvent,
    are_scattered: bool,
}

impl Rows {
    /// What the inbox stores of a notification, read back from it.
    fn of_a_notification(url: &str) -> Rows {
        let (client, notifications) = signed::notifications(1);
        let payments = payments(url, &client);
        let (headers, body) = &notifications[0];
        payments
            .accept(Some("wechat"), headers, body, b"", None)
            .expect("a reply");
        let store = open(url).expect("the database of the bench");
        let query = Statement {
            sql: "SELECT account, kind, order_no, headers, body, envelope, plaintext, fact, received_ms FROM payseal_inbox".into(),
            values: Vec::new(),
            changes: None,
        };
        let row = store.rows(&query).expect("the inbox").remove(0);
        let event = stored(row).expect("an event as it was accepted");
        Rows {
            event,
            are_scattered: false,
        }
    }

    /// The least that a provider sends: 1.2 KB a row.
    fn small(&self) -> Rows {
        let mut event = self.event.clone();
        event.headers = "x".repeat(350);
        event.body = vec![b'x'; 360];
        event.envelope = "x".repeat(140);
        event.plaintext = vec![b'x'; 140];
        event.fact = Some("x".repeat(120));
        Rows {
            event,
            are_scattered: false,
        }
    }

    /// Of a merchant that draws order numbers at random.
    fn scattered(&self) -> Rows {
        Rows {
            event: self.event.clone(),
            are_scattered: true,
        }
    }

    fn event(&self, number: u64) -> NewEvent {
        let mut event = self.event.clone();
        // Spread as hashes are.
        let spread = |part: u32| {
            (number + 1)
                .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                .rotate_left(17 * part + 5)
        };
        for (part, bytes) in event.event_key.chunks_mut(8).enumerate() {
            bytes.copy_from_slice(&spread(part as u32).to_be_bytes());
        }
        event.order_no = match self.are_scattered {
            true => format!("{:020}", spread(0)),
            false => format!("20241113{number:012}"),
        };
        event
    }

    fn size(&self) -> usize {
        let event = self.event(0);
        let texts = [
            &event.account,
            &event.kind,
            &event.order_no,
            &event.headers,
            &event.envelope,
        ];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        let fact = event.fact.map_or(0, |fact| fact.len());
        texts + event.source.len() + event.body.len() + event.plaintext.len() + fact + 32
    }
}

fn stored(row: Row) -> Option<NewEvent> {
    let [
        Value::Text(account),
        Value::Text(kind),
        Value::Text(order_no),
        Value::Text(headers),
        Value::Bytes(body),
        Value::Text(envelope),
        Value::Bytes(plaintext),
        Value::Text(fact),
        Value::Integer(received_ms),
    ] = <[Value; 9]>::try_from(row).ok()?
    else {
        return None;
    };
    Some(NewEvent {
        event_key: [0; 32],
        account,
        kind,
        order_no,
        source: "notification",
        headers,
        body,
        envelope,
        plaintext,
        fact: Some(fact),
        received_ms,
    })
}

fn payments(url: &str, client: &Client) -> Payments {
    let config = json!({ "store": url, "unknown_orders": "ignore" });
    Payments::new(config.to_string().as_bytes(), &[client], Host::default())
        .expect("the configuration is complete")
}

fn clear(store: &dyn Store) {
    let statement = Statement {
        sql: "DELETE FROM payseal_inbox".into(),
        values: Vec::new(),
        changes: None,
    };
    store.transact(&[statement]).expect("an empty table");
}

struct Counting<'a> {
    store: &'a dyn Store,
    commits: AtomicUsize,
    rows: AtomicUsize,
}

impl Store for Counting<'_> {
    fn dialect(&self) -> payseal::payments::store::Dialect {
        self.store.dialect()
    }

    fn store_id(&self) -> &str {
        self.store.store_id()
    }

    fn rows(&self, query: &Statement) -> payseal::Result<Vec<payseal::payments::store::Row>> {
        self.store.rows(query)
    }

    fn transact(
        &self,
        statements: &[Statement],
    ) -> payseal::Result<payseal::payments::store::Transaction> {
        self.store.transact(statements)
    }

    fn insert(&self, events: &[NewEvent]) -> payseal::Result<Vec<bool>> {
        self.commits.fetch_add(1, Relaxed);
        self.rows.fetch_add(events.len(), Relaxed);
        self.store.insert(events)
    }

    fn insert_arriving(&self, events: &mut dyn Arriving) -> payseal::Result<Vec<bool>> {
        let inserted = self.store.insert_arriving(events)?;
        self.commits.fetch_add(1, Relaxed);
        self.rows.fetch_add(inserted.len(), Relaxed);
        Ok(inserted)
    }

    fn claim(
        &self,
        queue: payseal::payments::store::Queue,
        columns: &'static str,
        most: u32,
        now_ms: i64,
        until_ms: i64,
    ) -> payseal::Result<Vec<payseal::payments::store::Row>> {
        self.store.claim(queue, columns, most, now_ms, until_ms)
    }
}
