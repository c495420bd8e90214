//! A loopback server that does to each connection what the test wants, well or badly.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Longer than any test waits for anything; only so that none hangs for ever.
const BOUND: Duration = Duration::from_secs(30);

pub struct Server {
    pub address: SocketAddr,
    state: Arc<State>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    connections: AtomicUsize,
    /// To end handlers that wait, when the test is over.
    sockets: Mutex<HashMap<usize, TcpStream>>,
    handlers: Mutex<Vec<JoinHandle<()>>>,
}

impl Server {
    /// `handler` gets each connection, on a thread of its own.
    pub fn start(handler: impl Fn(&mut Connection) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let (shared, handler) = (state.clone(), Arc::new(handler));
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.stop.load(SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(BOUND)).unwrap();
                stream.set_write_timeout(Some(BOUND)).unwrap();
                let number = shared.connections.fetch_add(1, SeqCst);
                let copy = stream.try_clone().unwrap();
                shared.sockets.lock().unwrap().insert(number, copy);
                let (handler, state) = (handler.clone(), shared.clone());
                let run = move || {
                    handler(&mut Connection {
                        reader: BufReader::new(stream.try_clone().unwrap()),
                        stream,
                        number,
                    });
                    // The last copy: a reset happens when this is closed.
                    state.sockets.lock().unwrap().remove(&number);
                };
                shared
                    .handlers
                    .lock()
                    .unwrap()
                    .push(std::thread::spawn(run));
            }
        });
        Server {
            address,
            state,
            acceptor: Some(acceptor),
        }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.state.stop.store(true, SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the acceptor
        for socket in self.state.sockets.lock().unwrap().values() {
            let _ = socket.shutdown(Shutdown::Both);
        }
        let _ = self.acceptor.take().unwrap().join();
        for handler in self.state.handlers.lock().unwrap().drain(..) {
            let _ = handler.join();
        }
    }
}

pub struct Connection {
    reader: BufReader<TcpStream>,
    pub stream: TcpStream,
    /// 0 for the first connection.
    pub number: usize,
}

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Received {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let first = values.next();
        assert!(values.next().is_none(), "{name} is there twice");
        first.map(|(_, value)| value.as_str())
    }
}

impl Connection {
    /// The next request, whole; nothing when the client has hung up.
    pub fn request(&mut self) -> Option<Received> {
        let mut line = String::new();
        if self.reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let mut words = line.split_whitespace();
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).ok()?;
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut received = Received {
            method,
            target,
            headers,
            body: Vec::new(),
        };
        let length = received.header("content-length").unwrap_or("0");
        received.body = vec![0; length.parse().ok()?];
        self.reader.read_exact(&mut received.body).ok()?;
        Some(received)
    }

    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Waits until the client hangs up; says whether it did so.
    pub fn wait_for_end(&mut self) -> bool {
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).is_ok()
    }

    /// Hangs up the hard way: whatever the client still sends or reads is answered with a reset.
    pub fn reset(&mut self) {
        use std::os::fd::AsRawFd;
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // SAFETY: the socket is open, and the option is as long as it says.
        let set = unsafe {
            libc::setsockopt(
                self.stream.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of::<libc::linger>() as libc::socklen_t,
            )
        };
        assert_eq!(set, 0);
    }

    pub fn close(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}
