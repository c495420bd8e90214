//! What counts as a signature of the platform, in answers: only the very thing.

use payseal::crypto::base64;
use payseal::wire::Response;
use payseal::{Client, Code, Error, Outcome};
use serde_json::json;

use crate::support::drive::execute;
use crate::support::merchant::{self, *};
use crate::support::openssl;
use crate::support::platform::{
    BY_CERTIFICATE, BY_NEXT, BY_PUBLIC_KEY, NONCE, Platform, SCHEME, Signed, message, notification,
    transaction, unsigned,
};
use crate::support::{field, refused};

fn signed() -> Signed {
    BY_PUBLIC_KEY.signed(transaction().to_string())
}

fn client() -> Client {
    merchant::client(config(json!({}))).0
}

fn ask(client: &Client, response: Response) -> Result<payseal::call::Delivered, Error> {
    let mut answers = vec![response];
    execute(client, QUERY, &query(ORDER), |_| {
        Ok(answers.pop().expect("only one request is made"))
    })
}

/// The answer is not believed: nothing is handed out, and money may have moved.
#[track_caller]
fn disbelieved(client: &Client, response: Response) -> Error {
    let error = refused(ask(client, response));
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    assert_eq!(
        error.detail("provider_code"),
        None,
        "something of an unverified answer was handed out"
    );
    error
}

#[track_caller]
fn disbelieved_as(code: Code, client: &Client, response: Response) -> Error {
    let error = disbelieved(client, response);
    assert_eq!(error.code(), code, "{error:?}");
    error
}

#[test]
fn answers_by_public_key_and_by_certificate_are_both_believed() {
    let client = client();
    for platform in [&*BY_PUBLIC_KEY, &*BY_CERTIFICATE] {
        let body = transaction().to_string();
        let answer = ask(&client, platform.answer(200, body.clone())).unwrap();
        assert_eq!(*answer.body, body.as_bytes());
        assert_eq!(answer.info()["verified"], true);
        assert_eq!(answer.info()["serial"], platform.serial);
    }
}

#[test]
fn an_answer_without_a_signature_is_not_believed() {
    let client = client();
    let body = transaction().to_string();
    disbelieved_as(Code::SignatureMissing, &client, unsigned(200, &body));
    for name in [
        "Wechatpay-Signature",
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
    ] {
        let error = disbelieved_as(
            Code::SignatureMissing,
            &client,
            signed().without(name).response(200),
        );
        assert_eq!(field(&error), name.to_lowercase());
        disbelieved_as(
            Code::SignatureMissing,
            &client,
            signed().with(name, "").response(200),
        );
    }
}

#[test]
fn every_proper_prefix_of_a_signature_is_refused() {
    let client = client();
    let good = signed();
    let whole = base64::decode(good.get("Wechatpay-Signature").as_bytes()).unwrap();
    for length in 0..whole.len() {
        let cut = base64::encode(&whole[..length]);
        disbelieved(
            &client,
            good.clone().with("Wechatpay-Signature", &cut).response(200),
        );
    }
    let text = good.get("Wechatpay-Signature").to_owned();
    for length in 1..text.len() {
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone()
                .with("Wechatpay-Signature", &text[..length])
                .response(200),
        );
    }
}

#[test]
fn lenient_base64_is_refused() {
    let client = client();
    let good = signed();
    let text = good.get("Wechatpay-Signature").to_owned();
    let unpadded = text.trim_end_matches('=').to_owned();
    let last = unpadded.pop_last();
    let forms = [
        unpadded.clone(),
        text.replace('+', "-").replace('/', "_"),
        format!("{} {}", &text[..9], &text[9..]),
        format!("{}\t{}", &text[..9], &text[9..]),
        format!("{text}{text}"),
        format!("{text}="),
        format!("{text}AAAA"),
        format!("={text}"),
        format!("{text}\u{a0}"),
        format!("{last}=="),
        format!("\"{text}\""),
    ];
    for form in forms.into_iter().filter(|form| *form != text) {
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone()
                .with("Wechatpay-Signature", &form)
                .response(200),
        );
    }
}

trait PopLast {
    /// Itself with non-zero bits behind the last byte.
    fn pop_last(&self) -> String;
}

impl PopLast for String {
    fn pop_last(&self) -> String {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let last = self.as_bytes()[self.len() - 1];
        let at = ALPHABET.iter().position(|c| *c == last).unwrap();
        format!("{}{}", &self[..self.len() - 1], ALPHABET[at | 1] as char)
    }
}

#[test]
fn a_signature_of_impossible_size_or_value_is_refused() {
    let client = client();
    let modulus = modulus_of(&PLATFORM);
    let minus_one = {
        let mut n = modulus.clone();
        *n.last_mut().unwrap() -= 1; // odd, so no borrow
        n
    };
    let one = [vec![0; 255], vec![1]].concat();
    let good = base64::decode(signed().get("Wechatpay-Signature").as_bytes()).unwrap();
    let sum = plus(&good, &modulus);
    for bad in [
        vec![0; 256],
        one,
        minus_one,
        modulus,
        vec![0xFF; 256],
        sum,
        [&[0], good.as_slice()].concat(),
        [good.as_slice(), &[0]].concat(),
        vec![0; 512],
        vec![7; 1 << 16],
    ] {
        let text = base64::encode(&bad);
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            signed().with("Wechatpay-Signature", &text).response(200),
        );
    }
}

fn modulus_of(pair: &Pair) -> Vec<u8> {
    let printed = openssl::run(
        &["rsa", "-pubin", "-noout", "-modulus"],
        pair.public.as_bytes(),
    );
    let hex = String::from_utf8(printed).unwrap();
    let hex = hex.trim().strip_prefix("Modulus=").unwrap().to_owned();
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// The sum of two big-endian numbers: the same signature modulo n, if it may be longer.
fn plus(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0u16;
    let mut sum: Vec<u8> = a
        .iter()
        .zip(b)
        .rev()
        .map(|(x, y)| {
            carry += u16::from(*x) + u16::from(*y);
            let digit = carry as u8;
            carry >>= 8;
            digit
        })
        .collect();
    if carry > 0 {
        sum.push(carry as u8);
    }
    sum.reverse();
    sum
}

#[test]
fn another_padding_or_digest_of_the_right_key_is_refused() {
    let client = client();
    let folder = openssl::Folder::new();
    let key = folder.write("key.pem", PLATFORM.private.as_bytes());
    let good = signed();
    let text = message(&NOW.to_string(), NONCE, &good.body);
    for arguments in [
        &["dgst", "-sha1", "-sign", &key][..],
        &["dgst", "-sha512", "-sign", &key],
        &["dgst", "-md5", "-sign", &key],
        &[
            "dgst",
            "-sha256",
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sign",
            &key,
        ],
    ] {
        let other = base64::encode(&openssl::run(arguments, &text));
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone()
                .with("Wechatpay-Signature", &other)
                .response(200),
        );
    }
    // The digest itself, without the DigestInfo that names its algorithm; and with one whose NULL is missing.
    let digest = payseal::crypto::sha256(&text);
    let oid = b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    let missing_null = [b"\x30\x2f".as_slice(), oid, b"\x04\x20", &digest].concat();
    for content in [digest.to_vec(), missing_null] {
        let raw = openssl::run(
            &[
                "pkeyutl",
                "-sign",
                "-inkey",
                &key,
                "-pkeyopt",
                "rsa_padding_mode:pkcs1",
            ],
            &content,
        );
        let text = base64::encode(&raw);
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone()
                .with("Wechatpay-Signature", &text)
                .response(200),
        );
    }
}

#[test]
fn the_key_is_the_one_with_the_received_serial_and_no_other() {
    let client = client();
    // Genuine signatures, under the serial of the other key that is also known.
    for (platform, serial) in [
        (&*BY_PUBLIC_KEY, PLATFORM_SERIAL),
        (&*BY_CERTIFICATE, PUBLIC_KEY_ID),
    ] {
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            platform
                .signed(transaction().to_string())
                .with("Wechatpay-Serial", serial)
                .response(200),
        );
    }
}

#[test]
fn an_unknown_serial_is_refused_and_named() {
    let client = client();
    let stranger = Platform::new(&STRANGER, NEXT_SERIAL);
    let error = disbelieved_as(
        Code::UnknownSerial,
        &client,
        stranger.answer(200, transaction().to_string()),
    );
    assert_eq!(error.detail("serial").unwrap(), NEXT_SERIAL);
    disbelieved_as(
        Code::UnknownSerial,
        &client,
        BY_NEXT.answer(200, transaction().to_string()),
    );
}

#[test]
fn a_serial_that_is_none_is_refused() {
    let client = client();
    for serial in [
        "not hex",
        "0x0761F9",
        "07:61",
        "PUB_KEY_ID_",
        "PUB_KEY_ID_12a",
        "pub_key_id_0119000072912024111300111600002187",
        "../../etc/passwd",
        "０７６１",
        &"A".repeat(41),
        &"1".repeat(10_000),
    ] {
        disbelieved_as(
            Code::HeaderInvalid,
            &client,
            signed().with("Wechatpay-Serial", serial).response(200),
        );
    }
}

#[test]
fn a_serial_is_compared_as_a_number() {
    let client = client();
    for spelling in [
        PLATFORM_SERIAL.to_lowercase(),
        PLATFORM_SERIAL[1..].to_owned(),
    ] {
        let signed = BY_CERTIFICATE.signed(transaction().to_string());
        ask(
            &client,
            signed.with("Wechatpay-Serial", &spelling).response(200),
        )
        .unwrap();
    }
}

#[test]
fn an_algorithm_that_is_not_configured_is_refused_before_any_computation() {
    let client = client();
    for scheme in [
        "WECHATPAY2-SM2-WITH-SM3",
        "WECHATPAY2-SHA256-RSA2048 ",
        "wechatpay2-sha256-rsa2048",
        "WECHATPAY2-SHA1-RSA2048",
        "none",
        "",
        "HMAC-SHA256",
    ] {
        // Headers of a real transport keep no space at the ends; those of a host may.
        disbelieved_as(
            Code::AlgorithmMismatch,
            &client,
            signed()
                .with("Wechatpay-Signature-Type", scheme)
                .with("Wechatpay-Signature", "AAAA")
                .response(200),
        );
    }
    ask(
        &client,
        signed().without("Wechatpay-Signature-Type").response(200),
    )
    .unwrap();
}

#[test]
fn a_header_that_is_there_twice_is_refused() {
    let client = client();
    for name in [
        "Wechatpay-Signature",
        "Wechatpay-Timestamp",
        "Wechatpay-Nonce",
        "Wechatpay-Serial",
        "Wechatpay-Signature-Type",
    ] {
        let good = signed();
        let value = good.get(name).to_owned();
        for other in [value.as_str(), "x", ""] {
            for spelling in [
                name.to_owned(),
                name.to_lowercase(),
                format!("HTTP_{}", name.to_uppercase().replace('-', "_")),
            ] {
                let error = disbelieved_as(
                    Code::HeaderInvalid,
                    &client,
                    good.clone().and(&spelling, other).response(200),
                );
                assert_eq!(field(&error), name.to_lowercase());
            }
        }
    }
    assert_eq!(signed().get("Wechatpay-Signature-Type"), SCHEME);
}

#[test]
fn a_probe_is_refused_under_its_own_name() {
    let client = merchant::client(config(json!({ "retry": { "max_attempts": 1 } }))).0;
    for serial in [PUBLIC_KEY_ID, NEXT_SERIAL] {
        disbelieved_as(
            Code::SignatureProbe,
            &client,
            signed()
                .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/1a2b3c4d==")
                .with("Wechatpay-Serial", serial)
                .response(200),
        );
    }
    // Nothing else is excused because it looks like one.
    disbelieved_as(
        Code::SignatureInvalid,
        &client,
        signed()
            .with("Wechatpay-Signature", "WECHATPAY/SIGNTES/AAAA")
            .response(200),
    );
}

#[test]
fn one_changed_byte_of_the_body_is_enough() {
    let client = client();
    let good = signed();
    for at in 0..good.body.len() {
        let mut body = good.body.clone();
        body[at] ^= 1;
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone().with_body(body).response(200),
        );
    }
    for body in [
        [good.body.as_slice(), b"\n"].concat(),
        [good.body.as_slice(), b" "].concat(),
        good.body[1..].to_vec(),
        Vec::new(),
    ] {
        disbelieved_as(
            Code::SignatureInvalid,
            &client,
            good.clone().with_body(body).response(200),
        );
    }
}

#[test]
fn line_ends_cannot_be_moved_between_the_signed_lines() {
    let client = client();
    // timestamp, nonce and body are joined by line feeds; none of the first two can hold one.
    let good = signed();
    let shifted = [NONCE.as_bytes(), b"\n", &good.body].concat();
    disbelieved(
        &client,
        good.clone()
            .with("Wechatpay-Nonce", &NOW.to_string())
            .with_body(shifted)
            .response(200),
    );
}

#[test]
fn an_answer_of_204_is_signed_over_an_empty_line() {
    let client = client();
    let close = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close";
    let answer = execute(&client, close, &query(ORDER), |_| {
        Ok(BY_PUBLIC_KEY.answer(204, ""))
    })
    .unwrap();
    assert!(answer.body.is_empty());
    assert_eq!(answer.info()["http_status"], 204);
    let error = refused(execute(&client, close, &query(ORDER), |_| {
        Ok(unsigned(204, ""))
    }));
    assert_eq!(error.code(), Code::SignatureMissing);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_notification_is_no_answer() {
    let client = client();
    let error = disbelieved(
        &client,
        BY_PUBLIC_KEY.answer(302, notification().to_string()),
    );
    assert_eq!(error.code(), Code::ResponseInvalid);
}
