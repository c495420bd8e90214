//! The ASN.1 structures that key files hold, told apart by their shape.

use super::error::KeyError;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
#[cfg(feature = "shangmi")]
use der::{TagMode, TagNumber};
use zeroize::Zeroizing;

/// RSA keys for every use: RFC 8017 appendix A.1.
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// Keys on a curve, which the parameters name: RFC 5480 section 2.1.1.
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The curve of SM2: GB/T 33560.
const SM2_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.156.10197.1.301");

/// What a document is, with the part that is read next.
pub(super) enum Structure<'a> {
    /// PrivateKeyInfo, RFC 5208: the algorithm and the key in its own encoding.
    Pkcs8(Algorithm, &'a [u8]),
    /// EncryptedPrivateKeyInfo, RFC 5208.
    EncryptedPkcs8,
    /// RSAPrivateKey, RFC 8017.
    Pkcs1Private(&'a [u8]),
    /// RSAPublicKey, RFC 8017.
    Pkcs1Public(&'a [u8]),
    /// ECPrivateKey, RFC 5915.
    Sec1(&'a [u8]),
    /// SubjectPublicKeyInfo, RFC 5280.
    Spki(Algorithm, &'a [u8]),
    /// Certificate, RFC 5280, or a signing request, which differs inside.
    Certificate,
    /// PFX, RFC 7292: a `.p12` file.
    Pkcs12,
}

/// The algorithm a key is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rsa,
    RsaPss,
    Sm2,
    /// A curve other than that of SM2.
    EllipticCurve,
    Other,
}

/// The two numbers of RSAPublicKey, big-endian without leading zeros.
pub(super) struct RsaPublicNumbers<'a> {
    pub modulus: &'a [u8],
    pub exponent: &'a [u8],
}

/// The numbers of RSAPrivateKey that the gate looks at.
pub(super) struct RsaPrivateNumbers<'a> {
    pub public: RsaPublicNumbers<'a>,
    pub primes: [&'a [u8]; 2],
}

/// Tells what the document is. It must be one DER value to its last byte.
pub(super) fn classify(der: &[u8]) -> Result<Structure<'_>, KeyError> {
    let outer = sequence(der)?;
    let tags = child_tags(outer)?;
    let mut children = reader(outer)?;
    Ok(match tags.as_slice() {
        [Tag::Integer, Tag::Sequence, Tag::OctetString, rest @ ..] => {
            version_zero(&mut children, rest)?;
            let algorithm = algorithm(&mut children)?;
            Structure::Pkcs8(
                algorithm,
                children
                    .decode::<&OctetStringRef>()
                    .map_err(malformed)?
                    .as_bytes(),
            )
        }
        [Tag::Sequence, Tag::BitString] => {
            let algorithm = algorithm(&mut children)?;
            let key = children.decode::<BitStringRef<'_>>().map_err(malformed)?;
            Structure::Spki(algorithm, key.as_bytes().ok_or_else(unreadable)?)
        }
        [Tag::Sequence, Tag::OctetString] => Structure::EncryptedPkcs8,
        [Tag::Sequence, Tag::Sequence, Tag::BitString] => Structure::Certificate,
        [Tag::Integer, Tag::OctetString, ..] => Structure::Sec1(der),
        [Tag::Integer, Tag::Sequence] | [Tag::Integer, Tag::Sequence, Tag::Sequence] => {
            Structure::Pkcs12
        }
        [Tag::Integer, Tag::Integer] => Structure::Pkcs1Public(der),
        [Tag::Integer, Tag::Integer, Tag::Integer, ..] => Structure::Pkcs1Private(der),
        _ => return Err(unreadable()),
    })
}

/// Reads RSAPublicKey to its last byte.
pub(super) fn rsa_public(der: &[u8]) -> Result<RsaPublicNumbers<'_>, KeyError> {
    let mut fields = reader(sequence(der)?)?;
    let numbers = RsaPublicNumbers {
        modulus: uint(&mut fields)?,
        exponent: uint(&mut fields)?,
    };
    fields.finish().map_err(malformed)?;
    Ok(numbers)
}

/// Reads RSAPrivateKey with two primes to its last byte.
pub(super) fn rsa_private(der: &[u8]) -> Result<RsaPrivateNumbers<'_>, KeyError> {
    let mut fields = reader(sequence(der)?)?;
    match fields.decode::<u8>().map_err(malformed)? {
        0 => {}
        1 => {
            return Err(KeyError::unsupported(
                "the RSA key has more than two primes; use a key with two",
            ));
        }
        _ => return Err(unreadable()),
    }
    let public = RsaPublicNumbers {
        modulus: uint(&mut fields)?,
        exponent: uint(&mut fields)?,
    };
    let _private_exponent = uint(&mut fields)?;
    let primes = [uint(&mut fields)?, uint(&mut fields)?];
    let _remainder_theorem = [uint(&mut fields)?, uint(&mut fields)?, uint(&mut fields)?];
    fields.finish().map_err(malformed)?;
    Ok(RsaPrivateNumbers { public, primes })
}

/// ECPrivateKey, RFC 5915.
#[cfg(feature = "shangmi")]
pub(super) struct EcPrivateKey<'a> {
    /// The number, big-endian, with leading zeros to the length of the curve's order.
    pub scalar: &'a [u8],
    /// Whether the curve is that of SM2; the structure around the key may say so instead.
    pub is_sm2: Option<bool>,
    /// The public half as a point, SEC 1 section 2.3.3, if it is there.
    pub point: Option<&'a [u8]>,
}

/// Reads ECPrivateKey to its last byte.
#[cfg(feature = "shangmi")]
pub(super) fn ec_private(der: &[u8]) -> Result<EcPrivateKey<'_>, KeyError> {
    let mut fields = reader(sequence(der)?)?;
    if fields.decode::<u8>().map_err(malformed)? != 1 {
        return Err(unreadable());
    }
    let scalar = fields.decode::<&OctetStringRef>().map_err(malformed)?;
    let curve = fields
        .context_specific::<ObjectIdentifier>(TagNumber(0), TagMode::Explicit)
        .map_err(malformed)?;
    let point = fields
        .context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit)
        .map_err(malformed)?;
    fields.finish().map_err(malformed)?;
    Ok(EcPrivateKey {
        scalar: scalar.as_bytes(),
        is_sm2: curve.map(|curve| curve == SM2_CURVE),
        point: match point {
            Some(point) => Some(point.as_bytes().ok_or_else(unreadable)?),
            None => None,
        },
    })
}

/// RSAPublicKey of two numbers.
pub(super) fn rsa_public_der(modulus: &[u8], exponent: &[u8]) -> Zeroizing<Vec<u8>> {
    encode(SEQUENCE, &[&encode_uint(modulus), &encode_uint(exponent)])
}

/// SubjectPublicKeyInfo around an RSAPublicKey.
pub(super) fn spki_der(rsa_public: &[u8]) -> Zeroizing<Vec<u8>> {
    let no_unused_bits: &[u8] = &[0];
    encode(
        SEQUENCE,
        &[
            RSA_ALGORITHM,
            &encode(BIT_STRING, &[no_unused_bits, rsa_public]),
        ],
    )
}

/// PrivateKeyInfo around an RSAPrivateKey, without attributes.
pub(super) fn pkcs8_der(rsa_private: &[u8]) -> Zeroizing<Vec<u8>> {
    let version_zero: &[u8] = &[0x02, 0x01, 0x00];
    encode(
        SEQUENCE,
        &[
            version_zero,
            RSA_ALGORITHM,
            &encode(OCTET_STRING, &[rsa_private]),
        ],
    )
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// AlgorithmIdentifier of rsaEncryption with its NULL.
const RSA_ALGORITHM: &[u8] = &[
    0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// The contents of one SEQUENCE that is the whole input.
fn sequence(der: &[u8]) -> Result<&[u8], KeyError> {
    let (outer, trailing) = AnyRef::from_der_partial(der).map_err(malformed)?;
    if outer.tag() != Tag::Sequence {
        return Err(unreadable());
    }
    if !trailing.is_empty() {
        return Err(KeyError::invalid(
            "there are bytes behind the end of the key; give the key alone",
        ));
    }
    Ok(outer.value())
}

fn child_tags(contents: &[u8]) -> Result<Vec<Tag>, KeyError> {
    let mut children = reader(contents)?;
    let mut tags = Vec::new();
    while !children.is_finished() {
        tags.push(AnyRef::decode(&mut children).map_err(malformed)?.tag());
    }
    Ok(tags)
}

/// Version 0 has attributes behind the key, if anything. They change nothing and are not read.
fn version_zero(fields: &mut SliceReader<'_>, rest: &[Tag]) -> Result<(), KeyError> {
    let version = fields.decode::<u8>().map_err(malformed)?;
    let known = rest.iter().all(|tag| tag.is_context_specific()) && rest.len() <= 1;
    if version == 0 && known {
        return Ok(());
    }
    Err(KeyError::unsupported(
        "the private key is not PKCS#8 version 1 (RFC 5208); convert it with `openssl pkey`",
    ))
}

fn algorithm(fields: &mut SliceReader<'_>) -> Result<Algorithm, KeyError> {
    let mut identifier = reader(AnyRef::decode(fields).map_err(malformed)?.value())?;
    let oid = identifier.decode::<ObjectIdentifier>().map_err(malformed)?;
    let name = oid.to_string();
    if oid != RSA_ENCRYPTION && oid != EC_PUBLIC_KEY {
        return Ok(match name.as_str() {
            "1.2.840.113549.1.1.10" => Algorithm::RsaPss,
            _ => Algorithm::Other,
        });
    }
    let parameters = AnyRef::decode(&mut identifier).map_err(malformed)?;
    identifier.finish().map_err(malformed)?;
    match oid == EC_PUBLIC_KEY {
        true => Ok(curve(parameters)),
        false if parameters.is_null() => Ok(Algorithm::Rsa),
        false => Err(unreadable()),
    }
}

/// A curve goes by its name; one that is spelled out in numbers is none that is known here.
fn curve(parameters: AnyRef<'_>) -> Algorithm {
    match parameters.decode_as::<ObjectIdentifier>() {
        Ok(SM2_CURVE) => Algorithm::Sm2,
        _ => Algorithm::EllipticCurve,
    }
}

/// A non-negative INTEGER in its shortest form.
fn uint<'a>(fields: &mut SliceReader<'a>) -> Result<&'a [u8], KeyError> {
    Ok(fields
        .decode::<UintRef<'a>>()
        .map_err(malformed)?
        .as_bytes())
}

fn reader(bytes: &[u8]) -> Result<SliceReader<'_>, KeyError> {
    SliceReader::new(bytes).map_err(malformed)
}

fn malformed(_: der::Error) -> KeyError {
    unreadable()
}

fn unreadable() -> KeyError {
    KeyError::invalid(
        "the bytes are not a key or certificate in DER; a part of them may be missing or altered",
    )
}

fn encode_uint(magnitude: &[u8]) -> Zeroizing<Vec<u8>> {
    let sign: &[u8] = if magnitude.first().is_none_or(|first| *first >= 0x80) {
        &[0]
    } else {
        &[]
    };
    encode(INTEGER, &[sign, magnitude])
}

/// One DER value. The buffer has its final size from the start, so that growing leaves no copy of a key behind.
fn encode(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Zeroizing::new(Vec::with_capacity(length + 6));
    der.push(tag);
    match length {
        0..0x80 => der.push(length as u8),
        _ => {
            let bytes = length.to_be_bytes();
            let leading_zeros = length.leading_zeros() as usize / 8;
            der.push(0x80 | (bytes.len() - leading_zeros) as u8);
            der.extend_from_slice(&bytes[leading_zeros..]);
        }
    }
    parts.iter().for_each(|part| der.extend_from_slice(part));
    der
}

/// The three parts of a certificate, RFC 5280 section 4.1.
pub(super) struct CertificateParts<'a> {
    /// TBSCertificate with its header: the very bytes that were signed.
    pub contents: &'a [u8],
    pub algorithm: ObjectIdentifier,
    pub signature: &'a [u8],
}

pub(super) fn certificate_parts(der: &[u8]) -> der::Result<CertificateParts<'_>> {
    let mut outer = SliceReader::new(AnyRef::from_der(der)?.value())?;
    let contents = outer.tlv_bytes()?;
    let mut algorithm = SliceReader::new(AnyRef::decode(&mut outer)?.value())?;
    let signature = BitStringRef::decode(&mut outer)?;
    Ok(CertificateParts {
        contents,
        algorithm: ObjectIdentifier::decode(&mut algorithm)?,
        signature: signature.raw_bytes(),
    })
}

/// What the beginning of a certificate says, RFC 5280 section 4.1.2, whatever key and signature it is about.
pub(super) struct Issue<'a> {
    /// Two's complement, big-endian.
    pub serial: &'a [u8],
    /// Name, in DER.
    pub issuer: &'a [u8],
    pub algorithm: ObjectIdentifier,
}

/// Reads no further than it must: certificates of algorithms that are not known here have such a beginning too.
pub(super) fn certificate_issue(der: &[u8]) -> der::Result<Issue<'_>> {
    let CertificateParts {
        contents,
        algorithm,
        ..
    } = certificate_parts(der)?;
    let mut fields = SliceReader::new(AnyRef::from_der(contents)?.value())?;
    let first = AnyRef::decode(&mut fields)?;
    let serial = match first.tag() {
        Tag::Integer => first, // version 1, which says nothing about it
        _ => AnyRef::decode(&mut fields)?,
    };
    serial.tag().assert_eq(Tag::Integer)?;
    AnyRef::decode(&mut fields)?;
    Ok(Issue {
        serial: serial.value(),
        issuer: fields.tlv_bytes()?,
        algorithm,
    })
}
