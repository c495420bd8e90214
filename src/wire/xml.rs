//! The flat XML of older payment APIs, `<xml><key>text</key>…</xml>`, strictly: what two parsers could read differently is refused.
//!
//! No entity is ever expanded and no document type accepted, so there is nothing a document could make the reader fetch, repeat or
//! multiply (XXE, entity bombs). What is read is exactly what the signature is computed over afterwards.

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value};

/// Longer documents are not looked at.
pub const MAX_BYTES: usize = 1 << 20;
const MAX_ELEMENTS: usize = 1_000;
const MAX_NAME: usize = 128;
const MAX_DEPTH: usize = 4;

/// Reads a flat document: each element under the root holds text only and stands there once. The error says what is wrong, never
/// the content.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    read_under("xml", bytes)
}

/// The same under a root of another name.
pub fn read_under(root: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    Ok(flat(document(root, bytes, &[])?))
}

/// The same for the rare documents in which the elements called `lists` may stand several times and hold elements themselves. Each
/// of them becomes an array, also where it stands there once.
pub fn read_with_lists(bytes: &[u8], lists: &[&str]) -> Result<Map<String, Value>, String> {
    document("xml", bytes, lists)
}

fn flat(fields: Map<String, Value>) -> Vec<(String, String)> {
    let text = |(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None, // there are no lists
    };
    fields.into_iter().filter_map(text).collect()
}

fn document(root: &str, bytes: &[u8], lists: &[&str]) -> Result<Map<String, Value>, String> {
    if bytes.len() > MAX_BYTES {
        return Err("it is longer than 1 MiB".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
    if text.starts_with('\u{feff}') {
        return Err("it begins with a byte order mark".into()); // the reader would pass over it
    }
    let mut document = Document {
        reader: Reader::from_str(text),
        lists,
        elements: 0,
    };
    document.prologue(root)?;
    let Value::Object(fields) = document.content(root, 1)? else {
        return Err("its root holds text".into());
    };
    document.epilogue()?;
    Ok(fields)
}

/// Writes a flat document. Names are the caller's to check; every text without control characters survives.
pub fn write<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut out = String::from("<xml>");
    for (name, text) in fields {
        out.push('<');
        out.push_str(name);
        out.push('>');
        if text.bytes().all(is_plain) {
            out.push_str(text);
        } else {
            out.push_str("<![CDATA[");
            out.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
            out.push_str("]]>");
        }
        out.push_str("</");
        out.push_str(name);
        out.push('>');
    }
    out.push_str("</xml>");
    out.into_bytes()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte)
}

/// Whether a key can be the name of an element, and stand before `=` in a signing string without ambiguity.
pub fn is_name(name: &str) -> bool {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins_well
        && name.len() <= MAX_NAME
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_.$-".contains(&b))
}

struct Document<'a> {
    reader: Reader<&'a [u8]>,
    lists: &'a [&'a str],
    elements: usize,
}

impl<'a> Document<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        // The library's own words may quote the document.
        self.reader
            .read_event()
            .map_err(|_| "it is not well-formed XML".into())
    }

    /// An XML declaration, then the start of the root.
    fn prologue(&mut self, root: &str) -> Result<(), String> {
        let mut first = true;
        loop {
            match self.next()? {
                Event::Decl(declaration) if first => match declaration.encoding() {
                    None => {}
                    Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => {}
                    Some(_) => return Err("it declares another encoding than UTF-8".into()),
                },
                Event::Text(text) if is_blank(&text) => {}
                Event::Start(start) if name(&start)? == root => return Ok(()),
                Event::Start(_) => return Err(format!("its root is not <{root}>")),
                Event::Empty(_) => return Err("its root is empty".into()),
                event => return Err(unexpected(&event)),
            }
            first = false;
        }
    }

    /// What stands between the start of an element and its end: elements, or text alone.
    fn content(&mut self, of: &str, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("its elements are nested too deeply".into());
        }
        let may_hold_elements = depth == 1 || self.lists.contains(&of);
        let mut fields = Map::new();
        let mut text = String::new();
        loop {
            match self.next()? {
                Event::Text(part) => push_text(&mut text, &part)?,
                Event::CData(part) => text.push_str(&part),
                Event::GeneralRef(reference) => text.push(resolve(&reference)?),
                Event::Start(start) if may_hold_elements => {
                    let name = self.counted(&start)?.to_owned();
                    let value = self.content(&name, depth + 1)?;
                    self.insert(&mut fields, name, value)?;
                }
                Event::Empty(start) if may_hold_elements => {
                    let name = self.counted(&start)?.to_owned();
                    self.insert(&mut fields, name, Value::String(String::new()))?;
                }
                Event::Start(_) | Event::Empty(_) => {
                    return Err("an element holds another element".into());
                }
                Event::End(_) => break, // the reader itself compares the names
                event => return Err(unexpected(&event)),
            }
        }
        let is_list = depth > 1 && may_hold_elements;
        match (depth, fields.is_empty()) {
            (1, _) | (_, false) if !is_blank(&text) => {
                Err("there is text between the elements".into())
            }
            (1, _) | (_, false) => Ok(Value::Object(fields)),
            _ if is_list && is_blank(&text) => Ok(Value::Object(fields)),
            _ if text.contains(is_forbidden) => {
                Err("a text has a character that XML does not have".into())
            }
            _ => Ok(Value::String(text)),
        }
    }

    fn counted<'s>(&mut self, start: &'s BytesStart) -> Result<&'s str, String> {
        self.elements += 1;
        match self.elements > MAX_ELEMENTS {
            true => Err(format!("it has more than {MAX_ELEMENTS} elements")),
            false => name(start),
        }
    }

    fn insert(
        &self,
        fields: &mut Map<String, Value>,
        name: String,
        value: Value,
    ) -> Result<(), String> {
        if self.lists.contains(&name.as_str()) {
            if let Value::Array(items) = fields
                .entry(name)
                .or_insert_with(|| Value::Array(Vec::new()))
            {
                items.push(value);
            }
            return Ok(());
        }
        match fields.insert(name, value) {
            Some(_) => Err("an element stands there twice".into()),
            None => Ok(()),
        }
    }

    fn epilogue(&mut self) -> Result<(), String> {
        loop {
            match self.next()? {
                Event::Eof => return Ok(()),
                Event::Text(text) if is_blank(&text) => {}
                _ => return Err("something follows its root".into()),
            }
        }
    }
}

/// The name of an element that has no attributes.
fn name<'a>(start: &'a BytesStart) -> Result<&'a str, String> {
    let name = start.name().into_inner();
    if !is_blank(start.attributes_raw()) {
        return Err("an element has attributes".into());
    }
    match is_name(name) {
        true => Ok(name),
        false => Err("the name of an element has characters that do not belong there".into()),
    }
}

fn push_text(text: &mut String, part: &str) -> Result<(), String> {
    if part.contains("]]>") {
        return Err("it is not well-formed XML".into());
    }
    text.push_str(part);
    Ok(())
}

/// The five predefined entities and references to characters; all others are declared in documents, which is not done here.
fn resolve(reference: &BytesRef) -> Result<char, String> {
    let refused = || "it refers to an entity or to a character that is none".to_owned();
    if reference.is_char_ref() {
        let character = reference.resolve_char_ref().map_err(|_| refused())?;
        return character.filter(|c| !is_forbidden(*c)).ok_or_else(refused);
    }
    match &**reference {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(refused()),
    }
}

/// Outside the production `Char` of XML 1.0.
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|b| b" \t\r\n".contains(&b))
}

fn unexpected(event: &Event) -> String {
    match event {
        Event::DocType(_) => "it has a document type, which is never accepted",
        Event::PI(_) => "it has a processing instruction",
        Event::Comment(_) => "it has a comment",
        Event::Decl(_) => "it has an XML declaration that is not at its beginning",
        Event::Eof => "it ends too early",
        Event::GeneralRef(_) | Event::Text(_) | Event::CData(_) => "there is text outside its root",
        _ => "it is not well-formed XML",
    }
    .into()
}
