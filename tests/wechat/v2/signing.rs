//! Requests: which fields are sent, and what they are signed with.

use payseal::Code;
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

#[test]
fn an_order_is_completed_signed_and_sent_as_flat_xml() {
    let request = drive::request(&client(json!({})), UNIFIED, &order()).unwrap();
    assert_eq!(
        (request.method, request.target.as_str()),
        ("POST", "/pay/unifiedorder")
    );
    assert!(
        request
            .headers
            .contains(&("Content-Type", "text/xml; charset=utf-8".into()))
    );
    let fields = sent(&request);
    for (name, value) in [
        ("appid", APPID),
        ("mch_id", MCHID),
        ("sign_type", "HMAC-SHA256"),
        ("total_fee", "100"),
        ("out_trade_no", ORDER),
    ] {
        assert_eq!(field(&fields, name), Some(value), "{name}");
    }
    assert_eq!(field(&fields, "nonce_str").unwrap().len(), 32);
    let expected = signature("HMAC-SHA256", APIV2_KEY, &fields);
    assert_eq!(field(&fields, "sign"), Some(expected.as_str()));
    assert_eq!(fields.last().unwrap().0, "sign");
    assert!(!request.client_certificate);
}

#[test]
fn the_published_example_is_signed_to_the_byte() {
    let client =
        client(json!({ "apiv2_key": "192006250b4c09247ec02edce69f6a2d", "sign_type": "MD5" }));
    let params = json!({ "body": { "appid": "wxd930ea5d5a258f4f", "mch_id": "10000100", "device_info": "1000", "body": "test", "nonce_str": "ibuaiVcKdpRxkhJA" } });
    let fields = sent(&drive::request(&client, UNKNOWN, &params).unwrap());
    assert_eq!(
        field(&fields, "sign"),
        Some("9A0A8659F005D6984697E2CA0A9CF3B7")
    );
    assert_eq!(field(&fields, "sign_type"), None, "MD5 needs no word");
}

#[test]
fn what_is_configured_signs_unless_the_caller_names_another() {
    for (configured, given, expected) in [
        (None, None, "HMAC-SHA256"),
        (Some("MD5"), None, "MD5"),
        (Some("MD5"), Some("HMAC-SHA256"), "HMAC-SHA256"),
        (Some("HMAC-SHA256"), Some("MD5"), "MD5"),
    ] {
        let client = client(json!({ "sign_type": configured }));
        let mut params = order();
        params["body"]["sign_type"] = json!(given);
        let fields = sent(&drive::request(&client, UNIFIED, &params).unwrap());
        assert_eq!(
            field(&fields, "sign"),
            Some(signature(expected, APIV2_KEY, &fields).as_str()),
            "{configured:?} {given:?}"
        );
    }
    let mut params = order();
    params["body"]["sign_type"] = json!("SHA-1");
    refused_as(
        Code::ParamsInvalid,
        drive::request(&client(json!({})), UNIFIED, &params),
    );
}

#[test]
fn every_attempt_sends_the_same_bytes() {
    let client = client(json!({}));
    let mut seen = Vec::new();
    let params = json!({ "body": query()["body"], "$": { "max_attempts": 3 } });
    let _ = drive::execute(&client, QUERY, &params, |request| {
        seen.push(request.body.clone());
        Err(drive::not_sent())
    });
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter().all(|body| *body == seen[0]),
        "a repetition must not look like another order"
    );
}

#[test]
fn a_text_arrives_as_it_was_given_and_is_signed_as_it_is() {
    let value = r#"{"goods":[{"id":"<a>&b;]]>","name":"五 \"x\" 'y' %20+="}]}"#;
    let params = json!({ "body": { "detail": value, "count": -7, "flag": true } });
    let fields = sent(&drive::request(&client(json!({})), UNKNOWN, &params).unwrap());
    assert_eq!(field(&fields, "detail"), Some(value));
    assert_eq!(field(&fields, "count"), Some("-7"));
    assert_eq!(field(&fields, "flag"), Some("true"));
    assert_eq!(
        field(&fields, "sign"),
        Some(signature("HMAC-SHA256", APIV2_KEY, &fields).as_str())
    );
}

#[test]
fn a_merchant_field_of_another_name_is_left_to_the_caller() {
    for name in ["mchid", "combine_mch_id"] {
        let params = json!({ "body": { name: "1900000109" } });
        let fields = sent(&drive::request(&client(json!({})), UNKNOWN, &params).unwrap());
        assert_eq!(field(&fields, name), Some("1900000109"));
        assert_eq!(field(&fields, "mch_id"), None);
    }
    for name in ["mch_appid", "wxappid", "combine_appid"] {
        let params = json!({ "body": { name: "wx1" } });
        let fields = sent(&drive::request(&client(json!({})), UNKNOWN, &params).unwrap());
        assert_eq!(
            (field(&fields, name), field(&fields, "appid")),
            (Some("wx1"), None)
        );
    }
}

#[test]
fn an_operation_that_needs_the_client_certificate_says_so_and_is_not_sent_without() {
    let request = drive::request(&client(json!({})), REFUND, &refund()).unwrap();
    assert!(request.client_certificate);
    assert_eq!(request.head()["client_certificate"], true);

    let without = client(json!({ "client_certificate": null, "client_key": null }));
    let params = refund().to_string();
    let error = refused_as(
        Code::ConfigInvalid,
        without.execute(REFUND, params.as_bytes(), b"", None),
    );
    assert_eq!(
        (text(&error, "field"), error.outcome()),
        ("client_certificate", payseal::Outcome::NotSent)
    );
    // A host's own HTTP client has its own certificate.
    assert!(
        drive::request(&without, REFUND, &refund())
            .unwrap()
            .client_certificate
    );
}

#[test]
fn an_operation_of_a_host_of_its_own_goes_there_and_nowhere_else() {
    for (operation, origin) in [
        ("POST /risk/getpublickey", "https://fraud.mch.weixin.qq.com"),
        ("POST /pay/unifiedorder", "https://api.mch.weixin.qq.com"),
    ] {
        let params = if operation == UNIFIED {
            order()
        } else {
            json!({ "body": {} })
        };
        assert_eq!(
            drive::request(&client(json!({})), operation, &params)
                .unwrap()
                .origin,
            origin
        );
    }
    let moved =
        client(json!({ "special_hosts": { "fraud.mch.weixin.qq.com": "http://127.0.0.1:7" } }));
    assert_eq!(
        drive::request(&moved, "POST /risk/getpublickey", &json!({}))
            .unwrap()
            .origin,
        "http://127.0.0.1:7"
    );
}

#[test]
fn a_get_is_signed_in_its_query() {
    let params = json!({ "query": { "appid": APPID, "openid": OPENID, "scope": "pay_identity", "grant_type": "authorization_code", "code": "a b&c" } });
    let request =
        drive::request(&client(json!({})), "GET /appauth/getaccesstoken", &params).unwrap();
    assert!(request.body.is_empty());
    let query = request.target.split_once('?').unwrap().1;
    assert!(query.contains("code=a%20b%26c"), "{query}");
    let fields: Pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(k, v)| (k.to_owned(), v.replace("%20", " ").replace("%26", "&")))
        .collect();
    assert_eq!(
        field(&fields, "sign"),
        Some(signature("HMAC-SHA256", APIV2_KEY, &fields).as_str())
    );
}

#[test]
fn an_upload_signs_its_fields_and_the_hash_of_the_file() {
    let params = json!({ "$": { "filename": "a\".png" } });
    let request = drive::request_with(
        &client(json!({})),
        "POST /secapi/mch/uploadmedia",
        &params,
        b"\x89PNG",
    )
    .unwrap();
    let body = String::from_utf8_lossy(&request.body);
    let hash: String = openssl::run(&["dgst", "-md5", "-r"], b"\x89PNG")[..32]
        .iter()
        .map(|b| *b as char)
        .collect();
    assert!(
        body.contains(&format!("name=\"media_hash\"\r\n\r\n{hash}\r\n")),
        "{body}"
    );
    assert!(
        body.contains("name=\"media\"; filename=\"a%22.png\""),
        "{body}"
    );
    assert!(body.contains("name=\"sign\"\r\n\r\n"), "{body}");
    assert!(
        request
            .headers
            .iter()
            .any(|(name, value)| *name == "Content-Type"
                && value.starts_with("multipart/form-data; boundary="))
    );
}
