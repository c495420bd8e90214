use crate::doctor;

use super::boundary::{call, output};
use super::buffer::payseal_buffer;
use super::callbacks::{self, payseal_callbacks};
use super::client::{self, payseal_client};
use super::error::payseal_error;
use super::input::{self, bytes};

/// Looks a configuration over for people: every part of it, not only the first that is wrong. `options` is NULL or JSON {"online":…,"timeout_ms":…,"notify_url":…};
/// online, a test request is sent, blocking. *report is JSON {"healthy":…,"findings":[…]} (docs/abi.md), without secrets. Whatever is wrong with the configuration is in the
/// report; an error says that the options are. `callbacks` as for payseal_client_new.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_doctor(
    config: *const u8,
    config_len: usize,
    callbacks: *const payseal_callbacks,
    options: *const u8,
    options_len: usize,
    report: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(report, "report").map(|out| {
                *out = payseal_buffer::EMPTY;
                out
            });
            let host = callbacks::host(callbacks)?; // also where there is no place for a report: its `drop` is owed
            let out = out?;
            let found = doctor::examine(
                bytes(config, config_len, input::DOCUMENT, "config")?,
                host,
                bytes(options, options_len, input::DOCUMENT, "options")?,
            )?;
            *out = payseal_buffer::of_json(&found);
            Ok(())
        })
    }
}

/// Says why a notification is refused, for people who look for a mistake: JSON {"accepted":…,"code":…,"cause":…,"hint":…} (docs/abi.md). Tries what services do
/// to bodies and headers by mistake, so it costs more than refusing does; it fetches no keys and lets nothing pass.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_notification_explain(
    client: *const payseal_client,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    explanation: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(explanation, "explanation")?;
            *out = payseal_buffer::EMPTY;
            let explained = client::borrow(client)?.explain_notification(
                bytes(headers, headers_len, input::HEADERS, "headers")?,
                bytes(body, body_len, input::DOCUMENT, "body")?,
            )?;
            *out = payseal_buffer::of_json(&explained);
            Ok(())
        })
    }
}

/// Which of several clients a notification is for, where one address serves many merchants: *index is the place in `clients` of the one to pass to
/// payseal_notification_open, which then decides. Only a genuine notification is assigned, or one whose signature needs a key that its merchant can fetch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_notification_route(
    clients: *const *const payseal_client,
    clients_len: usize,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    index: *mut usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(index, "index")?;
            *out = 0;
            let borrowed = client::borrow_all(clients, clients_len)?;
            *out = crate::route(
                borrowed.iter().map(|client| &**client),
                bytes(headers, headers_len, input::HEADERS, "headers")?,
                bytes(body, body_len, input::DOCUMENT, "body")?,
            )?;
            Ok(())
        })
    }
}
