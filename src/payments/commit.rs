//! Many callers, one commit: whoever comes while another is writing waits, and the next one writes for all that wait.
//!
//! A durable commit costs the same for one event as for a hundred, so this is what makes callbacks, claims and acknowledgements fast. There is no
//! thread of ours: the callers take turns, and each returns as soon as its own part is on disk.
//!
//! Left alone, callers fall into two halves, one that writes and one that is on its way back, and each commit has half of them. So whoever leads
//! waits a moment for as many as there were around the last commit. Who comes alone waits for nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Outcome, Result};

use super::store::{NewEvent, Store};

/// What one commit takes at most, so that nobody waits for an endless one.
const MOST: usize = 256;

/// Which part of the time that the last write took is waited at most for those who came along with it,
const PATIENCE: u32 = 4;
/// and how long at most.
const LONGEST: Duration = Duration::from_micros(500);

/// The callers of one kind of write. Each asks for `Q` and gets `A`.
pub(super) struct Together<Q, A> {
    line: Mutex<Line<Q, A>>,
    /// As many wait as were expected.
    complete: Condvar,
}

struct Line<Q, A> {
    waiting: Vec<Waiting<Q, A>>,
    /// Somebody is writing.
    is_led: bool,
    /// How many there were around the last write: those that it was for, and those that came meanwhile.
    expected: usize,
    /// How long the next write waits for them.
    patience: Duration,
}

struct Waiting<Q, A> {
    request: Q,
    place: Arc<Place<A>>,
}

struct Place<A> {
    thread: Thread,
    fate: Mutex<Fate<A>>,
}

enum Fate<A> {
    Waiting,
    /// The one before has left: write for all.
    Lead,
    Done(Result<A>),
}

impl<Q, A> Default for Together<Q, A> {
    fn default() -> Self {
        Together {
            line: Mutex::new(Line {
                waiting: Vec::new(),
                is_led: false,
                expected: 1,
                patience: Duration::ZERO,
            }),
            complete: Condvar::new(),
        }
    }
}

impl<Q, A> Together<Q, A> {
    /// Returns when the request is committed. `write` carries out many in one transaction and answers each, in their order; its error is everybody's.
    pub fn ask(&self, request: Q, write: impl Fn(Vec<Q>) -> Result<Vec<A>>) -> Result<A> {
        let place = Arc::new(Place {
            thread: std::thread::current(),
            fate: Mutex::new(Fate::Waiting),
        });
        let leads = {
            let mut line = lock(&self.line);
            line.waiting.push(Waiting {
                request,
                place: place.clone(),
            });
            if line.waiting.len() == line.expected {
                self.complete.notify_one();
            }
            !std::mem::replace(&mut line.is_led, true)
        };
        if leads {
            self.lead(&write);
        }
        loop {
            let fate = std::mem::replace(&mut *lock(&place.fate), Fate::Waiting);
            match fate {
                Fate::Done(result) => return result,
                Fate::Lead => self.lead(&write),
                Fate::Waiting => std::thread::park(),
            }
        }
    }

    /// Writes for those who wait, the caller among them, and hands on.
    fn lead(&self, write: &impl Fn(Vec<Q>) -> Result<Vec<A>>) {
        let (requests, places) = self
            .gather()
            .into_iter()
            .map(|waiting| (waiting.request, waiting.place))
            .unzip();
        let mut round = Round {
            line: &self.line,
            places,
            fates: Err(stopped()),
            since: Instant::now(),
        };
        round.fates = write(requests);
    }

    /// Those who wait, once all are there who may be expected.
    fn gather(&self) -> Vec<Waiting<Q, A>> {
        let mut line = lock(&self.line);
        if line.waiting.len() < line.expected {
            let patience = line.patience;
            line = self
                .complete
                .wait_timeout_while(line, patience, |line| line.waiting.len() < line.expected)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let count = line.waiting.len().min(MOST);
        line.waiting.drain(..count).collect()
    }
}

/// Ends a round however it ended: everybody learns what became of his request, and somebody leads the next.
struct Round<'a, Q, A> {
    line: &'a Mutex<Line<Q, A>>,
    places: Vec<Arc<Place<A>>>,
    fates: Result<Vec<A>>,
    since: Instant,
}

impl<Q, A> Drop for Round<'_, Q, A> {
    fn drop(&mut self) {
        let next = {
            let mut line = lock(self.line);
            let next = line.waiting.first().map(|waiting| waiting.place.clone());
            line.is_led = next.is_some();
            line.expected = (self.places.len() + line.waiting.len()).min(MOST);
            line.patience = (self.since.elapsed() / PATIENCE).min(LONGEST);
            next
        };
        if let Some(next) = next {
            next.tell(Fate::Lead);
        }
        let mut fates = std::mem::replace(&mut self.fates, Err(stopped())).map(Vec::into_iter);
        for place in &self.places {
            let fate = match &mut fates {
                Ok(fates) => fates.next().ok_or_else(stopped),
                Err(error) => Err(error.clone()),
            };
            place.tell(Fate::Done(fate));
        }
    }
}

fn stopped() -> Error {
    Error::new(
        Code::Internal,
        "a commit for several callers was stopped by a bug; please report it",
    )
    .with_outcome(Outcome::Unknown)
}

impl<A> Place<A> {
    fn tell(&self, fate: Fate<A>) {
        *lock(&self.fate) = fate;
        self.thread.unpark();
    }
}

/// What is behind these locks is whole at every moment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the next write would fail for the same reason, or nobody knows what became of this one.
pub(super) fn is_the_stores(error: &Error) -> bool {
    let code = error.code();
    matches!(
        code,
        Code::StoreUnavailable | Code::StoreFull | Code::StoreReadOnly
    ) || error.outcome() == Outcome::Unknown
}

/// Inserts events for many callers at once.
#[derive(Default)]
pub struct GroupCommit(Together<NewEvent, Result<bool>>);

impl GroupCommit {
    /// Returns when the event is committed: whether it was new.
    pub fn insert(&self, store: &dyn Store, event: NewEvent) -> Result<bool> {
        self.0.ask(event, |events| match store.insert(&events) {
            Ok(new) => Ok(new.into_iter().map(Ok).collect()),
            Err(error) if events.len() == 1 || is_the_stores(&error) => Err(error),
            // One that cannot be stored must not keep the others out.
            Err(_) => {
                let alone = |event: &NewEvent| Ok(store.insert(std::slice::from_ref(event))?[0]);
                Ok(events.iter().map(alone).collect())
            }
        })?
    }
}
