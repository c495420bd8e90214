//! The program as a person uses it, against the sandbox that it starts itself.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

fn payseal(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_payseal"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    payseal(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `payseal sandbox` in a folder of its own, until it is dropped.
struct Sandbox {
    process: Child,
    folder: PathBuf,
}

impl Sandbox {
    fn start(name: &str) -> Sandbox {
        Self::start_with(name, &[])
    }

    fn start_with(name: &str, options: &[&str]) -> Sandbox {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder);
        let mut process = payseal(&[
            "sandbox",
            "--dir",
            folder.to_str().unwrap(),
            "--exit-with-stdin",
        ])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert!(line.starts_with("sandbox: http://127.0.0.1:"), "{line}");
        Sandbox { process, folder }
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn config(&self) -> String {
        self.file("config.json")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let file = self.file(name);
        fs::write(&file, content).unwrap();
        file
    }

    /// The configuration with a change.
    fn changed_config(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut config: Value = serde_json::from_slice(&fs::read(self.config()).unwrap()).unwrap();
        change(&mut config);
        self.write("changed.json", config.to_string())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn order(notify_url: &str) -> String {
    json!({
        "description": "a cup of tea",
        "out_trade_no": "CLI0000001",
        "notify_url": notify_url,
        "amount": { "total": 100, "currency": "CNY" },
    })
    .to_string()
}

const NATIVE: &str = "POST /v3/pay/transactions/native";
const QUERY: &str = "GET /v3/pay/transactions/out-trade-no/{out_trade_no}";

#[test]
fn one_signed_request_is_sent_and_its_verified_answer_printed() {
    let sandbox = Sandbox::start("call");
    let body = sandbox.write("order.json", order("http://127.0.0.1:1/notify"));
    let ordered = run(&["call", &sandbox.config(), NATIVE, "--body", &body, "--info"]);
    assert!(ordered.status.success(), "{}", text(&ordered.stderr));
    let answer: Value = serde_json::from_slice(&ordered.stdout).unwrap();
    assert!(answer["code_url"].is_string());
    let info: Value = serde_json::from_slice(&ordered.stderr).unwrap();
    assert_eq!(info["verified"], true);

    let number = "out_trade_no=CLI0000001";
    let queried = run(&["call", &sandbox.config(), QUERY, "--path", number]);
    let answer: Value = serde_json::from_slice(&queried.stdout).unwrap();
    assert_eq!(answer["trade_state"], "NOTPAY");

    let unknown = run(&[
        "call",
        &sandbox.config(),
        QUERY,
        "--path",
        "out_trade_no=CLI0000002",
    ]);
    assert_eq!(unknown.status.code(), Some(1));
    let told = text(&unknown.stderr);
    assert!(
        told.contains("ORDER_NOT_EXIST") && told.contains("the provider said no"),
        "{told}"
    );
}

#[test]
fn a_merchant_of_shangmi_needs_only_another_configuration() {
    let sandbox = Sandbox::start_with("shangmi", &["--scheme", "sm2"]);
    let saved = notification(&sandbox);
    let file = sandbox.write("notification.txt", &saved);
    let opened = run(&["open", &sandbox.config(), &file]);
    assert!(opened.status.success(), "{}", text(&opened.stderr));
    let plaintext: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(plaintext["trade_state"], "SUCCESS");

    // Certificates are fetched by their algorithm, and the doctor looks at keys of this scheme.
    let number = "out_trade_no=CLI0000001";
    let config = sandbox.file("config-certificate.json");
    let queried = run(&["call", &config, QUERY, "--path", number]);
    assert!(queried.status.success(), "{}", text(&queried.stderr));
    let examined = run(&["doctor", &sandbox.config()]);
    assert!(examined.status.success(), "{}", text(&examined.stdout));
}

#[test]
fn a_body_is_read_strictly() {
    let sandbox = Sandbox::start("strict");
    let body = sandbox.write("twice.json", r#"{"description":"a","description":"b"}"#);
    let refused = run(&["call", &sandbox.config(), NATIVE, "--body", &body]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("twice"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn a_wrong_key_is_diagnosed_from_what_the_provider_says() {
    let sandbox = Sandbox::start("diagnosis");
    let config = sandbox.changed_config(|config| {
        config["private_key"] = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)
            .unwrap()
            .serialize_pem()
            .into();
        config
            .as_object_mut()
            .unwrap()
            .shift_remove("merchant_certificate");
    });
    let refused = run(&["call", &config, QUERY, "--path", "out_trade_no=CLI0000001"]);
    assert_eq!(refused.status.code(), Some(1));
    let told = text(&refused.stderr);
    assert!(told.contains("key_or_serial"), "{told}");
}

/// Places an order, has it paid, and returns the notification as it came, request line and all.
fn notification(sandbox: &Sandbox) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/notify", listener.local_addr().unwrap());
    let body = sandbox.write("order.json", order(&url));
    let ordered = run(&["call", &sandbox.config(), NATIVE, "--body", &body]);
    assert!(ordered.status.success(), "{}", text(&ordered.stderr));
    let config: Value = serde_json::from_slice(&fs::read(sandbox.config()).unwrap()).unwrap();
    let host = config["hosts"][0]
        .as_str()
        .unwrap()
        .trim_start_matches("http://")
        .to_owned();
    let mut control = std::net::TcpStream::connect(&host).unwrap();
    write!(control, "POST /sandbox/orders/CLI0000001/pay HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    let mut received = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        received.extend_from_slice(&piece[..count]);
        let head = received.windows(4).position(|four| four == b"\r\n\r\n");
        let length = head.and_then(|at| {
            let head = text(&received[..at]).to_lowercase();
            let length = head
                .split("content-length: ")
                .nth(1)?
                .lines()
                .next()?
                .parse::<usize>()
                .ok()?;
            Some(at + 4 + length)
        });
        if count == 0 || length.is_some_and(|length| received.len() >= length) {
            break;
        }
    }
    stream
        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
        .unwrap();
    received
}

#[test]
fn a_saved_notification_is_opened_or_the_reason_is_named() {
    let sandbox = Sandbox::start("open");
    let saved = notification(&sandbox);
    let file = sandbox.write("notification.txt", &saved);
    let opened = run(&["open", &sandbox.config(), &file]);
    assert!(opened.status.success(), "{}", text(&opened.stderr));
    let plaintext: Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!(plaintext["trade_state"], "SUCCESS");
    let info: Value = serde_json::from_slice(&opened.stderr).unwrap();
    assert_eq!(info["event_type"], "TRANSACTION.SUCCESS");

    let spaced = text(&saved).replace("\":\"", "\": \"");
    let file = sandbox.write("spaced.txt", spaced);
    let refused = run(&["open", &sandbox.config(), &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("body_reencoded"));
    let explained = run(&["open", &sandbox.config(), &file, "--explain"]);
    let explanation: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explanation["cause"], "body_reencoded");
}

#[test]
fn the_doctor_finds_a_good_configuration_healthy_and_a_bad_one_not() {
    let sandbox = Sandbox::start("doctor");
    let healthy = run(&["doctor", &sandbox.config()]);
    assert!(healthy.status.success(), "{}", text(&healthy.stdout));
    assert!(text(&healthy.stdout).ends_with("nothing is wrong\n"));
    let bad = sandbox.changed_config(|config| config["apiv3_key"] = "short".into());
    let ill = run(&["doctor", &bad, "--json"]);
    assert_eq!(ill.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&ill.stdout).unwrap();
    assert_eq!(report["healthy"], false);
}

#[test]
fn a_command_that_cannot_be_understood_is_told_with_the_usage() {
    for arguments in [
        vec![],
        vec!["pay"],
        vec!["call", "config.json"],
        vec!["doctor"],
        vec!["doctor", "a", "b"],
        vec!["call", "c", "GET /v3/x", "--query", "novalue"],
        vec!["open", "c", "n", "--loud"],
    ] {
        let refused = run(&arguments);
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&refused.stderr).contains("payseal doctor CONFIG"),
            "{arguments:?}"
        );
    }
    let missing = run(&["doctor", "/nonexistent/config.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("cannot be read"));
}
