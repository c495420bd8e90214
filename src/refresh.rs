//! When the platform's keys may be fetched anew: one at a time, not too often, and never again for a serial that is known not to exist.
//!
//! Without this a forged notification with a made-up serial would make the service call the provider, as often as the forger likes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::turn::{Permit, Turn};

const UNKNOWN_KEPT: usize = 256;
const UNKNOWN_FOR: Duration = Duration::from_secs(600);
/// With no key at all nothing works, so trying again soon is worth more than sparing the provider.
const MISSING_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct RefreshGate {
    min_interval: Duration,
    turn: Arc<Turn>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Instant>,
    unknown: VecDeque<(String, Instant)>,
}

/// Why keys are wanted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Want {
    Missing,
    Due,
    Serial(String),
}

pub(crate) enum Admission {
    /// This caller fetches; the others wait for it.
    Fetch(Permit),
    /// Another caller is at it.
    Underway,
    /// Too soon, or the serial is known not to exist.
    Refused,
}

impl RefreshGate {
    pub fn new(min_interval: Duration) -> RefreshGate {
        RefreshGate {
            min_interval,
            turn: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// `until` is when the caller will have given up.
    pub fn enter(&self, want: &Want, now: Instant, until: Instant) -> Admission {
        let mut state = self.lock();
        state.unknown.retain(|(_, until)| *until > now);
        if let Want::Serial(serial) = want
            && state.unknown.iter().any(|(known, _)| known == serial)
        {
            return Admission::Refused;
        }
        if self.turn.is_taken(now) {
            return Admission::Underway;
        }
        let interval = if *want == Want::Missing {
            MISSING_INTERVAL
        } else {
            self.min_interval
        };
        if state
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < interval)
        {
            return Admission::Refused;
        }
        let Ok(permit) = self.turn.take(now, until) else {
            return Admission::Underway;
        };
        state.last = Some(now);
        Admission::Fetch(permit)
    }

    /// A refresh did not bring this serial.
    pub fn remember_unknown(&self, serial: &str, now: Instant) {
        let mut state = self.lock();
        if state.unknown.len() == UNKNOWN_KEPT {
            state.unknown.pop_front();
        }
        state
            .unknown
            .push_back((serial.to_owned(), now + UNKNOWN_FOR));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Arc<RefreshGate> {
        Arc::new(RefreshGate::new(Duration::from_secs(60)))
    }

    fn enter(gate: &Arc<RefreshGate>, want: &Want, now: Instant) -> Admission {
        gate.enter(want, now, now + Duration::from_secs(5))
    }

    #[test]
    fn an_abandoned_permit_ends_with_its_call() {
        let (gate, now) = (gate(), Instant::now());
        let _abandoned = enter(&gate, &Want::Missing, now);
        let later = now + Duration::from_secs(6);
        let next = enter(&gate, &Want::Missing, later);
        assert!(matches!(next, Admission::Fetch(_)));
        drop(_abandoned);
        assert!(matches!(
            enter(&gate, &Want::Missing, later),
            Admission::Underway
        ));
    }

    fn serial(text: &str) -> Want {
        Want::Serial(text.into())
    }

    #[test]
    fn only_one_caller_fetches_at_a_time() {
        let (gate, now) = (gate(), Instant::now());
        let permit = enter(&gate, &Want::Missing, now);
        assert!(matches!(permit, Admission::Fetch(_)));
        assert!(matches!(
            enter(&gate, &serial("5A"), now),
            Admission::Underway
        ));
        drop(permit);
        assert!(matches!(
            enter(&gate, &Want::Missing, now + Duration::from_secs(2)),
            Admission::Fetch(_)
        ));
    }

    #[test]
    fn a_thousand_made_up_serials_cause_one_refresh_a_minute() {
        let (gate, start) = (gate(), Instant::now());
        let fetches = (0..1000u64)
            .filter(|n| {
                matches!(
                    enter(
                        &gate,
                        &serial(&format!("{n:X}")),
                        start + Duration::from_millis(n * 120)
                    ),
                    Admission::Fetch(_)
                )
            })
            .count();
        assert_eq!(fetches, 2, "1,000 notifications over two minutes");
    }

    #[test]
    fn a_serial_that_a_refresh_did_not_bring_is_not_asked_for_again() {
        let (gate, now) = (gate(), Instant::now());
        gate.remember_unknown("5A", now);
        assert!(matches!(
            enter(&gate, &serial("5A"), now + Duration::from_secs(599)),
            Admission::Refused
        ));
        assert!(matches!(
            enter(&gate, &serial("5A"), now + Duration::from_secs(601)),
            Admission::Fetch(_)
        ));
    }
}
