//! What can go wrong with keys and with ciphertexts.

use std::error::Error;
use std::fmt;

use crate::error::Code;

/// The sort of mistake behind a refused key or certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyErrorKind {
    /// The text cannot be read as a key or certificate at all.
    Invalid,
    /// It is a key, but of a sort that is not taken: another algorithm, too short, encrypted, more than two primes.
    Unsupported,
    /// It is a key of another suite of algorithms than the one that is used: SM2 where RSA belongs, or the reverse.
    OtherSuite,
    /// It is a good key of another role: public where private belongs, a certificate where a key belongs.
    Role,
    /// The parts of the key do not belong together.
    Mismatch,
}

impl From<KeyErrorKind> for Code {
    fn from(kind: KeyErrorKind) -> Code {
        match kind {
            KeyErrorKind::Invalid => Code::KeyInvalid,
            KeyErrorKind::Unsupported | KeyErrorKind::OtherSuite => Code::KeyUnsupported,
            KeyErrorKind::Role => Code::KeyRole,
            KeyErrorKind::Mismatch => Code::KeyMismatch,
        }
    }
}

/// Why a key or certificate was refused. The message names the mistake and the remedy, never a byte of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    pub kind: KeyErrorKind,
    pub message: String,
}

impl KeyError {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self {
            kind: KeyErrorKind::Invalid,
            message: message.into(),
        }
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self {
            kind: KeyErrorKind::Unsupported,
            message: message.into(),
        }
    }

    pub(super) fn other_suite(message: impl Into<String>) -> Self {
        Self {
            kind: KeyErrorKind::OtherSuite,
            message: message.into(),
        }
    }

    pub(super) fn role(message: impl Into<String>) -> Self {
        Self {
            kind: KeyErrorKind::Role,
            message: message.into(),
        }
    }

    pub(super) fn mismatch(message: impl Into<String>) -> Self {
        Self {
            kind: KeyErrorKind::Mismatch,
            message: message.into(),
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for KeyError {}

/// A cryptographic operation failed.
///
/// One value and one text for every cause: whoever can tell a wrong tag from a wrong padding has an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoError;

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cryptographic operation failed")
    }
}

impl Error for CryptoError {}
