//! A verified event and the exact bytes to answer with.

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

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
    pub mchid: String,
    /// The key that signed it.
    pub serial: String,
    /// When it was signed, Unix seconds.
    pub timestamp: i64,
    /// Whether this very delivery was opened before, as far as the replay guard remembers.
    pub replay: bool,
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
