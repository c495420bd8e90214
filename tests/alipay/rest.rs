//! REST v3: signatures in headers, in both directions, with a time.

use payseal::call::Delivered;
use payseal::wire::{Headers, Request, Response};
use payseal::{Code, Outcome, Result};
use serde_json::{Value, json};

use crate::alipay::{
    APP_ID, ENCRYPT_KEY, aes, base64, client, client_of, config_with, header, sign, unbase64,
    verifies,
};
use crate::support::drive::{execute, request, request_with};
use crate::support::host::World;
use crate::support::merchant::NOW;
use crate::support::{field, refused, refused_as, text};

const PAY: &str = "POST /v3/alipay/trade/pay";
const QUERY: &str = "GET /v3/alipay/trade/{trade_no}";

fn order() -> Value {
    json!({ "body": { "out_trade_no": "A100", "total_amount": "88.88" } })
}

/// What the header says: the subject that is signed, and the signature.
fn authorization(request: &Request) -> (String, String) {
    let value = header(request, "Authorization")
        .strip_prefix("ALIPAY-SHA256withRSA ")
        .unwrap()
        .to_owned();
    let (subject, signature) = value.rsplit_once(",sign=").unwrap();
    (subject.to_owned(), signature.to_owned())
}

fn answer(status: u16, body: &str, time_ms: i64) -> Response {
    let (time, nonce) = (time_ms.to_string(), "n1");
    let signature = sign(format!("{time}\n{nonce}\n{body}\n").as_bytes());
    let headers = format!(
        "alipay-timestamp: {time}\nalipay-nonce: {nonce}\nalipay-signature: {signature}\nalipay-trace-id: t1\ncontent-type: application/json\n"
    );
    Response {
        status,
        headers: Headers::parse(&headers).unwrap(),
        body: body.into(),
    }
}

fn ask(response: Response) -> Result<Delivered> {
    execute(&client(&World::new()), PAY, &order(), |_| {
        Ok(response.clone())
    })
}

#[test]
fn a_request_is_signed_as_documented() {
    let world = World::new();
    let request = request(&client(&world), PAY, &order()).unwrap();
    let (subject, signature) = authorization(&request);
    assert!(
        subject.starts_with(&format!("app_id={APP_ID},nonce="))
            && subject.ends_with(&format!(",timestamp={}", NOW * 1000))
    );
    let body = std::str::from_utf8(&request.body).unwrap();
    assert!(verifies(
        "-sha256",
        format!("{subject}\nPOST\n/v3/alipay/trade/pay\n{body}\n").as_bytes(),
        &signature
    ));
    assert_eq!(header(&request, "Content-Type"), "application/json");
    assert!(!header(&request, "alipay-request-id").is_empty());
}

#[test]
fn path_and_query_are_signed_as_they_are_sent_and_the_token_of_a_merchant_too() {
    let params = json!({ "path": { "trade_no": "T/1 2" }, "query": { "a": "b c", "app_auth_token": "tok" } });
    let request = request(&client(&World::new()), QUERY, &params).unwrap();
    assert_eq!(request.target, "/v3/alipay/trade/T%2F1%202?a=b%20c");
    let (subject, signature) = authorization(&request);
    assert!(verifies(
        "-sha256",
        format!("{subject}\nGET\n{}\n\ntok\n", request.target).as_bytes(),
        &signature
    ));
    assert_eq!(header(&request, "alipay-app-auth-token"), "tok");
}

#[test]
fn of_an_upload_only_the_data_is_signed() {
    let params = json!({ "body": { "scene": "x" }, "$": { "filename": "a.png", "file_field": "file_content" } });
    let request = request_with(
        &client(&World::new()),
        "POST /v3/alipay/merchant/item/file/upload",
        &params,
        b"\x89PNG",
    )
    .unwrap();
    let (subject, signature) = authorization(&request);
    assert!(verifies(
        "-sha256",
        format!("{subject}\nPOST\n{}\n{{\"scene\":\"x\"}}\n", request.target).as_bytes(),
        &signature
    ));
    assert!(
        String::from_utf8_lossy(&request.body)
            .contains("name=\"data\"\r\n\r\n{\"scene\":\"x\"}\r\n")
    );
}

#[test]
fn a_verified_answer_is_handed_out_to_the_byte() {
    let body = r#"{ "out_trade_no":"A100","total_amount":"88.880"}"#;
    let error = refused_as(Code::ResponseMismatch, ask(answer(200, body, NOW * 1000)));
    assert_eq!(field(&error), "total_amount");
    let body = r#"{ "out_trade_no":"A100","total_amount":"88.88"}"#;
    let delivered = ask(answer(200, body, NOW * 1000 + 2000)).unwrap();
    assert_eq!(&**delivered.body, body.as_bytes());
    let info: Value = serde_json::from_str(&delivered.info_text()).unwrap();
    assert_eq!(
        (&info["skew_s"], &info["request_id"]),
        (&json!(2), &json!("t1"))
    );
}

#[test]
fn an_answer_that_is_too_old_unsigned_or_altered_is_none() {
    for time in [NOW * 1000 - 301_000, NOW * 1000 + 301_000] {
        let error = refused_as(Code::ClockSkew, ask(answer(200, "{}", time)));
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let good = answer(200, r#"{"out_trade_no":"A100"}"#, NOW * 1000);
    let mut altered = good.clone();
    altered.body[3] ^= 1;
    refused_as(Code::SignatureInvalid, ask(altered));
    let mut unsigned = good.clone();
    unsigned.headers = Headers::new();
    let error = refused_as(Code::SignatureMissing, ask(unsigned));
    assert_eq!(error.outcome(), Outcome::Unknown);
    let mut twice = good;
    twice.headers.push("alipay-timestamp", "1");
    refused_as(Code::HeaderInvalid, ask(twice));
}

#[test]
fn only_a_signed_error_is_a_no() {
    let body = r#"{"code":"ACQ.TRADE_NOT_EXIST","message":"交易不存在","details":[]}"#;
    let error = refused(ask(answer(400, body, NOW * 1000)));
    assert_eq!(
        (
            error.outcome(),
            text(&error, "provider_code"),
            error.detail("authenticated")
        ),
        (Outcome::Rejected, "ACQ.TRADE_NOT_EXIST", Some(&json!(true)))
    );
    let unsigned = Response {
        status: 400,
        headers: Headers::new(),
        body: body.into(),
    };
    let error = refused(ask(unsigned));
    assert_eq!(
        (error.outcome(), error.detail("authenticated")),
        (Outcome::Unknown, Some(&json!(false)))
    );
    let open = refused(ask(answer(
        400,
        r#"{"code":"ACQ.SYSTEM_ERROR","message":"m"}"#,
        NOW * 1000,
    )));
    assert_eq!(open.outcome(), Outcome::Unknown);
}

#[test]
fn bodies_are_encrypted_below_the_signature_in_both_directions() {
    let client = client_of(
        &config_with(json!({ "encrypt_key": ENCRYPT_KEY })),
        &World::new(),
    )
    .unwrap();
    let request = request(&client, PAY, &order()).unwrap();
    assert_eq!(
        (
            header(&request, "alipay-encrypt-type"),
            header(&request, "Content-Type")
        ),
        ("AES", "text/plain")
    );
    let ciphertext = std::str::from_utf8(&request.body).unwrap();
    let opened: Value = serde_json::from_slice(&aes("-d", &unbase64(ciphertext))).unwrap();
    assert_eq!(opened, order()["body"]);
    let (subject, signature) = authorization(&request);
    assert!(verifies(
        "-sha256",
        format!("{subject}\nPOST\n{}\n{ciphertext}\n", request.target).as_bytes(),
        &signature
    ));

    let plain = r#"{"out_trade_no":"A100"}"#;
    let mut response = answer(200, &base64(&aes("-e", plain.as_bytes())), NOW * 1000);
    response.headers.push("alipay-encrypt-type", "AES");
    let delivered = execute(&client, PAY, &order(), |_| Ok(response.clone())).unwrap();
    assert_eq!(&**delivered.body, plain.as_bytes());
}

#[test]
fn what_rest_does_not_speak_is_refused_before_anything_is_sent() {
    for (changes, key) in [
        (json!({ "charset": "GBK" }), "charset"),
        (json!({ "sign_type": "RSA" }), "sign_type"),
    ] {
        let client = client_of(&config_with(changes), &World::new()).unwrap();
        let error = refused_as(Code::ConfigInvalid, request(&client, PAY, &order()));
        assert_eq!((field(&error), error.outcome()), (key, Outcome::NotSent));
    }
}
