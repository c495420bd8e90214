//! The doctor's online test, against a provider that echoes as WeChat Pay does: what comes encrypted goes back encrypted for the merchant.

use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{RsaPrivateKey, RsaPublicKey, base64};
use payseal::host::{Host, Signer};
use serde_json::{Value, json};

use crate::support::host::World;
use crate::support::merchant::*;
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::server::Server;

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
    let mut changes = changes;
    changes["hosts"] = json!([server.origin()]);
    let config = config(changes).to_string();
    let options = json!({ "online": true }).to_string();
    let report = payseal::doctor::examine(config.as_bytes(), host, options.as_bytes()).unwrap();
    let report = serde_json::to_value(&report).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings
        .filter(|finding| finding["check"] == "online")
        .map(|finding| (text(finding, "status"), text(finding, "message")))
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
