//! The default engine: AWS-LC, through `aws-lc-rs`.

use super::engine::{Engine, Hash, Inconsistent, Verdict};
use super::error::CryptoError;
use super::gate::{CheckedPrivateKey, CheckedPublicKey};
use crate::process::PerProcess;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use zeroize::Zeroizing;

pub enum AwsLc {}

/// Loaded anew in a forked child: AWS-LC keeps blinding factors and a lock beside a key, and aborts in a child whose parent was
/// signing on another thread when it forked.
pub struct Private {
    keys: PerProcess<PrivateKeys>,
}

/// The same key twice: the library has one type for signing and another for decryption.
struct PrivateKeys {
    signing: KeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl PrivateKeys {
    fn load(pkcs8: &[u8]) -> Result<Self, Inconsistent> {
        let decrypting = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| Inconsistent)?;
        Ok(Self {
            signing: KeyPair::from_pkcs8(pkcs8).map_err(|_| Inconsistent)?,
            decrypting: OaepPrivateDecryptingKey::new(decrypting).map_err(|_| Inconsistent)?,
        })
    }
}

pub struct Public {
    verifying: ParsedPublicKey,
    encrypting: OaepPublicEncryptingKey,
}

impl Engine for AwsLc {
    const NAME: &'static str = "aws-lc-rs";
    type Private = Private;
    type Public = Public;
    type Sha1 = Sha1;
    type Sha256 = Sha256;

    fn private(key: &CheckedPrivateKey) -> Result<Private, Inconsistent> {
        let pkcs8 = key.pkcs8();
        PrivateKeys::load(&pkcs8)?;
        Ok(Private {
            keys: PerProcess::new(move || {
                PrivateKeys::load(&pkcs8)
                    .unwrap_or_else(|_| unreachable!("the same bytes were loaded before"))
            }),
        })
    }

    fn public(key: &CheckedPublicKey) -> Result<Public, Inconsistent> {
        let spki = key.spki();
        let encrypting = PublicEncryptingKey::from_der(&spki).map_err(|_| Inconsistent)?;
        Ok(Public {
            verifying: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki)
                .map_err(|_| Inconsistent)?,
            encrypting: OaepPublicEncryptingKey::new(encrypting).map_err(|_| Inconsistent)?,
        })
    }

    fn sign_sha256(key: &Private, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let signing = &key.keys.get().signing;
        let mut signature = vec![0; signing.public_modulus_len()];
        signing
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| CryptoError)?;
        Ok(signature)
    }

    fn verify_sha256(key: &Public, message: &[u8], signature: &[u8]) -> Verdict {
        match key.verifying.verify_sig(message, signature) {
            Ok(()) => Verdict::Valid,
            Err(_) => Verdict::Invalid,
        }
    }

    fn oaep_sha1_seal(key: &Public, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut ciphertext = vec![0; key.encrypting.ciphertext_size()];
        let length = key
            .encrypting
            .encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut ciphertext, None)
            .map_err(|_| CryptoError)?
            .len();
        ciphertext.truncate(length);
        Ok(ciphertext)
    }

    fn oaep_sha1_open(key: &Private, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let decrypting = &key.keys.get().decrypting;
        let mut plaintext = Zeroizing::new(vec![0; decrypting.min_output_size()]);
        let length = decrypting
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut plaintext, None)
            .map_err(|_| CryptoError)?
            .len();
        plaintext.truncate(length);
        Ok(plaintext)
    }

    fn aes_256_gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        // Room for the tag from the start: a buffer that grows would leave a copy of the plaintext behind.
        let mut buffer = Vec::with_capacity(plaintext.len() + AES_256_GCM.tag_len());
        buffer.extend_from_slice(plaintext);
        gcm_key(key)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                &mut buffer,
            )
            .map_err(|_| CryptoError)?;
        Ok(buffer)
    }

    fn aes_256_gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut buffer = Zeroizing::new(ciphertext_and_tag.to_vec());
        let length = gcm_key(key)?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                &mut buffer,
            )
            .map_err(|_| CryptoError)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn sha1(message: &[u8]) -> [u8; 20] {
        fixed(digest(&SHA1_FOR_LEGACY_USE_ONLY, message).as_ref())
    }

    fn sha256(message: &[u8]) -> [u8; 32] {
        fixed(digest(&SHA256, message).as_ref())
    }

    fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
        fixed(hmac::sign(&hmac::Key::new(HMAC_SHA256, key), message).as_ref())
    }
}

pub struct Sha1(Context);

impl Hash for Sha1 {
    fn new() -> Self {
        Self(Context::new(&SHA1_FOR_LEGACY_USE_ONLY))
    }

    fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

pub struct Sha256(Context);

impl Hash for Sha256 {
    fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

fn gcm_key(key: &[u8; 32]) -> Result<LessSafeKey, CryptoError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| CryptoError)
}

fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(bytes);
    array
}
