//! One HTTP POST on a connection of its own: no proxy, no redirect, no name lookup.

use std::io;
use std::sync::atomic::Ordering;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Version, header};
use http_body_util::{BodyExt, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::listen::Wire;
use crate::loopback::Target;
use crate::truncated::Truncated;

/// How a fault breaks the request off half-way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Breaking {
    None,
    /// The connection ends after half of the body.
    Truncated,
    /// The same, with a TCP reset.
    Reset,
}

const ANSWER_LIMIT: usize = 64 * 1024;
const ANSWER_SHOWN: usize = 2000;

/// What the other side has said.
pub struct Said {
    pub status: u16,
    pub headers: HeaderMap,
    /// The beginning of the body.
    pub body: String,
}

/// All headers of such a request: the usual ones, and those of its signature.
pub fn headers(target: &Target, length: usize, signature: HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let host = HeaderValue::from_str(&target.host);
    headers.extend(host.map(|host| (header::HOST, host)).ok());
    for (name, value) in [
        (header::USER_AGENT, "Mozilla/4.0"),
        (header::ACCEPT, "*/*"),
        (header::CONTENT_TYPE, "application/json"),
        (header::CONNECTION, "close"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.extend(signature);
    headers
}

/// Sends `body` with these headers, and reads the answer.
pub async fn post(
    target: &Target,
    headers: HeaderMap,
    body: Bytes,
    breaking: Breaking,
) -> io::Result<Said> {
    let wire = Wire::new(target.connect().await?);
    let reset = wire.reset_flag();
    let (mut sender, connection) = http1::Builder::new()
        .title_case_headers(true)
        .handshake::<_, Body>(TokioIo::new(wire))
        .await
        .map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);

    let body = match breaking {
        Breaking::None => Body::from(body),
        Breaking::Truncated | Breaking::Reset => Body::new(Truncated::half_of(&body)),
    };
    reset.store(breaking == Breaking::Reset, Ordering::Relaxed);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&target.path)
        .version(Version::HTTP_11)
        .body(body)
        .map_err(io::Error::other)?;
    *request.headers_mut() = headers;
    let result = exchange(&mut sender, request).await;
    connection.abort();
    result
}

async fn exchange(
    sender: &mut http1::SendRequest<Body>,
    request: Request<Body>,
) -> io::Result<Said> {
    let response = sender
        .send_request(request)
        .await
        .map_err(io::Error::other)?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let answer = Limited::new(response.into_body(), ANSWER_LIMIT)
        .collect()
        .await
        .map_err(io::Error::other)?
        .to_bytes();
    Ok(Said {
        status,
        headers,
        body: String::from_utf8_lossy(&answer)
            .chars()
            .take(ANSWER_SHOWN)
            .collect(),
    })
}
