//! Many callers, one commit: whoever comes while another is writing waits, and the next one writes for all that wait.
//!
//! A durable commit costs the same for one event as for a hundred, so this is what makes callbacks fast. There is no thread of ours: the callers
//! take turns, and each returns as soon as its own event is on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use crate::error::{Code, Error, Outcome, Result};

use super::store::{NewEvent, Store};

/// What one commit takes at most, so that nobody waits for an endless one.
const MOST: usize = 256;

#[derive(Default)]
pub struct GroupCommit {
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Waiting>,
    /// Somebody is writing.
    is_led: bool,
}

struct Waiting {
    event: NewEvent,
    place: Arc<Place>,
}

struct Place {
    thread: Thread,
    fate: Mutex<Fate>,
}

enum Fate {
    Waiting,
    /// The one before has left: write for all.
    Lead,
    Done(Result<bool>),
}

impl GroupCommit {
    /// Returns when the event is committed: whether it was new.
    pub fn insert(&self, store: &dyn Store, event: NewEvent) -> Result<bool> {
        let place = Arc::new(Place {
            thread: std::thread::current(),
            fate: Mutex::new(Fate::Waiting),
        });
        let leads = {
            let mut line = lock(&self.line);
            line.waiting.push(Waiting {
                event,
                place: place.clone(),
            });
            !std::mem::replace(&mut line.is_led, true)
        };
        if leads {
            self.lead(store);
        }
        loop {
            let fate = std::mem::replace(&mut *lock(&place.fate), Fate::Waiting);
            match fate {
                Fate::Done(result) => return result,
                Fate::Lead => self.lead(store),
                Fate::Waiting => std::thread::park(),
            }
        }
    }

    /// Writes for those who wait, the caller among them or behind them, and hands on.
    fn lead(&self, store: &dyn Store) {
        let batch: Vec<Waiting> = {
            let mut line = lock(&self.line);
            let count = line.waiting.len().min(MOST);
            line.waiting.drain(..count).collect()
        };
        let (events, places): (Vec<NewEvent>, Vec<Arc<Place>>) = batch
            .into_iter()
            .map(|waiting| (waiting.event, waiting.place))
            .unzip();
        let mut round = Round {
            line: &self.line,
            places,
            fates: Err(
                Error::new(Code::Internal, "the commit was stopped by a bug")
                    .with_outcome(Outcome::Unknown),
            ),
        };
        round.fates = store.insert(&events);
    }
}

/// Ends a round however it ended: everybody learns what became of his event, and somebody leads the next.
struct Round<'a> {
    line: &'a Mutex<Line>,
    places: Vec<Arc<Place>>,
    fates: Result<Vec<bool>>,
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        let next = {
            let mut line = lock(self.line);
            let next = line.waiting.first().map(|waiting| waiting.place.clone());
            line.is_led = next.is_some();
            next
        };
        if let Some(next) = next {
            next.tell(Fate::Lead);
        }
        for (index, place) in self.places.iter().enumerate() {
            let fate = match &self.fates {
                Ok(fates) => fates.get(index).copied().ok_or_else(|| {
                    Error::new(Code::Internal, "the store lost count of the events")
                        .with_outcome(Outcome::Unknown)
                }),
                Err(error) => Err(error.clone()),
            };
            place.tell(Fate::Done(fate));
        }
    }
}

impl Place {
    fn tell(&self, fate: Fate) {
        *lock(&self.fate) = fate;
        self.thread.unpark();
    }
}

/// What is behind these locks is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
