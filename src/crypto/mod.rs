//! Algorithms over bytes: signatures, decryption, keys, certificates. Knows no provider.
//!
//! * [`PrivateKey`], [`PublicKey`] and [`Certificate`] are made from text by one key [`gate`], which decides what is
//!   a usable key; the [`engine`] behind it only computes. Two engines exist and give the same answers.
//! * A check answers with a [`Verdict`], every failure to decrypt with the one value [`CryptoError`], and a key that
//!   is refused with a [`KeyError`] that says what is wrong and what to do.
//! * Secrets are wiped from memory when they are dropped, and no `Debug` or error shows them.

mod aead;
mod armour;
pub mod base64;
mod cbc;
mod certificate;
mod digest;
mod ecb;
pub mod engine;
mod error;
pub mod gate;
mod gcm;
mod issue;
mod key;
mod rsa_sha1;
mod secret;
mod serial;
#[cfg(feature = "shangmi")]
mod sm2;
#[cfg(feature = "shangmi")]
mod sm4;
mod structure;
pub mod suite;

#[cfg(feature = "aws-lc-rs")]
pub mod awslc;
#[cfg(feature = "rustcrypto")]
pub mod rustcrypto;

pub use aead::{aes_256_gcm_open, aes_256_gcm_seal};
pub use cbc::{aes_128_cbc_open, aes_128_cbc_seal};
pub use certificate::Certificate;
#[cfg(feature = "shangmi")]
pub use digest::sm3;
pub use digest::{Hasher, constant_time_eq, hmac_sha256, md5, sha1, sha256};
pub use ecb::aes_256_ecb_open;
pub use engine::{Verdict, engine_name};
pub use error::{CryptoError, KeyError, KeyErrorKind};
pub use gcm::{Aes256GcmOpening, GcmOpening, TAG_LEN as GCM_TAG_LEN};
pub use issue::{CertificateIssue, pem_blocks};
pub use key::{RsaPrivateKey, RsaPublicKey};
pub use rsa_sha1::{RsaSha1PrivateKey, RsaSha1PublicKey};
pub use secret::{Secret, burn_stack};
pub use serial::Serial;
#[cfg(feature = "shangmi")]
pub use sm2::{Sm2PrivateKey, Sm2PublicKey};
#[cfg(feature = "shangmi")]
pub use sm4::{Sm4GcmOpening, sm4_gcm_open, sm4_gcm_seal};

/// An RSA private key in the engine of this build.
pub type PrivateKey = RsaPrivateKey<engine::Default>;

/// An RSA public key in the engine of this build.
pub type PublicKey = RsaPublicKey<engine::Default>;
