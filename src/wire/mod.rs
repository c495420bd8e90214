//! Requests, responses, headers, JSON, XML and URLs as values. No sockets, no provider.

pub mod headers;
pub mod json;
pub mod multipart;
pub mod url;
pub mod xml;

pub use headers::Headers;

use std::time::Duration;

/// What goes onto the wire, to the byte.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: &'static str,
    /// Scheme, host and port: `https://api.mch.weixin.qq.com`.
    pub origin: String,
    /// Whether the connection is to present the client's certificate.
    pub client_certificate: bool,
    /// Path and raw query, as they were signed.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// How long this attempt may take.
    pub timeout: Duration,
    /// Where the answer is a file that is taken piece by piece: how long until its headers are there.
    pub head_timeout: Option<Duration>,
    pub max_response_bytes: u64,
}

impl Request {
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.target)
    }

    /// Everything but the body, as JSON, for a host's own HTTP client.
    pub fn head(&self) -> serde_json::Value {
        let mut head = serde_json::json!({
            "method": self.method,
            "url": self.url(),
            "headers": self.headers,
            "timeout_ms": self.timeout.as_millis() as u64,
            "max_response_bytes": self.max_response_bytes,
        });
        if self.client_certificate {
            head["client_certificate"] = true.into();
        }
        if let Some(time) = self.head_timeout {
            head["head_timeout_ms"] = (time.as_millis() as u64).into();
        }
        head
    }
}

/// What came back: nothing here is verified.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
}

impl Response {
    const MAX_HEADERS: usize = 64 << 10;

    /// From the parts that a host's own HTTP client has.
    pub fn read(status: u32, headers: &[u8], body: &[u8]) -> Result<Response, String> {
        let status = u16::try_from(status)
            .ok()
            .filter(|status| (100..=999).contains(status));
        if headers.len() > Response::MAX_HEADERS {
            return Err("its headers are longer than 64 KiB".into());
        }
        Ok(Response {
            status: status.ok_or("its status is none of HTTP")?,
            headers: Headers::parse_bytes(headers).map_err(|error| error.message().to_owned())?,
            body: body.to_vec(),
        })
    }
}

/// The methods an operation may name.
pub fn method(name: &str) -> Option<&'static str> {
    ["GET", "POST", "PUT", "PATCH", "DELETE"]
        .into_iter()
        .find(|m| *m == name)
}

/// Why a request brought no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    /// Which transport error it was.
    pub code: crate::error::Code,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// No byte of the request left: name resolution, connection, TLS handshake.
    NotSent,
    /// Bytes may have left.
    Sent,
    /// The host gave up on purpose; nothing is tried again. `sent` says whether bytes may have left.
    Cancelled { sent: bool },
}
