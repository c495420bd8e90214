//! JSON, strictly: what two parsers could read differently is refused.

mod check;
mod text;
mod wiped;

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

pub use text::Text;
pub use wiped::{Wiped, text, wipe};

const MAX_DEPTH: usize = 32;
/// Of one object.
const MAX_KEYS: usize = 1_000;

/// Parses one JSON value. A key that stands twice in one object (also in escaped form), more than 1,000 keys in one and nesting deeper than
/// 32 are errors, as is anything after the value. The error names the place, never the content.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(place)?;
    deserializer.end().map_err(place)?;
    Ok(value)
}

/// The same for a value that must be an object.
pub fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, String> {
    match parse(bytes)? {
        Value::Object(map) => Ok(map),
        _ => Err("it is not a JSON object".into()),
    }
}

/// The same check of an object that is only passed on, without the cost of building it.
pub fn check_object(bytes: &[u8]) -> Result<(), String> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err("it is not a JSON object".into());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    check::Check { depth: 0 }
        .deserialize(&mut deserializer)
        .map_err(place)?;
    deserializer.end().map_err(place)
}

/// The value at a dotted path: `amount.total`.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The first of the expected values (dotted path → value) that `value` does not have.
pub fn unmet<'a>(value: &Value, expect: &'a Map<String, Value>) -> Option<&'a str> {
    expect
        .iter()
        .find(|(path, expected)| at(value, path) != Some(expected))
        .map(|(path, _)| path.as_str())
}

/// serde_json quotes the offending text for some errors; only position and kind may leave.
fn place(error: serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => {
            return format!(
                "{} at line {} column {}",
                own_words(&error),
                error.line(),
                error.column()
            );
        }
        _ => "it is not valid JSON",
    };
    format!("{kind} at line {} column {}", error.line(), error.column())
}

fn own_words(error: &serde_json::Error) -> &'static str {
    let text = error.to_string();
    [DUPLICATE, TOO_DEEP, TOO_LARGE, check::TOO_MANY]
        .into_iter()
        .find(|words| text.starts_with(words))
        .unwrap_or("it is not valid JSON")
}

const DUPLICATE: &str = "a key stands twice in one object";
const TOO_DEEP: &str = "it is nested too deeply";
const TOO_LARGE: &str = "a number is too large to be kept exactly";
/// From 2⁵³ on not every integer is a double.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

struct Strict {
    depth: usize,
}

impl Strict {
    fn inner<E: serde::de::Error>(&self) -> Result<Strict, E> {
        if self.depth == MAX_DEPTH {
            Err(E::custom(TOO_DEEP))
        } else {
            Ok(Strict {
                depth: self.depth + 1,
            })
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    /// Numbers with a fraction or an exponent stay what they are, so that a check for an integer refuses them. Integers that came here were too
    /// long for one, and would go out as another number.
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        match Number::from_f64(value).filter(|_| value.abs() < LARGEST_EXACT) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(E::custom(TOO_LARGE)),
        }
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(self.inner()?)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key_seed(Key)? {
            if map.len() == MAX_KEYS {
                return Err(A::Error::custom(check::TOO_MANY));
            }
            let value = access.next_value_seed(self.inner()?)?;
            if map.insert(key, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(map))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_stands_twice_is_refused_at_every_depth_and_in_every_spelling() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"total":1,"tot\u0061l":2}]}"#] {
            assert!(
                parse(text.as_bytes()).unwrap_err().starts_with(DUPLICATE),
                "{text}"
            );
        }
        assert!(parse(br#"{"a":{"a":1},"b":{"a":2}}"#).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(
            parse(nested(33).as_bytes())
                .unwrap_err()
                .starts_with(TOO_DEEP)
        );
        assert!(parse(nested(100_000).as_bytes()).is_err());
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"{} \n").is_ok());
        assert!(parse(b"").is_err());
    }

    #[test]
    fn an_error_tells_the_place_and_never_the_content() {
        let error = parse(br#"{"secret": verysecret}"#).unwrap_err();
        assert!(
            !error.contains("verysecret") && error.contains("line 1"),
            "{error}"
        );
    }

    #[test]
    fn checking_alone_is_as_strict_as_parsing() {
        let nested =
            |depth: usize| format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let with_keys = |count: usize| {
            let members: Vec<String> = (0..count).map(|n| format!("\"{n}\":0")).collect();
            format!("{{\"a\":{{{}}}}}", members.join(","))
        };
        for (text, good) in [
            (
                r#"{"a":{"b":[1,-2,3.5,true,null,"x"]},"c":{}}"#.to_owned(),
                true,
            ),
            (r#"{"a":1,"\u0061":1}"#.to_owned(), false),
            (r#"{"x":[{"total":1,"tot\u0061l":2}]}"#.to_owned(), false),
            (nested(31), true),
            (nested(32), false),
            (with_keys(1_000), true),
            (with_keys(1_001), false),
            ("[]".to_owned(), false),
            ("{} {}".to_owned(), false),
            ("{\"a\":\"\u{1}\"}".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(check_object(text.as_bytes()).is_ok(), good, "{text}");
            assert_eq!(parse_object(text.as_bytes()).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn the_order_of_keys_is_kept() {
        let text = r#"{"z":1,"a":[true,null,"x",1.5],"m":{"b":-1,"a":18446744073709551615}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }
}
