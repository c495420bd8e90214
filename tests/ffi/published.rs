//! Vectors that others published, from `../shared/vectors/wechat/vectors.json`, through the C ABI; skipped, and counted, where that folder is
//! not there.

use std::ptr;

use payseal::crypto::base64;
use payseal::ffi::*;
use serde_json::Value;

use crate::abi::{garbage, run, take};

#[test]
fn published_vectors_replay_through_the_c_abi() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/vectors/wechat/vectors.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("published vectors: 0 run, all skipped (../shared/vectors is not there)");
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).unwrap();
    let (mut ran, mut skipped) = (0, 0);
    for vector in &vectors {
        match vector["id"].as_str().unwrap() {
            "rsa/sign" => sign(vector),
            "rsa/oaep-decrypt" => assert_eq!(
                open(
                    "RSA-OAEP-SHA1",
                    vector["private_key_pem"].as_str().unwrap(),
                    vector
                ),
                plaintext(vector)
            ),
            "aead/aes-256-gcm" => assert_eq!(
                open("AES-256-GCM", vector["key"].as_str().unwrap(), vector),
                plaintext(vector)
            ),
            "certificates/bootstrap" => {
                let body: Value = serde_json::from_str(vector["body"].as_str().unwrap()).unwrap();
                let resource = &body["data"][0]["encrypt_certificate"];
                let pem = open(
                    "AES-256-GCM",
                    vector["apiv3_key"].as_str().unwrap(),
                    resource,
                );
                assert_eq!(
                    pem,
                    vector["expect"]["certificate_pem"]
                        .as_str()
                        .unwrap()
                        .as_bytes()
                );
            }
            // Version 2 of the API and the SM algorithms are other chapters.
            _ => {
                skipped += 1;
                continue;
            }
        }
        ran += 1;
    }
    println!("published vectors: {ran} run, {skipped} skipped");
    assert_eq!(ran, 4);
}

fn plaintext(vector: &Value) -> &[u8] {
    vector["expect"]["plaintext"].as_str().unwrap().as_bytes()
}

fn sign(vector: &Value) {
    let text = |name: &str| vector[name].as_str().unwrap().as_bytes();
    let (algorithm, key, message) = ("RSA-SHA256", text("private_key_pem"), text("message"));
    let mut signature = garbage();
    run(|e| unsafe {
        payseal_crypto_sign(
            algorithm.as_ptr(),
            algorithm.len(),
            key.as_ptr(),
            key.len(),
            message.as_ptr(),
            message.len(),
            &mut signature,
            e,
        )
    })
    .unwrap();
    let expected = vector["expect"]["signature"].as_str().unwrap();
    assert_eq!(base64::encode(&take(signature)), expected);
}

fn open(algorithm: &str, key: &str, resource: &Value) -> Vec<u8> {
    let text = |name: &str| resource[name].as_str().unwrap_or_default();
    let ciphertext = base64::decode(text("ciphertext").as_bytes()).unwrap();
    let (nonce, aad) = (text("nonce"), text("associated_data"));
    let part = |text: &str| match text {
        "" => (ptr::null(), 0),
        text => (text.as_ptr(), text.len()),
    };
    let (nonce, nonce_len) = part(nonce);
    let (aad, aad_len) = part(aad);
    let mut plaintext = garbage();
    run(|e| unsafe {
        payseal_crypto_open(
            algorithm.as_ptr(),
            algorithm.len(),
            key.as_ptr(),
            key.len(),
            nonce,
            nonce_len,
            aad,
            aad_len,
            ciphertext.as_ptr(),
            ciphertext.len(),
            &mut plaintext,
            e,
        )
    })
    .unwrap();
    take(plaintext)
}
