//! Into a file: there whole, or not there.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use payseal::{Client, Code, Result};
use serde_json::{Value, json};

use crate::files::packed;
use crate::provider::*;
use crate::support::openssl::Folder;
use crate::support::{field, refused, refused_as};

fn save(client: &Client, params: &Value, path: &str) -> Result<Value> {
    begin(client, params).save(Path::new(path))
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path("")).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// The first `failures` times the file breaks off after some bytes.
fn provider(name: &'static str, failures: usize) -> Provider {
    let times = AtomicUsize::new(0);
    Provider::start(move |request, connection| {
        let packed = packed(name);
        if is_application(request) {
            let url = format!("{}{FILE}t", origin(request));
            return answer(connection, 200, packed.answer(&url));
        }
        match times.fetch_add(1, SeqCst) < failures {
            true => break_off(connection, &packed.received, packed.received.len() / 2),
            false => hand_out(connection, &packed.received),
        }
    })
}

fn plain_bill() -> Value {
    json!({ "operation": TRADE_BILL, "query": { "bill_date": "2023-11-13" } })
}

#[test]
fn a_file_is_saved_whole_and_for_its_owner_alone() {
    let (provider, folder) = (provider("gzip", 0), Folder::new());
    let (client, _) = provider.client(json!({}));
    let info = save(&client, &bill(), &folder.path("bill.csv")).unwrap();
    assert_eq!(
        (&info["complete"], &info["verified"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        fs::read(folder.path("bill.csv")).unwrap(),
        packed("gzip").plain
    );
    assert_eq!(names(&folder), ["bill.csv"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.path("bill.csv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_connection_that_breaks_while_a_file_is_saved_is_tried_again_from_the_start() {
    let (provider, folder) = (provider("plain", 2), Folder::new());
    let (client, _) = provider.client(json!({}));
    save(&client, &plain_bill(), &folder.path("bill.csv")).unwrap();
    assert_eq!(
        fs::read(folder.path("bill.csv")).unwrap(),
        packed("plain").plain
    );
    assert_eq!(provider.asked().len(), 4);
}

#[test]
fn a_file_that_was_there_is_replaced_only_by_a_whole_and_right_one() {
    let folder = Folder::new();
    let path = folder.write("bill.csv", b"yesterday's");
    let broken = provider("plain", 99);
    let (client, _) = broken.client(json!({}));
    refused_as(Code::ConnectionLost, save(&client, &plain_bill(), &path));
    let wrong = Provider::start(|request, connection| match is_application(request) {
        true => answer(
            connection,
            200,
            packed("gzip").answer(&format!("{}{FILE}t", origin(request))),
        ),
        false => hand_out(connection, &packed("gzip_of_two_members").received),
    });
    let (client, _) = wrong.client(json!({}));
    refused_as(Code::HashMismatch, save(&client, &bill(), &path));
    assert_eq!(fs::read(&path).unwrap(), b"yesterday's");
    assert_eq!(names(&folder), ["bill.csv"], "nothing else stays");
    let good = provider("gzip", 0);
    let (client, _) = good.client(json!({}));
    save(&client, &bill(), &path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), packed("gzip").plain);
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_before_anything_is_sent() {
    let (provider, folder) = (provider("gzip", 0), Folder::new());
    let (client, _) = provider.client(json!({}));
    let file = folder.write("file", b"");
    for path in [
        folder.path("none/bill.csv"),
        folder.path(""),
        format!("{file}/bill.csv"),
        "/proc/bill.csv".into(),
        "/".into(),
        "..".into(),
    ] {
        let error = refused_as(Code::FileFailed, save(&client, &bill(), &path));
        assert_eq!(field(&error), "path");
    }
    assert!(provider.asked().is_empty());
    assert_eq!(names(&folder), ["file"]);
}

/// The limit on the size of files stands in for a full disk. It is the whole process's, so this runs in a process of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_an_error_and_leaves_nothing() {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "saving::alone_on_a_full_disk", "--ignored"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}"
    );
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by a_disk_that_is_full_is_an_error_and_leaves_nothing"]
fn alone_on_a_full_disk() {
    let provider = provider("gzip", 0);
    let (client, _) = provider.client(json!({}));
    let folder = Folder::new();
    let mut download = begin(&client, &bill());
    // SAFETY: a plain change of the disposition; without it the signal ends the process.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
    let old = limit(Some(512));
    let error = refused(download.save(Path::new(&folder.path("bill.csv"))));
    limit(Some(old));
    assert_eq!(error.code(), Code::FileFailed);
    assert!(names(&folder).is_empty());
}

#[cfg(target_os = "linux")]
fn limit(bytes: Option<u64>) -> u64 {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure lives as long as the call.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit), 0);
        let old = limit.rlim_cur;
        if let Some(bytes) = bytes {
            limit.rlim_cur = bytes;
            assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &limit), 0);
        }
        old
    }
}

#[test]
fn a_download_of_which_a_part_was_read_is_not_saved() {
    let (provider, folder) = (provider("gzip", 0), Folder::new());
    let (client, _) = provider.client(json!({}));
    let mut download = begin(&client, &bill());
    download.read(&mut [0; 10]).unwrap();
    let result = download.save(Path::new(&folder.path("bill.csv")));
    refused_as(Code::InvalidState, result);
    assert!(names(&folder).is_empty());
    assert!(download.read(&mut [0; 10]).is_ok(), "it can still be read");
}

#[test]
fn two_downloads_to_one_place_do_not_get_in_each_others_way() {
    let (provider, folder) = (provider("gzip", 0), Folder::new());
    let (client, _) = provider.client(json!({}));
    let path = folder.path("bill.csv");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| save(&client, &bill(), &path).unwrap());
        }
    });
    assert_eq!(fs::read(&path).unwrap(), packed("gzip").plain);
    assert_eq!(names(&folder), ["bill.csv"]);
}
