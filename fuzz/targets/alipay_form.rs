//! Notifications of Alipay and what browsers bring back: arbitrary forms, and arbitrary fields that are signed. No field that is handed out
//! could be read as several.
#![no_main]

use std::collections::BTreeMap;

use payseal::crypto::base64;
use payseal::wire::form;
use payseal_fuzz::{ALIPAY, ALIPAY_APP, NOW_IN_BEIJING, sign};
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    assert!(
        ALIPAY.open_notification("", data, b"{}").is_err(),
        "a notification that nobody signed was opened"
    );
    assert!(
        ALIPAY.open_return(data).is_err(),
        "a return that nobody signed was opened"
    );
    let _ = ALIPAY.explain_notification("", data);
    let Ok(fields) = form::parse(data) else {
        return;
    };
    let written = form::encode(
        fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice())),
    );
    assert_eq!(
        form::parse(written.as_bytes()).as_ref(),
        Ok(&fields),
        "a form is not read as it was written"
    );

    let mut signed: BTreeMap<String, Vec<u8>> = fields.into_iter().collect();
    for (name, value) in [
        ("app_id", ALIPAY_APP),
        ("notify_id", "n"),
        ("notify_type", "t"),
        ("notify_time", NOW_IN_BEIJING),
    ] {
        signed.insert(name.into(), value.into());
    }
    signed.remove("sign");
    signed.remove("sign_type");
    let covered = || {
        signed
            .iter()
            .filter(|(name, value)| !name.is_empty() && !value.is_empty())
    };
    let text: Vec<Vec<u8>> = covered()
        .map(|(name, value)| [name.as_bytes(), b"=", value].concat())
        .collect();
    let signature = base64::encode(&sign(&text.join(&b'&')));
    let mut all: Vec<(&str, &[u8])> = covered()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .collect();
    all.push(("sign", signature.as_bytes()));
    if let Ok(delivered) =
        ALIPAY.open_notification("", form::encode(all.into_iter()).as_bytes(), b"{}")
    {
        let Value::Object(read) = serde_json::from_slice(&delivered.body).unwrap() else {
            panic!("the plaintext is no object");
        };
        assert_eq!(read.len(), covered().count());
        for (name, value) in read {
            let value = value.as_str().unwrap();
            assert_eq!(signed[&name], value.as_bytes());
            assert!(!value.contains("&total_amount=") && !value.contains("&trade_status="));
        }
    }
});
