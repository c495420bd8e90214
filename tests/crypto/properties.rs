//! What holds for every input.

use crate::asn1::RsaPrivateKey as Numbers;
use crate::openssl::{self, KEY};
use payseal::crypto::{
    Certificate, PrivateKey, PublicKey, Serial, Verdict, base64, constant_time_eq,
};
use proptest::prelude::*;
use std::sync::LazyLock;

static PKCS8: LazyLock<Vec<u8>> =
    LazyLock::new(|| Numbers::from_pkcs1(&openssl::pkcs1_der(&KEY)).pkcs8());
static CERTIFICATE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    openssl::run(
        &["x509", "-outform", "DER"],
        &openssl::certificate(&KEY, "/CN=merchant", &[]),
    )
});

/// One change that transmission, an editor or an attacker makes.
#[derive(Clone, Debug)]
enum Change {
    Set(prop::sample::Index, u8),
    Remove(prop::sample::Index),
    Insert(prop::sample::Index, u8),
    Cut(prop::sample::Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(index, byte)| Change::Set(index, byte)),
        at().prop_map(Change::Remove),
        (at(), any::<u8>()).prop_map(|(index, byte)| Change::Insert(index, byte)),
        at().prop_map(Change::Cut),
    ]
}

fn apply(original: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        match change {
            Change::Set(index, byte) => *index.get_mut(&mut bytes) = *byte,
            Change::Remove(index) => drop(bytes.remove(index.index(bytes.len()))),
            Change::Insert(index, byte) => bytes.insert(index.index(bytes.len()), *byte),
            Change::Cut(index) => bytes.truncate(index.index(bytes.len())),
        }
    }
    bytes
}

/// Nothing panics, and what is accepted works.
fn pass_through_the_gate(text: &[u8]) {
    let _ = Certificate::parse(text);
    let _ = PublicKey::parse(text).map(|key| key.verify_sha256(b"", text));
    if let Ok(key) = PrivateKey::parse(text) {
        let signature = key.sign_sha256(b"message").unwrap();
        assert_eq!(
            key.public_key().verify_sha256(b"message", &signature),
            Verdict::Valid
        );
    }
}

proptest! {
    #[test]
    fn base64_decodes_what_it_encodes(bytes: Vec<u8>) {
        let text = base64::encode(&bytes);
        prop_assert_eq!(base64::decode(text.as_bytes()).unwrap(), bytes);
    }

    #[test]
    fn no_two_base64_texts_mean_the_same_bytes(bytes: Vec<u8>, changes in prop::collection::vec(change(), 1..4)) {
        let text = base64::encode(&bytes).into_bytes();
        let changed = apply(&text, &changes);
        if changed != text {
            prop_assert_ne!(base64::decode(&changed).ok(), Some(bytes));
        }
    }

    #[test]
    fn base64_that_decodes_is_what_would_be_encoded(text in "[A-Za-z0-9+/=_ \n-]{0,40}") {
        if let Ok(bytes) = base64::decode(text.as_bytes()) {
            prop_assert_eq!(base64::encode(&bytes), text);
        }
    }

    #[test]
    fn a_serial_is_upper_case_of_even_length_and_stays_itself(text in "[0-9a-fA-F]{1,40}") {
        let serial = Serial::parse(&text).unwrap();
        let shown = serial.to_string();
        prop_assert!(shown.len().is_multiple_of(2) && shown.len() <= 40 && shown == shown.to_uppercase());
        prop_assert!(shown.ends_with(&text.to_uppercase()) && shown.len() - text.len() <= 1);
        prop_assert_eq!(&Serial::parse(&shown).unwrap(), &serial);
        prop_assert_eq!(Serial::parse(&text.to_lowercase()).unwrap(), serial);
    }

    #[test]
    fn serials_compare_as_the_numbers_they_are(a: u128, b: u128) {
        let (x, y) = (Serial::parse(&format!("{a:x}")).unwrap(), Serial::parse(&format!("{b:040X}")).unwrap());
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x == y, a == b);
    }

    #[test]
    fn a_serial_is_read_from_any_text_or_refused(text: String) {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit()) && (1..=40).contains(&text.len());
        prop_assert_eq!(Serial::parse(&text).is_ok(), digits);
    }

    #[test]
    fn comparing_in_constant_time_is_comparing(a: Vec<u8>, b: Vec<u8>) {
        prop_assert_eq!(constant_time_eq(&a, &b), a == b);
        prop_assert!(constant_time_eq(&a, &a.clone()));
    }

    #[test]
    fn arbitrary_bytes_pass_no_gate_and_break_nothing(bytes: Vec<u8>) {
        pass_through_the_gate(&bytes);
        pass_through_the_gate(&[&[0x30], bytes.as_slice()].concat());
        pass_through_the_gate(base64::encode(&bytes).as_bytes());
        pass_through_the_gate(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", base64::encode(&bytes)).as_bytes());
    }

    #[test]
    fn arbitrary_text_breaks_nothing(text in "(-----BEGIN |-----END |-----|PRIVATE KEY|CERTIFICATE|MII|\n|:|.){0,30}") {
        pass_through_the_gate(text.as_bytes());
    }

    #[test]
    fn a_changed_pem_breaks_nothing(changes in prop::collection::vec(change(), 1..4)) {
        pass_through_the_gate(&apply(&KEY, &changes));
    }

    #[test]
    fn a_changed_key_breaks_nothing(changes in prop::collection::vec(change(), 1..4)) {
        pass_through_the_gate(&apply(&PKCS8, &changes));
    }

    #[test]
    fn a_changed_certificate_breaks_nothing(changes in prop::collection::vec(change(), 1..4)) {
        pass_through_the_gate(&apply(&CERTIFICATE, &changes));
    }
}

#[test]
fn lenient_base64_is_refused() {
    assert_eq!(base64::decode(b"/+8=").unwrap(), [0xFF, 0xEF]);
    for lenient in [
        "/+8", "_-8=", " /+8=", "/+8=\n", "/+\n8=", "/+9=", "/+8==", "/+8=/+8=", "/+8=A", "=", "A",
        "AAAA=", "/+8\0",
    ] {
        assert!(base64::decode(lenient.as_bytes()).is_err(), "{lenient:?}");
    }
    assert_eq!(base64::decode(b"").unwrap(), b"");
}
