//! Certificate mode: numbers, chains, and when a new certificate of Alipay is believed.

use std::sync::LazyLock;

use payseal::wire::Request;
use payseal::{Client, Code, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::{Value, json};

use crate::alipay::{
    APP_ID, base64, client_of, notification, paid, raw, sent, sign_with, signed_form,
};
use crate::support::drive::{Sent, drive, execute, request};
use crate::support::host::World;
use crate::support::merchant::{MERCHANT, NEXT, PLATFORM, Pair, STRANGER};
use crate::support::openssl::{self, Folder};
use crate::support::{field, refused_as};

const QUERY: &str = "alipay.trade.query";
const PAID: &str = r#"{"code":"10000","out_trade_no":"A100","trade_status":"TRADE_SUCCESS"}"#;
const HOLDER: &str = "支付宝(中国)网络技术有限公司";

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "payseal test");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2050, 1, 1));
    params
}

fn authority(name: &str, by: Option<&Authority>, is_authority: bool) -> Authority {
    let key =
        KeyPair::from_pem(std::str::from_utf8(&openssl::generate_rsa(2048)).unwrap()).unwrap();
    let mut params = params(name);
    if is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }
    let pem = match by {
        Some(by) => params.signed_by(&key, &by.issuer).unwrap().pem(),
        None => params.self_signed(&key).unwrap().pem(),
    };
    Authority {
        pem,
        issuer: Issuer::new(params, key),
    }
}

fn leaf(key: &Pair, name: &str, by: &Authority) -> String {
    let key = KeyPair::from_pem(&key.private).unwrap();
    params(name).signed_by(&key, &by.issuer).unwrap().pem()
}

static ROOT: LazyLock<Authority> = LazyLock::new(|| authority("Root R1", None, true));
static CLASS_1: LazyLock<Authority> = LazyLock::new(|| authority("Class 1 R1", Some(&ROOT), true));
static ALIPAY: LazyLock<String> = LazyLock::new(|| leaf(&PLATFORM, HOLDER, &CLASS_1));
static APP: LazyLock<String> = LazyLock::new(|| leaf(&MERCHANT, "2021000000000001", &CLASS_1));

/// Roots as the provider bundles them: others beside the one that counts, with CRLF between.
fn roots() -> String {
    let folder = Folder::new();
    let key = folder.write(
        "ec.pem",
        &openssl::run(
            &[
                "genpkey",
                "-algorithm",
                "EC",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ],
            b"",
        ),
    );
    let other = openssl::run(
        &[
            "req", "-new", "-x509", "-key", &key, "-subj", "/CN=E1", "-days", "9000",
        ],
        b"",
    );
    format!(
        "{}\r\n{}",
        String::from_utf8(other).unwrap(),
        ROOT.pem.replace('\n', "\r\n")
    )
}

fn config(changes: Value) -> Value {
    let mut config = json!({
        "provider": "alipay", "app_id": APP_ID, "private_key": MERCHANT.private, "app_certificate": *APP,
        "alipay_certificate": format!("{}{}", *ALIPAY, CLASS_1.pem), "alipay_root_certificate": roots(), "retry": { "max_attempts": 1 },
    });
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(config.as_object_mut().unwrap().remove(key)),
            value => config[key] = value.clone(),
        }
    }
    config
}

fn client(world: &World) -> Client {
    client_of(&config(json!({})), world).unwrap()
}

/// By openssl: MD5 over the issuer, last part first, and the serial number in decimal.
fn number(pem: &str) -> String {
    let said = |what: &str| {
        let text = openssl::run(
            &["x509", "-noout", what, "-nameopt", "RFC2253,utf8,-esc_msb"],
            pem.as_bytes(),
        );
        String::from_utf8(text)
            .unwrap()
            .trim()
            .split_once('=')
            .unwrap()
            .1
            .to_owned()
    };
    let hex = said("-serial");
    let text = format!("{}{}", said("-issuer"), decimal(&hex));
    let digest = openssl::run(&["dgst", "-md5", "-r"], text.as_bytes());
    String::from_utf8(digest).unwrap()[..32].to_owned()
}

fn decimal(hex: &str) -> String {
    let mut digits = vec![0u32];
    for digit in hex.chars().map(|c| c.to_digit(16).unwrap()) {
        let mut carry = digit;
        for place in digits.iter_mut() {
            carry += *place * 16;
            *place = carry % 10;
            carry /= 10;
        }
        while carry > 0 {
            digits.push(carry % 10);
            carry /= 10;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from_digit(*digit, 10).unwrap())
        .collect()
}

fn answer(key: &Pair, certificate: &str) -> payseal::wire::Response {
    let signature = sign_with(key, "-sha256", PAID.as_bytes());
    raw(format!("{{\"alipay_trade_query_response\":{PAID},\"alipay_cert_sn\":\"{}\",\"sign\":\"{signature}\"}}", number(certificate)).into_bytes())
}

fn asked() -> Value {
    json!({ "body": { "out_trade_no": "A100" } })
}

/// Alipay with another certificate, which it hands out where it is asked for it.
fn renewed<'a>(
    next: &'a str,
    chain: &'a str,
    asked_for: &'a mut usize,
) -> impl FnMut(&Request) -> Sent + 'a {
    move |request| {
        if sent(request)["method"] != b"alipay.open.app.alipaycert.download" {
            return Ok(answer(&NEXT, next));
        }
        *asked_for += 1;
        let biz: Value = serde_json::from_slice(&sent(request)["biz_content"]).unwrap();
        assert_eq!(biz["alipay_cert_sn"], number(next));
        let content = json!({ "code": "10000", "msg": "Success", "alipay_cert_content": base64(format!("{next}{chain}").as_bytes()) });
        Ok(raw(format!(
            "{{\"alipay_open_app_alipaycert_download_response\":{content}}}"
        )
        .into_bytes()))
    }
}

#[test]
fn the_numbers_of_both_certificates_are_sent_as_openssl_has_them() {
    let fields = sent(&request(&client(&World::new()), QUERY, &asked()).unwrap());
    let text = |name: &str| String::from_utf8(fields[name].clone()).unwrap();
    assert_eq!(text("app_cert_sn"), number(&APP));
    assert_eq!(text("alipay_root_cert_sn"), number(&ROOT.pem));
}

#[test]
fn an_answer_is_verified_by_the_certificate_that_it_names() {
    let world = World::new();
    let delivered = execute(&client(&world), QUERY, &asked(), |_| {
        Ok(answer(&PLATFORM, &ALIPAY))
    })
    .unwrap();
    let info: Value = serde_json::from_str(&delivered.info_text()).unwrap();
    assert_eq!(info["serial"], number(&ALIPAY));
}

#[test]
fn a_new_certificate_of_the_same_holder_is_downloaded_once_and_used() {
    let world = World::new();
    let client = client(&world);
    let next = leaf(&NEXT, HOLDER, &CLASS_1);
    let mut downloads = 0;
    for _ in 0..2 {
        let mut call = client
            .call(QUERY, asked().to_string().as_bytes(), b"")
            .unwrap();
        let delivered = drive(&mut call, renewed(&next, &CLASS_1.pem, &mut downloads)).unwrap();
        assert_eq!(&**delivered.body, PAID.as_bytes());
    }
    assert_eq!(downloads, 1);
    // The one before is still good: answers on their way may be signed by it.
    execute(&client, QUERY, &asked(), |_| Ok(answer(&PLATFORM, &ALIPAY))).unwrap();
}

#[test]
fn a_certificate_that_is_not_alipays_is_never_believed() {
    let merchant_as_authority = authority("2021000000000009", Some(&CLASS_1), false);
    let stranger = authority("Root R1", None, true);
    for (why, next, chain) in [
        (
            "the same authority certifies every merchant's app",
            leaf(&NEXT, "2021000000000009", &CLASS_1),
            CLASS_1.pem.clone(),
        ),
        (
            "a merchant's certificate issues none",
            leaf(&NEXT, HOLDER, &merchant_as_authority),
            format!("{}{}", merchant_as_authority.pem, CLASS_1.pem),
        ),
        (
            "a root of the same name is another",
            leaf(&NEXT, HOLDER, &stranger),
            stranger.pem.clone(),
        ),
        (
            "a chain without its middle leads nowhere",
            leaf(&NEXT, HOLDER, &CLASS_1),
            String::new(),
        ),
    ] {
        let client = client(&World::new());
        let mut call = client
            .call(QUERY, asked().to_string().as_bytes(), b"")
            .unwrap();
        let error = refused_as(
            Code::UnknownSerial,
            drive(&mut call, renewed(&next, &chain, &mut 0)),
        );
        assert_eq!(error.outcome(), Outcome::Unknown, "{why}");
    }
}

#[test]
fn a_number_that_is_none_is_not_asked_for() {
    for number in [
        "../../x",
        "\\\"}",
        "ABCDEF0123456789ABCDEF0123456789",
        "0123456789abcdef0123456789abcdef0",
    ] {
        let signature = sign_with(&PLATFORM, "-sha256", PAID.as_bytes());
        let body = format!(
            "{{\"alipay_trade_query_response\":{PAID},\"alipay_cert_sn\":\"{number}\",\"sign\":\"{signature}\"}}"
        );
        let mut requests = 0;
        let result = execute(&client(&World::new()), QUERY, &asked(), |_| {
            requests += 1;
            Ok(raw(body.clone().into_bytes()))
        });
        refused_as(Code::UnknownSerial, result);
        assert_eq!(requests, 1);
    }
}

#[test]
fn a_notification_may_name_its_certificate_or_not_and_the_name_may_be_signed_or_not() {
    let world = World::new();
    let client = client(&world);
    client
        .open_notification("", &notification(&paid()), b"{}")
        .unwrap();
    let mut named = paid();
    named["alipay_cert_sn"] = number(&ALIPAY).into();
    for left_out in [
        &["sign", "sign_type"][..],
        &["sign", "sign_type", "alipay_cert_sn"],
    ] {
        let body = signed_form(named.as_object().unwrap(), left_out, &PLATFORM);
        client.open_notification("", &body, b"{}").unwrap();
    }
    let body = signed_form(
        named.as_object().unwrap(),
        &["sign", "sign_type"],
        &STRANGER,
    );
    refused_as(
        Code::SignatureInvalid,
        client.open_notification("", &body, b"{}"),
    );
}

#[test]
fn parts_that_do_not_belong_together_are_refused_by_name() {
    let stranger = authority("Root R9", None, true);
    for (changes, code, at) in [
        (
            json!({ "private_key": STRANGER.private }),
            Code::KeyMismatch,
            "private_key",
        ),
        (
            json!({ "alipay_root_certificate": stranger.pem }),
            Code::KeyMismatch,
            "alipay_certificate",
        ),
        (
            json!({ "alipay_certificate": *ALIPAY }),
            Code::KeyMismatch,
            "alipay_certificate",
        ),
        (
            json!({ "alipay_root_certificate": null }),
            Code::ConfigInvalid,
            "alipay_root_certificate",
        ),
        (
            json!({ "app_certificate": null }),
            Code::ConfigInvalid,
            "app_certificate",
        ),
        (
            json!({ "alipay_root_certificate": "no certificate" }),
            Code::ConfigInvalid,
            "alipay_root_certificate",
        ),
        (
            json!({ "alipay_certificate": format!("{}{}", leaf(&MERCHANT, HOLDER, &CLASS_1), CLASS_1.pem) }),
            Code::KeyRole,
            "alipay_certificate",
        ),
        (
            json!({ "alipay_public_key": PLATFORM.public }),
            Code::ConfigInvalid,
            "alipay_public_key",
        ),
        (
            json!({ "sign_type": "RSA" }),
            Code::ConfigInvalid,
            "sign_type",
        ),
    ] {
        let error = refused_as(code, client_of(&config(changes), &World::new()));
        assert_eq!(field(&error), at);
    }
}

#[test]
fn an_expired_certificate_verifies_nothing() {
    let world = World::new();
    let client = client(&world);
    world.set_now(2_600_000_000); // 2052
    let result = execute(&client, QUERY, &asked(), |_| Ok(answer(&PLATFORM, &ALIPAY)));
    let error = refused_as(Code::CertificateInvalid, result);
    assert_eq!(error.outcome(), Outcome::Unknown);
    refused_as(Code::KeyMismatch, client_of(&config(json!({})), &world));
}
