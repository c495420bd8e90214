//! Notifications: signed, or encrypted and then only handed out to those who will query.

use payseal::{Code, Outcome};
use serde_json::json;

use super::*;
use crate::support::{refused, refused_as, text};

const PAID: [(&str, &str); 12] = [
    ("return_code", "SUCCESS"),
    ("appid", APPID),
    ("mch_id", MCHID),
    ("nonce_str", "5K8264ILTKCH16CQ2502SI8ZNMTM67VS"),
    ("result_code", "SUCCESS"),
    ("openid", OPENID),
    ("trade_type", "JSAPI"),
    ("bank_type", "CMC"),
    ("total_fee", "100"),
    ("transaction_id", "1004400740201409030005092168"),
    ("out_trade_no", ORDER),
    ("time_end", "20231114221320"),
];

const REFUNDED: &str = "<root>\n<out_refund_no><![CDATA[refund0001]]></out_refund_no>\n<out_trade_no><![CDATA[order0001]]></out_trade_no>\n\
    <refund_fee><![CDATA[60]]></refund_fee>\n<refund_status><![CDATA[SUCCESS]]></refund_status>\n<success_time><![CDATA[2023-11-14 22:13:20]]></success_time>\n</root>";

fn open(client: &Client, body: &[u8], options: Value) -> Result<Delivered> {
    client.open_notification(
        "Content-Type: text/xml\n",
        body,
        options.to_string().as_bytes(),
    )
}

fn opened(body: &[u8]) -> Result<Delivered> {
    open(&client(json!({})), body, json!({}))
}

/// As the provider encrypts it: openssl, with the lower-case hex of the MD5 of the key as the key.
fn encrypted(key: &str, plaintext: &str) -> String {
    let digest = openssl::run(&["dgst", "-md5", "-binary"], key.as_bytes());
    let secret: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let ciphertext = openssl::run(&["enc", "-aes-256-ecb", "-K", &hex], plaintext.as_bytes());
    payseal::crypto::base64::encode(&ciphertext)
}

fn refund_notification(info: &str) -> Vec<u8> {
    document(&pairs(&[
        ("return_code", "SUCCESS"),
        ("appid", APPID),
        ("mch_id", MCHID),
        ("nonce_str", "n"),
        ("req_info", info),
    ]))
}

fn accepting() -> Value {
    json!({ "accept_unauthenticated": true })
}

#[test]
fn a_payment_is_verified_and_read() {
    let delivered = opened(&signed(&PAID)).unwrap();
    let expected: serde_json::Map<String, Value> = PAID
        .iter()
        .map(|(k, v)| (k.to_string(), json!(v)))
        .collect();
    assert_eq!(read(&delivered), Value::Object(expected));
    let event = delivered.info();
    assert_eq!(event["id"].as_str().unwrap().len(), 32);
    for (key, value) in [
        ("event_type", "TRANSACTION.SUCCESS"),
        ("original_type", "transaction"),
        ("create_time", "2023-11-14T22:13:20+08:00"),
        ("provider", "wechat-v2"),
        ("merchant", MCHID),
        ("authenticity", "signed"),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
}

#[test]
fn a_repetition_by_the_provider_has_the_same_id() {
    let id = |nonce: &str| {
        let mut fields = pairs(&PAID);
        fields[3].1 = nonce.into();
        opened(&signed_with("HMAC-SHA256", APIV2_KEY, fields))
            .unwrap()
            .info()["id"]
            .clone()
    };
    assert_eq!(id("a"), id("b"));
}

#[test]
fn a_notification_without_a_signature_is_refused() {
    let error = refused_as(Code::SignatureMissing, opened(&document(&pairs(&PAID))));
    assert_eq!(error.outcome(), Outcome::Unauthentic);
    refused_as(
        Code::SignatureMissing,
        opened(b"<xml><return_code>FAIL</return_code></xml>"),
    );
}

#[test]
fn a_forged_or_changed_notification_is_refused() {
    refused_as(
        Code::SignatureInvalid,
        opened(&signed_with(
            "HMAC-SHA256",
            "00000000000000000000000000000000",
            pairs(&PAID),
        )),
    );
    let changed = String::from_utf8(signed(&PAID))
        .unwrap()
        .replace("CDATA[100]", "CDATA[200]");
    refused_as(Code::SignatureInvalid, opened(changed.as_bytes()));
    refused_as(
        Code::AlgorithmMismatch,
        opened(&signed_with("MD5", APIV2_KEY, pairs(&PAID))),
    );
    let both = client(json!({ "notification_sign_types": ["HMAC-SHA256", "MD5"] }));
    assert!(
        open(
            &both,
            &signed_with("MD5", APIV2_KEY, pairs(&PAID)),
            json!({})
        )
        .is_ok()
    );
}

#[test]
fn a_dangerous_document_is_refused_before_anything_is_computed() {
    for body in [
        "<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><xml><a>&x;</a></xml>"
            .to_owned(),
        String::from_utf8(signed(&PAID))
            .unwrap()
            .replace("</xml>", "<sign>0</sign></xml>"),
        format!("<xml><a>{}</a></xml>", "x".repeat(1 << 20)),
        "{}".into(),
        String::new(),
    ] {
        refused_as(Code::BodyInvalid, opened(body.as_bytes()));
    }
}

#[test]
fn another_merchants_notification_is_refused_although_the_key_is_the_same() {
    let mut fields = pairs(&PAID);
    fields[2].1 = "1900000109".into();
    let error = refused_as(
        Code::ResponseMismatch,
        opened(&signed_with("HMAC-SHA256", APIV2_KEY, fields)),
    );
    assert_eq!(text(&error, "field"), "mch_id");
}

#[test]
fn a_failed_payment_is_not_a_success() {
    let mut fields = pairs(&PAID);
    fields[4].1 = "FAIL".into();
    let event = opened(&signed_with("HMAC-SHA256", APIV2_KEY, fields))
        .unwrap()
        .info();
    assert_eq!(event["event_type"], "TRANSACTION.FAIL");
}

#[test]
fn contracts_and_combined_orders_have_types_of_their_own() {
    for (fields, event_type) in [
        (
            vec![
                ("change_type", "ADD"),
                ("contract_id", "1"),
                ("result_code", "SUCCESS"),
            ],
            "CONTRACT.ADD",
        ),
        (
            vec![
                ("change_type", "DELETE"),
                ("contract_id", "1"),
                ("result_code", "SUCCESS"),
            ],
            "CONTRACT.DELETE",
        ),
        (
            vec![("combine_out_trade_no", "c1"), ("result_code", "SUCCESS")],
            "COMBINE.SUCCESS",
        ),
        (
            vec![("product_id", "p1"), ("openid", OPENID)],
            "NATIVE.SCAN",
        ),
        (vec![("something", "new")], "NOTIFICATION"),
    ] {
        assert_eq!(
            opened(&signed(&fields)).unwrap().info()["event_type"],
            event_type
        );
    }
}

#[test]
fn expectations_are_compared_as_texts() {
    let expecting = |total: Value| {
        open(
            &client(json!({})),
            &signed(&PAID),
            json!({ "expect": { "total_fee": total, "out_trade_no": ORDER } }),
        )
    };
    assert!(expecting(json!("100")).is_ok());
    refused_as(Code::ResponseMismatch, expecting(json!("101")));
}

#[test]
fn a_refund_is_not_handed_out_to_those_who_do_not_know_that_nobody_signed_it() {
    let body = refund_notification(&encrypted(APIV2_KEY, REFUNDED));
    for options in [json!({}), json!({ "accept_unauthenticated": false })] {
        let error = refused_as(
            Code::SignatureMissing,
            open(&client(json!({})), &body, options),
        );
        assert_eq!(
            (
                error.outcome(),
                text(&error, "confirm_with"),
                text(&error, "field")
            ),
            (
                Outcome::Unauthentic,
                "POST /pay/refundquery",
                "accept_unauthenticated"
            )
        );
    }
    let delivered = open(&client(json!({})), &body, accepting()).unwrap();
    assert_eq!(
        read(&delivered),
        json!({ "out_refund_no": "refund0001", "out_trade_no": "order0001", "refund_fee": "60", "refund_status": "SUCCESS", "success_time": "2023-11-14 22:13:20" })
    );
    let event = delivered.info();
    for (key, value) in [
        ("event_type", "REFUND.SUCCESS"),
        ("authenticity", "encrypted_only"),
        ("confirm_with", "POST /pay/refundquery"),
        ("create_time", "2023-11-14T22:13:20+08:00"),
    ] {
        assert_eq!(event[key], value, "{key}");
    }
}

#[test]
fn a_signature_around_req_info_does_not_make_what_is_in_it_signed() {
    let info = encrypted(APIV2_KEY, REFUNDED);
    let delivered = opened(&signed(&[("mch_id", MCHID), ("req_info", &info)])).unwrap();
    assert_eq!(
        read(&delivered),
        json!({ "mch_id": MCHID, "req_info": info })
    );
    assert_eq!(delivered.info()["event_type"], "NOTIFICATION");
}

#[test]
fn accepting_what_is_not_signed_accepts_nothing_else() {
    refused_as(
        Code::SignatureMissing,
        open(&client(json!({})), &document(&pairs(&PAID)), accepting()),
    );
    let mut forged = pairs(&PAID);
    forged.push(("req_info".into(), String::new()));
    refused_as(
        Code::SignatureMissing,
        open(&client(json!({})), &document(&forged), accepting()),
    );
}

#[test]
fn every_failure_to_decrypt_is_the_same() {
    let client = client(json!({}));
    let good = encrypted(APIV2_KEY, REFUNDED);
    let mut messages = std::collections::BTreeSet::new();
    for info in [
        encrypted(PREVIOUS_APIV2_KEY, REFUNDED),
        encrypted(APIV2_KEY, "not xml at all"),
        encrypted(APIV2_KEY, "<xml><out_refund_no>1</out_refund_no></xml>"),
        encrypted(APIV2_KEY, "<root><a>1</a><a>2</a></root>"),
        encrypted(APIV2_KEY, "<!DOCTYPE root><root><a>1</a></root>"),
        good[..good.len() - 24].to_owned(),
        good.replace('=', ""),
        format!("{good}\n"),
        "!".into(),
        payseal::crypto::base64::encode(&[0; 32]),
        payseal::crypto::base64::encode(&[0; 31]),
    ] {
        let error = refused_as(
            Code::DecryptionFailed,
            open(&client, &refund_notification(&info), accepting()),
        );
        messages.insert(format!("{error:?}"));
    }
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn a_refund_under_the_previous_key_is_opened_while_it_is_configured() {
    let body = refund_notification(&encrypted(PREVIOUS_APIV2_KEY, REFUNDED));
    let changed = client(json!({ "previous_apiv2_key": PREVIOUS_APIV2_KEY }));
    assert!(open(&changed, &body, accepting()).is_ok());
}

#[test]
fn the_reply_is_xml_that_says_success_or_fail() {
    let client = client(json!({}));
    let reply = client.notification_reply(0);
    assert_eq!(
        (reply.status, reply.content_type),
        (200, "text/xml; charset=utf-8")
    );
    assert_eq!(reply.body, b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>");
    for code in [201, 202, 208, 210, 211, 501] {
        let reply = client.notification_reply(code);
        let fields = xml::read(&reply.body).unwrap();
        assert_eq!(field(&fields, "return_code"), Some("FAIL"), "{code}");
    }
}

#[test]
fn an_exact_repetition_is_told_where_the_guard_is_on() {
    let client = client(json!({ "replay_guard": { "entries": 10 } }));
    let body = signed(&PAID);
    let replay = || open(&client, &body, json!({})).unwrap().info()["replay"].clone();
    assert_eq!((replay(), replay()), (json!(false), json!(true)));
}

#[test]
fn options_that_are_none_are_refused() {
    for options in [
        json!({ "accept_unauthenticated": "yes" }),
        json!({ "accept_unauthenticated": 1 }),
        json!({ "accept_all": true }),
    ] {
        let error = refused(open(&client(json!({})), &signed(&PAID), options));
        assert_eq!(error.code(), Code::ParamsInvalid);
    }
}
