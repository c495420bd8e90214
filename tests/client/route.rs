//! One address, many merchants: a notification is opened by the one it is for.

use payseal::{Client, Code, Error, route};
use serde_json::{Value, json};

use crate::support::merchant::{self, *};
use crate::support::platform::{BY_CERTIFICATE, BY_NEXT, BY_PUBLIC_KEY, Signed, envelope, sealed};
use crate::support::refused_as;

const OTHER_KEY: &str = "Another3KeyOf32BytesAltogether00";
const OTHER_MCHID: &str = "1900009999";

fn client(changes: Value) -> Client {
    merchant::client(config(changes)).0
}

fn event(apiv3_key: &str, plaintext: Value) -> Signed {
    let resource = sealed(
        apiv3_key,
        "fdasflkja484",
        "transaction",
        plaintext.to_string().as_bytes(),
    );
    BY_PUBLIC_KEY.signed(envelope(resource).to_string())
}

fn chosen(clients: &[Client], event: &Signed) -> Result<usize, Error> {
    route(clients, event.lines(), &event.body)
}

#[test]
fn a_notification_goes_to_the_merchant_whose_key_opens_it() {
    let clients = [
        client(json!({ "apiv3_key": OTHER_KEY, "mchid": OTHER_MCHID })),
        client(json!({})),
    ];
    assert_eq!(
        chosen(&clients, &event(APIV3_KEY, json!({ "mchid": MCHID }))).unwrap(),
        1
    );
    assert_eq!(
        chosen(&clients, &event(OTHER_KEY, json!({ "x": 1 }))).unwrap(),
        0
    );
}

#[test]
fn merchants_who_share_a_key_are_told_apart_by_the_merchant_id_inside() {
    let clients = [client(json!({})), client(json!({ "mchid": OTHER_MCHID }))];
    for (plaintext, place) in [
        (json!({ "mchid": OTHER_MCHID }), 1),
        (json!({ "mchid": MCHID }), 0),
        (json!({ "sp_mchid": OTHER_MCHID, "sub_mchid": MCHID }), 1),
        (
            json!({ "combine_mchid": OTHER_MCHID, "sub_orders": [{ "mchid": MCHID }] }),
            1,
        ),
    ] {
        assert_eq!(
            chosen(&clients, &event(APIV3_KEY, plaintext.clone())).unwrap(),
            place,
            "{plaintext}"
        );
    }
    refused_as(
        Code::DecryptionFailed,
        chosen(&clients, &event(APIV3_KEY, json!({ "mchid": "1" }))),
    );
}

#[test]
fn what_is_not_genuine_is_assigned_to_nobody() {
    let clients = [client(json!({})), client(json!({ "apiv3_key": OTHER_KEY }))];
    let genuine = event(APIV3_KEY, json!({ "mchid": MCHID }));
    let forged = genuine.clone().with("Wechatpay-Nonce", "another");
    refused_as(Code::SignatureInvalid, chosen(&clients, &forged));
    refused_as(
        Code::SignatureMissing,
        chosen(&clients, &genuine.clone().without("Wechatpay-Signature")),
    );
    let nobodys = event("NobodysAPIv3KeyOf32BytesAltogeth", json!({}));
    refused_as(Code::DecryptionFailed, chosen(&clients, &nobodys));
    refused_as(Code::InvalidArgument, chosen(&[], &genuine));
}

#[test]
fn a_certificate_that_has_to_be_fetched_leads_to_the_merchant_who_can_fetch_it() {
    let clients = [
        client(json!({ "apiv3_key": OTHER_KEY, "certificate_refresh": { "enabled": true } })),
        client(json!({})),
        client(json!({ "certificate_refresh": { "enabled": true } })),
    ];
    let resource = sealed(
        APIV3_KEY,
        "fdasflkja484",
        "transaction",
        br#"{"mchid":"1900007291"}"#,
    );
    let by_next = BY_NEXT.signed(envelope(resource.clone()).to_string());
    assert_eq!(chosen(&clients, &by_next).unwrap(), 2);
    // Whose signature is known comes first.
    let known = BY_CERTIFICATE.signed(envelope(resource).to_string());
    assert_eq!(chosen(&clients, &known).unwrap(), 1);
    refused_as(Code::UnknownSerial, chosen(&clients[1..2], &by_next));
}

#[test]
fn what_is_not_verified_yet_may_not_cost_much() {
    let clients = [client(
        json!({ "certificate_refresh": { "enabled": true } }),
    )];
    let long = "x".repeat(80_000);
    let resource = sealed(
        APIV3_KEY,
        "fdasflkja484",
        "transaction",
        json!({ "mchid": MCHID, "x": long }).to_string().as_bytes(),
    );
    let body = envelope(resource).to_string();
    refused_as(
        Code::BodyInvalid,
        chosen(&clients, &BY_NEXT.signed(body.clone())),
    );
    assert_eq!(chosen(&clients, &BY_PUBLIC_KEY.signed(body)).unwrap(), 0);
}
