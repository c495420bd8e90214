//! A notification: verified, then decrypted, then read. <https://pay.weixin.qq.com/doc/v3/merchant/4012791861>

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::crypto::{aes_256_gcm_open, base64, sha256};
use crate::error::{Code, Error, Outcome, Result};
use crate::notification::{Event, Reply};
use crate::wire::{Headers, json as strict};

use super::keyring::KeyRing;
use super::merchant::Merchant;
use super::verification;

const MAX_BODY: usize = 1 << 20;
const ALGORITHM: &str = "AEAD_AES_256_GCM";

pub(super) fn open(
    merchant: &Merchant,
    ring: &KeyRing,
    headers: &Headers,
    body: &[u8],
    now_s: i64,
) -> Result<Event> {
    if body.len() > MAX_BODY {
        return Err(malformed("it is longer than 1 MiB"));
    }
    let proof = verification::verify(ring, merchant.window_s, headers, body, now_s)?;
    let sent = strict::parse_object(body).map_err(|problem| malformed(&problem))?;
    let resource = sent
        .get("resource")
        .ok_or_else(|| malformed("resource is missing"))?;
    let plaintext = open_resource(merchant, resource)?;
    strict::check_object(&plaintext)
        .map_err(|problem| malformed(&format!("of its plaintext, {problem}")))?;

    let mut envelope = Map::new();
    for key in [
        "id",
        "create_time",
        "event_type",
        "resource_type",
        "summary",
    ] {
        let text = sent.get(key).and_then(Value::as_str);
        match text {
            Some(text) => envelope.insert(key.into(), text.into()),
            None if key == "id" || key == "event_type" => {
                return Err(malformed(&format!("{key} is missing")));
            }
            None => None,
        };
    }
    if let Some(original) = resource.get("original_type").and_then(Value::as_str) {
        envelope.insert("original_type".into(), original.into());
    }
    envelope.insert("provider".into(), "wechat".into());
    envelope.insert("mchid".into(), merchant.mchid.clone().into());
    envelope.insert("serial".into(), proof.serial.into());
    envelope.insert("timestamp".into(), proof.timestamp.into());
    Ok(Event {
        envelope,
        plaintext,
    })
}

/// The same delivery has the same serial, time, nonce and signature; a repetition by the provider has others.
///
/// Only what can be spelled in one way takes part, or whoever repeats a delivery would spell it differently: the serial is the one that
/// was verified, not the header.
pub(super) fn fingerprint(event: &Event, headers: &Headers) -> [u8; 32] {
    let field = |name| headers.first(name).unwrap_or_default();
    let serial = event.envelope.get("serial").and_then(Value::as_str);
    let parts = [
        serial.unwrap_or_default(),
        field("wechatpay-timestamp"),
        field("wechatpay-nonce"),
        field("wechatpay-signature"),
    ];
    sha256(parts.join("\n").as_bytes())
}

/// Decrypts `{algorithm, nonce, associated_data, ciphertext}` with the APIv3 key, then with the previous one.
pub(super) fn open_resource(merchant: &Merchant, resource: &Value) -> Result<Zeroizing<Vec<u8>>> {
    let text = |key: &str| match resource.get(key) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(malformed(&format!(
            "resource.{key} is missing or no string"
        ))),
    };
    if text("algorithm")? != ALGORITHM {
        return Err(Error::new(Code::AlgorithmMismatch, format!("the resource is not encrypted with {ALGORITHM}, the only algorithm that is configured"))
            .with_outcome(Outcome::Malformed)
            .with_field("resource.algorithm"));
    }
    let nonce: &[u8; 12] = text("nonce")?
        .as_bytes()
        .try_into()
        .map_err(|_| malformed("resource.nonce is not 12 bytes long"))?;
    let aad = match resource.get("associated_data") {
        None | Some(Value::Null) => "",
        Some(Value::String(aad)) => aad,
        Some(_) => return Err(malformed("resource.associated_data is no string")),
    };
    let ciphertext = base64::decode(text("ciphertext")?.as_bytes())
        .map_err(|_| malformed("resource.ciphertext is not proper base64"))?;
    merchant.apiv3_keys.iter().find_map(|key| aes_256_gcm_open(key, nonce, aad.as_bytes(), &ciphertext).ok()).ok_or_else(|| {
        Error::new(Code::DecryptionFailed, "the resource cannot be decrypted with the APIv3 key")
            .with_outcome(Outcome::Malformed)
            .with_field("apiv3_key")
            .with_hint("is apiv3_key this merchant's current APIv3 key, and not the APIv2 key? After a change, keep the old one as previous_apiv3_key")
    })
}

/// 200 tells the provider to stop; anything from 400 on makes it send again.
pub(super) fn reply(code: i32) -> Reply {
    let status = match code {
        0 => 200,
        205 | 211 => 400,
        200..=299 => 401,
        _ => 500,
    };
    let body = if code == 0 {
        json!({ "code": "SUCCESS", "message": "成功" })
    } else {
        json!({ "code": "FAIL", "message": reason(status) })
    };
    Reply {
        status,
        content_type: "application/json",
        body: body.to_string().into_bytes(),
    }
}

/// Nothing about our keys or our inside leaves in an answer.
fn reason(status: u16) -> &'static str {
    match status {
        400 => "malformed notification",
        401 => "signature not accepted",
        _ => "not processed, send again",
    }
}

fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the message cannot be read: {problem}"),
    )
}
