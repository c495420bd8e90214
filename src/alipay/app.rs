//! Who we are: the app, its key, its certificates, and how it speaks.

use std::fmt;

use crate::config::Section;
use crate::crypto::Certificate;
use crate::crypto::suite::PublicKey;
use crate::error::{Code, Result};
use crate::host::Host;
use crate::own_key::OwnKey;

use super::certificates::{self, CertificateIds, Files};
use super::charset::Charset;
use super::encryption::EncryptKey;
use super::sign_type::SignType;

/// Our side of the configuration, checked: every part fits every other.
pub(super) struct App {
    pub app_id: String,
    /// Whom notifications have to name as the seller.
    pub seller_id: Option<String>,
    pub sign_type: SignType,
    pub charset: Charset,
    key: OwnKey,
    /// The public half of our key: the provider's must be another one.
    pub public_key: Option<PublicKey>,
    /// Of certificate mode.
    pub certificate_ids: Option<CertificateIds>,
    pub encrypt_key: Option<EncryptKey>,
    pub notify_url: Option<String>,
    pub return_url: Option<String>,
    pub app_auth_token: Option<String>,
    /// |now − timestamp| above this is refused in answers of REST v3.
    pub window_s: i64,
    /// A notification that says that it was sent longer ago is refused.
    pub notification_age_s: i64,
}

/// The provider repeats a notification for 25 hours.
const NOTIFICATION_AGE_S: u64 = 26 * 3600;

impl App {
    pub fn read(config: &mut Section, files: Option<&Files>, host: &Host) -> Result<App> {
        let app_id = read_number(config, "app_id")?.ok_or_else(|| config.missing("app_id"))?;
        let sign_type = SignType::read(config)?;
        let private = match config.secret("private_key")? {
            Some(text) => Some(sign_type.private_key(config, "private_key", &text)?),
            None if host.signer.is_none() => {
                return Err(config.error(
                    "private_key",
                    "it is missing, and there is no signer that would hold the key",
                ));
            }
            None if sign_type == SignType::Rsa => {
                return Err(config.error(
                    "private_key",
                    "it is missing, and a signer signs with SHA-256, not as sign_type RSA needs it",
                ));
            }
            None => None,
        };
        let key = OwnKey::new(sign_type.suite(), private);
        let certificate = files
            .map(|files| read_certificate(config, files, sign_type))
            .transpose()?;
        if let (Some(own), Some(certificate)) = (key.public(), &certificate)
            && !own.is_same_key(certificate.public_key())
        {
            return Err(config.error_with(
                Code::KeyMismatch,
                "private_key",
                "it does not belong to app_certificate; give the key that the certificate was requested for",
            ));
        }
        let certificate_ids = files
            .map(|files| CertificateIds::read(config, files))
            .transpose()?;
        Ok(App {
            app_id,
            seller_id: read_number(config, "seller_id")?,
            sign_type,
            charset: Charset::read(config)?,
            public_key: key
                .public()
                .or(certificate.map(|it| it.public_key().clone())),
            key,
            certificate_ids,
            encrypt_key: EncryptKey::read(config)?,
            notify_url: config.text("notify_url")?,
            return_url: config.text("return_url")?,
            app_auth_token: config.text("app_auth_token")?,
            window_s: config
                .integer("timestamp_window_s", 0..=300)?
                .unwrap_or(300) as i64,
            notification_age_s: config
                .integer("notification_age_s", 300..=604_800)?
                .unwrap_or(NOTIFICATION_AGE_S) as i64,
        })
    }

    /// Base64 of the signature over `message`.
    pub fn sign(&self, message: &[u8], host: &Host) -> Result<String> {
        self.key.sign(message, host)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

fn read_number(config: &mut Section, key: &'static str) -> Result<Option<String>> {
    match config.text(key)? {
        Some(id) if id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit()) => {
            Err(config.error(key, "it consists of at most 32 digits"))
        }
        id => Ok(id),
    }
}

/// Certificate mode is younger than SHA-1.
fn read_certificate(config: &Section, files: &Files, sign_type: SignType) -> Result<Certificate> {
    if sign_type == SignType::Rsa {
        return Err(config.error("sign_type", "certificate mode needs RSA2"));
    }
    let leaf = certificates::first(files.app.as_bytes());
    certificates::parse(leaf)
        .map_err(|error| config.error_with(error.kind.into(), certificates::APP, error.message))
}
