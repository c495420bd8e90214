//! Hashes and message authentication codes.

use super::engine::{Default, Engine, Hash};
use md5::Md5;
use subtle::ConstantTimeEq;

/// SHA-1. Only where a protocol prescribes it; collisions can be made.
pub fn sha1(message: &[u8]) -> [u8; 20] {
    Default::sha1(message)
}

/// MD5. Only where a protocol prescribes it; collisions are made in seconds. The same code for both engines, as AWS-LC offers none.
pub fn md5(message: &[u8]) -> [u8; 16] {
    <Md5 as md5::Digest>::digest(message).into()
}

pub fn sha256(message: &[u8]) -> [u8; 32] {
    Default::sha256(message)
}

pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    Default::hmac_sha256(key, message)
}

/// A hash over what is too long to hold in memory.
pub enum Hasher {
    Sha1(<Default as Engine>::Sha1),
    Sha256(<Default as Engine>::Sha256),
    #[cfg(feature = "shangmi")]
    Sm3(sm3::Sm3),
}

impl Hasher {
    pub fn sha1() -> Hasher {
        Hasher::Sha1(Hash::new())
    }

    pub fn sha256() -> Hasher {
        Hasher::Sha256(Hash::new())
    }

    #[cfg(feature = "shangmi")]
    pub fn sm3() -> Hasher {
        Hasher::Sm3(sm3::Digest::new())
    }

    /// Takes in the next piece, of any length.
    pub fn update(&mut self, piece: &[u8]) {
        match self {
            Hasher::Sha1(hash) => hash.update(piece),
            Hasher::Sha256(hash) => hash.update(piece),
            #[cfg(feature = "shangmi")]
            Hasher::Sm3(hash) => sm3::Digest::update(hash, piece),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        match self {
            Hasher::Sha1(hash) => hash.finish(),
            Hasher::Sha256(hash) => hash.finish(),
            #[cfg(feature = "shangmi")]
            Hasher::Sm3(hash) => sm3::Digest::finalize(hash).to_vec(),
        }
    }
}

/// SM3, GB/T 32905.
#[cfg(feature = "shangmi")]
pub fn sm3(message: &[u8]) -> [u8; 32] {
    use sm3::Digest;
    sm3::Sm3::digest(message).into()
}

/// Compares without telling by its duration where two values of the same length differ.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
