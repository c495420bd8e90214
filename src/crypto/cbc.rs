//! AES-128-CBC with PKCS#7 padding and an IV of zeros: what Alipay encrypts the business parameters with, below a signature.
//!
//! It proves nothing about who wrote the ciphertext, and its padding would answer questions about the plaintext: whoever opens it has
//! verified a signature over the ciphertext before.

use super::error::CryptoError;
use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

const BLOCK: usize = 16;
const IV: [u8; BLOCK] = [0; BLOCK];

/// Seals under an IV of zeros, as the provider has it: the same plaintext has the same ciphertext.
pub fn aes_128_cbc_seal(key: &[u8; 16], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
    // Room for the padding from the start: a buffer that grows would leave a copy of the plaintext behind.
    let mut buffer = vec![0; (plaintext.len() / BLOCK + 1) * BLOCK];
    buffer[..plaintext.len()].copy_from_slice(plaintext);
    cbc::Encryptor::<Aes128>::new(key.into(), &IV.into())
        .encrypt_padded::<Pkcs7>(&mut buffer, plaintext.len())
        .map_err(|_| CryptoError)?;
    Ok(buffer)
}

/// Opens what was sealed like this. A wrong key, a wrong length and every wrong padding are the same [`CryptoError`].
pub fn aes_128_cbc_open(
    key: &[u8; 16],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let length = cbc::Decryptor::<Aes128>::new(key.into(), &IV.into())
        .decrypt_padded::<Pkcs7>(&mut buffer)
        .map_err(|_| CryptoError)?
        .len();
    buffer.truncate(length);
    Ok(buffer)
}
