//! What faults do to an exchange: before it is carried out, and instead of its answer.

use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use crate::faults::{Fault, Group, Kind};
use crate::provider::{self, reset};
use crate::sandbox::Sandbox;
use crate::signing::Spoiling;

use super::refusal::Refusal;

/// The one fault among those that struck which concerns what comes over the wire.
#[derive(Clone, Copy)]
pub struct Outcome<'a>(Option<&'a Fault>);

/// What comes in place of a true answer.
pub enum Instead {
    /// A refusal, signed like any other.
    Refusal(Refusal),
    /// Something that is not of the API's making.
    Other(Response),
}

impl<'a> Outcome<'a> {
    /// Waits and rotates as asked. Err: the connection is over before anything has happened.
    pub async fn begin(sandbox: &Sandbox, struck: &'a [Fault]) -> Result<Self, Box<Response>> {
        let find = |kind: Kind| struck.iter().find(|fault| fault.fault == kind);
        if let Some(fault) = find(Kind::Delay) {
            tokio::time::sleep(Duration::from_millis(fault.ms)).await;
        }
        let is_of_wire = |fault: &&Fault| fault.fault.group() == Group::Outcome;
        let outcome = Self(struck.iter().find(is_of_wire));
        if outcome.is(Kind::ResetBefore) {
            return Err(Box::new(reset()));
        }
        if find(Kind::RotateCertificate).is_some()
            && let Err(error) = sandbox.alipay.rotate(&sandbox.address)
        {
            let failed = (StatusCode::INTERNAL_SERVER_ERROR, error);
            return Err(Box::new(failed.into_response()));
        }
        Ok(outcome)
    }

    pub fn is(self, kind: Kind) -> bool {
        self.0.is_some_and(|fault| fault.fault == kind)
    }

    /// Whether the request takes effect: always but where another answer comes in its place.
    pub fn takes_effect(self) -> bool {
        self.0
            .is_none_or(|fault| fault.processed || !fault.fault.replaces_answer())
    }

    /// After the request, if it was carried out.
    pub fn instead(self, sandbox: &Sandbox) -> Option<Instead> {
        Some(match self.0?.fault {
            Kind::ResetAfter => Instead::Other(reset()),
            Kind::SystemError => Instead::Refusal(Refusal::unavailable()),
            Kind::RateLimit => Instead::Refusal(Refusal::limited()),
            kind if kind.replaces_answer() => Instead::Other(provider::replaced(sandbox, kind)),
            _ => return None,
        })
    }

    pub fn spoiling(self) -> Spoiling {
        self.0
            .map_or(Spoiling::None, |fault| fault.fault.spoiling())
    }
}
