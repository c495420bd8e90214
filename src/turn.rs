//! One at a time: whoever has the turn does the work, the others wait for what comes of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait before looking again whether the turn is over.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Nothing blocks on it: a call is driven from outside, and so it looks again after [`LOOK_AGAIN`].
#[derive(Default)]
pub(crate) struct Turn(Mutex<State>);

#[derive(Default)]
struct State {
    /// How many there were.
    count: u64,
    /// Whose turn it is, and until when that counts: whoever abandons a call without freeing it must not lock the others out.
    running: Option<(u64, Instant)>,
}

impl Turn {
    /// The permit of this turn, or the number of the one that is under way. `until` is when the caller will have given up.
    pub fn take(self: &Arc<Self>, now: Instant, until: Instant) -> Result<Permit, u64> {
        let mut state = self.lock();
        if let Some((number, _)) = state.running.filter(|(_, until)| now < *until) {
            return Err(number);
        }
        state.count += 1;
        state.running = Some((state.count, until));
        Ok(Permit {
            turn: self.clone(),
            number: state.count,
        })
    }

    pub fn is_taken(&self, now: Instant) -> bool {
        self.lock().running.is_some_and(|(_, until)| now < until)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by the one whose turn it is. Dropping it, whatever happened, lets the next one in.
pub(crate) struct Permit {
    turn: Arc<Turn>,
    number: u64,
}

impl Permit {
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The work goes on until then. Too late when somebody else has the turn already.
    pub fn extend(&self, until: Instant) {
        let mut state = self.turn.lock();
        if let Some((number, end)) = &mut state.running
            && *number == self.number
        {
            *end = until;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.turn.lock();
        if state
            .running
            .is_some_and(|(number, _)| number == self.number)
        {
            state.running = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn an_abandoned_turn_ends_when_its_call_would_have_given_up() {
        let (turn, now) = (Arc::new(Turn::default()), Instant::now());
        let abandoned = turn.take(now, now + S).ok().unwrap();
        assert!(turn.take(now, now + S).is_err_and(|number| number == 1));
        let next = turn.take(now + S, now + 3 * S).ok().unwrap();
        // Whoever comes back late has neither the turn nor a word in it.
        abandoned.extend(now + 9 * S);
        drop(abandoned);
        assert!(turn.is_taken(now + 2 * S) && !turn.is_taken(now + 3 * S));
        drop(next);
        assert!(!turn.is_taken(now + 2 * S));
    }

    #[test]
    fn who_goes_on_keeps_the_turn() {
        let (turn, now) = (Arc::new(Turn::default()), Instant::now());
        let permit = turn.take(now, now + S).ok().unwrap();
        permit.extend(now + 5 * S);
        assert!(turn.take(now + 4 * S, now + 5 * S).is_err());
    }
}
