//! Name resolution with a time limit, that cannot pile up threads.
//!
//! `getaddrinfo` blocks and cannot be given up, so a look-up runs on a thread of its own that ends with it. At most two run at once: when a name server
//! hangs, further calls fail at their time limit instead of leaving a thread behind each.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

const KEPT: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 2;

#[derive(Debug, Default)]
pub(super) struct CachingResolver(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// When a name was looked up, and what was found: nothing if the look-up failed.
    found: HashMap<String, (Instant, Option<Vec<SocketAddr>>)>,
    running: HashSet<String>,
}

impl Resolver for CachingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("http") {
                80
            } else {
                443
            });
        let addresses = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => self.look_up(format!("{host}:{port}"), *timeout.after)?,
        };
        let mut resolved = self.empty();
        for address in config
            .ip_family()
            .keep_wanted(addresses.into_iter())
            .take(16)
        {
            resolved.push(address);
        }
        if resolved.is_empty() {
            Err(Error::HostNotFound)
        } else {
            Ok(resolved)
        }
    }
}

impl CachingResolver {
    /// Callers who want the same name share one look-up.
    fn look_up(&self, name: String, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let start = Instant::now();
        let mut state = self.0.lock();
        loop {
            match state.found.get(&name) {
                Some((at, Some(addresses))) if at.elapsed() < KEPT => return Ok(addresses.clone()),
                Some((at, None)) if *at >= start => return Err(Error::HostNotFound),
                _ => {}
            }
            if state.running.len() < AT_ONCE && state.running.insert(name.clone()) {
                self.begin(&mut state, name.clone())?;
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout(Timeout::Resolve));
            }
            state = self
                .0
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn begin(&self, state: &mut State, name: String) -> Result<(), Error> {
        let (shared, asked) = (self.0.clone(), name.clone());
        let look_up = move || {
            let addresses = asked
                .to_socket_addrs()
                .ok()
                .map(|addresses| addresses.collect());
            let mut state = shared.lock();
            state.running.remove(&asked);
            state.found.insert(asked, (Instant::now(), addresses));
            drop(state);
            shared.changed.notify_all();
        };
        if let Err(error) = std::thread::Builder::new()
            .name("payseal-resolve".into())
            .spawn(look_up)
        {
            state.running.remove(&name);
            return Err(error.into());
        }
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
