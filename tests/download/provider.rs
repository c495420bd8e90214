//! A provider on loopback that has bills: it is asked where they are, and hands them out as the test wants.

use std::io::Write;
use std::sync::{Arc, Mutex};

use payseal::cancel::Cancel;
use payseal::download::Download;
use payseal::{Client, Result};
use serde_json::{Value, json};

use crate::support::host::World;
use crate::support::merchant::{self, config};
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::server::{Connection, Received, Server};

pub const TRADE_BILL: &str = "GET /v3/bill/tradebill";
pub const FILE: &str = "/v3/billdownload/file?token=";

pub struct Provider {
    pub server: Server,
    /// Method and target of every request.
    pub asked: Arc<Mutex<Vec<String>>>,
}

impl Provider {
    /// `handler` answers each request, and may do so badly.
    pub fn start(handler: impl Fn(&Received, &mut Connection) + Send + Sync + 'static) -> Provider {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let server = Server::start(move |connection| {
            while let Some(request) = connection.request() {
                let line = format!("{} {}", request.method, request.target);
                log.lock().unwrap().push(line);
                assert!(
                    request
                        .header("authorization")
                        .unwrap()
                        .starts_with("WECHATPAY2-")
                );
                handler(&request, connection);
            }
        });
        Provider { server, asked }
    }

    pub fn url(&self, token: &str) -> String {
        format!("{}{FILE}{token}", self.server.origin())
    }

    pub fn client(&self, changes: Value) -> (Client, World) {
        let mut all = json!({ "hosts": [self.server.origin()] });
        all.as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        merchant::client(config(all))
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The origin by which the client reached the server.
pub fn origin(request: &Received) -> String {
    format!("http://{}", request.header("host").unwrap())
}

pub fn is_application(request: &Received) -> bool {
    !request.target.starts_with("/v3/billdownload/")
}

/// A signed answer.
pub fn answer(connection: &mut Connection, status: u16, body: Value) {
    connection.write(BY_PUBLIC_KEY.signed(body.to_string()).http(status));
}

/// A file, unsigned as the provider hands it out.
pub fn hand_out(connection: &mut Connection, file: &[u8]) {
    connection.write(head(file.len()));
    connection.write(file);
}

pub fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// The first bytes of a file, then the end of the connection.
pub fn break_off(connection: &mut Connection, file: &[u8], at: usize) {
    connection.write(head(file.len()));
    connection.write(&file[..at]);
    let _ = connection.stream.flush();
    connection.close();
}

pub fn bill() -> Value {
    json!({ "operation": TRADE_BILL, "query": { "bill_date": "2023-11-13", "tar_type": "GZIP" } })
}

pub fn begin(client: &Client, params: &Value) -> Download {
    client
        .download(params.to_string().as_bytes(), None)
        .unwrap()
}

/// Reads in pieces of `size` bytes to the verified end.
pub fn read_all(download: &mut Download, size: usize) -> Result<Vec<u8>> {
    let (mut file, mut piece) = (Vec::new(), vec![0; size]);
    loop {
        match download.read(&mut piece)? {
            0 => return Ok(file),
            length => file.extend_from_slice(&piece[..length]),
        }
    }
}

pub fn fetch(client: &Client, params: &Value) -> Result<Vec<u8>> {
    read_all(
        &mut client.download(params.to_string().as_bytes(), None)?,
        1000,
    )
}

pub fn with_cancel(client: &Client, params: &Value, cancel: &Cancel) -> Download {
    client
        .download(params.to_string().as_bytes(), Some(cancel))
        .unwrap()
}
