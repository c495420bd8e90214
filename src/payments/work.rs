//! Drives what payments do at the provider: a job decides, and whatever it asks is a call like any other, sent by the built-in transport or by
//! the host's own HTTP client. The store is worked with between two requests, on the thread that steps.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::call::{About, Call, Delivered, Step, Steps};
use crate::error::{Code, Error, Outcome, Result};
use crate::flow::Ask;
use crate::params::Options;
use crate::wire::json::{self, Wiped};
use crate::wire::{Failure, FailureKind, Request, Response};

use super::Shared;

/// Something that payments do. It is told what came of what it asked for and says what comes next.
pub(super) trait Job: Send {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn>;
}

/// What a job is told.
pub(super) enum Heard {
    /// It begins.
    Nothing,
    /// A verified answer; null where it has no body.
    Answer(Wiped),
    /// A notification that was opened.
    Opened(Box<Delivered>),
    Failed(Error),
}

/// What a job wants.
pub(super) enum Turn {
    /// Ask the provider of this account.
    Ask(usize, Box<Ask>),
    /// The same, prepared.
    Call(usize, Box<Call>),
    /// It is over: this is the result, as JSON.
    Give(String),
    /// It is over: these bytes, and about them this JSON.
    Deliver(Vec<u8>, serde_json::Value),
}

/// A job in progress. Used by one thread at a time.
pub struct Work {
    shared: Arc<Shared>,
    job: Box<dyn Job>,
    state: State,
    options: Options,
    /// Requests go through the built-in transport, which presents only the certificate that is configured.
    own_transport: bool,
    is_cancelled: bool,
}

enum State {
    Next(Heard),
    Asking { account: usize, call: Box<Call> },
    Done(Box<Result<Delivered>>),
    Over,
}

impl Work {
    pub(super) fn new(
        shared: Arc<Shared>,
        job: Box<dyn Job>,
        options: Options,
        own_transport: bool,
    ) -> Work {
        Work {
            shared,
            job,
            state: State::Next(Heard::Nothing),
            options,
            own_transport,
            is_cancelled: false,
        }
    }

    fn go(&mut self, heard: Heard) -> State {
        let turn = self.job.next(heard, &self.shared);
        let given = |body: Vec<u8>, info| {
            State::Done(Box::new(Ok(Delivered {
                body: Zeroizing::new(body),
                about: About::Work(info),
            })))
        };
        match turn {
            Ok(Turn::Ask(..) | Turn::Call(..)) if self.is_cancelled => {
                State::Done(Box::new(Err(cancelled())))
            }
            Ok(Turn::Ask(account, ask)) => match self.call(account, *ask) {
                Ok(call) => State::Asking { account, call },
                Err(error) => State::Next(Heard::Failed(error)),
            },
            Ok(Turn::Call(account, call)) => State::Asking { account, call },
            Ok(Turn::Give(json)) => given(json.into_bytes(), serde_json::json!({})),
            Ok(Turn::Deliver(body, info)) => given(body, info),
            Err(error) => State::Done(Box::new(Err(error))),
        }
    }

    fn call(&self, account: usize, ask: Ask) -> Result<Box<Call>> {
        let mut params = ask.params;
        let options = &mut params.options;
        options.timeout = options.timeout.or(self.options.timeout);
        options.max_attempts = options.max_attempts.or(self.options.max_attempts);
        options.trace_id = options
            .trace_id
            .take()
            .or_else(|| self.options.trace_id.clone());
        let core = self.shared.accounts[account].client.core();
        let call = Call::operation(core.clone(), &ask.operation, params)?;
        if self.own_transport && call.needs_client_certificate() {
            core.can_present_certificate()?;
        }
        Ok(Box::new(call))
    }

    fn heard(result: Result<Delivered>) -> Heard {
        match result {
            Err(error) => Heard::Failed(error),
            Ok(delivered) if matches!(delivered.about, About::Event(_)) => {
                Heard::Opened(Box::new(delivered))
            }
            Ok(delivered) => Heard::Answer(Wiped(json::parse(&delivered.body).unwrap_or_default())),
        }
    }
}

impl Steps for Work {
    fn step(&mut self) -> Step {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Next(heard) => self.go(heard),
                State::Asking { account, mut call } => match call.step() {
                    Step::Done => State::Next(Work::heard(call.result())),
                    step => {
                        self.state = State::Asking { account, call };
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
            State::Asking { call, .. } => call.request(),
            _ => Err(out_of_turn("there is nothing to send now")),
        }
    }

    fn account(&self) -> Option<usize> {
        match &self.state {
            State::Asking { account, .. } => Some(*account),
            _ => None,
        }
    }

    fn respond(&mut self, response: Response) -> Result<()> {
        match &mut self.state {
            State::Asking { call, .. } => call.respond(response),
            _ => Err(out_of_turn("no request is on its way")),
        }
    }

    fn fail(&mut self, failure: Failure) -> Result<()> {
        self.is_cancelled |= matches!(failure.kind, FailureKind::Cancelled { .. });
        match &mut self.state {
            State::Asking { call, .. } => call.fail(failure),
            _ if self.is_cancelled => {
                self.cancel();
                Ok(())
            }
            _ => Err(out_of_turn("no request is on its way")),
        }
    }

    /// What is under way ends with its own word about money, and that is stored before the work ends.
    fn cancel(&mut self) {
        self.is_cancelled = true;
        match &mut self.state {
            State::Asking { call, .. } => call.cancel(),
            State::Next(Heard::Nothing) => {
                let error = cancelled().with_outcome(Outcome::NotSent);
                self.state = State::Done(Box::new(Err(error)));
            }
            _ => {}
        }
    }

    fn result(&mut self) -> Result<Delivered> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Done(result) => *result,
            State::Over => Err(out_of_turn("the result was fetched already")),
            state => {
                self.state = state;
                Err(out_of_turn("the work is not done"))
            }
        }
    }
}

fn cancelled() -> Error {
    Error::new(
        Code::Cancelled,
        "the work was cancelled; what was stored stays, and can be gone on with",
    )
    .with_outcome(Outcome::Unknown)
}

fn out_of_turn(message: &str) -> Error {
    Error::new(Code::InvalidState, message)
}
