//! A shop's server: hands every notification to the test and answers as the test says.

use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::Value;

use super::http::{find, read_head};
use super::{Merchant, PATIENCE};

/// What the shop answers to one notification.
#[derive(Clone, Copy)]
pub enum Reply {
    Status(u16),
    /// 200 with this body.
    Text(&'static str),
    /// Nothing, until the other side gives up.
    Silence,
}

pub struct Shop {
    pub notify_url: String,
    received: Receiver<Received>,
}

/// One notification; `body` is an error when the connection broke off before its end.
pub struct Received {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: std::io::Result<Vec<u8>>,
}

impl Shop {
    /// Answers the first notifications with `replies`, all further ones with the last of them.
    pub fn open(replies: &'static [Reply]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let notify_url = format!("http://{}/notify", listener.local_addr().unwrap());
        let (sender, received) = channel();
        thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                let reply = replies[index.min(replies.len() - 1)];
                if serve(stream.unwrap(), reply, &sender).is_none() {
                    return;
                }
            }
        });
        Self {
            notify_url,
            received,
        }
    }

    pub fn next(&self) -> Received {
        self.received
            .recv_timeout(PATIENCE)
            .expect("a notification comes in time")
    }

    pub fn is_quiet(&self) -> bool {
        self.received.try_recv().is_err()
    }
}

/// None when the test has gone.
fn serve(stream: TcpStream, reply: Reply, sender: &Sender<Received>) -> Option<()> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut reader = BufReader::new(stream);
    let Ok((first, headers)) = read_head(&mut reader) else {
        return Some(());
    };
    let length = find(&headers, "Content-Length")
        .and_then(|length| length.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    let body = reader.read_exact(&mut body).map(|()| body);
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    sender
        .send(Received {
            path,
            headers,
            body,
        })
        .ok()?;
    let mut stream = reader.into_inner();
    let mut say = |status: u16, body: &str| {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Said\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        // The sandbox may have gone on purpose.
        let _ = stream.write_all(answer.as_bytes());
    };
    match reply {
        Reply::Status(status) => say(status, ""),
        Reply::Text(body) => say(200, body),
        Reply::Silence => {
            thread::spawn(move || stream.read(&mut [0]));
        }
    }
    Some(())
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    pub fn envelope(&self) -> Value {
        serde_json::from_slice(self.body.as_ref().unwrap()).unwrap()
    }

    pub fn is_verified(&self, merchant: &Merchant) -> bool {
        merchant.is_signed_by_platform(|name| self.header(name), self.body.as_ref().unwrap())
    }

    /// Checks the signature and opens the resource.
    pub fn opened(&self, merchant: &Merchant) -> Value {
        assert!(self.is_verified(merchant), "{:?}", self.headers);
        serde_json::from_slice(&merchant.open(&self.envelope()["resource"]).unwrap()).unwrap()
    }
}
