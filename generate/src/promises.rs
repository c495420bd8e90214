//! What all typed models promise, held against the whole catalogue.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::describe::describe;
use crate::model::{Family, Format};
use crate::naming::{camel, go_exported, pascal, snake};
use crate::plan::{Package, Shape};
use crate::{load, objects};

fn families() -> Vec<Family> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../catalogue");
    let catalogues = load::load(&folder).unwrap();
    let families = catalogues
        .into_iter()
        .flat_map(|catalogue| catalogue.families);
    let mut families: Vec<Family> = families.filter(|family| family.typed).collect();
    for family in &mut families {
        objects::name(family).unwrap_or_else(|problem| panic!("{}: {problem}", family.name));
    }
    families
}

fn plan(family: &Family) -> Package<'_> {
    Package::plan("wechat", "catalogue/wechat-v3.json", family)
}

#[test]
fn every_family_that_was_asked_for_is_there() {
    let names: BTreeSet<String> = families().into_iter().map(|family| family.name).collect();
    let wanted = [
        "pay",
        "partnerpay",
        "combine",
        "refund",
        "ecommerce",
        "bill",
        "profitsharing",
        "fundapp",
        "transfer",
        "merchantfund",
        "merchantmedia",
        "merchantservice",
        "payscore",
        "favor",
        "busifavor",
        "papay",
        "parking",
        "certificates",
        "security",
        "trade",
        "fund",
        "bill",
        "user",
        "merchant",
    ];
    for name in wanted {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn every_function_says_what_it_does() {
    for family in &families() {
        for function in &plan(family).functions {
            let title = function.title;
            assert!(title.ends_with('.'), "{}: {title:?}", function.operation);
        }
    }
}

#[test]
fn every_encrypted_field_says_so_and_is_kept_out_of_logs() {
    let mut encrypted = 0;
    for family in &families() {
        for model in &plan(family).models {
            let schema = family.schema(&model.name);
            for property in &model.properties {
                let field = schema
                    .fields
                    .iter()
                    .find(|field| field.name == property.name);
                let (is_encrypted, place) = (
                    field.unwrap().encrypted,
                    format!("{}: {}.{}", family.name, model.name, property.name),
                );
                assert_eq!(
                    property.secret,
                    is_encrypted || field.unwrap().private,
                    "{place}"
                );
                let sentences = [
                    "Sent encrypted: give the plaintext",
                    "Comes encrypted; the library has decrypted it",
                ];
                let says = sentences
                    .iter()
                    .any(|sentence| property.doc.contains(sentence));
                assert_eq!(is_encrypted, says, "{place}");
                encrypted += usize::from(is_encrypted);
            }
        }
    }
    assert!(encrypted > 60, "{encrypted}");
}

#[test]
fn every_amount_says_that_it_is_in_fen() {
    let endings = [
        "amount",
        "_fee",
        "price",
        "total",
        "refund",
        "contribute",
        "cash",
    ];
    let mut amounts = 0;
    for family in &families() {
        for model in &plan(family).models {
            for property in &model.properties {
                let is_amount = endings.iter().any(|ending| property.name.ends_with(ending));
                // An amount in another currency says which.
                if is_amount
                    && matches!(property.shape, Shape::Integer)
                    && property.name != "currency_price"
                {
                    assert!(
                        property.doc.contains("In fen."),
                        "{}: {}.{}: {}",
                        family.name,
                        model.name,
                        property.name,
                        property.doc
                    );
                    amounts += 1;
                }
            }
        }
    }
    assert!(amounts > 200, "{amounts}");
}

/// Alipay writes amounts as decimal texts.
#[test]
fn every_amount_in_text_says_that_it_is_in_yuan() {
    let mut amounts = 0;
    for family in &families() {
        for schema in &family.schemas {
            let amount = schema.fields.iter();
            for field in amount.filter(|field| field.format == Some(Format::Amount)) {
                let doc = describe(field, true);
                assert!(
                    doc.contains("In yuan, as text"),
                    "{}.{}",
                    schema.name,
                    field.name
                );
                amounts += 1;
            }
        }
    }
    assert!(amounts > 150, "{amounts}");
}

#[test]
fn what_sends_nothing_is_a_function_for_each_thing_it_is_made_into() {
    let families = families();
    let trade = families.iter().find(|family| family.name == "trade");
    let package = plan(trade.unwrap());
    let names: Vec<_> = package
        .functions
        .iter()
        .map(|function| function.name.as_str())
        .collect();
    for name in [
        "page_pay_url",
        "page_pay_form",
        "wap_pay_url",
        "app_pay_order_string",
        "precreate",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert!(!names.contains(&"page_pay"));
    let page = package
        .functions
        .iter()
        .find(|function| function.name == "page_pay_url");
    let query: Vec<_> = page
        .unwrap()
        .query
        .iter()
        .map(|property| property.name.as_str())
        .collect();
    assert_eq!(
        query,
        ["notify_url", "return_url", "app_auth_token"],
        "set by call, unlike the merchant"
    );
}

#[test]
fn no_two_things_of_a_package_have_one_name_in_any_language() {
    for family in &families() {
        let package = plan(family);
        let mut go = BTreeMap::new();
        let mut java = BTreeMap::new();
        let mut python = BTreeMap::new();
        let once = |names: &mut BTreeMap<String, &str>, name: String, what: &'static str| {
            let before = names.insert(name.clone(), what);
            assert!(
                before.is_none(),
                "{}: {name} is {what} and {}",
                package.name,
                before.unwrap_or_default()
            );
        };
        for model in &package.models {
            once(&mut go, go_exported(&snake(&model.name)), "a model");
            // Files whose names differ in capitals alone are one file on some systems.
            once(&mut java, model.name.to_lowercase(), "a model");
            once(&mut python, model.name.clone(), "a model");
        }
        for constants in &package.constants {
            once(
                &mut java,
                pascal(&constants.name).to_lowercase(),
                "constants",
            );
            for value in &constants.values {
                once(
                    &mut go,
                    format!(
                        "{}{}",
                        go_exported(&constants.name),
                        go_exported(&value.name)
                    ),
                    "a constant",
                );
            }
        }
        let service = package.name.trim_end_matches("service").to_owned() + "service";
        once(&mut java, service, "the service");
        let mut methods = BTreeMap::new();
        let mut options = BTreeSet::new();
        for function in &package.functions {
            once(&mut go, go_exported(&function.name), "a function");
            if !function.query.is_empty() && options.insert(function.id) {
                once(
                    &mut go,
                    format!("{}Options", go_exported(function.id)),
                    "options",
                );
            }
            once(&mut methods, camel(&function.name), "a method");
            once(&mut python, function.name.clone(), "a function");
            once(
                &mut python,
                format!("{}_async", function.name),
                "a function",
            );
            let shadows = [
                "list",
                "dict",
                "str",
                "int",
                "bool",
                "field",
                "dataclass",
                "given",
            ];
            assert!(
                !shadows.contains(&function.name.as_str()),
                "{}.{}",
                package.name,
                function.name
            );
        }
        for model in &package.models {
            let mut fields = BTreeSet::new();
            for property in &model.properties {
                assert!(
                    fields.insert(go_exported(&property.name)),
                    "{}.{}",
                    model.name,
                    property.name
                );
            }
        }
    }
}

#[test]
fn names_do_not_change_when_something_is_added() {
    const PART: &str = r#"{"name": "POST /a", "id": "make", "title": "Makes.", "repeat": "never", "body": "MakeRequest"}"#;
    const BODY: &str = r#"{"name": "MakeRequest", "fields": [{"name": "amount", "type": "object", "fields": [{"name": "total", "type": "integer"}]}]}"#;
    let family = |operations: &[&str], schemas: &[&str]| -> Family {
        let text = format!(
            r#"{{"name": "toys", "title": "Toys.", "operations": [{}], "schemas": [{}]}}"#,
            operations.join(","),
            schemas.join(",")
        );
        serde_json::from_str(&text).unwrap()
    };
    let mut before = family(&[PART], &[BODY]);
    objects::name(&mut before).unwrap();
    assert_eq!(before.names["Amount"], "POST /a body.amount");

    // Two operations come before it and share another object of the same short name.
    let other = |id: &str| {
        let operation = format!(
            r#"{{"name": "POST /{id}", "id": "{id}", "title": "Does.", "repeat": "never", "body": "{id}Request"}}"#
        );
        let body = format!(
            r#"{{"name": "{id}Request", "fields": [{{"name": "amount", "type": "object", "fields": [{{"name": "fee", "type": "integer"}}]}}]}}"#
        );
        (operation, body)
    };
    let ((first, first_body), (second, second_body)) = (other("x"), other("y"));
    let operations = [first.as_str(), &second, PART];
    let schemas = [first_body.as_str(), &second_body, BODY];
    let mut after = family(&operations, &schemas);
    after.names = before.names.clone();
    objects::name(&mut after).unwrap();
    assert_eq!(after.names["Amount"], "POST /a body.amount");
    assert_eq!(
        after.names["xAmount"], "POST /x body.amount",
        "one model for both"
    );
    assert_eq!(after.names.len(), 2);
}

#[test]
fn answers_of_one_name_hold_the_fields_of_all_and_bodies_must_be_the_same() {
    let family = |names: &str| -> Family {
        let mut family: Family = serde_json::from_str(
            r#"{"name": "toys", "title": "Toys.", "operations": [
              {"name": "GET /a", "id": "one", "title": "Asks.", "repeat": "safe", "body": "A", "answer": "B"},
              {"name": "GET /b", "id": "two", "title": "Asks.", "repeat": "safe", "body": "C", "answer": "D"}],
             "schemas": [
              {"name": "A", "fields": [{"name": "a", "type": "string"}]}, {"name": "B", "fields": [{"name": "b", "type": "string"}]},
              {"name": "C", "fields": [{"name": "c", "type": "string"}]}, {"name": "D", "fields": [{"name": "d", "type": "string"}]}]}"#,
        )
        .unwrap();
        for operation in &mut family.operations {
            match names {
                "answers" => operation.answer_name = Some("Toy".into()),
                _ => operation.body_name = Some("Wish".into()),
            }
        }
        family
    };
    let mut same = family("answers");
    objects::name(&mut same).unwrap();
    let fields: Vec<_> = same
        .schema("Toy")
        .fields
        .iter()
        .map(|field| &field.name)
        .collect();
    assert_eq!(fields, ["b", "d"]);
    assert!(
        objects::name(&mut family("bodies"))
            .unwrap_err()
            .contains("differ")
    );
}
