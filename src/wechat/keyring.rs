//! The provider's keys: platform certificates and WeChat Pay public keys side by side, chosen by the serial that was received.
//!
//! While a merchant moves from certificates to public keys the platform signs with either, so both are accepted at any time.

use std::fmt;

use crate::config::Section;
use crate::crypto::suite::PublicKey;
use crate::crypto::{Certificate, Serial};
use crate::error::{Code, Result};
use crate::provider::Keys;

use super::certificates;
use super::merchant::Merchant;
use super::scheme::Scheme;

const PUBLIC_KEY_PREFIX: &str = "PUB_KEY_ID_";

/// What `Wechatpay-Serial` names: a certificate's serial number or the id of a public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum KeyId {
    Certificate(Serial),
    PublicKey(String),
}

impl KeyId {
    pub fn parse(text: &str) -> Option<KeyId> {
        match text.strip_prefix(PUBLIC_KEY_PREFIX) {
            Some(number) => {
                let well_formed =
                    (1..=64).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
                well_formed.then(|| KeyId::PublicKey(text.to_owned()))
            }
            None => Serial::parse(text).ok().map(KeyId::Certificate),
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyId::Certificate(serial) => serial.fmt(f),
            KeyId::PublicKey(id) => id.fmt(f),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct PlatformKey {
    pub id: KeyId,
    pub key: PublicKey,
    /// Unix seconds, first and last; a public key has no end.
    validity: Option<(i64, i64)>,
    /// Configured keys stay, whatever a refresh brings.
    configured: bool,
}

impl PlatformKey {
    pub fn of_certificate(certificate: &Certificate, configured: bool) -> PlatformKey {
        PlatformKey {
            id: KeyId::Certificate(certificate.serial().clone()),
            key: certificate.public_key().clone(),
            validity: Some((certificate.not_before(), certificate.not_after())),
            configured,
        }
    }

    pub fn is_valid_at(&self, now_s: i64) -> bool {
        self.validity
            .is_none_or(|(first, last)| (first..=last).contains(&now_s))
    }

    fn not_before(&self) -> i64 {
        self.validity.map_or(i64::MAX, |(first, _)| first)
    }
}

/// When platform certificates may be asked for. New merchants have none, and asking holds up the move to public keys: then it is off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RefreshPolicy {
    pub enabled: bool,
    /// The operation that tells them: merchants abroad have one of their own.
    pub operation: &'static str,
    pub interval_s: i64,
    pub min_interval_s: i64,
}

/// An immutable set of keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyRing {
    /// What all of them verify.
    pub scheme: Scheme,
    keys: Vec<PlatformKey>,
    /// The key the configuration wants requests to be encrypted and answered with.
    wanted: Option<KeyId>,
    /// Who may issue platform certificates; empty where any issuer will do.
    issuers: Vec<Certificate>,
    /// When certificates were last taken in, Unix seconds.
    refreshed_s: Option<i64>,
    pub policy: RefreshPolicy,
}

impl KeyRing {
    pub fn read(config: &mut Section, merchant: &Merchant, now_s: i64) -> Result<KeyRing> {
        let scheme = merchant.scheme;
        let mut keys = Vec::new();
        for (id, pem) in config.pairs("platform_public_keys")? {
            let field = format!("platform_public_keys.{id}");
            let Some(id @ KeyId::PublicKey(_)) = KeyId::parse(&id) else {
                return Err(config.error(
                    &field,
                    "the id of a WeChat Pay public key is PUB_KEY_ID_ and digits",
                ));
            };
            let key = scheme.public_key(config, &field, pem.as_bytes())?;
            refuse_own_key(config, &field, merchant, &key)?;
            keys.push(PlatformKey {
                id,
                key,
                validity: None,
                configured: true,
            });
        }
        let issuers = read_issuers(config, scheme)?;
        for (index, pem) in config
            .texts("platform_certificates")?
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            let field = format!("platform_certificates.{index}");
            let certificate = scheme.certificate(config, &field, pem.as_bytes())?;
            refuse_own_key(config, &field, merchant, certificate.public_key())?;
            if certificate.not_after() < now_s {
                return Err(config
                    .error_with(
                        Code::CertificateInvalid,
                        &field,
                        format!("the certificate {} has expired", certificate.serial()),
                    )
                    .with_outcome(crate::Outcome::NotSent));
            }
            if !is_acceptable(&issuers, &certificate) {
                return Err(config.error_with(
                    Code::KeyMismatch,
                    &field,
                    "it was not issued by any of platform_issuers",
                ));
            }
            keys.push(PlatformKey::of_certificate(&certificate, true));
        }
        let wanted = match config.text("platform_serial")? {
            None => None,
            Some(text) => {
                match KeyId::parse(&text).filter(|id| keys.iter().any(|key| key.id == *id)) {
                    Some(id) => Some(id),
                    None => {
                        return Err(config.error(
                            "platform_serial",
                            "no configured platform key has this serial or id",
                        ));
                    }
                }
            }
        };
        let has_public_key = keys.iter().any(|key| matches!(key.id, KeyId::PublicKey(_)));
        // Of a brand no document says where its certificates could be asked for.
        let policy = read_policy(config, !has_public_key && scheme != Scheme::Brand)?;
        if keys.is_empty() && !policy.enabled {
            return Err(config.error("platform_public_keys", "there is no platform key and certificate_refresh is off: no answer could be verified"));
        }
        Ok(KeyRing {
            scheme,
            keys,
            wanted,
            issuers,
            refreshed_s: None,
            policy,
        })
    }

    /// Whether one of the pinned issuers signed the certificate; always, where none is pinned.
    pub fn accepts_issuer_of(&self, certificate: &Certificate) -> bool {
        is_acceptable(&self.issuers, certificate)
    }

    /// The key with exactly this id. Never "the newest", never one after the other.
    pub fn find(&self, id: &KeyId) -> Option<&PlatformKey> {
        self.keys.iter().find(|key| key.id == *id)
    }

    /// The key to encrypt with and to ask an answer of: the configured one while it is valid, else a public key, else the newest valid
    /// certificate.
    pub fn preferred(&self, now_s: i64) -> Option<&PlatformKey> {
        let valid = || self.keys.iter().filter(|key| key.is_valid_at(now_s));
        let wanted = self.wanted.as_ref();
        wanted
            .and_then(|id| valid().find(|key| key.id == *id))
            .or_else(|| valid().max_by_key(|key| key.not_before()))
    }

    pub fn len(&self) -> usize {
        self.keys.len()
    }

    pub fn state(&self, now_s: i64) -> Keys {
        let usable = self.keys.iter().any(|key| key.is_valid_at(now_s));
        match (usable, self.policy.enabled) {
            (false, true) => Keys::Missing,
            (true, true)
                if self
                    .refreshed_s
                    .is_none_or(|at| now_s - at >= self.policy.interval_s) =>
            {
                Keys::Due
            }
            _ => Keys::Ready,
        }
    }

    /// A certificate can be fetched, a public key cannot.
    pub fn can_fetch(&self, serial: &str) -> bool {
        self.policy.enabled && matches!(KeyId::parse(serial), Some(KeyId::Certificate(_)))
    }

    /// This ring with newly received certificates. What was known stays until it expires: answers on their way may still be signed by it.
    pub fn renewed(&self, certificates: &[Certificate], now_s: i64) -> KeyRing {
        let mut keys: Vec<PlatformKey> = self
            .keys
            .iter()
            .filter(|key| key.configured || key.is_valid_at(now_s))
            .cloned()
            .collect();
        for certificate in certificates {
            let key = PlatformKey::of_certificate(certificate, false);
            if !keys.iter().any(|known| known.id == key.id) {
                keys.push(key);
            }
        }
        KeyRing {
            scheme: self.scheme,
            keys,
            wanted: self.wanted.clone(),
            issuers: self.issuers.clone(),
            refreshed_s: Some(now_s),
            policy: self.policy,
        }
    }
}

fn read_issuers(config: &mut Section, scheme: Scheme) -> Result<Vec<Certificate>> {
    let texts = config.texts("platform_issuers")?.unwrap_or_default();
    let read = |(index, pem): (usize, &String)| {
        scheme.certificate(config, &format!("platform_issuers.{index}"), pem.as_bytes())
    };
    texts.iter().enumerate().map(read).collect()
}

fn is_acceptable(issuers: &[Certificate], certificate: &Certificate) -> bool {
    issuers.is_empty()
        || issuers
            .iter()
            .any(|issuer| certificate.is_issued_by(issuer))
}

fn refuse_own_key(
    config: &Section,
    field: &str,
    merchant: &Merchant,
    key: &PublicKey,
) -> Result<()> {
    match &merchant.public_key {
        Some(own) if own.is_same_key(key) => Err(config.error_with(
            Code::KeyRole,
            field,
            "this is the merchant's own key; the platform's key belongs here, or anybody who has our certificate's public half were the platform",
        )),
        _ => Ok(()),
    }
}

fn read_operation(section: &mut Section) -> Result<&'static str> {
    let Some(path) = section.text("path")? else {
        return Ok(certificates::OPERATIONS[0]);
    };
    let named = |operation: &&&str| operation.strip_prefix("GET ") == Some(path.as_str());
    match certificates::OPERATIONS.iter().find(named) {
        Some(operation) => Ok(operation),
        None => {
            let known = certificates::OPERATIONS.map(|operation| &operation["GET ".len()..]);
            let problem = format!(
                "certificates are not there; they are at {}",
                known.join(", ")
            );
            Err(section.error("path", problem))
        }
    }
}

fn read_policy(config: &mut Section, default_enabled: bool) -> Result<RefreshPolicy> {
    config.part("certificate_refresh", |section| {
        Ok(RefreshPolicy {
            enabled: section.flag("enabled")?.unwrap_or(default_enabled),
            operation: read_operation(section)?,
            interval_s: section
                .integer("interval_s", 60..=86_400)?
                .unwrap_or(43_200) as i64,
            min_interval_s: section.integer("min_interval_s", 1..=3_600)?.unwrap_or(60) as i64,
        })
    })
}
