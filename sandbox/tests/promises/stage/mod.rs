//! The stage of the tests: a running sandbox, a merchant who signs with the openssl command line, a shop that
//! listens. Nothing here shares code with the sandbox.

mod facts;
mod http;
mod merchant;
mod openssl;
mod python;
mod sandbox;
mod shop;

pub use facts::{facts, fields_of_meta, fits_the_facts};
pub use http::{Answer, Request};
pub use merchant::{Merchant, NATIVE, NOBODY};
pub use openssl::{
    decrypt_ecb, decrypt_oaep, digest, encrypt_oaep, hmac_sha256, md5, openssl, sign, sign_with,
    verify, verify_with,
};
pub use python::{gunzip, open_gcm};
pub use sandbox::{Sandbox, empty_dir, program};
pub use shop::{Received, Reply, Shop};

/// Longer than anything here may take; a test that waits this long has failed.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// The day it is in Beijing.
pub fn today() -> String {
    let beijing = time::OffsetDateTime::now_utc().to_offset(time::macros::offset!(+8));
    beijing.date().to_string()
}

pub fn now() -> i64 {
    let elapsed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    elapsed.as_secs().try_into().unwrap()
}
