//! What goes over the wire: the bytes that were signed, to the host that was configured, by no way round.

use std::sync::mpsc;

use payseal::crypto::{Verdict, base64};
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, merchant_key, parse_authorization, transaction};
use crate::support::server::{Received, Server};
use crate::support::{refused, refused_as};

/// A server that answers everything well, and what it received.
pub fn good_server() -> (Server, mpsc::Receiver<Received>) {
    let (sender, receiver) = mpsc::channel();
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            sender.send(request).unwrap();
            connection.write(BY_PUBLIC_KEY.signed(transaction().to_string()).http(200));
        }
    });
    (server, receiver)
}

#[test]
fn the_bytes_that_were_signed_are_the_bytes_that_arrive() {
    let (server, received) = good_server();
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    let get = json!({ "path": { "id": "a/b c五" }, "query": { "z": "1+1=2 &", "a": "%41" } });
    let text = json!({ "body": { "description": "五 \" \\ / é", "n": 18446744073709551615u64 } });
    let cases: [(&str, &serde_json::Value, &[u8]); 5] = [
        ("GET /v3/x/{id}", &get, b""),
        ("POST /v3/x", &text, b""),
        ("POST /v3/x", &json!({}), b"{ \"raw\" :\r\n1.50 }\n"),
        ("PATCH /v3/x", &text, b""),
        ("DELETE /v3/x/{id}", &get, b""),
    ];
    for (operation, params, payload) in cases {
        let answer = client.execute(operation, params.to_string().as_bytes(), payload, None);
        assert_eq!(answer.unwrap().info()["http_status"], 200);
        let request = received.recv().unwrap();
        let authorization = parse_authorization(request.header("Authorization").unwrap());
        let message = [
            format!(
                "{}\n{}\n{}\n{}\n",
                request.method, request.target, authorization.timestamp, authorization.nonce
            )
            .as_bytes(),
            &request.body,
            b"\n",
        ]
        .concat();
        let signature = base64::decode(authorization.signature.as_bytes()).unwrap();
        assert_eq!(
            merchant_key().verify_sha256(&message, &signature),
            Verdict::Valid,
            "{request:?}"
        );
        assert!(operation.starts_with(&request.method));
        if !payload.is_empty() {
            assert_eq!(request.body, payload);
        }
    }
}

#[test]
fn a_request_has_no_header_that_was_not_meant() {
    let (server, received) = good_server();
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    client
        .execute(JSAPI, jsapi_order().to_string().as_bytes(), b"", None)
        .map(drop)
        .unwrap_or_else(|error| assert_eq!(error.code(), Code::ResponseMismatch));
    let request = received.recv().unwrap();
    let mut names: Vec<String> = request
        .headers
        .iter()
        .map(|(name, _)| name.to_lowercase())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent",
            "wechatpay-serial"
        ]
    );
    assert_eq!(request.header("host").unwrap(), server.address.to_string());
}

#[test]
fn plain_http_goes_to_loopback_only() {
    for host in [
        "http://example.com",
        "http://10.0.0.1:80",
        "http://[::ffff:8.8.8.8]",
    ] {
        let config = config(json!({ "hosts": [host] })).to_string();
        refused_as(
            Code::ConfigInvalid,
            payseal::Client::new(config.as_bytes(), payseal::host::Host::default()),
        );
    }
}

/// Run again in a process of its own, whose environment names a proxy: this one's is not to be touched.
#[test]
fn a_proxy_in_the_environment_is_not_used() {
    const MARK: &str = "PAYSEAL_TEST_PROXY";
    if std::env::var_os(MARK).is_some() {
        let (server, received) = good_server();
        let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
        client
            .execute(QUERY, query(ORDER).to_string().as_bytes(), b"", None)
            .unwrap();
        assert!(received.recv().unwrap().target.starts_with("/v3/"));
        return;
    }
    let trap = Server::start(|connection| {
        connection.request();
        connection.write("HTTP/1.1 500 this is the proxy\r\nContent-Length: 0\r\n\r\n");
    });
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "requests::a_proxy_in_the_environment_is_not_used",
        ])
        .env(MARK, "1");
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env(name, trap.origin());
    }
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(trap.connections(), 0, "somebody asked the proxy");
}

#[test]
fn a_configured_proxy_is_used_and_its_refusal_sends_nothing() {
    let (sender, asked) = mpsc::channel();
    let proxy = Server::start(move |connection| {
        if let Some(request) = connection.request() {
            sender.send(request).unwrap();
            connection
                .write("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": ["https://api.example.com"],
        "proxy": format!("http://user:{}@{}", crate::support::canary::PROXY_PASSWORD, proxy.address),
        "retry": { "max_attempts": 1 },
    })));
    let error = refused(client.execute(QUERY, query(ORDER).to_string().as_bytes(), b"", None));
    assert_eq!(error.outcome(), Outcome::NotSent, "{error:?}");
    let request = asked.recv().unwrap();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("CONNECT", "api.example.com:443")
    );
    assert_eq!(
        request.header("Authorization"),
        None,
        "the signature is not for the proxy"
    );
}

#[test]
fn a_host_that_cannot_be_reached_or_found_was_not_sent_to() {
    // A port that was free a moment ago.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for host in [format!("http://{closed}"), "https://name.invalid".into()] {
        let (client, _) = merchant::client(config(json!({
            "hosts": [host], "retry": { "max_attempts": 1 },
        })));
        let error = refused_as(
            Code::ConnectFailed,
            client.execute(REFUND, refund().to_string().as_bytes(), b"", None),
        );
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}
