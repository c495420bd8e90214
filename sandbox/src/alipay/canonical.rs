//! Parameters as they come over the wire, and the text that is signed over them.

use std::collections::BTreeMap;

use axum::body::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};

use super::charset::Charset;

/// Names and values, still bytes.
pub type Pairs = Vec<(Bytes, Bytes)>;

/// Reads `a=1&b=2`: percent-encoded, with `+` for a space.
pub fn read_form(text: &[u8]) -> Pairs {
    let decode = |piece: &[u8]| {
        let spaced: Vec<u8> = piece
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        Bytes::from(percent_decode(&spaced).collect::<Vec<u8>>())
    };
    text.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or_default());
            (name, decode(halves.next().unwrap_or_default()))
        })
        .collect()
}

/// What `application/x-www-form-urlencoded` leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*');

pub fn write_form<'a>(
    charset: Charset,
    fields: impl IntoIterator<Item = &'a (String, String)>,
) -> String {
    let encode = |text: &str| {
        let bytes = charset.encode(text);
        percent_encode(&bytes, UNRESERVED)
            .to_string()
            .replace("%20", "+")
    };
    fields
        .into_iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The parameters of one request, decoded.
#[derive(Default)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// Err: a name that came twice.
    pub fn new(charset: Charset, pairs: &Pairs) -> Result<Self, String> {
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            let name = charset.decode(name);
            if params.insert(name.clone(), charset.decode(value)).is_some() {
                return Err(name);
            }
        }
        Ok(Self(params))
    }

    /// An empty one is none.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name)?;
        (!value.is_empty()).then_some(value)
    }

    /// What a request's signature is over: everything but `sign`, sorted by name, values as they are.
    pub fn canonical(&self) -> String {
        self.text_without(&["sign"])
    }

    /// Texts that are signed by mistake, for those who look for the cause.
    pub fn without_sign_type(&self) -> String {
        self.text_without(&["sign", "sign_type"])
    }

    pub fn with_empty_values(&self) -> String {
        let fields = self.0.iter().filter(|(name, _)| *name != "sign");
        fields
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    }

    pub fn encoded(&self, charset: Charset) -> String {
        let fields = self.0.iter();
        let fields = fields.filter(|(name, value)| *name != "sign" && !value.is_empty());
        let fields: Vec<_> = fields
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        write_form(charset, &fields)
    }

    fn text_without(&self, left_out: &[&str]) -> String {
        let fields = self.0.iter();
        let fields = fields.filter(|(name, _)| !left_out.contains(&name.as_str()));
        joined(fields.map(|(name, value)| (name.as_str(), value.as_str())))
    }
}

/// Which names a notification's signature leaves out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// `sign` and `sign_type`: trades, and everything that is told to a `notify_url`; also the query of a `return_url`.
    V1,
    /// `sign` only: messages to the application gateway.
    V2,
}

/// What a notification's signature is over.
pub fn canonical(rule: Rule, fields: &[(String, String)]) -> String {
    let mut signed: Vec<_> = fields
        .iter()
        .filter(|(name, _)| name != "sign" && (rule == Rule::V2 || name != "sign_type"))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    signed.sort_unstable();
    joined(signed.into_iter())
}

fn joined<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    fields
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_and_written_as_browsers_do() {
        let pairs = read_form(b"a=1+2%2B3&b=%B2%E8&c&=x&&d==");
        let read: Vec<_> = pairs
            .iter()
            .map(|(name, value)| (Charset::Gbk.decode(name), Charset::Gbk.decode(value)))
            .collect();
        let wanted = [
            ("a", "1 2+3"),
            ("b", "茶"),
            ("c", ""),
            ("", "x"),
            ("d", "="),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(read, wanted);
        assert_eq!(write_form(Charset::Gbk, &wanted[..2]), "a=1+2%2B3&b=%B2%E8");
    }

    #[test]
    fn the_canonical_text_is_sorted_without_sign_and_empty_values() {
        let pairs = read_form(b"b=2&sign=x&a=%261&sign_type=RSA2&c=");
        let params = Params::new(Charset::Utf8, &pairs).unwrap();
        assert_eq!(params.canonical(), "a=&1&b=2&sign_type=RSA2");
        let twice = read_form(b"a=1&%61=2");
        assert_eq!(Params::new(Charset::Utf8, &twice).err().unwrap(), "a");
    }

    #[test]
    fn only_the_first_rule_leaves_the_sign_type_out() {
        let fields = [("sign_type", "RSA2"), ("b", "2"), ("sign", "x"), ("a", "1")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(canonical(Rule::V1, &fields), "a=1&b=2");
        assert_eq!(canonical(Rule::V2, &fields), "a=1&b=2&sign_type=RSA2");
    }
}
