//! What was sealed in a message, opened: everything that one of the sandbox's own keys opens.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::Value;

use crate::alipay;
use crate::sandbox::Sandbox;
use crate::v2;

use super::{Exchange, Kind};

/// The shortest that public-key encryption makes.
const SHORTEST: usize = 96;

#[derive(Serialize)]
pub struct Opened {
    /// A JSON pointer, or the name of a parameter.
    field: String,
    /// What opened it.
    by: String,
    /// None: it is a box, but not under the merchant's key.
    plaintext: Option<Value>,
}

pub fn of_message(sandbox: &Sandbox, exchange: &Exchange) -> Vec<Opened> {
    let mut opened = Vec::new();
    match (exchange.kind, exchange.api) {
        (Kind::Notification, "alipay") => {}
        (Kind::Request, "alipay" | "alipay-v3") => {
            opened.extend(alipay::opened_message(sandbox, exchange).map(by_alipays_key));
        }
        (Kind::Notification, "v2") => {
            let info = v2::open_information(sandbox, &exchange.body);
            opened.extend(info.map(|plaintext| Opened {
                field: "req_info".into(),
                by: "APIv2 key".into(),
                plaintext: plaintext.map(Value::from),
            }));
        }
        (Kind::Notification, _) => {
            let body = serde_json::from_str(&exchange.body).unwrap_or_default();
            walk(&body, "", Opener::Merchant(sandbox), &mut opened);
        }
        (Kind::Request, _) => {
            let opener = Opener::Platform(sandbox);
            let query = exchange.url.split_once('?').map_or("", |(_, query)| query);
            for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
                let value = Value::from(percent_decode_str(value).decode_utf8_lossy());
                walk(&value, name, opener, &mut opened);
            }
            // Of an upload what is signed is its only JSON.
            let text = exchange.signed_text.as_deref().unwrap_or_default();
            let body = text.splitn(5, '\n').nth(4).unwrap_or_default();
            let body = serde_json::from_str(body).unwrap_or_default();
            walk(&body, "", opener, &mut opened);
        }
    }
    opened
}

pub fn of_answer(sandbox: &Sandbox, exchange: &Exchange) -> Vec<Opened> {
    let mut opened = Vec::new();
    if exchange.api.starts_with("alipay") {
        opened.extend(alipay::opened_answer(sandbox, exchange).map(by_alipays_key));
    } else if exchange.kind == Kind::Request {
        let body = serde_json::from_str(&exchange.answer.body).unwrap_or_default();
        walk(&body, "", Opener::Merchant(sandbox), &mut opened);
    }
    opened
}

fn by_alipays_key((field, plaintext): (String, Value)) -> Opened {
    Opened {
        field,
        by: "encrypt_key".into(),
        plaintext: Some(plaintext),
    }
}

/// The key of the platform that opens it, and the plaintext.
pub fn by_platform(sandbox: &Sandbox, sealed: &str) -> Option<(String, String)> {
    let key = &sandbox.public_key;
    if let Some(plaintext) = key.key.open_field(sealed) {
        return Some((key.id.clone(), plaintext));
    }
    sandbox.ring().all().iter().rev().find_map(|certificate| {
        let plaintext = certificate.key.open_field(sealed)?;
        Some((certificate.serial.clone(), plaintext))
    })
}

pub fn looks_sealed(text: &str) -> bool {
    text.len() >= SHORTEST && STANDARD.decode(text).is_ok_and(|it| it.len() >= SHORTEST)
}

/// For whom a message was sealed.
#[derive(Clone, Copy)]
enum Opener<'a> {
    Platform(&'a Sandbox),
    /// Who also has the key of boxes.
    Merchant(&'a Sandbox),
}

impl Opener<'_> {
    /// What opens a field, and its plaintext.
    fn field(self, sealed: &str) -> Option<(String, String)> {
        match self {
            Self::Platform(sandbox) => by_platform(sandbox, sealed),
            Self::Merchant(sandbox) => {
                let plaintext = sandbox.merchant.key.open_field(sealed)?;
                Some((sandbox.merchant.serial.clone(), plaintext))
            }
        }
    }

    /// None: it is no box. Inside, none: another key has sealed it.
    fn unboxed(self, value: &Value) -> Option<Option<Value>> {
        let Self::Merchant(sandbox) = self else {
            return None;
        };
        let text = |name: &str| value[name].as_str();
        let (nonce, ciphertext) = (text("nonce")?, text("ciphertext")?);
        let data = text("associated_data").unwrap_or_default();
        let merchant = &sandbox.merchant;
        let plaintext = merchant
            .scheme
            .open(&merchant.apiv3_key, nonce, data, ciphertext);
        Some(plaintext.map(|plaintext| {
            serde_json::from_slice(&plaintext)
                .unwrap_or_else(|_| String::from_utf8_lossy(&plaintext).into())
        }))
    }
}

fn walk(value: &Value, pointer: &str, by: Opener, opened: &mut Vec<Opened>) {
    match value {
        Value::String(text) if looks_sealed(text) => {
            if let Some((key, plaintext)) = by.field(text) {
                opened.push(Opened {
                    field: pointer.to_owned(),
                    by: key,
                    plaintext: Some(plaintext.into()),
                });
            }
        }
        Value::Object(fields) => {
            if let Some(found) = by.unboxed(value) {
                let inside = found.clone();
                let pointer = format!("{pointer}/ciphertext");
                opened.push(Opened {
                    field: pointer.clone(),
                    by: "APIv3 key".into(),
                    plaintext: found,
                });
                return walk(&inside.unwrap_or_default(), &pointer, by, opened);
            }
            for (name, value) in fields {
                walk(value, &format!("{pointer}/{name}"), by, opened);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{index}"), by, opened);
            }
        }
        _ => {}
    }
}
