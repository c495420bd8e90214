//! JSON that holds secrets: wiped from memory when it is dropped.

use std::io::{self, Write};
use std::ops::Deref;

use serde::Serialize;
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

/// A value whose texts are wiped when it is dropped. The names of members are not: they are no secrets.
#[derive(Default)]
pub struct Wiped(pub Value);

impl Deref for Wiped {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Wipes all texts of a value.
pub fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The JSON text of a value. Its place is made once and large enough: one that grew would leave its beginnings behind.
pub fn text(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut length = Counter(0);
    let counted = serde_json::to_writer(&mut length, value);
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    counted
        .and_then(|()| serde_json::to_writer(&mut *text, value))
        .expect("a value of ours is JSON, and memory takes it");
    text
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_text_of_a_value_is_wiped_and_its_place_keeps_its_size() {
        let mut value = json!({ "a": "secret", "b": ["secret", { "c": "secret" }], "d": 1 });
        wipe(&mut value);
        assert_eq!(value, json!({ "a": "", "b": ["", { "c": "" }], "d": 1 }));
        let value = json!({ "a": "\"sëcret\"\n", "b": [1, null] });
        let text = text(&value);
        assert_eq!(*text, value.to_string().into_bytes());
        assert_eq!(text.capacity(), text.len());
    }
}
