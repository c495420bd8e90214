//! Many callers, one commit: whoever comes while another is writing waits, and the next one writes for all that wait.
//!
//! A durable commit costs the same for one event as for a hundred, so this is what makes callbacks, claims and acknowledgements fast. There is no
//! thread of ours: the callers take turns, and each returns as soon as its own part is on disk.
//!
//! Left alone, callers fall into two halves, one that writes and one that is on its way back, and each commit has half of them. So whoever leads
//! waits a moment for as many as there were around the last commit, and writes for those who are there already while the others come, where the
//! database can do that. Who comes alone waits for nobody.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use crate::error::{Code, Error, Outcome, Result};

use super::store::{Arriving, NewEvent, Store};

/// What one commit takes at most, so that nobody waits for an endless one.
const MOST: usize = 256;

/// Which part of the time that the last write took is waited at most for those who came along with it,
const PATIENCE: u32 = 4;
/// and how long at most.
const LONGEST: Duration = Duration::from_micros(500);
/// So many who come are worth being woken for.
const FEW: usize = 4;

/// The callers of one kind of write. Each asks for `Q` and gets `A`.
pub(super) struct Together<Q, A> {
    line: Mutex<Line<Q, A>>,
    /// As many have come as the one who leads waits for.
    come: Condvar,
}

struct Line<Q, A> {
    waiting: Vec<Waiting<Q, A>>,
    /// Somebody is writing.
    is_led: bool,
    /// How many the one who leads waits for; none while nobody does.
    wanted: Option<usize>,
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
                wanted: None,
                expected: 1,
                patience: Duration::ZERO,
            }),
            come: Condvar::new(),
        }
    }
}

impl<Q, A> Together<Q, A> {
    /// Returns when the request is committed. `write` carries out many in one transaction and answers each, in their order; its error is everybody's.
    pub fn ask(&self, request: Q, write: impl Fn(&[Q]) -> Result<Vec<A>>) -> Result<A> {
        self.ask_arriving(request, |round| write(round.rest()))
    }

    /// The same where the write begins with those who are there, and takes in who comes meanwhile.
    fn ask_arriving(
        &self,
        request: Q,
        write: impl Fn(&mut Round<Q, A>) -> Result<Vec<A>>,
    ) -> Result<A> {
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
            if line
                .wanted
                .is_some_and(|wanted| line.waiting.len() >= wanted)
            {
                line.wanted = None;
                self.come.notify_one();
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
    fn lead(&self, write: &impl Fn(&mut Round<Q, A>) -> Result<Vec<A>>) {
        let mut round = Round {
            together: self,
            requests: Vec::new(),
            places: Vec::new(),
            taken: 0,
            few: FEW,
            fates: Err(stopped()),
            since: Instant::now(),
            waited: Duration::ZERO,
        };
        round.take(lock(&self.line)); // whatever becomes of the write, it is theirs
        let fates = write(&mut round);
        round.fates = fates;
    }
}

/// Those that one write is for. It ends however the write does: everybody learns what became of his request, and somebody leads the next.
struct Round<'a, Q, A> {
    together: &'a Together<Q, A>,
    requests: Vec<Q>,
    places: Vec<Arc<Place<A>>>,
    /// How many of the requests the write has got.
    taken: usize,
    /// For how many it waits at once.
    few: usize,
    fates: Result<Vec<A>>,
    since: Instant,
    waited: Duration,
}

impl<Q, A> Round<'_, Q, A> {
    /// The requests of those who have come since the last call. None once all have come who may be expected, or were waited for long enough.
    fn next(&mut self) -> Option<&[Q]> {
        if self.taken == self.requests.len() {
            let line = self.wait(lock(&self.together.line));
            self.take(line);
        }
        let new = &self.requests[std::mem::replace(&mut self.taken, self.requests.len())..];
        (!new.is_empty()).then_some(new)
    }

    /// All requests, once no more come.
    fn rest(&mut self) -> &[Q] {
        self.few = MOST;
        while self.next().is_some() {}
        &self.requests
    }

    fn wait<'l>(&mut self, mut line: MutexGuard<'l, Line<Q, A>>) -> MutexGuard<'l, Line<Q, A>> {
        let missing = line.expected.saturating_sub(self.requests.len());
        let patience = line.patience.saturating_sub(self.waited);
        if missing == 0 || !line.waiting.is_empty() || patience.is_zero() {
            return line;
        }
        let begun = Instant::now();
        line.wanted = Some(missing.min(self.few));
        line = self
            .together
            .come
            .wait_timeout_while(line, patience, |line| line.wanted.is_some())
            .unwrap_or_else(PoisonError::into_inner)
            .0;
        line.wanted = None;
        self.waited += begun.elapsed();
        line
    }

    fn take(&mut self, mut line: MutexGuard<'_, Line<Q, A>>) {
        let count = line.waiting.len().min(MOST - self.requests.len());
        for waiting in line.waiting.drain(..count) {
            self.requests.push(waiting.request);
            self.places.push(waiting.place);
        }
    }
}

impl<Q, A> Drop for Round<'_, Q, A> {
    fn drop(&mut self) {
        let next = {
            let mut line = lock(&self.together.line);
            let next = line.waiting.first().map(|waiting| waiting.place.clone());
            line.is_led = next.is_some();
            line.expected = (self.places.len() + line.waiting.len()).min(MOST);
            let worked = self.since.elapsed().saturating_sub(self.waited);
            line.patience = (worked / PATIENCE).min(LONGEST);
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
        self.0
            .ask_arriving(event, |round| match store.insert_arriving(round) {
                Ok(new) => Ok(new.into_iter().map(Ok).collect()),
                Err(error) if round.requests.len() == 1 || is_the_stores(&error) => Err(error),
                // One that cannot be stored must not keep the others out.
                Err(_) => {
                    let alone =
                        |event: &NewEvent| Ok(store.insert(std::slice::from_ref(event))?[0]);
                    Ok(round.requests.iter().map(alone).collect())
                }
            })?
    }
}

impl Arriving for Round<'_, NewEvent, Result<bool>> {
    fn next(&mut self) -> Option<&[NewEvent]> {
        Round::next(self)
    }

    fn rest(&mut self) -> &[NewEvent] {
        Round::rest(self)
    }
}
