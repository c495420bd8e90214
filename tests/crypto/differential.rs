//! Two engines, the same inputs: they must answer alike, and neither may accept what was changed.
//!
//! The harness is tried on engines with one fault each, and finds every fault.

use crate::asn1::RsaPrivateKey as Numbers;
use crate::openssl;
use payseal::crypto::awslc::AwsLc;
use payseal::crypto::engine::{Engine, Hash, Inconsistent};
use payseal::crypto::gate::{self, CheckedPrivateKey, CheckedPublicKey};
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::crypto::{CryptoError, KeyErrorKind, RsaPrivateKey, RsaPublicKey, Verdict};
use std::sync::LazyLock;
use zeroize::Zeroizing;

#[test]
fn the_engines_agree() {
    for seed in [1, fresh_seed()] {
        let comparison = compare::<AwsLc, RustCrypto>(seed, 60);
        println!(
            "engines compared with seed {seed}: {} answers, {} of changed inputs, {} disagreed",
            comparison.answers,
            comparison.changed,
            comparison.faults.len()
        );
        assert!(
            comparison.faults.is_empty(),
            "seed {seed}: {:?}",
            comparison.faults
        );
        assert!(
            comparison.changed > 5_000,
            "the harness has become lazy: {}",
            comparison.changed
        );
    }
}

#[test]
fn the_engines_agree_on_which_keys_are_good() {
    for seed in [1, fresh_seed()] {
        let (accepted, refused) = compare_keys::<AwsLc, RustCrypto>(seed, 400);
        println!(
            "keys compared with seed {seed}: {accepted} accepted, {refused} refused, 0 disagreed"
        );
        assert!(
            refused > 300 && accepted > 10,
            "the changes are no longer interesting"
        );
    }
}

#[test]
fn an_engine_that_verifies_everything_is_caught() {
    caught::<VERIFIES_EVERYTHING>("verify");
}

#[test]
fn an_engine_that_looks_at_the_head_of_a_message_only_is_caught() {
    caught::<HASHES_THE_HEAD_ONLY>("verify");
}

#[test]
fn an_engine_that_strips_zeros_from_plaintexts_is_caught() {
    caught::<STRIPS_ZEROS>("oaep");
}

#[test]
fn an_engine_that_ignores_additional_data_is_caught() {
    caught::<IGNORES_ADDITIONAL_DATA>("gcm");
}

#[test]
fn an_engine_that_compares_a_part_of_the_tag_is_caught() {
    caught::<COMPARES_A_PART_OF_THE_TAG>("gcm");
}

#[test]
fn an_engine_that_cuts_long_keys_of_hmac_is_caught() {
    caught::<CUTS_LONG_HMAC_KEYS>("hmac");
}

#[test]
fn an_engine_that_hashes_twice_is_caught() {
    caught::<HASHES_TWICE>("sign");
}

/// What an engine does not notice about a key, the self-test at its loading does.
#[test]
fn an_engine_whose_signatures_do_not_verify_loads_no_key() {
    let key = RsaPrivateKey::<Broken<SIGNS_WRONGLY>>::parse(&PRIVATE_KEYS[1]);
    assert_eq!(key.unwrap_err().kind, KeyErrorKind::Mismatch);
}

fn caught<const FAULT: u8>(operation: &str) {
    let faults = compare::<AwsLc, Broken<FAULT>>(1, 8).faults;
    assert!(
        faults.iter().any(|fault| fault.starts_with(operation)),
        "went unnoticed: {faults:?}"
    );
}

const KEYS: usize = 4;

static PRIVATE_KEYS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    (0..KEYS)
        .map(|number| openssl::generate_rsa(if number == 0 { 3072 } else { 2048 }))
        .collect()
});

#[derive(Default)]
struct Comparison {
    /// Answers that were compared.
    answers: usize,
    /// Those among them to inputs that had been changed, which must all be refusals.
    changed: usize,
    faults: Vec<String>,
}

impl Comparison {
    fn same<T: PartialEq>(&mut self, operation: &str, a: T, b: T) {
        self.answers += 1;
        if a != b {
            self.faults.push(format!("{operation}: the engines differ"));
        }
    }

    fn both_refuse(&mut self, operation: &str, accepted: [bool; 2]) {
        self.answers += 1;
        self.changed += 1;
        if accepted != [false, false] {
            self.faults
                .push(format!("{operation}: accepted by {accepted:?}"));
        }
    }
}

fn compare<A: Engine, B: Engine>(seed: u64, rounds: usize) -> Comparison {
    let mut random = Random(seed);
    let mut comparison = Comparison::default();
    for text in PRIVATE_KEYS.iter() {
        let (a, b) = (
            RsaPrivateKey::<A>::parse(text).unwrap(),
            RsaPrivateKey::<B>::parse(text).unwrap(),
        );
        let (public_a, public_b) = (a.public_key(), b.public_key());
        let modulus = gate::private_key(text)
            .unwrap()
            .into_public()
            .modulus()
            .to_vec();
        for _ in 0..rounds {
            let message = random.bytes(600);
            let signature = a.sign_sha256(&message).unwrap();
            comparison.same("sign", &signature, &b.sign_sha256(&message).unwrap());
            comparison.same(
                "verify",
                [
                    public_a.verify_sha256(&message, &signature),
                    public_b.verify_sha256(&message, &signature),
                ],
                [Verdict::Valid; 2],
            );
            for (message, signature) in
                changed_signatures(&mut random, &message, &signature, &modulus)
            {
                let a = public_a.verify_sha256(&message, &signature) == Verdict::Valid;
                let b = public_b.verify_sha256(&message, &signature) == Verdict::Valid;
                comparison.both_refuse("verify", [a, b]);
            }
            let longest = public_a.max_oaep_plaintext();
            let mut plaintext = random.bytes(longest);
            plaintext.extend(vec![0; (longest - plaintext.len()).min(2)]);
            let (by_a, by_b) = (
                public_a.oaep_sha1_seal(&plaintext).unwrap(),
                public_b.oaep_sha1_seal(&plaintext).unwrap(),
            );
            comparison.same(
                "oaep",
                a.oaep_sha1_open(&by_b),
                Ok(Zeroizing::new(plaintext.clone())),
            );
            comparison.same(
                "oaep",
                b.oaep_sha1_open(&by_a),
                Ok(Zeroizing::new(plaintext)),
            );
            for ciphertext in random.changes(&by_a, 2) {
                let accepted = [
                    a.oaep_sha1_open(&ciphertext).is_ok(),
                    b.oaep_sha1_open(&ciphertext).is_ok(),
                ];
                comparison.both_refuse("oaep", accepted);
            }
            compare_symmetric::<A, B>(&mut random, &mut comparison);
        }
    }
    comparison
}

fn compare_symmetric<A: Engine, B: Engine>(random: &mut Random, comparison: &mut Comparison) {
    let (key, nonce) = (random.array::<32>(), random.array::<12>());
    let (aad, plaintext) = (random.bytes(40), random.bytes(300));
    let sealed = A::aes_256_gcm_seal(&key, &nonce, &aad, &plaintext).unwrap();
    comparison.same(
        "gcm",
        &sealed,
        &B::aes_256_gcm_seal(&key, &nonce, &aad, &plaintext).unwrap(),
    );
    comparison.same(
        "gcm",
        [
            A::aes_256_gcm_open(&key, &nonce, &aad, &sealed),
            B::aes_256_gcm_open(&key, &nonce, &aad, &sealed),
        ],
        [
            Ok(Zeroizing::new(plaintext.clone())),
            Ok(Zeroizing::new(plaintext)),
        ],
    );
    let mut changed = Vec::new();
    changed.extend(
        random
            .changes(&key, 2)
            .into_iter()
            .filter_map(|key| Some((key.try_into().ok()?, nonce, aad.clone(), sealed.clone()))),
    );
    changed.extend(
        random
            .changes(&nonce, 2)
            .into_iter()
            .filter_map(|nonce| Some((key, nonce.try_into().ok()?, aad.clone(), sealed.clone()))),
    );
    changed.extend(
        random
            .changes(&aad, 2)
            .into_iter()
            .map(|aad| (key, nonce, aad, sealed.clone())),
    );
    changed.extend(
        random
            .changes(&sealed, 8)
            .into_iter()
            .map(|sealed| (key, nonce, aad.clone(), sealed)),
    );
    changed.extend((0..16).map(|length| (key, nonce, aad.clone(), sealed[..length].to_vec())));
    // The very last bit, so that every byte of the tag is known to count.
    let mut last_bit = sealed.clone();
    *last_bit.last_mut().unwrap() ^= 1;
    changed.push((key, nonce, aad.clone(), last_bit));
    for (key, nonce, aad, sealed) in changed {
        let a = A::aes_256_gcm_open(&key, &nonce, &aad, &sealed).is_ok();
        let b = B::aes_256_gcm_open(&key, &nonce, &aad, &sealed).is_ok();
        comparison.both_refuse("gcm", [a, b]);
    }
    let (mac_key, message) = (random.bytes(200), random.bytes(300));
    comparison.same(
        "hmac",
        A::hmac_sha256(&mac_key, &message),
        B::hmac_sha256(&mac_key, &message),
    );
    comparison.same("sha1", A::sha1(&message), B::sha1(&message));
    comparison.same("sha256", A::sha256(&message), B::sha256(&message));
    let cut = message.len() / 3;
    let pieces = [&message[..cut], &message[cut..]];
    comparison.same(
        "sha1 in pieces",
        in_pieces::<A::Sha1>(pieces),
        A::sha1(&message).to_vec(),
    );
    comparison.same(
        "sha1 in pieces",
        in_pieces::<B::Sha1>(pieces),
        B::sha1(&message).to_vec(),
    );
    comparison.same(
        "sha256 in pieces",
        in_pieces::<A::Sha256>(pieces),
        A::sha256(&message).to_vec(),
    );
    comparison.same(
        "sha256 in pieces",
        in_pieces::<B::Sha256>(pieces),
        B::sha256(&message).to_vec(),
    );
}

/// Messages and signatures that do not belong together, although nearly.
fn changed_signatures(
    random: &mut Random,
    message: &[u8],
    signature: &[u8],
    modulus: &[u8],
) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut pairs: Vec<_> = random
        .changes(signature, 12)
        .into_iter()
        .map(|s| (message.to_vec(), s))
        .collect();
    pairs.extend(
        random
            .changes(message, 6)
            .into_iter()
            .map(|message| (message, signature.to_vec())),
    );
    let length = signature.len();
    let number = |small: u8| [vec![0; length - 1], vec![small]].concat();
    let special = [
        vec![],
        number(0),
        number(1),
        add(modulus, &number(0)),
        subtract(modulus, &number(1)),
        subtract(modulus, signature),
        add(modulus, signature),
        signature[1..].to_vec(),
        signature[..length - 1].to_vec(),
        [&[0], signature].concat(),
        [signature, &[0]].concat(),
        signature.iter().rev().copied().collect(),
        vec![0xFF; length],
    ];
    pairs.extend(
        special
            .into_iter()
            .map(|signature| (message.to_vec(), signature)),
    );
    pairs
}

/// The sum of two numbers of the same length, with a byte more if it needs one.
fn add(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut sum = Vec::new();
    let mut carry = 0;
    for (a, b) in a.iter().rev().zip(b.iter().rev()) {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        sum.push(digit as u8);
        carry = digit >> 8;
    }
    sum.extend((carry > 0).then_some(1));
    sum.reverse();
    sum
}

fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut difference = a.to_vec();
    let mut borrow = 0;
    for (digit, b) in difference.iter_mut().zip(b).rev() {
        let result = i16::from(*digit) - i16::from(*b) - borrow;
        *digit = result as u8;
        borrow = i16::from(result < 0);
    }
    difference
}

/// Keys with changed bytes: both engines take them or both refuse them, for the same kind of reason.
fn compare_keys<A: Engine, B: Engine>(seed: u64, rounds: usize) -> (usize, usize) {
    let mut random = Random(seed);
    let (mut accepted, mut refused) = (0, 0);
    let mut count = |a: Option<KeyErrorKind>, b: Option<KeyErrorKind>, der: &[u8]| {
        assert_eq!(a, b, "seed {seed}: the engines differ about {der:02x?}");
        if a.is_none() {
            accepted += 1
        } else {
            refused += 1
        }
    };
    for text in PRIVATE_KEYS.iter() {
        let key = Numbers::from_pkcs1(&openssl::pkcs1_der(text));
        let mut private_keys = vec![key.pkcs8(), key.pkcs1()];
        for _ in 0..rounds / KEYS {
            private_keys.extend(random.changes(&key.pkcs1(), 1));
            // Changes to one number, so that the encoding stays good and the engine has to find out.
            let field = 1 + random.below(8);
            private_keys.push(
                key.with(field, &random.changes(&key.0[field], 1)[0])
                    .pkcs1(),
            );
        }
        for der in private_keys {
            count(
                RsaPrivateKey::<A>::parse(&der)
                    .err()
                    .map(|error| error.kind),
                RsaPrivateKey::<B>::parse(&der)
                    .err()
                    .map(|error| error.kind),
                &der,
            );
        }
        for der in random.changes(&key.public_pkcs1(), rounds / KEYS) {
            count(
                RsaPublicKey::<A>::parse(&der).err().map(|error| error.kind),
                RsaPublicKey::<B>::parse(&der).err().map(|error| error.kind),
                &der,
            );
        }
    }
    (accepted, refused)
}

/// SplitMix64: a failure names its seed and can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    /// Fewer bytes than the limit, none of them often.
    fn bytes(&mut self, limit: usize) -> Vec<u8> {
        let length = if self.below(8) == 0 {
            0
        } else {
            self.below(limit)
        };
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// Copies with one change each, all different from the original.
    fn changes(&mut self, original: &[u8], count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.change(original)).collect()
    }

    fn change(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        if bytes.is_empty() {
            return vec![self.next() as u8];
        }
        let at = self.below(bytes.len());
        match self.below(8) {
            0 => bytes.insert(at, 0),
            1 => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 => bytes[at] = bytes[at].wrapping_add(1),
            _ => bytes[at] ^= 1 << self.below(8),
        }
        assert_ne!(bytes, original);
        bytes
    }
}

fn fresh_seed() -> u64 {
    getrandom::u64().expect("the system's random source")
}

const VERIFIES_EVERYTHING: u8 = 0;
const HASHES_THE_HEAD_ONLY: u8 = 1;
const STRIPS_ZEROS: u8 = 2;
const IGNORES_ADDITIONAL_DATA: u8 = 3;
const COMPARES_A_PART_OF_THE_TAG: u8 = 4;
const CUTS_LONG_HMAC_KEYS: u8 = 5;
const HASHES_TWICE: u8 = 6;
const SIGNS_WRONGLY: u8 = 7;

fn in_pieces<H: Hash>(pieces: [&[u8]; 2]) -> Vec<u8> {
    let mut hash = H::new();
    pieces.iter().for_each(|piece| hash.update(piece));
    hash.finish()
}

/// An engine with one fault, of the sort that real libraries have had.
enum Broken<const FAULT: u8> {}

impl<const FAULT: u8> Engine for Broken<FAULT> {
    const NAME: &'static str = "broken";
    type Private = <AwsLc as Engine>::Private;
    type Public = <AwsLc as Engine>::Public;
    type Sha1 = <RustCrypto as Engine>::Sha1;
    type Sha256 = <RustCrypto as Engine>::Sha256;

    fn private(key: &CheckedPrivateKey) -> Result<Self::Private, Inconsistent> {
        AwsLc::private(key)
    }

    fn public(key: &CheckedPublicKey) -> Result<Self::Public, Inconsistent> {
        AwsLc::public(key)
    }

    fn sign_sha256(key: &Self::Private, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match FAULT {
            HASHES_TWICE | SIGNS_WRONGLY => AwsLc::sign_sha256(key, &AwsLc::sha256(message)),
            HASHES_THE_HEAD_ONLY => AwsLc::sign_sha256(key, head(message)),
            _ => AwsLc::sign_sha256(key, message),
        }
    }

    fn verify_sha256(key: &Self::Public, message: &[u8], signature: &[u8]) -> Verdict {
        match FAULT {
            VERIFIES_EVERYTHING => Verdict::Valid,
            HASHES_TWICE => AwsLc::verify_sha256(key, &AwsLc::sha256(message), signature),
            HASHES_THE_HEAD_ONLY => AwsLc::verify_sha256(key, head(message), signature),
            _ => AwsLc::verify_sha256(key, message, signature),
        }
    }

    fn oaep_sha1_seal(key: &Self::Public, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        AwsLc::oaep_sha1_seal(key, plaintext)
    }

    fn oaep_sha1_open(
        key: &Self::Private,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut plaintext = AwsLc::oaep_sha1_open(key, ciphertext)?;
        while FAULT == STRIPS_ZEROS && plaintext.last() == Some(&0) {
            plaintext.pop();
        }
        Ok(plaintext)
    }

    fn aes_256_gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let aad = if FAULT == IGNORES_ADDITIONAL_DATA {
            &[]
        } else {
            aad
        };
        AwsLc::aes_256_gcm_seal(key, nonce, aad, plaintext)
    }

    fn aes_256_gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let aad = if FAULT == IGNORES_ADDITIONAL_DATA {
            &[]
        } else {
            aad
        };
        let opened = AwsLc::aes_256_gcm_open(key, nonce, aad, ciphertext_and_tag);
        if FAULT != COMPARES_A_PART_OF_THE_TAG || opened.is_ok() || ciphertext_and_tag.is_empty() {
            return opened;
        }
        let mut guess = ciphertext_and_tag.to_vec();
        let any_last_byte = (0..=u8::MAX).find_map(|last| {
            *guess.last_mut()? = last;
            AwsLc::aes_256_gcm_open(key, nonce, aad, &guess).ok()
        });
        any_last_byte.ok_or(CryptoError)
    }

    fn sha1(message: &[u8]) -> [u8; 20] {
        AwsLc::sha1(message)
    }

    fn sha256(message: &[u8]) -> [u8; 32] {
        AwsLc::sha256(message)
    }

    fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
        let key = if FAULT == CUTS_LONG_HMAC_KEYS {
            &key[..key.len().min(64)]
        } else {
            key
        };
        AwsLc::hmac_sha256(key, message)
    }
}

fn head(message: &[u8]) -> &[u8] {
    &message[..message.len().min(256)]
}
