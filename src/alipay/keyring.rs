//! The provider's keys: one, or in certificate mode those of its certificates, chosen by the number that was received.

use crate::config::Section;
use crate::crypto::suite::PublicKey;
use crate::crypto::{Verdict, base64};
use crate::error::{Code, Error, Result};

use super::app::App;
use super::certificates::{ALIPAY, APP, Files, Known, ROOT, Trust};

#[derive(Clone, Debug)]
struct AlipayKey {
    /// Of its certificate; none in key mode.
    number: Option<String>,
    key: PublicKey,
    /// Unix seconds, first and last.
    validity: Option<(i64, i64)>,
}

/// An immutable set of keys.
#[derive(Clone, Debug)]
pub(super) struct KeyRing {
    /// The configured one first.
    keys: Vec<AlipayKey>,
    /// Of certificate mode.
    pub trust: Option<Trust>,
}

impl KeyRing {
    pub fn read(
        config: &mut Section,
        app: &App,
        files: Option<&Files>,
        now_s: i64,
    ) -> Result<KeyRing> {
        const PUBLIC_KEY: &str = "alipay_public_key";
        let (ring, field) = match (config.text(PUBLIC_KEY)?, files) {
            (Some(text), None) => {
                let key = app
                    .sign_type
                    .public_key(config, PUBLIC_KEY, text.as_bytes())?;
                let keys = vec![AlipayKey {
                    number: None,
                    key,
                    validity: None,
                }];
                (KeyRing { keys, trust: None }, PUBLIC_KEY)
            }
            (None, Some(files)) => {
                let (trust, known) = Trust::read(config, files, now_s)?;
                (
                    KeyRing {
                        keys: vec![AlipayKey::of(known)],
                        trust: Some(trust),
                    },
                    ALIPAY,
                )
            }
            (None, None) => {
                return Err(config.error(
                    PUBLIC_KEY,
                    format!("it is missing; give it, or {APP}, {ALIPAY} and {ROOT}"),
                ));
            }
            (Some(_), Some(_)) => {
                return Err(config.error(
                    PUBLIC_KEY,
                    format!("with {APP} it is {ALIPAY} that verifies; give one of the two"),
                ));
            }
        };
        match &app.public_key {
            Some(own) if ring.keys.iter().any(|known| known.key.is_same_key(own)) => Err(config
                .error_with(Code::KeyRole, field, "this is the app's own key; Alipay's belongs here")
                .with_hint("the console shows Alipay's public key after the app's own was set; it is another one")),
            _ => Ok(ring),
        }
    }

    /// Whether a certificate with this number may be asked for.
    pub fn can_fetch(&self, number: &str) -> bool {
        self.trust.is_some()
            && is_number(number)
            && !self
                .keys
                .iter()
                .any(|known| known.number.as_deref() == Some(number))
    }

    /// This ring with one certificate more. What is known stays: answers on their way may still be signed by it.
    pub fn with(&self, known: Known) -> KeyRing {
        let key = AlipayKey::of(known);
        let mut keys = self.keys.clone();
        if !keys.iter().any(|other| other.number == key.number) {
            keys.push(key);
        }
        KeyRing {
            keys,
            trust: self.trust.clone(),
        }
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Checks a signature in base64 over `message`. A message that names a certificate is verified by that one and by no other; one that names
    /// none by the known ones, each of which is the provider's. Gives the number of the certificate.
    pub fn verify(
        &self,
        number: Option<&str>,
        message: &[u8],
        signature: &str,
        now_s: i64,
    ) -> Result<Option<String>> {
        let Ok(signature) = base64::decode(signature.as_bytes()) else {
            return Err(
                Error::new(Code::SignatureInvalid, "the signature is not proper base64")
                    .with_field("sign"),
            );
        };
        let number = number.filter(|_| self.trust.is_some());
        let mut candidates = self
            .keys
            .iter()
            .filter(|known| number.is_none() || known.number.as_deref() == number)
            .peekable();
        if candidates.peek().is_none() {
            return Err(unknown(number.unwrap_or_default()));
        }
        let mut valid = candidates
            .filter(|known| known.is_valid_at(now_s))
            .peekable();
        if valid.peek().is_none() {
            return Err(Error::new(
                Code::CertificateInvalid,
                "Alipay's certificate has expired or is not valid yet",
            )
            .with_hint("download the new one from the console and set it as alipay_certificate"));
        }
        match valid.find(|known| known.key.verify(message, &signature) == Verdict::Valid) {
            Some(known) => Ok(known.number.clone()),
            None => Err(Error::new(Code::SignatureInvalid, "the signature does not fit the message")
                .with_hint("is it Alipay's public key that is configured, not the app's own, and of the same environment? Pass the bytes exactly as received")),
        }
    }
}

impl AlipayKey {
    fn of(known: Known) -> AlipayKey {
        AlipayKey {
            key: known.certificate.public_key().clone(),
            validity: Some((
                known.certificate.not_before(),
                known.certificate.not_after(),
            )),
            number: Some(known.number),
        }
    }

    fn is_valid_at(&self, now_s: i64) -> bool {
        self.validity
            .is_none_or(|(first, last)| (first..=last).contains(&now_s))
    }
}

fn is_number(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn unknown(number: &str) -> Error {
    let error = Error::new(
        Code::UnknownSerial,
        "the message names a certificate that is not known",
    );
    // What is no number is nothing to repeat, or to ask for.
    let error = match is_number(number) {
        true => error.with("serial", number),
        false => error,
    };
    error.with_hint(format!(
        "if Alipay has renewed its certificate, set the new one as {ALIPAY}; {ROOT} stays"
    ))
}
