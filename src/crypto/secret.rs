//! Bytes that nobody may see.

use std::fmt;
use std::hint::black_box;
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes: wiped when dropped, invisible in `Debug`, never displayed.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The bytes themselves, for the computation that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    /// Takes the buffer over without a copy.
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Overwrites the part of the stack that the functions called just before have used: hash functions keep the end of a message there,
/// and do not wipe it. To be called where they were.
#[inline(never)]
pub fn burn_stack() {
    let mut used = [0xff_u8; 8 << 10];
    black_box(&mut used).zeroize();
}
