//! Certificates say the same to this library as to openssl.

use crate::asn1;
use crate::openssl::{self, KEY, OTHER_KEY};
use payseal::crypto::suite::{PublicKey, Suite};
use payseal::crypto::{Certificate, KeyErrorKind, Serial, base64};
use std::collections::HashSet;

fn x509(certificate: &[u8], option: &str) -> String {
    let arguments = [
        "x509",
        "-noout",
        "-nameopt",
        "RFC2253,-esc_msb,utf8",
        "-dateopt",
        "iso_8601",
        option,
    ];
    let printed = String::from_utf8(openssl::run(&arguments, certificate)).unwrap();
    printed.trim_end().split_once('=').unwrap().1.to_owned()
}

fn with_serial(serial: &str) -> Vec<u8> {
    openssl::certificate(
        &KEY,
        "/CN=merchant",
        &["-set_serial", &format!("0x{serial}")],
    )
}

#[test]
fn a_serial_keeps_its_leading_zero() {
    let cases = [
        (
            "0C4AEF34FB7DD8FD6CC3A1E5E8C1D7A2B3C4D5E6",
            "0C4AEF34FB7DD8FD6CC3A1E5E8C1D7A2B3C4D5E6",
        ),
        (
            "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC",
            "5DEA10EF55877E3CF6C33255C2E7DEFFF7E427EC",
        ),
        // The sign byte in front of a first byte of 80 or more is not a part of the number.
        (
            "F1C72E2A8931B72A2E13AF8DEE92471EB397115A",
            "F1C72E2A8931B72A2E13AF8DEE92471EB397115A",
        ),
        (
            "0080000000000000000000000000000000000000",
            "80000000000000000000000000000000000000",
        ),
        ("7F", "7F"),
        ("1", "01"),
    ];
    for (given, expected) in cases {
        let pem = with_serial(given);
        let certificate = Certificate::parse(&pem).unwrap();
        assert_eq!(certificate.serial().to_string(), expected);
        assert_eq!(x509(&pem, "-serial"), expected);
        assert_eq!(
            certificate.serial(),
            &Serial::parse(&given.to_lowercase()).unwrap()
        );
    }
}

#[test]
fn a_negative_serial_is_refused() {
    let folder = openssl::Folder::new();
    let key = folder.write("key.pem", &KEY);
    let arguments = [
        "req",
        "-x509",
        "-new",
        "-key",
        &key,
        "-subj",
        "/CN=x",
        "-set_serial",
        "-5",
    ];
    let error = Certificate::parse(&openssl::run(&arguments, b"")).unwrap_err();
    assert_eq!(error.kind, KeyErrorKind::Invalid);
    assert!(error.message.contains("negative"), "{error}");
}

#[test]
fn serials_are_equal_when_their_numbers_are() {
    let serial = |text: &str| Serial::parse(text).unwrap();
    assert_eq!(serial("abc").to_string(), "0ABC");
    assert_eq!(serial("0abc").to_string(), "0ABC");
    assert_eq!(serial("00000abc").to_string(), "00000ABC");
    assert_eq!(serial("00000abc"), serial("ABC"));
    assert_ne!(serial("ABC0"), serial("ABC"));
    assert!(serial("FF") < serial("0100") && serial("0100") < serial("0101"));
    let set: HashSet<Serial> = [serial("abc"), serial("0ABC"), serial("0000000ABC")].into();
    assert_eq!(set.len(), 1);
    for bad in [
        "",
        " ",
        "0x12",
        "12:34",
        "G1",
        "１２",
        "12 ",
        "123456789012345678901234567890123456789012",
        "-1",
    ] {
        assert_eq!(
            Serial::parse(bad).unwrap_err().kind,
            KeyErrorKind::Invalid,
            "{bad:?}"
        );
    }
    assert!(Serial::parse(&"F".repeat(40)).is_ok());
}

#[test]
fn the_validity_is_the_one_in_the_certificate_and_includes_both_ends() {
    let pem = openssl::certificate(&KEY, "/CN=merchant", &["-days", "1"]);
    let certificate = Certificate::parse(&pem).unwrap();
    let (first, last) = (certificate.not_before(), certificate.not_after());
    assert_eq!(last - first, 24 * 60 * 60);
    assert_eq!(iso_8601(first), x509(&pem, "-startdate"));
    assert_eq!(iso_8601(last), x509(&pem, "-enddate"));
    assert!(certificate.is_valid_at(first) && certificate.is_valid_at(last));
    assert!(!certificate.is_valid_at(first - 1) && !certificate.is_valid_at(last + 1));
    assert!(!certificate.is_valid_at(i64::MIN) && !certificate.is_valid_at(i64::MAX));
}

/// Beyond 2049 a certificate writes its dates in another type.
#[test]
fn a_certificate_of_the_next_century_is_read() {
    let pem = openssl::certificate(&KEY, "/CN=merchant", &["-days", "36500"]);
    let certificate = Certificate::parse(&pem).unwrap();
    assert_eq!(iso_8601(certificate.not_after()), x509(&pem, "-enddate"));
}

/// Days to dates after Howard Hinnant's "chrono-compatible low-level date algorithms".
fn iso_8601(unix_seconds: i64) -> String {
    let (days, second) = (
        unix_seconds.div_euclid(86400),
        unix_seconds.rem_euclid(86400),
    );
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

#[test]
fn names_are_written_as_openssl_writes_them() {
    for subject in [
        "/C=CN/O=Tenpay.com/OU=Tenpay.com CA Center/CN=Tenpay.com Root CA",
        "/C=CN/ST=广东/O=微信商户系统/CN=1900000001",
        "/CN=comma, semicolon; plus\\+ <and> \"quotes\"",
    ] {
        let pem = openssl::certificate(&KEY, subject, &[]);
        let certificate = Certificate::parse(&pem).unwrap();
        assert_eq!(certificate.subject(), x509(&pem, "-subject"));
        assert_eq!(certificate.issuer(), x509(&pem, "-issuer"));
    }
}

#[test]
fn a_certificate_is_read_in_every_usual_form() {
    let pem = openssl::certificate(&KEY, "/CN=merchant", &[]);
    let text = String::from_utf8(pem.clone()).unwrap();
    let der = openssl::run(&["x509", "-outform", "DER"], &pem);
    let explained = openssl::run(&["x509", "-text"], &pem);
    let forms = [
        text.replace('\n', "\r\n").into_bytes(),
        format!("\u{FEFF}{text}").into_bytes(),
        base64::encode(&der).into_bytes(),
        explained,
        der,
    ];
    let expected = Certificate::parse(&pem).unwrap();
    for form in forms {
        assert_eq!(
            Certificate::parse(&form).unwrap().serial(),
            expected.serial()
        );
    }
}

#[test]
fn the_key_of_a_certificate_is_its_own() {
    let certificate = Certificate::parse(&openssl::certificate(&KEY, "/CN=merchant", &[])).unwrap();
    let public = |pem: &[u8]| PublicKey::parse(Suite::Rsa, &openssl::public_half(pem)).unwrap();
    assert!(certificate.public_key().is_same_key(&public(&KEY)));
    assert!(!certificate.public_key().is_same_key(&public(&OTHER_KEY)));
}

#[test]
fn a_damaged_certificate_is_refused() {
    let der = openssl::run(
        &["x509", "-outform", "DER"],
        &openssl::certificate(&KEY, "/CN=merchant", &[]),
    );
    assert!(Certificate::parse(&der).is_ok());
    assert!(Certificate::parse(&[der.as_slice(), &[0]].concat()).is_err());
    for length in 0..der.len() {
        assert!(
            Certificate::parse(&der[..length]).is_err(),
            "cut to {length} bytes"
        );
    }
    let parts = asn1::children(&der);
    let hollow = asn1::sequence(
        &parts
            .iter()
            .map(|(tag, _)| asn1::encode(*tag, &[]))
            .collect::<Vec<_>>(),
    );
    assert!(Certificate::parse(&hollow).is_err());
}

#[test]
fn an_issuer_is_who_is_named_and_has_signed() {
    let parse = |pem: Vec<u8>| Certificate::parse(&pem).unwrap();
    let own = parse(openssl::certificate(&KEY, "/CN=authority", &[]));
    let same_name = parse(openssl::certificate(&OTHER_KEY, "/CN=authority", &[]));
    let same_key = parse(openssl::certificate(&KEY, "/CN=somebody", &[]));
    assert!(
        own.is_issued_by(&own),
        "openssl req -x509 signs with its own key"
    );
    assert!(
        !own.is_issued_by(&same_name),
        "the name alone is not enough"
    );
    assert!(!own.is_issued_by(&same_key), "nor is the key alone");
    let weak = parse(openssl::certificate(&KEY, "/CN=authority", &["-sha512"]));
    assert!(
        !weak.is_issued_by(&own),
        "another algorithm than the expected one"
    );
}
