//! What a request body must look like, and the check of it.

use serde_json::Value;

use crate::clock;
use crate::problem::Problem;

pub struct Field {
    pub name: &'static str,
    pub required: bool,
    pub kind: Kind,
}

pub enum Kind {
    /// Length in characters.
    Text {
        min: usize,
        max: usize,
    },
    /// A merchant's number: only these characters beside letters and digits.
    Number {
        min: usize,
        max: usize,
        also: &'static str,
    },
    Integer {
        min: i64,
        max: i64,
    },
    Boolean,
    /// RFC 3339 with an offset.
    Time,
    OneOf(&'static [&'static str]),
    OneOfIntegers(&'static [i64]),
    Object(&'static [Field]),
    List(&'static Kind),
    /// Base64 of RSAES-OAEP; after the check the value is the plaintext.
    Sealed,
}

pub const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: true,
        kind,
    }
}

pub const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        required: false,
        kind,
    }
}

/// Opens one sealed field, or says what is wrong with it.
pub type Opener<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// Checks `body` and replaces its sealed fields by their plaintext. Fields that are not listed are
/// ignored, as the provider does.
pub fn check(fields: &[Field], body: &mut Value, open: Opener) -> Result<(), Problem> {
    check_object(fields, body, "", open)
}

fn check_object(
    fields: &[Field],
    value: &mut Value,
    path: &str,
    open: Opener,
) -> Result<(), Problem> {
    let Value::Object(object) = value else {
        let field = if path.is_empty() { "/" } else { path };
        return Err(Problem::parameter(
            "body",
            field,
            None,
            "须为JSON对象 (must be an object)",
        ));
    };
    for field in fields {
        let path = format!("{path}/{}", field.name);
        match object.get_mut(field.name) {
            None | Some(Value::Null) if field.required => {
                return Err(Problem::parameter(
                    "body",
                    &path,
                    None,
                    "必填参数缺失 (required)",
                ));
            }
            None | Some(Value::Null) => {}
            Some(value) => check_value(&field.kind, value, &path, open)?,
        }
    }
    Ok(())
}

fn check_value(kind: &Kind, value: &mut Value, path: &str, open: Opener) -> Result<(), Problem> {
    let issue = match kind {
        Kind::Object(fields) => return check_object(fields, value, path, open),
        Kind::List(kind) => {
            let Value::Array(items) = value else {
                return Err(Problem::parameter(
                    "body",
                    path,
                    Some(value),
                    "须为数组 (must be an array)",
                ));
            };
            for (index, item) in items.iter_mut().enumerate() {
                check_value(kind, item, &format!("{path}/{index}"), open)?;
            }
            return Ok(());
        }
        Kind::Sealed => match value
            .as_str()
            .ok_or("须为字符串 (must be a string)".to_owned())
            .and_then(open)
        {
            Ok(plaintext) => {
                *value = plaintext.into();
                return Ok(());
            }
            Err(issue) => Some(issue),
        },
        plain => plain_issue(plain, value),
    };
    match issue {
        None => Ok(()),
        Some(issue) => Err(Problem::parameter("body", path, Some(value), &issue)),
    }
}

fn plain_issue(kind: &Kind, value: &Value) -> Option<String> {
    match kind {
        Kind::Boolean => (!value.is_boolean()).then(|| "须为布尔值 (must be a boolean)".into()),
        Kind::Integer { min, max } => match value.as_i64() {
            None => Some("须为整数 (must be an integer)".into()),
            Some(number) if number < *min || number > *max => {
                Some(format!("须在{min}与{max}之间 (out of range)"))
            }
            Some(_) => None,
        },
        Kind::OneOfIntegers(allowed) => (!value
            .as_i64()
            .is_some_and(|number| allowed.contains(&number)))
        .then(|| format!("须为{allowed:?}之一 (not an allowed value)")),
        Kind::Text { .. } | Kind::Number { .. } | Kind::Time | Kind::OneOf(_) => {
            match value.as_str() {
                None => Some("须为字符串 (must be a string)".into()),
                Some(text) => text_issue(kind, text),
            }
        }
        Kind::Object(_) | Kind::List(_) | Kind::Sealed => None,
    }
}

fn text_issue(kind: &Kind, text: &str) -> Option<String> {
    // Only the basic plane: an emoji of four bytes is refused.
    if text.chars().any(|character| character > '\u{FFFF}') {
        return Some("不支持四字节的UTF-8字符 (characters beyond U+FFFF are not accepted)".into());
    }
    let length = text.chars().count();
    match kind {
        Kind::Text { min, max } | Kind::Number { min, max, .. }
            if length < *min || length > *max =>
        {
            Some(format!(
                "长度须为{min}至{max}个字符 (has {length} characters)"
            ))
        }
        Kind::Number { also, .. } => text
            .chars()
            .any(|character| !character.is_ascii_alphanumeric() && !also.contains(character))
            .then(|| format!("只能是数字、大小写字母和 {also} (has other characters)")),
        Kind::Time => clock::parse_rfc3339(text)
            .is_none()
            .then(|| "须为RFC 3339时间 (must be an RFC 3339 time)".into()),
        Kind::OneOf(allowed) => (!allowed.contains(&text))
            .then(|| format!("须为{}之一 (not an allowed value)", allowed.join("、"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FIELDS: &[Field] = &[
        required(
            "out_trade_no",
            Kind::Number {
                min: 6,
                max: 32,
                also: "_-|*",
            },
        ),
        required(
            "amount",
            Kind::Object(&[required(
                "total",
                Kind::Integer {
                    min: 1,
                    max: i64::MAX,
                },
            )]),
        ),
        optional("limit_pay", Kind::List(&Kind::OneOf(&["no_credit"]))),
        optional("name", Kind::Sealed),
    ];

    fn refused(mut body: Value) -> String {
        let problem = check(FIELDS, &mut body, &|_| Err("unreadable".into())).unwrap_err();
        problem.detail.unwrap()["field"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn the_field_at_fault_is_named_by_its_pointer() {
        let good = json!({ "out_trade_no": "order-0001", "amount": { "total": 1 } });
        assert!(check(FIELDS, &mut good.clone(), &|_| Err(String::new())).is_ok());
        let with = |pointer: &str, value: Value| {
            let mut body = good.clone();
            match pointer.rsplit_once('/').unwrap() {
                ("", name) => body[name] = value,
                (parent, name) => body.pointer_mut(parent).unwrap()[name] = value,
            }
            body
        };
        assert_eq!(refused(json!([])), "/");
        assert_eq!(refused(with("/amount", Value::Null)), "/amount");
        for amount in [
            json!(0),
            json!(-1),
            json!("1"),
            json!(1.0),
            json!(1.5),
            json!(u64::MAX),
            json!(true),
        ] {
            assert_eq!(refused(with("/amount/total", amount)), "/amount/total");
        }
        for number in ["short", "with space", "ordér-0001", &"0".repeat(33)] {
            assert_eq!(
                refused(with("/out_trade_no", json!(number))),
                "/out_trade_no"
            );
        }
        assert_eq!(
            refused(with("/limit_pay", json!(["no_credit", "no_debit"]))),
            "/limit_pay/1"
        );
        assert_eq!(refused(with("/name", json!("plain"))), "/name");
    }

    #[test]
    fn sealed_fields_become_their_plaintext() {
        let mut body =
            json!({ "out_trade_no": "order-0001", "amount": { "total": 1 }, "name": "sealed" });
        check(FIELDS, &mut body, &|sealed| Ok(sealed.to_uppercase())).unwrap();
        assert_eq!(body["name"], "SEALED");
    }

    #[test]
    fn an_emoji_of_four_bytes_is_refused() {
        assert!(text_issue(&Kind::Text { min: 1, max: 127 }, "茶 tea").is_none());
        assert!(text_issue(&Kind::Text { min: 1, max: 127 }, "🍵").is_some());
    }
}
