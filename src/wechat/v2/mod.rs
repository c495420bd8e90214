//! WeChat Pay APIv2: flat XML, signed with a shared key. <https://pay.weixin.qq.com/doc/v2/merchant/4011985891>
//!
//! A provider of its own: it shares no key, no signature and no message with [APIv3](super). A merchant who needs both makes two clients.

mod answer;
mod cashier;
mod examination;
mod face;
mod files;
mod flows;
mod merchant;
mod notification;
mod paths;
mod prepare;
mod refusal;
mod sandbox_key;
mod signature;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Map, Value};

use crate::config::Section;
use crate::crypto::sha256;
use crate::download::{Beginning, Terms};
use crate::error::{Code, Result};
use crate::face::Face;
use crate::flow::{Pace, Plan};
use crate::host::Host;
use crate::notification::{Claim, Event, Reply};
use crate::params::Params;
use crate::provider::{Answer, ClientIdentity, Keys, Prepared, Provider, SelfTest};
use crate::wire::url::Origin;
use crate::wire::{Headers, Response};

pub(crate) use self::examination::examine;
use self::merchant::Merchant;
use self::sandbox_key::KeySet;

pub(super) const PROVIDER: &str = "wechat-v2";

/// One merchant at WeChat Pay, by APIv2.
pub struct WeChatV2 {
    merchant: Merchant,
    /// The configured keys, or the sandbox's once it was fetched.
    keys: ArcSwap<KeySet>,
}

impl WeChatV2 {
    pub(crate) fn new(config: &mut Section) -> Result<WeChatV2> {
        let merchant = Merchant::read(config)?;
        let keys = match merchant.sandbox {
            true => KeySet::default(),
            false => KeySet {
                keys: merchant.keys.clone(),
                since: None,
            },
        };
        Ok(WeChatV2 {
            merchant,
            keys: ArcSwap::from_pointee(keys),
        })
    }
}

impl Provider for WeChatV2 {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn merchant(&self) -> &str {
        &self.merchant.mchid
    }

    fn special_hosts(&self) -> Vec<Origin> {
        self.merchant.special_hosts.clone()
    }

    fn client_identity(&self) -> Option<&ClientIdentity> {
        self.merchant.identity.as_ref()
    }

    fn prepare(&self, operation: &str, params: Params, host: &Host) -> Result<Prepared> {
        prepare::prepare(&self.merchant, &self.keys.load(), operation, params, host)
    }

    /// The signature is among the parameters: every attempt sends the same bytes.
    fn sign(&self, prepared: &Prepared, _: &Host) -> Result<Vec<(&'static str, String)>> {
        prepare::headers(prepared)
    }

    fn check(&self, prepared: &Prepared, response: &Response, _: &Host) -> Result<Answer> {
        answer::check(&self.keys.load().keys, prepared, response)
    }

    fn open(&self, _: &Headers, body: &[u8], _: &Host) -> Result<Event> {
        notification::open(&self.merchant, &self.keys.load().keys, body)
    }

    fn claim(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Claim> {
        match self.open(headers, body, host) {
            Ok(_) => Ok(Claim::Certain),
            Err(error) if error.code() == Code::UnknownSerial => Ok(Claim::Pending),
            Err(error) => Err(error),
        }
    }

    fn self_test(&self, _: Option<&str>, host: &Host) -> Result<Option<SelfTest>> {
        examination::self_test(host).map(Some)
    }

    fn flow(&self, name: &str, params: Params, _: Duration) -> Result<(Box<dyn Plan>, Pace)> {
        flows::plan(name, params)
    }

    /// All of what was signed, with its nonce.
    fn fingerprint(&self, event: &Event, _: &Headers) -> [u8; 32] {
        sha256(&event.plaintext)
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
        cashier::invoke(&self.merchant, &self.keys.load(), kind, params, host)
    }

    fn face(&self) -> Option<&dyn Face> {
        Some(self)
    }

    fn min_key_interval(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn file_terms(
        &self,
        operation: Option<&str>,
        given: &Map<String, Value>,
        allow_unverified: bool,
    ) -> Result<Terms> {
        files::terms(operation, given, allow_unverified)
    }

    fn begin_file(&self, terms: &Terms, response: &Response) -> Result<Beginning> {
        files::begin(terms, response)
    }

    fn keys(&self, host: &Host) -> Result<Keys> {
        match self.merchant.sandbox {
            true => Ok(self.keys.load().state(host.now_s()?)),
            false => Ok(Keys::Ready),
        }
    }

    fn can_fetch_key(&self, serial: &str) -> bool {
        self.merchant.sandbox && serial == sandbox_key::SERIAL
    }

    fn key_request(&self, _: Option<&str>, host: &Host) -> Result<Option<Prepared>> {
        match self.merchant.sandbox {
            true => sandbox_key::request(&self.merchant, host).map(Some),
            false => Ok(None),
        }
    }

    fn accept_keys(&self, response: &Response, host: &Host) -> Result<usize> {
        let keys = sandbox_key::accept(&self.merchant, response, host.now_s()?)?;
        let known = keys.keys.len();
        self.keys.store(Arc::new(keys));
        Ok(known)
    }
}
