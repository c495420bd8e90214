//! Inputs from C: (pointer, length) pairs, checked.

use crate::error::{Code, Error, Result};

/// What one input may be, at most, in bytes.
pub(super) const NAME: usize = 1 << 10;
/// Clients, of which one is chosen.
pub(super) const CLIENTS: usize = 65_536;
pub(super) const HEADERS: usize = 64 << 10;
pub(super) const DOCUMENT: usize = 16 << 20;
pub(super) const PAYLOAD: usize = 64 << 20;
pub(super) const RESPONSE: usize = 1 << 32;

/// The bytes of an input; NULL with length 0 is empty.
///
/// # Safety
/// `data` is NULL or may be read for `len` bytes while the call lasts.
pub(super) unsafe fn bytes<'a>(
    data: *const u8,
    len: usize,
    most: usize,
    name: &str,
) -> Result<&'a [u8]> {
    let refused = |problem: String| {
        Err(Error::new(Code::InvalidArgument, format!("{name} {problem}")).with_field(name))
    };
    if len > most {
        return refused(format!("is {len} bytes long; at most {most} are accepted"));
    }
    if data.is_null() {
        return if len == 0 {
            Ok(&[])
        } else {
            refused(format!("is NULL, but its length is {len}"))
        };
    }
    // SAFETY: not NULL, promised to be readable, and `most` is far below isize::MAX.
    Ok(unsafe { std::slice::from_raw_parts(data, len) })
}

/// The same for text, which must be UTF-8.
///
/// # Safety
/// As for `bytes`.
pub(super) unsafe fn text<'a>(
    data: *const u8,
    len: usize,
    most: usize,
    name: &str,
) -> Result<&'a str> {
    // SAFETY: promised by the caller.
    let bytes = unsafe { bytes(data, len, most, name) }?;
    std::str::from_utf8(bytes).map_err(|_| {
        Error::new(Code::InvalidArgument, format!("{name} is not UTF-8")).with_field(name)
    })
}
