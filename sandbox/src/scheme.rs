//! Which algorithms the merchant has agreed with the platform: RSA, or 国密.

use serde::{Deserialize, Serialize};

use crate::crypto::{self, RsaKey};
use crate::shangmi::{self, Sm2Key};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    #[default]
    Rsa,
    Sm2,
}

impl Scheme {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "rsa" => Some(Self::Rsa),
            "sm2" => Some(Self::Sm2),
            _ => None,
        }
    }

    /// In `Authorization` and `Wechatpay-Signature-Type`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "WECHATPAY2-SHA256-RSA2048",
            Self::Sm2 => "WECHATPAY2-SM2-WITH-SM3",
        }
    }

    /// What a page says of its signature, and `/v3/certificates` of a certificate.
    pub fn algorithm_type(self) -> &'static str {
        match self {
            Self::Rsa => "RSA",
            Self::Sm2 => "SM2",
        }
    }

    /// What encrypts under the APIv3 key.
    pub fn aead(self) -> &'static str {
        match self {
            Self::Rsa => "AEAD_AES_256_GCM",
            Self::Sm2 => "AEAD_SM4_GCM",
        }
    }

    /// What encrypts the bills of sub-merchants.
    pub fn file_cipher(self) -> &'static str {
        match self {
            Self::Rsa => "AEAD_AES_256_GCM",
            Self::Sm2 => "SM4_GCM",
        }
    }

    /// How many bytes its keys have.
    pub fn file_key_length(self) -> usize {
        match self {
            Self::Rsa => 32,
            Self::Sm2 => 16,
        }
    }

    /// A file under a key of its own, with a nonce of sixteen characters and no associated data.
    pub fn seal_file(self, key: &str, nonce: &str, plaintext: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa => crypto::seal_file(key, nonce, plaintext),
            Self::Sm2 => shangmi::seal_file(key, nonce, plaintext),
        }
    }

    /// Base64 of the ciphertext with its tag.
    pub fn seal(
        self,
        apiv3_key: &str,
        nonce: &str,
        associated_data: &str,
        plaintext: &[u8],
    ) -> String {
        match self {
            Self::Rsa => crypto::seal(apiv3_key, nonce, associated_data, plaintext),
            Self::Sm2 => shangmi::seal(apiv3_key, nonce, associated_data, plaintext),
        }
    }

    /// The plaintext of such a ciphertext, if that key has sealed it.
    pub fn open(
        self,
        apiv3_key: &str,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Option<Vec<u8>> {
        match self {
            Self::Rsa => crypto::open(apiv3_key, nonce, associated_data, ciphertext),
            Self::Sm2 => shangmi::open(apiv3_key, nonce, associated_data, ciphertext),
        }
    }
}

/// A private key of either scheme; `Debug` is deliberately absent.
pub enum Key {
    Rsa(RsaKey),
    Sm2(Sm2Key),
}

impl Key {
    pub fn generate(scheme: Scheme) -> Result<Self, String> {
        match scheme {
            Scheme::Rsa => RsaKey::generate().map(Self::Rsa),
            Scheme::Sm2 => Sm2Key::generate().map(Self::Sm2),
        }
    }

    /// The signature in standard base64.
    pub fn sign(&self, message: &[u8]) -> String {
        match self {
            Self::Rsa(key) => key.sign(message),
            Self::Sm2(key) => key.sign(message),
        }
    }

    /// Whether `signature` (standard base64) is this key's own over `message`.
    pub fn verify(&self, message: &[u8], signature: &str) -> bool {
        match self {
            Self::Rsa(key) => key.verify(message, signature),
            Self::Sm2(key) => key.verify(message, signature),
        }
    }

    /// Seals for the holder of this key: RSAES-OAEP, or SM2 in DER.
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        match self {
            Self::Rsa(key) => key.seal(plaintext),
            Self::Sm2(key) => key.seal(plaintext),
        }
    }

    /// Opens a sensitive field, which is base64.
    pub fn open_field(&self, sealed: &str) -> Option<String> {
        match self {
            Self::Rsa(key) => key.open_field(sealed),
            Self::Sm2(key) => key.open_field(sealed),
        }
    }
}
