//! A brand asks with an id, a certificate and keys of its own, under a scheme of its own name.

use payseal::{Client, Code};
use serde_json::{Value, json};

use crate::support::drive::{execute, request};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, header, merchant_key};
use crate::support::{field, refused_as};
use payseal::crypto::{Verdict, base64};

const SCHEME: &str = "WECHATPAY-BRAND-SHA256-RSA2048";

fn brand(changes: Value) -> Value {
    let mut config = config(json!({ "mchid": null, "brand_id": "1800100013", "scheme": SCHEME }));
    let members = config.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(members.shift_remove(key)),
            value => drop(members.insert(key.clone(), value.clone())),
        }
    }
    config
}

#[test]
fn a_request_says_which_brand_signs() {
    let (client, _) = merchant::client(brand(json!({})));
    let params = json!({ "query": { "a": "b c" } });
    let request = request(&client, "GET /brand/anything", &params).unwrap();
    let sent = header(&request, "Authorization").unwrap();
    let rest = sent
        .strip_prefix(&format!("{SCHEME} brand_id=\"1800100013\","))
        .unwrap_or_else(|| panic!("{sent}"));
    assert!(!sent.contains("mchid"));
    let part = |name: &str| {
        let (_, after) = rest.split_once(&format!("{name}=\"")).unwrap();
        after.split('"').next().unwrap()
    };
    assert_eq!(part("serial_no"), MERCHANT_SERIAL);
    let message = format!(
        "GET\n/brand/anything?a=b%20c\n{}\n{}\n\n",
        part("timestamp"),
        part("nonce_str")
    );
    let signature = base64::decode(part("signature").as_bytes()).unwrap();
    let verdict = merchant_key().verify_sha256(message.as_bytes(), &signature);
    assert_eq!(verdict, Verdict::Valid);
}

#[test]
fn an_answer_is_believed_under_the_scheme_of_brands_only() {
    let (client, _) = merchant::client(brand(json!({})));
    let params = json!({ "body": { "business_code": "1", "brand_id": "1800100013" } });
    let answer = |named: Option<&str>| {
        execute(&client, "POST /brand/anything", &params, |_| {
            let signed = BY_PUBLIC_KEY.signed("{}");
            Ok(match named {
                Some(scheme) => signed.with("Wechatpay-Signature-Type", scheme),
                None => signed.without("Wechatpay-Signature-Type"),
            }
            .response(200))
        })
    };
    assert_eq!(*answer(Some(SCHEME)).unwrap().body, b"{}");
    assert_eq!(*answer(None).unwrap().body, b"{}");
    refused_as(
        Code::AlgorithmMismatch,
        answer(Some("WECHATPAY2-SHA256-RSA2048")),
    );
}

#[test]
fn a_merchant_does_not_believe_the_scheme_of_brands() {
    let (client, _) = merchant::client(config(json!({})));
    let result = execute(&client, NATIVE, &native_order(), |_| {
        let signed = BY_PUBLIC_KEY.signed("{}");
        Ok(signed
            .with("Wechatpay-Signature-Type", SCHEME)
            .response(200))
    });
    refused_as(Code::AlgorithmMismatch, result);
}

#[test]
fn a_brands_id_is_never_filled_in_as_a_merchants() {
    let (client, _) = merchant::client(brand(json!({})));
    let error = refused_as(
        Code::ParamsInvalid,
        request(&client, NATIVE, &native_order()),
    );
    assert_eq!(field(&error), "body.mchid");
}

#[test]
fn an_id_belongs_to_its_scheme() {
    for (config, code, at) in [
        (
            brand(json!({ "brand_id": null })),
            Code::ConfigInvalid,
            "brand_id",
        ),
        (
            brand(json!({ "brand_id": "x" })),
            Code::ConfigInvalid,
            "brand_id",
        ),
        (
            brand(json!({ "mchid": MCHID })),
            Code::ConfigInvalid,
            "mchid",
        ),
        (
            config(json!({ "brand_id": "1" })),
            Code::ConfigInvalid,
            "brand_id",
        ),
        // Nobody says where a brand's certificates could be asked for, so some key must be there.
        (
            brand(
                json!({ "platform_public_keys": null, "platform_certificates": null, "certificate_refresh": null }),
            ),
            Code::ConfigInvalid,
            "platform_public_keys",
        ),
    ] {
        let result = Client::new(config.to_string().as_bytes(), World::new().host());
        let error = refused_as(code, result);
        assert_eq!(field(&error), at);
    }
}

#[test]
fn merchants_abroad_ask_for_certificates_elsewhere() {
    for path in [
        "/v3/certificates",
        "/v3/global/certificates",
        "/hk/v3/certificates",
    ] {
        let refresh = json!({ "certificate_refresh": { "enabled": true, "path": path } });
        let (client, _) = merchant::client(bootstrap_config(refresh));
        let mut asked = Vec::new();
        let _ = execute(&client, NATIVE, &native_order(), |request| {
            asked.push(request.target.clone());
            Err(crate::support::drive::lost())
        });
        assert!(
            !asked.is_empty() && asked.iter().all(|target| target == path),
            "{asked:?}"
        );
    }
    let elsewhere = config(json!({ "certificate_refresh": { "path": "/v4/certificates" } }));
    let result = Client::new(elsewhere.to_string().as_bytes(), World::new().host());
    assert_eq!(
        field(&refused_as(Code::ConfigInvalid, result)),
        "certificate_refresh.path"
    );
}
