//! What the targets share: a merchant, and the platform's key with which they sign, so that what lies behind a signature is reached too.

use std::sync::LazyLock;

use payseal::Client;
use payseal::crypto::{PrivateKey, aes_256_gcm_seal, base64};
use payseal::host::{Clock, Host};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::json;

pub const APIV3_KEY: &[u8; 32] = b"Wj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u";
const KEY_ID: &str = "PUB_KEY_ID_0119000072912024111300111600002187";
const NOW: i64 = 1_700_000_000;
const NONCE: &str = "c5ac7061fccab6bf3e254dcf98995b8c";

static PLATFORM: LazyLock<(KeyPair, PrivateKey)> = LazyLock::new(|| {
    let pair = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let key = PrivateKey::parse(pair.serialize_pem().as_bytes()).unwrap();
    (pair, key)
});

pub static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let merchant = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let config = json!({
        "provider": "wechat",
        "mchid": "1900007291",
        "merchant_serial": "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10",
        "private_key": merchant.serialize_pem(),
        "apiv3_key": std::str::from_utf8(APIV3_KEY).unwrap(),
        "platform_public_keys": { KEY_ID: PLATFORM.0.public_key_pem() },
        "appid": "wxd678efh567hg6787",
        "notify_url": "https://shop.example.com/notify",
        "retry": { "max_attempts": 1 },
        "circuit_breaker": { "failures": 1000, "open_ms": 1 },
    });
    let host = Host {
        clock: Box::new(Standing),
        ..Host::default()
    };
    Client::new(config.to_string().as_bytes(), host).unwrap()
});

pub const ALIPAY_APP: &str = "2021000000000001";
/// `NOW` as Alipay writes it.
pub const NOW_IN_BEIJING: &str = "2023-11-15 06:13:20";

/// An app at Alipay, which signs with the platform's key.
pub static ALIPAY: LazyLock<Client> = LazyLock::new(|| {
    let app = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let config = json!({
        "provider": "alipay",
        "app_id": ALIPAY_APP,
        "private_key": app.serialize_pem(),
        "alipay_public_key": PLATFORM.0.public_key_pem(),
        "retry": { "max_attempts": 1 },
        "circuit_breaker": { "failures": 1000, "open_ms": 1 },
    });
    let host = Host {
        clock: Box::new(Standing),
        ..Host::default()
    };
    Client::new(config.to_string().as_bytes(), host).unwrap()
});

/// By the platform, RSASSA-PKCS1-v1_5 with SHA-256.
pub fn sign(message: &[u8]) -> Vec<u8> {
    PLATFORM.1.sign_sha256(message).unwrap()
}

struct Standing;

impl Clock for Standing {
    fn now_ms(&self) -> payseal::Result<i64> {
        Ok(NOW * 1000)
    }
}

/// Header lines under which the platform sends `body`.
pub fn signed(body: &[u8]) -> String {
    let message = [format!("{NOW}\n{NONCE}\n").as_bytes(), body, b"\n"].concat();
    let signature = base64::encode(&PLATFORM.1.sign_sha256(&message).unwrap());
    format!(
        "Wechatpay-Timestamp: {NOW}\nWechatpay-Nonce: {NONCE}\nWechatpay-Serial: {KEY_ID}\nWechatpay-Signature: {signature}\n"
    )
}

/// The envelope of a notification whose plaintext this is.
pub fn envelope(plaintext: &[u8]) -> Vec<u8> {
    let ciphertext =
        aes_256_gcm_seal(APIV3_KEY, b"fdasflkja484", b"transaction", plaintext).unwrap();
    json!({
        "id": "EV-1", "create_time": "2023-11-14T22:13:20+08:00", "resource_type": "encrypt-resource", "event_type": "TRANSACTION.SUCCESS",
        "resource": { "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "ciphertext": base64::encode(&ciphertext),
                      "associated_data": "transaction", "nonce": "fdasflkja484" },
    })
    .to_string()
    .into_bytes()
}

/// Cuts the input at its first NUL.
pub fn cut(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}
