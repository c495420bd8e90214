//! What a call ends with: the result, what it means for money, and the record of it.

use super::*;

impl Call {
    pub(super) fn answered(&mut self, answer: Answer) -> State {
        let host = self.attempted().map(str::to_owned);
        let exchange = Exchange {
            http_status: answer.status,
            request_id: answer.request_id,
            verified: answer.verified,
            serial: answer.serial,
            skew_s: answer.skew_s,
            is_final: None,
            polls: None,
            attempts: self.attempts,
            duration_ms: self.started.elapsed().as_millis() as u64,
            host,
            content_type: answer.content_type,
            decrypted: answer.sensitive.decrypted,
            encrypted: answer.sensitive.encrypted,
        };
        self.done(Ok(Delivered {
            body: answer.body,
            about: About::Answer(exchange),
        }))
    }

    pub(super) fn done(&mut self, result: Result<Delivered>) -> State {
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
            Ok(Delivered {
                about: About::Answer(exchange),
                ..
            }) => {
                record = record
                    .with("http_status", exchange.http_status)
                    .with_some("request_id", exchange.request_id.clone());
            }
            Ok(Delivered {
                about: About::Event(envelope),
                ..
            }) => {
                record = record.with("event_type", envelope.event_type.clone());
            }
            Ok(Delivered {
                about: About::Work(_),
                ..
            }) => {}
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

    /// Ends the call with an error that says what the whole call, not the last attempt, means for money.
    pub(super) fn failed(&mut self, error: Error) -> State {
        let error = self.marked(error);
        self.done(Err(error))
    }

    pub(super) fn marked(&self, error: Error) -> Error {
        let Task::Operation(prepared) = &self.task else {
            return error;
        };
        let sent = self.unanswered || self.unjudged;
        let error = match (sent, error.code().is_trust()) {
            (true, _) => error.with_outcome(Outcome::Unknown),
            (false, false) if error.outcome() == Outcome::Unknown => {
                error.with_outcome(Outcome::NotSent)
            }
            (false, true) if self.attempts == 0 => error.with_outcome(Outcome::NotSent),
            _ => error,
        };
        let given = error.detail("advice").and_then(Value::as_str);
        let advice = match (error.outcome(), given) {
            (Outcome::Unknown, given) => {
                let authenticated = error.detail("authenticated") == Some(&Value::Bool(true));
                Some(advice_when_unknown(prepared.repeat, given, authenticated))
            }
            (Outcome::NotSent, None) if error.code() as i32 >= 300 => Some("retry_later"),
            _ => None,
        };
        match advice {
            Some(advice) => error.with("advice", advice),
            None => error,
        }
    }

    fn described(&self, error: Error) -> Error {
        let Task::Operation(prepared) = &self.task else {
            return error;
        };
        let error = error
            .with("operation", prepared.operation.clone())
            .with("attempts", self.attempts);
        match self.attempted() {
            Some(host) => error.with("host", host),
            None => error,
        }
    }

    /// The host of the last attempt.
    fn attempted(&self) -> Option<&str> {
        let host = self.attempted?;
        Some(self.core.hosts[host].as_str())
    }

    pub(super) fn record(&self, level: Level, event: &str) -> Record<'_> {
        let record = Record::new(&self.core.host, level, event)
            .with("provider", self.core.provider.name())
            .with("merchant", self.core.provider.merchant())
            .with_some("trace_id", self.trace_id.clone());
        match &self.task {
            Task::Operation(prepared) => record
                .with("operation", prepared.operation.clone())
                .with("attempts", self.attempts)
                .with_some("out_trade_no", prepared.order_number.clone()),
            Task::Notification { .. } => record,
        }
    }

    pub(super) fn judge_host(&self, host: usize, healthy: bool) {
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
                .with("host", self.core.hosts[host].as_str())
                .write();
        }
    }
}

/// What to do when it is open whether the request took effect. `given` is what the last answer alone would suggest: a no that nobody
/// vouches for is no reason to stop looking, and nothing is a reason to repeat what must not be repeated.
fn advice_when_unknown(repeat: Repeat, given: Option<&str>, authenticated: bool) -> &'static str {
    match given {
        Some("already_done") if authenticated => "already_done",
        _ if repeat == Repeat::Never => "query_first",
        Some("retry_later") => "retry_later",
        Some("retry_same") | None => "retry_same",
        Some(_) => "query_first",
    }
}
