//! Provider, payers, service and database, simulated by chance from one seed: whatever happens to them, in the end nothing is lost and nothing
//! was done twice.
//!
//! PAYSEAL_SEED repeats a run; the seed of each is printed.

mod chance;
mod chaos;
mod course;
mod proof;

use std::io::Write;

use chaos::Broken;
use course::{Course, Outcome};

/// Of one course of the simulation.
const ORDERS: usize = 1_000;

fn first_seed() -> u64 {
    match std::env::var("PAYSEAL_SEED") {
        Ok(seed) => seed.parse().expect("PAYSEAL_SEED is a number"),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_secs(),
    }
}

/// Past the capture of the test harness.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn nothing_is_lost(part: u64, courses: u64) {
    let first = first_seed() + part * 1_000_000;
    say(&format!(
        "simulation: PAYSEAL_SEED={} (part {part})",
        first_seed()
    ));
    let mut all = Outcome::default();
    for seed in first..first + courses {
        let (outcome, wrong) = Course::new(seed, Broken::Nothing).run(ORDERS);
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        all.add(&outcome);
    }
    say(&format!("simulation: {all:?}"));
    assert!(
        all.payments > 0 && all.refunds > 0 && all.exceptions > 0 && all.crashes > 0,
        "too little has happened: {all:?}"
    );
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_in_the_first_half_of_ten_thousand_orders() {
    nothing_is_lost(0, 5);
}

#[test]
fn nothing_is_lost_and_nothing_done_twice_in_the_second_half_of_ten_thousand_orders() {
    nothing_is_lost(1, 5);
}

/// What a service that breaks this promise is caught with, in one of a few courses.
#[track_caller]
fn caught(broken: Broken) -> Vec<String> {
    let first = first_seed();
    for seed in first..first + 8 {
        let (_, wrong) = Course::new(seed, broken).run(60);
        if !wrong.is_empty() {
            return wrong;
        }
    }
    panic!("nobody noticed {broken:?} (PAYSEAL_SEED={first})");
}

#[test]
fn who_acknowledges_before_the_commit_is_caught() {
    let wrong = caught(Broken::AcknowledgesFirst);
    assert!(wrong[0].contains("acknowledged and lost"), "{wrong:?}");
}

#[test]
fn who_marks_an_event_as_seen_before_it_is_stored_is_caught() {
    let wrong = caught(Broken::FlagFirst);
    assert!(wrong[0].contains("acknowledged and lost"), "{wrong:?}");
}

#[test]
fn who_ends_work_after_its_lease_is_caught() {
    let wrong = caught(Broken::NoFencing);
    assert!(
        wrong.iter().any(|it| it.contains("older token")),
        "{wrong:?}"
    );
}

#[test]
fn who_writes_over_what_others_wrote_is_caught() {
    caught(Broken::NoGuard);
}
