use std::collections::HashMap;

use payseal::payments::store::{Ended, Queue, Value};

use super::database::{Database, NOW, at_once, event, events, integer, number, statement, text};

super::promises! {
    the_oldest_that_are_due_are_claimed_in_their_order,
    a_row_is_hidden_until_its_lease_ends,
    no_row_is_claimed_by_two_of_eight_threads,
    who_lost_the_lease_changes_nothing,
    the_outbox_is_claimed_like_the_inbox,
    what_is_done_is_not_claimed,
    only_where_no_fact_takes_effect_work_is_ended_at_once,
}

const LATER: i64 = NOW + 1_000_000;

fn the_oldest_that_are_due_are_claimed_in_their_order(database: &Database) {
    let store = database.open();
    store
        .insert(&[event(5), event(3), event(9), event(1), event(7)])
        .unwrap();
    let claim = |most, now| -> Vec<i64> {
        let rows = store
            .claim(Queue::Inbox, "id, received_ms, attempts", most, now, LATER)
            .unwrap();
        rows.iter().map(|row| integer(row, 1) - NOW).collect()
    };
    assert_eq!(claim(2, NOW + 7), [1, 3]);
    assert_eq!(claim(10, NOW + 7), [5, 7]);
    assert!(claim(10, NOW + 8).is_empty());
    assert_eq!(claim(10, NOW + 9), [9]);
}

fn a_row_is_hidden_until_its_lease_ends(database: &Database) {
    let store = database.open();
    store.insert(&events(0..1)).unwrap();
    let claim = |now, until| {
        store
            .claim(Queue::Inbox, "id, attempts, due_ms", 9, now, until)
            .unwrap()
    };
    let first = claim(NOW, NOW + 100);
    assert_eq!(
        (integer(&first[0], 1), integer(&first[0], 2)),
        (1, NOW + 100)
    );
    assert!(claim(NOW + 99, NOW + 200).is_empty());
    let second = claim(NOW + 100, NOW + 200);
    assert_eq!(integer(&second[0], 0), integer(&first[0], 0));
    assert_eq!(
        (integer(&second[0], 1), integer(&second[0], 2)),
        (2, NOW + 200)
    );
}

fn no_row_is_claimed_by_two_of_eight_threads(database: &Database) {
    let store = database.open();
    store.insert(&events(0..400)).unwrap();
    let claimed = at_once(8, |_| {
        let mut ids = Vec::new();
        loop {
            let rows = store
                .claim(Queue::Inbox, "id, attempts", 7, LATER, LATER + 1)
                .unwrap();
            if rows.is_empty() {
                return ids;
            }
            assert!(rows.len() <= 7);
            assert!(rows.iter().all(|row| integer(row, 1) == 1));
            ids.extend(rows.iter().map(|row| integer(row, 0)));
        }
    });
    let mut times = HashMap::new();
    for id in claimed.into_iter().flatten() {
        *times.entry(id).or_insert(0) += 1;
    }
    assert!(times.values().all(|times| *times == 1));
    // Where locked rows are skipped, a thread may end while the rows of another are not yet written.
    let left = store
        .claim(Queue::Inbox, "id", 400, LATER, LATER + 1)
        .unwrap();
    assert_eq!(times.len() + left.len(), 400);
}

fn who_lost_the_lease_changes_nothing(database: &Database) {
    use payseal::payments::store::Transaction::{Committed, Refused};
    let store = database.open();
    store.insert(&events(0..1)).unwrap();
    let claim = |now| {
        let rows = store
            .claim(Queue::Inbox, "id, attempts", 1, now, now + 10)
            .unwrap();
        (rows[0][0].clone(), rows[0][1].clone())
    };
    let done = |(id, attempt): (Value, Value)| {
        store
            .transact(&[statement(
                "UPDATE payseal_inbox SET state = 1, ended_ms = ? WHERE id = ? AND attempts = ? AND state = 0",
                vec![Value::Integer(NOW), id, attempt],
                Some(1),
            )])
            .unwrap()
    };
    let first = claim(NOW);
    let second = claim(NOW + 10);
    assert_eq!(done(first), Refused(0));
    assert_eq!(done(second.clone()), Committed);
    assert_eq!(done(second), Refused(0));
}

fn the_outbox_is_claimed_like_the_inbox(database: &Database) {
    let store = database.open();
    let message = |due: i64| {
        statement(
            "INSERT INTO payseal_outbox (topic, order_no, payload, created_ms, state, due_ms, attempts) VALUES ('paid', 'A', ?, 1, 0, ?, 0)",
            vec![Value::Text(due.to_string()), Value::Integer(due)],
            Some(1),
        )
    };
    store
        .transact(&[message(20), message(10), message(30)])
        .unwrap();
    let rows = store
        .claim(Queue::Outbox, "id, payload", 5, 25, 100)
        .unwrap();
    let payloads: Vec<_> = rows.into_iter().map(|mut row| row.remove(1)).collect();
    assert_eq!(
        payloads,
        [Value::Text("10".into()), Value::Text("20".into())]
    );
}

fn what_is_done_is_not_claimed(database: &Database) {
    let store = database.open();
    store.insert(&events(0..3)).unwrap();
    store
        .transact(&[statement(
            "UPDATE payseal_inbox SET state = 2 WHERE order_no = ?",
            vec![Value::Text("Order-1".into())],
            Some(1),
        )])
        .unwrap();
    let rows = store.claim(Queue::Inbox, "id", 9, LATER, LATER).unwrap();
    assert_eq!(rows.len(), 2);
}

fn only_where_no_fact_takes_effect_work_is_ended_at_once(database: &Database) {
    let store = database.open();
    let mut learned = event(4);
    learned.source = "query"; // its fact took effect when it was learned
    store
        .insert(&[event(1), event(2), event(3), learned])
        .unwrap();
    let work: Vec<(i64, i64)> = store
        .claim(Queue::Inbox, "id, attempts", 9, LATER, LATER + 1)
        .unwrap()
        .iter()
        .map(|row| (integer(row, 0), integer(row, 1)))
        .collect();
    let waiting = || {
        number(
            &*store,
            "SELECT COUNT(*) FROM payseal_inbox WHERE state = 0",
        )
    };
    let Some(ended) = store.end(Queue::Inbox, &work, NOW).unwrap() else {
        assert_eq!(waiting(), 4, "it takes more than one statement here");
        return;
    };
    let fact = vec![text("shop"), text("notification"), text("paid")];
    assert_eq!(ended, Ended::Stating(vec![fact]));
    assert_eq!(waiting(), 4);
    let lost = [(work[2].0, work[2].1 - 1), (work[3].0, work[3].1 + 1)];
    for now in [vec![work[0], work[3]], vec![]] {
        let ended = store
            .end(Queue::Inbox, &[work[0], lost[0], work[3], lost[1]], NOW)
            .unwrap();
        assert_eq!(ended, Some(Ended::Now(now)));
        assert_eq!(waiting(), 2);
    }
}
