//! AES-256-ECB with PKCS#7: openssl encrypts, payseal opens, and every failure looks like every other.

use payseal::crypto::{CryptoError, aes_256_ecb_open};

use crate::openssl;

const KEY: &[u8; 32] = b"5c1cf1b0c2d54d5c8a6f6d3e3e1a7b21";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn encrypted(plaintext: &[u8], options: &[&str]) -> Vec<u8> {
    let key = hex(KEY);
    let mut arguments = vec!["enc", "-aes-256-ecb", "-K", &key];
    arguments.extend(options);
    openssl::run(&arguments, plaintext)
}

#[test]
fn what_openssl_encrypts_is_opened_at_every_length() {
    for length in 0..=65 {
        let plaintext: Vec<u8> = (0..length).map(|n| n as u8 ^ 0xa5).collect();
        assert_eq!(
            *aes_256_ecb_open(KEY, &encrypted(&plaintext, &[])).unwrap(),
            plaintext,
            "{length}"
        );
    }
}

#[test]
fn every_wrong_padding_is_the_same_error() {
    let mut block = [7u8; 16];
    let open =
        |block: &[u8; 16]| aes_256_ecb_open(KEY, &encrypted(block, &["-nopad"])).map(|p| p.len());
    assert_eq!(open(&block), Ok(9));
    block[9] = 6; // one byte of the padding says something else
    assert_eq!(open(&block), Err(CryptoError));
    for last in [0, 17, 32, 128, 255] {
        let mut block = [last; 16];
        assert_eq!(open(&block), Err(CryptoError), "{last}");
        block[0] = 1;
        assert_eq!(open(&block), Err(CryptoError), "{last}");
    }
    assert_eq!(open(&[16; 16]), Ok(0));
    let mut almost = [16; 16];
    almost[0] = 15;
    assert_eq!(open(&almost), Err(CryptoError));
}

#[test]
fn a_wrong_length_is_that_error_too() {
    let ciphertext = encrypted(b"a text of more than one block", &[]);
    for length in 0..ciphertext.len() {
        let expected = if length == 16 {
            None
        } else {
            Some(CryptoError)
        };
        if let Some(error) = expected {
            assert_eq!(
                aes_256_ecb_open(KEY, &ciphertext[..length]).unwrap_err(),
                error,
                "{length}"
            );
        }
    }
}

#[test]
fn another_key_does_not_open_it() {
    let ciphertext = encrypted(&[b'x'; 64], &[]);
    let refused = (0..=255u8)
        .filter(|n| {
            let mut key = *KEY;
            key[31] ^= n;
            aes_256_ecb_open(&key, &ciphertext).is_err()
        })
        .count();
    // A wrong key ends in something that looks like padding once in 255: nothing here is authenticated.
    assert!(refused >= 240, "{refused}");
}
