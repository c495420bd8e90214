//! A hundred thousand calls: no memory, no handle, no descriptor and no thread is left behind. In a process of its own.

use std::process::Command;
use std::ptr;

use payseal::ffi::*;
use serde_json::json;

use crate::abi::{garbage, invoke, new_call, new_client, open, run, take};
use crate::support::merchant::{ORDER, QUERY, config, query};
use crate::support::platform::{BY_PUBLIC_KEY, notification};

const MARK: &str = "PAYSEAL_TEST_GROWTH";
/// What allocators and lazily filled tables may do.
const TOLERANCE: usize = 4 << 20;

#[test]
fn a_hundred_thousand_calls_leave_nothing_behind() {
    if std::env::var_os(MARK).is_some() {
        return grow();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "--test-threads=1",
            "memory::a_hundred_thousand_calls_leave_nothing_behind",
        ])
        .env(MARK, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("grew by"), "{said}");
}

fn grow() {
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let (lines, body) = (event.lines(), event.body);
    let threads = count("/proc/self/task");
    cheap(5_000);
    dear(50, &lines, &body);
    let (resident, descriptors) = (resident(), count("/proc/self/fd"));
    limit_address_space();
    cheap(95_000);
    dear(200, &lines, &body);
    let growth = self::resident().saturating_sub(resident);
    println!("100,250 calls: grew by {growth} bytes");
    assert!(growth < TOLERANCE, "grew by {growth} bytes");
    assert_eq!(count("/proc/self/fd"), descriptors);
    // A thread that looks up a name ends with its look-up.
    for _ in 0..10_000 {
        if count("/proc/self/task") == threads {
            return;
        }
        std::thread::yield_now();
    }
    panic!("a thread was left behind");
}

/// As `ulimit -v` does: from here on the process may map 64 MiB more than it has.
fn limit_address_space() {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let most = pages * 4096 + (64 << 20);
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: a plain system call on a value that lives.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

/// Outputs, errors and their texts.
fn cheap(rounds: usize) {
    for round in 0..rounds {
        let (algorithm, message) = ("SHA-256", round.to_le_bytes());
        let mut digest = garbage();
        run(|e| unsafe {
            payseal_crypto_digest(
                algorithm.as_ptr(),
                algorithm.len(),
                ptr::null(),
                0,
                message.as_ptr(),
                message.len(),
                &mut digest,
                e,
            )
        })
        .unwrap();
        assert_eq!(take(digest).len(), 32);
        let mut error = ptr::null_mut();
        unsafe { payseal_client_metrics(ptr::null(), &mut garbage(), &mut error) };
        payseal_error_free(error);
        let mut cancel = ptr::null_mut();
        unsafe { payseal_cancel_new(&mut cancel, ptr::null_mut()) };
        payseal_cancel_free(cancel);
    }
}

/// Clients with everything they do.
fn dear(rounds: usize, lines: &str, body: &[u8]) {
    for _ in 0..rounds {
        let hosts = json!({ "hosts": ["http://127.0.0.1:9"], "retry": { "max_attempts": 1 } });
        let client = new_client(&config(hosts), ptr::null()).unwrap();
        invoke(client, &json!({ "prepay_id": "wx1" })).unwrap();
        open(client, lines, body).unwrap_err(); // the system's clock is not that of the message
        let call = new_call(client, QUERY, &query(ORDER)).unwrap();
        crate::abi::step(call).unwrap();
        payseal_call_free(call);
        let (mut answer, mut info) = (garbage(), garbage());
        let params = query(ORDER).to_string();
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
                &mut answer,
                &mut info,
                e,
            )
        })
        .unwrap_err();
        payseal_client_free(client);
    }
}

fn count(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

/// Bytes of memory in use by this process.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}
