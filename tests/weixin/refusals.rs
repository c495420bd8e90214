//! What the platform refuses, and what never shows.

use payseal::host::Host;
use payseal::{Client, Code, Error, Outcome};
use serde_json::{Value, json};

use super::*;
use crate::support::drive::{execute, lost};
use crate::support::{field, refused, refused_as, text};

fn refusal(sent: Sent) -> Error {
    let client = client(&World::new(), None);
    refused(execute(
        &client,
        "GET /sns/jscode2session",
        &json!({ "query": { "js_code": CODE } }),
        |_| sent.clone(),
    ))
}

#[test]
fn each_errcode_has_its_meaning_and_none_is_authenticated() {
    for (errcode, code, hint) in [
        (-1, Code::ProviderUnavailable, ""),
        (45009, Code::ProviderRateLimited, ""),
        (45011, Code::ProviderRateLimited, ""),
        (40001, Code::ProviderRejected, "token"),
        (40013, Code::ProviderRejected, "no such appid"),
        (40014, Code::ProviderRejected, "token"),
        (40029, Code::ProviderRejected, "five minutes"),
        (40125, Code::ProviderRejected, "was reset"),
        (40163, Code::ProviderRejected, "used before"),
        (40164, Code::ProviderRejected, "allow list"),
        (40226, Code::ProviderRejected, "blocks this user"),
        (42001, Code::ProviderRejected, "token"),
        (99999, Code::ProviderRejected, ""),
    ] {
        let quoted = format!("invalid secret {SECRET} for {CODE}");
        let error = refusal(answer(json!({ "errcode": errcode, "errmsg": quoted })));
        assert_eq!(error.code(), code, "{errcode}");
        let told = text(&error, "hint");
        assert!(
            told.contains(hint) && told.is_empty() == hint.is_empty(),
            "{errcode}: {told}"
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.detail("authenticated"), Some(&json!(false)));
        assert_eq!(text(&error, "provider_code"), errcode.to_string());
    }
}

#[test]
fn what_is_no_answer_is_refused() {
    let read = |status, body: &str| Ok(Response::read(status, b"", body.as_bytes()).unwrap());
    for (sent, code) in [
        (read(200, "<html>"), Code::BodyInvalid),
        (
            read(200, r#"{"openid":"a","openid":"b"}"#),
            Code::BodyInvalid,
        ),
        (read(302, ""), Code::ResponseInvalid),
        (read(502, "<html>"), Code::ProviderUnavailable),
        (Err(lost()), Code::ConnectionLost),
    ] {
        assert_eq!(refusal(sent).code(), code);
    }
}

#[test]
fn a_code_is_never_exchanged_twice() {
    let client = client(&World::new(), None);
    let mut count = 0;
    let params = json!({ "query": { "js_code": CODE }, "$": { "max_attempts": 3 } });
    refused(execute(&client, "GET /sns/jscode2session", &params, |_| {
        count += 1;
        Err(lost())
    }));
    assert_eq!(count, 1);
}

#[test]
fn logs_hold_neither_secret_nor_token() {
    let world = World::new();
    let client = client(&world, None);
    run(
        &client,
        "js_config",
        json!({ "body": { "url": "https://shop.example.com/" } }),
        vec![token(), ticket()],
    )
    .0
    .unwrap();
    let records = world.records();
    assert!(!records.is_empty());
    for record in records {
        let record = record.to_string();
        assert!(
            ![SECRET, TOKEN, TICKET]
                .iter()
                .any(|secret| record.contains(secret)),
            "{record}"
        );
    }
}

#[test]
fn a_configuration_that_cannot_work_is_refused_by_its_field() {
    for (changes, at) in [
        (json!({ "secret": null }), "secret"),
        (json!({ "secret": "short" }), "secret"),
        (json!({ "appid": "wx 1" }), "appid"),
        (json!({ "mchid": "1900000001" }), "mchid"),
    ] {
        let mut config = config();
        let members = config.as_object_mut().unwrap();
        for (key, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(members.shift_remove(key)),
                value => drop(members.insert(key.clone(), value.clone())),
            }
        }
        let error = refused(Client::new(config.to_string().as_bytes(), Host::default()));
        assert_eq!(field(&error), at);
    }
}

#[test]
fn nothing_that_comes_is_taken_for_a_notification() {
    let client = client(&World::new(), None);
    refused_as(
        Code::SignatureMissing,
        client.open_notification("A: b", b"{}", b""),
    );
    assert_eq!(client.notification_reply(0).status, 400);
}
