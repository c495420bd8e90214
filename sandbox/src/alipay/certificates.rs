//! The certificates of certificate mode: a bundle of roots as motley as the provider's own, an intermediate for
//! apps and one for Alipay, leaves; and the serial numbers that requests and answers name them by.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use md5::{Digest, Md5};
use rcgen::{
    BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use time::{Duration, OffsetDateTime};
use x509_cert::Certificate;
use x509_cert::der::DecodePem;
use x509_cert::der::pem::{LineEnding, encode_string};

use crate::certificates::{Holder, key_pair, names, random_serial};
use crate::crypto::{RsaKey, random_bytes};
use crate::shangmi::{self, Sm2Key};

use super::signing::sign_sha1;

pub const APP_AUTHORITY: Holder<'static> = Holder(
    "Ant Financial Certification Authority Class 1 R1",
    "Certification Authority",
    "Ant Financial",
);
pub const ALIPAY_AUTHORITY: Holder<'static> = Holder(
    "Ant Financial Certification Authority Class 2 R1",
    "Certification Authority",
    "Ant Financial",
);
pub const ROOT: Holder<'static> = Holder(
    "Ant Financial Certification Authority R1",
    "Certification Authority",
    "Ant Financial",
);

const AGES: Duration = Duration::days(20 * 365);
const LEAF: Duration = Duration::days(5 * 365);

/// One certificate by an authority, and the serial number it is known by.
pub struct Issued {
    pub pem: String,
    pub sn: String,
}

/// Who issues: the holder's name on its certificate, and the key.
pub struct Authority<'a> {
    pub name: &'a Holder<'static>,
    pub key: &'a RsaKey,
}

fn broken(error: impl std::fmt::Display) -> String {
    format!("a certificate could not be made: {error}")
}

impl Authority<'_> {
    pub fn issue_authority(
        &self,
        key: &RsaKey,
        holder: &Holder,
        now: OffsetDateTime,
    ) -> Result<String, String> {
        let params = authority_params(holder, now - Duration::days(1000));
        self.sign(params, key)
    }

    pub fn issue_leaf(
        &self,
        key: &RsaKey,
        holder: &Holder,
        from: OffsetDateTime,
    ) -> Result<Issued, String> {
        let mut params = names(holder);
        params.serial_number = Some(SerialNumber::from_slice(&dated_serial(from)));
        params.not_before = from;
        params.not_after = from + LEAF;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
        ];
        let pem = self.sign(params, key)?;
        let sn = serial_number(&pem)?;
        Ok(Issued { pem, sn })
    }

    fn sign(&self, params: CertificateParams, key: &RsaKey) -> Result<String, String> {
        let mut own = names(self.name);
        own.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = Issuer::new(own, key_pair(self.key).map_err(broken)?);
        params
            .signed_by(&key_pair(key).map_err(broken)?, &issuer)
            .map(|certificate| certificate.pem())
            .map_err(broken)
    }
}

/// Serials begin with the day, as the provider's do: `20 26 11 29` and twelve random bytes.
fn dated_serial(day: OffsetDateTime) -> [u8; 16] {
    let mut serial = random_bytes::<16>();
    let digits = |number: u8| number / 10 * 16 + number % 10;
    let year = u8::try_from(day.year() % 100).unwrap_or_default();
    serial[..4].copy_from_slice(&[
        0x20,
        digits(year),
        digits(day.month().into()),
        digits(day.day()),
    ]);
    serial
}

fn authority_params(holder: &Holder, from: OffsetDateTime) -> CertificateParams {
    let mut params = names(holder);
    params.serial_number = Some(SerialNumber::from_slice(&dated_serial(from)));
    params.not_before = from;
    params.not_after = from + AGES;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The roots as one file: SM2, RSA, ECDSA whose algorithm has the NULL that it may not have, and RSA with SHA-1. Only `root`
/// has issued anything.
pub fn root_bundle(root: &RsaKey, old_key: &RsaKey, now: OffsetDateTime) -> Result<String, String> {
    let from = now - Duration::days(2000);
    let state = Holder("ROOTCA", "NRCAC", "NRCAC");
    let sm2 = Sm2Key::generate()?;
    let sm2 = shangmi::issue(
        &sm2,
        &sm2,
        &random_serial(),
        [&state, &state],
        [from, from + AGES],
    )?;

    let rsa = authority_params(&ROOT, from)
        .self_signed(&key_pair(root).map_err(broken)?)
        .map_err(broken)?;

    let elliptic = Holder(
        "Ant Financial Certification Authority E1",
        "Certification Authority",
        "Ant Financial",
    );
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(broken)?;
    let ecdsa = authority_params(&elliptic, from)
        .self_signed(&key)
        .map_err(broken)?;
    let ecdsa = with_null_parameters(ecdsa.der(), &key.serialize_der())?;

    let old = Holder(
        "iTruschina Global Root CA",
        "China Trust Network",
        "iTruschina Co., Ltd.",
    );
    let sha1 = authority_params(&old, from)
        .self_signed(&key_pair(old_key).map_err(broken)?)
        .map_err(broken)?;
    let sha1 = with_sha1(sha1.der(), old_key)?;

    Ok([sm2, rsa.pem(), pem(&ecdsa)?, pem(&sha1)?].join("\n"))
}

fn pem(der: &[u8]) -> Result<String, String> {
    encode_string("CERTIFICATE", LineEnding::LF, der).map_err(broken)
}

/// `1.2.840.10045.4.3.2`, alone and with the NULL.
const ECDSA_SHA256: &[u8] = b"\x30\x0A\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02";
const ECDSA_SHA256_NULL: &[u8] = b"\x30\x0C\x06\x08\x2A\x86\x48\xCE\x3D\x04\x03\x02\x05\x00";
/// `1.2.840.113549.1.1.11` and `…1.5`.
const RSA_SHA256: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x0B";
const RSA_SHA1: &[u8] = b"\x06\x09\x2A\x86\x48\x86\xF7\x0D\x01\x01\x05";

/// Signed again after its algorithm was written as the provider's E1 has it.
fn with_null_parameters(der: &[u8], pkcs8: &[u8]) -> Result<Vec<u8>, String> {
    let (tbs, _) = element(content(der)?)?;
    let contents = replaced(content(tbs)?, ECDSA_SHA256, ECDSA_SHA256_NULL);
    let tbs = wrapped(0x30, &contents);
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).map_err(broken)?;
    let signature = key.sign(&SystemRandom::new(), &tbs).map_err(broken)?;
    Ok(assembled(&tbs, ECDSA_SHA256_NULL, signature.as_ref()))
}

fn with_sha1(der: &[u8], key: &RsaKey) -> Result<Vec<u8>, String> {
    let (tbs, _) = element(content(der)?)?;
    let tbs = replaced(tbs, RSA_SHA256, RSA_SHA1);
    let algorithm = wrapped(0x30, &[RSA_SHA1, b"\x05\x00"].concat());
    Ok(assembled(&tbs, &algorithm, &sign_sha1(key, &tbs)))
}

fn assembled(tbs: &[u8], algorithm: &[u8], signature: &[u8]) -> Vec<u8> {
    let signature = wrapped(0x03, &[b"\0", signature].concat());
    wrapped(0x30, &[tbs, algorithm, &signature].concat())
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|window| window == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

/// DER: a tag, the length, the content.
fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a certificate is shorter than 64 KB");
    let [high, low] = length.to_be_bytes();
    let head = match length {
        0..=0x7F => vec![tag, low],
        0x80..=0xFF => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), content].concat()
}

/// The first element and what follows it.
fn element(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let (start, length) = head(bytes)?;
    bytes
        .split_at_checked(start + length)
        .ok_or_else(|| broken("its DER breaks off"))
}

fn content(bytes: &[u8]) -> Result<&[u8], String> {
    let (start, length) = head(bytes)?;
    bytes
        .get(start..start + length)
        .ok_or_else(|| broken("its DER breaks off"))
}

fn head(bytes: &[u8]) -> Result<(usize, usize), String> {
    match *bytes {
        [_, length @ 0..=0x7F, ..] => Ok((2, length.into())),
        [_, 0x81, length, ..] => Ok((3, length.into())),
        [_, 0x82, high, low, ..] => Ok((4, u16::from_be_bytes([high, low]).into())),
        _ => Err(broken("its DER has no length")),
    }
}

/// `app_cert_sn`, `alipay_cert_sn`: lower-case hex of the MD5 of the issuer's name (RFC 2253) and the serial in decimal.
pub fn serial_number(pem: &str) -> Result<String, String> {
    Certificate::from_pem(pem)
        .map(|certificate| number_of(&certificate))
        .map_err(broken)
}

/// `alipay_root_cert_sn`: those of the roots that are signed with RSA, joined.
pub fn root_serial_number(bundle: &str) -> Result<String, String> {
    let certificates = Certificate::load_pem_chain(bundle.as_bytes()).map_err(broken)?;
    let rsa = certificates.iter().filter(|certificate| {
        let algorithm = certificate.signature_algorithm().oid.to_string();
        algorithm.starts_with("1.2.840.113549.1.1")
    });
    Ok(rsa.map(number_of).collect::<Vec<_>>().join("_"))
}

fn number_of(certificate: &Certificate) -> String {
    let tbs = certificate.tbs_certificate();
    let text = format!(
        "{}{}",
        tbs.issuer(),
        decimal(tbs.serial_number().as_bytes())
    );
    let hash = Md5::digest(text);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A big-endian number in decimal.
fn decimal(bytes: &[u8]) -> String {
    let mut digits = vec![0_u8];
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            let sum = u32::from(*digit) * 256 + carry;
            *digit = (sum % 10) as u8;
            carry = sum / 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use x509_cert::der::Decode;

    use super::*;

    #[test]
    fn a_serial_is_written_in_decimal() {
        assert_eq!(decimal(&[0]), "0");
        assert_eq!(decimal(&[1, 0]), "256");
        assert_eq!(decimal(&[0xFF; 16]), u128::MAX.to_string());
    }

    #[test]
    fn published_certificates_have_the_published_serial_numbers() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/vectors/alipay/vectors.json"
        );
        let Ok(text) = std::fs::read_to_string(path) else {
            eprintln!("skipped: the vectors are not here");
            return;
        };
        let vectors: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        let known: Vec<_> = vectors
            .iter()
            .filter(|vector| vector["pem"].is_string())
            .collect();
        assert!(!known.is_empty());
        for vector in known {
            // Their lines are longer than a strict reader of PEM takes.
            let lines = vector["pem"].as_str().unwrap().lines();
            let base64: String = lines.filter(|line| !line.starts_with('-')).collect();
            let certificate = Certificate::from_der(&STANDARD.decode(base64).unwrap()).unwrap();
            assert_eq!(
                number_of(&certificate),
                vector["expect"]["sn"].as_str().unwrap()
            );
        }
    }
}
