//! Bills, receipts and other files: what an answer says about them, and where they may be.
//! <https://pay.weixin.qq.com/docs/partner/apis/bill-download/download-sub-merchant-fund-bill.html>

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::catalogue;
use crate::crypto::base64;
use crate::download::{
    Cipher, Coding, Digest, DigestKind, File, Files, Seal, Terms, followed, request,
};
use crate::error::{Code, Error, Outcome, Result};
use crate::provider::Prepared;
use crate::wire::url::{Address, Origin};

use super::merchant::Merchant;

/// Where WeChat Pay keeps files, beside the configured hosts.
const HOSTS: [&str; 5] = [
    "https://api.mch.weixin.qq.com",
    "https://api2.mch.weixin.qq.com",
    "https://api.wechatpay.cn",
    "https://api2.wechatpay.cn",
    "https://apihk.mch.weixin.qq.com",
];

/// A bill of more than 16 GB is split; so many parts no merchant has.
const MOST_PARTS: usize = 1_000;

pub(super) fn hosts() -> Vec<Origin> {
    HOSTS
        .iter()
        .filter_map(|host| Origin::parse(host).ok())
        .collect()
}

/// `tar_type` and `algorithm`, of a request for files or beside an address that the caller has.
pub(super) fn terms(given: &Map<String, Value>, allow_unverified: bool) -> Result<Terms> {
    let gzip = is_gzip(given)?;
    // The names that the various bills have for the same parameter.
    let name = ["algorithm", "encryption_algorithm"]
        .into_iter()
        .find(|key| text(given, key).is_some());
    let cipher = match name.and_then(|key| Some((key, text(given, key)?))) {
        None => None,
        Some((key, algorithm)) => {
            Some(Cipher::find(algorithm).ok_or_else(|| unknown(key, &Cipher::names()))?)
        }
    };
    Ok(Terms {
        gzip,
        cipher,
        allow_unverified,
        in_answer: false,
    })
}

/// `tar_type`, which the bills of both generations have.
pub(super) fn is_gzip(given: &Map<String, Value>) -> Result<bool> {
    match text(given, "tar_type") {
        None => Ok(false),
        Some("GZIP") => Ok(true),
        Some(_) => Err(unknown("tar_type", "GZIP, or nothing for a plain file")),
    }
}

fn unknown(key: &str, known: &str) -> Error {
    Error::new(
        Code::ParamsInvalid,
        format!("the value of {key} is not known here; there is {known}"),
    )
    .with_field(key)
}

/// The files of a verified answer, in their order.
pub(super) fn read(
    merchant: &Merchant,
    answer: &Map<String, Value>,
    terms: &Terms,
    configured: &[Origin],
) -> Result<Files> {
    let one = |part: &Map<String, Value>| file(merchant, part, terms, configured);
    if let Some(parts) = answer.get("download_bill_list").filter(|it| !it.is_null()) {
        return in_order(answer, parts)?
            .into_iter()
            .map(one)
            .collect::<Result<_>>()
            .map(Files::Ready);
    }
    if answer.get("download_bill_count").is_some() {
        return Err(nothing("there is no such bill: its number of parts is 0"));
    }
    if address(answer).is_some() {
        return Ok(Files::Ready(vec![one(answer)?]));
    }
    match state(answer) {
        Some(state @ ("GENERATING" | "ACCEPTED" | "PROCESSING")) => {
            Ok(Files::Preparing(state.to_owned()))
        }
        Some(state) => Err(
            nothing(&format!("the file is not to be had: it is {state}"))
                .with("provider_code", state)
                .with(
                    "provider_message",
                    text(answer, "fail_reason").unwrap_or_default(),
                ),
        ),
        None => Err(malformed("it names no file")),
    }
}

/// Which part comes first is said by its number, not by its place.
fn in_order<'a>(
    answer: &Map<String, Value>,
    parts: &'a Value,
) -> Result<Vec<&'a Map<String, Value>>> {
    let parts: Option<Vec<_>> = parts
        .as_array()
        .filter(|parts| parts.len() <= MOST_PARTS)
        .and_then(|parts| parts.iter().map(Value::as_object).collect());
    let mut parts = parts.ok_or_else(|| malformed("its parts are no list of objects"))?;
    if parts.is_empty() {
        return Err(nothing("there is no such bill: it has no parts"));
    }
    let number = |part: &Map<String, Value>| part.get("bill_sequence").and_then(Value::as_u64);
    parts.sort_by_key(|part| number(part));
    let complete = parts
        .iter()
        .map(|part| number(part))
        .eq((1..=parts.len() as u64).map(Some));
    let count = answer.get("download_bill_count").and_then(Value::as_u64);
    if !complete || count != Some(parts.len() as u64) {
        return Err(malformed(
            "its parts are not numbered from 1 to their number",
        ));
    }
    Ok(parts)
}

fn file(
    merchant: &Merchant,
    part: &Map<String, Value>,
    terms: &Terms,
    configured: &[Origin],
) -> Result<File> {
    let url = address(part).ok_or_else(|| malformed("a part has no download_url"))?;
    let address = followed("download_url", url, &hosts(), configured)?;
    let digest = digest(part)?;
    if digest.is_none() && !terms.allow_unverified {
        return Err(Error::new(
            Code::HashMismatch,
            "the provider gives no hash for this file, and its answer is not signed: nobody vouches for it",
        )
        .with_outcome(Outcome::NotSent)
        .with_hint("set $.allow_unverified where that is acceptable"));
    }
    Ok(File {
        coding: Coding {
            seal: seal(merchant, part, terms)?,
            gzip: terms.gzip || says_gzip(&address),
            digest,
            checksum: None,
        },
        address: Some(address),
    })
}

/// Some addresses say themselves how the file is packed.
fn says_gzip(address: &Address) -> bool {
    let query = address
        .target
        .split_once('?')
        .map_or("", |(_, query)| query);
    query
        .split('&')
        .any(|pair| pair.eq_ignore_ascii_case("tartype=gzip"))
}

fn digest(part: &Map<String, Value>) -> Result<Option<Digest>> {
    let (kind, value) = match (text(part, "hash_type"), text(part, "hash_value")) {
        (None, None) => return Ok(None),
        (Some(kind), Some(value)) => (kind, value),
        _ => return Err(malformed("of hash_type and hash_value one is missing")),
    };
    let kind = DigestKind::find(kind).ok_or_else(|| {
        Error::new(
            Code::AlgorithmMismatch,
            format!(
                "the file's hash is of a kind that this build does not know; it knows {}",
                DigestKind::names()
            ),
        )
        .with_outcome(Outcome::NotSent)
        .with_field("hash_type")
    })?;
    match hex(value).filter(|value| value.len() == kind.length()) {
        Some(value) => Ok(Some(Digest { kind, value })),
        None => Err(
            malformed("hash_value is not a hash of its kind in hexadecimal digits")
                .with_field("hash_value"),
        ),
    }
}

/// The key of an encrypted file, which is itself encrypted to the merchant.
fn seal(merchant: &Merchant, part: &Map<String, Value>, terms: &Terms) -> Result<Option<Seal>> {
    let (wrapped, nonce) = match (text(part, "encrypt_key"), text(part, "nonce")) {
        (None, None) => return Ok(None),
        (Some(wrapped), Some(nonce)) => (wrapped, nonce),
        _ => return Err(malformed("of encrypt_key and nonce one is missing")),
    };
    let cipher = terms.cipher.unwrap_or(Cipher::Aes256Gcm);
    // NIST SP 800-38D takes any; these are the ones in use.
    if ![12, 16].contains(&nonce.len()) {
        return Err(malformed("its nonce has neither 16 nor 12 characters").with_field("nonce"));
    }
    let key = unwrapped(merchant, wrapped, cipher)?;
    Ok(Some(Seal {
        cipher,
        key,
        nonce: nonce.as_bytes().to_vec(),
    }))
}

fn unwrapped(merchant: &Merchant, wrapped: &str, cipher: Cipher) -> Result<Zeroizing<Vec<u8>>> {
    let key = merchant.unwrap_key(wrapped)?;
    match key.len() == cipher.key_length() {
        true => Ok(key),
        false => Err(not_unwrapped()),
    }
}

/// One text for whatever went wrong.
pub(super) fn not_unwrapped() -> Error {
    Error::new(
        Code::DecryptionFailed,
        "the key of the file cannot be decrypted with the merchant's private key",
    )
    .with_outcome(Outcome::NotSent)
    .with_hint(
        "it is encrypted to the merchant API certificate that is the current one at WeChat Pay",
    )
}

/// Base64 as it stands in an answer.
pub(super) fn ciphertext(wrapped: &str) -> Result<Vec<u8>> {
    base64::decode(wrapped.as_bytes()).map_err(|_| not_unwrapped())
}

/// The request for a file.
pub(super) fn fetch(address: &Address, configured: &[Origin]) -> Prepared {
    let path = address.target.split('?').next().unwrap_or_default();
    let operation = format!("GET {path}");
    let label = catalogue::find("wechat", &operation).map_or("other", |known| known.name);
    request(address, configured, operation, label)
}

/// `url` is what the reports of coupons call it.
fn address(part: &Map<String, Value>) -> Option<&str> {
    text(part, "download_url").or(text(part, "url"))
}

/// The word for how far a receipt is.
fn state(answer: &Map<String, Value>) -> Option<&str> {
    ["state", "receipt_state", "signature_status"]
        .into_iter()
        .find_map(|key| text(answer, key))
}

/// An empty text is none.
fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect()
}

fn nothing(message: &str) -> Error {
    Error::new(Code::ProviderRejected, message)
        .with("authenticated", true)
        .with("advice", "definite_failure")
}

fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("what the provider says about the file cannot be used: {problem}"),
    )
    .with_outcome(Outcome::NotSent)
}
