//! The parameters of an action: every one is asked for by name, and what nobody asked for is an error.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::wire::json;

use super::store;

pub(super) struct Given {
    map: Map<String, Value>,
    /// `""` at the top, else the keys that lead here, each followed by a dot.
    path: String,
    known: Vec<&'static str>,
}

impl Given {
    pub fn parse(text: &[u8]) -> Result<Given> {
        let text = if text.is_empty() { b"{}" } else { text };
        let map = json::parse_object(text)
            .map_err(|problem| invalid("params", format!("params cannot be read: {problem}")))?;
        Ok(Given {
            map,
            path: String::new(),
            known: Vec::new(),
        })
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    pub fn error(&self, key: &str, problem: &str) -> Error {
        let field = format!("{}{key}", self.path);
        invalid(&field, format!("{field} {problem}"))
    }

    pub fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text)),
            Some(_) => Err(self.error(key, "must be a text that is not empty")),
        }
    }

    pub fn required_text(&mut self, key: &'static str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.error(key, "is missing"))
    }

    pub fn integer(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>> {
        match self.take(key) {
            None => Ok(None),
            Some(value) => match value.as_i64().filter(|number| range.contains(number)) {
                Some(number) => Ok(Some(number)),
                None => Err(self.error(
                    key,
                    &format!(
                        "must be an integer from {} to {}",
                        range.start(),
                        range.end()
                    ),
                )),
            },
        }
    }

    pub fn required_integer(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<i64> {
        self.integer(key, range)?
            .ok_or_else(|| self.error(key, "is missing"))
    }

    /// An amount in the currency's minor unit.
    pub fn amount(&mut self, key: &'static str) -> Result<i64> {
        match self.take(key) {
            None => Err(self.error(key, "is missing")),
            Some(value) => value
                .as_i64()
                .filter(|amount| (1..=MOST_AMOUNT).contains(amount))
                .ok_or_else(|| {
                    self.error(
                        key,
                        "must be a positive integer in the currency's minor unit (fen)",
                    )
                }),
        }
    }

    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.error(key, "must be true or false")),
        }
    }

    pub fn object(&mut self, key: &'static str) -> Result<Map<String, Value>> {
        match self.take(key) {
            None => Ok(Map::new()),
            Some(Value::Object(map)) => Ok(map),
            Some(_) => Err(self.error(key, "must be an object")),
        }
    }

    pub fn part(&mut self, key: &'static str) -> Result<Given> {
        Ok(Given {
            map: self.object(key)?,
            path: format!("{}{key}.", self.path),
            known: Vec::new(),
        })
    }

    /// Objects of an array, each named by its place.
    pub fn parts(&mut self, key: &'static str) -> Result<Option<Vec<Given>>> {
        let items = match self.take(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.error(key, "must be an array of objects")),
        };
        let read = |(index, item): (usize, Value)| match item {
            Value::Object(map) => Ok(Given {
                map,
                path: format!("{}{key}[{index}].", self.path),
                known: Vec::new(),
            }),
            _ => Err(self.error(key, "must be an array of objects")),
        };
        items
            .into_iter()
            .enumerate()
            .map(read)
            .collect::<Result<_>>()
            .map(Some)
    }

    pub fn integers(&mut self, key: &'static str) -> Result<Option<Vec<i64>>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .map(Value::as_i64)
                .collect::<Option<Vec<i64>>>()
                .map(Some)
                .ok_or_else(|| self.error(key, "must be an array of integers")),
            Some(_) => Err(self.error(key, "must be an array of integers")),
        }
    }

    /// Values for the placeholders of a statement.
    pub fn values(&mut self, key: &'static str) -> Result<Vec<store::Value>> {
        let items = match self.take(key) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.error(key, "must be an array")),
        };
        let value = |item: Value| match item {
            Value::Null => Ok(store::Value::Null),
            Value::String(text) => Ok(store::Value::Text(text)),
            Value::Number(number) => number.as_i64().map(store::Value::Integer).ok_or(()),
            _ => Err(()),
        };
        items.into_iter().map(value).collect::<std::result::Result<_, ()>>().map_err(|()| {
            self.error(key, "must be texts, integers and nulls; write anything else as one of these, and convert it in the statement")
        })
    }

    pub fn finish(self) -> Result<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.error(
                key,
                &format!("is not known here; known are {}", self.known.join(", ")),
            )),
        }
    }
}

/// What an integer of JSON holds in every language.
const MOST_AMOUNT: i64 = 9_007_199_254_740_991;

fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Code::ParamsInvalid, message).with_field(field)
}
