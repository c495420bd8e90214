//! AES of the business parameters and of the answers to them. <https://opendocs.alipay.com/common/02mse3>
//!
//! The IV is zeros and there is no authentication, so what comes is opened only after the signature over the ciphertext was verified, and
//! every failure is one error.

use zeroize::Zeroizing;

use crate::config::Section;
use crate::crypto::{aes_128_cbc_open, aes_128_cbc_seal, base64};
use crate::error::{Code, Error, Outcome, Result};

/// As `encrypt_type` spells it.
pub(super) const NAME: &str = "AES";

pub(super) struct EncryptKey(Zeroizing<[u8; 16]>);

impl EncryptKey {
    pub fn read(config: &mut Section) -> Result<Option<EncryptKey>> {
        const KEY: &str = "encrypt_key";
        let Some(text) = config.secret(KEY)? else {
            return Ok(None);
        };
        let bytes = base64::decode(text.trim_ascii()).map(Zeroizing::new);
        match bytes
            .ok()
            .and_then(|bytes| <[u8; 16]>::try_from(bytes.as_slice()).ok())
        {
            Some(key) => Ok(Some(EncryptKey(Zeroizing::new(key)))),
            None => Err(config
                .error_with(Code::KeyInvalid, KEY, "it is not the base64 of 16 bytes")
                .with_hint(
                    "copy the AES key as the console shows it, 24 characters that end with ==",
                )),
        }
    }

    /// Base64 of the ciphertext.
    pub fn seal(&self, plaintext: &[u8]) -> Result<String> {
        match aes_128_cbc_seal(&self.0, plaintext) {
            Ok(ciphertext) => Ok(base64::encode(&ciphertext)),
            Err(_) => Err(Error::new(
                Code::Internal,
                "the parameters could not be encrypted",
            )),
        }
    }

    /// Of base64 whose signature was verified.
    pub fn open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        base64::decode(ciphertext)
            .ok()
            .and_then(|ciphertext| aes_128_cbc_open(&self.0, &ciphertext).ok())
            .ok_or_else(|| {
                Error::new(
                    Code::DecryptionFailed,
                    "the answer is genuine, but encrypt_key does not open it",
                )
                .with_outcome(Outcome::Unknown)
                .with_field("encrypt_key")
                .with_hint("is it the AES key that is set for this app now?")
            })
    }
}
