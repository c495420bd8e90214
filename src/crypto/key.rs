//! RSA keys, ready for use.

use super::engine::{Engine, Verdict};
use super::error::{CryptoError, KeyError};
use super::gate::{self, CheckedPublicKey};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What RSAES-OAEP with SHA-1 adds to a plaintext: two hashes and two bytes.
const OAEP_SHA1_OVERHEAD: usize = 2 * 20 + 2;

/// Signed and verified once with every private key that is loaded.
const SELF_TEST: &[u8] = b"payseal self-test";

/// An RSA private key with its public half. Cheap to clone; usable from any thread; the engine wipes it.
pub struct RsaPrivateKey<E: Engine> {
    private: Arc<E::Private>,
    public: RsaPublicKey<E>,
}

impl<E: Engine> RsaPrivateKey<E> {
    /// Reads PKCS#8 or PKCS#1, as PEM, bare base64 or DER, and tests that the key signs what its public half verifies.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let checked = gate::private_key(text)?;
        let private = E::private(&checked).map_err(|_| inconsistent_private_key())?;
        let public = RsaPublicKey::load(checked.into_public())?;
        let key = Self {
            private: Arc::new(private),
            public,
        };
        match key
            .sign_sha256(SELF_TEST)
            .map(|signature| key.public.verify_sha256(SELF_TEST, &signature))
        {
            Ok(Verdict::Valid) => Ok(key),
            _ => Err(inconsistent_private_key()),
        }
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2. The signature is as long as the modulus.
    pub fn sign_sha256(&self, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        E::sign_sha256(&self.private, message)
    }

    /// Opens RSAES-OAEP with SHA-1 and MGF1-SHA-1, empty label, RFC 8017 section 7.1.
    pub fn oaep_sha1_open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        if ciphertext.len() != self.public.modulus_len() {
            return Err(CryptoError);
        }
        E::oaep_sha1_open(&self.private, ciphertext)
    }

    pub fn public_key(&self) -> &RsaPublicKey<E> {
        &self.public
    }
}

fn inconsistent_private_key() -> KeyError {
    KeyError::mismatch(
        "the parts of the private key do not belong together, so its signatures would not verify; \
         the file is damaged: fetch or export the key again",
    )
}

impl<E: Engine> Clone for RsaPrivateKey<E> {
    fn clone(&self) -> Self {
        Self {
            private: Arc::clone(&self.private),
            public: self.public.clone(),
        }
    }
}

impl<E: Engine> fmt::Debug for RsaPrivateKey<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(RSA, {} bits)", self.public.modulus_len() * 8)
    }
}

/// An RSA public key. Cheap to clone; usable from any thread.
pub struct RsaPublicKey<E: Engine> {
    public: Arc<E::Public>,
    checked: Arc<CheckedPublicKey>,
}

impl<E: Engine> RsaPublicKey<E> {
    /// Reads SubjectPublicKeyInfo or PKCS#1, as PEM, bare base64 or DER. A certificate or a private key is not taken
    /// for the public key inside it: [`KeyErrorKind::Role`](super::KeyErrorKind::Role).
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        Self::load(gate::public_key(text)?)
    }

    pub(super) fn load(checked: CheckedPublicKey) -> Result<Self, KeyError> {
        let public = E::public(&checked).map_err(|_| {
            KeyError::invalid("the numbers in the key are not those of an RSA public key")
        })?;
        Ok(Self {
            public: Arc::new(public),
            checked: Arc::new(checked),
        })
    }

    /// Checks RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 section 8.2, padding compared byte for byte.
    pub fn verify_sha256(&self, message: &[u8], signature: &[u8]) -> Verdict {
        if signature.len() != self.modulus_len() {
            return Verdict::Invalid;
        }
        E::verify_sha256(&self.public, message, signature)
    }

    /// Seals with RSAES-OAEP, SHA-1 and MGF1-SHA-1, empty label, RFC 8017 section 7.1. The plaintext is at most
    /// [`max_oaep_plaintext`](Self::max_oaep_plaintext) bytes long.
    pub fn oaep_sha1_seal(&self, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        if plaintext.len() > self.max_oaep_plaintext() {
            return Err(CryptoError);
        }
        E::oaep_sha1_seal(&self.public, plaintext)
    }

    /// The longest plaintext that [`oaep_sha1_seal`](Self::oaep_sha1_seal) takes, in bytes.
    pub fn max_oaep_plaintext(&self) -> usize {
        self.modulus_len() - OAEP_SHA1_OVERHEAD
    }

    /// Whether both are the same modulus and exponent.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.checked == other.checked
    }

    fn modulus_len(&self) -> usize {
        self.checked.modulus().len()
    }
}

impl<E: Engine> Clone for RsaPublicKey<E> {
    fn clone(&self) -> Self {
        Self {
            public: Arc::clone(&self.public),
            checked: Arc::clone(&self.checked),
        }
    }
}

impl<E: Engine> fmt::Debug for RsaPublicKey<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA, {} bits)", self.modulus_len() * 8)
    }
}
