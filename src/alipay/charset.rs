//! The character set that an app speaks with the gateway. What is signed are its bytes; what is handed out is UTF-8.

use std::borrow::Cow;

use encoding_rs::GBK;

use crate::config::Section;
use crate::error::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Gbk,
}

impl Charset {
    pub fn read(config: &mut Section) -> Result<Charset> {
        match config.text("charset")? {
            None => Ok(Charset::Utf8),
            Some(name) => Charset::named(&name)
                .ok_or_else(|| config.error("charset", "it must be utf-8 or GBK")),
        }
    }

    pub fn named(name: &str) -> Option<Charset> {
        [Charset::Utf8, Charset::Gbk]
            .into_iter()
            .find(|charset| charset.name().eq_ignore_ascii_case(name))
    }

    /// As requests spell it.
    pub fn name(self) -> &'static str {
        match self {
            Charset::Utf8 => "utf-8",
            Charset::Gbk => "GBK",
        }
    }

    /// None where the text has a character that the set has not.
    pub fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        match self {
            Charset::Utf8 => Some(Cow::Borrowed(text.as_bytes())),
            Charset::Gbk => match GBK.encode(text) {
                (bytes, _, false) => Some(bytes),
                _ => None,
            },
        }
    }

    /// None where the bytes are no text of the set: nothing is put in place of what cannot be read.
    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Charset::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Charset::Gbk => GBK.decode_without_bom_handling_and_without_replacement(bytes),
        }
    }

    /// How many bytes the character has that begins with this one, inside a JSON text. The second byte of GBK may look like a backslash or a
    /// brace; four bytes of GB18030 are two such pairs.
    pub fn width(self, first: u8) -> usize {
        match self {
            Charset::Gbk if (0x81..=0xfe).contains(&first) => 2,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_or_read_is_none() {
        assert_eq!(
            Charset::Gbk.encode("支付宝").unwrap(),
            &b"\xd6\xa7\xb8\xb6\xb1\xa6"[..]
        );
        assert_eq!(
            Charset::Gbk.decode(b"\xd6\xa7\xb8\xb6\xb1\xa6").unwrap(),
            "支付宝"
        );
        assert!(Charset::Gbk.encode("🧾").is_none());
        for cut in [&b"\xd6"[..], b"\xd6\x20", b"\xff\xff"] {
            assert!(Charset::Gbk.decode(cut).is_none(), "{cut:?}");
        }
        assert!(Charset::Utf8.decode(b"\xd6\x20").is_none());
        assert!(Charset::Utf8.decode(b"\xc0\x80").is_none());
    }

    #[test]
    fn a_second_byte_is_passed_over_whatever_it_looks_like() {
        // 乗 ends with a backslash in GBK, 亅 with a brace.
        for text in ["乗", "亅"] {
            let bytes = Charset::Gbk.encode(text).unwrap();
            assert!(matches!(bytes[1], b'\\' | b'}' | b'{' | b'|'), "{bytes:?}");
            assert_eq!(Charset::Gbk.width(bytes[0]), bytes.len());
        }
    }
}
