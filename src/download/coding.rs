//! How the bytes of a file are packed for the way, and what they must be when they are unpacked.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::{Aes256GcmOpening, CryptoError, Hasher, Verdict};

/// Sealed, then compressed, then hashed: each where it is there.
#[derive(Clone, Debug, Default)]
pub struct Coding {
    pub seal: Option<Seal>,
    pub gzip: bool,
    /// Over what is unpacked. Without it nobody vouches for the file.
    pub digest: Option<Digest>,
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
}

impl DigestKind {
    /// The provider's name of it.
    pub fn find(name: &str) -> Option<DigestKind> {
        match name {
            "SHA1" => Some(DigestKind::Sha1),
            "SHA256" => Some(DigestKind::Sha256),
            _ => None,
        }
    }

    pub fn names() -> String {
        "SHA1, SHA256".into()
    }

    pub fn name(self) -> &'static str {
        match self {
            DigestKind::Sha1 => "SHA1",
            DigestKind::Sha256 => "SHA256",
        }
    }

    /// Of the hash, in bytes.
    pub fn length(self) -> usize {
        match self {
            DigestKind::Sha1 => 20,
            DigestKind::Sha256 => 32,
        }
    }

    pub(super) fn hasher(self) -> Hasher {
        match self {
            DigestKind::Sha1 => Hasher::sha1(),
            DigestKind::Sha256 => Hasher::sha256(),
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
}

impl Cipher {
    /// The provider's names of it.
    pub fn find(name: &str) -> Option<Cipher> {
        match name {
            "AEAD_AES_256_GCM" => Some(Cipher::Aes256Gcm),
            _ => None,
        }
    }

    pub fn names() -> String {
        "AEAD_AES_256_GCM".into()
    }

    /// Of a key, in bytes.
    pub fn key_length(self) -> usize {
        match self {
            Cipher::Aes256Gcm => 32,
        }
    }
}

/// A file that is being decrypted.
pub(super) enum Opening {
    Aes256Gcm(Box<Aes256GcmOpening>),
}

impl Opening {
    pub fn new(seal: &Seal) -> Result<Opening, CryptoError> {
        match seal.cipher {
            Cipher::Aes256Gcm => Aes256GcmOpening::new(&seal.key, &seal.nonce, b"")
                .map(|opening| Opening::Aes256Gcm(opening.into())),
        }
    }

    pub fn update(&mut self, piece: &mut [u8]) -> Result<(), CryptoError> {
        match self {
            Opening::Aes256Gcm(opening) => opening.update(piece),
        }
    }

    pub fn finish(self, tag: &[u8]) -> Verdict {
        match self {
            Opening::Aes256Gcm(opening) => opening.finish(tag),
        }
    }
}
