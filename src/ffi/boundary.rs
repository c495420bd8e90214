//! The one guard between C and Rust: stops panics, hands out errors.

use crate::error::{Code, Error, Result};

use super::error::{self, payseal_error};
use super::panic::catch;

/// Runs the body of an exported function. On failure stores the error, where the caller wants it, and returns its code.
///
/// # Safety
/// `error` is NULL or may be written.
pub(super) unsafe fn call(
    error: *mut *mut payseal_error,
    body: impl FnOnce() -> Result<()>,
) -> i32 {
    // SAFETY: promised by the caller.
    let out = unsafe { place(error) };
    let result = catch(body).unwrap_or_else(|place| Err(panicked(place)));
    let (code, handle) = match result {
        Ok(()) => (Code::Ok as i32, std::ptr::null_mut()),
        Err(failure) => (
            failure.code() as i32,
            if out.is_some() {
                error::hand_out(failure)
            } else {
                std::ptr::null_mut()
            },
        ),
    };
    if let Some(out) = out {
        *out = handle;
    }
    code
}

/// The same for functions without a way to fail: `otherwise` is what they return when all else goes wrong.
pub(super) fn infallible<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch(body).unwrap_or(otherwise)
}

/// The text of a panic is not passed on: it might quote what it tripped over.
fn panicked(place: String) -> Error {
    Error::new(
        Code::Internal,
        "payseal ran into a bug of its own and stopped the call; please report it",
    )
    .with_outcome(crate::Outcome::Unknown)
    .with("location", place)
}

/// Where something may be written: nowhere if the pointer is NULL, or misaligned, which is as good as NULL.
///
/// # Safety
/// `pointer` is NULL or may be written for as long as the call lasts.
pub(super) unsafe fn place<'a, T>(pointer: *mut T) -> Option<&'a mut T> {
    if pointer.is_aligned() {
        // SAFETY: promised by the caller.
        unsafe { pointer.as_mut() }
    } else {
        None
    }
}

/// An output that must not be NULL.
///
/// # Safety
/// `pointer` is NULL or may be written for as long as the call lasts.
pub(super) unsafe fn output<'a, T>(pointer: *mut T, name: &str) -> Result<&'a mut T> {
    // SAFETY: promised by the caller.
    match unsafe { place(pointer) } {
        Some(out) => Ok(out),
        None => Err(Error::new(
            Code::InvalidArgument,
            format!("{name} is NULL or not aligned; it must point to where the result goes"),
        )
        .with_field(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stops_here_and_becomes_an_error() {
        let mut error = std::ptr::null_mut();
        let code = unsafe { call(&mut error, || panic!("secret text")) };
        assert_eq!(code, 501);
        let mut len = 0;
        let message = error::payseal_error_message(error, &mut len);
        let message =
            std::str::from_utf8(unsafe { std::slice::from_raw_parts(message, len) }).unwrap();
        assert!(message.contains("bug") && !message.contains("secret"));
        let details = error::payseal_error_details(error, &mut len);
        let details =
            std::str::from_utf8(unsafe { std::slice::from_raw_parts(details, len) }).unwrap();
        assert!(details.contains("boundary.rs:") && !details.contains("secret"));
        error::payseal_error_free(error);
    }
}
