//! A file may be larger than memory. Each measurement runs in a process of its own, since the peak is the process's.

use std::path::Path;

use serde_json::json;

use crate::decoding::gzip;
use crate::provider::*;
use crate::support::openssl::Folder;

/// What may be resident at most, in KiB, program and server included.
const LIMIT: u64 = 64 << 10;
/// Of the bill that is read, unpacked, in MiB.
const LENGTH: usize = 2048;
/// Of the one that is saved, so that no disk is needed for the other.
const SAVED: usize = 128;

#[test]
fn a_bill_is_read_in_bounded_memory() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "memory::alone_with_a_long_bill",
            "--ignored",
            "--nocapture",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let resident = said
        .split("resident ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next()?.parse().ok());
    let resident: u64 = resident.unwrap_or_else(|| panic!("{said}"));
    assert!(child.status.success(), "{said}");
    println!(
        "a bill of {LENGTH} MiB read, one of {SAVED} MiB saved: {resident} KiB resident at most"
    );
    assert!(resident < LIMIT, "{resident} KiB");
}

#[test]
#[ignore = "run by a_bill_is_read_in_bounded_memory"]
fn alone_with_a_long_bill() {
    let rows: String = (0..9_000)
        .map(|n| {
            format!("`2023-11-13 09:00:00,`42000012342023{n:08},`order{n:06},`{n}.00,`0.60%\r\n")
        })
        .collect();
    let half = &rows.as_bytes()[..512 << 10];
    let member = gzip(half);
    let provider = |length: usize| {
        let mut hasher = payseal::crypto::Hasher::sha1();
        (0..length * 2).for_each(|_| hasher.update(half));
        let hash: String = hasher.finish().iter().map(|b| format!("{b:02x}")).collect();
        let member = member.clone();
        Provider::start(move |request, connection| {
            if is_application(request) {
                let url = format!("{}{FILE}t", origin(request));
                let body = json!({ "download_url": url, "hash_type": "SHA1", "hash_value": hash });
                return answer(connection, 200, body);
            }
            connection.write(head(member.len() * length * 2));
            (0..length * 2).for_each(|_| connection.write(&member));
        })
    };
    let long = provider(LENGTH);
    let (client, _) = long.client(json!({}));
    let mut download = begin(&client, &bill());
    let (mut piece, mut total) = (vec![0; 64 << 10], 0);
    loop {
        match download.read(&mut piece).unwrap() {
            0 => break,
            length => total += length,
        }
    }
    assert_eq!(total, LENGTH << 20);
    let (short, folder) = (provider(SAVED), Folder::new());
    let (client, _) = short.client(json!({}));
    let info = begin(&client, &bill())
        .save(Path::new(&folder.path("bill.csv")))
        .unwrap();
    assert_eq!(info["bytes"], SAVED << 20);
    // Where the answer is the file.
    crate::bills_v2::read_and_save(SAVED);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    println!("resident {} KiB", peak.trim().trim_end_matches(" kB"));
}
