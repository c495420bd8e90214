//! The same promises, kept by every database. PostgreSQL and MySQL are those at the URLs in PAYSEAL_TEST_POSTGRES and PAYSEAL_TEST_MYSQL.

mod child;
mod claims;
pub mod database;
mod inserts;
pub mod proxy;
mod schema;
mod servers;
mod sqlite;
mod transactions;

/// Runs each function as a test of each database.
macro_rules! promises {
    ($($name:ident),* $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $name() { super::$name(&crate::store::database::Database::sqlite()) })*
        }
        mod on_postgres {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_POSTGRES"] fn $name() { super::$name(&crate::store::database::Database::postgres()) })*
        }
        mod on_mysql {
            $(#[test] #[ignore = "needs PAYSEAL_TEST_MYSQL"] fn $name() { super::$name(&crate::store::database::Database::mysql()) })*
        }
    };
}
use promises;
