//! The gate for SM2 keys: GB/T 32918, on the one curve that the standard recommends.
//!
//! Accepted: private as PKCS#8 or SEC 1 (RFC 5915), where the curve is named and the number is from 1 to n − 2; public as
//! SubjectPublicKeyInfo with a point on the curve, compressed or not; each as one PEM block, bare base64 or DER, without a byte more.

use super::{Algorithm, KeyError, PrivatePart, PublicPart, open, private_part, public_part};
use crate::crypto::structure::{self, EcPrivateKey};
use sm2::{PublicKey, SecretKey};
use zeroize::Zeroizing;

/// n − 1, the largest number below the order of the curve. It is no private key: nothing can be signed with it.
const ORDER_MINUS_ONE: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0x72, 0x03, 0xDF, 0x6B, 0x21, 0xC6, 0x05, 0x2B, 0x53, 0xBB, 0xF4, 0x09, 0x39, 0xD5, 0x41, 0x22,
];

/// A private key that passed the gate, and its public half.
pub struct CheckedPrivateKey {
    pub(in crate::crypto) secret: SecretKey,
    pub(in crate::crypto) public: PublicKey,
}

/// Reads a private key. A public half beside it must belong to it.
pub fn private_key(text: &[u8]) -> Result<CheckedPrivateKey, KeyError> {
    let contents = open(text)?;
    let key = match private_part(&contents)? {
        PrivatePart::Pkcs8(algorithm, key) => {
            require_sm2(algorithm)?;
            named(structure::ec_private(key)?, true)?
        }
        PrivatePart::Sec1(key) => named(structure::ec_private(key)?, false)?,
        PrivatePart::Pkcs1(_) => return Err(rsa()),
    };
    let scalar = Zeroizing::new(<[u8; 32]>::try_from(key.scalar).map_err(|_| damaged())?);
    if *scalar == ORDER_MINUS_ONE {
        return Err(damaged());
    }
    let secret = SecretKey::from_slice(scalar.as_slice()).map_err(|_| damaged())?;
    let public = secret.public_key();
    match key.point.map(point).transpose()? {
        Some(beside) if beside != public => Err(KeyError::mismatch(
            "the public half in the SM2 key does not belong to the private one; the file is damaged: fetch or export the key again",
        )),
        _ => Ok(CheckedPrivateKey { secret, public }),
    }
}

/// Reads a public key that stands by itself.
pub fn public_key(text: &[u8]) -> Result<PublicKey, KeyError> {
    match public_part(&open(text)?)? {
        PublicPart::Spki(algorithm, key) => subject_public_key(algorithm, key),
        PublicPart::Pkcs1(_) => Err(rsa()),
    }
}

/// The key in SubjectPublicKeyInfo.
pub(in crate::crypto) fn subject_public_key(
    algorithm: Algorithm,
    key: &[u8],
) -> Result<PublicKey, KeyError> {
    require_sm2(algorithm)?;
    point(key)
}

/// The curve must be named, around the key or in it.
fn named(key: EcPrivateKey<'_>, around: bool) -> Result<EcPrivateKey<'_>, KeyError> {
    match key.is_sm2 {
        Some(true) => Ok(key),
        None if around => Ok(key),
        Some(false) => Err(not_sm2("another elliptic curve")),
        None => Err(KeyError::unsupported(
            "the elliptic curve of the key is not named; convert it with `openssl pkey`",
        )),
    }
}

/// A point of SEC 1 section 2.3.3 that is on the curve and not at infinity.
fn point(bytes: &[u8]) -> Result<PublicKey, KeyError> {
    match bytes.first() {
        Some(2..=4) => PublicKey::from_sec1_bytes(bytes).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

fn require_sm2(algorithm: Algorithm) -> Result<(), KeyError> {
    match algorithm {
        Algorithm::Sm2 => Ok(()),
        Algorithm::Rsa | Algorithm::RsaPss => Err(rsa()),
        Algorithm::EllipticCurve => Err(not_sm2("another elliptic curve")),
        Algorithm::Other => Err(not_sm2("another algorithm")),
    }
}

fn rsa() -> KeyError {
    KeyError::other_suite("the key is for RSA; an SM2 key is needed")
}

fn not_sm2(what: &str) -> KeyError {
    KeyError::unsupported(format!("the key is for {what}; an SM2 key is needed"))
}

fn damaged() -> KeyError {
    KeyError::invalid("the numbers in the key are not those of an SM2 key; the file is damaged")
}
