//! The program under test, as a process.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::Value;

use super::http::read_head;
use super::{Answer, Merchant, PATIENCE, Request};

/// Keys made once; every test gets a copy of the folder, since making them takes most of a start.
static KEYS: LazyLock<PathBuf> = LazyLock::new(|| {
    let dir = empty_dir();
    drop(Sandbox::start_in(&dir, &[]));
    dir
});

pub struct Sandbox {
    child: Child,
    pub dir: PathBuf,
    pub url: String,
    pub port: u16,
}

impl Sandbox {
    pub fn start() -> Self {
        Self::start_with(&["--speed", "1000"])
    }

    pub fn start_with(options: &[&str]) -> Self {
        let dir = empty_dir();
        copy(&KEYS, &dir);
        Self::start_in(&dir, options)
    }

    pub fn start_in(dir: &Path, options: &[&str]) -> Self {
        let mut child = program()
            .arg("--dir")
            .arg(dir)
            .arg("--exit-with-stdin")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim_end()
            .strip_prefix("sandbox: ")
            .expect("the sandbox tells its address")
            .to_owned();
        let port = url.rsplit(':').next().unwrap().parse().unwrap();
        Self {
            child,
            dir: dir.to_owned(),
            url,
            port,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program to end by itself.
    pub fn wait(mut self) -> std::process::ExitStatus {
        self.child.wait().unwrap()
    }

    pub fn config(&self) -> Value {
        serde_json::from_slice(&fs::read(self.dir.join("config.json")).unwrap()).unwrap()
    }

    pub fn merchant(&self) -> Merchant {
        Merchant::new(self)
    }

    /// A request to the control API, `path` below `/sandbox`.
    pub fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        Request::new(method, &format!("/sandbox{path}"), body.as_bytes())
            .with("Content-Type", "application/json")
            .send(self.port)
            .unwrap()
    }

    pub fn look(&self, path: &str) -> Value {
        let answer = self.control("GET", path, Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub fn fault(&self, fault: Value) {
        let answer = self.control("POST", "/faults", fault);
        assert_eq!(answer.status, 201, "{}", answer.text());
    }

    pub fn pay(&self, out_trade_no: &str) -> Value {
        let answer = self.control("POST", &format!("/orders/{out_trade_no}/pay"), Value::Null);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Listens to what happens from here on.
    pub fn events(&self) -> Events {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = "GET /sandbox/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        read_head(&mut reader).unwrap();
        let mut events = Events { reader };
        events.until(|change| change["change"] == "listening");
        events
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

pub struct Events {
    reader: BufReader<TcpStream>,
}

impl Events {
    /// The next change that is wanted.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            // Comments that keep the connection alive come for ever; the wanted change may not.
            assert!(Instant::now() < deadline, "the change does not come");
            let mut line = String::new();
            let read = self
                .reader
                .read_line(&mut line)
                .expect("the change comes in time");
            assert!(read > 0, "the sandbox went away");
            let change = line
                .strip_prefix("data: ")
                .and_then(|data| serde_json::from_str(data).ok());
            if let Some(change) = change.filter(&wanted) {
                return change;
            }
        }
    }
}

pub fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_payseal-sandbox"))
}

/// A folder of its own below the build's temporary folder.
pub fn empty_dir() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sandbox-{number}"));
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    dir
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
