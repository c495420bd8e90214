//! A host's own HTTP client drives the same machine; here the test is the client, and there is no network.

use std::collections::VecDeque;

use payseal::download::{Machine, Next};
use payseal::wire::{Failure, FailureKind};
use payseal::{Code, Result};
use serde_json::{Value, json};

use crate::files::packed;
use crate::support::merchant::{self, config};
use crate::support::openssl::Folder;
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::refused_as;

const URL: &str = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=t";

/// What the host's client brings: status, header lines, pieces of the body; a missing piece breaks the connection.
type Brought = (u32, String, Vec<Option<Vec<u8>>>);

fn application(answer: Value) -> Brought {
    let signed = BY_PUBLIC_KEY.signed(answer.to_string());
    let body = signed
        .body
        .chunks(40)
        .map(|piece| Some(piece.to_vec()))
        .collect();
    (200, signed.lines(), body)
}

fn file(pieces: &[u8]) -> Brought {
    let body = pieces
        .chunks(100)
        .map(|piece| Some(piece.to_vec()))
        .collect();
    (200, "Content-Type: text/plain\n".into(), body)
}

fn lost() -> Failure {
    Failure {
        kind: FailureKind::Sent,
        code: Code::ConnectionLost,
        reason: "a test wants it so".into(),
    }
}

fn drive(machine: &mut Machine, script: Vec<Brought>) -> Result<Vec<u8>> {
    let mut script: VecDeque<Brought> = script.into();
    let mut body = VecDeque::new();
    let (mut plain, mut out) = (Vec::new(), [0; 64]);
    loop {
        match machine.step()? {
            Next::Send => {
                let request = machine.request()?;
                assert!(
                    request
                        .headers
                        .iter()
                        .any(|(name, _)| *name == "Authorization")
                );
                assert_eq!(
                    request.head_timeout.is_some(),
                    request.target.contains("billdownload")
                );
                let (status, headers, pieces) = script.pop_front().expect("another request");
                body = pieces.into();
                machine.respond_raw(status, headers.as_bytes())?;
            }
            Next::Wait(time) => std::thread::sleep(time),
            Next::Receive => match body.pop_front() {
                Some(Some(piece)) => machine.receive(&piece)?,
                Some(None) => machine.fail(lost())?,
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

fn with_machine<T>(params: &Value, work: impl FnOnce(&mut Machine) -> T) -> T {
    let (client, _) = merchant::client(config(json!({})));
    let mut download = client
        .download(params.to_string().as_bytes(), None)
        .unwrap();
    work(download.machine().unwrap())
}

fn bill() -> Value {
    json!({ "operation": "GET /v3/bill/tradebill", "query": { "bill_date": "2023-11-13", "tar_type": "GZIP" } })
}

#[test]
fn a_host_that_brings_the_bytes_gets_the_same_file() {
    let script = vec![
        application(packed("gzip").answer(URL)),
        file(&packed("gzip").received),
    ];
    let plain = with_machine(&bill(), |machine| drive(machine, script));
    assert_eq!(plain.unwrap(), packed("gzip").plain);
}

#[test]
fn a_host_can_have_it_saved() {
    let folder = Folder::new();
    let script = vec![
        application(packed("gzip").answer(URL)),
        file(&packed("gzip").received),
    ];
    with_machine(&bill(), |machine| {
        machine.save(folder.path("bill.csv").as_ref()).unwrap();
        assert!(drive(machine, script).unwrap().is_empty());
    });
    assert_eq!(
        std::fs::read(folder.path("bill.csv")).unwrap(),
        packed("gzip").plain
    );
    let script = vec![
        application(packed("gzip").answer(URL)),
        file(b"something else"),
    ];
    with_machine(&bill(), |machine| {
        machine.save(folder.path("other.csv").as_ref()).unwrap();
        refused_as(Code::BodyInvalid, drive(machine, script));
    });
    assert!(!std::path::Path::new(&folder.path("other.csv")).exists());
}

#[test]
fn the_other_checks_are_the_same() {
    let wrong = vec![
        application(packed("gzip").answer(URL)),
        file(&packed("gzip_of_two_members").received),
    ];
    refused_as(
        Code::HashMismatch,
        with_machine(&bill(), |machine| drive(machine, wrong)),
    );
    let unsigned = packed("gzip").answer(URL).to_string().into_bytes();
    let unsigned = vec![(200, String::new(), vec![Some(unsigned)])];
    refused_as(
        Code::SignatureMissing,
        with_machine(&bill(), |machine| drive(machine, unsigned)),
    );
    let elsewhere = vec![application(
        packed("gzip").answer("https://evil.example/v3/x"),
    )];
    refused_as(
        Code::ResponseMismatch,
        with_machine(&bill(), |machine| drive(machine, elsewhere)),
    );
    let no_http = vec![(7, String::new(), Vec::new())];
    refused_as(
        Code::ResponseInvalid,
        with_machine(&with_one_attempt(), |machine| drive(machine, no_http)),
    );
}

fn with_one_attempt() -> Value {
    let mut params = bill();
    params["$"] = json!({ "max_attempts": 1 });
    params
}

#[test]
fn a_file_that_breaks_off_is_fetched_again_only_while_nobody_has_seen_it() {
    let broken = || {
        let (status, headers, _) = file(b"");
        (status, headers, vec![None])
    };
    let script = vec![
        application(packed("gzip").answer(URL)),
        broken(),
        broken(),
        file(&packed("gzip").received),
    ];
    let plain = with_machine(&bill(), |machine| drive(machine, script));
    assert_eq!(plain.unwrap(), packed("gzip").plain);
    let half = {
        let (status, headers, mut body) = file(&packed("plain").received);
        body.truncate(3);
        body.push(None);
        (status, headers, body)
    };
    let mut params = bill();
    params["query"] = json!({ "bill_date": "2023-11-13" });
    let script = vec![application(packed("plain").answer(URL)), half];
    refused_as(
        Code::ConnectionLost,
        with_machine(&params, |machine| drive(machine, script)),
    );
}

#[test]
fn a_step_out_of_turn_is_refused_and_harms_nothing() {
    with_machine(&bill(), |machine| {
        refused_as(Code::InvalidState, machine.receive(b"x"));
        refused_as(Code::InvalidState, machine.ended());
        assert_eq!(machine.take(&mut [0; 4]).unwrap(), 0);
        assert_eq!(machine.step().unwrap(), Next::Send);
        refused_as(Code::InvalidState, machine.receive(b"x"));
        let script = vec![
            application(packed("gzip").answer(URL)),
            file(&packed("gzip").received),
        ];
        assert_eq!(drive(machine, script).unwrap(), packed("gzip").plain);
        refused_as(Code::InvalidState, machine.ended());
        refused_as(Code::InvalidState, machine.fail(lost()));
        assert_eq!(machine.step().unwrap(), Next::Done);
    });
}

#[test]
fn a_host_that_gives_up_ends_it_for_good() {
    let given_up = || Failure {
        kind: FailureKind::Cancelled { sent: true },
        code: Code::Cancelled,
        reason: "the caller went away".into(),
    };
    with_machine(&bill(), |machine| {
        machine.step().unwrap();
        machine.fail(given_up()).unwrap();
        refused_as(Code::Cancelled, machine.step());
        refused_as(Code::Cancelled, machine.step());
    });
}
