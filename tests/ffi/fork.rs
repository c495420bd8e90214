//! A client that is made before `fork` and used after it, by parent and child.

use std::collections::HashSet;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use payseal::crypto::{Verdict, base64};
use payseal::ffi::*;
use serde_json::{Value, json};

use crate::abi::{garbage, invoke, new_client, new_download, run, standing_clock, take};
use crate::support::merchant::{APPID, NOW, ORDER, QUERY, config, query};
use crate::support::platform::{BY_PUBLIC_KEY, merchant_key, transaction};
use crate::support::server::Server;

/// Runs `body` in a forked child, and gives what it returned. The child never returns into the test harness.
fn in_a_child(body: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let mut ends = [0; 2];
    // SAFETY: two descriptors fit.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: the child only runs the library and system calls, then ends.
    match unsafe { libc::fork() } {
        -1 => panic!("fork failed"),
        0 => {
            // SAFETY: ends a child that hangs; the status tells.
            unsafe { libc::alarm(30) };
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            let status = match result {
                Ok(bytes) => {
                    // SAFETY: the bytes are there.
                    let written =
                        unsafe { libc::write(ends[1], bytes.as_ptr().cast(), bytes.len()) };
                    i32::from(written != bytes.len() as isize)
                }
                Err(_) => 1,
            };
            // SAFETY: without destructors and exit handlers, which are the parent's.
            unsafe { libc::_exit(status) }
        }
        child => {
            // SAFETY: both descriptors are ours.
            let (read, write) =
                unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
            drop(write);
            let mut bytes = Vec::new();
            std::fs::File::from(read).read_to_end(&mut bytes).unwrap();
            let mut status = 0;
            // SAFETY: our own child.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert!(
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
                "the child ended with {status:#x}"
            );
            bytes
        }
    }
}

/// Signs nothing: what a thousand children differ in is the nonce, and signing would cost them most of their time.
unsafe extern "C" fn sign(
    _: *mut std::ffi::c_void,
    _: *const u8,
    _: usize,
    signature: *mut u8,
    len: *mut usize,
) -> i32 {
    // SAFETY: the header promises room for 1024 bytes.
    unsafe {
        ptr::write_bytes(signature, 7, 256);
        *len = 256;
    }
    0
}

fn page(client: *const payseal_client) -> Value {
    invoke(client, &json!({ "prepay_id": "wx1" })).unwrap()
}

#[test]
fn a_thousand_forked_children_have_a_thousand_nonces() {
    let table = payseal_callbacks {
        sign: Some(sign),
        ..standing_clock()
    };
    let client = new_client(&config(json!({ "private_key": null })), &table).unwrap();
    let nonce = || {
        page(client)["nonceStr"]
            .as_str()
            .unwrap()
            .as_bytes()
            .to_vec()
    };
    let mut seen = HashSet::from([nonce()]);
    for _ in 0..1_000 {
        let nonce = in_a_child(nonce);
        assert_eq!(nonce.len(), 32);
        assert!(seen.insert(nonce), "a child repeated a nonce");
    }
    assert!(seen.insert(nonce()));
    payseal_client_free(client);
}

#[test]
fn a_forked_child_signs_what_can_be_verified() {
    let client = new_client(&config(json!({})), &standing_clock()).unwrap();
    for _ in 0..20 {
        let result = in_a_child(|| page(client).to_string().into_bytes());
        let result: Value = serde_json::from_slice(&result).unwrap();
        let nonce = result["nonceStr"].as_str().unwrap();
        let message = format!("{APPID}\n{NOW}\n{nonce}\nprepay_id=wx1\n");
        let signature = base64::decode(result["paySign"].as_str().unwrap().as_bytes()).unwrap();
        assert_eq!(
            merchant_key().verify_sha256(message.as_bytes(), &signature),
            Verdict::Valid
        );
    }
    payseal_client_free(client);
}

fn execute(client: *const payseal_client) -> Value {
    let params = query(ORDER).to_string();
    let (mut body, mut info) = (garbage(), garbage());
    run(|e| unsafe {
        payseal_client_execute(
            client,
            QUERY.as_ptr(),
            QUERY.len(),
            params.as_ptr(),
            params.len(),
            ptr::null(),
            0,
            ptr::null(),
            &mut body,
            &mut info,
            e,
        )
    })
    .unwrap();
    take(info);
    serde_json::from_slice(&take(body)).unwrap()
}

#[test]
fn a_child_opens_its_own_connections_and_leaves_its_parents_alone() {
    let server = Server::start(|connection| {
        while connection.request().is_some() {
            connection.write(BY_PUBLIC_KEY.signed(transaction().to_string()).http(200));
        }
    });
    let hosts = json!({ "hosts": [server.origin()] });
    let client = new_client(&config(hosts), &standing_clock()).unwrap();
    execute(client);
    assert_eq!(server.connections(), 1);
    for child in 1..=3 {
        let answer = in_a_child(|| {
            let first = execute(client);
            assert_eq!(execute(client), first);
            payseal_client_free(client); // the child's copy; the parent's goes on
            first["out_trade_no"].as_str().unwrap().as_bytes().to_vec()
        });
        assert_eq!(answer, ORDER.as_bytes());
        assert_eq!(
            server.connections(),
            1 + child,
            "one connection for two requests of the child"
        );
        execute(client);
        assert_eq!(
            server.connections(),
            1 + child,
            "the parent's pool was left alone"
        );
    }
    payseal_client_free(client);
}

#[test]
fn a_child_of_a_busy_parent_is_not_stuck() {
    // Threads of the parent are inside the library at the moment of the fork, with whatever they hold.
    let changes = json!({ "replay_guard": { "entries": 1000 } });
    let client = new_client(&config(changes), &standing_clock()).unwrap();
    let handle = client.addr();
    let event = BY_PUBLIC_KEY.signed(crate::support::platform::notification().to_string());
    let (lines, body) = (event.lines(), event.body);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _stops_at_the_end = StopAtTheEnd(&stop);
        for _ in 0..4 {
            let (stop, lines, body) = (&stop, &lines, &body);
            scope.spawn(move || {
                let client = ptr::without_provenance(handle);
                while !stop.load(SeqCst) {
                    crate::abi::open(client, lines, body).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let replay = in_a_child(|| {
                let (_, event) = crate::abi::open(client, &lines, &body).unwrap();
                event["replay"].to_string().into_bytes()
            });
            assert_eq!(replay, b"false", "the child starts with a guard of its own");
        }
    });
    payseal_client_free(client);
}

/// Ends the threads also when the test fails, for a scope waits for them.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn a_download_is_its_process_and_a_child_can_neither_read_nor_spoil_it() {
    let folder = crate::support::openssl::Folder::new();
    let client = new_client(&config(json!({})), ptr::null()).unwrap();
    let file = r#"{"operation":"GET /v3/bill/tradebill","query":{"bill_date":"2023-11-13"}}"#;
    let download = new_download(client, file).unwrap();
    let path = folder.path("bill.csv");
    run(|e| unsafe { payseal_download_save_to(download, path.as_ptr(), path.len(), e) }).unwrap();
    let names = || std::fs::read_dir(folder.path("")).unwrap().count();
    assert_eq!(names(), 1, "under its temporary name");
    let code = in_a_child(|| {
        let mut action = 0;
        let raised =
            run(|e| unsafe { payseal_download_step(download, &mut action, ptr::null_mut(), e) })
                .unwrap_err();
        payseal_download_free(download);
        raised.code.to_string().into_bytes()
    });
    assert_eq!(
        code,
        (payseal::Code::InvalidState as i32)
            .to_string()
            .into_bytes()
    );
    assert_eq!(names(), 1, "the child did not remove it");
    let mut action = 0;
    run(|e| unsafe { payseal_download_step(download, &mut action, ptr::null_mut(), e) }).unwrap();
    assert_eq!(action, Action::Send as i32);
    payseal_download_free(download);
    assert_eq!(names(), 0);
    payseal_client_free(client);
}
