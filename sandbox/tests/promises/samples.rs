//! Every operation of APIv3 can be developed against: the whole table of facts is walked with requests made from it.

use serde_json::{Map, Value, json};

use crate::stage::{
    Answer, Merchant, Reply, Sandbox, Shop, decrypt_oaep, digest, encrypt_oaep, facts,
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

#[test]
fn every_operation_of_the_table_answers_and_signs_its_answer() {
    let walker = Walker::new();
    let played = walker.sandbox.look("");
    let sampled = names(&played["sampled_operations"]);
    assert!(sampled.len() > 850, "{}", sampled.len());
    let facts = facts();
    let (mut walked, mut failed) = (0, Vec::new());
    for fact in facts["operations"].as_array().unwrap() {
        let (method, path) = (
            fact["method"].as_str().unwrap(),
            fact["path"].as_str().unwrap(),
        );
        let name = format!("{method} {path}");
        if fact.get("form_params").is_some() {
            continue;
        }
        let encrypted = names(&fact["encrypted_request_fields"]);
        let body = match fact.get("request") {
            Some(schema) => walker.made(schema, "", "", &encrypted).to_string(),
            None => String::new(),
        };
        let target = walker.target(fact, &encrypted);
        let answer = walker.send(method, &target, body.as_bytes());
        let (status, answered) = fact["response"].as_object().unwrap().iter().next().unwrap();
        walked += 1;
        if !sampled.contains(&name.as_str()) {
            // Played by hand: what it says of an order that nobody placed is its own business, but it is an answer.
            if answer.status == 405 || answer.text().contains("接口不存在") {
                failed.push(format!("{name}: {}", answer.text()));
            }
            continue;
        }
        let wanted = status.parse::<u16>().unwrap();
        let is_file = wanted == 200 && answered.get("properties").is_none();
        let signed = is_file || walker.merchant.is_verified(&answer);
        let whole = answered["required"].as_array().is_none_or(|required| {
            let body = answer.json();
            required
                .iter()
                .filter_map(Value::as_str)
                .all(|name| answered["properties"].get(name).is_none() || !body[name].is_null())
        });
        if answer.status != wanted || !signed || !whole {
            failed.push(format!(
                "{name}: {} {signed} {whole} {}",
                answer.status,
                answer.text()
            ));
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {walked}:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert_eq!(walked, 1017 - 14);
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
    let opened = |sealed: &Value| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let sealed = STANDARD.decode(sealed.as_str().unwrap()).unwrap();
        decrypt_oaep(&walker.merchant.private_key(), &sealed)
    };
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
