//! AES-256-ECB with PKCS#7 padding: what one old kind of notification is encrypted with, and for nothing else.
//!
//! It hides no repetition and proves nothing about who wrote the ciphertext: whoever opens it has to ask elsewhere.

use super::error::CryptoError;
use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt, KeyInit};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// Opens AES-256-ECB and takes the padding of PKCS#7 (RFC 5652, section 6.3) away. A wrong key, a wrong length and every wrong padding
/// are the same [`CryptoError`] after the same work: the padding is looked at in constant time.
pub fn aes_256_ecb_open(
    key: &[u8; 32],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let (blocks, rest) = plaintext.as_chunks_mut::<BLOCK>();
    if !rest.is_empty() {
        return Err(CryptoError);
    }
    let cipher = Aes256::new(key.into());
    for block in blocks.iter_mut() {
        cipher.decrypt_block(block.into());
    }
    let padding = padding(blocks.last().ok_or(CryptoError)?)?;
    let length = plaintext.len() - padding;
    plaintext.truncate(length);
    Ok(plaintext)
}

/// How many bytes of the last block are padding: 1 to 16, each of them saying so.
fn padding(block: &[u8; BLOCK]) -> Result<usize, CryptoError> {
    let count = block[BLOCK - 1];
    let mut good = !count.ct_eq(&0) & !count.ct_gt(&(BLOCK as u8));
    for (index, byte) in block.iter().rev().enumerate() {
        let is_padding = count.ct_gt(&(index as u8));
        good &= Choice::conditional_select(&Choice::from(1), &byte.ct_eq(&count), is_padding);
    }
    match bool::from(good) {
        true => Ok(count.into()),
        false => Err(CryptoError),
    }
}
