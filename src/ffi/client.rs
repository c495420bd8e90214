use std::ptr;

use crate::client::{Client, operations};
use crate::error::{Code, Error, Result};

use super::boundary::{call, infallible, output};
use super::buffer::{clear, payseal_buffer};
use super::callbacks::{self, payseal_callbacks};
use super::cancel::{self, payseal_cancel};
use super::error::payseal_error;
use super::handle::{Guard, Table};
use super::input::{self, bytes, text};

/// One merchant at one provider: immutable, for any number of threads at once, usable in a forked child.
pub struct payseal_client {
    _private: (),
}

static CLIENTS: Table<Client> = Table::new(0x5EA3);

pub(super) fn borrow(client: *const payseal_client) -> Result<Guard<Client>> {
    CLIENTS
        .get(client.addr() as u64)
        .ok_or_else(|| invalid_handle("client"))
}

/// Several clients, each kept alive while the call lasts.
///
/// # Safety
/// `clients` is NULL or may be read for `len` pointers while the call lasts.
pub(super) unsafe fn borrow_all(
    clients: *const *const payseal_client,
    len: usize,
) -> Result<Vec<Guard<Client>>> {
    if len == 0 {
        return Ok(Vec::new());
    }
    if len > input::CLIENTS || clients.is_null() || !clients.is_aligned() {
        return Err(Error::new(
            Code::InvalidArgument,
            format!("clients must point to at most {} clients", input::CLIENTS),
        )
        .with_field("clients"));
    }
    // SAFETY: aligned, not NULL, promised to be readable, and short.
    let handles = unsafe { std::slice::from_raw_parts(clients, len) };
    handles.iter().map(|client| borrow(*client)).collect()
}

pub(super) fn invalid_handle(name: &str) -> Error {
    Error::new(
        Code::InvalidHandle,
        format!("{name} is NULL, was freed, or is a handle of something else"),
    )
    .with_field(name)
}

/// Makes a client from a configuration (JSON, docs/abi.md). Nothing is sent. Every key is read and checked here; a mistake is named with its field.
/// `callbacks` may be NULL; the table is copied. On failure *client is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_client_new(
    config: *const u8,
    config_len: usize,
    callbacks: *const payseal_callbacks,
    client: *mut *mut payseal_client,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(client, "client").map(|out| {
                *out = ptr::null_mut();
                out
            });
            let host = callbacks::host(callbacks)?; // also where there is no place for a client: its `drop` is owed
            let out = out?;
            let made = Client::new(bytes(config, config_len, input::DOCUMENT, "config")?, host)?;
            let handle = CLIENTS
                .insert(made)
                .ok_or_else(|| Error::new(Code::Internal, "there are too many handles"))?;
            *out = ptr::without_provenance_mut(handle as usize);
            Ok(())
        })
    }
}

/// Frees a client; calls that are using it end undisturbed. NULL and one that was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_client_free(client: *mut payseal_client) {
    infallible(false, || CLIENTS.remove(client.addr() as u64));
}

/// The client's counters and histograms, Prometheus text format 0.0.4.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_client_metrics(
    client: *const payseal_client,
    text: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(text, "text")?;
            *out = payseal_buffer::EMPTY;
            *out = payseal_buffer::of(borrow(client)?.metrics().into_bytes());
            Ok(())
        })
    }
}

/// The catalogued operations of a provider ("wechat") as a JSON array of {"name","title","repeat"}. Others can be called by name all the same.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_operations(
    provider: *const u8,
    provider_len: usize,
    json: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(json, "json")?;
            *out = payseal_buffer::EMPTY;
            let operations = operations(text(provider, provider_len, input::NAME, "provider")?)?;
            *out = payseal_buffer::of(operations.to_string().into_bytes());
            Ok(())
        })
    }
}

/// Executes an operation, blocking: checks, signs, sends, verifies. `operation` is the provider's name for it, "POST /v3/pay/transactions/jsapi"; `params` is JSON
/// {"path":…,"query":…,"body":…,"$":…}; `payload` are raw bytes for the few operations that need them, else NULL (docs/abi.md). `cancel` may be NULL. On success
/// *body is the verified body exactly as received, and *info, unless `info` is NULL, a JSON object about the answer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_client_execute(
    client: *const payseal_client,
    operation: *const u8,
    operation_len: usize,
    params: *const u8,
    params_len: usize,
    payload: *const u8,
    payload_len: usize,
    cancel: *const payseal_cancel,
    body: *mut payseal_buffer,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let outputs = Outputs::new(body, "body", info)?;
            let cancel = cancel::borrow(cancel)?;
            let delivered = borrow(client)?.execute(
                text(operation, operation_len, input::NAME, "operation")?,
                bytes(params, params_len, input::DOCUMENT, "params")?,
                bytes(payload, payload_len, input::PAYLOAD, "payload")?,
                cancel.as_deref(),
            )?;
            outputs.set(delivered);
            Ok(())
        })
    }
}

/// Runs a flow, blocking: asks, waits at the provider's pace and asks again until the state is final or the deadline has passed, such as "await_payment" or
/// "codepay" (docs/abi.md). `params` is JSON {"path":…,"query":…,"body":…,"$":…} of what is asked. On success *body is the last verified answer and *info, unless NULL,
/// says in "final" whether its state is; at the deadline it is not.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_client_run(
    client: *const payseal_client,
    flow: *const u8,
    flow_len: usize,
    params: *const u8,
    params_len: usize,
    cancel: *const payseal_cancel,
    body: *mut payseal_buffer,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let outputs = Outputs::new(body, "body", info)?;
            let cancel = cancel::borrow(cancel)?;
            let delivered = borrow(client)?.run(
                text(flow, flow_len, input::NAME, "flow")?,
                bytes(params, params_len, input::DOCUMENT, "params")?,
                cancel.as_deref(),
            )?;
            outputs.set(delivered);
            Ok(())
        })
    }
}

/// What a page, mini-program or app needs to call up the cashier, as a JSON object. `kind` is "jsapi", "app", "h5" or "native"; `params` JSON (docs/abi.md).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_client_invoke(
    client: *const payseal_client,
    kind: *const u8,
    kind_len: usize,
    params: *const u8,
    params_len: usize,
    json: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(json, "json")?;
            *out = payseal_buffer::EMPTY;
            let kind = text(kind, kind_len, input::NAME, "kind")?;
            let parameters = borrow(client)?
                .invoke(kind, bytes(params, params_len, input::DOCUMENT, "params")?)?;
            *out = payseal_buffer::of(
                serde_json::Value::Object(parameters)
                    .to_string()
                    .into_bytes(),
            );
            Ok(())
        })
    }
}

/// The two outputs of whatever delivers a verified message: empty until there is one.
pub(super) struct Outputs<'a> {
    body: &'a mut payseal_buffer,
    info: Option<&'a mut payseal_buffer>,
}

impl Outputs<'_> {
    /// # Safety
    /// Both are NULL or may be written for as long as the call lasts, and are not the same.
    pub unsafe fn new<'a>(
        body: *mut payseal_buffer,
        name: &str,
        info: *mut payseal_buffer,
    ) -> Result<Outputs<'a>> {
        // SAFETY: promised by the caller.
        unsafe { clear(&[body, info]) };
        if body == info {
            return Err(Error::new(
                Code::InvalidArgument,
                format!("{name} and the information beside it are the same buffer, or both NULL"),
            )
            .with_field(name));
        }
        // SAFETY: promised by the caller.
        let (body, info) = unsafe {
            (
                output(body, name)?,
                if info.is_null() {
                    None
                } else {
                    Some(output(info, "info")?)
                },
            )
        };
        Ok(Outputs { body, info })
    }

    pub fn set(self, delivered: crate::call::Delivered) {
        *self.body = payseal_buffer::of(delivered.body.as_slice());
        if let Some(info) = self.info {
            *info = payseal_buffer::of(delivered.info_text().into_bytes());
        }
    }
}
