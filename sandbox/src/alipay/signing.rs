//! The two algorithms of a signature: RSA2 is RSA with SHA-256, RSA is RSA with SHA-1.

use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::pkcs1v15::{Signature, SigningKey, VerifyingKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::{SignatureEncoding, Signer, Verifier};
use rsa::{RsaPrivateKey, RsaPublicKey};
use sha1::Sha1;

use crate::crypto::RsaKey;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignType {
    Rsa2,
    Rsa,
}

impl SignType {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "RSA2" => Some(Self::Rsa2),
            "RSA" => Some(Self::Rsa),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa2 => "RSA2",
            Self::Rsa => "RSA",
        }
    }

    /// In standard base64.
    pub fn sign(self, key: &RsaKey, message: &[u8]) -> String {
        match self {
            Self::Rsa2 => key.sign(message),
            Self::Rsa => STANDARD.encode(sign_sha1(key, message)),
        }
    }

    /// Whether `signature` (standard base64) is this key's own over `message`.
    pub fn verify(self, key: &RsaKey, message: &[u8], signature: &str) -> bool {
        match self {
            Self::Rsa2 => key.verify(message, signature),
            Self::Rsa => {
                let signature = STANDARD.decode(signature).ok();
                let signature =
                    signature.and_then(|bytes| Signature::try_from(bytes.as_slice()).ok());
                let key = VerifyingKey::<Sha1>::new(RsaPublicKey::from(private(key)));
                signature.is_some_and(|signature| key.verify(message, &signature).is_ok())
            }
        }
    }
}

/// AWS-LC checks signatures with SHA-1 but makes none.
pub fn sign_sha1(key: &RsaKey, message: &[u8]) -> Vec<u8> {
    SigningKey::<Sha1>::new(private(key)).sign(message).to_vec()
}

fn private(key: &RsaKey) -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_der(key.pkcs8()).expect("this key was made or read at the start")
}
