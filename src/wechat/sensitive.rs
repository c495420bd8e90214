//! Sensitive fields: encrypted for the platform on the way out, decrypted with our key on the way in, by the catalogue's table and for every
//! language alike. <https://pay.weixin.qq.com/doc/v3/merchant/4013053257>
//!
//! An answer is decrypted after its signature was verified, and only the texts of its sensitive fields change: all other bytes stay as they
//! were signed.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;
use zeroize::{Zeroize, Zeroizing};

use crate::catalogue::Operation;
use crate::crypto::base64;
use crate::crypto::suite::{PrivateKey, PublicKey};
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::params::Params;
use crate::provider::Sensitive;

use super::keyring::PlatformKey;
use super::merchant::Merchant;

/// The base64 that stands for a text, made with the platform's key.
pub(super) fn seal(text: &str, field: &str, key: &PublicKey, host: &Host) -> Result<String> {
    if let Some(most) = key.max_plaintext()
        && text.len() > most
    {
        let message = format!("{field} is too long to be encrypted: at most {most} bytes");
        return Err(Error::new(Code::ParamsInvalid, message).with_field(field));
    }
    match host.lend_random(|random| key.seal(text.as_bytes(), random))? {
        Ok(ciphertext) => Ok(base64::encode(&ciphertext)),
        Err(_) => {
            let message = format!("{field} could not be encrypted with the platform's key");
            Err(Error::new(Code::Internal, message).with_field(field))
        }
    }
}

/// The text that the base64 stands for, made for our certificate.
fn open(ciphertext: &str, key: &PrivateKey) -> Option<Zeroizing<String>> {
    let bytes = base64::decode(ciphertext.as_bytes()).ok()?;
    let plaintext = key.open(&bytes).ok()?;
    let text = std::str::from_utf8(&plaintext).ok()?;
    Some(Zeroizing::new(text.to_owned()))
}

/// Encrypts what the operation says is sensitive in query and body. True: there is no key, and what should
/// have been encrypted is left out.
pub(super) fn seal_all(
    operation: &Operation,
    params: &mut Params,
    key: Option<&PlatformKey>,
    host: &Host,
) -> Result<bool> {
    let mut awaits_key = false;
    let mut seal = |text: &str, field: &str| match key {
        Some(key) => seal(text, field, &key.key, host),
        None => {
            awaits_key = true;
            Ok(String::new())
        }
    };
    let in_query = operation.query_fields.iter();
    for field in in_query.filter(|field| field.schema.encrypted) {
        if let Some(value) = params.query.get_mut(field.name) {
            seal_at(value, "", &format!("query.{}", field.name), &mut seal)?;
        }
    }
    if let Some(body) = params.body.as_mut() {
        for path in operation.encrypted_fields() {
            seal_at(body, path, "body", &mut seal)?;
        }
    }
    Ok(awaits_key)
}

/// Encrypts the texts at `path` (`payer.identity.name`, `items[].name`, `values[]`) in place. An empty text stays as it is.
pub(super) fn seal_at(
    value: &mut Value,
    path: &str,
    field: &str,
    seal: &mut impl FnMut(&str, &str) -> Result<String>,
) -> Result<()> {
    if path.is_empty() {
        if let Value::String(text) = value
            && !text.is_empty()
        {
            let sealed = seal(text, field)?;
            text.zeroize();
            *text = sealed;
        }
        return Ok(());
    }
    let (name, is_array, rest) = step(path);
    match (is_array, value.get_mut(name)) {
        (_, None) => Ok(()),
        (true, Some(Value::Array(items))) => {
            items.iter_mut().enumerate().try_for_each(|(index, item)| {
                seal_at(item, rest, &format!("{field}.{name}[{index}]"), seal)
            })
        }
        (_, Some(inner)) => seal_at(inner, rest, &format!("{field}.{name}"), seal),
    }
}

/// The first step of a path, whether it is an array, and what follows.
fn step(path: &str) -> (&str, bool, &str) {
    let (step, rest) = path.split_once('.').unwrap_or((path, ""));
    match step.strip_suffix("[]") {
        Some(name) => (name, true, rest),
        None => (step, false, rest),
    }
}

/// The verified body with its sensitive fields decrypted, and which those are. Where only the host's signer has our key they stay encrypted.
pub(super) fn open_all(
    operation: Option<&Operation>,
    merchant: &Merchant,
    body: &[u8],
) -> Result<(Vec<u8>, Sensitive)> {
    let mut sensitive = Sensitive::default();
    let untouched = |sensitive| Ok((body.to_vec(), sensitive));
    let (Some(operation), Ok(text)) = (operation, std::str::from_utf8(body)) else {
        return untouched(sensitive);
    };
    let mut changes = Vec::new();
    for path in operation.encrypted_answer_fields() {
        let mut literals = Vec::new();
        find(text, path, "", &mut literals);
        if literals.is_empty() {
            continue;
        }
        let Some(key) = merchant.decryption_key() else {
            sensitive.encrypted.push(path);
            continue;
        };
        sensitive.decrypted.push(path);
        for (field, literal) in literals {
            changes.push((
                offset(text, literal),
                literal.len(),
                opened(&field, literal, key)?,
            ));
        }
    }
    if changes.is_empty() {
        return untouched(sensitive);
    }
    changes.sort_by_key(|(at, _, _)| *at);
    // As long as it can get, so that it never moves and leaves a plaintext behind.
    let longest = body.len() + changes.iter().map(|(_, _, new)| new.len()).sum::<usize>();
    let (mut spliced, mut from) = (Vec::with_capacity(longest), 0);
    for (at, len, new) in &changes {
        spliced.extend_from_slice(&body[from..*at]);
        spliced.extend_from_slice(new.as_bytes());
        from = at + len;
    }
    spliced.extend_from_slice(&body[from..]);
    Ok((spliced, sensitive))
}

/// The literals of the texts at `path` that are not empty, each with its place: `data[0].payer_phone`.
fn find<'a>(raw: &'a str, path: &str, place: &str, found: &mut Vec<(String, &'a str)>) {
    if path.is_empty() {
        let is_text = raw.starts_with('"') && raw != "\"\"";
        return found.extend(is_text.then(|| (place.to_owned(), raw)));
    }
    let (name, is_array, rest) = step(path);
    let members: serde_json::Result<HashMap<String, &RawValue>> = serde_json::from_str(raw);
    let Some(&inner) = members.ok().as_ref().and_then(|members| members.get(name)) else {
        return;
    };
    let dot = if place.is_empty() { "" } else { "." };
    let place = format!("{place}{dot}{name}");
    if !is_array {
        return find(inner.get(), rest, &place, found);
    }
    let items: Vec<&RawValue> = serde_json::from_str(inner.get()).unwrap_or_default();
    for (index, item) in items.into_iter().enumerate() {
        find(item.get(), rest, &format!("{place}[{index}]"), found);
    }
}

/// Where a part of `text` begins in it.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr() as usize - text.as_ptr() as usize
}

/// The literal of the plaintext in place of the literal of the ciphertext.
fn opened(field: &str, literal: &str, key: &PrivateKey) -> Result<Zeroizing<String>> {
    let plaintext = serde_json::from_str::<String>(literal)
        .ok()
        .and_then(|ciphertext| open(&ciphertext, key));
    let Some(plaintext) = plaintext else {
        return Err(Error::new(
            Code::DecryptionFailed,
            format!("the answer is genuine, but its {field} cannot be decrypted"),
        )
        .with_outcome(Outcome::Unknown)
        .with_field(field)
        .with_hint("it is encrypted for the merchant API certificate: is private_key the key of the one that is in use?"));
    };
    // Six bytes for each at most: no growing that would leave a copy behind.
    let mut literal = Zeroizing::new(Vec::with_capacity(plaintext.len() * 6 + 2));
    serde_json::to_writer(&mut *literal, plaintext.as_str())
        .map_err(|_| Error::new(Code::Internal, "a text is not a JSON text"))?;
    let literal = String::from_utf8(std::mem::take(&mut *literal))
        .map_err(|_| Error::new(Code::Internal, "a JSON text is not UTF-8"))?;
    Ok(Zeroizing::new(literal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_at_every_depth_and_empty_ones_are_left_alone() {
        let text = r#" {"a" : [ {"b":"1","c":["2", ""] }, {"b":null,"c":["3"]}, 5 ], "b":"4"}"#;
        let found = |path| {
            let mut found = Vec::new();
            find(text, path, "", &mut found);
            found
                .into_iter()
                .map(|(place, literal)| {
                    assert_eq!(&text[offset(text, literal)..][..literal.len()], literal);
                    format!("{place}={literal}")
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(found("a[].b"), [r#"a[0].b="1""#]);
        assert_eq!(found("a[].c[]"), [r#"a[0].c[0]="2""#, r#"a[1].c[0]="3""#]);
        assert_eq!(found("b"), [r#"b="4""#]);
        assert!(found("a.b").is_empty() && found("x[].y").is_empty());
    }
}
