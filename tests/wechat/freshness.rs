//! Old messages, messages from the future, and what looks like a time.

use payseal::{Code, Error, Outcome};
use serde_json::json;

use crate::support::drive::execute;
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, NONCE, message, notification, transaction};
use crate::support::{field, refused, refused_as};

/// The same message, as an answer and as a notification.
fn both(config: serde_json::Value, timestamp: &str) -> [Result<(), Error>; 2] {
    let (client, _) = merchant::client(config);
    let answer = BY_PUBLIC_KEY.signed_at(timestamp, transaction().to_string());
    let event = BY_PUBLIC_KEY.signed_at(timestamp, notification().to_string());
    [
        execute(&client, QUERY, &query(ORDER), |_| Ok(answer.response(200))).map(drop),
        client
            .open_notification(event.lines(), &event.body, b"")
            .map(drop),
    ]
}

fn at(offset: i64) -> String {
    (NOW + offset).to_string()
}

#[test]
fn messages_within_three_hundred_seconds_are_accepted_and_others_refused_in_both_directions() {
    for offset in [-300, -299, -1, 0, 1, 299, 300] {
        for result in both(config(json!({})), &at(offset)) {
            result.unwrap();
        }
    }
    for offset in [-301, 301, -86_400, 86_400, -NOW + 1, 99_999_999_999 - NOW] {
        let [answer, event] = both(config(json!({})), &at(offset));
        let answer = refused_as(Code::ClockSkew, answer);
        assert_eq!(answer.outcome(), Outcome::Unknown);
        let event = refused_as(Code::ClockSkew, event);
        assert_eq!(event.outcome(), Outcome::Unauthentic);
        assert_eq!(
            event.detail("skew_s").unwrap(),
            offset,
            "the skew is measured"
        );
    }
}

#[test]
fn a_window_of_zero_means_zero() {
    let config = || config(json!({ "timestamp_window_s": 0 }));
    for result in both(config(), &at(0)) {
        result.unwrap();
    }
    for offset in [-1, 1] {
        for result in both(config(), &at(offset)) {
            refused_as(Code::ClockSkew, result);
        }
    }
}

#[test]
fn a_good_signature_with_a_wrong_time_is_told_from_a_bad_signature() {
    let (client, _) = merchant::client(config(json!({})));
    let stale = BY_PUBLIC_KEY.signed_at(&at(-9_999), notification().to_string());
    refused_as(
        Code::ClockSkew,
        client.open_notification(stale.lines(), &stale.body, b""),
    );
    // The time was made fresh, and the signature does not fit any more.
    let forged = stale.with("Wechatpay-Timestamp", &at(0));
    refused_as(
        Code::SignatureInvalid,
        client.open_notification(forged.lines(), &forged.body, b""),
    );
}

#[test]
fn a_time_that_is_no_plain_number_is_refused_even_if_it_was_signed() {
    for timestamp in [
        "+1700000000",
        "-1700000000",
        "01700000000",
        "1700000000.0",
        "1.7e9",
        "0x6553f100",
        "17000000000000000000",
        "99999999999999999999",
        "170000 0000",
        "1700000000s",
        "0",
        "١٧٠٠٠٠٠٠٠٠",
        "１７００００００００",
        "NaN",
        "1700000000\u{a0}",
    ] {
        let [answer, event] = both(config(json!({})), timestamp);
        for result in [answer, event] {
            let error = refused_as(Code::HeaderInvalid, result);
            assert_eq!(field(&error), "wechatpay-timestamp", "{timestamp}");
        }
    }
    for timestamp in ["", " "] {
        for result in both(config(json!({})), timestamp) {
            refused(result);
        }
    }
}

#[test]
fn the_signed_line_is_the_header_to_the_byte() {
    // Same number, other bytes: a signature over what was parsed instead of what was sent would fit.
    let (client, _) = merchant::client(config(json!({})));
    let body = notification().to_string().into_bytes();
    let signature = BY_PUBLIC_KEY.sign(&message(&NOW.to_string(), NONCE, &body));
    let padded = BY_PUBLIC_KEY
        .signed(body)
        .with("Wechatpay-Timestamp", &format!("0{NOW}"))
        .with("Wechatpay-Signature", &signature);
    refused_as(
        Code::HeaderInvalid,
        client.open_notification(padded.lines(), &padded.body, b""),
    );
}

#[test]
fn a_wrong_clock_of_ours_shows_as_skew_and_not_as_forgery() {
    let world = World::new();
    let client = merchant::client_in(&world, config(json!({})));
    for (now, skew) in [(1, NOW - 1), (NOW + 1_000, -1_000)] {
        world.set_now(now);
        let event = BY_PUBLIC_KEY.signed(notification().to_string());
        let error = refused_as(
            Code::ClockSkew,
            client.open_notification(event.lines(), &event.body, b""),
        );
        assert_eq!(error.detail("skew_s").unwrap(), skew);
    }
    world.set_now_ms(i64::MAX);
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    refused(client.open_notification(event.lines(), &event.body, b""));
}

#[test]
fn an_exact_repetition_is_marked_where_the_guard_is_on() {
    let (client, _) = merchant::client(config(json!({ "replay_guard": { "entries": 8 } })));
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let open = |lines: &str, body: &[u8]| {
        client.open_notification(lines, body, b"").unwrap().info()["replay"]
            .as_bool()
            .unwrap()
    };
    assert!(!open(&event.lines(), &event.body));
    assert!(open(&event.lines(), &event.body));
    // The provider's own repetition is signed anew.
    let again = BY_PUBLIC_KEY.signed_at(&at(15), notification().to_string());
    assert!(!open(&again.lines(), &again.body));
}

#[test]
fn a_repetition_is_recognised_in_every_spelling_of_its_headers() {
    let (client, _) = merchant::client(config(json!({ "replay_guard": {} })));
    let event = crate::support::platform::BY_CERTIFICATE.signed(notification().to_string());
    let lines = event.lines();
    let spellings = [
        lines.clone(),
        lines.to_uppercase_names(),
        lines.replace('\n', "\r\n"),
        event
            .clone()
            .with("Wechatpay-Serial", &PLATFORM_SERIAL.to_lowercase())
            .lines(),
        event
            .clone()
            .with("Wechatpay-Serial", &PLATFORM_SERIAL[1..])
            .lines(),
        event
            .clone()
            .with("Wechatpay-Serial", &PLATFORM_SERIAL[1..].to_lowercase())
            .lines(),
        event.clone().without("Wechatpay-Signature-Type").lines(),
        event.clone().and("X-Other", "1").lines(),
    ];
    for (index, lines) in spellings.iter().enumerate() {
        let opened = client.open_notification(lines, &event.body, b"").unwrap();
        assert_eq!(opened.info()["replay"], index > 0, "{lines}");
        assert_eq!(opened.info()["serial"], PLATFORM_SERIAL);
    }
}

trait Names {
    fn to_uppercase_names(&self) -> String;
}

impl Names for String {
    fn to_uppercase_names(&self) -> String {
        self.lines()
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                format!("{}:{value}\n", name.to_uppercase())
            })
            .collect()
    }
}

#[test]
fn the_replay_guard_forgets_the_oldest_and_not_more() {
    let (client, _) = merchant::client(config(json!({ "replay_guard": { "entries": 2 } })));
    let events: Vec<_> = (0..3)
        .map(|n| BY_PUBLIC_KEY.signed_at(&at(n), notification().to_string()))
        .collect();
    let order = [0, 1, 1, 2, 1, 0, 2];
    let marked = order.map(|n| {
        let event = &events[n];
        client
            .open_notification(event.lines(), &event.body, b"")
            .unwrap()
            .info()["replay"]
            == true
    });
    assert_eq!(marked, [false, false, true, false, true, false, true]);
}

#[test]
fn a_refused_notification_does_not_use_up_its_place() {
    let (client, _) = merchant::client(config(json!({ "replay_guard": {} })));
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    refused_as(
        Code::ResponseMismatch,
        client.open_notification(
            event.lines(),
            &event.body,
            br#"{"expect":{"amount.total":1}}"#,
        ),
    );
    let forged = event.clone().with_body("{}");
    refused(client.open_notification(forged.lines(), &forged.body, b""));
    let opened = client
        .open_notification(event.lines(), &event.body, b"")
        .unwrap();
    assert_eq!(opened.info()["replay"], false);
}
