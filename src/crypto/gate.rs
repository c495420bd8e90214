//! The one gate for keys: what passes here works in every engine, and what does not is refused the same way by all.
//!
//! Accepted: RSA keys of 2048 to 8192 bits (a multiple of 8) with two primes of half that length and an odd exponent
//! from 65537 to 2³³ − 1; private as PKCS#8 or PKCS#1, public as SubjectPublicKeyInfo or PKCS#1, and X.509 certificates of such keys;
//! each as one PEM block, bare base64 or DER, without a byte more. With the feature `shangmi` also SM2 keys, see [`sm2`].
//! Keys for signatures with SHA-1, which only a configuration that asks for them gets, may have 1024 bits: that is how old they are.

use super::armour::{self, Contents};
use super::error::KeyError;
use super::key::RsaPublicKey;
#[cfg(feature = "shangmi")]
use super::sm2::Sm2PublicKey;
use super::structure::{self, Algorithm, RsaPublicNumbers, Structure};
use super::suite::PublicKey;
use zeroize::Zeroizing;

#[cfg(feature = "shangmi")]
pub mod sm2;

const MIN_BITS: usize = 2048;
/// Of keys for signatures with SHA-1.
const MIN_BITS_SHA1: usize = 1024;
const MAX_BITS: usize = 8192;
const MIN_EXPONENT: u64 = 65537;
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// A public key that passed the gate.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedPublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl CheckedPublicKey {
    /// Big-endian, first byte not zero.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// RSAPublicKey, RFC 8017, in DER.
    pub fn pkcs1(&self) -> Vec<u8> {
        structure::rsa_public_der(&self.modulus, &self.exponent).to_vec()
    }

    /// SubjectPublicKeyInfo, RFC 5280, in DER.
    pub fn spki(&self) -> Vec<u8> {
        structure::spki_der(&self.pkcs1()).to_vec()
    }
}

/// A private key that passed the gate. Only an engine can tell whether its numbers belong together.
pub struct CheckedPrivateKey {
    pkcs1: Zeroizing<Vec<u8>>,
    public: CheckedPublicKey,
}

impl CheckedPrivateKey {
    /// RSAPrivateKey, RFC 8017, in DER.
    pub fn pkcs1(&self) -> &[u8] {
        &self.pkcs1
    }

    /// PrivateKeyInfo, RFC 5208, in DER.
    pub fn pkcs8(&self) -> Zeroizing<Vec<u8>> {
        structure::pkcs8_der(&self.pkcs1)
    }

    pub fn into_public(self) -> CheckedPublicKey {
        self.public
    }
}

/// Reads a private key.
pub fn private_key(text: &[u8]) -> Result<CheckedPrivateKey, KeyError> {
    private_key_from(MIN_BITS, text)
}

/// Reads a private key for signatures with SHA-1.
pub fn private_key_for_sha1(text: &[u8]) -> Result<CheckedPrivateKey, KeyError> {
    private_key_from(MIN_BITS_SHA1, text)
}

fn private_key_from(min_bits: usize, text: &[u8]) -> Result<CheckedPrivateKey, KeyError> {
    let contents = open(text)?;
    let pkcs1 = match private_part(&contents)? {
        PrivatePart::Pkcs8(algorithm, key) => {
            require_rsa(algorithm)?;
            key
        }
        PrivatePart::Pkcs1(key) => key,
        PrivatePart::Sec1(_) => return Err(elliptic_curve()),
    };
    let numbers = structure::rsa_private(pkcs1)?;
    let public = check(min_bits, &numbers.public)?;
    let [p, q] = numbers.primes;
    if p == q {
        return Err(KeyError::invalid(
            "both primes of the RSA key are the same number",
        ));
    }
    // Engines part ways over primes of different lengths, which no generator in use makes.
    let half = bit_length(numbers.public.modulus) / 2;
    if bit_length(p) != half || bit_length(q) != half {
        return Err(KeyError::unsupported(
            "the primes of the RSA key are not both half as long as its modulus; make a new key",
        ));
    }
    Ok(CheckedPrivateKey {
        pkcs1: Zeroizing::new(pkcs1.to_vec()),
        public,
    })
}

/// Reads a public key that stands by itself.
pub fn public_key(text: &[u8]) -> Result<CheckedPublicKey, KeyError> {
    public_key_from(MIN_BITS, text)
}

/// Reads a public key for signatures with SHA-1.
pub fn public_key_for_sha1(text: &[u8]) -> Result<CheckedPublicKey, KeyError> {
    public_key_from(MIN_BITS_SHA1, text)
}

fn public_key_from(min_bits: usize, text: &[u8]) -> Result<CheckedPublicKey, KeyError> {
    match public_part(&open(text)?)? {
        PublicPart::Spki(algorithm, key) => {
            require_rsa(algorithm)?;
            check(min_bits, &structure::rsa_public(key)?)
        }
        PublicPart::Pkcs1(key) => check(min_bits, &structure::rsa_public(key)?),
    }
}

/// Reads SubjectPublicKeyInfo in DER, as certificates contain it: a key of any suite.
pub(super) fn subject_public_key(der: &[u8]) -> Result<PublicKey, KeyError> {
    let Structure::Spki(algorithm, key) = structure::classify(der)? else {
        return Err(KeyError::invalid(
            "the certificate contains no public key that can be read",
        ));
    };
    #[cfg(feature = "shangmi")]
    if algorithm == Algorithm::Sm2 {
        let public = sm2::subject_public_key(algorithm, key)?;
        return Sm2PublicKey::load(public).map(PublicKey::Sm2);
    }
    require_rsa(algorithm)?;
    RsaPublicKey::load(check(MIN_BITS, &structure::rsa_public(key)?)?).map(PublicKey::Rsa)
}

/// Takes the armour off a certificate and gives its DER.
pub fn certificate(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let Contents { label, der } = open(text)?;
    let structure = structure::classify(&der)?;
    agree(label.as_deref(), &structure)?;
    match structure {
        Structure::Certificate => Ok(der),
        Structure::Pkcs12 => Err(pkcs12()),
        Structure::Spki(..) | Structure::Pkcs1Public(_) => Err(KeyError::role(
            "this is a public key; a certificate belongs here",
        )),
        Structure::Pkcs8(..)
        | Structure::Pkcs1Private(_)
        | Structure::EncryptedPkcs8
        | Structure::Sec1(_) => Err(KeyError::role(
            "this is a private key; a certificate belongs here",
        )),
    }
}

/// A private key in its own encoding, and what says whose it is.
enum PrivatePart<'a> {
    Pkcs8(Algorithm, &'a [u8]),
    Pkcs1(&'a [u8]),
    #[cfg_attr(not(feature = "shangmi"), expect(dead_code, reason = "refused unread"))]
    Sec1(&'a [u8]),
}

fn private_part(contents: &Contents) -> Result<PrivatePart<'_>, KeyError> {
    let structure = structure::classify(&contents.der)?;
    agree(contents.label.as_deref(), &structure)?;
    match structure {
        Structure::Pkcs8(algorithm, key) => Ok(PrivatePart::Pkcs8(algorithm, key)),
        Structure::Pkcs1Private(key) => Ok(PrivatePart::Pkcs1(key)),
        Structure::Sec1(key) => Ok(PrivatePart::Sec1(key)),
        Structure::EncryptedPkcs8 => Err(armour::encrypted()),
        Structure::Pkcs12 => Err(pkcs12()),
        Structure::Spki(..) | Structure::Pkcs1Public(_) => Err(KeyError::role(
            "this is a public key; the private key belongs here",
        )),
        Structure::Certificate => Err(KeyError::role(
            "this is a certificate; the private key belongs here",
        )),
    }
}

/// A public key in its own encoding, and what says whose it is.
enum PublicPart<'a> {
    Spki(Algorithm, &'a [u8]),
    Pkcs1(&'a [u8]),
}

fn public_part(contents: &Contents) -> Result<PublicPart<'_>, KeyError> {
    let structure = structure::classify(&contents.der)?;
    agree(contents.label.as_deref(), &structure)?;
    match structure {
        Structure::Spki(algorithm, key) => Ok(PublicPart::Spki(algorithm, key)),
        Structure::Pkcs1Public(key) => Ok(PublicPart::Pkcs1(key)),
        Structure::Certificate => Err(KeyError::role(
            "this is a certificate; a public key belongs here (configure it as a certificate, or give its public key)",
        )),
        Structure::Pkcs12 => Err(pkcs12()),
        Structure::Pkcs8(..)
        | Structure::Pkcs1Private(_)
        | Structure::EncryptedPkcs8
        | Structure::Sec1(_) => Err(KeyError::role(
            "this is a private key; a public key belongs here",
        )),
    }
}

/// Takes the armour off and refuses by their labels the blocks that are nothing for this gate.
fn open(text: &[u8]) -> Result<Contents, KeyError> {
    let contents = armour::remove(text)?;
    match contents.label.as_deref() {
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => Err(KeyError::role(
            "this is a certificate signing request, which is sent to the issuer; what came back belongs here",
        )),
        Some("OPENSSH PRIVATE KEY") => Err(KeyError::unsupported(
            "this is an OpenSSH key; convert it with `ssh-keygen -p -m PKCS8 -f key.pem`",
        )),
        Some("EC PARAMETERS" | "SM2 PARAMETERS") => Err(KeyError::role(
            "these are the parameters of a curve; the key belongs here",
        )),
        Some("DSA PRIVATE KEY") => Err(KeyError::unsupported(
            "the key is for another algorithm (DSA), which is not used here",
        )),
        _ => Ok(contents),
    }
}

/// A PEM label that contradicts what is inside means that a file was put together by hand, and wrongly.
fn agree(label: Option<&str>, structure: &Structure<'_>) -> Result<(), KeyError> {
    let expected = match structure {
        Structure::Pkcs8(..) => "PRIVATE KEY",
        Structure::EncryptedPkcs8 => "ENCRYPTED PRIVATE KEY",
        Structure::Pkcs1Private(_) => "RSA PRIVATE KEY",
        Structure::Pkcs1Public(_) => "RSA PUBLIC KEY",
        // What openssl writes above the same structure of an SM2 key.
        Structure::Sec1(_) if label == Some("SM2 PRIVATE KEY") => "SM2 PRIVATE KEY",
        Structure::Sec1(_) => "EC PRIVATE KEY",
        Structure::Spki(..) => "PUBLIC KEY",
        Structure::Certificate => "CERTIFICATE",
        Structure::Pkcs12 => "PKCS12",
    };
    match label {
        Some(label) if label != expected => Err(KeyError::invalid(format!(
            "the PEM block says {label}, but its contents are those of {expected}; correct its first and last line"
        ))),
        _ => Ok(()),
    }
}

/// The policy for the numbers of a public key, alone or as half of a private one.
fn check(min_bits: usize, numbers: &RsaPublicNumbers<'_>) -> Result<CheckedPublicKey, KeyError> {
    let bits = bit_length(numbers.modulus);
    if bits < min_bits {
        return Err(KeyError::unsupported(format!(
            "the RSA key has {bits} bits; it needs {min_bits} or more"
        )));
    }
    if bits > MAX_BITS || !bits.is_multiple_of(8) {
        return Err(KeyError::unsupported(format!(
            "the RSA key has {bits} bits; it needs {min_bits} to {MAX_BITS}, a multiple of 8"
        )));
    }
    if numbers.modulus.last().is_none_or(|last| last % 2 == 0) {
        return Err(KeyError::invalid(
            "the modulus of the RSA key is even; the key is damaged",
        ));
    }
    let exponent = small_number(numbers.exponent).filter(|exponent| *exponent <= MAX_EXPONENT);
    match exponent {
        Some(exponent) if exponent % 2 == 0 => Err(KeyError::invalid(
            "the public exponent of the RSA key is even; the key is damaged",
        )),
        Some(MIN_EXPONENT..) => Ok(CheckedPublicKey {
            modulus: numbers.modulus.to_vec(),
            exponent: numbers.exponent.to_vec(),
        }),
        _ => Err(KeyError::unsupported(
            "the public exponent of the RSA key must be from 65537 to 8589934591 (2³³ − 1); make a new key",
        )),
    }
}

fn require_rsa(algorithm: Algorithm) -> Result<(), KeyError> {
    match algorithm {
        Algorithm::Rsa => Ok(()),
        Algorithm::RsaPss => Err(not_rsa("RSA-PSS only")),
        Algorithm::Sm2 => Err(KeyError::other_suite(
            "the key is for SM2; an RSA key (rsaEncryption) is needed",
        )),
        Algorithm::EllipticCurve => Err(elliptic_curve()),
        Algorithm::Other => Err(not_rsa("another algorithm")),
    }
}

fn elliptic_curve() -> KeyError {
    not_rsa("elliptic curves (ECDSA or SM2)")
}

fn not_rsa(what: &str) -> KeyError {
    KeyError::unsupported(format!(
        "the key is for {what}; an RSA key (rsaEncryption) is needed"
    ))
}

fn pkcs12() -> KeyError {
    KeyError::unsupported(
        "this is a PKCS#12 file (.p12 or .pfx), which holds a key and a certificate; \
         take out the one needed with `openssl pkcs12 -nodes`",
    )
}

fn bit_length(magnitude: &[u8]) -> usize {
    let leading_zeros = magnitude
        .first()
        .map_or(0, |first| first.leading_zeros() as usize);
    magnitude.len() * 8 - leading_zeros
}

fn small_number(magnitude: &[u8]) -> Option<u64> {
    if magnitude.len() > 8 {
        return None;
    }
    Some(
        magnitude
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}
