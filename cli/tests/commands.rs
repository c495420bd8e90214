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
    let config = sandbox.changed_config(without_its_key);
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
fn online_the_doctor_sends_the_echo_and_says_what_it_proves() {
    let sandbox = Sandbox::start("echo");
    for config in ["config.json", "config-certificate.json"] {
        let healthy = run(&["doctor", &sandbox.file(config), "--online"]);
        let told = text(&healthy.stdout);
        assert!(healthy.status.success(), "{told}");
        assert!(
            told.contains("ok       online: POST /v3/security/echo"),
            "{told}"
        );
        assert!(told.contains("ok       clock: "), "{told}");
    }
    let stranger = sandbox.changed_config(without_its_key);
    let ill = run(&["doctor", &stranger, "--online", "--json"]);
    assert_eq!(ill.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&ill.stdout).unwrap();
    let mut findings = report["findings"].as_array().unwrap().iter();
    let online = findings
        .find(|finding| finding["check"] == "online")
        .unwrap();
    assert_eq!(online["status"], "problem", "{report}");
    let nobody = sandbox.changed_config(|config| config["hosts"] = json!(["http://127.0.0.1:1"]));
    let alone = run(&["doctor", &nobody, "--online"]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(
        text(&alone.stdout).contains("PROBLEM  online: "),
        "{}",
        text(&alone.stdout)
    );
}

#[test]
fn online_the_doctor_of_apiv2_asks_for_an_order_that_nobody_placed() {
    let sandbox = Sandbox::start("v2");
    let healthy = run(&["doctor", &sandbox.file("config-v2.json"), "--online"]);
    let told = text(&healthy.stdout);
    assert!(healthy.status.success(), "{told}");
    assert!(
        told.contains("ok       online: POST /pay/orderquery"),
        "{told}"
    );
    let mut config: Value =
        serde_json::from_slice(&fs::read(sandbox.file("config-v2.json")).unwrap()).unwrap();
    config["apiv2_key"] = SECRET.into();
    let stranger = sandbox.write("stranger.json", config.to_string());
    let ill = run(&["doctor", &stranger, "--online"]);
    assert_eq!(ill.status.code(), Some(1));
    let told = text(&ill.stdout);
    assert!(
        told.contains("PROBLEM  online: ") && told.contains("apiv2_key"),
        "{told}"
    );
    assert!(!told.contains(SECRET), "{told}");

    let body = sandbox.write("query.json", r#"{"out_trade_no":"CLI0000001"}"#);
    let file = sandbox.file("config-v2.json");
    let unknown = run(&["call", &file, "POST /pay/orderquery", "--body", &body]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("ORDERNOTEXIST"));
}

/// In the place of secrets; nothing may print it.
const SECRET: &str = "canary-of-thirty-two-characters-";

fn without_its_key(config: &mut Value) {
    config["private_key"] = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256)
        .unwrap()
        .serialize_pem()
        .into();
    config
        .as_object_mut()
        .unwrap()
        .shift_remove("merchant_certificate");
}

#[test]
fn what_is_wrong_with_the_input_is_named_with_what_to_do_and_without_a_secret() {
    let sandbox = Sandbox::start("bad");
    let good = sandbox.config();
    let write = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut config: Value = serde_json::from_slice(&fs::read(&good).unwrap()).unwrap();
        change(&mut config);
        sandbox.write(name, config.to_string())
    };
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n");
    let unreadable_key = write("key.json", &|config| {
        config["private_key"] = pem.clone().into()
    });
    let short_key = write("short.json", &|config| {
        config["apiv3_key"] = SECRET[1..].into()
    });
    let provider = write("provider.json", &|config| {
        config["provider"] = "wechatpay".into()
    });
    let unknown = write("unknown.json", &|config| config["apiv3key"] = SECRET.into());
    let no_json = sandbox.write("no.json", format!("apiv3_key = {SECRET}"));
    let empty = sandbox.write("empty.json", "");
    let no_body = sandbox.write("body.txt", "out_trade_no=1");
    let order = sandbox.write("order.json", order("http://127.0.0.1:1/notify"));
    let no_notification = sandbox.write("notification.txt", r#"{"id":"1"}"#);
    let certificates = "GET /v3/certificates";
    let cases: Vec<(Vec<&str>, i32, &[&str])> = vec![
        (
            vec!["call", "/nonexistent.json", certificates],
            1,
            &["/nonexistent.json cannot be read"],
        ),
        (
            vec!["call", &unreadable_key, certificates],
            1,
            &["private_key"],
        ),
        (
            vec!["doctor", &unreadable_key],
            1,
            &["PROBLEM  private_key"],
        ),
        (
            vec!["call", &short_key, certificates],
            1,
            &["apiv3_key", "32"],
        ),
        (
            vec!["call", &provider, certificates],
            1,
            &["provider", "wechat, wechat-v2, weixin"],
        ),
        (
            vec!["doctor", &provider],
            1,
            &["PROBLEM  provider", "wechat-v2"],
        ),
        (vec!["call", &unknown, certificates], 1, &["apiv3key"]),
        (vec!["call", &no_json, certificates], 1, &["configuration"]),
        (vec!["doctor", &no_json], 1, &["PROBLEM  configuration"]),
        (vec!["doctor", &empty], 1, &["PROBLEM  configuration"]),
        (
            vec!["call", &good, "certificates"],
            1,
            &["operation", "POST /v3"],
        ),
        (
            vec!["call", &good, "FETCH /v3/certificates"],
            1,
            &["operation"],
        ),
        (
            vec!["call", &good, "GET v3/certificates"],
            1,
            &["operation"],
        ),
        (vec!["call", &good, QUERY], 1, &["out_trade_no"]),
        (
            vec!["call", &good, QUERY, "--path", "number=1"],
            1,
            &["number"],
        ),
        (vec!["call", &good, NATIVE], 1, &["body"]),
        (
            vec!["call", &good, NATIVE, "--body", "/nonexistent"],
            1,
            &["/nonexistent cannot be read"],
        ),
        (
            vec!["call", &good, NATIVE, "--body", &no_body],
            1,
            &["body.txt", "JSON"],
        ),
        (
            vec!["call", &good, NATIVE, "--body", &empty],
            1,
            &["empty.json", "JSON"],
        ),
        (
            vec!["call", &good, certificates, "--body", &order],
            1,
            &["body"],
        ),
        (
            vec!["open", &good, "/nonexistent"],
            1,
            &["/nonexistent cannot be read"],
        ),
        (vec!["open", &good, &no_notification], 1, &["empty line"]),
        (
            vec!["open", &good, &order, "--at", "yesterday"],
            2,
            &["--at", "seconds"],
        ),
        (vec!["open", "-", "-"], 2, &["standard input"]),
        (
            vec!["call", "-", NATIVE, "--body", "-"],
            2,
            &["standard input"],
        ),
        (vec!["sandbox"], 2, &["--dir"]),
        (vec!["sandbox", "--dir", &order], 1, &["order.json"]),
        (
            vec!["sandbox", "--dir", "x", "--listen", "0.0.0.0:1"],
            2,
            &["loopback"],
        ),
    ];
    let mut wrong = Vec::new();
    for (arguments, status, words) in cases {
        let output = run(&arguments);
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        let is_answer = arguments[0] != "doctor" && !output.stdout.is_empty();
        let is_right = output.status.code() == Some(status)
            && words.iter().all(|word| told.contains(word))
            && !told.contains(&SECRET[1..])
            && !told.contains("panicked")
            && !is_answer;
        if !is_right {
            wrong.push(format!("{arguments:?} {:?}: {told}", output.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn money_may_have_moved_is_said_of_what_may_have_moved_it() {
    let sandbox = Sandbox::start("unknown");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let config = sandbox.changed_config(|config| {
        config["hosts"] = json!([host]);
        config["retry"] = json!({ "max_attempts": 1 });
    });
    // It takes every request and answers none.
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 9]);
        }
    });
    let body = sandbox.write("order.json", order("http://127.0.0.1:1/notify"));
    let ordered = run(&["call", &config, NATIVE, "--body", &body]);
    assert_eq!(ordered.status.code(), Some(3), "{}", text(&ordered.stderr));
    assert!(text(&ordered.stderr).contains("MONEY MAY HAVE MOVED"));
    let asked = run(&["call", &config, "GET /v3/certificates"]);
    assert_eq!(asked.status.code(), Some(1), "{}", text(&asked.stderr));
    assert!(!text(&asked.stderr).contains("MONEY"));
}

#[test]
fn a_notification_of_last_week_is_looked_at_as_it_was_then() {
    let sandbox = Sandbox::start("old");
    let file = sandbox.write("notification.txt", notification(&sandbox));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let week = (now + 7 * 86_400).to_string();
    let old = run(&["open", &sandbox.config(), &file, "--at", &week]);
    assert_eq!(old.status.code(), Some(1));
    assert!(old.stdout.is_empty());
    let then = run(&["open", &sandbox.config(), &file, "--at", &now.to_string()]);
    assert!(then.status.success(), "{}", text(&then.stderr));
}

#[test]
fn help_is_there_for_every_command_and_goes_to_standard_output() {
    for arguments in [
        vec!["--help"],
        vec!["help"],
        vec!["doctor", "--help"],
        vec!["call", "-h"],
        vec!["open", "c", "--help"],
        vec!["sandbox", "--help"],
    ] {
        let helped = run(&arguments);
        assert!(
            helped.status.success() && helped.stderr.is_empty(),
            "{arguments:?}"
        );
        let name = match arguments[0] {
            "sandbox" => "payseal-sandbox --dir",
            "--help" | "help" => "payseal sandbox --dir",
            command => &format!("payseal {command} CONFIG"),
        };
        assert!(text(&helped.stdout).contains(name), "{arguments:?}");
    }
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
        let told = text(&refused.stderr);
        let command = match arguments.first() {
            Some(known @ (&"call" | &"open" | &"doctor")) => known,
            _ => "doctor",
        };
        assert!(
            told.contains(&format!("payseal {command} CONFIG")),
            "{arguments:?}: {told}"
        );
    }
    let missing = run(&["doctor", "/nonexistent/config.json"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("cannot be read"));
}
