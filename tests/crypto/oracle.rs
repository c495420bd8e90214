//! openssl agrees with every engine.

use crate::openssl::{self, Folder, KEY};
use payseal::crypto::engine::Engine;
use payseal::crypto::{RsaPrivateKey, RsaPublicKey, Verdict};

const MESSAGES: [&[u8]; 4] = [
    b"",
    b"a",
    b"GET\n/v3/certificates\n1554208460\n593BEC0C930BF1AFEB40B4A08C8FB242\n\n",
    &[0x55; 5000],
];

on_each_engine![
    a_signature_is_the_one_openssl_makes,
    openssl_verifies_a_signature,
    openssl_and_the_engine_refuse_the_same_signatures,
    openssl_opens_what_was_sealed,
    what_openssl_sealed_is_opened,
    digests_are_those_of_openssl,
];

fn a_signature_is_the_one_openssl_makes<E: Engine>() {
    for bits in [2048, 3072, 4096] {
        let pem = if bits == 2048 {
            KEY.clone()
        } else {
            openssl::generate_rsa(bits)
        };
        let folder = Folder::new();
        let path = folder.write("key.pem", &pem);
        let key = RsaPrivateKey::<E>::parse(&pem).unwrap();
        for message in MESSAGES {
            let theirs = openssl::run(&["dgst", "-sha256", "-sign", &path], message);
            assert_eq!(key.sign_sha256(message).unwrap(), theirs, "{bits} bits");
        }
    }
}

fn openssl_verifies_a_signature<E: Engine>() {
    let key = RsaPrivateKey::<E>::parse(&KEY).unwrap();
    for message in MESSAGES {
        assert!(openssl_verifies(
            message,
            &key.sign_sha256(message).unwrap()
        ));
    }
}

fn openssl_and_the_engine_refuse_the_same_signatures<E: Engine>() {
    let key = RsaPrivateKey::<E>::parse(&KEY).unwrap();
    let public = RsaPublicKey::<E>::parse(&openssl::public_half(&KEY)).unwrap();
    let good = key.sign_sha256(b"message").unwrap();
    assert_eq!(public.verify_sha256(b"message", &good), Verdict::Valid);
    let mut flipped = good.clone();
    flipped[128] ^= 1;
    let cut = good[..255].to_vec();
    let extended = [good.as_slice(), &[0]].concat();
    let padded = [&[0], good.as_slice()].concat();
    for bad in [
        flipped,
        cut,
        extended,
        padded,
        vec![],
        vec![0; 256],
        vec![0xFF; 256],
    ] {
        assert_eq!(public.verify_sha256(b"message", &bad), Verdict::Invalid);
        assert!(!openssl_verifies(b"message", &bad));
    }
    assert_eq!(public.verify_sha256(b"Message", &good), Verdict::Invalid);
    assert!(!openssl_verifies(b"Message", &good));
}

fn openssl_verifies(message: &[u8], signature: &[u8]) -> bool {
    let folder = Folder::new();
    let public = folder.write("public.pem", &openssl::public_half(&KEY));
    let signature = folder.write("signature", signature);
    let message = folder.write("message", message);
    // `dgst -verify` would read no further than the signature should be long.
    let key = ["pkeyutl", "-verify", "-pubin", "-inkey", &public];
    let what = [
        "-rawin", "-digest", "sha256", "-in", &message, "-sigfile", &signature,
    ];
    openssl::attempt(&[&key[..], &what[..]].concat(), b"")
        .status
        .success()
}

fn openssl_opens_what_was_sealed<E: Engine>() {
    let folder = Folder::new();
    let path = folder.write("key.pem", &KEY);
    let public = RsaPublicKey::<E>::parse(&openssl::public_half(&KEY)).unwrap();
    assert_eq!(public.max_oaep_plaintext(), 256 - 42);
    for plaintext in [&b""[..], "张三".as_bytes(), &[7; 214]] {
        let sealed = public.oaep_sha1_seal(plaintext).unwrap();
        assert_ne!(
            sealed,
            public.oaep_sha1_seal(plaintext).unwrap(),
            "sealed with the same seed twice"
        );
        let opened = openssl::run(
            &[
                "pkeyutl",
                "-decrypt",
                "-inkey",
                &path,
                "-pkeyopt",
                "rsa_padding_mode:oaep",
                "-pkeyopt",
                "rsa_oaep_md:sha1",
            ],
            &sealed,
        );
        assert_eq!(opened, plaintext);
    }
    assert!(public.oaep_sha1_seal(&[7; 215]).is_err());
}

fn what_openssl_sealed_is_opened<E: Engine>() {
    let folder = Folder::new();
    let path = folder.write("public.pem", &openssl::public_half(&KEY));
    let key = RsaPrivateKey::<E>::parse(&KEY).unwrap();
    let seal = |plaintext: &[u8], digest: &str| {
        let digest = format!("rsa_oaep_md:{digest}");
        let padding = "rsa_padding_mode:oaep";
        openssl::run(
            &[
                "pkeyutl", "-encrypt", "-pubin", "-inkey", &path, "-pkeyopt", padding, "-pkeyopt",
                &digest,
            ],
            plaintext,
        )
    };
    for plaintext in [&b"x"[..], "张三".as_bytes(), &[7; 214]] {
        assert_eq!(
            *key.oaep_sha1_open(&seal(plaintext, "sha1")).unwrap(),
            plaintext
        );
    }
    let error = key.oaep_sha1_open(&seal(b"x", "sha256")).unwrap_err();
    for bad in [
        vec![],
        vec![0; 256],
        vec![0xFF; 256],
        vec![1; 255],
        vec![1; 257],
    ] {
        assert_eq!(key.oaep_sha1_open(&bad).unwrap_err(), error, "an oracle");
    }
}

fn digests_are_those_of_openssl<E: Engine>() {
    let digest = |arguments: &[&str], message: &[u8]| {
        let all: Vec<&str> = ["dgst", "-binary"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        openssl::run(&all, message)
    };
    for message in MESSAGES {
        assert_eq!(E::sha1(message).to_vec(), digest(&["-sha1"], message));
        assert_eq!(
            payseal::crypto::md5(message).to_vec(),
            digest(&["-md5"], message)
        );
        assert_eq!(E::sha256(message).to_vec(), digest(&["-sha256"], message));
        for key in ["k", &"long".repeat(40)] {
            assert_eq!(
                E::hmac_sha256(key.as_bytes(), message).to_vec(),
                digest(&["-sha256", "-hmac", key], message)
            );
        }
    }
}
