//! Which algorithms go together, and keys that may be of any suite.
//!
//! The configuration names the suite; a key of another one is refused where it is read, and no message chooses.

use super::engine::{Default, Verdict};
use super::error::{CryptoError, KeyError};
use super::key::{RsaPrivateKey, RsaPublicKey};
use super::rsa_sha1::{RsaSha1PrivateKey, RsaSha1PublicKey};
#[cfg(feature = "shangmi")]
use super::sm2::{Sm2PrivateKey, Sm2PublicKey};
use std::fmt;
use std::ops::RangeInclusive;
use zeroize::Zeroizing;

/// Fills the whole slice with random bytes, or fails.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<(), CryptoError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// RSASSA-PKCS1-v1_5 with SHA-256, RSAES-OAEP with SHA-1, AES-256-GCM.
    Rsa,
    /// RSASSA-PKCS1-v1_5 with SHA-1, and no encryption.
    RsaSha1,
    /// SM2 with SM3, SM2, SM4-GCM.
    #[cfg(feature = "shangmi")]
    Shangmi,
}

impl Suite {
    /// How many bytes a signature may have: of RSA as many as the modulus of a key that passes the gate, of SM2 two numbers in DER.
    pub fn signature_lengths(self) -> RangeInclusive<usize> {
        match self {
            Self::Rsa => 256..=1024,
            Self::RsaSha1 => 128..=1024,
            #[cfg(feature = "shangmi")]
            Self::Shangmi => 8..=72,
        }
    }
}

impl fmt::Display for Suite {
    /// The name of its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa | Self::RsaSha1 => "RSA",
            #[cfg(feature = "shangmi")]
            Self::Shangmi => "SM2",
        })
    }
}

/// A private key of either suite. Cheap to clone; usable from any thread; wiped.
#[derive(Clone, Debug)]
pub enum PrivateKey {
    Rsa(RsaPrivateKey<Default>),
    RsaSha1(RsaSha1PrivateKey),
    #[cfg(feature = "shangmi")]
    Sm2(Sm2PrivateKey),
}

impl PrivateKey {
    /// Reads a key that must be of this suite.
    pub fn parse(suite: Suite, text: &[u8]) -> Result<Self, KeyError> {
        match suite {
            Suite::Rsa => RsaPrivateKey::parse(text).map(Self::Rsa),
            Suite::RsaSha1 => RsaSha1PrivateKey::parse(text).map(Self::RsaSha1),
            #[cfg(feature = "shangmi")]
            Suite::Shangmi => Sm2PrivateKey::parse(text).map(Self::Sm2),
        }
    }

    /// Signs; RSA needs no randomness for it.
    #[cfg_attr(not(feature = "shangmi"), expect(unused_variables))]
    pub fn sign(&self, message: &[u8], random: Random) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Rsa(key) => key.sign_sha256(message),
            Self::RsaSha1(key) => key.sign(message),
            #[cfg(feature = "shangmi")]
            Self::Sm2(key) => key.sign_sm3(message, random),
        }
    }

    /// Opens what was sealed with the public half.
    pub fn open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            Self::Rsa(key) => key.oaep_sha1_open(ciphertext),
            Self::RsaSha1(_) => Err(CryptoError),
            #[cfg(feature = "shangmi")]
            Self::Sm2(key) => key.open(ciphertext),
        }
    }

    pub fn public_key(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.public_key().clone()),
            Self::RsaSha1(key) => PublicKey::RsaSha1(key.public_key().clone()),
            #[cfg(feature = "shangmi")]
            Self::Sm2(key) => PublicKey::Sm2(key.public_key().clone()),
        }
    }
}

/// A public key of either suite. Cheap to clone; usable from any thread.
#[derive(Clone, Debug)]
pub enum PublicKey {
    Rsa(RsaPublicKey<Default>),
    RsaSha1(RsaSha1PublicKey),
    #[cfg(feature = "shangmi")]
    Sm2(Sm2PublicKey),
}

impl PublicKey {
    /// Reads a key that must be of this suite.
    pub fn parse(suite: Suite, text: &[u8]) -> Result<Self, KeyError> {
        match suite {
            Suite::Rsa => RsaPublicKey::parse(text).map(Self::Rsa),
            Suite::RsaSha1 => RsaSha1PublicKey::parse(text).map(Self::RsaSha1),
            #[cfg(feature = "shangmi")]
            Suite::Shangmi => Sm2PublicKey::parse(text).map(Self::Sm2),
        }
    }

    pub fn suite(&self) -> Suite {
        match self {
            Self::Rsa(_) => Suite::Rsa,
            Self::RsaSha1(_) => Suite::RsaSha1,
            #[cfg(feature = "shangmi")]
            Self::Sm2(_) => Suite::Shangmi,
        }
    }

    /// Refuses a key of any other suite.
    pub fn require(&self, suite: Suite) -> Result<(), KeyError> {
        match self.suite() == suite {
            true => Ok(()),
            false => Err(KeyError::other_suite(format!(
                "it holds a key for {}; a key for {} is needed",
                self.suite(),
                suite
            ))),
        }
    }

    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Verdict {
        match self {
            Self::Rsa(key) => key.verify_sha256(message, signature),
            Self::RsaSha1(key) => key.verify(message, signature),
            #[cfg(feature = "shangmi")]
            Self::Sm2(key) => key.verify_sm3(message, signature),
        }
    }

    /// Seals for the holder of the private half; RSA takes its randomness from its engine.
    #[cfg_attr(not(feature = "shangmi"), expect(unused_variables))]
    pub fn seal(&self, plaintext: &[u8], random: Random) -> Result<Vec<u8>, CryptoError> {
        match self {
            Self::Rsa(key) => key.oaep_sha1_seal(plaintext),
            Self::RsaSha1(_) => Err(CryptoError),
            #[cfg(feature = "shangmi")]
            Self::Sm2(key) => key.seal(plaintext, random),
        }
    }

    /// The longest plaintext that [`seal`](Self::seal) takes, in bytes; None where there is no limit.
    pub fn max_plaintext(&self) -> Option<usize> {
        match self {
            Self::Rsa(key) => Some(key.max_oaep_plaintext()),
            Self::RsaSha1(_) => Some(0),
            #[cfg(feature = "shangmi")]
            Self::Sm2(_) => None,
        }
    }

    pub fn is_same_key(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rsa(ours), Self::Rsa(theirs)) => ours.is_same_key(theirs),
            (Self::RsaSha1(ours), Self::RsaSha1(theirs)) => ours.is_same_key(theirs),
            #[cfg(feature = "shangmi")]
            (Self::Sm2(ours), Self::Sm2(theirs)) => ours.is_same_key(theirs),
            _ => false,
        }
    }
}
