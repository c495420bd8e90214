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
use num_bigint::BigUint;
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{self, Decode, Reader, SliceReader};

/// What stands before the hash in a signature, RFC 8017 section 9.2.
const DIGEST_INFOS: [(&str, &[u8]); 3] = [
    (
        "SHA-256",
        b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
    ),
    (
        "SHA-1",
        b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
    ),
    (
        "MD5",
        b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
    ),
];

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

    /// The hash inside `signature` and its name, if this key has made it by RSASSA-PKCS1-v1_5: what was signed can then be
    /// looked for by its hash alone.
    pub fn digest_in(&self, signature: &[u8]) -> Option<(&'static str, Vec<u8>)> {
        let (modulus, exponent) = self.public_numbers()?;
        let length = self.pair.public_modulus_len();
        let number = BigUint::from_bytes_be(signature);
        if signature.len() != length || number >= modulus {
            return None;
        }
        let padded = number.modpow(&exponent, &modulus).to_bytes_be();
        // The leading zero of 00 01 FF … FF 00 is gone.
        let inside = padded.strip_prefix(&[1])?;
        let filled = inside.iter().take_while(|byte| **byte == 0xFF).count();
        let inside = inside[filled..].strip_prefix(&[0])?;
        DIGEST_INFOS.iter().find_map(|(name, head)| {
            let digest = inside.strip_prefix(*head)?;
            Some((*name, digest.to_vec()))
        })
    }

    /// RSAPublicKey.
    pub fn public_der(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    fn public_numbers(&self) -> Option<(BigUint, BigUint)> {
        let mut reader = SliceReader::new(self.public_der()).ok()?;
        let numbers = reader.sequence(|reader| {
            let modulus = UintRef::decode(reader)?;
            let exponent = UintRef::decode(reader)?;
            Ok::<_, der::Error>([modulus, exponent].map(|it| BigUint::from_bytes_be(it.as_bytes())))
        });
        numbers.ok().map(|[modulus, exponent]| (modulus, exponent))
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

/// The plaintext of such a box, if that key has sealed it.
pub fn open(
    apiv3_key: &str,
    nonce: &str,
    associated_data: &str,
    ciphertext: &str,
) -> Option<Vec<u8>> {
    let key = UnboundKey::new(&AES_256_GCM, apiv3_key.as_bytes()).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(nonce.as_bytes()).ok()?;
    let mut sealed = STANDARD.decode(ciphertext).ok()?;
    let plaintext = LessSafeKey::new(key)
        .open_in_place(nonce, Aad::from(associated_data.as_bytes()), &mut sealed)
        .ok()?;
    Some(plaintext.to_vec())
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
