//! Serial numbers of certificates.

use super::error::KeyError;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The most hexadecimal digits of a serial number: 20 bytes, RFC 5280 section 4.1.2.2.
const MAX_DIGITS: usize = 40;

/// The serial number of a certificate: upper-case hexadecimal, whole bytes.
///
/// The digits are kept as they came, with their leading zeros, because messages carry them as text. Two serials are
/// equal when their numbers are: one program prints the zeros, another drops them, and both mean the same certificate.
#[derive(Clone, Debug)]
pub struct Serial(String);

impl Serial {
    /// Reads hexadecimal digits of either case; an odd count gets a zero in front.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() {
            return Err(KeyError::invalid("the serial number is empty"));
        }
        if text.contains(':') {
            return Err(KeyError::invalid(
                "the serial number has colons; write its hexadecimal digits without them",
            ));
        }
        if !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(KeyError::invalid("the serial number is not hexadecimal"));
        }
        let odd = if text.len() % 2 == 1 { "0" } else { "" };
        let digits = format!("{odd}{}", text.to_ascii_uppercase());
        if digits.len() > MAX_DIGITS {
            return Err(KeyError::invalid(
                "the serial number has more than 40 hexadecimal digits",
            ));
        }
        Ok(Self(digits))
    }

    /// The serial as it stands in a certificate: the bytes of an ASN.1 INTEGER, which must be positive.
    pub(super) fn from_der_integer(bytes: &[u8]) -> Result<Self, KeyError> {
        let magnitude = match bytes {
            [0, rest @ ..] if !rest.is_empty() => rest,
            [first, ..] if *first >= 0x80 => {
                return Err(KeyError::invalid(
                    "the certificate's serial number is negative",
                ));
            }
            _ => bytes,
        };
        let mut digits = String::with_capacity(magnitude.len() * 2);
        for byte in magnitude {
            digits.push_str(&format!("{byte:02X}"));
        }
        Self::parse(&digits)
    }

    /// Upper-case hexadecimal digits, an even number of them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn number(&self) -> &str {
        self.0.trim_start_matches('0')
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Serial {
    fn eq(&self, other: &Self) -> bool {
        self.number() == other.number()
    }
}

impl Eq for Serial {}

impl Hash for Serial {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number().hash(state);
    }
}

impl PartialOrd for Serial {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Serial {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.number(), other.number());
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}
