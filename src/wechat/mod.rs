//! WeChat Pay APIv3: pure protocol. <https://pay.weixin.qq.com/doc/v3/merchant/4012365334>

mod answer;
mod authorization;
mod cashier;
mod certificates;
mod diagnosis;
mod examination;
mod explanation;
mod face;
mod files;
mod flows;
mod keyring;
mod merchant;
mod notification;
mod prepare;
mod scheme;
mod sensitive;
mod statement;
mod upload;
pub mod v2;
mod verification;

use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::config::Section;
use crate::download::{Files, Terms};
use crate::error::Result;
use crate::face::Face;
use crate::flow::{Pace, Plan};
use crate::host::Host;
use crate::notification::{Claim, Event, Explanation, Reply};
use crate::params::Params;
use crate::provider::{Answer, Keys, Prepared, Provider, SelfTest};
use crate::wire::url::{Address, Origin};
use crate::wire::{Headers, Response};

use self::keyring::KeyRing;
use self::merchant::Merchant;
use self::scheme::Scheme;

pub(crate) use self::examination::examine;

/// One merchant at WeChat Pay.
#[derive(Debug)]
pub struct WeChat {
    merchant: Merchant,
    /// Read without a lock; replaced whole, after verification, by `accept_keys`.
    ring: ArcSwap<KeyRing>,
}

impl WeChat {
    pub(crate) fn new(config: &mut Section, host: &Host) -> Result<WeChat> {
        let merchant = Merchant::read(config, host)?;
        let ring = KeyRing::read(config, &merchant, host.now_s()?)?;
        Ok(WeChat {
            merchant,
            ring: ArcSwap::from_pointee(ring),
        })
    }
}

impl Provider for WeChat {
    fn name(&self) -> &'static str {
        "wechat"
    }

    fn merchant(&self) -> &str {
        &self.merchant.mchid
    }

    fn prepare(&self, operation: &str, params: Params, host: &Host) -> Result<Prepared> {
        prepare::prepare(&self.merchant, &self.ring.load(), operation, params, host)
    }

    fn sign(&self, prepared: &Prepared, host: &Host) -> Result<Vec<(&'static str, String)>> {
        authorization::headers(&self.merchant, prepared, host)
    }

    fn check(&self, prepared: &Prepared, response: &Response, host: &Host) -> Result<Answer> {
        answer::check(
            &self.merchant,
            &self.ring.load(),
            prepared,
            response,
            host.now_s()?,
        )
    }

    fn open(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Event> {
        notification::open(
            &self.merchant,
            &self.ring.load(),
            headers,
            body,
            host.now_s()?,
        )
    }

    fn claim(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Claim> {
        notification::claim(
            &self.merchant,
            &self.ring.load(),
            headers,
            body,
            host.now_s()?,
        )
    }

    fn explain(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Explanation> {
        explanation::explain(&self.merchant, &self.ring.load(), headers, body, host)
    }

    fn self_test(&self, notify_url: Option<&str>, _: &Host) -> Result<Option<SelfTest>> {
        Ok(Some(examination::self_test(notify_url)))
    }

    fn flow(&self, name: &str, params: Params, _: Duration) -> Result<(Box<dyn Plan>, Pace)> {
        flows::plan(name, params)
    }

    fn fingerprint(&self, event: &Event, headers: &Headers) -> [u8; 32] {
        notification::fingerprint(event, headers)
    }

    fn reply(&self, code: i32) -> Reply {
        notification::reply(code)
    }

    fn invoke(
        &self,
        kind: &str,
        params: Map<String, Value>,
        _: &Origin,
        host: &Host,
    ) -> Result<Map<String, Value>> {
        cashier::invoke(&self.merchant, kind, params, host)
    }

    /// A brand is paid by nobody: its merchants are.
    fn face(&self) -> Option<&dyn Face> {
        match self.merchant.scheme {
            Scheme::Brand => None,
            _ => Some(self),
        }
    }

    fn min_key_interval(&self) -> Duration {
        Duration::from_secs(self.ring.load().policy.min_interval_s as u64)
    }

    fn special_hosts(&self) -> Vec<Origin> {
        files::hosts()
    }

    fn file_terms(
        &self,
        _: Option<&str>,
        given: &Map<String, Value>,
        allow_unverified: bool,
    ) -> Result<Terms> {
        files::terms(given, allow_unverified)
    }

    fn files(&self, answer: &Map<String, Value>, terms: &Terms, hosts: &[Origin]) -> Result<Files> {
        files::read(&self.merchant, answer, terms, hosts)
    }

    fn fetch(&self, address: &Address, hosts: &[Origin]) -> Result<Prepared> {
        Ok(files::fetch(address, hosts))
    }

    fn keys(&self, host: &Host) -> Result<Keys> {
        Ok(self.ring.load().state(host.now_s()?))
    }

    fn can_fetch_key(&self, serial: &str) -> bool {
        self.ring.load().can_fetch(serial)
    }

    fn key_request(&self, _: Option<&str>, host: &Host) -> Result<Option<Prepared>> {
        let ring = self.ring.load();
        if !ring.policy.enabled {
            return Ok(None);
        }
        let params = certificates::params(self.merchant.scheme);
        prepare::prepare(&self.merchant, &ring, ring.policy.operation, params, host).map(Some)
    }

    fn accept_keys(&self, response: &Response, host: &Host) -> Result<usize> {
        let ring =
            certificates::accept(&self.merchant, &self.ring.load(), response, host.now_s()?)?;
        let known = ring.len();
        self.ring.store(ring.into());
        Ok(known)
    }
}
