//! The kinds that are bare cryptography, through the C ABI: there its algorithms have names and its errors have codes.

use std::ptr;

use payseal::ffi::*;
use payseal::{Code, Error, Result};

use super::Case;

/// Calls one of the payseal_crypto functions with bytes as (pointer, length) pairs.
macro_rules! crypto {
    ($function:ident ( $($name:ident = $bytes:expr),* ) $(, $out:ident)?) => {{
        $(let $name = $bytes;)*
        let mut error = ptr::null_mut();
        // SAFETY: every pair is a live slice, every output a live variable.
        let code = unsafe { $function($($name.as_ptr(), $name.len(),)* $(&mut $out,)? &mut error) };
        assert_eq!(code, payseal_error_code(error));
        payseal_error_free(error);
        refused(code)
    }};
}

const CODES: [Code; 8] = [
    Code::InvalidArgument,
    Code::KeyInvalid,
    Code::KeyUnsupported,
    Code::KeyRole,
    Code::KeyMismatch,
    Code::SignatureInvalid,
    Code::DecryptionFailed,
    Code::Internal,
];

fn refused(code: i32) -> Result<()> {
    match CODES.into_iter().find(|known| *known as i32 == code) {
        _ if code == 0 => Ok(()),
        Some(known) => Err(Error::new(known, "")),
        None => panic!("unexpected code {code}"),
    }
}

fn taken(mut buffer: payseal_buffer) -> Vec<u8> {
    // SAFETY: the library has filled it, or left it empty.
    let bytes = match buffer.data.is_null() {
        true => Vec::new(),
        false => unsafe { std::slice::from_raw_parts(buffer.data, buffer.len) }.to_vec(),
    };
    unsafe { payseal_buffer_free(&mut buffer) };
    bytes
}

const NOTHING: payseal_buffer = payseal_buffer {
    data: ptr::null_mut(),
    len: 0,
};

pub fn sign(case: &Case) -> Result<()> {
    let mut signature = NOTHING;
    crypto!(
        payseal_crypto_sign(
            algorithm = case.text("algorithm"),
            key = case.bytes("key_base64"),
            message = case.bytes("message_base64")
        ),
        signature
    )?;
    case.expects_bytes("signature_base64", &taken(signature));
    Ok(())
}

pub fn verify(case: &Case) -> Result<()> {
    crypto!(payseal_crypto_verify(
        algorithm = case.text("algorithm"),
        key = case.bytes("key_base64"),
        message = case.bytes("message_base64"),
        signature = case.bytes("signature_base64")
    ))
}

pub fn seal(case: &Case) -> Result<()> {
    let mut ciphertext = NOTHING;
    crypto!(
        payseal_crypto_seal(
            algorithm = case.text("algorithm"),
            key = case.bytes("key_base64"),
            nonce = case.bytes("nonce_base64"),
            aad = case.bytes("aad_base64"),
            plaintext = case.bytes("plaintext_base64")
        ),
        ciphertext
    )?;
    case.expects_bytes("ciphertext_base64", &taken(ciphertext));
    Ok(())
}

pub fn open(case: &Case) -> Result<()> {
    let mut plaintext = NOTHING;
    crypto!(
        payseal_crypto_open(
            algorithm = case.text("algorithm"),
            key = case.bytes("key_base64"),
            nonce = case.bytes("nonce_base64"),
            aad = case.bytes("aad_base64"),
            ciphertext = case.bytes("ciphertext_base64")
        ),
        plaintext
    )?;
    case.expects_bytes("plaintext_base64", &taken(plaintext));
    Ok(())
}

pub fn digest(case: &Case) -> Result<()> {
    let mut value = NOTHING;
    crypto!(
        payseal_crypto_digest(
            algorithm = case.text("algorithm"),
            key = case.bytes("key_base64"),
            message = case.bytes("message_base64")
        ),
        value
    )?;
    case.expects_bytes("digest_base64", &taken(value));
    Ok(())
}
