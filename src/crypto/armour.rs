//! From the text of a key file to its DER bytes: PEM (RFC 7468), bare base64, or DER as it is.

use super::error::KeyError;
use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

/// No key or certificate in use comes near this many bytes; more is a mistake, such as the path of another file.
const MAX_TEXT: usize = 256 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// The first byte of every DER key and certificate: a SEQUENCE. Base64 of one starts with `M`.
const SEQUENCE: u8 = 0x30;

/// What the armour held.
pub(super) struct Contents {
    /// The label of the PEM block; bare base64 and DER have none.
    pub label: Option<String>,
    pub der: Zeroizing<Vec<u8>>,
}

/// Takes the armour off.
///
/// * A UTF-8 byte order mark at the start is skipped. Lines may end in LF, CRLF or CR, be of any length or be one.
/// * PEM is exactly one block. Text before it is ignored, as RFC 7468 allows; after it only white space may follow.
/// * Base64 is decoded without looking up secrets in tables.
pub(super) fn remove(text: &[u8]) -> Result<Contents, KeyError> {
    if text.len() > MAX_TEXT {
        return Err(KeyError::invalid(
            "the text is far too long for a key or a certificate",
        ));
    }
    if text.first() == Some(&SEQUENCE) {
        return Ok(Contents {
            label: None,
            der: Zeroizing::new(text.to_vec()),
        });
    }
    if text.starts_with(b"\xFF\xFE") || text.starts_with(b"\xFE\xFF") {
        return Err(KeyError::invalid(
            "the text is UTF-16; save the file as UTF-8",
        ));
    }
    let text = text
        .strip_prefix(BYTE_ORDER_MARK)
        .unwrap_or(text)
        .trim_ascii();
    if text.is_empty() {
        return Err(KeyError::invalid("there is no key: the text is empty"));
    }
    if find(text, br"\n").is_some() {
        return Err(KeyError::invalid(
            r"the text contains a backslash and an n where lines should end; it was escaped twice on its way here",
        ));
    }
    if find(text, DASHES).is_none() {
        return Ok(Contents {
            label: None,
            der: decode(text)?,
        });
    }
    let (label, body) = block(text)?;
    if find(body, b":").is_some() {
        return Err(encapsulated_header(body));
    }
    Ok(Contents {
        label: Some(label.to_owned()),
        der: decode(body)?,
    })
}

/// The PEM blocks of a bundle, each from its first dash to its last; a block without an end is none.
pub(super) fn blocks(bundle: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bundle;
    std::iter::from_fn(move || {
        let text = &rest[find(rest, BEGIN)?..];
        let end = find(text, END)? + END.len();
        let length = end + find(&text[end..], DASHES)? + DASHES.len();
        rest = &text[length..];
        Some(&text[..length])
    })
}

/// The label and the body of the one PEM block in the text.
fn block(text: &[u8]) -> Result<(&str, &[u8]), KeyError> {
    let start = find(text, BEGIN)
        .ok_or_else(|| KeyError::invalid("the PEM text has no -----BEGIN line"))?;
    let text = &text[start + BEGIN.len()..];
    if find(text, BEGIN).is_some() {
        return Err(KeyError::invalid(
            "the text holds more than one PEM block; give exactly the one that is meant",
        ));
    }
    let label_length = find(text, DASHES)
        .ok_or_else(|| KeyError::invalid("the -----BEGIN line of the PEM text is cut"))?;
    let label = label(&text[..label_length])?;
    let text = &text[label_length + DASHES.len()..];
    let body_length = find(text, END)
        .ok_or_else(|| KeyError::invalid("the PEM text has no -----END line; it is cut"))?;
    let (body, end) = (&text[..body_length], &text[body_length + END.len()..]);
    let rest = end
        .strip_prefix(label.as_bytes())
        .and_then(|end| end.strip_prefix(DASHES))
        .ok_or_else(|| {
            KeyError::invalid(
                "the -----END line of the PEM text is not that of its -----BEGIN line",
            )
        })?;
    if !rest.trim_ascii().is_empty() {
        return Err(KeyError::invalid(
            "there is text after the -----END line of the PEM block",
        ));
    }
    Ok((label, body))
}

fn label(bytes: &[u8]) -> Result<&str, KeyError> {
    let plain = bytes.len() <= 64
        && bytes
            .iter()
            .all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b' '));
    match std::str::from_utf8(bytes) {
        Ok(label) if plain => Ok(label),
        _ => Err(KeyError::invalid(
            "the -----BEGIN line of the PEM text has no proper label",
        )),
    }
}

/// Headers inside the block are those of RFC 1421, which no key has unless it is encrypted.
fn encapsulated_header(body: &[u8]) -> KeyError {
    if find(body, b"ENCRYPTED").is_some() {
        return encrypted();
    }
    KeyError::invalid("the PEM block has header lines, which a key or certificate does not have")
}

/// The one answer for keys behind a password, however they are wrapped.
pub(super) fn encrypted() -> KeyError {
    KeyError::unsupported(
        "the private key is encrypted with a password; decrypt it first, for example with \
         `openssl pkey -in encrypted.pem -out key.pem`",
    )
}

fn decode(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(
        text.iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace()),
    );
    let mut der = Zeroizing::new(vec![0; compact.len() / 4 * 3]);
    let length = match Base64::decode(compact.as_slice(), der.as_mut_slice()) {
        Ok(decoded) => decoded.len(),
        Err(_) => return Err(undecodable(text)),
    };
    der.truncate(length);
    Ok(der)
}

/// Says what keeps the text from being base64, without repeating any of it.
fn undecodable(text: &[u8]) -> KeyError {
    if text.contains(&b'/')
        && text.len() < 1024
        && (text.starts_with(b"/") || text.starts_with(b"."))
    {
        return KeyError::invalid("this looks like the path of a file; give the text in the file");
    }
    KeyError::invalid(
        "the text is neither PEM, nor base64, nor DER; a part of it may be missing or altered",
    )
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
