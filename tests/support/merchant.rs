//! One merchant: its keys, made by openssl, its certificates, its configuration.

use std::sync::LazyLock;

use payseal::Client;
use rcgen::{CertificateParams, DnType, KeyPair, SerialNumber, date_time_ymd};
use serde_json::{Value, json};

use super::host::World;
use super::openssl;

/// What the clock shows, Unix seconds: 2023-11-14.
pub const NOW: i64 = 1_700_000_000;
pub const MCHID: &str = "1900007291";
pub const APPID: &str = "wxd678efh567hg6787";
pub const OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";
pub const APIV3_KEY: &str = "Wj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u";
pub const PREVIOUS_APIV3_KEY: &str = "Old1pGq2ZsX9vB4nR8tYcL1mK5hD3fA6";
pub const APIV2_KEY: &str = "Kf7Jq2LsW9xB4mT8rYcV1nZ5hG3dP6aE";
pub const PREVIOUS_APIV2_KEY: &str = "Old7Jq2LsW9xB4mT8rYcV1nZ5hG3dP6a";
/// With a leading zero, which a number printed in hex would lose.
pub const MERCHANT_SERIAL: &str = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10";
pub const PLATFORM_SERIAL: &str = "0761F9C719728A8C2B47B8A2D4D1E92F5B3C7A15";
/// The first bit is set, so DER prepends a zero byte.
pub const NEXT_SERIAL: &str = "F5765756002FDD77AB3CD6E1F9C0B0E41D8A6B32";
pub const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_0119000072912024111300111600002187";

pub const JSAPI: &str = "POST /v3/pay/transactions/jsapi";
pub const NATIVE: &str = "POST /v3/pay/transactions/native";
pub const QUERY: &str = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}";
pub const REFUND: &str = "POST /v3/refund/domestic/refunds";
/// Not in the catalogue, so that nobody knows whether it may be repeated.
pub const UNKNOWN_POST: &str = "POST /v3/not/in/the/catalogue";

/// A key in PEM: PKCS#8 and SubjectPublicKeyInfo.
pub struct Pair {
    pub private: String,
    pub public: String,
}

fn pair() -> Pair {
    let private = openssl::generate_rsa(2048);
    let public = openssl::public_half(&private);
    Pair {
        private: String::from_utf8(private).unwrap(),
        public: String::from_utf8(public).unwrap(),
    }
}

pub static MERCHANT: LazyLock<Pair> = LazyLock::new(pair);
/// The platform's key that is configured as a public key.
pub static PLATFORM: LazyLock<Pair> = LazyLock::new(pair);
/// The platform's key that is in a certificate.
pub static CERTIFIED: LazyLock<Pair> = LazyLock::new(pair);
/// The key of the platform certificate that comes next.
pub static NEXT: LazyLock<Pair> = LazyLock::new(pair);
pub static STRANGER: LazyLock<Pair> = LazyLock::new(pair);

pub static MERCHANT_CERTIFICATE: LazyLock<String> =
    LazyLock::new(|| certificate(&MERCHANT, MERCHANT_SERIAL, LONG));
pub static PLATFORM_CERTIFICATE: LazyLock<String> =
    LazyLock::new(|| certificate(&CERTIFIED, PLATFORM_SERIAL, LONG));
pub static NEXT_CERTIFICATE: LazyLock<String> =
    LazyLock::new(|| certificate(&NEXT, NEXT_SERIAL, LONG));

/// First and last day of a certificate: year, month, day.
pub type Days = [(i32, u8, u8); 2];
pub const LONG: Days = [(2020, 1, 1), (2050, 1, 1)];

/// A certificate by `key` for itself.
pub fn certificate(key: &Pair, serial: &str, [first, last]: Days) -> String {
    let bytes: Vec<u8> = (0..serial.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&serial[at..at + 2], 16).unwrap())
        .collect();
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "payseal test");
    params.serial_number = Some(SerialNumber::from_slice(&bytes));
    params.not_before = date_time_ymd(first.0, first.1, first.2);
    params.not_after = date_time_ymd(last.0, last.1, last.2);
    let signer = KeyPair::from_pem(&key.private).unwrap();
    params.self_signed(&signer).unwrap().pem()
}

/// A complete configuration, with `changes` on top; null takes a member away. Public key and certificate of the platform are both there.
pub fn config(changes: Value) -> Value {
    let mut config = json!({
        "provider": "wechat",
        "mchid": MCHID,
        "merchant_serial": MERCHANT_SERIAL,
        "private_key": MERCHANT.private,
        "apiv3_key": APIV3_KEY,
        "platform_public_keys": { PUBLIC_KEY_ID: PLATFORM.public },
        "platform_certificates": [*PLATFORM_CERTIFICATE],
        "certificate_refresh": { "enabled": false },
        "hosts": ["https://api.mch.weixin.qq.com"],
        "appid": APPID,
        "notify_url": "https://shop.example.com/notify",
        "retry": { "base_ms": 1, "cap_ms": 1 },
    });
    let members = config.as_object_mut().unwrap();
    for (key, value) in changes.as_object().expect("changes are an object") {
        match value {
            Value::Null => drop(members.shift_remove(key)),
            value => drop(members.insert(key.clone(), value.clone())),
        }
    }
    config
}

/// Without any key of the platform: certificates have to be fetched.
pub fn bootstrap_config(changes: Value) -> Value {
    let mut all = json!({
        "platform_public_keys": null,
        "platform_certificates": null,
        "certificate_refresh": null,
    });
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    config(all)
}

pub fn client(config: Value) -> (Client, World) {
    let world = World::new();
    (client_in(&world, config), world)
}

pub fn client_in(world: &World, config: Value) -> Client {
    Client::new(config.to_string().as_bytes(), world.host()).unwrap()
}

pub const ORDER: &str = "order0001";

/// A complete JSAPI order of one yuan.
pub fn jsapi_order() -> Value {
    json!({ "body": {
        "description": "a test",
        "out_trade_no": ORDER,
        "amount": { "total": 100, "currency": "CNY" },
        "payer": { "openid": OPENID },
    }})
}

pub fn native_order() -> Value {
    json!({ "body": {
        "description": "a test",
        "out_trade_no": ORDER,
        "amount": { "total": 100, "currency": "CNY" },
    }})
}

pub fn query(out_trade_no: &str) -> Value {
    json!({ "path": { "out_trade_no": out_trade_no } })
}

pub fn refund() -> Value {
    json!({ "body": {
        "out_trade_no": ORDER,
        "out_refund_no": "refund0001",
        "amount": { "refund": 60, "total": 100, "currency": "CNY" },
    }})
}

/// `params` with these options of the call.
pub fn with_options(mut params: Value, options: Value) -> Value {
    params["$"] = options;
    params
}
