use std::ptr;

use zeroize::Zeroize;

use crate::wire::json;

use super::boundary::{infallible, place};

/// Bytes that payseal hands out. Free them with payseal_buffer_free and with nothing else.
#[repr(C)]
#[derive(Debug)]
pub struct payseal_buffer {
    pub data: *mut u8,
    pub len: usize,
}

impl payseal_buffer {
    pub(super) const EMPTY: payseal_buffer = payseal_buffer {
        data: ptr::null_mut(),
        len: 0,
    };

    /// No bytes are NULL and 0.
    pub(super) fn of(bytes: impl Into<Box<[u8]>>) -> payseal_buffer {
        let bytes: Box<[u8]> = bytes.into();
        if bytes.is_empty() {
            return payseal_buffer::EMPTY;
        }
        let len = bytes.len();
        payseal_buffer {
            data: Box::into_raw(bytes).cast(),
            len,
        }
    }

    /// The text of a value that is handed out as JSON.
    pub(super) fn of_json(value: &impl serde::Serialize) -> payseal_buffer {
        payseal_buffer::of(std::mem::take(&mut *json::text(value)))
    }
}

/// Makes outputs empty, those that can be written: on failure all of them are.
///
/// # Safety
/// Each is NULL or may be written.
pub(super) unsafe fn clear(buffers: &[*mut payseal_buffer]) {
    for buffer in buffers {
        // SAFETY: promised by the caller.
        if let Some(buffer) = unsafe { place(*buffer) } {
            *buffer = payseal_buffer::EMPTY;
        }
    }
}

/// Frees what a function of this library returned as bytes: overwrites it with zeros, then resets `buffer` to {NULL, 0}. NULL and an empty buffer are fine,
/// so freeing the same variable twice is too.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_buffer_free(buffer: *mut payseal_buffer) {
    infallible((), || {
        // SAFETY: NULL or a buffer, by the header's conventions.
        let Some(buffer) = (unsafe { place(buffer) }) else {
            return;
        };
        let taken = std::mem::replace(buffer, payseal_buffer::EMPTY);
        if !taken.data.is_null() {
            // SAFETY: made by `of` from a box of this length.
            let mut bytes =
                unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(taken.data, taken.len)) };
            bytes.zeroize();
        }
    });
}
