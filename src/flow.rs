//! Several exchanges that belong together: ask, wait at the provider's pace, ask again, until the state is final or the time is over.
//!
//! A flow is driven like a call, by the built-in transport or by a host's own HTTP client; each exchange in it is a [`Call`], verified and
//! repeated like any other. What to ask and when it is over says a [`Plan`], which is the provider's; the pace is kept here.

mod scanned;
mod wait;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use zeroize::Zeroizing;

use crate::call::{About, Call, Delivered, Exchange, Step, Steps};
use crate::client::Core;
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::params::{FlowOptions, Params};
use crate::wire::json::{self, Wiped};
use crate::wire::{Failure, FailureKind, Request, Response};

pub(crate) use self::scanned::Scanned;
pub(crate) use self::wait::Wait;

/// The states of something that do not change by waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Final {
    /// Dotted path into the answer.
    pub at: &'static str,
    pub states: &'static [&'static str],
}

impl Final {
    pub fn is_reached(self, body: &Value) -> bool {
        json::at(body, self.at)
            .and_then(Value::as_str)
            .is_some_and(|state| self.states.contains(&state))
    }
}

/// Whether an error leaves open what is waited for, so that asking again may tell.
pub(crate) fn may_pass(error: &Error) -> bool {
    error.outcome() == Outcome::Unknown
        || error.code() as i32 >= 300 && error.outcome() == Outcome::NotSent
}

/// What a flow asks and when it is over: it sees what came, and says what comes next. Of the host it knows clock, randomness and cache.
pub trait Plan: Send {
    /// What to do after this.
    fn next(&mut self, seen: Seen<'_>, host: &Host) -> Move;
}

/// What a plan is told.
#[derive(Clone, Copy)]
pub enum Seen<'a> {
    /// It begins.
    Nothing,
    /// The time of a `Move::Wait` is over.
    Waited,
    /// A verified answer; null where it has no body.
    Answer(&'a Value),
    /// An exchange ended with an error.
    Error(&'a Error),
    /// The deadline has passed. Said once.
    OverTime,
}

/// What a plan wants.
pub enum Move {
    /// Ask this at once.
    Ask(Box<Ask>),
    /// Ask this after the next pause.
    Later(Box<Ask>),
    /// Look again after this time.
    Wait(Duration),
    /// The last verified answer is the result; whether its state is final.
    End {
        is_final: bool,
    },
    /// These bytes are the result: they were made of what was asked.
    Give(Zeroizing<Vec<u8>>),
    Fail(Error),
}

/// One exchange of a flow.
#[derive(Clone, Debug)]
pub struct Ask {
    pub operation: String,
    pub params: Params,
}

/// The pauses between looks, and until when.
#[derive(Clone, Debug)]
pub struct Pace {
    pub pauses: Vec<Duration>,
    /// Until then the last pause is repeated. Without one it is over when the pauses are used up.
    pub deadline: Option<Duration>,
}

impl Pace {
    /// What the caller wants instead of the provider's own pace.
    pub fn adjusted(self, options: &FlowOptions) -> Pace {
        Pace {
            pauses: options.schedule.clone().unwrap_or(self.pauses),
            deadline: options.deadline.or(self.deadline),
        }
    }

    fn pause(&self, number: usize) -> Duration {
        let last = self.pauses.last().copied().unwrap_or_default();
        self.pauses.get(number).copied().unwrap_or(last)
    }

    fn is_used_up(&self, number: usize) -> bool {
        self.deadline.is_none() && number >= self.pauses.len()
    }
}

pub struct Flow {
    core: Arc<Core>,
    plan: Box<dyn Plan>,
    pace: Pace,
    options: FlowOptions,
    started: Instant,
    deadline: Option<Instant>,
    state: State,
    pauses: usize,
    polls: u32,
    is_over_time: bool,
    /// The last verified answer.
    last: Option<(Box<Delivered>, Wiped)>,
    /// Since then.
    error: Option<Error>,
}

enum State {
    /// Nothing was looked at: a flow that nobody drives keeps nobody waiting.
    Begin,
    Move(Move),
    Pausing {
        until: Instant,
        /// Without one the plan is told that the time is over.
        ask: Option<Box<Ask>>,
    },
    Asking(Box<Call>),
    Done(Box<Result<Delivered>>),
    /// The result was fetched, or it is between two states.
    Over,
}

impl Flow {
    pub(crate) fn new(
        core: Arc<Core>,
        plan: Box<dyn Plan>,
        pace: Pace,
        options: FlowOptions,
    ) -> Flow {
        let pace = pace.adjusted(&options);
        let started = Instant::now();
        Flow {
            core,
            plan,
            started,
            deadline: pace.deadline.map(|deadline| started + deadline),
            pace,
            options,
            state: State::Begin,
            pauses: 0,
            polls: 0,
            is_over_time: false,
            last: None,
            error: None,
        }
    }

    fn go(&mut self, next: Move) -> State {
        match next {
            Move::Ask(ask) => self.ask(*ask),
            Move::Later(_) if self.pace.is_used_up(self.pauses) && !self.is_over_time => {
                self.over_time()
            }
            Move::Later(ask) => {
                let pause = self.pace.pause(self.pauses);
                self.pauses += 1;
                State::Pausing {
                    until: Instant::now() + pause,
                    ask: Some(ask),
                }
            }
            Move::Wait(time) => State::Pausing {
                until: Instant::now() + time,
                ask: None,
            },
            Move::End { is_final } => self.end(is_final),
            Move::Give(body) => {
                let exchange = self.exchange(true);
                State::Done(Box::new(Ok(Delivered {
                    body,
                    about: About::Answer(exchange),
                })))
            }
            Move::Fail(error) => State::Done(Box::new(Err(error))),
        }
    }

    fn over_time(&mut self) -> State {
        self.is_over_time = true;
        State::Move(self.plan.next(Seen::OverTime, &self.core.host))
    }

    fn ask(&mut self, ask: Ask) -> State {
        let mut params = ask.params;
        params.options.timeout = params.options.timeout.or(self.options.timeout);
        params.options.max_attempts = params.options.max_attempts.or(self.options.max_attempts);
        params.options.trace_id = params
            .options
            .trace_id
            .or_else(|| self.options.trace_id.clone());
        match Call::operation(self.core.clone(), &ask.operation, params) {
            Ok(call) => State::Asking(Box::new(call)),
            Err(error) => self.saw_error(error),
        }
    }

    fn saw(&mut self, result: Result<Delivered>) -> State {
        self.polls += 1;
        match result {
            Ok(delivered) => {
                // Verified and, where it was compared with what was asked, read before: here it can only be empty.
                let body = Wiped(json::parse(&delivered.body).unwrap_or_default());
                let next = self.plan.next(Seen::Answer(&body), &self.core.host);
                if !body.is_null() {
                    self.last = Some((Box::new(delivered), body));
                }
                self.error = None;
                State::Move(next)
            }
            Err(error) => self.saw_error(error),
        }
    }

    fn saw_error(&mut self, error: Error) -> State {
        let next = self.plan.next(Seen::Error(&error), &self.core.host);
        self.error = Some(error);
        State::Move(next)
    }

    /// The last verified state; what the caller expects is looked at when it is final.
    fn end(&mut self, is_final: bool) -> State {
        let Some((delivered, body)) = self.last.take() else {
            let error = self.error.take().unwrap_or_else(|| {
                Error::new(
                    Code::Timeout,
                    "the deadline passed before there was an answer",
                )
            });
            return State::Done(Box::new(Err(error.with_outcome(Outcome::Unknown))));
        };
        if is_final && let Some(path) = json::unmet(&body, &self.options.expect) {
            let message =
                format!("the answer is genuine, but its {path} is not what the caller expects");
            let error = Error::new(Code::ResponseMismatch, message)
                .with_outcome(Outcome::Unknown)
                .with_field(path);
            return State::Done(Box::new(Err(error)));
        }
        let mut delivered = *delivered;
        if let About::Answer(exchange) = &mut delivered.about {
            exchange.is_final = Some(is_final);
            exchange.polls = Some(self.polls);
            exchange.duration_ms = self.started.elapsed().as_millis() as u64;
        }
        State::Done(Box::new(Ok(delivered)))
    }

    /// About a result that was made here.
    fn exchange(&self, is_final: bool) -> Exchange {
        let last = self
            .last
            .as_ref()
            .and_then(|(delivered, _)| match &delivered.about {
                About::Answer(exchange) => Some(exchange.clone()),
                About::Event(_) | About::Work(_) => None,
            });
        Exchange {
            duration_ms: self.started.elapsed().as_millis() as u64,
            is_final: Some(is_final),
            polls: Some(self.polls),
            ..last.unwrap_or_default()
        }
    }
}

impl Steps for Flow {
    fn step(&mut self) -> Step {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Begin => State::Move(self.plan.next(Seen::Nothing, &self.core.host)),
                State::Move(next) => self.go(next),
                State::Pausing { until, ask } => {
                    let now = Instant::now();
                    let deadline = self.deadline.filter(|_| !self.is_over_time);
                    if deadline.is_some_and(|deadline| now >= deadline) {
                        self.over_time()
                    } else if now < until {
                        let wake = deadline.map_or(until, |deadline| until.min(deadline));
                        self.state = State::Pausing { until, ask };
                        return Step::Wait(wake - now);
                    } else {
                        match ask {
                            Some(ask) => self.ask(*ask),
                            None => State::Move(self.plan.next(Seen::Waited, &self.core.host)),
                        }
                    }
                }
                State::Asking(mut call) => match call.step() {
                    Step::Done => {
                        let result = call.result();
                        self.saw(result)
                    }
                    step => {
                        self.state = State::Asking(call);
                        return step;
                    }
                },
                over @ (State::Done(_) | State::Over) => {
                    self.state = over;
                    return Step::Done;
                }
            }
        }
    }

    fn request(&self) -> Result<&Request> {
        match &self.state {
            State::Asking(call) => call.request(),
            _ => Err(out_of_turn("there is nothing to send now")),
        }
    }

    fn respond(&mut self, response: Response) -> Result<()> {
        match &mut self.state {
            State::Asking(call) => call.respond(response),
            _ => Err(out_of_turn("no request is on its way")),
        }
    }

    fn fail(&mut self, failure: Failure) -> Result<()> {
        let given_up = matches!(failure.kind, FailureKind::Cancelled { .. });
        match &mut self.state {
            State::Asking(call) => {
                call.fail(failure)?;
                if given_up {
                    self.cancel();
                }
                Ok(())
            }
            _ if given_up => {
                self.cancel();
                Ok(())
            }
            _ => Err(out_of_turn("no request is on its way")),
        }
    }

    /// What was under way keeps its own word about money; between two exchanges nobody knows what comes of what was asked for.
    fn cancel(&mut self) {
        let error = match std::mem::replace(&mut self.state, State::Over) {
            State::Asking(mut call) => {
                call.cancel();
                match (call.step(), call.result()) {
                    (Step::Done, Err(error)) if self.polls == 0 => error,
                    (Step::Done, Err(error)) => error.with_outcome(Outcome::Unknown),
                    _ => cancelled(),
                }
            }
            done @ (State::Done(_) | State::Over) => {
                self.state = done;
                return;
            }
            _ if self.polls == 0 => cancelled().with_outcome(Outcome::NotSent),
            _ => cancelled(),
        };
        self.plan = Box::new(GivenUp);
        self.state = State::Done(Box::new(Err(error)));
    }

    fn result(&mut self) -> Result<Delivered> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Done(result) => *result,
            State::Over => Err(out_of_turn("the result was fetched already")),
            state => {
                self.state = state;
                Err(out_of_turn("the flow is not done"))
            }
        }
    }
}

/// In place of a plan whose flow was cancelled: what it held others may have now, and not only when the flow is freed.
struct GivenUp;

impl Plan for GivenUp {
    fn next(&mut self, _: Seen<'_>, _: &Host) -> Move {
        Move::Fail(cancelled())
    }
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the flow was cancelled").with_outcome(Outcome::Unknown)
}

fn out_of_turn(message: &str) -> Error {
    Error::new(Code::InvalidState, message)
}
