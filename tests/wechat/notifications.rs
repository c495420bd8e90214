//! Notifications: opened from raw headers and raw body, or not at all.

use payseal::crypto::base64;
use payseal::{Client, Code, Error, Outcome};
use serde_json::{Value, json};

use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{
    BY_CERTIFICATE, BY_PUBLIC_KEY, Platform, Signed, envelope, notification, sealed, transaction,
};
use crate::support::{field, refused, refused_as};

fn client() -> Client {
    merchant::client(config(json!({}))).0
}

fn open(client: &Client, event: &Signed) -> Result<payseal::call::Delivered, Error> {
    client.open_notification(event.lines(), &event.body, b"")
}

fn open_body(body: Value) -> Result<payseal::call::Delivered, Error> {
    open(&client(), &BY_PUBLIC_KEY.signed(body.to_string()))
}

fn with_resource(change: impl Fn(&mut Value)) -> Value {
    let mut body = notification();
    change(&mut body["resource"]);
    body
}

#[test]
fn a_notification_is_verified_decrypted_and_read() {
    let client = client();
    for platform in [&*BY_PUBLIC_KEY, &*BY_CERTIFICATE] {
        let event = platform.signed(notification().to_string());
        let opened = open(&client, &event).unwrap();
        assert_eq!(*opened.body, transaction().to_string().into_bytes());
        let expected = json!({
            "id": "EV-2018022511223320873",
            "create_time": "2023-11-14T22:13:20+08:00",
            "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource",
            "original_type": "transaction",
            "summary": "支付成功",
            "provider": "wechat",
            "merchant": MCHID,
            "serial": platform.serial,
            "timestamp": NOW,
            "authenticity": "signed",
            "replay": false,
        });
        assert_eq!(opened.info(), expected);
    }
}

#[test]
fn the_plaintext_is_handed_out_to_the_byte() {
    let plaintext = "{ \"amount\" :{\"total\": 100},\t\"x\":\"\\u4e94\" }\n";
    let body = envelope(sealed(
        APIV3_KEY,
        "fdasflkja484",
        "transaction",
        plaintext.as_bytes(),
    ));
    assert_eq!(*open_body(body).unwrap().body, plaintext.as_bytes());
}

#[test]
fn an_event_type_that_nobody_has_heard_of_is_opened() {
    let mut body = notification();
    body["event_type"] = "SOMETHING.NEW".into();
    body["unheard_of"] = json!([1, 2]);
    assert_eq!(
        open_body(body).unwrap().info()["event_type"],
        "SOMETHING.NEW"
    );
}

#[test]
fn of_a_signed_notification_with_one_byte_changed_nothing_is_accepted() {
    let client = client();
    // A short one, for there are eight changes of each of its bytes.
    let resource = sealed(APIV3_KEY, "fdasflkja484", "transaction", b"{\"total\":1}");
    let body = json!({ "id": "EV-1", "event_type": "TRANSACTION.SUCCESS", "resource": resource });
    let event = BY_CERTIFICATE.signed(body.to_string());
    let good = open(&client, &event).unwrap();
    let mut refused_count = 0;

    for at in 0..event.body.len() {
        for bit in 0..8 {
            let mut body = event.body.clone();
            body[at] ^= 1 << bit;
            refused(client.open_notification(event.lines(), &body, b""));
            refused_count += 1;
        }
    }
    let lines = event.lines();
    for at in 0..lines.len() {
        for bit in 0..8 {
            let mut changed = lines.clone().into_bytes();
            changed[at] ^= 1 << bit;
            match client.open_notification(&changed, &event.body, b"") {
                Err(_) => refused_count += 1,
                Ok(opened) => {
                    // Not a change of what is signed: the case of names and serials, zeros in front of a serial, and the scheme may be left unsaid.
                    let changed = String::from_utf8_lossy(&changed);
                    assert!(means_the_same(&lines, &changed), "{changed}");
                    assert_eq!(opened.body, good.body);
                    assert_eq!(opened.info(), good.info());
                }
            }
        }
    }
    println!("{refused_count} changed notifications refused, 0 accepted");
}

fn means_the_same(original: &str, changed: &str) -> bool {
    let signed = |text: &str| {
        let mut fields: Vec<(String, String)> = text
            .lines()
            .map(|line| line.split_once(':').unwrap_or((line, "")))
            .map(|(name, value)| (name.to_lowercase(), value.trim_matches([' ', '\t'])))
            .map(|(name, value)| match name.as_str() {
                "wechatpay-serial" => (name, value.trim_start_matches('0').to_uppercase()),
                _ => (name, value.to_owned()),
            })
            .collect();
        fields.retain(|(name, _)| {
            [
                "wechatpay-timestamp",
                "wechatpay-nonce",
                "wechatpay-signature",
                "wechatpay-serial",
            ]
            .contains(&name.as_str())
        });
        fields
    };
    signed(original) == signed(changed)
        && (changed.contains("WECHATPAY2-SHA256-RSA2048")
            || !changed.to_lowercase().contains("wechatpay-signature-type:"))
}

#[test]
fn headers_are_understood_as_frameworks_hand_them_over() {
    let client = client();
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let lines = event.lines();
    let cgi: String = event
        .headers
        .iter()
        .map(|(name, value)| format!("HTTP_{}:{value}\r\n", name.to_uppercase().replace('-', "_")))
        .collect();
    for headers in [
        lines.to_lowercase_names(),
        lines.replace('\n', "\r\n"),
        format!("Host: shop.example.com\nCookie: a=b\nCookie: c=d\n\n{lines}\n\n"),
        lines.replace(": ", ":"),
        lines.replace(": ", ": \t "),
        lines.trim_end().to_owned(),
        cgi,
    ] {
        client
            .open_notification(&headers, &event.body, b"")
            .unwrap();
    }
}

trait LowercaseNames {
    fn to_lowercase_names(&self) -> String;
}

impl LowercaseNames for String {
    fn to_lowercase_names(&self) -> String {
        self.lines()
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                format!("{}:{value}\n", name.to_lowercase())
            })
            .collect()
    }
}

#[test]
fn headers_that_are_none_are_refused() {
    let client = client();
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let lines = event.lines();
    for headers in [
        format!("{lines}no colon here\n"),
        format!("{lines}: no name\n"),
        format!("{lines}a b: c\n"),
        format!("{lines}a: b\rc: d\n"),
        format!("{lines}a: b\0\n"),
        format!("{lines}{}", "a: b\n".repeat(201)),
        lines.replace("Wechatpay-Nonce:", "Wechatpay-Nonce :"),
        lines.replace("Wechatpay-Nonce: ", "Wechatpay-Nonce:\n "),
    ] {
        let error = refused(client.open_notification(&headers, &event.body, b""));
        assert_eq!(error.code(), Code::HeaderInvalid, "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unauthentic);
    }
    for headers in ["", "\n\n", "Content-Type: application/json"] {
        refused_as(
            Code::SignatureMissing,
            client.open_notification(headers, &event.body, b""),
        );
    }
}

#[test]
fn what_was_signed_by_somebody_else_is_refused() {
    let client = client();
    for stranger in [
        Platform::new(&STRANGER, PUBLIC_KEY_ID),
        Platform::new(&STRANGER, PLATFORM_SERIAL),
        // The merchant's own key signs everything the merchant sends: it must prove nothing about the platform.
        Platform::new(&MERCHANT, PUBLIC_KEY_ID),
    ] {
        let error = refused_as(
            Code::SignatureInvalid,
            open(&client, &stranger.signed(notification().to_string())),
        );
        assert_eq!(error.outcome(), Outcome::Unauthentic);
    }
    for stranger in [
        Platform::new(&STRANGER, NEXT_SERIAL),
        Platform::new(&MERCHANT, MERCHANT_SERIAL),
        Platform::new(&STRANGER, "PUB_KEY_ID_1"),
    ] {
        refused_as(
            Code::UnknownSerial,
            open(&client, &stranger.signed(notification().to_string())),
        );
    }
}

#[test]
fn a_probe_is_refused_under_its_own_name_and_raises_no_alarm() {
    let (client, world) = merchant::client(config(json!({})));
    for serial in [PUBLIC_KEY_ID, NEXT_SERIAL] {
        let event = BY_PUBLIC_KEY
            .signed(notification().to_string())
            .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/LbUUAR26RLnYDm")
            .with("Wechatpay-Serial", serial);
        let error = refused_as(Code::SignatureProbe, open(&client, &event));
        assert_eq!(error.outcome(), Outcome::Unauthentic);
        assert_eq!(client.notification_reply(error.code() as i32).status, 401);
    }
    for record in world.records_of("notification.refused") {
        assert_eq!(record["level"], "info");
    }
}

#[test]
fn an_old_apiv3_key_opens_only_while_it_is_configured() {
    let sealed_with = |key: &str| {
        let plaintext = transaction().to_string();
        BY_PUBLIC_KEY.signed(
            envelope(sealed(
                key,
                "fdasflkja484",
                "transaction",
                plaintext.as_bytes(),
            ))
            .to_string(),
        )
    };
    let error = refused_as(
        Code::DecryptionFailed,
        open(&client(), &sealed_with(PREVIOUS_APIV3_KEY)),
    );
    assert_eq!(error.outcome(), Outcome::Malformed);
    assert_eq!(field(&error), "apiv3_key");
    let (both, _) = merchant::client(config(json!({ "previous_apiv3_key": PREVIOUS_APIV3_KEY })));
    open(&both, &sealed_with(APIV3_KEY)).unwrap();
    open(&both, &sealed_with(PREVIOUS_APIV3_KEY)).unwrap();
    refused_as(
        Code::DecryptionFailed,
        open(&both, &sealed_with("neither of the two keys, 32 byte")),
    );
}

#[test]
fn absent_null_and_empty_associated_data_are_the_same() {
    for aad in [None, Some(Value::Null), Some(json!(""))] {
        let plaintext = transaction().to_string();
        let mut resource = sealed(APIV3_KEY, "fdasflkja484", "", plaintext.as_bytes());
        match aad {
            None => drop(
                resource
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("associated_data"),
            ),
            Some(aad) => resource["associated_data"] = aad,
        }
        open_body(envelope(resource)).unwrap();
    }
    // None where there was some, and the other way round.
    refused_as(
        Code::DecryptionFailed,
        open_body(with_resource(|r| r["associated_data"] = json!(""))),
    );
    let resource = sealed(APIV3_KEY, "fdasflkja484", "", b"{}");
    let mut body = envelope(resource);
    body["resource"]["associated_data"] = "transaction".into();
    refused_as(Code::DecryptionFailed, open_body(body));
}

#[test]
fn a_resource_that_is_not_what_it_should_be_is_refused_without_a_panic() {
    let cases: Vec<(Value, Code)> = vec![
        (with_resource(|r| r["nonce"] = json!("")), Code::BodyInvalid),
        (
            with_resource(|r| r["nonce"] = json!("fdasflkja48")),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["nonce"] = json!("fdasflkja4845")),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["nonce"] = json!("fdasflkja4五")),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["nonce"] = json!("x".repeat(1000))),
            Code::BodyInvalid,
        ),
        (with_resource(|r| r["nonce"] = json!(12)), Code::BodyInvalid),
        (
            with_resource(|r| r["nonce"] = Value::Null),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["nonce"] = json!("fdasflkja485")),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["associated_data"] = json!(1)),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["associated_data"] = json!("other")),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["algorithm"] = json!("AEAD_SM4_GCM")),
            Code::AlgorithmMismatch,
        ),
        (
            with_resource(|r| r["algorithm"] = json!("aead_aes_256_gcm")),
            Code::AlgorithmMismatch,
        ),
        (
            with_resource(|r| r["algorithm"] = json!("")),
            Code::AlgorithmMismatch,
        ),
        (
            with_resource(|r| r["algorithm"] = Value::Null),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!("")),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!("AAAA")),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!(base64::encode(&[0; 15]))),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!(base64::encode(&[0; 16]))),
            Code::DecryptionFailed,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!("not base64!")),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!("QUJD\nREVG")),
            Code::BodyInvalid,
        ),
        (
            with_resource(|r| r["ciphertext"] = json!([1])),
            Code::BodyInvalid,
        ),
        (with_resource(|r| *r = Value::Null), Code::BodyInvalid),
        (with_resource(|r| *r = json!("text")), Code::BodyInvalid),
        (with_resource(|r| *r = json!([])), Code::BodyInvalid),
        (json!({ "id": "x", "event_type": "y" }), Code::BodyInvalid),
        (json!([]), Code::BodyInvalid),
        (json!("x"), Code::BodyInvalid),
        (Value::Null, Code::BodyInvalid),
    ];
    for (body, code) in cases {
        let error = refused(open_body(body.clone()));
        assert_eq!(error.code(), code, "{body}: {error:?}");
        assert_eq!(error.outcome(), Outcome::Malformed, "{body}");
    }
}

#[test]
fn every_part_of_a_ciphertext_is_authenticated() {
    let whole = base64::decode(
        notification()["resource"]["ciphertext"]
            .as_str()
            .unwrap()
            .as_bytes(),
    )
    .unwrap();
    let client = client();
    let opened = |ciphertext: &[u8]| {
        let body = with_resource(|r| r["ciphertext"] = base64::encode(ciphertext).into());
        open(&client, &BY_PUBLIC_KEY.signed(body.to_string()))
    };
    opened(&whole).unwrap();
    for cut in [1, 2, 8, 15, 16, 17] {
        refused_as(Code::DecryptionFailed, opened(&whole[..whole.len() - cut]));
        refused_as(Code::DecryptionFailed, opened(&whole[cut..]));
    }
    for at in (0..whole.len()).step_by(7) {
        let mut changed = whole.clone();
        changed[at] ^= 0x80;
        refused_as(Code::DecryptionFailed, opened(&changed));
    }
    refused_as(
        Code::DecryptionFailed,
        opened(&[whole.as_slice(), &[0]].concat()),
    );
}

#[test]
fn every_failure_to_decrypt_says_the_same() {
    let texts: Vec<String> = [
        with_resource(|r| r["ciphertext"] = json!("AAAA")),
        with_resource(|r| r["nonce"] = json!("fdasflkja485")),
        with_resource(|r| r["associated_data"] = json!("other")),
        envelope(sealed(
            "neither of the two keys, 32 byte",
            "fdasflkja484",
            "transaction",
            b"{}",
        )),
    ]
    .into_iter()
    .map(|body| format!("{:?}", refused_as(Code::DecryptionFailed, open_body(body))))
    .collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

#[test]
fn json_that_two_parsers_could_read_differently_is_refused() {
    let good = notification().to_string();
    for body in [
        good.replacen('{', r#"{"id":"other","#, 1),
        good.replacen(
            r#""event_type""#,
            r#""event_typ\u0065":"X","event_type""#,
            1,
        ),
        format!("{good} {{}}"),
        format!("\u{feff}{good}"),
        good[..good.len() - 1].to_owned(),
        format!(
            r#"{{"x":{}{},{}"#,
            "[".repeat(40),
            "]".repeat(40),
            &good[1..]
        ),
    ] {
        let error = refused_as(
            Code::BodyInvalid,
            open(&client(), &BY_PUBLIC_KEY.signed(body)),
        );
        assert_eq!(error.outcome(), Outcome::Malformed);
    }
    for plaintext in [
        r#"{"amount":{"total":1,"total":100}}"#.as_bytes(),
        br#"{"amount":{"total":1,"tot\u0061l":100}}"#,
        b"[]",
        b"",
        b"{",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xc0\xaf\"}",
    ] {
        let body = envelope(sealed(APIV3_KEY, "fdasflkja484", "transaction", plaintext));
        refused_as(Code::BodyInvalid, open_body(body));
    }
}

#[test]
fn nothing_of_a_body_is_read_before_its_signature_fits() {
    // Were it parsed first, these would be malformed instead of unauthentic.
    let client = client();
    for body in ["{", "", "\u{0}", "<xml/>", &"[".repeat(1000)] {
        let event = BY_PUBLIC_KEY.signed("{}").with_body(body);
        let error = refused_as(Code::SignatureInvalid, open(&client, &event));
        assert_eq!(error.outcome(), Outcome::Unauthentic);
    }
}

#[test]
fn a_body_of_more_than_a_mebibyte_is_refused() {
    let mut body = notification();
    body["padding"] = "x".repeat(1 << 20).into();
    let error = refused_as(Code::BodyInvalid, open_body(body));
    assert_eq!(error.outcome(), Outcome::Unauthentic);
    let mut body = notification();
    body["padding"] = "x".repeat(1 << 19).into();
    open_body(body).unwrap();
}

#[test]
fn a_genuine_notification_that_is_not_what_was_expected_is_refused() {
    let client = client();
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let expecting = |expect: Value| {
        let options = json!({ "expect": expect }).to_string();
        client.open_notification(event.lines(), &event.body, options.as_bytes())
    };
    expecting(json!({ "amount.total": 100, "amount.currency": "CNY", "mchid": MCHID, "trade_state": "SUCCESS" })).unwrap();
    for (expect, path) in [
        (json!({ "amount.total": 200000 }), "amount.total"),
        (json!({ "amount.currency": "USD" }), "amount.currency"),
        (json!({ "mchid": "1" }), "mchid"),
        (json!({ "out_trade_no": "order0002" }), "out_trade_no"),
        (json!({ "absent": 1 }), "absent"),
    ] {
        let error = refused_as(Code::ResponseMismatch, expecting(expect));
        assert_eq!(field(&error), path);
    }
}

#[test]
fn options_of_a_notification_are_checked() {
    let client = client();
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    for options in [
        r#"{"idempotency_key":"x"}"#,
        r#"{"timeout_ms":0}"#,
        r#"{"expect":1}"#,
        r#"{"x":1}"#,
        "[]",
        "{",
    ] {
        let error =
            refused(client.open_notification(event.lines(), &event.body, options.as_bytes()));
        assert_eq!(error.code(), Code::ParamsInvalid, "{options}");
    }
}

#[test]
fn id_and_event_type_must_be_there() {
    for key in ["id", "event_type"] {
        for value in [Value::Null, json!(1), json!({})] {
            let mut body = notification();
            body[key] = value;
            refused_as(Code::BodyInvalid, open_body(body));
        }
    }
}

#[test]
fn a_reply_stops_or_repeats_the_provider_and_tells_nothing() {
    let client = client();
    let body = |code: i32| {
        let reply = client.notification_reply(code);
        assert_eq!(reply.content_type, "application/json");
        (
            reply.status,
            serde_json::from_slice::<Value>(&reply.body).unwrap(),
        )
    };
    assert_eq!(
        body(0),
        (200, json!({ "code": "SUCCESS", "message": "成功" }))
    );
    for (code, status) in [
        (Code::SignatureMissing, 401),
        (Code::SignatureInvalid, 401),
        (Code::SignatureProbe, 401),
        (Code::UnknownSerial, 401),
        (Code::ClockSkew, 401),
        (Code::DecryptionFailed, 500),
        (Code::ResponseMismatch, 500),
        (Code::HeaderInvalid, 400),
        (Code::BodyInvalid, 400),
        (Code::Internal, 500),
        (Code::Timeout, 500),
        (Code::InvalidArgument, 500),
    ] {
        let (got, said) = body(code as i32);
        assert_eq!(got, status, "{code:?}");
        assert_eq!(said["code"], "FAIL");
    }
    for code in [-1, 1, i32::MIN, i32::MAX, 99_999] {
        assert!(
            body(code).0 >= 400,
            "{code} must make the provider send again"
        );
    }
}

#[test]
fn what_was_opened_or_refused_is_logged_and_counted() {
    let world = World::new();
    let client = merchant::client_in(&world, config(json!({})));
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    client
        .open_notification(event.lines(), &event.body, br#"{"trace_id":"trace-7"}"#)
        .unwrap();
    refused(client.open_notification(event.lines(), b"{}", b""));
    let opened = world.records_of("notification.opened");
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["trace_id"], "trace-7");
    assert_eq!(opened[0]["event_type"], "TRANSACTION.SUCCESS");
    let refused = world.records_of("notification.refused");
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["level"], "warn");
    assert_eq!(refused[0]["code"], "SIGNATURE_INVALID");
    let metrics = client.metrics();
    for line in [
        "payseal_notifications_total{provider=\"wechat\",outcome=\"ok\"} 1",
        "payseal_notifications_total{provider=\"wechat\",outcome=\"unauthentic\"} 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} in\n{metrics}");
    }
}
