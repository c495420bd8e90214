//! 国密: a merchant whose scheme is WECHATPAY2-SM2-WITH-SM3. openssl is the platform: it signs answers, verifies requests and decrypts
//! fields.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use payseal::crypto::{base64, sm3, sm4_gcm_seal};
use payseal::host::Signer;
use payseal::wire::Request;
use payseal::{Client, Code, Error, Outcome, Result};
use serde_json::{Value, json};

use crate::support::canary::PAYER_NAME;
use crate::support::drive::{self, execute};
use crate::support::host::World;
use crate::support::merchant::*;
use crate::support::openssl::{self, Folder};
use crate::support::platform::{self, NONCE, Signed, envelope, header, message, transaction};
use crate::support::{field, refused, refused_as};

const SCHEME: &str = "WECHATPAY2-SM2-WITH-SM3";
const USER_ID: &str = "distid:1234567812345678";
const SERIAL: &str = "0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E11";
const NEXT_SERIAL: &str = "00C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E1";

static SM_MERCHANT: LazyLock<Pair> = LazyLock::new(pair);
static SM_PLATFORM: LazyLock<Pair> = LazyLock::new(pair);
static SM_STRANGER: LazyLock<Pair> = LazyLock::new(pair);
static SM_CERTIFICATE: LazyLock<String> =
    LazyLock::new(|| sm2_certificate(&SM_PLATFORM, SERIAL, "/CN=platform"));

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn pair() -> Pair {
    let private = openssl::generate("SM2", &[]);
    Pair {
        public: utf8(openssl::public_half(&private)),
        private: utf8(private),
    }
}

/// By `key` for itself, valid from now on.
fn sm2_certificate(key: &Pair, serial: &str, subject: &str) -> String {
    let folder = Folder::new();
    let path = folder.write("key.pem", key.private.as_bytes());
    let serial = format!("0x{serial}");
    let arguments = [
        "req",
        "-x509",
        "-new",
        "-key",
        &path,
        "-sm3",
        "-sigopt",
        USER_ID,
        "-days",
        "30",
        "-set_serial",
        &serial,
        "-subj",
        subject,
    ];
    utf8(openssl::run(&arguments, b""))
}

/// What openssl signs, and what it verifies.
fn signature(key: &Pair, message: &[u8]) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.write("key.pem", key.private.as_bytes());
    openssl::run(
        &["dgst", "-sm3", "-sign", &path, "-sigopt", USER_ID],
        message,
    )
}

fn is_signed_by(key: &Pair, message: &[u8], signature: &str) -> bool {
    let folder = Folder::new();
    let path = folder.write("key.pem", key.public.as_bytes());
    let signature = base64::decode(signature.as_bytes()).unwrap();
    let signature = folder.write("signature", &signature);
    let arguments = [
        "dgst",
        "-sm3",
        "-verify",
        &path,
        "-sigopt",
        USER_ID,
        "-signature",
        &signature,
    ];
    openssl::attempt(&arguments, message).status.success()
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64
}

fn sm_config(changes: Value) -> Value {
    let mut all = json!({
        "scheme": SCHEME,
        "private_key": SM_MERCHANT.private,
        "platform_public_keys": null,
        "platform_certificates": [*SM_CERTIFICATE],
    });
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    config(all)
}

/// The clock shows the time at which openssl makes certificates, and the platform's is made already.
fn world() -> World {
    LazyLock::force(&SM_CERTIFICATE);
    let world = World::new();
    world.set_now(now());
    world
}

fn sm_client(changes: Value) -> Client {
    client_in(&world(), sm_config(changes))
}

fn made(config: Value) -> Result<Client> {
    Client::new(config.to_string().as_bytes(), world().host())
}

fn signed_by(key: &Pair, serial: &str, body: &[u8]) -> Signed {
    let timestamp = now().to_string();
    let signature = base64::encode(&signature(key, &message(&timestamp, NONCE, body)));
    let headers = [
        ("Wechatpay-Timestamp", timestamp.as_str()),
        ("Wechatpay-Nonce", NONCE),
        ("Wechatpay-Signature", &signature),
        ("Wechatpay-Signature-Type", SCHEME),
        ("Wechatpay-Serial", serial),
    ];
    Signed {
        headers: headers.map(|(k, v)| (k.into(), v.into())).to_vec(),
        body: body.to_vec(),
    }
}

fn signed(body: &[u8]) -> Signed {
    signed_by(&SM_PLATFORM, SERIAL, body)
}

fn sealed(nonce: &str, aad: &str, plaintext: &[u8]) -> Value {
    let key = sm3(APIV3_KEY.as_bytes())[..16].try_into().unwrap();
    let iv = nonce.as_bytes().try_into().unwrap();
    let ciphertext = sm4_gcm_seal(&key, iv, aad.as_bytes(), plaintext).unwrap();
    json!({
        "original_type": "transaction",
        "algorithm": "AEAD_SM4_GCM",
        "ciphertext": base64::encode(&ciphertext),
        "associated_data": aad,
        "nonce": nonce,
    })
}

fn certificates(list: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(serial, pem): &(&str, &str)| {
        json!({
            "serial_no": serial,
            "encrypt_certificate": sealed("61f9c719728a", "certificate", pem.as_bytes()),
        })
    };
    json!({ "data": list.iter().map(entry).collect::<Vec<_>>() })
        .to_string()
        .into_bytes()
}

fn query_answer(client: &Client, answer: &Signed) -> Result<Value> {
    execute(client, QUERY, &query(ORDER), |_| Ok(answer.response(200))).map(|answer| answer.info())
}

fn open(client: &Client, signed: &Signed) -> Result<Vec<u8>> {
    client
        .open_notification(signed.lines(), &signed.body, b"")
        .map(|delivered| delivered.body.to_vec())
}

fn parts(request: &Request) -> platform::Authorization {
    let value = header(request, "Authorization").unwrap();
    let rest = value
        .strip_prefix(SCHEME)
        .expect("the scheme of the merchant");
    platform::parse_authorization(&format!("{}{rest}", platform::SCHEME))
}

#[test]
fn a_request_carries_the_scheme_and_a_signature_that_openssl_verifies() {
    let client = sm_client(json!({}));
    let request = drive::request(&client, JSAPI, &jsapi_order()).unwrap();
    let authorization = parts(&request);
    let message = [
        format!(
            "POST\n/v3/pay/transactions/jsapi\n{}\n{}\n",
            authorization.timestamp, authorization.nonce
        )
        .as_bytes(),
        &request.body,
        b"\n",
    ]
    .concat();
    assert!(is_signed_by(
        &SM_MERCHANT,
        &message,
        &authorization.signature
    ));
    assert!(!is_signed_by(
        &SM_STRANGER,
        &message,
        &authorization.signature
    ));
    assert_eq!(authorization.serial, MERCHANT_SERIAL);
    assert_eq!(header(&request, "Wechatpay-Serial"), Some(SERIAL));
}

#[test]
fn the_same_clock_and_randomness_give_the_same_bytes() {
    let world = world();
    let ask = || {
        world.set_random(|out| out.fill(7));
        let client = client_in(&world, sm_config(json!({})));
        let request = drive::request(&client, QUERY, &query(ORDER)).unwrap();
        header(&request, "Authorization").unwrap().to_owned()
    };
    assert_eq!(ask(), ask());
}

#[test]
fn an_answer_signed_with_sm2_is_believed() {
    let client = sm_client(json!({}));
    let body = transaction().to_string();
    for answer in [
        signed(body.as_bytes()),
        signed(body.as_bytes()).without("Wechatpay-Signature-Type"),
    ] {
        let info = query_answer(&client, &answer).unwrap();
        assert_eq!(info["serial"], SERIAL);
        assert_eq!(info["verified"], true);
    }
}

#[test]
fn the_configuration_alone_chooses_the_algorithm() {
    let body = transaction().to_string();
    let sm = sm_client(json!({}));
    let good = signed(body.as_bytes());
    for other in [platform::SCHEME, "WECHATPAY2-SM2-WITH-SM4", "SM2"] {
        let named = good.clone().with("Wechatpay-Signature-Type", other);
        let error = refused_as(Code::AlgorithmMismatch, query_answer(&sm, &named));
        assert_eq!(error.outcome(), Outcome::Unknown);
        refused_as(Code::AlgorithmMismatch, open(&sm, &named));
    }
    // An RSA merchant does not know the key either, and is not asked.
    let rsa = client_in(&world(), config(json!({})));
    refused_as(Code::AlgorithmMismatch, query_answer(&rsa, &good));
    refused_as(Code::AlgorithmMismatch, open(&rsa, &good));
}

#[test]
fn an_answer_of_somebody_else_or_another_body_is_refused() {
    let client = sm_client(json!({}));
    let body = transaction().to_string();
    let good = signed(body.as_bytes());
    let rsa = base64::encode(&openssl_rsa_signature(body.as_bytes()));
    for bad in [
        signed_by(&SM_STRANGER, SERIAL, body.as_bytes()),
        good.clone().with_body(body.replace("100", "101")),
        good.clone().with("Wechatpay-Nonce", "another"),
        good.clone().with("Wechatpay-Signature", &rsa),
        good.clone().with("Wechatpay-Signature", "AAAA"),
    ] {
        refused_as(Code::SignatureInvalid, query_answer(&client, &bad));
    }
    refused_as(
        Code::UnknownSerial,
        query_answer(&client, &good.clone().with("Wechatpay-Serial", NEXT_SERIAL)),
    );
    refused_as(
        Code::SignatureMissing,
        query_answer(&client, &good.without("Wechatpay-Signature")),
    );
}

fn openssl_rsa_signature(message: &[u8]) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.write("key.pem", PLATFORM.private.as_bytes());
    openssl::run(&["dgst", "-sha256", "-sign", &path], message)
}

#[test]
fn a_notification_is_verified_with_sm2_and_opened_with_sm4() {
    let client = sm_client(json!({}));
    let plaintext = transaction().to_string();
    let body = envelope(sealed("fdasflkja484", "transaction", plaintext.as_bytes())).to_string();
    let good = signed(body.as_bytes());
    assert_eq!(open(&client, &good).unwrap(), plaintext.as_bytes());

    let stranger = signed_by(&SM_STRANGER, SERIAL, body.as_bytes());
    refused_as(Code::SignatureInvalid, open(&client, &stranger));
    let other_key = json!({ "apiv3_key": "Xj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u" });
    refused_as(Code::DecryptionFailed, open(&sm_client(other_key), &good));
    let previous =
        json!({ "apiv3_key": "Xj7pGq2ZsX9vB4nR8tYcL1mK5hD3fA6u", "previous_apiv3_key": APIV3_KEY });
    assert!(open(&sm_client(previous), &good).is_ok());
}

#[test]
fn a_box_of_the_other_cipher_is_refused() {
    let client = sm_client(json!({}));
    let aes = platform::notification().to_string();
    let error = refused_as(
        Code::AlgorithmMismatch,
        open(&client, &signed(aes.as_bytes())),
    );
    assert_eq!(field(&error), "resource.algorithm");
    let renamed = aes.replace("AEAD_AES_256_GCM", "AEAD_SM4_GCM");
    refused_as(
        Code::DecryptionFailed,
        open(&client, &signed(renamed.as_bytes())),
    );
}

#[test]
fn the_first_certificates_are_asked_for_by_their_algorithm_and_verified_by_themselves() {
    let client = sm_client(json!({ "platform_certificates": null, "certificate_refresh": null }));
    let mut targets = Vec::new();
    let listed = certificates(&[(SERIAL, &SM_CERTIFICATE)]);
    let answer = execute(&client, QUERY, &query(ORDER), |request| {
        targets.push(request.target.clone());
        let body = match request.target.starts_with("/v3/certificates") {
            true => listed.clone(),
            false => transaction().to_string().into_bytes(),
        };
        Ok(signed(&body).response(200))
    })
    .unwrap();
    assert_eq!(targets[0], "/v3/certificates?algorithm_type=SM2");
    assert_eq!(targets.len(), 2);
    assert_eq!(answer.info()["serial"], SERIAL);
}

#[test]
fn certificates_that_are_not_what_they_should_be_are_refused() {
    let rsa = openssl::certificate(
        PLATFORM.private.as_bytes(),
        "/CN=platform",
        &["-set_serial", "0x1234"],
    );
    let own = sm2_certificate(&SM_MERCHANT, SERIAL, "/CN=platform");
    for (list, code) in [
        (
            certificates(&[("1234", &utf8(rsa))]),
            Code::CertificateInvalid,
        ),
        (
            certificates(&[(NEXT_SERIAL, &SM_CERTIFICATE)]),
            Code::CertificateInvalid,
        ),
        (certificates(&[(SERIAL, &own)]), Code::CertificateInvalid),
        (
            platform::certificates(APIV3_KEY, &[(SERIAL, &SM_CERTIFICATE)]),
            Code::AlgorithmMismatch,
        ),
    ] {
        let client =
            sm_client(json!({ "platform_certificates": null, "certificate_refresh": null }));
        let result = execute(&client, QUERY, &query(ORDER), |_| {
            Ok(signed(&list).response(200))
        });
        let error = refused_as(code, result);
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}

#[test]
fn only_a_certificate_of_a_pinned_issuer_is_taken() {
    let authority = sm2_certificate(&SM_PLATFORM, "01", "/CN=platform");
    assert!(made(sm_config(json!({ "platform_issuers": [authority] }))).is_ok());
    let same_name = sm2_certificate(&SM_STRANGER, "01", "/CN=platform");
    let error = refused_as(
        Code::KeyMismatch,
        made(sm_config(json!({ "platform_issuers": [same_name] }))),
    );
    assert_eq!(field(&error), "platform_certificates.0");
}

#[test]
fn a_sensitive_field_is_encrypted_for_the_platforms_key() {
    let client = sm_client(json!({}));
    let mut params = jsapi_order();
    params["body"]["payer"]["identity"] =
        json!({ "type": "IDCARD", "number": "110101199003074258", "name": PAYER_NAME });
    let request = drive::request(&client, JSAPI, &params).unwrap();
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    let folder = Folder::new();
    let path = folder.write("key.pem", SM_PLATFORM.private.as_bytes());
    let opened = |field: &str| {
        let text = sent["payer"]["identity"][field].as_str().unwrap();
        let ciphertext = base64::decode(text.as_bytes()).unwrap();
        openssl::run(&["pkeyutl", "-decrypt", "-inkey", &path], &ciphertext)
    };
    assert_eq!(opened("name"), PAYER_NAME.as_bytes());
    assert_eq!(opened("number"), b"110101199003074258");
}

#[test]
fn a_public_key_of_the_platform_serves_as_well() {
    let client = sm_client(json!({
        "platform_certificates": null,
        "platform_public_keys": { PUBLIC_KEY_ID: SM_PLATFORM.public },
    }));
    let answer = signed_by(
        &SM_PLATFORM,
        PUBLIC_KEY_ID,
        transaction().to_string().as_bytes(),
    );
    assert_eq!(
        query_answer(&client, &answer).unwrap()["serial"],
        PUBLIC_KEY_ID
    );
}

#[test]
fn a_key_of_the_other_scheme_is_refused_where_it_stands() {
    let sm2_merchant = sm2_certificate(&SM_MERCHANT, MERCHANT_SERIAL, "/CN=merchant");
    let rsa = [
        ("private_key", json!(MERCHANT.private)),
        ("merchant_certificate", json!(*MERCHANT_CERTIFICATE)),
        ("platform_certificates", json!([*PLATFORM_CERTIFICATE])),
        (
            "platform_public_keys",
            json!({ PUBLIC_KEY_ID: PLATFORM.public }),
        ),
        ("platform_issuers", json!([*PLATFORM_CERTIFICATE])),
    ];
    for (key, value) in rsa {
        let error = refused_as(Code::KeyUnsupported, made(sm_config(json!({ key: value }))));
        assert!(field(&error).starts_with(key), "{error:?}");
        names_both(&error);
        assert!(
            error
                .detail("hint")
                .unwrap()
                .as_str()
                .unwrap()
                .contains(SCHEME)
        );
    }
    let sm2 = [
        ("private_key", json!(SM_MERCHANT.private)),
        ("merchant_certificate", json!(sm2_merchant)),
        ("platform_certificates", json!([*SM_CERTIFICATE])),
        (
            "platform_public_keys",
            json!({ PUBLIC_KEY_ID: SM_PLATFORM.public }),
        ),
    ];
    for (key, value) in sm2 {
        let error = refused_as(Code::KeyUnsupported, made(config(json!({ key: value }))));
        assert!(field(&error).starts_with(key), "{error:?}");
        names_both(&error);
        assert!(
            error
                .detail("hint")
                .unwrap()
                .as_str()
                .unwrap()
                .contains("WECHATPAY2-SHA256-RSA2048")
        );
    }
}

fn names_both(error: &Error) {
    let message = error.message();
    assert!(
        message.contains("RSA") && message.contains("SM2"),
        "{error:?}"
    );
}

#[test]
fn parts_that_do_not_fit_each_other_are_refused() {
    let certificate = sm2_certificate(&SM_MERCHANT, MERCHANT_SERIAL, "/CN=merchant");
    assert!(
        made(sm_config(
            json!({ "merchant_certificate": certificate, "merchant_serial": null })
        ))
        .is_ok()
    );
    refused_as(
        Code::KeyMismatch,
        made(sm_config(
            json!({ "merchant_certificate": certificate, "private_key": SM_STRANGER.private }),
        )),
    );
    refused_as(
        Code::KeyRole,
        made(sm_config(json!({ "private_key": SM_MERCHANT.public }))),
    );
    let own = sm2_certificate(&SM_MERCHANT, SERIAL, "/CN=platform");
    refused_as(
        Code::KeyRole,
        made(sm_config(json!({ "platform_certificates": [own] }))),
    );
}

#[test]
fn a_scheme_that_does_not_exist_is_refused() {
    for scheme in ["SM2", "wechatpay2-sm2-with-sm3", "RSA"] {
        let error = refused_as(
            Code::ConfigInvalid,
            made(sm_config(json!({ "scheme": scheme }))),
        );
        assert_eq!(field(&error), "scheme");
    }
    assert!(made(config(json!({ "scheme": platform::SCHEME }))).is_ok());
}

/// Signs as a machine would that holds the key.
struct Kept;

impl Signer for Kept {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        Ok(signature(&SM_MERCHANT, message))
    }
}

#[test]
fn the_hosts_signer_signs_with_sm2() {
    let mut host = world().host();
    host.signer = Some(Box::new(Kept));
    let config = sm_config(json!({ "private_key": null })).to_string();
    let client = Client::new(config.as_bytes(), host).unwrap();
    let request = drive::request(&client, QUERY, &query(ORDER)).unwrap();
    let authorization = parts(&request);
    let message = format!(
        "GET\n{}\n{}\n{}\n\n",
        request.target, authorization.timestamp, authorization.nonce
    );
    assert!(is_signed_by(
        &SM_MERCHANT,
        message.as_bytes(),
        &authorization.signature
    ));
}

/// Gives so many bytes.
struct Bytes(usize);

impl Signer for Bytes {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>> {
        Ok(vec![1; self.0])
    }
}

#[test]
fn what_cannot_be_a_signature_of_the_scheme_is_not_sent() {
    let ask = |config: Value, length: usize| {
        let mut host = world().host();
        host.signer = Some(Box::new(Bytes(length)));
        let client = Client::new(config.to_string().as_bytes(), host).unwrap();
        drive::request(&client, QUERY, &query(ORDER))
    };
    let sm2 = || sm_config(json!({ "private_key": null }));
    let rsa = || config(json!({ "private_key": null }));
    for (config, length) in [
        (sm2(), 0),
        (sm2(), 7),
        (sm2(), 73),
        (sm2(), 256),
        (rsa(), 72),
        (rsa(), 255),
    ] {
        let error = refused_as(Code::SignerFailed, ask(config, length));
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    assert!(ask(sm2(), 72).is_ok());
    assert!(ask(rsa(), 256).is_ok());
}

#[test]
fn the_cashier_is_told_the_sign_type_that_the_merchant_was_told() {
    let client = sm_client(json!({}));
    let invoke = |kind: &str, params: Value| {
        client
            .invoke(kind, params.to_string().as_bytes())
            .map(Value::Object)
    };
    let page = invoke("jsapi", json!({ "prepay_id": "wx1", "signType": "SM2" })).unwrap();
    assert_eq!(page["signType"], "SM2");
    let line = |value: &Value| value.as_str().unwrap().to_owned();
    let message = [
        &page["appId"],
        &page["timeStamp"],
        &page["nonceStr"],
        &page["package"],
    ]
    .map(line)
    .join("\n");
    assert!(is_signed_by(
        &SM_MERCHANT,
        format!("{message}\n").as_bytes(),
        &line(&page["paySign"])
    ));

    let error = refused_as(
        Code::ParamsInvalid,
        invoke("jsapi", json!({ "prepay_id": "wx1" })),
    );
    assert_eq!(field(&error), "signType");
    assert!(
        invoke("app", json!({ "prepay_id": "wx1" })).is_ok(),
        "an app is told none"
    );

    let rsa = client_in(&world(), config(json!({})));
    let given = json!({ "prepay_id": "wx1", "signType": "SM2" }).to_string();
    refused_as(Code::ParamsInvalid, rsa.invoke("jsapi", given.as_bytes()));
}

#[test]
fn a_broken_source_of_randomness_is_named() {
    let world = world();
    let client = client_in(&world, sm_config(json!({})));
    world.break_random(true);
    let error = refused(drive::request(&client, QUERY, &query(ORDER)));
    assert_eq!(error.code(), Code::CallbackFailed);
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn a_sensitive_field_of_an_answer_is_decrypted_with_our_key() {
    let client = sm_client(json!({}));
    let sealed_for = |key: &Pair| {
        let folder = Folder::new();
        let path = folder.write("key.pem", key.public.as_bytes());
        let arguments = ["pkeyutl", "-encrypt", "-pubin", "-inkey", &path];
        base64::encode(&openssl::run(&arguments, b"13800138000"))
    };
    let ask = |phone: &str| {
        let body = json!({ "complaint_id": "1", "payer_phone": phone }).to_string();
        let params = json!({ "path": { "complaint_id": "1" } });
        execute(
            &client,
            "GET /v3/merchant-service/complaints-v2/{complaint_id}",
            &params,
            |_| Ok(signed(body.as_bytes()).response(200)),
        )
    };
    let answer = ask(&sealed_for(&SM_MERCHANT)).unwrap();
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["payer_phone"], "13800138000");
    assert_eq!(answer.info()["decrypted"], json!(["payer_phone"]));
    let error = refused_as(Code::DecryptionFailed, ask(&sealed_for(&SM_STRANGER)));
    assert_eq!(error.outcome(), Outcome::Unknown);
}
