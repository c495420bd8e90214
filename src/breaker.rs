//! A circuit breaker for one host: after repeated failures it is left alone for a while.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

/// Lock-free, and without a flag that a lost thread could leave set: a forked child goes on with what its parent had learnt.
#[derive(Debug)]
pub(crate) struct Breaker {
    threshold: u32,
    open: Duration,
    epoch: Instant,
    failures: AtomicU32,
    /// Milliseconds since `epoch` until which the breaker is open; 0 while it is closed.
    open_until: AtomicU64,
}

impl Breaker {
    pub fn new(threshold: u32, open: Duration) -> Breaker {
        Breaker {
            threshold,
            open,
            epoch: Instant::now(),
            failures: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
        }
    }

    /// Whether a request may go to the host. When the time is over one caller is let through to try; the others wait for what it finds.
    pub fn admits(&self, now: Instant) -> bool {
        let until = self.open_until.load(SeqCst);
        if until == 0 {
            return true;
        }
        let now = self.since_epoch(now);
        now >= until
            && self
                .open_until
                .compare_exchange(until, now + self.open.as_millis() as u64, SeqCst, SeqCst)
                .is_ok()
    }

    pub fn is_open(&self) -> bool {
        self.open_until.load(SeqCst) != 0
    }

    /// Says whether this closed the breaker.
    pub fn succeeded(&self) -> bool {
        self.failures.store(0, SeqCst);
        self.open_until.swap(0, SeqCst) != 0
    }

    /// Says whether this opened the breaker.
    pub fn failed(&self, now: Instant) -> bool {
        let failures = self.failures.fetch_add(1, SeqCst).saturating_add(1);
        failures >= self.threshold
            && self
                .open_until
                .swap(self.since_epoch(now) + self.open.as_millis() as u64, SeqCst)
                == 0
    }

    fn since_epoch(&self, now: Instant) -> u64 {
        (now.saturating_duration_since(self.epoch).as_millis() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_failures_open_it_and_one_trial_decides() {
        let breaker = Breaker::new(3, Duration::from_millis(100));
        let start = Instant::now();
        assert!(!breaker.failed(start) && !breaker.failed(start) && breaker.admits(start));
        assert!(breaker.failed(start) && !breaker.admits(start));
        let later = start + Duration::from_millis(500);
        assert!(breaker.admits(later), "the trial");
        assert!(!breaker.admits(later), "only one trial");
        assert!(breaker.succeeded() && breaker.admits(later) && breaker.admits(later));
    }

    #[test]
    fn a_success_in_between_starts_the_count_again() {
        let breaker = Breaker::new(2, Duration::from_millis(100));
        let now = Instant::now();
        breaker.failed(now);
        breaker.succeeded();
        assert!(!breaker.failed(now) && breaker.admits(now));
    }
}
