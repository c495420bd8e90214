//! Every catalogued operation: completed, encrypted, signed, and sent where the table of facts says.

use payseal::catalogue::{self, Fields, Format, Kind, Operation, Schema};
use serde_json::{Map, json};

use super::*;

const PROVIDER: &str = "wechat-v2";

/// The least that the schema takes.
fn sample(schema: Schema) -> Value {
    let first = schema.values().next();
    match schema.kind {
        Kind::Integer => match (first, schema.range()) {
            (Some(text), _) => text.parse::<i64>().unwrap().into(),
            (None, range) => range.map_or(1, |[least, _]| least.max(1)).into(),
        },
        Kind::Boolean => true.into(),
        Kind::String => match (first, schema.format()) {
            (Some(text), _) => text.into(),
            (None, Some(Format::Ip)) => "203.0.113.7".into(),
            (None, Some(Format::NotifyUrl)) => "https://shop.example.com/notify".into(),
            (None, _) => "1".repeat(schema.min_len().max(1)).into(),
        },
        Kind::Array | Kind::Object => panic!("APIv2 is flat"),
    }
}

fn samples(fields: Fields, any_of: impl Iterator<Item = &'static str>) -> Map<String, Value> {
    let made_here = [
        "sign",
        "sign_type",
        "nonce_str",
        "mch_id",
        "mchid",
        "combine_mch_id",
    ];
    let asked: Vec<&str> = any_of.collect();
    fields
        .into_iter()
        .filter(|field| {
            (field.required || asked.contains(&field.name) || field.schema.encrypted)
                && !made_here.contains(&field.name)
        })
        .map(|field| (field.name.to_owned(), sample(field.schema)))
        .collect()
}

fn params(operation: &Operation) -> Value {
    let query = samples(operation.query_fields, std::iter::empty());
    let Some(body) = operation.body else {
        return json!({ "query": query });
    };
    json!({ "query": query, "body": samples(body.fields(), body.any_of()) })
}

fn facts() -> Vec<Value> {
    let text = std::fs::read_to_string("catalogue/facts/wechat-v2.json").unwrap();
    let facts: Value = serde_json::from_str(&text).unwrap();
    facts["operations"].as_array().unwrap().clone()
}

fn complete() -> Client {
    client(
        json!({ "risk_public_key": STRANGER.public, "platform_certificate": *PLATFORM_CERTIFICATE }),
    )
}

#[test]
fn all_136_are_catalogued() {
    let facts = facts();
    assert_eq!(facts.len(), 136);
    assert_eq!(
        facts
            .iter()
            .filter(|fact| fact["client_certificate"] == true)
            .count(),
        57
    );
    for fact in facts {
        let name = format!(
            "{} {}",
            fact["method"].as_str().unwrap(),
            fact["path"].as_str().unwrap()
        );
        assert!(catalogue::find(PROVIDER, &name).is_some(), "{name}");
    }
}

#[test]
fn each_is_signed_with_what_it_takes_and_sent_to_its_host_with_or_without_the_certificate() {
    let client = complete();
    let pages = [
        "/appauth/authindex",
        "/papay/entrustweb",
        "/papay/partner/entrustweb",
    ];
    let mut seen = 0;
    for fact in facts() {
        let path = fact["path"].as_str().unwrap();
        let name = format!("{} {path}", fact["method"].as_str().unwrap());
        if pages.contains(&path) || path.ends_with("uploadmedia") {
            continue; // they have tests of their own
        }
        let operation = catalogue::find(PROVIDER, &name).unwrap();
        let request = drive::request(&client, &name, &params(&operation))
            .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(
            request.client_certificate,
            fact["client_certificate"] == true,
            "{name}"
        );
        let host = fact["host"]
            .as_str()
            .unwrap_or("https://api.mch.weixin.qq.com");
        assert_eq!(request.origin, host.trim_end_matches('/'), "{name}");
        let fields = match request.method {
            "GET" => query_fields(&request.target),
            _ => sent(&request),
        };
        let taken = fact["request"]["properties"]["sign_type"]["enum"]
            .as_array()
            .or(fact["query_params"]["sign_type"]["enum"].as_array());
        let used = field(&fields, "sign_type").unwrap_or("MD5");
        if let Some(taken) = taken {
            assert!(taken.contains(&json!(used)), "{name} does not take {used}");
        }
        assert_eq!(
            field(&fields, "sign"),
            Some(signature(used, APIV2_KEY, &fields).as_str()),
            "{name}"
        );
        seen += 1;
    }
    assert_eq!(seen, 132);
}

fn query_fields(target: &str) -> Pairs {
    let pairs = target.split_once('?').unwrap().1.split('&');
    pairs
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(k, v)| (k.into(), v.replace("%3A", ":").replace("%2F", "/")))
        .collect()
}

#[test]
fn each_that_documents_a_signature_is_not_believed_without_one() {
    let client = complete();
    let mut signed = 0;
    for fact in facts() {
        let path = fact["path"].as_str().unwrap();
        let answer_fields = &fact["response"]["200"]["properties"];
        if answer_fields["sign"].is_null() || path.ends_with("uploadmedia") {
            continue;
        }
        let name = format!("{} {path}", fact["method"].as_str().unwrap());
        let operation = catalogue::find(PROVIDER, &name).unwrap();
        let body =
            b"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code></xml>"
                .to_vec();
        let mut params = params(&operation);
        params["$"] = json!({ "max_attempts": 1 });
        let error = crate::support::refused(answered(&client, &name, &params, body));
        assert_eq!(
            error.code(),
            payseal::Code::SignatureMissing,
            "{name} {error:?}"
        );
        signed += 1;
    }
    assert_eq!(
        signed, 106,
        "136 less the documented unsigned ones, the pages and the upload"
    );
}

#[test]
fn what_is_sent_encrypted_is_never_sent_plainly() {
    let client = complete();
    let mut seen = Vec::new();
    for operation in catalogue::operations(PROVIDER) {
        let encrypted: Vec<&str> = catalogue::encrypted_fields(&operation).collect();
        if encrypted.is_empty() {
            continue;
        }
        let mut params = params(&operation);
        for name in &encrypted {
            params["body"][*name] = "6217001234567890CANARY".into();
        }
        let fields = sent(&drive::request(&client, operation.name, &params).unwrap());
        let by_certificate = ["cert_sn", "cert_serial_no", "cert_serial_number"]
            .iter()
            .find_map(|name| field(&fields, name));
        let key = match by_certificate {
            Some(serial) => {
                assert_eq!(serial, PLATFORM_SERIAL);
                &CERTIFIED.private
            }
            None => &STRANGER.private,
        };
        let folder = openssl::Folder::new();
        let key = folder.write("key.pem", key.as_bytes());
        for name in encrypted {
            let ciphertext =
                payseal::crypto::base64::decode(field(&fields, name).unwrap().as_bytes()).unwrap();
            let opened = openssl::run(
                &[
                    "pkeyutl",
                    "-decrypt",
                    "-inkey",
                    &key,
                    "-pkeyopt",
                    "rsa_padding_mode:oaep",
                ],
                &ciphertext,
            );
            assert_eq!(opened, b"6217001234567890CANARY", "{name}");
            seen.push(name);
        }
    }
    assert!(
        seen.contains(&"enc_bank_no") && seen.contains(&"enc_true_name"),
        "{seen:?}"
    );
}

#[test]
fn without_the_key_to_encrypt_with_nothing_is_sent() {
    for name in ["POST /mmpaysptrans/pay_bank", "POST /mchrisk/querymchrisk"] {
        let operation = catalogue::find(PROVIDER, name).unwrap();
        let error = crate::support::refused_as(
            payseal::Code::ConfigInvalid,
            drive::request(&client(json!({})), name, &params(&operation)),
        );
        assert_eq!(error.outcome(), payseal::Outcome::NotSent);
    }
}
