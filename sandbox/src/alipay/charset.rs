//! The two encodings that requests, answers and notifications come in.

use encoding_rs::GBK;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Charset {
    Utf8,
    Gbk,
}

impl Charset {
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Self::Utf8),
            "gbk" | "gb2312" => Some(Self::Gbk),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Gbk => "GBK",
        }
    }

    /// Malformed bytes become U+FFFD, so that a signature over them fails, as at the provider.
    pub fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
            Self::Gbk => GBK.decode_without_bom_handling(bytes).0.into_owned(),
        }
    }

    /// What the encoding lacks becomes `?`.
    pub fn encode(self, text: &str) -> Vec<u8> {
        self.encode_with(text, |_| "?".to_owned())
    }

    /// JSON text; what the encoding lacks is escaped.
    pub fn encode_json(self, text: &str) -> Vec<u8> {
        self.encode_with(text, |one| {
            let mut units = [0; 2];
            let units = one.encode_utf16(&mut units);
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
        })
    }

    fn encode_with(self, text: &str, replace: impl Fn(char) -> String) -> Vec<u8> {
        if self == Self::Utf8 {
            return text.as_bytes().to_vec();
        }
        let (bytes, _, unmappable) = GBK.encode(text);
        if !unmappable {
            return bytes.into_owned();
        }
        let mut bytes = Vec::with_capacity(text.len());
        for one in text.chars() {
            let mut buffer = [0; 4];
            let (encoded, _, unmappable) = GBK.encode(one.encode_utf8(&mut buffer));
            match unmappable {
                true => bytes.extend_from_slice(replace(one).as_bytes()),
                false => bytes.extend_from_slice(&encoded),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_two_bytes_in_gbk_and_what_gbk_lacks_is_escaped_in_json() {
        assert_eq!(Charset::Gbk.encode("茶"), [0xB2, 0xE8]);
        assert_eq!(Charset::Gbk.decode(&[0xB2, 0xE8]), "茶");
        assert_eq!(Charset::Gbk.encode_json("茶🍵"), b"\xB2\xE8\\ud83c\\udf75");
        assert_eq!(Charset::Gbk.encode("🍵"), b"?");
    }
}
