//! A genuine answer, compared with what was asked; and the few answers that nobody signs.

use payseal::call::Delivered;
use payseal::crypto::sha1;
use payseal::wire::{Headers, Response};
use payseal::{Code, Error, Outcome};
use serde_json::{Value, json};

use crate::support::drive::execute;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction, unsigned};
use crate::support::{field, refused_as};

fn answered(operation: &str, params: &Value, response: Response) -> Result<Delivered, Error> {
    let (client, _) = merchant::client(config(json!({})));
    let mut answers = vec![response];
    execute(&client, operation, params, |_| {
        Ok(answers.pop().expect("one request"))
    })
}

fn changed(path: &str, value: Value) -> Value {
    let mut body = transaction();
    *body.pointer_mut(path).expect("a member") = value;
    body
}

#[test]
fn a_genuine_answer_about_another_order_is_refused() {
    for (path, value, expected) in [
        ("/out_trade_no", json!("order0002"), "out_trade_no"),
        ("/out_trade_no", json!("ORDER0001"), "out_trade_no"),
        ("/out_trade_no", json!(1), "out_trade_no"),
        ("/out_trade_no", Value::Null, "out_trade_no"),
        ("/mchid", json!("1900000001"), "mchid"),
    ] {
        let error = refused_as(
            Code::ResponseMismatch,
            answered(
                QUERY,
                &query(ORDER),
                BY_PUBLIC_KEY.json(200, changed(path, value)),
            ),
        );
        assert_eq!(field(&error), expected);
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn a_genuine_answer_about_another_refund_or_amount_is_refused() {
    let good = json!({
        "refund_id": "50000000382019052709732678859", "out_refund_no": "refund0001", "out_trade_no": ORDER,
        "status": "PROCESSING", "amount": { "total": 100, "refund": 60, "currency": "CNY", "payer_total": 90 },
    });
    answered(REFUND, &refund(), BY_PUBLIC_KEY.json(200, good.clone())).unwrap();
    for (path, value, expected) in [
        ("/out_refund_no", json!("refund0002"), "out_refund_no"),
        ("/out_trade_no", json!("order0002"), "out_trade_no"),
        ("/amount/refund", json!(61), "amount.refund"),
        ("/amount/total", json!("100"), "amount.total"),
        ("/amount/currency", json!("USD"), "amount.currency"),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        let error = refused_as(
            Code::ResponseMismatch,
            answered(REFUND, &refund(), BY_PUBLIC_KEY.json(200, body)),
        );
        assert_eq!(field(&error), expected);
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn an_answer_that_does_not_speak_of_a_number_is_not_refused_for_it() {
    answered(
        NATIVE,
        &native_order(),
        BY_PUBLIC_KEY.json(200, json!({ "code_url": "weixin://x" })),
    )
    .unwrap();
}

#[test]
fn a_number_asked_for_as_an_integer_is_the_same_number() {
    let params = json!({ "path": { "sub_mchid": 1900000109 }, "query": { "out_trade_no": null } });
    let body = json!({ "sub_mchid": "1900000109", "out_trade_no": ORDER });
    answered(
        "GET /v3/not/in/the/catalogue/{sub_mchid}",
        &params,
        BY_PUBLIC_KEY.json(200, body),
    )
    .unwrap();
    let body = json!({ "sub_mchid": "1900000108" });
    refused_as(
        Code::ResponseMismatch,
        answered(
            "GET /v3/not/in/the/catalogue/{sub_mchid}",
            &params,
            BY_PUBLIC_KEY.json(200, body),
        ),
    );
}

#[test]
fn what_the_caller_expects_must_be_there() {
    let expecting = |expect: Value| {
        let params = with_options(query(ORDER), json!({ "expect": expect }));
        answered(QUERY, &params, BY_PUBLIC_KEY.json(200, transaction()))
    };
    expecting(json!({ "trade_state": "SUCCESS", "amount.total": 100 })).unwrap();
    for (expect, path) in [
        (json!({ "amount.total": 200 }), "amount.total"),
        (json!({ "amount.total": "100" }), "amount.total"),
        (json!({ "amount.total": 100.0 }), "amount.total"),
        (json!({ "trade_state": "NOTPAY" }), "trade_state"),
        (json!({ "nothing.here": 1 }), "nothing.here"),
        (json!({ "nothing": null }), "nothing"),
    ] {
        let error = refused_as(Code::ResponseMismatch, expecting(expect));
        assert_eq!(field(&error), path);
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let close = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close";
    let params = with_options(query(ORDER), json!({ "expect": { "x": 1 } }));
    refused_as(
        Code::ResponseMismatch,
        answered(close, &params, BY_PUBLIC_KEY.answer(204, "")),
    );
}

#[test]
fn a_genuine_answer_that_two_parsers_could_read_differently_is_refused() {
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for body in [
        r#"{"out_trade_no":"order0001","out_trade_no":"order0002"}"#.to_owned(),
        r#"{"out_trade_no":"order0001","out_trade_n\u006f":"order0001"}"#.to_owned(),
        r#"{"a":{"b":[{"c":1,"c":2}]}}"#.to_owned(),
        deep,
        "{".to_owned(),
        "{} x".to_owned(),
        "<html></html>".to_owned(),
    ] {
        let error = refused_as(
            Code::BodyInvalid,
            answered(QUERY, &query(ORDER), BY_PUBLIC_KEY.answer(200, body)),
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let error = refused_as(
        Code::BodyInvalid,
        answered(
            QUERY,
            &query(ORDER),
            BY_PUBLIC_KEY.answer(200, b"{\"a\":\"\xff\"}".to_vec()),
        ),
    );
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn the_body_is_handed_out_as_it_was_verified() {
    let body = "{ \"code_url\" :\t\"weixin:\\/\\/wxpay\\u002fx\" , \"n\": 1.50 }\r\n";
    let answer = answered(NATIVE, &native_order(), BY_PUBLIC_KEY.answer(200, body)).unwrap();
    assert_eq!(*answer.body, body.as_bytes());
}

#[test]
fn only_the_listed_downloads_are_taken_unsigned() {
    let files = json!({ "query": { "token": "x" } });
    let statements = json!({ "query": { "date": "20240101" } });
    for path in [
        "/v3/billdownload/file",
        "/v3/transferdownload/signfile",
        "/v3/transferdownload/elecvoucherfile",
        "/v3/new-tax-control-fapiao/download",
        "/v3/statements",
        "/v3/global/statements",
        "/v3/merchant-service/images/abc",
        "/v3/global/merchant-service/images/abc",
    ] {
        let params = match path {
            "/v3/global/statements" => &statements,
            path if path.contains("images") => &json!({}),
            _ => &files,
        };
        let answer = answered(&format!("GET {path}"), params, unsigned(200, "交易时间,…")).unwrap();
        assert_eq!(*answer.body, "交易时间,…".as_bytes());
        assert_eq!(answer.info()["verified"], false, "{path}");
        assert_eq!(answer.info()["serial"], Value::Null);
    }
    for path in [
        "/v3/billdownload/file/",
        "/v3/billdownload/File",
        "/v3/billdownload/file2",
        "/v3/billdownload",
        "/v3/bill/tradebill",
        "/v4/billdownload/file",
        "/v3/merchant-service/images/upload",
        "/v3/merchant-service/images/a/b",
        "/v3/merchant-service/images",
        "/hk/v3/statements",
    ] {
        let params = match path {
            "/hk/v3/statements" => &statements,
            "/v3/bill/tradebill" => &json!({ "query": { "bill_date": "2024-01-01" } }),
            _ => &files,
        };
        refused_as(
            Code::SignatureMissing,
            answered(&format!("GET {path}"), params, unsigned(200, "x")),
        );
    }
}

#[test]
fn a_path_value_cannot_turn_a_signed_answer_into_an_unsigned_one() {
    for (operation, id) in [
        ("GET /v3/{x}", "billdownload/file"),
        ("GET /v3/merchant-service/images/{x}", "upload"),
        ("GET /v3/pay/{x}", "../billdownload/file"),
        ("GET /v3/{x}", "statements?"),
    ] {
        refused_as(
            Code::SignatureMissing,
            answered(
                operation,
                &json!({ "path": { "x": id } }),
                unsigned(200, "x"),
            ),
        );
    }
}

#[test]
fn a_redirect_is_never_taken_for_an_answer() {
    for status in [300, 301, 302, 303, 304, 307, 308] {
        for response in [
            unsigned(status, ""),
            BY_PUBLIC_KEY.json(status, transaction()),
        ] {
            let error = refused_as(
                Code::ResponseInvalid,
                answered(QUERY, &query(ORDER), response),
            );
            assert_eq!(error.outcome(), Outcome::Unknown);
            assert_eq!(error.detail("http_status").unwrap(), status);
        }
    }
}

#[test]
fn what_is_known_of_an_answer_is_told() {
    let (client, _) = merchant::client(config(json!({})));
    let signed = BY_PUBLIC_KEY
        .signed(transaction().to_string())
        .and("Request-ID", "08F78BB5AF0610D302-268435461")
        .and("Content-Type", "application/json; charset=utf-8");
    let answer = execute(&client, QUERY, &query(ORDER), |_| Ok(signed.response(200))).unwrap();
    assert_eq!(answer.info()["http_status"], 200);
    assert_eq!(answer.info()["request_id"], "08F78BB5AF0610D302-268435461");
    assert_eq!(
        answer.info()["content_type"],
        "application/json; charset=utf-8"
    );
    assert_eq!(answer.info()["attempts"], 1);
    assert_eq!(answer.info()["host"], "https://api.mch.weixin.qq.com");
}

/// A statement whose hash is signed in its place, as `change` spoils it.
fn statement(body: &str, change: impl FnOnce(&mut Response)) -> Response {
    let hash: String = sha1(body.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let signed = BY_PUBLIC_KEY.signed(format!("{{\"sha1\":\"{hash}\"}}"));
    let mut response = signed.and("Wechatpay-Statement-Sha1", &hash).response(200);
    response.body = body.into();
    change(&mut response);
    response
}

#[test]
fn a_statement_from_overseas_is_proven_by_its_signed_hash() {
    let csv = "\u{feff}Time,Amount\r\n`2023-11-13 09:00:00,`1.00\r\n";
    let date = json!({ "query": { "date": "20231113" } });
    for operation in ["GET /hk/v3/statements", "GET /v3/global/statements"] {
        let delivered = answered(operation, &date, statement(csv, |_| {})).unwrap();
        assert_eq!(delivered.body.as_slice(), csv.as_bytes());
        assert_eq!(delivered.info()["verified"], true);
        let error = answered(operation, &date, statement(csv, |it| it.body.push(b' ')));
        refused_as(Code::HashMismatch, error);
        // The hash of another file, in a header that nobody signed.
        let other: String = sha1(b"other").iter().map(|b| format!("{b:02x}")).collect();
        let forged = BY_PUBLIC_KEY
            .signed("{\"sha1\":\"00\"}")
            .and("Wechatpay-Statement-Sha1", &other);
        let mut forged = forged.response(200);
        forged.body = b"other".to_vec();
        refused_as(Code::SignatureInvalid, answered(operation, &date, forged));
        let twice = |it: &mut Response| it.headers.push("Wechatpay-Statement-Sha1", &other);
        refused_as(
            Code::HeaderInvalid,
            answered(operation, &date, statement(csv, twice)),
        );
        let unsigned = |it: &mut Response| {
            it.headers = Headers::parse(&format!("Wechatpay-Statement-Sha1: {other}")).unwrap()
        };
        refused_as(
            Code::SignatureMissing,
            answered(operation, &date, statement("other", unsigned)),
        );
    }
    // Anywhere else the header means nothing.
    let error = answered(
        QUERY,
        &query(ORDER),
        statement(&transaction().to_string(), |_| {}),
    );
    refused_as(Code::SignatureInvalid, error);
}
