//! X.509 certificates: whose key it is, until when, under which serial number.

use super::engine::Verdict;
use super::error::KeyError;
use super::gate;
use super::serial::Serial;
use super::structure;
use super::suite::{PublicKey, Suite};
use der::asn1::ObjectIdentifier;
use der::{Decode, Encode};
use x509_cert::TbsCertificate;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

/// A certificate with a usable key. Reading it does not check its signature: who trusts it, and why, is the provider's rule.
#[derive(Clone, Debug)]
pub struct Certificate {
    signed: Signed,
    serial: Serial,
    public_key: PublicKey,
    not_before: i64,
    not_after: i64,
    subject: String,
    issuer: String,
    is_authority: bool,
}

impl Certificate {
    /// Reads one certificate, as PEM, bare base64 or DER. Its key must pass the gate.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let der = gate::certificate(text)?;
        let certificate = x509_cert::Certificate::from_der(&der).map_err(|_| unreadable())?;
        let contents = certificate.tbs_certificate();
        let key = contents
            .subject_public_key_info()
            .to_der()
            .map_err(|_| unreadable())?;
        let validity = contents.validity();
        Ok(Self {
            signed: Signed::read(&der)?,
            serial: Serial::from_der_integer(contents.serial_number().as_bytes())?,
            public_key: gate::subject_public_key(&key)?,
            not_before: unix_seconds(validity.not_before)?,
            not_after: unix_seconds(validity.not_after)?,
            subject: contents.subject().to_string(),
            issuer: contents.issuer().to_string(),
            is_authority: is_authority(contents),
        })
    }

    /// Whether `issuer` is named as the issuer and its key signed this certificate, with the signature algorithm of its suite. Says
    /// nothing about validity.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        self.issuer == issuer.subject
            && self.signed.suite == Some(issuer.public_key.suite())
            && issuer
                .public_key
                .verify(&self.signed.contents, &self.signed.signature)
                == Verdict::Valid
    }

    /// Whether its key may issue certificates: it says so, and its key usage does not say otherwise, RFC 5280 sections 4.2.1.9 and 4.2.1.3.
    pub fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// The certificate's own serial number, never the one a message claims for it.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The first second of validity, Unix time.
    pub fn not_before(&self) -> i64 {
        self.not_before
    }

    /// The last second of validity, Unix time.
    pub fn not_after(&self) -> i64 {
        self.not_after
    }

    /// Both ends belong to the validity, RFC 5280 section 4.1.2.5.
    pub fn is_valid_at(&self, unix_seconds: i64) -> bool {
        (self.not_before..=self.not_after).contains(&unix_seconds)
    }

    /// The distinguished name of the holder, RFC 4514.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The distinguished name of the issuer, RFC 4514.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// What the issuer signed, in the very bytes, and the signature.
#[derive(Clone, Debug)]
struct Signed {
    contents: Vec<u8>,
    /// None for an algorithm of no suite.
    suite: Option<Suite>,
    signature: Vec<u8>,
}

impl Signed {
    fn read(der: &[u8]) -> Result<Self, KeyError> {
        let parts = structure::certificate_parts(der).map_err(|_| unreadable())?;
        Ok(Self {
            contents: parts.contents.to_vec(),
            suite: suite(parts.algorithm),
            signature: parts.signature.to_vec(),
        })
    }
}

/// sha256WithRSAEncryption, RFC 8017 appendix A.2.4.
const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// SM2-with-SM3, GB/T 33560.
#[cfg(feature = "shangmi")]
const SM2_WITH_SM3: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.501");

fn suite(algorithm: ObjectIdentifier) -> Option<Suite> {
    match algorithm {
        SHA256_WITH_RSA => Some(Suite::Rsa),
        #[cfg(feature = "shangmi")]
        SM2_WITH_SM3 => Some(Suite::Shangmi),
        _ => None,
    }
}

fn is_authority(contents: &TbsCertificate) -> bool {
    let is_named =
        matches!(contents.get_extension::<BasicConstraints>(), Ok(Some((_, it))) if it.ca);
    let may_sign = match contents.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) => usage.key_cert_sign(),
        Ok(None) => true,
        Err(_) => false,
    };
    is_named && may_sign
}

fn unix_seconds(time: x509_cert::time::Time) -> Result<i64, KeyError> {
    i64::try_from(time.to_unix_duration().as_secs()).map_err(|_| unreadable())
}

fn unreadable() -> KeyError {
    KeyError::invalid("the certificate cannot be read; a part of it may be missing or altered")
}
