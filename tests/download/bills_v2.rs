//! Bills of APIv2: the answer to the operation is the file, signed by nobody, or XML that says why there is none.

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use payseal::crypto::engine::Engine;
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::download::{Download, Next};
use payseal::wire::{Failure, FailureKind, xml};
use payseal::{Client, Code, Outcome, Result};
use serde_json::{Value, json};

use crate::decoding::gzip;
use crate::provider::{break_off, read_all};
use crate::support::merchant::{self, APIV2_KEY, APPID, MCHID, MERCHANT, MERCHANT_CERTIFICATE};
use crate::support::openssl::Folder;
use crate::support::server::{Connection, Server};
use crate::support::{field, refused_as, text};

const BILL: &str = "POST /pay/downloadbill";
const FUND_FLOW: &str = "POST /pay/downloadfundflow";
const COMMENTS: &str = "POST /billcommentsp/batchquerycomment";
const TEXT: &[u8] = "\u{feff}交易时间,公众账号ID\r\n`2023-11-13 10:00:00,`wx1\r\n".as_bytes();
const NO_BILL: &str = "<xml><return_code><![CDATA[FAIL]]></return_code>\
    <return_msg><![CDATA[No Bill Exist]]></return_msg><error_code><![CDATA[20002]]></error_code></xml>";

fn client(changes: Value) -> Client {
    let mut config = json!({
        "provider": "wechat-v2",
        "mchid": MCHID,
        "apiv2_key": APIV2_KEY,
        "appid": APPID,
        "client_certificate": *MERCHANT_CERTIFICATE,
        "client_key": MERCHANT.private,
        "max_response_bytes": 4096,
        "retry": { "base_ms": 1, "cap_ms": 1 },
    });
    let changes = changes.as_object().unwrap().clone();
    config.as_object_mut().unwrap().extend(changes);
    merchant::client(config).0
}

fn bill() -> Value {
    json!({ "operation": BILL, "body": { "bill_date": "20231113" }, "$": { "allow_unverified": true } })
}

fn packed_bill() -> Value {
    let mut params = bill();
    params["body"]["tar_type"] = json!("GZIP");
    params
}

fn fund_flow() -> Value {
    json!({ "operation": FUND_FLOW, "body": { "bill_date": "20231113", "account_type": "Basic" }, "$": { "allow_unverified": true } })
}

fn begin(client: &Client, params: &Value) -> Result<Download> {
    client.download(params.to_string().as_bytes(), None)
}

fn head(extra: &str, length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{extra}Content-Length: {length}\r\n\r\n"
    )
}

/// The fields of each request.
type Asked = Arc<Mutex<Vec<Vec<(String, String)>>>>;

/// Answers each request by its number, and keeps what it was asked.
fn serve(answer: impl Fn(usize, &mut Connection) + Send + Sync + 'static) -> (Server, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            let mut log = log.lock().unwrap();
            log.push(xml::read(&request.body).unwrap());
            let number = log.len() - 1;
            drop(log);
            answer(number, connection);
        }
    });
    (server, asked)
}

fn serving(extra: &'static str, body: &[u8]) -> Server {
    let body = body.to_vec();
    let answer = move |_: usize, connection: &mut Connection| {
        connection.write(head(extra, body.len()));
        connection.write(&body);
    };
    serve(answer).0
}

fn at(server: &Server) -> Client {
    client(json!({ "hosts": [server.origin()] }))
}

fn fetch(server: &Server, params: &Value) -> Result<Vec<u8>> {
    read_all(&mut begin(&at(server), params)?, 7)
}

/// What comes when a host's own client brings the body in pieces of `size` bytes.
fn brought(
    client: &Client,
    params: &Value,
    headers: &str,
    body: &[u8],
    size: usize,
) -> Result<Vec<u8>> {
    let mut download = begin(client, params)?;
    let machine = download.machine()?;
    let mut pieces: VecDeque<&[u8]> = body.chunks(size).collect();
    let (mut plain, mut out) = (Vec::new(), [0; 64]);
    loop {
        match machine.step()? {
            Next::Send => machine.respond_raw(200, headers.as_bytes())?,
            Next::Wait(time) => std::thread::sleep(time),
            Next::Receive => match pieces.pop_front() {
                Some(piece) => machine.receive(piece)?,
                None => machine.ended()?,
            },
            Next::Take => {
                let length = machine.take(&mut out)?;
                plain.extend_from_slice(&out[..length]);
            }
            Next::Done => return Ok(plain),
        }
    }
}

#[test]
fn a_bill_is_read_from_the_answer_and_nobody_is_said_to_vouch_for_it() {
    let long: Vec<u8> = TEXT.iter().copied().cycle().take(100_000).collect();
    let (plain, packed) = (long.clone(), gzip(&long));
    let (server, asked) = serve(move |number, connection| {
        let body = if number == 0 { &plain } else { &packed };
        connection.write(head("", body.len()));
        connection.write(body);
    });
    for params in [bill(), packed_bill()] {
        let mut download = begin(&at(&server), &params).unwrap();
        let read = read_all(&mut download, 1000).unwrap();
        assert!(
            read == long,
            "longer than max_response_bytes, which is for answers: {} {}",
            read.len(),
            download.info()
        );
        let info = download.info();
        assert_eq!(
            (&info["complete"], &info["verified"], &info["parts"]),
            (&json!(true), &json!(false), &json!([null]))
        );
        assert_eq!(info["bytes"], long.len());
        assert_eq!(info["host"], server.origin());
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2, "the answer is the file: one request each");
    for name in ["sign", "nonce_str", "appid", "mch_id"] {
        assert!(asked[0].iter().any(|(key, _)| key == name), "{name}");
    }
    assert!(asked[1].contains(&("tar_type".into(), "GZIP".into())));
}

#[test]
fn a_bill_is_saved_whole_or_not_at_all() {
    let folder = Folder::new();
    let path = folder.path("bill.csv");
    let server = serving("", &gzip(TEXT));
    let info = begin(&at(&server), &packed_bill())
        .unwrap()
        .save(Path::new(&path))
        .unwrap();
    assert_eq!(info["verified"], false);
    assert_eq!(std::fs::read(&path).unwrap(), TEXT);
    let server = serving("", NO_BILL.as_bytes());
    let none = begin(&at(&server), &packed_bill())
        .unwrap()
        .save(Path::new(&folder.path("none.csv")));
    refused_as(Code::ProviderRejected, none);
    let left: Vec<_> = std::fs::read_dir(folder.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn what_nobody_vouches_for_is_not_even_asked_for_until_the_caller_takes_it() {
    let (server, asked) = serve(|_, connection| connection.write(head("", 0)));
    for operation in [BILL, FUND_FLOW, COMMENTS] {
        let mut params = bill();
        (params["operation"], params["$"]) = (json!(operation), json!({}));
        let error = refused_as(Code::HashMismatch, fetch(&server, &params));
        assert_eq!(
            (error.outcome(), field(&error)),
            (Outcome::NotSent, "$.allow_unverified")
        );
    }
    assert!(asked.lock().unwrap().is_empty());
}

/// A download executes its operation: of one that moves money it would be a payment.
#[test]
fn an_operation_whose_answer_is_no_file_is_not_executed() {
    let (server, asked) = serve(|_, connection| connection.write(head("", 0)));
    for operation in [
        "POST /pay/unifiedorder",
        "POST /secapi/pay/refund",
        "POST /pay/notincatalogue",
    ] {
        let mut params = bill();
        params["operation"] = json!(operation);
        let error = refused_as(Code::UnknownOperation, fetch(&server, &params));
        assert_eq!(field(&error), "operation");
    }
    let known = json!({ "download_url": format!("{}/x", server.origin()), "$": { "allow_unverified": true } });
    refused_as(Code::ParamsInvalid, fetch(&server, &known));
    assert!(asked.lock().unwrap().is_empty());
}

#[test]
fn xml_in_place_of_a_bill_says_why_there_is_none() {
    let spaced = format!("\r\n  {NO_BILL}");
    for body in [NO_BILL, &spaced] {
        for size in [1, 2, 50, body.len()] {
            for params in [bill(), packed_bill()] {
                let result = brought(&client(json!({})), &params, "", body.as_bytes(), size);
                let error = refused_as(Code::ProviderRejected, result);
                assert_eq!(
                    (
                        text(&error, "provider_code"),
                        text(&error, "provider_message")
                    ),
                    ("20002", "No Bill Exist")
                );
                assert_eq!(error.detail("authenticated"), Some(&json!(false)));
            }
        }
    }
    let later = NO_BILL.replace("20002", "BILL_CREATING");
    let error = refused_as(
        Code::ProviderUnavailable,
        brought(
            &client(json!({ "retry": { "max_attempts": 1 } })),
            &bill(),
            "",
            later.as_bytes(),
            9,
        ),
    );
    assert_eq!(text(&error, "advice"), "retry_later");
}

#[test]
fn what_is_neither_a_bill_nor_readable_xml_is_no_file() {
    let page = "<html><body>502 Bad Gateway</body></html>";
    let marked = format!("\u{feff}{NO_BILL}");
    let endless = format!("<xml>{}", "<a>b</a>".repeat(1000));
    for (body, code) in [
        ("", Code::BodyInvalid),
        (" \r\n ", Code::BodyInvalid),
        ("\u{feff}", Code::BodyInvalid),
        (page, Code::BodyInvalid),
        (&marked, Code::BodyInvalid),
        (NO_BILL.trim_end_matches("</xml>"), Code::BodyInvalid),
        (&endless, Code::ResponseTooLarge),
    ] {
        for size in [1, 1000] {
            let client = client(json!({ "retry": { "max_attempts": 1 } }));
            refused_as(code, brought(&client, &bill(), "", body.as_bytes(), size));
        }
    }
}

#[test]
fn gzip_that_is_none_or_is_cut_short_is_refused() {
    let packed = gzip(TEXT);
    for body in [TEXT, &packed[..packed.len() - 1], &packed[..1], b"\x1f"] {
        for size in [1, 1000] {
            let result = brought(&client(json!({})), &packed_bill(), "", body, size);
            refused_as(Code::BodyInvalid, result);
        }
    }
}

/// The provider does not say whether the hash is of the packed or of the unpacked file.
#[test]
fn the_hash_in_the_header_tells_damage_and_makes_nothing_verified() {
    let packed = gzip(TEXT);
    let mut params = fund_flow();
    params["body"]["tar_type"] = json!("GZIP");
    let sha1 = |bytes: &[u8]| -> String {
        RustCrypto::sha1(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect()
    };
    let client = client(json!({}));
    for value in [
        format!("SHA={}", sha1(TEXT)),
        format!("SHA={}", sha1(&packed).to_uppercase()),
        format!("MD5=abc, sha={}", sha1(TEXT)),
        "SHA-256=abc".into(),
    ] {
        let headers = format!("Digest: {value}\n");
        let plain = brought(&client, &params, &headers, &packed, 10).unwrap();
        assert_eq!(plain, TEXT, "{value}");
    }
    for value in [
        format!("SHA={}", sha1(b"another bill")),
        format!("SHA={}", &sha1(TEXT)[..38]),
        format!("SHA={0},SHA={0}", sha1(TEXT)),
        "SHA=".into(),
        "SHA=zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz".into(),
    ] {
        let headers = format!("Digest: {value}\n");
        refused_as(
            Code::HashMismatch,
            brought(&client, &params, &headers, &packed, 10),
        );
    }
    let twice = format!("Digest: SHA={0}\nDigest: SHA={0}\n", sha1(TEXT));
    refused_as(
        Code::HeaderInvalid,
        brought(&client, &params, &twice, &packed, 10),
    );
    let digest: &'static str = format!("Digest: SHA={}\r\n", sha1(TEXT)).leak();
    let server = serving(digest, TEXT);
    let mut download = begin(&at(&server), &bill()).unwrap();
    read_all(&mut download, 9).unwrap();
    assert_eq!(download.info()["verified"], false);
}

#[test]
fn a_bill_that_breaks_off_is_asked_for_again_only_while_nobody_has_seen_it() {
    let start = || {
        serve(|number, connection| match number {
            0 => break_off(connection, TEXT, 30),
            1 => {
                let busy = NO_BILL.replace("20002", "SYSTEMERROR");
                connection.write(head("", busy.len()));
                connection.write(busy);
            }
            _ => {
                connection.write(head("", TEXT.len()));
                connection.write(TEXT);
            }
        })
    };
    let (folder, (server, asked)) = (Folder::new(), start());
    let path = folder.path("bill.csv");
    let mut download = begin(&at(&server), &bill()).unwrap();
    download.save(Path::new(&path)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), TEXT);
    assert_eq!(asked.lock().unwrap().len(), 3);

    let (server, asked) = start();
    let error = refused_as(Code::ConnectionLost, fetch(&server, &bill()));
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(asked.lock().unwrap().len(), 1);
}

#[test]
fn a_bill_that_asks_for_the_certificate_of_the_merchant_is_not_asked_for_without() {
    let (server, asked) = serve(|_, connection| connection.write(head("", 0)));
    let without = |host: &str| {
        client(json!({ "hosts": [host], "client_certificate": null, "client_key": null }))
    };
    let folder = Folder::new();
    let mut download = begin(&without(&server.origin()), &fund_flow()).unwrap();
    for _ in 0..2 {
        let error = refused_as(Code::ConfigInvalid, download.read(&mut [0; 9]));
        assert_eq!(field(&error), "client_certificate");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let error = refused_as(
        Code::ConfigInvalid,
        download.save(Path::new(&folder.path("bill"))),
    );
    assert_eq!(field(&error), "client_certificate");
    assert!(asked.lock().unwrap().is_empty());

    // A host with a client of its own knows where its certificate is.
    let mut download = begin(&without("https://api.mch.weixin.qq.com"), &fund_flow()).unwrap();
    let machine = download.machine().unwrap();
    assert_eq!(machine.step().unwrap(), Next::Send);
    let request = machine.request().unwrap();
    assert_eq!(request.head()["client_certificate"], true);
    assert!(
        request.head_timeout.is_some(),
        "the body may take longer than an answer"
    );
    let sent = String::from_utf8(request.body.clone()).unwrap();
    assert!(sent.contains("HMAC-SHA256"), "it knows no other: {sent}");
}

#[test]
fn a_host_that_gives_up_before_the_first_byte_ends_it() {
    let client = client(json!({}));
    let mut download = begin(&client, &bill()).unwrap();
    let machine = download.machine().unwrap();
    machine.step().unwrap();
    machine.respond_raw(200, b"").unwrap();
    assert_eq!(machine.step().unwrap(), Next::Receive);
    machine
        .fail(Failure {
            kind: FailureKind::Cancelled { sent: true },
            code: Code::Cancelled,
            reason: "the caller went away".into(),
        })
        .unwrap();
    refused_as(Code::Cancelled, machine.step());
}

/// Of `memory.rs`: so many bytes, read and then saved.
pub fn read_and_save(length: usize) {
    let row = "`2023-11-13 09:00:00,`4200001234202300000001,`order000001,`1.00,`0.60%\r\n";
    let piece = row.repeat((1 << 20) / row.len());
    let total = piece.len() * length;
    let (server, _) = serve(move |_, connection| {
        connection.write(head("", total));
        (0..length).for_each(|_| drop(connection.stream.write_all(piece.as_bytes())));
    });
    let client = at(&server);
    let mut download = begin(&client, &bill()).unwrap();
    let (mut out, mut read) = (vec![0; 64 << 10], 0);
    loop {
        match download.read(&mut out).unwrap() {
            0 => break,
            length => read += length,
        }
    }
    assert_eq!(read, total);
    let folder = Folder::new();
    let info = begin(&client, &bill())
        .unwrap()
        .save(Path::new(&folder.path("bill.csv")))
        .unwrap();
    assert_eq!(info["bytes"], total);
}
