//! Giving up a request that is on its way, from another thread.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use payseal::cancel::Cancel;
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::refused_as;
use crate::support::server::Server;

#[test]
fn a_request_in_flight_ends_when_another_thread_cancels() {
    let (sender, arrived) = mpsc::channel();
    let server = Server::start(move |connection| {
        if connection.request().is_some() {
            sender.send(()).unwrap();
            assert!(connection.wait_for_end(), "the client hangs up");
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()],
        "timeouts": { "total_ms": 600_000, "read_ms": 600_000 },
    })));
    for (operation, params) in [(QUERY, query(ORDER)), (REFUND, refund())] {
        let cancel = Cancel::default();
        std::thread::scope(|scope| {
            let call = scope.spawn(|| {
                client.execute(operation, params.to_string().as_bytes(), b"", Some(&cancel))
            });
            arrived.recv().unwrap();
            cancel.trigger();
            let error = refused_as(Code::Cancelled, call.join().unwrap());
            assert_eq!(error.outcome(), Outcome::Unknown, "its bytes had left");
        });
    }
}

#[test]
fn cancelling_one_call_leaves_the_others_of_its_client_alone() {
    let (sender, arrived) = mpsc::channel();
    let (release, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            sender.send(()).unwrap();
            if request.target.contains("orderone") {
                connection.wait_for_end();
                return;
            }
            wait.lock().unwrap().recv().unwrap();
            connection.write(BY_PUBLIC_KEY.signed(transaction().to_string()).http(200));
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()], "timeouts": { "total_ms": 600_000, "read_ms": 600_000 },
    })));
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let (one, other) = (query("orderone").to_string(), query(ORDER).to_string());
        let (client, cancel) = (&client, &cancel);
        let given_up =
            scope.spawn(move || client.execute(QUERY, one.as_bytes(), b"", Some(cancel)));
        let kept = scope.spawn(move || client.execute(QUERY, other.as_bytes(), b"", None));
        arrived.recv().unwrap();
        arrived.recv().unwrap();
        cancel.trigger();
        refused_as(Code::Cancelled, given_up.join().unwrap());
        release.send(()).unwrap();
        kept.join().unwrap().unwrap();
    });
}

#[test]
fn a_cancel_that_comes_too_late_does_no_harm_to_the_next_request() {
    let server = Server::start(|connection| {
        while connection.request().is_some() {
            connection.write(BY_PUBLIC_KEY.signed(transaction().to_string()).http(200));
        }
    });
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    let params = query(ORDER).to_string();
    for _ in 0..20 {
        let cancel = Cancel::default();
        client
            .execute(QUERY, params.as_bytes(), b"", Some(&cancel))
            .unwrap();
        cancel.trigger(); // the connection is back in the pool
        client.execute(QUERY, params.as_bytes(), b"", None).unwrap();
    }
    assert_eq!(
        server.connections(),
        1,
        "no pooled connection was shut down"
    );
}

#[test]
fn a_handshake_that_never_ends_can_be_given_up() {
    let (sender, arrived) = mpsc::channel();
    let server = Server::start(move |connection| {
        use std::io::Read;
        let mut first = [0];
        if connection.stream.read_exact(&mut first).is_ok() {
            let _ = sender.send(());
            connection.wait_for_end();
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [format!("https://localhost:{}", server.address.port())],
        "timeouts": { "total_ms": 600_000, "connect_ms": 600_000 },
        "retry": { "max_attempts": 1 },
    })));
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        let call = scope
            .spawn(|| client.execute(REFUND, refund().to_string().as_bytes(), b"", Some(&cancel)));
        arrived.recv().unwrap();
        cancel.trigger();
        let error = refused_as(Code::Cancelled, call.join().unwrap());
        assert_eq!(
            error.outcome(),
            Outcome::NotSent,
            "not a byte of the request left"
        );
    });
}
