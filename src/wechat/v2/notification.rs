//! A notification: verified or, where the provider only encrypts, decrypted; then read.
//! <https://pay.weixin.qq.com/doc/v2/merchant/4011985946>, of refunds <https://pay.weixin.qq.com/doc/v2/merchant/4011984897>

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::crypto::{aes_256_ecb_open, base64, md5, sha256};
use crate::error::{Code, Error, Outcome, Result};
use crate::notification::{Authenticity, Envelope, Event, Reply};
use crate::wire::xml;

use super::PROVIDER;
use super::answer::map;
use super::merchant::Merchant;
use super::sandbox_key::SERIAL;
use super::signature::{ApiKey, verify};

pub(super) fn open(merchant: &Merchant, keys: &[ApiKey], body: &[u8]) -> Result<Event> {
    if keys.is_empty() {
        let problem = "the sandbox's key is not there yet";
        return Err(Error::new(Code::UnknownSerial, problem).with("serial", SERIAL));
    }
    let fields = xml::read(body)
        .map_err(|problem| malformed(&problem).with_outcome(Outcome::Unauthentic))?;
    let (fields, authenticity) = match text(&fields, "req_info") {
        // A field of that name under a signature is what the signature says it is.
        Some(info) if text(&fields, "sign").is_none() => {
            belongs_to(merchant, |name| text(&fields, name))?;
            (decrypted(keys, info)?, Authenticity::EncryptedOnly)
        }
        _ => {
            verify(&merchant.notification_algorithms, keys, &fields)?;
            (map(fields), Authenticity::Signed)
        }
    };
    belongs_to(merchant, |name| fields.get(name).and_then(Value::as_str))?;
    let kind = Kind::of(&fields, authenticity);
    let envelope = Envelope {
        id: id(&fields),
        create_time: time(&fields),
        event_type: kind.event_type,
        resource_type: None,
        summary: None,
        original_type: kind.original_type.map(str::to_owned),
        provider: PROVIDER,
        merchant: merchant.mchid.clone(),
        serial: String::new(),
        timestamp: 0,
        authenticity,
        confirm_with: kind.confirm_with,
        replay: false,
    };
    Ok(Event {
        envelope,
        plaintext: Zeroizing::new(Value::Object(fields).to_string().into_bytes()),
    })
}

/// The key is the lower-case hex of the MD5 of the APIv2 key: 32 characters, used as they stand.
fn decrypted(keys: &[ApiKey], info: &str) -> Result<Map<String, Value>> {
    let failed = || {
        Error::new(Code::DecryptionFailed, "req_info cannot be decrypted with the APIv2 key")
            .with_outcome(Outcome::Malformed)
            .with_field("apiv2_key")
            .with_hint("is apiv2_key this merchant's current APIv2 key, and not the APIv3 key? After a change, keep the old one as previous_apiv2_key")
    };
    // Whatever goes wrong with one key, in decryption or in what it brings to light, is the same as with the other.
    let ciphertext = base64::decode(info.as_bytes()).map_err(|_| failed())?;
    let open = |key: &ApiKey| {
        let plaintext = aes_256_ecb_open(&secret(key), &ciphertext).ok()?;
        xml_of_refund(&plaintext)
    };
    keys.iter().find_map(open).ok_or_else(failed)
}

fn secret(key: &ApiKey) -> Zeroizing<[u8; 32]> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Zeroizing::new(md5(key));
    let mut secret = Zeroizing::new([0; 32]);
    for (pair, byte) in secret.chunks_exact_mut(2).zip(digest.iter()) {
        pair.copy_from_slice(&[DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]);
    }
    secret
}

/// What is encrypted is flat XML too, under another root.
fn xml_of_refund(plaintext: &[u8]) -> Option<Map<String, Value>> {
    xml::read_under("root", plaintext).ok().map(map)
}

/// A merchant's key is the merchant's alone, but two merchants may have set the same.
fn belongs_to<'a>(merchant: &Merchant, field: impl Fn(&str) -> Option<&'a str>) -> Result<()> {
    for name in ["mch_id", "mchid", "combine_mch_id"] {
        if field(name).is_some_and(|id| id != merchant.mchid) {
            let message =
                format!("the notification's {name} is not the merchant this client is for");
            return Err(Error::new(Code::ResponseMismatch, message)
                .with_outcome(Outcome::Malformed)
                .with_field(name)
                .with_hint("was the notification of another merchant routed to this client?"));
        }
    }
    Ok(())
}

/// APIv2 names no event; what happened is read from the fields.
struct Kind {
    event_type: String,
    original_type: Option<&'static str>,
    confirm_with: Option<&'static str>,
}

impl Kind {
    fn of(fields: &Map<String, Value>, authenticity: Authenticity) -> Kind {
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let kind = |event_type: String, original_type, confirm_with| Kind {
            event_type,
            original_type,
            confirm_with,
        };
        if authenticity == Authenticity::EncryptedOnly {
            let state = match text("refund_status") {
                Some("SUCCESS") => "SUCCESS",
                Some("CHANGE") => "ABNORMAL",
                Some("REFUNDCLOSE") => "CLOSED",
                _ => "UNKNOWN",
            };
            return kind(
                format!("REFUND.{state}"),
                Some("refund"),
                Some("POST /pay/refundquery"),
            );
        }
        let result = match text("result_code") {
            Some("SUCCESS") => "SUCCESS",
            _ => "FAIL",
        };
        match (
            text("change_type"),
            text("combine_out_trade_no"),
            text("out_trade_no"),
        ) {
            (Some("ADD"), _, _) => kind("CONTRACT.ADD".into(), Some("contract"), None),
            (Some("DELETE"), _, _) => kind("CONTRACT.DELETE".into(), Some("contract"), None),
            (None, Some(_), _) => kind(format!("COMBINE.{result}"), Some("combine"), None),
            (None, None, Some(_)) => {
                kind(format!("TRANSACTION.{result}"), Some("transaction"), None)
            }
            (None, None, None) if text("product_id").is_some() => {
                kind("NATIVE.SCAN".into(), Some("native"), None)
            }
            _ => kind("NOTIFICATION".into(), None, None),
        }
    }
}

/// The same for every repetition by the provider: the hash of what it says, but not of its nonce.
fn id(fields: &Map<String, Value>) -> String {
    let mut pairs: Vec<String> = fields
        .iter()
        .filter(|(name, _)| *name != "nonce_str")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.sort_unstable();
    let hash = sha256(pairs.join("\n").as_bytes());
    hash[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// `time_end` or, of a refund, `success_time`, in the form of RFC 3339. Both are Beijing time.
fn time(fields: &Map<String, Value>) -> Option<String> {
    if let Some(end) = fields.get("time_end").and_then(Value::as_str)
        && end.len() == 14
        && end.bytes().all(|b| b.is_ascii_digit())
    {
        let part = |from: usize, to: usize| &end[from..to];
        return Some(format!(
            "{}-{}-{}T{}:{}:{}+08:00",
            part(0, 4),
            part(4, 6),
            part(6, 8),
            part(8, 10),
            part(10, 12),
            part(12, 14)
        ));
    }
    let success = fields.get("success_time").and_then(Value::as_str)?;
    (success.len() == 19 && success.is_ascii())
        .then(|| format!("{}+08:00", success.replace(' ', "T")))
}

/// Always 200: the body alone says whether the provider is to send again.
pub(super) fn reply(code: i32) -> Reply {
    let (result, message) = match code {
        0 => ("SUCCESS", "OK"),
        211 => ("FAIL", "malformed notification"),
        201..=209 => ("FAIL", "signature not accepted"),
        _ => ("FAIL", "not processed, send again"),
    };
    let body = format!(
        "<xml><return_code><![CDATA[{result}]]></return_code><return_msg><![CDATA[{message}]]></return_msg></xml>"
    );
    Reply {
        status: 200,
        content_type: "text/xml; charset=utf-8",
        body: body.into_bytes(),
    }
}

fn text<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = fields.iter().find(|(key, _)| key == name)?;
    Some(value.as_str()).filter(|value| !value.is_empty())
}

fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the message cannot be read: {problem}"),
    )
}
