//! Why a notification was refused: each usual mistake of a service is named, and none lets a notification pass.

use payseal::Code;
use payseal::notification::Explanation;
use serde_json::{Value, json};

use crate::support::canary;
use crate::support::merchant::{self, *};
use crate::support::platform::{
    BY_NEXT, BY_PUBLIC_KEY, Signed, envelope, notification, sealed, transaction,
};

fn explained_by(config: Value, event: &Signed) -> Explanation {
    let (client, _) = merchant::client(config);
    let explanation = client
        .explain_notification(event.lines(), &event.body)
        .unwrap();
    canary::check(&format!("{explanation:?}"));
    // Whatever is explained, opening it gives the same verdict.
    let opened = client.open_notification(event.lines(), &event.body, b"");
    assert_eq!(opened.is_ok(), explanation.accepted);
    assert_eq!(
        opened.err().map(|error| error.code() as i32),
        explanation.code
    );
    explanation
}

fn explained(event: &Signed) -> Explanation {
    explained_by(config(json!({})), event)
}

fn genuine() -> Signed {
    BY_PUBLIC_KEY.signed(notification().to_string())
}

#[track_caller]
fn assert_cause(event: &Signed, cause: &str) {
    let explanation = explained(event);
    assert_eq!(explanation.cause, Some(cause), "{explanation:?}");
    assert!(explanation.hint.is_some());
}

#[test]
fn a_good_notification_has_nothing_to_explain() {
    assert_eq!(explained(&genuine()), Explanation::accepted());
}

#[test]
fn a_body_that_a_framework_has_written_again_is_recognised() {
    let body = notification();
    let reordered: Value = {
        let mut keys: Vec<_> = body.as_object().unwrap().clone().into_iter().collect();
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        Value::Object(keys.into_iter().collect())
    };
    let raw = body.to_string();
    let mojibake: String = raw.bytes().map(char::from).collect();
    for changed in [
        serde_json::to_vec_pretty(&body).unwrap(),
        format!("{raw}\n").into_bytes(),
        format!("\u{feff}{raw}").into_bytes(),
        raw.replace("\":", "\": ").into_bytes(),
        raw.replace('支', "\\u652f").into_bytes(),
        raw.replace('/', "\\/").into_bytes(),
        mojibake.into_bytes(),
        reordered.to_string().into_bytes(),
    ] {
        if changed == raw.as_bytes() {
            continue;
        }
        assert_cause(&genuine().with_body(changed), "body_reencoded");
    }
}

#[test]
fn a_ciphertext_that_was_decoded_as_a_form_is_recognised() {
    let body = (0..)
        .map(|n| {
            let nonce = format!("fdasflkja{n:03}");
            envelope(sealed(
                APIV3_KEY,
                &nonce,
                "transaction",
                transaction().to_string().as_bytes(),
            ))
        })
        .find(|body| {
            body["resource"]["ciphertext"]
                .as_str()
                .unwrap()
                .contains('+')
        })
        .unwrap()
        .to_string();
    let event = BY_PUBLIC_KEY.signed(body.clone());
    assert_cause(&event.with_body(body.replace('+', " ")), "body_reencoded");
}

#[test]
fn header_values_in_each_others_place_are_recognised() {
    let names = [
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Signature",
        "Wechatpay-Serial",
    ];
    for (a, b) in [(0, 1), (0, 2), (1, 3), (2, 3), (1, 2)] {
        let event = genuine();
        let (first, second) = (
            event.get(names[a]).to_owned(),
            event.get(names[b]).to_owned(),
        );
        let swapped = event.with(names[a], &second).with(names[b], &first);
        assert_cause(&swapped, "headers_swapped");
    }
}

#[test]
fn what_did_not_arrive_is_named() {
    let event = genuine().without("Wechatpay-Signature");
    let explanation = explained(&event);
    assert_eq!(explanation.cause, Some("header_missing"));
    assert!(explanation.hint.unwrap().contains("wechatpay-signature"));
    assert_cause(&genuine().with_body(""), "body_missing");
}

#[test]
fn a_key_that_does_not_fit_is_told_from_a_message_that_does_not() {
    let other = envelope(sealed(
        "AnotherAPIv3KeyOf32BytesAltogeth",
        "fdasflkja484",
        "transaction",
        b"{}",
    ));
    assert_cause(&BY_PUBLIC_KEY.signed(other.to_string()), "apiv3_key");
    let foreign = genuine().with_body(notification().to_string().replace("EV-", "EX-"));
    assert_cause(&foreign, "not_genuine");
}

#[test]
fn the_serial_says_whose_signature_it_would_be() {
    assert_cause(
        &BY_NEXT.signed(notification().to_string()),
        "unknown_certificate",
    );
    assert_cause(
        &genuine().with("Wechatpay-Serial", MERCHANT_SERIAL),
        "own_serial",
    );
    assert_cause(
        &genuine().with(
            "Wechatpay-Serial",
            "PUB_KEY_ID_0100000000000000000000000000000000",
        ),
        "unknown_public_key",
    );
}

#[test]
fn probes_stale_messages_and_other_generations_are_told_apart() {
    assert_cause(
        &genuine().with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/abc"),
        "probe",
    );
    let old = (NOW - 301).to_string();
    assert_cause(
        &BY_PUBLIC_KEY.signed_at(&old, notification().to_string()),
        "clock",
    );
    assert_cause(
        &genuine().with_body("<xml><return_code>SUCCESS</return_code></xml>"),
        "v2_notification",
    );
}

#[test]
fn a_mistake_that_undone_would_still_be_stale_is_a_mistake_first() {
    let old = (NOW - 9_999).to_string();
    let event = BY_PUBLIC_KEY.signed_at(&old, notification().to_string());
    let pretty = serde_json::to_vec_pretty(&notification()).unwrap();
    let explanation = explained(&event.with_body(pretty));
    assert_eq!(explanation.code, Some(Code::SignatureInvalid as i32));
    assert_eq!(explanation.cause, Some("body_reencoded"));
}
