//! Every operation of the catalogue: what is made from its schema passes, and each thing done to it that is wrong is refused at its place.

use payseal::catalogue::{self, Kind, Operation, Schema};
use serde_json::{Map, Value, json};

use crate::sample::{Extent, Sample, sample};

fn check(operation: &Operation, sample: &Sample) -> Result<(), catalogue::Violation> {
    catalogue::check(operation, &sample.path, &sample.query, sample.body.as_ref())
}

fn operations() -> impl Iterator<Item = Operation> {
    ["wechat", "wechat-v2", "alipay"]
        .into_iter()
        .flat_map(catalogue::operations)
}

#[test]
fn the_least_and_the_most_of_every_operation_pass() {
    for operation in operations() {
        for extent in [Extent::Least, Extent::All] {
            let result = check(&operation, &sample(&operation, extent));
            assert_eq!(result, Ok(()), "{} {extent:?}", operation.name);
        }
    }
}

/// One place of a body: the JSON pointer to it, its name in errors, what it must be.
struct Place {
    pointer: String,
    field: String,
    schema: Schema,
    required: bool,
}

fn places(schema: Schema, value: &Value, here: Place, found: &mut Vec<Place>) {
    match value {
        Value::Object(members) => {
            for field in schema.fields() {
                if let Some(member) = members.get(field.name) {
                    let place = Place {
                        pointer: format!("{}/{}", here.pointer, field.name),
                        field: format!("{}.{}", here.field, field.name),
                        schema: field.schema,
                        required: field.required,
                    };
                    places(field.schema, member, place, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let schema = schema.items().unwrap();
                let place = Place {
                    pointer: format!("{}/{index}", here.pointer),
                    field: format!("{}[{index}]", here.field),
                    schema,
                    required: false,
                };
                places(schema, item, place, found);
            }
        }
        _ => {}
    }
    found.push(here);
}

fn places_of(body: &Value, schema: Schema) -> Vec<Place> {
    let mut found = Vec::new();
    let root = Place {
        pointer: String::new(),
        field: "body".into(),
        schema,
        required: false,
    };
    places(schema, body, root, &mut found);
    found
}

#[test]
fn every_mistake_in_a_body_is_refused_at_its_place() {
    let (mut unknown, mut missing, mut mistyped, mut long, mut unlisted) = (0, 0, 0, 0, 0);
    for operation in operations() {
        let (Some(schema), Sample { path, query, body }) =
            (operation.body, sample(&operation, Extent::All))
        else {
            continue;
        };
        let body = body.unwrap();
        let refused = |pointer: &str, change: &dyn Fn(&mut Value), field: &str| {
            let mut body = body.clone();
            change(body.pointer_mut(pointer).unwrap());
            let violation = catalogue::check(&operation, &path, &query, Some(&body));
            let violation = violation.expect_err(&format!("{}: {field}", operation.name));
            assert_eq!(violation.field, field, "{}: {violation}", operation.name);
        };
        for place in places_of(&body, schema) {
            let Place {
                pointer,
                field,
                schema,
                ..
            } = &place;
            if schema.kind == Kind::Object && !schema.is_open() {
                let change = |value: &mut Value| value["no_such_field"] = json!(1);
                refused(pointer, &change, &format!("{field}.no_such_field"));
                unknown += 1;
            }
            let wrong = match schema.kind {
                Kind::String => json!(["x"]),
                Kind::Integer => json!(1.5),
                Kind::Boolean => json!("true"),
                Kind::Object | Kind::Array => json!("x"),
            };
            refused(pointer, &|value| *value = wrong.clone(), field);
            refused(pointer, &|value| *value = Value::Null, field);
            mistyped += 2;
            if place.required {
                let (owner, name) = pointer.rsplit_once('/').unwrap();
                let change = |value: &mut Value| {
                    value.as_object_mut().unwrap().shift_remove(name);
                };
                refused(owner, &change, field);
                missing += 1;
            }
            if let (Kind::String, Some(max)) = (schema.kind, schema.max_len()) {
                let change = |value: &mut Value| *value = "1".repeat(max + 1).into();
                refused(pointer, &change, field);
                long += 1;
            }
            if schema.values().len() > 0 {
                let other = match schema.kind {
                    Kind::Integer => json!(987_654_321),
                    _ => json!("NO SUCH VALUE"),
                };
                refused(pointer, &|value| *value = other.clone(), field);
                unlisted += 1;
            }
        }
    }
    println!(
        "refused in bodies: {unknown} unknown fields, {missing} missing, {mistyped} of the wrong type, {long} too long, {unlisted} not listed"
    );
    assert!(unknown > 1000 && missing > 2000 && mistyped > 10_000 && long > 1000 && unlisted > 500);
}

#[test]
fn every_mistake_in_path_and_query_is_refused_at_its_place() {
    let mut refused = 0;
    for operation in operations() {
        let Sample { path, query, body } = sample(&operation, Extent::All);
        let mut expect = |path: &Map<String, Value>, query: &Map<String, Value>, field: String| {
            let violation = catalogue::check(&operation, path, query, body.as_ref());
            let violation = violation.expect_err(&format!("{}: {field}", operation.name));
            assert_eq!(violation.field, field, "{}", operation.name);
            refused += 1;
        };
        let with = |map: &Map<String, Value>, name: &str, value: Value| {
            let mut map = map.clone();
            map.insert(name.to_owned(), value);
            map
        };
        let without = |map: &Map<String, Value>, name: &str| {
            let mut map = map.clone();
            map.shift_remove(name);
            map
        };
        expect(
            &with(&path, "no_such_field", json!("x")),
            &query,
            "path.no_such_field".into(),
        );
        if !operation.open_query {
            expect(
                &path,
                &with(&query, "no_such_field", json!("x")),
                "query.no_such_field".into(),
            );
        }
        for field in operation.path_fields {
            let place = format!("path.{}", field.name);
            expect(&without(&path, field.name), &query, place.clone());
            for wrong in [json!("a/b"), json!(["x"]), json!("")] {
                expect(&with(&path, field.name, wrong), &query, place.clone());
            }
        }
        for field in operation.query_fields {
            let place = format!("query.{}", field.name);
            if field.required {
                expect(&path, &without(&query, field.name), place.clone());
            }
            expect(
                &path,
                &with(&query, field.name, json!(["x"])),
                place.clone(),
            );
            if field.schema.kind == Kind::Integer {
                expect(&path, &with(&query, field.name, json!("ten")), place);
            }
        }
    }
    println!("refused in paths and queries: {refused}");
    assert!(refused > 3000);
}

#[test]
fn the_packed_tables_are_small() {
    let bytes = catalogue::packed_bytes();
    println!("the catalogue takes {bytes} bytes of the library");
    assert!(bytes < 350_000);
}
