//! `application/x-www-form-urlencoded`, in bytes: which charset the values have is for others to know.

use super::url;

const MAX_FIELDS: usize = 256;

/// Names and values with `%XX` and `+` undone. A percent sign without two digits, a name that stands twice and more than 256 fields are
/// errors; the problem names no value.
pub fn parse(text: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for pair in text
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let at = pair
            .iter()
            .position(|byte| *byte == b'=')
            .unwrap_or(pair.len());
        let (name, value) = (&pair[..at], pair.get(at + 1..).unwrap_or_default());
        let name = String::from_utf8(decoded(name)?)
            .map_err(|_| "a field has a name that is not UTF-8")?;
        if fields.iter().any(|(known, _)| *known == name) {
            return Err("a field stands twice".into());
        }
        if fields.len() == MAX_FIELDS {
            return Err(format!("it has more than {MAX_FIELDS} fields"));
        }
        fields.push((name, decoded(value)?));
    }
    Ok(fields)
}

fn decoded(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
                match (digit(rest.next()), digit(rest.next())) {
                    (Some(high), Some(low)) => (high << 4 | low) as u8,
                    _ => return Err("it has a percent sign without two hexadecimal digits".into()),
                }
            }
            other => *other,
        });
    }
    Ok(bytes)
}

/// `k=v&k=v`, percent-encoded, in the order given.
pub fn encode<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if !text.is_empty() {
            text.push('&');
        }
        url::encode(name, &mut text);
        text.push('=');
        url::encode_bytes(value, &mut text);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_to_the_byte() {
        let fields = parse(b"a=1&b=%D6%A7+x%2B&empty=&c&=nameless&&").unwrap();
        let expected: [(&str, &[u8]); 5] = [
            ("a", b"1"),
            ("b", b"\xd6\xa7 x+"),
            ("empty", b""),
            ("c", b""),
            ("", b"nameless"),
        ];
        assert_eq!(
            fields,
            expected.map(|(name, value)| (name.to_owned(), value.to_vec()))
        );
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        for text in ["a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%zz", "a=%+1"] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let many: String = (0..300).map(|number| format!("f{number}=1&")).collect();
        assert!(parse(many.as_bytes()).is_err());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let fields: [(&str, &[u8]); 2] = [("subject", b"a+b &=%\xd6\xa7"), ("x", b"")];
        let text = encode(fields.into_iter());
        assert_eq!(text, "subject=a%2Bb%20%26%3D%25%D6%A7&x=");
        assert_eq!(
            parse(text.as_bytes()).unwrap(),
            fields.map(|(name, value)| (name.to_owned(), value.to_vec()))
        );
    }
}
