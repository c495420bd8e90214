//! The keys and signatures of APIv2.

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use md5::{Digest, Md5};

use crate::keys::Merchant;

/// What a request is signed with, and so what its answer and its notification are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    /// MD5 is what the provider takes where nothing is said.
    pub fn of(sign_type: Option<&str>) -> Option<SignType> {
        match sign_type {
            None | Some("MD5") => Some(SignType::Md5),
            Some("HMAC-SHA256") => Some(SignType::HmacSha256),
            Some(_) => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            SignType::Md5 => "MD5",
            SignType::HmacSha256 => "HMAC-SHA256",
        }
    }
}

/// The merchant's APIv2 key. It follows from the APIv3 key, so that a folder of an earlier sandbox has one too.
pub fn api_key(merchant: &Merchant) -> String {
    derived(merchant, "APIv2")
}

/// The key of the provider's own sandbox, which `getsignkey` tells.
pub fn sandbox_key(merchant: &Merchant) -> String {
    derived(merchant, "sandbox")
}

fn derived(merchant: &Merchant, of: &str) -> String {
    let text = format!("{of} {}", merchant.apiv3_key);
    let hash = digest::digest(&digest::SHA256, text.as_bytes());
    lower(&hash.as_ref()[..16])
}

pub fn sign(sign_type: SignType, key: &str, fields: &[(String, String)]) -> String {
    hash(sign_type, key, &format!("{}{key}", text(fields)))
}

/// What is signed, up to the key: `a=1&b=2&key=`.
pub fn text(fields: &[(String, String)]) -> String {
    let mut pairs: Vec<&(String, String)> = fields
        .iter()
        .filter(|(name, value)| name != "sign" && !value.is_empty())
        .collect();
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}&"))
        .collect::<String>();
    pairs + "key="
}

/// In upper-case hex.
pub fn hash(sign_type: SignType, key: &str, message: &str) -> String {
    match sign_type {
        SignType::Md5 => lower(&Md5::digest(message)).to_uppercase(),
        SignType::HmacSha256 => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
            lower(hmac::sign(&key, message.as_bytes()).as_ref()).to_uppercase()
        }
    }
}

/// `req_info` of a refund's notification.
pub fn sealed(key: &str, plaintext: &str) -> String {
    let secret = lower(&Md5::digest(key));
    let key = UnboundCipherKey::new(&AES_256, secret.as_bytes())
        .and_then(PaddedBlockEncryptingKey::ecb_pkcs7)
        .expect("the hex of an MD5 has 32 bytes");
    let mut bytes = plaintext.as_bytes().to_vec();
    key.encrypt(&mut bytes)
        .expect("a short plaintext can be encrypted");
    STANDARD.encode(bytes)
}

/// The plaintext of `req_info`, if that key has sealed it.
pub fn opened(key: &str, sealed: &str) -> Option<String> {
    let secret = lower(&Md5::digest(key));
    let key = UnboundCipherKey::new(&AES_256, secret.as_bytes()).ok()?;
    let mut bytes = STANDARD.decode(sealed).ok()?;
    let plaintext = PaddedBlockDecryptingKey::ecb_pkcs7(key)
        .and_then(|key| key.decrypt(&mut bytes, DecryptionContext::None))
        .ok()?;
    String::from_utf8(plaintext.to_vec()).ok()
}

fn lower(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_own_example_is_reproduced() {
        let fields = [
            ("appid", "wxd930ea5d5a258f4f"),
            ("mch_id", "10000100"),
            ("device_info", "1000"),
            ("body", "test"),
            ("nonce_str", "ibuaiVcKdpRxkhJA"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let key = "192006250b4c09247ec02edce69f6a2d";
        assert_eq!(
            sign(SignType::Md5, key, &fields),
            "9A0A8659F005D6984697E2CA0A9CF3B7"
        );
        assert_eq!(
            sign(SignType::HmacSha256, key, &fields),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
        );
    }
}
