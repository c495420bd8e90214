//! A notification: verified, then decrypted, then read. <https://pay.weixin.qq.com/doc/v3/merchant/4012791861>

use serde::Deserialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::crypto::{base64, sha256};
use crate::error::{Code, Error, Outcome, Result};
use crate::notification::{Authenticity, Claim, Envelope, Event, Reply};
use crate::wire::Headers;
use crate::wire::json::{self as strict, Text};

use super::keyring::KeyRing;
use super::merchant::Merchant;
use super::scheme::Scheme;
use super::verification;

const MAX_BODY: usize = 1 << 20;
/// What is decrypted before it could be verified, to see whose it is, may cost no more than a real notification does.
const MAX_UNVERIFIED: usize = 64 << 10;

pub(super) fn open(
    merchant: &Merchant,
    ring: &KeyRing,
    headers: &Headers,
    body: &[u8],
    now_s: i64,
) -> Result<Event> {
    if body.len() > MAX_BODY {
        return Err(malformed("it is longer than 1 MiB").with_outcome(Outcome::Unauthentic));
    }
    let proof = verification::verify(ring, merchant.window_s, headers, body, now_s)?;
    strict::check_object(body).map_err(|problem| malformed(&problem))?;
    let sent: Sent = serde_json::from_slice(body).map_err(|_| malformed(OTHER_TYPE))?;
    let resource = sent
        .resource
        .ok_or_else(|| malformed("resource is missing"))?;
    let plaintext = open_resource(merchant, &resource)?;
    strict::check_object(&plaintext)
        .map_err(|problem| malformed(&format!("of its plaintext, {problem}")))?;
    let envelope = Envelope {
        id: sent
            .id
            .ok_or_else(|| malformed("id is missing"))?
            .into_owned(),
        create_time: sent.create_time.map(Text::into_owned),
        event_type: sent
            .event_type
            .ok_or_else(|| malformed("event_type is missing"))?
            .into_owned(),
        resource_type: sent.resource_type.map(Text::into_owned),
        summary: sent.summary.map(Text::into_owned),
        original_type: resource.original_type.map(Text::into_owned),
        provider: "wechat",
        merchant: merchant.mchid.clone(),
        serial: proof.serial,
        timestamp: proof.timestamp,
        authenticity: Authenticity::Signed,
        confirm_with: None,
        replay: false,
    };
    Ok(Event {
        envelope,
        plaintext,
    })
}

/// A notification names no merchant: it is for the one whose APIv3 key opens it and, where several share a key, whose merchant id stands
/// in it. The signature is looked at first, unless its key has yet to be fetched.
pub(super) fn claim(
    merchant: &Merchant,
    ring: &KeyRing,
    headers: &Headers,
    body: &[u8],
    now_s: i64,
) -> Result<Claim> {
    let (claim, most) = match verification::verify(ring, merchant.window_s, headers, body, now_s) {
        Ok(_) => (Claim::Certain, MAX_BODY),
        Err(error) if error.code() == Code::UnknownSerial => {
            let serial = error.detail("serial").and_then(|serial| serial.as_str());
            if !serial.is_some_and(|serial| ring.can_fetch(serial)) {
                return Err(error);
            }
            (Claim::Pending, MAX_UNVERIFIED)
        }
        Err(error) => return Err(error),
    };
    if body.len() > most {
        return Err(malformed(&format!("it is longer than {most} bytes"))
            .with_outcome(Outcome::Unauthentic));
    }
    strict::check_object(body).map_err(|problem| malformed(&problem))?;
    let sent: Sent = serde_json::from_slice(body).map_err(|_| malformed(OTHER_TYPE))?;
    let resource = sent
        .resource
        .ok_or_else(|| malformed("resource is missing"))?;
    let plaintext = open_resource(merchant, &resource)?;
    let named: Named = serde_json::from_slice(&plaintext).map_err(|_| malformed(OTHER_TYPE))?;
    // A brand is told of its merchants' events, and is none of them.
    let is_merchant = merchant.scheme != Scheme::Brand;
    match is_merchant && named.is_another(&merchant.mchid) {
        true => Err(Error::new(
            Code::DecryptionFailed,
            "the APIv3 key opens the notification, but it names another merchant",
        )
        .with_outcome(Outcome::Malformed)),
        false => Ok(claim),
    }
}

/// The merchants that a plaintext may name.
#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    mchid: Option<Text<'a>>,
    sp_mchid: Option<Text<'a>>,
    combine_mchid: Option<Text<'a>>,
}

impl Named<'_> {
    /// Of a service provider's payment it is the provider who is told, of a combined one the merchant who combines.
    fn is_another(&self, mchid: &str) -> bool {
        let told = [&self.sp_mchid, &self.combine_mchid, &self.mchid];
        told.into_iter()
            .flatten()
            .next()
            .is_some_and(|named| **named != *mchid)
    }
}

/// The envelope as it is sent; keys that are not known here are none of our business.
#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    create_time: Option<Text<'a>>,
    event_type: Option<Text<'a>>,
    resource_type: Option<Text<'a>>,
    summary: Option<Text<'a>>,
    resource: Option<Resource<'a>>,
}

/// Something encrypted with the APIv3 key.
#[derive(Deserialize)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    original_type: Option<Text<'a>>,
    algorithm: Option<Text<'a>>,
    nonce: Option<Text<'a>>,
    associated_data: Option<Text<'a>>,
    ciphertext: Option<Text<'a>>,
}

/// serde's own words would quote what it found.
const OTHER_TYPE: &str = "a field has another type than the provider documents";

/// The same delivery has the same serial, time, nonce and signature; a repetition by the provider has others.
///
/// Only what can be spelled in one way takes part, or whoever repeats a delivery would spell it differently: the serial is the one that
/// was verified, not the header.
pub(super) fn fingerprint(event: &Event, headers: &Headers) -> [u8; 32] {
    let field = |name| headers.first(name).unwrap_or_default();
    let parts = [
        event.envelope.serial.as_str(),
        field("wechatpay-timestamp"),
        field("wechatpay-nonce"),
        field("wechatpay-signature"),
    ];
    sha256(parts.join("\n").as_bytes())
}

/// Decrypts with the APIv3 key, then with the previous one.
pub(super) fn open_resource(
    merchant: &Merchant,
    resource: &Resource,
) -> Result<Zeroizing<Vec<u8>>> {
    let algorithm = merchant.scheme.aead();
    if required(&resource.algorithm, "algorithm")? != algorithm {
        return Err(Error::new(Code::AlgorithmMismatch, format!("the resource is not encrypted with {algorithm}, the only algorithm that is configured"))
            .with_outcome(Outcome::Malformed)
            .with_field("resource.algorithm"));
    }
    let nonce: &[u8; 12] = required(&resource.nonce, "nonce")?
        .as_bytes()
        .try_into()
        .map_err(|_| malformed("resource.nonce is not 12 bytes long"))?;
    let aad = resource.associated_data.as_deref().unwrap_or_default();
    let ciphertext = base64::decode(required(&resource.ciphertext, "ciphertext")?.as_bytes())
        .map_err(|_| malformed("resource.ciphertext is not proper base64"))?;
    merchant.apiv3_keys.iter().find_map(|key| merchant.scheme.open(key, nonce, aad.as_bytes(), &ciphertext).ok()).ok_or_else(|| {
        Error::new(Code::DecryptionFailed, "the resource cannot be decrypted with the APIv3 key")
            .with_outcome(Outcome::Malformed)
            .with_field("apiv3_key")
            .with_hint("is apiv3_key this merchant's current APIv3 key, and not the APIv2 key? After a change, keep the old one as previous_apiv3_key")
    })
}

fn required<'a>(text: &'a Option<Text>, name: &str) -> Result<&'a str> {
    text.as_deref()
        .ok_or_else(|| malformed(&format!("resource.{name} is missing")))
}

/// 200 tells the provider to stop; anything from 400 on makes it send again.
pub(super) fn reply(code: i32) -> Reply {
    let status = match code {
        0 => 200,
        205 | 211 => 400,
        208 | 210 => 500, // the provider's, but our key or our expectation is another
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
