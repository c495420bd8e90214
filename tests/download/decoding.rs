//! The decoder over bytes: every file that another implementation packed, and every way to break one.

use payseal::Code;
use payseal::download::{
    Cipher, Coding, Decoded, Decoder, Digest, DigestKind, Limits, Seal, decode,
};
use proptest::prelude::*;

use crate::files::{packed, unhex};
use crate::support::{refused, refused_as};

const ALL: [&str; 8] = [
    "plain",
    "gzip",
    "gzip_of_two_members",
    "gzip_of_nothing",
    "sealed",
    "sealed_part_two",
    "sealed_with_twelve",
    "receipt",
];

#[test]
fn what_another_implementation_packed_is_unpacked_and_fits_its_hash() {
    for name in ALL {
        let file = packed(name);
        let plain = decode(&file.coding(), Limits::default(), &file.received);
        assert_eq!(plain.unwrap(), file.plain, "{name}");
    }
}

#[test]
fn sha256_is_a_hash_as_well() {
    let file = packed("receipt");
    let digest = |value: &str| Coding {
        digest: Some(Digest {
            kind: DigestKind::Sha256,
            value: unhex(value),
        }),
        ..Coding::default()
    };
    let limits = Limits::default();
    assert_eq!(
        decode(&digest(&file.sha256), limits, &file.received).unwrap(),
        file.plain
    );
    let other = packed("plain").sha256;
    refused_as(
        Code::HashMismatch,
        decode(&digest(&other), limits, &file.received),
    );
}

/// Feeds pieces of one length and reads pieces of another, as any network and any caller may.
fn in_pieces(
    coding: &Coding,
    received: &[u8],
    fed: usize,
    read: usize,
) -> payseal::Result<Vec<u8>> {
    let mut decoder = Decoder::new(coding, Limits::default())?;
    let (mut pieces, mut plain) = (received.chunks(fed), Vec::new());
    let mut out = vec![0; read];
    loop {
        match decoder.decode(&mut out)? {
            Decoded::Bytes(length) => plain.extend_from_slice(&out[..length]),
            Decoded::Hungry => match pieces.next() {
                Some(piece) => decoder.feed(piece)?,
                None => decoder.end(),
            },
            Decoded::End => return Ok(plain),
        }
    }
}

#[test]
fn how_a_file_is_cut_into_pieces_makes_no_difference() {
    for name in ALL {
        let file = packed(name);
        for (fed, read) in [
            (1, 1),
            (1, 4096),
            (7, 3),
            (15, 16),
            (16, 15),
            (17, 1000),
            (100_000, 1),
            (100_000, 100_000),
        ] {
            let plain = in_pieces(&file.coding(), &file.received, fed, read).unwrap();
            assert_eq!(plain, file.plain, "{name} {fed} {read}");
        }
    }
}

#[test]
fn a_file_that_is_cut_short_anywhere_is_an_error() {
    for name in ["gzip", "gzip_of_two_members", "sealed", "plain"] {
        let file = packed(name);
        let whole = file.received.len();
        for length in (0..whole)
            .step_by(1 + whole / 200)
            .chain([whole - 1, whole - 9])
        {
            let result = in_pieces(&file.coding(), &file.received[..length], 64, 256);
            assert!(
                refused(result).code().is_trust(),
                "{name} cut to {length} of {whole}"
            );
        }
    }
}

#[test]
fn whatever_follows_the_end_is_an_error() {
    for (name, code) in [
        ("gzip", Code::BodyInvalid),
        ("sealed", Code::DecryptionFailed),
        ("plain", Code::HashMismatch),
    ] {
        let file = packed(name);
        for more in [&b"\0"[..], b"garbage", b"\x1f\x8b\x08", &[0; 1000]] {
            let received = [&file.received, more].concat();
            refused_as(code, in_pieces(&file.coding(), &received, 50, 50));
        }
    }
    // A whole member more is good gzip, but another file.
    let file = packed("gzip");
    let received = [file.received.as_slice(), &file.received].concat();
    refused_as(
        Code::HashMismatch,
        in_pieces(&file.coding(), &received, 50, 50),
    );
}

#[test]
fn another_hash_is_an_error_at_the_very_end() {
    let (file, other) = (packed("gzip"), packed("plain"));
    let mut coding = file.coding();
    coding.digest = Some(Digest {
        kind: DigestKind::Sha1,
        value: unhex(&packed("receipt").sha1),
    });
    let mut decoder = Decoder::new(&coding, Limits::default()).unwrap();
    decoder.feed(&file.received).unwrap();
    decoder.end();
    let (mut out, mut plain) = (vec![0; 64], Vec::new());
    let error = loop {
        match decoder.decode(&mut out) {
            Ok(Decoded::Bytes(length)) => plain.extend_from_slice(&out[..length]),
            Ok(step) => panic!("{step:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::HashMismatch);
    assert_eq!(error.outcome(), payseal::Outcome::Unauthentic);
    assert_eq!(plain, other.plain, "all of it came, and none of it counts");
}

#[test]
fn another_key_nonce_or_tag_is_one_and_the_same_error() {
    let file = packed("sealed");
    let reference = {
        let mut received = file.received.clone();
        *received.last_mut().unwrap() ^= 1;
        refused(in_pieces(&file.coding(), &received, 64, 64))
    };
    assert_eq!(reference.code(), Code::DecryptionFailed);
    for broken in [
        "key",
        "nonce",
        "short nonce",
        "first byte",
        "middle",
        "tag missing",
        "empty",
    ] {
        let (mut coding, mut received) = (file.coding(), file.received.clone());
        let seal = coding.seal.as_mut().unwrap();
        match broken {
            "key" => seal.key[0] ^= 1,
            "nonce" => seal.nonce[15] ^= 1,
            "short nonce" => seal.nonce.truncate(12),
            "first byte" => received[0] ^= 1,
            "middle" => received[200] ^= 1,
            "tag missing" => received.truncate(received.len() - 16),
            _ => received.clear(),
        }
        let error = refused(in_pieces(&coding, &received, 64, 64));
        assert_eq!(error, reference, "{broken}");
    }
}

#[test]
fn a_bomb_goes_off_within_its_limit() {
    // 300 MB of zeros in 300 KB.
    let bomb = gzip(&vec![0; 300 << 20]);
    let coding = Coding {
        gzip: true,
        ..Coding::default()
    };
    let count = |limits: Limits| {
        let mut decoder = Decoder::new(&coding, limits).unwrap();
        decoder.feed(&bomb).unwrap();
        decoder.end();
        let (mut out, mut total) = (vec![0; 1 << 16], 0);
        loop {
            match decoder.decode(&mut out) {
                Ok(Decoded::Bytes(length)) => total += length,
                Ok(_) => return (Ok(()), total),
                Err(error) => return (Err(error), total),
            }
        }
    };
    let small = Limits {
        max_bytes: 1 << 20,
        ..Limits::default()
    };
    let (result, total) = count(small);
    refused_as(Code::ResponseTooLarge, result);
    assert!(total <= 1 << 20, "{total}");
    let tight = Limits {
        max_ratio: 100,
        ..Limits::default()
    };
    let (result, total) = count(tight);
    refused_as(Code::ResponseTooLarge, result);
    assert!(total <= 65 << 20, "{total}");
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("gzip")
        .arg("-9")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is installed");
    let mut stdin = child.stdin.take().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic_or_hang(received in prop::collection::vec(any::<u8>(), 0..600), fed in 1usize..64, read in 1usize..64) {
        for name in ["gzip", "sealed", "plain"] {
            let mut coding = packed(name).coding();
            prop_assert!(in_pieces(&coding, &received, fed, read).is_err());
            coding.digest = None;
            let _ = in_pieces(&coding, &received, fed, read);
        }
    }

    #[test]
    fn one_changed_byte_is_always_found(at in 0usize..100_000, bit in 0u8..8) {
        for name in ["gzip", "sealed", "plain"] {
            let file = packed(name);
            let mut received = file.received.clone();
            let at = at % received.len();
            received[at] ^= 1 << bit;
            // Some bits of gzip mean nothing for the content: time and system, and what fills the last byte.
            match in_pieces(&file.coding(), &received, 100, 100) {
                Ok(plain) => prop_assert!(name == "gzip" && plain == file.plain),
                Err(error) => prop_assert!(error.code().is_trust()),
            }
        }
    }
}

#[test]
fn a_bill_sealed_with_sm4_is_opened_and_fits_its_sm3() {
    let file = packed("sealed_with_sm4");
    let (key, nonce) = file.seal.clone().unwrap();
    let coding = |key: &[u8]| Coding {
        seal: Some(Seal {
            cipher: Cipher::find("SM4_GCM").unwrap(),
            key: key.to_vec().into(),
            nonce: nonce.as_bytes().to_vec(),
        }),
        gzip: true,
        digest: Some(Digest {
            kind: DigestKind::find("SM3").unwrap(),
            value: unhex(&file.sm3),
        }),
        checksum: None,
    };
    let limits = Limits::default();
    assert_eq!(
        decode(&coding(&key), limits, &file.received).unwrap(),
        file.plain
    );
    let mut touched = file.received.clone();
    *touched.last_mut().unwrap() ^= 1;
    refused_as(
        Code::DecryptionFailed,
        decode(&coding(&key), limits, &touched),
    );
    refused(decode(&coding(&[1; 16]), limits, &file.received));
    let cipher = Cipher::find("SM4_GCM").unwrap();
    assert_eq!(cipher.key_length(), 16);
}
