//! Remembers which deliveries were opened, in bounded memory, so that an exact repetition inside the time window can be told.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

pub(crate) struct ReplayGuard {
    entries: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    order: VecDeque<u128>,
    set: HashSet<u128>,
}

impl ReplayGuard {
    /// Keeps the last `entries` deliveries.
    pub fn new(entries: usize) -> ReplayGuard {
        let seen = Seen {
            order: VecDeque::with_capacity(entries),
            set: HashSet::with_capacity(entries),
        };
        ReplayGuard {
            entries,
            seen: Mutex::new(seen),
        }
    }

    /// Whether this delivery was here before; from now on it was.
    pub fn is_repeated(&self, fingerprint: &[u8; 32]) -> bool {
        let key = u128::from_le_bytes(*fingerprint.first_chunk().expect("32 bytes hold 16"));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.set.insert(key) {
            return true;
        }
        if seen.order.len() == self.entries
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.set.remove(&oldest);
        }
        seen.order.push_back(key);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_new_once_and_memory_is_bounded() {
        let guard = ReplayGuard::new(2);
        let print = |n: u8| [n; 32];
        assert_eq!(
            [1, 1, 2, 3, 2, 1].map(|n| guard.is_repeated(&print(n))),
            [false, true, false, false, true, false]
        );
        assert_eq!(guard.seen.lock().unwrap().set.len(), 2);
    }
}
