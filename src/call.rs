//! One exchange as a state machine without I/O.
//!
//! `step` says what to do: send the request, wait, or fetch the result. Whoever drives it, the built-in transport or a host's own HTTP
//! client, reports back with `respond` or `fail`. Here and nowhere else live attempts: what may be repeated, when, to which host, and when
//! the platform's keys are fetched first.

mod ending;
mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::catalogue::Repeat;
use crate::client::Core;
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Level;
use crate::notification::{Authenticity, Envelope, Event};
use crate::observe::Record;
use crate::params::{Options, Params};
use crate::provider::{Answer, Keys, Prepared};
use crate::refresh::{Admission, Want};
use crate::turn::{LOOK_AGAIN, Permit};
use crate::wire::{Failure, FailureKind, Headers, Request, Response, json as strict};

/// A notification must be answered within five seconds; fetching keys for it may not use them up.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(3);

/// An attempt with less time than this is not made: it would more likely lose its answer than bring one.
const LEAST_ATTEMPT: Duration = Duration::from_millis(50);
/// Keys that are merely due may not take more than this from the call that fetches them.
const DUE_TIMEOUT: Duration = Duration::from_secs(2);

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send `request()`, then call `respond` or `fail`.
    Send,
    /// Come back after this time.
    Wait(Duration),
    /// `result()` is there.
    Done,
}

/// What a call ends with.
#[derive(Clone)]
pub struct Delivered {
    /// The verified body of an answer, or the plaintext of a notification.
    pub body: Zeroizing<Vec<u8>>,
    pub about: About,
}

/// What is known about what was delivered, as documented in `docs/abi.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum About {
    Answer(Exchange),
    Event(Envelope),
    /// Of payments.
    Work(Value),
}

/// How an answer came about.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Exchange {
    pub http_status: u16,
    pub request_id: Option<String>,
    pub verified: bool,
    pub serial: Option<String>,
    pub skew_s: Option<i64>,
    pub attempts: u32,
    pub duration_ms: u64,
    pub host: Option<String>,
    pub content_type: Option<String>,
    /// Of a flow: whether what was waited for has come to its end.
    #[serde(rename = "final", skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
    /// Of a flow: how many answers there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polls: Option<u32>,
    /// Sensitive fields of the body that were decrypted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decrypted: Vec<&'static str>,
    /// Sensitive fields of the body that are encrypted still, for only the host's signer has the key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub encrypted: Vec<&'static str>,
}

/// Without the body: it may hold what concerns nobody but payer and merchant.
impl fmt::Debug for Delivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivered")
            .field("about", &self.about)
            .field("bytes", &self.body.len())
            .finish()
    }
}

impl Delivered {
    /// `about` as JSON.
    pub fn info(&self) -> Value {
        serde_json::to_value(&self.about).unwrap_or_default()
    }

    /// `about` as JSON text.
    pub fn info_text(&self) -> String {
        serde_json::to_string(&self.about).unwrap_or_default()
    }
}

/// What is driven from outside, step by step, by one thread at a time: a call, or a flow of several.
pub trait Steps: Send {
    /// Goes on until something is to be done outside.
    fn step(&mut self) -> Step;

    /// What to send while `step` says `Send`.
    fn request(&self) -> Result<&Request>;

    /// Of payments: whose client `request` is for, by its place among the clients that were given.
    fn account(&self) -> Option<usize> {
        None
    }

    /// The answer to `request`. One that is longer than was asked for is no answer.
    fn respond(&mut self, response: Response) -> Result<()>;

    /// There is no answer to `request`. That the host gave up on purpose may also be said while it waits.
    fn fail(&mut self, failure: Failure) -> Result<()>;

    /// Ends it while nothing is being sent.
    fn cancel(&mut self);

    /// The result, once, after `step` said `Done`.
    fn result(&mut self) -> Result<Delivered>;

    /// `respond` from what a host's own HTTP client hands back. What is no HTTP answer is none, but the request was sent.
    fn respond_raw(&mut self, status: u32, headers: &[u8], body: &[u8]) -> Result<()> {
        match Response::read(status, headers, body) {
            Ok(response) => self.respond(response),
            Err(problem) => self.fail(Failure {
                kind: FailureKind::Sent,
                code: Code::ResponseInvalid,
                reason: format!("the answer is not proper HTTP: {problem}"),
            }),
        }
    }
}

/// One call in progress. Used by one thread at a time.
pub struct Call {
    core: Arc<Core>,
    task: Task,
    /// Without a key of the platform nothing can be encrypted: then the bytes are settled when there is one.
    unsettled: Option<Params>,
    state: State,
    request: Option<Request>,
    started: Instant,
    deadline: Instant,
    attempts: u32,
    max_attempts: u32,
    trace_id: Option<String>,
    /// Bytes of some attempt left and no verified answer has come.
    unanswered: bool,
    /// The present attempt has an answer that is not judged yet.
    unjudged: bool,
    /// The host of the last attempt; fetching keys is none.
    attempted: Option<usize>,
    /// The host of the attempt that failed last: the next one prefers another.
    avoid: Option<usize>,
    /// Keys were fetched for this call already; once is enough.
    refreshed: bool,
    /// The answer is a file.
    stream: Option<Stream>,
}

/// What is different where the answer is a file that is taken piece by piece.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub head_timeout: Duration,
    pub max_bytes: u64,
}

enum Task {
    Operation(Box<Prepared>),
    Notification {
        headers: Headers,
        body: Vec<u8>,
        options: Box<Options>,
    },
}

enum State {
    /// Look whether the keys are there, then go on.
    Keys,
    /// Sign and send an attempt.
    Attempt,
    /// Verify and read this answer.
    Judge(Response),
    /// Verify and read the notification.
    Open,
    /// Fetch the platform's keys, once more.
    Fetch(Refresh),
    /// Wait, then go on as told.
    Sleep {
        until: Instant,
        then: Box<State>,
    },
    Sending {
        what: Sending,
        host: usize,
    },
    Done(Box<Result<Delivered>>),
    /// The result was fetched, or the machine is between two states.
    Over,
}

enum Sending {
    Attempt,
    Keys(Refresh),
}

/// A fetch of the platform's keys in the middle of a call.
struct Refresh {
    want: Want,
    prepared: Box<Prepared>,
    attempts: u32,
    /// Where the call goes on.
    then: Box<State>,
    _permit: Permit,
}

impl Call {
    pub(crate) fn operation(core: Arc<Core>, operation: &str, params: Params) -> Result<Call> {
        let options = params.options.clone();
        let unsettled = (core.provider.keys(&core.host)? == Keys::Missing).then(|| params.clone());
        let prepared = core.provider.prepare(operation, params, &core.host)?;
        let timeout = options.timeout.unwrap_or(core.settings.total);
        let max_attempts = options.max_attempts.unwrap_or(core.settings.max_attempts);
        let mut call = Call::new(
            core,
            Task::Operation(Box::new(prepared)),
            State::Keys,
            timeout,
            max_attempts,
            options.trace_id,
        );
        call.unsettled = unsettled;
        Ok(call)
    }

    pub(crate) fn notification(
        core: Arc<Core>,
        headers: Headers,
        body: &[u8],
        options: Options,
    ) -> Call {
        let timeout = options.timeout.unwrap_or(NOTIFICATION_TIMEOUT);
        let trace_id = options.trace_id.clone();
        Call::new(
            core,
            Task::Notification {
                headers,
                body: body.to_vec(),
                options: Box::new(options),
            },
            State::Open,
            timeout,
            1,
            trace_id,
        )
    }

    fn new(
        core: Arc<Core>,
        task: Task,
        state: State,
        timeout: Duration,
        max_attempts: u32,
        trace_id: Option<String>,
    ) -> Call {
        let started = Instant::now();
        Call {
            core,
            task,
            unsettled: None,
            state,
            request: None,
            started,
            deadline: started + timeout,
            attempts: 0,
            max_attempts,
            trace_id,
            unanswered: false,
            unjudged: false,
            attempted: None,
            avoid: None,
            refreshed: false,
            stream: None,
        }
    }

    /// Fetches a file. Its driver hands over the answer without the body when all of the body has come, or says with `interrupted` that it
    /// has not.
    pub(crate) fn file(
        core: Arc<Core>,
        prepared: Prepared,
        timeout: Duration,
        max_attempts: u32,
        trace_id: Option<String>,
        stream: Stream,
    ) -> Call {
        let task = Task::Operation(Box::new(prepared));
        Call::new(core, task, State::Attempt, timeout, max_attempts, trace_id).streaming(stream)
    }

    /// The same of an operation whose answer is the file.
    pub(crate) fn streaming(mut self, stream: Stream) -> Call {
        self.stream = Some(stream);
        self
    }

    /// Whether the answer to `request` is a file: what else is fetched on the way is not.
    pub(crate) fn expects_file(&self) -> bool {
        let is_attempt = matches!(
            self.state,
            State::Sending {
                what: Sending::Attempt,
                ..
            }
        );
        self.stream.is_some() && is_attempt
    }

    pub(crate) fn is_file(&self) -> bool {
        self.stream.is_some()
    }

    /// A file broke off. Another attempt is made only if nobody has seen a byte of it.
    pub(crate) fn interrupted(&mut self, failure: Failure, is_seen: bool) -> Result<()> {
        if is_seen {
            self.max_attempts = self.attempts;
        }
        self.fail(failure)
    }

    /// A file came and is not what it should be: that ends the call.
    pub(crate) fn refuse(&mut self, error: Error) {
        if self.sent().is_ok() {
            self.state = self.done(Err(error));
        }
    }

    /// Whether the connection has to present a certificate of ours; a host's own HTTP client knows where to find it.
    pub(crate) fn needs_client_certificate(&self) -> bool {
        matches!(&self.task, Task::Operation(prepared) if prepared.client_certificate)
    }

    /// Goes on until something is to be done outside.
    pub fn step(&mut self) -> Step {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Keys => self.look_for_keys(),
                State::Attempt => self.attempt(),
                State::Judge(response) => self.judge(response),
                State::Open => self.open(),
                State::Fetch(refresh) => self.send_keys(refresh),
                State::Sleep { until, then } => {
                    let left = until.saturating_duration_since(Instant::now());
                    if !left.is_zero() {
                        self.state = State::Sleep { until, then };
                        return Step::Wait(left);
                    }
                    *then
                }
                sending @ State::Sending { .. } => {
                    self.state = sending;
                    return Step::Send;
                }
                over @ (State::Done(_) | State::Over) => {
                    self.state = over;
                    return Step::Done;
                }
            }
        }
    }

    /// What to send while `step` says `Send`.
    pub fn request(&self) -> Result<&Request> {
        match (&self.state, &self.request) {
            (State::Sending { .. }, Some(request)) => Ok(request),
            _ => Err(out_of_turn("there is nothing to send now")),
        }
    }

    /// The answer to `request`. One that is longer than was asked for is no answer.
    pub fn respond(&mut self, response: Response) -> Result<()> {
        let most = self.request()?.max_response_bytes;
        if response.body.len() as u64 > most {
            return self.fail(Failure {
                kind: FailureKind::Sent,
                code: Code::ResponseTooLarge,
                reason: format!("the answer is longer than {most} bytes"),
            });
        }
        let (what, host) = self.sent()?;
        let healthy = !(502..=504).contains(&response.status);
        self.judge_host(host, healthy);
        self.state = match what {
            Sending::Attempt => {
                self.unjudged = true;
                State::Judge(response)
            }
            Sending::Keys(refresh) => self.take_keys(refresh, response),
        };
        Ok(())
    }

    /// There is no answer to `request`. That the host gave up on purpose may also be said while it waits.
    pub fn fail(&mut self, failure: Failure) -> Result<()> {
        let given_up = matches!(failure.kind, FailureKind::Cancelled { .. });
        if given_up && !matches!(self.state, State::Sending { .. }) {
            self.cancel();
            return Ok(());
        }
        let (what, host) = self.sent()?;
        if !given_up && !self.was_impatient(&failure) {
            self.judge_host(host, false);
        }
        self.avoid = Some(host);
        self.state = match what {
            Sending::Attempt => self.after_failure(failure),
            Sending::Keys(refresh) => self.after_failed_keys(refresh, failure),
        };
        Ok(())
    }

    /// Whether the host had less time than the configuration grants it: then the caller, not the host, is the reason for the timeout.
    fn was_impatient(&self, failure: &Failure) -> bool {
        let granted = self.request.as_ref().map(|request| request.timeout);
        failure.code == Code::Timeout && granted < Some(self.core.settings.total)
    }

    /// Ends the call while nothing is being sent.
    pub fn cancel(&mut self) {
        if !matches!(self.state, State::Done(_) | State::Over) {
            let error = self.marked(Error::new(Code::Cancelled, "the call was cancelled"));
            self.state = self.done(Err(error));
        }
    }

    /// The result, once, after `step` said `Done`.
    pub fn result(&mut self) -> Result<Delivered> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Done(result) => *result,
            State::Over => Err(out_of_turn("the result was fetched already")),
            state => {
                self.state = state;
                Err(out_of_turn("the call is not done"))
            }
        }
    }

    fn sent(&mut self) -> Result<(Sending, usize)> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Sending { what, host } => Ok((what, host)),
            state => {
                self.state = state;
                Err(out_of_turn("no request is on its way"))
            }
        }
    }

    fn attempt(&mut self) -> State {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return self.over_time("the time of the call was over before an attempt could be made");
        }
        let Task::Operation(prepared) = &self.task else {
            return State::Open;
        };
        let Some(host) = self.core.choose_host(prepared, self.avoid) else {
            let error = Error::new(
                Code::CircuitOpen,
                "every host failed repeatedly and is left alone for a while",
            )
            .with_hint("try again later");
            return self.failed(error);
        };
        if let Err(error) = self.settle() {
            return self.failed(error);
        }
        let Task::Operation(prepared) = &self.task else {
            return State::Open;
        };
        match self.core.request(prepared, host, left) {
            Ok(request) => self.request = Some(self.streamed(request)),
            Err(error) => return self.failed(error),
        }
        self.attempts += 1;
        self.attempted = Some(host);
        State::Sending {
            what: Sending::Attempt,
            host,
        }
    }

    fn streamed(&self, mut request: Request) -> Request {
        if let Some(stream) = self.stream {
            request.head_timeout = Some(stream.head_timeout.min(request.timeout));
            request.max_response_bytes = stream.max_bytes;
        }
        request
    }

    fn settle(&mut self) -> Result<()> {
        if let (Some(params), Task::Operation(prepared)) = (self.unsettled.take(), &mut self.task) {
            let core = &self.core;
            **prepared = core
                .provider
                .prepare(&prepared.operation, params, &core.host)?;
        }
        Ok(())
    }

    fn judge(&mut self, response: Response) -> State {
        let Task::Operation(prepared) = &self.task else {
            return State::Over;
        };
        let error = match self
            .core
            .provider
            .check(prepared, &response, &self.core.host)
        {
            Ok(answer) => {
                (self.unanswered, self.unjudged) = (false, false);
                return self.answered(answer);
            }
            Err(error) => error,
        };
        if error.code() == Code::UnknownSerial {
            return self.fetch_for(error, State::Judge(response));
        }
        let rejected = error.outcome() == Outcome::Rejected;
        let earlier = self.unanswered;
        self.unjudged = false;
        self.unanswered |= !rejected; // also when the check itself failed, because a clock did
        let repeatable = prepared.repeat != Repeat::Never
            && matches!(
                error.code(),
                Code::ProviderUnavailable | Code::ProviderRateLimited | Code::SignatureProbe
            );
        let asked_for = response
            .headers
            .first("retry-after")
            .and_then(|seconds| seconds.parse().ok())
            .map(Duration::from_secs);
        match repeatable {
            true => self.again(error, asked_for),
            // Signature, permission and limits are looked at before the number: a no to this attempt does not say what became of
            // an earlier one that may still be under way.
            false if rejected && earlier && prepared.repeat != Repeat::Safe => {
                let is_done = error
                    .detail("advice")
                    .is_some_and(|it| it == "already_done");
                self.failed(if is_done {
                    error
                } else {
                    error.with("advice", "query_first")
                })
            }
            false if rejected => self.done(Err(error)),
            false => self.failed(error),
        }
    }

    fn after_failure(&mut self, failure: Failure) -> State {
        let Task::Operation(prepared) = &self.task else {
            return State::Over;
        };
        let repeatable = match failure.kind {
            FailureKind::Cancelled { sent } => {
                self.unanswered |= sent;
                return self.failed(Error::new(Code::Cancelled, failure.reason));
            }
            // A handshake that fails does so again, unless elsewhere.
            FailureKind::NotSent => {
                failure.code != Code::TlsFailed || self.core.has_several_hosts(prepared)
            }
            FailureKind::Sent => {
                self.unanswered = true;
                prepared.repeat != Repeat::Never
            }
        };
        let error = Error::new(failure.code, failure.reason);
        if repeatable {
            self.again(error, None)
        } else {
            self.failed(error)
        }
    }

    /// Another attempt after a pause with full jitter, if there is one left and time for it.
    fn again(&mut self, error: Error, asked_for: Option<Duration>) -> State {
        if self.attempts >= self.max_attempts {
            return self.failed(error);
        }
        let pause = match self.core.jitter(self.attempts) {
            Ok(jitter) => asked_for.map_or(jitter, |asked| asked.max(jitter)),
            Err(_) => return self.failed(error),
        };
        let Some(until) = Instant::now()
            .checked_add(pause)
            .filter(|until| *until + LEAST_ATTEMPT < self.deadline)
        else {
            return self.failed(error);
        };
        self.record(Level::Warn, "call.retry")
            .with("code", error.code().name())
            .with("message", error.message())
            .write();
        State::Sleep {
            until,
            then: Box::new(State::Attempt),
        }
    }

    fn over_time(&mut self, message: &str) -> State {
        self.failed(Error::new(Code::Timeout, message))
    }

    fn open(&mut self) -> State {
        let Task::Notification {
            headers,
            body,
            options,
        } = &self.task
        else {
            return State::Over;
        };
        match self
            .core
            .provider
            .open(headers, body, &self.core.host)
            .and_then(|event| met(event, options))
        {
            Ok(event) => self.opened(event),
            Err(error) if error.code() == Code::UnknownSerial => self.fetch_for(error, State::Open),
            Err(error) => self.done(Err(error)),
        }
    }

    fn opened(&mut self, mut event: Event) -> State {
        let Task::Notification { headers, .. } = &self.task else {
            return State::Over;
        };
        event.envelope.replay = self.core.is_repeated(&event, headers);
        self.done(Ok(Delivered {
            body: event.plaintext,
            about: About::Event(event.envelope),
        }))
    }
}

/// The caller's expectations of a notification: first of all, that its author is known.
fn met(event: Event, options: &Options) -> Result<Event> {
    if event.envelope.authenticity != Authenticity::Signed && !options.accept_unauthenticated {
        return Err(unauthenticated(&event));
    }
    let unmet = match options.expect.is_empty() {
        true => None,
        false => strict::unmet(
            &strict::parse(&event.plaintext).unwrap_or_default(),
            &options.expect,
        ),
    };
    match unmet {
        Some(path) => Err(Error::new(
            Code::ResponseMismatch,
            format!("the notification is genuine, but its {path} is not what the caller expects"),
        )
        .with_outcome(Outcome::Malformed)
        .with_field(path)),
        None => Ok(event),
    }
}

fn unauthenticated(event: &Event) -> Error {
    let error = Error::new(Code::SignatureMissing, "the notification is encrypted but not signed, so nobody vouches for it: it is only a reason to query")
        .with_field("accept_unauthenticated")
        .with("event_type", event.envelope.event_type.clone());
    match event.envelope.confirm_with {
        Some(operation) => error
            .with("confirm_with", operation)
            .with_hint(format!("open it with accept_unauthenticated, execute {operation} with the number it names, and act on that answer alone")),
        None => error,
    }
}

impl Steps for Call {
    fn step(&mut self) -> Step {
        Call::step(self)
    }

    fn request(&self) -> Result<&Request> {
        Call::request(self)
    }

    fn respond(&mut self, response: Response) -> Result<()> {
        Call::respond(self, response)
    }

    fn fail(&mut self, failure: Failure) -> Result<()> {
        Call::fail(self, failure)
    }

    fn cancel(&mut self) {
        Call::cancel(self);
    }

    fn result(&mut self) -> Result<Delivered> {
        Call::result(self)
    }
}

fn out_of_turn(message: &str) -> Error {
    Error::new(Code::InvalidState, message)
}
