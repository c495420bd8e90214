//! AES of the business parameters: below the signature on the way out, opened after it on the way in.

use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::alipay::{
    ENCRYPT_KEY, aes, base64, canonical, client_of, config_with, raw, sent, sign, unbase64,
    verifies,
};
use crate::support::drive::{execute, request};
use crate::support::host::World;
use crate::support::{field, refused_as};

const QUERY: &str = "alipay.trade.query";
const CONTENT: &str = r#"{"code":"10000","out_trade_no":"A100","trade_status":"TRADE_SUCCESS"}"#;

fn asked() -> Value {
    json!({ "body": { "out_trade_no": "A100" } })
}

fn encrypting() -> Value {
    config_with(json!({ "encrypt_key": ENCRYPT_KEY }))
}

fn encrypted(ciphertext: &str) -> payseal::wire::Response {
    let node = format!("\"{ciphertext}\"");
    raw(format!(
        "{{\"alipay_trade_query_response\":{node},\"sign\":\"{}\"}}",
        sign(node.as_bytes())
    )
    .into_bytes())
}

#[test]
fn openssl_opens_what_is_sent_and_its_signature_is_over_the_ciphertext() {
    let client = client_of(&encrypting(), &World::new()).unwrap();
    let fields = sent(&request(&client, QUERY, &asked()).unwrap());
    assert_eq!(fields["encrypt_type"], b"AES");
    let ciphertext = std::str::from_utf8(&fields["biz_content"]).unwrap();
    let opened: Value = serde_json::from_slice(&aes("-d", &unbase64(ciphertext))).unwrap();
    assert_eq!(opened, asked()["body"]);
    assert!(verifies(
        "-sha256",
        &canonical(&fields, &["sign"]),
        std::str::from_utf8(&fields["sign"]).unwrap()
    ));
}

#[test]
fn an_answer_that_openssl_sealed_is_verified_with_its_quotes_and_opened() {
    let client = client_of(&encrypting(), &World::new()).unwrap();
    let sealed = base64(&aes("-e", CONTENT.as_bytes()));
    let delivered = execute(&client, QUERY, &asked(), |_| Ok(encrypted(&sealed))).unwrap();
    assert_eq!(&**delivered.body, CONTENT.as_bytes());
}

#[test]
fn what_does_not_open_is_one_error_whatever_is_wrong() {
    let client = client_of(&encrypting(), &World::new()).unwrap();
    let sealed = aes("-e", CONTENT.as_bytes());
    let mut padding = sealed.clone();
    *padding.last_mut().unwrap() ^= 1;
    let messages: Vec<String> = [
        base64(&padding),
        base64(&sealed[..15]),
        "!".into(),
        String::new(),
    ]
    .iter()
    .map(|text| {
        let error = refused_as(
            Code::DecryptionFailed,
            execute(&client, QUERY, &asked(), |_| Ok(encrypted(text))),
        );
        assert_eq!(
            (field(&error), error.outcome()),
            ("encrypt_key", Outcome::Unknown)
        );
        error.message().to_owned()
    })
    .collect();
    assert!(messages.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn an_encrypted_answer_needs_the_key() {
    let client = client_of(&config_with(json!({})), &World::new()).unwrap();
    let sealed = base64(&aes("-e", CONTENT.as_bytes()));
    let error = refused_as(
        Code::DecryptionFailed,
        execute(&client, QUERY, &asked(), |_| Ok(encrypted(&sealed))),
    );
    assert_eq!(field(&error), "encrypt_key");
}

#[test]
fn a_key_that_is_none_is_refused_with_where_it_is_shown() {
    for key in [
        "short",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "0123456789abcdef",
    ] {
        let error = refused_as(
            Code::KeyInvalid,
            client_of(&config_with(json!({ "encrypt_key": key })), &World::new()),
        );
        assert_eq!(field(&error), "encrypt_key");
    }
}
