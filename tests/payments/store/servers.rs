//! What holds where the database is another process, which may be away, and a network between.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use payseal::error::{Code, Outcome};
use payseal::payments::store::Transaction::Committed;
use payseal::payments::store::{Queue, Statement, Store, open};

use super::child::{in_a_child, in_a_child_while};
use super::database::{Database, NOW, at_once, event, events, number, statement, text};
use super::proxy::Proxy;

macro_rules! on_servers {
    ($($name:ident),* $(,)?) => {
        mod on_postgres {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_POSTGRES"] fn $name() { super::$name(&super::Database::postgres()) })*
        }
        mod on_mysql {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_MYSQL"] fn $name() { super::$name(&super::Database::mysql()) })*
        }
    };
}

on_servers! {
    a_connection_that_was_closed_while_idle_is_replaced,
    nobody_claims_to_know_about_a_commit_without_an_answer,
    nobody_claims_to_know_about_events_without_an_answer,
    a_server_that_is_away_is_told_and_found_again,
    rows_that_somebody_else_holds_are_waited_for_and_then_told,
    a_wrong_password_is_told_and_not_shown,
    a_database_that_is_not_there_is_told,
    a_server_that_is_not_there_is_told_by_its_address,
    a_forked_child_has_connections_of_its_own,
    no_thread_is_started,
    more_callers_than_connections_wait,
    what_the_url_does_not_know_is_refused,
    a_server_without_tls_is_refused_where_it_is_required,
}

fn count(store: &dyn Store) -> i64 {
    number(store, "SELECT COUNT(*) FROM payseal_inbox")
}

fn history(detail: &str) -> Statement {
    statement(
        "INSERT INTO payseal_history (order_no, at_ms, to_state, source, detail) VALUES ('A', 1, 'paid', 'host', ?)",
        vec![text(detail)],
        Some(1),
    )
}

/// The parts of a URL: scheme and user with password, address, the rest.
fn parts(url: &str) -> (&str, &str, &str) {
    let at = url.rfind('@').unwrap();
    let slash = at + url[at..].find('/').unwrap();
    (&url[..=at], &url[at + 1..slash], &url[slash..])
}

fn through(database: &Database) -> (Proxy, Box<dyn Store>) {
    let (user, address, rest) = parts(&database.url);
    let proxy = Proxy::to(address);
    let store = open(&format!("{user}127.0.0.1:{}{rest}", proxy.port)).unwrap();
    (proxy, store)
}

fn a_connection_that_was_closed_while_idle_is_replaced(database: &Database) {
    let (proxy, store) = through(database);
    assert_eq!(store.insert(&[event(1)]).unwrap(), [true]);
    proxy.cut();
    assert_eq!(store.insert(&[event(1), event(2)]).unwrap(), [false, true]);
    proxy.cut();
    assert_eq!(store.transact(&[history("1")]).unwrap(), Committed);
    proxy.cut();
    assert_eq!(count(&*store), 2);
}

fn nobody_claims_to_know_about_a_commit_without_an_answer(database: &Database) {
    let (proxy, store) = through(database);
    store.transact(&[history("1")]).unwrap();
    proxy.swallow_the_answer_to(match database.url.starts_with("postgres") {
        true => b"COMMIT\0",
        false => b"COMMIT",
    });
    let error = store.transact(&[history("2")]).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::Unknown),
        "{error}"
    );
    // It was done, exactly once: nothing is repeated by itself.
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_history"), 2);
    // Where the connection ends before, nothing was done, and on another one it is done again.
    proxy.swallow_the_answer_to(b"before the commit");
    assert_eq!(
        store.transact(&[history("before the commit")]).unwrap(),
        Committed
    );
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_history"), 3);
}

fn nobody_claims_to_know_about_events_without_an_answer(database: &Database) {
    let (proxy, store) = through(database);
    store.insert(&[event(1)]).unwrap();
    // PostgreSQL commits with the statement itself.
    let last = match database.url.starts_with("postgres") {
        true => &b"Order-2"[..],
        false => b"COMMIT",
    };
    proxy.swallow_the_answer_to(last);
    let error = store.insert(&[event(2)]).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::Unknown),
        "{error}"
    );
    assert_eq!(store.insert(&[event(2), event(3)]).unwrap(), [false, true]);
}

fn a_server_that_is_away_is_told_and_found_again(database: &Database) {
    let (proxy, store) = through(database);
    store.insert(&[event(1)]).unwrap();
    proxy.close();
    let start = Instant::now();
    let errors = [
        store.insert(&[event(2)]).unwrap_err(),
        store.transact(&[history("1")]).unwrap_err(),
        store.claim(Queue::Inbox, "id", 1, NOW, NOW).unwrap_err(),
    ];
    assert!(start.elapsed() < Duration::from_secs(10));
    for error in errors {
        assert_eq!(
            (error.code(), error.outcome()),
            (Code::StoreUnavailable, Outcome::NotSent),
            "{error}"
        );
        assert!(
            error.message().contains("whether the server runs"),
            "{error}"
        );
    }
    assert_eq!(count(&*database.open()), 1);
}

/// The database's own client, for what only another program does.
struct Client(Child);

impl Client {
    fn of(database: &Database) -> Client {
        let mut command = match database.url.starts_with("postgres") {
            true => {
                let mut command = Command::new("psql");
                command.args([
                    "-X",
                    "-q",
                    "-A",
                    "-t",
                    "-v",
                    "ON_ERROR_STOP=1",
                    &database.url,
                ]);
                command
            }
            false => {
                let (user, address, rest) = parts(&database.url);
                let (name, password) = user
                    .trim_start_matches("mysql://")
                    .trim_end_matches('@')
                    .split_once(':')
                    .unwrap();
                let (host, port) = address.split_once(':').unwrap();
                let mut command = Command::new("mariadb");
                command.args(["--batch", "--skip-column-names", "--unbuffered"]);
                command.args([
                    "-h",
                    host,
                    "-P",
                    port,
                    "-u",
                    name,
                    rest.trim_start_matches('/'),
                ]);
                command.env("MYSQL_PWD", password);
                command
            }
        };
        Client(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        )
    }

    /// Returns when it is done.
    fn run(&mut self, sql: &str) {
        let input = self.0.stdin.as_mut().unwrap();
        writeln!(input, "{sql}; SELECT 'done';").unwrap();
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "done\n");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn rows_that_somebody_else_holds_are_waited_for_and_then_told(database: &Database) {
    database.open().transact(&[history("1")]).unwrap();
    let joint = if database.url.contains('?') { '&' } else { '?' };
    let store = open(&format!("{}{joint}lock_timeout_ms=1000", database.url)).unwrap();
    let mut other = Client::of(database);
    other.run("BEGIN; UPDATE payseal_history SET detail = '2'");
    let update = statement("UPDATE payseal_history SET detail = '3'", vec![], Some(1));
    let start = Instant::now();
    let error = store.transact(&[history("4"), update.clone()]).unwrap_err();
    let waited = start.elapsed();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreLocked, Outcome::NotSent),
        "{error}"
    );
    assert!(
        waited > Duration::from_millis(900) && waited < Duration::from_secs(6),
        "{waited:?}"
    );
    other.run("ROLLBACK");
    assert_eq!(store.transact(&[update]).unwrap(), Committed);
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_history"), 1);
}

fn a_wrong_password_is_told_and_not_shown(database: &Database) {
    let (user, address, rest) = parts(&database.url);
    let scheme_and_name = user.rsplit_once(':').unwrap().0;
    let error = open(&format!("{scheme_and_name}:hunter%32@{address}{rest}"))
        .err()
        .unwrap();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::NotSent)
    );
    let shown = format!("{error} {error:?}");
    assert!(
        shown.contains("look at user, password and database"),
        "{shown}"
    );
    assert!(!shown.contains("hunter"), "{shown}");
}

fn a_database_that_is_not_there_is_told(database: &Database) {
    let (user, address, _) = parts(&database.url);
    let error = open(&format!("{user}{address}/payseal_nowhere"))
        .err()
        .unwrap();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::NotSent)
    );
    assert!(error.message().contains("no such database"), "{error}");
}

fn a_server_that_is_not_there_is_told_by_its_address(database: &Database) {
    let (user, _, rest) = parts(&database.url);
    // Nobody listens where somebody did.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let error = open(&format!("{user}127.0.0.1:{port}{rest}"))
        .err()
        .unwrap();
    let told = error.message();
    for once in [format!("127.0.0.1:{port}"), "refused".to_owned()] {
        assert_eq!(told.matches(&once).count(), 1, "{told}");
    }
    assert!(!told.contains("Input/output"), "{told}");
}

#[test]
fn a_port_of_something_else_is_told() {
    // It waits for the other to begin, as PostgreSQL does.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let error = open(&format!("mysql://u:p@127.0.0.1:{port}/x?connect_timeout=1"))
        .err()
        .unwrap();
    assert!(error.message().contains("a MySQL server"), "{error}");
}

fn a_forked_child_has_connections_of_its_own(database: &Database) {
    let store = database.open();
    store.insert(&events(0..10)).unwrap();
    let store = Cell::new(Some(store));
    // One that only closes it leaves the parent's connections alone.
    in_a_child(|| {
        drop(store.take());
        b"closed".to_vec()
    });
    let store = store.take().unwrap();
    assert_eq!(store.insert(&events(0..1)).unwrap(), [false]);
    let seen = in_a_child_while(
        || {
            for round in 0..20 {
                store.insert(&events(round..round + 20)).unwrap();
            }
            count(&*store).to_string().into_bytes()
        },
        || {
            for round in 0..20 {
                store.insert(&events(1000 + round..1020 + round)).unwrap();
            }
        },
    );
    assert!(seen.len() >= 2);
    assert_eq!(count(&*store), 39 + 39);
}

fn no_thread_is_started(database: &Database) {
    let url = database.url.clone();
    let threads = in_a_child(|| {
        let store = open(&url).unwrap();
        store.insert(&events(0..3)).unwrap();
        store.transact(&[history("1")]).unwrap();
        store
            .claim(Queue::Inbox, "id", 1, NOW + 9, NOW + 10)
            .unwrap();
        let threads = std::fs::read_dir("/proc/self/task").unwrap().count();
        threads.to_string().into_bytes()
    });
    assert_eq!(threads, b"1");
}

fn more_callers_than_connections_wait(database: &Database) {
    let joint = if database.url.contains('?') { '&' } else { '?' };
    let store = open(&format!("{}{joint}max_connections=2", database.url)).unwrap();
    at_once(8, |thread| {
        let first = thread as u32 * 10;
        assert_eq!(
            store.insert(&events(first..first + 10)).unwrap(),
            [true; 10]
        );
    });
    assert_eq!(count(&*store), 80);
}

fn what_the_url_does_not_know_is_refused(database: &Database) {
    let joint = if database.url.contains('?') { '&' } else { '?' };
    for (more, told) in [
        ("max_conections=2", "`max_conections`"),
        ("max_connections=0", "from 1 to"),
        ("max_connections=2&max_connections=3", "twice"),
        ("connect_timeout", "no value"),
    ] {
        let error = open(&format!("{}{joint}{more}", database.url))
            .err()
            .unwrap();
        assert_eq!(error.code(), Code::ConfigInvalid, "{more}");
        assert!(error.message().contains(told), "{error}");
    }
}

fn a_server_without_tls_is_refused_where_it_is_required(database: &Database) {
    let joint = if database.url.contains('?') { '&' } else { '?' };
    let required = match database.url.starts_with("postgres") {
        true => "sslmode=verify-full",
        false => "ssl-mode=VERIFY_IDENTITY",
    };
    let error = open(&format!("{}{joint}{required}", database.url))
        .err()
        .unwrap();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::NotSent)
    );
    assert!(error.message().contains("TLS"), "{error}");
}

#[test]
fn no_error_about_a_url_shows_its_password() {
    for url in [
        "postgres://pay:hunter2",
        "postgres://pay:hunter2@/shop",
        "postgres://pay:hunter2@host:port/shop",
        "postgres://pay:hunter2@host/",
        "postgres://pay:hunter2%@host/shop",
        "postgres://pay:hunter2%FF@host/shop",
        "postgres://pay:hunter2/x@host/shop",
        "postgres://pay:hunter2@host/shop?sslmode=never",
        "postgres://pay:hunter2@host/shop?sslrootcert=/no/such/file",
        "mysql://pay:hunter2@127.0.0.1:1/shop",
        "postgres://pay:hunter2@127.0.0.1:1/shop",
        "postgres://pay:hunter2@no.such.host.invalid/shop?connect_timeout=1",
        "pay:hunter2@host",
    ] {
        let error = open(url).err().expect(url);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}
