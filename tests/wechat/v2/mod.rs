//! APIv2: flat XML, signed with a shared key. The platform of these tests signs with openssl and with the engine that payseal does not use.

mod answers;
mod cashier;
mod configuration;
mod micropay;
mod notifications;
mod operations;
mod parameters;
mod refusals;
mod sandbox;
mod signing;

use payseal::call::Delivered;
use payseal::crypto::engine::Engine;
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::wire::{Request, Response, xml};
use payseal::{Client, Result};
use serde_json::{Value, json};

use crate::support::drive;
use crate::support::merchant::{self, *};
use crate::support::openssl;

pub const UNIFIED: &str = "POST /pay/unifiedorder";
pub const QUERY: &str = "POST /pay/orderquery";
pub const REFUND: &str = "POST /secapi/pay/refund";
pub const UNKNOWN: &str = "POST /pay/notincatalogue";

pub fn config(changes: Value) -> Value {
    let mut config = json!({
        "provider": "wechat-v2",
        "mchid": MCHID,
        "apiv2_key": APIV2_KEY,
        "appid": APPID,
        "notify_url": "https://shop.example.com/notify",
        "client_certificate": *MERCHANT_CERTIFICATE,
        "client_key": MERCHANT.private,
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

pub fn client(changes: Value) -> Client {
    merchant::client(config(changes)).0
}

/// A complete order of one yuan.
pub fn order() -> Value {
    json!({ "body": {
        "body": "a test",
        "out_trade_no": ORDER,
        "total_fee": 100,
        "spbill_create_ip": "203.0.113.7",
        "trade_type": "JSAPI",
        "openid": OPENID,
    }})
}

pub fn query() -> Value {
    json!({ "body": { "out_trade_no": ORDER } })
}

pub fn refund() -> Value {
    json!({ "body": { "out_trade_no": ORDER, "out_refund_no": "refund0001", "total_fee": 100, "refund_fee": 60 } })
}

pub type Pairs = Vec<(String, String)>;

pub fn pairs(fields: &[(&str, &str)]) -> Pairs {
    let own = |(name, text): &(&str, &str)| (name.to_string(), text.to_string());
    fields.iter().map(own).collect()
}

/// The signature by another implementation: the string put together anew, MD5 by openssl, HMAC by the second engine.
pub fn signature(algorithm: &str, key: &str, fields: &[(String, String)]) -> String {
    let mut lines: Vec<String> = fields
        .iter()
        .filter(|(name, text)| name != "sign" && !text.is_empty())
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    lines.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
    let message = format!("{}&key={key}", lines.join("&"));
    let digest = match algorithm {
        "MD5" => openssl::run(&["dgst", "-md5", "-binary"], message.as_bytes()),
        _ => RustCrypto::hmac_sha256(key.as_bytes(), message.as_bytes()).to_vec(),
    };
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The XML of a message as the provider sends it.
pub fn document(fields: &[(String, String)]) -> Vec<u8> {
    let element =
        |(name, text): &(String, String)| format!("<{name}><![CDATA[{text}]]></{name}>\n");
    format!(
        "<xml>{}</xml>",
        fields.iter().map(element).collect::<String>()
    )
    .into_bytes()
}

/// The same, signed.
pub fn signed_with(algorithm: &str, key: &str, mut fields: Pairs) -> Vec<u8> {
    let sign = signature(algorithm, key, &fields);
    fields.push(("sign".into(), sign));
    document(&fields)
}

pub fn signed(fields: &[(&str, &str)]) -> Vec<u8> {
    signed_with("HMAC-SHA256", APIV2_KEY, pairs(fields))
}

/// The fields that were sent, in their order.
pub fn sent(request: &Request) -> Pairs {
    xml::read(&request.body).unwrap()
}

pub fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, text) = fields.iter().find(|(key, _)| key == name)?;
    Some(text)
}

pub fn answer(body: impl Into<Vec<u8>>) -> Response {
    Response::read(200, b"Content-Type: text/xml\n", &body.into()).unwrap()
}

/// What executing an operation gives when the provider answers with that body.
pub fn answered(
    client: &Client,
    operation: &str,
    params: &Value,
    body: Vec<u8>,
) -> Result<Delivered> {
    drive::execute(client, operation, params, |_| Ok(answer(body.clone())))
}

/// The body of a result, as JSON.
#[track_caller]
pub fn read(delivered: &Delivered) -> Value {
    serde_json::from_slice(&delivered.body).unwrap()
}

pub const PREPAID: [(&str, &str); 8] = [
    ("return_code", "SUCCESS"),
    ("return_msg", "OK"),
    ("appid", APPID),
    ("mch_id", MCHID),
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("result_code", "SUCCESS"),
    ("prepay_id", "wx201411101639507cbf6ffd8b0779950874"),
    ("trade_type", "JSAPI"),
];

/// `PREPAID` with other values; an empty one takes a field away.
pub fn prepaid(changes: &[(&str, &str)]) -> Pairs {
    let mut fields = pairs(&PREPAID);
    for (name, text) in changes {
        fields.retain(|(key, _)| key != name);
        if !text.is_empty() {
            fields.push((name.to_string(), text.to_string()));
        }
    }
    fields
}
