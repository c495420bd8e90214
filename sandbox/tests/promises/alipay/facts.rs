//! The catalogue's facts: every answer of a test is held against them.

use std::fs;
use std::sync::LazyLock;

use serde_json::Value;

static CATALOGUE: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../catalogue/alipay.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
});

/// Panics when an answer has a field that the facts do not know, or of another type.
pub fn check(method: &str, node: &Value) {
    let families = CATALOGUE["families"].as_array().unwrap();
    for family in families {
        let operations = family["operations"].as_array().unwrap();
        let Some(operation) = operations.iter().find(|one| one["name"] == method) else {
            continue;
        };
        let Some(answer) = operation["answer"].as_str() else {
            return;
        };
        let mut node = node.clone();
        for name in ["code", "msg"] {
            node.as_object_mut().unwrap().remove(name);
        }
        return object(family, answer, &node, method);
    }
}

fn object(family: &Value, schema: &str, value: &Value, place: &str) {
    let schemas = family["schemas"].as_array().unwrap();
    let found = schemas.iter().find(|one| one["name"] == schema);
    let found = found.unwrap_or_else(|| panic!("{schema} is not in the catalogue"));
    let fields = found["fields"].as_array().unwrap();
    let members = value.as_object();
    let members = members.unwrap_or_else(|| panic!("{place} is no object: {value}"));
    for (name, member) in members {
        let place = format!("{place}.{name}");
        let field = fields.iter().find(|field| field["name"] == name.as_str());
        let field = field.unwrap_or_else(|| panic!("{place} is not in the catalogue"));
        typed(family, field, member, &place);
    }
}

fn typed(family: &Value, field: &Value, value: &Value, place: &str) {
    if let Some(schema) = field["ref"].as_str() {
        return object(family, schema, value, place);
    }
    let fits = match field["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        "array" => {
            for item in value
                .as_array()
                .unwrap_or_else(|| panic!("{place} is no array"))
            {
                typed(family, &field["items"], item, place);
            }
            true
        }
        other => panic!("{place}: the test does not know the type {other}"),
    };
    assert!(fits, "{place} is of another type: {value}");
}

/// Every method that the catalogue knows is played.
#[test]
fn the_sandbox_plays_every_method_of_the_catalogue() {
    let sandbox = crate::stage::Sandbox::start();
    let about = sandbox.look("");
    let played = about["alipay"]["methods"].as_array().unwrap().clone();
    let families = CATALOGUE["families"].as_array().unwrap();
    let missing: Vec<_> = families
        .iter()
        .flat_map(|family| family["operations"].as_array().unwrap())
        .map(|operation| &operation["name"])
        .filter(|name| !played.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
