//! Vectors that others published, from `../shared/vectors/wechat/vectors.json`; skipped, and counted, where that folder
//! is not there.

use payseal::crypto::engine::Engine;
use payseal::crypto::{Certificate, RsaPrivateKey, Serial, Verdict, base64};
use serde_json::Value;

on_each_engine![
    the_published_signature_is_made_and_verified,
    the_published_sensitive_field_is_opened,
    the_published_notification_is_opened,
    the_published_platform_certificate_is_opened_and_read,
];

/// The vector with this id, or nothing on a machine without the folder.
fn vector(id: &str) -> Option<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/vectors/wechat/vectors.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("{id}: 1 case skipped (../shared/vectors is not there)");
        return None;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    let found = vectors.into_iter().find(|vector| vector["id"] == id);
    assert!(found.is_some(), "{id} is not among the vectors any more");
    found
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {vector}"))
}

fn the_published_signature_is_made_and_verified<E: Engine>() {
    let Some(vector) = vector("rsa/sign") else {
        return;
    };
    let key = RsaPrivateKey::<E>::parse(text(&vector, "private_key_pem").as_bytes()).unwrap();
    let message = text(&vector, "message").as_bytes();
    let signature = base64::decode(text(&vector["expect"], "signature").as_bytes()).unwrap();
    assert_eq!(key.sign_sha256(message).unwrap(), signature);
    assert_eq!(
        key.public_key().verify_sha256(message, &signature),
        Verdict::Valid
    );
    let certificate = Certificate::parse(text(&vector, "certificate_pem").as_bytes()).unwrap();
    assert_eq!(
        certificate.public_key().verify(message, &signature),
        Verdict::Valid
    );
    assert_eq!(
        certificate.serial().to_string(),
        text(&vector["expect"], "certificate_serial")
    );
}

fn the_published_sensitive_field_is_opened<E: Engine>() {
    let Some(vector) = vector("rsa/oaep-decrypt") else {
        return;
    };
    let key = RsaPrivateKey::<E>::parse(text(&vector, "private_key_pem").as_bytes()).unwrap();
    let ciphertext = base64::decode(text(&vector, "ciphertext").as_bytes()).unwrap();
    let expected = text(&vector["expect"], "plaintext").as_bytes();
    assert_eq!(*key.oaep_sha1_open(&ciphertext).unwrap(), expected);
}

fn the_published_notification_is_opened<E: Engine>() {
    let Some(vector) = vector("aead/aes-256-gcm") else {
        return;
    };
    let expected = text(&vector["expect"], "plaintext").as_bytes();
    assert_eq!(open::<E>(text(&vector, "key"), &vector), expected);
}

fn the_published_platform_certificate_is_opened_and_read<E: Engine>() {
    let Some(vector) = vector("certificates/bootstrap") else {
        return;
    };
    let body: Value = serde_json::from_str(text(&vector, "body")).unwrap();
    let entry = &body["data"][0];
    let pem = open::<E>(text(&vector, "apiv3_key"), &entry["encrypt_certificate"]);
    let expect = &vector["expect"];
    assert_eq!(pem, text(expect, "certificate_pem").as_bytes());

    let certificate = Certificate::parse(&pem).unwrap();
    assert_eq!(certificate.serial().to_string(), text(expect, "serial"));
    assert_eq!(
        certificate.serial(),
        &Serial::parse(text(entry, "serial_no")).unwrap()
    );
    // 2023-09-19T15:15:58Z and 2028-09-17T15:15:58Z.
    assert_eq!(
        (certificate.not_before(), certificate.not_after()),
        (1_695_136_558, 1_852_816_558)
    );
    assert_eq!(text(expect, "not_before"), "2023-09-19T15:15:58+00:00");
    assert_eq!(text(expect, "not_after"), "2028-09-17T15:15:58+00:00");
    assert!(
        certificate.subject().contains("Tenpay.com"),
        "{}",
        certificate.subject()
    );
    assert!(
        certificate.issuer().contains("CN=Tenpay.com Root CA"),
        "{}",
        certificate.issuer()
    );
}

fn open<E: Engine>(key: &str, resource: &Value) -> Vec<u8> {
    let key = key.as_bytes().try_into().unwrap();
    let nonce = text(resource, "nonce").as_bytes().try_into().unwrap();
    let ciphertext = base64::decode(text(resource, "ciphertext").as_bytes()).unwrap();
    E::aes_256_gcm_open(
        key,
        nonce,
        text(resource, "associated_data").as_bytes(),
        &ciphertext,
    )
    .unwrap()
    .to_vec()
}

#[cfg(feature = "shangmi")]
mod shangmi {
    use super::*;
    use payseal::crypto::{Sm2PrivateKey, sm3, sm4_gcm_open};

    #[test]
    fn the_published_sm2_signature_is_verified_with_the_published_certificate() {
        let Some(vector) = vector("sm2/verify") else {
            return;
        };
        let certificate = Certificate::parse(text(&vector, "certificate_pem").as_bytes()).unwrap();
        assert_eq!(certificate.serial().to_string(), text(&vector, "serial"));
        let message = text(&vector, "message").as_bytes();
        let signature = base64::decode(text(&vector, "signature").as_bytes()).unwrap();
        let key = certificate.public_key();
        assert_eq!(key.verify(message, &signature), Verdict::Valid);
        assert_eq!(key.verify(b"another", &signature), Verdict::Invalid);
    }

    #[test]
    fn the_published_sm2_ciphertext_is_opened() {
        let Some(vector) = vector("sm2/decrypt") else {
            return;
        };
        let key = Sm2PrivateKey::parse(text(&vector, "private_key_pem").as_bytes()).unwrap();
        let ciphertext = base64::decode(text(&vector, "ciphertext").as_bytes()).unwrap();
        let expected = text(&vector["expect"], "plaintext").as_bytes();
        assert_eq!(*key.open(&ciphertext).unwrap(), expected);
    }

    #[test]
    fn the_published_sm4_box_is_opened() {
        let Some(vector) = vector("sm4/gcm") else {
            return;
        };
        let key = sm3(text(&vector, "key").as_bytes())[..16]
            .try_into()
            .unwrap();
        let nonce = text(&vector, "nonce").as_bytes().try_into().unwrap();
        let aad = text(&vector, "associated_data").as_bytes();
        let ciphertext = base64::decode(text(&vector, "ciphertext").as_bytes()).unwrap();
        let expected = text(&vector["expect"], "plaintext").as_bytes();
        assert_eq!(
            *sm4_gcm_open(&key, &nonce, aad, &ciphertext).unwrap(),
            expected
        );
    }
}
