//! Connections that are lent to one caller at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Result};

/// At most `most` connections. What is not given back, because it failed or its user panicked, is dropped.
pub(super) struct Pool<C> {
    state: Mutex<State<C>>,
    freed: Condvar,
    most: usize,
    wait: Duration,
}

struct State<C> {
    /// The last one that was used is used first: the others may be closed by the server meanwhile.
    idle: Vec<C>,
    lent: usize,
}

/// A place in the pool, and the connection that was idle there, if one was.
pub(super) struct Lease<'a, C> {
    pool: &'a Pool<C>,
    pub idle: Option<C>,
    ended: bool,
}

impl<C> Pool<C> {
    pub fn new(most: usize, wait: Duration) -> Self {
        Pool {
            state: Mutex::new(State {
                idle: Vec::new(),
                lent: 0,
            }),
            freed: Condvar::new(),
            most,
            wait,
        }
    }

    /// Waits for a place, at most as long as the pool was told.
    pub fn take(&self) -> Result<Lease<'_, C>> {
        let until = Instant::now() + self.wait;
        let mut state = self.lock();
        while state.lent >= self.most {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.exhausted());
            }
            state = self
                .freed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        state.lent += 1;
        Ok(Lease {
            pool: self,
            idle: state.idle.pop(),
            ended: false,
        })
    }

    fn exhausted(&self) -> Error {
        let (most, wait) = (self.most, self.wait.as_millis());
        Error::new(
            Code::StoreLocked,
            format!(
                "all {most} connections of this process were in use for {wait} ms; nothing was done. Try again, or allow more of them or a longer \
                 wait in the store's URL"
            ),
        )
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, connection: Option<C>) {
        let mut state = self.lock();
        state.lent -= 1;
        state.idle.extend(connection);
        drop(state);
        self.freed.notify_one();
    }
}

impl<C> Lease<'_, C> {
    /// Gives back a connection that works.
    pub fn give_back(mut self, connection: C) {
        self.ended = true;
        self.pool.end(Some(connection));
    }
}

impl<C> Drop for Lease<'_, C> {
    fn drop(&mut self) {
        if !self.ended {
            self.pool.end(None);
        }
    }
}
