//! Keys and certificates in a configuration: what fits, what does not fit, and what is in the wrong place.

use payseal::Code;
use serde_json::json;

use crate::configuration::refuses;
use crate::support::merchant::{self, *};
use crate::support::openssl;

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn bare(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

#[test]
fn a_private_key_is_read_in_every_spelling_that_users_bring() {
    let pkcs8 = &MERCHANT.private;
    let pkcs1 = utf8(openssl::run(&["rsa", "-traditional"], pkcs8.as_bytes()));
    for spelling in [
        pkcs8.clone(),
        pkcs1.clone(),
        pkcs8.replace('\n', "\r\n"),
        pkcs1.replace('\n', "\r\n"),
        bare(pkcs8),
        bare(&pkcs1),
        format!("\n{pkcs8}\n"),
        pkcs8.trim_end().to_owned(),
    ] {
        merchant::client(config(json!({ "private_key": spelling })));
    }
}

#[test]
fn a_private_key_that_is_none_is_refused() {
    let pem = &MERCHANT.private;
    for text in [
        "not a key".to_owned(),
        pem[..pem.len() / 2].to_owned(),
        bare(pem)[..400].to_owned(),
        pem.replacen("MII", "MIJ", 1),
        pem.replace("PRIVATE KEY", "SECRET KEY"),
        format!("{pem}{pem}"),
        format!("{pem}trailing"),
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----".to_owned(),
        "AAAA".to_owned(),
        "\u{0}".to_owned(),
    ] {
        let error = refuses_some(json!({ "private_key": text }), "private_key");
        assert!(
            matches!(error.code(), Code::KeyInvalid | Code::KeyUnsupported),
            "{error:?}"
        );
    }
}

fn refuses_some(changes: serde_json::Value, field: &str) -> payseal::Error {
    let error = crate::support::refused(crate::configuration::made(&config(changes).to_string()));
    assert_eq!(crate::support::field(&error), field, "{error:?}");
    error
}

#[test]
fn a_key_that_is_too_weak_or_of_another_kind_is_refused() {
    let encrypted = utf8(openssl::run(
        &["pkcs8", "-topk8", "-passout", "pass:swordfish"],
        MERCHANT.private.as_bytes(),
    ));
    let curve = utf8(openssl::generate("EC", &["ec_paramgen_curve:P-256"]));
    let pss = utf8(openssl::generate("RSA-PSS", &["rsa_keygen_bits:2048"]));
    let short = utf8(openssl::generate_rsa(1024));
    let three = utf8(openssl::generate(
        "RSA",
        &["rsa_keygen_bits:2048", "rsa_keygen_pubexp:3"],
    ));
    let primes = utf8(openssl::generate(
        "RSA",
        &["rsa_keygen_bits:2048", "rsa_keygen_primes:3"],
    ));
    let edwards = utf8(openssl::generate("ED25519", &[]));
    for key in [encrypted, curve, pss, short, three, primes, edwards] {
        refuses(
            json!({ "private_key": key }),
            Code::KeyUnsupported,
            "private_key",
        );
    }
}

#[test]
fn a_key_in_the_wrong_place_is_called_that() {
    refuses(
        json!({ "private_key": MERCHANT.public }),
        Code::KeyRole,
        "private_key",
    );
    refuses(
        json!({ "private_key": *MERCHANT_CERTIFICATE }),
        Code::KeyRole,
        "private_key",
    );
    let id = format!("platform_public_keys.{PUBLIC_KEY_ID}");
    for key in [&PLATFORM.private, &*PLATFORM_CERTIFICATE] {
        refuses(
            json!({ "platform_public_keys": { PUBLIC_KEY_ID: key } }),
            Code::KeyRole,
            &id,
        );
    }
    for key in [&CERTIFIED.public, &CERTIFIED.private] {
        refuses(
            json!({ "platform_certificates": [key] }),
            Code::KeyRole,
            "platform_certificates.0",
        );
    }
    for key in [&MERCHANT.public, &MERCHANT.private] {
        refuses(
            json!({ "merchant_certificate": key }),
            Code::KeyRole,
            "merchant_certificate",
        );
    }
    refuses(
        json!({ "merchant_serial": PUBLIC_KEY_ID }),
        Code::KeyRole,
        "merchant_serial",
    );
}

#[test]
fn the_merchants_own_key_is_not_the_platforms() {
    let id = format!("platform_public_keys.{PUBLIC_KEY_ID}");
    let pkcs1 = utf8(openssl::run(
        &["rsa", "-pubin", "-RSAPublicKey_out"],
        MERCHANT.public.as_bytes(),
    ));
    for own in [&MERCHANT.public, &pkcs1] {
        refuses(
            json!({ "platform_public_keys": { PUBLIC_KEY_ID: own } }),
            Code::KeyRole,
            &id,
        );
    }
    refuses(
        json!({ "platform_certificates": [*MERCHANT_CERTIFICATE] }),
        Code::KeyRole,
        "platform_certificates.0",
    );
    // Also under another serial, and where only the certificate tells which key is the merchant's.
    let renamed = certificate(&MERCHANT, "7F", LONG);
    refuses(
        json!({ "platform_certificates": [*PLATFORM_CERTIFICATE, renamed] }),
        Code::KeyRole,
        "platform_certificates.1",
    );
}

#[test]
fn key_certificate_and_serial_must_belong_together() {
    refuses(
        json!({ "private_key": STRANGER.private, "merchant_certificate": *MERCHANT_CERTIFICATE }),
        Code::KeyMismatch,
        "private_key",
    );
    let error = refuses(
        json!({ "merchant_serial": PLATFORM_SERIAL, "merchant_certificate": *MERCHANT_CERTIFICATE }),
        Code::KeyMismatch,
        "merchant_serial",
    );
    assert!(error.message().contains(MERCHANT_SERIAL), "{error}");
    // With the certificate, the serial may be left out.
    merchant::client(config(json!({
        "merchant_serial": null, "merchant_certificate": *MERCHANT_CERTIFICATE,
    })));
}

#[test]
fn a_private_key_whose_parts_do_not_fit_is_refused() {
    // One number of the key is another key's: it can be read, and signs what nobody can verify.
    let der = |pem: &str| openssl::pkcs1_der(pem.as_bytes());
    let (mine, theirs) = (der(&MERCHANT.private), der(&STRANGER.private));
    let modulus = |der: &[u8]| {
        let at = der
            .windows(4)
            .position(|bytes| bytes == [0x02, 0x82, 0x01, 0x01])
            .unwrap();
        at + 4..at + 4 + 257
    };
    let mut mixed = mine.clone();
    let (to, from) = (modulus(&mine), modulus(&theirs));
    mixed[to].copy_from_slice(&theirs[from]);
    let text = payseal::crypto::base64::encode(&mixed);
    let error = refuses_some(json!({ "private_key": text }), "private_key");
    assert!(
        matches!(error.code(), Code::KeyMismatch | Code::KeyInvalid),
        "{error:?}"
    );
}

#[test]
fn a_platform_certificate_that_has_expired_is_refused() {
    let expired = certificate(&CERTIFIED, PLATFORM_SERIAL, [(2020, 1, 1), (2023, 11, 1)]);
    let error = refuses(
        json!({ "platform_certificates": [expired] }),
        Code::CertificateInvalid,
        "platform_certificates.0",
    );
    assert!(error.message().contains(PLATFORM_SERIAL), "{error}");
}

#[test]
fn a_platform_key_that_is_weak_is_refused() {
    let short = utf8(openssl::public_half(&openssl::generate_rsa(1024)));
    refuses(
        json!({ "platform_public_keys": { PUBLIC_KEY_ID: short } }),
        Code::KeyUnsupported,
        &format!("platform_public_keys.{PUBLIC_KEY_ID}"),
    );
}
