//! Certificate mode: serial numbers, the chain, a new certificate.

use std::fs;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::stage::{App, Mode, changed, value};
use crate::stage::{Sandbox, openssl};

const QUERY: &str = "alipay.trade.query";

#[test]
fn an_answer_names_the_certificate_that_signed_it() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Certificate);
    let answer = app.send(&app.signed(app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }))));
    app.opened(QUERY, &answer);
    let sn = App::certificate_sn(&app.alipay_key());
    assert_eq!(answer.json()["alipay_cert_sn"], sn.as_str());
    // By the other key, as in key mode, it is not.
    let by_key = App::of(&sandbox);
    assert!(!by_key.is_verified("alipay_trade_query_response", &answer));
}

#[test]
fn serial_numbers_of_others_are_refused() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Certificate);
    let fields = app.fields(QUERY, &[], &json!({ "out_trade_no": "a" }));
    let root_sn = value(&fields, "alipay_root_cert_sn").to_owned();
    let one_root = root_sn.split('_').next().unwrap();
    for (name, to, sub_code) in [
        (
            "app_cert_sn",
            "0123456789abcdef0123456789abcdef",
            "isv.invalid-app-cert-sn",
        ),
        (
            "alipay_root_cert_sn",
            one_root,
            "isv.invalid-alipay-root-cert-sn",
        ),
        ("alipay_root_cert_sn", "", "isv.missing-alipay-root-cert-sn"),
    ] {
        let answer = app.send(&app.signed(changed(fields.clone(), name, to)));
        assert_eq!(app.opened(QUERY, &answer)["sub_code"], sub_code);
    }
}

#[test]
fn the_chain_leads_to_a_root_in_the_bundle_and_the_bundle_is_as_motley_as_the_true_one() {
    let sandbox = Sandbox::start();
    let folder = sandbox.dir.join("alipay");
    let bundle = folder.join("alipayRootCert.crt");
    let text = fs::read_to_string(&bundle).unwrap();
    let end = "-----END CERTIFICATE-----";
    let roots: Vec<&str> = text
        .split_inclusive(end)
        .filter(|one| one.contains(end))
        .collect();
    assert_eq!(roots.len(), 4);
    let algorithms: Vec<String> = roots
        .iter()
        .map(|root| {
            let der = openssl(&["asn1parse"], root.trim_start().as_bytes()).unwrap();
            let printed = String::from_utf8(der).unwrap();
            let object = printed
                .lines()
                .find(|line| line.contains("OBJECT"))
                .unwrap();
            object.rsplit(':').next().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        algorithms,
        [
            "SM2-with-SM3",
            "sha256WithRSAEncryption",
            "ecdsa-with-SHA256",
            "sha1WithRSAEncryption"
        ]
    );

    let root = sandbox.dir.join("root.pem");
    fs::write(&root, roots[1].trim_start()).unwrap();
    let chain = folder.join("alipayCertPublicKey_RSA2.crt");
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let verified = openssl(
        &[
            "verify",
            "-CAfile",
            &path(&root),
            "-untrusted",
            &path(&chain),
            &path(&chain),
        ],
        b"",
    );
    assert!(verified.is_some());
}

#[test]
fn a_new_certificate_signs_after_a_control_call_and_can_be_downloaded() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Certificate);
    let before = App::certificate_sn(&app.alipay_key());
    let rotated = sandbox.control("POST", "/alipay/certificates/rotate", Value::Null);
    assert_eq!(rotated.status, 200, "{}", rotated.text());
    let sn = rotated.json()["sn"].as_str().unwrap().to_owned();
    assert_ne!(sn, before);

    let method = "alipay.open.app.alipaycert.download";
    let answer = app.send(&app.signed(app.fields(method, &[], &json!({ "alipay_cert_sn": sn }))));
    assert_eq!(answer.json()["alipay_cert_sn"], sn.as_str());
    let content = app.opened(method, &answer)["alipay_cert_content"]
        .as_str()
        .unwrap()
        .to_owned();
    let pem = STANDARD.decode(content).unwrap();
    let path = sandbox.dir.join("downloaded.crt");
    fs::write(&path, &pem).unwrap();
    assert_eq!(App::certificate_sn(&path), sn);
    // The older one stays known, others are not.
    let known = app.call(method, json!({ "alipay_cert_sn": before }));
    assert_eq!(known["code"], "10000");
    let unknown = app.call(method, json!({ "alipay_cert_sn": "00" }));
    assert_eq!(unknown["sub_code"], "CERT_NOT_EXIST");

    // It is also the one of the next start.
    let listed = sandbox.look("/alipay/certificates");
    assert_eq!(
        (&listed[0]["sn"], &listed[0]["signs"]),
        (&json!(sn), &json!(true))
    );
    let dir = sandbox.dir.clone();
    drop(sandbox);
    let sandbox = Sandbox::start_in(&dir, &[]);
    assert_eq!(sandbox.look("/alipay/certificates"), listed);
}
