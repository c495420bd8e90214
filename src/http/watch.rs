//! Watches an exchange: whether bytes of the request left, and which socket to shut down when it is cancelled.
//!
//! ureq runs a request on the thread that asks for it, so the exchange in progress is found through a thread-local, set for its time only.

use std::cell::RefCell;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, ShutdownHandle, Transport,
};

use crate::cancel::{Cancel, Registration};

thread_local! {
    static CURRENT: RefCell<Option<Watched>> = const { RefCell::new(None) };
}

struct Watched {
    cancel: Option<Cancel>,
    registration: Option<Registration>,
    /// Inside how many `connect`s we are: what is written there is for a proxy, not the request.
    connecting: usize,
    sent: bool,
}

/// One exchange on this thread, from `begin` to `end`.
pub(super) struct Exchange {
    cancel: Option<Cancel>,
}

pub(super) struct Seen {
    pub sent: bool,
    pub cancelled: bool,
}

impl Exchange {
    pub fn begin(cancel: Option<&Cancel>) -> Exchange {
        CURRENT.set(Some(Watched {
            cancel: cancel.cloned(),
            registration: None,
            connecting: 0,
            sent: false,
        }));
        Exchange {
            cancel: cancel.cloned(),
        }
    }

    /// What was seen so far, and what lets the cancel reach the socket as long as it is kept: the body of the answer is still to come.
    pub fn hand_over(self) -> (Seen, Option<Registration>) {
        let watched = CURRENT.take();
        let seen = Seen {
            sent: watched.as_ref().is_some_and(|watched| watched.sent),
            cancelled: self.cancel.as_ref().is_some_and(Cancel::is_triggered),
        };
        (seen, watched.and_then(|watched| watched.registration))
    }

    /// What was seen. A socket that goes back into the pool can no longer be shut down by this exchange's cancel.
    pub fn end(self) -> Seen {
        let sent = CURRENT.take().is_some_and(|watched| watched.sent);
        Seen {
            sent,
            cancelled: self.cancel.as_ref().is_some_and(Cancel::is_triggered),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        CURRENT.take();
    }
}

/// The socket below a connection, once there is one.
type Socket = Arc<Mutex<Option<Weak<dyn ShutdownHandle>>>>;

fn shutdown(socket: &Socket) {
    let handle = socket
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .as_ref()
        .and_then(Weak::upgrade);
    if let Some(handle) = handle {
        handle.shutdown();
    }
}

/// Lets the exchange of this thread shut down `socket`.
fn attach(socket: &Socket) {
    CURRENT.with_borrow_mut(|current| {
        let Some(watched) = current else { return };
        let Some(cancel) = &watched.cancel else {
            return;
        };
        if watched.registration.is_none() {
            let socket = socket.clone();
            watched.registration = Some(cancel.on_trigger(move || shutdown(&socket)));
        }
    });
}

fn connecting(change: impl FnOnce(usize) -> usize) {
    CURRENT.with_borrow_mut(|current| {
        if let Some(watched) = current {
            watched.connecting = change(watched.connecting);
        }
    });
}

pub(super) struct WatchedConnector<C>(C);

impl<C> WatchedConnector<C> {
    pub fn new(chain: C) -> Self {
        WatchedConnector(chain)
    }
}

impl<C> fmt::Debug for WatchedConnector<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WatchedConnector")
    }
}

impl<C: Connector> Connector for WatchedConnector<C> {
    type Out = WatchedTransport<C::Out>;

    /// From the moment the socket is connected, so that a TLS handshake can be given up too.
    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let socket = Socket::default();
        let pool = details.register_shutdown.clone();
        let place = socket.clone();
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: Arc::new(move |handle| {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle.clone());
                attach(&place);
                pool(handle)
            }),
        };
        connecting(|depth| depth + 1);
        let transport = self.0.connect(&details, chained);
        connecting(|depth| depth - 1);
        Ok(transport?.map(|transport| WatchedTransport { transport, socket }))
    }
}

/// The outermost layer of a connection: what is written here is the request itself, not the handshake below.
pub(super) struct WatchedTransport<T> {
    transport: T,
    socket: Socket,
}

impl<T: Transport> fmt::Debug for WatchedTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.transport.fmt(f)
    }
}

impl<T: Transport> Transport for WatchedTransport<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        attach(&self.socket); // a connection from the pool belongs to this exchange now
        CURRENT.with_borrow_mut(|current| {
            if let Some(watched) = current {
                watched.sent |= watched.connecting == 0;
            }
        });
        self.transport.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    fn is_tls(&self) -> bool {
        self.transport.is_tls()
    }
}
