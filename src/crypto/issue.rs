//! Who issued a certificate, and under which number: read from certificates whose keys and signatures nobody here can use, too.

use super::armour;
use super::error::KeyError;
use super::gate;
use super::structure;
use der::Decode;
use x509_cert::name::RdnSequence;

/// What a certificate says about its issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateIssue {
    /// The distinguished name of the issuer, RFC 4514: the last part first.
    pub issuer: String,
    /// The serial number in decimal.
    pub serial: String,
    /// What it was signed with: `1.2.840.113549.1.1.11`.
    pub algorithm: String,
}

impl CertificateIssue {
    /// Reads one certificate, as PEM, bare base64 or DER.
    pub fn read(text: &[u8]) -> Result<Self, KeyError> {
        let unreadable = |_| {
            KeyError::invalid(
                "the certificate cannot be read; a part of it may be missing or altered",
            )
        };
        let der = gate::certificate(text)?;
        let issue = structure::certificate_issue(&der).map_err(unreadable)?;
        Ok(Self {
            issuer: RdnSequence::from_der(issue.issuer)
                .map_err(unreadable)?
                .to_string(),
            serial: decimal(issue.serial),
            algorithm: issue.algorithm.to_string(),
        })
    }
}

/// The PEM blocks of a bundle, each as its own text, with LF or CRLF between them. What stands around them is for people.
pub fn pem_blocks(bundle: &[u8]) -> impl Iterator<Item = &[u8]> {
    armour::blocks(bundle)
}

/// A big-endian magnitude in decimal. Serial numbers are positive and of 20 bytes at most; longer ones cost a little more.
fn decimal(magnitude: &[u8]) -> String {
    let mut digits = vec![0u8];
    for byte in magnitude {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_any_length_is_written_in_decimal() {
        for (bytes, text) in [
            (&[0][..], "0"),
            (&[0, 255], "255"),
            (&[1, 0], "256"),
            (&[0xff; 8], "18446744073709551615"),
            (&[1, 0, 0, 0, 0, 0, 0, 0, 0], "18446744073709551616"),
        ] {
            assert_eq!(decimal(bytes), text);
        }
    }
}
