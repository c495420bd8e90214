//! The URL of a store, as DATABASE_URL has it.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::Dialect;
use crate::error::{Code, Error, Result};

/// A URL taken apart. The password is wiped when it is dropped.
pub(super) struct Url {
    pub dialect: Dialect,
    /// What stands between the scheme and `?`.
    rest: Zeroizing<String>,
    parameters: Vec<(String, Zeroizing<String>)>,
}

/// How long is waited.
pub(super) struct Waits {
    pub connect_timeout: Duration,
    pub lock_timeout: Duration,
    pub statement_timeout: Duration,
}

/// A database server.
pub(super) struct Server {
    pub user: String,
    pub password: Option<Zeroizing<String>>,
    /// A name, an address, or the path of a socket or of its folder.
    pub host: String,
    pub port: Option<u16>,
    pub database: String,
}

impl Url {
    pub fn parse(url: &str) -> Result<Url> {
        let (scheme, rest) = url.split_once(':').ok_or_else(unknown)?;
        let dialect = match scheme {
            "sqlite" => Dialect::Sqlite,
            "postgres" | "postgresql" => Dialect::Postgres,
            "mysql" | "mariadb" => Dialect::Mysql,
            _ => return Err(unknown()),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let parameters = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair
                    .split_once('=')
                    .ok_or_else(|| invalid("a parameter of the store's URL has no value"))?;
                Ok((name.to_owned(), decode(value)?))
            })
            .collect::<Result<_>>()?;
        Ok(Url {
            dialect,
            rest: Zeroizing::new(rest.to_owned()),
            parameters,
        })
    }

    /// The path of a file and the waits.
    pub fn file(&self) -> Result<(String, Waits)> {
        self.expect_only(&["lock_timeout_ms"])?;
        let path = match self.rest.strip_prefix("//") {
            Some(path) if !path.starts_with('/') && !path.is_empty() => {
                return Err(invalid(
                    "after sqlite:// comes a host, which a file has not; write sqlite:PATH, or sqlite:///PATH for an absolute one",
                ));
            }
            Some(path) => path,
            None => self.rest.as_str(),
        };
        Ok((decode(path)?.to_string(), self.waits()?))
    }

    /// A database server: `//user:password@host:port/database`.
    pub fn server(&self) -> Result<Server> {
        let rest = self.rest.strip_prefix("//").ok_or_else(|| {
            invalid("the store's URL is SCHEME://user:password@host:port/database")
        })?;
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(decode(password)?)),
            None => (credentials, None),
        };
        let (host, port) = split_port(address)?;
        let host = match self.parameter("host").or(self.parameter("socket")) {
            Some(host) => host.to_owned(),
            None => decode(host)?.to_string(),
        };
        let server = Server {
            user: decode(user)?.to_string(),
            password,
            host,
            port,
            database: decode(database)?.to_string(),
        };
        for (value, what) in [
            (&server.user, "user"),
            (&server.host, "host"),
            (&server.database, "database"),
        ] {
            if value.is_empty() {
                return Err(invalid(format!(
                    "the store's URL names no {what}; it is SCHEME://user:password@host:port/database"
                )));
            }
        }
        Ok(server)
    }

    pub fn waits(&self) -> Result<Waits> {
        let seconds = self.number("connect_timeout", 1..=60, 3)?;
        Ok(Waits {
            connect_timeout: Duration::from_secs(seconds),
            lock_timeout: Duration::from_millis(self.number(
                "lock_timeout_ms",
                10..=60_000,
                5000,
            )?),
            statement_timeout: Duration::from_millis(self.number(
                "statement_timeout_ms",
                100..=60_000,
                10_000,
            )?),
        })
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|known| known.0 == name)?;
        Some(&found.1)
    }

    pub fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        usual: u64,
    ) -> Result<u64> {
        let Some(text) = self.parameter(name) else {
            return Ok(usual);
        };
        text.parse()
            .ok()
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                invalid(format!(
                    "`{name}` in the store's URL must be a number from {} to {}",
                    range.start(),
                    range.end()
                ))
            })
    }

    /// Refuses what would be ignored.
    pub fn expect_only(&self, known: &[&str]) -> Result<()> {
        for (place, (name, _)) in self.parameters.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(invalid(format!(
                    "`{name}` in the store's URL is not known; known are {}",
                    known.join(", ")
                )));
            }
            if self.parameters[..place]
                .iter()
                .any(|other| other.0 == *name)
            {
                return Err(invalid(format!(
                    "`{name}` is there twice in the store's URL"
                )));
            }
        }
        Ok(())
    }
}

/// The port after the last colon, unless that is inside of an IPv6 address in brackets.
fn split_port(address: &str) -> Result<(&str, Option<u16>)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| invalid("the host in the store's URL has no closing bracket"))?;
            (host, after.strip_prefix(':').unwrap_or(""))
        }
        None => address.rsplit_once(':').unwrap_or((address, "")),
    };
    if port.is_empty() {
        return Ok((host, None));
    }
    let port = port
        .parse()
        .map_err(|_| invalid("the port in the store's URL must be a number up to 65535; write a `:`, `/` or `@` of a password as %3A, %2F or %40"))?;
    Ok((host, Some(port)))
}

fn decode(text: &str) -> Result<Zeroizing<String>> {
    let wrong = || {
        invalid(
            "the store's URL has a % that does not begin an encoded byte of UTF-8; a % itself is written %25",
        )
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail.get(..2).ok_or_else(wrong)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| wrong())?);
        rest = &tail[2..];
    }
    if bytes.contains(&0) {
        return Err(invalid("the store's URL contains a zero byte"));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(wrong()),
    }
}

fn unknown() -> Error {
    invalid(
        "the store's URL must begin with sqlite:, postgres:// or mysql://, such as sqlite:payments.db or postgres://user:password@host/database",
    )
}

pub(super) fn invalid(message: impl Into<String>) -> Error {
    Error::new(Code::ConfigInvalid, message).with_field("store")
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}://…", self.dialect)
    }
}
