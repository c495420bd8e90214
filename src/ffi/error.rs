use std::ptr;

use crate::error::Error;

use super::boundary::{infallible, place};
use super::handle::Table;

/// What went wrong. Free it with payseal_error_free; until then any number of threads may read it.
pub struct payseal_error {
    _private: (),
}

struct Text {
    error: Error,
    details: String,
}

static ERRORS: Table<Text> = Table::new(0x5EA1);

/// The handle of an error; NULL should the table be full, for then the code must do.
pub(super) fn hand_out(error: Error) -> *mut payseal_error {
    let details = serde_json::Value::Object(error.details().clone()).to_string();
    ptr::without_provenance_mut(ERRORS.insert(Text { error, details }).unwrap_or(0) as usize)
}

fn read<T>(error: *const payseal_error, otherwise: T, read: impl FnOnce(&Text) -> T) -> T {
    infallible(None, || {
        ERRORS.get(error.addr() as u64).map(|text| read(&text))
    })
    .unwrap_or(otherwise)
}

/// A view into the error: it lives in the table until the error is freed, at a place that does not move.
fn view(text: &str, len: *mut usize) -> *const u8 {
    // SAFETY: NULL or writable, by the header's conventions.
    if let Some(len) = unsafe { place(len) } {
        *len = text.len();
    }
    text.as_ptr()
}

fn no_view(len: *mut usize) -> *const u8 {
    view("", len);
    ptr::null()
}

/// The payseal_code; 0 for NULL, 102 for a handle that is not an error's.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_error_code(error: *const payseal_error) -> i32 {
    if error.is_null() {
        0
    } else {
        read(error, 102, |text| text.error.code() as i32)
    }
}

/// The payseal_outcome: whether money may have moved; 0 for NULL or a handle that is not an error's.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_error_outcome(error: *const payseal_error) -> i32 {
    read(error, 0, |text| text.error.outcome() as i32)
}

/// One English sentence for a developer; never contains a secret. A view of `*len` bytes of UTF-8 without a NUL, valid until the error is freed.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_error_message(error: *const payseal_error, len: *mut usize) -> *const u8 {
    match read(error, None, |text| Some(view(text.error.message(), len))) {
        Some(message) => message,
        None => no_view(len),
    }
}

/// A JSON object with what else is known: field, hint, http_status, provider_code and more (docs/abi.md). A view like the message.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_error_details(error: *const payseal_error, len: *mut usize) -> *const u8 {
    match read(error, None, |text| Some(view(&text.details, len))) {
        Some(details) => details,
        None => no_view(len),
    }
}

/// Frees an error. NULL and an error that was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_error_free(error: *mut payseal_error) {
    infallible(false, || ERRORS.remove(error.addr() as u64));
}
