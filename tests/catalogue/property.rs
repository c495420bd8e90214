//! Whatever comes in, the answer is an answer.

use payseal::catalogue;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::{check_body, jsapi_order};

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z_]{1,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        let name = prop_oneof![
            "amount|payer|total|openid|detail|goods_detail|scene_info|out_trade_no|limit_pay|mchid",
            any::<String>()
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_map() -> impl Strategy<Value = Map<String, Value>> {
    any_value().prop_map(|value| value.as_object().cloned().unwrap_or_default())
}

/// All places of a value, as JSON pointers.
fn pointers(value: &Value, here: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| pointers(member, format!("{here}/{name}"), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, item)| pointers(item, format!("{here}/{at}"), found)),
        _ => {}
    }
    found.push(here);
}

proptest! {
    #[test]
    fn no_input_makes_the_check_panic(first in 0..40usize, path in any_map(), query in any_map(), body in prop::option::of(any_value())) {
        for operation in catalogue::operations("wechat").skip(first).step_by(40) {
            if let Err(violation) = catalogue::check(&operation, &path, &query, body.as_ref()) {
                prop_assert!(violation.message.starts_with(&violation.field));
                prop_assert!(!violation.message.contains(['\n', '\0']));
            }
        }
    }

    #[test]
    fn one_strange_value_in_a_good_order_is_refused_at_its_place_or_harmless(at in any::<prop::sample::Index>(), value in any_value()) {
        let mut order = jsapi_order();
        let mut places = Vec::new();
        pointers(&order, String::new(), &mut places);
        let place = at.get(&places);
        *order.pointer_mut(place).unwrap() = value.clone();
        if let Err(violation) = check_body(super::JSAPI, &order) {
            let dotted = place.split('/').skip(1).fold("body".to_owned(), |path, step| match step.parse::<usize>() {
                Ok(index) => format!("{path}[{index}]"),
                Err(_) => format!("{path}.{step}"),
            });
            prop_assert!(violation.field.starts_with(&dotted), "{} is not at {dotted}", violation.field);
        } else {
            prop_assert!(!matches!(value, Value::Null));
        }
    }
}
