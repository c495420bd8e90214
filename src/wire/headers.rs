//! Header fields as received: names in any case, values as they were.

use std::fmt;

use crate::error::{Code, Error, Result};

const MAX_FIELDS: usize = 200;

/// Header fields in the order they came. Names are kept in lower case; the CGI form `HTTP_WECHATPAY_SERIAL` is understood.
#[derive(Clone, Default, PartialEq)]
pub struct Headers(Vec<(String, String)>);

/// The names alone: a value may be a cookie or somebody's credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Headers {
    pub fn new() -> Headers {
        Headers::default()
    }

    /// Reads lines `Name: value`, ended by LF or CRLF.
    pub fn parse(block: &str) -> Result<Headers> {
        let mut headers = Headers::new();
        for (number, line) in block.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            let Some((name, value)) = line.split_once(':') else {
                return Err(malformed(format!(
                    "header line {} has no colon; pass each field as `Name: value`",
                    number + 1
                )));
            };
            let control = |c: char| c.is_ascii_control() && c != '\t';
            if name.is_empty()
                || name.contains(|c: char| c.is_whitespace() || control(c))
                || value.contains(control)
            {
                return Err(malformed(format!(
                    "header line {} is not a proper field",
                    number + 1
                )));
            }
            headers.push(name, value.trim_matches([' ', '\t']));
            if headers.0.len() > MAX_FIELDS {
                return Err(malformed(format!(
                    "there are more than {MAX_FIELDS} header fields"
                )));
            }
        }
        Ok(headers)
    }

    /// The same from bytes. Header bytes outside ASCII have no agreed encoding, and a proxy may add any: where they are not UTF-8 each byte is
    /// taken as Latin-1. What is signed is ASCII and the same in both.
    pub fn parse_bytes(block: &[u8]) -> Result<Headers> {
        match std::str::from_utf8(block) {
            Ok(text) => Headers::parse(text),
            Err(_) => Headers::parse(&block.iter().map(|byte| *byte as char).collect::<String>()),
        }
    }

    pub fn push(&mut self, name: &str, value: &str) {
        let mut name = name.to_ascii_lowercase();
        if let Some(cgi) = name.strip_prefix("http_") {
            name = cgi.replace('_', "-");
        }
        self.0.push((name, value.to_owned()));
    }

    /// The value of a field that may stand there only once. A second one is an attack or a broken proxy: which of the two was
    /// signed cannot be known.
    pub fn single(&self, name: &str) -> Result<Option<&str>> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let first = values.next();
        if values.next().is_some() {
            return Err(
                malformed(format!("the header {name} is there more than once")).with_field(name),
            );
        }
        Ok(first.map(|(_, value)| value.as_str()))
    }

    /// The first value of a field that no decision about trust rests on.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}

fn malformed(message: String) -> Error {
    Error::new(Code::HeaderInvalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_any_case_and_in_cgi_form() {
        for name in [
            "Wechatpay-Serial",
            "WECHATPAY-SERIAL",
            "wechatpay-serial",
            "HTTP_WECHATPAY_SERIAL",
        ] {
            let headers = Headers::parse(&format!("Host: a\r\n{name}: 5A\r\n")).unwrap();
            assert_eq!(
                headers.single("wechatpay-serial").unwrap(),
                Some("5A"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        let headers = Headers::parse("Wechatpay-Signature: a\nwechatpay-signature: a\n").unwrap();
        assert_eq!(
            headers.single("wechatpay-signature").unwrap_err().code(),
            Code::HeaderInvalid
        );
    }

    #[test]
    fn lines_that_are_no_fields_are_refused() {
        for block in ["no colon", ": no name", "a b: c", "a: b\u{0}c", "a: b\rc"] {
            assert_eq!(
                Headers::parse(block).unwrap_err().code(),
                Code::HeaderInvalid,
                "{block:?}"
            );
        }
    }

    #[test]
    fn a_field_that_is_not_utf8_does_no_harm_to_the_others() {
        let headers = Headers::parse_bytes(b"X-City: Z\xfcrich\nWechatpay-Nonce: a\n").unwrap();
        assert_eq!(headers.first("x-city"), Some("Zürich"));
        assert_eq!(headers.first("wechatpay-nonce"), Some("a"));
    }

    #[test]
    fn a_value_keeps_its_inner_bytes() {
        assert_eq!(
            Headers::parse("a:  x : y \n").unwrap().first("a"),
            Some("x : y")
        );
    }
}
