//! Authenticated encryption.

use super::engine::{Default, Engine};
use super::error::CryptoError;
use zeroize::Zeroizing;

/// Opens AES-256-GCM: `ciphertext_and_tag` ends with the 16 bytes of the tag. No plaintext exists before the tag is
/// checked; every failure is the same [`CryptoError`]. Absent additional data is the empty slice.
pub fn aes_256_gcm_open(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    ciphertext_and_tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    Default::aes_256_gcm_open(key, nonce, aad, ciphertext_and_tag)
}

/// Seals with AES-256-GCM: the ciphertext, followed by the 16 bytes of the tag. The caller never uses a nonce twice
/// with the same key.
pub fn aes_256_gcm_seal(
    key: &[u8; 32],
    nonce: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    Default::aes_256_gcm_seal(key, nonce, aad, plaintext)
}
