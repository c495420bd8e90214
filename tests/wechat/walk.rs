//! Every operation of the catalogue, built from sample parameters and signed: what stands on the wire is taken apart again, by other means
//! than those that put it together, and compared. What is encrypted and what comes back encrypted goes by the table of facts, which lists
//! those fields on its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use payseal::call::Delivered;
use payseal::catalogue::{self, Fields, Fill, Format, Operation};
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{RsaPrivateKey, RsaPublicKey, base64, sha256};
use payseal::host::{Host, Signer};
use payseal::wire::Request;
use payseal::{Client, Code, Error, Outcome};
use serde_json::{Map, Value, json};

use crate::support::drive::{execute, request_with};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{self, BY_PUBLIC_KEY, header};
use crate::support::sample::{Extent, Sample, sample};
use crate::support::{field, refused_as};

const FILE: &[u8] = b"the file";

/// Answers that the table has in the clear, and that the provider encrypts all the same.
const ENCRYPTED_TOO: [(&str, &str); 4] = [
    (
        "GET /v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}",
        "user_name",
    ),
    (
        "GET /v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
        "user_name",
    ),
    (
        "GET /v3/partner-transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}",
        "username",
    ),
    (
        "GET /v3/partner-transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}",
        "username",
    ),
];

/// Rows of the table of facts, by the operation's name.
static FACTS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/facts/wechat-v3.json");
    let mut table: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    let Value::Array(rows) = table["operations"].take() else {
        panic!("no operations")
    };
    let named = |row: Value| {
        let name = |key: &str| row[key].as_str().unwrap().to_owned();
        (format!("{} {}", name("method"), name("path")), row)
    };
    let mut rows: BTreeMap<String, Value> = rows.into_iter().map(named).collect();
    for (name, field) in ENCRYPTED_TOO {
        let row = rows.get_mut(name).unwrap();
        row["response"]["200"]["properties"][field]["encrypted"] = json!(true);
        row["encrypted_response_fields"] = json!([field]);
    }
    rows
});

fn listed<'a>(row: &'a Value, key: &str) -> Vec<&'a str> {
    let list = row[key].as_array().into_iter().flatten();
    list.filter_map(Value::as_str).collect()
}

/// `%E4%BD%A0+` → `你+`: a plus sign is itself.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let hex = std::str::from_utf8(&after[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &after[2..];
        } else {
            assert!(
                byte.is_ascii_alphanumeric() || b"-._~".contains(&byte),
                "{} is not encoded in {text}",
                char::from(byte)
            );
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// What stands at the placeholders of a path.
fn path_of(operation: &Operation, target: &str) -> Map<String, Value> {
    let path = target.split('?').next().unwrap();
    let (sent, template): (Vec<_>, Vec<_>) = (
        path.split('/').collect(),
        operation.path.split('/').collect(),
    );
    assert_eq!(sent.len(), template.len(), "{path}");
    let mut found = Map::new();
    for (sent, template) in sent.into_iter().zip(template) {
        match template.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
            Some(name) => drop(found.insert(name.into(), decoded(sent).into())),
            None => assert_eq!(sent, template),
        }
    }
    found
}

fn query_of(target: &str) -> Map<String, Value> {
    let Some((_, query)) = target.split_once('?') else {
        return Map::new();
    };
    let pairs = query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (decoded(name), Value::from(decoded(value)))
    });
    pairs.collect()
}

/// Everything as text, as it is in an address.
fn as_text(map: &Map<String, Value>) -> Map<String, Value> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    map.iter()
        .map(|(name, value)| (name.clone(), text(value).into()))
        .collect()
}

/// Calls `each` with every text at `path` (`a.b[].c`).
fn each_text(value: &mut Value, path: &str, each: &mut dyn FnMut(&mut Value)) {
    if path.is_empty() {
        return each(value);
    }
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match (step.strip_suffix("[]"), value) {
        (None, Value::Object(members)) => {
            if let Some(inner) = members.get_mut(step) {
                each_text(inner, rest, each);
            }
        }
        (Some(name), Value::Object(members)) => {
            for item in members
                .get_mut(name)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                each_text(item, rest, each);
            }
        }
        _ => {}
    }
}

fn platform_key() -> &'static RsaPrivateKey<RustCrypto> {
    static KEY: LazyLock<RsaPrivateKey<RustCrypto>> =
        LazyLock::new(|| RsaPrivateKey::parse(PLATFORM.private.as_bytes()).unwrap());
    &KEY
}

/// Decrypts in place what the platform can read; what was not encrypted for it fails.
fn open_here(value: &mut Value, place: &str) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{place} is no text"));
    let ciphertext = base64::decode(text.as_bytes()).unwrap_or_else(|_| panic!("{place}"));
    let plaintext = platform_key().oaep_sha1_open(&ciphertext);
    let plaintext =
        plaintext.unwrap_or_else(|_| panic!("{place} is not encrypted for the platform"));
    *value = String::from_utf8(plaintext.to_vec()).unwrap().into();
}

fn is_catalogued_upload(operation: &Operation) -> bool {
    operation.file.is_some()
}

/// The bytes that are signed, and what the body says.
fn body_of(operation: &Operation, request: &Request) -> (Vec<u8>, Option<Value>) {
    if !is_catalogued_upload(operation) {
        let body =
            (!request.body.is_empty()).then(|| serde_json::from_slice(&request.body).unwrap());
        return (request.body.clone(), body);
    }
    let boundary = header(request, "Content-Type")
        .and_then(|value| value.strip_prefix("multipart/form-data; boundary="))
        .unwrap();
    let body = String::from_utf8(request.body.clone()).unwrap();
    let body = body
        .strip_suffix(&format!("\r\n--{boundary}--\r\n"))
        .unwrap();
    let body = body.strip_prefix(&format!("--{boundary}\r\n")).unwrap();
    let mut parts = BTreeMap::new();
    for part in body.split(&format!("\r\n--{boundary}\r\n")) {
        let (head, content) = part.split_once("\r\n\r\n").unwrap();
        let name = head
            .split("name=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        parts.insert(name, content);
    }
    assert_eq!(
        parts.remove(operation.file.unwrap()),
        std::str::from_utf8(FILE).ok()
    );
    let meta = parts.remove("meta").unwrap();
    let said: Value = serde_json::from_str(meta).unwrap();
    assert!(parts.is_empty(), "{parts:?}");
    (meta.as_bytes().to_vec(), Some(said))
}

#[test]
fn every_operation_places_signs_and_encrypts_what_it_is_given() {
    let (client, _) = merchant::client(config(json!({ "appid": null, "notify_url": null })));
    let (mut built, mut encrypted) = (0, 0);
    let mut seen = std::collections::BTreeSet::new();
    for operation in catalogue::operations("wechat") {
        let row = &FACTS[operation.name];
        for extent in [Extent::Least, Extent::All] {
            let mut given = sample(&operation, extent);
            let (mut params, payload) = (given.params(), upload(&operation, &mut given));
            if is_catalogued_upload(&operation) {
                params = given.params();
                params["$"] = json!({ "filename": "a.png" });
            }
            if operation.idempotency_key {
                params["$"] = json!({ "idempotency_key": "key 1" });
            }
            filled(operation.query_fields, &mut given.query);
            if let (Some(schema), Some(Value::Object(body))) = (operation.body, &mut given.body) {
                filled(schema.fields(), body);
            }
            let request = request_with(&client, operation.name, &params, payload)
                .unwrap_or_else(|error| panic!("{} {extent:?}: {error:?}", operation.name));
            let name = operation.name;
            assert_eq!(request.method, operation.method);
            assert_eq!(
                path_of(&operation, &request.target),
                as_text(&given.path),
                "{name}"
            );
            let (signed, mut body) = body_of(&operation, &request);
            platform::verify(&request, &signed);

            let mut query = Value::Object(query_of(&request.target));
            for path in listed(row, "encrypted_request_fields") {
                let mut found = 0;
                let mut open = |value: &mut Value| {
                    open_here(value, &format!("{name}: {path}"));
                    found += 1;
                };
                match path.strip_prefix("query:") {
                    Some(path) => each_text(&mut query, path, &mut open),
                    None => each_text(body.as_mut().unwrap(), path, &mut open),
                }
                encrypted += found;
                if found > 0 {
                    seen.insert((name, path));
                    assert_eq!(header(&request, "Wechatpay-Serial"), Some(PUBLIC_KEY_ID));
                } else {
                    assert_eq!(extent, Extent::Least, "{name}: {path} is not sent");
                }
            }
            assert_eq!(query, Value::Object(as_text(&given.query)), "{name}");
            let mut expected = given.body.clone();
            if is_catalogued_upload(&operation) {
                completed(&operation, expected.as_mut().unwrap());
                // One of them encrypts a member of meta, which the table does not list.
                for path in operation.encrypted_fields() {
                    let mut open = |value: &mut Value| open_here(value, path);
                    each_text(body.as_mut().unwrap(), path, &mut open);
                }
            }
            assert_eq!(body, expected, "{name} {extent:?}");
            built += 1;
        }
    }
    let operations = catalogue::operations("wechat").count();
    println!(
        "{operations} operations: {built} requests built, signed and taken apart; {encrypted} texts decrypted by the platform, of {} fields",
        seen.len()
    );
    assert_eq!((operations, built), (1017, 2034));
    let all: usize = FACTS
        .values()
        .map(|row| listed(row, "encrypted_request_fields").len())
        .sum();
    assert_eq!(seen.len(), all, "every encrypted field of the table");
}

/// What the client adds of its own: the merchant id, for nothing else is configured.
fn filled(fields: Fields, map: &mut Map<String, Value>) {
    for field in fields {
        if field.filled == Some(Fill::MerchantId) && !map.contains_key(field.name) {
            map.insert(field.name.into(), MCHID.into());
        }
    }
}

/// For an upload: the file. Its name and its hash are left to the library.
fn upload(operation: &Operation, given: &mut Sample) -> &'static [u8] {
    if !is_catalogued_upload(operation) {
        return b"";
    }
    let meta = given.body.as_mut().unwrap().as_object_mut().unwrap();
    meta.retain(|name, _| format_of(operation, name).is_none());
    FILE
}

fn format_of(operation: &Operation, name: &str) -> Option<Format> {
    operation.body?.fields().get(name)?.schema.format()
}

/// What the library must have added to `meta`.
fn completed(operation: &Operation, given: &mut Value) {
    for field in operation.body.unwrap().fields() {
        match field.schema.format() {
            Some(Format::FileName) => given[field.name] = json!("a.png"),
            Some(Format::FileSha256) => {
                let hash = sha256(FILE).map(|byte| format!("{byte:02x}")).concat();
                given[field.name] = hash.into();
            }
            _ => {}
        }
    }
}

/// An answer as the table of facts describes it: texts are told apart, and those that are encrypted are marked.
fn answer_from(facts: &Value, made: &mut usize) -> Value {
    match facts["type"].as_str() {
        Some("object") => {
            let members = facts["properties"].as_object().into_iter().flatten();
            Value::Object(
                members
                    .map(|(name, facts)| (name.clone(), answer_from(facts, made)))
                    .collect(),
            )
        }
        Some("array") => (0..2).map(|_| answer_from(&facts["items"], made)).collect(),
        Some("integer" | "number") => json!(7),
        Some("boolean") => json!(true),
        _ => {
            *made += 1;
            match facts["encrypted"] == true {
                true => json!(format!("SECRET{made}.")),
                false => json!(format!("text {made} \\ / 中文")),
            }
        }
    }
}

/// The same answer twice, in the provider's own layout: as it comes, and as it must be delivered.
fn answers(facts: &Value) -> (String, String) {
    let mut made = 0;
    let mut plain = answer_from(facts, &mut made);
    // It is about no other order or merchant than was asked about.
    let said = plain.as_object_mut().unwrap();
    said.retain(|name, _| {
        let compared = ["mchid", "appid", "trade_no", "transaction_id"];
        !compared.iter().any(|end| name.ends_with(end))
    });
    // Spaces, escapes and an order of keys that no encoder of ours would choose.
    let layout = serde_json::to_string_pretty(&plain)
        .unwrap()
        .replace(": ", " :\t")
        .replace("中", "\\u4e2d");
    let (mut comes, mut delivered) = (layout.clone(), layout);
    let key = RsaPublicKey::<RustCrypto>::parse(MERCHANT.public.as_bytes()).unwrap();
    for n in 1..=made {
        let mark = format!("\"SECRET{n}.\"");
        if !comes.contains(&mark) {
            continue;
        }
        let secret = format!("机密 {n} \" \\ \u{1} /");
        let ciphertext = base64::encode(&key.oaep_sha1_seal(secret.as_bytes()).unwrap());
        comes = comes.replace(&mark, &format!("\"{}\"", ciphertext.replace('/', "\\/")));
        delivered = delivered.replace(&mark, &json!(secret).to_string());
    }
    (comes, delivered)
}

#[test]
fn every_encrypted_field_of_an_answer_is_decrypted_and_nothing_else_is_touched() {
    let (client, _) = merchant::client(config(json!({})));
    let (mut operations, mut fields) = (0, 0);
    for (name, row) in FACTS.iter() {
        let mut paths = listed(row, "encrypted_response_fields");
        if paths.is_empty() {
            continue;
        }
        let operation = catalogue::find("wechat", name).unwrap();
        let (comes, delivered) = answers(&row["response"]["200"]);
        assert_ne!(comes, delivered);
        let params = sample(&operation, Extent::Least).params();
        let answer = execute(&client, name, &params, |_| {
            Ok(BY_PUBLIC_KEY.answer(200, comes.clone()))
        })
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(String::from_utf8_lossy(&answer.body), delivered, "{name}");
        let info = answer.info();
        let mut said = listed(&info, "decrypted");
        said.sort_unstable();
        paths.sort_unstable();
        assert_eq!(said, paths, "{name}");
        assert_eq!(info["encrypted"], Value::Null);
        (operations, fields) = (operations + 1, fields + paths.len());
    }
    println!("{fields} encrypted fields in the answers of {operations} operations decrypted");
    assert_eq!(operations, 44 + ENCRYPTED_TOO.len());
}

#[test]
fn an_operation_that_demands_an_idempotency_key_is_not_sent_without_one() {
    let (client, _) = merchant::client(config(json!({})));
    let demanding: Vec<_> = catalogue::operations("wechat")
        .filter(|operation| operation.idempotency_key)
        .collect();
    assert_eq!(demanding.len(), 2);
    for operation in demanding {
        let params = sample(&operation, Extent::Least).params();
        let result = request_with(&client, operation.name, &params, b"");
        assert_eq!(
            field(&refused_as(Code::ParamsInvalid, result)),
            "$.idempotency_key"
        );
    }
}

#[test]
fn what_is_unchecked_is_placed_completed_and_encrypted_all_the_same() {
    let (client, _) = merchant::client(config(json!({})));
    let mut params = jsapi_order();
    params["body"]["added_since"] = json!({ "a": [1] });
    params["body"]["payer"]["identity"] =
        json!({ "type": "IDCARD", "number": "7", "name": "张三" });
    let result = request_with(&client, JSAPI, &params, b"");
    assert_eq!(
        field(&refused_as(Code::ParamsInvalid, result)),
        "body.added_since"
    );
    params["$"] = json!({ "unchecked": true });
    let request = request_with(&client, JSAPI, &params, b"").unwrap();
    let mut sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(
        (&sent["mchid"], &sent["added_since"]["a"][0]),
        (&json!(MCHID), &json!(1))
    );
    open_here(&mut sent["payer"]["identity"]["name"], "name");
    assert_eq!(sent["payer"]["identity"]["name"], "张三");
    params["$"] = json!({ "unchecked": 1 });
    let result = request_with(&client, JSAPI, &params, b"");
    assert_eq!(
        field(&refused_as(Code::ParamsInvalid, result)),
        "$.unchecked"
    );
}

#[test]
fn an_upload_has_a_file_with_a_name_and_its_own_hash() {
    let (client, _) = merchant::client(config(json!({})));
    let upload = "POST /v3/merchant/media/upload";
    let named = json!({ "$": { "filename": "a.png" } });
    let hashed = json!({ "body": { "sha256": "00".repeat(32) }, "$": { "filename": "a.png" } });
    for (operation, params, payload, at) in [
        (upload, json!({}), FILE, "$.filename"),
        (upload, named.clone(), b"", "payload"),
        (upload, hashed, FILE, "body.sha256"),
        (
            upload,
            json!({ "body": [], "$": { "filename": "a.png" } }),
            FILE,
            "body",
        ),
        (
            "POST /v3/taxi-invoice/cards/upload-file",
            named.clone(),
            FILE,
            "body.company_mchid",
        ),
        (NATIVE, named, FILE, "$.filename"),
    ] {
        let result = request_with(&client, operation, &params, payload);
        assert_eq!(
            field(&refused_as(Code::ParamsInvalid, result)),
            at,
            "{operation}"
        );
    }
}

const COMPLAINT: &str = "GET /v3/merchant-service/complaints-v2/{complaint_id}";

fn complaint(payer_phone: &str) -> Value {
    json!({ "complaint_id": "1", "payer_phone": payer_phone })
}

fn ask_complaint(client: &Client, phone: &str) -> Result<Delivered, Error> {
    let params = json!({ "path": { "complaint_id": "1" } });
    execute(client, COMPLAINT, &params, |_| {
        Ok(BY_PUBLIC_KEY.json(200, complaint(phone)))
    })
}

fn sealed_for(pair: &Pair, text: &str) -> String {
    let key = RsaPublicKey::<RustCrypto>::parse(pair.public.as_bytes()).unwrap();
    base64::encode(&key.oaep_sha1_seal(text.as_bytes()).unwrap())
}

#[test]
fn a_field_that_cannot_be_decrypted_is_an_error_and_no_plaintext() {
    let (client, _) = merchant::client(config(json!({})));
    let not_text = {
        let key = RsaPublicKey::<RustCrypto>::parse(MERCHANT.public.as_bytes()).unwrap();
        base64::encode(&key.oaep_sha1_seal(&[0xff, 0xfe]).unwrap())
    };
    for phone in [
        "13800138000",
        "not base64!",
        &sealed_for(&STRANGER, "13800138000"),
        &not_text,
    ] {
        let error = refused_as(Code::DecryptionFailed, ask_complaint(&client, phone));
        assert_eq!(error.outcome(), Outcome::Unknown);
        assert_eq!(field(&error), "payer_phone");
        assert!(!format!("{error:?}").contains("13800138000"));
    }
    let empty = ask_complaint(&client, "").unwrap();
    assert_eq!(*empty.body, complaint("").to_string().into_bytes());
    assert_eq!(empty.info()["decrypted"], Value::Null);
}

#[test]
fn what_was_expected_of_a_sensitive_field_is_compared_with_its_plaintext() {
    let (client, _) = merchant::client(config(json!({})));
    let sealed = sealed_for(&MERCHANT, "13800138000");
    for (expected, good) in [("13800138000", true), ("13800138001", false)] {
        let params = json!({ "path": { "complaint_id": "1" }, "$": { "expect": { "payer_phone": expected } } });
        let result = execute(&client, COMPLAINT, &params, |_| {
            Ok(BY_PUBLIC_KEY.json(200, complaint(&sealed)))
        });
        match good {
            true => drop(result.unwrap()),
            false => drop(refused_as(Code::ResponseMismatch, result)),
        }
    }
}

#[test]
fn where_the_host_holds_the_key_what_is_encrypted_stays_so_and_is_named() {
    let host = Host {
        signer: Some(Box::new(Elsewhere)),
        ..World::new().host()
    };
    let config = config(json!({ "private_key": null }));
    let client = Client::new(config.to_string().as_bytes(), host).unwrap();
    let sealed = sealed_for(&MERCHANT, "13800138000");
    let answer = ask_complaint(&client, &sealed).unwrap();
    assert_eq!(*answer.body, complaint(&sealed).to_string().into_bytes());
    assert_eq!(answer.info()["encrypted"], json!(["payer_phone"]));
    assert_eq!(answer.info()["decrypted"], Value::Null);
}

struct Elsewhere;

impl Signer for Elsewhere {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(vec![1; 256])
    }
}
