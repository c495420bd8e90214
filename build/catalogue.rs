//! Packs the catalogues into constant tables; `src/catalogue/table.rs` says what they hold.

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::load;
use crate::model::{Catalogue, Family, Fill, Format, Kind, Operation, Repeat, Schema};

/// "There is none", of an index.
const NONE: u16 = u16::MAX;

/// Writes `OUT_DIR/catalogue.rs`. Panics, and so fails the build, when a file is not as it must be.
pub fn compile() {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("catalogue");
    for watched in load::folders(&folder) {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    println!("cargo::rerun-if-changed=build");
    let catalogues = load::load(&folder).unwrap_or_else(|problem| panic!("{problem}"));
    let tables: Vec<String> = catalogues.iter().map(pack).collect();
    let source = format!(
        "pub(super) static TABLES: &[&Table] = &[{}];\n",
        tables.concat()
    );
    fs::write(
        Path::new(&env::var_os("OUT_DIR").unwrap()).join("catalogue.rs"),
        source,
    )
    .unwrap();
}

fn pack(catalogue: &Catalogue) -> String {
    let mut packer = Packer::default();
    packer.lists.index(Vec::new());
    let mut operations: Vec<(&str, String)> = Vec::new();
    for family in &catalogue.families {
        for operation in &family.operations {
            operations.push((&operation.name, packer.operation(family, operation)));
        }
    }
    operations.sort();
    if let Some(pair) = operations.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        panic!("{}: {} is there twice", catalogue.provider, pair[0].0);
    }
    packer.table(
        &catalogue.provider,
        catalogue.four_byte_texts,
        operations.into_iter().map(|(_, row)| row),
    )
}

/// Each distinct thing once, numbered.
struct Interner<T> {
    numbers: HashMap<T, u16>,
    things: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner {
            numbers: HashMap::new(),
            things: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    fn index(&mut self, thing: T) -> u16 {
        let next = self.things.len();
        *self.numbers.entry(thing.clone()).or_insert_with(|| {
            self.things.push(thing);
            u16::try_from(next)
                .ok()
                .filter(|&next| next != NONE)
                .expect("a table holds 65534 things at most")
        })
    }
}

#[derive(Default)]
struct Packer {
    texts: Interner<String>,
    lists: Interner<Vec<u16>>,
    fields: Interner<String>,
    schemas: Interner<String>,
    charsets: Interner<u128>,
    ranges: Interner<[i64; 2]>,
}

impl Packer {
    fn operation(&mut self, family: &Family, operation: &Operation) -> String {
        let name = &operation.name;
        let is_address = |(method, path): (&str, &str)| {
            ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) && path.starts_with('/')
        };
        assert!(
            name.split_once(' ').is_none_or(is_address),
            "{name} must be a method and a path, or one word"
        );
        let is_plain = |field: &Schema| matches!(field.kind(), Kind::String | Kind::Integer);
        assert!(
            operation
                .path
                .iter()
                .all(|field| field.required && is_plain(field)),
            "{name}: path parameters are required texts or integers"
        );

        let body = operation.body.as_ref().map(|schema| family.schema(schema));
        let answer = operation
            .answer
            .as_ref()
            .map(|schema| family.schema(schema));
        let encrypted = self.encrypted(family, body);
        let encrypted_answer = self.encrypted(family, answer);
        // Operations from the table of facts have no sentence of their own.
        let title = match operation.title.is_empty() {
            true => &family.title,
            false => &operation.title,
        };
        let title = self.texts.index(title.clone());
        let order_number = self.text_or_none(&operation.order_number);
        let path = self.field_list(family, &operation.path);
        let query = self.field_list(family, &operation.query);
        let form = self.field_list(family, &operation.form);
        let file = self.text_or_none(&operation.file);
        let host = self.text_or_none(&operation.host);
        let makes = operation.makes.iter();
        let makes = makes.map(|make| self.texts.index(make.name().to_owned()));
        let makes = makes.collect();
        let makes = self.lists.index(makes);
        let body = body.map_or(NONE, |body| self.schema(family, body));
        let repeat = match operation.repeat {
            Repeat::Safe => "Safe",
            Repeat::SameNumber => "SameNumber",
            Repeat::Never => "Never",
        };
        let open_query = operation.open_query;
        let idempotency_key = operation.idempotency_key;
        let client_certificate = operation.client_certificate;
        format!(
            "OperationRow{{name:{},title:{title},order_number:{order_number},path:{path},query:{query},form:{form},body:{body},file:{file},host:{host},encrypted:{encrypted},encrypted_answer:{encrypted_answer},makes:{makes},open_query:{open_query},idempotency_key:{idempotency_key},client_certificate:{client_certificate},repeat:Repeat::{repeat}}},",
            self.texts.index(name.clone()),
        )
    }

    fn text_or_none(&mut self, text: &Option<String>) -> u16 {
        text.as_ref()
            .map_or(NONE, |text| self.texts.index(text.clone()))
    }

    /// The list of the places in an object that are sent encrypted.
    fn encrypted(&mut self, family: &Family, schema: Option<&Schema>) -> u16 {
        let mut paths = Vec::new();
        if let Some(schema) = schema {
            encrypted_paths(family, schema, "", &mut paths);
        }
        let paths = paths.into_iter().map(|path| self.texts.index(path));
        let paths = paths.collect();
        self.lists.index(paths)
    }

    /// Sorted by name, so that a field is found by halving.
    fn field_list(&mut self, family: &Family, fields: &[Schema]) -> u16 {
        let mut fields: Vec<&Schema> = fields.iter().collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(
            fields.windows(2).all(|pair| pair[0].name != pair[1].name),
            "{}: a field is there twice",
            family.name
        );
        let list = fields
            .into_iter()
            .map(|field| self.field(family, field))
            .collect();
        self.lists.index(list)
    }

    fn field(&mut self, family: &Family, field: &Schema) -> u16 {
        let filled = match field.filled {
            None => "None",
            Some(Fill::Mchid) => "Some(Fill::MerchantId)",
            Some(Fill::Appid) => "Some(Fill::AppId)",
            Some(Fill::NotifyUrl) => "Some(Fill::NotifyUrl)",
            Some(Fill::ReturnUrl) => "Some(Fill::ReturnUrl)",
            Some(Fill::AppAuthToken) => "Some(Fill::AppAuthToken)",
        };
        let schema = self.schema(family, field.resolve(family));
        let name = self.texts.index(field.name.clone());
        self.fields.index(format!(
            "FieldRow{{name:{name},schema:{schema},required:{},filled:{filled}}},",
            field.required
        ))
    }

    fn schema(&mut self, family: &Family, schema: &Schema) -> u16 {
        let detail = match schema.kind() {
            Kind::Object => self.field_list(family, &schema.fields),
            Kind::Array => {
                let items = schema
                    .items
                    .as_ref()
                    .unwrap_or_else(|| panic!("{}: {} has no items", family.name, schema.name));
                self.schema(family, items.resolve(family))
            }
            _ => {
                let values = schema.values.iter().map(|value| {
                    value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned)
                });
                let values = values.map(|value| self.texts.index(value)).collect();
                self.lists.index(values)
            }
        };
        let format = match schema.format {
            None => "None",
            Some(Format::Rfc3339) => "Some(Format::Rfc3339)",
            Some(Format::Date) => "Some(Format::Date)",
            Some(Format::DateTime) => "Some(Format::DateTime)",
            Some(Format::Amount) => "Some(Format::Amount)",
            Some(Format::Ip) => "Some(Format::Ip)",
            Some(Format::NotifyUrl) => "Some(Format::NotifyUrl)",
            Some(Format::FileName) => "Some(Format::FileName)",
            Some(Format::FileSha256) => "Some(Format::FileSha256)",
        };
        let [min, max] = schema.length.unwrap_or([0, NONE]);
        let charset = schema
            .charset
            .as_ref()
            .map_or(NONE, |set| self.charsets.index(charset(set)));
        let range = schema.range.map_or(NONE, |range| self.ranges.index(range));
        let any_of = self.names(schema, &schema.any_of);
        let ascending = self.names(schema, schema.ascending.as_flattened());
        self.schemas.index(format!(
            "SchemaRow{{kind:Kind::{:?},encrypted:{},open:{},lines:{},format:{format},detail:{detail},min:{min},max:{max},charset:{charset},range:{range},any_of:{any_of},ascending:{ascending}}},",
            schema.kind(),
            schema.encrypted,
            schema.open,
            schema.lines,
        ))
    }

    fn names(&mut self, schema: &Schema, names: &[String]) -> u16 {
        let known = |name: &String| schema.fields.iter().any(|field| field.name == *name);
        assert!(
            names.iter().all(known),
            "{}: a rule names a field that is not there",
            schema.name
        );
        let names = names
            .iter()
            .map(|name| self.texts.index(name.clone()))
            .collect();
        self.lists.index(names)
    }

    fn table(
        self,
        provider: &str,
        four_byte_texts: bool,
        operations: impl Iterator<Item = String>,
    ) -> String {
        let text_ends = ends(self.texts.things.iter().map(|text| text.len()));
        let list_ends = ends(self.lists.things.iter().map(|list| list.len()));
        let mut source = String::new();
        write!(
            source,
            "&Table{{provider:{provider:?},four_byte_texts:{four_byte_texts},text:{:?},text_ends:&{text_ends:?},lists:&{:?},list_ends:&{list_ends:?},operations:&[{}],fields:&[{}],schemas:&[{}],charsets:&{:?},ranges:&{:?}}},",
            self.texts.things.concat(),
            self.lists.things.concat(),
            operations.collect::<String>(),
            self.fields.things.concat(),
            self.schemas.things.concat(),
            self.charsets.things,
            self.ranges.things,
        )
        .unwrap();
        source
    }
}

/// Where each of some things laid end to end begins, and where the last one ends.
fn ends(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut ends = vec![0];
    for length in lengths {
        ends.push(ends[ends.len() - 1] + u32::try_from(length).unwrap());
    }
    ends
}

fn encrypted_paths(family: &Family, schema: &Schema, place: &str, paths: &mut Vec<String>) {
    if schema.encrypted {
        paths.push(place.to_owned());
    }
    for field in &schema.fields {
        let dot = if place.is_empty() { "" } else { "." };
        encrypted_paths(
            family,
            field.resolve(family),
            &format!("{place}{dot}{}", field.name),
            paths,
        );
    }
    if let Some(items) = &schema.items {
        encrypted_paths(family, items.resolve(family), &format!("{place}[]"), paths);
    }
}

/// `0-9A-Z_-` as one bit for each ASCII character.
fn charset(text: &str) -> u128 {
    let chars: Vec<char> = text.chars().collect();
    assert!(text.is_ascii() && !text.is_empty(), "charset {text:?}");
    let mut set = 0;
    let mut at = 0;
    while at < chars.len() {
        let is_range = at + 2 < chars.len() && chars[at + 1] == '-';
        let last = if is_range { chars[at + 2] } else { chars[at] };
        assert!(chars[at] <= last, "charset {text:?}");
        (chars[at]..=last).for_each(|c| set |= 1u128 << c as u32);
        at += if is_range { 3 } else { 1 };
    }
    set
}
