//! `--scheme sm2`: the same platform in 国密. openssl is the merchant.

use std::fs;
use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::stage::{Answer, Reply, Request, Sandbox, Shop, empty_dir, now, openssl, program};

const SCHEME: &str = "WECHATPAY2-SM2-WITH-SM3";
const USER_ID: &str = "distid:1234567812345678";

fn start() -> Sandbox {
    Sandbox::start_in(&empty_dir(), &["--speed", "1000", "--scheme", "sm2"])
}

/// A request as the merchant signs it, before it is sent.
fn signed(sandbox: &Sandbox, method: &str, target: &str, body: &str) -> Request {
    let config = sandbox.config();
    let timestamp = now();
    let message = format!("{method}\n{target}\n{timestamp}\nNONCE\n{body}\n");
    let key = sandbox.dir.join("apiclient_key.pem");
    let arguments = [
        "dgst",
        "-sm3",
        "-sign",
        key.to_str().unwrap(),
        "-sigopt",
        USER_ID,
    ];
    let signature = STANDARD.encode(openssl(&arguments, message.as_bytes()).unwrap());
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let authorization = format!(
        r#"{SCHEME} mchid="{}",nonce_str="NONCE",signature="{signature}",timestamp="{timestamp}",serial_no="{}""#,
        text("mchid"),
        text("merchant_serial")
    );
    let request = Request::new(method, target, body.as_bytes())
        .with("Accept", "application/json")
        .with("User-Agent", "merchant/1")
        .with("Authorization", &authorization);
    match method {
        "POST" => request.with("Content-Type", "application/json"),
        _ => request,
    }
}

fn ask(sandbox: &Sandbox, method: &str, target: &str, body: &str) -> Answer {
    let answer = signed(sandbox, method, target, body)
        .send(sandbox.port)
        .unwrap();
    assert!(
        is_verified(sandbox, |name| answer.header(name), &answer.body),
        "{}",
        answer.text()
    );
    answer
}

/// Whether the platform signed it with the certificate it names.
fn is_verified<'a>(
    sandbox: &Sandbox,
    header: impl Fn(&str) -> Option<&'a str>,
    body: &[u8],
) -> bool {
    let text = |name: &str| header(name).unwrap().to_owned();
    assert_eq!(text("Wechatpay-Signature-Type"), SCHEME);
    let certificate = sandbox
        .dir
        .join(format!("wechatpay_{}.pem", text("Wechatpay-Serial")));
    let mut message = format!(
        "{}\n{}\n",
        text("Wechatpay-Timestamp"),
        text("Wechatpay-Nonce")
    )
    .into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    verifies(&certificate, &message, &text("Wechatpay-Signature"))
}

fn verifies(certificate: &Path, message: &[u8], signature: &str) -> bool {
    let beside = empty_dir();
    let file = |name: &str, contents: &[u8]| {
        let path = beside.join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let name = certificate.to_str().unwrap();
    let key = openssl(&["x509", "-in", name, "-pubkey", "-noout"], b"").unwrap();
    let (key, signature) = (
        file("key.pem", &key),
        file("signature", &STANDARD.decode(signature).unwrap()),
    );
    let arguments = [
        "dgst",
        "-sm3",
        "-verify",
        &key,
        "-sigopt",
        USER_ID,
        "-signature",
        &signature,
    ];
    openssl(&arguments, message).is_some()
}

/// What is in a box, by the cipher under it: openssl offers no GCM, but its keystream.
fn opened(sandbox: &Sandbox, resource: &Value) -> Vec<u8> {
    assert_eq!(resource["algorithm"], "AEAD_SM4_GCM");
    let apiv3_key = sandbox.config()["apiv3_key"].as_str().unwrap().to_owned();
    let hash = openssl(&["dgst", "-sm3", "-binary"], apiv3_key.as_bytes()).unwrap();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let nonce = resource["nonce"].as_str().unwrap().as_bytes();
    let counter = [nonce, &[0, 0, 0, 2]].concat();
    let sealed = STANDARD
        .decode(resource["ciphertext"].as_str().unwrap())
        .unwrap();
    let arguments = [
        "enc",
        "-d",
        "-sm4-ctr",
        "-K",
        &hex(&hash[..16]),
        "-iv",
        &hex(&counter),
    ];
    openssl(&arguments, &sealed[..sealed.len() - 16]).unwrap()
}

fn order(sandbox: &Sandbox, notify_url: &str) -> String {
    let config = sandbox.config();
    json!({
        "appid": config["appid"], "mchid": config["mchid"], "description": "茶",
        "out_trade_no": "order-0001", "notify_url": notify_url, "amount": { "total": 100 },
    })
    .to_string()
}

#[test]
fn the_configuration_says_the_scheme_and_has_certificates_only() {
    let sandbox = start();
    let config = sandbox.config();
    assert_eq!(config["scheme"], SCHEME);
    assert!(config.get("platform_public_keys").is_none());
    let certificate = config["merchant_certificate"].as_str().unwrap();
    let text = openssl(&["x509", "-noout", "-text"], certificate.as_bytes()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("ASN1 OID: SM2"), "{text}");
    assert!(text.contains("Signature Algorithm: SM2-with-SM3"), "{text}");
}

#[test]
fn a_request_signed_with_sm2_is_answered_in_kind() {
    let sandbox = start();
    let target = "/v3/pay/transactions/native";
    let answer = ask(
        &sandbox,
        "POST",
        target,
        &order(&sandbox, "http://127.0.0.1:9/"),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let refused = signed(
        &sandbox,
        "POST",
        target,
        &order(&sandbox, "http://127.0.0.1:9/"),
    )
    .with("Authorization", "WECHATPAY2-SHA256-RSA2048 mchid=\"1\"")
    .send(sandbox.port)
    .unwrap();
    assert_eq!(refused.status, 401);
}

#[test]
fn a_changed_request_is_refused() {
    let sandbox = start();
    let target = "/v3/pay/transactions/native";
    let mut request = signed(
        &sandbox,
        "POST",
        target,
        &order(&sandbox, "http://127.0.0.1:9/"),
    );
    request.body = String::from_utf8(request.body.clone())
        .unwrap()
        .replace("100", "101")
        .into_bytes();
    let answer = request.send(sandbox.port).unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["code"], "SIGN_ERROR");
}

#[test]
fn certificates_are_listed_for_their_algorithm() {
    let sandbox = start();
    let list = |query: &str| ask(&sandbox, "GET", &format!("/v3/certificates{query}"), "");
    for query in ["?algorithm_type=SM2", "?algorithm_type=ALL"] {
        let answer = list(query);
        assert_eq!(answer.status, 200);
        for entry in answer.json()["data"].as_array().unwrap() {
            let file = format!("wechatpay_{}.pem", entry["serial_no"].as_str().unwrap());
            let pem = fs::read(sandbox.dir.join(file)).unwrap();
            assert_eq!(opened(&sandbox, &entry["encrypt_certificate"]), pem);
        }
    }
    assert_eq!(list("").status, 404, "without it RSA is meant");
    assert_eq!(list("?algorithm_type=RSA").status, 404);
}

#[test]
fn a_notification_is_signed_with_sm2_and_sealed_with_sm4() {
    let sandbox = start();
    let shop = Shop::open(&[Reply::Status(204)]);
    let target = "/v3/pay/transactions/native";
    ask(&sandbox, "POST", target, &order(&sandbox, &shop.notify_url));
    let transaction = sandbox.pay("order-0001");
    let notification = shop.next();
    let body = notification.body.as_ref().unwrap();
    assert!(is_verified(
        &sandbox,
        |name| notification.header(name),
        body
    ));
    let envelope: Value = serde_json::from_slice(body).unwrap();
    let plaintext = opened(&sandbox, &envelope["resource"]);
    assert_eq!(
        serde_json::from_slice::<Value>(&plaintext).unwrap(),
        transaction
    );
}

#[test]
fn a_folder_keeps_its_scheme() {
    let sandbox = start();
    let dir = sandbox.dir.clone();
    drop(sandbox);
    let again = Sandbox::start_in(&dir, &[]);
    assert_eq!(again.config()["scheme"], SCHEME);
    drop(again);
    let other = program()
        .args(["--dir", dir.to_str().unwrap(), "--scheme", "rsa"])
        .output()
        .unwrap();
    assert!(!other.status.success());
    assert!(String::from_utf8_lossy(&other.stderr).contains("--scheme"));
}

#[test]
fn what_was_signed_otherwise_is_found_without_a_digest_in_the_signature() {
    let sandbox = start();
    let target = "/v3/pay/transactions/native?a=1";
    let body = r#"{"description": "茶"}"#;
    let key = sandbox.dir.join("apiclient_key.pem");
    let sign = |text: &str| {
        let key = key.to_str().unwrap();
        let arguments = ["dgst", "-sm3", "-sign", key, "-sigopt", USER_ID];
        openssl(&arguments, text.as_bytes()).unwrap()
    };
    let refused = |signature: &[u8], timestamp: i64| {
        let request = signed(&sandbox, "POST", target, body);
        let line = request.header("Authorization").unwrap();
        let field = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0
        };
        let line = line
            .replace(field("signature"), &STANDARD.encode(signature))
            .replace(field("timestamp"), &timestamp.to_string());
        let request = request.with("Authorization", &line);
        assert_eq!(request.send(sandbox.port).unwrap().status, 401);
        sandbox.look("/exchanges")[0]["refusal"].clone()
    };
    let at = now();
    let right = format!("POST\n{target}\n{at}\nNONCE\n{body}\n");
    let compact = r#"{"description":"茶"}"#;
    for (text, cause, line) in [
        (right.replace("?a=1", ""), "QUERY_LEFT_OUT", Some(2)),
        (right.replace(body, compact), "BODY_WRITTEN_AGAIN", Some(5)),
        (right.trim_end().to_owned(), "LAST_NEWLINE_MISSING", Some(5)),
        (right.replace("茶", "水"), "NOTHING_FITS", None),
    ] {
        let refusal = refused(&sign(&text), at);
        assert_eq!(refusal["cause"], cause);
        assert_eq!(refusal["differences"][0]["line"].as_u64(), line, "{cause}");
    }
    // r and s side by side, cut out of the DER that openssl makes.
    let der = sign(&right);
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        [&[0; 32][digits.len()..], digits].concat()
    };
    let second = 4 + usize::from(der[3]);
    let raw = [number(2), number(second)].concat();
    assert_eq!(refused(&raw, at)["cause"], "SIGNATURE_NOT_DER");
}
