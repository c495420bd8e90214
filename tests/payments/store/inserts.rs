use payseal::payments::store::{Arriving, NewEvent, Store, Value};

use super::database::{Database, NOW, at_once, event, events, number, rows, text};

super::promises! {
    an_event_is_new_once,
    of_two_events_with_one_key_in_one_call_one_is_new,
    an_event_comes_back_as_it_went_in,
    each_event_is_new_for_one_of_many_threads,
    what_was_inserted_is_there_for_who_opens_the_database_later,
    nothing_is_inserted_of_no_events,
    events_that_come_meanwhile_are_in_the_same_transaction_and_answered_in_their_order,
}

fn an_event_is_new_once(database: &Database) {
    let store = database.open();
    assert_eq!(store.insert(&events(0..3)).unwrap(), [true, true, true]);
    assert_eq!(
        store.insert(&events(1..5)).unwrap(),
        [false, false, true, true]
    );
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_inbox"), 5);
}

fn of_two_events_with_one_key_in_one_call_one_is_new(database: &Database) {
    let store = database.open();
    let twice = [event(1), event(2), event(1), event(3), event(2)];
    assert_eq!(
        store.insert(&twice).unwrap(),
        [true, true, false, true, false]
    );
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_inbox"), 3);
}

fn an_event_comes_back_as_it_went_in(database: &Database) {
    let store = database.open();
    let mut large = event(7);
    large.body = (0..3_000_000_u32).map(|byte| (byte % 251) as u8).collect();
    store.insert(&[large.clone(), event(8)]).unwrap();
    let found = rows(
        &*store,
        "SELECT event_key, account, kind, order_no, source, headers, body, envelope, plaintext, fact, received_ms, state, due_ms, attempts, \
         ended_ms, reason FROM payseal_inbox ORDER BY id",
        vec![],
    );
    for (event, row) in [large, event(8)].into_iter().zip(found) {
        let expected = vec![
            Value::Bytes(event.event_key.to_vec()),
            Value::Text(event.account),
            Value::Text(event.kind),
            Value::Text(event.order_no),
            text(event.source),
            Value::Text(event.headers),
            Value::Bytes(event.body),
            Value::Text(event.envelope),
            Value::Bytes(event.plaintext),
            event.fact.map_or(Value::Null, Value::Text),
            Value::Integer(event.received_ms),
            Value::Integer(0),
            Value::Integer(event.received_ms),
            Value::Integer(0),
            Value::Null,
            Value::Null,
        ];
        assert!(row == expected, "event {}", event.received_ms - NOW);
    }
}

fn each_event_is_new_for_one_of_many_threads(database: &Database) {
    let store = database.open();
    let news: Vec<Vec<bool>> = at_once(8, |thread| {
        let mut all = events(0..100);
        all.rotate_left(thread * 12);
        let mut new: Vec<bool> = all
            .chunks(10)
            .flat_map(|chunk| store.insert(chunk).unwrap())
            .collect();
        new.rotate_right(thread * 12);
        new
    });
    for event in 0..100 {
        let times = news.iter().filter(|new| new[event]).count();
        assert_eq!(times, 1, "event {event}");
    }
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_inbox"), 100);
}

fn what_was_inserted_is_there_for_who_opens_the_database_later(database: &Database) {
    let id = {
        let store = database.open();
        store.insert(&events(0..10)).unwrap();
        store.store_id().to_owned()
    };
    let store = database.open();
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_inbox"), 10);
    assert_eq!(store.store_id(), id);
    assert_eq!(id.len(), 32);
}

fn nothing_is_inserted_of_no_events(database: &Database) {
    let store = database.open();
    assert!(store.insert(&[]).unwrap().is_empty());
}

/// Two lots of events, the second of which comes when the first was taken.
struct TwoLots<'a> {
    all: Vec<NewEvent>,
    lots: [std::ops::Range<usize>; 2],
    given: usize,
    /// Another connection, which sees what is committed.
    beside: &'a dyn Store,
}

impl Arriving for TwoLots<'_> {
    fn next(&mut self) -> Option<&[NewEvent]> {
        let lot = self.lots.get(self.given)?.clone();
        self.given += 1;
        let sql = "SELECT COUNT(*) FROM payseal_inbox";
        assert_eq!(number(self.beside, sql), 0, "before lot {}", self.given);
        Some(&self.all[lot])
    }

    fn rest(&mut self) -> &[NewEvent] {
        self.given = self.lots.len();
        &self.all
    }
}

fn events_that_come_meanwhile_are_in_the_same_transaction_and_answered_in_their_order(
    database: &Database,
) {
    let (store, beside) = (database.open(), database.open());
    let mut lots = TwoLots {
        all: vec![event(1), event(2), event(3), event(1), event(4)],
        lots: [0..3, 3..5],
        given: 0,
        beside: &*beside,
    };
    let new = store.insert_arriving(&mut lots).unwrap();
    assert_eq!(new, [true, true, true, false, true]);
    assert_eq!(lots.given, 2, "all were taken");
    assert_eq!(number(&*beside, "SELECT COUNT(*) FROM payseal_inbox"), 4);
}
