//! A sample of an answer: what was asked comes back under its name, the rest is made from the schema, the same for
//! the same request.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::catalogue::{Checked, Fact, allows, kind};
use crate::families::files::{self, Place};
use crate::sandbox::Sandbox;
use crate::signing;

const TIME: &str = "2026-01-01T12:00:00+08:00";
const DOWNLOADED: &[u8] = "沙箱的示例文件 A sample file of the sandbox\r\n".as_bytes();
/// What RSA can seal at once.
const LONGEST_SEALED: usize = 200;

pub fn build(sandbox: &Sandbox, request: &Checked) -> Value {
    let mut named = HashMap::new();
    for (name, value) in &request.parameters {
        named.insert(name.as_str(), value);
    }
    index(&request.body, &mut named);
    let builder = Builder {
        sandbox,
        fact: &request.fact,
        seed: hash(
            request.operation,
            &[&json!(request.parameters), &request.body],
        ),
        named,
    };
    builder.value(&request.fact.answer, "", "", Some(&request.body))
}

/// Every value by its name; of several, the one nearest to the top.
fn index<'a>(body: &'a Value, named: &mut HashMap<&'a str, &'a Value>) {
    let mut level = vec![body];
    while !level.is_empty() {
        let mut below = Vec::new();
        for value in level {
            match value {
                Value::Object(fields) => {
                    for (name, value) in fields {
                        named.entry(name).or_insert(value);
                        below.push(value);
                    }
                }
                Value::Array(items) => below.extend(items),
                _ => {}
            }
        }
        level = below;
    }
}

/// FNV-1a: the same everywhere and always.
fn hash(text: &str, more: &[&Value]) -> u64 {
    let add = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, add);
    more.iter().fold(hash, |hash, value| {
        value.to_string().bytes().fold(hash, add)
    })
}

struct Builder<'a> {
    sandbox: &'a Sandbox,
    fact: &'a Fact,
    seed: u64,
    named: HashMap<&'a str, &'a Value>,
}

impl Builder<'_> {
    /// `here` is what the request had in this place, if it had the place.
    fn value(&self, schema: &Value, name: &str, path: &str, here: Option<&Value>) -> Value {
        match kind(schema) {
            "object" => self.object(schema, path, here),
            "array" => {
                let given = here.or_else(|| self.named.get(name).copied());
                let given = given.and_then(Value::as_array).filter(|it| !it.is_empty());
                let path = format!("{path}[]");
                let item = |here| self.value(&schema["items"], name, &path, here);
                match given {
                    Some(given) => given.iter().map(|here| item(Some(here))).collect(),
                    None => json!([item(None)]),
                }
            }
            kind => {
                let given = here.or_else(|| self.named.get(name).copied());
                let value = given
                    .and_then(|given| echoed(kind, schema, given))
                    .unwrap_or_else(|| self.made(kind, schema, name, path));
                let is_sealed =
                    schema["encrypted"] == true || self.fact.encrypted_answer.contains(path);
                match value.as_str().filter(|_| is_sealed) {
                    Some(text) => {
                        let within = |(at, c): &(usize, char)| at + c.len_utf8() <= LONGEST_SEALED;
                        let text = text.char_indices().take_while(within).map(|(_, c)| c);
                        signing::seal_field(self.sandbox, &text.collect::<String>()).into()
                    }
                    None => value,
                }
            }
        }
    }

    fn object(&self, schema: &Value, path: &str, here: Option<&Value>) -> Value {
        let dot = if path.is_empty() { "" } else { "." };
        let mut object = Map::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let here = here.and_then(|here| here.get(name));
            let path = format!("{path}{dot}{name}");
            object.insert(name.clone(), self.value(property, name, &path, here));
        }
        // A file that is there, and its true digest.
        if object.contains_key("download_url") {
            let mut ledger = self.sandbox.ledger();
            let files = &mut ledger.families.files;
            let bytes = DOWNLOADED.to_vec();
            let link = files::offer(self.sandbox, files, Place::Bill, "text/plain", bytes);
            object.insert("download_url".into(), link.into());
            if object.contains_key("hash_value") {
                object.insert("hash_value".into(), files::sha1(DOWNLOADED).into());
                object.insert("hash_type".into(), "SHA1".into());
            }
        }
        object.into()
    }

    fn made(&self, kind: &str, schema: &Value, name: &str, path: &str) -> Value {
        match kind {
            "integer" | "number" => {
                let listed = schema["enum"][0].as_str();
                let listed = listed.and_then(|text| text.parse::<i64>().ok());
                listed.unwrap_or_else(|| number(name)).into()
            }
            "boolean" => false.into(),
            _ => self.text(schema, name, path).into(),
        }
    }

    fn text(&self, schema: &Value, name: &str, path: &str) -> String {
        if let Some(values) = schema["enum"].as_array().filter(|it| !it.is_empty()) {
            let good = ["SUCCESS", "FINISHED", "FINISH", "NORMAL", "ACTIVE", "CNY"];
            let known = |wanted: &&&str| values.iter().any(|value| value == **wanted);
            let chosen = good.iter().find(known).copied();
            return chosen
                .or_else(|| values[0].as_str())
                .unwrap_or_default()
                .to_owned();
        }
        let merchant = &self.sandbox.merchant;
        let number = || format!("{:020}", hash(path, &[&self.seed.into()]));
        let text = match (schema["format"].as_str().unwrap_or_default(), name) {
            ("rfc3339", _) => TIME.into(),
            ("date", _) => TIME[..10].into(),
            ("jsonObjectLike", _) => "{}".into(),
            ("jsonArrayLike", _) => "[]".into(),
            ("rfc2397", _) => "data:,sample".into(),
            ("mm/yy", _) => "01/30".into(),
            ("yyyyMMddHHmmss", _) => "20260101120000".into(),
            ("integer" | "uint64" | "int64" | "numeric" | "float", _) => "1".into(),
            (_, "mchid" | "sp_mchid" | "mch_id") => merchant.mchid.clone(),
            (_, "appid" | "sp_appid") => merchant.appid.clone(),
            (_, name) if name.ends_with("mchid") => "1900000109".into(),
            (_, name) if name.ends_with("openid") => format!("oSample{}", number()),
            (_, name) if name.ends_with("_time") => TIME.into(),
            (_, name) if name.ends_with("_date") => TIME[..10].into(),
            (_, name) if name.ends_with("url") => format!("{}/sandbox", self.sandbox.address),
            (_, name) if name.contains("currency") || name == "fee_type" => "CNY".into(),
            (_, name) if name.contains("phone") || name.contains("mobile") => "13800138000".into(),
            (_, name) if name.contains("email") => "sample@example.com".into(),
            (_, name) if is_number(name) => number(),
            (_, name) if name.ends_with("name") => "张三".into(),
            _ => "sample".into(),
        };
        match schema["maxLength"].as_u64() {
            Some(longest) => text.chars().take(longest as usize).collect(),
            None => text,
        }
    }
}

fn is_number(name: &str) -> bool {
    let endings = ["_id", "_no", "_code", "_number", "_sn", "token"];
    name == "id" || name == "code" || endings.iter().any(|ending| name.ends_with(ending))
}

fn number(name: &str) -> i64 {
    match name {
        "offset" => 0,
        "limit" => 20,
        name if ["amount", "total", "fee", "price"]
            .iter()
            .any(|word| name.ends_with(word)) =>
        {
            100
        }
        _ => 1,
    }
}

/// What was asked, when it can stand in this place.
fn echoed(kind: &str, schema: &Value, given: &Value) -> Option<Value> {
    let value = match (kind, given) {
        ("string", Value::String(_)) => given.clone(),
        ("string", Value::Number(number)) => number.to_string().into(),
        ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) => given.clone(),
        ("integer" | "number", Value::String(text)) => text.parse::<i64>().ok()?.into(),
        ("boolean", Value::String(text)) => text.parse::<bool>().ok()?.into(),
        _ => return None,
    };
    let stands = match &value {
        Value::String(text) => allows(schema, text),
        other => allows(schema, &other.to_string()),
    };
    stands.then_some(value)
}
