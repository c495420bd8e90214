//! What the tests of several folders share: a merchant, the platform that answers it, a host whose clock and randomness are known,
//! and a loopback server that does what it is told.

#![allow(dead_code, reason = "each test target uses a part of it")]

pub mod canary;
pub mod drive;
pub mod host;
pub mod merchant;
pub mod platform;
pub mod sample;
pub mod server;

#[path = "../crypto/openssl.rs"]
pub mod openssl;

use payseal::{Code, Error};

/// The error of a result that must be one. Whatever it says is searched for secrets.
#[track_caller]
pub fn refused<T>(result: Result<T, Error>) -> Error {
    match result {
        Ok(_) => panic!("this must be refused, and was accepted"),
        Err(error) => {
            canary::check(&error.to_string());
            canary::check(&format!("{error:?}"));
            error
        }
    }
}

/// The same, and with this code.
#[track_caller]
pub fn refused_as<T>(code: Code, result: Result<T, Error>) -> Error {
    let error = refused(result);
    assert_eq!(error.code(), code, "{error:?}");
    error
}

/// What the error says about its field.
pub fn field(error: &Error) -> &str {
    text(error, "field")
}

/// A text in the details of an error, or nothing.
pub fn text<'a>(error: &'a Error, key: &str) -> &'a str {
    error
        .detail(key)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default()
}
