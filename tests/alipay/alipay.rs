//! One app, and the Alipay that answers it: keys and signatures by openssl.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use payseal::wire::{Headers, Request, Response};
use payseal::{Client, Result};
use serde_json::{Map, Value, json};

use crate::support::host::World;
use crate::support::merchant::{MERCHANT, PLATFORM, Pair};
use crate::support::openssl::{self, Folder};

pub const APP_ID: &str = "2021000000000001";
pub const SELLER: &str = "2088000000000001";
/// Base64 of sixteen bytes.
pub const ENCRYPT_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZg==";
/// The same in hex, for openssl.
const ENCRYPT_KEY_HEX: &str = "30313233343536373839616263646566";
/// In Beijing it is 2023-11-15 06:13:20 when the clock of the tests shows `NOW`.
pub const NOW_IN_BEIJING: &str = "2023-11-15 06:13:20";

pub fn config() -> Value {
    json!({
        "provider": "alipay", "app_id": APP_ID, "private_key": MERCHANT.private, "alipay_public_key": PLATFORM.public,
        "retry": { "max_attempts": 1 },
    })
}

pub fn client(world: &World) -> Client {
    client_of(&config(), world).unwrap()
}

pub fn client_of(config: &Value, world: &World) -> Result<Client> {
    Client::new(config.to_string().as_bytes(), world.host())
}

/// The configuration with some keys set, or taken away by null.
pub fn config_with(changes: Value) -> Value {
    let mut config = config();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
            value => config[key] = value.clone(),
        }
    }
    config
}

/// RSASSA-PKCS1-v1_5 by openssl, in base64.
pub fn sign_with(key: &Pair, digest: &str, message: &[u8]) -> String {
    let folder = Folder::new();
    let key = folder.write("key.pem", key.private.as_bytes());
    let signature = openssl::run(&["dgst", digest, "-sign", &key, "-binary"], message);
    base64(&signature)
}

pub fn sign(message: &[u8]) -> String {
    sign_with(&PLATFORM, "-sha256", message)
}

/// Whether openssl finds a signature by the app's key good.
pub fn verifies(digest: &str, message: &[u8], signature: &str) -> bool {
    let folder = Folder::new();
    let key = folder.write("key.pem", MERCHANT.public.as_bytes());
    let signature = folder.write("signature", &unbase64(signature));
    openssl::attempt(
        &["dgst", digest, "-verify", &key, "-signature", &signature],
        message,
    )
    .status
    .success()
}

pub fn base64(bytes: &[u8]) -> String {
    String::from_utf8(openssl::run(&["base64", "-A"], bytes)).unwrap()
}

pub fn unbase64(text: &str) -> Vec<u8> {
    openssl::run(&["base64", "-d", "-A"], text.as_bytes())
}

pub fn aes(direction: &str, bytes: &[u8]) -> Vec<u8> {
    let iv = "00000000000000000000000000000000";
    openssl::run(
        &[
            "enc",
            "-aes-128-cbc",
            direction,
            "-K",
            ENCRYPT_KEY_HEX,
            "-iv",
            iv,
        ],
        bytes,
    )
}

/// What is sent in the address and in the form, percent signs undone.
pub fn sent(request: &Request) -> BTreeMap<String, Vec<u8>> {
    let query = request.target.split_once('?').unwrap().1.as_bytes();
    let form: &[u8] = if header(request, "Content-Type").starts_with("application/x-www-form") {
        &request.body
    } else {
        b""
    };
    let mut fields = BTreeMap::new();
    for pair in query
        .split(|b| *b == b'&')
        .chain(form.split(|b| *b == b'&'))
        .filter(|pair| !pair.is_empty())
    {
        let at = pair.iter().position(|b| *b == b'=').unwrap();
        let name = String::from_utf8(pair[..at].to_vec()).unwrap();
        assert!(
            fields.insert(name, undone(&pair[at + 1..])).is_none(),
            "a field is sent twice"
        );
    }
    fields
}

pub fn undone(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'%' {
            bytes.push(
                u8::from_str_radix(std::str::from_utf8(&text[at + 1..at + 3]).unwrap(), 16)
                    .unwrap(),
            );
            at += 3;
        } else {
            bytes.push(text[at]);
            at += 1;
        }
    }
    bytes
}

pub fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request
        .headers
        .iter()
        .find(|(known, _)| *known == name)
        .map_or("", |(_, value)| value)
}

/// The text that is signed: sorted, without the signature and what is empty.
pub fn canonical(fields: &BTreeMap<String, Vec<u8>>, left_out: &[&str]) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, value) in fields
        .iter()
        .filter(|(name, value)| !value.is_empty() && !left_out.contains(&name.as_str()))
    {
        if !text.is_empty() {
            text.push(b'&');
        }
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
    }
    text
}

/// The answer to a request of the gateway.
pub fn answer(node: &str, content: &str) -> Response {
    raw(format!(
        "{{\"{node}\":{content},\"sign\":\"{}\"}}",
        sign(content.as_bytes())
    )
    .into_bytes())
}

pub fn raw(body: Vec<u8>) -> Response {
    Response {
        status: 200,
        headers: Headers::parse("Content-Type: text/html;charset=utf-8\ntrace_id: 0b1\n").unwrap(),
        body,
    }
}

/// A notification: fields, signed as payments are.
pub fn notification(fields: &Value) -> Vec<u8> {
    signed_form(
        fields.as_object().unwrap(),
        &["sign", "sign_type"],
        &PLATFORM,
    )
}

pub fn signed_form(fields: &Map<String, Value>, left_out: &[&str], key: &Pair) -> Vec<u8> {
    let mut all: BTreeMap<String, Vec<u8>> = fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
        .collect();
    all.insert("sign_type".into(), b"RSA2".to_vec());
    let signature = sign_with(key, "-sha256", &canonical(&all, left_out));
    all.insert("sign".into(), signature.into_bytes());
    form(&all)
}

pub fn form(fields: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}={}",
                value
                    .iter()
                    .map(|byte| format!("%{byte:02X}"))
                    .collect::<String>()
            )
        })
        .collect();
    pairs.join("&").into_bytes()
}

pub fn paid() -> Value {
    json!({
        "app_id": APP_ID, "charset": "utf-8", "notify_id": "2023111500222061320099999999", "notify_time": NOW_IN_BEIJING,
        "notify_type": "trade_status_sync", "out_trade_no": "A100", "trade_no": "2023111522001499999", "seller_id": SELLER,
        "subject": "茶 & Tee", "total_amount": "88.88", "trade_status": "TRADE_SUCCESS", "version": "1.0", "buyer_id": "",
    })
}

/// An RSA key of 1024 bits, as old apps have it.
pub static SMALL: LazyLock<Pair> = LazyLock::new(|| {
    let private = openssl::generate_rsa(1024);
    Pair {
        public: String::from_utf8(openssl::public_half(&private)).unwrap(),
        private: String::from_utf8(private).unwrap(),
    }
});
