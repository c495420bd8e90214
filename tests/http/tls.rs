//! No certificate but the right one, no old protocol, and no way to say otherwise.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use payseal::{Code, Error, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::support::merchant::{self, *};
use crate::support::openssl::{self, Folder};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::refused;
use crate::support::server::Server;

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    Authority {
        pem: params.self_signed(&key).unwrap().pem(),
        issuer: Issuer::new(params, key),
    }
}

struct Leaf {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

fn leaf(by: &Authority, name: &str, [first, last]: Days) -> Leaf {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(first.0, first.1, first.2);
    params.not_after = date_time_ymd(last.0, last.1, last.2);
    let key = KeyPair::generate().unwrap();
    Leaf {
        certificate: params.signed_by(&key, &by.issuer).unwrap().der().clone(),
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    }
}

/// Serves one connection well, if the client wants it; gives the port.
fn serve(leaf: Leaf) -> u16 {
    serve_with(
        leaf,
        BY_PUBLIC_KEY.signed(transaction().to_string()).http(200),
    )
}

/// Gives one connection this answer after its request.
fn serve_with(leaf: Leaf, answer: Vec<u8>) -> u16 {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.certificate], leaf.key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let Ok((mut socket, _)) = listener.accept() else {
            return;
        };
        let mut session = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::Stream::new(&mut session, &mut socket);
        let mut request = [0; 4096];
        if stream.read(&mut request).is_ok_and(|length| length > 0) {
            let _ = stream.write_all(&answer);
            if !answer.is_empty() {
                let _ = stream.read(&mut request);
            }
        }
    });
    port
}

fn ask(host: &str, port: u16, roots: Option<&str>) -> Result<(), Error> {
    let (client, _) = merchant::client(config(json!({
        "hosts": [format!("https://{host}:{port}")],
        "root_certificates": roots,
        "retry": { "max_attempts": 1 },
    })));
    client
        .execute(QUERY, query(ORDER).to_string().as_bytes(), b"", None)
        .map(drop)
}

#[track_caller]
fn does_not_trust(result: Result<(), Error>) {
    let error = refused(result);
    assert_eq!(error.code(), Code::TlsFailed, "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn the_right_certificate_under_the_configured_root_is_trusted() {
    let ours = authority("payseal test root");
    ask(
        "localhost",
        serve(leaf(&ours, "localhost", LONG)),
        Some(&ours.pem),
    )
    .unwrap();
    ask(
        "127.0.0.1",
        serve(leaf(&ours, "127.0.0.1", LONG)),
        Some(&ours.pem),
    )
    .unwrap();
}

#[test]
fn a_root_that_is_not_configured_is_not_trusted() {
    let (ours, others) = (authority("payseal test root"), authority("another root"));
    does_not_trust(ask(
        "localhost",
        serve(leaf(&ours, "localhost", LONG)),
        None,
    ));
    does_not_trust(ask(
        "localhost",
        serve(leaf(&others, "localhost", LONG)),
        Some(&ours.pem),
    ));
    // Nor one that only has the name of ours.
    let namesake = authority("payseal test root");
    does_not_trust(ask(
        "localhost",
        serve(leaf(&namesake, "localhost", LONG)),
        Some(&ours.pem),
    ));
}

#[test]
fn a_certificate_signed_by_itself_is_not_trusted() {
    let ours = authority("payseal test root");
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = Leaf {
        certificate: params.self_signed(&key).unwrap().der().clone(),
        key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    };
    does_not_trust(ask("localhost", serve(leaf), Some(&ours.pem)));
}

#[test]
fn a_certificate_for_another_host_is_not_trusted() {
    let ours = authority("payseal test root");
    for name in [
        "example.com",
        "localhost.example.com",
        "*.localhost",
        "127.0.0.1",
    ] {
        does_not_trust(ask(
            "localhost",
            serve(leaf(&ours, name, LONG)),
            Some(&ours.pem),
        ));
    }
    does_not_trust(ask(
        "127.0.0.1",
        serve(leaf(&ours, "localhost", LONG)),
        Some(&ours.pem),
    ));
}

#[test]
fn a_certificate_outside_its_time_is_not_trusted() {
    let ours = authority("payseal test root");
    for days in [[(2020, 1, 1), (2021, 1, 1)], [(2049, 1, 1), (2050, 1, 1)]] {
        does_not_trust(ask(
            "localhost",
            serve(leaf(&ours, "localhost", days)),
            Some(&ours.pem),
        ));
    }
}

#[test]
fn a_server_that_speaks_no_tls_is_not_trusted() {
    let server = Server::start(|connection| {
        connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        connection.wait_for_end();
    });
    let ours = authority("payseal test root");
    does_not_trust(ask("localhost", server.address.port(), Some(&ours.pem)));
}

/// `openssl s_server`, which still speaks what rustls does not; stopped when dropped.
struct OldServer {
    child: Child,
    port: u16,
    root: String,
    _folder: Folder,
}

impl OldServer {
    fn start(digest: &str, protocol: &str) -> OldServer {
        let folder = Folder::new();
        let key = folder.write("key.pem", &openssl::generate_rsa(2048));
        let root_key = folder.write("root.key", &openssl::generate_rsa(2048));
        let root = folder.path("root.pem");
        let request = folder.path("request.pem");
        let certificate = folder.path("certificate.pem");
        let names = folder.write("names", b"subjectAltName=DNS:localhost\n");
        let run = |arguments: &[&str]| drop(openssl::run(arguments, b""));
        run(&[
            "req",
            "-x509",
            "-new",
            "-key",
            &root_key,
            "-sha256",
            "-days",
            "30",
            "-subj",
            "/CN=old root",
            "-out",
            &root,
        ]);
        run(&[
            "req",
            "-new",
            "-key",
            &key,
            "-subj",
            "/CN=localhost",
            "-out",
            &request,
        ]);
        run(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            &root,
            "-CAkey",
            &root_key,
            "-set_serial",
            "7",
            "-days",
            "30",
            "-extfile",
            &names,
            digest,
            "-out",
            &certificate,
        ]);
        let mut child = Command::new("openssl")
            .args([
                "s_server",
                "-accept",
                "127.0.0.1:0",
                "-key",
                &key,
                "-cert",
                &certificate,
            ])
            .args([protocol, "-cipher", "ALL:@SECLEVEL=0", "-www"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .find_map(|line| {
                line.unwrap()
                    .strip_prefix("ACCEPT 127.0.0.1:")?
                    .parse()
                    .ok()
            })
            .expect("openssl s_server says its port");
        OldServer {
            child,
            port,
            root: std::fs::read_to_string(&root).unwrap(),
            _folder: folder,
        }
    }
}

impl Drop for OldServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_old_protocol_is_not_spoken() {
    for protocol in ["-tls1", "-tls1_1"] {
        let server = OldServer::start("-sha256", protocol);
        does_not_trust(ask("localhost", server.port, Some(&server.root)));
    }
    // The same server with a protocol of today is trusted: the old one is what was refused.
    let server = OldServer::start("-sha256", "-tls1_2");
    assert_ne!(
        refused(ask("localhost", server.port, Some(&server.root))).code(),
        Code::TlsFailed
    );
}

#[test]
fn a_certificate_signed_with_sha_1_is_not_trusted() {
    let server = OldServer::start("-sha1", "-tls1_2");
    does_not_trust(ask("localhost", server.port, Some(&server.root)));
}

/// Run again in a process of its own, with every variable that is known to weaken some library.
#[test]
fn no_environment_variable_weakens_trust() {
    const MARK: &str = "PAYSEAL_TEST_TRUST";
    if let Ok(port) = std::env::var(MARK) {
        return does_not_trust(ask("localhost", port.parse().unwrap(), None));
    }
    let folder = Folder::new();
    let ours = authority("payseal test root");
    let root = folder.write("root.pem", ours.pem.as_bytes());
    let port = serve(leaf(&ours, "localhost", LONG));
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::no_environment_variable_weakens_trust"])
        .env(MARK, port.to_string())
        .env("SSL_CERT_FILE", &root)
        .env("SSL_CERT_DIR", folder.path(""))
        .env("CURL_CA_BUNDLE", &root)
        .env("REQUESTS_CA_BUNDLE", &root)
        .env("NODE_TLS_REJECT_UNAUTHORIZED", "0")
        .env("PYTHONHTTPSVERIFY", "0")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn after_the_handshake_what_is_lost_is_unknown() {
    let ours = authority("payseal test root");
    let port = serve_with(leaf(&ours, "localhost", LONG), Vec::new());
    let error = refused(ask("localhost", port, Some(&ours.pem)));
    assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_handshake_that_fails_behind_a_proxy_sent_nothing() {
    let proxy = Server::start(|connection| {
        if connection.request().is_some() {
            connection.write("HTTP/1.1 200 Connection established\r\n\r\nthis is no handshake");
            connection.wait_for_end();
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": ["https://api.example.com"],
        "proxy": format!("http://{}", proxy.address),
        "retry": { "max_attempts": 1 },
    })));
    does_not_trust(
        client
            .execute(QUERY, query(ORDER).to_string().as_bytes(), b"", None)
            .map(drop),
    );
}
