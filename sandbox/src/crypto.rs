//! The four primitives of APIv3, straight from AWS-LC: RSA-SHA256, OAEP-SHA1, AES-256-GCM and randomness.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey,
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// An RSA-2048 private key; `Debug` is deliberately absent.
pub struct RsaKey {
    pair: KeyPair,
    pkcs8: Vec<u8>,
}

impl RsaKey {
    pub fn generate() -> Result<Self, String> {
        let pair =
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| "an RSA key could not be generated")?;
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair)
            .map_err(|_| "the generated RSA key could not be encoded")?
            .as_ref()
            .to_vec();
        Ok(Self { pair, pkcs8 })
    }

    pub fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, String> {
        let pair = KeyPair::from_pkcs8(pkcs8).map_err(|_| "not an RSA private key in PKCS#8")?;
        Ok(Self {
            pair,
            pkcs8: pkcs8.to_vec(),
        })
    }

    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, in standard base64.
    pub fn sign(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .expect("a 2048-bit key signs any message");
        STANDARD.encode(signature)
    }

    /// Whether `signature` (standard base64) is this key's own over `message`.
    pub fn verify(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else {
            return false;
        };
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(message, &signature)
            .is_ok()
    }

    /// Opens a sensitive field: base64 of RSAES-OAEP with SHA-1.
    pub fn open_field(&self, sealed: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed).ok()?;
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8).ok()?;
        let key = OaepPrivateDecryptingKey::new(key).ok()?;
        let mut plain = vec![0; key.min_output_size()];
        let plain = key
            .decrypt(&OAEP_SHA1_MGF1SHA1, &sealed, &mut plain, None)
            .ok()?;
        String::from_utf8(plain.to_vec()).ok()
    }

    /// Seals for the holder of this key: RSAES-OAEP with SHA-1. At most 214 bytes.
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let key = PrivateDecryptingKey::from_pkcs8(&self.pkcs8)
            .ok()
            .and_then(|key| OaepPublicEncryptingKey::new(key.public_key()).ok())
            .expect("this key was made or read at the start");
        let mut sealed = vec![0; key.ciphertext_size()];
        key.encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut sealed, None)
            .expect("names and keys are shorter than 214 bytes")
            .to_vec()
    }
}

/// AES-256-GCM with the sixteen characters of nonce that encrypted bills have, and no associated data.
/// AWS-LC takes twelve only.
pub fn seal_file(key: &str, nonce: &str, plaintext: &[u8]) -> Vec<u8> {
    use aes_gcm::aead::{Aead, KeyInit, consts::U16};
    let nonce: [u8; 16] = nonce
        .as_bytes()
        .try_into()
        .expect("such a nonce has 16 characters");
    aes_gcm::AesGcm::<aes_gcm::aes::Aes256, U16>::new_from_slice(key.as_bytes())
        .expect("such a key has 32 bytes")
        .encrypt(&nonce.into(), plaintext)
        .expect("a bill can be sealed")
}

/// AES-256-GCM under the APIv3 key: base64 of the ciphertext with its tag.
pub fn seal(apiv3_key: &str, nonce: &str, associated_data: &str, plaintext: &[u8]) -> String {
    let key =
        UnboundKey::new(&AES_256_GCM, apiv3_key.as_bytes()).expect("an APIv3 key has 32 bytes");
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).expect("a nonce has 12 bytes");
    let mut sealed = plaintext.to_vec();
    LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, Aad::from(associated_data.as_bytes()), &mut sealed)
        .expect("a short plaintext can be sealed");
    STANDARD.encode(sealed)
}

pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// `length` letters and digits, the alphabet of the provider's nonces and of APIv3 keys.
pub fn random_text(length: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789Zz";
    (0..length)
        .map(|_| char::from(ALPHABET[usize::from(random_bytes::<1>()[0] & 63)]))
        .collect()
}

pub fn random_digits(length: usize) -> String {
    (0..length)
        .map(|_| char::from(b'0' + random_bytes::<1>()[0] % 10))
        .collect()
}

pub fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sealed_as_other_implementations_seal_it() {
        let sealed = seal_file(
            "0123456789abcdef0123456789abcdef",
            "ABCDEFGHIJKLMNOP",
            b"bill",
        );
        // From Python's cryptography.
        assert_eq!(
            hex_upper(&sealed).to_lowercase(),
            "352af34913660846b2cc70ae277040b7656ad992"
        );
    }
}
