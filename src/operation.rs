//! An operation that is named after its method and path, and where its parameters go: the same for every provider that has such names.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::catalogue;
use crate::error::{Code, Error, Result};
use crate::params::Params;
use crate::wire::{self, url};

/// How requests name the library.
pub(crate) const USER_AGENT: &str = concat!("payseal/", env!("CARGO_PKG_VERSION"));

/// `"POST /v3/pay/transactions/jsapi"` → method and path template.
pub(crate) fn parse_name(name: &str) -> Result<(&'static str, &str)> {
    let unknown = |problem: &str| {
        Error::new(Code::UnknownOperation, format!("the operation's name {problem}; write it as the provider's documentation does: \"POST /v3/pay/transactions/jsapi\""))
            .with_field("operation")
    };
    let (method, path) = name
        .split_once(' ')
        .ok_or_else(|| unknown("is not a method and a path"))?;
    let method = wire::method(method).ok_or_else(|| unknown("begins with an unknown method"))?;
    if path.contains(['?', '#']) {
        return Err(unknown("contains a query").with_hint("pass query parameters in params.query"));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/{}".contains(&b);
    let well_formed = path.starts_with('/') && !path.contains("//") && path.bytes().all(plain);
    if !well_formed
        || path
            .split('/')
            .any(|segment| segment == ".." || segment == ".")
    {
        return Err(unknown("has a path that is not one"));
    }
    if !url::has_whole_placeholders(path) {
        return Err(unknown(
            "has a path with an empty placeholder or a brace without its partner",
        ));
    }
    Ok((method, path))
}

/// What the catalogue found, as the caller's mistake.
pub(crate) fn refused(violation: catalogue::Violation) -> Error {
    let error = Error::new(Code::ParamsInvalid, violation.message).with_field(violation.field);
    match violation.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The path with its placeholders filled, and the query.
pub(crate) fn target(template: &str, params: &Params) -> Result<String> {
    let path_texts = texts("path", &params.path)?;
    if let Some((name, _)) = path_texts
        .iter()
        .find(|(name, _)| !template.contains(&format!("{{{name}}}")))
    {
        return Err(Error::new(
            Code::ParamsInvalid,
            format!("path.{name} has no place in the operation's path"),
        )
        .with_field(format!("path.{name}")));
    }
    let path = url::fill(template, |name| {
        path_texts
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str())
    })?;
    let query = texts("query", &params.query)?;
    if query.is_empty() {
        return Ok(path);
    }
    let pairs = query.iter().map(|(key, value)| (*key, value.as_str()));
    let query = Zeroizing::new(url::query(pairs));
    Ok([path.as_str(), "?", &query].concat())
}

/// A member of a part, and its text.
pub(crate) type Member<'a> = (&'a str, Zeroizing<String>);

/// Strings, integers and booleans in their plain form; null is left out. One of them may be a secret.
pub(crate) fn texts<'a>(part: &str, map: &'a Map<String, Value>) -> Result<Vec<Member<'a>>> {
    let mut texts = Vec::with_capacity(map.len());
    for (key, value) in map {
        let text = match value {
            Value::Null => continue,
            Value::String(text) if !text.contains(char::is_control) => text.clone(),
            Value::Bool(_) => value.to_string(),
            Value::Number(number) if !number.is_f64() => value.to_string(),
            _ => {
                let message = format!(
                    "{part}.{key} must be a text without control characters, an integer or a boolean"
                );
                return Err(
                    Error::new(Code::ParamsInvalid, message).with_field(format!("{part}.{key}"))
                );
            }
        };
        texts.push((key.as_str(), Zeroizing::new(text)));
    }
    Ok(texts)
}
