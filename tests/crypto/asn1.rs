//! Just enough DER to take a good key apart and put a bad one together, on its own feet: the library's encoder is under
//! test here.

pub const INTEGER: u8 = 0x02;
pub const OCTET_STRING: u8 = 0x04;
pub const SEQUENCE: u8 = 0x30;

/// AlgorithmIdentifier of rsaEncryption.
pub const RSA_ENCRYPTION: &[u8] = &[
    0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00,
];

pub fn encode(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = vec![tag];
    match length {
        0..=0x7F => der.push(length as u8),
        0x80..=0xFF => der.extend([0x81, length as u8]),
        _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend_from_slice(contents);
    der
}

/// An INTEGER of an unsigned magnitude.
pub fn integer(magnitude: &[u8]) -> Vec<u8> {
    let mut contents = magnitude.to_vec();
    while contents.len() > 1 && contents[0] == 0 {
        contents.remove(0);
    }
    if contents.is_empty() || contents[0] >= 0x80 {
        contents.insert(0, 0);
    }
    encode(INTEGER, &contents)
}

pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    encode(SEQUENCE, &parts.concat())
}

/// The values inside a SEQUENCE, as tags and contents.
pub fn children(der: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let (tag, mut rest, _) = split(der);
    assert_eq!(tag, SEQUENCE);
    let mut values = Vec::new();
    while !rest.is_empty() {
        let (tag, contents, behind) = split(rest);
        values.push((tag, contents.to_vec()));
        rest = behind;
    }
    values
}

fn split(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, header) = match der[1] {
        short @ 0..=0x7F => (usize::from(short), 2),
        0x81 => (usize::from(der[2]), 3),
        0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        _ => panic!("a longer value than keys have"),
    };
    (
        der[0],
        &der[header..header + length],
        &der[header + length..],
    )
}

/// The nine numbers of an RSAPrivateKey, in order: version, n, e, d, p, q, dP, dQ, qInv.
#[derive(Clone)]
pub struct RsaPrivateKey(pub Vec<Vec<u8>>);

pub const N: usize = 1;
pub const E: usize = 2;
pub const D: usize = 3;
pub const P: usize = 4;
pub const Q: usize = 5;
pub const DP: usize = 6;
pub const DQ: usize = 7;
pub const QINV: usize = 8;

impl RsaPrivateKey {
    pub fn from_pkcs1(der: &[u8]) -> Self {
        Self(
            children(der)
                .into_iter()
                .map(|(_, contents)| contents)
                .collect(),
        )
    }

    pub fn with(&self, field: usize, magnitude: &[u8]) -> Self {
        let mut key = self.clone();
        key.0[field] = magnitude.to_vec();
        key
    }

    pub fn pkcs1(&self) -> Vec<u8> {
        sequence(
            &self
                .0
                .iter()
                .map(|number| integer(number))
                .collect::<Vec<_>>(),
        )
    }

    pub fn pkcs8(&self) -> Vec<u8> {
        pkcs8(&[0], RSA_ENCRYPTION, &self.pkcs1())
    }

    pub fn public_pkcs1(&self) -> Vec<u8> {
        public_pkcs1(&self.0[N], &self.0[E])
    }
}

pub fn pkcs8(version: &[u8], algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    sequence(&[
        integer(version),
        algorithm.to_vec(),
        encode(OCTET_STRING, key),
    ])
}

pub fn public_pkcs1(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    sequence(&[integer(modulus), integer(exponent)])
}
