//! Reads what a provider said: what has to be there and is not, or is something else than the provider documents, is an error and never a guess.

use serde_json::Value;

use crate::error::{Code, Error, Outcome, Result};
use crate::wire::json;

use super::{PaymentFact, PaymentState, RefundFact, RefundState};

/// Whether the provider itself, verified, says no with one of these codes.
pub(crate) fn is_refusal(error: &Error, codes: &[&str]) -> bool {
    error.outcome() == Outcome::Rejected && codes.contains(&code(error))
}

/// The provider's word.
pub(crate) fn code(error: &Error) -> &str {
    let code = error.detail("provider_code").and_then(Value::as_str);
    code.unwrap_or_default()
}

impl PaymentFact {
    /// `word` is the provider's.
    pub(crate) fn missing(order_no: &str, word: &str) -> PaymentFact {
        PaymentFact {
            order_no: order_no.to_owned(),
            state: PaymentState::Missing,
            provider_state: word.to_owned(),
            transaction_id: None,
            amount: None,
            currency: None,
            merchant: None,
            sub_merchant: None,
            application: None,
            paid_ms: None,
        }
    }
}

impl RefundFact {
    /// `word` is the provider's.
    pub(crate) fn missing(order_no: &str, refund_no: &str, word: &str) -> RefundFact {
        RefundFact {
            order_no: order_no.to_owned(),
            refund_no: refund_no.to_owned(),
            state: RefundState::Missing,
            provider_state: word.to_owned(),
            refund_id: None,
            transaction_id: None,
            amount: None,
            currency: None,
            merchant: None,
            sub_merchant: None,
        }
    }
}

/// The verified body of an answer or of a notification.
#[derive(Clone, Copy)]
pub(crate) struct Statement<'a> {
    body: &'a Value,
    outcome: Outcome,
}

impl<'a> Statement<'a> {
    pub fn answer(body: &'a Value) -> Statement<'a> {
        Statement {
            body,
            outcome: Outcome::Unknown,
        }
    }

    pub fn notification(body: &'a Value) -> Statement<'a> {
        Statement {
            body,
            outcome: Outcome::Malformed,
        }
    }

    pub fn has(&self, path: &str) -> bool {
        json::at(self.body, path).is_some_and(|value| !value.is_null())
    }

    /// None where it is missing or empty.
    pub fn text(&self, path: &str) -> Result<Option<&'a str>> {
        match json::at(self.body, path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.unreadable(path, "is not a text")),
        }
    }

    pub fn required(&self, path: &str) -> Result<&'a str> {
        self.text(path)?
            .ok_or_else(|| self.unreadable(path, "is missing"))
    }

    pub fn owned(&self, path: &str) -> Result<Option<String>> {
        Ok(self.text(path)?.map(str::to_owned))
    }

    /// An amount in the minor unit.
    pub fn amount(&self, path: &str) -> Result<Option<i64>> {
        match json::at(self.body, path) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_i64().filter(|amount| *amount >= 0) {
                Some(amount) => Ok(Some(amount)),
                None => Err(self.unreadable(path, "is not an amount")),
            },
        }
    }

    /// The text at `path`, which must be this one.
    pub fn same(&self, path: &str, expected: &str) -> Result<()> {
        match self.required(path)? == expected {
            true => Ok(()),
            false => Err(self.error(
                Code::ResponseMismatch,
                path,
                "is not what was asked about: it belongs to another request",
            )),
        }
    }

    pub fn unreadable(&self, path: &str, problem: &str) -> Error {
        self.error(Code::BodyInvalid, path, problem)
    }

    /// A word of the provider's that nobody here knows.
    pub fn unknown_word(&self, path: &str) -> Error {
        let word = json::at(self.body, path).cloned().unwrap_or_default();
        self.unreadable(
            path,
            "is a state that is not known here: nothing is concluded from it",
        )
        .with("provider_state", word)
    }

    fn error(&self, code: Code, path: &str, problem: &str) -> Error {
        Error::new(
            code,
            format!("the message is genuine, but its {path} {problem}"),
        )
        .with_outcome(self.outcome)
        .with_field(path)
    }
}
