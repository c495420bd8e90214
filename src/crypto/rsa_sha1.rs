//! RSA signatures with SHA-1, for accounts that are older than SHA-256 at their provider. A configuration has to ask for them by name.
//!
//! SHA-1 no longer resists collisions; that a signature made with it is refused by nobody yet is no reason to make new ones. AWS-LC signs
//! nothing with it, so both builds take the `rsa` crate, whose arithmetic frees numbers of a private key without wiping them.

use super::engine::Verdict;
use super::error::{CryptoError, KeyError};
use super::gate::{self, CheckedPublicKey};
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey};
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::signature::{SignatureEncoding, Signer, Verifier};
use sha1::Sha1;
use std::fmt;
use std::sync::Arc;

const SELF_TEST: &[u8] = b"payseal self-test";

/// A private key that signs with SHA-1 and does nothing else. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct RsaSha1PrivateKey {
    signing: Arc<SigningKey<Sha1>>,
    public: RsaSha1PublicKey,
}

impl RsaSha1PrivateKey {
    /// Reads PKCS#8 or PKCS#1 of 1024 bits or more, as PEM, bare base64 or DER, and tests that it signs what its public half verifies.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let damaged = || {
            KeyError::mismatch(
                "the parts of the private key do not belong together; fetch or export the key again",
            )
        };
        let checked = gate::private_key_for_sha1(text)?;
        let private = rsa::RsaPrivateKey::from_pkcs1_der(checked.pkcs1()).map_err(|_| damaged())?;
        let key = Self {
            signing: Arc::new(SigningKey::new(private)),
            public: RsaSha1PublicKey::load(checked.into_public())?,
        };
        match key
            .sign(SELF_TEST)
            .map(|signature| key.public.verify(SELF_TEST, &signature))
        {
            Ok(Verdict::Valid) => Ok(key),
            _ => Err(damaged()),
        }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-1, RFC 8017 section 8.2.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signature = self.signing.try_sign(message).map_err(|_| CryptoError)?;
        Ok(signature.to_vec())
    }

    pub fn public_key(&self) -> &RsaSha1PublicKey {
        &self.public
    }
}

impl fmt::Debug for RsaSha1PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PrivateKey(RSA with SHA-1, {} bits)",
            self.public.checked.modulus().len() * 8
        )
    }
}

/// A public key that verifies signatures with SHA-1. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct RsaSha1PublicKey {
    verifying: Arc<VerifyingKey<Sha1>>,
    checked: Arc<CheckedPublicKey>,
}

impl RsaSha1PublicKey {
    /// Reads SubjectPublicKeyInfo or PKCS#1 of 1024 bits or more, as PEM, bare base64 or DER.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        Self::load(gate::public_key_for_sha1(text)?)
    }

    fn load(checked: CheckedPublicKey) -> Result<Self, KeyError> {
        let public = rsa::RsaPublicKey::from_pkcs1_der(&checked.pkcs1()).map_err(|_| {
            KeyError::invalid("the numbers in the key are not those of an RSA public key")
        })?;
        Ok(Self {
            verifying: Arc::new(VerifyingKey::new(public)),
            checked: Arc::new(checked),
        })
    }

    /// Checks RSASSA-PKCS1-v1_5 with SHA-1, RFC 8017 section 8.2.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Verdict {
        if signature.len() != self.checked.modulus().len() {
            return Verdict::Invalid;
        }
        match Signature::try_from(signature)
            .and_then(|signature| self.verifying.verify(message, &signature))
        {
            Ok(()) => Verdict::Valid,
            Err(_) => Verdict::Invalid,
        }
    }

    /// Whether both are the same modulus and exponent.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.checked == other.checked
    }
}

impl fmt::Debug for RsaSha1PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PublicKey(RSA with SHA-1, {} bits)",
            self.checked.modulus().len() * 8
        )
    }
}
