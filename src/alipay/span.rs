//! The span of an answer that is signed: found by its bytes, before anything of it is read.
//!
//! The whole must be an object of exactly the answer's node, `sign` and, in certificate mode, `alipay_cert_sn`, each once and in any order.
//! The span is the node's value to the byte: an object, or an encrypted text with its quotes. Nothing is decoded here, and a text that
//! holds braces or a quoted `"sign"` stays a text, also in GBK, where the second byte of a character may look like a backslash.

use super::charset::Charset;

const MAX_DEPTH: usize = 32;

pub(super) struct Parts<'a> {
    /// `alipay_trade_query_response` or `error_response`.
    pub node: &'a str,
    /// The very bytes that are signed.
    pub signed: &'a [u8],
    pub signature: Option<String>,
    pub certificate: Option<String>,
}

/// Takes an answer apart. The problem names places, never the content.
pub(super) fn take_apart(body: &[u8], charset: Charset) -> Result<Parts<'_>, String> {
    let mut scanner = Scanner {
        bytes: body,
        at: 0,
        charset,
    };
    let (mut node, mut signature, mut certificate) = (None, None, None);
    scanner.expect(b'{')?;
    loop {
        let key = scanner.key()?;
        scanner.expect(b':')?;
        let value = scanner.value()?;
        let is_second = match key {
            "sign" => signature.replace(text(value)?).is_some(),
            "alipay_cert_sn" => certificate.replace(text(value)?).is_some(),
            _ if key.ends_with("_response") => node.replace((key, value)).is_some(),
            _ => {
                return Err(
                    "it has a member beside the answer's node, sign and alipay_cert_sn".into(),
                );
            }
        };
        if is_second {
            return Err("it has two nodes, two signatures or two certificate numbers".into());
        }
        match scanner.next()? {
            b',' => {}
            b'}' => break,
            _ => return Err(scanner.wrong()),
        }
    }
    scanner.end()?;
    let (node, signed) = node.ok_or("it has no node of an answer")?;
    Ok(Parts {
        node,
        signed,
        signature,
        certificate,
    })
}

fn text(value: &[u8]) -> Result<String, String> {
    serde_json::from_slice(value).map_err(|_| "sign or alipay_cert_sn is not a text".into())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    charset: Charset,
}

impl<'a> Scanner<'a> {
    fn wrong(&self) -> String {
        format!("it is not valid JSON at byte {}", self.at)
    }

    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// The next byte that is no space, which is passed.
    fn next(&mut self) -> Result<u8, String> {
        self.skip_space();
        let byte = *self.bytes.get(self.at).ok_or("it ends too early")?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, wanted: u8) -> Result<(), String> {
        match self.next()? {
            byte if byte == wanted => Ok(()),
            _ => Err(self.wrong()),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        self.skip_space();
        match self.at == self.bytes.len() {
            true => Ok(()),
            false => Err("there is something behind its end".into()),
        }
    }

    /// A name of plain characters: one that is escaped could be another spelling of `sign`.
    fn key(&mut self) -> Result<&'a str, String> {
        self.expect(b'"')?;
        let start = self.at;
        while matches!(self.bytes.get(self.at), Some(byte) if byte.is_ascii_alphanumeric() || *byte == b'_')
        {
            self.at += 1;
        }
        let key = &self.bytes[start..self.at];
        match self.bytes.get(self.at) {
            Some(b'"') => self.at += 1,
            _ => return Err(self.wrong()),
        }
        std::str::from_utf8(key).map_err(|_| self.wrong())
    }

    /// One text or object, to its last byte.
    fn value(&mut self) -> Result<&'a [u8], String> {
        self.skip_space();
        let start = self.at;
        match self.next()? {
            b'"' => self.rest_of_text()?,
            b'{' => self.rest_of_object()?,
            _ => return Err(self.wrong()),
        }
        Ok(&self.bytes[start..self.at])
    }

    fn rest_of_text(&mut self) -> Result<(), String> {
        loop {
            let byte = *self.bytes.get(self.at).ok_or("it ends inside a text")?;
            self.at += match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => 2,
                0..0x20 => return Err(self.wrong()),
                first => self.charset.width(first),
            };
        }
    }

    fn rest_of_object(&mut self) -> Result<(), String> {
        let mut open = vec![b'}'];
        while let Some(closing) = open.last().copied() {
            match self.next()? {
                b'"' => self.rest_of_text()?,
                b'{' => open.push(b'}'),
                b'[' => open.push(b']'),
                byte @ (b'}' | b']') if byte == closing => drop(open.pop()),
                b'}' | b']' => return Err(self.wrong()),
                _ => {} // what stands between is read, and refused, by the parser of the verified bytes
            }
            if open.len() > MAX_DEPTH {
                return Err("it is nested too deeply".into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(body: &[u8], charset: Charset) -> Result<&[u8], String> {
        take_apart(body, charset).map(|parts| parts.signed)
    }

    #[test]
    fn the_span_is_the_nodes_value_to_the_byte() {
        for (body, span) in [
            (
                r#"{"a_response":{"code":"10000"},"sign":"x"}"#,
                r#"{"code":"10000"}"#,
            ),
            (
                r#"{"sign":"x","a_response":{ "k" : "v" } }"#,
                r#"{ "k" : "v" }"#,
            ),
            (r#"{"a_response":"AAAA==","sign":"x"}"#, r#""AAAA==""#),
            (
                r#"{"a_response":{"s":"}\"sign\":\"y\"}","l":[{"x":"]"}]},"sign":"x","alipay_cert_sn":"1"}"#,
                r#"{"s":"}\"sign\":\"y\"}","l":[{"x":"]"}]}"#,
            ),
        ] {
            assert_eq!(
                signed(body.as_bytes(), Charset::Utf8).unwrap(),
                span.as_bytes(),
                "{body}"
            );
        }
    }

    #[test]
    fn whatever_else_stands_in_an_answer_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"sign":"x"}"#,
            r#"{"a_response":{},"b_response":{},"sign":"x"}"#,
            r#"{"a_response":{},"a_response":{},"sign":"x"}"#,
            r#"{"a_response":{},"error_response":{},"sign":"x"}"#,
            r#"{"a_response":{},"sign":"x","sign":"y"}"#,
            r#"{"a_response":{},"sign":"x","si\u0067n":"y"}"#,
            r#"{"a_response":{},"sign":"x","other":1}"#,
            r#"{"a_response":{},"sign":"x"}}"#,
            r#"{"a_response":{},"sign":"x"} {"a_response":{}}"#,
            r#"{"a_response":{"x":[}],"sign":"x"}"#,
            r#"{"a_response":{"x":"unfinished}"#,
            r#"{"a_response":[{}],"sign":"x"}"#,
            r#"{"a_response":{},"sign":1}"#,
            r#"{"a_response":{},"sign":"x",}"#,
            "\u{feff}{\"a_response\":{},\"sign\":\"x\"}",
        ] {
            assert!(signed(body.as_bytes(), Charset::Utf8).is_err(), "{body}");
        }
    }

    #[test]
    fn in_gbk_a_character_may_end_with_a_backslash() {
        let mut body = b"{\"a_response\":{\"s\":\"".to_vec();
        body.extend_from_slice(b"\x81\x5c"); // its second byte is a backslash
        body.extend_from_slice(b"\"},\"sign\":\"x\"}");
        assert_eq!(
            signed(&body, Charset::Gbk).unwrap(),
            b"{\"s\":\"\x81\x5c\"}"
        );
        assert!(signed(&body, Charset::Utf8).is_err());
    }
}
