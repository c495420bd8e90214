//! What a field's documentation says beyond its sentence.

use crate::model::{Format, Kind, Schema};

/// Sentences: what it is, in which unit, what it may contain, who fills or encrypts it.
pub fn describe(schema: &Schema, sent: bool) -> String {
    let mut sentences = vec![schema.doc.clone()];
    if sentences[0].is_empty() && !schema.name.is_empty() {
        sentences[0] = in_words(&schema.name);
    }
    sentences.extend(schema.unit.as_ref().map(|unit| match schema.format {
        Some(Format::Amount) => format!("In {unit}, as text: 88.88."),
        _ => format!("In {unit}."),
    }));
    if schema.format == Some(Format::Rfc3339) {
        sentences.push("RFC 3339.".into());
    }
    if schema.format == Some(Format::Date) {
        sentences.push("YYYY-MM-DD.".into());
    }
    if schema.format == Some(Format::DateTime) {
        sentences.push("YYYY-MM-DD HH:MM:SS, Beijing time.".into());
    }
    if sent {
        sentences.extend(length(schema));
    }
    let values = schema
        .items
        .as_ref()
        .map_or(&schema.values, |items| &items.values);
    if !values.is_empty() {
        let values: Vec<_> = values
            .iter()
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .collect();
        sentences.push(match (sent, values.len()) {
            (true, 1) => format!("Always {}.", values[0]),
            (true, _) => format!("One of {}.", values.join(", ")),
            (false, _) => format!("{}, or what the provider adds.", values.join(", ")),
        });
    }
    if schema.encrypted {
        sentences.push(if sent {
            "Sent encrypted: give the plaintext, the library encrypts it.".into()
        } else {
            "Comes encrypted; the library has decrypted it.".into()
        });
    }
    if let Some(fill) = schema.filled {
        let key = fill.key();
        sentences.push(format!("Left out, it is the configuration's {key}."));
    } else if sent && schema.required {
        sentences.push("Required.".into());
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences.join(" ")
}

/// A field of which nobody has said what it is: `bank_memo` → `Bank memo.`
fn in_words(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let words: String = first.chain(letters).collect();
    words.replace('_', " ") + "."
}

fn length(schema: &Schema) -> Option<String> {
    let [min, max] = schema.length?;
    let what = if schema.kind() == Kind::Array {
        "items"
    } else {
        "characters"
    };
    let of = schema
        .charset
        .as_ref()
        .map(|set| format!(" of {set}"))
        .unwrap_or_default();
    Some(if min <= 1 {
        format!("At most {max} {what}{of}.")
    } else {
        format!("{min} to {max} {what}{of}.")
    })
}

/// Lines of at most `width` characters, broken at spaces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_says_unit_limits_and_who_fills_it() {
        let schema: Schema = serde_json::from_str(
            r#"{"name": "mchid", "required": true, "filled": "mchid", "type": "string", "length": [1, 32], "charset": "0-9", "doc": "Merchant id."}"#,
        )
        .unwrap();
        assert_eq!(
            describe(&schema, true),
            "Merchant id. At most 32 characters of 0-9. Left out, it is the configuration's mchid."
        );
        let amount: Schema = serde_json::from_str(
            r#"{"name": "total", "type": "integer", "unit": "fen", "doc": "Amount."}"#,
        )
        .unwrap();
        assert_eq!(describe(&amount, false), "Amount. In fen.");
    }

    #[test]
    fn lines_are_broken_at_spaces_only() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable", 3), ["unbreakable"]);
    }
}
