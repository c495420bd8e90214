//! Sensitive fields: encrypted for one key, and the request says which.

use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{RsaPrivateKey, base64};
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::support::canary::PAYER_NAME;
use crate::support::drive::{self, execute, request};
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, header};
use crate::support::{field, openssl, refused_as};

fn identified_order(name: &str) -> Value {
    let mut params = jsapi_order();
    params["body"]["payer"]["identity"] =
        json!({ "type": "IDCARD", "number": "110101199003074258", "name": name });
    params
}

fn opened_by(pair: &Pair, text: &Value) -> Vec<u8> {
    let key = RsaPrivateKey::<RustCrypto>::parse(pair.private.as_bytes()).unwrap();
    let ciphertext = base64::decode(text.as_str().unwrap().as_bytes()).unwrap();
    key.oaep_sha1_open(&ciphertext)
        .expect("encrypted for this key")
        .to_vec()
}

#[test]
fn a_payers_identity_is_encrypted_for_the_key_that_the_request_names() {
    for (changes, pair, serial) in [
        (json!({}), &*PLATFORM, PUBLIC_KEY_ID),
        (
            json!({ "platform_public_keys": null }),
            &*CERTIFIED,
            PLATFORM_SERIAL,
        ),
        (
            json!({ "platform_serial": PLATFORM_SERIAL }),
            &*CERTIFIED,
            PLATFORM_SERIAL,
        ),
        (
            json!({ "platform_serial": PUBLIC_KEY_ID }),
            &*PLATFORM,
            PUBLIC_KEY_ID,
        ),
    ] {
        let (client, _) = merchant::client(config(changes));
        let request = request(&client, JSAPI, &identified_order(PAYER_NAME)).unwrap();
        assert_eq!(header(&request, "Wechatpay-Serial"), Some(serial));
        let sent: Value = serde_json::from_slice(&request.body).unwrap();
        let identity = &sent["payer"]["identity"];
        assert_eq!(opened_by(pair, &identity["name"]), PAYER_NAME.as_bytes());
        assert_eq!(opened_by(pair, &identity["number"]), b"110101199003074258");
        assert_eq!(identity["type"], "IDCARD");
        assert!(!String::from_utf8_lossy(&request.body).contains(PAYER_NAME));
    }
}

#[test]
fn openssl_decrypts_what_was_encrypted() {
    let (client, _) = merchant::client(config(json!({})));
    let request = request(&client, JSAPI, &identified_order(PAYER_NAME)).unwrap();
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let ciphertext = base64::decode(
        sent["payer"]["identity"]["name"]
            .as_str()
            .unwrap()
            .as_bytes(),
    )
    .unwrap();
    let folder = openssl::Folder::new();
    let key = folder.write("key.pem", PLATFORM.private.as_bytes());
    let plaintext = openssl::run(
        &[
            "pkeyutl",
            "-decrypt",
            "-inkey",
            &key,
            "-pkeyopt",
            "rsa_padding_mode:oaep",
            "-pkeyopt",
            "rsa_oaep_md:sha1",
        ],
        &ciphertext,
    );
    assert_eq!(plaintext, PAYER_NAME.as_bytes());
}

#[test]
fn every_attempt_sends_the_same_ciphertext_under_the_same_serial() {
    let (client, _) = merchant::client(config(json!({ "platform_serial": PLATFORM_SERIAL })));
    let mut seen = Vec::new();
    let _ = execute(&client, JSAPI, &identified_order(PAYER_NAME), |request| {
        seen.push((
            request.body.clone(),
            header(request, "Wechatpay-Serial").unwrap().to_owned(),
        ));
        Err(drive::lost())
    });
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|sent| *sent == seen[0]));
    assert_eq!(seen[0].1, PLATFORM_SERIAL);
}

#[test]
fn the_newest_certificate_that_is_valid_encrypts() {
    let newer = certificate(&NEXT, NEXT_SERIAL, [(2023, 1, 1), (2050, 1, 1)]);
    let future = certificate(&STRANGER, "5DEA10EF", [(2030, 1, 1), (2050, 1, 1)]);
    let (client, _) = merchant::client(config(json!({
        "platform_public_keys": null,
        "platform_certificates": [future, *PLATFORM_CERTIFICATE, newer],
    })));
    let request = request(&client, JSAPI, &identified_order(PAYER_NAME)).unwrap();
    assert_eq!(header(&request, "Wechatpay-Serial"), Some(NEXT_SERIAL));
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        opened_by(&NEXT, &sent["payer"]["identity"]["name"]),
        PAYER_NAME.as_bytes()
    );
}

#[test]
fn an_expired_certificate_encrypts_nothing_also_where_it_was_chosen() {
    let ending = certificate(&CERTIFIED, PLATFORM_SERIAL, [(2020, 1, 1), (2023, 11, 20)]);
    let changes = json!({
        "platform_public_keys": null,
        "platform_certificates": [ending, *NEXT_CERTIFICATE],
        "platform_serial": PLATFORM_SERIAL,
    });
    let (client, world) = merchant::client(config(changes));
    let last = 1_700_438_400; // 2023-11-20T00:00:00Z
    for (now, serial) in [(last, PLATFORM_SERIAL), (last + 1, NEXT_SERIAL)] {
        world.set_now(now);
        let request = request(&client, JSAPI, &identified_order(PAYER_NAME)).unwrap();
        assert_eq!(header(&request, "Wechatpay-Serial"), Some(serial));
    }
}

#[test]
fn a_text_that_is_too_long_to_encrypt_never_leaves() {
    let (client, _) = merchant::client(config(json!({})));
    let result = execute(
        &client,
        JSAPI,
        &identified_order(&"五".repeat(200)),
        |_| panic!("it was sent"),
    );
    let error = refused_as(Code::ParamsInvalid, result);
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert_eq!(field(&error), "body.payer.identity.name");
}

#[test]
fn a_field_that_must_be_encrypted_is_never_sent_in_the_clear() {
    // Certificates would have to be fetched, and none is there yet when the parameters are prepared.
    let (client, _) = merchant::client(bootstrap_config(json!({})));
    let mut sent = Vec::new();
    let result = execute(&client, JSAPI, &identified_order(PAYER_NAME), |request| {
        sent.push(request.clone());
        Err(drive::lost())
    });
    assert!(result.is_err());
    for request in sent {
        assert_eq!(request.target, "/v3/certificates");
        assert!(!String::from_utf8_lossy(&request.body).contains(PAYER_NAME));
    }
}

#[test]
fn without_sensitive_fields_the_serial_still_asks_for_the_key_to_answer_with() {
    let (client, _) = merchant::client(config(json!({})));
    let mut asked = None;
    let answer = execute(&client, NATIVE, &native_order(), |request| {
        asked = header(request, "Wechatpay-Serial").map(str::to_owned);
        Ok(BY_PUBLIC_KEY.json(200, json!({ "code_url": "weixin://wxpay/bizpayurl?pr=x" })))
    })
    .unwrap();
    assert_eq!(asked.as_deref(), Some(PUBLIC_KEY_ID));
    assert_eq!(answer.info()["serial"], PUBLIC_KEY_ID);
}
