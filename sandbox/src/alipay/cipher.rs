//! AES as the gateway uses it: 128 bits, CBC, PKCS#7, an initialization vector of zeros, base64 around it.

use aws_lc_rs::cipher::{
    AES_128, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use base64::{Engine, engine::general_purpose::STANDARD};

const ZEROS: [u8; 16] = [0; 16];

pub fn encrypt(key: &[u8; 16], plaintext: &[u8]) -> String {
    let key = UnboundCipherKey::new(&AES_128, key)
        .and_then(PaddedBlockEncryptingKey::cbc_pkcs7)
        .expect("an AES key has 16 bytes");
    let mut bytes = plaintext.to_vec();
    key.less_safe_encrypt(
        &mut bytes,
        EncryptionContext::Iv128(FixedLength::from(ZEROS)),
    )
    .expect("any text can be encrypted");
    STANDARD.encode(bytes)
}

pub fn decrypt(key: &[u8; 16], ciphertext: &str) -> Option<Vec<u8>> {
    let mut bytes = STANDARD.decode(ciphertext).ok()?;
    let key = UnboundCipherKey::new(&AES_128, key)
        .and_then(PaddedBlockDecryptingKey::cbc_pkcs7)
        .ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(ZEROS));
    key.decrypt(&mut bytes, context)
        .ok()
        .map(|plaintext| plaintext.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_openssl_makes() {
        // openssl enc -aes-128-cbc -K 30…66 -iv 00…00
        let key = b"0123456789abcdef";
        let sealed = encrypt(key, br#"{"a":"1"}"#);
        assert_eq!(decrypt(key, &sealed).unwrap(), br#"{"a":"1"}"#);
        assert_eq!(sealed, "oozy3fB4klnkNWAfIhVfyA==");
        assert!(decrypt(key, "AAAA").is_none() && decrypt(key, "?").is_none());
    }
}
