//! The platform's signature under every answer and notification, and how a fault may spoil it.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::certificates::random_serial;
use crate::clock;
use crate::crypto::{hex_upper, random_bytes, random_text};
use crate::keys::PublicKey;
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::scheme::Key;

/// Which of the platform's keys a request's `Wechatpay-Serial` asks to sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Asked {
    /// No header: the platform's default.
    #[default]
    Nothing,
    PublicKey,
    /// Any valid certificate; the newest signs, as during the provider's own rotation.
    Certificate,
}

/// What a fault does to a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Spoiling {
    #[default]
    None,
    /// The right key over other bytes.
    WrongSignature,
    /// A valid signature by a key nobody has ever heard of.
    UnknownSerial,
    /// A valid signature that is ten minutes old.
    StaleTime,
    /// `WECHATPAY/SIGNTEST/…`, the provider's deliberate probe.
    SignTest,
    /// No signature headers at all.
    Unsigned,
    /// `Wechatpay-Signature` twice.
    DuplicateSignature,
}

const STALE_BY_S: i64 = 600;

/// Reads the header, and says which key opens the sensitive fields of that request.
pub fn asked(sandbox: &Sandbox, headers: &HeaderMap) -> Result<(Asked, Option<String>), Problem> {
    let Some(value) = headers.get("Wechatpay-Serial") else {
        return Ok((Asked::Nothing, None));
    };
    let unknown = |value: &str| {
        Problem::parameter(
            "header",
            "Wechatpay-Serial",
            Some(&value.into()),
            "平台公钥ID或平台证书序列号有误 (unknown key)",
        )
    };
    let serial = value.to_str().map_err(|_| unknown(""))?;
    if headers.get_all("Wechatpay-Serial").iter().count() > 1 {
        return Err(unknown(serial));
    }
    if serial == sandbox.public_key.id {
        return Ok((Asked::PublicKey, Some(serial.to_owned())));
    }
    let listed = sandbox.settings().certificates;
    match sandbox.ring().find_valid(serial).filter(|_| listed) {
        Some(certificate) => Ok((Asked::Certificate, Some(certificate.serial.clone()))),
        None => Err(unknown(serial)),
    }
}

const NO_KEY_NAMED: &str =
    "加密字段要求Http头Wechatpay-Serial (an encrypted field needs the header Wechatpay-Serial)";
const NOT_OPENED: &str = "敏感信息解密失败，请使用Wechatpay-Serial对应的密钥加密 (cannot be decrypted with the named key)";

/// What kept a sensitive field from being opened, if that is what a refusal says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sealing {
    NoKeyNamed,
    NotOpened,
}

impl Sealing {
    pub fn of(issue: &str) -> Option<Self> {
        match issue {
            NO_KEY_NAMED => Some(Self::NoKeyNamed),
            NOT_OPENED => Some(Self::NotOpened),
            _ => None,
        }
    }
}

/// Opens a sensitive field with the key of that serial.
pub fn open_field(sandbox: &Sandbox, serial: Option<&str>, sealed: &str) -> Result<String, String> {
    let serial = serial.ok_or(NO_KEY_NAMED)?;
    let PublicKey { id, key, .. } = &sandbox.public_key;
    let opened = match serial == id {
        true => key.open_field(sealed),
        false => sandbox
            .ring()
            .find_valid(serial)
            .and_then(|certificate| certificate.key.open_field(sealed)),
    };
    opened.ok_or_else(|| NOT_OPENED.into())
}

/// Seals a sensitive field of an answer for the merchant's certificate, as base64.
pub fn seal_field(sandbox: &Sandbox, plaintext: &str) -> String {
    STANDARD.encode(seal_for_merchant(sandbox, plaintext.as_bytes()))
}

/// The same in bytes.
pub fn seal_for_merchant(sandbox: &Sandbox, plaintext: &[u8]) -> Vec<u8> {
    sandbox.merchant.key.seal(plaintext)
}

/// The signature headers for `body`.
pub fn headers(sandbox: &Sandbox, asked: Asked, body: &[u8], spoiling: Spoiling) -> HeaderMap {
    let settings = sandbox.settings();
    let nonce = random_text(32);
    let age = if spoiling == Spoiling::StaleTime {
        STALE_BY_S
    } else {
        0
    };
    let timestamp = (clock::now().unix_timestamp() + settings.clock_skew_s - age).to_string();
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    if spoiling == Spoiling::WrongSignature {
        message.extend_from_slice(b"spoiled");
    }

    let by = |key: &Key, serial: &str| (key.sign(&message), serial.to_owned());
    let public_key = asked == Asked::PublicKey || !settings.certificates;
    let (mut signature, serial) = match (spoiling, public_key) {
        (Spoiling::UnknownSerial, _) => by(sandbox.stranger(), &hex_upper(&random_serial())),
        (_, true) => by(&sandbox.public_key.key, &sandbox.public_key.id),
        (_, false) => {
            let ring = sandbox.ring();
            let certificate = ring.signing();
            by(&certificate.key, &certificate.serial)
        }
    };
    if spoiling == Spoiling::SignTest {
        signature = format!(
            "WECHATPAY/SIGNTEST/{}",
            STANDARD.encode(random_bytes::<236>())
        );
    }

    let mut headers = HeaderMap::new();
    if spoiling == Spoiling::Unsigned {
        return headers;
    }
    let mut append = |name: &'static str, value: &str| {
        headers.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("signature headers are plain ASCII"),
        );
    };
    append("wechatpay-nonce", &nonce);
    append("wechatpay-signature", &signature);
    if spoiling == Spoiling::DuplicateSignature {
        append("wechatpay-signature", &signature);
    }
    append("wechatpay-signature-type", sandbox.merchant.scheme.name());
    append("wechatpay-timestamp", &timestamp);
    append("wechatpay-serial", &serial);
    headers
}
