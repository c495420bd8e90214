//! Parameters for any operation of the catalogue, made from its schema: the least that it takes, or everything.

use payseal::catalogue::{Fields, Format, Kind, Operation, Schema};
use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What is required.
    Least,
    /// Every field there is, and two items in each array.
    All,
}

pub struct Sample {
    pub path: Map<String, Value>,
    pub query: Map<String, Value>,
    pub body: Option<Value>,
}

pub fn sample(operation: &Operation, extent: Extent) -> Sample {
    let mut maker = Maker { extent, made: 0 };
    Sample {
        path: maker.members(operation.path_fields),
        query: maker.members(operation.query_fields),
        body: operation.body.map(|body| maker.value(body)),
    }
}

impl Sample {
    pub fn params(&self) -> Value {
        json!({ "path": self.path, "query": self.query, "body": self.body })
    }
}

struct Maker {
    extent: Extent,
    /// Texts are told apart by it.
    made: usize,
}

impl Maker {
    fn members(&mut self, fields: Fields) -> Map<String, Value> {
        let wanted = fields
            .iter()
            .filter(|field| field.required || self.extent == Extent::All);
        let wanted: Vec<_> = wanted.collect();
        wanted
            .into_iter()
            .map(|field| (field.name.to_owned(), self.value(field.schema)))
            .collect()
    }

    fn value(&mut self, schema: Schema) -> Value {
        match schema.kind {
            Kind::Object => {
                let mut members = self.members(schema.fields());
                // One of several: the first.
                if let Some(name) = schema.any_of().next()
                    && !schema.any_of().any(|name| members.contains_key(name))
                {
                    let field = schema.fields().get(name).expect("a field of the object");
                    members.insert(name.to_owned(), self.value(field.schema));
                }
                Value::Object(members)
            }
            Kind::Array => {
                let items = schema.items().expect("items");
                let count = if self.extent == Extent::All { 2 } else { 1 };
                let count = count
                    .max(schema.min_len())
                    .min(schema.max_len().unwrap_or(2));
                (0..count).map(|_| self.value(items)).collect()
            }
            Kind::String => self.text(schema).into(),
            Kind::Integer => match schema.values().next() {
                Some(value) => value.parse::<i64>().expect("an integer").into(),
                None => schema.range().map_or(1, |[min, _]| min).into(),
            },
            Kind::Boolean => true.into(),
        }
    }

    fn text(&mut self, schema: Schema) -> String {
        if let Some(value) = schema.values().next() {
            return value.to_owned();
        }
        match schema.format() {
            Some(Format::Rfc3339) => return "2018-06-08T10:34:56+08:00".into(),
            Some(Format::Date) => return "2018-06-08".into(),
            Some(Format::DateTime) => return "2018-06-08 10:34:56".into(),
            Some(Format::Amount) => {
                let hundredths = schema.range().map_or(8888, |[min, _]| min);
                return format!("{}.{:02}", hundredths / 100, hundredths % 100);
            }
            Some(Format::Ip) => return "14.23.150.211".into(),
            Some(Format::FileName) => return "a.png".into(),
            Some(Format::FileSha256) => return "0".repeat(64),
            Some(Format::NotifyUrl) => return "https://shop.example/notify".into(),
            None => {}
        }
        self.made += 1;
        // Digits are in every set of characters there is; what is free gets characters that want encoding.
        let mut text = self.made.to_string();
        if !schema.is_restricted() && schema.max_len().is_none_or(|max| max > 20) {
            text = format!("值 {text}+&=é'\"");
        }
        while text.chars().count() < schema.min_len() {
            text.push('0');
        }
        let most = schema.max_len().unwrap_or(usize::MAX);
        text.chars().take(most).collect()
    }
}
