//! Vectors that others published, from `../shared/vectors/wechat/vectors.json`, through the C ABI; skipped, and counted, where that folder is
//! not there.

use std::ptr;

use payseal::crypto::{Certificate, base64};
use payseal::ffi::*;
use serde_json::Value;

use crate::abi::{garbage, run, take};

#[test]
fn published_vectors_replay_through_the_c_abi() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../shared/vectors/wechat/vectors.json"
    );
    let Ok(vectors) = std::fs::read_to_string(path) else {
        println!("published vectors: 0 run, all skipped (../shared/vectors is not there)");
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&vectors).unwrap();
    let (mut ran, mut skipped) = (0, 0);
    for vector in &vectors {
        match vector["id"].as_str().unwrap() {
            "rsa/sign" => sign(vector),
            "rsa/oaep-decrypt" => assert_eq!(
                open(
                    "RSA-OAEP-SHA1",
                    text(vector, "private_key_pem").as_bytes(),
                    vector
                ),
                plaintext(vector)
            ),
            "aead/aes-256-gcm" => assert_eq!(
                open("AES-256-GCM", text(vector, "key").as_bytes(), vector),
                plaintext(vector)
            ),
            "certificates/bootstrap" => {
                let body: Value = serde_json::from_str(vector["body"].as_str().unwrap()).unwrap();
                let resource = &body["data"][0]["encrypt_certificate"];
                let key = text(vector, "apiv3_key").as_bytes();
                let pem = open("AES-256-GCM", key, resource);
                assert_eq!(
                    pem,
                    vector["expect"]["certificate_pem"]
                        .as_str()
                        .unwrap()
                        .as_bytes()
                );
            }
            "sm2/verify" => verify(vector),
            "sm2/decrypt" => assert_eq!(
                open("SM2", text(vector, "private_key_pem").as_bytes(), vector),
                plaintext(vector)
            ),
            "sm4/gcm" => {
                let hash = digest("SM3", text(vector, "key"));
                assert_eq!(open("SM4-GCM", &hash[..16], vector), plaintext(vector));
            }
            "v2/sign-md5" => v2("MD5", vector),
            "v2/sign-hmac-sha256" => v2("HMAC-SHA256", vector),
            _ => {
                skipped += 1;
                continue;
            }
        }
        ran += 1;
    }
    println!("published vectors: {ran} run, {skipped} skipped");
    assert_eq!(ran, 9);
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    vector[name].as_str().unwrap()
}

fn plaintext(vector: &Value) -> &[u8] {
    vector["expect"]["plaintext"].as_str().unwrap().as_bytes()
}

fn sign(vector: &Value) {
    let bytes = |name: &str| text(vector, name).as_bytes();
    let (algorithm, key, message) = ("RSA-SHA256", bytes("private_key_pem"), bytes("message"));
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

/// A message with the published signature is believed, and one with any other is not.
fn v2(sign_type: &str, vector: &Value) {
    let params = vector["params"].as_object().unwrap();
    let config = serde_json::json!({
        "provider": "wechat-v2",
        "mchid": params["mch_id"],
        "apiv2_key": vector["key"],
        "sign_type": sign_type,
    })
    .to_string();
    let mut client = ptr::null_mut();
    run(|e| unsafe {
        payseal_client_new(config.as_ptr(), config.len(), ptr::null(), &mut client, e)
    })
    .unwrap();
    let elements: String = params
        .iter()
        .map(|(name, value)| format!("<{name}>{}</{name}>", value.as_str().unwrap()))
        .collect();
    let open = |sign: &str| {
        let body = format!("<xml>{elements}<sign>{sign}</sign></xml>");
        let mut plaintext = garbage();
        run(|e| unsafe {
            payseal_notification_open(
                client,
                ptr::null(),
                0,
                body.as_ptr(),
                body.len(),
                ptr::null(),
                0,
                &mut plaintext,
                ptr::null_mut(),
                e,
            )
        })
        .map(|_| take(plaintext))
    };
    let sign = vector["expect"]["sign"].as_str().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&open(sign).unwrap()).unwrap(),
        vector["params"]
    );
    assert!(open(&sign.replace('A', "B")).is_err());
    payseal_client_free(client);
}

/// SM2 in a certificate, whose SubjectPublicKeyInfo goes through the C ABI.
fn verify(vector: &Value) {
    let certificate = Certificate::parse(text(vector, "certificate_pem").as_bytes()).unwrap();
    assert_eq!(certificate.serial().to_string(), text(vector, "serial"));
    let der = base64::decode(
        text(vector, "certificate_pem")
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
            .as_bytes(),
    )
    .unwrap();
    // The algorithm of a key on the curve of SM2; the SEQUENCE around it and its point is 91 bytes long.
    const ALGORITHM: &[u8] =
        b"\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x81\x1C\xCF\x55\x01\x82\x2D";
    let at = der
        .windows(ALGORITHM.len())
        .position(|window| window == ALGORITHM)
        .unwrap()
        - 2;
    let key = &der[at..at + 91];
    let signature = base64::decode(text(vector, "signature").as_bytes()).unwrap();
    let (algorithm, message) = ("SM2-SM3", text(vector, "message"));
    let check = |message: &str| {
        run(|e| unsafe {
            payseal_crypto_verify(
                algorithm.as_ptr(),
                algorithm.len(),
                key.as_ptr(),
                key.len(),
                message.as_ptr(),
                message.len(),
                signature.as_ptr(),
                signature.len(),
                e,
            )
        })
    };
    check(message).unwrap();
    assert!(check("another message").is_err());
}

fn digest(algorithm: &str, message: &str) -> Vec<u8> {
    let mut value = garbage();
    run(|e| unsafe {
        payseal_crypto_digest(
            algorithm.as_ptr(),
            algorithm.len(),
            ptr::null(),
            0,
            message.as_ptr(),
            message.len(),
            &mut value,
            e,
        )
    })
    .unwrap();
    take(value)
}

fn open(algorithm: &str, key: &[u8], resource: &Value) -> Vec<u8> {
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
