//! What has to be written, the same for every language: models, constants, functions.

use std::collections::{BTreeMap, BTreeSet};

use crate::describe::describe;
use crate::model::{Family, Kind, Operation, Schema};
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
    /// Encrypted on its way, so it is nobody else's business either.
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
    /// Snake case: `trade_state`, or `promotion_type` where several fields have the name.
    pub name: String,
    pub doc: String,
    pub values: Vec<String>,
}

pub struct Function<'a> {
    /// Snake case.
    pub name: &'a str,
    pub operation: &'a str,
    /// One sentence in the third person: "Closes an order."
    pub title: &'a str,
    pub path: Vec<Property>,
    /// Without those that the configuration always fills.
    pub query: Vec<Property>,
    pub body: Body,
    /// It uploads a file.
    pub file: bool,
    /// None where the answer has no content.
    pub answer: Option<&'a str>,
}

pub enum Body {
    None,
    /// All of it is filled from the configuration.
    Filled,
    Model(String),
}

impl<'a> Package<'a> {
    pub fn plan(provider: &'a str, source: &'a str, family: &'a Family) -> Package<'a> {
        let functions: Vec<Function> = family
            .operations
            .iter()
            .map(|operation| function(family, operation))
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

fn function<'a>(family: &'a Family, operation: &'a Operation) -> Function<'a> {
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
        name: &operation.id,
        operation: &operation.name,
        title: &operation.title,
        path: operation.path.iter().map(parameter).collect(),
        query: operation
            .query
            .iter()
            .filter(|field| field.filled.is_none())
            .map(parameter)
            .collect(),
        body,
        file: operation.file.is_some(),
        answer: operation.answer.as_deref(),
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
        secret: schema.encrypted,
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

/// A field whose values are the same wherever it occurs gives them its own name; else its owner's comes first.
fn constants(models: &[Model], functions: &[Function]) -> Vec<Constants> {
    let members = models.iter().flat_map(|model| {
        let owner = &model.name;
        model
            .properties
            .iter()
            .map(move |property| (snake(owner), owner.as_str(), property))
    });
    let parameters = functions.iter().flat_map(|function| {
        let owner = function.name;
        function
            .query
            .iter()
            .map(move |property| (owner.to_owned(), owner, property))
    });
    let listed: Vec<_> = members
        .chain(parameters)
        .filter(|(_, _, property)| are_words(&property.values))
        .collect();
    let is_alone = |property: &Property| {
        let same_name = listed
            .iter()
            .filter(|(_, _, other)| other.name == property.name);
        same_name
            .into_iter()
            .all(|(_, _, other)| other.values == property.values)
            && models
                .iter()
                .all(|model| model.name != pascal(&property.name))
    };
    let mut constants: Vec<Constants> = Vec::new();
    for (prefix, owner, property) in &listed {
        let (name, of) = if is_alone(property) {
            (property.name.clone(), property.name.clone())
        } else {
            (
                format!("{prefix}_{}", property.name),
                format!("{} in {owner}", property.name),
            )
        };
        if constants.iter().all(|known| known.name != name) {
            constants.push(Constants {
                name,
                doc: format!("Values of {of}."),
                values: property.values.clone(),
            });
        }
    }
    constants
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
}
