//! Where the server is and how to reach it: what the URL says.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use mysql_async::{Opts, OptsBuilder, SslOpts};

use super::super::tls::{self, Mode};
use super::super::url::{Server, Url, Waits};
use crate::error::Result;

const PARAMETERS: [&str; 7] = [
    "ssl-mode",
    "ssl-ca",
    "socket",
    "max_connections",
    "connect_timeout",
    "lock_timeout_ms",
    "statement_timeout_ms",
];

const PORT: u16 = 3306;
const CONNECTIONS: u64 = 8;

/// Statements that one connection keeps prepared.
const PREPARED: usize = 256;

pub struct Place {
    pub server: Server,
    pub port: u16,
    mode: Mode,
    /// PEM of the authorities that are trusted, if they are not those of the web.
    roots: Option<Vec<u8>>,
    pub waits: Waits,
    pub connections: usize,
}

impl Place {
    pub fn of(url: &Url) -> Result<Place> {
        url.expect_only(&PARAMETERS)?;
        let server = url.server()?;
        let roots = url.parameter("ssl-ca");
        tls::configuration(roots)?; // says now what is wrong with them
        Ok(Place {
            port: server.port.unwrap_or(PORT),
            server,
            mode: Mode::of(url, "ssl-mode")?,
            roots: roots.map(tls::file).transpose()?,
            waits: url.waits()?,
            connections: url.number("max_connections", 1..=1000, CONNECTIONS)? as usize,
        })
    }

    /// The file of a server on this machine.
    pub fn is_socket(&self) -> bool {
        Path::new(&self.server.host).is_absolute()
    }

    /// What the driver is told. `addresses` are those of the host, none for a socket in the file system.
    pub fn options(&self, addresses: Option<Vec<IpAddr>>) -> Opts {
        let server = &self.server;
        let encrypts = addresses
            .iter()
            .flatten()
            .any(|address| self.mode.encrypts(Some(*address)));
        let options = OptsBuilder::default()
            .user(Some(&server.user))
            .pass(server.password.as_ref().map(|password| password.as_str()))
            .db_name(Some(&server.database))
            .stmt_cache_size(PREPARED)
            .client_found_rows(false) // what INSERT counts must be told from what it found
            .prefer_socket(false) // a server in a container names a socket that is not here
            .ssl_opts(encrypts.then(|| self.tls()));
        match addresses {
            None => options.socket(Some(&server.host)),
            Some(addresses) => options
                .ip_or_hostname(&server.host)
                .tcp_port(self.port)
                .resolved_ips(Some(addresses)),
        }
        .into()
    }

    /// The driver reads files on a thread of its own, so that it gets their bytes.
    fn tls(&self) -> SslOpts {
        let roots = self.roots.iter().map(|pem| pem.clone().into()).collect();
        SslOpts::default()
            .with_disable_built_in_roots(self.roots.is_some())
            .with_root_certs(roots)
    }
}

/// Where it is, without who is let in.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_socket() {
            true => f.write_str(&self.server.host),
            false => write!(f, "{}:{}", self.server.host, self.port),
        }
    }
}
