//! The key gate: PEM, base64 and DER of keys, certificates and serial numbers. What is taken can be used.
#![no_main]

use payseal::crypto::suite::{self, Suite};
use payseal::crypto::{Certificate, PrivateKey, PublicKey, Serial, Verdict};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(key) = PrivateKey::parse(data) {
        let signature = key
            .sign_sha256(b"message")
            .expect("a key that was taken signs");
        assert_eq!(
            key.public_key().verify_sha256(b"message", &signature),
            Verdict::Valid
        );
    }
    if let Ok(key) = PublicKey::parse(data) {
        let _ = key.verify_sha256(b"message", data);
        let _ = key.oaep_sha1_seal(b"message");
    }
    if let Ok(certificate) = Certificate::parse(data) {
        let text = certificate.serial().to_string();
        assert_eq!(Serial::parse(&text).as_ref(), Ok(certificate.serial()));
        let _ = certificate.is_issued_by(&certificate);
    }
    let _ = suite::PrivateKey::parse(Suite::Shangmi, data);
    let _ = suite::PublicKey::parse(Suite::Shangmi, data);
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Serial::parse(text);
    }
});
