use payseal::error::{Code, Outcome};
use payseal::payments::store::open;

use super::database::{Database, at_once, number, statement};

super::promises! {
    ten_may_open_a_new_database_at_once,
    a_newer_schema_is_refused,
}

fn ten_may_open_a_new_database_at_once(database: &Database) {
    let ids = at_once(10, |_| database.open().store_id().to_owned());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let store = database.open();
    assert_eq!(number(&*store, "SELECT COUNT(*) FROM payseal_schema"), 1);
}

fn a_newer_schema_is_refused(database: &Database) {
    let store = database.open();
    let newer = statement("UPDATE payseal_schema SET version = 7", vec![], Some(1));
    store.transact(&[newer]).unwrap();
    let refused = open(&database.url).err().unwrap();
    assert_eq!(
        (refused.code(), refused.outcome()),
        (Code::StoreSchema, Outcome::NotSent)
    );
    assert!(refused.message().contains("of version 7"), "{refused}");
    assert!(refused.message().contains("up to 1"), "{refused}");
}
