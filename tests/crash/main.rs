//! Processes that are killed, and what they have acknowledged.
//!
//! A service takes in notifications and works them off; who kills it keeps the journal of what it has acknowledged, outside of it. In the end
//! all of that is there, and has taken effect once: 500 kills on SQLite, 200 each on PostgreSQL and MariaDB, whose servers are killed too.

#[path = "../support/mod.rs"]
mod support;

mod killer;
mod power;
mod servers;
mod service;
mod steps;

use killer::Killer;
use servers::Server;

#[test]
fn sqlite_loses_nothing_and_does_nothing_twice_in_500_kills() {
    let folder = killer::folder();
    let url = format!("sqlite:{}", folder.join("pay.db").display());
    Killer::new(&url).run(500, |_| ());
    let check: String = rusqlite::Connection::open(folder.join("pay.db"))
        .unwrap()
        .query_row("PRAGMA integrity_check", (), |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_service_that_dies_before_or_after_any_of_its_writes_loses_nothing() {
    let folder = killer::folder();
    let url = format!("sqlite:{}", folder.join("pay.db").display());
    Killer::new(&url).run_to_each_step(12);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
#[ignore = "needs PostgreSQL"]
fn nor_does_one_on_postgres() {
    Killer::new(&Server::start("postgres").url).run_to_each_step(12);
}

#[test]
#[ignore = "needs MariaDB"]
fn nor_does_one_on_mariadb() {
    Killer::new(&Server::start("mariadb").url).run_to_each_step(12);
}

/// Every tenth time the server is killed too.
fn on(server: &str) {
    let mut server = Server::start(server);
    Killer::new(&server.url).run(200, |life| {
        if life % 10 == 5 {
            server.restart();
        }
    });
}

#[test]
#[ignore = "needs PostgreSQL"]
fn postgres_loses_nothing_and_does_nothing_twice_in_200_kills() {
    on("postgres");
}

#[test]
#[ignore = "needs MariaDB"]
fn mariadb_loses_nothing_and_does_nothing_twice_in_200_kills() {
    on("mariadb");
}

/// The program that is killed. Who runs it: [`killer`].
#[test]
#[ignore = "runs in a process of its own"]
fn alone_the_service() {
    service::run();
}
