//! Where a file may be fetched from, and what an answer may say about it. Nothing is sent in these tests.

use payseal::{Client, Code, Outcome, Result};
use serde_json::{Value, json};

use crate::files::{packed, wrapped};
use crate::support::merchant::{self, config};
use crate::support::{field, refused_as};

fn begin(client: &Client, params: &Value) -> Result<()> {
    client
        .download(params.to_string().as_bytes(), None)
        .map(drop)
}

fn client() -> Client {
    merchant::client(config(json!({
        "hosts": ["https://api.mch.weixin.qq.com", "http://127.0.0.1:8080"],
    })))
    .0
}

fn at(url: &str) -> Value {
    packed("gzip").answer(url)
}

#[test]
fn a_file_is_fetched_from_the_provider_and_from_configured_hosts_only() {
    let client = client();
    for good in [
        "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x",
        "https://api.mch.weixin.qq.com:443/v3/billdownload/file?token=x",
        "https://API.mch.weixin.qq.com/v3/billdownload/file?token=x%2F",
        "https://api.wechatpay.cn/v3/bill/downloadurl?token=x",
        "https://apihk.mch.weixin.qq.com/v3/x",
        "http://127.0.0.1:8080/v3/billdownload/file?token=x",
    ] {
        begin(&client, &at(good)).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "http://api.mch.weixin.qq.com/v3/billdownload/file?token=x",
        "https://api.mch.weixin.qq.com:8443/v3/billdownload/file",
        "https://api.mch.weixin.qq.com.evil.example/v3/billdownload/file",
        "https://evil.example/v3/billdownload/file?api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com@evil.example/v3/x",
        "https://evil.example\\@api.mch.weixin.qq.com/v3/x",
        "https://api.mch.weixin.qq.com\\@evil.example/v3/x",
        "https://user:pass@api.mch.weixin.qq.com/v3/x",
        "https://evil.example#@api.mch.weixin.qq.com/v3/x",
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8081/v3/x",
        "http://127.0.0.1/v3/x",
        "http://localhost:8080/v3/x",
        "http://[::1]:8080/v3/x",
        "http://2130706433:8080/v3/x",
        "file:///etc/passwd",
        "ftp://api.mch.weixin.qq.com/v3/x",
        "//api.mch.weixin.qq.com/v3/x",
        "api.mch.weixin.qq.com/v3/x",
        "https://api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com?x",
        "https://api.mch.weixin.qq.com/v3/../x",
        "https://api.mch.weixin.qq.com/v3/%2e%2E/x",
        "https://api.mch.weixin.qq.com//evil.example/x",
        "https://api.mch.weixin.qq.com/v3/x y",
        "https://api.mch.weixin.qq.com/v3/x\r\nHost: evil",
        "https://api.mch.weixin.qq.com/v3/五",
        "https://api.mch.weixin.qq.com/v3/x#y",
        "https:///v3/x",
        "",
    ] {
        let error = begin(&client, &at(bad)).expect_err(bad);
        assert_eq!(error.outcome(), Outcome::NotSent, "{bad}: {error}");
        assert!(
            error.code() == Code::ResponseMismatch && field(&error) == "download_url"
                || bad.is_empty(),
            "{bad}: {error}"
        );
    }
    let long = format!(
        "https://api.mch.weixin.qq.com/v3/x?token={}",
        "x".repeat(5000)
    );
    refused_as(Code::ResponseMismatch, begin(&client, &at(&long)));
}

#[test]
fn what_is_not_known_about_a_file_is_refused_before_anything_is_sent() {
    let client = client();
    let url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x";
    let key = wrapped(&[7; 32]);
    let good = json!({
        "download_url": url, "hash_type": "SHA1", "hash_value": packed("gzip").sha1,
        "encrypt_key": key, "nonce": "0123456789abcdef", "tar_type": "GZIP", "algorithm": "AEAD_AES_256_GCM",
    });
    begin(&client, &good).unwrap();
    let short = wrapped(&[7; 31]);
    for (key, value, code) in [
        ("tar_type", json!("ZIP"), Code::ParamsInvalid),
        ("tar_type", json!("gzip"), Code::ParamsInvalid),
        ("tar_type", json!(1), Code::ParamsInvalid),
        ("algorithm", json!("AES-256-CBC"), Code::ParamsInvalid),
        ("hash_type", json!("MD5"), Code::AlgorithmMismatch),
        ("hash_type", json!("sha1"), Code::AlgorithmMismatch),
        ("hash_type", Value::Null, Code::BodyInvalid),
        ("hash_value", json!(""), Code::BodyInvalid),
        ("hash_value", json!("00"), Code::BodyInvalid),
        ("hash_value", json!("zz".repeat(20)), Code::BodyInvalid),
        ("hash_value", json!("00".repeat(32)), Code::BodyInvalid),
        ("nonce", Value::Null, Code::BodyInvalid),
        ("nonce", json!("0123456789abcde"), Code::BodyInvalid),
        ("nonce", json!("0123456789abcdef0"), Code::BodyInvalid),
        ("encrypt_key", Value::Null, Code::BodyInvalid),
        ("encrypt_key", json!("AAAA"), Code::DecryptionFailed),
        ("encrypt_key", json!("no base64"), Code::DecryptionFailed),
        ("encrypt_key", json!(short), Code::DecryptionFailed),
        ("unknown", json!("x"), Code::ParamsInvalid),
    ] {
        let mut bad = good.clone();
        bad[key] = value.clone();
        let error = refused_as(code, begin(&client, &bad));
        assert_eq!(error.outcome(), Outcome::NotSent, "{key} {value}");
    }
}

#[test]
fn options_outside_their_range_are_refused_by_name() {
    let client = client();
    let mut params = at("https://api.mch.weixin.qq.com/v3/billdownload/file?token=x");
    for (key, value) in [
        ("timeout_ms", json!(0)),
        ("timeout_ms", json!(86_400_001)),
        ("timeout_ms", json!("1")),
        ("wait_ms", json!(-1)),
        ("max_bytes", json!(0)),
        ("max_ratio", json!(1.5)),
        ("max_attempts", json!(11)),
        ("trace_id", json!("a\nb")),
        ("allow_unverified", json!("yes")),
        ("idempotency_key", json!("x")),
    ] {
        params["$"] = json!({ key: value });
        let error = refused_as(Code::ParamsInvalid, begin(&client, &params));
        assert_eq!(field(&error), format!("$.{key}"));
    }
    for nothing in ["", "{}", "[]", "{\"operation\":1}", "{\"$\":[]}"] {
        let result = client.download(nothing.as_bytes(), None).map(drop);
        refused_as(Code::ParamsInvalid, result);
    }
}

#[test]
fn a_file_that_nobody_vouches_for_is_taken_only_where_that_is_said() {
    let client = client();
    let url = "https://api.mch.weixin.qq.com/v3/global/profit-sharing/bill?token=x";
    let mut params = json!({ "download_url": url });
    let error = refused_as(Code::HashMismatch, begin(&client, &params));
    assert!(
        error
            .detail("hint")
            .unwrap()
            .as_str()
            .unwrap()
            .contains("allow_unverified")
    );
    params["$"] = json!({ "allow_unverified": true });
    begin(&client, &params).unwrap();
}

#[test]
fn a_signer_cannot_open_an_encrypted_bill_and_the_error_says_so() {
    let (world, settings) = (
        crate::support::host::World::new(),
        config(json!({ "private_key": null })),
    );
    struct Never;
    impl payseal::host::Signer for Never {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
            panic!("nothing is signed here")
        }
    }
    let mut host = world.host();
    host.signer = Some(Box::new(Never));
    let client = Client::new(settings.to_string().as_bytes(), host).unwrap();
    let mut params = packed("sealed").part(1, "https://api.mch.weixin.qq.com/v3/x");
    params
        .as_object_mut()
        .unwrap()
        .shift_remove("bill_sequence");
    let error = refused_as(Code::KeyRole, begin(&client, &params));
    assert_eq!(field(&error), "private_key");
}
