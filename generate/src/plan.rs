//! What has to be written, the same for every language: models, constants, functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::describe::describe;
use crate::model::{Family, Fill, Kind, Make, Operation, Schema};
use crate::naming::{pascal, snake};
use crate::objects::is_model;

pub struct Package<'a> {
    pub provider: &'a str,
    /// The file it is made from.
    pub source: &'a str,
    pub name: &'a str,
    pub title: &'a str,
    pub models: Vec<Model>,
    pub constants: Vec<Constants>,
    pub functions: Vec<Function<'a>>,
}

/// A JSON object.
pub struct Model {
    pub name: String,
    pub doc: String,
    /// It is a part of requests.
    pub sent: bool,
    /// It is a part of answers or notifications, in which anything may be missing.
    pub received: bool,
    pub properties: Vec<Property>,
}

/// A value with a name.
pub struct Property {
    /// The provider's name.
    pub name: String,
    pub doc: String,
    /// The caller has to give it: it is sent, required, and not filled from the configuration.
    pub required: bool,
    pub shape: Shape,
    /// Nobody else's business, as all that is encrypted on its way: it is not printed.
    pub secret: bool,
    /// The texts that may be sent; empty if any may.
    pub values: Vec<String>,
}

#[derive(Clone)]
pub enum Shape {
    Text,
    Integer,
    Boolean,
    Object(String),
    /// An object of which nothing is known.
    Free,
    Array(Box<Shape>),
}

/// The values of a field, as names.
pub struct Constants {
    /// Snake case: `trade_state`, or `promotion_type` where several fields have the name and other values.
    pub name: String,
    pub doc: String,
    pub values: Vec<Value>,
}

pub struct Value {
    /// `BLUE` of a field `plate_color` whose values are all like `PLATE_COLOR_BLUE`.
    pub name: String,
    /// The provider's.
    pub text: String,
}

pub struct Function<'a> {
    /// Snake case.
    pub name: String,
    /// The operation's own name; of one that is made into several things, each has a function.
    pub id: &'a str,
    pub operation: &'a str,
    /// One sentence in the third person: "Closes an order."
    pub title: &'a str,
    pub path: Vec<Property>,
    /// Without those that are the merchant's own.
    pub query: Vec<Property>,
    pub body: Body,
    /// It uploads a file.
    pub file: bool,
    /// The provider demands the header.
    pub idempotency_key: bool,
    /// None where the answer has no content.
    pub answer: Option<&'a str>,
    /// Nothing is sent: the signed request is handed out as this.
    pub make: Option<Make>,
}

pub enum Body {
    None,
    /// All of it is filled from the configuration.
    Filled,
    Model(String),
}

impl Function<'_> {
    /// What becomes of the call, as the rest of a sentence.
    pub fn explained(&self) -> String {
        let operation = self.operation;
        match self.make {
            None => format!("calls {operation}"),
            Some(Make::Url) => {
                format!("signs {operation}, sends nothing and returns the address to open")
            }
            Some(Make::Form) => {
                format!(
                    "signs {operation}, sends nothing and returns the HTML of a form that submits itself"
                )
            }
            Some(Make::OrderString) => {
                format!(
                    "signs {operation}, sends nothing and returns the text for the SDK in the app"
                )
            }
        }
    }
}

impl<'a> Package<'a> {
    pub fn plan(provider: &'a str, source: &'a str, family: &'a Family) -> Package<'a> {
        let functions: Vec<Function> = family
            .operations
            .iter()
            .flat_map(|operation| functions(family, operation))
            .collect();
        let sent = functions
            .iter()
            .filter_map(|function| match &function.body {
                Body::Model(name) => Some(name.as_str()),
                _ => None,
            });
        let received = functions.iter().filter_map(|function| function.answer);
        let received = received.chain(
            family
                .notifications
                .iter()
                .map(|notification| notification.plaintext.as_str()),
        );
        let mut models = Models {
            family,
            found: BTreeMap::new(),
        };
        let sent: Vec<_> = sent.map(str::to_owned).collect();
        sent.iter()
            .for_each(|name| models.visit(name, family.schema(name), true));
        received.for_each(|name| models.visit(name, family.schema(name), false));
        let models = models.finish();
        let constants = constants(&models, &functions);
        Package {
            provider,
            source,
            name: &family.name,
            title: &family.title,
            models,
            constants,
            functions,
        }
    }
}

fn functions<'a>(family: &'a Family, operation: &'a Operation) -> Vec<Function<'a>> {
    match &operation.makes[..] {
        [] => vec![function(family, operation, None)],
        makes => makes
            .iter()
            .map(|make| function(family, operation, Some(*make)))
            .collect(),
    }
}

fn function<'a>(family: &'a Family, operation: &'a Operation, make: Option<Make>) -> Function<'a> {
    let body = match &operation.body {
        None => Body::None,
        Some(name)
            if family
                .schema(name)
                .fields
                .iter()
                .all(|field| field.filled.is_some()) =>
        {
            Body::Filled
        }
        Some(name) => Body::Model(name.clone()),
    };
    let parameter = |field: &Schema| property(field, &shape(field, ""), true);
    Function {
        name: match make {
            None => operation.id.clone(),
            Some(make) => format!("{}_{}", operation.id, make.name()),
        },
        id: &operation.id,
        operation: &operation.name,
        title: &operation.title,
        path: operation.path.iter().map(parameter).collect(),
        query: operation
            .query
            .iter()
            .filter(|field| !field.untyped)
            .filter(|field| !matches!(field.filled, Some(Fill::Mchid | Fill::Appid)))
            .map(parameter)
            .collect(),
        body,
        file: operation.file.is_some(),
        idempotency_key: operation.idempotency_key,
        answer: operation.answer.as_deref(),
        make,
    }
}

/// Which objects occur, and in which direction they travel.
struct Models<'a> {
    family: &'a Family,
    found: BTreeMap<String, (&'a Schema, BTreeSet<bool>)>,
}

impl<'a> Models<'a> {
    fn visit(&mut self, name: &str, schema: &'a Schema, sent: bool) {
        let (_, directions) = self
            .found
            .entry(name.to_owned())
            .or_insert_with(|| (schema, BTreeSet::new()));
        if !directions.insert(sent) {
            return;
        }
        for field in &schema.fields {
            let mut inner = field;
            while let Some(items) = &inner.items {
                inner = items;
            }
            if inner.reference.is_some() || is_model(inner) {
                self.visit(
                    &object_name(inner, &format!("{name}{}", pascal(&field.name))),
                    inner.resolve(self.family),
                    sent,
                );
            }
        }
    }

    /// In the order of the catalogue; what has no name of its own behind what it belongs to.
    fn finish(self) -> Vec<Model> {
        let schemas = || self.family.schemas.iter().enumerate();
        let place = |name: &String| {
            let exact = schemas().find(|(_, schema)| schema.name == *name);
            let owner = || {
                schemas()
                    .filter(|(_, schema)| name.starts_with(&schema.name))
                    .max_by_key(|(_, schema)| schema.name.len())
            };
            (exact.or_else(owner).map(|(at, _)| at), name.clone())
        };
        let mut names: Vec<&String> = self.found.keys().collect();
        names.sort_by_cached_key(|name| place(name));
        names
            .into_iter()
            .map(|name| {
                let (schema, directions) = &self.found[name];
                let (sent, received) = (directions.contains(&true), directions.contains(&false));
                let properties = schema
                    .fields
                    .iter()
                    .map(|field| property(field, &shape(field, name), sent))
                    .collect();
                Model {
                    name: name.clone(),
                    doc: schema.doc.clone(),
                    sent,
                    received,
                    properties,
                }
            })
            .collect()
    }
}

/// An object without a name of its own gets its owner's and its field's.
fn object_name(schema: &Schema, otherwise: &str) -> String {
    schema
        .reference
        .clone()
        .unwrap_or_else(|| otherwise.to_owned())
}

fn shape(schema: &Schema, owner: &str) -> Shape {
    let named = |schema: &Schema, field: &str| {
        Shape::Object(object_name(schema, &format!("{owner}{}", pascal(field))))
    };
    fn of(schema: &Schema, field: &str, named: &dyn Fn(&Schema, &str) -> Shape) -> Shape {
        match (&schema.reference, schema.kind()) {
            (Some(_), _) => named(schema, field),
            (None, Kind::Object) if is_model(schema) => named(schema, field),
            (None, Kind::Object) => Shape::Free,
            (None, Kind::String) => Shape::Text,
            (None, Kind::Integer) => Shape::Integer,
            (None, Kind::Boolean) => Shape::Boolean,
            (None, Kind::Array) => Shape::Array(Box::new(of(
                schema.items.as_deref().unwrap_or(&Schema::default()),
                field,
                named,
            ))),
        }
    }
    of(schema, &schema.name, &named)
}

fn property(schema: &Schema, shape: &Shape, sent: bool) -> Property {
    let values = schema
        .items
        .as_ref()
        .map_or(&schema.values, |items| &items.values);
    Property {
        name: schema.name.clone(),
        doc: describe(schema, sent),
        required: sent && schema.required && schema.filled.is_none(),
        shape: shape.clone(),
        secret: schema.encrypted || schema.private,
        values: values
            .iter()
            .filter_map(|value| Some(value.as_str()?.to_owned()))
            .collect(),
    }
}

/// Numbers of a list (`1000`) say nothing as names.
fn are_words(values: &[String]) -> bool {
    let is_word = |value: &String| value.starts_with(|c: char| c.is_ascii_alphabetic());
    !values.is_empty() && values.iter().all(is_word)
}

/// One for each set of values that fields of one name have. The set that occurs most has the field's name; others have the name of an owner in
/// front of it.
fn constants(models: &[Model], functions: &[Function]) -> Vec<Constants> {
    let members = models.iter().flat_map(|model| {
        let of = move |property| (model.name.as_str(), property);
        model.properties.iter().map(of)
    });
    let parameters = functions.iter().flat_map(|function| {
        let of = move |property| (function.id, property);
        function.query.iter().map(of)
    });
    let mut sets: Vec<Set> = Vec::new();
    for (owner, property) in members.chain(parameters) {
        if !are_words(&property.values) {
            continue;
        }
        let same = |set: &&mut Set| set.field == property.name && set.values == property.values;
        match sets.iter_mut().find(same) {
            Some(set) => set.owners.push(owner),
            None => sets.push(Set {
                field: &property.name,
                values: &property.values,
                owners: vec![owner],
            }),
        }
    }
    let mut taken: BTreeSet<String> = models.iter().map(|model| model.name.clone()).collect();
    let mut names: Vec<Option<String>> = vec![None; sets.len()];
    let mut order: Vec<usize> = (0..sets.len()).collect();
    order.sort_by_key(|&at| usize::MAX - sets[at].owners.len());
    let shared = |field: &str| sets.iter().filter(|set| set.field == field).count() > 1;
    for &at in &order {
        let field = sets[at].field;
        // One word, `type`, says too little beside others of its name.
        let is_clear = field.contains('_') || !shared(field);
        names[at] = (is_clear && taken.insert(pascal(field))).then(|| field.to_owned());
    }
    for &at in &order {
        if names[at].is_some() {
            continue;
        }
        let Set { field, owners, .. } = &sets[at];
        let owned = owners
            .iter()
            .map(|owner| format!("{}_{field}", snake(owner)));
        let numbered = (2..).map(|number| format!("{field}_{number}"));
        let free = owned
            .chain(numbered)
            .find(|name| taken.insert(pascal(name)));
        names[at] = free;
    }
    sets.iter()
        .zip(names)
        .map(|(set, name)| {
            let of = match shared(set.field) {
                true => format!("{} in {}", set.field, set.owners.join(", ")),
                false => set.field.to_owned(),
            };
            Constants {
                name: name.expect("the numbers do not end"),
                doc: format!("Values of {of}."),
                values: named(set.field, set.values),
            }
        })
        .collect()
}

/// The values that fields of one name have, and the models and functions that have them.
struct Set<'a> {
    field: &'a str,
    values: &'a [String],
    owners: Vec<&'a str>,
}

/// The values with their names: those that repeat the field's name are told apart by what follows it.
fn named(field: &str, values: &[String]) -> Vec<Value> {
    let stem = format!("{}_", field.to_uppercase());
    let shortened = |value: &String| {
        let at = value.find(&stem)?;
        let is_word = at == 0 || value[..at].ends_with('_');
        let rest = &value[at + stem.len()..];
        let begins = rest.starts_with(|c: char| c.is_ascii_alphabetic());
        (is_word && begins).then(|| rest.to_owned())
    };
    let short: Option<BTreeSet<String>> = values.iter().map(shortened).collect();
    let is_short = short.is_some_and(|short| short.len() == values.len());
    let name = |value: &String| shortened(value).filter(|_| is_short);
    values
        .iter()
        .map(|value| Value {
            name: name(value).unwrap_or_else(|| value.clone()),
            text: value.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: &str = r#"{"name": "toys", "title": "Toys.", "operations": [
        {"name": "POST /toys/{id}", "id": "make", "title": "Makes a toy.", "repeat": "never",
         "path": [{"name": "id", "required": true, "type": "string"}],
         "query": [{"name": "mchid", "required": true, "filled": "mchid", "type": "string"}, {"name": "limit", "type": "integer"}],
         "body": "MakeRequest", "answer": "Toy"}],
      "schemas": [
        {"name": "MakeRequest", "doc": "A toy.", "fields": [
          {"name": "kind", "required": true, "type": "string", "values": ["A", "B"], "doc": "Kind."},
          {"name": "parts", "type": "array", "items": {"type": "object", "fields": [{"name": "size", "required": true, "type": "integer"}]}, "doc": "Parts."},
          {"name": "box", "ref": "Box", "doc": "Box."}]},
        {"name": "Toy", "doc": "A toy.", "fields": [{"name": "kind", "type": "string", "values": ["A", "C"]}, {"name": "box", "ref": "Box"}]},
        {"name": "Box", "doc": "A box.", "fields": [{"name": "wide", "required": true, "type": "boolean"}]},
        {"name": "Unused", "doc": "Nothing.", "fields": []}]}"#;

    fn plan(family: &Family) -> Package<'_> {
        Package::plan("wechat", "catalogue/toys.json", family)
    }

    #[test]
    fn only_objects_that_travel_are_models_and_nameless_ones_get_their_owners_name() {
        let family: Family = serde_json::from_str(FAMILY).unwrap();
        let package = plan(&family);
        let names: Vec<_> = package
            .models
            .iter()
            .map(|model| (model.name.as_str(), model.sent, model.received))
            .collect();
        assert_eq!(
            names,
            [
                ("MakeRequest", true, false),
                ("MakeRequestParts", true, false),
                ("Toy", false, true),
                ("Box", true, true)
            ]
        );
        assert!(package.models[0].properties[0].required);
        assert!(
            !package.models[2].properties[0].required,
            "an answer may leave anything out"
        );
    }

    #[test]
    fn what_the_configuration_fills_is_no_parameter() {
        let family: Family = serde_json::from_str(FAMILY).unwrap();
        let package = plan(&family);
        let query: Vec<_> = package.functions[0]
            .query
            .iter()
            .map(|property| property.name.as_str())
            .collect();
        assert_eq!(query, ["limit"]);
    }

    #[test]
    fn constants_are_told_apart_where_a_name_has_two_meanings() {
        let family: Family = serde_json::from_str(FAMILY).unwrap();
        let names: Vec<_> = plan(&family)
            .constants
            .into_iter()
            .map(|constants| constants.name)
            .collect();
        assert_eq!(names, ["make_request_kind", "toy_kind"]);
    }

    #[test]
    fn equal_values_are_one_set_and_the_commonest_has_the_short_name() {
        let family = FAMILY.replace("\"kind\"", "\"toy_kind\"").replace(
            r#"{"name": "Box", "doc": "A box.", "fields": ["#,
            r#"{"name": "Box", "doc": "A box.", "fields": [{"name": "toy_kind", "type": "string", "values": ["A", "C"]}, "#,
        );
        let family: Family = serde_json::from_str(&family).unwrap();
        let constants = plan(&family).constants;
        let told: Vec<_> = constants.iter().map(|it| (&*it.name, &*it.doc)).collect();
        assert_eq!(
            told,
            [
                (
                    "make_request_toy_kind",
                    "Values of toy_kind in MakeRequest."
                ),
                ("toy_kind", "Values of toy_kind in Toy, Box.")
            ]
        );
    }

    #[test]
    fn a_value_does_not_repeat_its_fields_name_in_its_own() {
        let names = |field: &str, values: &[&str]| -> Vec<String> {
            let values: Vec<String> = values.iter().map(|text| (*text).to_owned()).collect();
            named(field, &values)
                .into_iter()
                .map(|value| value.name)
                .collect()
        };
        assert_eq!(
            names("color", &["COLOR_RED", "DEEP_COLOR_BLUE"]),
            ["RED", "BLUE"]
        );
        assert_eq!(
            names("color", &["COLOR_RED", "BLUE"]),
            ["COLOR_RED", "BLUE"]
        );
        assert_eq!(
            names("color", &["A_COLOR_RED", "COLOR_RED"]),
            ["A_COLOR_RED", "COLOR_RED"]
        );
        assert_eq!(names("color", &["COLOR_1"]), ["COLOR_1"]);
        assert_eq!(names("color", &["DISCOLOR_RED"]), ["DISCOLOR_RED"]);
    }
}
