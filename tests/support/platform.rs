//! The other side: signs, encrypts and verifies as WeChat Pay does, with the engine that payseal itself does not use by default.

use std::sync::LazyLock;

use payseal::crypto::awslc::AwsLc;
use payseal::crypto::engine::Engine;
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{RsaPrivateKey, RsaPublicKey, Verdict, base64};
use payseal::wire::{Headers, Request, Response};
use serde_json::{Value, json};

use super::merchant::{self, NOW, Pair};

pub const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
pub const NONCE: &str = "c5ac7061fccab6bf3e254dcf98995b8c";

/// A key of the platform, and the serial under which it signs.
pub struct Platform<E: Engine = RustCrypto> {
    pub serial: String,
    key: RsaPrivateKey<E>,
}

/// The same key as [`BY_PUBLIC_KEY`], by payseal's own engine: for tests that need many thousand signatures and are not about signatures.
pub static QUICK: LazyLock<Platform<AwsLc>> =
    LazyLock::new(|| Platform::by_engine(&merchant::PLATFORM, merchant::PUBLIC_KEY_ID));

pub static BY_PUBLIC_KEY: LazyLock<Platform> =
    LazyLock::new(|| Platform::new(&merchant::PLATFORM, merchant::PUBLIC_KEY_ID));
pub static BY_CERTIFICATE: LazyLock<Platform> =
    LazyLock::new(|| Platform::new(&merchant::CERTIFIED, merchant::PLATFORM_SERIAL));
pub static BY_NEXT: LazyLock<Platform> =
    LazyLock::new(|| Platform::new(&merchant::NEXT, merchant::NEXT_SERIAL));

/// A message with the header fields of its signature.
#[derive(Clone)]
pub struct Signed {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Platform {
    pub fn new(pair: &Pair, serial: &str) -> Platform {
        Platform::by_engine(pair, serial)
    }
}

impl<E: Engine> Platform<E> {
    fn by_engine(pair: &Pair, serial: &str) -> Platform<E> {
        Platform {
            serial: serial.to_owned(),
            key: RsaPrivateKey::parse(pair.private.as_bytes()).unwrap(),
        }
    }

    /// Base64 of the signature over `message`.
    pub fn sign(&self, message: &[u8]) -> String {
        base64::encode(&self.key.sign_sha256(message).unwrap())
    }

    pub fn signed(&self, body: impl Into<Vec<u8>>) -> Signed {
        self.signed_at(&NOW.to_string(), body)
    }

    /// Signed with this timestamp, whatever it looks like.
    pub fn signed_at(&self, timestamp: &str, body: impl Into<Vec<u8>>) -> Signed {
        let body = body.into();
        let headers = [
            ("Wechatpay-Timestamp", timestamp),
            ("Wechatpay-Nonce", NONCE),
            (
                "Wechatpay-Signature",
                &self.sign(&message(timestamp, NONCE, &body)),
            ),
            ("Wechatpay-Signature-Type", SCHEME),
            ("Wechatpay-Serial", &self.serial),
        ];
        Signed {
            headers: headers.map(|(k, v)| (k.into(), v.into())).to_vec(),
            body,
        }
    }

    pub fn answer(&self, status: u16, body: impl Into<Vec<u8>>) -> Response {
        self.signed(body).response(status)
    }

    pub fn json(&self, status: u16, body: Value) -> Response {
        self.answer(status, body.to_string())
    }
}

/// Three lines, each ended by a line feed.
pub fn message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    [
        timestamp.as_bytes(),
        b"\n",
        nonce.as_bytes(),
        b"\n",
        body,
        b"\n",
    ]
    .concat()
}

impl Signed {
    pub fn get(&self, name: &str) -> &str {
        let field = self.headers.iter().find(|(n, _)| n == name);
        &field.unwrap_or_else(|| panic!("there is no {name}")).1
    }

    pub fn with(mut self, name: &str, value: &str) -> Signed {
        self.headers.retain(|(n, _)| n != name);
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn and(mut self, name: &str, value: &str) -> Signed {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Signed {
        self.headers.retain(|(n, _)| n != name);
        self
    }

    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Signed {
        self.body = body.into();
        self
    }

    /// `Name: value` lines.
    pub fn lines(&self) -> String {
        let line = |(name, value): &(String, String)| format!("{name}: {value}\n");
        self.headers.iter().map(line).collect()
    }

    pub fn response(&self, status: u16) -> Response {
        let mut headers = Headers::new();
        for (name, value) in &self.headers {
            headers.push(name, value);
        }
        Response {
            status,
            headers,
            body: self.body.clone(),
        }
    }

    /// The whole HTTP/1.1 message.
    pub fn http(&self, status: u16) -> Vec<u8> {
        let (lines, length) = (self.lines().replace('\n', "\r\n"), self.body.len());
        let head = format!(
            "HTTP/1.1 {status} Whatever\r\n{lines}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &self.body].concat()
    }
}

/// An answer without any signature, as load balancers give.
pub fn unsigned(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Headers::new(),
        body: body.into(),
    }
}

/// `{algorithm, nonce, associated_data, ciphertext}`, encrypted with an APIv3 key.
pub fn sealed(apiv3_key: &str, nonce: &str, aad: &str, plaintext: &[u8]) -> Value {
    let key = apiv3_key.as_bytes().try_into().unwrap();
    let iv = nonce.as_bytes().try_into().unwrap();
    let ciphertext =
        RustCrypto::aes_256_gcm_seal(key, iv, aad.as_bytes(), plaintext).expect("sealed");
    json!({
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64::encode(&ciphertext),
        "associated_data": aad,
        "nonce": nonce,
    })
}

pub fn transaction() -> Value {
    json!({
        "mchid": merchant::MCHID,
        "appid": merchant::APPID,
        "out_trade_no": merchant::ORDER,
        "transaction_id": "4200001234202311141234567890",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "amount": { "total": 100, "payer_total": 100, "currency": "CNY" },
    })
}

/// The body of a notification that a payment succeeded.
pub fn notification() -> Value {
    envelope(sealed(
        merchant::APIV3_KEY,
        "fdasflkja484",
        "transaction",
        transaction().to_string().as_bytes(),
    ))
}

pub fn envelope(resource: Value) -> Value {
    json!({
        "id": "EV-2018022511223320873",
        "create_time": "2023-11-14T22:13:20+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": resource,
    })
}

/// The body of `GET /v3/certificates`: claimed serial and PEM of each.
pub fn certificates(apiv3_key: &str, list: &[(&str, &str)]) -> Vec<u8> {
    let entry = |(serial, pem): &(&str, &str)| {
        json!({
            "serial_no": serial,
            "effective_time": "2020-01-01T00:00:00+08:00",
            "expire_time": "2050-01-01T00:00:00+08:00",
            "encrypt_certificate": sealed(apiv3_key, "61f9c719728a", "certificate", pem.as_bytes()),
        })
    };
    let data: Vec<Value> = list.iter().map(entry).collect();
    json!({ "data": data }).to_string().into_bytes()
}

/// The five parts of the `Authorization` of a request.
#[derive(Debug)]
pub struct Authorization {
    pub mchid: String,
    pub nonce: String,
    pub signature: String,
    pub timestamp: String,
    pub serial: String,
}

pub fn authorization(request: &Request) -> Authorization {
    let header = header(request, "Authorization").expect("an Authorization");
    parse_authorization(header)
}

pub fn parse_authorization(header: &str) -> Authorization {
    let rest = header.strip_prefix(SCHEME).expect("the scheme");
    let mut parts = std::collections::HashMap::new();
    for pair in rest.trim().split(',') {
        let (key, value) = pair.split_once('=').unwrap();
        let value = value.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        assert!(
            parts.insert(key, value.to_owned()).is_none(),
            "{key} is there twice"
        );
    }
    let mut take = |key| parts.remove(key).unwrap_or_else(|| panic!("no {key}"));
    let authorization = Authorization {
        mchid: take("mchid"),
        nonce: take("nonce_str"),
        signature: take("signature"),
        timestamp: take("timestamp"),
        serial: take("serial_no"),
    };
    assert!(parts.is_empty(), "{parts:?} has no place there");
    authorization
}

pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut values = request.headers.iter().filter(|(n, _)| *n == name);
    let first = values.next();
    assert!(values.next().is_none(), "{name} is there twice");
    first.map(|(_, value)| value.as_str())
}

/// Verifies a request's signature as the provider does, over `signed_body`.
#[track_caller]
pub fn verify(request: &Request, signed_body: &[u8]) -> Authorization {
    let authorization = authorization(request);
    let mut message = format!(
        "{}\n{}\n{}\n{}\n",
        request.method, request.target, authorization.timestamp, authorization.nonce
    )
    .into_bytes();
    message.extend_from_slice(signed_body);
    message.push(b'\n');
    let signature = base64::decode(authorization.signature.as_bytes()).unwrap();
    assert_eq!(
        merchant_key().verify_sha256(&message, &signature),
        Verdict::Valid,
        "the signature does not fit {:?}",
        String::from_utf8_lossy(&message)
    );
    authorization
}

/// The public half of the merchant's key, in the other engine.
pub fn merchant_key() -> &'static RsaPublicKey<RustCrypto> {
    static KEY: LazyLock<RsaPublicKey<RustCrypto>> =
        LazyLock::new(|| RsaPublicKey::parse(merchant::MERCHANT.public.as_bytes()).unwrap());
    &KEY
}
