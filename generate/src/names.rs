//! The file in which the names of objects stay: one a line, so that a review shows which are new.

use std::collections::BTreeMap;

use serde_json::Value;

/// An overlay of the catalogue's table with the key `names`.
pub fn write(table: &str, families: &BTreeMap<&String, &BTreeMap<String, String>>) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let families: Vec<String> = families
        .iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(family, names)| {
            let names: Vec<String> = names
                .iter()
                .map(|(name, place)| format!("   {}: {}", quoted(name), quoted(place)))
                .collect();
            format!("  {}: {{\n{}\n  }}", quoted(family), names.join(",\n"))
        })
        .collect();
    format!(
        "{{\n \"catalogue\": {},\n \"names\": {{\n{}\n }}\n}}\n",
        quoted(table),
        families.join(",\n")
    )
}
