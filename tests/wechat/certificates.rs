//! Platform certificates: fetched, verified by themselves, rotated; and a ring that nothing can empty.

use payseal::wire::{Request, Response};
use payseal::{Client, Code, Outcome};
use serde_json::{Value, json};

use crate::support::drive::{self, Sent, execute};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{
    self, BY_CERTIFICATE, BY_NEXT, BY_PUBLIC_KEY, Platform, certificates, header, notification,
    transaction, unsigned,
};
use crate::support::{field, refused, refused_as, text};

fn current() -> Vec<u8> {
    certificates(APIV3_KEY, &[(PLATFORM_SERIAL, &PLATFORM_CERTIFICATE)])
}

fn both() -> Vec<u8> {
    certificates(
        APIV3_KEY,
        &[
            (PLATFORM_SERIAL, &PLATFORM_CERTIFICATE),
            (NEXT_SERIAL, &NEXT_CERTIFICATE),
        ],
    )
}

/// Answers `/v3/certificates` with `keys`, everything else with a transaction by `platform`; counts the fetches.
fn exchange<'a>(
    keys: &'a Response,
    platform: &'a Platform,
    fetches: &'a mut usize,
) -> impl FnMut(&Request) -> Sent + 'a {
    move |request| match request.target.as_str() {
        "/v3/certificates" => {
            *fetches += 1;
            Ok(keys.clone())
        }
        _ => Ok(platform.answer(200, transaction().to_string())),
    }
}

fn ask(client: &Client, keys: &Response, platform: &Platform) -> (payseal::Result<()>, usize) {
    let mut fetches = 0;
    let result = execute(
        client,
        QUERY,
        &query(ORDER),
        exchange(keys, platform, &mut fetches),
    );
    (result.map(drop), fetches)
}

#[test]
fn the_first_certificates_are_fetched_and_verified_by_themselves() {
    let (client, world) = merchant::client(bootstrap_config(json!({})));
    let mut requests = Vec::new();
    let answer = execute(&client, QUERY, &query(ORDER), |request| {
        requests.push(request.clone());
        Ok(match request.target.as_str() {
            "/v3/certificates" => BY_CERTIFICATE.answer(200, current()),
            _ => BY_CERTIFICATE.answer(200, transaction().to_string()),
        })
    })
    .unwrap();
    assert_eq!(answer.info()["serial"], PLATFORM_SERIAL);
    assert_eq!(answer.info()["attempts"], 1, "fetching keys is no attempt");
    assert_eq!(requests.len(), 2);
    platform::verify(&requests[0], b"");
    assert_eq!(
        header(&requests[1], "Wechatpay-Serial"),
        Some(PLATFORM_SERIAL)
    );
    assert_eq!(world.records_of("certificates.refreshed").len(), 1);
    let (result, fetches) = ask(
        &client,
        &BY_CERTIFICATE.answer(200, current()),
        &BY_CERTIFICATE,
    );
    result.unwrap();
    assert_eq!(fetches, 0, "once is enough");
}

#[test]
fn the_first_call_can_already_encrypt_for_the_fetched_certificate() {
    let (client, _) = merchant::client(bootstrap_config(json!({})));
    let mut params = jsapi_order();
    params["body"]["payer"]["identity"] =
        json!({ "type": "IDCARD", "number": "110101199003074258", "name": "王小明" });
    let mut order = None;
    execute(&client, JSAPI, &params, |request| {
        Ok(match request.target.as_str() {
            "/v3/certificates" => BY_CERTIFICATE.answer(200, current()),
            _ => {
                order = Some(request.clone());
                BY_CERTIFICATE.json(200, json!({ "prepay_id": "wx1" }))
            }
        })
    })
    .unwrap();
    let order = order.unwrap();
    assert_eq!(header(&order, "Wechatpay-Serial"), Some(PLATFORM_SERIAL));
    let sent: Value = serde_json::from_slice(&order.body).unwrap();
    assert_ne!(sent["payer"]["identity"]["name"], "王小明");
    platform::verify(&order, &order.body);
}

#[test]
fn a_first_answer_that_does_not_verify_by_itself_brings_nothing() {
    let expired = certificate(&CERTIFIED, PLATFORM_SERIAL, [(2020, 1, 1), (2023, 1, 1)]);
    let future = certificate(&CERTIFIED, PLATFORM_SERIAL, [(2030, 1, 1), (2050, 1, 1)]);
    let own = certificate(&MERCHANT, PLATFORM_SERIAL, LONG);
    let weak = String::from_utf8(openssl_1024()).unwrap();
    let list = |serial: &str, pem: &str| certificates(APIV3_KEY, &[(serial, pem)]);
    let by_merchant = Platform::new(&MERCHANT, PLATFORM_SERIAL);
    let cases: Vec<(&str, Response, Code)> = vec![
        (
            "unsigned",
            unsigned(200, std::str::from_utf8(&current()).unwrap()),
            Code::SignatureMissing,
        ),
        (
            "signed by somebody else",
            Platform::new(&STRANGER, PLATFORM_SERIAL).answer(200, current()),
            Code::SignatureInvalid,
        ),
        (
            "under a serial that is not in it",
            BY_NEXT.answer(200, current()),
            Code::UnknownSerial,
        ),
        (
            "changed after signing",
            BY_CERTIFICATE
                .signed(current())
                .with_body(both())
                .response(200),
            Code::SignatureInvalid,
        ),
        (
            "stale",
            BY_CERTIFICATE
                .signed_at(&(NOW - 301).to_string(), current())
                .response(200),
            Code::ClockSkew,
        ),
        (
            "a probe",
            BY_CERTIFICATE
                .signed(current())
                .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
                .response(200),
            Code::SignatureProbe,
        ),
        (
            "another serial than the certificate's",
            BY_CERTIFICATE.answer(200, list(NEXT_SERIAL, &PLATFORM_CERTIFICATE)),
            Code::CertificateInvalid,
        ),
        (
            "no serial",
            BY_CERTIFICATE.answer(200, list("not hex", &PLATFORM_CERTIFICATE)),
            Code::CertificateInvalid,
        ),
        (
            "expired",
            BY_CERTIFICATE.answer(200, list(PLATFORM_SERIAL, &expired)),
            Code::CertificateInvalid,
        ),
        (
            "not valid yet",
            BY_CERTIFICATE.answer(200, list(PLATFORM_SERIAL, &future)),
            Code::CertificateInvalid,
        ),
        (
            "the merchant's own key",
            by_merchant.answer(200, list(PLATFORM_SERIAL, &own)),
            Code::CertificateInvalid,
        ),
        (
            "a weak key",
            BY_CERTIFICATE.answer(200, list("01", &weak)),
            Code::CertificateInvalid,
        ),
        (
            "no certificate at all",
            BY_CERTIFICATE.answer(200, list(PLATFORM_SERIAL, "text")),
            Code::CertificateInvalid,
        ),
        (
            "a private key",
            BY_CERTIFICATE.answer(200, list(PLATFORM_SERIAL, &CERTIFIED.private)),
            Code::CertificateInvalid,
        ),
        (
            "another APIv3 key",
            BY_CERTIFICATE.answer(
                200,
                certificates(
                    "another key with exactly 32 byte",
                    &[(PLATFORM_SERIAL, &PLATFORM_CERTIFICATE)],
                ),
            ),
            Code::DecryptionFailed,
        ),
        (
            "an empty list",
            BY_CERTIFICATE.answer(200, r#"{"data":[]}"#),
            Code::BodyInvalid,
        ),
        (
            "no list",
            BY_CERTIFICATE.answer(200, r#"{"data":{}}"#),
            Code::BodyInvalid,
        ),
        (
            "no entries",
            BY_CERTIFICATE.answer(200, r#"{"data":[1]}"#),
            Code::BodyInvalid,
        ),
        (
            "a key twice",
            BY_CERTIFICATE.answer(200, r#"{"data":[],"data":[]}"#),
            Code::BodyInvalid,
        ),
        (
            "no JSON",
            BY_CERTIFICATE.answer(200, "<html>"),
            Code::BodyInvalid,
        ),
        ("nothing", BY_CERTIFICATE.answer(200, ""), Code::BodyInvalid),
        (
            "not found",
            unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS"}"#),
            Code::ProviderRejected,
        ),
        (
            "an error",
            unsigned(500, r#"{"code":"SYSTEM_ERROR"}"#),
            Code::ProviderUnavailable,
        ),
        ("a redirect", unsigned(302, ""), Code::ResponseInvalid),
        (
            "another success",
            BY_CERTIFICATE.answer(204, ""),
            Code::BodyInvalid,
        ),
    ];
    for (what, response, code) in cases {
        let (client, world) = merchant::client(bootstrap_config(json!({})));
        let (result, _) = ask(&client, &response, &BY_CERTIFICATE);
        let error = refused(result);
        if what != "a redirect" && what != "another success" {
            assert_eq!(error.code(), code, "{what}: {error:?}");
        }
        assert_eq!(
            error.outcome(),
            Outcome::NotSent,
            "{what}: the order was never sent"
        );
        assert_eq!(world.records_of("certificates.failed").len(), 1, "{what}");
        // Nothing of it was kept: a notification by that very key is not believed.
        world.set_now(NOW + 100);
        let event = BY_CERTIFICATE.signed(notification().to_string());
        let mut call = client
            .call_notification(event.lines(), &event.body, b"")
            .unwrap();
        refused_as(
            Code::UnknownSerial,
            drive::drive(&mut call, |_| Err(drive::not_sent())),
        );
    }
}

fn openssl_1024() -> Vec<u8> {
    let key = crate::support::openssl::generate_rsa(1024);
    crate::support::openssl::certificate(
        &key,
        "/CN=weak",
        &["-set_serial", "0x01", "-days", "9999"],
    )
}

#[test]
fn new_certificates_are_taken_in_before_the_old_ones_end() {
    let world = World::new();
    let client = merchant::client_in(
        &world,
        bootstrap_config(json!({
            "platform_certificates": [*PLATFORM_CERTIFICATE],
            "certificate_refresh": { "interval_s": 60, "min_interval_s": 1 },
        })),
    );
    let keys = BY_CERTIFICATE.answer(200, both());
    let (result, fetches) = ask(&client, &keys, &BY_CERTIFICATE);
    result.unwrap();
    assert_eq!(
        fetches, 1,
        "due at once: nobody knows how old the configured one is"
    );
    // Both are good now, for answers and for notifications.
    for platform in [&*BY_CERTIFICATE, &*BY_NEXT] {
        ask(&client, &keys, platform).0.unwrap();
        let event = platform.signed(notification().to_string());
        client
            .open_notification(event.lines(), &event.body, b"")
            .unwrap();
    }
    let (_, fetches) = ask(&client, &keys, &BY_NEXT);
    assert_eq!(fetches, 0, "not due again");
}

#[test]
fn an_unknown_serial_fetches_once_and_is_then_judged_again() {
    let (client, world) = merchant::client(bootstrap_config(json!({
        "platform_certificates": [*PLATFORM_CERTIFICATE],
        "certificate_refresh": { "min_interval_s": 1 },
    })));
    // Not due, for the first call has just fetched.
    ask(
        &client,
        &BY_CERTIFICATE.answer(200, current()),
        &BY_CERTIFICATE,
    )
    .0
    .unwrap();
    wait_a_second();
    let keys = BY_NEXT.answer(200, both());
    let (result, fetches) = ask(&client, &keys, &BY_NEXT);
    result.unwrap();
    assert_eq!(fetches, 1);
    assert_eq!(world.records_of("certificates.refreshed").len(), 2);
}

/// The shortest minimum between two fetches.
fn wait_a_second() {
    std::thread::sleep(std::time::Duration::from_millis(1_050));
}

#[test]
fn every_failed_rotation_keeps_what_was_known() {
    let world = World::new();
    let client = merchant::client_in(
        &world,
        bootstrap_config(json!({
            "platform_certificates": [*PLATFORM_CERTIFICATE],
            "certificate_refresh": { "interval_s": 60, "min_interval_s": 1 },
        })),
    );
    let bad: [Response; 6] = [
        unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS"}"#),
        BY_CERTIFICATE.answer(200, r#"{"data":[]}"#),
        unsigned(200, std::str::from_utf8(&both()).unwrap()),
        Platform::new(&STRANGER, PLATFORM_SERIAL).answer(200, both()),
        BY_NEXT.answer(
            200,
            certificates(APIV3_KEY, &[(PLATFORM_SERIAL, &NEXT_CERTIFICATE)]),
        ),
        unsigned(502, "<html>"),
    ];
    let mut tried = 0;
    for keys in &bad {
        // A call goes on with the keys there are, whether the fetch was admitted or not.
        let (result, fetches) = ask(&client, keys, &BY_CERTIFICATE);
        result.unwrap();
        tried += fetches;
        let event = BY_CERTIFICATE.signed(notification().to_string());
        client
            .open_notification(event.lines(), &event.body, b"")
            .unwrap();
    }
    assert!(tried >= 1);
    assert_eq!(
        world.records_of("certificates.failed").len(),
        tried,
        "{:?}",
        world.records()
    );
}

#[test]
fn a_rotated_certificate_that_lies_about_its_serial_replaces_nothing() {
    // The list names the known serial, and the certificate holds a stranger's key with that serial.
    let forged = certificate(&STRANGER, PLATFORM_SERIAL, LONG);
    let (client, _) = merchant::client(bootstrap_config(json!({
        "platform_certificates": [*PLATFORM_CERTIFICATE],
    })));
    let keys = BY_CERTIFICATE.answer(200, certificates(APIV3_KEY, &[(PLATFORM_SERIAL, &forged)]));
    ask(&client, &keys, &BY_CERTIFICATE).0.unwrap();
    let stranger = Platform::new(&STRANGER, PLATFORM_SERIAL);
    let event = stranger.signed(notification().to_string());
    refused_as(
        Code::SignatureInvalid,
        client.open_notification(event.lines(), &event.body, b""),
    );
    let event = BY_CERTIFICATE.signed(notification().to_string());
    client
        .open_notification(event.lines(), &event.body, b"")
        .unwrap();
}

#[test]
fn an_expired_certificate_verifies_nothing() {
    let ending = certificate(&CERTIFIED, PLATFORM_SERIAL, [(2020, 1, 1), (2023, 11, 20)]);
    let world = World::new();
    let client = merchant::client_in(
        &world,
        config(json!({ "platform_public_keys": null, "platform_certificates": [ending] })),
    );
    let last = 1_700_438_400; // 2023-11-20T00:00:00Z
    for (now, good) in [(last, true), (last + 1, false)] {
        world.set_now(now);
        let event = BY_CERTIFICATE.signed_at(&now.to_string(), notification().to_string());
        let result = client.open_notification(event.lines(), &event.body, b"");
        match good {
            true => drop(result.unwrap()),
            false => drop(refused_as(Code::CertificateInvalid, result)),
        }
    }
}

#[test]
fn a_certificate_that_is_not_valid_yet_verifies_nothing() {
    let coming = certificate(&NEXT, NEXT_SERIAL, [(2023, 11, 20), (2050, 1, 1)]);
    let world = World::new();
    let client = merchant::client_in(
        &world,
        config(json!({ "platform_certificates": [*PLATFORM_CERTIFICATE, coming] })),
    );
    let first = 1_700_438_400;
    for (now, good) in [(first - 1, false), (first, true)] {
        world.set_now(now);
        let event = BY_NEXT.signed_at(&now.to_string(), notification().to_string());
        let result = client.open_notification(event.lines(), &event.body, b"");
        match good {
            true => drop(result.unwrap()),
            false => drop(refused_as(Code::CertificateInvalid, result)),
        }
    }
}

#[test]
fn an_hour_of_rotation_every_minute_loses_no_answer() {
    // Two keys take turns; each list has the present one and the next.
    let world = World::new();
    let client = merchant::client_in(
        &world,
        bootstrap_config(json!({
            "platform_certificates": [*PLATFORM_CERTIFICATE],
            "certificate_refresh": { "interval_s": 60, "min_interval_s": 1 },
        })),
    );
    let (keys, mut fetched) = (BY_CERTIFICATE.signed(both()), 0);
    for minute in 0..60 {
        let now = NOW + minute * 60;
        world.set_now(now);
        for platform in [&*BY_CERTIFICATE, &*BY_NEXT] {
            let answer = platform.signed_at(&now.to_string(), transaction().to_string());
            execute(&client, QUERY, &query(ORDER), |request| {
                Ok(match request.target.as_str() {
                    "/v3/certificates" => {
                        fetched += 1;
                        BY_CERTIFICATE
                            .signed_at(&now.to_string(), keys.body.clone())
                            .response(200)
                    }
                    _ => answer.response(200),
                })
            })
            .unwrap();
        }
    }
    assert!(fetched >= 1);
}

#[test]
fn with_a_public_key_certificates_are_never_asked_for() {
    let (client, _) = merchant::client(config(
        json!({ "certificate_refresh": null, "platform_certificates": null }),
    ));
    let (result, fetches) = ask(&client, &unsigned(500, ""), &BY_PUBLIC_KEY);
    result.unwrap();
    assert_eq!(fetches, 0);
    // Nor for a serial that nobody knows.
    let (result, fetches) = ask(&client, &unsigned(500, ""), &BY_NEXT);
    assert_eq!(
        refused_as(Code::UnknownSerial, result).outcome(),
        Outcome::Unknown
    );
    assert_eq!(fetches, 0);
}

#[test]
fn a_public_key_id_that_nobody_knows_is_not_fetched_for() {
    let (client, _) = merchant::client(bootstrap_config(json!({
        "platform_certificates": [*PLATFORM_CERTIFICATE],
        "certificate_refresh": { "interval_s": 86_400, "min_interval_s": 1 },
    })));
    ask(
        &client,
        &BY_CERTIFICATE.answer(200, current()),
        &BY_CERTIFICATE,
    )
    .0
    .unwrap();
    let (result, fetches) = ask(&client, &unsigned(500, ""), &BY_PUBLIC_KEY);
    let error = refused_as(Code::UnknownSerial, result);
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert!(text(&error, "hint").contains("platform_public_keys"));
    assert_eq!(fetches, 0, "only certificates can be fetched");
}

#[test]
fn the_previous_apiv3_key_opens_certificates_too() {
    let (client, _) = merchant::client(bootstrap_config(
        json!({ "previous_apiv3_key": PREVIOUS_APIV3_KEY }),
    ));
    let body = certificates(
        PREVIOUS_APIV3_KEY,
        &[(PLATFORM_SERIAL, &PLATFORM_CERTIFICATE)],
    );
    ask(&client, &BY_CERTIFICATE.answer(200, body), &BY_CERTIFICATE)
        .0
        .unwrap();
}

/// The test's certificates are signed by their own keys, so each is its own issuer.
#[test]
fn where_an_issuer_is_pinned_certificates_of_others_bring_nothing() {
    let pinned = json!({ "platform_issuers": [&*PLATFORM_CERTIFICATE] });
    let (client, _) = merchant::client(bootstrap_config(pinned.clone()));
    let keys = BY_CERTIFICATE.answer(200, current());
    assert!(ask(&client, &keys, &BY_CERTIFICATE).0.is_ok());

    let (client, _) = merchant::client(bootstrap_config(pinned));
    let keys = BY_CERTIFICATE.answer(200, both());
    let (result, fetches) = ask(&client, &keys, &BY_CERTIFICATE);
    let error = refused_as(Code::CertificateInvalid, result);
    assert_eq!((error.outcome(), fetches), (Outcome::NotSent, 1));
}

#[test]
fn a_configured_certificate_of_another_issuer_is_refused() {
    let changes = json!({ "platform_certificates": [&*NEXT_CERTIFICATE], "platform_issuers": [&*PLATFORM_CERTIFICATE] });
    let made = Client::new(
        bootstrap_config(changes).to_string().as_bytes(),
        World::new().host(),
    );
    let error = refused_as(Code::KeyMismatch, made);
    assert_eq!(field(&error), "platform_certificates.0");
}
