//! Servers that answer badly, in every way a network allows: each becomes a named error, and none is taken for an answer.

use std::time::{Duration, Instant};

use payseal::call::Delivered;
use payseal::{Code, Error, Outcome};
use serde_json::{Value, json};

use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction};
use crate::support::refused;
use crate::support::server::{Connection, Server};

/// Of calls that are meant to run into it.
const DEADLINE: Duration = Duration::from_millis(1_000);
/// Of all others.
const PATIENCE: Duration = Duration::from_secs(20);
/// For a machine that is busy with other tests: it only has to be far below "for ever".
const SLACK: Duration = Duration::from_secs(20);

fn good() -> Vec<u8> {
    BY_PUBLIC_KEY.signed(transaction().to_string()).http(200)
}

/// The head of a good answer with other framing, and its body.
fn framed(framing: &str) -> (String, Vec<u8>) {
    let signed = BY_PUBLIC_KEY.signed(transaction().to_string());
    let lines = signed.lines().replace('\n', "\r\n");
    (
        format!("HTTP/1.1 200 OK\r\n{lines}{framing}\r\n"),
        signed.body,
    )
}

fn ask(
    behave: impl Fn(&mut Connection) + Send + Sync + 'static,
    changes: Value,
    operation: &str,
    params: &Value,
) -> (Result<Delivered, Error>, usize) {
    ask_within(PATIENCE, behave, changes, operation, params)
}

fn ask_within(
    deadline: Duration,
    behave: impl Fn(&mut Connection) + Send + Sync + 'static,
    changes: Value,
    operation: &str,
    params: &Value,
) -> (Result<Delivered, Error>, usize) {
    let server = Server::start(behave);
    let mut all = json!({ "hosts": [server.origin()], "retry": { "max_attempts": 1 } });
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    let (client, _) = merchant::client(config(all));
    let params = with_options(
        params.clone(),
        json!({ "timeout_ms": deadline.as_millis() as u64 }),
    );
    let start = Instant::now();
    let result = client.execute(operation, params.to_string().as_bytes(), b"", None);
    assert!(start.elapsed() < deadline + SLACK, "{:?}", start.elapsed());
    (result, server.connections())
}

/// After the request was read, the server does this.
#[track_caller]
fn after_reading(code: Code, behave: impl Fn(&mut Connection) + Send + Sync + Clone + 'static) {
    after_reading_one_of(&[code], behave);
}

#[track_caller]
fn after_reading_one_of(
    codes: &[Code],
    behave: impl Fn(&mut Connection) + Send + Sync + Clone + 'static,
) {
    for (operation, params) in [(QUERY, query(ORDER)), (REFUND, refund())] {
        let behave = behave.clone();
        let behave = move |connection: &mut Connection| {
            connection.request();
            behave(connection);
        };
        let deadline = match codes {
            [Code::Timeout] => DEADLINE,
            _ => PATIENCE,
        };
        let (result, connections) = ask_within(deadline, behave, json!({}), operation, &params);
        let error = refused(result);
        assert!(codes.contains(&error.code()), "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
        assert_eq!(connections, 1, "the transport itself repeats nothing");
    }
}

#[test]
fn a_body_cut_short_is_no_answer() {
    after_reading(Code::ConnectionLost, |connection| {
        let whole = good();
        connection.write(&whole[..whole.len() - 1]);
        connection.close();
    });
    after_reading(Code::ConnectionLost, |connection| {
        let (head, _) = framed("Content-Length: 1000\r\n");
        connection.write(head);
        connection.close();
    });
}

#[test]
fn chunks_cut_short_are_no_answer() {
    for cut in 0..3 {
        // Where it was cut decides whether that is lost or improper.
        let codes = [Code::ConnectionLost, Code::ResponseInvalid];
        after_reading_one_of(&codes, move |connection| {
            let (head, body) = framed("Transfer-Encoding: chunked\r\n");
            connection.write(head);
            let chunk = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
            match cut {
                0 => connection.write(&chunk[..chunk.len() / 2]),
                1 => connection.write(&chunk), // without the last, empty chunk
                _ => connection.write([chunk.as_slice(), b"0"].concat()),
            }
            connection.close();
        });
    }
}

#[test]
fn a_body_that_ends_with_the_connection_is_believed_by_its_signature_alone() {
    // HTTP cannot see here whether the body is whole.
    let send = |cut: usize| {
        move |connection: &mut Connection| {
            connection.request();
            let (head, body) = framed("Connection: close\r\n");
            connection.write(head);
            connection.write(&body[..body.len() - cut]);
            connection.close();
        }
    };
    ask(send(0), json!({}), QUERY, &query(ORDER)).0.unwrap();
    let error = refused(ask(send(1), json!({}), QUERY, &query(ORDER)).0);
    assert_eq!(error.code(), Code::SignatureInvalid);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn silence_ends_at_the_deadline() {
    after_reading(Code::Timeout, |connection| {
        connection.wait_for_end();
    });
    after_reading(Code::Timeout, |connection| {
        let whole = good();
        connection.write(&whole[..whole.len() / 2]);
        connection.wait_for_end();
    });
}

#[test]
fn a_server_that_does_not_read_is_given_up_at_the_deadline() {
    let (result, _) = ask_within(
        DEADLINE,
        |connection| {
            connection.wait_for_end();
        },
        json!({}),
        QUERY,
        &query(ORDER),
    );
    let error = refused(result);
    assert_eq!(error.code(), Code::Timeout, "{error:?}");
    assert_eq!(error.outcome(), Outcome::Unknown, "bytes may have left");
}

#[test]
fn an_answer_byte_by_byte_does_not_outlast_the_deadline() {
    after_reading(Code::Timeout, |connection| {
        use std::io::Write;
        for byte in good() {
            // One byte in 20 ms: the whole would take many times the deadline.
            std::thread::sleep(Duration::from_millis(20));
            if connection.stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
}

#[test]
fn a_reset_after_the_request_was_read_is_unknown() {
    after_reading(Code::ConnectionLost, |connection| connection.reset());
    after_reading(Code::ConnectionLost, |connection| connection.close());
    after_reading(Code::ConnectionLost, |connection| {
        connection.write(&good()[..20]);
        connection.reset();
    });
}

#[test]
fn a_reset_before_the_request_was_read_is_never_a_no() {
    let (result, _) = ask(
        |connection| connection.reset(),
        json!({}),
        REFUND,
        &refund(),
    );
    let error = refused(result);
    // Whether the bytes were read cannot be known from here.
    assert!(
        matches!(
            (error.code(), error.outcome()),
            (Code::ConnectionLost, Outcome::Unknown) | (Code::ConnectFailed, Outcome::NotSent)
        ),
        "{error:?}"
    );
}

#[test]
fn an_answer_that_is_not_http_is_none() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
        "\0\0\0\0\0\0\0\0\r\n\r\n",
        "HTTP/1.1 twohundred OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ] {
        after_reading(Code::ResponseInvalid, move |connection| {
            connection.write(garbage);
            connection.close();
        });
    }
}

#[test]
fn two_lengths_are_no_length() {
    after_reading(Code::ResponseInvalid, |connection| {
        let (head, body) = framed("Content-Length: 5\r\nContent-Length: 6\r\n");
        connection.write(head);
        connection.write(body);
        connection.close();
    });
}

#[test]
fn a_length_beside_chunks_never_lets_a_changed_body_pass() {
    let (result, _) = ask(
        |connection| {
            connection.request();
            let (head, body) = framed("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n");
            connection.write(head);
            connection.write(format!("{:x}\r\n", body.len()));
            connection.write(body);
            connection.write("\r\n0\r\n\r\n");
            connection.close();
        },
        json!({}),
        QUERY,
        &query(ORDER),
    );
    match result {
        Ok(answer) => assert_eq!(*answer.body, transaction().to_string().into_bytes()),
        Err(error) => assert_eq!(refused::<()>(Err(error)).outcome(), Outcome::Unknown),
    }
}

#[test]
fn a_huge_header_is_too_large() {
    after_reading(Code::ResponseTooLarge, |connection| {
        let line = format!("X-Large: {}\r\n", "x".repeat(1 << 20));
        connection.write(format!("HTTP/1.1 200 OK\r\n{line}\r\n"));
        connection.close();
    });
}

#[test]
fn a_body_above_the_limit_is_too_large() {
    for framing in ["Content-Length: 5000000\r\n", "Connection: close\r\n"] {
        let (result, _) = ask(
            move |connection| {
                connection.request();
                connection.write(format!("HTTP/1.1 200 OK\r\n{framing}\r\n"));
                connection.write(vec![b'x'; 5_000_000]);
                connection.close();
            },
            json!({ "max_response_bytes": 1 << 20 }),
            QUERY,
            &query(ORDER),
        );
        let error = refused(result);
        assert_eq!(error.code(), Code::ResponseTooLarge, "{error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let trap = Server::start(|connection| {
        connection.request();
    });
    for status in [301, 302, 303, 307, 308] {
        let target = trap.origin();
        after_reading(Code::ResponseInvalid, move |connection| {
            connection.write(format!(
                "HTTP/1.1 {status} Elsewhere\r\nLocation: {target}/v3/x\r\nContent-Length: 0\r\n\r\n"
            ));
        });
    }
    assert_eq!(trap.connections(), 0, "the signature was carried elsewhere");
}

#[test]
fn an_answer_is_handed_over_as_it_came_also_when_it_claims_compression() {
    let (result, _) = ask(
        |connection| {
            connection.request();
            let (head, body) = framed("Content-Encoding: gzip\r\nConnection: close\r\n");
            connection.write(head);
            connection.write(body);
            connection.close();
        },
        json!({}),
        QUERY,
        &query(ORDER),
    );
    assert_eq!(
        *result.unwrap().body,
        transaction().to_string().into_bytes()
    );
}

#[test]
fn an_answer_of_204_and_chunks_and_interim_answers_are_understood() {
    let close = "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close";
    let (result, _) = ask(
        |connection| {
            connection.request();
            let lines = BY_PUBLIC_KEY.signed("").lines().replace('\n', "\r\n");
            connection
                .write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
            connection.write(format!("HTTP/1.1 204 No Content\r\n{lines}\r\n"));
        },
        json!({}),
        close,
        &query(ORDER),
    );
    assert!(result.unwrap().body.is_empty());
    let (result, _) = ask(
        |connection| {
            connection.request();
            let (head, body) = framed("Transfer-Encoding: chunked\r\n");
            connection.write(head);
            for chunk in body.chunks(7) {
                connection.write(format!("{:X};extension=1\r\n", chunk.len()));
                connection.write(chunk);
                connection.write("\r\n");
            }
            connection.write("0\r\nTrailer: x\r\n\r\n");
            connection.close();
        },
        json!({}),
        QUERY,
        &query(ORDER),
    );
    assert_eq!(
        *result.unwrap().body,
        transaction().to_string().into_bytes()
    );
}

#[test]
fn a_signature_header_that_comes_twice_over_the_wire_is_refused() {
    let (result, _) = ask(
        |connection| {
            connection.request();
            let signed = BY_PUBLIC_KEY.signed(transaction().to_string());
            let again = signed.get("Wechatpay-Signature").to_owned();
            connection.write(signed.and("wechatpay-signature", &again).http(200));
        },
        json!({}),
        QUERY,
        &query(ORDER),
    );
    assert_eq!(refused(result).code(), Code::HeaderInvalid);
}
