//! The doctor tells everything that is wrong with a configuration at once, and what will be soon.

use payseal::doctor::{Finding, Report, Status, examine};
use serde_json::{Value, json};

use crate::support::canary;
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::refused;

fn report(config: Value) -> Report {
    let report = examine(config.to_string().as_bytes(), World::new().host(), b"").unwrap();
    canary::check(&serde_json::to_string(&report).unwrap());
    report
}

#[track_caller]
fn finding<'a>(report: &'a Report, check: &str) -> &'a Finding {
    let mut found = report
        .findings
        .iter()
        .filter(|finding| finding.check == check);
    let first = found.next();
    assert!(found.next().is_none(), "{check} is told twice: {report:?}");
    first.unwrap_or_else(|| panic!("nothing about {check}: {report:?}"))
}

#[test]
fn a_good_configuration_is_healthy_and_every_part_is_named() {
    let report = report(config(
        json!({ "merchant_certificate": *MERCHANT_CERTIFICATE }),
    ));
    assert!(report.healthy, "{report:?}");
    for check in [
        "merchant_certificate",
        "private_key",
        "merchant_serial",
        "apiv3_key",
        "platform_certificates.0",
        "notify_url",
        "configuration",
    ] {
        assert_eq!(finding(&report, check).status, Status::Ok, "{check}");
    }
}

#[test]
fn every_mistake_is_told_not_only_the_first() {
    let report = report(config(json!({
        "merchant_certificate": *NEXT_CERTIFICATE,
        "merchant_serial": PLATFORM_SERIAL,
        "apiv3_key": "too short",
        "platform_public_keys": { PUBLIC_KEY_ID: MERCHANT.public },
        "notify_url": "https://shop.example.com/notify?order=1",
    })));
    assert!(!report.healthy);
    for check in [
        "private_key",
        "merchant_serial",
        "apiv3_key",
        &format!("platform_public_keys.{PUBLIC_KEY_ID}"),
        "notify_url",
    ] {
        assert_eq!(finding(&report, check).status, Status::Problem, "{check}");
    }
}

#[test]
fn what_the_client_refuses_is_in_the_report() {
    for (changes, check) in [
        (json!({ "apiv3key": "x" }), "apiv3key"),
        (json!({ "private_key": null }), "private_key"),
        (json!({ "provider": "wechta" }), "provider"),
        (json!({ "hosts": ["http://example.com"] }), "hosts.0"),
        (json!({ "private_key": "nonsense" }), "private_key"),
    ] {
        let report = report(config(changes));
        assert!(!report.healthy);
        assert_eq!(finding(&report, check).status, Status::Problem, "{check}");
    }
    let report = examine(b"not json", World::new().host(), b"").unwrap();
    assert_eq!(finding(&report, "configuration").status, Status::Problem);
}

#[test]
fn a_certificate_that_ends_soon_is_a_warning_and_one_that_ended_a_problem() {
    // Now is the fourteenth of November 2023.
    for (last, status) in [
        ((2023, 12, 13), Status::Warning),
        ((2023, 12, 24), Status::Ok),
        ((2023, 11, 12), Status::Problem),
    ] {
        let pem = merchant::certificate(&MERCHANT, MERCHANT_SERIAL, [(2020, 1, 1), last]);
        let report = report(config(json!({ "merchant_certificate": pem })));
        assert_eq!(
            finding(&report, "merchant_certificate").status,
            status,
            "{last:?}"
        );
        assert_eq!(report.healthy, status != Status::Problem);
    }
}

#[test]
fn options_that_are_none_are_an_error() {
    for options in [
        r#"{"online":1}"#,
        r#"{"offline":true}"#,
        r#"{"timeout_ms":0}"#,
        "[]",
    ] {
        refused(examine(b"{}", World::new().host(), options.as_bytes()));
    }
}
