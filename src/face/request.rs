//! What every provider checks of a request in common terms, and how the members that have no common name get into the provider's own.

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};

use super::PayRequest;

pub(crate) fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field}: {problem}")).with_field(field)
}

/// A payment is of something, and in the one currency that the provider takes here.
pub(crate) fn check(request: &PayRequest, methods: &[&str], currency: &str) -> Result<()> {
    if !methods.contains(&request.method.as_str()) {
        let problem = format!("there is no such method; there are {}", methods.join(", "));
        return Err(invalid("method", &problem));
    }
    if request.currency != currency {
        return Err(invalid(
            "currency",
            &format!("this provider is paid in {currency} only"),
        ));
    }
    if request.expires_ms < 0 {
        return Err(invalid("expires_ms", "it must be Unix milliseconds, or 0"));
    }
    check_amount(request.amount)
}

pub(crate) fn check_amount(amount: i64) -> Result<()> {
    match amount > 0 {
        true => Ok(()),
        false => Err(invalid(
            "amount",
            "it must be at least 1, in the minor unit of the currency",
        )),
    }
}

/// A member that a method cannot do without.
pub(crate) fn required<'a>(
    value: &'a Option<String>,
    field: &str,
    method: &str,
) -> Result<&'a str> {
    match value.as_deref() {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(invalid(field, &format!("{method} needs it"))),
    }
}

/// Names in an error about the provider's own request what the caller wrote: a member of the common terms, or one of `extra`. The text keeps the
/// provider's name.
pub(crate) fn in_common_terms(
    error: Error,
    terms: &[(&str, &str)],
    extra: &Map<String, Value>,
) -> Error {
    let Some(field) = error.detail("field").and_then(Value::as_str) else {
        return error;
    };
    let given = field
        .strip_prefix("body.")
        .filter(|path| extra.contains_key(path.split(['.', '[']).next().unwrap_or_default()))
        .map(|path| format!("extra.{path}"));
    let common = terms
        .iter()
        .find(|(own, _)| *own == field)
        .map(|(_, common)| (*common).to_owned());
    match given.or(common) {
        None => error,
        Some(common) => error
            .reworded(|message| format!("{common}: {message}"))
            .with_field(common),
    }
}

/// A text among the members without a common name.
pub(crate) fn text<'a>(extra: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    extra.get(name).and_then(Value::as_str)
}

/// Puts `extra` into the provider's body: objects into objects, all else in place of what is there. `kept` are dotted paths of what it may not
/// name, since it was said in common terms and is what answers are compared with.
pub(crate) fn merge(
    body: &mut Map<String, Value>,
    extra: &Map<String, Value>,
    kept: &[&str],
) -> Result<()> {
    for path in kept {
        refuse_kept(extra, path)?;
    }
    put(body, extra);
    Ok(())
}

/// Refuses the path itself, and what would stand in place of an object on the way to it.
fn refuse_kept(extra: &Map<String, Value>, path: &str) -> Result<()> {
    let mut object = extra;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        match object.get(name) {
            None => return Ok(()),
            Some(Value::Object(inner)) if names.peek().is_some() => object = inner,
            Some(_) => {
                let field = format!("extra.{path}");
                return Err(invalid(
                    &field,
                    "it comes from a member that all providers share, or from the configuration: it cannot be given here",
                ));
            }
        }
    }
    Ok(())
}

fn put(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (name, value) in extra {
        match (body.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(extra)) => put(inner, extra),
            _ => drop(body.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(body: Value, extra: Value, kept: &[&str]) -> Result<Value> {
        let mut body = body.as_object().unwrap().clone();
        merge(&mut body, extra.as_object().unwrap(), kept)?;
        Ok(Value::Object(body))
    }

    #[test]
    fn an_error_names_what_the_caller_wrote() {
        let terms = [
            ("body.out_trade_no", "order_no"),
            ("body.payer.openid", "payer.id"),
        ];
        for (own, extra, common) in [
            ("body.out_trade_no", json!({}), "order_no"),
            ("body.payer.openid", json!({}), "payer.id"),
            (
                "body.payer.openid",
                json!({ "payer": { "openid": "x" } }),
                "extra.payer.openid",
            ),
            (
                "body.goods[0].id",
                json!({ "goods": [{}] }),
                "extra.goods[0].id",
            ),
            ("body.attach", json!({}), "body.attach"),
        ] {
            let error = invalid(own, "is too long");
            let error = in_common_terms(error, &terms, extra.as_object().unwrap());
            assert_eq!(error.detail("field").unwrap(), common);
            assert!(
                error.message().contains(&format!("{own}: is too long")),
                "{error}"
            );
        }
    }

    #[test]
    fn objects_are_merged_and_all_else_is_replaced() {
        let body = json!({ "a": { "b": 1, "c": 2 }, "d": [1, 2], "e": "x" });
        let extra = json!({ "a": { "c": 3, "f": 4 }, "d": [3], "g": null });
        let expected = json!({ "a": { "b": 1, "c": 3, "f": 4 }, "d": [3], "e": "x", "g": null });
        assert_eq!(merged(body, extra, &["e", "a.b"]).unwrap(), expected);
    }

    #[test]
    fn what_was_said_in_common_terms_is_not_replaced_by_any_way_to_it() {
        let body = json!({ "amount": { "total": 1 }, "out_trade_no": "1" });
        for (extra, field) in [
            (json!({ "out_trade_no": "2" }), "extra.out_trade_no"),
            (json!({ "out_trade_no": null }), "extra.out_trade_no"),
            (json!({ "amount": { "total": 2 } }), "extra.amount.total"),
            (
                json!({ "amount": { "total": { "x": 2 } } }),
                "extra.amount.total",
            ),
            (json!({ "amount": 2 }), "extra.amount.total"),
            (json!({ "amount": null }), "extra.amount.total"),
            (json!({ "amount": [] }), "extra.amount.total"),
        ] {
            let error = merged(body.clone(), extra, &["out_trade_no", "amount.total"]).unwrap_err();
            assert_eq!(error.detail("field").unwrap(), field);
        }
    }
}
