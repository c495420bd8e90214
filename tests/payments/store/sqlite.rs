//! What holds for a file alone.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, Instant};

use payseal::error::{Code, Outcome};
use payseal::payments::store::{Store, open};
use rusqlite::Connection;

use super::child::{in_a_child, in_a_child_while};
use super::database::{Database, event, events, number};

/// Another program that has the file open.
fn other(database: &Database) -> Connection {
    Connection::open(database.folder().join("pay.db")).unwrap()
}

fn refused(url: &str) -> (Code, String) {
    let error = open(url).err().expect(url);
    assert_eq!(error.outcome(), Outcome::NotSent);
    (error.code(), error.message().to_owned())
}

fn count(store: &dyn Store) -> i64 {
    number(store, "SELECT COUNT(*) FROM payseal_inbox")
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let database = Database::sqlite();
    let store = database.open();
    store.insert(&events(0..1)).unwrap();
    let mut found = 0;
    for file in std::fs::read_dir(database.folder()).unwrap() {
        assert_eq!(file.unwrap().metadata().unwrap().mode() & 0o777, 0o600);
        found += 1;
    }
    assert_eq!(found, 3, "the file, its log and the log's index");
}

#[test]
fn what_is_no_file_is_refused() {
    for url in [
        "sqlite:",
        "sqlite::memory:",
        "sqlite:file::memory:?cache=shared",
        "sqlite:file:x.db",
    ] {
        let (code, message) = refused(url);
        assert_eq!(code, Code::ConfigInvalid, "{url}");
        assert!(
            url.contains('?') || message.contains("sqlite:PATH"),
            "{message}"
        );
    }
    for (url, told) in [
        ("sqlite://host/pay.db", "sqlite:///PATH"),
        ("sqlite:/no/such/folder/pay.db", "make it first"),
        ("sqlite:/tmp/", "folder"),
        ("sqlite:/tmp", "folder"),
        ("sqlite:pay.db?mode=ro", "`mode`"),
        ("sqlite:pay.db?lock_timeout_ms=soon", "`lock_timeout_ms`"),
        ("oracle://host/pay", "sqlite:"),
        ("pay.db", "sqlite:"),
    ] {
        let (code, message) = refused(url);
        assert_eq!(code, Code::ConfigInvalid, "{url}");
        assert!(message.contains(told), "{url}: {message}");
    }
}

#[test]
fn what_is_not_a_database_is_refused() {
    let database = Database::sqlite();
    std::fs::write(
        database.folder().join("pay.db"),
        "plain text, long enough to be looked at",
    )
    .unwrap();
    assert_eq!(refused(&database.url).0, Code::StoreSchema);
}

#[test]
fn tables_of_somebody_else_are_refused() {
    let database = Database::sqlite();
    other(&database)
        .execute_batch("CREATE TABLE payseal_orders (number TEXT)")
        .unwrap();
    let (code, message) = refused(&database.url);
    assert_eq!(code, Code::StoreSchema);
    assert!(message.contains("name another file"), "{message}");
    let tables: i64 = other(&database)
        .query_row(
            "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table'",
            (),
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_another_program_writes_to_is_waited_for_and_then_told() {
    let database = Database::sqlite();
    let store = open(&format!("{}?lock_timeout_ms=200", database.url)).unwrap();
    let other = other(&database);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let start = Instant::now();
    let error = store.insert(&events(0..1)).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreLocked, Outcome::NotSent),
        "{error}"
    );
    let waited = start.elapsed();
    assert!(
        waited >= Duration::from_millis(150) && waited < Duration::from_secs(3),
        "{waited:?}"
    );
    assert_eq!(count(&*store), 0, "readers do not wait");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.insert(&events(0..1)).unwrap(), [true]);
}

#[test]
fn a_file_that_may_only_be_read_is_told() {
    if unsafe { libc::geteuid() } == 0 {
        // Rights do not bind root: a child without root tries.
        let database = Database::sqlite();
        drop(database.open());
        let file = database.folder().join("pay.db");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
        std::fs::set_permissions(database.folder(), PermissionsExt::from_mode(0o555)).unwrap();
        let url = database.url.clone();
        let codes = in_a_child(move || {
            // SAFETY: the child has one thread.
            assert_eq!(unsafe { libc::setuid(65534) }, 0);
            format!("{:?}", refused(&url).0).into_bytes()
        });
        std::fs::set_permissions(database.folder(), PermissionsExt::from_mode(0o755)).unwrap();
        assert_eq!(String::from_utf8(codes).unwrap(), "StoreReadOnly");
    } else {
        let database = Database::sqlite();
        drop(database.open());
        let file = database.folder().join("pay.db");
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
        assert_eq!(refused(&database.url).0, Code::StoreReadOnly);
    }
}

#[test]
fn a_file_that_only_this_user_may_not_write_is_told_by_its_name_when_it_is_opened() {
    let database = Database::sqlite();
    let file = database.folder().join("pay.db");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).unwrap();
    for written in [false, true] {
        if written {
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
            drop(database.open());
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).unwrap();
        }
        let url = database.url.clone();
        let is_root = unsafe { libc::geteuid() } == 0;
        let nobody = is_root.then_some(65534);
        std::os::unix::fs::chown(&file, nobody, None).unwrap();
        std::os::unix::fs::chown(database.folder(), nobody, None).unwrap();
        let told = in_a_child(move || {
            // SAFETY: the child has one thread. Rights do not bind root.
            assert!(!is_root || unsafe { libc::setuid(65534) } == 0);
            let (code, message) = refused(&url);
            format!("{code:?} {message}").into_bytes()
        });
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("StoreReadOnly"), "{told}");
        assert!(told.contains(file.to_str().unwrap()), "{told}");
    }
}

#[test]
fn a_forked_child_and_its_parent_lose_nothing_of_each_other() {
    let database = Database::sqlite();
    let store = database.open();
    store.insert(&events(0..10)).unwrap();
    assert_eq!(count(&*store), 10);
    // The child is the last that writes, and its parent closes before: the log must outlive that.
    let (mut parent_closed, mut close) = std::io::pipe().unwrap();
    let (mut child_wrote, mut wrote) = std::io::pipe().unwrap();
    let store = Cell::new(Some(store));
    let seen = in_a_child_while(
        || {
            let store = store.take().unwrap();
            store.insert(&events(10..20)).unwrap();
            wrote.write_all(b"1").unwrap();
            parent_closed.read_exact(&mut [0]).unwrap();
            let new = store.insert(&events(15..30)).unwrap();
            assert_eq!(new.iter().filter(|new| **new).count(), 9);
            let seen = count(&*store);
            std::mem::forget(store); // as a killed process ends
            seen.to_string().into_bytes()
        },
        || {
            child_wrote.read_exact(&mut [0]).unwrap();
            let store = store.take().unwrap();
            assert_eq!(store.insert(&events(19..21)).unwrap(), [false, true]);
            drop(store);
            close.write_all(b"1").unwrap();
        },
    );
    assert_eq!(seen, b"30");
    let store = database.open();
    assert_eq!(count(&*store), 30);
    let check: String = other(&database)
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
}

thread_local! {
    /// What the disk answers to this thread.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static DATA_SYNCS: Cell<usize> = const { Cell::new(0) };
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Full,
    SyncFails,
}

/// In the place of the system's: SQLite is linked into this program.
#[unsafe(no_mangle)]
extern "C" fn fsync(file: libc::c_int) -> libc::c_int {
    sync(file, libc::SYS_fsync)
}

/// As SQLite is told to do it.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(file: libc::c_int) -> libc::c_int {
    DATA_SYNCS.set(DATA_SYNCS.get() + 1);
    sync(file, libc::SYS_fdatasync)
}

fn sync(file: libc::c_int, call: libc::c_long) -> libc::c_int {
    if FAULT.get() == Some(Fault::SyncFails) {
        // SAFETY: the thread's own.
        unsafe { *libc::__errno_location() = libc::EIO };
        return -1;
    }
    // SAFETY: what the system's does.
    unsafe { libc::syscall(call, file) as libc::c_int }
}

/// In the place of the system's: SQLite is linked into this program.
#[unsafe(no_mangle)]
extern "C" fn pwrite64(
    file: libc::c_int,
    bytes: *const libc::c_void,
    length: usize,
    at: libc::off64_t,
) -> isize {
    if FAULT.get() == Some(Fault::Full) {
        // SAFETY: the thread's own.
        unsafe { *libc::__errno_location() = libc::ENOSPC };
        return -1;
    }
    // SAFETY: what the system's does.
    unsafe { libc::syscall(libc::SYS_pwrite64, file, bytes, length, at) as isize }
}

fn during<T>(fault: Fault, work: impl FnOnce() -> T) -> T {
    FAULT.set(Some(fault));
    let result = work();
    FAULT.set(None);
    result
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_written() {
    let database = Database::sqlite();
    let store = database.open();
    store.insert(&events(0..5)).unwrap();
    let error = during(Fault::Full, || store.insert(&events(5..9))).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreFull, Outcome::NotSent),
        "{error}"
    );
    assert_eq!(count(&*store), 5);
    assert_eq!(
        store.insert(&events(4..9)).unwrap(),
        [false, true, true, true, true]
    );
}

#[test]
fn after_a_sync_that_failed_nobody_claims_to_know() {
    let database = Database::sqlite();
    let store = database.open();
    store.insert(&events(0..5)).unwrap();
    let error = during(Fault::SyncFails, || store.insert(&events(5..9))).unwrap_err();
    assert_eq!(
        (error.code(), error.outcome()),
        (Code::StoreUnavailable, Outcome::Unknown),
        "{error}"
    );
    // A new connection goes on. What it says of the same events is right, whichever it is.
    let new = store.insert(&events(0..9)).unwrap();
    assert_eq!(new[..5], [false; 5]);
    assert_eq!(count(&*store), 9);
}

#[test]
fn every_commit_is_synced() {
    let database = Database::sqlite();
    let store = database.open();
    for round in 0..3 {
        let failed = during(Fault::SyncFails, || store.insert(&[event(round)]));
        assert!(failed.is_err(), "a commit without a sync");
        // The connection of the next round is there before the fault.
        store.insert(&[event(100 + round)]).unwrap();
    }
    let before = DATA_SYNCS.get();
    store.insert(&[event(200)]).unwrap();
    assert_eq!(
        DATA_SYNCS.get() - before,
        1,
        "fdatasync alone; was SQLite built with what .cargo/config.toml says?"
    );
    let mode: String = other(&database)
        .query_row("PRAGMA journal_mode", (), |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
}
