//! The published vectors, so that the tests' own idea of the protocol is that of others.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::stage::{App, canonical, own, split};
use crate::stage::{empty_dir, verify_with};

fn vectors() -> Option<Vec<Value>> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors/alipay/vectors.json");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// The vector's public key as a file.
fn key(vector: &Value) -> std::path::PathBuf {
    let path = empty_dir().join("key.pem");
    let pem = match vector["public_key_pem"].as_str() {
        Some(pem) => pem.to_owned(),
        None => {
            let base64 = vector["public_key_base64_spki"].as_str().unwrap();
            let lines = base64
                .as_bytes()
                .chunks(64)
                .map(|line| String::from_utf8_lossy(line));
            let lines: Vec<_> = lines.collect();
            format!(
                "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
                lines.join("\n")
            )
        }
    };
    fs::write(&path, pem).unwrap();
    path
}

#[test]
fn the_two_rules_for_notifications_are_those_of_the_vectors() {
    let Some(vectors) = vectors() else { return };
    let mut seen = 0;
    for vector in vectors.iter().filter(|vector| vector["params"].is_object()) {
        let params = vector["params"].as_object().unwrap();
        let pairs: Vec<_> = params
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let fields = own(&pairs);
        let key = key(vector);
        let holds = |without: &[&str]| {
            let sign = params["sign"].as_str().unwrap();
            verify_with("sha256", &key, canonical(&fields, without).as_bytes(), sign)
        };
        let first = vector["id"] == "notification/v1";
        assert_eq!(
            (holds(&["sign", "sign_type"]), holds(&["sign"])),
            (first, !first)
        );
        seen += 1;
    }
    assert_eq!(seen, 2);
}

#[test]
fn an_answer_is_signed_over_its_raw_span() {
    let Some(vectors) = vectors() else { return };
    let vector = vectors
        .iter()
        .find(|vector| vector["id"] == "response/sign")
        .unwrap();
    let body = vector["body"].as_str().unwrap();
    let (span, sign) = split("alipay_open_file_upload_response", body.as_bytes()).unwrap();
    assert_eq!(
        span,
        vector["expect"]["signed_source"]
            .as_str()
            .unwrap()
            .as_bytes()
    );
    assert!(verify_with("sha256", &key(vector), span, &sign));
}

#[test]
fn certificates_have_the_published_serial_numbers() {
    let Some(vectors) = vectors() else { return };
    let path = empty_dir().join("certificate.pem");
    for vector in vectors.iter().filter(|vector| vector["pem"].is_string()) {
        fs::write(&path, vector["pem"].as_str().unwrap()).unwrap();
        assert_eq!(
            App::certificate_sn(&path),
            vector["expect"]["sn"].as_str().unwrap()
        );
    }
}
