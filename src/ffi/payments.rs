use std::ptr;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::payments::Payments;

use super::boundary::{call, infallible, output};
use super::buffer::payseal_buffer;
use super::call::{hand_out, payseal_call};
use super::callbacks::{self, payseal_callbacks};
use super::cancel::{self, payseal_cancel};
use super::client::{self, Outputs, invalid_handle, payseal_client};
use super::error::payseal_error;
use super::handle::{Guard, Table};
use super::input::{self, bytes, text};

/// Orders, inbox and outbox of several merchants in one database: immutable, for any number of threads at once, usable in a forked child.
pub struct payseal_payments {
    _private: (),
}

static PAYMENTS: Table<Payments> = Table::new(0x5EA7);

fn borrow(payments: *const payseal_payments) -> Result<Guard<Payments>> {
    PAYMENTS
        .get(payments.addr() as u64)
        .ok_or_else(|| invalid_handle("payments"))
}

/// Opens a store and makes its tables, or brings them up to date. `config` is JSON (docs/abi.md): "store" is the URL, sqlite:PATH, postgres://… or mysql://…; "accounts" names
/// the clients, in their order. The payments keep what they need of the clients, which may be freed. `callbacks` as for payseal_client_new: clock, random source and log are
/// used. On failure *payments is NULL; the codes from 600 on say what is wrong with the database.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_payments_new(
    config: *const u8,
    config_len: usize,
    clients: *const *const payseal_client,
    clients_len: usize,
    callbacks: *const payseal_callbacks,
    payments: *mut *mut payseal_payments,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(payments, "payments").map(|out| {
                *out = ptr::null_mut();
                out
            });
            let host = callbacks::host(callbacks)?; // also where there is no place for the payments: its `drop` is owed
            let out = out?;
            let borrowed = client::borrow_all(clients, clients_len)?;
            let clients: Vec<&Client> = borrowed.iter().map(|client| &**client).collect();
            let config = bytes(config, config_len, input::DOCUMENT, "config")?;
            let made = Payments::new(config, &clients, host)?;
            let handle = PAYMENTS
                .insert(made)
                .ok_or_else(|| Error::new(Code::Internal, "there are too many handles"))?;
            *out = ptr::without_provenance_mut(handle as usize);
            Ok(())
        })
    }
}

/// Frees payments; calls that are using them end undisturbed. NULL and what was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_payments_free(payments: *mut payseal_payments) {
    infallible(false, || PAYMENTS.remove(payments.addr() as u64));
}

/// Does something with orders, inbox or outbox, blocking: "create", "query", "close", "refund", "claim", "ack", "tick" and others (docs/abi.md lists them with parameters and results).
/// *body is the result, JSON. *info, unless `info` is NULL, is {}.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_payments_execute(
    payments: *const payseal_payments,
    action: *const u8,
    action_len: usize,
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
            let done = borrow(payments)?.execute(
                text(action, action_len, input::NAME, "action")?,
                bytes(params, params_len, input::DOCUMENT, "params")?,
                cancel.as_deref(),
            )?;
            outputs.set(done);
            Ok(())
        })
    }
}

/// Takes in a notification: verified, and stored durably, before the success reply is given out. `account` names whom it is for; NULL finds out. Headers, body and `options` as for
/// payseal_notification_open. Whatever became of it, *info is JSON {"status":…,"headers":[[name,value],…],"accepted":…,…} and *reply the exact bytes to answer with: success, also
/// for a repetition, or what makes the provider send again. An error is returned only where the call itself was wrong. Any number of threads share one commit.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_payments_accept(
    payments: *const payseal_payments,
    account: *const u8,
    account_len: usize,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    options: *const u8,
    options_len: usize,
    reply: *mut payseal_buffer,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let outputs = Outputs::new(reply, "reply", info)?;
            let account = text(account, account_len, input::NAME, "account")?;
            let accepted = borrow(payments)?.accept(
                Some(account).filter(|account| !account.is_empty()),
                bytes(headers, headers_len, input::HEADERS, "headers")?,
                bytes(body, body_len, input::DOCUMENT, "body")?,
                bytes(options, options_len, input::DOCUMENT, "options")?,
                None,
            )?;
            outputs.set(accepted);
            Ok(())
        })
    }
}

/// Begins what payseal_payments_execute does, without sending anything, for a host's own HTTP client. The store is worked with on the thread that steps.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_new_payments(
    payments: *const payseal_payments,
    action: *const u8,
    action_len: usize,
    params: *const u8,
    params_len: usize,
    call: *mut *mut payseal_call,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        self::call(error, || {
            hand_out(call, || {
                borrow(payments)?.work(
                    text(action, action_len, input::NAME, "action")?,
                    bytes(params, params_len, input::DOCUMENT, "params")?,
                )
            })
        })
    }
}

/// Begins what payseal_payments_accept does. It asks to send something only when new platform certificates are needed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_call_new_accept(
    payments: *const payseal_payments,
    account: *const u8,
    account_len: usize,
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
                let account = text(account, account_len, input::NAME, "account")?;
                borrow(payments)?.work_accept(
                    Some(account).filter(|account| !account.is_empty()),
                    bytes(headers, headers_len, input::HEADERS, "headers")?,
                    bytes(body, body_len, input::DOCUMENT, "body")?,
                    bytes(options, options_len, input::DOCUMENT, "options")?,
                )
            })
        })
    }
}
