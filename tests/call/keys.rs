//! Keys of the platform, fetched in the middle of a call: by one caller at a time, not too often, and never at the price of what is known.

use std::time::Duration;

use payseal::call::{Call, Step};
use payseal::wire::{FailureKind, Response};
use payseal::{Client, Code, Outcome};
use serde_json::json;

use crate::support::drive::{cancelled, drive, execute, failure, lost, not_sent};
use crate::support::merchant::{self, *};
use crate::support::platform::{
    BY_CERTIFICATE, BY_NEXT, BY_PUBLIC_KEY, Platform, certificates, notification, transaction,
    unsigned,
};
use crate::support::{refused, refused_as};

fn list() -> Response {
    let both = [
        (PLATFORM_SERIAL, PLATFORM_CERTIFICATE.as_str()),
        (NEXT_SERIAL, &NEXT_CERTIFICATE),
    ];
    BY_CERTIFICATE.answer(200, certificates(APIV3_KEY, &both))
}

fn only_old() -> Response {
    BY_CERTIFICATE.answer(
        200,
        certificates(APIV3_KEY, &[(PLATFORM_SERIAL, &PLATFORM_CERTIFICATE)]),
    )
}

fn begin(client: &Client) -> Call {
    client
        .call(QUERY, query(ORDER).to_string().as_bytes(), b"")
        .unwrap()
}

fn asks_for_keys(call: &mut Call) -> bool {
    call.step() == Step::Send && call.request().unwrap().target == "/v3/certificates"
}

/// One certificate is known and not due to be renewed.
fn fresh_client(changes: serde_json::Value) -> Client {
    let mut all = json!({
        "platform_certificates": [*PLATFORM_CERTIFICATE],
        "certificate_refresh": { "min_interval_s": 1 },
    });
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let (client, _) = merchant::client(bootstrap_config(all));
    let mut call = begin(&client);
    assert!(asks_for_keys(&mut call));
    call.respond(only_old()).unwrap();
    call.step();
    call.respond(BY_CERTIFICATE.json(200, transaction()))
        .unwrap();
    call.step();
    call.result().unwrap();
    client
}

#[test]
fn two_calls_without_keys_fetch_them_once() {
    let (client, _) = merchant::client(bootstrap_config(json!({})));
    let (mut first, mut second) = (begin(&client), begin(&client));
    assert!(asks_for_keys(&mut first));
    assert!(matches!(second.step(), Step::Wait(_)), "the other fetches");
    first.respond(list()).unwrap();
    for call in [&mut first, &mut second] {
        while let Step::Wait(time) = call.step() {
            std::thread::sleep(time);
        }
        assert_eq!(
            call.request().unwrap().target,
            format!("/v3/pay/transactions/out-trade-no/{ORDER}?mchid={MCHID}")
        );
        call.respond(BY_NEXT.json(200, transaction())).unwrap();
        assert_eq!(call.step(), Step::Done);
        call.result().unwrap();
    }
}

#[test]
fn a_call_that_is_dropped_while_it_fetches_lets_the_next_one_in() {
    let (client, _) = merchant::client(bootstrap_config(json!({})));
    let mut first = begin(&client);
    assert!(asks_for_keys(&mut first));
    let mut second = begin(&client);
    assert!(matches!(second.step(), Step::Wait(_)));
    drop(first);
    // A second after the first try another one is admitted.
    std::thread::sleep(Duration::from_millis(1_050));
    assert!(asks_for_keys(&mut second));
}

#[test]
fn keys_that_are_merely_due_hold_nobody_up() {
    for answer in [Err(not_sent()), Err(lost()), Ok(unsigned(500, ""))] {
        let (client, _) = merchant::client(bootstrap_config(json!({
            "platform_certificates": [*PLATFORM_CERTIFICATE],
        })));
        let (mut first, mut second) = (begin(&client), begin(&client));
        assert!(asks_for_keys(&mut first));
        assert!(first.request().unwrap().timeout <= Duration::from_secs(2));
        assert_eq!(second.step(), Step::Send);
        assert_ne!(second.request().unwrap().target, "/v3/certificates");
        // And the one that fetches tries once, then goes on.
        match answer {
            Ok(response) => first.respond(response).unwrap(),
            Err(failure) => first.fail(failure).unwrap(),
        }
        assert_eq!(first.step(), Step::Send);
        assert_ne!(first.request().unwrap().target, "/v3/certificates");
        first
            .respond(BY_CERTIFICATE.json(200, transaction()))
            .unwrap();
        first.step();
        let answer = first.result().unwrap();
        assert_eq!(answer.info()["attempts"], 1);
    }
}

#[test]
fn without_any_key_a_failed_fetch_sends_nothing_else() {
    for (responses, code) in [
        (vec![Err(not_sent()); 3], Code::ConnectFailed),
        (vec![Err(lost()); 3], Code::ConnectionLost),
        (vec![Ok(unsigned(500, ""))], Code::ProviderUnavailable),
        (vec![Ok(unsigned(404, ""))], Code::ProviderRejected),
        (vec![Err(cancelled(true))], Code::Cancelled),
    ] {
        let (client, _) = merchant::client(bootstrap_config(json!({})));
        let mut responses = responses.into_iter();
        let result = execute(&client, REFUND, &refund(), |request| {
            assert_eq!(request.target, "/v3/certificates");
            responses.next().expect("no more attempts than that")
        });
        let error = refused_as(code, result);
        assert_eq!(
            error.outcome(),
            Outcome::NotSent,
            "no byte of the refund left"
        );
    }
}

#[test]
fn an_unknown_serial_that_the_fetch_does_not_bring_is_remembered() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let mut fetched = 0;
    let mut ask = || {
        let result = execute(&client, QUERY, &query(ORDER), |request| {
            Ok(match request.target.as_str() {
                "/v3/certificates" => {
                    fetched += 1;
                    only_old()
                }
                _ => BY_NEXT.json(200, transaction()),
            })
        });
        let error = refused_as(Code::UnknownSerial, result);
        assert_eq!(error.outcome(), Outcome::Unknown);
    };
    ask();
    std::thread::sleep(Duration::from_millis(1_050));
    ask();
    ask();
    assert_eq!(fetched, 1, "asked for once, though the interval is over");
}

#[test]
fn a_flood_of_forged_notifications_fetches_at_most_once_an_interval() {
    let (client, world) = merchant::client(bootstrap_config(json!({
        "platform_certificates": [*PLATFORM_CERTIFICATE],
        "certificate_refresh": { "min_interval_s": 3600 },
    })));
    let stranger = Platform::new(&STRANGER, NEXT_SERIAL);
    let signed = stranger.signed(notification().to_string());
    let mut fetches = 0;
    for n in 0..2_000 {
        let forged = signed
            .clone()
            .with("Wechatpay-Serial", &format!("{:040X}", n + 1));
        let mut call = client
            .call_notification(forged.lines(), &forged.body, b"")
            .unwrap();
        let error = refused(drive(&mut call, |request| {
            assert_eq!(request.target, "/v3/certificates");
            fetches += 1;
            Ok(only_old())
        }));
        assert_eq!(error.code(), Code::UnknownSerial);
        assert_eq!(error.outcome(), Outcome::Unauthentic);
    }
    assert_eq!(fetches, 1);
    assert_eq!(world.records_of("certificates.refreshed").len(), 1);
    // What was known is still known.
    let event = BY_CERTIFICATE.signed(notification().to_string());
    client
        .open_notification(event.lines(), &event.body, b"")
        .unwrap();
}

#[test]
fn a_flood_of_probes_fetches_nothing() {
    let client = fresh_client(json!({}));
    for n in 0..100 {
        let probe = BY_NEXT
            .signed(notification().to_string())
            .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
            .with("Wechatpay-Serial", &format!("{:040X}", n + 1));
        let mut call = client
            .call_notification(probe.lines(), &probe.body, b"")
            .unwrap();
        refused_as(
            Code::SignatureProbe,
            drive(&mut call, |_| panic!("a probe made us call")),
        );
    }
}

#[test]
fn a_notification_under_a_new_serial_is_opened_after_a_fetch() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let event = BY_NEXT.signed(notification().to_string());
    let mut call = client
        .call_notification(event.lines(), &event.body, b"")
        .unwrap();
    let mut fetched = 0;
    let opened = drive(&mut call, |_| {
        fetched += 1;
        Ok(list())
    })
    .unwrap();
    assert_eq!(opened.info()["serial"], NEXT_SERIAL);
    assert_eq!(fetched, 1);
    // The next one needs nothing.
    client
        .open_notification(event.lines(), &event.body, b"")
        .unwrap();
}

#[test]
fn a_notification_gives_up_fetching_after_one_attempt() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let event = BY_NEXT.signed(notification().to_string());
    let mut call = client
        .call_notification(event.lines(), &event.body, b"")
        .unwrap();
    let mut tried = 0;
    let error = refused(drive(&mut call, |request| {
        assert!(request.timeout <= Duration::from_secs(3));
        tried += 1;
        Err(failure(FailureKind::Sent, Code::Timeout))
    }));
    assert_eq!((tried, error.code()), (1, Code::UnknownSerial));
    assert_eq!(error.outcome(), Outcome::Unauthentic);
}

#[test]
fn an_answer_under_a_new_serial_is_judged_again_and_not_asked_for_again() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let mut call = client
        .call(REFUND, refund().to_string().as_bytes(), b"")
        .unwrap();
    assert_eq!(call.step(), Step::Send);
    call.respond(BY_NEXT.json(200, json!({ "status": "PROCESSING" })))
        .unwrap();
    assert!(asks_for_keys(&mut call));
    call.respond(list()).unwrap();
    assert_eq!(call.step(), Step::Done);
    assert_eq!(call.result().unwrap().info()["attempts"], 1);
}

#[test]
fn a_no_under_a_new_serial_is_a_no_after_the_fetch() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let mut call = client
        .call(REFUND, refund().to_string().as_bytes(), b"")
        .unwrap();
    call.step();
    call.respond(BY_NEXT.json(403, json!({ "code": "NOT_ENOUGH" })))
        .unwrap();
    assert!(asks_for_keys(&mut call));
    call.respond(list()).unwrap();
    assert_eq!(call.step(), Step::Done);
    let error = refused_as(Code::ProviderRejected, call.result());
    assert_eq!(error.outcome(), Outcome::Rejected);
}

#[test]
fn giving_up_while_keys_are_fetched_for_an_answer_leaves_it_unknown() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let mut call = client
        .call(REFUND, refund().to_string().as_bytes(), b"")
        .unwrap();
    call.step();
    call.respond(BY_NEXT.json(200, json!({}))).unwrap();
    assert!(asks_for_keys(&mut call));
    call.fail(cancelled(false)).unwrap();
    let error = refused_as(Code::Cancelled, call.result());
    assert_eq!(
        error.outcome(),
        Outcome::Unknown,
        "the refund itself was answered"
    );
}

#[test]
fn a_fetch_that_fails_for_an_answer_leaves_it_unknown() {
    let client = fresh_client(json!({}));
    std::thread::sleep(Duration::from_millis(1_050));
    let error = refused(execute(
        &client,
        REFUND,
        &refund(),
        |request| match request.target.as_str() {
            "/v3/certificates" => Err(not_sent()),
            _ => Ok(BY_NEXT.json(200, json!({}))),
        },
    ));
    assert_eq!(error.code(), Code::UnknownSerial);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn keys_are_fetched_from_another_host_when_one_fails() {
    let hosts = json!(["https://one.example.com", "https://two.example.com"]);
    let (client, _) = merchant::client(bootstrap_config(json!({ "hosts": hosts })));
    let mut asked = Vec::new();
    execute(&client, QUERY, &query(ORDER), |request| {
        asked.push(request.url());
        match request.origin.as_str() {
            "https://one.example.com" => Err(not_sent()),
            _ if request.target == "/v3/certificates" => Ok(list()),
            _ => Ok(BY_CERTIFICATE.json(200, transaction())),
        }
    })
    .unwrap();
    assert_eq!(asked[0], "https://one.example.com/v3/certificates");
    assert_eq!(asked[1], "https://two.example.com/v3/certificates");
}

#[test]
fn a_public_key_needs_no_fetch_however_many_calls_there_are() {
    let (client, _) = merchant::client(config(json!({ "certificate_refresh": null })));
    for _ in 0..10 {
        let answer = execute(&client, QUERY, &query(ORDER), |request| {
            assert_ne!(request.target, "/v3/certificates");
            Ok(BY_PUBLIC_KEY.json(200, transaction()))
        });
        answer.unwrap();
    }
}
