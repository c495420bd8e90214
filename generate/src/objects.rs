//! Names for the objects that the table of facts leaves without one, so that every object of a family is a named schema.
//!
//! Objects of one structure are one model, within requests and within answers. A model is called after its field where that says enough,
//! after its owner and its field where two would have one name. A name that was given once is written down with a place where the object is
//! (`names` in `catalogue/overlay/`), and stays whatever is added later.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Family, Kind, Operation, Schema};
use crate::naming::{item_of, pascal, snake};

/// Names that mean something else in one of the languages.
const RESERVED: [&str; 32] = [
    "AsyncClient",
    "Boolean",
    "Builder",
    "CallOptions",
    "Class",
    "Client",
    "Double",
    "Enum",
    "Error",
    "Integer",
    "JsonNode",
    "JsonProperty",
    "Iterable",
    "List",
    "Literal",
    "Long",
    "Map",
    "Model",
    "Module",
    "Number",
    "Object",
    "Objects",
    "Optional",
    "Options",
    "Package",
    "Params",
    "PaysealClient",
    "PaysealException",
    "Process",
    "Record",
    "String",
    "Void",
];

/// The family with all its objects named.
pub fn name(family: &mut Family) -> Result<(), String> {
    let (untyped, typed) = std::mem::take(&mut family.operations)
        .into_iter()
        .partition(|operation| operation.untyped);
    family.operations = typed;
    let roots = roots(family, &untyped)?;
    let mut groups = Groups::default();
    groups.know(&roots);
    for root in &roots {
        let owners = [stem(&root.schema.name).to_owned()];
        groups.visit_fields(&root.schema, root.sent, &root.place, &owners);
    }
    let functions = family
        .operations
        .iter()
        .map(|operation| pascal(&operation.id));
    let taken = roots.iter().map(|root| root.schema.name.clone());
    groups.name(&family.names, taken.chain(functions).collect());

    let mut schemas = Vec::new();
    for root in &roots {
        groups.write(&root.schema, root.sent, &family.docs, &mut schemas);
    }
    family.names = groups.places();
    family.schemas = schemas;
    Ok(())
}

/// An object that has a name from the start: a body, an answer, a plaintext, or what a person wrote.
struct Root {
    schema: Schema,
    sent: bool,
    place: String,
}

/// All roots; the operations and notifications of the family are made to refer to them.
fn roots(family: &mut Family, untyped: &[Operation]) -> Result<Vec<Root>, String> {
    let ours = |operation: &&mut Operation| !operation.written;
    let objects = |operation: &Operation| [operation.body.clone(), operation.answer.clone()];
    let mut made: BTreeSet<String> = untyped.iter().flat_map(objects).flatten().collect();
    let mut roots: Vec<Root> = Vec::new();
    let schemas = std::mem::take(&mut family.schemas);
    let find = |name: &str| {
        schemas
            .iter()
            .find(|schema| schema.name == name)
            .cloned()
            .expect("the catalogue has been checked")
    };
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for operation in family.operations.iter_mut().filter(ours) {
        let body = operation.body.take();
        let answer = operation.answer.take();
        made.extend(body.iter().chain(&answer).cloned());
        // What an upload says of its file, the library makes.
        if let Some(body) = body.filter(|_| operation.file.is_none()) {
            let mut schema = find(&body);
            schema.name = operation.body_name.clone().unwrap_or(body);
            if schema.doc.is_empty() {
                schema.doc = format!("The body of {}.", operation.name);
            }
            operation.body = Some(schema.name.clone());
            let place = format!("{} body", operation.name);
            add(&mut roots, schema, true, place)
                .map_err(|problem| format!("{}: {problem}", operation.name))?;
        }
        if let Some(answer) = answer
            && !find(&answer).fields.is_empty()
        {
            let mut schema = find(&answer);
            schema.name = operation
                .answer_name
                .clone()
                .unwrap_or_else(|| answer.clone());
            renamed.insert(answer, schema.name.clone());
            operation.answer = Some(schema.name.clone());
            if schemas
                .iter()
                .any(|known| known.name == schema.name && !made.contains(&known.name))
            {
                continue; // described by a person
            }
            if schema.doc.is_empty() {
                schema.doc = match &operation.answer_name {
                    Some(_) => described(&family.docs, &schema.name)
                        .unwrap_or_else(|| format!("The answer to {}.", operation.name)),
                    None => format!("The answer to {}.", operation.name),
                };
            }
            let place = format!("{} answer", operation.name);
            add(&mut roots, schema, false, place)
                .map_err(|problem| format!("{}: {problem}", operation.name))?;
        }
    }
    for notification in &mut family.notifications {
        if let Some(name) = renamed.get(&notification.plaintext) {
            notification.plaintext = name.clone();
        }
    }
    let written = schemas
        .into_iter()
        .filter(|schema| !made.contains(&schema.name));
    let mut all: Vec<Root> = written
        .map(|schema| Root {
            place: schema.name.clone(),
            sent: false,
            schema,
        })
        .collect();
    all.extend(roots);
    let mut names = BTreeSet::new();
    for root in &all {
        if !names.insert(root.schema.name.to_lowercase()) {
            return Err(format!("there are two {}", root.schema.name));
        }
    }
    for notification in &family.notifications {
        let (events, plaintext) = (&notification.events, &notification.plaintext);
        let root = all
            .iter_mut()
            .find(|root| root.schema.name == *plaintext)
            .ok_or_else(|| format!("the plaintext of {events:?}, {plaintext}, is not described"))?;
        if !root.schema.doc.contains(&events[0]) {
            root.schema.doc += &format!(" Plaintext of {}.", events.join(", "));
        }
    }
    Ok(all)
}

/// Bodies of one name are the same; answers of one name become one.
fn add(roots: &mut Vec<Root>, schema: Schema, sent: bool, place: String) -> Result<(), String> {
    match roots
        .iter_mut()
        .find(|root| root.schema.name == schema.name)
    {
        None => roots.push(Root {
            schema,
            sent,
            place,
        }),
        Some(root) if root.sent != sent => {
            return Err(format!("{} is a body and an answer", schema.name));
        }
        Some(root) if sent => {
            if signature(&root.schema, true) != signature(&schema, true) {
                return Err(format!("the bodies {} differ", schema.name));
            }
        }
        Some(root) => unite(&mut root.schema, &schema)
            .map_err(|field| format!("the answers {} differ at {field}", schema.name))?,
    }
    Ok(())
}

/// Everything that one or the other may hold.
fn unite(one: &mut Schema, other: &Schema) -> Result<(), String> {
    if one.reference != other.reference || one.kind() != other.kind() {
        return Err(String::new());
    }
    for field in &other.fields {
        match one.fields.iter_mut().find(|known| known.name == field.name) {
            None => one.fields.push(field.clone()),
            Some(known) => {
                unite(known, field).map_err(|rest| format!("{}.{rest}", field.name))?;
            }
        }
    }
    if let (Some(one), Some(other)) = (&mut one.items, &other.items) {
        unite(one, other).map_err(|rest| format!("[].{rest}"))?;
    }
    let unknown = |value: &&serde_json::Value| !one.values.contains(value);
    let more: Vec<_> = other.values.iter().filter(unknown).cloned().collect();
    one.values.extend(more);
    one.encrypted |= other.encrypted;
    one.open |= other.open;
    Ok(())
}

/// Objects of one structure.
struct Group {
    sent: bool,
    schema: Schema,
    /// From the outermost owner to the field, as parts of a name.
    words: Vec<String>,
    places: Vec<String>,
    doc: String,
    name: String,
    /// It is an answer itself.
    root: bool,
}

impl Group {
    /// What its field says, or which fields it is in where they have several names.
    fn doc(&self) -> String {
        let field = |place: &String| {
            let last = place.rsplit('.').next().unwrap_or_default();
            last.trim_end_matches("[]").to_owned()
        };
        let fields: BTreeSet<String> = self.places.iter().map(field).collect();
        let fields: Vec<String> = fields.into_iter().collect();
        match fields.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("What is in {} and {last}.", others.join(", "))
            }
            _ => self.doc.clone(),
        }
    }
}

#[derive(Default)]
struct Groups {
    /// In the order in which they are met.
    groups: Vec<Group>,
    numbers: BTreeMap<(bool, String), usize>,
}

impl Groups {
    /// What is a whole answer elsewhere has its name.
    fn know(&mut self, roots: &[Root]) {
        for root in roots.iter().filter(|root| root.place.ends_with(" answer")) {
            let number = self.groups.len();
            self.numbers
                .insert((false, signature(&root.schema, false)), number);
            self.groups.push(Group {
                sent: false,
                schema: root.schema.clone(),
                words: Vec::new(),
                places: Vec::new(),
                doc: String::new(),
                name: root.schema.name.clone(),
                root: true,
            });
        }
    }

    fn visit_fields(&mut self, schema: &Schema, sent: bool, place: &str, owners: &[String]) {
        for field in &schema.fields {
            let (inner, depth) = innermost(field);
            if inner.reference.is_some() || !is_model(inner) {
                continue;
            }
            let place = format!("{place}.{}{}", field.name, "[]".repeat(depth));
            let mut words = owners.to_vec();
            let doc = if depth > 0 && field.name == "data" {
                words.push(listed(&owners[0]));
                format!("An item of {}. {}", field.name, field.doc)
            } else if depth > 0 {
                words.push(pascal(&item_of(&field.name)));
                format!("An item of {}. {}", field.name, field.doc)
            } else {
                words.push(pascal(&field.name));
                format!("The object {}. {}", field.name, field.doc)
            };
            let number = self.numbers.get(&(sent, signature(inner, sent))).copied();
            match number {
                Some(number) => {
                    self.groups[number].places.push(place.clone());
                    agree(&mut self.groups[number].schema, inner);
                }
                None => {
                    let number = self.groups.len();
                    self.numbers.insert((sent, signature(inner, sent)), number);
                    self.groups.push(Group {
                        sent,
                        schema: inner.clone(),
                        words: words.clone(),
                        places: vec![place.clone()],
                        doc: doc.trim().to_owned(),
                        name: String::new(),
                        root: false,
                    });
                }
            }
            self.visit_fields(inner, sent, &place, &words);
        }
    }

    /// First those that have a name; then what callers make, and what occurs most, gets the short names.
    fn name(&mut self, known: &BTreeMap<String, String>, mut taken: BTreeSet<String>) {
        for (name, place) in known {
            let unnamed = self
                .groups
                .iter_mut()
                .find(|group| group.name.is_empty() && group.places.contains(place));
            if let Some(group) = unnamed
                && taken.insert(name.clone())
            {
                group.name = name.clone();
            }
        }
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by_key(|&at| {
            let group = &self.groups[at];
            (!group.sent, usize::MAX - group.places.len(), at)
        });
        for at in order {
            let group = &self.groups[at];
            if !group.name.is_empty() {
                continue;
            }
            let words = &group.words;
            let last = &words[words.len() - 1];
            let item = group.places[0].ends_with(".data[]");
            let short = [last.clone(), format!("{last}Item")].into_iter();
            let short = short.take(if item { 2 } else { 1 });
            let with_root = [format!("{}{last}", words[0])];
            let with_owners = (2..=words.len()).map(|count| words[words.len() - count..].concat());
            let with_owners = short.chain(with_root).chain(with_owners);
            let numbered = (2..).map(|number| format!("{}{number}", words.concat()));
            let free = with_owners
                .chain(numbered)
                .find(|name| !taken.contains(name) && !RESERVED.contains(&name.as_str()));
            let name = free.expect("the numbers do not end");
            taken.insert(name.clone());
            self.groups[at].name = name;
        }
    }

    fn places(&self) -> BTreeMap<String, String> {
        let place = |group: &Group| (group.name.clone(), group.places[0].clone());
        let groups = self.groups.iter().filter(|group| !group.root);
        groups.map(place).collect()
    }

    /// The object with names in place of the objects in it, and those behind it.
    fn write(
        &self,
        schema: &Schema,
        sent: bool,
        docs: &BTreeMap<String, String>,
        schemas: &mut Vec<Schema>,
    ) {
        let mut whole = schema.clone();
        let mut inside = Vec::new();
        for field in &mut whole.fields {
            let mut inner = field;
            while inner.items.is_some() {
                inner = inner.items.as_mut().expect("it is there");
            }
            if inner.reference.is_some() || !is_model(inner) {
                continue;
            }
            let group = &self.groups[self.numbers[&(sent, signature(inner, sent))]];
            inside.push(group);
            *inner = Schema {
                name: inner.name.clone(),
                doc: inner.doc.clone(),
                required: inner.required,
                filled: inner.filled,
                reference: Some(group.name.clone()),
                ..Schema::default()
            };
        }
        schemas.push(whole);
        for group in inside {
            if group.root || schemas.iter().any(|known| known.name == group.name) {
                continue;
            }
            let mut schema = group.schema.clone();
            schema.name = group.name.clone();
            schema.required = false;
            schema.doc = described(docs, &group.name).unwrap_or_else(|| group.doc());
            self.write(&schema, sent, docs, schemas);
        }
    }
}

fn described(docs: &BTreeMap<String, String>, name: &str) -> Option<String> {
    docs.get(name).cloned()
}

/// An object of which it is known what it may hold.
pub fn is_model(schema: &Schema) -> bool {
    schema.kind() == Kind::Object && !schema.fields.is_empty()
}

fn innermost(schema: &Schema) -> (&Schema, usize) {
    let (mut inner, mut depth) = (schema, 0);
    while let Some(items) = &inner.items {
        (inner, depth) = (items, depth + 1);
    }
    (inner, depth)
}

/// What two objects have in common that can be one model: their fields and what those are. What is required and how long a text may be, the
/// library knows for each operation.
fn signature(schema: &Schema, sent: bool) -> String {
    let mut fields: Vec<String> = schema
        .fields
        .iter()
        .map(|field| format!("{}:{}", field.name, signature(field, sent)))
        .collect();
    fields.sort();
    let items = schema.items.as_ref().map(|items| signature(items, sent));
    let values = sent.then_some((&schema.values, schema.filled));
    format!(
        "{:?}{:?}{}{values:?}{items:?}{{{}}}",
        schema.reference,
        schema.kind(),
        schema.encrypted,
        fields.join(",")
    )
}

/// What is true of both, which have one signature.
fn agree(one: &mut Schema, other: &Schema) {
    one.required &= other.required;
    let keep = |same: bool| same.then_some(());
    one.length = keep(one.length == other.length).and(one.length);
    one.range = keep(one.range == other.range).and(one.range);
    one.format = keep(one.format == other.format).and(one.format);
    if one.charset != other.charset {
        one.charset = None;
    }
    let unknown = |value: &&serde_json::Value| !one.values.contains(value);
    let more: Vec<_> = other.values.iter().filter(unknown).cloned().collect();
    one.values.extend(more);
    for field in &mut one.fields {
        let same = other.fields.iter().find(|known| known.name == field.name);
        same.into_iter().for_each(|same| agree(field, same));
    }
    if let (Some(one), Some(other)) = (&mut one.items, &other.items) {
        agree(one, other);
    }
}

/// What the `data` of an answer lists: `Complaints` and `ListComplaints` list a `Complaint`.
fn listed(owner: &str) -> String {
    let owner = owner.strip_prefix("List").unwrap_or(owner);
    pascal(&item_of(&snake(owner)))
}

/// `JsapiRequest` → `Jsapi`
fn stem(name: &str) -> &str {
    let stem = name
        .strip_suffix("Request")
        .or_else(|| name.strip_suffix("Response"));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(name)
}
