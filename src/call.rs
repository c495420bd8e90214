//! One exchange as a state machine without I/O.
//!
//! `step` says what to do: send the request, wait, or fetch the result. Whoever drives it, the built-in transport or a host's own HTTP
//! client, reports back with `respond` or `fail`. Here and nowhere else live attempts: what may be repeated, when, to which host, and when
//! the platform's keys are fetched first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::catalogue::Repeat;
use crate::client::Core;
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Level;
use crate::notification::Event;
use crate::observe::Record;
use crate::params::{Options, Params};
use crate::provider::{Answer, Keys, Prepared};
use crate::refresh::{Admission, Permit, Want};
use crate::wire::{Failure, FailureKind, Headers, Request, Response, json as strict};

/// How long to wait before looking again whether another call has fetched the keys.
const KEYS_POLL: Duration = Duration::from_millis(10);
/// A notification must be answered within five seconds; fetching keys for it may not use them up.
const NOTIFICATION_TIMEOUT: Duration = Duration::from_secs(3);

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
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The verified body of an answer, or the plaintext of a notification.
    pub body: Zeroizing<Vec<u8>>,
    /// What is known about it, as documented in `docs/abi.md`.
    pub info: Value,
}

/// One call in progress. Used by one thread at a time.
pub struct Call {
    core: Arc<Core>,
    task: Task,
    state: State,
    request: Option<Request>,
    started: Instant,
    deadline: Instant,
    attempts: u32,
    max_attempts: u32,
    trace_id: Option<String>,
    /// Bytes of some attempt left and no verified answer has come.
    unanswered: bool,
    /// The host of the attempt that failed last: the next one prefers another.
    avoid: Option<usize>,
    /// Keys were fetched for this call already; once is enough.
    refreshed: bool,
}

enum Task {
    Operation(Box<Prepared>),
    Notification {
        headers: Headers,
        body: Vec<u8>,
        options: Options,
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
        let prepared = core.provider.prepare(operation, params, &core.host)?;
        let timeout = options.timeout.unwrap_or(core.settings.total);
        let max_attempts = options.max_attempts.unwrap_or(core.settings.max_attempts);
        Ok(Call::new(
            core,
            Task::Operation(Box::new(prepared)),
            State::Keys,
            timeout,
            max_attempts,
            options.trace_id,
        ))
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
                options,
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
            state,
            request: None,
            started,
            deadline: started + timeout,
            attempts: 0,
            max_attempts,
            trace_id,
            unanswered: false,
            avoid: None,
            refreshed: false,
        }
    }

    /// Goes on until something is to be done outside.
    pub fn step(&mut self) -> Step {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Keys => self.look_for_keys(),
                State::Attempt => self.attempt(),
                State::Judge(response) => self.judge(response),
                State::Open => self.open(),
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
            Sending::Attempt => State::Judge(response),
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
        if !matches!(failure.kind, FailureKind::Cancelled { .. }) {
            self.judge_host(host, false);
        }
        self.avoid = Some(host);
        self.state = match what {
            Sending::Attempt => self.after_failure(failure),
            Sending::Keys(refresh) => self.after_failed_keys(refresh, failure),
        };
        Ok(())
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

    // ---- attempts ----

    fn attempt(&mut self) -> State {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return self.over_time("the time of the call was over before an attempt could be made");
        }
        let Some(host) = self.core.choose_host(self.avoid) else {
            let error = Error::new(
                Code::CircuitOpen,
                "every host failed repeatedly and is left alone for a while",
            )
            .with_hint("try again later");
            return self.failed(error);
        };
        let Task::Operation(prepared) = &self.task else {
            return State::Open;
        };
        match self.core.request(prepared, host, left) {
            Ok(request) => self.request = Some(request),
            Err(error) => return self.failed(error),
        }
        self.attempts += 1;
        State::Sending {
            what: Sending::Attempt,
            host,
        }
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
                self.unanswered = false;
                return self.answered(answer);
            }
            Err(error) => error,
        };
        self.unanswered |= error.outcome() == Outcome::Unknown;
        if error.code() == Code::UnknownSerial {
            return self.fetch_for(error, State::Judge(response));
        }
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
            // A verified no is the last word also about earlier attempts: they carried the same numbers.
            false if error.outcome() == Outcome::Rejected => self.done(Err(error)),
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
                failure.code != Code::TlsFailed || self.core.has_several_hosts()
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
        let until = Instant::now() + pause;
        if until >= self.deadline {
            return self.failed(error);
        }
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

    /// Ends the call with an error that says what the whole call, not the last attempt, means for money.
    fn failed(&mut self, error: Error) -> State {
        let error = self.marked(error);
        self.done(Err(error))
    }

    fn marked(&self, error: Error) -> Error {
        let Task::Operation(prepared) = &self.task else {
            return error;
        };
        let error = match (self.unanswered, error.code().is_trust()) {
            (true, _) => error.with_outcome(Outcome::Unknown),
            (false, false) if error.outcome() == Outcome::Unknown => {
                error.with_outcome(Outcome::NotSent)
            }
            (false, true) if self.attempts == 0 => error.with_outcome(Outcome::NotSent),
            _ => error,
        };
        match (error.outcome(), error.detail("advice")) {
            (Outcome::Unknown, None) => error.with(
                "advice",
                if prepared.repeat == Repeat::Never {
                    "query_first"
                } else {
                    "retry_same"
                },
            ),
            (Outcome::NotSent, None) if error.code() as i32 >= 300 => {
                error.with("advice", "retry_later")
            }
            _ => error,
        }
    }

    // ---- keys ----

    fn look_for_keys(&mut self) -> State {
        match self.core.provider.keys(&self.core.host) {
            Ok(Keys::Ready) => State::Attempt,
            Ok(Keys::Due) => self.fetch(Want::Due, State::Attempt, None),
            Ok(Keys::Missing) => self.fetch(Want::Missing, State::Attempt, None),
            Err(error) => self.failed(error),
        }
    }

    /// A message was signed by a key that is not known: fetch keys if that can help, then look at the message again.
    fn fetch_for(&mut self, error: Error, then: State) -> State {
        let serial = error
            .detail("serial")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if !self.core.provider.can_fetch_key(&serial) {
            return self.distrust(error);
        }
        if self.refreshed {
            self.core.gate().remember_unknown(&serial, Instant::now());
            return self.distrust(error);
        }
        self.fetch(Want::Serial(serial), then, Some(error))
    }

    /// `otherwise` is the error to end with when no keys can be had; without one, keys that are merely due are done without.
    fn fetch(&mut self, want: Want, then: State, otherwise: Option<Error>) -> State {
        let prepared = match self.core.provider.key_request(&self.core.host) {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return self.without_keys(&want, then, otherwise),
            Err(error) => return self.failed(error),
        };
        match self.core.gate().enter(&want, Instant::now()) {
            Admission::Fetch(permit) => {
                self.refreshed = true;
                self.send_keys(Refresh {
                    want,
                    prepared: Box::new(prepared),
                    attempts: 0,
                    then: Box::new(then),
                    _permit: permit,
                })
            }
            Admission::Underway if want == Want::Due => then,
            Admission::Underway if Instant::now() >= self.deadline => {
                self.without_keys(&want, then, otherwise)
            }
            Admission::Underway => {
                let again = if want == Want::Missing {
                    State::Keys
                } else {
                    then
                };
                State::Sleep {
                    until: Instant::now() + KEYS_POLL,
                    then: Box::new(again),
                }
            }
            Admission::Refused => self.without_keys(&want, then, otherwise),
        }
    }

    fn without_keys(&mut self, want: &Want, then: State, otherwise: Option<Error>) -> State {
        match (want, otherwise) {
            (Want::Due, _) => then,
            (_, Some(error)) => self.distrust(error),
            (_, None) => {
                let error = Error::new(Code::UnknownSerial, "there is no valid platform key, and the platform certificates could not be fetched: no answer could be verified")
                    .with_hint("see the log for why the last fetch failed; new merchants need platform_public_keys");
                self.failed(error)
            }
        }
    }

    fn send_keys(&mut self, mut refresh: Refresh) -> State {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let Some(host) = self
            .core
            .choose_host(self.avoid)
            .filter(|_| !left.is_zero())
        else {
            return self.no_keys(
                refresh,
                Error::new(
                    Code::Timeout,
                    "there was no time or no host left to fetch the platform certificates",
                ),
            );
        };
        match self.core.request(&refresh.prepared, host, left) {
            Ok(request) => self.request = Some(request),
            Err(error) => return self.no_keys(refresh, error),
        }
        refresh.attempts += 1;
        State::Sending {
            what: Sending::Keys(refresh),
            host,
        }
    }

    fn take_keys(&mut self, refresh: Refresh, response: Response) -> State {
        match self.core.provider.accept_keys(&response, &self.core.host) {
            Ok(known) => {
                self.core.metrics.refresh("ok");
                self.record(Level::Info, "certificates.refreshed")
                    .with("known", known)
                    .write();
                *refresh.then
            }
            Err(error) => self.no_keys(refresh, error),
        }
    }

    fn after_failed_keys(&mut self, refresh: Refresh, failure: Failure) -> State {
        if let FailureKind::Cancelled { .. } = failure.kind {
            return self.failed(Error::new(Code::Cancelled, failure.reason));
        }
        if refresh.attempts < self.max_attempts {
            return self.send_keys(refresh);
        }
        self.no_keys(refresh, Error::new(failure.code, failure.reason))
    }

    /// The keys could not be fetched. What was known stays.
    fn no_keys(&mut self, refresh: Refresh, error: Error) -> State {
        self.core.metrics.refresh(error.outcome().name());
        self.record(Level::Error, "certificates.failed")
            .with("code", error.code().name())
            .with("message", error.message())
            .write();
        match refresh.want {
            Want::Due => *refresh.then,
            Want::Missing => {
                let message = format!(
                    "nothing was sent, since the platform certificates could not be fetched: {}",
                    error.message()
                );
                let mut outer = Error::new(error.code(), message).with_outcome(Outcome::NotSent);
                for (key, value) in error.details() {
                    outer = outer.with(key, value.clone());
                }
                self.done(Err(outer))
            }
            Want::Serial(serial) => {
                let unknown = Error::new(
                    Code::UnknownSerial,
                    format!(
                        "no platform key with the serial {serial} is known, and fetching certificates failed: {}",
                        error.message()
                    ),
                );
                self.distrust(unknown.with("serial", serial))
            }
        }
    }

    /// Ends the call because an incoming message cannot be believed.
    fn distrust(&mut self, error: Error) -> State {
        self.unanswered |= matches!(self.task, Task::Operation(_));
        self.failed(error)
    }

    // ---- notifications ----

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
        event.envelope.insert(
            "replay".into(),
            self.core.is_repeated(&event.fingerprint).into(),
        );
        self.done(Ok(Delivered {
            body: event.plaintext,
            info: Value::Object(event.envelope),
        }))
    }

    // ---- the end ----

    fn answered(&mut self, answer: Answer) -> State {
        let host = self.request.as_ref().map(|request| request.origin.clone());
        let info = json!({
            "http_status": answer.status,
            "request_id": answer.request_id,
            "verified": answer.verified,
            "serial": answer.serial,
            "attempts": self.attempts,
            "duration_ms": self.started.elapsed().as_millis() as u64,
            "host": host,
            "content_type": answer.content_type,
        });
        self.done(Ok(Delivered {
            body: Zeroizing::new(answer.body),
            info,
        }))
    }

    fn done(&mut self, result: Result<Delivered>) -> State {
        let result = result.map_err(|error| self.described(error));
        let outcome = result
            .as_ref()
            .map_or_else(|error| error.outcome().name(), |_| "ok");
        let time = self.started.elapsed();
        let (level, event) = match (&self.task, &result) {
            (Task::Operation(_), Ok(_)) => (Level::Info, "call.done"),
            (Task::Operation(_), Err(_)) => (Level::Warn, "call.done"),
            (Task::Notification { .. }, Ok(_)) => (Level::Info, "notification.opened"),
            // The provider's own probes are no reason for alarm.
            (Task::Notification { .. }, Err(error)) if error.code() == Code::SignatureProbe => {
                (Level::Info, "notification.refused")
            }
            (Task::Notification { .. }, Err(_)) => (Level::Warn, "notification.refused"),
        };
        match &self.task {
            Task::Operation(prepared) => self.core.metrics.request(prepared.label, outcome, time),
            Task::Notification { .. } => self.core.metrics.notification(outcome),
        }
        let mut record = self
            .record(level, event)
            .with("outcome", outcome)
            .with("duration_ms", time.as_millis() as u64);
        match &result {
            Ok(delivered) => {
                for key in ["http_status", "request_id", "event_type"] {
                    record = record.with_some(
                        key,
                        delivered
                            .info
                            .get(key)
                            .filter(|value| !value.is_null())
                            .cloned(),
                    );
                }
            }
            Err(error) => {
                record = record
                    .with("code", error.code().name())
                    .with("message", error.message())
                    .with_some("http_status", error.detail("http_status").cloned())
            }
        }
        record.write();
        State::Done(Box::new(result))
    }

    fn described(&self, error: Error) -> Error {
        let Task::Operation(prepared) = &self.task else {
            return error;
        };
        let error = error
            .with("operation", prepared.operation.clone())
            .with("attempts", self.attempts);
        match &self.request {
            Some(request) if self.attempts > 0 => error.with("host", request.origin.clone()),
            _ => error,
        }
    }

    fn record(&self, level: Level, event: &str) -> Record<'_> {
        let record = Record::new(&self.core.host, level, event)
            .with("provider", self.core.provider.name())
            .with("mchid", self.core.provider.merchant())
            .with_some("trace_id", self.trace_id.clone());
        match &self.task {
            Task::Operation(prepared) => record
                .with("operation", prepared.operation.clone())
                .with("attempts", self.attempts)
                .with_some("out_trade_no", prepared.order_number.clone()),
            Task::Notification { .. } => record,
        }
    }

    fn judge_host(&self, host: usize, healthy: bool) {
        let changed = if healthy {
            self.core.breakers[host].succeeded()
        } else {
            self.core.breakers[host].failed(Instant::now())
        };
        if changed {
            let (level, event) = if healthy {
                (Level::Info, "breaker.closed")
            } else {
                (Level::Error, "breaker.opened")
            };
            self.record(level, event)
                .with("host", self.core.settings.hosts[host].as_str())
                .write();
        }
    }
}

/// The caller's expectations of a notification.
fn met(event: Event, options: &Options) -> Result<Event> {
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

fn out_of_turn(message: &str) -> Error {
    Error::new(Code::InvalidState, message)
}
