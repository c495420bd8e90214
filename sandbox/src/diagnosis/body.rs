//! Other forms of a body that a caller may have signed.

use encoding_rs::GBK;
use serde_json::Value;

use super::causes::{self, Cause};

/// Every form with what it would mean; the body itself is not among them.
pub fn others(body: &[u8], query: &str, whole: &[u8]) -> Vec<(&'static Cause, Vec<u8>)> {
    let mut others = Vec::new();
    if body.is_empty() {
        for text in ["{}", "null", "[]", "\"\"", query] {
            others.push((causes::BODY_NOT_SENT, text.as_bytes().to_vec()));
        }
        return others;
    }
    others.push((causes::BODY_LEFT_OUT, Vec::new()));
    if whole != body {
        others.push((causes::BODY_IS_THE_FORM, whole.to_vec()));
    }
    let trimmed = body.trim_ascii();
    let bare = trimmed.strip_prefix("\u{feff}".as_bytes());
    let bare = bare.unwrap_or(trimmed);
    for (before, after) in [("", ""), ("", "\n"), ("", "\r\n"), ("\u{feff}", "")] {
        let form = [before.as_bytes(), bare, after.as_bytes()].concat();
        others.push((causes::BODY_TRIMMED, form));
    }
    if let Ok(value) = serde_json::from_slice::<Value>(bare) {
        let forms = written_again(&value);
        others.extend(forms.map(|form| (causes::BODY_WRITTEN_AGAIN, form.into_bytes())));
    }
    if let Ok(text) = std::str::from_utf8(body)
        && !text.is_ascii()
    {
        let forms = other_charsets(text);
        others.extend(forms.map(|form| (causes::BODY_CHARSET, form)));
    }
    others.retain(|(_, form)| form != body);
    others
}

/// In GBK; with question marks where ASCII or Latin-1 have nothing; and UTF-8 taken for Latin-1, then encoded again.
fn other_charsets(text: &str) -> [Vec<u8>; 4] {
    let within = |last: char| -> Vec<u8> {
        let byte = |c: char| u8::try_from(u32::from(c)).unwrap_or(b'?');
        text.chars()
            .map(|c| if c > last { b'?' } else { byte(c) })
            .collect()
    };
    let twice: String = text.bytes().map(char::from).collect();
    [
        GBK.encode(text).0.into_owned(),
        within('\x7F'),
        within('\u{FF}'),
        twice.into_bytes(),
    ]
}

/// How one library or another writes JSON.
#[derive(Clone, Copy)]
struct Style {
    after_comma: &'static str,
    after_colon: &'static str,
    /// Of each level, when every element has a line of its own.
    indent: Option<&'static str>,
    escapes: Escapes,
    sorted: bool,
    without_nulls: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Escapes {
    /// What JSON itself demands.
    Fewest,
    /// `\/`, as PHP does.
    Slash,
    /// Everything beyond ASCII, as Python does.
    Ascii,
    /// Both, PHP's default.
    AsciiAndSlash,
    /// `<`, `>` and `&`, as Go does.
    Html,
    /// These and `=` and `'`, as Gson does.
    HtmlMore,
}

fn written_again(value: &Value) -> impl Iterator<Item = String> {
    let spacings = [
        ("", "", None),
        (" ", " ", None),
        ("", " ", Some("  ")),
        ("", " ", Some("    ")),
        ("", " ", Some("\t")),
    ];
    let escapes = [
        Escapes::Fewest,
        Escapes::Slash,
        Escapes::Ascii,
        Escapes::AsciiAndSlash,
        Escapes::Html,
        Escapes::HtmlMore,
    ];
    let mut styles = Vec::new();
    for (sorted, without_nulls) in [(false, false), (true, false), (false, true), (true, true)] {
        for (after_comma, after_colon, indent) in spacings {
            styles.extend(escapes.map(|escapes| Style {
                after_comma,
                after_colon,
                indent,
                escapes,
                sorted,
                without_nulls,
            }));
        }
    }
    styles.into_iter().map(move |style| {
        let mut text = String::new();
        style.write(value, 0, &mut text);
        text
    })
}

impl Style {
    fn write(&self, value: &Value, depth: usize, text: &mut String) {
        match value {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                if self.sorted {
                    fields.sort_by(|one, other| one.0.cmp(other.0));
                }
                if self.without_nulls {
                    fields.retain(|(_, value)| !value.is_null());
                }
                self.list(['{', '}'], fields, depth, text, |(name, value), text| {
                    text.push_str(&self.string(name));
                    text.push(':');
                    text.push_str(self.after_colon);
                    self.write(value, depth + 1, text);
                });
            }
            Value::Array(items) => {
                let items = items.iter().collect();
                self.list(['[', ']'], items, depth, text, |item, text| {
                    self.write(item, depth + 1, text);
                });
            }
            Value::String(string) => text.push_str(&self.string(string)),
            plain => text.push_str(&plain.to_string()),
        }
    }

    fn list<T>(
        &self,
        [open, close]: [char; 2],
        items: Vec<T>,
        depth: usize,
        text: &mut String,
        write: impl Fn(T, &mut String),
    ) {
        let line = |depth: usize| match self.indent {
            Some(indent) => format!("\n{}", indent.repeat(depth)),
            None => String::new(),
        };
        let is_empty = items.is_empty();
        text.push(open);
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                text.push(',');
                text.push_str(self.after_comma);
            }
            text.push_str(&line(depth + 1));
            write(item, text);
        }
        if !is_empty {
            text.push_str(&line(depth));
        }
        text.push(close);
    }

    fn string(&self, string: &str) -> String {
        let fewest = Value::from(string).to_string();
        let is_escaped = |c: char| match self.escapes {
            Escapes::Fewest => false,
            Escapes::Slash => c == '/',
            Escapes::Ascii => !c.is_ascii(),
            Escapes::AsciiAndSlash => !c.is_ascii() || c == '/',
            Escapes::Html => "<>&\u{2028}\u{2029}".contains(c),
            Escapes::HtmlMore => "<>&='\u{2028}\u{2029}".contains(c),
        };
        let mut text = String::new();
        for character in fewest.chars() {
            match character {
                '/' if is_escaped('/') => text.push_str("\\/"),
                character if is_escaped(character) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        text.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                character => text.push(character),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(value: &Value) -> Vec<String> {
        written_again(value).collect()
    }

    #[test]
    fn the_forms_are_those_of_other_languages() {
        let value = json!({ "b": "茶/<tea>", "a": [1, null], "c": {}, "d": "😀" });
        let forms = written(&value);
        for form in [
            // Python: json.dumps(value), and with ensure_ascii=False, sort_keys=True.
            r#"{"b": "\u8336/<tea>", "a": [1, null], "c": {}, "d": "\ud83d\ude00"}"#,
            r#"{"a": [1, null], "b": "茶/<tea>", "c": {}, "d": "😀"}"#,
            // PHP: json_encode($value).
            r#"{"b":"\u8336\/<tea>","a":[1,null],"c":{},"d":"\ud83d\ude00"}"#,
            // Go: json.Marshal of a map.
            r#"{"a":[1,null],"b":"茶/\u003ctea\u003e","c":{},"d":"😀"}"#,
            // JavaScript: JSON.stringify(value, null, 2).
            "{\n  \"b\": \"茶/<tea>\",\n  \"a\": [\n    1,\n    null\n  ],\n  \"c\": {},\n  \"d\": \"😀\"\n}",
        ] {
            assert!(forms.iter().any(|other| other == form), "{form}");
        }
    }

    #[test]
    fn the_body_itself_is_no_other_form() {
        let body = br#"{"a":1}"#;
        assert!(others(body, "", body).iter().all(|(_, form)| form != body));
    }
}
