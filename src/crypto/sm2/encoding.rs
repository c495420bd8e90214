//! Signatures and ciphertexts of SM2 in DER, GB/T 35276 sections 7.2 and 7.3, and nothing but DER.

use super::CryptoError;
use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, Tagged};
use sm2::dsa::Signature;
use sm2::elliptic_curve::sec1::{Coordinates, ToSec1Point};
use sm2::pke::Cipher;

/// The length of a coordinate, of the order of the curve and of a hash.
const NUMBER: usize = 32;

/// The tag of a point with both coordinates, SEC 1 section 2.3.3.
const UNCOMPRESSED: u8 = 4;

pub(super) fn signature(signature: &Signature) -> Result<Vec<u8>, CryptoError> {
    sequence(&[number(&signature.r_bytes())?, number(&signature.s_bytes())?])
}

pub(super) fn read_signature(der: &[u8]) -> Result<Signature, CryptoError> {
    let mut fields = fields(der)?;
    let numbers = [padded(&mut fields)?, padded(&mut fields)?].concat();
    end(fields)?;
    Signature::from_slice(&numbers).map_err(|_| CryptoError)
}

pub(super) fn ciphertext(cipher: &Cipher<'_>) -> Result<Vec<u8>, CryptoError> {
    let point = cipher.c1().to_sec1_point(false);
    let Coordinates::Uncompressed { x, y } = point.coordinates() else {
        return Err(CryptoError);
    };
    sequence(&[
        number(x)?,
        number(y)?,
        octets(cipher.c3())?,
        octets(cipher.c2())?,
    ])
}

/// The parts of a ciphertext one after the other, as the crate reads them: point, hash, text.
pub(super) fn plain_ciphertext(der: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut fields = fields(der)?;
    let (x, y) = (padded(&mut fields)?, padded(&mut fields)?);
    let mut octets = || fields.decode::<&OctetStringRef>().map_err(|_| CryptoError);
    let (hash, text) = (octets()?.as_bytes(), octets()?.as_bytes());
    end(fields)?;
    if hash.len() != NUMBER || text.is_empty() {
        return Err(CryptoError);
    }
    Ok([&[UNCOMPRESSED], &x[..], &y, hash, text].concat())
}

/// What is in one SEQUENCE that is the whole input.
fn fields(der: &[u8]) -> Result<SliceReader<'_>, CryptoError> {
    match AnyRef::from_der(der) {
        Ok(outer) if outer.tag() == Tag::Sequence => {
            SliceReader::new(outer.value()).map_err(|_| CryptoError)
        }
        _ => Err(CryptoError),
    }
}

/// A non-negative INTEGER, with leading zeros.
fn padded(fields: &mut SliceReader<'_>) -> Result<[u8; NUMBER], CryptoError> {
    let number = fields.decode::<UintRef<'_>>().map_err(|_| CryptoError)?;
    let bytes = number.as_bytes();
    let zeros = NUMBER.checked_sub(bytes.len()).ok_or(CryptoError)?;
    let mut padded = [0; NUMBER];
    padded[zeros..].copy_from_slice(bytes);
    Ok(padded)
}

fn end(fields: SliceReader<'_>) -> Result<(), CryptoError> {
    fields.finish().map_err(|_| CryptoError)
}

fn number(bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    encoded(UintRef::new(bytes))
}

fn octets(bytes: &[u8]) -> Result<Vec<u8>, CryptoError> {
    encoded(OctetStringRef::new(bytes))
}

fn sequence(values: &[Vec<u8>]) -> Result<Vec<u8>, CryptoError> {
    encoded(AnyRef::new(Tag::Sequence, &values.concat()))
}

fn encoded(value: der::Result<impl Encode>) -> Result<Vec<u8>, CryptoError> {
    value
        .and_then(|value| value.to_der())
        .map_err(|_| CryptoError)
}
