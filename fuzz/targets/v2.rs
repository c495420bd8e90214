//! APIv2: arbitrary notifications and answers, and genuine ones; what opens is what was signed, field by field.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use payseal::Client;
use payseal::call::{Step, Steps};
use payseal::crypto::hmac_sha256;
use payseal::host::Host;
use payseal::wire::xml;
use serde_json::{Value, json};

const KEY: &str = "V2p1pGq2ZsX9vB4nR8tYcL1mK5hD3fA6";

static CLIENT: LazyLock<Client> = LazyLock::new(|| {
    let config = json!({
        "provider": "wechat-v2", "mchid": "1900007291", "apiv2_key": KEY, "sign_type": "HMAC-SHA256", "appid": "wxd678efh567hg6787",
        "notification_sign_types": ["HMAC-SHA256"], "retry": { "max_attempts": 1 }, "circuit_breaker": { "failures": 1000, "open_ms": 1 },
    });
    Client::new(config.to_string().as_bytes(), Host::default()).unwrap()
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = CLIENT.open_notification("", data, br#"{"accept_unauthenticated":true}"#);
    let mut call = CLIENT
        .call(
            "POST /pay/orderquery",
            br#"{"body":{"out_trade_no":"order0001"}}"#,
            b"",
        )
        .unwrap();
    if call.step() == Step::Send {
        let request = call.request().unwrap().clone();
        assert!(xml::read(&request.body).is_ok());
        call.respond_raw(200, b"", data).unwrap();
        assert_eq!(call.step(), Step::Done);
        assert!(
            call.result().is_err(),
            "an answer that nobody signed was believed"
        );
    }
    if let Ok(text) = std::str::from_utf8(data) {
        genuine(text);
    }
});

/// Lines `name=value` become fields, which are signed.
fn genuine(text: &str) {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let fields: BTreeMap<&str, &str> = pairs
        .filter(|(name, value)| {
            xml::is_name(name)
                && !value.is_empty()
                && !["sign", "mch_id", "mchid", "combine_mch_id"].contains(name)
        })
        .collect();
    let canonical: String = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}&"))
        .collect();
    let signature = hmac_sha256(KEY.as_bytes(), format!("{canonical}key={KEY}").as_bytes());
    let sign: String = signature.iter().map(|byte| format!("{byte:02X}")).collect();
    let body = xml::write(
        fields
            .iter()
            .map(|(name, value)| (*name, *value))
            .chain([("sign", sign.as_str())]),
    );
    if let Ok(opened) = CLIENT.open_notification("", &body, b"") {
        let plaintext: BTreeMap<String, Value> = serde_json::from_slice(&opened.body).unwrap();
        let expected: BTreeMap<String, Value> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        assert_eq!(plaintext, expected);
    }
}
