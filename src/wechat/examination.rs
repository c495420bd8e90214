//! A merchant's configuration, part by part: what is wrong, and what will be soon.

use serde_json::json;

use crate::config::Section;
use crate::crypto::suite::{PrivateKey, PublicKey};
use crate::crypto::{Certificate, KeyError, Serial};
use crate::doctor::{Finding, certificate_lifetime, text};
use crate::host::Host;
use crate::provider::{Expected, SelfTest};

use super::keyring::KeyId;
use super::scheme::Scheme;

/// The provider's test of signature, encryption and notification. <https://pay.weixin.qq.com/doc/v3/partner/4015139289>
pub(super) fn self_test(notify_url: Option<&str>) -> SelfTest {
    let mut body = json!({
        "echo_message": "payseal self-test",
        "encrypted_echo_message": "payseal self-test, encrypted",
    });
    if let Some(notify_url) = notify_url {
        body["notify_url"] = notify_url.into();
    }
    SelfTest {
        operation: "POST /v3/security/echo",
        body,
        expects: Expected::Echo(&["echo_message", "encrypted_echo_message"]),
        proves: "the provider accepted our signature, and its own is good",
    }
}

/// Looks at each part by itself, so that one mistake does not hide the next. Whether the parts make a client is not asked here.
pub(crate) fn examine(config: &mut Section, host: &Host) -> Vec<Finding> {
    let mut findings = Vec::new();
    let now_s = host.now_s().unwrap_or(i64::MAX);
    // A scheme that does not exist is refused when the client is made.
    let scheme = Scheme::read(config).unwrap_or(Scheme::Rsa);
    let certificate =
        text(config, "merchant_certificate").map(|pem| scheme.read_certificate(pem.as_bytes()));
    if let Some(certificate) = &certificate {
        findings.push(match certificate {
            Ok(certificate) => certificate_lifetime("merchant_certificate", certificate, now_s),
            Err(error) => refused("merchant_certificate", error),
        });
    }
    let certificate = certificate.and_then(Result::ok);
    let key = private_key(config, host, scheme, certificate.as_ref(), &mut findings);
    findings.extend(merchant_serial(config, certificate.as_ref()));
    for name in ["apiv3_key", "previous_apiv3_key"] {
        findings.extend(apiv3_key(config, name));
    }
    platform_keys(
        config,
        scheme,
        key.map(|key| key.public_key()).as_ref(),
        now_s,
        &mut findings,
    );
    findings.extend(notify_url(config));
    findings
}

pub(super) fn refused(check: &str, error: &KeyError) -> Finding {
    Finding::problem(check, error.message.clone())
}

fn private_key(
    config: &mut Section,
    host: &Host,
    scheme: Scheme,
    certificate: Option<&Certificate>,
    findings: &mut Vec<Finding>,
) -> Option<PrivateKey> {
    let Ok(Some(pem)) = config.secret("private_key") else {
        if host.signer.is_some() {
            findings.push(Finding::ok(
                "private_key",
                "it is kept elsewhere: the host signs",
            ));
        }
        return None; // that it is missing, the client says
    };
    match PrivateKey::parse(scheme.suite(), &pem) {
        Ok(key) => {
            findings.push(match certificate {
                Some(certificate) if !key.public_key().is_same_key(certificate.public_key()) => {
                    Finding::problem("private_key", "it does not belong to merchant_certificate")
                        .with_hint("download certificate and key as one pair")
                }
                Some(_) => Finding::ok("private_key", "it belongs to merchant_certificate"),
                None => Finding::ok("private_key", "it can be read and signs").with_hint(
                    "give merchant_certificate too, and it is checked whether they belong together",
                ),
            });
            Some(key)
        }
        Err(error) => {
            findings.push(refused("private_key", &error));
            None
        }
    }
}

fn merchant_serial(config: &mut Section, certificate: Option<&Certificate>) -> Option<Finding> {
    let given = text(config, "merchant_serial")?;
    let check = "merchant_serial";
    Some(match (Serial::parse(&given), certificate) {
        (Err(_), _) if given.starts_with("PUB_KEY_ID_") => Finding::problem(
            check,
            "this is the id of a WeChat Pay public key; the serial number of the merchant API certificate belongs here",
        ),
        (Err(_), _) => Finding::problem(check, "a serial number is at most 40 hexadecimal digits"),
        (Ok(serial), Some(certificate)) if serial != *certificate.serial() => Finding::problem(
            check,
            format!(
                "merchant_certificate has the serial number {}",
                certificate.serial()
            ),
        ),
        (Ok(_), Some(_)) => Finding::ok(check, "it is the one of merchant_certificate"),
        (Ok(_), None) => Finding::ok(check, "it has the form of a serial number"),
    })
}

fn apiv3_key(config: &mut Section, name: &'static str) -> Option<Finding> {
    let secret = config.secret(name).ok()??;
    Some(match secret.len() {
        32 => Finding::ok(name, "it has 32 bytes"),
        length => Finding::problem(
            name,
            format!("an APIv3 key has exactly 32 bytes, this one {length}"),
        )
        .with_hint("copy the key that was set as APIv3 key, without spaces or line ends"),
    })
}

fn platform_keys(
    config: &mut Section,
    scheme: Scheme,
    own: Option<&PublicKey>,
    now_s: i64,
    findings: &mut Vec<Finding>,
) {
    let is_own = |key: &PublicKey| own.is_some_and(|own| own.is_same_key(key));
    let own_key = "this is the merchant's own key; the platform's belongs here";
    for (id, pem) in config.pairs("platform_public_keys").unwrap_or_default() {
        let check = format!("platform_public_keys.{id}");
        findings.push(
            match (
                KeyId::parse(&id),
                PublicKey::parse(scheme.suite(), pem.as_bytes()),
            ) {
                (Some(KeyId::PublicKey(_)), Ok(key)) if is_own(&key) => {
                    Finding::problem(check, own_key)
                }
                (Some(KeyId::PublicKey(_)), Ok(_)) => Finding::ok(check, "it can be read"),
                (_, Ok(_)) => Finding::problem(
                    check,
                    "the id of a WeChat Pay public key is PUB_KEY_ID_ and digits",
                ),
                (_, Err(error)) => refused(&check, &error),
            },
        );
    }
    let certificates = config.texts("platform_certificates").ok().flatten();
    for (index, pem) in certificates.unwrap_or_default().iter().enumerate() {
        let check = format!("platform_certificates.{index}");
        findings.push(match scheme.read_certificate(pem.as_bytes()) {
            Ok(certificate) if is_own(certificate.public_key()) => Finding::problem(check, own_key),
            Ok(certificate) => certificate_lifetime(&check, &certificate, now_s),
            Err(error) => refused(&check, &error),
        });
    }
}

pub(super) fn notify_url(config: &mut Section) -> Option<Finding> {
    let url = text(config, "notify_url")?;
    let check = "notify_url";
    let rest = url.strip_prefix("https://");
    Some(match rest {
        _ if url.contains(['?', '#']) => Finding::problem(
            check,
            "it has a query or a fragment, which WeChat Pay does not accept",
        )
        .with_hint("put what it says into the path"),
        None => Finding::warning(check, "it does not begin with https://")
            .with_hint("notifications hold data of payers; serve them over TLS"),
        Some(_) => Finding::ok(check, "it is an https address without query"),
    })
}
