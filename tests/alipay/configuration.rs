//! Configurations that cannot work are refused when the client is made, with the key and what to do.

use payseal::Code;
use payseal::doctor::examine;
use serde_json::{Value, json};

use crate::alipay::{client_of, config, config_with};
use crate::support::host::World;
use crate::support::merchant::{MERCHANT, PLATFORM};
use crate::support::{field, refused_as};

#[test]
fn keys_are_read_as_the_console_and_the_key_tool_give_them() {
    let bare = |pem: &str| {
        pem.lines()
            .filter(|line| !line.starts_with("-----"))
            .collect::<String>()
    };
    for changes in [
        json!({ "private_key": bare(&MERCHANT.private), "alipay_public_key": bare(&PLATFORM.public) }),
        json!({ "alipay_public_key": format!("  {}\n", bare(&PLATFORM.public)) }),
    ] {
        client_of(&config_with(changes), &World::new()).unwrap();
    }
}

#[test]
fn each_mistake_is_named() {
    for (changes, code, at) in [
        (json!({ "app_id": null }), Code::ConfigInvalid, "app_id"),
        (json!({ "app_id": "wx123" }), Code::ConfigInvalid, "app_id"),
        (
            json!({ "seller_id": "2088x" }),
            Code::ConfigInvalid,
            "seller_id",
        ),
        (
            json!({ "private_key": null }),
            Code::ConfigInvalid,
            "private_key",
        ),
        (
            json!({ "private_key": MERCHANT.public }),
            Code::KeyRole,
            "private_key",
        ),
        (
            json!({ "alipay_public_key": null }),
            Code::ConfigInvalid,
            "alipay_public_key",
        ),
        (
            json!({ "alipay_public_key": MERCHANT.public }),
            Code::KeyRole,
            "alipay_public_key",
        ),
        (
            json!({ "alipay_public_key": PLATFORM.private }),
            Code::KeyRole,
            "alipay_public_key",
        ),
        (
            json!({ "sign_type": "RSA3" }),
            Code::ConfigInvalid,
            "sign_type",
        ),
        (json!({ "charset": "big5" }), Code::ConfigInvalid, "charset"),
        (
            json!({ "notification_age_s": 1 }),
            Code::ConfigInvalid,
            "notification_age_s",
        ),
        (
            json!({ "mchid": "1900007291" }),
            Code::ConfigUnknownKey,
            "mchid",
        ),
    ] {
        let error = refused_as(code, client_of(&config_with(changes), &World::new()));
        assert_eq!(field(&error), at);
    }
}

#[test]
fn the_doctor_looks_at_each_part() {
    let report = |config: &Value| {
        let report = examine(config.to_string().as_bytes(), World::new().host(), b"{}").unwrap();
        serde_json::to_value(report).unwrap()
    };
    assert_eq!(report(&config())["healthy"], true);
    let sick = report(&config_with(
        json!({ "alipay_public_key": MERCHANT.public, "encrypt_key": "x", "notify_url": "http://a/?b=1" }),
    ));
    assert_eq!(sick["healthy"], false);
    let found: Vec<&str> = sick["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["status"] != "ok")
        .map(|it| it["check"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["alipay_public_key", "encrypt_key", "notify_url"]);
}
