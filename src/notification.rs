//! A verified event and the exact bytes to answer with.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// A notification that was verified and decrypted. There is no other way to get one.
#[derive(Clone, Debug)]
pub struct Event {
    /// The envelope: id, event_type, and so on, as documented in `docs/abi.md`.
    pub envelope: Map<String, Value>,
    /// The decrypted resource, byte for byte.
    pub plaintext: Zeroizing<Vec<u8>>,
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
