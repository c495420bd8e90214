//! Who we are: merchant id, serial number, private key or signer, APIv3 key.

use std::fmt;

use zeroize::Zeroizing;

use crate::config::Section;
use crate::crypto::suite::{PrivateKey, PublicKey};
use crate::crypto::{Certificate, Serial};
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::own_key::OwnKey;

use super::files;
use super::scheme::Scheme;

/// The merchant's side of the configuration, checked: every part fits every other.
pub(crate) struct Merchant {
    /// What we sign and encrypt with, and the platform too.
    pub scheme: Scheme,
    /// Of a brand its brand id.
    pub mchid: String,
    /// Serial number of the merchant API certificate, not of the platform's.
    pub serial: Serial,
    pub appid: Option<String>,
    pub notify_url: Option<String>,
    /// |now − timestamp| above this is refused, in both directions.
    pub window_s: i64,
    key: OwnKey,
    pub apiv3_keys: Vec<Zeroizing<[u8; 32]>>,
    /// The public half of our key: the provider's key must be another one.
    pub public_key: Option<PublicKey>,
}

impl Merchant {
    pub fn read(config: &mut Section, host: &Host) -> Result<Merchant> {
        let scheme = Scheme::read(config)?;
        let mchid = read_identity(config, scheme)?;
        let certificate = match config.text("merchant_certificate")? {
            Some(pem) => {
                Some(scheme.certificate(config, "merchant_certificate", pem.as_bytes())?)
            }
            None => None,
        };
        let serial = read_serial(config, certificate.as_ref())?;
        let key = match config.secret("private_key")? {
            Some(pem) => Some(scheme.private_key(config, "private_key", &pem)?),
            None if host.signer.is_some() => None,
            None => {
                return Err(config.error(
                    "private_key",
                    "it is missing, and there is no signer that would hold the key",
                ));
            }
        };
        if let (Some(key), Some(certificate)) = (&key, &certificate)
            && !key.public_key().is_same_key(certificate.public_key())
        {
            return Err(config.error_with(
                Code::KeyMismatch,
                "private_key",
                "it does not belong to merchant_certificate; download certificate and key as one pair",
            ));
        }
        let public_key = key
            .as_ref()
            .map(PrivateKey::public_key)
            .or(certificate.as_ref().map(Certificate::public_key).cloned());
        let mut apiv3_keys =
            vec![read_apiv3_key(config, "apiv3_key")?.ok_or_else(|| config.missing("apiv3_key"))?];
        apiv3_keys.extend(read_apiv3_key(config, "previous_apiv3_key")?);
        Ok(Merchant {
            scheme,
            mchid,
            serial,
            appid: config.text("appid")?,
            notify_url: config.text("notify_url")?,
            window_s: config
                .integer("timestamp_window_s", 0..=300)?
                .unwrap_or(300) as i64,
            key: OwnKey::new(scheme.suite(), key),
            apiv3_keys,
            public_key,
        })
    }

    /// What opens texts that are encrypted for our certificate; None where the host holds the key.
    pub fn decryption_key(&self) -> Option<&PrivateKey> {
        self.key.private()
    }

    /// Base64 of the signature over `message`, by our key or by the host's signer.
    pub fn sign(&self, message: &[u8], host: &Host) -> Result<String> {
        self.key.sign(message, host)
    }

    /// Opens what is encrypted to our certificate: base64 of RSAES-OAEP. Only our own key can, a signer cannot.
    pub fn unwrap_key(&self, wrapped: &str) -> Result<Zeroizing<Vec<u8>>> {
        let Some(key) = self.key.private() else {
            return Err(Error::new(
                Code::KeyRole,
                "the file is encrypted to the merchant's key, and the signer that holds it cannot decrypt",
            )
            .with_outcome(Outcome::NotSent)
            .with_field("private_key")
            .with_hint("give private_key in the configuration beside the signer"));
        };
        key.open(&files::ciphertext(wrapped)?)
            .map_err(|_| files::not_unwrapped())
    }
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant")
            .field("mchid", &self.mchid)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

/// The merchant id or, of a brand, the brand id; never both.
fn read_identity(config: &mut Section, scheme: Scheme) -> Result<String> {
    let (key, other) = match scheme {
        Scheme::Brand => ("brand_id", "mchid"),
        _ => ("mchid", "brand_id"),
    };
    match config.text(other)? {
        Some(_) => {
            let problem = format!("with the scheme {} it is {key} that asks", scheme.name());
            Err(config.error(other, problem))
        }
        None => read_id(config, key),
    }
}

pub(super) fn read_mchid(config: &mut Section) -> Result<String> {
    read_id(config, "mchid")
}

fn read_id(config: &mut Section, key: &'static str) -> Result<String> {
    let id = config.required_text(key)?;
    match id.len() <= 32 && id.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(id),
        false => {
            let what = key.trim_end_matches("_id").replace("mchid", "merchant");
            Err(config.error(key, format!("a {what} id consists of at most 32 digits")))
        }
    }
}

fn read_serial(config: &mut Section, certificate: Option<&Certificate>) -> Result<Serial> {
    let Some(text) = config.text("merchant_serial")? else {
        return match certificate {
            Some(certificate) => Ok(certificate.serial().clone()),
            None => Err(config.error(
                "merchant_serial",
                "it is missing; give it or merchant_certificate",
            )),
        };
    };
    if text.starts_with("PUB_KEY_ID_") {
        return Err(config
            .error_with(Code::KeyRole, "merchant_serial", "this is the id of a WeChat Pay public key; the serial number of the merchant API certificate belongs here"));
    }
    let Ok(serial) = Serial::parse(&text) else {
        return Err(config.error(
            "merchant_serial",
            "a serial number is at most 40 hexadecimal digits",
        ));
    };
    match certificate {
        Some(certificate) if *certificate.serial() != serial => Err(config.error_with(
            Code::KeyMismatch,
            "merchant_serial",
            format!(
                "merchant_certificate has the serial number {}, not this one",
                certificate.serial()
            ),
        )),
        _ => Ok(serial),
    }
}

fn read_apiv3_key(config: &mut Section, key: &'static str) -> Result<Option<Zeroizing<[u8; 32]>>> {
    let Some(secret) = config.secret(key)? else {
        return Ok(None);
    };
    match <[u8; 32]>::try_from(secret.as_slice()) {
        Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
        Err(_) => Err(config
            .error_with(Code::KeyInvalid, key, format!("an APIv3 key is exactly 32 bytes, this one has {}", secret.len()))
            .with_hint("copy the key that was set as APIv3 key, without spaces or line ends; it is used as it stands, not decoded")),
    }
}
