//! Hashes and message authentication codes.

use super::engine::{Default, Engine};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// SHA-1. Only where a protocol prescribes it; collisions can be made.
pub fn sha1(message: &[u8]) -> [u8; 20] {
    Default::sha1(message)
}

/// MD5. Only where a protocol prescribes it; collisions are made in seconds. The same code for both engines, as AWS-LC offers none.
pub fn md5(message: &[u8]) -> [u8; 16] {
    Md5::digest(message).into()
}

pub fn sha256(message: &[u8]) -> [u8; 32] {
    Default::sha256(message)
}

pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    Default::hmac_sha256(key, message)
}

/// Compares without telling by its duration where two values of the same length differ.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
