//! SM4, GB/T 32907, with GCM, RFC 8998.

use super::engine::Verdict;
use super::error::CryptoError;
use super::gcm::{Gcm, GcmOpening, TAG_LEN};
use sm4::Sm4;
use zeroize::Zeroizing;

/// Opens SM4-GCM piece by piece; the key is 16 bytes long.
pub type Sm4GcmOpening = GcmOpening<Sm4>;

/// Opens SM4-GCM: `ciphertext_and_tag` ends with the 16 bytes of the tag. Nothing is given before the tag is checked; every failure is
/// the same [`CryptoError`]. Absent additional data is the empty slice.
pub fn sm4_gcm_open(
    key: &[u8; 16],
    nonce: &[u8; 12],
    aad: &[u8],
    ciphertext_and_tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (ciphertext, tag) = ciphertext_and_tag
        .split_last_chunk::<TAG_LEN>()
        .ok_or(CryptoError)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let mut opening = Sm4GcmOpening::new(key, nonce, aad)?;
    opening.update(&mut plaintext)?;
    match opening.finish(tag) {
        Verdict::Valid => Ok(plaintext),
        Verdict::Invalid => Err(CryptoError),
    }
}

/// Seals with SM4-GCM: the ciphertext, followed by the 16 bytes of the tag. The caller never uses a nonce twice with the same key.
pub fn sm4_gcm_seal(
    key: &[u8; 16],
    nonce: &[u8; 12],
    aad: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    // Room for the tag from the start: a buffer that grows would leave a copy of the plaintext behind.
    let mut sealed = Vec::with_capacity(plaintext.len() + TAG_LEN);
    sealed.extend_from_slice(plaintext);
    let mut gcm = Gcm::<Sm4>::new(key, nonce, aad)?;
    gcm.apply_keystream(&mut sealed)?;
    gcm.authenticate(&sealed);
    sealed.extend_from_slice(&gcm.tag());
    Ok(sealed)
}
