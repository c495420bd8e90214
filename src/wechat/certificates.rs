//! `GET /v3/certificates`: bootstrap and rotation of the platform certificates.
//! <https://pay.weixin.qq.com/doc/v3/merchant/4012551764>

use serde::Deserialize;

use crate::crypto::Certificate;
use crate::error::{Code, Error, Result};
use crate::params::Params;
use crate::wire::Response;
use crate::wire::json::{self, Text};

use super::keyring::KeyRing;
use super::merchant::Merchant;
use super::notification::{Resource, open_resource};
use super::scheme::Scheme;
use super::{answer, verification};

/// The first is the usual one; merchants abroad have the others.
pub(super) const OPERATIONS: [&str; 3] = [
    "GET /v3/certificates",
    "GET /v3/global/certificates",
    "GET /hk/v3/certificates",
];

pub(super) fn params(scheme: Scheme) -> Params {
    let mut params = Params::default();
    if let Some(algorithm_type) = scheme.algorithm_type() {
        params
            .query
            .insert("algorithm_type".into(), algorithm_type.into());
    }
    params
}

/// Takes in an answer: decrypts the certificates, then verifies the very answer with the certificates inside it.
///
/// The body has to be read before it can be verified, since its key is in it. What is read first is only what the APIv3 key
/// authenticates; any failure discards everything and leaves the known keys as they are.
pub(super) fn accept(
    merchant: &Merchant,
    ring: &KeyRing,
    response: &Response,
    now_s: i64,
) -> Result<KeyRing> {
    if response.status != 200 {
        return Err(answer::refusal(ring, merchant.window_s, response, now_s));
    }
    json::check_object(&response.body).map_err(|problem| malformed(&problem))?;
    let listed: Listed = serde_json::from_slice(&response.body)
        .map_err(|_| malformed("a field has another type than the provider documents"))?;
    let entries = listed.data.ok_or_else(|| malformed("data is missing"))?;
    if entries.is_empty() {
        return Err(malformed("it lists no certificate"));
    }
    let certificates = entries
        .iter()
        .map(|entry| read(merchant, ring, entry))
        .collect::<Result<Vec<_>>>()?;
    if !certificates
        .iter()
        .any(|certificate| certificate.is_valid_at(now_s))
    {
        return Err(Error::new(
            Code::CertificateInvalid,
            "none of the platform certificates received is valid now; check this machine's clock",
        ));
    }
    let renewed = ring.renewed(&certificates, now_s);
    verification::verify(
        &renewed,
        merchant.window_s,
        &response.headers,
        &response.body,
        now_s,
    )?;
    Ok(renewed)
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    data: Option<Vec<Entry<'a>>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    serial_no: Option<Text<'a>>,
    encrypt_certificate: Option<Resource<'a>>,
}

fn read(merchant: &Merchant, ring: &KeyRing, entry: &Entry) -> Result<Certificate> {
    let (Some(serial), Some(resource)) = (&entry.serial_no, &entry.encrypt_certificate) else {
        return Err(malformed("serial_no or encrypt_certificate is missing"));
    };
    let pem = open_resource(merchant, resource)?;
    let certificate = merchant.scheme.read_certificate(&pem).map_err(|e| {
        Error::new(
            Code::CertificateInvalid,
            format!("a platform certificate cannot be used: {}", e.message),
        )
    })?;
    if crate::crypto::Serial::parse(serial).ok().as_ref() != Some(certificate.serial()) {
        return Err(Error::new(
            Code::CertificateInvalid,
            "a platform certificate has another serial number than the answer says",
        ));
    }
    if !ring.accepts_issuer_of(&certificate) {
        return Err(Error::new(
            Code::CertificateInvalid,
            "a platform certificate was not issued by any of platform_issuers",
        ));
    }
    if merchant
        .public_key
        .as_ref()
        .is_some_and(|own| own.is_same_key(certificate.public_key()))
    {
        return Err(Error::new(
            Code::CertificateInvalid,
            "a platform certificate holds the merchant's own key",
        ));
    }
    Ok(certificate)
}

fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the list of platform certificates cannot be read: {problem}"),
    )
}
