//! The provider refuses our signature: what it says that it verified is compared with what was signed, and the cause is named.

use payseal::wire::Request;
use payseal::{Code, Error};
use serde_json::{Value, json};

use crate::support::drive::{execute, request_with};
use crate::support::merchant::{self, *};
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::{refused, text};

/// What the provider says when `arrived` is the request that reached it.
fn sign_information(arrived: &Request) -> Value {
    let message = format!(
        "{}\n{}\n1700000000\n0123456789ABCDEF0123456789ABCDEF\n{}\n",
        arrived.method,
        arrived.target,
        String::from_utf8_lossy(&arrived.body)
    );
    json!({
        "issue": "sign not match",
        "field": "signature",
        "location": "authorization",
        "sign_information": {
            "method": arrived.method,
            "url": arrived.target,
            "sign_message_length": message.len(),
            "truncated_sign_message": &message[..40],
        },
    })
}

fn refusal(operation: &str, params: Value, on_the_way: impl Fn(&mut Request)) -> Error {
    refusal_with(operation, params, |request| {
        let mut arrived = request.clone();
        on_the_way(&mut arrived);
        json!({ "code": "SIGN_ERROR", "message": "签名错误", "detail": sign_information(&arrived) })
    })
}

fn refusal_with(operation: &str, params: Value, body: impl Fn(&Request) -> Value) -> Error {
    let (client, _) = merchant::client(config(json!({})));
    let error = refused(execute(&client, operation, &params, |request| {
        Ok(BY_PUBLIC_KEY.json(401, body(request)))
    }));
    assert_eq!(error.code(), Code::ProviderRejected);
    error
}

#[test]
fn a_request_that_arrived_as_it_was_signed_points_to_the_key() {
    for (operation, params) in [(JSAPI, jsapi_order()), (QUERY, query(ORDER))] {
        let error = refusal(operation, params, |_| ());
        assert_eq!(text(&error, "cause"), "key_or_serial");
        assert!(text(&error, "hint").contains("merchant_serial"));
    }
}

#[test]
fn a_body_that_was_changed_on_the_way_is_told_by_its_length() {
    let error = refusal(JSAPI, jsapi_order(), |request| request.body.push(b'\n'));
    assert_eq!(text(&error, "cause"), "body_changed");
    assert!(text(&error, "hint").contains("(+1 bytes)"), "{error:?}");
    let signed = error.detail("signed").unwrap();
    assert_eq!(signed["method"], "POST");
    assert_eq!(signed["url"], "/v3/pay/transactions/jsapi");
}

#[test]
fn an_address_that_was_rewritten_on_the_way_is_told_from_one_whose_query_was_reordered() {
    let several = json!({ "query": { "b": "two words", "a": "1" } });
    let operation = "GET /v3/not/in/the/catalogue";
    for (target, cause) in [
        (
            "/gateway/v3/not/in/the/catalogue?b=two%20words&a=1",
            "url_changed",
        ),
        (
            "/v3/not/in/the/catalogue?a=1&b=two%20words",
            "query_reordered",
        ),
        (
            "/v3/not/in/the/catalogue?b=two+words&a=1",
            "query_reordered",
        ),
    ] {
        let error = refusal(operation, several.clone(), |request| {
            request.target = target.into();
        });
        assert_eq!(text(&error, "cause"), cause, "{target}");
    }
    let error = refusal(QUERY, query(ORDER), |request| request.method = "POST");
    assert_eq!(text(&error, "cause"), "method_changed");
}

#[test]
fn the_address_may_be_told_with_its_host() {
    let error = refusal(QUERY, query(ORDER), |request| {
        request.target = format!("https://api.mch.weixin.qq.com{}", request.target);
    });
    // The length is the provider's of the whole address here, so only the address itself is looked at.
    assert_ne!(text(&error, "cause"), "url_changed");
}

#[test]
fn the_field_that_the_provider_names_says_what_is_wrong_with_the_authorization() {
    for (field, cause) in [
        ("serial_no", "serial"),
        ("mchid", "mchid"),
        ("timestamp", "clock"),
    ] {
        let error = refusal_with(
            QUERY,
            query(ORDER),
            |_| json!({ "code": "SIGN_ERROR", "message": "", "detail": { "field": field, "location": "authorization" } }),
        );
        assert_eq!(text(&error, "cause"), cause);
    }
}

#[test]
fn of_an_upload_the_part_that_is_signed_counts() {
    let (client, _) = merchant::client(config(json!({})));
    let operation = "POST /v3/merchant/media/upload";
    let params = json!({ "$": { "filename": "a.png" } });
    let sent = request_with(&client, operation, &params, b"not really a picture").unwrap();
    let start = sent.body.windows(2).position(|two| two == b"{\"").unwrap();
    let end = start
        + sent.body[start..]
            .iter()
            .position(|byte| *byte == b'}')
            .unwrap()
        + 1;
    let meta = sent.body[start..end].to_vec();
    let mut call = client
        .call(
            operation,
            params.to_string().as_bytes(),
            b"not really a picture",
        )
        .unwrap();
    let error = refused(crate::support::drive::drive(&mut call, |request| {
        let mut arrived = request.clone();
        arrived.body = meta.clone();
        Ok(BY_PUBLIC_KEY.json(
            401,
            json!({ "code": "SIGN_ERROR", "message": "", "detail": sign_information(&arrived) }),
        ))
    }));
    assert_eq!(text(&error, "cause"), "key_or_serial");
}

#[test]
fn what_is_no_such_refusal_is_not_explained() {
    for body in [
        json!({ "code": "SIGN_ERROR", "message": "", "detail": "text" }),
        json!({ "code": "SIGN_ERROR", "message": "", "detail": { "field": "signature" } }),
        json!({ "code": "NO_AUTH", "message": "", "detail": { "field": "serial_no" } }),
        json!({ "code": "SIGN_ERROR", "message": "" }),
    ] {
        let error = refusal_with(QUERY, query(ORDER), |_| body.clone());
        assert_eq!(error.detail("cause"), None, "{body}");
    }
}
