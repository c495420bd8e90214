//! The configuration: every part is checked, and every pair of things that must fit.

use payseal::Code;
use payseal::host::Host;
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

#[track_caller]
fn refused(code: Code, changes: Value, field: &str) {
    let result = Client::new(config(changes).to_string().as_bytes(), Host::default());
    let error = refused_as(code, result);
    assert_eq!(text(&error, "field"), field, "{error:?}");
}

#[test]
fn the_key_has_exactly_32_bytes() {
    refused(
        Code::ConfigInvalid,
        json!({ "apiv2_key": null }),
        "apiv2_key",
    );
    for key in ["", "   ", "\n"] {
        refused(
            Code::ConfigEmptySecret,
            json!({ "apiv2_key": key }),
            "apiv2_key",
        );
    }
    for key in [
        "x".repeat(31),
        "x".repeat(33),
        format!("{APIV2_KEY}\n"),
        format!(" {APIV2_KEY}"),
    ] {
        refused(Code::KeyInvalid, json!({ "apiv2_key": key }), "apiv2_key");
        refused(
            Code::KeyInvalid,
            json!({ "previous_apiv2_key": key }),
            "previous_apiv2_key",
        );
    }
}

#[test]
fn certificate_and_key_belong_together() {
    refused(
        Code::ConfigInvalid,
        json!({ "client_key": null }),
        "client_key",
    );
    refused(
        Code::ConfigInvalid,
        json!({ "client_certificate": null }),
        "client_certificate",
    );
    refused(
        Code::KeyMismatch,
        json!({ "client_key": STRANGER.private }),
        "client_key",
    );
    refused(
        Code::KeyRole,
        json!({ "client_key": MERCHANT.public }),
        "client_key",
    );
    refused(
        Code::KeyRole,
        json!({ "client_certificate": MERCHANT.private }),
        "client_certificate",
    );
}

#[test]
fn what_is_not_among_the_values_is_refused() {
    for value in ["", "SHA-256", "hmac-sha256", "None"] {
        refused(
            Code::ConfigInvalid,
            json!({ "sign_type": value }),
            "sign_type",
        );
    }
    refused(
        Code::ConfigInvalid,
        json!({ "notification_sign_types": [] }),
        "notification_sign_types",
    );
    refused(
        Code::ConfigInvalid,
        json!({ "notification_sign_types": ["SM3"] }),
        "notification_sign_types",
    );
    refused(
        Code::ConfigInvalid,
        json!({ "special_hosts": { "evil.example.com": "https://evil.example.com" } }),
        "special_hosts.evil.example.com",
    );
    refused(
        Code::ConfigInvalid,
        json!({ "special_hosts": { "payapp.weixin.qq.com": "http://example.com" } }),
        "special_hosts.payapp.weixin.qq.com",
    );
    refused(Code::ConfigInvalid, json!({ "sandbox": "yes" }), "sandbox");
    refused(Code::ConfigInvalid, json!({ "mchid": "12a" }), "mchid");
    refused(
        Code::KeyRole,
        json!({ "risk_public_key": MERCHANT.private }),
        "risk_public_key",
    );
}

#[test]
fn keys_of_apiv3_are_unknown_here() {
    for key in [
        "apiv3_key",
        "merchant_serial",
        "private_key",
        "platform_public_keys",
    ] {
        refused(Code::ConfigUnknownKey, json!({ key: "x" }), key);
    }
}

#[test]
fn the_doctor_looks_at_each_part_by_itself() {
    let report = |changes: Value| {
        let (_, world) = merchant::client(config(json!({})));
        let config = config(changes).to_string();
        payseal::doctor::examine(config.as_bytes(), world.host(), b"").unwrap()
    };
    let found = |report: &payseal::doctor::Report| {
        let finding = |it: &payseal::doctor::Finding| (it.check.clone(), it.status);
        report.findings.iter().map(finding).collect::<Vec<_>>()
    };
    let healthy = report(json!({}));
    assert!(healthy.healthy, "{:?}", found(&healthy));
    let ill = report(json!({
        "apiv2_key": "short",
        "client_key": STRANGER.private,
        "sign_type": "MD5",
        "notify_url": "https://shop.example.com/notify?a=1",
    }));
    use payseal::doctor::Status::{Ok, Problem, Warning};
    let expected = [
        ("apiv2_key", Problem),
        ("sign_type", Warning),
        ("client_certificate", Ok),
        ("client_key", Problem),
        ("notify_url", Problem),
    ]
    .map(|(check, status)| (check.to_owned(), status));
    assert_eq!(found(&ill), expected);
    assert!(!ill.healthy);
    let without = report(json!({ "client_certificate": null, "client_key": null }));
    assert!(without.healthy);
    assert!(found(&without).contains(&("client_certificate".into(), Warning)));
}
