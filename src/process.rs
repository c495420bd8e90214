//! State that belongs to one process. A forked child starts with fresh state and leaves its parent's alone.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// A value made anew in each process that uses it.
///
/// After `fork` a child holds a copy of the parent's value: locks that another thread may have held for ever, sockets that two
/// processes would write to. The copy is abandoned, not dropped: dropping would close what the parent still uses.
pub(crate) struct PerProcess<T> {
    make: Box<dyn Fn() -> T + Send + Sync>,
    current: ArcSwap<Stamped<T>>,
}

struct Stamped<T> {
    process: u32,
    value: Arc<T>,
}

impl<T: Send + Sync> PerProcess<T> {
    pub fn new(make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let first = Stamped {
            process: std::process::id(),
            value: Arc::new(make()),
        };
        PerProcess {
            make: Box::new(make),
            current: ArcSwap::from_pointee(first),
        }
    }

    pub fn get(&self) -> Arc<T> {
        let process = std::process::id();
        let current = self.current.load();
        if current.process == process {
            return current.value.clone();
        }
        let fresh = Arc::new(Stamped {
            process,
            value: Arc::new((self.make)()),
        });
        let previous = self.current.compare_and_swap(&current, fresh.clone());
        if previous.process == process {
            return previous.value.clone(); // another thread of the child was first
        }
        std::mem::forget(Arc::clone(&previous));
        fresh.value.clone()
    }
}

impl<T> Drop for PerProcess<T> {
    /// A child that never used it abandons its parent's value here.
    fn drop(&mut self) {
        let current = self.current.load_full();
        if current.process != std::process::id() {
            std::mem::forget(current);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn one_process_has_one_value() {
        let made = Arc::new(AtomicUsize::new(0));
        let counter = made.clone();
        let state = PerProcess::new(move || counter.fetch_add(1, Ordering::SeqCst));
        assert_eq!((*state.get(), *state.get()), (0, 0));
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }
}
