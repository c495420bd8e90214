//! Starting, stopping, and what lies in the folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use crate::stage::{Sandbox, empty_dir, program, sign, verify};

#[test]
fn the_first_start_writes_everything_a_client_needs_for_the_owner_only() {
    let sandbox = Sandbox::start_in(&empty_dir(), &[]);
    for folder in [sandbox.dir.clone(), sandbox.dir.join("platform")] {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let wanted = if entry.file_type().unwrap().is_dir() {
                0o700
            } else {
                0o600
            };
            assert_eq!(
                entry.metadata().unwrap().permissions().mode() & 0o777,
                wanted,
                "{:?}",
                entry.path()
            );
        }
    }

    let config = sandbox.config();
    assert_eq!(config["provider"], "wechat");
    assert_eq!(config["hosts"], serde_json::json!([sandbox.url]));
    assert!(
        config["mchid"]
            .as_str()
            .unwrap()
            .bytes()
            .all(|byte| byte.is_ascii_digit())
    );
    assert!(config["appid"].as_str().unwrap().starts_with("wx"));
    assert_eq!(config["apiv3_key"].as_str().unwrap().len(), 32);
    assert!(config.get("notify_url").is_none());
    assert_eq!(config["platform_certificates"].as_array().unwrap().len(), 2);
    let (id, _) = config["platform_public_keys"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    assert!(id.starts_with("PUB_KEY_ID_"));

    let bare: serde_json::Value =
        serde_json::from_slice(&fs::read(sandbox.dir.join("config-certificate.json")).unwrap())
            .unwrap();
    assert!(
        bare.get("platform_certificates").is_none() && bare.get("platform_public_keys").is_none()
    );
    assert_eq!(bare["private_key"], config["private_key"]);
}

#[test]
fn certificates_are_true_and_a_serial_begins_with_zero() {
    let sandbox = Sandbox::start();
    let certificate = sandbox.dir.join("apiclient_cert.pem");
    let signature = sign(&sandbox.dir.join("apiclient_key.pem"), b"message");
    assert!(verify(&certificate, b"message", &signature));
    assert_eq!(
        serial_by_openssl(&certificate),
        sandbox.config()["merchant_serial"].as_str().unwrap()
    );

    let certificates = sandbox.look("/certificates");
    let serials: Vec<_> = certificates
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["serial"].as_str().unwrap())
        .collect();
    assert_eq!(serials.len(), 2);
    assert!(serials[0].starts_with('0') && certificates[0]["signs"] == true);
    for serial in serials {
        assert_eq!(serial.len(), 40);
        assert_eq!(
            serial_by_openssl(&sandbox.dir.join(format!("wechatpay_{serial}.pem"))),
            serial
        );
    }
}

fn serial_by_openssl(certificate: &std::path::Path) -> String {
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-serial", "-in"])
        .arg(certificate)
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .trim_start_matches("serial=")
        .to_owned()
}

#[test]
fn a_later_start_keeps_the_keys_and_rewrites_the_host() {
    let first = Sandbox::start();
    let (dir, mut before) = (first.dir.clone(), first.config());
    drop(first);
    let second = Sandbox::start_in(&dir, &[]);
    let mut after = second.config();
    assert_eq!(after["hosts"][0], second.url.as_str());
    before["hosts"].take();
    after["hosts"].take();
    assert_eq!(before, after);
}

#[test]
fn rotated_certificates_survive_a_restart() {
    let first = Sandbox::start();
    let rotated = first
        .control(
            "POST",
            "/certificates/rotate",
            serde_json::json!({ "expire_old": true }),
        )
        .json();
    let dir = first.dir.clone();
    drop(first);
    let second = Sandbox::start_in(&dir, &[]);
    assert_eq!(second.look("")["platform_serial"], rotated["serial"]);
    assert_eq!(
        second.config()["platform_certificates"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(second.merchant().query("order-0001").status, 404);
}

#[test]
fn it_ends_with_sigterm_and_with_sigint() {
    for signal in ["-TERM", "-INT"] {
        let sandbox = Sandbox::start();
        assert!(
            Command::new("kill")
                .args([signal, &sandbox.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        assert!(sandbox.wait().success());
    }
}

#[test]
fn one_line_is_printed_and_the_end_of_stdin_is_the_end() {
    let mut child = program()
        .args(["--exit-with-stdin", "--dir"])
        .arg(empty_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.is_empty()
            || (text.starts_with("sandbox: http://127.0.0.1:") && text.lines().count() == 1),
        "{text}"
    );
}

#[test]
fn bad_options_and_damaged_folders_are_named() {
    let dir = empty_dir();
    let path = dir.to_str().unwrap();
    let refused = |arguments: &[&str], word: &str| {
        let output = program()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(word), "{arguments:?}: {text}");
    };
    refused(&[], "--dir");
    refused(&["--dir", path, "--speed", "0"], "--speed 0");
    refused(&["--dir", path, "--speed", "fast"], "--speed fast");
    refused(&["--dir", path, "--colour"], "--colour");
    refused(&["--dir", path, "--listen", "8080"], "--listen 8080");
    refused(&["--dir", "/dev/null"], "/dev/null");
    fs::write(dir.join("sandbox.json"), "{}").unwrap();
    refused(&["--dir", path], "sandbox.json");
}
