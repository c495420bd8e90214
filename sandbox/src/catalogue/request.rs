//! The check of a request against the facts. Encrypted fields are opened on the way.

use std::ops::RangeInclusive;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{Fact, find};
use crate::clock;
use crate::operations::{self, Input};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{self, Asked};
use crate::upload::{self, Part};

/// A request that was found good, in plaintext.
pub struct Checked<'a> {
    pub operation: &'static str,
    pub fact: Fact,
    /// Placeholders and parameters of the query.
    pub parameters: Map<String, Value>,
    /// Of a form, its part `meta`.
    pub body: Value,
    pub file: Option<&'a Part>,
    /// The key that is to sign the answer, and what is told because of it.
    pub asked: Asked,
}

impl Checked<'_> {
    /// A placeholder or parameter of the query; empty when there is none.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Of `all` what the facts describe for this operation's answer.
    pub fn shaped(&self, all: &Value) -> Value {
        fit(&self.fact.answer, all)
    }

    /// The page of a list that `limit`, of which `greatest` and `usual` values are known, and `offset` ask for.
    pub fn page<T>(
        &self,
        all: &[T],
        greatest: usize,
        usual: usize,
        view: impl Fn(&T) -> Value,
    ) -> Result<Value, Problem> {
        let number = |name: &str, usual: usize, allowed: RangeInclusive<usize>| {
            let text = self.parameter(name);
            if text.is_empty() {
                return Ok(usual);
            }
            let issue = "超出取值范围 (out of range)";
            let refused = || Problem::parameter("query", name, Some(&text.into()), issue);
            let number = text.parse().ok().filter(|number| allowed.contains(number));
            number.ok_or_else(refused)
        };
        let limit = number("limit", usual, 1..=greatest)?;
        let offset = number("offset", 0, 0..=usize::MAX)?;
        let shown = all.iter().skip(offset).take(limit);
        Ok(json!({
            "data": shown.map(view).collect::<Value>(),
            "limit": limit,
            "offset": offset,
            "total_count": all.len(),
        }))
    }

    /// A text of the body; empty when there is none.
    pub fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }
}

/// Of `all` what the facts describe for that operation's answer.
pub fn shaped(operation: &str, all: &Value) -> Value {
    find(operation).map_or_else(|| all.clone(), |fact| fit(&fact.answer, all))
}

fn fit(schema: &Value, value: &Value) -> Value {
    let described = schema["properties"].as_object();
    match (value, described) {
        (Value::Object(fields), Some(properties)) => {
            let known = |(name, value): (&String, &Value)| {
                let property = properties.get(name).filter(|_| !value.is_null())?;
                Some((name.clone(), fit(property, value)))
            };
            Value::Object(fields.iter().filter_map(known).collect())
        }
        (Value::Array(items), _) => items.iter().map(|it| fit(&schema["items"], it)).collect(),
        _ => value.clone(),
    }
}

/// Holds a request against the facts of its operation.
pub fn check<'a>(sandbox: &Sandbox, input: &'a Input) -> Result<Checked<'a>, Problem> {
    let operation = input.call.operation.name;
    let fact = find(operation).ok_or_else(|| Problem::not_found("接口不存在，请检查URL"))?;
    let (parameters, body) = read(sandbox, input, &fact)?;
    let file = match input.upload {
        Some(form) => Some(upload::check(operation, &fact.form, form, &body)?),
        None => None,
    };
    Ok(Checked {
        operation,
        fact,
        parameters,
        body,
        file,
        asked: input.asked,
    })
}

fn read(
    sandbox: &Sandbox,
    input: &Input,
    fact: &Fact,
) -> Result<(Map<String, Value>, Value), Problem> {
    let checker = Checker {
        sandbox,
        field_key: input.field_key.as_deref(),
        encrypted: &fact.encrypted_request,
    };
    let mut parameters = Map::new();
    for (name, value) in &input.call.placeholders {
        checker.parameter("path", name, &fact.path[*name], value)?;
        parameters.insert((*name).to_owned(), value.as_str().into());
    }
    checker.query(input, fact, &mut parameters)?;
    let body = checker.body(input, fact)?;
    for group in &fact.either {
        if !group.iter().any(|name| !body[name].is_null()) && body.is_object() {
            let issue = format!("{}须有其一 (one of them is required)", group.join("、"));
            return Err(refusal(&format!("/{}", group[0]), None, &issue));
        }
    }
    if !body["notify_url"].is_null() {
        operations::check_notify_url(&body)?;
    }
    Ok((parameters, body))
}

fn refusal(field: &str, value: Option<&Value>, issue: &str) -> Problem {
    Problem::parameter("body", field, value, issue)
}

struct Checker<'a> {
    sandbox: &'a Sandbox,
    field_key: Option<&'a str>,
    encrypted: &'a std::collections::HashSet<String>,
}

impl Checker<'_> {
    fn open(&self, sealed: &str) -> Result<String, String> {
        signing::open_field(self.sandbox, self.field_key, sealed)
    }

    fn query(
        &self,
        input: &Input,
        fact: &Fact,
        parameters: &mut Map<String, Value>,
    ) -> Result<(), Problem> {
        let refuse = |name: &str, value: Option<&Value>, issue: &str| {
            Problem::parameter("query", name, value, issue)
        };
        for pair in input.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut value = percent_decode_str(value).decode_utf8_lossy().into_owned();
            if self.encrypted.contains(&format!("query:{name}")) {
                value = self
                    .open(&value)
                    .map_err(|issue| refuse(name, Some(&value.as_str().into()), &issue))?;
            }
            self.parameter("query", name, &fact.query[name], &value)?;
            parameters.insert(name.to_owned(), value.into());
        }
        let known = fact.query.as_object().into_iter().flatten();
        for (name, _) in known.filter(|(_, parameter)| parameter["required"] == true) {
            if parameters.get(name).is_none_or(|value| value == "") {
                return Err(refuse(name, None, "必填参数缺失 (required)"));
            }
        }
        Ok(())
    }

    /// A text of path or query; what is not described is let through.
    fn parameter(
        &self,
        location: &str,
        name: &str,
        schema: &Value,
        text: &str,
    ) -> Result<(), Problem> {
        let issue = match kind(schema) {
            "integer" if text.parse::<i64>().is_err() && text.parse::<u64>().is_err() => {
                Some("须为整数 (must be an integer)".to_owned())
            }
            "number" if text.parse::<f64>().is_err() => {
                Some("须为数字 (must be a number)".to_owned())
            }
            "boolean" if !matches!(text, "true" | "false") => {
                Some("须为true或false (must be true or false)".to_owned())
            }
            "string" => text_issue(schema, text),
            _ => None,
        };
        match issue {
            Some(issue) => Err(Problem::parameter(
                location,
                name,
                Some(&text.into()),
                &issue,
            )),
            None => Ok(()),
        }
    }

    fn body(&self, input: &Input, fact: &Fact) -> Result<Value, Problem> {
        let bytes = input.upload.map_or(input.body, |form| &form.meta);
        let nothing_required = fact.body["required"].as_array().is_none_or(Vec::is_empty);
        if bytes.is_empty() && nothing_required && input.upload.is_none() {
            return Ok(Value::Null);
        }
        let mut body: Value = serde_json::from_slice(bytes)
            .map_err(|_| refusal("/", None, "请求体不是合法的JSON (not valid JSON)"))?;
        if !body.is_object() {
            return Err(refusal("/", None, "须为JSON对象 (must be an object)"));
        }
        self.value(&fact.body, &mut body, "", "")?;
        Ok(body)
    }

    /// `pointer` is where it is in this request, `path` where it is in the schema.
    fn value(
        &self,
        schema: &Value,
        value: &mut Value,
        pointer: &str,
        path: &str,
    ) -> Result<(), Problem> {
        let wrong = |issue: &str| Err(refusal(pointer, Some(value), issue));
        match (kind(schema), &*value) {
            ("object", Value::Object(_)) => return self.object(schema, value, pointer, path),
            ("array", Value::Array(_)) => {
                let path = format!("{path}[]");
                for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
                    self.value(&schema["items"], item, &format!("{pointer}/{index}"), &path)?;
                }
            }
            ("string", Value::String(text)) => {
                let is_encrypted = schema["encrypted"] == true || self.encrypted.contains(path);
                if is_encrypted {
                    match self.open(text) {
                        Ok(plain) => *value = plain.into(),
                        Err(issue) => return wrong(&issue),
                    }
                } else if let Some(issue) = text_issue(schema, text) {
                    return wrong(&issue);
                }
            }
            ("object", _) => return wrong("须为JSON对象 (must be an object)"),
            ("array", _) => return wrong("须为数组 (must be an array)"),
            ("string", _) => return wrong("须为字符串 (must be a string)"),
            ("integer", Value::Number(number)) if number.is_f64() => {
                return wrong("须为整数 (must be an integer)");
            }
            ("integer" | "number", Value::Number(number))
                if !allows(schema, &number.to_string()) =>
            {
                return wrong(UNKNOWN_VALUE);
            }
            ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) => {}
            ("integer" | "number", _) => return wrong("须为数字 (must be a number)"),
            ("boolean", _) => return wrong("须为布尔值 (must be true or false)"),
            _ => {}
        }
        Ok(())
    }

    fn object(
        &self,
        schema: &Value,
        value: &mut Value,
        pointer: &str,
        path: &str,
    ) -> Result<(), Problem> {
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if value[name].is_null() {
                let field = format!("{pointer}/{name}");
                return Err(refusal(&field, None, "必填参数缺失 (required)"));
            }
        }
        let dot = if path.is_empty() { "" } else { "." };
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(value) = value.get_mut(name).filter(|value| !value.is_null()) {
                let (pointer, path) = (format!("{pointer}/{name}"), format!("{path}{dot}{name}"));
                self.value(property, value, &pointer, &path)?;
            }
        }
        Ok(())
    }
}

const UNKNOWN_VALUE: &str = "不是允许的取值 (not an allowed value)";

/// Whether this is one of the listed values; the facts list numbers as texts.
pub fn allows(schema: &Value, text: &str) -> bool {
    schema["enum"]
        .as_array()
        .is_none_or(|values| values.is_empty() || values.iter().any(|value| value == text))
}

/// The type of a schema; a few in the facts carry a slip of the pen.
pub fn kind(schema: &Value) -> &str {
    match schema["type"].as_str().unwrap_or_default().trim() {
        "stringde" => "string",
        "int" => "integer",
        kind => kind,
    }
}

fn text_issue(schema: &Value, text: &str) -> Option<String> {
    if schema["enum"].is_array() {
        return (!allows(schema, text)).then(|| UNKNOWN_VALUE.to_owned());
    }
    if let Some(longest) = schema["maxLength"].as_u64()
        && text.chars().count() as u64 > longest
    {
        return Some(format!("长度不得超过{longest} (too long)"));
    }
    let date = |text: &str| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        digits == 8 && (text.len() == 8 || text.len() == 10)
    };
    match schema["format"].as_str() {
        Some("rfc3339") if clock::parse_rfc3339(text).is_none() => {
            Some("须为RFC 3339格式的时间 (must be a time with an offset)".into())
        }
        Some("date") if !date(text) => Some("须为日期 (must be a date)".into()),
        Some("numeric") if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some("须为数字字符串 (digits only)".into())
        }
        _ => None,
    }
}
