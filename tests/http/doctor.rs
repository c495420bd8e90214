//! The doctor's online test, against a provider that echoes as WeChat Pay does: what comes encrypted goes back encrypted for the merchant.

use payseal::crypto::engine::Engine;
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{RsaPrivateKey, RsaPublicKey, base64};
use payseal::host::{Host, Signer};
use serde_json::{Value, json};

use crate::support::canary;
use crate::support::host::World;
use crate::support::merchant::*;
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::server::Server;
use payseal::wire::xml;
use std::sync::{Arc, Mutex};

/// Echoes, encrypted for `merchant`.
fn echoing(merchant: &'static Pair) -> Server {
    Server::start(move |connection| {
        let ours = RsaPrivateKey::<RustCrypto>::parse(PLATFORM.private.as_bytes()).unwrap();
        let theirs = RsaPublicKey::<RustCrypto>::parse(merchant.public.as_bytes()).unwrap();
        while let Some(request) = connection.request() {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            let sent = body["encrypted_echo_message"].as_str().unwrap();
            let text = ours
                .oaep_sha1_open(&base64::decode(sent.as_bytes()).unwrap())
                .unwrap();
            let back = base64::encode(&theirs.oaep_sha1_seal(&text).unwrap());
            body["encrypted_echo_message"] = back.into();
            connection.write(BY_PUBLIC_KEY.signed(body.to_string()).http(200));
        }
    })
}

struct Elsewhere;

impl Signer for Elsewhere {
    fn sign(&self, message: &[u8]) -> payseal::Result<Vec<u8>> {
        let key = payseal::crypto::PrivateKey::parse(MERCHANT.private.as_bytes()).unwrap();
        Ok(key.sign_sha256(message).unwrap())
    }
}

/// Status and message of what was found online.
fn online(server: &Server, changes: Value, host: Host) -> Vec<(String, String)> {
    examined(server, config(changes), host)
        .into_iter()
        .map(|[status, message, _]| (status, message))
        .collect()
}

/// Status, message and hint of what was found online with any provider's configuration. Nothing else of the report is a problem.
fn examined(server: &Server, mut config: Value, host: Host) -> Vec<[String; 3]> {
    config["hosts"] = json!([server.origin()]);
    let config = config.to_string();
    let options = json!({ "online": true }).to_string();
    let report = payseal::doctor::examine(config.as_bytes(), host, options.as_bytes()).unwrap();
    let report = serde_json::to_value(&report).unwrap();
    canary::check(&report.to_string());
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    findings
        .filter(|finding| finding["check"] == "online")
        .map(|finding| ["status", "message", "hint"].map(|key| text(finding, key)))
        .collect()
}

#[test]
fn what_was_encrypted_comes_back_as_it_was() {
    let found = online(&echoing(&MERCHANT), json!({}), World::new().host());
    let [(status, message)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(status, "ok");
    assert!(
        message.ends_with("what was encrypted came back"),
        "{message}"
    );
}

#[test]
fn a_signers_key_opens_nothing_here_and_that_is_said() {
    let host = Host {
        signer: Some(Box::new(Elsewhere)),
        ..World::new().host()
    };
    let found = online(&echoing(&MERCHANT), json!({ "private_key": null }), host);
    let [(status, message)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!(status, "ok");
    assert!(
        message.ends_with("only the signer's key could open"),
        "{message}"
    );
}

#[test]
fn what_is_encrypted_for_another_certificate_is_a_problem() {
    let found = online(&echoing(&STRANGER), json!({}), World::new().host());
    assert!(
        found.iter().any(|(status, message)| status == "problem"
            && message.contains("encrypted_echo_message cannot be decrypted")),
        "{found:?}"
    );
}

/// Target and body of each request.
type Asked = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A server that answers each request with the same body, and keeps target and body of what it was asked.
fn answering(body: String) -> (Server, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            log.lock().unwrap().push((request.target, request.body));
            let length = body.len();
            connection.write(format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
            ));
        }
    });
    (server, asked)
}

fn v2(changes: Value) -> Value {
    let mut config =
        json!({ "provider": "wechat-v2", "mchid": MCHID, "apiv2_key": APIV2_KEY, "appid": APPID });
    let changes = changes.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(changes);
    config
}

/// That there is no such order, signed with `key`.
fn no_such_order(key: &str) -> String {
    let fields = [
        ("appid", APPID),
        ("err_code", "ORDERNOTEXIST"),
        ("mch_id", MCHID),
        ("result_code", "FAIL"),
        ("return_code", "SUCCESS"),
    ];
    let message: String = fields.iter().map(|(k, v)| format!("{k}={v}&")).collect();
    let mac = RustCrypto::hmac_sha256(key.as_bytes(), format!("{message}key={key}").as_bytes());
    let sign: String = mac.iter().map(|byte| format!("{byte:02X}")).collect();
    let elements: String = fields
        .iter()
        .map(|(k, v)| format!("<{k}>{v}</{k}>"))
        .collect();
    format!("<xml>{elements}<sign>{sign}</sign></xml>")
}

#[test]
fn with_apiv2_a_signed_word_about_an_order_that_nobody_placed_proves_the_key() {
    let (server, asked) = answering(no_such_order(APIV2_KEY));
    for _ in 0..2 {
        let found = examined(&server, v2(json!({})), Host::default());
        let [[status, message, _]] = &found[..] else {
            panic!("{found:?}")
        };
        assert_eq!(status, "ok", "{message}");
        assert!(message.contains("the same key"), "{message}");
    }
    let numbers: Vec<String> = asked
        .lock()
        .unwrap()
        .iter()
        .map(|(target, body)| {
            assert_eq!(target, "/pay/orderquery", "it moves no money");
            let fields = xml::read(body).unwrap();
            let number = fields.into_iter().find(|(name, _)| name == "out_trade_no");
            number.unwrap().1
        })
        .collect();
    assert_ne!(numbers[0], numbers[1], "nobody can have placed it");
}

#[test]
fn with_apiv2_the_same_word_without_the_key_proves_nothing() {
    let unsigned = no_such_order(APIV2_KEY);
    let (unsigned, _) = unsigned.split_once("<sign>").unwrap();
    for answer in [
        no_such_order("another-key-of-thirty-two-bytes-"),
        format!("{unsigned}</xml>"),
        format!("{unsigned}</xml>").replace("<return_code>SUCCESS", "<return_code>FAIL"),
    ] {
        let (server, _) = answering(answer);
        let found = examined(&server, v2(json!({})), World::new().host());
        assert_eq!(found[0][0], "problem", "{found:?}");
    }
}

#[test]
fn with_apiv2_a_wrong_key_is_named_with_the_providers_words() {
    let refused = "<xml><return_code>FAIL</return_code><return_msg>签名错误</return_msg></xml>";
    let (server, _) = answering(refused.into());
    let found = examined(&server, v2(json!({})), World::new().host());
    let [status, message, hint] = &found[0];
    assert_eq!(status, "problem");
    assert!(
        message.contains("签名错误") && hint.contains("apiv2_key"),
        "{found:?}"
    );
}

#[test]
fn what_cannot_be_tested_for_want_of_an_app_id_is_no_problem() {
    let (server, asked) = answering(no_such_order(APIV2_KEY));
    let found = examined(&server, v2(json!({ "appid": null })), World::new().host());
    assert_eq!(found[0][0], "warning", "{found:?}");
    assert!(found[0][1].contains("appid"), "{found:?}");
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn with_weixin_the_token_in_use_is_asked_for_and_told_to_nobody() {
    let config = || json!({ "provider": "weixin", "appid": APPID, "secret": "0123456789abcdef0123456789abcdef" });
    let token = "45_a-token-that-nobody-may-see";
    let (server, asked) =
        answering(json!({ "access_token": token, "expires_in": 7200 }).to_string());
    let found = examined(&server, config(), World::new().host());
    assert_eq!(found[0][0], "ok", "{found:?}");
    assert!(!format!("{found:?}").contains(token));
    let asked = asked.lock().unwrap();
    let [(target, body)] = &asked[..] else {
        panic!("{asked:?}")
    };
    let body: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(target, "/cgi-bin/stable_token");
    assert!(body.get("force_refresh").is_none(), "it replaces no token");

    for answer in [
        r#"{"errcode":40125,"errmsg":"invalid appsecret"}"#,
        "{}",
        "not json",
    ] {
        let (server, _) = answering(answer.into());
        let found = examined(&server, config(), World::new().host());
        assert_eq!(found[0][0], "problem", "{answer} {found:?}");
    }
}
