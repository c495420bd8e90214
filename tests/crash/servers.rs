//! A database server of the test's own, to be killed. scripts/services.py runs it, and ends it with this process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Server {
    name: String,
    pub url: String,
    keeper: Child,
    asks: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Server {
    pub fn start(name: &str) -> Server {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/services.py");
        let mut keeper = Command::new("python3")
            .args([script, name, "--obey"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asks = keeper.stdin.take();
        let answers = BufReader::new(keeper.stdout.take().unwrap());
        let mut server = Server {
            name: name.to_owned(),
            url: String::new(),
            keeper,
            asks,
            answers,
        };
        let exported = server.answer();
        let (_, url) = exported.split_once('=').unwrap();
        server.url = url.trim_matches('\'').to_owned();
        server
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server's keeper has ended");
        line.trim_end().to_owned()
    }

    /// SIGKILL, and back when it answers again.
    pub fn restart(&mut self) {
        let order = format!("restart {}\n", self.name);
        self.asks
            .as_mut()
            .unwrap()
            .write_all(order.as_bytes())
            .unwrap();
        assert_eq!(self.answer(), "done");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.keeper.wait();
    }
}
