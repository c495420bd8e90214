//! Where the server is and how to reach it: what the URL says.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use super::super::tls::{self, Mode};
use super::super::url::{Server, Url, Waits};
use crate::error::Result;

const PARAMETERS: [&str; 9] = [
    "sslmode",
    "sslrootcert",
    "host",
    "max_connections",
    "connect_timeout",
    "lock_timeout_ms",
    "statement_timeout_ms",
    "application_name",
    "options",
];

const PORT: u16 = 5432;
const CONNECTIONS: u64 = 8;

pub struct Place {
    pub server: Server,
    pub port: u16,
    pub mode: Mode,
    pub tls: Arc<ClientConfig>,
    pub waits: Waits,
    pub connections: usize,
    pub application: String,
    pub options: Option<String>,
}

impl Place {
    pub fn of(url: &Url) -> Result<Place> {
        url.expect_only(&PARAMETERS)?;
        let server = url.server()?;
        Ok(Place {
            port: server.port.unwrap_or(PORT),
            server,
            mode: Mode::of(url, "sslmode")?,
            tls: tls::configuration(url.parameter("sslrootcert"))?,
            waits: url.waits()?,
            connections: url.number("max_connections", 1..=1000, CONNECTIONS)? as usize,
            application: url
                .parameter("application_name")
                .unwrap_or("payseal")
                .into(),
            options: url.parameter("options").map(Into::into),
        })
    }

    /// The file of a server on this machine, which is named by its folder, as libpq does.
    pub fn socket(&self) -> Option<std::path::PathBuf> {
        let host = Path::new(&self.server.host);
        host.is_absolute()
            .then(|| host.join(format!(".s.PGSQL.{}", self.port)))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}:{}/…", self.server.host, self.port)
    }
}
