//! SM2 with SM3, SM2 encryption, SM3 and SM4-GCM: the examples of the standards, and openssl in both directions.

use crate::asn1::{self, INTEGER, OCTET_STRING};
use crate::hex;
use crate::openssl::{self, Folder};
use payseal::crypto::{
    CryptoError, PublicKey as RsaPublicKey, Sm2PrivateKey, Sm2PublicKey, Verdict, sm3,
    sm4_gcm_open, sm4_gcm_seal,
};
use proptest::prelude::*;
use std::sync::LazyLock;

pub const USER_ID: &str = "1234567812345678";

pub static KEY: LazyLock<Vec<u8>> = LazyLock::new(generate);
static OTHER_KEY: LazyLock<Vec<u8>> = LazyLock::new(generate);

/// The order of the curve, and the order of the field under it.
const N: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123";
const P: &str = "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF";

/// The key of the examples in GB/T 32918.5, its number and its point.
const EXAMPLE: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
const EXAMPLE_POINT: &str = "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
    CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";

/// AlgorithmIdentifier of a key on the curve of SM2.
pub const ALGORITHM: &str = "301306072A8648CE3D020106082A811CCF5501822D";

pub fn generate() -> Vec<u8> {
    openssl::generate("SM2", &[])
}

fn private(pem: &[u8]) -> Sm2PrivateKey {
    Sm2PrivateKey::parse(pem).unwrap()
}

fn public(private_pem: &[u8]) -> Sm2PublicKey {
    Sm2PublicKey::parse(&openssl::public_half(private_pem)).unwrap()
}

pub fn kernel(out: &mut [u8]) -> Result<(), CryptoError> {
    getrandom::fill(out).map_err(|_| CryptoError)
}

/// PKCS#8 of a bare number.
pub fn pkcs8(number: &[u8]) -> Vec<u8> {
    let sec1 = asn1::sequence(&[asn1::integer(&[1]), asn1::encode(OCTET_STRING, number)]);
    asn1::sequence(&[
        asn1::integer(&[0]),
        hex::decode(ALGORITHM),
        asn1::encode(OCTET_STRING, &sec1),
    ])
}

/// SubjectPublicKeyInfo of a point.
pub fn spki(point: &[u8]) -> Vec<u8> {
    asn1::sequence(&[
        hex::decode(ALGORITHM),
        asn1::encode(0x03, &[&[0], point].concat()),
    ])
}

fn signature(r: &[u8], s: &[u8]) -> Vec<u8> {
    asn1::sequence(&[asn1::integer(r), asn1::integer(s)])
}

fn ciphertext(x: &[u8], y: &[u8], hash: &[u8], text: &[u8]) -> Vec<u8> {
    asn1::sequence(&[
        asn1::integer(x),
        asn1::integer(y),
        asn1::encode(OCTET_STRING, hash),
        asn1::encode(OCTET_STRING, text),
    ])
}

const MESSAGES: [&[u8]; 4] = [
    b"",
    b"a",
    "POST\n/v3/pay/transactions/jsapi\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n{\"描述\":\"商品\"}\n".as_bytes(),
    &[0x55; 5000],
];

#[test]
fn the_signature_of_the_standard_is_verified() {
    let r = hex::decode("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3");
    let s = hex::decode("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA");
    let key = Sm2PublicKey::parse(&spki(&hex::decode(EXAMPLE_POINT))).unwrap();
    let verify = |message| key.verify_sm3(message, &signature(&r, &s));
    assert_eq!(verify(b"message digest"), Verdict::Valid);
    assert_eq!(verify(b"message digest."), Verdict::Invalid);
}

#[test]
fn the_ciphertext_of_the_standard_is_opened() {
    let key = private(&pkcs8(&hex::decode(EXAMPLE)));
    let sealed = ciphertext(
        &hex::decode("04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73"),
        &hex::decode("E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"),
        &hex::decode("59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"),
        &hex::decode("21886CA989CA9C7D58087307CA93092D651EFA"),
    );
    assert_eq!(*key.open(&sealed).unwrap(), b"encryption standard");
}

/// RFC 8998 appendix A.1.
#[test]
fn the_box_of_the_rfc_is_sealed_and_opened() {
    let key = hex::decode("0123456789ABCDEFFEDCBA9876543210")
        .try_into()
        .unwrap();
    let nonce = hex::decode("00001234567800000000ABCD").try_into().unwrap();
    let aad = hex::decode("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
    let plaintext = hex::decode(
        "AAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDD\
         EEEEEEEEEEEEEEEEFFFFFFFFFFFFFFFFEEEEEEEEEEEEEEEEAAAAAAAAAAAAAAAA",
    );
    let sealed = hex::decode(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735\
         D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D\
         83DE3541E4C2B58177E065A9BF7B62EC",
    );
    assert_eq!(
        sm4_gcm_seal(&key, &nonce, &aad, &plaintext).unwrap(),
        sealed
    );
    assert_eq!(
        *sm4_gcm_open(&key, &nonce, &aad, &sealed).unwrap(),
        plaintext
    );
}

#[test]
fn openssl_verifies_a_signature() {
    let key = private(&KEY);
    for message in MESSAGES {
        let signature = key.sign_sm3(message, &mut kernel).unwrap();
        assert!(openssl_verifies(USER_ID, message, &signature));
        assert!(!openssl_verifies("somebody else", message, &signature));
    }
}

fn openssl_verifies(user_id: &str, message: &[u8], signature: &[u8]) -> bool {
    let folder = Folder::new();
    let key = folder.write("public.pem", &openssl::public_half(&KEY));
    let signature = folder.write("signature", signature);
    let option = format!("distid:{user_id}");
    let arguments = [
        "dgst",
        "-sm3",
        "-verify",
        &key,
        "-sigopt",
        &option,
        "-signature",
        &signature,
    ];
    openssl::attempt(&arguments, message).status.success()
}

fn openssl_signs(user_id: &str, message: &[u8]) -> Vec<u8> {
    let folder = Folder::new();
    let key = folder.write("key.pem", &KEY);
    let option = format!("distid:{user_id}");
    openssl::run(
        &["dgst", "-sm3", "-sign", &key, "-sigopt", &option],
        message,
    )
}

#[test]
fn what_openssl_signed_is_verified() {
    let key = public(&KEY);
    for message in MESSAGES {
        assert_eq!(
            key.verify_sm3(message, &openssl_signs(USER_ID, message)),
            Verdict::Valid
        );
    }
}

#[test]
fn a_signature_under_another_user_id_is_refused() {
    let key = public(&KEY);
    for other in ["ALICE123@YAHOO.COM", "", "1234567812345679"] {
        assert_eq!(
            key.verify_sm3(b"message", &openssl_signs(other, b"message")),
            Verdict::Invalid,
            "{other}"
        );
    }
}

#[test]
fn a_signature_of_another_key_is_refused() {
    let signature = private(&KEY).sign_sm3(b"message", &mut kernel).unwrap();
    assert_eq!(
        public(&KEY).verify_sm3(b"message", &signature),
        Verdict::Valid
    );
    assert_eq!(
        public(&OTHER_KEY).verify_sm3(b"message", &signature),
        Verdict::Invalid
    );
    let rsa = RsaPublicKey::parse(&openssl::public_half(&openssl::KEY)).unwrap();
    assert_eq!(rsa.verify_sha256(b"message", &signature), Verdict::Invalid);
}

#[test]
fn the_same_randomness_gives_the_same_signature_and_no_other_does() {
    let key = private(&KEY);
    let sign = |salt: u8| {
        key.sign_sm3(b"message", &mut |out: &mut [u8]| {
            out.fill(salt);
            Ok(())
        })
        .unwrap()
    };
    assert_eq!(sign(1), sign(1));
    assert_ne!(sign(1), sign(2));
    for salt in [0, 1, 2, 255] {
        assert_eq!(
            key.public_key().verify_sm3(b"message", &sign(salt)),
            Verdict::Valid
        );
    }
}

#[test]
fn a_source_of_randomness_that_fails_or_never_changes_ends_in_an_error() {
    let key = private(&KEY);
    let mut failing = |_: &mut [u8]| Err(CryptoError);
    assert_eq!(key.sign_sm3(b"message", &mut failing), Err(CryptoError));
    assert_eq!(
        key.public_key().seal(b"text", &mut failing),
        Err(CryptoError)
    );
    for stuck in [0, 0xFF] {
        let mut source = |out: &mut [u8]| {
            out.fill(stuck);
            Ok(())
        };
        assert_eq!(
            key.public_key().seal(b"text", &mut source),
            Err(CryptoError)
        );
    }
}

#[test]
fn only_the_one_encoding_of_a_signature_is_verified() {
    let key = public(&KEY);
    let good = openssl_signs(USER_ID, b"message");
    let parts = asn1::children(&good);
    let [(_, r), (_, s)] = &parts[..] else {
        panic!("two numbers")
    };
    let padded = |number: &[u8]| asn1::encode(INTEGER, &[&[0, 0], number].concat());
    let negative = |number: &[u8]| {
        let mut number = number.to_vec();
        number[0] |= 0x80;
        asn1::encode(INTEGER, &number)
    };
    let length = good.len() - 2;
    let (n, zero) = (hex::decode(N), [0]);
    let mut beyond = n.clone();
    beyond[31] += 1;
    let bad = [
        ("raw numbers", [trimmed(r), trimmed(s)].concat()),
        ("swapped", signature(s, r)),
        ("r of 0", signature(&zero, s)),
        ("s of 0", signature(r, &zero)),
        ("both of 0", signature(&zero, &zero)),
        ("r of n", signature(&n, s)),
        ("s of n", signature(r, &n)),
        ("s above n", signature(r, &beyond)),
        ("s + n", signature(r, &sum(trimmed(s).as_slice(), &n))),
        ("r + s = n", signature(r, &difference(&n, &trimmed(r)))),
        (
            "r with zeros",
            asn1::sequence(&[padded(r), asn1::encode(INTEGER, s)]),
        ),
        (
            "s with zeros",
            asn1::sequence(&[asn1::encode(INTEGER, r), padded(s)]),
        ),
        (
            "negative r",
            asn1::sequence(&[negative(r), asn1::encode(INTEGER, s)]),
        ),
        ("one number", asn1::sequence(&[asn1::encode(INTEGER, r)])),
        (
            "three numbers",
            asn1::sequence(&[
                asn1::encode(INTEGER, r),
                asn1::encode(INTEGER, s),
                asn1::integer(&[1]),
            ]),
        ),
        ("a SET", asn1::encode(0x31, &good[2..])),
        ("a byte behind", [&good[..], &[0]].concat()),
        ("twice", [&good[..], &good[..]].concat()),
        (
            "a long length",
            [&[0x30, 0x81, length as u8], &good[2..]].concat(),
        ),
        (
            "an endless length",
            [&[0x30, 0x80], &good[2..], &[0, 0]].concat(),
        ),
        ("nothing", Vec::new()),
    ];
    assert_eq!(key.verify_sm3(b"message", &good), Verdict::Valid);
    for (name, signature) in bad {
        assert_eq!(
            key.verify_sm3(b"message", &signature),
            Verdict::Invalid,
            "{name}"
        );
    }
    for length in 0..good.len() {
        assert_eq!(
            key.verify_sm3(b"message", &good[..length]),
            Verdict::Invalid,
            "cut to {length}"
        );
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(
            key.verify_sm3(b"message", &flipped),
            Verdict::Invalid,
            "bit {bit}"
        );
    }
}

fn trimmed(integer: &[u8]) -> Vec<u8> {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer[zeros..].to_vec()
}

/// The sum of two numbers, big-endian.
fn sum(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let mut digits: Vec<u8> = (0..33)
        .map(|at| {
            let digit = |number: &[u8]| number.iter().rev().nth(at).copied().unwrap_or(0);
            let total = u16::from(digit(a)) + u16::from(digit(b)) + carry;
            carry = total >> 8;
            total as u8
        })
        .collect();
    digits.reverse();
    digits
}

/// a − b, for a greater a.
fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut digits: Vec<u8> = (0..a.len())
        .map(|at| {
            let digit =
                |number: &[u8]| i16::from(number.iter().rev().nth(at).copied().unwrap_or(0));
            let rest = digit(a) - digit(b) - borrow;
            borrow = i16::from(rest < 0);
            rest.rem_euclid(256) as u8
        })
        .collect();
    digits.reverse();
    digits
}

#[test]
fn openssl_opens_what_was_sealed() {
    let folder = Folder::new();
    let path = folder.write("key.pem", &KEY);
    let key = public(&KEY);
    for plaintext in ["张三".as_bytes(), b"x", &[0; 32], &[7; 1000]] {
        for _ in 0..8 {
            let sealed = key.seal(plaintext, &mut kernel).unwrap();
            let opened = openssl::run(&["pkeyutl", "-decrypt", "-inkey", &path], &sealed);
            assert_eq!(opened, plaintext);
        }
    }
}

#[test]
fn what_openssl_sealed_is_opened() {
    let folder = Folder::new();
    let path = folder.write("public.pem", &openssl::public_half(&KEY));
    let key = private(&KEY);
    for plaintext in ["张三".as_bytes(), b"x", &[0; 32], &[7; 1000]] {
        for _ in 0..8 {
            let sealed = openssl::run(
                &["pkeyutl", "-encrypt", "-pubin", "-inkey", &path],
                plaintext,
            );
            assert_eq!(*key.open(&sealed).unwrap(), plaintext);
        }
    }
}

#[test]
fn only_an_untouched_ciphertext_is_opened() {
    let key = private(&KEY);
    let good = key.public_key().seal(b"plaintext", &mut kernel).unwrap();
    assert_eq!(*key.open(&good).unwrap(), b"plaintext");
    assert!(private(&OTHER_KEY).open(&good).is_err());
    let parts: Vec<Vec<u8>> = asn1::children(&good)
        .into_iter()
        .map(|(_, part)| part)
        .collect();
    let [x, y, hash, text] = &parts[..] else {
        panic!("four parts")
    };
    let (p, zero) = (hex::decode(P), [0]);
    let padded = |number: &[u8]| asn1::encode(INTEGER, &[&[0, 0], number].concat());
    let octets = |bytes: &[u8]| asn1::encode(OCTET_STRING, bytes);
    let bad = [
        ("no text", ciphertext(x, y, hash, b"")),
        ("the old order", ciphertext(x, y, text, hash)),
        ("a short hash", ciphertext(x, y, &hash[..31], text)),
        (
            "a long hash",
            ciphertext(x, y, &[&hash[..], &[0]].concat(), text),
        ),
        ("a point off the curve", ciphertext(x, x, hash, text)),
        (
            "the other point",
            ciphertext(x, &difference(&p, &trimmed(y)), hash, text),
        ),
        (
            "the point at infinity",
            ciphertext(&zero, &zero, hash, text),
        ),
        (
            "x beyond the field",
            ciphertext(&sum(&trimmed(x), &p), y, hash, text),
        ),
        ("x of p", ciphertext(&p, y, hash, text)),
        (
            "x with zeros",
            asn1::sequence(&[padded(x), asn1::integer(y), octets(hash), octets(text)]),
        ),
        ("a byte behind", [&good[..], &[0]].concat()),
        (
            "a fifth part",
            asn1::sequence(&[
                asn1::integer(x),
                asn1::integer(y),
                octets(hash),
                octets(text),
                octets(b""),
            ]),
        ),
        (
            "not in DER",
            [&[4], &trimmed(x)[..], &trimmed(y), hash, text].concat(),
        ),
        ("nothing", Vec::new()),
    ];
    for (name, sealed) in bad {
        assert!(key.open(&sealed).is_err(), "{name}");
    }
    for length in 0..good.len() {
        assert!(key.open(&good[..length]).is_err(), "cut to {length}");
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(key.open(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn an_empty_text_is_not_sealed() {
    assert!(public(&KEY).seal(b"", &mut kernel).is_err());
}

#[test]
fn sm3_is_that_of_openssl() {
    for message in MESSAGES {
        let theirs = openssl::run(&["dgst", "-sm3", "-binary"], message);
        assert_eq!(sm3(message).as_slice(), theirs);
    }
}

/// openssl offers no GCM on its command line, but the cipher under it: the keystream is SM4 in counter mode from counter 2.
#[test]
fn an_sm4_box_holds_the_keystream_of_openssl() {
    let (key, nonce) = ([0x31; 16], *b"0123456789ab");
    let plaintext: Vec<u8> = (0..=255).collect();
    let sealed = sm4_gcm_seal(&key, &nonce, b"aad", &plaintext).unwrap();
    let counter = [&nonce[..], &[0, 0, 0, 2]].concat();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let arguments = ["enc", "-sm4-ctr", "-K", &hex(&key), "-iv", &hex(&counter)];
    assert_eq!(&sealed[..256], openssl::run(&arguments, &plaintext));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_signed_is_verified_and_nothing_else(
        message in prop::collection::vec(any::<u8>(), 1..200),
        salt: [u8; 32],
        change: prop::sample::Index,
    ) {
        let key = private(&KEY);
        let signature = key
            .sign_sm3(&message, &mut |out: &mut [u8]| {
                out.copy_from_slice(&salt[..out.len()]);
                Ok(())
            })
            .unwrap();
        prop_assert_eq!(key.public_key().verify_sm3(&message, &signature), Verdict::Valid);
        let mut other = message.clone();
        *change.get_mut(&mut other) ^= 1;
        prop_assert_eq!(key.public_key().verify_sm3(&other, &signature), Verdict::Invalid);
    }

    #[test]
    fn what_was_sealed_is_opened(plaintext in prop::collection::vec(any::<u8>(), 1..200)) {
        let key = private(&KEY);
        let sealed = key.public_key().seal(&plaintext, &mut kernel).unwrap();
        prop_assert_eq!(&*key.open(&sealed).unwrap(), &plaintext);
    }

    #[test]
    fn an_sm4_box_is_opened_only_as_it_was_sealed(
        key: [u8; 16],
        nonce: [u8; 12],
        aad in prop::collection::vec(any::<u8>(), 0..20),
        plaintext in prop::collection::vec(any::<u8>(), 0..100),
        wrong: prop::sample::Index,
    ) {
        let mut sealed = sm4_gcm_seal(&key, &nonce, &aad, &plaintext).unwrap();
        prop_assert_eq!(&*sm4_gcm_open(&key, &nonce, &aad, &sealed).unwrap(), &plaintext);
        let bit = wrong.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(sm4_gcm_open(&key, &nonce, &aad, &sealed).is_err());
        prop_assert!(sm4_gcm_open(&key, &nonce, &aad, &sealed[..15.min(sealed.len())]).is_err());
    }

    #[test]
    fn noise_is_neither_verified_nor_opened(noise in prop::collection::vec(any::<u8>(), 0..150)) {
        let key = private(&KEY);
        prop_assert_eq!(key.public_key().verify_sm3(b"message", &noise), Verdict::Invalid);
        prop_assert!(key.open(&noise).is_err());
    }
}
