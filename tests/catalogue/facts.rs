//! The operations that were described by hand beside the table of facts, which was made independently of them.

use std::fs;
use std::path::Path;

use payseal::catalogue::{Fields, Kind, Schema};
use serde_json::Value;

/// Where the provider's documentation and the table differ, the documentation wins: of a shop the id is required and nothing else.
const CORRECTED: &[&str] = &[
    "scene_info.store_info.address",
    "scene_info.store_info.area_code",
    "scene_info.store_info.name",
];

fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let text = fs::read_to_string(path.join(file)).expect(file);
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_catalogue_says_what_the_provider_says() {
    let (table, by_hand) = (read("facts/wechat-v3.json"), read("wechat-v3.json"));
    let rows = table["operations"].as_array().unwrap();
    let families = by_hand["families"].as_array().unwrap();
    let written = families
        .iter()
        .flat_map(|family| family["operations"].as_array().unwrap());
    let mut compared = 0;
    for operation in written {
        let operation = super::operation(operation["name"].as_str().unwrap());
        let row = rows
            .iter()
            .find(|row| row["method"] == operation.method && row["path"] == operation.path);
        let row = row.unwrap_or_else(|| panic!("{} is not in the table", operation.name));
        let name = operation.name;
        same_parameters(name, operation.path_fields, &row["path_params"]);
        same_parameters(name, operation.query_fields, &row["query_params"]);
        match (operation.body, row.get("request")) {
            (Some(body), Some(request)) => same(name, "", body, request),
            (None, None) => {}
            (ours, theirs) => panic!("{name}: body {} and {}", ours.is_some(), theirs.is_some()),
        }
        let ours: Vec<_> = operation.encrypted_fields().collect();
        let mut theirs: Vec<_> = row["encrypted_request_fields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        theirs.sort_unstable_by_key(|path| ours.iter().position(|ours| ours == path));
        assert_eq!(ours, theirs, "{name}: encrypted fields");
        compared += 1;
    }
    println!("{compared} operations agree with the table");
    assert!(compared >= 10);
}

fn same_parameters(name: &str, ours: Fields, theirs: &Value) {
    let theirs: Vec<_> = theirs.as_object().into_iter().flatten().collect();
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (field, facts) in theirs {
        let ours = ours
            .get(field)
            .unwrap_or_else(|| panic!("{name}: {field} is missing"));
        assert_eq!(ours.required, facts["required"] == true, "{name}: {field}");
        same(name, field, ours.schema, facts);
    }
}

fn same(name: &str, place: &str, ours: Schema, theirs: &Value) {
    let kind = match theirs["type"].as_str().unwrap_or("object") {
        "object" => Kind::Object,
        "array" => Kind::Array,
        "boolean" => Kind::Boolean,
        "integer" | "number" => Kind::Integer,
        _ => Kind::String,
    };
    assert_eq!(ours.kind, kind, "{name}: {place}");
    assert_eq!(
        ours.encrypted,
        theirs["encrypted"] == true,
        "{name}: {place}"
    );
    if let Some(values) = theirs["enum"].as_array() {
        let mut ours: Vec<_> = ours.values().collect();
        ours.sort_unstable();
        assert_eq!(
            ours,
            values.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
            "{name}: {place}"
        );
    }
    if let Some(items) = ours.items() {
        same(name, &format!("{place}[]"), items, &theirs["items"]);
    }
    let empty = serde_json::Map::new();
    let fields = theirs["properties"].as_object().unwrap_or(&empty);
    let required: Vec<_> = theirs["required"]
        .as_array()
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(ours.fields().len(), fields.len(), "{name}: {place}");
    for (field, facts) in fields {
        let place = format!("{place}.{field}")
            .trim_start_matches('.')
            .to_owned();
        let ours = ours
            .fields()
            .get(field)
            .unwrap_or_else(|| panic!("{name}: {place} is missing"));
        if required.iter().any(|name| *name == field) && !CORRECTED.contains(&&*place) {
            assert!(ours.required, "{name}: {place} is required");
        }
        same(name, &place, ours.schema, facts);
    }
}
