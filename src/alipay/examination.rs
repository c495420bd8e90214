//! An app's configuration, part by part: what is wrong, and what will be soon.

use serde_json::json;

use crate::config::Section;
use crate::crypto::suite::PublicKey;
use crate::crypto::{Certificate, pem_blocks};
use crate::doctor::{Finding, certificate_lifetime, text};
use crate::error;
use crate::host::Host;
use crate::provider::{Expected, SelfTest};

use super::certificates::{self, ALIPAY, APP, ROOT};
use super::encryption::EncryptKey;
use super::sign_type::SignType;

/// Asks for a trade that nobody has made. That it does not exist is said under Alipay's signature, and only to an app whose own is good.
pub(super) fn self_test(host: &Host) -> error::Result<SelfTest> {
    Ok(SelfTest {
        operation: "alipay.trade.query",
        body: json!({ "out_trade_no": host.nonce()? }),
        expects: Expected::Refusal("ACQ.TRADE_NOT_EXIST"),
        proves: "Alipay knows the app, accepted our signature, and its own is by the configured key",
    })
}

/// Looks at each part by itself, so that one mistake does not hide the next. Whether the parts make a client is not asked here.
pub(crate) fn examine(config: &mut Section, host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now_s = host.now_s().unwrap_or(i64::MAX);
    let sign_type = SignType::read(config).unwrap_or(SignType::Rsa2);
    if sign_type == SignType::Rsa {
        findings.push(
            Finding::warning(
                "sign_type",
                "RSA signs with SHA-1, which no longer resists collisions",
            )
            .with_hint("set an RSA2 key in the console and sign_type to RSA2"),
        );
    }
    let app = text(config, APP).map(|pem| certificates::parse(certificates::first(pem.as_bytes())));
    let own = own_key(
        config,
        host,
        sign_type,
        app.as_ref().and_then(|it| it.as_ref().ok()),
        &mut findings,
    );
    findings.extend(app.map(|certificate| certificate_finding(APP, certificate, now_s)));
    if let Some(pem) = text(config, ALIPAY) {
        let chain = pem_blocks(pem.as_bytes()).count();
        let certificate = certificates::parse(certificates::first(pem.as_bytes()));
        findings.push(certificate_finding(ALIPAY, certificate, now_s));
        if chain < 2 {
            findings.push(Finding::problem(ALIPAY, "there is one certificate in it; the file from the console has its issuer's behind it").with_hint("give the whole file alipayCertPublicKey_RSA2.crt"));
        }
    }
    if let Some(pem) = text(config, ROOT) {
        let usable = pem_blocks(pem.as_bytes())
            .filter(|block| certificates::parse(block).is_ok())
            .count();
        findings.push(match usable {
            0 => Finding::problem(ROOT, "no root certificate with RSA can be read in it"),
            count => Finding::ok(
                ROOT,
                format!("{count} of its certificates can be the root of Alipay's"),
            ),
        });
    }
    if let Some(key) = text(config, "alipay_public_key") {
        findings.push(
            match (PublicKey::parse(sign_type.suite(), key.as_bytes()), &own) {
                (Err(error), _) => Finding::problem("alipay_public_key", error.message),
                (Ok(key), Some(own)) if key.is_same_key(own) => Finding::problem(
                    "alipay_public_key",
                    "this is the app's own public key; Alipay's belongs here",
                )
                .with_hint("the console shows Alipay's public key beside the app's own"),
                (Ok(_), _) => Finding::ok("alipay_public_key", "it can be read"),
            },
        );
    }
    match EncryptKey::read(config) {
        Ok(None) => {}
        Ok(Some(_)) => findings.push(Finding::ok("encrypt_key", "it has 16 bytes")),
        Err(error) => findings.push(Finding::of_error("encrypt_key", &error)),
    }
    findings.extend(notify_url(config));
    findings
}

fn own_key(
    config: &mut Section,
    host: &Host,
    sign_type: SignType,
    certificate: Option<&Certificate>,
    findings: &mut Vec<Finding>,
) -> Option<PublicKey> {
    let Ok(Some(pem)) = config.secret("private_key") else {
        if host.signer.is_some() {
            findings.push(Finding::ok(
                "private_key",
                "it is kept elsewhere: the host signs",
            ));
        }
        return None; // that it is missing, the client says
    };
    match sign_type.private_key(config, "private_key", &pem) {
        Ok(key) => {
            let public = key.public_key();
            findings.push(match certificate {
                Some(certificate) if !public.is_same_key(certificate.public_key()) => {
                    Finding::problem("private_key", "it does not belong to app_certificate")
                        .with_hint("give the key that the certificate was requested for")
                }
                Some(_) => Finding::ok("private_key", "it belongs to app_certificate"),
                None => Finding::ok("private_key", "it can be read and signs"),
            });
            Some(public)
        }
        Err(error) => {
            findings.push(Finding::of_error("private_key", &error));
            None
        }
    }
}

fn certificate_finding(
    check: &'static str,
    certificate: std::result::Result<Certificate, crate::crypto::KeyError>,
    now_s: i64,
) -> Finding {
    match certificate {
        Ok(certificate) => certificate_lifetime(check, &certificate, now_s),
        Err(error) => Finding::problem(check, error.message),
    }
}

/// Its query parameters come mixed into the form in many frameworks, and then no signature fits.
fn notify_url(config: &mut Section) -> Option<Finding> {
    let url = text(config, "notify_url")?;
    let check = "notify_url";
    Some(match url.strip_prefix("https://") {
        _ if url.contains(['?', '#']) => Finding::warning(check, "it has a query or a fragment: where a framework mixes them into the form, no signature fits")
            .with_hint("put what it says into the path, and open the body alone"),
        None => Finding::warning(check, "it does not begin with https://").with_hint("notifications hold data of payers; serve them over TLS"),
        Some(_) => Finding::ok(check, "it is an https address without query"),
    })
}
