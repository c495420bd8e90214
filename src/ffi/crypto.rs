use crate::crypto::suite::{PrivateKey, PublicKey, Suite};
use crate::crypto::{self, CryptoError, Verdict};
use crate::error::{Code, Error, Result};

use super::boundary::{call, output};
use super::buffer::payseal_buffer;
use super::error::payseal_error;
use super::input::{self, bytes, text};

use zeroize::Zeroizing;

fn unknown_algorithm(known: &str) -> Error {
    Error::new(
        Code::InvalidArgument,
        format!("algorithm is not known here; there is {known}"),
    )
    .with_field("algorithm")
}

fn key_error(error: crypto::KeyError) -> Error {
    Error::new(error.kind.into(), format!("key: {}", error.message)).with_field("key")
}

/// One text for whatever went wrong: how a decryption fails must tell an attacker nothing.
fn not_decrypted() -> Error {
    Error::new(
        Code::DecryptionFailed,
        "the ciphertext cannot be decrypted with this key",
    )
}

fn exactly<const N: usize>(bytes: &[u8], name: &str) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| {
        Error::new(
            Code::InvalidArgument,
            format!("{name} must be {N} bytes long, it has {}", bytes.len()),
        )
        .with_field(name)
    })
}

fn secret_key<const N: usize>(key: &[u8]) -> Result<Zeroizing<[u8; N]>> {
    exactly(key, "key").map(Zeroizing::new)
}

/// What this build knows, for whoever asks for something else.
struct Known {
    signatures: &'static str,
    ciphers: &'static str,
    digests: &'static str,
}

#[cfg(feature = "shangmi")]
const KNOWN: Known = Known {
    signatures: "RSA-SHA256 and SM2-SM3",
    ciphers: "AES-256-GCM, RSA-OAEP-SHA1, SM4-GCM and SM2",
    digests: "SHA-256, SHA-1, MD5, SM3 and HMAC-SHA256",
};
#[cfg(not(feature = "shangmi"))]
const KNOWN: Known = Known {
    signatures: "RSA-SHA256",
    ciphers: "AES-256-GCM and RSA-OAEP-SHA1",
    digests: "SHA-256, SHA-1, MD5 and HMAC-SHA256",
};

fn signature_suite(algorithm: &str) -> Result<Suite> {
    match algorithm {
        "RSA-SHA256" => Ok(Suite::Rsa),
        #[cfg(feature = "shangmi")]
        "SM2-SM3" => Ok(Suite::Shangmi),
        _ => Err(unknown_algorithm(KNOWN.signatures)),
    }
}

/// What the ciphers with a pair of keys have no place for.
fn neither(nonce: &[u8], aad: &[u8]) -> Result<()> {
    exactly::<0>(nonce, "nonce")?;
    exactly::<0>(aad, "aad").map(drop)
}

fn sealed_for(
    suite: Suite,
    key: &[u8],
    plaintext: &[u8],
) -> Result<std::result::Result<Vec<u8>, CryptoError>> {
    let key = PublicKey::parse(suite, key).map_err(key_error)?;
    Ok(key.seal(plaintext, &mut kernel))
}

fn opened_by(
    suite: Suite,
    key: &[u8],
    ciphertext: &[u8],
) -> Result<std::result::Result<Zeroizing<Vec<u8>>, CryptoError>> {
    let key = PrivateKey::parse(suite, key).map_err(key_error)?;
    Ok(key.open(ciphertext))
}

fn kernel(out: &mut [u8]) -> std::result::Result<(), CryptoError> {
    getrandom::fill(out).map_err(|_| CryptoError)
}

/// Signs. algorithm: "RSA-SHA256" (RSASSA-PKCS1-v1_5) or "SM2-SM3" (user id 1234567812345678; gives r and s in DER). key: a private key as PEM, bare base64 or DER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_crypto_sign(
    algorithm: *const u8,
    algorithm_len: usize,
    key: *const u8,
    key_len: usize,
    message: *const u8,
    message_len: usize,
    signature: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(signature, "signature")?;
            *out = payseal_buffer::EMPTY;
            let suite = signature_suite(text(algorithm, algorithm_len, input::NAME, "algorithm")?)?;
            let key = PrivateKey::parse(suite, bytes(key, key_len, input::HEADERS, "key")?)
                .map_err(key_error)?;
            let message = bytes(message, message_len, input::PAYLOAD, "message")?;
            let signed = key.sign(message, &mut kernel);
            *out = payseal_buffer::of(signed.map_err(|_| {
                Error::new(
                    Code::Internal,
                    "the key did not sign, although it did when it was loaded",
                )
            })?);
            Ok(())
        })
    }
}

/// Verifies a signature: PAYSEAL_OK when it fits, PAYSEAL_SIGNATURE_INVALID when it does not. algorithm: "RSA-SHA256" or "SM2-SM3". key: a public key as PEM, bare base64 or DER.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_crypto_verify(
    algorithm: *const u8,
    algorithm_len: usize,
    key: *const u8,
    key_len: usize,
    message: *const u8,
    message_len: usize,
    signature: *const u8,
    signature_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let suite = signature_suite(text(algorithm, algorithm_len, input::NAME, "algorithm")?)?;
            let key = PublicKey::parse(suite, bytes(key, key_len, input::HEADERS, "key")?)
                .map_err(key_error)?;
            let message = bytes(message, message_len, input::PAYLOAD, "message")?;
            match key.verify(
                message,
                bytes(signature, signature_len, input::PAYLOAD, "signature")?,
            ) {
                Verdict::Valid => Ok(()),
                Verdict::Invalid => Err(Error::new(
                    Code::SignatureInvalid,
                    "the signature does not fit the message and the key",
                )),
            }
        })
    }
}

/// Encrypts. algorithm: "AES-256-GCM" or "SM4-GCM" (key 32 or 16 bytes, nonce 12 bytes, any aad; gives ciphertext and 16-byte tag), "RSA-OAEP-SHA1" or "SM2" (key: a public key; nonce and aad NULL; SM2 gives C1, C3 and C2 in DER and takes no empty plaintext).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_crypto_seal(
    algorithm: *const u8,
    algorithm_len: usize,
    key: *const u8,
    key_len: usize,
    nonce: *const u8,
    nonce_len: usize,
    aad: *const u8,
    aad_len: usize,
    plaintext: *const u8,
    plaintext_len: usize,
    ciphertext: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(ciphertext, "ciphertext")?;
            *out = payseal_buffer::EMPTY;
            let key = bytes(key, key_len, input::HEADERS, "key")?;
            let nonce = bytes(nonce, nonce_len, input::NAME, "nonce")?;
            let aad = bytes(aad, aad_len, input::DOCUMENT, "aad")?;
            let plaintext = bytes(plaintext, plaintext_len, input::PAYLOAD, "plaintext")?;
            let sealed = match text(algorithm, algorithm_len, input::NAME, "algorithm")? {
                "AES-256-GCM" => crypto::aes_256_gcm_seal(
                    &*secret_key(key)?,
                    &exactly(nonce, "nonce")?,
                    aad,
                    plaintext,
                ),
                "RSA-OAEP-SHA1" => {
                    neither(nonce, aad)?;
                    sealed_for(Suite::Rsa, key, plaintext)?
                }
                #[cfg(feature = "shangmi")]
                "SM4-GCM" => crypto::sm4_gcm_seal(
                    &*secret_key(key)?,
                    &exactly(nonce, "nonce")?,
                    aad,
                    plaintext,
                ),
                #[cfg(feature = "shangmi")]
                "SM2" => {
                    neither(nonce, aad)?;
                    sealed_for(Suite::Shangmi, key, plaintext)?
                }
                _ => return Err(unknown_algorithm(KNOWN.ciphers)),
            };
            *out = payseal_buffer::of(sealed.map_err(|_| {
                Error::new(
                    Code::InvalidArgument,
                    "plaintext is too long for this key, or empty where the algorithm needs a byte",
                )
                .with_field("plaintext")
            })?);
            Ok(())
        })
    }
}

/// Decrypts what payseal_crypto_seal encrypts; "RSA-OAEP-SHA1" and "SM2" take the private key. PAYSEAL_DECRYPTION_FAILED, without a reason, when it cannot.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_crypto_open(
    algorithm: *const u8,
    algorithm_len: usize,
    key: *const u8,
    key_len: usize,
    nonce: *const u8,
    nonce_len: usize,
    aad: *const u8,
    aad_len: usize,
    ciphertext: *const u8,
    ciphertext_len: usize,
    plaintext: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(plaintext, "plaintext")?;
            *out = payseal_buffer::EMPTY;
            let key = bytes(key, key_len, input::HEADERS, "key")?;
            let nonce = bytes(nonce, nonce_len, input::NAME, "nonce")?;
            let aad = bytes(aad, aad_len, input::DOCUMENT, "aad")?;
            let ciphertext = bytes(ciphertext, ciphertext_len, input::PAYLOAD, "ciphertext")?;
            let opened = match text(algorithm, algorithm_len, input::NAME, "algorithm")? {
                "AES-256-GCM" => crypto::aes_256_gcm_open(
                    &*secret_key(key)?,
                    &exactly(nonce, "nonce")?,
                    aad,
                    ciphertext,
                ),
                "RSA-OAEP-SHA1" => {
                    neither(nonce, aad)?;
                    opened_by(Suite::Rsa, key, ciphertext)?
                }
                #[cfg(feature = "shangmi")]
                "SM4-GCM" => crypto::sm4_gcm_open(
                    &*secret_key(key)?,
                    &exactly(nonce, "nonce")?,
                    aad,
                    ciphertext,
                ),
                #[cfg(feature = "shangmi")]
                "SM2" => {
                    neither(nonce, aad)?;
                    opened_by(Suite::Shangmi, key, ciphertext)?
                }
                _ => return Err(unknown_algorithm(KNOWN.ciphers)),
            };
            *out = payseal_buffer::of(opened.map_err(|_| not_decrypted())?.as_slice());
            Ok(())
        })
    }
}

/// Digests. algorithm: "SHA-256", "SHA-1", "MD5", "SM3" (key NULL) or "HMAC-SHA256" (key: raw bytes, not empty). Gives raw bytes, not hex.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_crypto_digest(
    algorithm: *const u8,
    algorithm_len: usize,
    key: *const u8,
    key_len: usize,
    message: *const u8,
    message_len: usize,
    digest: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(digest, "digest")?;
            *out = payseal_buffer::EMPTY;
            let key = bytes(key, key_len, input::DOCUMENT, "key")?;
            let message = bytes(message, message_len, input::PAYLOAD, "message")?;
            let keyless = || exactly::<0>(key, "key");
            *out = match text(algorithm, algorithm_len, input::NAME, "algorithm")? {
                "SHA-256" => keyless().map(|_| payseal_buffer::of(crypto::sha256(message)))?,
                "SHA-1" => keyless().map(|_| payseal_buffer::of(crypto::sha1(message)))?,
                "MD5" => keyless().map(|_| payseal_buffer::of(crypto::md5(message)))?,
                #[cfg(feature = "shangmi")]
                "SM3" => keyless().map(|_| payseal_buffer::of(crypto::sm3(message)))?,
                "HMAC-SHA256" if key.is_empty() => {
                    return Err(
                        Error::new(Code::ConfigEmptySecret, "key is empty").with_field("key")
                    );
                }
                "HMAC-SHA256" => payseal_buffer::of(crypto::hmac_sha256(key, message)),
                _ => return Err(unknown_algorithm(KNOWN.digests)),
            };
            Ok(())
        })
    }
}
