use std::ptr;
use std::sync::{Mutex, MutexGuard, TryLockError};

use crate::call::{Step, Steps};
use crate::error::{Code, Error, Result};
use crate::wire::{Failure, FailureKind};

use super::boundary::{call, infallible, output, place};
use super::buffer::payseal_buffer;
use super::client::{self, Outputs, invalid_handle, payseal_client};
use super::error::payseal_error;
use super::handle::{Guard, Table};
use super::input::{self, bytes, text};

/// One call without I/O, for a host's own HTTP client: payseal_call_step says what to do. For one thread at a time.
pub struct payseal_call {
    _private: (),
}

/// What payseal_call_step asks for.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum Action {
    /// Send payseal_call_request and payseal_call_body, then call payseal_call_respond or payseal_call_fail.
    Send = 1,
    /// Sleep *wait_ms milliseconds, then step again.
    Wait = 2,
    /// payseal_call_result has what became of it; a file is whole and right.
    Done = 3,
    /// Of downloads: hand over the next piece of the answer's body with payseal_download_receive, or say payseal_download_end or payseal_download_fail.
    Receive = 4,
    /// Of downloads: take decoded bytes with payseal_download_take.
    Take = 5,
}

/// Why the host's HTTP client brought no answer.
#[repr(i32)]
#[derive(Clone, Copy)]
pub enum HostFailure {
    /// No byte of the request left: name resolution, connection, TLS handshake.
    NotSent = 1,
    /// Bytes may have left. Say this when in doubt.
    Sent = 2,
    /// Bytes may have left, and the time is over.
    Timeout = 3,
    /// Bytes may have left, and the host gave up on purpose: nothing is tried again.
    Cancelled = 4,
}

static CALLS: Table<Mutex<Box<dyn Steps>>> = Table::new(0x5EA4);

fn borrow(call: *const payseal_call) -> Result<Guard<Mutex<Box<dyn Steps>>>> {
    CALLS
        .get(call.addr() as u64)
        .ok_or_else(|| invalid_handle("call"))
}

fn lock(call: &Mutex<Box<dyn Steps>>) -> Result<MutexGuard<'_, Box<dyn Steps>>> {
    take_turn(call, "call")
}

/// What one thread at a time may use.
pub(super) fn take_turn<'a, T>(object: &'a Mutex<T>, name: &str) -> Result<MutexGuard<'a, T>> {
    match object.try_lock() {
        Ok(object) => Ok(object),
        Err(TryLockError::Poisoned(_)) => Err(Error::new(
            Code::Internal,
            format!("this {name} was stopped by a bug before; free it"),
        )),
        Err(TryLockError::WouldBlock) => Err(Error::new(
            Code::InvalidState,
            format!("two threads use this {name} at once; a {name} is for one thread at a time"),
        )),
    }
}

/// Why the host's HTTP client brought no answer, in the core's words.
///
/// # Safety
/// `reason` is NULL or may be read for `reason_len` bytes.
pub(super) unsafe fn host_failure(
    failure: i32,
    reason: *const u8,
    reason_len: usize,
) -> Result<Failure> {
    let (kind, code) = match failure {
        f if f == HostFailure::NotSent as i32 => (FailureKind::NotSent, Code::ConnectFailed),
        f if f == HostFailure::Sent as i32 => (FailureKind::Sent, Code::ConnectionLost),
        f if f == HostFailure::Timeout as i32 => (FailureKind::Sent, Code::Timeout),
        f if f == HostFailure::Cancelled as i32 => {
            (FailureKind::Cancelled { sent: true }, Code::Cancelled)
        }
        _ => {
            return Err(
                Error::new(Code::InvalidArgument, "failure is not a payseal_failure")
                    .with_field("failure"),
            );
        }
    };
    // However much the host has to say, what became of the request matters more.
    // SAFETY: promised by the caller.
    let reason = unsafe { text(reason, reason_len, input::DOCUMENT, "reason") }?;
    let reason: String = "the host's HTTP client gave up: "
        .chars()
        .chain(reason.chars().take(1_000))
        .collect();
    Ok(Failure { kind, code, reason })
}

/// # Safety
/// `out` is NULL or may be written.
pub(super) unsafe fn hand_out<S: Steps + 'static>(
    out: *mut *mut payseal_call,
    make: impl FnOnce() -> Result<S>,
) -> Result<()> {
    // SAFETY: promised by the caller.
    let out = unsafe { output(out, "call") }?;
    *out = ptr::null_mut();
    let handle = CALLS
        .insert(Mutex::new(Box::new(make()?)))
        .ok_or_else(|| Error::new(Code::Internal, "there are too many handles"))?;
    *out = ptr::without_provenance_mut(handle as usize);
    Ok(())
}

/// Begins what payseal_client_execute does, without sending anything. The parameters are copied. The call keeps what it needs of the client.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_new(
    client: *const payseal_client,
    operation: *const u8,
    operation_len: usize,
    params: *const u8,
    params_len: usize,
    payload: *const u8,
    payload_len: usize,
    call: *mut *mut payseal_call,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            hand_out(call, || {
                client::borrow(client)?.call(
                    text(operation, operation_len, input::NAME, "operation")?,
                    bytes(params, params_len, input::DOCUMENT, "params")?,
                    bytes(payload, payload_len, input::PAYLOAD, "payload")?,
                )
            })
        })
    }
}

/// Begins what payseal_notification_open does. It asks to send something only when new platform certificates are needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_new_notification(
    client: *const payseal_client,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    options: *const u8,
    options_len: usize,
    call: *mut *mut payseal_call,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            hand_out(call, || {
                client::borrow(client)?.call_notification(
                    bytes(headers, headers_len, input::HEADERS, "headers")?,
                    bytes(body, body_len, input::DOCUMENT, "body")?,
                    bytes(options, options_len, input::DOCUMENT, "options")?,
                )
            })
        })
    }
}

/// Begins what payseal_client_run does: a call that may ask to send several requests, and to wait between them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_new_flow(
    client: *const payseal_client,
    flow: *const u8,
    flow_len: usize,
    params: *const u8,
    params_len: usize,
    call: *mut *mut payseal_call,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            hand_out(call, || {
                client::borrow(client)?.flow(
                    text(flow, flow_len, input::NAME, "flow")?,
                    bytes(params, params_len, input::DOCUMENT, "params")?,
                )
            })
        })
    }
}

/// Says what to do next: *action is PAYSEAL_SEND, PAYSEAL_WAIT (then *wait_ms is set) or PAYSEAL_DONE. `wait_ms` may be NULL only if waits are not heeded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_step(
    call: *mut payseal_call,
    action: *mut i32,
    wait_ms: *mut u64,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let wait_ms = place(wait_ms).map(|wait_ms| {
                *wait_ms = 0;
                wait_ms
            });
            let out = output(action, "action")?;
            *out = 0;
            let (step, wait) = match lock(&*borrow(call)?)?.step() {
                Step::Send => (Action::Send, 0),
                Step::Wait(time) => (Action::Wait, time.as_micros().div_ceil(1000) as u64),
                Step::Done => (Action::Done, 0),
            };
            *out = step as i32;
            if let Some(wait_ms) = wait_ms {
                *wait_ms = wait;
            }
            Ok(())
        })
    }
}

/// The request to send, as JSON {"method","url","headers":[[name,value],…],"timeout_ms","max_response_bytes"}, of payments also "client": whose account it is for, by the place
/// among the clients. Send these headers and no others that name the same, follow no redirect, decode no compression.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_request(
    call: *const payseal_call,
    request: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let out = output(request, "request")?;
            *out = payseal_buffer::EMPTY;
            let call = borrow(call)?;
            let steps = lock(&call)?;
            let mut head = steps.request()?.head();
            if let Some(account) = steps.account() {
                head.0["client"] = account.into();
            }
            *out = payseal_buffer::of_json(&*head);
            Ok(())
        })
    }
}

/// The exact bytes of the request's body; empty where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_body(
    call: *const payseal_call,
    body: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let out = output(body, "body")?;
            *out = payseal_buffer::EMPTY;
            *out = payseal_buffer::of(lock(&*borrow(call)?)?.request()?.body.as_slice());
            Ok(())
        })
    }
}

/// Hands back the answer: status, header lines "Name: value" ended by LF or CRLF, and the raw body, whole. What is not an HTTP answer ends or repeats the
/// call like a broken connection: the request was sent, after all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_respond(
    call: *mut payseal_call,
    status: u32,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let headers = bytes(headers, headers_len, input::RESPONSE, "headers")?;
            let body = bytes(body, body_len, input::RESPONSE, "body")?;
            lock(&*borrow(call)?)?.respond_raw(status, headers, body)
        })
    }
}

/// Says that there is no answer. `failure` is a payseal_failure; `reason` a short text for the error's message, without secrets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_fail(
    call: *mut payseal_call,
    failure: i32,
    reason: *const u8,
    reason_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let failure = host_failure(failure, reason, reason_len)?;
            lock(&*borrow(call)?)?.fail(failure)
        })
    }
}

/// What became of the call, once, after payseal_call_step said PAYSEAL_DONE: for an operation the verified body and information about it, for a notification
/// its plaintext and event. Returns the error the call ended with, if it did.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_result(
    call: *mut payseal_call,
    body: *mut payseal_buffer,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            let outputs = Outputs::new(body, "body", info)?;
            let delivered = lock(&*borrow(call)?)?.result()?;
            outputs.set(delivered);
            Ok(())
        })
    }
}

/// Frees a call, also one that is not done. NULL and one that was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_call_free(call: *mut payseal_call) {
    infallible(false, || CALLS.remove(call.addr() as u64));
}
