//! A verified event and the exact bytes to answer with.

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::Error;

/// A notification that was verified and decrypted. There is no other way to get one.
#[derive(Clone)]
pub struct Event {
    pub envelope: Envelope,
    /// The decrypted resource, byte for byte.
    pub plaintext: Zeroizing<Vec<u8>>,
}

/// What a notification says about itself, as documented in `docs/abi.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Envelope {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_time: Option<String>,
    pub event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_type: Option<String>,
    pub provider: &'static str,
    /// The client's: the merchant id or, of Alipay, the app id.
    pub merchant: String,
    /// The key that signed it; empty where the provider's keys have no serial numbers.
    pub serial: String,
    /// When it was signed, Unix seconds; 0 where the provider does not sign a time.
    pub timestamp: i64,
    pub authenticity: Authenticity,
    /// The operation that tells whether what it says is true, where it alone does not prove that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirm_with: Option<&'static str>,
    /// Whether this very delivery was opened before, as far as the replay guard remembers.
    pub replay: bool,
}

/// What is known of who wrote a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Authenticity {
    /// Its signature was verified.
    Signed,
    /// It is encrypted with our key and not signed: whoever knows parts of other messages could put one together. It is handed out
    /// only to those who say that they will query before they act on it.
    EncryptedOnly,
}

/// The HTTP answer to a notification.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

impl Reply {
    /// Status and header fields as JSON; the body goes beside it.
    pub fn head(&self) -> Value {
        serde_json::json!({ "status": self.status, "headers": [["Content-Type", self.content_type]] })
    }
}

/// Why a notification would be refused, for people who look for a mistake; as documented in `docs/abi.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub accepted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// One word for the likely mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<&'static str>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Explanation {
    pub fn accepted() -> Explanation {
        Explanation {
            accepted: true,
            code: None,
            code_name: None,
            message: None,
            cause: None,
            hint: None,
        }
    }

    /// `cause` is a word and what to do; without one the error's own hint stands.
    pub fn refused(error: Error, cause: Option<(&'static str, String)>) -> Explanation {
        let own_hint = error
            .detail("hint")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let (cause, hint) = cause.unzip();
        Explanation {
            accepted: false,
            code: Some(error.code() as i32),
            code_name: Some(error.code().name()),
            message: Some(error.message().to_owned()),
            cause,
            hint: hint.or(own_hint),
        }
    }
}

/// Whether a notification is for a merchant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is genuine, and this merchant's.
    Certain,
    /// It is addressed to this merchant; whether it is genuine shows when the key that signed it has been fetched.
    Pending,
}
