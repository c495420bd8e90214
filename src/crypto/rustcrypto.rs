//! The second engine: the RustCrypto crates, for targets without a C compiler, and to compare the first one with.
//!
//! It is slower, and the arithmetic under `rsa` frees numbers of a private key without wiping them; the crate knows of it.

use super::engine::{Engine, Hash, Inconsistent, Verdict};
use super::error::CryptoError;
use super::gate::{CheckedPrivateKey, CheckedPublicKey};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use hmac::{Hmac, Mac};
use rsa::oaep::{DecryptingKey, EncryptingKey};
use rsa::pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey, EncodeRsaPrivateKey};
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::rand_core::UnwrapErr;
use rsa::signature::{SignatureEncoding, Signer, Verifier};
use rsa::traits::{Decryptor, RandomizedEncryptor};
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub enum RustCrypto {}

pub struct Private {
    signing: SigningKey<Sha256>,
    decrypting: DecryptingKey<Sha1>,
}

pub struct Public {
    verifying: VerifyingKey<Sha256>,
    encrypting: EncryptingKey<Sha1>,
}

impl Engine for RustCrypto {
    const NAME: &'static str = "rustcrypto";
    type Private = Private;
    type Public = Public;
    type Sha1 = Sha1;
    type Sha256 = Sha256;

    fn private(key: &CheckedPrivateKey) -> Result<Private, Inconsistent> {
        let private = RsaPrivateKey::from_pkcs1_der(key.pkcs1()).map_err(|_| Inconsistent)?;
        // The crate computes the exponents and the coefficient of the Chinese remainder theorem anew and never
        // looks at the given ones. Other engines use them, so a key in which they are wrong is refused here too.
        let recomputed = private.to_pkcs1_der().map_err(|_| Inconsistent)?;
        if recomputed.as_bytes() != key.pkcs1() {
            return Err(Inconsistent);
        }
        Ok(Private {
            signing: SigningKey::new(private.clone()),
            decrypting: DecryptingKey::new(private),
        })
    }

    fn public(key: &CheckedPublicKey) -> Result<Public, Inconsistent> {
        let public = RsaPublicKey::from_pkcs1_der(&key.pkcs1()).map_err(|_| Inconsistent)?;
        Ok(Public {
            verifying: VerifyingKey::new(public.clone()),
            encrypting: EncryptingKey::new(public),
        })
    }

    fn sign_sha256(key: &Private, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        key.signing
            .try_sign(message)
            .map(|signature| signature.to_vec())
            .map_err(|_| CryptoError)
    }

    fn verify_sha256(key: &Public, message: &[u8], signature: &[u8]) -> Verdict {
        let valid = Signature::try_from(signature)
            .and_then(|signature| key.verifying.verify(message, &signature));
        match valid {
            Ok(()) => Verdict::Valid,
            Err(_) => Verdict::Invalid,
        }
    }

    fn oaep_sha1_seal(key: &Public, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        key.encrypting
            .encrypt_with_rng(&mut UnwrapErr(getrandom::SysRng), plaintext)
            .map_err(|_| CryptoError)
    }

    fn oaep_sha1_open(key: &Private, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        key.decrypting
            .decrypt(ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| CryptoError)
    }

    fn aes_256_gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        Aes256Gcm::new(key.into())
            .encrypt(
                &Nonce::from(*nonce),
                Payload {
                    msg: plaintext,
                    aad,
                },
            )
            .map_err(|_| CryptoError)
    }

    fn aes_256_gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        Aes256Gcm::new(key.into())
            .decrypt(
                &Nonce::from(*nonce),
                Payload {
                    msg: ciphertext_and_tag,
                    aad,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| CryptoError)
    }

    fn sha1(message: &[u8]) -> [u8; 20] {
        Sha1::digest(message).into()
    }

    fn sha256(message: &[u8]) -> [u8; 32] {
        Sha256::digest(message).into()
    }

    fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
        // A key of any length is a key of HMAC; the type of the error has no value to give.
        match Hmac::<Sha256>::new_from_slice(key) {
            Ok(mac) => mac.chain_update(message).finalize().into_bytes().into(),
            Err(_) => unreachable!("HMAC takes keys of every length"),
        }
    }
}

impl<D: Digest + Send + Sync> Hash for D {
    fn new() -> Self {
        Digest::new()
    }

    fn update(&mut self, piece: &[u8]) {
        Digest::update(self, piece);
    }

    fn finish(self) -> Vec<u8> {
        self.finalize().to_vec()
    }
}
