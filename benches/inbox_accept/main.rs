//! `inbox_accept`: the way of a notification into the store after it was verified, durable, with 1, 8 and 32 callers, beside a bare loop that inserts the
//! same rows with as many a commit; and for PostgreSQL and MariaDB beside one commit a row. `accept_verified`: signature, decryption and store together.
//! Prints JSON lines for the report. PostgreSQL and MariaDB are those at PAYSEAL_TEST_POSTGRES and PAYSEAL_TEST_MYSQL; without them they are left out.

mod signed;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use payseal::host::Host;
use payseal::payments::Payments;
use payseal::payments::commit::GroupCommit;
use payseal::payments::store::{NewEvent, Statement, Store, open};
use serde_json::json;

/// Each measurement lasts this long.
const TIME: Duration = Duration::from_secs(3);
const CALLERS: [usize; 3] = [1, 8, 32];

fn main() {
    let folder = std::env::temp_dir().join(format!("payseal-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a folder for the database");
    let sqlite = format!("sqlite:{}", folder.join("pay.db").display());
    measure("sqlite", &sqlite);
    verified(&sqlite);
    for (name, variable) in [
        ("postgres", "PAYSEAL_TEST_POSTGRES"),
        ("mariadb", "PAYSEAL_TEST_MYSQL"),
    ] {
        match std::env::var(variable) {
            Ok(url) => measure(name, &url),
            Err(_) => eprintln!("{variable} is not set: {name} is left out"),
        }
    }
    std::fs::remove_dir_all(&folder).expect("the folder is ours");
}

fn measure(name: &str, url: &str) {
    let store = open(url).expect("the database of the bench");
    for callers in CALLERS {
        clear(&*store);
        let (ours, rows_per_commit) = grouped(&*store, callers);
        clear(&*store);
        let bare = bare(&*store, rows_per_commit);
        let ratio = |peer: f64| (ours / peer * 1000.0).round() / 1000.0;
        println!(
            "{}",
            json!({
                "name": format!("inbox_accept.{name}.{callers}"), "ours": ours.round(), "peer": bare.round(), "unit": "events/s",
                "ratio": ratio(bare), "rows_per_commit": rows_per_commit,
            })
        );
        if callers == 32 {
            clear(&*store);
            let single = single(&*store, callers);
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
    let config = json!({ "store": url, "unknown_orders": "ignore" });
    let payments = Payments::new(config.to_string().as_bytes(), &[&client], Host::default())
        .expect("the configuration is complete");
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
fn grouped(store: &dyn Store, callers: usize) -> (f64, usize) {
    let counting = Counting {
        store,
        commits: AtomicUsize::new(0),
        rows: AtomicUsize::new(0),
    };
    let commit = GroupCommit::default();
    let rate = callers_at(callers, |number| {
        commit.insert(&counting, event(number)).expect("inserted");
    });
    let rows = counting.rows.load(Relaxed) as f64 / counting.commits.load(Relaxed) as f64;
    (rate, rows.round().max(1.0) as usize)
}

/// One caller with rows at hand.
fn bare(store: &dyn Store, rows: usize) -> f64 {
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < TIME {
        let batch: Vec<NewEvent> = (0..rows as u64).map(|n| event(number + n)).collect();
        store.insert(&batch).expect("inserted");
        number += rows as u64;
    }
    number as f64 / started.elapsed().as_secs_f64()
}

/// One commit a row, with as many callers.
fn single(store: &dyn Store, callers: usize) -> f64 {
    callers_at(callers, |number| {
        store.insert(&[event(number)]).expect("inserted");
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

/// 1.2 KB of body, and what belongs to it.
fn event(number: u64) -> NewEvent {
    let mut event_key = [0; 32];
    // Spread over the index as hashes are.
    for (part, bytes) in event_key.chunks_mut(8).enumerate() {
        let spread = (number + 1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15)
            .rotate_left(17 * part as u32 + 5);
        bytes.copy_from_slice(&spread.to_be_bytes());
    }
    NewEvent {
        event_key,
        account: "wechat".into(),
        kind: "payment.paid".into(),
        order_no: format!("order{number:015}"),
        source: "notification",
        headers: "x".repeat(600),
        body: vec![b'x'; 1200],
        envelope: "{}".into(),
        plaintext: vec![b'x'; 600],
        fact: Some("x".repeat(200)),
        received_ms: 1_700_000_000_000,
    }
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
