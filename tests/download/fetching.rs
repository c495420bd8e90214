//! Over the built-in transport, from a server that does well and badly.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use payseal::cancel::Cancel;
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::files::packed;
use crate::provider::*;
use crate::support::{refused, refused_as, text};

/// A provider with one bill, of which the file is handed out by `file`, which is told how often it was asked for.
fn with_file(
    name: &'static str,
    file: impl Fn(usize, &[u8], &mut crate::support::server::Connection) + Send + Sync + 'static,
) -> Provider {
    let times = AtomicUsize::new(0);
    Provider::start(move |request, connection| {
        let packed = packed(name);
        if is_application(request) {
            let url = format!("{}{FILE}t1", origin(request));
            return answer(connection, 200, packed.answer(&url));
        }
        file(times.fetch_add(1, SeqCst), &packed.received, connection);
    })
}

#[test]
fn a_bill_is_applied_for_fetched_unpacked_and_checked() {
    let provider = with_file("gzip", |_, file, connection| hand_out(connection, file));
    let (client, world) = provider.client(json!({}));
    let mut download = begin(&client, &bill());
    assert_eq!(download.info()["complete"], false);
    let plain = read_all(&mut download, 100).unwrap();
    assert_eq!(plain, packed("gzip").plain);
    let info = download.info();
    assert_eq!(info["complete"], true);
    assert_eq!(info["verified"], true);
    assert_eq!(info["bytes"], plain.len());
    assert_eq!(info["received_bytes"], packed("gzip").received.len());
    assert_eq!(
        info["parts"],
        json!([{ "hash_type": "SHA1", "hash_value": packed("gzip").sha1 }])
    );
    assert_eq!(info["host"], provider.server.origin());
    assert_eq!(
        provider.asked(),
        [
            "GET /v3/bill/tradebill?bill_date=2023-11-13&tar_type=GZIP",
            "GET /v3/billdownload/file?token=t1"
        ]
    );
    assert_eq!(
        download.read(&mut [0; 9]).unwrap(),
        0,
        "the end stays the end"
    );
    let done = world.records_of("call.done");
    assert_eq!(done.len(), 2);
    assert_eq!(
        done[1]["operation"], "GET /v3/billdownload/file",
        "without the token"
    );
}

#[test]
fn a_file_whose_address_is_known_needs_no_application() {
    let provider = Provider::start(|_, connection| hand_out(connection, &packed("gzip").received));
    let (client, _) = provider.client(json!({}));
    let mut params = packed("gzip").answer(&provider.url("t"));
    params["tar_type"] = json!("GZIP");
    assert_eq!(fetch(&client, &params).unwrap(), packed("gzip").plain);
    // Some addresses say it themselves.
    let params = packed("gzip").answer(&format!("{}&tartype=gzip", provider.url("t")));
    assert_eq!(fetch(&client, &params).unwrap(), packed("gzip").plain);
    let receipt = Provider::start(|_, connection| hand_out(connection, b"%PDF-1.4 a receipt"));
    let (client, _) = receipt.client(json!({}));
    let params = json!({ "download_url": receipt.url("t"), "hash_type": "SHA256", "hash_value": packed("receipt").sha256 });
    assert_eq!(fetch(&client, &params).unwrap(), packed("receipt").plain);
}

/// An encrypted bill in two parts, each with its own key; `change` spoils the answer.
fn in_parts(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Provider {
    Provider::start(move |request, connection| {
        if is_application(request) {
            let url = |token| format!("{}{FILE}{token}", origin(request));
            // The second comes first: its number decides, not its place.
            let mut body = json!({
                "download_bill_count": 2,
                "download_bill_list": [packed("sealed_part_two").part(2, &url("two")), packed("sealed").part(1, &url("one"))],
            });
            change(&mut body);
            return answer(connection, 200, body);
        }
        let name = if request.target.ends_with("one") {
            "sealed"
        } else {
            "sealed_part_two"
        };
        hand_out(connection, &packed(name).received);
    })
}

fn encrypted_bill() -> Value {
    json!({
        "operation": "GET /v3/bill/sub-merchant-fundflowbill",
        "query": { "sub_mchid": "1900000109", "bill_date": "2023-11-13", "account_type": "BASIC",
            "algorithm": "AEAD_AES_256_GCM", "tar_type": "GZIP" },
    })
}

#[test]
fn an_encrypted_bill_in_parts_becomes_one_file_in_the_order_of_its_numbers() {
    let provider = in_parts(|_| {});
    let (client, _) = provider.client(json!({}));
    let mut download = begin(&client, &encrypted_bill());
    let plain = [packed("sealed").plain, packed("sealed_part_two").plain].concat();
    assert_eq!(read_all(&mut download, 333).unwrap(), plain);
    assert_eq!(download.info()["parts"].as_array().unwrap().len(), 2);
}

#[test]
fn parts_that_do_not_belong_together_are_refused_before_any_is_fetched() {
    for (what, change) in [
        (
            "a number twice",
            (|body| body["download_bill_list"][0]["bill_sequence"] = json!(1)) as fn(&mut Value),
        ),
        ("a gap", |body| {
            body["download_bill_list"][0]["bill_sequence"] = json!(3)
        }),
        ("another count", |body| {
            body["download_bill_count"] = json!(3)
        }),
        ("no count", |body| body["download_bill_count"] = Value::Null),
        ("no list", |body| body["download_bill_list"] = json!("x")),
        ("no objects", |body| {
            body["download_bill_list"] = json!([1, 2])
        }),
        ("no key", |body| {
            body["download_bill_list"][1]["encrypt_key"] = Value::Null
        }),
        ("another key", |body| {
            body["download_bill_list"][1]["encrypt_key"] = json!("AAAA")
        }),
        ("no address", |body| {
            body["download_bill_list"][1]["download_url"] = Value::Null
        }),
    ] {
        let provider = in_parts(change);
        let (client, _) = provider.client(json!({}));
        let error = refused(fetch(&client, &encrypted_bill()));
        assert!(error.code().is_trust(), "{what}: {error}");
        assert_eq!(provider.asked().len(), 1, "{what}");
    }
}

#[test]
fn a_bill_that_does_not_exist_is_the_providers_no() {
    let provider = in_parts(|body| {
        body["download_bill_count"] = json!(0);
        body.as_object_mut()
            .unwrap()
            .shift_remove("download_bill_list");
    });
    let (client, _) = provider.client(json!({}));
    let error = refused_as(Code::ProviderRejected, fetch(&client, &encrypted_bill()));
    assert_eq!(error.outcome(), Outcome::Rejected);

    let none = Provider::start(|_, connection| {
        answer(
            connection,
            400,
            json!({ "code": "NO_STATEMENT_EXIST", "message": "账单文件不存在" }),
        );
    });
    let (client, _) = none.client(json!({}));
    let error = refused_as(Code::ProviderRejected, fetch(&client, &bill()));
    assert_eq!(text(&error, "provider_code"), "NO_STATEMENT_EXIST");
    assert_eq!(none.asked().len(), 1);

    let empty = with_file("gzip", |_, _, connection| hand_out(connection, b""));
    let (client, _) = empty.client(json!({}));
    refused_as(Code::BodyInvalid, fetch(&client, &bill()));
}

#[test]
fn an_application_that_is_not_signed_is_not_believed() {
    let provider = Provider::start(|request, connection| {
        let body = packed("gzip")
            .answer(&format!("{}{FILE}t", origin(request)))
            .to_string();
        connection.write(format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
    });
    let (client, _) = provider.client(json!({}));
    refused_as(Code::SignatureMissing, fetch(&client, &bill()));
    assert_eq!(provider.asked().len(), 1, "nothing was fetched");
}

#[test]
fn another_file_than_the_one_that_was_announced_is_an_error_at_the_last_read() {
    let provider = with_file("gzip", |_, _, connection| {
        hand_out(connection, &packed("gzip_of_two_members").received);
    });
    let (client, _) = provider.client(json!({}));
    let mut download = begin(&client, &bill());
    let (mut piece, mut total) = ([0; 512], 0);
    let error = loop {
        match download.read(&mut piece) {
            Ok(0) => panic!("a wrong file came to a good end"),
            Ok(length) => total += length,
            Err(error) => break error,
        }
    };
    assert_eq!(error.code(), Code::HashMismatch);
    assert_eq!(total, packed("gzip_of_two_members").plain.len());
    assert_eq!(text(&error, "operation"), "GET /v3/billdownload/file");
    assert_eq!(
        download.read(&mut piece).unwrap_err(),
        error,
        "it stays an error"
    );
    assert_eq!(download.info()["verified"], false);
}

#[test]
fn a_connection_that_breaks_before_a_byte_came_out_is_no_loss() {
    let provider = with_file("gzip", |times, file, connection| match times {
        0 => connection.close(),
        1 => break_off(connection, file, 0),
        _ => hand_out(connection, file),
    });
    let (client, world) = provider.client(json!({}));
    assert_eq!(fetch(&client, &bill()).unwrap(), packed("gzip").plain);
    assert_eq!(provider.asked().len(), 4);
    assert_eq!(world.records_of("call.retry").len(), 2);
}

#[test]
fn a_connection_that_breaks_at_any_byte_is_an_error_and_never_a_short_file() {
    let whole = packed("gzip").received.len();
    for at in (1..whole).step_by(whole / 12).chain([whole - 1]) {
        let provider = with_file("gzip", move |_, file, connection| {
            break_off(connection, file, at)
        });
        let (client, _) = provider.client(json!({}));
        let error = refused(fetch(&client, &bill()));
        assert_eq!(error.code(), Code::ConnectionLost, "{at}: {error}");
        assert_eq!(text(&error, "advice"), "retry_same");
    }
}

#[test]
fn a_body_without_a_length_that_ends_early_is_found_all_the_same() {
    let provider = with_file("gzip", |_, file, connection| {
        connection.write("HTTP/1.1 200 OK\r\n\r\n");
        connection.write(&file[..file.len() - 3]);
        connection.close();
    });
    let (client, _) = provider.client(json!({}));
    refused_as(Code::BodyInvalid, fetch(&client, &bill()));
}

#[test]
fn an_address_that_has_expired_is_applied_for_once_more() {
    let provider = Provider::start(|request, connection| {
        let packed = packed("gzip");
        if is_application(request) {
            let count = APPLICATIONS.fetch_add(1, SeqCst);
            let url = format!("{}{FILE}t{count}", origin(request));
            return answer(connection, 200, packed.answer(&url));
        }
        match request.target.ends_with("t1") {
            true => hand_out(connection, &packed.received),
            false => answer(
                connection,
                403,
                json!({ "code": "NO_AUTH", "message": "token expired" }),
            ),
        }
    });
    static APPLICATIONS: AtomicUsize = AtomicUsize::new(0);
    let (client, _) = provider.client(json!({}));
    assert_eq!(fetch(&client, &bill()).unwrap(), packed("gzip").plain);
    let targets = provider.asked();
    assert_eq!(targets.len(), 4, "{targets:?}");
    // The third address is refused twice: then that is the answer.
    APPLICATIONS.store(7, SeqCst);
    let error = refused_as(Code::ProviderRejected, fetch(&client, &bill()));
    assert_eq!(text(&error, "provider_code"), "NO_AUTH");
    assert_eq!(provider.asked().len(), 8);
    // An address that the caller brought cannot be renewed.
    let error = fetch(&client, &packed("gzip").answer(&provider.url("old")));
    refused_as(Code::ProviderRejected, error);
    assert_eq!(provider.asked().len(), 9);
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Provider::start(|_, connection| hand_out(connection, &packed("gzip").received));
    let url = elsewhere.url("t");
    let provider = with_file("gzip", move |_, _, connection| {
        connection.write(format!(
            "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"
        ));
    });
    let (client, _) = provider.client(json!({}));
    refused_as(Code::ResponseInvalid, fetch(&client, &bill()));
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_file_at_a_host_that_nobody_configured_is_not_asked_for() {
    let elsewhere = Provider::start(|_, connection| hand_out(connection, &packed("gzip").received));
    let url = elsewhere.url("t");
    let provider =
        Provider::start(move |_, connection| answer(connection, 200, packed("gzip").answer(&url)));
    let (client, _) = provider.client(json!({}));
    let error = refused_as(Code::ResponseMismatch, fetch(&client, &bill()));
    assert_eq!(crate::support::field(&error), "download_url");
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn a_file_that_is_being_made_is_waited_for_as_long_as_the_caller_wants() {
    let looks = Arc::new(AtomicUsize::new(0));
    let count = looks.clone();
    let provider = Provider::start(move |request, connection| {
        if !is_application(request) {
            return hand_out(connection, &packed("receipt").received);
        }
        let (look, url) = (
            count.fetch_add(1, SeqCst),
            format!("{}{FILE}t", origin(request)),
        );
        answer(
            connection,
            200,
            match look {
                0 | 1 => json!({ "state": "GENERATING" }),
                2 => {
                    json!({ "state": "FINISHED", "hash_type": "SHA256", "hash_value": packed("receipt").sha256, "download_url": url })
                }
                _ => json!({ "state": "FAILED", "fail_reason": "nothing to sign" }),
            },
        );
    });
    let (client, _) = provider.client(json!({}));
    let mut receipt = json!({
        "operation": "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
        "path": { "out_bill_no": "transfer0001" },
    });
    let error = refused_as(Code::ProviderUnavailable, fetch(&client, &receipt));
    assert_eq!(error.outcome(), Outcome::Rejected);
    assert_eq!(
        (text(&error, "provider_code"), text(&error, "advice")),
        ("GENERATING", "retry_later")
    );
    receipt["$"] = json!({ "wait_ms": 60_000 });
    assert_eq!(fetch(&client, &receipt).unwrap(), packed("receipt").plain);
    let error = refused_as(Code::ProviderRejected, fetch(&client, &receipt));
    assert_eq!(text(&error, "provider_message"), "nothing to sign");
}

#[test]
fn a_drip_is_no_way_around_the_time_limit() {
    let provider = with_file("plain", |_, file, connection| {
        connection.write(head(file.len()));
        for byte in file {
            if connection.stream.write_all(&[*byte]).is_err() {
                return;
            }
            // The pace of the attack, not a wait for anything.
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let (client, _) = provider.client(json!({}));
    let mut params = bill();
    params["query"] = json!({ "bill_date": "2023-11-13" });
    params["$"] = json!({ "timeout_ms": 300 });
    let began = Instant::now();
    refused_as(Code::Timeout, fetch(&client, &params));
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn silence_in_the_middle_ends_after_the_read_timeout() {
    let provider = with_file("gzip", |_, file, connection| {
        connection.write(head(file.len()));
        connection.write(&file[..300]);
        connection.wait_for_end();
    });
    let (client, _) = provider.client(json!({ "timeouts": { "read_ms": 200 } }));
    refused_as(Code::Timeout, fetch(&client, &bill()));
}

#[test]
fn a_cancel_ends_a_download_in_the_middle() {
    let (sender, arrived) = mpsc::channel();
    let provider = with_file("plain", move |_, file, connection| {
        connection.write(head(file.len()));
        connection.write(&file[..500]);
        sender.send(()).unwrap();
        assert!(connection.wait_for_end(), "the client hangs up");
    });
    let (client, _) = provider.client(json!({ "timeouts": { "read_ms": 600_000 } }));
    let mut params = bill();
    params["query"] = json!({ "bill_date": "2023-11-13" });
    let cancel = Cancel::default();
    let mut download = with_cancel(&client, &params, &cancel);
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(&mut download, 100));
        arrived.recv().unwrap();
        cancel.trigger();
        refused_as(Code::Cancelled, reading.join().unwrap());
    });
    refused_as(
        Code::Cancelled,
        read_all(&mut with_cancel(&client, &params, &cancel), 100),
    );
}

#[test]
fn limits_hold_for_all_parts_together() {
    let provider = in_parts(|_| {});
    let (client, _) = provider.client(json!({}));
    let mut params = encrypted_bill();
    let whole = packed("sealed").plain.len() + packed("sealed_part_two").plain.len();
    params["$"] = json!({ "max_bytes": whole });
    assert_eq!(fetch(&client, &params).unwrap().len(), whole);
    params["$"] = json!({ "max_bytes": whole - 1 });
    refused_as(Code::ResponseTooLarge, fetch(&client, &params));
}

#[test]
fn a_download_that_is_given_up_leaves_the_client_as_it_was() {
    let provider = with_file("plain", |_, file, connection| hand_out(connection, file));
    let (client, _) = provider.client(json!({}));
    let mut params = bill();
    params["query"] = json!({ "bill_date": "2023-11-13" });
    for _ in 0..3 {
        let mut download = begin(&client, &params);
        download.read(&mut [0; 10]).unwrap();
    }
    assert_eq!(fetch(&client, &params).unwrap(), packed("plain").plain);
}
