//! Reads a configuration: every key is asked for by name, and what nobody asked for is an error.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// One JSON object of the configuration. Values stay raw until they are asked for, so that a secret is decoded straight into
/// memory that is wiped.
pub(crate) struct Section<'a> {
    /// `""` at the top, else the keys that lead here, each followed by a dot.
    path: String,
    entries: Vec<(String, &'a RawValue)>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub fn parse(json: &'a [u8]) -> Result<Section<'a>> {
        let entries: Entries = serde_json::from_slice(json).map_err(|e| {
            let problem = if e.to_string().starts_with(DUPLICATE) {
                DUPLICATE
            } else {
                "it is not a JSON object"
            };
            Error::new(
                Code::ConfigInvalid,
                format!(
                    "the configuration cannot be read: {problem} (line {} column {})",
                    e.line(),
                    e.column()
                ),
            )
        })?;
        Ok(Section {
            path: String::new(),
            entries: entries.0,
            known: Vec::new(),
        })
    }

    fn take(&mut self, key: &'static str) -> Option<&'a RawValue> {
        self.known.push(key);
        let at = self.entries.iter().position(|(k, _)| k == key)?;
        let raw = self.entries.remove(at).1;
        (raw.get() != "null").then_some(raw)
    }

    pub fn field(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    /// An error about one key of this section.
    pub fn error(&self, key: &str, problem: impl fmt::Display) -> Error {
        self.error_with(Code::ConfigInvalid, key, problem)
    }

    pub fn error_with(&self, code: Code, key: &str, problem: impl fmt::Display) -> Error {
        let field = self.field(key);
        Error::new(code, format!("configuration {field}: {problem}")).with_field(field)
    }

    pub fn missing(&self, key: &str) -> Error {
        self.error(key, "it is missing and has no default")
    }

    /// Of what comes from a variable or a file: the same whether that left it empty or out.
    pub fn missing_secret(&self, key: &str) -> Error {
        self.error(key, UNSET)
    }

    fn typed<T: Deserialize<'a>>(&mut self, key: &'static str, kind: &str) -> Result<Option<T>> {
        match self.take(key) {
            None => Ok(None),
            Some(raw) => serde_json::from_str(raw.get())
                .map(Some)
                .map_err(|_| self.error(key, format!("it must be {kind}"))),
        }
    }

    /// A string that is no secret. Blank counts as a mistake: an unset variable looks like that.
    pub fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.typed::<String>(key, "a string")? {
            Some(text) if text.trim().is_empty() => {
                Err(self.error(key, "it is blank; leave it out or give a value"))
            }
            text => Ok(text),
        }
    }

    pub fn required_text(&mut self, key: &'static str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    pub fn texts(&mut self, key: &'static str) -> Result<Option<Vec<String>>> {
        self.typed(key, "an array of strings")
    }

    pub fn pairs(&mut self, key: &'static str) -> Result<Vec<(String, String)>> {
        let Some(section) = self.section(key)? else {
            return Ok(Vec::new());
        };
        section
            .entries
            .iter()
            .map(|(name, raw)| match serde_json::from_str(raw.get()) {
                Ok(value) => Ok((name.clone(), value)),
                Err(_) => Err(section.error(name, "it must be a string")),
            })
            .collect()
    }

    pub fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        self.typed(key, "true or false")
    }

    pub fn integer(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>> {
        let kind = format!("an integer from {} to {}", range.start(), range.end());
        match self.typed::<u64>(key, &kind)? {
            Some(number) if !range.contains(&number) => {
                Err(self.error(key, format!("it must be {kind}")))
            }
            number => Ok(number),
        }
    }

    /// One or more integers.
    pub fn integers(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<Vec<u64>>> {
        let kind = format!(
            "an array of integers from {} to {}, one at least",
            range.start(),
            range.end()
        );
        match self.typed::<Vec<u64>>(key, &kind)? {
            Some(numbers) if numbers.is_empty() || numbers.iter().any(|n| !range.contains(n)) => {
                Err(self.error(key, format!("it must be {kind}")))
            }
            numbers => Ok(numbers),
        }
    }

    /// A secret, in memory that is wiped when it is dropped.
    pub fn secret(&mut self, key: &'static str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some(raw) = self.take(key) else {
            return Ok(None);
        };
        let secret = unescape(raw.get()).ok_or_else(|| self.error(key, "it must be a string"))?;
        if secret.trim_ascii().is_empty() {
            return Err(self.error_with(Code::ConfigEmptySecret, key, UNSET));
        }
        Ok(Some(secret))
    }

    pub fn section(&mut self, key: &'static str) -> Result<Option<Section<'a>>> {
        let Some(raw) = self.take(key) else {
            return Ok(None);
        };
        let entries: Entries = serde_json::from_str(raw.get())
            .map_err(|_| self.error(key, "it must be an object without duplicate keys"))?;
        Ok(Some(Section {
            path: format!("{}{key}.", self.path),
            entries: entries.0,
            known: Vec::new(),
        }))
    }

    /// Reads a section that may be left out, all of it.
    pub fn part<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&mut Section<'a>) -> Result<T>,
    ) -> Result<T> {
        let empty = Section {
            path: format!("{}{key}.", self.path),
            entries: Vec::new(),
            known: Vec::new(),
        };
        let mut section = self.section(key)?.unwrap_or(empty);
        let part = read(&mut section)?;
        section.finish()?;
        Ok(part)
    }

    /// A time of 1 millisecond to 10 minutes.
    pub fn milliseconds(&mut self, key: &'static str, default: u64) -> Result<Duration> {
        Ok(Duration::from_millis(
            self.integer(key, 1..=600_000)?.unwrap_or(default),
        ))
    }

    /// Refuses whatever key nobody has asked for.
    pub fn finish(self) -> Result<()> {
        let Some((key, _)) = self.entries.first() else {
            return Ok(());
        };
        let error = self.error_with(
            Code::ConfigUnknownKey,
            key,
            format!("no such key; known here are {}", self.known.join(", ")),
        );
        Err(
            match self.known.iter().min_by_key(|known| distance(known, key)) {
                Some(near) if distance(near, key) <= 3 => {
                    error.with_hint(format!("did you mean {near}?"))
                }
                _ => error,
            },
        )
    }
}

/// Levenshtein's distance, over bytes.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let next = (diagonal + usize::from(x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

/// The content of a JSON string literal, without the buffer that a parser would leave behind unwiped. The literal is known to be
/// well-formed JSON.
fn unescape(literal: &str) -> Option<Zeroizing<Vec<u8>>> {
    let inner = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut out = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let c = if c != '\\' {
            c
        } else {
            match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\u{8}',
                'f' => '\u{c}',
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
                }
                other => other,
            }
        };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(out)
}

const UNSET: &str = "it is missing or empty; is the variable or file that should hold it set?";

const DUPLICATE: &str = "a key stands twice";

struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(
                self,
                mut access: A,
            ) -> std::result::Result<Entries<'de>, A::Error> {
                let mut entries: Vec<(String, &RawValue)> = Vec::new();
                while let Some((key, value)) = access.next_entry::<String, &RawValue>()? {
                    if entries.iter().any(|(known, _)| *known == key) {
                        return Err(serde::de::Error::custom(DUPLICATE));
                    }
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish_error(json: &str) -> Error {
        let mut section = Section::parse(json.as_bytes()).unwrap();
        section.text("apiv3_key").unwrap();
        section.finish().unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_refused_by_name_with_the_nearest_known_one() {
        let error = finish_error(r#"{"apiv3key": "x"}"#);
        assert_eq!(error.code(), Code::ConfigUnknownKey);
        assert!(error.message().contains("apiv3key"));
        assert_eq!(error.detail("hint").unwrap(), "did you mean apiv3_key?");
    }

    #[test]
    fn a_blank_secret_is_refused_and_named() {
        for json in [r#"{"k":""}"#, r#"{"k":" \n "}"#] {
            let error = Section::parse(json.as_bytes())
                .unwrap()
                .secret("k")
                .unwrap_err();
            assert_eq!(error.code(), Code::ConfigEmptySecret);
            assert_eq!(error.detail("field").unwrap(), "k");
        }
    }

    #[test]
    fn a_secret_is_decoded_like_any_json_string() {
        for text in ["plain", "a\nb\r\t\"\\/", "五\u{1}é\u{8}\u{c}"] {
            let json = serde_json::json!({ "k": text }).to_string();
            let secret = Section::parse(json.as_bytes())
                .unwrap()
                .secret("k")
                .unwrap()
                .unwrap();
            assert_eq!(secret.as_slice(), text.as_bytes());
        }
    }

    #[test]
    fn integers_outside_their_range_and_of_other_types_are_refused() {
        for json in [
            r#"{"k":301}"#,
            r#"{"k":-1}"#,
            r#"{"k":1.0}"#,
            r#"{"k":"1"}"#,
            r#"{"k":true}"#,
        ] {
            assert!(
                Section::parse(json.as_bytes())
                    .unwrap()
                    .integer("k", 0..=300)
                    .is_err(),
                "{json}"
            );
        }
    }

    #[test]
    fn a_section_names_its_keys_by_their_whole_path() {
        let mut top = Section::parse(br#"{"retry":{"max_attempts":"x"}}"#).unwrap();
        let error = top
            .section("retry")
            .unwrap()
            .unwrap()
            .integer("max_attempts", 1..=9)
            .unwrap_err();
        assert_eq!(error.detail("field").unwrap(), "retry.max_attempts");
    }

    #[test]
    fn a_key_that_stands_twice_is_refused() {
        assert!(Section::parse(br#"{"a":1,"a":2}"#).is_err());
    }
}
