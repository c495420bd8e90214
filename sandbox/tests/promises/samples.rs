//! Every operation of APIv3 can be developed against: the whole table of facts is walked with requests made from it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::stage::{
    Answer, Merchant, Reply, Sandbox, Shop, decrypt_oaep, digest, encrypt_oaep, facts,
    fields_of_meta,
};

const SECRET: &str = "13900139000";

struct Walker {
    sandbox: Sandbox,
    merchant: Merchant,
    sealed: String,
}

impl Walker {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        let sealed = encrypt_oaep(&merchant.platform_key(&merchant.public_key_id), SECRET);
        Self {
            sandbox,
            merchant,
            sealed,
        }
    }

    fn send(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        let request = self.merchant.signed(method, target, body);
        let id = &self.merchant.public_key_id;
        let request = request.with("Wechatpay-Serial", id);
        request.send(self.sandbox.port).unwrap()
    }

    /// With the merchant's key, by openssl.
    fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let sealed = STANDARD.decode(sealed).ok()?;
        (sealed.len() == 256).then(|| decrypt_oaep(&self.merchant.private_key(), &sealed))
    }

    /// A value for one field of the request.
    fn made(&self, schema: &Value, name: &str, path: &str, encrypted: &[&str]) -> Value {
        if schema["encrypted"] == true || encrypted.contains(&path) {
            return self.sealed.as_str().into();
        }
        if let Some(first) = schema["enum"].get(0) {
            let number = first.as_str().and_then(|text| text.parse::<i64>().ok());
            let is_text = schema["type"] == "string";
            return number
                .filter(|_| !is_text)
                .map_or_else(|| first.clone(), Value::from);
        }
        match schema["type"].as_str().unwrap_or("string").trim() {
            "object" => {
                let dot = if path.is_empty() { "" } else { "." };
                let fields = schema["properties"].as_object().into_iter().flatten();
                let field = |(name, field): (&String, &Value)| {
                    let path = format!("{path}{dot}{name}");
                    (name.clone(), self.made(field, name, &path, encrypted))
                };
                Value::Object(fields.map(field).collect::<Map<_, _>>())
            }
            "array" => json!([self.made(&schema["items"], name, &format!("{path}[]"), encrypted)]),
            "integer" | "int" | "number" => 7.into(),
            "boolean" => true.into(),
            _ => {
                let longest = schema["maxLength"].as_u64().unwrap_or(64) as usize;
                let text = self.text(schema, name);
                text.chars().take(longest).collect::<String>().into()
            }
        }
    }

    fn text(&self, schema: &Value, name: &str) -> String {
        match (schema["format"].as_str().unwrap_or_default(), name) {
            (_, "notify_url") => "http://127.0.0.1:9/".into(),
            (_, "mchid" | "sp_mchid") => self.merchant.mchid.clone(),
            (_, "appid" | "sp_appid") => self.merchant.appid.clone(),
            ("rfc3339", _) => "2026-02-03T04:05:06+08:00".into(),
            ("date", _) => "2026-02-03".into(),
            _ => "1234567".into(),
        }
    }

    fn target(&self, fact: &Value, encrypted: &[&str]) -> String {
        let part = |part: &str| {
            let Some(name) = part
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            else {
                return part.to_owned();
            };
            let schema = &fact["path_params"][name];
            match self.made(schema, name, name, &[]) {
                Value::String(text) => text,
                other => other.to_string(),
            }
        };
        let path: Vec<_> = fact["path"]
            .as_str()
            .unwrap()
            .split('/')
            .map(part)
            .collect();
        let query = fact["query_params"].as_object().into_iter().flatten();
        let query = query.map(|(name, schema)| {
            let value = match encrypted.contains(&format!("query:{name}").as_str()) {
                true => self
                    .sealed
                    .replace('+', "%2B")
                    .replace('/', "%2F")
                    .replace('=', "%3D"),
                false => match self.made(schema, name, name, &[]) {
                    Value::String(text) => text.replace('+', "%2B").replace(':', "%3A"),
                    Value::Array(_) => "7".into(),
                    other => other.to_string(),
                },
            };
            format!("{name}={value}")
        });
        let query = query.collect::<Vec<_>>().join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{mark}{query}", path.join("/"))
    }
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The request that the facts describe, sent.
fn ask(walker: &Walker, fact: &Value) -> Answer {
    let encrypted = names(&fact["encrypted_request_fields"]);
    let method = fact["method"].as_str().unwrap();
    let target = walker.target(fact, &encrypted);
    let Some(form) = fact["form_params"].as_object() else {
        let body = match fact.get("request") {
            Some(schema) => walker.made(schema, "", "", &encrypted).to_string(),
            None => String::new(),
        };
        return walker.send(method, &target, body.as_bytes());
    };
    let contents = b"\x89PNG what is uploaded";
    let file_name = match target.contains("video") {
        true => "a.mp4",
        false => "a.png",
    };
    let operation = format!("{method} {}", fact["path"].as_str().unwrap());
    let fields = fields_of_meta(&operation);
    let meta = match fields.is_empty() {
        true => json!({ "filename": file_name, "sha256": digest("sha256", contents) }),
        false => meta(walker, fields, file_name, contents),
    };
    let files = form.iter().filter(|(_, part)| part["type"] == "file");
    let files: Vec<(&str, &str, &[u8])> = files
        .map(|(name, _)| (name.as_str(), file_name, &contents[..]))
        .collect();
    walker.merchant.upload_files(&target, &meta, &files)
}

/// What is said of a file, with its true digest.
fn meta(walker: &Walker, fields: &[Value], file_name: &str, contents: &[u8]) -> Value {
    let value = |field: &Value| match (field["name"].as_str().unwrap(), &field["format"]) {
        ("filename" | "file_name", _) => file_name.into(),
        (_, format) if format == "file_sha256" => digest("sha256", contents).into(),
        ("digest_algorithm", _) => "SM3".into(),
        ("digest", _) => digest("sm3", contents).into(),
        (name, _) => match field["fields"].as_array() {
            Some(fields) => meta(walker, fields, file_name, contents),
            None => walker.made(field, name, name, &[]),
        },
    };
    let named = |field: &Value| (field["name"].as_str().unwrap().to_owned(), value(field));
    Value::Object(fields.iter().map(named).collect())
}

/// The values of an answer that the facts say are sealed, each with its place.
fn sealed<'a>(
    schema: &Value,
    value: &'a Value,
    path: &str,
    listed: &[&str],
    found: &mut Vec<(String, &'a Value)>,
) {
    if value.is_null() {
        return;
    }
    if schema["encrypted"] == true || listed.contains(&path) {
        return found.push((path.to_owned(), value));
    }
    let dot = if path.is_empty() { "" } else { "." };
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}{dot}{name}");
        sealed(property, &value[name], &path, listed, found);
    }
    for item in value.as_array().into_iter().flatten() {
        sealed(&schema["items"], item, &format!("{path}[]"), listed, found);
    }
}

/// What is wrong with the answer of an operation that is answered by sample.
fn faults_of_sample(
    walker: &Walker,
    fact: &Value,
    answer: &Answer,
    opened: &mut usize,
) -> Vec<String> {
    let (status, schema) = fact["response"].as_object().unwrap().iter().next().unwrap();
    let mut faults = Vec::new();
    if answer.status.to_string() != *status {
        faults.push(format!("{} instead of {status}", answer.status));
    }
    let body = answer.json();
    for name in names(&schema["required"]) {
        if schema["properties"].get(name).is_some() && body[name].is_null() {
            faults.push(format!("{name} is missing"));
        }
    }
    let listed = names(&fact["encrypted_response_fields"]);
    let mut values = Vec::new();
    sealed(schema, &body, "", &listed, &mut values);
    for (path, value) in values {
        let plain = value.as_str().and_then(|text| walker.open(text));
        match plain.as_deref().map(std::str::from_utf8) {
            Some(Ok(text)) if !text.is_empty() => *opened += 1,
            _ => faults.push(format!(
                "{path} does not open with the merchant's key: {value}"
            )),
        }
    }
    faults
}

#[test]
fn every_operation_of_the_table_signs_its_answer_and_a_sample_is_whole_and_its_sealed_fields_open()
{
    let walker = Walker::new();
    let played = walker.sandbox.look("");
    let sampled = names(&played["sampled_operations"]);
    assert!(sampled.len() > 850, "{}", sampled.len());
    let operations = facts()["operations"].as_array().unwrap();
    let (mut uploads, mut opened, mut failed) = (0, 0, Vec::new());
    for fact in operations {
        let name = format!(
            "{} {}",
            fact["method"].as_str().unwrap(),
            fact["path"].as_str().unwrap()
        );
        uploads += usize::from(fact.get("form_params").is_some());
        let answer = ask(&walker, fact);
        // A download is what the provider sends unsigned; a refusal of it is signed like every other answer.
        let schema = fact["response"].as_object().unwrap().values().next();
        let is_file = answer.status == 200 && schema.unwrap().get("properties").is_none();
        let mut faults = Vec::new();
        if !is_file && !walker.merchant.is_verified(&answer) {
            faults.push("the signature does not fit".to_owned());
        }
        if sampled.contains(&name.as_str()) {
            faults.extend(faults_of_sample(&walker, fact, &answer, &mut opened));
        } else if answer.status == 405 || answer.text().contains("接口不存在") {
            // What it says of an order that nobody placed is its own business and tested in its own place.
            faults.push("it is not known".to_owned());
        }
        if !faults.is_empty() {
            failed.push(format!("{name}: {faults:?} {}", answer.text()));
        }
    }
    let failures = failed.join("\n");
    assert!(failed.is_empty(), "{}:\n{failures}", failed.len());
    assert_eq!((operations.len(), uploads), (1017, 14));
    assert!(opened >= 70, "{opened} sealed fields");
}

#[test]
fn what_was_asked_comes_back_and_the_same_request_has_the_same_answer() {
    let walker = Walker::new();
    let body = json!({
        "appid": walker.merchant.appid, "mchid": walker.merchant.mchid, "out_trade_no": "order-0001", "transaction_id": "4200001",
        "customs": "SHENZHEN", "merchant_customs_no": "C-1", "order_fee": 12345, "duty": 67,
    });
    let ask = || {
        walker.send(
            "POST",
            "/global/v3/customs/orders",
            body.to_string().as_bytes(),
        )
    };
    let first = walker.merchant.verified(ask()).json();
    assert_eq!(
        (&first["out_trade_no"], &first["transaction_id"]),
        (&json!("order-0001"), &json!("4200001"))
    );
    assert_eq!(first, ask().json());
}

#[test]
fn a_request_that_breaks_the_schema_is_refused_with_the_field() {
    let walker = Walker::new();
    let good = json!({
        "appid": "a", "mchid": "m", "out_trade_no": "o", "transaction_id": "t", "customs": "SHENZHEN", "merchant_customs_no": "c",
    });
    for (field, value) in [
        ("customs", Value::Null),
        ("customs", json!("ELSEWHERE")),
        ("order_fee", json!("12")),
        ("order_fee", json!(1.5)),
        ("out_trade_no", json!(5)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let answer = walker.send(
            "POST",
            "/global/v3/customs/orders",
            bad.to_string().as_bytes(),
        );
        let answer = walker.merchant.verified(answer);
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{bad}");
        assert_eq!(answer.json()["detail"]["field"], format!("/{field}"));
    }
    let answer = walker.send(
        "GET",
        "/global/v3/customs/orders?appid=a&mchid=m&order_no=1",
        b"",
    );
    assert_eq!(answer.json()["detail"]["field"], "customs");
    // A sealed field in the clear.
    let facts = facts();
    let verify = facts["operations"].as_array().unwrap().iter().find(|fact| {
        fact["encrypted_request_fields"] == json!(["certificate_id", "certificate_name"])
    });
    let mut made = walker.made(&verify.unwrap()["request"], "", "", &[]);
    made["certificate_name"] = "in the clear".into();
    made["certificate_id"] = walker.sealed.as_str().into();
    let answer = walker.send(
        "POST",
        verify.unwrap()["path"].as_str().unwrap(),
        made.to_string().as_bytes(),
    );
    assert_eq!(
        answer.json()["detail"]["field"],
        "/certificate_name",
        "{}",
        answer.text()
    );
}

#[test]
fn the_echo_is_sealed_for_the_merchant_and_told() {
    let walker = Walker::new();
    let shop = Shop::open(&[Reply::Status(200)]);
    let body = json!({ "echo_message": "hello", "encrypted_echo_message": walker.sealed, "notify_url": shop.notify_url });
    let answer = walker.send("POST", "/v3/security/echo", body.to_string().as_bytes());
    let answer = walker.merchant.verified(answer).json();
    assert_eq!(answer["echo_message"], "hello");
    let opened = |sealed: &Value| walker.open(sealed.as_str().unwrap()).unwrap();
    assert_eq!(opened(&answer["encrypted_echo_message"]), SECRET.as_bytes());
    let envelope = shop.next().envelope();
    assert_eq!(envelope["event_type"], "SECURITY_ECHO.SUCCESS");
    let plain = walker.merchant.open(&envelope["resource"]).unwrap();
    let plain: Value = serde_json::from_slice(&plain).unwrap();
    assert_eq!(plain["echo_message"], "hello");
    assert_eq!(opened(&plain["encrypt_echo_message"]), SECRET.as_bytes());
}

#[test]
fn an_upload_is_signed_by_its_meta_and_held_against_its_digest() {
    let walker = Walker::new();
    let file = b"\x89PNG picture";
    let meta = json!({ "filename": "a.png", "sha256": digest("sha256", file) });
    let target = "/v3/merchant/media/upload";
    let answer = walker
        .merchant
        .verified(walker.merchant.upload(target, &meta, file, "file"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.json()["media_id"].is_string());
    let other = walker
        .merchant
        .upload(target, &meta, b"another picture", "file");
    assert_eq!(other.json()["detail"]["field"], "/meta/sha256");
    let nothing = walker.merchant.upload(target, &meta, file, "other");
    assert_eq!(nothing.json()["detail"]["field"], "file");
    // JSON where a form is wanted.
    let json = walker.send("POST", target, meta.to_string().as_bytes());
    assert_eq!(json.json()["detail"]["field"], "Content-Type");
}

#[test]
fn every_exchange_is_shown_with_the_text_that_was_signed() {
    let walker = Walker::new();
    let target = "/global/v3/customs/orders";
    let request = walker.merchant.signed("POST", target, b"{\"a\":1}");
    let mut changed = request.header("Authorization").unwrap().to_owned();
    changed = changed.replace("signature=\"", "signature=\"AAAA");
    let request = request
        .without("Authorization")
        .with("Authorization", &changed);
    assert_eq!(request.send(walker.sandbox.port).unwrap().status, 401);
    walker.send("POST", target, b"{}");
    let seen = walker.sandbox.look("/exchanges?operation=customs");
    let [sampled, refused] = seen.as_array().unwrap().as_slice() else {
        panic!("{seen}")
    };
    assert_eq!(refused["outcome"], "SIGN_ERROR");
    assert_eq!(refused["refusal"]["field"], "signature");
    let text = refused["signed_text"].as_str().unwrap();
    assert!(text.starts_with(&format!("POST\n{target}\n")) && text.ends_with("\n{\"a\":1}\n"));
    assert_eq!(
        (&sampled["outcome"], &sampled["sample_answer"]),
        (&json!("PARAM_ERROR"), &json!(true))
    );
    let answer = &sampled["answer"];
    let signed = format!("\n{}\n", answer["body"].as_str().unwrap());
    assert!(answer["signed_text"].as_str().unwrap().ends_with(&signed));
    assert_eq!(
        walker
            .sandbox
            .look("/exchanges?outcome=SIGN_ERROR")
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(!seen.to_string().contains("PRIVATE KEY"));
}
