//! Secrets leave the memory of the process when they are dropped: all of it is searched for them afterwards.

use crate::canary::{Canaries, keeping_freed_memory};
use crate::openssl;
use payseal::crypto::engine::Engine;
use payseal::crypto::{RsaPrivateKey, Secret};
use zeroize::Zeroizing;

on_each_engine![
    a_symmetric_key_and_its_plaintext_are_wiped,
    the_plaintext_of_a_sensitive_field_is_wiped,
];

fn a_symmetric_key_and_its_plaintext_are_wiped<E: Engine>() {
    // On the heap: dropping moves, and a moved array leaves its old place on the stack as it was.
    let (mut key, mut plaintext) = (Zeroizing::new(vec![0; 32]), Zeroizing::new(vec![0; 4096]));
    getrandom::fill(&mut key).unwrap();
    getrandom::fill(&mut plaintext).unwrap();
    let mut canaries = Canaries::default();
    canaries.add(&key[..16]);
    canaries.add(&key[16..]);
    canaries.add(&plaintext[2048..2080]);
    keeping_freed_memory(|| {
        let sealed =
            E::aes_256_gcm_seal(key[..].try_into().unwrap(), &[7; 12], b"aad", &plaintext).unwrap();
        drop(plaintext);
        let opened =
            E::aes_256_gcm_open(key[..].try_into().unwrap(), &[7; 12], b"aad", &sealed).unwrap();
        assert!(canaries.found() >= 3);
        drop(opened);
        drop(key);
    });
    assert_eq!(
        canaries.found(),
        0,
        "the key or the plaintext is still in memory"
    );
}

fn the_plaintext_of_a_sensitive_field_is_wiped<E: Engine>() {
    let key = RsaPrivateKey::<E>::parse(&openssl::KEY).unwrap();
    let mut plaintext = Zeroizing::new(vec![0; 200]);
    getrandom::fill(&mut plaintext).unwrap();
    let mut canaries = Canaries::default();
    canaries.add(&plaintext[100..132]);
    keeping_freed_memory(|| {
        let sealed = key.public_key().oaep_sha1_seal(&plaintext).unwrap();
        drop(plaintext);
        let opened = key.oaep_sha1_open(&sealed).unwrap();
        assert!(canaries.found() > 0);
        drop(opened);
    });
    assert_eq!(canaries.found(), 0, "the plaintext is still in memory");
}

#[test]
fn a_secret_is_wiped() {
    let mut bytes = vec![0; 32];
    getrandom::fill(&mut bytes).unwrap();
    let mut canaries = Canaries::default();
    canaries.add(&bytes);
    let secret = Secret::from(bytes);
    let clone = secret.clone();
    assert_eq!(format!("{secret:?}"), "Secret(…)");
    assert_eq!(secret.expose(), clone.expose());
    assert!(canaries.found() >= 2);
    drop(secret);
    assert!(canaries.found() >= 1);
    drop(clone);
    assert_eq!(canaries.found(), 0);
}

/// Only the default engine promises this: the arithmetic of the second leaves numbers of a private key in freed memory.
#[cfg(feature = "aws-lc-rs")]
mod private_keys {
    use crate::asn1::{D, DP, DQ, P, Q, QINV, RsaPrivateKey as Numbers};
    use crate::canary::{Canaries, keeping_freed_memory};
    use crate::openssl::{self, Folder};
    use payseal::crypto::RsaPrivateKey;
    use payseal::crypto::awslc::AwsLc;
    use std::fs::File;
    use std::io::Read;
    use zeroize::{Zeroize, Zeroizing};

    #[test]
    fn a_private_key_given_in_der_is_wiped() {
        let folder = Folder::new();
        let der = new_key(&folder);
        private_key_is_wiped(&der, &der);
    }

    #[test]
    fn a_private_key_given_in_pem_is_wiped() {
        let folder = Folder::new();
        let der = new_key(&folder);
        private_key_is_wiped(&folder.path("key.pem"), &der);
    }

    /// A key in PKCS#1 DER, and beside it in PEM. It goes from openssl to files: a pipe into this process would leave copies
    /// where its buffer grew.
    fn new_key(folder: &Folder) -> String {
        let (pem, der) = (folder.path("key.pem"), folder.path("key.der"));
        openssl::run(&["genpkey", "-algorithm", "RSA", "-out", &pem], b"");
        openssl::run(
            &[
                "rsa",
                "-in",
                &pem,
                "-traditional",
                "-outform",
                "DER",
                "-out",
                &der,
            ],
            b"",
        );
        der
    }

    fn private_key_is_wiped(text: &str, der: &str) {
        let text = read(text);
        let canaries = canaries_of(&text, &read(der));
        assert!(
            canaries.found() > 0,
            "the search finds nothing, not even the text that is there"
        );
        keeping_freed_memory(|| {
            let key = RsaPrivateKey::<AwsLc>::parse(&text).unwrap();
            drop(text);
            let clone = key.clone();
            assert_eq!(clone.sign_sha256(b"message").unwrap().len(), 256);
            let sealed = key.public_key().oaep_sha1_seal(b"plaintext").unwrap();
            assert!(key.oaep_sha1_open(&sealed).is_ok());
            drop(key);
            assert!(
                canaries.found() > 0,
                "a key that is in use is not found, so the search proves nothing"
            );
        });
        assert_eq!(
            canaries.found(),
            0,
            "parts of the private key are still in memory"
        );
    }

    fn read(path: &str) -> Zeroizing<Vec<u8>> {
        let mut file = File::open(path).unwrap();
        let mut text = Zeroizing::new(vec![0; file.metadata().unwrap().len() as usize]);
        file.read_exact(&mut text).unwrap();
        text
    }

    /// The secret numbers as files hold them, as the limbs of a little-endian machine hold them, and the text itself.
    fn canaries_of(text: &[u8], der: &[u8]) -> Canaries {
        let mut canaries = Canaries::default();
        match text.starts_with(b"-----BEGIN") {
            // The middles of lines, which stay whole when the line ends are taken out. Not of the first: it begins as in every
            // PKCS#8 key of 2048 bits, so that the key of a test beside this one would be found.
            true => text
                .split(|byte| *byte == b'\n')
                .filter(|line| line.len() == 64)
                .skip(1)
                .for_each(|line| canaries.add(&line[16..48])),
            false => canaries.add(&text[text.len() / 2..][..32]),
        }
        let mut numbers = Numbers::from_pkcs1(der);
        for field in [D, P, Q, DP, DQ, QINV] {
            let mut middle = numbers.0[field][40..72].to_vec();
            canaries.add(&middle);
            middle.reverse();
            canaries.add(&middle);
            middle.zeroize();
        }
        numbers.0.iter_mut().for_each(|number| number.zeroize());
        canaries
    }
}
