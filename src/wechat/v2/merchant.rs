//! Who we are: merchant id, APIv2 key, client certificate, and the keys that fields are encrypted with.

use std::fmt;

use crate::config::Section;
use crate::crypto::Certificate;
use crate::crypto::suite::PublicKey;
use crate::error::{Code, Error, Result};
use crate::provider::ClientIdentity;
use crate::wire::url::Origin;

use super::super::merchant::read_mchid;
use super::super::scheme::Scheme;
use super::paths::SPECIAL_HOSTS;
use super::signature::{Algorithm, ApiKey, KEY_LENGTH};

/// The merchant's side of the configuration, checked: every part fits every other.
pub(super) struct Merchant {
    pub mchid: String,
    pub appid: Option<String>,
    pub notify_url: Option<String>,
    /// The current key, then the previous one.
    pub keys: Vec<ApiKey>,
    /// What requests are signed with where the operation leaves the choice.
    pub algorithm: Algorithm,
    /// What notifications may be signed with.
    pub notification_algorithms: Vec<Algorithm>,
    pub sandbox: bool,
    pub identity: Option<ClientIdentity>,
    /// Of the bank card operations, as `POST /risk/getpublickey` gives it.
    pub risk_key: Option<PublicKey>,
    /// Of the operations that name its serial number beside what they encrypt.
    pub platform_certificate: Option<Certificate>,
    /// In the order of `SPECIAL_HOSTS`.
    pub special_hosts: Vec<Origin>,
}

impl Merchant {
    pub fn read(config: &mut Section) -> Result<Merchant> {
        let mchid = read_mchid(config)?;
        let current = read_key(config, "apiv2_key")?.ok_or_else(|| config.missing("apiv2_key"))?;
        let previous = read_key(config, "previous_apiv2_key")?;
        let algorithm = match config.text("sign_type")? {
            None => Algorithm::HmacSha256,
            Some(name) => read_algorithm(config, "sign_type", &name)?,
        };
        let notification_algorithms = match config.texts("notification_sign_types")? {
            None => vec![algorithm],
            Some(names) if names.is_empty() => {
                let problem = "it is empty: every notification would be refused";
                return Err(config.error("notification_sign_types", problem));
            }
            Some(names) => names
                .iter()
                .map(|name| read_algorithm(config, "notification_sign_types", name))
                .collect::<Result<_>>()?,
        };
        let risk_key = match config.text("risk_public_key")? {
            None => None,
            Some(pem) => Some(Scheme::Rsa.public_key(config, "risk_public_key", pem.as_bytes())?),
        };
        let platform_certificate = read_certificate(config, "platform_certificate")?;
        Ok(Merchant {
            mchid,
            appid: config.text("appid")?,
            notify_url: config.text("notify_url")?,
            keys: std::iter::once(current).chain(previous).collect(),
            algorithm,
            notification_algorithms,
            sandbox: config.flag("sandbox")?.unwrap_or(false),
            identity: read_identity(config)?,
            risk_key,
            platform_certificate,
            special_hosts: read_special_hosts(config)?,
        })
    }

    pub fn special_host(&self, name: &str) -> Option<&Origin> {
        let at = SPECIAL_HOSTS.iter().position(|known| *known == name)?;
        self.special_hosts.get(at)
    }
}

impl fmt::Debug for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merchant")
            .field("mchid", &self.mchid)
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

fn read_key(config: &mut Section, key: &'static str) -> Result<Option<ApiKey>> {
    let Some(secret) = config.secret(key)? else {
        return Ok(None);
    };
    match secret.len() {
        KEY_LENGTH => Ok(Some(secret)),
        length => Err(config
            .error_with(Code::KeyInvalid, key, format!("an APIv2 key is exactly 32 bytes, this one has {length}"))
            .with_hint("copy the key that was set as API key (v2), without spaces or line ends; it is used as it stands, not decoded")),
    }
}

fn read_algorithm(config: &Section, key: &'static str, name: &str) -> Result<Algorithm> {
    Algorithm::parse(name).ok_or_else(|| config.error(key, "it must be HMAC-SHA256 or MD5"))
}

fn read_certificate(config: &mut Section, key: &'static str) -> Result<Option<Certificate>> {
    let Some(pem) = config.text(key)? else {
        return Ok(None);
    };
    Scheme::Rsa
        .certificate(config, key, pem.as_bytes())
        .map(Some)
}

/// The certificate and its key are of no use without each other.
fn read_identity(config: &mut Section) -> Result<Option<ClientIdentity>> {
    let pem = config.text("client_certificate")?;
    let key = config.secret("client_key")?;
    let (pem, key) = match (pem, key) {
        (None, None) => return Ok(None),
        (Some(pem), Some(key)) => (pem, key),
        (Some(_), None) => {
            return Err(config.error(
                "client_key",
                "it is missing, and client_certificate is there",
            ));
        }
        (None, Some(_)) => {
            return Err(config.error(
                "client_certificate",
                "it is missing, and client_key is there",
            ));
        }
    };
    let certificate = Scheme::Rsa.certificate(config, "client_certificate", pem.as_bytes())?;
    let private = Scheme::Rsa.private_key(config, "client_key", &key)?;
    if !private.public_key().is_same_key(certificate.public_key()) {
        return Err(config.error_with(
            Code::KeyMismatch,
            "client_key",
            "it does not belong to client_certificate; download certificate and key as one pair",
        ));
    }
    ClientIdentity::new(pem.as_bytes(), &key)
        .map(Some)
        .map_err(|e| config.error_with(e.kind.into(), "client_key", e.message))
}

fn read_special_hosts(config: &mut Section) -> Result<Vec<Origin>> {
    let given = config.pairs("special_hosts")?;
    if let Some((name, _)) = given
        .iter()
        .find(|(name, _)| !SPECIAL_HOSTS.contains(&name.as_str()))
    {
        let problem = format!(
            "there is no such host; there are {}",
            SPECIAL_HOSTS.join(", ")
        );
        return Err(config.error(&format!("special_hosts.{name}"), problem));
    }
    let origin = |name: &&str| {
        let text = match given.iter().find(|(key, _)| key == name) {
            Some((_, text)) => text.clone(),
            None => format!("https://{name}"),
        };
        Origin::parse(&text)
            .map_err(|problem| config.error(&format!("special_hosts.{name}"), problem))
    };
    SPECIAL_HOSTS.iter().map(origin).collect()
}

/// What is said about a client that lacks what an operation needs.
pub(super) fn not_configured(key: &'static str, problem: &str, hint: &str) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!("configuration {key}: {problem}"),
    )
    .with_field(key)
    .with_hint(hint)
}
