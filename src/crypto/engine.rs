//! The seam: everything that is computed with a key or a secret goes through one [`Engine`].
//!
//! An engine sees only what the [gate](super::gate) has checked, so engines cannot disagree about which keys are good.
//! The engine of a build is chosen at compile time; there is no switch at run time.

use super::error::CryptoError;
use super::gate::{CheckedPrivateKey, CheckedPublicKey};
use zeroize::Zeroizing;

#[cfg(feature = "aws-lc-rs")]
pub use super::awslc::AwsLc as Default;
#[cfg(all(feature = "rustcrypto", not(feature = "aws-lc-rs")))]
pub use super::rustcrypto::RustCrypto as Default;

#[cfg(not(any(feature = "aws-lc-rs", feature = "rustcrypto")))]
compile_error!(
    "payseal needs a crypto engine: enable the feature `aws-lc-rs` (the default) or `rustcrypto`"
);

/// The name of the engine in this build, for reports of faults.
pub fn engine_name() -> &'static str {
    Default::NAME
}

/// The answer of a signature check.
#[must_use = "a signature that is checked and not looked at is not checked"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Valid,
    Invalid,
}

/// An engine found that the numbers of a key do not belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inconsistent;

/// A hash over what comes piece by piece.
pub trait Hash: Send + Sync + Sized {
    fn new() -> Self;
    fn update(&mut self, piece: &[u8]);
    fn finish(self) -> Vec<u8>;
}

/// One implementation of the algorithms. All of them answer alike; the tests compare them.
pub trait Engine: 'static {
    const NAME: &'static str;
    type Private: Send + Sync;
    type Public: Send + Sync;
    type Sha1: Hash;
    type Sha256: Hash;

    fn private(key: &CheckedPrivateKey) -> Result<Self::Private, Inconsistent>;
    fn public(key: &CheckedPublicKey) -> Result<Self::Public, Inconsistent>;

    /// RSASSA-PKCS1-v1_5 with SHA-256; as long as the modulus, the same bytes each time.
    fn sign_sha256(key: &Self::Private, message: &[u8]) -> Result<Vec<u8>, CryptoError>;
    fn verify_sha256(key: &Self::Public, message: &[u8], signature: &[u8]) -> Verdict;

    /// RSAES-OAEP with SHA-1 for the label, which is empty, and for the mask.
    fn oaep_sha1_seal(key: &Self::Public, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError>;
    fn oaep_sha1_open(
        key: &Self::Private,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError>;

    /// The ciphertext is followed by the 16 bytes of the tag.
    fn aes_256_gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, CryptoError>;
    fn aes_256_gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext_and_tag: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError>;

    fn sha1(message: &[u8]) -> [u8; 20];
    fn sha256(message: &[u8]) -> [u8; 32];
    fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32];
}
