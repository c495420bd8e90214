//! Every operation of APIv3 as a table of facts: what a request must have and what an answer looks like.
//! Nothing is read before the first request that needs it, and then only the lines of the operations that are asked for.

mod corrections;
mod request;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use crate::families::FAMILIES;
use crate::operations::{self, Operation};
use crate::sample;

pub use request::{Checked, allows, check, kind, shaped};

const FACTS: &str = include_str!("../../../catalogue/facts/wechat-v3.json");

/// The operations that no family plays by hand, and the line of every operation.
static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let played: HashSet<String> = FAMILIES
        .iter()
        .copied()
        .flatten()
        .map(|operation| shape(operation.name))
        .collect();
    let mut table = Table::default();
    for line in FACTS.lines() {
        let line = line.trim().trim_end_matches(',');
        let Ok(Named { method, path }) = serde_json::from_str(line) else {
            continue;
        };
        // Once in the life of the program: names are as static as the tables of the families.
        let name: &'static str = format!("{method} {path}").leak();
        table.lines.insert(name, line);
        if !played.contains(&shape(name)) {
            let operation = operations::checked(name, sample::perform).by_sample();
            table.operations.push(operation);
        }
    }
    table
});

#[derive(Default)]
struct Table {
    operations: Vec<Operation>,
    lines: HashMap<&'static str, &'static str>,
}

#[derive(Deserialize)]
struct Named<'a> {
    method: &'a str,
    path: &'a str,
}

/// The name without the names of its placeholders.
fn shape(name: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}" } else { part }.to_owned();
    name.split('/').map(part).collect::<Vec<_>>().join("/")
}

pub fn operations() -> impl Iterator<Item = &'static Operation> {
    TABLE.operations.iter()
}

/// Whether a request is a form with a file, of which the part `meta` is signed.
pub fn takes_a_file(name: &str) -> bool {
    TABLE
        .lines
        .get(name)
        .is_some_and(|line| line.contains("\"form_params\":"))
}

/// What is known of one operation; absent things are null.
pub struct Fact {
    pub path: Value,
    pub query: Value,
    pub form: Value,
    /// The schema of the body; of a form, that of `meta`.
    pub body: Value,
    pub status: u16,
    pub answer: Value,
    /// Of each of these groups of a body's fields one is needed.
    pub either: Vec<Vec<String>>,
    pub encrypted_request: HashSet<String>,
    pub encrypted_answer: HashSet<String>,
}

pub fn find(name: &str) -> Option<Fact> {
    let mut line: Value = serde_json::from_str(TABLE.lines.get(name)?).ok()?;
    let names = |value: Value| serde_json::from_value(value).unwrap_or_default();
    let (status, answer) = line["response"]
        .as_object()
        .and_then(|answers| answers.iter().next())
        .map_or((200, Value::Null), |(status, schema)| {
            (status.parse().unwrap_or(200), schema.clone())
        });
    let mut fact = Fact {
        path: line["path_params"].take(),
        query: line["query_params"].take(),
        form: line["form_params"].take(),
        body: line["request"].take(),
        status,
        answer,
        either: Vec::new(),
        encrypted_request: names(line["encrypted_request_fields"].take()),
        encrypted_answer: names(line["encrypted_response_fields"].take()),
    };
    corrections::apply(name, &mut fact);
    Some(fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_facts_is_an_operation_played_by_hand_or_by_sample() {
        let by_hand: Vec<String> = FAMILIES
            .iter()
            .copied()
            .flatten()
            .map(|operation| shape(operation.name))
            .collect();
        let facts: Value = serde_json::from_str(FACTS).unwrap();
        let facts = facts["operations"].as_array().unwrap();
        for fact in facts {
            let name = format!(
                "{} {}",
                fact["method"].as_str().unwrap(),
                fact["path"].as_str().unwrap()
            );
            let sampled = operations().any(|operation| operation.name == name);
            assert!(sampled != by_hand.contains(&shape(&name)), "{name}");
        }
        assert_eq!(facts.len(), 1017);
    }

    #[test]
    fn what_is_checked_by_the_facts_has_the_name_of_the_facts() {
        let by_hand = FAMILIES.iter().copied().flatten();
        for operation in by_hand.filter(|operation| operation.is_checked_by_facts()) {
            assert!(find(operation.name).is_some(), "{}", operation.name);
        }
    }
}
