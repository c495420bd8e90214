//! The table of facts, and whether an answer is as it says.

use std::sync::LazyLock;

use serde_json::Value;

static FACTS: LazyLock<Value> = LazyLock::new(|| read("facts/wechat-v3.json"));
static CORRECTIONS: LazyLock<Value> = LazyLock::new(|| read("overlay/wechat-v3-corrections.json"));

fn read(name: &str) -> Value {
    let path = format!("{}/../catalogue/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

pub fn facts() -> &'static Value {
    &FACTS
}

/// The fields of the part `meta` of an upload; the table itself says of none what they are.
pub fn fields_of_meta(operation: &str) -> &'static [Value] {
    let corrections = CORRECTIONS["corrections"].as_array().unwrap();
    let added = corrections
        .iter()
        .find(|it| it["operation"] == operation && it["at"] == "body");
    added
        .and_then(|it| it["add"]["fields"].as_array())
        .map_or(&[], Vec::as_slice)
}

/// Every field is one that the facts describe for this operation's answer, has its type and one of its values; and
/// every required field is there.
pub fn fits_the_facts(operation: &str, answer: &Value) {
    let fact = facts()["operations"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fact| {
            operation
                == format!(
                    "{} {}",
                    fact["method"].as_str().unwrap(),
                    fact["path"].as_str().unwrap()
                )
        });
    let answers = fact.expect(operation)["response"].as_object().unwrap();
    let mut misfits = Vec::new();
    compare(answers.values().next().unwrap(), answer, "", &mut misfits);
    assert!(misfits.is_empty(), "{operation}: {misfits:?}\n{answer:#}");
}

fn compare(schema: &Value, value: &Value, at: &str, misfits: &mut Vec<String>) {
    let kind = schema["type"].as_str().unwrap_or_default();
    let fits = match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        _ => true,
    };
    let listed = schema["enum"].as_array().filter(|_| value.is_string());
    if !fits || listed.is_some_and(|values| !values.contains(value)) {
        misfits.push(format!("{at} is {value}"));
        return;
    }
    for item in value.as_array().into_iter().flatten() {
        compare(&schema["items"], item, &format!("{at}[]"), misfits);
    }
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().unwrap();
        if properties.contains_key(name) && value[name].is_null() {
            misfits.push(format!("{at}.{name} is missing"));
        }
    }
    for (name, value) in value.as_object().into_iter().flatten() {
        match properties.get(name) {
            Some(schema) => compare(schema, value, &format!("{at}.{name}"), misfits),
            None => misfits.push(format!("{at}.{name} is unknown")),
        }
    }
}
