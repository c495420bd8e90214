//! The stage of the tests: a running sandbox, a merchant who signs with the openssl command line, a shop that
//! listens. Nothing here shares code with the sandbox.

mod http;
mod merchant;
mod openssl;
mod sandbox;
mod shop;

pub use http::{Answer, Request};
pub use merchant::Merchant;
pub use openssl::{decrypt_ecb, encrypt_oaep, hmac_sha256, md5, openssl, sign, verify};
pub use sandbox::{Sandbox, empty_dir, program};
pub use shop::{Received, Reply, Shop};

/// Longer than anything here may take; a test that waits this long has failed.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

pub fn now() -> i64 {
    let elapsed = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    elapsed.as_secs().try_into().unwrap()
}
