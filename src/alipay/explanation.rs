//! Why a notification was refused: the usual mistakes of services are tried out, and the one that makes the signature fit is named.
//!
//! For people who look for a mistake. Nothing here lets a notification pass, and nothing here is done for one that comes in.

use crate::crypto::Verdict;
use crate::crypto::base64;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::notification::Explanation;
use crate::wire::form;

use super::app::App;
use super::charset::Charset;
use super::keyring::KeyRing;
use super::{canonical, message, notification};

pub(super) fn explain(app: &App, ring: &KeyRing, body: &[u8], host: &Host) -> Result<Explanation> {
    let now_s = host.now_s()?;
    let error = match notification::open(app, ring, body, now_s) {
        Ok(_) => return Ok(Explanation::accepted()),
        Err(error) => error,
    };
    let looked_at = Looked { app, ring, now_s };
    let cause = looked_at.cause(body, &error);
    Ok(Explanation::refused(error, cause))
}

type Cause = (&'static str, String);
type Fields = Vec<(String, Vec<u8>)>;

struct Looked<'a> {
    app: &'a App,
    ring: &'a KeyRing,
    now_s: i64,
}

impl Looked<'_> {
    fn cause(&self, body: &[u8], error: &Error) -> Option<Cause> {
        if body.trim_ascii().is_empty() {
            return Some(("empty_body", "no body arrived: a framework that reads the form before the handler leaves nothing to read; take the raw bytes first".into()));
        }
        if body.trim_ascii_start().starts_with(b"{") {
            return Some(("reencoded", "this is JSON, and a notification is a form: pass the bytes of the request's body, not what a framework made of them".into()));
        }
        match error.code() {
            Code::SignatureInvalid | Code::SignatureMissing => {}
            Code::ClockSkew => return Some(("clock", "the signature is good: either this machine's clock is wrong, or an old notification was opened again".into())),
            Code::ResponseMismatch => return Some(("other_app", "the signature is good: it was sent to another app or seller that has the same key at Alipay".into())),
            Code::UnknownSerial => return Some(("new_certificate", "Alipay signed with a certificate that is not the configured one: download the new one from the console".into())),
            _ => return None,
        }
        let fields = form::parse(body).ok()?;
        self.own_key(&fields).or_else(|| self.try_each(&fields))
    }

    fn fits(&self, fields: &Fields) -> bool {
        message::verify(
            self.app,
            self.ring,
            form::encode(
                fields
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_slice())),
            )
            .as_bytes(),
            self.now_s,
        )
        .is_ok()
    }

    /// A test message that was signed with the app's own key.
    fn own_key(&self, fields: &Fields) -> Option<Cause> {
        let own = self.app.public_key.as_ref()?;
        let (_, signature) = fields.iter().find(|(name, _)| name == "sign")?;
        let signature = base64::decode(signature).ok()?;
        let covered = fields
            .iter()
            .filter(|(name, _)| name != "sign" && name != "sign_type");
        let text = canonical::text(covered.map(|(name, value)| (name.as_str(), value.as_slice())));
        (own.verify(&text, &signature) == Verdict::Valid).then(|| {
            ("own_key", "it is signed with the app's own key, so it is not from Alipay but was made by somebody who has our private key".into())
        })
    }

    fn try_each(&self, fields: &Fields) -> Option<Cause> {
        let changed = |change: &dyn Fn(&str, &[u8]) -> Vec<u8>| -> Fields {
            fields
                .iter()
                .map(|(name, value)| (name.clone(), change(name, value)))
                .collect()
        };
        let plus = changed(&|name, value| match name {
            "sign" => value
                .iter()
                .map(|byte| if *byte == b' ' { b'+' } else { *byte })
                .collect(),
            _ => value.to_vec(),
        });
        if self.fits(&plus) {
            return Some(("plus_lost", "each + in sign became a space: the body was decoded twice, or put together again without encoding; pass the bytes as they came".into()));
        }
        let known: Fields = fields
            .iter()
            .filter(|(name, _)| canonical::is_field(name))
            .cloned()
            .collect();
        if known.len() < fields.len() && self.fits(&known) {
            let extra: Vec<&str> = fields
                .iter()
                .map(|(name, _)| name.as_str())
                .filter(|name| !canonical::is_field(name))
                .collect();
            return Some((
                "query_in_notify_url",
                format!(
                    "without {} the signature fits: query parameters of notify_url were mixed into the form; open the body alone, and put into the path what the address is to say",
                    extra.join(", ")
                ),
            ));
        }
        type Change = fn(&str) -> String;
        let texts: [(&'static str, Change, &'static str); 2] = [
            (
                "html_escaped",
                |text| {
                    text.replace("&quot;", "\"")
                        .replace("&#39;", "'")
                        .replace("&lt;", "<")
                        .replace("&gt;", ">")
                        .replace("&amp;", "&")
                },
                "a framework or filter has escaped the form for HTML; pass the bytes as they came",
            ),
            (
                "slashes_added",
                |text| {
                    text.replace("\\\"", "\"")
                        .replace("\\'", "'")
                        .replace("\\\\", "\\")
                },
                "a framework has put backslashes before quotes; pass the bytes as they came",
            ),
        ];
        for (cause, change, words) in texts {
            let tried = changed(&|_, value| match std::str::from_utf8(value) {
                Ok(text) => change(text).into_bytes(),
                Err(_) => value.to_vec(),
            });
            if self.fits(&tried) {
                return Some((cause, words.into()));
            }
        }
        for (from, to) in [(Charset::Utf8, Charset::Gbk), (Charset::Gbk, Charset::Utf8)] {
            let tried = changed(&|_, value| {
                from.decode(value)
                    .and_then(|text| to.encode(&text).map(|bytes| bytes.into_owned()))
                    .unwrap_or(value.to_vec())
            });
            let text = canonical_of(&tried);
            if text != canonical_of(fields) && self.signature_fits(&tried, &text) {
                return Some((
                    "charset",
                    format!(
                        "Alipay has signed it in {}: the body was converted on its way; pass the bytes as they came, and let charset in the configuration be {}",
                        to.name(),
                        to.name()
                    ),
                ));
            }
        }
        None
    }

    /// Whatever the charset of the configuration.
    fn signature_fits(&self, fields: &Fields, text: &[u8]) -> bool {
        let signature = fields
            .iter()
            .find(|(name, _)| name == "sign")
            .and_then(|(_, value)| std::str::from_utf8(value).ok());
        signature
            .is_some_and(|signature| self.ring.verify(None, text, signature, self.now_s).is_ok())
    }
}

fn canonical_of(fields: &Fields) -> Vec<u8> {
    let covered = fields
        .iter()
        .filter(|(name, _)| name != "sign" && name != "sign_type");
    canonical::text(covered.map(|(name, value)| (name.as_str(), value.as_slice())))
}
