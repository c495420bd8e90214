//! Requests, responses, headers, JSON, XML and URLs as values. No sockets, no provider.

pub mod form;
pub mod headers;
pub mod json;
pub mod multipart;
pub(crate) mod time;
pub mod url;
pub mod xml;

pub use headers::Headers;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroize;

/// What goes onto the wire, to the byte. An app's secret or a token may be in it: its address and body are wiped when it is dropped, and not
/// printed.
#[derive(Clone, PartialEq)]
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
    /// Whoever asks for it wipes it.
    pub fn url(&self) -> String {
        [self.origin.as_str(), &self.target].concat()
    }

    /// Everything but the body, as JSON, for a host's own HTTP client.
    pub fn head(&self) -> json::Wiped {
        let mut head = serde_json::json!({
            "method": self.method,
            "url": null,
            "headers": self.headers,
            "timeout_ms": self.timeout.as_millis() as u64,
            "max_response_bytes": self.max_response_bytes,
        });
        head["url"] = self.url().into(); // moved: the macro would copy it
        if self.client_certificate {
            head["client_certificate"] = true.into();
        }
        if let Some(time) = self.head_timeout {
            head["head_timeout_ms"] = (time.as_millis() as u64).into();
        }
        json::Wiped(head)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.target.zeroize();
        self.body.zeroize();
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("origin", &self.origin)
            .field("path", &url::path(&self.target))
            .field("headers", &names(&self.headers))
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Of header fields: their values may be signatures.
pub(crate) fn names<'a>(headers: &[(&'a str, String)]) -> Vec<&'a str> {
    headers.iter().map(|(name, _)| *name).collect()
}

/// What came back: nothing here is verified. It may hold a token or the key of a session: the body is wiped when it is dropped, and not
/// printed.
#[derive(Clone)]
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

impl Drop for Response {
    fn drop(&mut self) {
        self.body.zeroize();
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("bytes", &self.body.len())
            .finish()
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
