//! Orders, inbox and outbox: what must survive a crash.
//!
//! An order is stored before its provider hears of it, a notification before its provider is answered. Whatever is learned about money, from an
//! answer, a notification, a query or a bill, is a fact, and a fact takes effect once: the order's state, its history, the message to the rest
//! of the service and the end of the work are written in one transaction, guarded by the version of what the decision was made for.
//!
//! * [`order`]: what is stored. [`settle`]: what a fact does to it; pure.
//! * [`inbox`]: notifications in; [`event`]: what is stored of them. [`commit`]: many callers share one commit.
//! * [`queue`]: work out, with leases and fencing: [`claim`], [`ack`], [`also`] with it, and [`dead`] for what failed.
//! * [`create`], [`inquiry`], [`refund`]: what is asked of providers. [`tick`]: what is due.
//! * [`work`]: drives all of these, with any HTTP client. [`store`]: the databases.
//!
//! Nothing here starts a thread: the host calls, from as many threads and machines as it likes.

mod account;
mod ack;
mod action;
mod also;
mod apply;
mod claim;
#[doc(hidden)]
pub mod commit;
mod create;
mod dead;
mod event;
mod given;
mod inbox;
mod inquiry;
mod order;
mod queue;
mod reading;
mod refund;
mod settings;
mod settle;
mod sql;
pub mod store;
mod tick;
mod work;

use std::sync::Arc;

use crate::call::{Delivered, Step, Steps};
use crate::cancel::Cancel;
use crate::client::Client;
use crate::config::Section;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::Options;
use crate::process::PerProcess;

use self::account::Account;
use self::commit::GroupCommit;
use self::settings::Settings;
use self::store::{Queue, Store};

pub use self::order::State;
pub use self::work::Work;

/// A store, and the merchants whose orders and notifications it keeps. Immutable; any number of threads may use it at once, also after `fork`.
pub struct Payments {
    shared: Arc<Shared>,
}

struct Shared {
    accounts: Vec<Account>,
    store: Box<dyn Store>,
    host: Host,
    settings: Settings,
    commit: PerProcess<Commits>,
}

/// Where callers wait for one another, to write together.
#[derive(Default)]
struct Commits {
    events: GroupCommit,
    inbox: Line,
    outbox: Line,
}

/// Those of one queue.
#[derive(Default)]
struct Line {
    claims: claim::Claimers,
    ends: ack::Enders,
}

impl Commits {
    fn line(&self, queue: Queue) -> &Line {
        match queue {
            Queue::Inbox => &self.inbox,
            Queue::Outbox => &self.outbox,
        }
    }
}

impl Payments {
    /// `config` is JSON, as documented in `docs/abi.md`. The store is opened and its tables are made or brought up to date. The clients are shared,
    /// not taken: what is done through them elsewhere goes on.
    pub fn new(config: &[u8], clients: &[&Client], host: Host) -> Result<Payments> {
        Payments::over(store::open, config, clients, host)
    }

    /// The same over a store that `open` makes of the URL: tests put one in between that fails.
    #[doc(hidden)]
    pub fn over(
        open: impl FnOnce(&str) -> Result<Box<dyn Store>>,
        config: &[u8],
        clients: &[&Client],
        host: Host,
    ) -> Result<Payments> {
        let mut section = Section::parse(config)?;
        let accounts = Account::read(&mut section, clients)?;
        let url = section
            .secret("store")?
            .ok_or_else(|| section.missing_secret("store"))?;
        let settings = Settings::read(&mut section, &accounts)?;
        section.finish()?;
        let url = std::str::from_utf8(&url).map_err(|_| {
            Error::new(Code::ConfigInvalid, "configuration store: it is not UTF-8")
                .with_field("store")
        })?;
        let store = open(url)?;
        Ok(Payments {
            shared: Arc::new(Shared {
                accounts,
                store,
                host,
                settings,
                commit: PerProcess::new(Commits::default),
            }),
        })
    }

    /// Does something, blocking; requests go through the built-in transport. Actions and their parameters: `docs/abi.md`.
    pub fn execute(
        &self,
        action: &str,
        params: &[u8],
        cancel: Option<&Cancel>,
    ) -> Result<Delivered> {
        self.drive(action::begin(&self.shared, action, params, true)?, cancel)
    }

    /// The same as a state machine, for a host's own HTTP client.
    pub fn work(&self, action: &str, params: &[u8]) -> Result<Work> {
        action::begin(&self.shared, action, params, false)
    }

    /// Takes in a notification: verified, and stored durably, before the success reply is given out. What comes back is always a reply, unless
    /// the call itself was wrong; its body are the bytes to answer with. Without `account` it is the one that the notification is for.
    pub fn accept(
        &self,
        account: Option<&str>,
        headers: impl AsRef<[u8]>,
        body: &[u8],
        options: &[u8],
        cancel: Option<&Cancel>,
    ) -> Result<Delivered> {
        self.drive(self.work_accept(account, headers, body, options)?, cancel)
    }

    pub fn work_accept(
        &self,
        account: Option<&str>,
        headers: impl AsRef<[u8]>,
        body: &[u8],
        options: &[u8],
    ) -> Result<Work> {
        let options = Options::parse_for_notification(options)?;
        let account = account
            .map(|name| account::named(&self.shared.accounts, name))
            .transpose()?;
        let headers = headers.as_ref().to_vec();
        let job = inbox::Accept::new(account, headers, body.to_vec(), options.clone());
        Ok(Work::new(self.shared.clone(), Box::new(job), options, true))
    }

    fn drive(&self, mut work: Work, cancel: Option<&Cancel>) -> Result<Delivered> {
        loop {
            match work.step() {
                Step::Done => return work.result(),
                _ if cancel.is_some_and(Cancel::is_triggered) => work.cancel(),
                Step::Wait(time) => match cancel {
                    Some(cancel) => drop(cancel.wait(time)),
                    None => std::thread::sleep(time),
                },
                Step::Send => {
                    let account = work
                        .account()
                        .ok_or_else(|| Error::new(Code::Internal, "a request is nobody's"))?;
                    let client = &self.shared.accounts[account].client;
                    match client.send(work.request()?, cancel) {
                        Ok(response) => work.respond(response)?,
                        Err(failure) => work.fail(failure)?,
                    }
                }
            }
        }
    }
}

impl Shared {
    fn store(&self) -> &dyn Store {
        &*self.store
    }

    fn now_ms(&self) -> Result<i64> {
        self.host.clock.now_ms()
    }

    /// The account with this name. An order's account may be gone from the configuration.
    fn account(&self, name: &str) -> Result<usize> {
        account::named(&self.accounts, name)
    }
}
