//! Connections are used again, and no answer ever reaches a request that it does not belong to.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use payseal::{Client, Code, Outcome, Result};
use serde_json::{Value, json};

use crate::requests::good_server;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::refused;
use crate::support::server::Server;

fn ask(client: &Client, order: &str, options: Value) -> Result<Value> {
    let params = with_options(query(order), options).to_string();
    client
        .execute(QUERY, params.as_bytes(), b"", None)
        .map(|answer| serde_json::from_slice(&answer.body).unwrap())
}

fn answer_about(order: &str) -> Vec<u8> {
    let mut body = transaction();
    body["out_trade_no"] = order.into();
    BY_PUBLIC_KEY.signed(body.to_string()).http(200)
}

#[test]
fn one_connection_serves_many_requests() {
    let (server, _received) = good_server();
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    for _ in 0..20 {
        ask(&client, ORDER, json!({})).unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn as_many_connections_as_threads_are_enough() {
    let (server, _received) = good_server();
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    ask(&client, ORDER, json!({})).unwrap();
                }
            });
        }
    });
    assert!(server.connections() <= 8, "{}", server.connections());
}

#[test]
fn a_late_answer_is_never_read_by_the_next_request() {
    // The answer to the first order comes when its request has been given up, and the second is on its way.
    let (gave_up, wait) = mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let server = Server::start(move |connection| {
        while let Some(request) = connection.request() {
            let order = request.target.split(['/', '?']).nth(5).unwrap().to_owned();
            if order == "orderone" {
                wait.lock().unwrap().recv().unwrap();
            }
            connection.write(answer_about(&order));
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()], "retry": { "max_attempts": 1 },
    })));
    let error = refused(ask(&client, "orderone", json!({ "timeout_ms": 1_000 })));
    assert_eq!(error.code(), Code::Timeout);
    assert_eq!(error.outcome(), Outcome::Unknown);
    gave_up.send(()).unwrap();
    for _ in 0..5 {
        let answer = ask(&client, "ordertwo", json!({})).unwrap();
        assert_eq!(answer["out_trade_no"], "ordertwo");
    }
    assert!(
        server.connections() >= 2,
        "the connection was given up with its request"
    );
}

#[test]
fn two_swapped_answers_are_both_refused() {
    // Both genuine, each for the other: a broken proxy could do this.
    let server = Server::start(|connection| {
        while let Some(request) = connection.request() {
            let other = if request.target.contains("orderone") {
                "ordertwo"
            } else {
                "orderone"
            };
            connection.write(answer_about(other));
        }
    });
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    std::thread::scope(|scope| {
        for order in ["orderone", "ordertwo"] {
            let client = &client;
            scope.spawn(move || {
                let error = refused(ask(client, order, json!({})));
                assert_eq!(error.code(), Code::ResponseMismatch);
                assert_eq!(error.outcome(), Outcome::Unknown);
            });
        }
    });
}

#[test]
fn bytes_after_an_answer_are_not_the_next_answer() {
    let (sent, both_sent) = mpsc::channel::<()>();
    let server = Server::start(move |connection| {
        let mut first = true;
        while let Some(request) = connection.request() {
            let order = request.target.split(['/', '?']).nth(5).unwrap().to_owned();
            connection.write(answer_about(&order));
            if first && connection.number == 0 {
                // An answer that nobody asked for, about the order that comes next.
                let mut forged = transaction();
                forged["out_trade_no"] = "ordertwo".into();
                forged["trade_state"] = "REFUND".into();
                connection.write(BY_PUBLIC_KEY.signed(forged.to_string()).http(200));
                sent.send(()).unwrap();
            }
            first = false;
        }
    });
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    ask(&client, "orderone", json!({})).unwrap();
    both_sent.recv().unwrap();
    let answer = ask(&client, "ordertwo", json!({})).unwrap();
    assert_eq!(
        answer["trade_state"], "SUCCESS",
        "an answer from before the question"
    );
}

#[test]
fn a_pooled_connection_that_the_server_closed_is_replaced() {
    let (closed, wait) = mpsc::channel::<()>();
    let server = Server::start(move |connection| {
        let request = connection.request();
        if request.is_some() {
            connection.write(answer_about(ORDER));
            connection.close();
            let _ = closed.send(());
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()], "retry": { "max_attempts": 1 },
    })));
    for count in 1..=5 {
        ask(&client, ORDER, json!({})).unwrap();
        wait.recv().unwrap();
        assert_eq!(server.connections(), count);
    }
}

#[test]
fn a_reused_connection_that_breaks_after_the_request_is_unknown_and_not_repeated_inside() {
    let server = Server::start(|connection| {
        if connection.request().is_some() {
            connection.write(answer_about(ORDER));
        }
        connection.request(); // the second request is read, and then there is silence for ever
        connection.close();
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()], "retry": { "max_attempts": 1 },
    })));
    ask(&client, ORDER, json!({})).unwrap();
    let error = refused(client.execute(REFUND, refund().to_string().as_bytes(), b"", None));
    assert_eq!(error.code(), Code::ConnectionLost, "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown);
    assert_eq!(server.connections(), 1);
}

#[test]
fn after_a_broken_answer_the_connection_is_not_used_again() {
    let server = Server::start(|connection| {
        while let Some(request) = connection.request() {
            let mut answer = answer_about(ORDER);
            if connection.number == 0 {
                answer.truncate(answer.len() - 3);
            }
            connection.write(answer);
            if connection.number == 0 && request.method == "GET" {
                connection.wait_for_end();
            }
        }
    });
    let (client, _) = merchant::client(config(json!({
        "hosts": [server.origin()], "retry": { "max_attempts": 1 },
    })));
    refused(ask(&client, ORDER, json!({ "timeout_ms": 300 })));
    ask(&client, ORDER, json!({})).unwrap();
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_retry_after_a_lost_connection_succeeds_on_a_new_one() {
    let server = Server::start(|connection| {
        while connection.request().is_some() {
            match connection.number {
                0 => return connection.reset(),
                1 => {
                    connection.write("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>")
                }
                _ => connection.write(answer_about(ORDER)),
            }
            if connection.number < 2 {
                return connection.close();
            }
        }
    });
    let (client, _) = merchant::client(config(json!({ "hosts": [server.origin()] })));
    assert_eq!(
        ask(&client, ORDER, json!({})).unwrap()["out_trade_no"],
        ORDER
    );
    assert_eq!(server.connections(), 3);
}
