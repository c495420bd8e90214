//! Gateway v2: what is checked, how it is refused, how it is answered.

use serde_json::{Value, json};

use super::stage::{App, Mode, beijing_time, canonical, changed, own};
use crate::stage::{Request, Sandbox};

const QUERY: &str = "alipay.trade.query";
const QUERY_RESPONSE: &str = "alipay_trade_query_response";

fn code(node: &Value) -> (String, String) {
    let text = |name: &str| node[name].as_str().unwrap_or_default().to_owned();
    (text("code"), text("sub_code"))
}

#[test]
fn a_signed_request_has_an_answer_that_is_signed_over_its_raw_span() {
    let sandbox = Sandbox::start();
    for sign_type in ["RSA2", "RSA"] {
        let app = App {
            sign_type,
            ..App::of(&sandbox)
        };
        let answer = app.send(&app.signed(app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }))));
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("Content-Type"),
            Some("text/html;charset=utf-8")
        );
        let node = app.opened(QUERY, &answer);
        assert_eq!(code(&node), ("40004".into(), "ACQ.TRADE_NOT_EXIST".into()));
        assert_eq!(node["receipt_amount"], "0.00");
    }
}

#[test]
fn everything_may_come_in_the_address_or_in_the_body() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.signed(app.fields(QUERY, &[], &json!({ "out_trade_no": "a b+c&茶" })));
    let whole = app.encoded(&fields);
    let get = Request::new("GET", &format!("/gateway.do?{whole}"), b"");
    let post = Request::new(
        "POST",
        "/gateway.do?charset=utf-8",
        whole.replace("charset=utf-8&", "").as_bytes(),
    )
    .with("Content-Type", "application/x-www-form-urlencoded");
    for request in [get, post] {
        let answer = request.send(app.port).unwrap();
        let node = app.opened(QUERY, &answer);
        assert_eq!(node["out_trade_no"], "a b+c&茶", "{}", answer.text());
    }
}

#[test]
fn every_common_parameter_is_checked() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }));
    let hour_ago = beijing_time(-3600);
    let utc = beijing_time(-8 * 3600);
    for (name, to, number, sub_code) in [
        ("sign_type", "", "40001", "isv.missing-signature-type"),
        ("sign_type", "MD5", "40002", "isv.invalid-signature-type"),
        ("timestamp", "", "40001", "isv.missing-timestamp"),
        ("timestamp", "2026-1-1", "40002", "isv.invalid-timestamp"),
        (
            "timestamp",
            hour_ago.as_str(),
            "40002",
            "isv.invalid-timestamp",
        ),
        ("timestamp", utc.as_str(), "40002", "isv.invalid-timestamp"),
        ("version", "", "40001", "isv.missing-version"),
        ("version", "2.0", "40002", "isv.invalid-version"),
        ("format", "XML", "40002", "isv.invalid-format"),
        ("charset", "latin1", "40002", "isv.invalid-charset"),
        ("biz_content", "[]", "40002", "isv.invalid-parameter"),
        ("biz_content", "{", "40002", "isv.invalid-parameter"),
        (
            "app_auth_token",
            "2026",
            "20001",
            "aop.invalid-app-auth-token",
        ),
        (
            "encrypt_type",
            "DES",
            "40002",
            "isv.decryption-error-not-valid-encrypt-type",
        ),
        (
            "encrypt_type",
            "AES",
            "40002",
            "isv.decryption-error-unknown",
        ),
    ] {
        let answer = app.send(&app.signed(changed(fields.clone(), name, to)));
        let node = app.opened(QUERY, &answer);
        assert_eq!(code(&node), (number.into(), sub_code.into()), "{name}={to}");
    }
    let without = app.send(&fields);
    let node = app.opened(QUERY, &without);
    assert_eq!(
        code(&node),
        ("40001".into(), "isv.missing-signature".into())
    );
}

#[test]
fn a_wrong_signature_is_told_with_the_text_that_should_have_been_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.signed(app.fields(QUERY, &[], &json!({ "out_trade_no": "a" })));
    let tampered = changed(fields, "biz_content", r#"{"out_trade_no":"b"}"#);
    let node = app.opened(QUERY, &app.send(&tampered));
    assert_eq!(
        code(&node),
        ("40002".into(), "isv.invalid-signature".into())
    );
    let wanted = canonical(&tampered, &["sign"]);
    let told = node["sub_msg"].as_str().unwrap();
    let told = told.replace("&quot;", "\"").replace("&amp;", "&");
    assert!(told.ends_with(&wanted), "{told}");

    let seen = sandbox.look("/exchanges?outcome=invalid-signature");
    assert_eq!(seen[0]["signed_text"], wanted.as_str());
    assert_eq!(seen[0]["operation"], QUERY);
    assert_eq!(seen[0]["number"], "b");
    assert!(
        seen[0]["answer"]["signed_text"]
            .as_str()
            .unwrap()
            .contains("isv.invalid-signature")
    );
    assert_eq!(
        sandbox.look("/requests")[0]["code"],
        "isv.invalid-signature"
    );
}

#[test]
fn sign_type_belongs_to_what_is_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }));
    let message = canonical(&fields, &["sign", "sign_type"]);
    let sign = crate::stage::sign(&app.private_key(), message.as_bytes());
    let node = app.opened(QUERY, &app.send(&changed(fields, "sign", &sign)));
    assert_eq!(node["sub_code"], "isv.invalid-signature");
    let seen = sandbox.look("/exchanges");
    assert_eq!(seen[0]["refusal"]["cause"], "SIGN_TYPE_LEFT_OUT");
}

#[test]
fn the_likely_cause_of_a_wrong_signature_is_found() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let body = json!({ "out_trade_no": "一杯茶" });
    let fields = app.fields(
        QUERY,
        &[("notify_url", "http://127.0.0.1:9/a?b=c d")],
        &body,
    );
    let text = canonical(&fields, &["sign"]);
    let by = |hash: &str, bytes: &[u8]| crate::stage::sign_with(hash, &app.private_key(), bytes);
    let encoded: Vec<_> = text
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| app.encoded(&own(&[(name, value)])).replace("%20", "+"))
        .collect();
    let gbk = App {
        charset: "GBK",
        ..App::of(&sandbox)
    };
    let good = app.signed(fields.clone());
    let good = super::stage::value(&good, "sign").to_owned();
    for (sign, cause) in [
        (by("sha1", text.as_bytes()), "OTHER_HASH"),
        (by("sha256", encoded.join("&").as_bytes()), "VALUES_ENCODED"),
        (by("sha256", &gbk.bytes(&text)), "OTHER_CHARSET"),
        (by("sha256", b"something else"), "SIGNED_OTHERWISE"),
    ] {
        app.send(&changed(fields.clone(), "sign", &sign));
        assert_eq!(sandbox.look("/exchanges")[0]["refusal"]["cause"], cause);
    }
    if good.contains('+') {
        app.send(&changed(fields, "sign", &good.replace('+', " ")));
        assert_eq!(
            sandbox.look("/exchanges")[0]["refusal"]["cause"],
            "PLUS_LOST"
        );
    }
}

#[test]
fn who_is_not_known_has_an_unsigned_answer() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }));
    for (name, to, root, sub_code) in [
        (
            "app_id",
            "2021000000000000",
            QUERY_RESPONSE,
            "isv.invalid-app-id",
        ),
        ("app_id", "", QUERY_RESPONSE, "isv.missing-app-id"),
        ("method", "", "error_response", "isv.missing-method"),
    ] {
        let answer = app.send(&app.signed(changed(fields.clone(), name, to)));
        let whole = answer.json();
        assert_eq!(whole[root]["sub_code"], sub_code, "{whole}");
        assert!(whole.get("sign").is_none());
    }
    let mut twice = app.signed(fields.clone());
    twice.extend(own(&[("version", "1.0")]));
    let whole = app.send(&twice).json();
    assert_eq!(whole["error_response"]["sub_code"], "isv.suspected-attack");

    let unknown = app.send(&app.signed(changed(fields, "method", "alipay.no.such")));
    let node = app.opened_as("error_response", &unknown);
    assert_eq!(code(&node), ("40002".into(), "isv.invalid-method".into()));
}

#[test]
fn an_encrypted_request_has_an_encrypted_answer_signed_with_its_quotes() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Aes);
    let order = app.order("order-0001");
    let fields = app.signed(app.fields("alipay.trade.precreate", &[], &order));
    let answer = app.send(&fields);
    assert!(answer.json()["alipay_trade_precreate_response"].is_string());
    let node = app.opened("alipay.trade.precreate", &answer);
    assert_eq!(
        (&node["code"], &node["out_trade_no"]),
        (&json!("10000"), &json!("order-0001"))
    );
    // What is refused for the business's sake is encrypted too.
    let refused = app.query("order-0002");
    assert_eq!(refused["sub_code"], "ACQ.TRADE_NOT_EXIST");
    let seen = sandbox.look("/exchanges?number=order-0001");
    let one = sandbox.look(&format!("/exchanges/{}", seen[0]["id"]));
    assert_eq!(one["opened"][0]["plaintext"]["out_trade_no"], "order-0001");
    assert_eq!(one["answer"]["opened"][0]["plaintext"]["code"], "10000");
}

#[test]
fn slashes_may_be_sent_escaped_but_are_signed_without() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let settings = json!({ "alipay": { "escaped_slashes": true } });
    assert_eq!(sandbox.control("PUT", "/settings", settings).status, 200);
    let fields = app.fields("alipay.trade.precreate", &[], &app.order("order-0001"));
    let answer = app.send(&app.signed(fields));
    let root = "alipay_trade_precreate_response";
    assert!(answer.text().contains(r"http:\/\/127.0.0.1"));
    assert!(!app.is_verified(root, &answer));
    let rewritten = crate::stage::Answer {
        body: answer.text().replace(r"\/", "/").into_bytes(),
        ..answer
    };
    assert!(app.is_verified(root, &rewritten));
}

#[test]
fn a_file_is_uploaded_beside_the_signed_parameters() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let method = "ant.merchant.expand.indirect.image.upload";
    let mut fields = app.common(method);
    fields.extend(own(&[("image_type", "jpg")]));
    let fields = app.signed(fields);
    let upload = |name: &str| {
        let mut body = Vec::new();
        for (name, value) in &fields {
            if name == "image_type" {
                body.extend_from_slice(
                    format!(
                        "--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                    )
                    .as_bytes(),
                );
            }
        }
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"image_content\"; filename=\"{name}\"\r\nContent-Type: image/jpeg\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(b"\xFF\xD8\xFF\0binary\r\n--x--\r\n");
        let query = changed(fields.clone(), "image_type", "");
        let request = Request::new(
            "POST",
            &format!("/gateway.do?{}", app.encoded(&query)),
            &body,
        )
        .with("Content-Type", "multipart/form-data; boundary=x");
        app.opened(method, &request.send(app.port).unwrap())
    };
    let kept = upload("a.jpg");
    assert!(kept["image_id"].as_str().unwrap().len() > 10, "{kept}");
    assert_eq!(upload("a.exe")["sub_code"], "isv.invalid-file-extension");
}
