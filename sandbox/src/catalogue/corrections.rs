//! The reviewed corrections of the facts, applied to one operation when it is asked for.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Fact;

const CORRECTIONS: &str = include_str!("../../../catalogue/overlay/wechat-v3-corrections.json");

static TABLE: LazyLock<Vec<Correction>> = LazyLock::new(|| {
    serde_json::from_str::<File>(CORRECTIONS)
        .expect("the build of the library reads the same file")
        .corrections
});

#[derive(Deserialize)]
struct File {
    corrections: Vec<Correction>,
}

#[derive(Deserialize)]
struct Correction {
    operation: String,
    at: String,
    set: Option<Map<String, Value>>,
    add: Option<Value>,
    #[serde(default)]
    remove: bool,
    rename: Option<String>,
    either: Option<Vec<String>>,
}

pub fn apply(name: &str, fact: &mut Fact) {
    for correction in TABLE.iter().filter(|it| fits(&it.operation, name)) {
        let (place, rest) = correction
            .at
            .split_once('.')
            .unwrap_or((&correction.at, ""));
        match place {
            "body" if rest.is_empty() => {
                if let Some(added) = &correction.add {
                    fact.body = schema(added);
                }
                fact.either.extend(correction.either.clone());
            }
            "body" => in_schema(correction, &mut fact.body, rest),
            "answer" => in_schema(correction, &mut fact.answer, rest),
            "path" => in_table(correction, &mut fact.path, rest),
            "query" => in_table(correction, &mut fact.query, rest),
            "form" => in_table(correction, &mut fact.form, rest),
            "**" => {
                in_schema(correction, &mut fact.body, &correction.at);
                in_schema(correction, &mut fact.answer, &correction.at);
                in_table(correction, &mut fact.query, rest);
            }
            _ => {}
        }
    }
}

/// `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// A schema in the words of the overlay, as the facts would say it.
fn schema(added: &Value) -> Value {
    let mut said = added.clone();
    let Some(fields) = added["fields"].as_array() else {
        return said;
    };
    let name = |field: &Value| field["name"].as_str().unwrap_or_default().to_owned();
    let required = fields.iter().filter(|field| field["required"] == true);
    said["required"] = required.map(name).collect();
    said["properties"] = Value::Object(
        fields
            .iter()
            .map(|field| {
                let mut property = schema(field);
                if field.get("fields").is_none()
                    && let Some(property) = property.as_object_mut()
                {
                    property.remove("required");
                }
                (name(field), property)
            })
            .collect(),
    );
    said
}

/// Path, query and form: a flat table of names.
fn in_table(correction: &Correction, table: &mut Value, name: &str) {
    if let Some(added) = &correction.add {
        if !table.is_object() {
            *table = json!({});
        }
        table[name] = added.clone();
    }
    let Some(table) = table.as_object_mut() else {
        return;
    };
    if correction.remove {
        table.remove(name);
    }
    if let Some(to) = &correction.rename
        && let Some(parameter) = table.remove(name)
    {
        table.insert(to.clone(), parameter);
    }
    if let (Some(set), Some(parameter)) = (&correction.set, table.get_mut(name)) {
        merge(parameter, set);
    }
}

fn in_schema(correction: &Correction, schema: &mut Value, at: &str) {
    let (step, rest) = at.split_once('.').map_or((at, None), |(s, r)| (s, Some(r)));
    if step == "**" {
        let name = rest.unwrap_or_default();
        if schema["properties"].get(name).is_some() {
            change(correction, schema, name);
        }
        for below in schema["properties"]
            .as_object_mut()
            .into_iter()
            .flat_map(Map::values_mut)
        {
            in_schema(correction, below, at);
        }
        if schema.get("items").is_some() {
            in_schema(correction, &mut schema["items"], at);
        }
        return;
    }
    let Some(rest) = rest else {
        return change(correction, schema, step);
    };
    let name = step.trim_end_matches("[]");
    if let Some(below) = schema["properties"].get_mut(name) {
        match step.ends_with("[]") {
            true => in_schema(correction, &mut below["items"], rest),
            false => in_schema(correction, below, rest),
        }
    }
}

/// One property of an object; whether it is required is said by the object.
fn change(correction: &Correction, object: &mut Value, name: &str) {
    let set = correction.set.as_ref();
    let optional = set.is_some_and(|set| set.get("required") == Some(&Value::Bool(false)));
    if (optional || correction.remove)
        && let Some(required) = object["required"].as_array_mut()
    {
        required.retain(|other| other != name);
    }
    let Some(properties) = object["properties"].as_object_mut() else {
        return;
    };
    if correction.remove {
        properties.remove(name);
    }
    if let Some(set) = set {
        let mut set = set.clone();
        set.remove("required");
        merge(properties.entry(name).or_insert_with(|| json!({})), &set);
    }
}

/// null removes.
fn merge(into: &mut Value, set: &Map<String, Value>) {
    let Some(into) = into.as_object_mut() else {
        return;
    };
    for (key, value) in set {
        match value.is_null() {
            true => drop(into.remove(key)),
            false => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, fit) in [
            ("*", "GET /v3/x", true),
            ("* /v3/x/*", "GET /v3/x/y", true),
            ("* /v3/x/*", "GET /v3/y", false),
            ("GET /v3/x", "GET /v3/x", true),
            ("GET /v3/x", "GET /v3/x/y", false),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }

    #[test]
    fn what_the_facts_require_and_nowhere_describe_is_optional() {
        let name = "POST /v3/gov/subsidy/zhejiang/goods/query";
        let fact = super::super::find(name).unwrap();
        let required = fact.body["required"].as_array().unwrap();
        assert!(!required.contains(&"add_code".into()));
    }
}
