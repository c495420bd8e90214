//! The gate for SM2 keys, certificates that hold them, and what is left of a key in memory.

use crate::asn1::{self, OCTET_STRING};
use crate::hex;
use crate::openssl::{self, Folder};
use crate::sm2::{ALGORITHM, KEY, USER_ID, generate, kernel, pkcs8, spki};
use KeyErrorKind::{Invalid, Mismatch, OtherSuite, Role, Unsupported};
use payseal::crypto::suite::{self, Suite};
use payseal::crypto::{
    Certificate, KeyError, KeyErrorKind, PrivateKey as RsaPrivateKey, Sm2PrivateKey, Sm2PublicKey,
    Verdict, base64,
};
use proptest::prelude::*;

#[track_caller]
fn refused<T>(result: Result<T, KeyError>, kind: KeyErrorKind, names: &str) {
    let error = result.map(drop).expect_err(names);
    assert_eq!(error.kind, kind, "{error}");
    assert!(
        error.message.contains(names),
        "{error:?} does not say {names:?}"
    );
}

fn utf8(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn body(pem: &[u8]) -> String {
    let text = utf8(pem.to_vec());
    text.lines().filter(|line| !line.starts_with('-')).collect()
}

fn sec1() -> Vec<u8> {
    openssl::run(&["ec"], &KEY)
}

fn der(pem: &[u8]) -> Vec<u8> {
    base64::decode(body(pem).as_bytes()).unwrap()
}

#[test]
fn every_usual_form_of_a_private_key_is_accepted() {
    let pem = utf8(KEY.clone());
    let renamed = utf8(sec1()).replace("SM2 PRIVATE KEY", "EC PRIVATE KEY");
    let forms = [
        pem.clone().into_bytes(),
        pem.replace('\n', "\r\n").into_bytes(),
        format!("\u{FEFF}{pem}").into_bytes(),
        body(&KEY).into_bytes(),
        der(&KEY),
        sec1(),
        renamed.into_bytes(),
        der(&sec1()),
        openssl::run(&["ec", "-no_public"], &KEY),
    ];
    let public = Sm2PublicKey::parse(&openssl::public_half(&KEY)).unwrap();
    for form in forms {
        let key = Sm2PrivateKey::parse(&form).unwrap();
        assert!(key.public_key().is_same_key(&public));
        let signature = key.sign_sm3(b"message", &mut kernel).unwrap();
        assert_eq!(public.verify_sm3(b"message", &signature), Verdict::Valid);
    }
}

#[test]
fn every_usual_form_of_a_public_key_is_accepted() {
    let pem = openssl::public_half(&KEY);
    let compressed = openssl::run(&["ec", "-pubout", "-conv_form", "compressed"], &KEY);
    let expected = Sm2PublicKey::parse(&pem).unwrap();
    for form in [pem.clone(), body(&pem).into_bytes(), der(&pem), compressed] {
        assert!(Sm2PublicKey::parse(&form).unwrap().is_same_key(&expected));
    }
    let other = Sm2PublicKey::parse(&openssl::public_half(&generate())).unwrap();
    assert!(!other.is_same_key(&expected));
}

#[test]
fn a_key_of_another_suite_is_refused_as_such_by_both_gates() {
    let rsa = &*openssl::KEY;
    for text in [rsa.clone(), body(rsa).into_bytes(), openssl::pkcs1_der(rsa)] {
        refused(Sm2PrivateKey::parse(&text), OtherSuite, "for RSA");
    }
    refused(
        Sm2PublicKey::parse(&openssl::public_half(rsa)),
        OtherSuite,
        "for RSA",
    );
    refused(RsaPrivateKey::parse(&KEY), OtherSuite, "for SM2");
    let public = openssl::public_half(&KEY);
    refused(
        suite::PublicKey::parse(Suite::Rsa, &public),
        OtherSuite,
        "for SM2",
    );
    let certificate = Certificate::parse(&self_signed(&KEY, "1234", "/CN=sm2")).unwrap();
    refused(
        certificate.public_key().require(Suite::Rsa),
        OtherSuite,
        "for SM2",
    );
    certificate.public_key().require(Suite::Shangmi).unwrap();
}

#[test]
fn a_key_of_another_curve_or_algorithm_is_refused() {
    let curve = openssl::generate("EC", &["ec_paramgen_curve:P-256"]);
    let edwards = openssl::generate("ED25519", &[]);
    refused(
        Sm2PrivateKey::parse(&curve),
        Unsupported,
        "another elliptic curve",
    );
    refused(
        Sm2PrivateKey::parse(&openssl::run(&["ec"], &curve)),
        Unsupported,
        "another elliptic curve",
    );
    refused(
        Sm2PublicKey::parse(&openssl::public_half(&curve)),
        Unsupported,
        "another elliptic curve",
    );
    refused(
        Sm2PrivateKey::parse(&edwards),
        Unsupported,
        "another algorithm",
    );
    let spelled_out = openssl::run(&["ec", "-param_enc", "explicit", "-pubout"], &curve);
    refused(
        Sm2PublicKey::parse(&spelled_out),
        Unsupported,
        "another elliptic curve",
    );
    let unnamed = asn1::sequence(&[asn1::integer(&[1]), asn1::encode(OCTET_STRING, &[1; 32])]);
    refused(Sm2PrivateKey::parse(&unnamed), Unsupported, "is not named");
}

#[test]
fn a_key_in_another_role_is_refused() {
    let public = openssl::public_half(&KEY);
    let certificate = self_signed(&KEY, "1234", "/CN=sm2");
    refused(Sm2PrivateKey::parse(&public), Role, "public key");
    refused(Sm2PrivateKey::parse(&certificate), Role, "certificate");
    refused(Sm2PublicKey::parse(&KEY), Role, "private key");
    refused(Sm2PublicKey::parse(&sec1()), Role, "private key");
    refused(Sm2PublicKey::parse(&certificate), Role, "certificate");
    let parameters =
        b"-----BEGIN SM2 PARAMETERS-----\nBggqgRzPVQGCLQ==\n-----END SM2 PARAMETERS-----\n";
    refused(
        Sm2PrivateKey::parse(parameters),
        Role,
        "parameters of a curve",
    );
    let encrypted = openssl::run(&["pkcs8", "-topk8", "-passout", "pass:secret"], &KEY);
    refused(
        Sm2PrivateKey::parse(&encrypted),
        Unsupported,
        "decrypt it first",
    );
}

#[test]
fn numbers_that_are_no_private_key_are_refused() {
    let order = hex::decode("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
    let with_last = |last: u8| [&order[..31], &[last]].concat();
    assert!(
        Sm2PrivateKey::parse(&pkcs8(&with_last(0x21))).is_ok(),
        "n - 2"
    );
    assert!(Sm2PrivateKey::parse(&pkcs8(&[&[0; 31][..], &[1]].concat())).is_ok());
    for (number, name) in [
        (vec![0; 32], "0"),
        (with_last(0x22), "n - 1"),
        (order.clone(), "n"),
        (with_last(0x24), "n + 1"),
        (vec![0xFF; 32], "2^256 - 1"),
        (vec![1; 31], "31 bytes"),
        (vec![1; 33], "33 bytes"),
        (Vec::new(), "nothing"),
    ] {
        refused(
            Sm2PrivateKey::parse(&pkcs8(&number)),
            Invalid,
            "not those of an SM2 key",
        );
        println!("{name} is refused");
    }
}

#[test]
fn a_public_half_that_does_not_belong_is_refused() {
    let structure = der(&KEY);
    let own = der(&openssl::public_half(&KEY));
    let other = der(&openssl::public_half(&generate()));
    let point = |spki: &[u8]| spki[spki.len() - 64..].to_vec();
    let at = structure
        .windows(64)
        .position(|window| window == point(&own))
        .expect("openssl writes the public half");
    let mut swapped = structure.clone();
    swapped[at..at + 64].copy_from_slice(&point(&other));
    refused(Sm2PrivateKey::parse(&swapped), Mismatch, "does not belong");
    swapped[at] ^= 1;
    refused(
        Sm2PrivateKey::parse(&swapped),
        Invalid,
        "not those of an SM2 key",
    );
}

#[test]
fn points_that_are_not_on_the_curve_are_refused() {
    let good = der(&openssl::public_half(&KEY));
    let point = good[good.len() - 65..].to_vec();
    assert!(Sm2PublicKey::parse(&spki(&point)).is_ok());
    let mut off = point.clone();
    off[64] ^= 1;
    let mut hybrid = point.clone();
    hybrid[0] = 6 + (point[64] & 1);
    for bad in [
        off,
        hybrid,
        vec![0],
        [&[4][..], &[0; 64]].concat(),
        [&[4][..], &[0xFF; 64]].concat(),
        [&[5][..], &point[1..33]].concat(),
        point[..64].to_vec(),
        [&point[..], &[0]].concat(),
        Vec::new(),
    ] {
        refused(
            Sm2PublicKey::parse(&spki(&bad)),
            Invalid,
            "not those of an SM2 key",
        );
    }
    let no_curve = asn1::sequence(&[
        asn1::sequence(&[hex::decode("06072A8648CE3D0201")]),
        asn1::encode(0x03, &[&[0], &point[..]].concat()),
    ]);
    refused(
        Sm2PublicKey::parse(&no_curve),
        Invalid,
        "not a key or certificate in DER",
    );
    assert!(
        good.windows(ALGORITHM.len() / 2)
            .any(|window| window == hex::decode(ALGORITHM))
    );
}

#[test]
fn bytes_behind_a_key_and_a_cut_key_are_refused() {
    for good in [der(&KEY), der(&sec1())] {
        assert!(Sm2PrivateKey::parse(&[&good[..], &[0]].concat()).is_err());
        for length in 0..good.len() {
            assert!(
                Sm2PrivateKey::parse(&good[..length]).is_err(),
                "{length} bytes"
            );
        }
    }
}

fn self_signed(key: &[u8], serial: &str, subject: &str) -> Vec<u8> {
    let option = format!("distid:{USER_ID}");
    let serial = format!("0x{serial}");
    let folder = Folder::new();
    let path = folder.write("key.pem", key);
    let arguments = [
        "req",
        "-x509",
        "-new",
        "-key",
        &path,
        "-sm3",
        "-sigopt",
        &option,
        "-utf8",
        "-subj",
        subject,
        "-set_serial",
        &serial,
    ];
    openssl::run(&arguments, b"")
}

#[test]
fn a_certificate_says_the_same_as_to_openssl() {
    for serial in ["0C4AEF3425D5B0E1B7E9AA6F4A86D5C8B2D66E10", "7F", "00AB"] {
        let pem = self_signed(&KEY, serial, "/C=CN/O=微信商户系统/CN=1900000001");
        let certificate = Certificate::parse(&pem).unwrap();
        let printed = utf8(openssl::run(&["x509", "-noout", "-serial"], &pem));
        assert_eq!(
            printed.trim_end(),
            format!("serial={}", certificate.serial())
        );
        assert_eq!(certificate.subject(), "CN=1900000001,O=微信商户系统,C=CN");
        let public = suite::PublicKey::parse(Suite::Shangmi, &openssl::public_half(&KEY)).unwrap();
        assert!(certificate.public_key().is_same_key(&public));
    }
}

#[test]
fn an_issuer_is_who_is_named_and_has_signed() {
    let parse = |pem: Vec<u8>| Certificate::parse(&pem).unwrap();
    let own = parse(self_signed(&KEY, "01", "/CN=authority"));
    let same_name = parse(self_signed(&generate(), "02", "/CN=authority"));
    let same_key = parse(self_signed(&KEY, "03", "/CN=somebody"));
    let rsa = parse(openssl::certificate(&openssl::KEY, "/CN=authority", &[]));
    assert!(own.is_issued_by(&own));
    assert!(
        !own.is_issued_by(&same_name),
        "the name alone is not enough"
    );
    assert!(!own.is_issued_by(&same_key), "nor is the key alone");
    assert!(
        !own.is_issued_by(&rsa),
        "nor a name with a key of another suite"
    );
    assert!(!rsa.is_issued_by(&own));
    let folder = Folder::new();
    let path = folder.write("key.pem", &KEY);
    let other_id = openssl::run(
        &[
            "req",
            "-x509",
            "-new",
            "-key",
            &path,
            "-sm3",
            "-sigopt",
            "distid:somebody",
            "-subj",
            "/CN=authority",
        ],
        b"",
    );
    assert!(
        !parse(other_id).is_issued_by(&own),
        "signed under another user id"
    );
}

#[test]
fn debug_shows_nothing_of_the_key() {
    let key = Sm2PrivateKey::parse(&KEY).unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey(SM2)");
    assert_eq!(format!("{:?}", key.public_key()), "PublicKey(SM2)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_changed_key_is_refused_or_works(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut changed = der(&KEY);
        *at.get_mut(&mut changed) = byte;
        for text in [&changed[..], &changed[..cut.index(changed.len())]] {
            let _ = Sm2PublicKey::parse(text);
            let _ = Certificate::parse(text);
            if let Ok(key) = Sm2PrivateKey::parse(text) {
                let signature = key.sign_sm3(b"message", &mut kernel).unwrap();
                prop_assert_eq!(key.public_key().verify_sm3(b"message", &signature), Verdict::Valid);
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod memory {
    use super::*;
    use crate::canary::{Canaries, keeping_freed_memory};
    use std::hint::black_box;
    use zeroize::Zeroizing;

    /// The key as it is read, and as the crate computes with it: times 2²⁵⁶ modulo n, in words of 64 bits, the lowest first.
    fn canaries(number: &[u8]) -> Canaries {
        let order = hex::decode("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123");
        let mut rest = Zeroizing::new(number.to_vec());
        for _ in 0..256 {
            double(&mut rest, &order);
        }
        let reversed =
            |bytes: &[u8]| Zeroizing::new(bytes.iter().rev().copied().collect::<Vec<u8>>());
        let mut canaries = Canaries::default();
        canaries.add(&number[..16]);
        canaries.add(&reversed(number)[..16]);
        canaries.add(&reversed(&rest)[..16]);
        canaries
    }

    /// Twice the number, modulo the order.
    fn double(number: &mut [u8], order: &[u8]) {
        let mut carry = 0;
        for byte in number.iter_mut().rev() {
            let twice = u16::from(*byte) << 1 | carry;
            (*byte, carry) = (twice as u8, twice >> 8);
        }
        if carry == 1 || *number >= *order {
            let mut borrow = 0;
            for (byte, less) in number.iter_mut().zip(order).rev() {
                let left = i16::from(*byte) - i16::from(*less) - borrow;
                (*byte, borrow) = (left.rem_euclid(256) as u8, i16::from(left < 0));
            }
        }
    }

    /// Calls leave their numbers on the stack until the next ones write there.
    #[inline(never)]
    fn use_the_stack() {
        black_box([0_u8; 256 << 10]);
    }

    #[test]
    fn a_private_key_is_wiped_from_the_heap() {
        let mut number = Zeroizing::new(vec![0; 32]);
        getrandom::fill(&mut number).unwrap();
        number[0] = 0x7F;
        let canaries = canaries(&number);
        // Written into its place: what is put together leaves its parts behind.
        let place = [0x7E; 32];
        let mut text = Zeroizing::new(pkcs8(&place));
        let at = text.windows(32).position(|part| part == place).unwrap();
        text[at..at + 32].copy_from_slice(&number);
        drop(number);
        keeping_freed_memory(|| {
            let key = Sm2PrivateKey::parse(&text).unwrap();
            drop(text);
            let clone = key.clone();
            let signature = clone.sign_sm3(b"message", &mut kernel).unwrap();
            assert!(!signature.is_empty());
            let sealed = key.public_key().seal(b"plaintext", &mut kernel).unwrap();
            assert!(key.open(&sealed).is_ok());
            drop(key);
            use_the_stack();
            assert!(
                canaries.found() > 0,
                "a key in use is not found: the search proves nothing"
            );
            drop(clone);
        });
        use_the_stack();
        assert_eq!(canaries.found(), 0, "the key is still in memory");
    }

    #[test]
    fn the_plaintext_of_a_sensitive_field_is_wiped() {
        let key = Sm2PrivateKey::parse(&KEY).unwrap();
        let mut plaintext = Zeroizing::new(vec![0; 200]);
        getrandom::fill(&mut plaintext).unwrap();
        let mut canaries = Canaries::default();
        canaries.add(&plaintext[100..132]);
        keeping_freed_memory(|| {
            let sealed = key.public_key().seal(&plaintext, &mut kernel).unwrap();
            drop(plaintext);
            let opened = key.open(&sealed).unwrap();
            assert!(canaries.found() > 0);
            drop(opened);
        });
        assert_eq!(canaries.found(), 0, "the plaintext is still in memory");
    }
}
