//! The published vectors: messages and certificates of the provider itself. They are read where they are and counted where they are not.

use std::path::Path;

use payseal::Client;
use payseal::crypto::{CertificateIssue, md5, pem_blocks};
use payseal::host::Host;
use serde_json::{Value, json};

use crate::alipay::raw;
use crate::support::drive::execute;
use crate::support::merchant::MERCHANT;

fn vectors() -> Option<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/alipay/vectors.json");
    let Ok(text) = std::fs::read(&path) else {
        println!("skipped: the published vectors of Alipay are not there");
        return None;
    };
    serde_json::from_slice(&text).ok()
}

struct At(i64);

impl payseal::host::Clock for At {
    fn now_ms(&self) -> payseal::Result<i64> {
        Ok(self.0 * 1000)
    }
}

fn client(key: &str, app_id: &str, now_s: i64) -> Client {
    let config = json!({ "provider": "alipay", "app_id": app_id, "private_key": MERCHANT.private, "alipay_public_key": key });
    let host = Host {
        clock: Box::new(At(now_s)),
        ..Host::default()
    };
    Client::new(config.to_string().as_bytes(), host).unwrap()
}

fn form(params: &serde_json::Map<String, Value>) -> String {
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| {
            let encoded: String = value
                .as_str()
                .unwrap()
                .bytes()
                .map(|b| format!("%{b:02X}"))
                .collect();
            format!("{name}={encoded}")
        })
        .collect();
    pairs.join("&")
}

#[test]
fn published_notifications_open_and_altered_ones_do_not() {
    for vector in vectors().unwrap_or_default() {
        let Some(params) = vector["params"].as_object() else {
            continue;
        };
        let key = vector["public_key_pem"]
            .as_str()
            .or(vector["public_key_base64_spki"].as_str())
            .unwrap();
        let client = client(
            key,
            params["app_id"].as_str().unwrap(),
            match params["notify_time"].as_str().unwrap() {
                "2019-08-15 15:56:25" => 1_565_855_785,
                "2019-03-08 10:20:23" => 1_552_011_623,
                other => panic!("{other}"),
            },
        );
        let delivered = client
            .open_notification("", form(params).as_bytes(), b"{}")
            .unwrap();
        let read: Value = serde_json::from_slice(&delivered.body).unwrap();
        assert_eq!(read["notify_id"], params["notify_id"]);
        for name in params.keys().filter(|name| *name != "sign") {
            let mut altered = params.clone();
            altered[name] = format!("{}x", altered[name].as_str().unwrap()).into();
            client
                .open_notification("", form(&altered).as_bytes(), b"{}")
                .unwrap_err();
        }
    }
}

#[test]
fn the_published_answer_is_verified_over_its_raw_span() {
    for vector in vectors().unwrap_or_default() {
        let Some(body) = vector["body"].as_str() else {
            continue;
        };
        let client = client(
            vector["public_key_pem"].as_str().unwrap(),
            "1",
            1_700_000_000,
        );
        let ask = |body: String| {
            execute(&client, "alipay.open.file.upload", &json!({}), |_| {
                Ok(raw(body.clone().into_bytes()))
            })
        };
        let span = vector["expect"]["signed_source"].as_str().unwrap();
        assert_eq!(&**ask(body.to_owned()).unwrap().body, span.as_bytes());
        let altered = body.replacen("Success", "success", 1);
        assert!(ask(altered).is_err());
    }
}

#[test]
fn published_certificates_have_the_published_numbers() {
    let number = |pem: &[u8]| {
        let issue = CertificateIssue::read(pem).unwrap();
        let hash = md5(format!("{}{}", issue.issuer, issue.serial).as_bytes());
        let number: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        (number, issue.algorithm)
    };
    for vector in vectors().unwrap_or_default() {
        let (Some(pem), Some(expected)) = (vector["pem"].as_str(), vector["expect"]["sn"].as_str())
        else {
            continue;
        };
        let numbers: Vec<String> = pem_blocks(pem.as_bytes())
            .map(number)
            .filter(|(_, algorithm)| algorithm.starts_with("1.2.840.113549.1.1"))
            .map(|(number, _)| number)
            .collect();
        // Of a leaf with its chain the first counts, of roots all.
        let is_bundle = expected.contains('_');
        assert_eq!(
            if is_bundle {
                numbers.join("_")
            } else {
                numbers[0].clone()
            },
            expected
        );
    }
}
