//! Secrets leave the memory of the process when they are dropped: all of it is searched for them afterwards.

use crate::asn1::{D, DP, DQ, P, Q, QINV, RsaPrivateKey as Numbers};
use crate::openssl::{self, Folder};
#[cfg(feature = "aws-lc-rs")]
use payseal::crypto::awslc::AwsLc;
use payseal::crypto::engine::Engine;
use payseal::crypto::{RsaPrivateKey, Secret};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use zeroize::{Zeroize, Zeroizing};

on_each_engine![
    a_symmetric_key_and_its_plaintext_are_wiped,
    the_plaintext_of_a_sensitive_field_is_wiped,
];

// Only of the default engine: the arithmetic of the second leaves numbers of a private key in freed memory.

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_private_key_given_in_der_is_wiped() {
    let folder = Folder::new();
    let der = new_key(&folder);
    private_key_is_wiped::<AwsLc>(&der, &der);
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_private_key_given_in_pem_is_wiped() {
    let folder = Folder::new();
    let der = new_key(&folder);
    private_key_is_wiped::<AwsLc>(&folder.path("key.pem"), &der);
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

fn private_key_is_wiped<E: Engine>(text: &str, der: &str) {
    let mut canaries = Canaries::default();
    {
        let text = read(text);
        canaries.of_private_key(&text, &read(der));
        assert!(
            canaries.found() > 0,
            "the search finds nothing, not even the text that is there"
        );
        let key = RsaPrivateKey::<E>::parse(&text).unwrap();
        drop(text);
        let clone = key.clone();
        let signature = clone.sign_sha256(b"message").unwrap();
        let sealed = key.public_key().oaep_sha1_seal(b"plaintext").unwrap();
        assert!(key.oaep_sha1_open(&sealed).is_ok());
        drop(key);
        assert!(
            canaries.found() > 0,
            "a key that is in use is not found, so the search proves nothing"
        );
        assert_eq!(signature.len(), 256);
    }
    assert_eq!(
        canaries.found(),
        0,
        "parts of the private key are still in memory"
    );
}

fn a_symmetric_key_and_its_plaintext_are_wiped<E: Engine>() {
    // On the heap: dropping moves, and a moved array leaves its old place on the stack as it was.
    let (mut key, mut plaintext) = (Zeroizing::new(vec![0; 32]), Zeroizing::new(vec![0; 4096]));
    getrandom::fill(&mut key).unwrap();
    getrandom::fill(&mut plaintext).unwrap();
    let mut canaries = Canaries::default();
    canaries.add(&key[..16]);
    canaries.add(&key[16..]);
    canaries.add(&plaintext[2048..2080]);
    let sealed =
        E::aes_256_gcm_seal(key[..].try_into().unwrap(), &[7; 12], b"aad", &plaintext).unwrap();
    drop(plaintext);
    let opened =
        E::aes_256_gcm_open(key[..].try_into().unwrap(), &[7; 12], b"aad", &sealed).unwrap();
    assert!(canaries.found() >= 3);
    drop(opened);
    drop(key);
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
    let sealed = key.public_key().oaep_sha1_seal(&plaintext).unwrap();
    drop(plaintext);
    let opened = key.oaep_sha1_open(&sealed).unwrap();
    assert!(canaries.found() > 0);
    drop(opened);
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

fn read(path: &str) -> Zeroizing<Vec<u8>> {
    let mut file = File::open(path).unwrap();
    let mut text = Zeroizing::new(vec![0; file.metadata().unwrap().len() as usize]);
    file.read_exact(&mut text).unwrap();
    text
}

const MASK: u8 = 0xA5;

/// What is searched for, kept masked so that the search does not find itself.
#[derive(Default)]
struct Canaries(Vec<Vec<u8>>);

impl Canaries {
    fn add(&mut self, secret: &[u8]) {
        self.0.push(secret.iter().map(|byte| byte ^ MASK).collect());
    }

    /// The secret numbers as files hold them, as the limbs of a little-endian machine hold them, and the text itself.
    fn of_private_key(&mut self, text: &[u8], der: &[u8]) {
        self.add(&text[text.len() / 2..][..32]);
        let mut numbers = Numbers::from_pkcs1(der);
        for field in [D, P, Q, DP, DQ, QINV] {
            let mut middle = numbers.0[field][40..72].to_vec();
            self.add(&middle);
            middle.reverse();
            self.add(&middle);
            middle.zeroize();
        }
        numbers.0.iter_mut().for_each(|number| number.zeroize());
    }

    /// How many times any of them occurs in memory that this process can write.
    fn found(&self) -> usize {
        // One search at a time: each reads into a buffer, which another one would find.
        static SEARCH: Mutex<()> = Mutex::new(());
        let _alone = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = File::open("/proc/self/mem").unwrap();
        let mut window = vec![0_u8; 1 << 20];
        let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
        let mut found = 0;
        for (start, end) in writable_memory() {
            for (mut at, end) in [(start, end.min(own.start)), (start.max(own.end), end)] {
                while at < end {
                    let length = window.len().min((end - at) as usize);
                    // A region may be gone by now: other tests run beside this one.
                    let Ok(read) = memory.read_at(&mut window[..length], at) else {
                        break;
                    };
                    found += self.found_in(&window[..read]);
                    if read < 64 || at + read as u64 >= end {
                        break;
                    }
                    at += read as u64 - 63;
                }
            }
        }
        window.zeroize();
        found
    }

    fn found_in(&self, bytes: &[u8]) -> usize {
        let mut first = [false; 256];
        self.0
            .iter()
            .for_each(|canary| first[usize::from(canary[0] ^ MASK)] = true);
        let mut found = 0;
        for at in 0..bytes.len() {
            if first[usize::from(bytes[at])] {
                found += self
                    .0
                    .iter()
                    .filter(|canary| occurs(canary, &bytes[at..]))
                    .count();
            }
        }
        found
    }
}

fn occurs(masked: &[u8], bytes: &[u8]) -> bool {
    bytes.len() >= masked.len()
        && masked
            .iter()
            .zip(bytes)
            .all(|(masked, byte)| masked ^ MASK == *byte)
}

fn writable_memory() -> Vec<(u64, u64)> {
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let lines = maps
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.contains(" rw"));
    let bounds = lines.map(|line| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        (
            u64::from_str_radix(start, 16).unwrap(),
            u64::from_str_radix(end, 16).unwrap(),
        )
    });
    bounds.collect()
}
