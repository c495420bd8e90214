//! The signature of an answer or a notification. <https://pay.weixin.qq.com/doc/v3/merchant/4013053420>

use crate::crypto::{Verdict, base64};
use crate::error::{Code, Error, Result};
use crate::wire::Headers;

use super::keyring::{KeyId, KeyRing};

pub(super) const TIMESTAMP: &str = "wechatpay-timestamp";
pub(super) const NONCE: &str = "wechatpay-nonce";
pub(super) const SIGNATURE: &str = "wechatpay-signature";
pub(super) const SERIAL: &str = "wechatpay-serial";
const SIGNATURE_TYPE: &str = "wechatpay-signature-type";
const PROBE_PREFIX: &str = "WECHATPAY/SIGNTEST/";

/// Proof that a body is the provider's. Only `verify` makes one.
#[derive(Debug)]
pub(super) struct Proof {
    /// As the key ring spells it: the message may write it in lower case or without zeros, for it is not signed.
    pub serial: String,
    /// Unix seconds.
    pub timestamp: i64,
}

/// Whether the provider put any part of a signature on the message.
pub(super) fn is_signed(headers: &Headers) -> bool {
    headers.contains(SIGNATURE) || headers.contains(SERIAL)
}

/// Checks the signature over `body` as it was received, then the time.
///
/// The time is looked at last: a good signature with a wrong time tells that a clock is off, and by how much.
pub(super) fn verify(
    ring: &KeyRing,
    window_s: i64,
    headers: &Headers,
    body: &[u8],
    now_s: i64,
) -> Result<Proof> {
    let signature = required(headers, SIGNATURE)?;
    let timestamp = required(headers, TIMESTAMP)?;
    let nonce = required(headers, NONCE)?;
    let serial = required(headers, SERIAL)?;
    if signature.starts_with(PROBE_PREFIX) {
        return Err(Error::new(Code::SignatureProbe, "the provider sent a deliberately wrong signature to test whether signatures are checked; refusing it is right")
            .with_hint("answer with the failure reply; nothing needs to be done"));
    }
    let scheme = ring.scheme.name();
    if headers
        .single(SIGNATURE_TYPE)?
        .is_some_and(|named| named != scheme)
    {
        return Err(Error::new(
            Code::AlgorithmMismatch,
            format!("the message is not signed with {scheme}, the only scheme that is configured"),
        )
        .with_field(SIGNATURE_TYPE));
    }
    let time = parse_timestamp(timestamp)?;
    let Some(id) = KeyId::parse(serial) else {
        return Err(Error::new(
            Code::HeaderInvalid,
            "Wechatpay-Serial is neither a serial number nor the id of a public key",
        )
        .with_field(SERIAL));
    };
    let Ok(signature) = base64::decode(signature.as_bytes()) else {
        return Err(
            Error::new(Code::SignatureInvalid, "the signature is not proper base64")
                .with_field(SIGNATURE),
        );
    };
    let Some(key) = ring.find(&id) else {
        return Err(Error::new(
            Code::UnknownSerial,
            format!("no platform key with the serial {id} is known"),
        )
        .with("serial", id.to_string())
        .with_hint("if this is a new WeChat Pay public key, add it to platform_public_keys"));
    };
    if !key.is_valid_at(now_s) {
        return Err(Error::new(
            Code::CertificateInvalid,
            format!("the platform certificate {id} has expired or is not valid yet"),
        )
        .with("serial", id.to_string()));
    }
    match key.key.verify(&message(timestamp, nonce, body), &signature) {
        Verdict::Valid => {}
        Verdict::Invalid => {
            return Err(Error::new(
                Code::SignatureInvalid,
                "the signature does not fit the message",
            )
            .with("serial", id.to_string())
            .with_hint("pass the body exactly as received: not parsed, re-encoded or trimmed"));
        }
    }
    let skew = time - now_s;
    if skew.abs() > window_s {
        return Err(Error::new(Code::ClockSkew, format!("the message is genuine, but its time differs from ours by {skew} seconds; {window_s} are allowed"))
            .with("skew_s", skew)
            .with_hint("an old message was replayed, or a clock is wrong: check NTP on this machine"));
    }
    Ok(Proof {
        serial: key.id.to_string(),
        timestamp: time,
    })
}

/// Three lines, each ended by `\n`; time and nonce in the very bytes of their headers.
fn message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(timestamp.len() + nonce.len() + body.len() + 3);
    for line in [timestamp.as_bytes(), nonce.as_bytes(), body] {
        message.extend_from_slice(line);
        message.push(b'\n');
    }
    message
}

fn required<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a str> {
    match headers.single(name)? {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Error::new(
            Code::SignatureMissing,
            format!("the message is not signed: the header {name} is missing or empty"),
        )
        .with_field(name)),
    }
}

/// Digits without sign, space or leading zero.
fn parse_timestamp(text: &str) -> Result<i64> {
    let well_formed = (1..=11).contains(&text.len())
        && !text.starts_with('0')
        && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse() {
        Ok(time) if well_formed => Ok(time),
        _ => Err(Error::new(
            Code::HeaderInvalid,
            "Wechatpay-Timestamp is not a Unix time in seconds",
        )
        .with_field(TIMESTAMP)),
    }
}
