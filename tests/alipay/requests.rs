//! What leaves for the gateway: signed as documented, in the charset that is configured, and nothing twice.

use payseal::Code;
use serde_json::{Value, json};

use crate::alipay::{
    APP_ID, NOW_IN_BEIJING, SMALL, canonical, client, client_of, config_with, header, sent,
    verifies,
};
use crate::support::drive::{request, request_with};
use crate::support::host::World;
use crate::support::{field, openssl, refused_as};

const PRECREATE: &str = "alipay.trade.precreate";
/// Not catalogued.
const UNKNOWN: &str = "alipay.not.in.the.catalogue";

fn order() -> Value {
    json!({ "body": { "out_trade_no": "A100", "total_amount": "88.88", "subject": "茶 & Tee" }, "query": { "notify_url": "https://shop.example/notify/a+b%20c" } })
}

#[test]
fn every_parameter_is_signed_and_openssl_finds_the_signature_good() {
    let world = World::new();
    let request = request(&client(&world), PRECREATE, &order()).unwrap();
    assert_eq!(request.method, "POST");
    assert!(request.target.starts_with("/gateway.do?"));
    let fields = sent(&request);
    let text = |name: &str| std::str::from_utf8(&fields[name]).unwrap();
    assert_eq!(text("app_id"), APP_ID);
    assert_eq!(text("method"), PRECREATE);
    assert_eq!(
        (
            text("charset"),
            text("sign_type"),
            text("version"),
            text("format")
        ),
        ("utf-8", "RSA2", "1.0", "JSON")
    );
    assert_eq!(text("timestamp"), NOW_IN_BEIJING);
    assert_eq!(text("notify_url"), "https://shop.example/notify/a+b%20c");
    let biz: Value = serde_json::from_slice(&fields["biz_content"]).unwrap();
    assert_eq!(biz, order()["body"]);
    assert!(verifies(
        "-sha256",
        &canonical(&fields, &["sign"]),
        text("sign")
    ));
}

#[test]
fn what_the_gateway_reads_first_is_in_the_address_and_the_business_in_the_form() {
    let request = request(&client(&World::new()), PRECREATE, &order()).unwrap();
    let query = request.target.split_once('?').unwrap().1;
    assert!(
        query.contains("charset=utf-8")
            && query.contains("&sign=")
            && !query.contains("biz_content")
    );
    assert!(request.body.starts_with(b"biz_content="));
    assert_eq!(
        header(&request, "Content-Type"),
        "application/x-www-form-urlencoded;charset=utf-8"
    );
}

#[test]
fn in_gbk_the_bytes_of_gbk_are_signed_and_sent() {
    let world = World::new();
    let client = client_of(&config_with(json!({ "charset": "gbk" })), &world).unwrap();
    let fields = sent(&request(&client, PRECREATE, &order()).unwrap());
    assert_eq!(fields["charset"], b"GBK");
    let tea = b"\xb2\xe8"; // 茶
    assert!(fields["biz_content"].windows(2).any(|pair| pair == tea));
    let signature = std::str::from_utf8(&fields["sign"]).unwrap();
    assert!(verifies(
        "-sha256",
        &canonical(&fields, &["sign"]),
        signature
    ));
    let error = refused_as(
        Code::ParamsInvalid,
        request(
            &client,
            PRECREATE,
            &json!({ "body": { "out_trade_no": "A", "total_amount": "1", "subject": "🧾" } }),
        ),
    );
    assert_eq!(field(&error), "body");
}

#[test]
fn an_old_app_signs_with_sha_1_because_its_configuration_says_so() {
    let changes = json!({ "sign_type": "RSA", "private_key": SMALL.private });
    let config = config_with(changes);
    let client = client_of(&config, &World::new()).unwrap();
    let fields = sent(&request(&client, PRECREATE, &order()).unwrap());
    assert_eq!(fields["sign_type"], b"RSA");
    let folder = openssl::Folder::new();
    let key = folder.write("key.pem", SMALL.public.as_bytes());
    let signature = folder.write(
        "signature",
        &crate::alipay::unbase64(std::str::from_utf8(&fields["sign"]).unwrap()),
    );
    openssl::run(
        &["dgst", "-sha1", "-verify", &key, "-signature", &signature],
        &canonical(&fields, &["sign"]),
    );
    let strict = config_with(json!({ "private_key": SMALL.private }));
    refused_as(Code::KeyUnsupported, client_of(&strict, &World::new()));
}

#[test]
fn parameters_beside_the_business_are_sent_by_their_names() {
    let client = client(&World::new());
    let params = json!({ "query": { "grant_type": "authorization_code", "code": "c1", "app_auth_token": "t1" } });
    let fields = sent(&request(&client, UNKNOWN, &params).unwrap());
    assert_eq!(
        (&*fields["code"], &*fields["app_auth_token"]),
        (&b"c1"[..], &b"t1"[..])
    );
    assert!(!fields.contains_key("biz_content"));
    let empty = json!({ "query": { "code": "", "grant_type": null } });
    let fields = sent(&request(&client, UNKNOWN, &empty).unwrap());
    assert!(!fields.contains_key("code") && !fields.contains_key("grant_type"));
}

#[test]
fn what_the_library_sets_no_caller_sets() {
    for name in [
        "sign",
        "app_id",
        "method",
        "timestamp",
        "charset",
        "biz_content",
        "app_cert_sn",
        "encrypt_type",
    ] {
        let error = refused_as(
            Code::ParamsInvalid,
            request(
                &client(&World::new()),
                UNKNOWN,
                &json!({ "query": { name: "x" } }),
            ),
        );
        assert_eq!(field(&error), format!("query.{name}"));
    }
}

#[test]
fn a_name_that_is_no_method_is_refused_with_what_to_write() {
    for name in [
        "",
        "precreate",
        "Alipay.trade.pay",
        "alipay..pay",
        "alipay.trade.pay&method=x",
        "alipay.trade.pay\n",
    ] {
        let error = refused_as(
            Code::UnknownOperation,
            request(&client(&World::new()), name, &json!({})),
        );
        assert_eq!(field(&error), "operation", "{name:?}");
    }
}

#[test]
fn a_file_is_sent_and_not_signed() {
    let client = client(&World::new());
    let params = json!({ "query": { "image_type": "jpg" }, "$": { "filename": "a.jpg", "file_field": "image_content" } });
    let request = request_with(&client, UNKNOWN, &params, b"\xff\xd8picture").unwrap();
    assert!(header(&request, "Content-Type").starts_with("multipart/form-data; boundary="));
    let body = String::from_utf8_lossy(&request.body).into_owned();
    assert!(
        body.contains("name=\"image_content\"; filename=\"a.jpg\"")
            && body.contains("name=\"image_type\"\r\n\r\njpg\r\n")
    );
    let mut fields = sent(&request);
    fields.insert("image_type".into(), b"jpg".to_vec());
    let signature = std::str::from_utf8(&fields["sign"]).unwrap().to_owned();
    assert!(verifies(
        "-sha256",
        &canonical(&fields, &["sign"]),
        &signature
    ));
    let nameless = json!({ "$": { "filename": "a.jpg" } });
    let error = refused_as(
        Code::ParamsInvalid,
        request_with(&client, UNKNOWN, &nameless, b"x"),
    );
    assert_eq!(field(&error), "$.file_field");
}

#[test]
fn the_configuration_fills_in_what_the_caller_leaves_out_and_never_overrules() {
    let config =
        config_with(json!({ "notify_url": "https://a.example/n", "app_auth_token": "mine" }));
    let client = client_of(&config, &World::new()).unwrap();
    let fields = sent(&request(&client, UNKNOWN, &json!({ "body": {} })).unwrap());
    assert_eq!(
        (&*fields["notify_url"], &*fields["app_auth_token"]),
        (&b"https://a.example/n"[..], &b"mine"[..])
    );
    let fields = sent(
        &request(
            &client,
            UNKNOWN,
            &json!({ "query": { "app_auth_token": "theirs" } }),
        )
        .unwrap(),
    );
    assert_eq!(fields["app_auth_token"], b"theirs");
}

#[test]
fn a_page_is_no_call() {
    let error = refused_as(
        Code::UnknownOperation,
        request(&client(&World::new()), "alipay.trade.page.pay", &order()),
    );
    assert!(error.message().contains("payseal_client_invoke"));
}
