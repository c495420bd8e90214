//! The provider says no: what that means for money.

use payseal::{Code, Outcome};
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

fn refusal(code: &str) -> Vec<u8> {
    signed(&[
        ("return_code", "SUCCESS"),
        ("appid", APPID),
        ("mch_id", MCHID),
        ("nonce_str", "n"),
        ("result_code", "FAIL"),
        ("err_code", code),
        ("err_code_des", "words"),
    ])
}

#[test]
fn a_signed_no_is_a_no() {
    for code in ["NOTENOUGH", "ORDERCLOSED", "OUT_TRADE_NO_USED"] {
        let error = refused_as(
            Code::ProviderRejected,
            answered(&client(json!({})), UNIFIED, &order(), refusal(code)),
        );
        assert_eq!(error.outcome(), Outcome::Rejected, "{error:?}");
        assert_eq!(error.detail("authenticated"), Some(&json!(true)));
        assert_eq!(
            (
                text(&error, "provider_code"),
                text(&error, "provider_message"),
                text(&error, "advice")
            ),
            (code, "words", "definite_failure")
        );
    }
    let error = refused_as(
        Code::ProviderRejected,
        answered(&client(json!({})), UNIFIED, &order(), refusal("ORDERPAID")),
    );
    assert_eq!(
        (error.outcome(), text(&error, "advice")),
        (Outcome::Rejected, "already_done")
    );
}

#[test]
fn a_signed_answer_may_leave_the_outcome_open() {
    let params =
        json!({ "body": { "auth_code": "120061098828009406" }, "$": { "max_attempts": 1 } });
    for (code, is) in [
        ("USERPAYING", Code::ProviderUnavailable),
        ("BANKERROR", Code::ProviderUnavailable),
        ("SYSTEMERROR", Code::ProviderUnavailable),
        ("FREQUENCY_LIMITED", Code::ProviderRateLimited),
    ] {
        let error = refused_as(
            is,
            answered(&client(json!({})), UNKNOWN, &params, refusal(code)),
        );
        assert_eq!(
            (error.outcome(), text(&error, "advice")),
            (Outcome::Unknown, "query_first"),
            "{code}"
        );
    }
}

#[test]
fn a_no_that_is_not_signed_is_nobodys_word() {
    for fields in [
        &[("return_code", "FAIL"), ("return_msg", "签名错误")][..],
        &[
            ("return_code", "FAIL"),
            ("return_msg", "x"),
            ("result_code", "FAIL"),
            ("err_code", "ORDERPAID"),
        ],
    ] {
        let error = refused_as(
            Code::ProviderRejected,
            answered(
                &client(json!({})),
                UNIFIED,
                &order(),
                document(&pairs(fields)),
            ),
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(error.detail("authenticated"), Some(&json!(false)));
        assert_ne!(text(&error, "advice"), "already_done");
    }
    let error = refused_as(
        Code::SignatureMissing,
        answered(
            &client(json!({})),
            UNIFIED,
            &order(),
            document(&pairs(&[
                ("return_code", "SUCCESS"),
                ("result_code", "FAIL"),
                ("err_code", "ORDERPAID"),
            ])),
        ),
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_refused_signature_names_what_to_look_at() {
    let body = document(&pairs(&[
        ("return_code", "FAIL"),
        ("return_msg", "签名错误"),
    ]));
    let error = refused_as(
        Code::ProviderRejected,
        answered(&client(json!({})), UNIFIED, &order(), body),
    );
    assert!(text(&error, "hint").contains("apiv2_key"), "{error:?}");
}

#[test]
fn a_forged_no_with_a_wrong_signature_is_not_even_read() {
    let body = signed_with(
        "HMAC-SHA256",
        PREVIOUS_APIV2_KEY,
        pairs(&[("return_code", "FAIL"), ("return_msg", "x")]),
    );
    refused_as(
        Code::SignatureInvalid,
        answered(&client(json!({})), UNIFIED, &order(), body),
    );
}

#[test]
fn an_answer_outside_200_is_not_the_providers_word() {
    let client = client(json!({}));
    for (status, code) in [
        (302, Code::ResponseInvalid),
        (404, Code::ProviderRejected),
        (429, Code::ProviderRateLimited),
        (502, Code::ProviderUnavailable),
        (500, Code::ProviderUnavailable),
    ] {
        let params = json!({ "body": { "a": "1" } });
        let result = drive::execute(&client, UNKNOWN, &params, |_| {
            Ok(Response::read(status, b"", &signed(&PREPAID)).unwrap())
        });
        let error = refused_as(code, result);
        assert_eq!(error.outcome(), Outcome::Unknown, "{status}");
    }
}

#[test]
fn what_is_not_known_to_be_repeatable_is_sent_once() {
    let mut count = 0;
    let result = drive::execute(
        &client(json!({})),
        UNKNOWN,
        &json!({ "body": { "a": "1" } }),
        |_| {
            count += 1;
            Err(drive::lost())
        },
    );
    let error = refused_as(Code::ConnectionLost, result);
    assert_eq!(
        (count, error.outcome(), text(&error, "advice")),
        (1, Outcome::Unknown, "query_first")
    );
}

#[test]
fn what_carries_the_merchants_number_is_repeated_byte_for_byte_and_a_scanned_code_is_not() {
    let code = json!({ "body": { "body": "b", "out_trade_no": ORDER, "total_fee": 100, "spbill_create_ip": "203.0.113.7", "auth_code": "120061098828009406" } });
    for (operation, params, attempts) in [
        (UNIFIED, order(), 3),
        (REFUND, refund(), 3),
        (QUERY, query(), 3),
        ("POST /pay/micropay", code, 1),
    ] {
        for lost in [true, false] {
            let mut seen = Vec::new();
            let result = drive::execute(&client(json!({})), operation, &params, |request| {
                seen.push(request.body.clone());
                match lost {
                    true => Err(drive::lost()),
                    false => Ok(answer(refusal("SYSTEMERROR"))),
                }
            });
            let error = crate::support::refused(result);
            assert_eq!(
                (seen.len(), error.outcome()),
                (attempts, Outcome::Unknown),
                "{operation} {error:?}"
            );
            assert!(seen.iter().all(|body| *body == seen[0]), "{operation}");
            let advice = if attempts == 1 {
                "query_first"
            } else {
                "retry_same"
            };
            assert_eq!(text(&error, "advice"), advice, "{operation}");
        }
    }
}
