//! Platform certificates: how they are listed, and their rotation.

use std::fs;

use serde_json::{Value, json};

use crate::stage::{Sandbox, encrypt_oaep};

/// The serials of `/v3/certificates`, each opened and compared with the file the sandbox wrote.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let merchant = sandbox.merchant();
    let answer = merchant.get("/v3/certificates");
    assert_eq!(answer.status, 200);
    let list = answer.json()["data"].as_array().unwrap().clone();
    list.iter()
        .map(|entry| {
            let serial = entry["serial_no"].as_str().unwrap().to_owned();
            assert_eq!(
                entry["encrypt_certificate"]["associated_data"],
                "certificate"
            );
            let pem = merchant.open(&entry["encrypt_certificate"]).unwrap();
            assert_eq!(pem, fs::read(merchant.platform_key(&serial)).unwrap());
            assert!(
                entry["effective_time"].as_str().unwrap() < entry["expire_time"].as_str().unwrap()
            );
            serial
        })
        .collect()
}

#[test]
fn valid_certificates_are_listed_under_the_apiv3_key() {
    let sandbox = Sandbox::start();
    let mut known: Vec<_> = sandbox
        .look("/certificates")
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["serial"].as_str().unwrap().to_owned())
        .collect();
    known.reverse();
    assert_eq!(listed(&sandbox), known);
    let merchant = sandbox.merchant();
    let status = |query: &str| {
        merchant
            .get(&format!("/v3/certificates?algorithm_type={query}"))
            .status
    };
    assert_eq!(
        ["RSA", "ALL", "SM2", "RSA2"].map(status),
        [200, 200, 404, 400]
    );
}

#[test]
fn after_a_rotation_the_new_signs_and_the_old_is_still_good() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let before = listed(&sandbox);
    let old = before.last().unwrap();
    let rotated = sandbox
        .control("POST", "/certificates/rotate", Value::Null)
        .json();
    let new = rotated["serial"].as_str().unwrap();
    assert_eq!(
        listed(&sandbox),
        [before.as_slice(), &[new.to_owned()]].concat()
    );

    // A request under the old certificate, encrypted field and all, is answered under the new one.
    let mut order = merchant.order("order-0001", "http://127.0.0.1:9/");
    let sealed = |plain: &str| encrypt_oaep(&merchant.platform_key(old), plain);
    order["payer"] =
        json!({ "identity": { "type": "IDCARD", "name": sealed("张三"), "number": sealed("1") } });
    let answer = merchant.post_naming(old, "/v3/pay/transactions/native", &order);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Wechatpay-Serial"), Some(new));
    assert_eq!(
        sandbox.config()["platform_certificates"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn the_old_may_be_ended_at_once() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let old = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    let rotated = sandbox
        .control(
            "POST",
            "/certificates/rotate",
            json!({ "expire_old": true }),
        )
        .json();
    assert_eq!(listed(&sandbox), [rotated["serial"].as_str().unwrap()]);
    let answer = merchant.post_naming(
        &old,
        "/v3/pay/transactions/native",
        &merchant.order("order-0001", "http://127.0.0.1:9/"),
    );
    assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
    assert_eq!(answer.json()["detail"]["field"], "Wechatpay-Serial");
    assert_eq!(
        sandbox
            .control("POST", "/certificates/rotate", json!({ "expire": true }))
            .status,
        400
    );
}

#[test]
fn an_overlap_without_length_is_none() {
    let sandbox = Sandbox::start();
    let rotated = sandbox
        .control("POST", "/certificates/rotate", json!({ "overlap_s": 0 }))
        .json();
    assert_eq!(listed(&sandbox), [rotated["serial"].as_str().unwrap()]);
    let twice = sandbox
        .control("POST", "/certificates/rotate", json!({ "overlap_s": 3600 }))
        .json();
    assert_eq!(
        listed(&sandbox),
        [
            rotated["serial"].as_str().unwrap(),
            twice["serial"].as_str().unwrap()
        ]
    );
}

#[test]
fn a_merchant_may_have_the_public_key_only() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let certificate = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    sandbox.control("PUT", "/settings", json!({ "certificates": false }));
    let answer = merchant.get("/v3/certificates");
    assert_eq!(answer.refusal(), (404, "RESOURCE_NOT_EXISTS".into()));
    assert_eq!(
        answer.header("Wechatpay-Serial"),
        Some(merchant.public_key_id.as_str())
    );
    let order = merchant.order("order-0001", "http://127.0.0.1:9/");
    assert_eq!(
        merchant
            .post_naming(&certificate, "/v3/pay/transactions/native", &order)
            .status,
        400
    );
    assert_eq!(
        merchant
            .post_naming(
                &merchant.public_key_id,
                "/v3/pay/transactions/native",
                &order
            )
            .status,
        200
    );
}
