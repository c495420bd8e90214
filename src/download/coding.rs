//! How the bytes of a file are packed for the way, and what they must be when they are unpacked.

use std::fmt;

use zeroize::Zeroizing;

#[cfg(feature = "shangmi")]
use crate::crypto::Sm4GcmOpening;
use crate::crypto::{Aes256GcmOpening, CryptoError, Hasher, Verdict};

/// Sealed, then compressed, then hashed: each where it is there.
#[derive(Clone, Debug, Default)]
pub struct Coding {
    pub seal: Option<Seal>,
    pub gzip: bool,
    /// Over what is unpacked. Without it nobody vouches for the file.
    pub digest: Option<Digest>,
    /// A hash that nobody signed: it tells damage and no forgery. Of the file as it came or as it is unpacked, for that is not said.
    pub checksum: Option<Digest>,
}

/// The hash that the provider gave, in an answer that it signed.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    pub kind: DigestKind,
    pub value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestKind {
    Sha1,
    Sha256,
    #[cfg(feature = "shangmi")]
    Sm3,
}

impl DigestKind {
    /// The provider's name of it.
    pub fn find(name: &str) -> Option<DigestKind> {
        match name {
            "SHA1" => Some(DigestKind::Sha1),
            "SHA256" => Some(DigestKind::Sha256),
            #[cfg(feature = "shangmi")]
            "SM3" => Some(DigestKind::Sm3),
            _ => None,
        }
    }

    pub fn names() -> String {
        match cfg!(feature = "shangmi") {
            true => "SHA1, SHA256, SM3".into(),
            false => "SHA1, SHA256".into(),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            DigestKind::Sha1 => "SHA1",
            DigestKind::Sha256 => "SHA256",
            #[cfg(feature = "shangmi")]
            DigestKind::Sm3 => "SM3",
        }
    }

    /// Of the hash, in bytes.
    pub fn length(self) -> usize {
        match self {
            DigestKind::Sha1 => 20,
            DigestKind::Sha256 => 32,
            #[cfg(feature = "shangmi")]
            DigestKind::Sm3 => 32,
        }
    }

    pub(super) fn hasher(self) -> Hasher {
        match self {
            DigestKind::Sha1 => Hasher::sha1(),
            DigestKind::Sha256 => Hasher::sha256(),
            #[cfg(feature = "shangmi")]
            DigestKind::Sm3 => Hasher::sm3(),
        }
    }
}

/// The key that opens one file.
#[derive(Clone)]
pub struct Seal {
    pub cipher: Cipher,
    pub key: Zeroizing<Vec<u8>>,
    pub nonce: Vec<u8>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seal({:?})", self.cipher)
    }
}

/// Authenticated encryption without additional data; the 16 bytes of the tag end the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cipher {
    Aes256Gcm,
    #[cfg(feature = "shangmi")]
    Sm4Gcm,
}

impl Cipher {
    /// The provider's names of it.
    pub fn find(name: &str) -> Option<Cipher> {
        match name {
            "AEAD_AES_256_GCM" => Some(Cipher::Aes256Gcm),
            #[cfg(feature = "shangmi")]
            "SM4_GCM" => Some(Cipher::Sm4Gcm),
            _ => None,
        }
    }

    pub fn names() -> String {
        match cfg!(feature = "shangmi") {
            true => "AEAD_AES_256_GCM, SM4_GCM".into(),
            false => "AEAD_AES_256_GCM".into(),
        }
    }

    /// Of a key, in bytes.
    pub fn key_length(self) -> usize {
        match self {
            Cipher::Aes256Gcm => 32,
            #[cfg(feature = "shangmi")]
            Cipher::Sm4Gcm => 16,
        }
    }
}

/// A file that is being decrypted.
pub(super) enum Opening {
    Aes256Gcm(Box<Aes256GcmOpening>),
    #[cfg(feature = "shangmi")]
    Sm4Gcm(Box<Sm4GcmOpening>),
}

impl Opening {
    pub fn new(seal: &Seal) -> Result<Opening, CryptoError> {
        match seal.cipher {
            Cipher::Aes256Gcm => Aes256GcmOpening::new(&seal.key, &seal.nonce, b"")
                .map(|opening| Opening::Aes256Gcm(opening.into())),
            #[cfg(feature = "shangmi")]
            Cipher::Sm4Gcm => Sm4GcmOpening::new(&seal.key, &seal.nonce, b"")
                .map(|opening| Opening::Sm4Gcm(opening.into())),
        }
    }

    pub fn update(&mut self, piece: &mut [u8]) -> Result<(), CryptoError> {
        match self {
            Opening::Aes256Gcm(opening) => opening.update(piece),
            #[cfg(feature = "shangmi")]
            Opening::Sm4Gcm(opening) => opening.update(piece),
        }
    }

    pub fn finish(self, tag: &[u8]) -> Verdict {
        match self {
            Opening::Aes256Gcm(opening) => opening.finish(tag),
            #[cfg(feature = "shangmi")]
            Opening::Sm4Gcm(opening) => opening.finish(tag),
        }
    }
}
