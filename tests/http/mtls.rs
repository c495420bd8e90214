//! The certificate of the merchant: presented to a host that demands it, where the operation needs it, and not otherwise.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, LazyLock};

use payseal::crypto::base64;
use payseal::{Client, Code, Outcome};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SerialNumber,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use serde_json::{Value, json};

use crate::support::merchant::{self, *};
use crate::support::openssl;
use crate::support::{refused, refused_as};

struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Authority {
        pem: certificate.pem(),
        der: certificate.der().clone(),
        issuer: Issuer::new(params, key),
    }
}

/// Of the server's certificate.
static PUBLIC: LazyLock<Authority> = LazyLock::new(|| authority("a public authority"));
/// Of the merchants' certificates.
static PROVIDER: LazyLock<Authority> = LazyLock::new(|| authority("the provider's authority"));

/// A certificate by the provider for one of the RSA keys of these tests.
fn merchants(key: &Pair, by: &Authority) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, MCHID);
    params.serial_number = Some(SerialNumber::from_slice(&[0x42]));
    let key = KeyPair::from_pem(&key.private).unwrap();
    params.signed_by(&key, &by.issuer).unwrap().pem()
}

/// Answers every connection, of which each has to present a certificate by the provider; tells what was presented.
fn serve(demanding: bool) -> (u16, Receiver<Option<Vec<u8>>>) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params
        .signed_by(&key, &PUBLIC.issuer)
        .unwrap()
        .der()
        .clone();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(PROVIDER.der.clone()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let verifier = match demanding {
        true => verifier,
        false => verifier.allow_unauthenticated(),
    };
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let (config, (tell, told)) = (Arc::new(config), channel());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let (Ok(mut socket), config, tell) = (socket, config.clone(), tell.clone()) else {
                return;
            };
            std::thread::spawn(move || {
                let mut session = rustls::ServerConnection::new(config).unwrap();
                let mut stream = rustls::Stream::new(&mut session, &mut socket);
                while read_request(&mut stream) {
                    let presented = stream.conn.peer_certificates();
                    let first = presented.and_then(|chain| Some(chain.first()?.to_vec()));
                    let _ = tell.send(first);
                    let body = answer();
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    if stream
                        .write_all(&[head.as_bytes(), &body].concat())
                        .is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    (port, told)
}

/// Reads one request to its end; false where there is none.
fn read_request(stream: &mut impl Read) -> bool {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return true;
            }
        }
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => request.extend_from_slice(&buffer[..length]),
            _ => return false,
        }
    }
}

/// Signed as the provider signs.
fn answer() -> Vec<u8> {
    let fields = "mch_id=".to_owned()
        + MCHID
        + "&out_refund_no=refund0001&result_code=SUCCESS&return_code=SUCCESS";
    let message = format!("{fields}&key={APIV2_KEY}");
    let key: String = APIV2_KEY.bytes().map(|b| format!("{b:02x}")).collect();
    let option = format!("hexkey:{key}");
    let mac = openssl::run(
        &["mac", "-digest", "SHA256", "-macopt", &option, "HMAC"],
        message.as_bytes(),
    );
    let sign = String::from_utf8(mac).unwrap().trim().to_uppercase();
    let elements: String = fields
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, text)| format!("<{name}>{text}</{name}>"))
        .collect();
    format!("<xml>{elements}<sign>{sign}</sign></xml>").into_bytes()
}

fn client(port: u16, changes: Value) -> Client {
    let mut config = json!({
        "provider": "wechat-v2",
        "mchid": MCHID,
        "apiv2_key": APIV2_KEY,
        "appid": APPID,
        "hosts": [format!("https://localhost:{port}")],
        "root_certificates": PUBLIC.pem,
        "client_certificate": merchants(&MERCHANT, &PROVIDER),
        "client_key": MERCHANT.private,
        "retry": { "max_attempts": 1 },
    });
    for (key, value) in changes.as_object().unwrap() {
        config[key] = value.clone();
    }
    merchant::client(config).0
}

fn refund(client: &Client) -> payseal::Result<payseal::call::Delivered> {
    let params = json!({ "body": { "out_trade_no": ORDER, "out_refund_no": "refund0001", "total_fee": 100, "refund_fee": 60 } });
    client.execute(
        "POST /secapi/pay/refund",
        params.to_string().as_bytes(),
        b"",
        None,
    )
}

fn query(client: &Client) -> payseal::Result<payseal::call::Delivered> {
    let params = json!({ "body": { "out_trade_no": ORDER } });
    client.execute(
        "POST /pay/orderquery",
        params.to_string().as_bytes(),
        b"",
        None,
    )
}

#[test]
fn a_host_that_demands_the_certificate_gets_it_and_answers() {
    let (port, presented) = serve(true);
    let pem = merchants(&MERCHANT, &PROVIDER);
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let expected = base64::decode(text.as_bytes()).unwrap();
    let client = client(port, json!({ "client_certificate": pem }));
    for _ in 0..2 {
        assert_eq!(refund(&client).unwrap().info()["verified"], true);
        assert_eq!(presented.recv().unwrap().unwrap(), expected);
    }
}

#[test]
fn an_operation_that_does_not_need_it_never_shows_it() {
    let (port, presented) = serve(false);
    let client = client(port, json!({}));
    refund(&client).unwrap();
    assert!(presented.recv().unwrap().is_some());
    // Not even over the connection that is open already.
    query(&client).unwrap();
    assert!(presented.recv().unwrap().is_none());
    refund(&client).unwrap();
    assert!(presented.recv().unwrap().is_some());
}

#[test]
fn a_certificate_by_another_authority_is_refused_by_the_host() {
    let (port, _presented) = serve(true);
    let stranger = merchants(&MERCHANT, &authority("another"));
    let error = refused(refund(&client(
        port,
        json!({ "client_certificate": stranger }),
    )));
    assert!(
        matches!(error.code(), Code::TlsFailed | Code::ConnectionLost),
        "{error:?}"
    );
}

#[test]
fn a_host_that_demands_it_for_what_is_not_known_to_need_it_is_not_answered() {
    let (port, presented) = serve(true);
    let error = refused(query(&client(port, json!({}))));
    assert!(
        matches!(error.code(), Code::TlsFailed | Code::ConnectionLost),
        "{error:?}"
    );
    assert!(presented.try_recv().is_err(), "nothing was read");
}

#[test]
fn without_a_certificate_no_connection_is_even_made() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let client = client(
        port,
        json!({ "client_certificate": null, "client_key": null }),
    );
    let error = refused_as(Code::ConfigInvalid, refund(&client));
    assert_eq!(error.outcome(), Outcome::NotSent);
    assert!(error.message().contains("client_certificate"));
    assert!(listener.accept().is_err());
}
