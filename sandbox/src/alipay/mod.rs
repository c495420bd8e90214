//! Alipay on loopback: gateway v2, REST v3, the cashier, notifications. One app with keys and certificates of
//! its own, which serves both modes: a request that names certificates is answered in certificate mode.

mod account;
mod agreement;
mod bills;
pub mod buyer;
mod canonical;
mod cashier;
mod causes;
mod certificates;
mod certify;
mod charset;
mod cipher;
pub mod control;
mod download;
mod envelope;
mod files;
mod freeze;
mod fund;
mod gateway;
mod keys;
mod merchant;
mod mistake;
mod money;
mod notices;
mod oauth;
mod operations;
mod outcome;
mod parties;
mod pay;
mod receipts;
mod record;
mod refund;
mod refusal;
mod rest;
mod signing;
mod state;
mod trade;
mod zip;

use std::sync::{Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard};

use serde::{Deserialize, Serialize};

use crate::crypto::RsaKey;
use crate::keys::Folder;

use self::keys::{App, Ring};
use self::state::State;

pub use self::cashier::{pay_button, state as cashier_state};
pub use self::causes::NOT_EXACTLY_SUCCESS;
pub use self::gateway::answer as gateway;
pub use self::notices::{Notice, PAUSES_S};
pub use self::operations::names;
pub use self::record::{opened_answer, opened_message};
pub use self::rest::answer as rest;

/// The path of gateway v2, and the target of faults that strike all of it.
pub const GATEWAY: &str = "/gateway.do";

pub struct Alipay {
    pub app: App,
    folder: Folder,
    ring: RwLock<Ring>,
    stranger: OnceLock<RsaKey>,
    state: Mutex<State>,
}

/// What can be set while the sandbox runs.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Answers are sent with `\/` for `/`, as the provider sometimes does, but signed without.
    pub escaped_slashes: bool,
    /// Notifications and returns in certificate mode name the certificate. The name itself is not signed.
    pub names_certificate: bool,
    /// Where messages go that no request names an address for: the "application gateway" of the provider's console.
    pub app_gateway: Option<String>,
}

impl Alipay {
    /// Reads what an earlier start has written below `folder`, or makes it; writes the configurations, which name `address`.
    pub fn open(folder: Folder, address: &str) -> Result<Self, String> {
        let (app, ring) = keys::load_or_create(&folder)?;
        keys::write_configurations(&folder, address, &app, &ring)?;
        Ok(Self {
            app,
            folder,
            ring: RwLock::new(ring),
            stranger: OnceLock::new(),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no one panics while holding Alipay's state")
    }

    fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring
            .read()
            .expect("no one panics while holding Alipay's ring")
    }

    /// A key that belongs to nobody.
    fn stranger(&self) -> &RsaKey {
        self.stranger
            .get_or_init(|| RsaKey::generate().expect("a key could be generated at the start, too"))
    }

    /// A new certificate signs from now on; the older ones stay known. Its serial number.
    pub fn rotate(&self, address: &str) -> Result<String, String> {
        let mut ring = self
            .ring
            .write()
            .expect("no one panics while holding Alipay's ring");
        ring.rotate(&self.folder)?;
        keys::write_configurations(&self.folder, address, &self.app, &ring)?;
        Ok(ring.signing().sn.clone())
    }
}
