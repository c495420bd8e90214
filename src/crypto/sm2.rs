//! SM2: signatures with SM3 and encryption, GB/T 32918. Its numbers are computed by the crate `sm2`.

mod encoding;
mod random;

use super::engine::Verdict;
use super::error::{CryptoError, KeyError};
use super::gate;
use super::suite::Random;
use random::Source;
use sm2::dsa::signature::{RandomizedSigner, Verifier};
use sm2::dsa::{SigningKey, VerifyingKey};
use sm2::pke::{Cipher, DecryptingKey, EncryptingKey, Mode};
use sm2::{NonZeroScalar, PublicKey, Scalar};
use std::fmt;
use std::sync::Arc;
use zeroize::{Zeroizing, optimization_barrier};

/// Who signs, as the standard has it where nothing else was agreed.
const USER_ID: &str = "1234567812345678";

/// Signed and verified once with every private key that is loaded.
const SELF_TEST: &[u8] = b"payseal self-test";

/// An SM2 private key with its public half. Cheap to clone; usable from any thread; wiped.
#[derive(Clone)]
pub struct Sm2PrivateKey {
    private: Arc<Private>,
    public: Sm2PublicKey,
}

impl Sm2PrivateKey {
    /// Reads PKCS#8 or SEC 1, as PEM, bare base64 or DER, and tests that the key signs what its public half verifies.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let checked = gate::sm2::private_key(text)?;
        let signing = SigningKey::new(USER_ID, &checked.secret).map_err(|_| unusable())?;
        let key = Self {
            private: Arc::new(Private(Box::new(signing))),
            public: Sm2PublicKey::load(checked.public)?,
        };
        let no_salt = &mut |out: &mut [u8]| {
            out.fill(0);
            Ok(())
        };
        match key
            .sign_sm3(SELF_TEST, no_salt)
            .map(|signature| key.public.verify_sm3(SELF_TEST, &signature))
        {
            Ok(Verdict::Valid) => Ok(key),
            _ => Err(unusable()),
        }
    }

    /// SM2 with SM3 for the user id `1234567812345678`, GB/T 32918.2: the SEQUENCE of r and s in DER.
    ///
    /// The secret number of the signature is derived from key, message and 32 random bytes (RFC 6979 section 3.6), so that a bad source
    /// of randomness does not give the key away.
    pub fn sign_sm3(&self, message: &[u8], random: Random) -> Result<Vec<u8>, CryptoError> {
        let signature = self
            .private
            .0
            .try_sign_with_rng(&mut Source::new(random), message)
            .map_err(|_| CryptoError)?;
        encoding::signature(&signature)
    }

    /// Opens what [`Sm2PublicKey::seal`] sealed.
    pub fn open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let plain = encoding::plain_ciphertext(ciphertext)?;
        let cipher: Cipher<'_> =
            Cipher::from_slice(&plain, Mode::C1C3C2).map_err(|_| CryptoError)?;
        let mut plaintext = Zeroizing::new(vec![0; cipher.c2().len()]);
        DecryptingKey::new_with_mode(*self.private.0.as_nonzero_scalar(), Mode::C1C3C2)
            .decrypt_cipher_with_buf(&cipher, &mut plaintext)
            .map_err(|_| CryptoError)?;
        Ok(plaintext)
    }

    pub fn public_key(&self) -> &Sm2PublicKey {
        &self.public
    }
}

fn unusable() -> KeyError {
    KeyError::invalid("the SM2 key does not sign; the file is damaged: fetch or export it again")
}

impl fmt::Debug for Sm2PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(SM2)")
    }
}

/// The crate does not wipe its key, so another one is written over it.
struct Private(Box<SigningKey>);

impl Drop for Private {
    fn drop(&mut self) {
        let one = NonZeroScalar::new(Scalar::ONE).into_option();
        if let Some(Ok(known)) = one.map(|one| SigningKey::from_nonzero_scalar(USER_ID, one)) {
            *self.0 = known;
            optimization_barrier(&*self.0);
        }
    }
}

/// An SM2 public key. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Sm2PublicKey(Arc<VerifyingKey>);

impl Sm2PublicKey {
    /// Reads SubjectPublicKeyInfo, as PEM, bare base64 or DER. A certificate or a private key is not taken for the public key inside
    /// it: [`KeyErrorKind::Role`](super::KeyErrorKind::Role).
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        Self::load(gate::sm2::public_key(text)?)
    }

    pub(super) fn load(public: PublicKey) -> Result<Self, KeyError> {
        let verifying = VerifyingKey::new(USER_ID, public).map_err(|_| unusable())?;
        Ok(Self(Arc::new(verifying)))
    }

    /// Checks SM2 with SM3 for the user id `1234567812345678`. The signature is the SEQUENCE of r and s in DER and nothing else: both
    /// from 1 to n − 1, each in its only encoding.
    pub fn verify_sm3(&self, message: &[u8], signature: &[u8]) -> Verdict {
        let valid = encoding::read_signature(signature)
            .is_ok_and(|signature| self.0.verify(message, &signature).is_ok());
        match valid {
            true => Verdict::Valid,
            false => Verdict::Invalid,
        }
    }

    /// Seals with SM2, GB/T 32918.4: the SEQUENCE of the point C1, the hash C3 and the ciphertext C2 in DER, GB/T 35276. The plaintext
    /// is not empty.
    pub fn seal(&self, plaintext: &[u8], random: Random) -> Result<Vec<u8>, CryptoError> {
        let mut c2 = vec![0; plaintext.len()];
        let cipher = EncryptingKey::new_with_mode(PublicKey::from(&*self.0), Mode::C1C3C2)
            .encrypt_cipher_with_buf(&mut Source::new(random), plaintext, &mut c2)
            .map_err(|_| CryptoError)?;
        encoding::ciphertext(&cipher)
    }

    /// Whether both are the same point.
    pub fn is_same_key(&self, other: &Self) -> bool {
        self.0.as_affine() == other.0.as_affine()
    }
}

impl fmt::Debug for Sm2PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey(SM2)")
    }
}
