//! The built-in transport: moves bytes, decides nothing. It knows no provider, repeats nothing, follows nothing and believes nothing.

mod identity;
mod resolver;
mod watch;

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, RustlsConnector, TcpConnector,
};
use ureq::{Agent, Proxy, Timeout};

use crate::cancel::{Cancel, Registration};
use crate::client::Network;
use crate::error::{Code, Error, Result};
use crate::provider::ClientIdentity;
use crate::wire::{Failure, FailureKind, Headers, Request, Response};

use self::identity::Lending;
use self::resolver::CachingResolver;
use self::watch::{Exchange, Seen, WatchedConnector};

/// Pools of connections, for one process.
pub(crate) struct Transport {
    agent: Agent,
    /// Presents our certificate to a host that asks for one. Apart from the other, so that a connection that was made without it is never
    /// used where it is needed.
    identified: Option<Agent>,
}

impl Transport {
    pub fn new(network: &Network, identity: Option<&ClientIdentity>) -> Result<Transport> {
        Ok(Transport {
            agent: Transport::agent(network, None)?,
            identified: match identity {
                Some(identity) => Some(Transport::agent(network, Some(identity))?),
                None => None,
            },
        })
    }

    fn agent(network: &Network, identity: Option<&ClientIdentity>) -> Result<Agent> {
        let proxy = match &network.proxy {
            // The error would quote the text, and the text may hold a password.
            Some(text) => Some(Proxy::new(text).map_err(|_| {
                config_error("proxy", "it must be http://[user:password@]host:port")
            })?),
            None => None,
        };
        let unusable = || config_error("client_key", "it cannot be used for TLS");
        let certificate = match identity {
            Some(identity) => Some(identity::client_certificate(identity).ok_or_else(unusable)?),
            None => None,
        };
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(identity::crypto_provider()))
            .root_certs(roots(network.root_certificates.as_deref())?)
            .client_cert(certificate)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy) // never from the environment
            .max_redirects(0) // a redirect would carry the signature elsewhere
            .http_status_as_error(false)
            .accept_encoding("")
            .accept("")
            .user_agent("")
            .max_idle_age(Duration::from_secs(7)) // WeChat Pay closes at 8
            .max_idle_connections(256)
            .max_idle_connections_per_host(64)
            .timeout_resolve(Some(network.resolve))
            .timeout_connect(Some(network.connect))
            .timeout_per_read(Some(network.read))
            .timeout_per_write(Some(network.read))
            .build();
        let chain = ConnectProxyConnector::default()
            .chain(TcpConnector::default())
            .chain(Lending::new(identity, RustlsConnector::default()));
        Ok(Agent::with_parts(
            config,
            WatchedConnector::new(chain),
            CachingResolver::default(),
        ))
    }

    /// Sends the request and reads the whole answer. A failure says whether any byte of the request left.
    pub fn send(
        &self,
        request: &Request,
        cancel: Option<&Cancel>,
    ) -> std::result::Result<Response, Failure> {
        let exchange = Exchange::begin(cancel);
        let answer = self.exchange(request);
        let seen = exchange.end();
        answer.map_err(|error| failure(&error, seen))
    }

    /// Sends the request and reads the head of the answer; the body is read from what is returned.
    pub fn open(
        &self,
        request: &Request,
        cancel: Option<&Cancel>,
    ) -> std::result::Result<Incoming, Failure> {
        let exchange = Exchange::begin(cancel);
        let answer = self.begin(request);
        let (seen, registration) = exchange.hand_over();
        match answer {
            Ok((status, headers, body)) => Ok(Incoming {
                status,
                headers,
                body: body.into_with_config().limit(u64::MAX).reader(),
                cancel: cancel.cloned(),
                _registration: registration,
            }),
            Err(error) => Err(failure(&error, seen)),
        }
    }

    fn exchange(&self, request: &Request) -> std::result::Result<Response, ureq::Error> {
        let (status, headers, body) = self.begin(request)?;
        let body = body
            .into_with_config()
            .limit(request.max_response_bytes)
            .read_to_vec()?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    fn begin(
        &self,
        request: &Request,
    ) -> std::result::Result<(u16, Headers, ureq::Body), ureq::Error> {
        let mut builder = ureq::http::Request::builder()
            .method(request.method)
            .uri(request.url());
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        let answer =
            if request.method == "GET" || (request.method == "DELETE" && request.body.is_empty()) {
                self.run(builder.body(())?, request)?
            } else {
                self.run(builder.body(request.body.as_slice())?, request)?
            };
        let status = answer.status().as_u16();
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            // Latin-1, so that every byte has a place; what is signed is ASCII and stays what it is.
            let text: String = value.as_bytes().iter().map(|byte| *byte as char).collect();
            headers.push(name.as_str(), &text);
        }
        Ok((status, headers, answer.into_body()))
    }

    fn run(
        &self,
        request: ureq::http::Request<impl ureq::AsSendBody>,
        asked: &Request,
    ) -> std::result::Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        // Without a certificate of ours the host's refusal says so.
        let agent = match (asked.client_certificate, &self.identified) {
            (true, Some(agent)) => agent,
            _ => &self.agent,
        };
        let request = agent
            .configure_request(request)
            .timeout_global(Some(asked.timeout))
            .timeout_recv_response(asked.head_timeout)
            .build();
        agent.run(request)
    }
}

/// An answer of which the body is still to come.
pub(crate) struct Incoming {
    pub status: u16,
    pub headers: Headers,
    body: ureq::BodyReader<'static>,
    cancel: Option<Cancel>,
    /// Lets the cancel shut the socket down for as long as the body is not read.
    _registration: Option<Registration>,
}

impl Incoming {
    /// The next piece of the body; nothing when it is at its end.
    pub fn read(&mut self, out: &mut [u8]) -> std::result::Result<usize, Failure> {
        self.body.read(out).map_err(|error| {
            let cancelled = self.cancel.as_ref().is_some_and(Cancel::is_triggered);
            let seen = Seen {
                sent: true,
                cancelled,
            };
            failure(&error.into(), seen)
        })
    }
}

fn failure(error: &ureq::Error, seen: Seen) -> Failure {
    let kind = match (seen.cancelled, seen.sent) {
        (true, sent) => FailureKind::Cancelled { sent },
        (false, true) => FailureKind::Sent,
        (false, false) => FailureKind::NotSent,
    };
    let (code, reason) = if seen.cancelled {
        (Code::Cancelled, "the call was cancelled".into())
    } else {
        explain(error, seen.sent)
    };
    Failure { kind, code, reason }
}

fn roots(pem: Option<&str>) -> Result<RootCerts> {
    let Some(pem) = pem else {
        return Ok(RootCerts::WebPki);
    };
    let refused = || {
        config_error(
            "root_certificates",
            "it must be one or more certificates in PEM",
        )
    };
    let certificates: Vec<Certificate<'static>> = parse_pem(pem.as_bytes())
        .map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Ok(certificate.to_owned()),
            _ => Err(refused()),
        })
        .collect::<Result<_>>()?;
    if certificates.is_empty() {
        return Err(refused());
    }
    Ok(RootCerts::new_with_certs(&certificates))
}

fn config_error(field: &str, problem: &str) -> Error {
    Error::new(
        Code::ConfigInvalid,
        format!("configuration {field}: {problem}"),
    )
    .with_field(field)
}

fn explain(error: &ureq::Error, sent: bool) -> (Code, String) {
    let lost = if sent {
        Code::ConnectionLost
    } else {
        Code::ConnectFailed
    };
    let code = match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => Code::ConnectFailed,
        ureq::Error::Timeout(_) => Code::Timeout,
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::ConnectProxyFailed(_) => Code::ConnectFailed,
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::TlsRequired => Code::TlsFailed,
        ureq::Error::Io(e) if is_tls(e) => Code::TlsFailed,
        ureq::Error::Io(e) if matches!(e.kind(), io::ErrorKind::TimedOut) => Code::Timeout,
        ureq::Error::Io(_) => lost,
        ureq::Error::BodyExceedsLimit(_) | ureq::Error::LargeResponseHeader(..) => {
            Code::ResponseTooLarge
        }
        _ if sent => Code::ResponseInvalid,
        _ => Code::ConnectFailed,
    };
    (code, format!("the exchange failed: {error}"))
}

/// rustls' errors come through the socket adapter as I/O errors.
fn is_tls(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<rustls::Error>())
}
