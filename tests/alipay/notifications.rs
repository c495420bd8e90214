//! What is believed of a notification.

use payseal::call::Delivered;
use payseal::{Code, Outcome, Result};
use serde_json::{Value, json};

use crate::alipay::{
    APP_ID, NOW_IN_BEIJING, client, client_of, config_with, form, notification, paid, sign_with,
    signed_form,
};
use crate::support::host::World;
use crate::support::merchant::{MERCHANT, NOW, PLATFORM};
use crate::support::{field, refused, refused_as};

fn open(body: &[u8]) -> Result<Delivered> {
    open_at(body, NOW)
}

fn open_at(body: &[u8], now_s: i64) -> Result<Delivered> {
    let world = World::new();
    world.set_now(now_s);
    client(&world).open_notification("", body, b"{}")
}

fn read(delivered: &Delivered) -> (Value, Value) {
    (
        serde_json::from_slice(&delivered.body).unwrap(),
        serde_json::from_str(&delivered.info_text()).unwrap(),
    )
}

fn with(changes: Value) -> Value {
    let mut fields = paid();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(fields.as_object_mut().unwrap().remove(name)),
            value => fields[name] = value.clone(),
        }
    }
    fields
}

#[test]
fn a_payment_is_told_with_every_field_that_was_signed() {
    let (plaintext, event) = read(&open(&notification(&paid())).unwrap());
    let mut expected = paid();
    expected.as_object_mut().unwrap().remove("buyer_id"); // it is empty, so nobody signed it
    assert_eq!(plaintext, expected);
    assert_eq!(event["id"], "2023111500222061320099999999");
    assert_eq!(event["event_type"], "trade_status_sync.TRADE_SUCCESS");
    assert_eq!(
        (
            &event["provider"],
            &event["merchant"],
            &event["authenticity"]
        ),
        (&json!("alipay"), &json!(APP_ID), &json!("signed"))
    );
    assert_eq!(
        (&event["create_time"], &event["timestamp"]),
        (&json!("2023-11-15T06:13:20+08:00"), &json!(NOW))
    );
}

#[test]
fn a_message_of_the_open_platform_signs_its_sign_type_too() {
    let fields = json!({ "app_id": APP_ID, "msg_method": "alipay.fund.trans.order.changed", "notify_id": "n1", "utc_timestamp": (NOW * 1000).to_string(), "timestamp": (NOW * 1000).to_string(), "biz_content": "{\"status\":\"SUCCESS\"}", "charset": "UTF-8", "version": "1.1" });
    let body = signed_form(fields.as_object().unwrap(), &["sign"], &PLATFORM);
    let (_, event) = read(&open(&body).unwrap());
    assert_eq!(
        (&event["event_type"], &event["timestamp"]),
        (&json!("alipay.fund.trans.order.changed"), &json!(NOW))
    );
}

#[test]
fn a_changed_byte_in_any_field_is_refused() {
    let body = String::from_utf8(notification(&paid())).unwrap();
    for (at, _) in body.match_indices('=') {
        let mut changed = body.clone();
        changed.insert(at + 1, 'x');
        let name = body[..at].rsplit('&').next().unwrap();
        if name != "buyer_id" {
            assert!(
                refused(open(changed.as_bytes())).code().is_trust(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_field_that_nobody_signed_is_not_handed_out_and_one_that_is_added_is_refused() {
    let mut body = notification(&paid());
    body.extend_from_slice(b"&total_fee=1");
    refused_as(Code::SignatureInvalid, open(&body));
    let mut body = notification(&paid());
    body.extend_from_slice(b"&total_fee=");
    let (plaintext, _) = read(&open(&body).unwrap());
    assert_eq!(plaintext.get("total_fee"), None);
}

#[test]
fn a_genuine_message_that_was_split_anew_is_refused() {
    // The same bytes are signed: the amount moves into the subject, or a field behind it into the amount.
    let genuine = with(json!({ "subject": "x&total_amount=9999", "total_amount": "0.01" }));
    let error = refused_as(Code::BodyInvalid, open(&notification(&genuine)));
    assert_eq!(
        (field(&error), error.outcome()),
        ("subject", Outcome::Malformed)
    );

    let message = json!({ "app_id": APP_ID, "notify_id": "n", "notify_time": NOW_IN_BEIJING, "notify_type": "trade_status_sync", "out_trade_no": "A", "total_amount": "9999&trade_no=T", "trade_status": "TRADE_SUCCESS" });
    let error = refused_as(Code::BodyInvalid, open(&notification(&message)));
    assert_eq!(field(&error), "total_amount");
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let mut body = notification(&paid());
    body.extend_from_slice(b"&total_amount=88.88");
    assert_eq!(refused(open(&body)).outcome(), Outcome::Unauthentic);
    let mut body = notification(&paid());
    body.extend_from_slice(b"&total%5Famount=88.88");
    assert_eq!(refused(open(&body)).outcome(), Outcome::Unauthentic);
}

#[test]
fn the_message_does_not_choose_the_algorithm() {
    let mut fields = paid()
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().as_bytes().to_vec()))
        .collect::<std::collections::BTreeMap<_, _>>();
    let text = crate::alipay::canonical(&fields, &["sign", "sign_type"]);
    fields.insert("sign_type".into(), b"RSA".to_vec());
    fields.insert(
        "sign".into(),
        sign_with(&PLATFORM, "-sha1", &text).into_bytes(),
    );
    let error = refused_as(Code::AlgorithmMismatch, open(&form(&fields)));
    assert_eq!(field(&error), "sign_type");
    fields.remove("sign_type");
    refused_as(Code::SignatureInvalid, open(&form(&fields)));
}

#[test]
fn a_payment_without_its_state_amount_or_numbers_is_refused() {
    for name in [
        "trade_status",
        "total_amount",
        "out_trade_no",
        "trade_no",
        "app_id",
        "notify_id",
        "notify_type",
        "notify_time",
    ] {
        let error = refused_as(
            Code::BodyInvalid,
            open(&notification(&with(json!({ name: null })))),
        );
        assert_eq!((field(&error), error.outcome()), (name, Outcome::Malformed));
    }
}

#[test]
fn an_amount_that_is_no_plain_decimal_is_refused() {
    for amount in ["1e2", "-1", "88.888", " 1", "0x10", "1,000"] {
        let error = refused_as(
            Code::BodyInvalid,
            open(&notification(&with(json!({ "total_amount": amount })))),
        );
        assert_eq!(field(&error), "total_amount", "{amount}");
    }
}

#[test]
fn what_is_for_another_app_or_seller_is_refused() {
    let error = refused_as(
        Code::ResponseMismatch,
        open(&notification(&with(
            json!({ "app_id": "2021999999999999" }),
        ))),
    );
    assert_eq!(
        (field(&error), error.outcome()),
        ("app_id", Outcome::Malformed)
    );
    let config = config_with(json!({ "seller_id": "2088999999999999" }));
    let client = client_of(&config, &World::new()).unwrap();
    let error = refused_as(
        Code::ResponseMismatch,
        client.open_notification("", &notification(&paid()), b"{}"),
    );
    assert_eq!(field(&error), "seller_id");
}

#[test]
fn what_was_sent_too_long_ago_or_in_the_future_is_refused() {
    let body = notification(&paid());
    for good in [NOW - 300, NOW + 25 * 3600] {
        open_at(&body, good).unwrap();
    }
    for bad in [NOW - 301, NOW + 26 * 3600 + 1] {
        refused_as(Code::ClockSkew, open_at(&body, bad));
    }
}

#[test]
fn a_notification_in_gbk_is_verified_in_its_bytes_and_opened_in_utf_8() {
    let client = client_of(&config_with(json!({ "charset": "GBK" })), &World::new()).unwrap();
    let mut fields: std::collections::BTreeMap<String, Vec<u8>> = with(json!({ "charset": "GBK" }))
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().into()))
        .collect();
    fields.insert("subject".into(), b"\xb2\xe8".to_vec());
    let signature = sign_with(
        &PLATFORM,
        "-sha256",
        &crate::alipay::canonical(&fields, &["sign", "sign_type"]),
    );
    fields.insert("sign".into(), signature.into_bytes());
    let delivered = client.open_notification("", &form(&fields), b"{}").unwrap();
    assert_eq!(read(&delivered).0["subject"], "茶");
    // To a client that speaks UTF-8 the same bytes are genuine, and not readable.
    let error = refused_as(Code::BodyInvalid, open(&form(&fields)));
    assert_eq!(error.outcome(), Outcome::Malformed);
}

#[test]
fn what_is_no_form_of_the_provider_is_refused_before_anything_is_computed() {
    let long = vec![b'a'; (1 << 20) + 1];
    for body in [
        &b""[..],
        b"{}",
        b"sign",
        b"sign=%",
        b"a b=1&sign=x",
        b"sign=x&sign_type=RSA2&\xff=1",
        &long,
    ] {
        let error = refused(open(body));
        assert!(error.code().is_trust(), "{error:?}");
    }
    let unsigned = String::from_utf8(notification(&paid()))
        .unwrap()
        .replace("&sign=", "&signed=");
    refused_as(Code::SignatureMissing, open(unsigned.as_bytes()));
}

#[test]
fn the_reply_is_exactly_the_seven_letters_that_alipay_reads() {
    let client = client(&World::new());
    assert_eq!(client.notification_reply(0).body, b"success");
    for code in [202, 211, 501] {
        let reply = client.notification_reply(code);
        assert_eq!((reply.status, &*reply.body), (200, &b"fail"[..]));
    }
}

#[test]
fn among_several_apps_the_one_that_is_named_gets_it() {
    let world = World::new();
    let other = client_of(
        &config_with(json!({ "app_id": "2021000000000002", "private_key": MERCHANT.private })),
        &world,
    )
    .unwrap();
    let ours = client(&world);
    assert_eq!(
        payseal::route([&other, &ours], "", &notification(&paid())).unwrap(),
        1
    );
    let error = refused(payseal::route([&other], "", &notification(&paid())));
    assert!(error.code().is_trust());
}
