//! Notifications of WeChat Pay, signed and sealed beforehand by a platform whose key openssl makes.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payseal::Client;
use payseal::host::Host;
use serde_json::json;

const APIV3_KEY: &str = "0123456789abcdef0123456789abcdef";
const KEY_ID: &str = "PUB_KEY_ID_0119000000012024";
const NONCE: &str = "uluk4a9R25RW";

/// A client, and for each notification its header lines and its body.
pub fn notifications(count: usize) -> (Client, Vec<(String, Vec<u8>)>) {
    let (merchant, platform) = (
        openssl(&["genrsa", "2048"], ""),
        openssl(&["genrsa", "2048"], ""),
    );
    let config = json!({
        "provider": "wechat", "mchid": "1900000001", "merchant_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "private_key": pkcs8(&merchant), "apiv3_key": APIV3_KEY,
        "platform_public_keys": { KEY_ID: openssl(&["rsa", "-pubout"], &platform) },
    });
    let client = Client::new(config.to_string().as_bytes(), Host::default())
        .expect("the configuration is complete");
    let pem = pkcs8(&platform);
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).expect("base64"))
        .expect("a key of openssl");
    let cipher =
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, APIV3_KEY.as_bytes()).expect("32 bytes"));
    let notifications = (0..count)
        .map(|number| notification(&key, &cipher, number))
        .collect();
    (client, notifications)
}

fn notification(key: &RsaKeyPair, cipher: &LessSafeKey, number: usize) -> (String, Vec<u8>) {
    let transaction = json!({
        "mchid": "1900000001", "appid": "wxd678efh567hg6787", "out_trade_no": format!("order{number:012}"),
        "transaction_id": format!("4200001234{number:018}"), "trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功",
        "bank_type": "OTHERS", "attach": "", "success_time": "2024-11-13T10:34:56+08:00", "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
        "amount": { "total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY" },
    });
    let mut sealed = transaction.to_string().into_bytes();
    let nonce = Nonce::try_assume_unique_for_key(NONCE.as_bytes()).expect("12 bytes");
    cipher
        .seal_in_place_append_tag(nonce, Aad::from(b"transaction"), &mut sealed)
        .expect("sealed");
    let body = json!({
        "id": format!("EV-{number}"), "create_time": "2024-11-13T10:34:56+08:00", "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS", "summary": "支付成功",
        "resource": { "original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "ciphertext": STANDARD.encode(sealed), "associated_data": "transaction", "nonce": NONCE },
    })
    .to_string();
    let timestamp = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let message = format!("{timestamp}\n{NONCE}\n{body}\n");
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .expect("a signature");
    let headers = format!(
        "Wechatpay-Timestamp: {timestamp}\nWechatpay-Nonce: {NONCE}\nWechatpay-Serial: {KEY_ID}\nWechatpay-Signature: {}\n",
        STANDARD.encode(signature)
    );
    (headers, body.into_bytes())
}

fn pkcs8(pem: &str) -> String {
    openssl(&["pkcs8", "-topk8", "-nocrypt"], pem)
}

fn openssl(arguments: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(input.as_bytes())
        .expect("it reads");
    String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("PEM")
}
