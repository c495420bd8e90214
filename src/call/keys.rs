//! Fetching the platform's keys in the middle of a call: because there are none, because it is time, or because a message was signed
//! by one that is not known.

use super::*;

impl Call {
    pub(super) fn look_for_keys(&mut self) -> State {
        match self.core.provider.keys(&self.core.host) {
            Ok(Keys::Ready) => State::Attempt,
            Ok(Keys::Due) => self.fetch(Want::Due, State::Attempt, None),
            Ok(Keys::Missing) => self.fetch(Want::Missing, State::Attempt, None),
            Err(error) => self.failed(error),
        }
    }

    /// A message was signed by a key that is not known: fetch keys if that can help, then look at the message again.
    pub(super) fn fetch_for(&mut self, error: Error, then: State) -> State {
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
        let serial = match &want {
            Want::Serial(serial) => Some(serial.as_str()),
            Want::Due | Want::Missing => None,
        };
        let prepared = match self.core.provider.key_request(serial, &self.core.host) {
            Ok(Some(prepared)) => prepared,
            Ok(None) => return self.without_keys(&want, then, otherwise),
            Err(error) => return self.failed(error),
        };
        match self.core.gate().enter(&want, Instant::now(), self.deadline) {
            Admission::Fetch(permit) => {
                // Only a fetch on behalf of the serial can show that the provider does not have it.
                self.refreshed |= matches!(want, Want::Serial(_));
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
                    until: Instant::now() + LOOK_AGAIN,
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

    pub(super) fn send_keys(&mut self, mut refresh: Refresh) -> State {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let Some(host) = self
            .core
            .choose_host(&refresh.prepared, self.avoid)
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
        let time = if refresh.want == Want::Due {
            left.min(DUE_TIMEOUT)
        } else {
            left
        };
        match self.core.request(&refresh.prepared, host, time) {
            Ok(request) => self.request = Some(request),
            Err(error) => return self.no_keys(refresh, error),
        }
        refresh.attempts += 1;
        State::Sending {
            what: Sending::Keys(refresh),
            host,
        }
    }

    pub(super) fn take_keys(&mut self, refresh: Refresh, response: Response) -> State {
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

    pub(super) fn after_failed_keys(&mut self, refresh: Refresh, failure: Failure) -> State {
        if let FailureKind::Cancelled { .. } = failure.kind {
            return self.failed(Error::new(Code::Cancelled, failure.reason));
        }
        let pause = self.core.jitter(refresh.attempts).unwrap_or_default();
        if refresh.want != Want::Due && refresh.attempts < self.max_attempts {
            return State::Sleep {
                until: Instant::now() + pause,
                then: Box::new(State::Fetch(refresh)),
            };
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
}
