//! The rule that the sandbox never leaves loopback, and the only way it opens a connection.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::Uri;
use tokio::net::TcpStream;

/// Where a notification goes: an address on loopback, the `Host` to name, the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub address: SocketAddr,
    pub host: String,
    pub path: String,
}

/// The same with a query, which Alipay takes.
pub fn target_with_query(url: &str) -> Result<Target, String> {
    let Some((address, query)) = url.split_once('?') else {
        return target(url);
    };
    // What follows becomes part of a request line.
    let plain = |one: char| one.is_ascii_graphic() && one != '#';
    if !query.chars().all(plain) {
        return Err("参数须编码 (the query must be encoded)".into());
    }
    let target = target(address)?;
    let path = format!("{}?{query}", target.path);
    Ok(Target { path, ..target })
}

/// Understands a notify_url. `localhost` is 127.0.0.1; no name is ever looked up.
pub fn target(url: &str) -> Result<Target, String> {
    let malformed = || "须为绝对URL (must be an absolute URL)".to_owned();
    let uri: Uri = url.parse().map_err(|_| malformed())?;
    let authority = uri.authority().ok_or_else(malformed)?;
    if uri.query().is_some() || url.contains('#') {
        return Err("不能携带参数 (must not carry a query)".into());
    }
    let Some(address) = ip(authority.host()).filter(IpAddr::is_loopback) else {
        return Err("沙箱只通知本机地址 (the sandbox never leaves loopback: use 127.0.0.1, [::1] or localhost)".into());
    };
    if uri.scheme_str() != Some("http") {
        return Err("沙箱以http通知 (the sandbox notifies over plain http)".into());
    }
    if authority.as_str().contains('@') {
        return Err("不能携带用户信息 (must not carry user information)".into());
    }
    let port = match authority.port_u16() {
        None if authority.as_str() == authority.host() => 80,
        None | Some(0) => return Err(malformed()),
        Some(port) => port,
    };
    Ok(Target {
        address: SocketAddr::new(address, port),
        host: authority.to_string(),
        path: uri.path().to_owned(),
    })
}

/// Whether a web origin such as `http://127.0.0.1:8080` is this machine.
pub fn is_loopback_origin(origin: &str) -> bool {
    origin.parse::<Uri>().is_ok_and(|uri| {
        uri.host()
            .and_then(ip)
            .is_some_and(|address| address.is_loopback())
    })
}

fn ip(host: &str) -> Option<IpAddr> {
    match host {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        host => host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok(),
    }
}

impl Target {
    pub async fn connect(&self) -> std::io::Result<TcpStream> {
        // Said once more where it counts, whatever the constructor may become.
        assert!(
            self.address.ip().is_loopback(),
            "the sandbox never leaves loopback"
        );
        TcpStream::connect(self.address).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_understood() {
        let found = |url| {
            target(url)
                .map(|target| (target.address.to_string(), target.host, target.path))
                .unwrap()
        };
        assert_eq!(
            found("http://127.0.0.1:8080/notify"),
            (
                "127.0.0.1:8080".into(),
                "127.0.0.1:8080".into(),
                "/notify".into()
            )
        );
        assert_eq!(found("http://localhost/").0, "127.0.0.1:80");
        assert_eq!(found("http://[::1]:9/x").0, "[::1]:9");
        assert_eq!(found("http://127.8.9.10:9/x").0, "127.8.9.10:9");
    }

    #[test]
    fn everything_else_is_refused() {
        for url in [
            "http://example.com/notify",
            "http://10.0.0.1/notify",
            "http://169.254.169.254/notify",
            "http://0.0.0.0:80/notify",
            "http://[::]:80/notify",
            "http://[::ffff:8.8.8.8]:80/notify",
            "http://127.0.0.1.example.com/notify",
            "http://127.0.0.1@example.com/notify",
            "http://user@127.0.0.1/notify",
            "http://127.0.0.1:80/notify?order=1",
            "http://127.0.0.1:80/notify#order",
            "http://127.0.0.1:99999/notify",
            "http://127.0.0.1:/notify",
            "https://127.0.0.1/notify",
            "ftp://127.0.0.1/notify",
            "/notify",
            "127.0.0.1:80",
            "",
        ] {
            assert!(target(url).is_err(), "{url}");
        }
        assert!(!is_loopback_origin("null"));
        assert!(!is_loopback_origin("https://shop.example"));
        assert!(is_loopback_origin("http://localhost:3000"));
    }
}
