//! `catalogue/overlay/`: what people add to the tables of facts, and what they correct in them. Each correction and each rule gives its
//! reason, and one that no longer applies to anything fails the build.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::facts::Draft;
use crate::model::{Fill, Notification, Repeat, Schema};

/// One file, or all of a catalogue's files together.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Overlay {
    /// The table it speaks of: `wechat-v3`.
    pub catalogue: String,
    pub families: Vec<FamilyRule>,
    pub corrections: Vec<Correction>,
    pub repeat: Vec<RepeatRule>,
    /// Names of the merchant's own numbers; the first that an operation requires is its `order_number`.
    pub numbers: Vec<String>,
    pub fills: Vec<FillRule>,
    /// By the operation's name.
    pub operations: BTreeMap<String, Naming>,
    pub notifications: Vec<Events>,
    /// What a field is that has no description of its own, by its name; `amount.total` only within `amount`, `combine:amount.total` and
    /// `combine:total` only in that family. `Transaction` and `combine:Transaction` are objects.
    pub glossary: BTreeMap<String, Gloss>,
    /// The families that become packages of typed models.
    pub models: Vec<String>,
    /// By family: the names of objects in typed models, each with a place where the object is. The generator writes down what it has
    /// named, so that a name once given stays.
    pub names: BTreeMap<String, BTreeMap<String, String>>,
}

/// Which operations are one package: the family with the longest prefix that fits the path has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FamilyRule {
    pub name: String,
    pub title: String,
    pub paths: Vec<String>,
}

/// One mistake of a table set right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The operation's name; `*` stands for any text, as in all rules.
    pub operation: String,
    /// `body.amount.total`, `query.limit`, `answer.data[].id`; `body.**.rate` is every `rate` in the body, `**.rate` every one there is.
    pub at: String,
    /// Keys of the value that become other ones; `null` removes a key.
    #[serde(default)]
    pub set: Map<String, Value>,
    /// The value that is missing at that place.
    pub add: Option<Value>,
    #[serde(default)]
    pub remove: bool,
    /// The true name.
    pub rename: Option<String>,
    /// Of an object: fields of which one must be there, and not all.
    #[serde(default)]
    pub either: Vec<String>,
    #[allow(dead_code)] // for people
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepeatRule {
    pub operations: Vec<String>,
    pub repeat: Repeat,
    /// The merchant's number that makes the identical request have one effect, for `same_number`.
    pub number: Option<String>,
    #[allow(dead_code)] // for people
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FillRule {
    pub field: String,
    pub fill: Fill,
    pub operations: Vec<String>,
    #[serde(default)]
    pub except: Vec<String>,
    #[allow(dead_code)] // for people
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Naming {
    pub id: Option<String>,
    pub title: Option<String>,
    /// The names of the body and of the answer in typed models. Answers of one name are one model with the fields of all; bodies of one name
    /// are the same.
    pub body: Option<String>,
    pub answer: Option<String>,
    /// Why the typed models leave it out.
    pub untyped: Option<String>,
}

/// Plaintexts of a family's notifications.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub family: String,
    pub notifications: Vec<Notification>,
    #[serde(default)]
    pub schemas: Vec<Schema>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Gloss {
    pub doc: String,
    pub unit: Option<String>,
}

impl Overlay {
    pub fn join(&mut self, other: Overlay) {
        self.families.extend(other.families);
        self.corrections.extend(other.corrections);
        self.repeat.extend(other.repeat);
        self.numbers.extend(other.numbers);
        self.fills.extend(other.fills);
        self.operations.extend(other.operations);
        self.notifications.extend(other.notifications);
        self.glossary.extend(other.glossary);
        self.models.extend(other.models);
        self.names.extend(other.names);
    }
}

/// Whether a name is the one meant; `*` stands for any text.
pub fn means(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

pub fn any_means(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| means(pattern, name))
}

impl Correction {
    /// Corrects all drafts it speaks of. It must find something to correct.
    pub fn apply(&self, drafts: &mut [Draft]) -> Result<(), String> {
        let drafts = drafts
            .iter_mut()
            .filter(|draft| means(&self.operation, &draft.name));
        let mut applied = 0;
        for draft in drafts {
            let (part, rest) = self.at.split_once('.').unwrap_or((&self.at, ""));
            let steps: Vec<&str> = rest.split('.').filter(|step| !step.is_empty()).collect();
            if part == "**" {
                for part in ["path", "query", "form", "body", "answer"] {
                    let whole = draft.part(part).expect("one of the parts");
                    applied += self.everywhere(whole, &steps);
                }
                continue;
            }
            let whole = draft
                .part(part)
                .ok_or_else(|| format!("{}: there is no part {part}", self.at))?;
            applied += match (&self.add, steps.is_empty()) {
                (Some(value), true) if whole.is_null() => {
                    *whole = value.clone();
                    1
                }
                (None, true) if self.remove => {
                    *whole = Value::Null;
                    1
                }
                (_, true) => self.change(whole),
                _ => self.walk(whole, &steps),
            };
        }
        match applied {
            0 => Err(format!(
                "the correction of {} at {} applies to nothing",
                self.operation, self.at
            )),
            _ => Ok(()),
        }
    }

    fn walk(&self, value: &mut Value, steps: &[&str]) -> usize {
        let Some((&step, rest)) = steps.split_first() else {
            return self.change(value);
        };
        if step == "**" {
            return self.everywhere(value, rest);
        }
        let name = step.trim_end_matches("[]");
        let depth = (step.len() - name.len()) / 2;
        if rest.is_empty() && depth == 0 && (self.remove || self.add.is_some()) {
            return self.replace(value, name);
        }
        let field = fields(value).find(|field| field["name"] == name);
        let Some(mut inner) = field else { return 0 };
        for _ in 0..depth {
            match inner.get_mut("items") {
                Some(items) => inner = items,
                None => return 0,
            }
        }
        self.walk(inner, rest)
    }

    fn everywhere(&self, value: &mut Value, steps: &[&str]) -> usize {
        let mut applied = match value.is_object() {
            true => self.walk(value, steps),
            false => 0,
        };
        for field in fields(value) {
            applied += self.everywhere(field, steps);
        }
        if let Some(items) = value.get_mut("items") {
            applied += self.everywhere(items, steps);
        }
        applied
    }

    fn replace(&self, owner: &mut Value, name: &str) -> usize {
        let Some(fields) = owner.get_mut("fields").and_then(Value::as_array_mut) else {
            return 0;
        };
        let before = fields.len();
        let is_there = fields.iter().any(|field| field["name"] == name);
        match &self.add {
            Some(value) if !is_there => {
                let mut value = value.clone();
                value["name"] = name.into();
                fields.push(value);
                1
            }
            Some(_) => 0,
            None => {
                fields.retain(|field| field["name"] != name);
                before - fields.len()
            }
        }
    }

    fn change(&self, value: &mut Value) -> usize {
        let either = self.alternatives(value);
        let Some(map) = value.as_object_mut() else {
            return 0;
        };
        for (key, new) in &self.set {
            match new {
                Value::Null => drop(map.shift_remove(key)),
                new => drop(map.insert(key.clone(), new.clone())),
            }
        }
        if let Some(name) = &self.rename {
            map.insert("name".into(), name.clone().into());
        }
        match either {
            None => return 0,
            Some(names) if names.is_empty() => {}
            Some(names) => drop(map.insert("any_of".into(), names.into())),
        }
        1
    }

    /// Makes the alternatives optional; None if one of them is not there.
    fn alternatives(&self, object: &mut Value) -> Option<Vec<String>> {
        let is_there =
            |object: &mut Value, name: &String| fields(object).any(|field| field["name"] == **name);
        if !self.either.iter().all(|name| is_there(object, name)) {
            return None;
        }
        fields(object)
            .filter(|field| self.either.iter().any(|name| field["name"] == **name))
            .for_each(|field| field["required"] = false.into());
        Some(self.either.clone())
    }
}

fn fields(object: &mut Value) -> impl Iterator<Item = &mut Value> {
    let fields = object.get_mut("fields").and_then(Value::as_array_mut);
    fields.into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::facts;

    fn drafts() -> Vec<Draft> {
        let table = json!({ "operations": [{
            "method": "POST", "path": "/toys/{id}", "path_params": { "id": { "required": true, "type": "string" } },
            "request": { "type": "object", "required": ["size", "ghost", "a", "b"], "properties": {
                "size": { "type": "number" }, "a": { "type": "string" }, "b": { "type": "string" },
                "parts": { "type": "array", "items": { "type": "object", "properties": { "rate": { "type": "stringde" } } } },
            }},
            "response": { "200": { "type": "object", "properties": { "rate": { "type": "string" } } } },
        }]});
        facts::read(&table.to_string()).unwrap()
    }

    fn corrected(correction: Value) -> Result<Draft, String> {
        let correction: Correction = serde_json::from_value(correction).unwrap();
        let mut drafts = drafts();
        correction.apply(&mut drafts)?;
        Ok(drafts.pop().unwrap())
    }

    fn field<'a>(part: &'a Value, name: &str) -> Option<&'a Value> {
        let mut fields = part["fields"].as_array().unwrap().iter();
        fields.find(|field| field["name"] == name)
    }

    #[test]
    fn a_mistake_of_the_table_stays_visible_until_it_is_corrected() {
        let body = &drafts()[0].body;
        assert_eq!(field(body, "size").unwrap()["type"], "integer");
        assert_eq!(field(body, "ghost").unwrap()["type"], "missing");
        let broken = serde_json::from_value::<Schema>(body.clone());
        assert!(broken.is_err());
    }

    #[test]
    fn a_correction_reaches_its_place_at_any_depth() {
        let set = json!({ "operation": "POST /toys/*", "at": "body.parts[].rate", "set": { "type": "string" }, "why": "" });
        let draft = corrected(set).unwrap();
        let items = &field(&draft.body, "parts").unwrap()["items"];
        assert_eq!(field(items, "rate").unwrap()["type"], "string");

        let everywhere =
            json!({ "operation": "*", "at": "**.rate", "set": { "type": "integer" }, "why": "" });
        let draft = corrected(everywhere).unwrap();
        let items = &field(&draft.body, "parts").unwrap()["items"];
        assert_eq!(field(items, "rate").unwrap()["type"], "integer");
        assert_eq!(field(&draft.answer, "rate").unwrap()["type"], "integer");
    }

    #[test]
    fn fields_are_added_removed_renamed_and_made_alternatives() {
        let at = |at: &str, change: Value| {
            let mut correction = json!({ "operation": "POST /toys/{id}", "at": at, "why": "" });
            correction
                .as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            corrected(correction)
        };
        let added = at("query.limit", json!({ "add": { "type": "integer" } })).unwrap();
        assert_eq!(field(&added.query, "limit").unwrap()["type"], "integer");
        let removed = at("body.ghost", json!({ "remove": true })).unwrap();
        assert!(field(&removed.body, "ghost").is_none());
        let renamed = at("path.id", json!({ "rename": "toy_id" })).unwrap();
        assert!(field(&renamed.path, "toy_id").is_some());
        let either = at("body", json!({ "either": ["a", "b"] })).unwrap();
        assert_eq!(either.body["any_of"], json!(["a", "b"]));
        assert_eq!(field(&either.body, "a").unwrap()["required"], false);
    }

    #[test]
    fn a_correction_that_applies_to_nothing_is_a_mistake() {
        for (operation, at) in [
            ("POST /games", "body.size"),
            ("POST /toys/{id}", "body.colour"),
            ("POST /toys/{id}", "body.size.unit"),
            ("POST /toys/{id}", "query.parts"),
        ] {
            let correction =
                json!({ "operation": operation, "at": at, "set": { "doc": "x" }, "why": "" });
            assert!(corrected(correction).is_err(), "{operation} {at}");
        }
        let there_already =
            json!({ "operation": "*", "at": "body.size", "add": { "type": "string" }, "why": "" });
        assert!(corrected(there_already).is_err());
        let one_missing =
            json!({ "operation": "*", "at": "body", "either": ["a", "c"], "why": "" });
        assert!(corrected(one_missing).is_err());
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, fits) in [
            ("*", "POST /a", true),
            ("POST /a", "POST /a", true),
            ("POST /a", "POST /a/b", false),
            ("POST /a*", "POST /a/b", true),
            ("* /a/*", "GET /a/b", true),
            ("POST *pay", "POST /a/pay", true),
            ("POST *pay", "POST /a/payee", false),
            ("GET *b*d", "GET /a/b/c/d", true),
            ("GET *d*b", "GET /a/b/c/d", false),
        ] {
            assert_eq!(means(pattern, name), fits, "{pattern} {name}");
        }
    }
}
