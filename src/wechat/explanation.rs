//! Why a notification was refused: the usual mistakes of services are tried out, and the one that makes the signature fit is named.
//!
//! For people who look for a mistake. Nothing here lets a notification pass, and nothing here is done for one that comes in.

use serde_json::{Map, Value};

use crate::crypto::Serial;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::notification::Explanation;
use crate::wire::{Headers, json};

use super::keyring::{KeyId, KeyRing};
use super::merchant::Merchant;
use super::{notification, verification};

const FIELDS: [&str; 4] = [
    verification::TIMESTAMP,
    verification::NONCE,
    verification::SIGNATURE,
    verification::SERIAL,
];

pub(super) fn explain(
    merchant: &Merchant,
    ring: &KeyRing,
    headers: &Headers,
    body: &[u8],
    host: &Host,
) -> Result<Explanation> {
    let now_s = host.now_s()?;
    let error = match notification::open(merchant, ring, headers, body, now_s) {
        Ok(_) => return Ok(Explanation::accepted()),
        Err(error) => error,
    };
    let looked_at = Looked {
        merchant,
        ring,
        headers,
        body,
        now_s,
    };
    let found = looked_at.cause(&error);
    Ok(Explanation::refused(error, found))
}

struct Looked<'a> {
    merchant: &'a Merchant,
    ring: &'a KeyRing,
    headers: &'a Headers,
    body: &'a [u8],
    now_s: i64,
}

type Cause = (&'static str, String);

impl Looked<'_> {
    fn cause(&self, error: &Error) -> Option<Cause> {
        if self.body.trim_ascii_start().starts_with(b"<xml") {
            return Some(("v2_notification", "this is a notification of APIv2: open it with a client whose provider is wechat-v2; refunds made in the merchant platform may still come like that".into()));
        }
        match error.code() {
            Code::SignatureMissing | Code::HeaderInvalid | Code::SignatureInvalid => {
                self.misplaced_headers().or_else(|| self.changed_body())
            }
            Code::UnknownSerial => self.misplaced_headers().or_else(|| self.unknown_key()),
            Code::DecryptionFailed => Some(("apiv3_key", "the signature is good, so it is WeChat Pay's; but apiv3_key does not open it: it is another merchant's, it was changed in the merchant platform, or it is the APIv2 key".into())),
            Code::ClockSkew => Some(("clock", "the signature is good: either this machine's clock is wrong, or an old notification was opened again".into())),
            Code::SignatureProbe => Some(("probe", "WeChat Pay tests whether signatures are checked; refusing it is right, and the real notification follows".into())),
            Code::CertificateInvalid => Some(("certificate_expired", "the platform certificate has expired: switch certificate_refresh on, or configure the WeChat Pay public key".into())),
            _ => None,
        }
        .or_else(|| self.nothing_arrived(error))
    }

    /// Whether the signature fits, whatever the time.
    fn fits(&self, headers: &Headers, body: &[u8]) -> bool {
        verification::verify(self.ring, i64::MAX, headers, body, self.now_s).is_ok()
    }

    /// The four values each have a form of their own, so that they can be put where they belong.
    fn misplaced_headers(&self) -> Option<Cause> {
        let values: Vec<&str> = FIELDS
            .iter()
            .filter_map(|name| self.headers.first(name))
            .collect();
        if values.len() < FIELDS.len() {
            return None;
        }
        let timestamp = values
            .iter()
            .find(|value| value.len() <= 11 && value.bytes().all(|b| b.is_ascii_digit()))?;
        let signature = values.iter().find(|value| value.len() > 128)?;
        let serial = values
            .iter()
            .find(|value| KeyId::parse(value).is_some_and(|id| self.ring.find(&id).is_some()))?;
        let nonce = values
            .iter()
            .find(|value| ![timestamp, signature, serial].contains(value))?;
        let mut sorted = Headers::new();
        for (name, value) in FIELDS.iter().zip([timestamp, nonce, signature, serial]) {
            sorted.push(name, value);
        }
        let moved: Vec<&str> = FIELDS
            .into_iter()
            .filter(|name| self.headers.first(name) != sorted.first(name))
            .collect();
        (!moved.is_empty() && self.fits(&sorted, self.body)).then(|| {
            (
                "headers_swapped",
                format!(
                    "the values of {} stand in each other's place; pass the header fields as they came",
                    moved.join(" and ")
                ),
            )
        })
    }

    fn changed_body(&self) -> Option<Cause> {
        let changed = variants(self.body)
            .into_iter()
            .find(|(_, body)| body != self.body && self.fits(self.headers, body));
        changed.map(|(what, _)| {
            (
                "body_reencoded",
                format!("the body is not the one that was received: {what}; pass the raw bytes, before any framework has parsed them"),
            )
        })
    }

    fn unknown_key(&self) -> Option<Cause> {
        let text = self.headers.first(verification::SERIAL)?;
        Some(match KeyId::parse(text)? {
            KeyId::Certificate(serial) if is_ours(self.merchant, &serial) => (
                "own_serial",
                "this is the serial number of the merchant's own certificate: the header field does not come from WeChat Pay".into(),
            ),
            KeyId::Certificate(_) => ("unknown_certificate", "it was signed with a platform certificate that is not known: switch certificate_refresh on, or it is meant for another merchant".into()),
            KeyId::PublicKey(id) => (
                "unknown_public_key",
                format!("it was signed with the WeChat Pay public key {id}: add that key to platform_public_keys, or it is meant for another merchant"),
            ),
        })
    }

    fn nothing_arrived(&self, error: &Error) -> Option<Cause> {
        if self.body.is_empty() {
            return Some(("body_missing", "the body is empty: a framework or middleware has read it before; read it once and pass those bytes on".into()));
        }
        if error.code() == Code::SignatureMissing {
            let missing: Vec<&str> = FIELDS
                .into_iter()
                .filter(|name| !self.headers.contains(name))
                .collect();
            return Some((
                "header_missing",
                format!(
                    "{} did not arrive: a proxy removes it, or the request is not WeChat Pay's",
                    missing.join(", ")
                ),
            ));
        }
        (error.code() == Code::SignatureInvalid).then(|| ("not_genuine", "none of the usual changes to a body explains it: the request is not WeChat Pay's, or its body was changed in another way".into()))
    }
}

fn is_ours(merchant: &Merchant, serial: &Serial) -> bool {
    merchant.serial == *serial
}

/// What services and frameworks make of a body, undone: what was done, and the body before.
fn variants(body: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut variants = vec![(
        "white space was added around it",
        body.trim_ascii().to_vec(),
    )];
    if let Some(rest) = body.strip_prefix(b"\xEF\xBB\xBF") {
        variants.push(("a byte order mark was put before it", rest.to_vec()));
    }
    let unspaced = body.iter().map(|b| if *b == b' ' { b'+' } else { *b });
    variants.push((
        "it was decoded as a form, which turns `+` into a space",
        unspaced.collect(),
    ));
    if let Some(bytes) = std::str::from_utf8(body).ok().and_then(latin1) {
        variants.push((
            "it was decoded as Latin-1 and encoded as UTF-8 again",
            bytes,
        ));
    }
    if let Ok(map) = json::parse_object(body) {
        variants.push((
            "its JSON was parsed and written again with other white space or escapes",
            compact(&map),
        ));
        let ordered = in_order(&map);
        variants.push((
            "its JSON was parsed and written again with its keys in another order",
            compact(&ordered),
        ));
    }
    variants
}

fn compact(map: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(map).unwrap_or_default()
}

/// The bytes whose Latin-1 reading the text is.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).ok())
        .collect()
}

/// The envelope with its keys as WeChat Pay writes them.
fn in_order(map: &Map<String, Value>) -> Map<String, Value> {
    const ENVELOPE: [&str; 6] = [
        "id",
        "create_time",
        "resource_type",
        "event_type",
        "summary",
        "resource",
    ];
    const RESOURCE: [&str; 5] = [
        "original_type",
        "algorithm",
        "ciphertext",
        "associated_data",
        "nonce",
    ];
    let pick = |map: &Map<String, Value>, keys: &[&str]| -> Map<String, Value> {
        let known = keys
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), map.get(*key)?.clone())));
        let others = map
            .iter()
            .filter(|(key, _)| !keys.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()));
        known.chain(others).collect()
    };
    let mut envelope = pick(map, &ENVELOPE);
    if let Some(Value::Object(resource)) = envelope.get_mut("resource") {
        *resource = pick(resource, &RESOURCE);
    }
    envelope
}
