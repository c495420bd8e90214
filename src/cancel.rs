//! Gives up a call from another thread.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// May be triggered from anywhere, once and for all. Whoever waits wakes; whatever was registered is interrupted.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    triggered: bool,
    next: u64,
    interrupts: Vec<(u64, Box<dyn Fn() + Send>)>,
}

impl Cancel {
    pub fn trigger(&self) {
        let interrupts = {
            let mut state = self.lock();
            state.triggered = true;
            std::mem::take(&mut state.interrupts)
        };
        self.0.changed.notify_all();
        interrupts.iter().for_each(|(_, interrupt)| interrupt());
    }

    pub fn is_triggered(&self) -> bool {
        self.lock().triggered
    }

    /// Sleeps for `time` or until triggered; says whether it was triggered.
    pub fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while !state.triggered {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .0
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Runs `interrupt` when triggered, at once if that is past, until the registration is dropped.
    pub(crate) fn on_trigger(&self, interrupt: impl Fn() + Send + 'static) -> Registration {
        let mut state = self.lock();
        if state.triggered {
            drop(state);
            interrupt();
            return Registration {
                cancel: self.clone(),
                id: u64::MAX,
            };
        }
        let id = state.next;
        state.next += 1;
        state.interrupts.push((id, Box::new(interrupt)));
        Registration {
            cancel: self.clone(),
            id,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Registration {
    cancel: Cancel,
    id: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.cancel
            .lock()
            .interrupts
            .retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn triggering_wakes_a_waiter_in_another_thread() {
        let cancel = Cancel::default();
        let other = cancel.clone();
        let waiter = std::thread::spawn(move || other.wait(Duration::from_secs(30)));
        cancel.trigger();
        assert!(waiter.join().unwrap());
        assert!(!Cancel::default().wait(Duration::from_millis(1)));
    }

    #[test]
    fn an_interrupt_runs_once_and_only_while_it_is_registered() {
        let (cancel, ran) = (Cancel::default(), Arc::new(AtomicUsize::new(0)));
        let count = |ran: &Arc<AtomicUsize>| {
            let ran = ran.clone();
            move || {
                ran.fetch_add(1, Ordering::SeqCst);
            }
        };
        drop(cancel.on_trigger(count(&ran)));
        let _kept = cancel.on_trigger(count(&ran));
        cancel.trigger();
        cancel.trigger();
        assert_eq!(ran.load(Ordering::SeqCst), 1);
        let _late = cancel.on_trigger(count(&ran));
        assert_eq!(ran.load(Ordering::SeqCst), 2);
    }
}
