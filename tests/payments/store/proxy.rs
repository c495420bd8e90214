//! What lies between a service and its database, and fails.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Passes everything on, until it is told otherwise.
pub struct Proxy {
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    ends: Vec<TcpStream>,
    /// What is sent with these bytes reaches the server. Its answer does not come back, and the connection ends.
    swallow: Option<Vec<u8>>,
    closed: bool,
}

impl Proxy {
    pub fn to(server: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, server) = (state.clone(), server.to_owned());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.lock().unwrap().closed {
                    return;
                }
                connect(
                    client.unwrap(),
                    TcpStream::connect(&server).unwrap(),
                    &shared,
                );
            }
        });
        Proxy { port, state }
    }

    /// Ends all connections; new ones are accepted.
    pub fn cut(&self) {
        for end in self.state.lock().unwrap().ends.drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    pub fn swallow_the_answer_to(&self, bytes: &[u8]) {
        self.state.lock().unwrap().swallow = Some(bytes.to_vec());
    }

    /// Ends all connections and accepts none.
    pub fn close(&self) {
        self.state.lock().unwrap().closed = true;
        let _ = TcpStream::connect(("127.0.0.1", self.port)); // wakes the listener, which ends
        self.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

fn connect(client: TcpStream, server: TcpStream, state: &Arc<Mutex<State>>) {
    for end in [&client, &server] {
        end.set_nodelay(true).unwrap();
        state.lock().unwrap().ends.push(end.try_clone().unwrap());
    }
    let doomed = Arc::new(Mutex::new(false));
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (shared, mark) = (state.clone(), doomed.clone());
    std::thread::spawn(move || {
        pass(&mut from, &mut to, |bytes| {
            let mut state = shared.lock().unwrap();
            let found = |needle: &Vec<u8>| bytes.windows(needle.len()).any(|part| part == needle);
            if state.swallow.as_ref().is_some_and(found) {
                state.swallow = None;
                *mark.lock().unwrap() = true;
            }
            true
        });
    });
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || pass(&mut from, &mut to, |_| !*doomed.lock().unwrap()));
}

fn pass(from: &mut TcpStream, to: &mut TcpStream, mut goes_on: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !goes_on(&buffer[..length]) || to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
