//! A wrong value is refused when the client is made, and the message names the field.

use payseal::{Client, Code, Error, Outcome};
use serde_json::{Value, json};

use crate::support::canary::PROXY_PASSWORD;
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::{field, refused, refused_as, text};

pub fn made(config: &str) -> Result<Client, Error> {
    Client::new(config.as_bytes(), World::new().host())
}

#[track_caller]
pub fn refuses(changes: Value, code: Code, expected: &str) -> Error {
    let error = refused(made(&config(changes).to_string()));
    assert_eq!(error.code(), code, "{error:?}");
    assert_eq!(field(&error), expected, "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(
        error.message().contains(expected),
        "the message does not name {expected}: {error}"
    );
    error
}

#[test]
fn a_complete_configuration_is_accepted_and_so_is_the_least() {
    merchant::client(config(json!({})));
    merchant::client(json!({
        "provider": "wechat",
        "mchid": MCHID,
        "merchant_serial": MERCHANT_SERIAL,
        "private_key": MERCHANT.private,
        "apiv3_key": APIV3_KEY,
    }));
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    for (key, hint) in [
        ("apiv3key", "apiv3_key"),
        ("mch_id", "mchid"),
        ("privatekey", "private_key"),
        ("host", "hosts"),
    ] {
        let error = refuses(json!({ key: "x" }), Code::ConfigUnknownKey, key);
        assert_eq!(text(&error, "hint"), format!("did you mean {hint}?"));
    }
    refuses(
        json!({ "something": { "private_key": "x" } }),
        Code::ConfigUnknownKey,
        "something",
    );
    for (section, key) in [
        ("retry", "attempts"),
        ("timeouts", "total"),
        ("circuit_breaker", "open"),
        ("certificate_refresh", "interval"),
        ("replay_guard", "size"),
    ] {
        refuses(
            json!({ section: { key: 1 } }),
            Code::ConfigUnknownKey,
            &format!("{section}.{key}"),
        );
    }
}

#[test]
fn what_is_missing_is_named() {
    for key in [
        "provider",
        "mchid",
        "private_key",
        "apiv3_key",
        "merchant_serial",
    ] {
        let error = refuses(json!({ key: null }), Code::ConfigInvalid, key);
        assert!(error.message().contains("missing"), "{error}");
    }
    refuses(
        json!({ "platform_public_keys": null, "platform_certificates": null }),
        Code::ConfigInvalid,
        "platform_public_keys",
    );
}

#[test]
fn an_empty_secret_is_refused() {
    for key in ["private_key", "apiv3_key", "previous_apiv3_key", "proxy"] {
        for blank in ["", " ", "\n", "\t \r\n"] {
            refuses(json!({ key: blank }), Code::ConfigEmptySecret, key);
        }
    }
    refuses(
        json!({ "apiv3_key": " ".repeat(32) }),
        Code::ConfigEmptySecret,
        "apiv3_key",
    );
}

#[test]
fn an_apiv3_key_has_exactly_thirty_two_bytes() {
    for key in ["apiv3_key", "previous_apiv3_key"] {
        for (length, secret) in [
            (1, "x".to_owned()),
            (31, APIV3_KEY[..31].to_owned()),
            (33, format!("{APIV3_KEY}\n")),
            (33, format!(" {APIV3_KEY}")),
            (34, format!("{}五", &APIV3_KEY[..31])),
            (64, APIV3_KEY.bytes().map(|b| format!("{b:02x}")).collect()),
        ] {
            let error = refuses(json!({ key: secret }), Code::KeyInvalid, key);
            assert!(error.message().contains("32"), "{error}");
            assert!(error.message().contains(&length.to_string()), "{error}");
        }
    }
}

#[test]
fn a_value_of_another_type_or_range_is_refused() {
    for (key, value, expected) in [
        ("provider", json!("alipay2"), "provider"),
        ("provider", json!(1), "provider"),
        ("mchid", json!(1900007291), "mchid"),
        ("mchid", json!("19000 07291"), "mchid"),
        ("mchid", json!("1900007291\""), "mchid"),
        ("mchid", json!("１９０００"), "mchid"),
        ("mchid", json!("1".repeat(33)), "mchid"),
        ("mchid", json!(""), "mchid"),
        ("merchant_serial", json!("not hex"), "merchant_serial"),
        ("merchant_serial", json!("A".repeat(41)), "merchant_serial"),
        ("merchant_serial", json!(12), "merchant_serial"),
        ("apiv3_key", json!(["x"]), "apiv3_key"),
        ("private_key", json!({}), "private_key"),
        ("appid", json!(" "), "appid"),
        ("notify_url", json!(1), "notify_url"),
        ("timestamp_window_s", json!(301), "timestamp_window_s"),
        ("timestamp_window_s", json!(-1), "timestamp_window_s"),
        ("timestamp_window_s", json!(1.5), "timestamp_window_s"),
        ("timestamp_window_s", json!("300"), "timestamp_window_s"),
        ("max_response_bytes", json!(0), "max_response_bytes"),
        (
            "max_response_bytes",
            json!(1u64 << 33),
            "max_response_bytes",
        ),
        ("retry", json!({ "max_attempts": 0 }), "retry.max_attempts"),
        ("retry", json!({ "max_attempts": 11 }), "retry.max_attempts"),
        ("retry", json!({ "base_ms": 0 }), "retry.base_ms"),
        ("retry", json!([]), "retry"),
        (
            "timeouts",
            json!({ "total_ms": 600_001 }),
            "timeouts.total_ms",
        ),
        (
            "timeouts",
            json!({ "connect_ms": true }),
            "timeouts.connect_ms",
        ),
        (
            "circuit_breaker",
            json!({ "failures": 0 }),
            "circuit_breaker.failures",
        ),
        (
            "replay_guard",
            json!({ "entries": 0 }),
            "replay_guard.entries",
        ),
        (
            "replay_guard",
            json!({ "entries": 1_000_001 }),
            "replay_guard.entries",
        ),
        (
            "certificate_refresh",
            json!({ "enabled": "yes" }),
            "certificate_refresh.enabled",
        ),
        (
            "certificate_refresh",
            json!({ "min_interval_s": 0 }),
            "certificate_refresh.min_interval_s",
        ),
        ("platform_public_keys", json!([]), "platform_public_keys"),
        (
            "platform_public_keys",
            json!({ "x": "y" }),
            "platform_public_keys.x",
        ),
        (
            "platform_public_keys",
            json!({ "PUB_KEY_ID_": "y" }),
            "platform_public_keys.PUB_KEY_ID_",
        ),
        (
            "platform_public_keys",
            json!({ "PUB_KEY_ID_1": 5 }),
            "platform_public_keys.PUB_KEY_ID_1",
        ),
        ("platform_certificates", json!("x"), "platform_certificates"),
        ("platform_serial", json!("01"), "platform_serial"),
        ("platform_serial", json!("PUB_KEY_ID_1"), "platform_serial"),
        ("platform_serial", json!("?"), "platform_serial"),
    ] {
        refuses(json!({ key: value }), Code::ConfigInvalid, expected);
    }
}

#[test]
fn only_https_and_loopback_hosts_are_accepted() {
    for host in [
        "https://api.mch.weixin.qq.com",
        "https://api.mch.weixin.qq.com/",
        "https://api.mch.weixin.qq.com:8443",
        "http://127.0.0.1:8080",
        "http://127.8.9.10",
        "http://localhost:1",
        "http://[::1]:1",
        "https://[2001:db8::1]",
    ] {
        merchant::client(config(json!({ "hosts": [host] })));
    }
    for host in [
        "",
        "api.mch.weixin.qq.com",
        "http://api.mch.weixin.qq.com",
        "http://10.0.0.1",
        "http://169.254.169.254",
        "http://0.0.0.0",
        "http://localhost.evil.com",
        "http://127.0.0.1.evil.com",
        "http://[::ffff:10.0.0.1]",
        "http://2130706433",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "HTTPS://a",
        "https://",
        "https://user@a",
        "https://user:password@a",
        "https://a/path",
        "https://a?query",
        "https://a#fragment",
        "https://a:0",
        "https://a:65536",
        "https://a:+443",
        "https://a:",
        "https://a b",
        "https://a\r\nHost: b",
        "https://a\\b",
        "https://五.com",
        "https://[::1",
        "https://[::1]b",
        "https://[b]",
        "https://::1",
        "https://a,b",
        "https://%61",
    ] {
        refuses(json!({ "hosts": [host] }), Code::ConfigInvalid, "hosts.0");
    }
    refuses(
        json!({ "hosts": ["https://a", "http://b"] }),
        Code::ConfigInvalid,
        "hosts.1",
    );
    refuses(json!({ "hosts": [] }), Code::ConfigInvalid, "hosts");
    refuses(
        json!({ "hosts": vec!["https://a"; 9] }),
        Code::ConfigInvalid,
        "hosts",
    );
    refuses(
        json!({ "hosts": "https://a" }),
        Code::ConfigInvalid,
        "hosts",
    );
    refuses(json!({ "hosts": [1] }), Code::ConfigInvalid, "hosts");
}

#[test]
fn a_proxy_is_an_http_address_and_its_password_stays_secret() {
    let good = format!("http://user:{PROXY_PASSWORD}@127.0.0.1:3128");
    merchant::client(config(json!({ "proxy": good })));
    for proxy in [
        format!("socks5://user:{PROXY_PASSWORD}@127.0.0.1:1080"),
        format!("user:{PROXY_PASSWORD}@127.0.0.1:3128"),
        format!("http://user:{PROXY_PASSWORD}@"),
        format!("http://user:{PROXY_PASSWORD}@host:port:port"),
        format!("http://user:{PROXY_PASSWORD}@a b"),
    ] {
        refuses(json!({ "proxy": proxy }), Code::ConfigInvalid, "proxy");
    }
}

#[test]
fn root_certificates_are_certificates() {
    merchant::client(config(
        json!({ "root_certificates": *PLATFORM_CERTIFICATE }),
    ));
    let two = format!("{}\n{}", *PLATFORM_CERTIFICATE, *NEXT_CERTIFICATE);
    merchant::client(config(json!({ "root_certificates": two })));
    for text in [
        "x".to_owned(),
        MERCHANT.private.clone(),
        MERCHANT.public.clone(),
    ] {
        refuses(
            json!({ "root_certificates": text }),
            Code::ConfigInvalid,
            "root_certificates",
        );
    }
}

#[test]
fn a_configuration_that_is_no_object_is_refused() {
    let whole = config(json!({})).to_string();
    for text in [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "\"text\"".to_owned(),
        format!("{whole}{whole}"),
        format!("\u{feff}{whole}"),
        whole[..whole.len() - 1].to_owned(),
        whole.replacen('{', r#"{"mchid":"1","#, 1),
        whole.replacen('{', r#"{"mch\u0069d":"1","#, 1),
        whole.replacen("\"retry\":{", r#""retry":{"base_ms":1,"#, 1),
        "[".repeat(100_000),
        format!("{{\"x\":{}", "[".repeat(100_000)),
    ] {
        let error = refused_as(Code::ConfigInvalid, made(&text));
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let bytes = [b"{\"mchid\":\"\xff\"}".as_slice(), b"\xff", b"\0"];
    for text in bytes {
        refused_as(Code::ConfigInvalid, Client::new(text, World::new().host()));
    }
}

#[test]
fn a_host_without_a_clock_makes_no_client() {
    let world = World::new();
    world.break_clock(true);
    let text = config(json!({})).to_string();
    refused_as(
        Code::CallbackFailed,
        Client::new(text.as_bytes(), world.host()),
    );
}

#[test]
fn two_merchants_live_in_one_process_without_knowing_of_each_other() {
    let (one, _) = merchant::client(config(json!({})));
    let (other, _) = merchant::client(config(json!({
        "mchid": "1900000109",
        "apiv3_key": PREVIOUS_APIV3_KEY,
        "private_key": STRANGER.private,
        "merchant_serial": "01",
    })));
    let event = crate::support::platform::BY_PUBLIC_KEY
        .signed(crate::support::platform::notification().to_string());
    one.open_notification(event.lines(), &event.body, b"")
        .unwrap();
    refused_as(
        Code::DecryptionFailed,
        other.open_notification(event.lines(), &event.body, b""),
    );
}

#[test]
fn the_operations_can_be_listed_and_of_nobody_else() {
    let list = payseal::client::operations("wechat").unwrap();
    let names: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|operation| operation["name"].as_str().unwrap())
        .collect();
    for name in [JSAPI, NATIVE, QUERY, REFUND] {
        assert!(names.contains(&name), "{name}");
    }
    for provider in ["", "WECHAT", "wechat ", "x"] {
        refused_as(Code::InvalidArgument, payseal::client::operations(provider));
    }
}
