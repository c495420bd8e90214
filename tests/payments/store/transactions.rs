use payseal::error::{Code, Outcome};
use payseal::payments::store::Transaction::{Committed, Refused};
use payseal::payments::store::{Statement, Store, Value};

use super::database::{Database, at_once, number, rows, statement, text};

super::promises! {
    all_statements_happen_or_none,
    rows_that_stay_the_same_count_as_changed,
    a_taken_key_changes_nothing_and_counts_nothing,
    numbers_of_orders_differ_by_case,
    values_keep_their_type,
    a_sum_is_an_integer,
    a_statement_that_fails_takes_all_with_it,
    eight_threads_that_count_lose_no_count,
}

fn history(order: &str, detail: &str) -> Statement {
    statement(
        "INSERT INTO payseal_history (order_no, at_ms, to_state, source, detail) VALUES (?, ?, 'paid', 'host', ?)",
        vec![text(order), Value::Integer(1), text(detail)],
        Some(1),
    )
}

fn rename(from: &str, to: &str, changes: u64) -> Statement {
    statement(
        "UPDATE payseal_history SET detail = ? WHERE detail = ?",
        vec![text(to), text(from)],
        Some(changes),
    )
}

fn details(store: &dyn Store) -> Vec<String> {
    rows(
        store,
        "SELECT detail FROM payseal_history ORDER BY id",
        vec![],
    )
    .into_iter()
    .map(|row| match &row[0] {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn all_statements_happen_or_none(database: &Database) {
    let store = database.open();
    let refused = store.transact(&[history("A", "1"), rename("none", "2", 1), history("A", "3")]);
    assert_eq!(refused.unwrap(), Refused(1));
    assert!(details(&*store).is_empty());
    let done = store.transact(&[history("A", "1"), rename("1", "2", 1), history("A", "3")]);
    assert_eq!(done.unwrap(), Committed);
    assert_eq!(details(&*store), ["2", "3"]);
    assert_eq!(store.transact(&[]).unwrap(), Committed);
}

fn rows_that_stay_the_same_count_as_changed(database: &Database) {
    let store = database.open();
    store
        .transact(&[history("A", "1"), history("B", "1")])
        .unwrap();
    assert_eq!(store.transact(&[rename("1", "1", 2)]).unwrap(), Committed);
    let delete = statement(
        "DELETE FROM payseal_history WHERE detail = ?",
        vec![text("1")],
        Some(2),
    );
    assert_eq!(store.transact(&[delete]).unwrap(), Committed);
}

fn a_taken_key_changes_nothing_and_counts_nothing(database: &Database) {
    let store = database.open();
    let sql = store.dialect().insert_or_nothing(
        "payseal_exceptions",
        &[
            "evidence_key",
            "account",
            "order_no",
            "kind",
            "source",
            "at_ms",
            "evidence",
        ],
    );
    let insert = |evidence: &str, changes| Statement {
        sql: sql.clone().into(),
        values: vec![
            text("07"),
            text("shop"),
            text("A"),
            text("amount"),
            text("notification"),
            Value::Integer(1),
            text(evidence),
        ],
        changes: Some(changes),
    };
    assert_eq!(store.transact(&[insert("first", 1)]).unwrap(), Committed);
    assert_eq!(store.transact(&[insert("second", 1)]).unwrap(), Refused(0));
    assert_eq!(store.transact(&[insert("second", 0)]).unwrap(), Committed);
    let found = rows(&*store, "SELECT evidence FROM payseal_exceptions", vec![]);
    assert_eq!(found, [[text("first")]]);
}

fn numbers_of_orders_differ_by_case(database: &Database) {
    let store = database.open();
    store
        .transact(&[history("abc", "1"), history("ABC", "2")])
        .unwrap();
    let found = rows(
        &*store,
        "SELECT detail FROM payseal_history WHERE order_no = ?",
        vec![text("ABC")],
    );
    assert_eq!(found, [[text("2")]]);
}

fn values_keep_their_type(database: &Database) {
    let store = database.open();
    for value in [i64::MIN, -1, 0, i64::MAX] {
        let insert = statement(
            "INSERT INTO payseal_history (order_no, refund_no, at_ms, to_state, source, detail) VALUES ('A', ?, ?, 'x', 'host', ?)",
            vec![Value::Null, Value::Integer(value), text("1' OR '1\\ ?")],
            Some(1),
        );
        store.transact(&[insert]).unwrap();
        let found = rows(
            &*store,
            "SELECT refund_no, at_ms, detail FROM payseal_history WHERE at_ms = ? AND detail <> '?'",
            vec![Value::Integer(value)],
        );
        assert_eq!(
            found,
            [[Value::Null, Value::Integer(value), text("1' OR '1\\ ?")]]
        );
    }
}

fn a_sum_is_an_integer(database: &Database) {
    let store = database.open();
    store
        .transact(&[history("A", "1"), history("A", "2")])
        .unwrap();
    assert_eq!(number(&*store, "SELECT SUM(at_ms) FROM payseal_history"), 2);
    assert_eq!(
        number(&*store, "SELECT SUM(at_ms) * 50000 FROM payseal_history"),
        100_000
    );
}

fn a_statement_that_fails_takes_all_with_it(database: &Database) {
    let store = database.open();
    let wrong = statement("UPDATE payseal_history SET to_state = NULL", vec![], None);
    let failed = store.transact(&[history("A", "1"), wrong]).unwrap_err();
    assert_eq!(
        (failed.code(), failed.outcome()),
        (Code::StoreFailed, Outcome::NotSent),
        "{failed}"
    );
    let unknown = statement("UPDATE payseal_nothing SET x = 1", vec![], None);
    let failed = store.transact(&[history("A", "1"), unknown]).unwrap_err();
    assert_eq!(
        (failed.code(), failed.outcome()),
        (Code::StoreFailed, Outcome::NotSent),
        "{failed}"
    );
    let missing = statement("UPDATE payseal_history SET detail = ?", vec![], None);
    assert_eq!(
        store.transact(&[missing]).unwrap_err().code(),
        Code::StoreFailed
    );
    assert!(details(&*store).is_empty());
    assert_eq!(store.transact(&[history("A", "2")]).unwrap(), Committed);
}

fn eight_threads_that_count_lose_no_count(database: &Database) {
    let store = database.open();
    store.transact(&[history("A", "count")]).unwrap();
    let refused: usize = at_once(8, |_| {
        let mut refused = 0;
        let mut left = 20;
        while left > 0 {
            let before = number(&*store, "SELECT at_ms FROM payseal_history");
            let guarded = statement(
                "UPDATE payseal_history SET at_ms = at_ms + 1 WHERE order_no = ? AND at_ms = ?",
                vec![text("A"), Value::Integer(before)],
                Some(1),
            );
            match store.transact(&[guarded]).unwrap() {
                Committed => left -= 1,
                Refused(_) => refused += 1,
            }
        }
        refused
    })
    .into_iter()
    .sum();
    let counted = number(&*store, "SELECT at_ms FROM payseal_history");
    assert_eq!(counted, 1 + 8 * 20, "{refused} were refused");
}
