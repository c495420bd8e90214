//! Hosts, paths and queries. Encoded once, before signing; what was signed is what is sent.

use std::fmt;

use crate::error::{Code, Error, Result};

/// A scheme, host and port that requests may be sent to: https, or http to a loopback address.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin(String);

impl Origin {
    /// Accepts `https://host[:port]` and, for loopback addresses, `http://…`. Nothing may follow the port.
    pub fn parse(text: &str) -> std::result::Result<Origin, String> {
        let (scheme, authority) = text
            .split_once("://")
            .ok_or("it has no scheme; write https://host")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#', '@', '\\'])
            || authority.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(
                "only scheme, host and port may stand here: no user, path, query or fragment"
                    .into(),
            );
        }
        let host = host_of(authority)?;
        match scheme {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err("plain http is accepted for loopback addresses only; use https".into());
            }
            _ => return Err("the scheme must be https".into()),
        }
        Ok(Origin(format!("{scheme}://{authority}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In lower case and without the port that its scheme has anyway, so that equal ones are equal.
    pub fn normal(&self) -> Origin {
        let text = self.0.to_ascii_lowercase();
        let bare = match text.split_once("://") {
            Some(("https", rest)) => rest.strip_suffix(":443").map(|host| ("https", host)),
            Some(("http", rest)) => rest.strip_suffix(":80").map(|host| ("http", host)),
            _ => None,
        };
        match bare {
            Some((scheme, host)) => Origin(format!("{scheme}://{host}")),
            None => Origin(text),
        }
    }
}

/// Where a provider says that something is to be fetched: an absolute address, taken apart before anybody decides about it.
#[derive(Clone, PartialEq)]
pub struct Address {
    pub origin: Origin,
    /// Path and raw query, as they were given.
    pub target: String,
}

/// Without the query, in which the token stands that opens it.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}{})", self.origin.as_str(), path(&self.target))
    }
}

impl Address {
    const LONGEST: usize = 4 << 10;

    /// Nothing is put right: what an HTTP client would have to rewrite is refused, since it is signed as it stands.
    pub fn parse(text: &str) -> std::result::Result<Address, String> {
        if text.len() > Address::LONGEST {
            return Err("it is longer than 4 KiB".into());
        }
        let plain = |b: u8| b.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&b);
        if !text.bytes().all(plain) {
            return Err("it has characters that do not belong into an address".into());
        }
        let after_scheme = text.find("://").ok_or("it has no scheme")? + 3;
        let path_at = text[after_scheme..]
            .find(['/', '?'])
            .map_or(text.len(), |at| after_scheme + at);
        let target = &text[path_at..];
        let path = path(target);
        if !path.starts_with('/') || path.starts_with("//") {
            return Err("it has no path".into());
        }
        if path.split('/').any(is_dots) {
            return Err("its path has a segment `.` or `..`".into());
        }
        Ok(Address {
            origin: Origin::parse(&text[..path_at])?.normal(),
            target: target.to_owned(),
        })
    }
}

/// What stands before the query.
pub fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

/// `.` and `..`, also percent-encoded.
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    plain == "." || plain == ".."
}

fn host_of(authority: &str) -> std::result::Result<&str, String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or("the IPv6 address is not closed")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("in brackets there must be an IPv6 address".into());
            }
            match rest.strip_prefix(':') {
                None if !rest.is_empty() => {
                    return Err("only a port may follow the IPv6 address".into());
                }
                port => (host, port),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if let Some(port) = port {
        port.parse::<u16>()
            .ok()
            .filter(|number| *number != 0 && port.bytes().all(|b| b.is_ascii_digit()))
            .ok_or("the port is not a number from 1 to 65535")?;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".-_".contains(&b);
    if host.is_empty() || !(authority.starts_with('[') || host.bytes().all(plain)) {
        return Err("the host name is empty or has characters that do not belong there".into());
    }
    Ok(host)
}

/// 127.0.0.0/8, ::1 and the name localhost.
fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Fills the placeholders of a path template, percent-encoding each value as one segment.
///
/// `value(name)` gives the value of a placeholder; `.` and `..` are refused, since proxies resolve them.
pub fn fill<'a>(template: &str, mut value: impl FnMut(&str) -> Option<&'a str>) -> Result<String> {
    let mut path = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}').map(|at| open + at) else {
            break;
        };
        let name = &rest[open + 1..close];
        let field = format!("path.{name}");
        let Some(text) = value(name) else {
            return Err(Error::new(
                Code::ParamsInvalid,
                format!("{field} is missing; the operation's path needs it"),
            )
            .with_field(field));
        };
        if text.is_empty() || text == "." || text == ".." {
            return Err(Error::new(
                Code::ParamsInvalid,
                format!("{field} must not be empty, `.` or `..`"),
            )
            .with_field(field));
        }
        path.push_str(&rest[..open]);
        encode(text, &mut path);
        rest = &rest[close + 1..];
    }
    path.push_str(rest);
    Ok(path)
}

/// Whether each brace of a path template is part of a `{name}`.
pub fn has_whole_placeholders(template: &str) -> bool {
    let mut parts = template.split('{');
    let literal = |part: &str| !part.contains('}');
    let placeholder = |part: &str| {
        part.split_once('}')
            .is_some_and(|(name, rest)| !name.is_empty() && literal(rest))
    };
    parts.next().is_none_or(literal) && parts.all(placeholder)
}

/// `k=v&k=v`, keys and values percent-encoded, in the order given. Its place is made once and large enough: one that grew would leave secrets behind.
pub fn query<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let longest = pairs.clone().map(|(k, v)| 3 * (k.len() + v.len()) + 2);
    let mut query = String::with_capacity(longest.sum());
    for (key, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        encode(key, &mut query);
        query.push('=');
        encode(value, &mut query);
    }
    query
}

/// Percent-encodes everything but the unreserved characters of RFC 3986; a space becomes `%20`, never `+`.
pub fn encode(text: &str, out: &mut String) {
    encode_bytes(text.as_bytes(), out);
}

/// The same of bytes in any charset.
pub fn encode_bytes(bytes: &[u8], out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in bytes.iter().copied() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(byte as char);
        } else {
            out.push('%');
            out.push(HEX[(byte >> 4) as usize] as char);
            out.push(HEX[(byte & 15) as usize] as char);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_origins_are_accepted() {
        for good in [
            "https://api.mch.weixin.qq.com",
            "https://a:8443/",
            "http://127.0.0.1:80",
            "http://localhost",
            "http://[::1]:9",
            "http://127.9.9.9",
        ] {
            assert!(Origin::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "api.mch.weixin.qq.com",
            "http://api.mch.weixin.qq.com",
            "ftp://a",
            "https://",
            "https://u:p@a",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://a:0",
            "https://a:99999",
            "http://127.0.0.1.evil.com",
            "https://a b",
            "https://[::1",
            "https://[::1]evil.com",
            "https://[::1]evil.com:443",
            "https://[evil.com]",
            "http://[localhost]",
            "https://a:+443",
            "https://a:",
            "https://a:1:2",
            "http://10.0.0.1",
        ] {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn path_values_are_encoded_as_one_segment() {
        let path = fill("/v3/a/{x}/b", |name| (name == "x").then_some("1/2?3#4 五%")).unwrap();
        assert_eq!(path, "/v3/a/1%2F2%3F3%234%20%E4%BA%94%25/b");
        for value in [None, Some(""), Some("."), Some("..")] {
            assert_eq!(
                fill("/v3/{x}", |_| value)
                    .unwrap_err()
                    .detail("field")
                    .unwrap(),
                "path.x"
            );
        }
    }

    #[test]
    fn a_query_keeps_its_order_and_encodes_spaces_as_percent_twenty() {
        assert_eq!(
            query([("b", "x y"), ("a", "1+1=2")].into_iter()),
            "b=x%20y&a=1%2B1%3D2"
        );
    }
}
