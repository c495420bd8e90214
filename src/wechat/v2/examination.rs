//! A merchant's configuration of APIv2, part by part: what is wrong, and what will be soon.

use serde_json::json;

use crate::config::Section;
use crate::crypto::suite::{PrivateKey, Suite};
use crate::crypto::{Certificate, KeyError};
use crate::doctor::{Finding, certificate_lifetime, text};
use crate::error;
use crate::host::Host;
use crate::provider::{Expected, SelfTest};

use super::super::examination::{notify_url, refused};
use super::super::scheme::Scheme;

/// Asks for an order that nobody has placed. That it does not exist is said under the provider's signature, which is made with the same key as
/// ours: both sides have it. The client certificate takes no part.
pub(super) fn self_test(host: &Host) -> error::Result<SelfTest> {
    Ok(SelfTest {
        operation: "POST /pay/orderquery",
        body: json!({ "out_trade_no": host.nonce()? }),
        expects: Expected::Refusal("ORDERNOTEXIST"),
        proves: "the provider knows the merchant and the app, accepted our signature, and signed its answer with the same key",
    })
}

/// Looks at each part by itself, so that one mistake does not hide the next. Whether the parts make a client is not asked here.
pub(crate) fn examine(config: &mut Section, host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now_s = host.now_s().unwrap_or(i64::MAX);
    for name in ["apiv2_key", "previous_apiv2_key"] {
        findings.extend(apiv2_key(config, name));
    }
    findings.extend(sign_type(config));
    client_certificate(config, now_s, &mut findings);
    if let Some(pem) = text(config, "platform_certificate") {
        findings.push(match Scheme::Rsa.read_certificate(pem.as_bytes()) {
            Ok(certificate) => certificate_lifetime("platform_certificate", &certificate, now_s),
            Err(error) => refused("platform_certificate", &error),
        });
    }
    findings.extend(notify_url(config));
    findings
}

fn apiv2_key(config: &mut Section, name: &'static str) -> Option<Finding> {
    let secret = config.secret(name).ok()??;
    Some(match secret.len() {
        32 => Finding::ok(name, "it has 32 bytes"),
        length => Finding::problem(
            name,
            format!("an APIv2 key has exactly 32 bytes, this one {length}"),
        )
        .with_hint("copy the key that was set as API key (v2), without spaces or line ends"),
    })
}

fn sign_type(config: &mut Section) -> Option<Finding> {
    let is_md5 = text(config, "sign_type")? == "MD5";
    is_md5.then(|| {
        Finding::warning(
            "sign_type",
            "MD5 is the weaker of the two that the provider takes",
        )
        .with_hint("leave sign_type out, and HMAC-SHA256 signs wherever the provider takes it")
    })
}

fn client_certificate(config: &mut Section, now_s: i64, findings: &mut Vec<Finding>) {
    let check = "client_certificate";
    let Some(pem) = text(config, check) else {
        let message = "there is none: refunds, transfers and red packets need it";
        findings.push(
            Finding::warning(check, message)
                .with_hint("give client_certificate and client_key, or present them with the host's own HTTP client"),
        );
        return;
    };
    let certificate: Result<Certificate, KeyError> = Scheme::Rsa.read_certificate(pem.as_bytes());
    findings.push(match &certificate {
        Ok(certificate) => certificate_lifetime(check, certificate, now_s),
        Err(error) => refused(check, error),
    });
    let Ok(Some(key)) = config.secret("client_key") else {
        return; // that it is missing, the client says
    };
    let key = PrivateKey::parse(Suite::Rsa, &key).map(|key| key.public_key());
    findings.push(match (key, certificate) {
        (Err(error), _) => refused("client_key", &error),
        (Ok(key), Ok(certificate)) if !key.is_same_key(certificate.public_key()) => {
            Finding::problem("client_key", "it does not belong to client_certificate")
                .with_hint("download certificate and key as one pair")
        }
        (Ok(_), Ok(_)) => Finding::ok("client_key", "it belongs to client_certificate"),
        (Ok(_), Err(_)) => Finding::ok("client_key", "it can be read and signs"),
    });
}
