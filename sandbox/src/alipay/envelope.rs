//! The answer of gateway v2 as text, and the signature over the raw span of its node.

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::crypto::{RsaKey, random_bytes};
use crate::sandbox::Sandbox;
use crate::signing::Spoiling;

use super::charset::Charset;
use super::cipher::encrypt;
use super::signing::SignType;

/// How a request was made, and so how it is answered and what it caused is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    pub mode: Mode,
    pub charset: Charset,
    pub sign_type: SignType,
    /// The body of the answer is encrypted.
    pub encrypted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Key,
    /// The request named the app's certificate.
    Certificate,
}

/// A signature, and the certificate whose key made it.
pub struct Signed {
    pub sn: Option<String>,
    pub signature: String,
}

/// Signs as Alipay, or as a fault has it.
pub fn sign(sandbox: &Sandbox, style: Style, message: &[u8], spoiling: Spoiling) -> Signed {
    let alipay = &sandbox.alipay;
    let altered = [message, b"spoiled"].concat();
    let message = match spoiling {
        Spoiling::WrongSignature => &altered,
        _ => message,
    };
    let certificate = style.mode == Mode::Certificate;
    if spoiling == Spoiling::SignTest {
        let signature = STANDARD.encode(random_bytes::<256>());
        let sn = certificate.then(|| alipay.ring().signing().sn.clone());
        return Signed { sn, signature };
    }
    let by = |key: &RsaKey| style.sign_type.sign(key, message);
    match (spoiling, certificate) {
        (Spoiling::UnknownSerial, certificate) => Signed {
            sn: certificate.then(|| hex(&random_bytes::<16>())),
            signature: by(alipay.stranger()),
        },
        (_, true) => {
            let ring = alipay.ring();
            let signing = ring.signing();
            Signed {
                sn: Some(signing.sn.clone()),
                signature: by(&signing.key),
            }
        }
        (_, false) => Signed {
            sn: None,
            signature: by(&alipay.app.alipay_key),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is sent, and for those who look on what was signed.
pub struct Envelope {
    pub bytes: Bytes,
    pub signed_text: Option<String>,
    pub signature: Option<String>,
}

/// `{"<root>": node, "sign": "…"}`, with `alipay_cert_sn` in certificate mode.
pub fn seal(
    sandbox: &Sandbox,
    style: Style,
    root: &str,
    node: &Value,
    spoiling: Spoiling,
) -> Envelope {
    let plain = node.to_string();
    let span = match style.encrypted {
        true => {
            let plain = style.charset.encode_json(&plain);
            format!("\"{}\"", encrypt(&sandbox.alipay.app.encrypt_key, &plain))
        }
        false => plain,
    };
    if spoiling == Spoiling::Unsigned {
        return unsigned(style.charset, root, &span);
    }
    let signed = sign(sandbox, style, &style.charset.encode_json(&span), spoiling);
    let sent = match sandbox.settings().alipay.escaped_slashes {
        true => span.replace('/', "\\/"),
        false => span.clone(),
    };
    let sn = signed
        .sn
        .map_or_else(String::new, |sn| format!("\"alipay_cert_sn\":\"{sn}\","));
    let sign = format!(",\"sign\":\"{}\"", signed.signature);
    let sign = match spoiling {
        Spoiling::DuplicateSignature => sign.repeat(2),
        _ => sign,
    };
    let text = format!("{{{sn}\"{root}\":{sent}{sign}}}");
    Envelope {
        bytes: style.charset.encode_json(&text).into(),
        signed_text: Some(span),
        signature: Some(signed.signature),
    }
}

/// What is said to somebody who is not known.
pub fn unsigned(charset: Charset, root: &str, span: &str) -> Envelope {
    Envelope {
        bytes: charset
            .encode_json(&format!("{{\"{root}\":{span}}}"))
            .into(),
        signed_text: None,
        signature: None,
    }
}
