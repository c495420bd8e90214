//! Strict base64.

use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use std::error::Error;
use std::fmt;

/// The text is not canonical base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidBase64;

impl fmt::Display for InvalidBase64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not canonical base64 of RFC 4648")
    }
}

impl Error for InvalidBase64 {}

/// Encodes with the standard alphabet of RFC 4648 and padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Decodes exactly what [`encode`] writes. White space, the URL-safe alphabet, missing padding, bits set behind the
/// last byte and anything after the padding are refused, so that no two texts mean the same bytes.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, InvalidBase64> {
    STANDARD.decode(text).map_err(|_| InvalidBase64)
}
