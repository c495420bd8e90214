//! Certificate mode: the numbers by which certificates are named, and when a new certificate of the provider is believed.
//! <https://opendocs.alipay.com/common/056zub>

use serde_json::Value;

use crate::config::Section;
use crate::crypto::suite::Suite;
use crate::crypto::{Certificate, CertificateIssue, KeyError, base64, md5, pem_blocks};
use crate::error::{Code, Error, Result};
use crate::wire::json;

pub(super) const APP: &str = "app_certificate";
pub(super) const ALIPAY: &str = "alipay_certificate";
pub(super) const ROOT: &str = "alipay_root_certificate";

/// The operation that tells a certificate by its number.
pub(super) const DOWNLOAD: &str = "alipay.open.app.alipaycert.download";

/// The texts of the three files of certificate mode, which come together.
pub(super) struct Files {
    pub app: String,
    pub alipay: String,
    pub root: String,
}

impl Files {
    /// None in key mode.
    pub fn read(config: &mut Section) -> Result<Option<Files>> {
        let texts = [config.text(APP)?, config.text(ALIPAY)?, config.text(ROOT)?];
        let missing = [APP, ALIPAY, ROOT]
            .into_iter()
            .zip(&texts)
            .find(|(_, text)| text.is_none());
        match (texts.clone(), missing) {
            ([Some(app), Some(alipay), Some(root)], _) => Ok(Some(Files { app, alipay, root })),
            ([None, None, None], _) | (_, None) => Ok(None),
            (_, Some((key, _))) => Err(config.error(
                key,
                format!("it is missing: certificate mode needs {APP}, {ALIPAY} and {ROOT}"),
            )),
        }
    }
}

/// What every request says about our certificate and about the roots we trust.
pub(super) struct CertificateIds {
    pub app: String,
    pub root: String,
}

impl CertificateIds {
    pub fn read(config: &Section, files: &Files) -> Result<CertificateIds> {
        let refused = |key: &'static str| {
            move |error: KeyError| config.error_with(error.kind.into(), key, error.message)
        };
        Ok(CertificateIds {
            app: number(first(files.app.as_bytes())).map_err(refused(APP))?,
            root: root_numbers(files.root.as_bytes())
                .ok_or_else(|| config.error(ROOT, "there is no certificate with RSA in it"))?,
        })
    }
}

/// The first certificate of a file: the holder's own, where its chain follows.
pub(super) fn first(bundle: &[u8]) -> &[u8] {
    pem_blocks(bundle).next().unwrap_or(bundle)
}

/// A certificate with a key for RSA2.
pub(super) fn parse(text: &[u8]) -> std::result::Result<Certificate, KeyError> {
    let certificate = Certificate::parse(text)?;
    certificate.public_key().require(Suite::Rsa)?;
    Ok(certificate)
}

/// The number by which the provider names a certificate: MD5 of its issuer and its serial number, in hexadecimal.
pub(super) fn number(text: &[u8]) -> std::result::Result<String, KeyError> {
    CertificateIssue::read(text).map(|issue| number_of(&issue))
}

fn number_of(issue: &CertificateIssue) -> String {
    let hash = md5(format!("{}{}", issue.issuer, issue.serial).as_bytes());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The numbers of those roots that sign with RSA, joined by `_`. The provider's bundle has certificates of other algorithms too, also such
/// as no library can read: they are passed over.
fn root_numbers(bundle: &[u8]) -> Option<String> {
    const RSA_SIGNATURES: &str = "1.2.840.113549.1.1";
    let issues = pem_blocks(bundle).filter_map(|block| CertificateIssue::read(block).ok());
    let numbers: Vec<String> = issues
        .filter(|issue| issue.algorithm.starts_with(RSA_SIGNATURES))
        .map(|issue| number_of(&issue))
        .collect();
    (!numbers.is_empty()).then(|| numbers.join("_"))
}

/// What a certificate of the provider has to come from.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    roots: Vec<Certificate>,
    /// The holder that the configured certificate names. The same authority certifies every merchant's app, so a chain alone proves nothing.
    subject: String,
}

/// A certificate of the provider under the number that it is named by.
pub(super) struct Known {
    pub number: String,
    pub certificate: Certificate,
}

const LONGEST_CHAIN: usize = 5;

impl Trust {
    /// The configured certificate, and what a later one has to come from.
    pub fn read(config: &Section, files: &Files, now_s: i64) -> Result<(Trust, Known)> {
        // Roots of algorithms that are not used here cannot sign what is.
        let roots: Vec<Certificate> = pem_blocks(files.root.as_bytes())
            .filter_map(|block| parse(block).ok())
            .collect();
        let leaf = parse(first(files.alipay.as_bytes()))
            .map_err(|error| config.error_with(error.kind.into(), ALIPAY, error.message))?;
        let trust = Trust {
            roots,
            subject: leaf.subject().to_owned(),
        };
        let known = trust
            .accept(files.alipay.as_bytes(), now_s)
            .map_err(|problem| config.error_with(Code::KeyMismatch, ALIPAY, problem))?;
        Ok((trust, known))
    }

    /// A certificate with its chain, if it is the provider's: valid now, of the same holder as the configured one, and issued through
    /// authorities that are in the text by a root that is configured.
    fn accept(&self, bundle: &[u8], now_s: i64) -> std::result::Result<Known, String> {
        let unreadable = |error: KeyError| error.message;
        let mut blocks = pem_blocks(bundle);
        let leaf_text = blocks.next().ok_or("it is no certificate in PEM")?;
        let leaf = parse(leaf_text).map_err(unreadable)?;
        let authorities: Vec<Certificate> = blocks.filter_map(|block| parse(block).ok()).collect();
        if leaf.subject() != self.subject {
            return Err("it is not of the holder whom the configured certificate names".into());
        }
        let mut last = &leaf;
        for _ in 0..LONGEST_CHAIN {
            if !last.is_valid_at(now_s) {
                return Err("a certificate of its chain has expired or is not valid yet".into());
            }
            if self
                .roots
                .iter()
                .any(|root| root.is_valid_at(now_s) && last.is_issued_by(root))
            {
                return Ok(Known {
                    number: number(leaf_text).map_err(unreadable)?,
                    certificate: leaf,
                });
            }
            let Some(issuer) = authorities
                .iter()
                .find(|it| it.is_authority() && last.is_issued_by(it))
            else {
                break;
            };
            last = issuer;
        }
        Err(format!(
            "its chain does not lead to {ROOT}: give the whole file, with the certificates behind the first, and the roots of the same environment"
        ))
    }

    /// The certificate in an answer to [`DOWNLOAD`].
    pub fn downloaded(&self, answer: &[u8], now_s: i64) -> Result<Known> {
        let refused = |problem: String| {
            Error::new(
                Code::CertificateInvalid,
                format!("the certificate that was downloaded is not used: {problem}"),
            )
        };
        let answer = json::parse_object(answer).map_err(refused)?;
        let content = answer.get("alipay_cert_content").and_then(Value::as_str);
        let content =
            content.ok_or_else(|| refused("the answer has no alipay_cert_content".into()))?;
        let bundle = base64::decode(content.as_bytes())
            .map_err(|_| refused("alipay_cert_content is not base64".into()))?;
        self.accept(&bundle, now_s).map_err(refused)
    }
}
