//! Drives a call without a network: each request gets the answer, or the failure, that the test has for it.

use payseal::call::{Delivered, Step, Steps};
use payseal::wire::{Failure, FailureKind, Request, Response};
use payseal::{Client, Code, Result};
use serde_json::Value;

pub type Sent = std::result::Result<Response, Failure>;

pub fn not_sent() -> Failure {
    failure(FailureKind::NotSent, Code::ConnectFailed)
}

pub fn lost() -> Failure {
    failure(FailureKind::Sent, Code::ConnectionLost)
}

pub fn timed_out() -> Failure {
    failure(FailureKind::Sent, Code::Timeout)
}

pub fn cancelled(sent: bool) -> Failure {
    failure(FailureKind::Cancelled { sent }, Code::Cancelled)
}

pub fn failure(kind: FailureKind, code: Code) -> Failure {
    Failure {
        kind,
        code,
        reason: "a test wants it so".into(),
    }
}

/// What `exchange` has for each request, until the call is done.
pub fn drive(
    call: &mut impl Steps,
    mut exchange: impl FnMut(&Request) -> Sent,
) -> Result<Delivered> {
    loop {
        match call.step() {
            Step::Done => return call.result(),
            Step::Wait(time) => std::thread::sleep(time),
            Step::Send => match exchange(call.request()?) {
                Ok(response) => call.respond(response)?,
                Err(failure) => call.fail(failure)?,
            },
        }
    }
}

/// Executes an operation that way.
pub fn execute(
    client: &Client,
    operation: &str,
    params: &Value,
    exchange: impl FnMut(&Request) -> Sent,
) -> Result<Delivered> {
    let mut call = client.call(operation, params.to_string().as_bytes(), b"")?;
    drive(&mut call, exchange)
}

/// The first request of an operation.
pub fn request(client: &Client, operation: &str, params: &Value) -> Result<Request> {
    request_with(client, operation, params, b"")
}

pub fn request_with(
    client: &Client,
    operation: &str,
    params: &Value,
    payload: &[u8],
) -> Result<Request> {
    let mut call = client.call(operation, params.to_string().as_bytes(), payload)?;
    match call.step() {
        Step::Send => call.request().cloned(),
        Step::Done => Err(call.result().expect_err("nothing was sent, and it is done")),
        Step::Wait(_) => panic!("there is nothing to wait for"),
    }
}

/// The answers of a script, one after another; asking for more is a failure of the test.
pub fn script(answers: Vec<Sent>) -> impl FnMut(&Request) -> Sent {
    let mut answers = answers.into_iter();
    move |request| {
        answers
            .next()
            .unwrap_or_else(|| panic!("nobody expects {} {}", request.method, request.url()))
    }
}
