use crate::qr;

use super::boundary::{call, output};
use super::buffer::payseal_buffer;
use super::error::payseal_error;
use super::input::{self, bytes, text as text_of};

/// Draws a QR code of `text`, 1 to 1000 bytes of UTF-8. `options` is NULL or JSON {"format":"png","scale":8,"margin":4,"error_correction":"M","dark":"#000000","light":"#ffffff"}
/// (docs/abi.md). *image is a PNG, or SVG text; the same input gives the same bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_qr_encode(
    text: *const u8,
    text_len: usize,
    options: *const u8,
    options_len: usize,
    image: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(image, "image")?;
            *out = payseal_buffer::EMPTY;
            let encoded = qr::encode(
                text_of(text, text_len, input::DOCUMENT, "text")?,
                bytes(options, options_len, input::DOCUMENT, "options")?,
            )?;
            *out = payseal_buffer::of(encoded);
            Ok(())
        })
    }
}
