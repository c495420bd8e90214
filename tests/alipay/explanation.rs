//! Why a notification was refused: each usual mistake is made once, and named.

use serde_json::{Value, json};

use crate::alipay::{
    canonical, client, client_of, config_with, form, notification, paid, sign_with, signed_form,
};
use crate::support::host::World;
use crate::support::merchant::{MERCHANT, PLATFORM, STRANGER};

fn cause(body: &[u8]) -> Value {
    let explanation = client(&World::new())
        .explain_notification("", body)
        .unwrap();
    serde_json::to_value(explanation).unwrap()["cause"].take()
}

/// As if a framework had decoded the form, and each value were put back as it was.
fn undone_values(form: &str) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = form
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .filter(|(name, _)| *name != "subject") // holds an ampersand
        .map(|(name, value)| {
            [
                name.as_bytes(),
                b"=",
                &crate::alipay::undone(value.as_bytes()),
            ]
            .concat()
        })
        .collect();
    pairs.join(&b'&')
}

/// A notification whose signature has a plus in it, which nearly every one has.
fn with_a_plus(mut fields: Value) -> Vec<u8> {
    (0..)
        .map(|number| {
            fields["notify_id"] = number.to_string().into();
            notification(&fields)
        })
        .find(|form| {
            let text = std::str::from_utf8(form).unwrap();
            let (_, signature) = text.split_once("&sign=").unwrap();
            signature.split('&').next().unwrap().contains("%2B")
        })
        .unwrap()
}

#[test]
fn each_usual_mistake_is_named() {
    let genuine = with_a_plus(paid());
    assert_eq!(cause(&genuine), Value::Null);
    let text = String::from_utf8(genuine.clone()).unwrap();
    let quoted = notification(&{
        let mut fields = paid();
        fields["subject"] = "a \"b\" & 'c'".into();
        fields
    });
    let quoted = String::from_utf8(quoted).unwrap();
    let mut plain = paid();
    plain["subject"] = Value::from("");
    let own = signed_form(
        paid().as_object().unwrap(),
        &["sign", "sign_type"],
        &MERCHANT,
    );
    for (expected, body) in [
        ("plus_lost", text.replace("%2B", "%20").into_bytes()),
        ("query_in_notify_url", [&*genuine, b"&shop=7"].concat()),
        (
            "html_escaped",
            quoted.replace("%22", "%26%71%75%6F%74%3B").into_bytes(),
        ),
        (
            "slashes_added",
            quoted
                .replace("%22", "%5C%22")
                .replace("%27", "%5C%27")
                .into_bytes(),
        ),
        (
            "plus_lost",
            undone_values(&String::from_utf8(with_a_plus(plain)).unwrap()),
        ),
        ("own_key", own),
        ("empty_body", Vec::new()),
        ("reencoded", b"{\"notify_id\":\"1\"}".to_vec()),
    ] {
        assert_eq!(cause(&body), expected);
    }
    let stranger = signed_form(
        paid().as_object().unwrap(),
        &["sign", "sign_type"],
        &STRANGER,
    );
    assert_eq!(cause(&stranger), Value::Null);
}

#[test]
fn a_body_that_was_converted_to_another_charset_is_told() {
    let client = client_of(&config_with(json!({ "charset": "GBK" })), &World::new()).unwrap();
    let mut fields: std::collections::BTreeMap<String, Vec<u8>> = paid()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
        .collect();
    fields.insert("charset".into(), b"GBK".to_vec());
    fields.insert("subject".into(), b"\xb2\xe8".to_vec());
    let signature = sign_with(
        &PLATFORM,
        "-sha256",
        &canonical(&fields, &["sign", "sign_type"]),
    );
    fields.insert("sign".into(), signature.into_bytes());
    fields.insert("subject".into(), "茶".into());
    let explanation =
        serde_json::to_value(client.explain_notification("", &form(&fields)).unwrap()).unwrap();
    assert_eq!(
        (&explanation["accepted"], &explanation["cause"]),
        (&json!(false), &json!("charset"))
    );
}
