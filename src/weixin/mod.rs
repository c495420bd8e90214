//! WeChat's platform for mini-programs and official accounts: who a user is, and what a page needs to call WeChat.
//! <https://developers.weixin.qq.com/doc/>
//!
//! It is not WeChat Pay and signs nothing: an answer is as trustworthy as the TLS connection it came over, and never says that money moved.

mod answer;
mod flows;
mod js_config;
mod prepare;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::config::Section;
use crate::error::{Code, Error, Result};
use crate::flow::{Pace, Plan};
use crate::host::Host;
use crate::notification::{Claim, Event, Reply};
use crate::params::Params;
use crate::provider::{Answer, Expected, Keys, Prepared, Provider, SelfTest};
use crate::wire::url::Origin;
use crate::wire::{Headers, Response};

use self::store::Store;

pub(super) const PROVIDER: &str = "weixin";

/// One app at WeChat's platform.
pub struct Weixin {
    account: Account,
    store: Arc<Store>,
}

pub(crate) struct Account {
    pub appid: String,
    secret: Zeroizing<String>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("appid", &self.appid)
            .finish_non_exhaustive()
    }
}

impl Weixin {
    pub(crate) fn new(config: &mut Section) -> Result<Weixin> {
        let appid = config.required_text("appid")?;
        if appid.len() > 32 || !appid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(config.error(
                "appid",
                "an app id consists of at most 32 letters and digits",
            ));
        }
        let secret = config
            .secret("secret")?
            .ok_or_else(|| config.missing("secret"))?;
        let secret = std::str::from_utf8(&secret)
            .ok()
            .filter(|text| text.len() == 32 && text.bytes().all(|b| b.is_ascii_alphanumeric()))
            .map(|text| Zeroizing::new(text.to_owned()))
            .ok_or_else(|| {
                config
                    .error_with(
                        Code::KeyInvalid,
                        "secret",
                        "an app secret is exactly 32 letters and digits",
                    )
                    .with_hint("copy it without spaces or line ends")
            })?;
        Ok(Weixin {
            store: Arc::new(Store::new(&appid)),
            account: Account { appid, secret },
        })
    }
}

impl Provider for Weixin {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn merchant(&self) -> &str {
        &self.account.appid
    }

    fn prepare(&self, operation: &str, params: Params, _: &Host) -> Result<Prepared> {
        prepare::prepare(&self.account, operation, params)
    }

    fn sign(&self, prepared: &Prepared, _: &Host) -> Result<Vec<(&'static str, String)>> {
        Ok(prepared.headers.clone())
    }

    fn check(&self, prepared: &Prepared, response: &Response, _: &Host) -> Result<Answer> {
        answer::check(prepared, response)
    }

    fn open(&self, _: &Headers, _: &[u8], _: &Host) -> Result<Event> {
        Err(no_notifications())
    }

    fn claim(&self, _: &Headers, _: &[u8], _: &Host) -> Result<Claim> {
        Err(no_notifications())
    }

    /// Asks for the access token that is in use already, which leaves it as it is.
    fn self_test(&self, _: Option<&str>, _: &Host) -> Result<Option<SelfTest>> {
        Ok(Some(SelfTest {
            operation: "POST /cgi-bin/stable_token",
            body: json!({}),
            expects: Expected::Member("access_token"),
            proves: "the platform knows the app and its secret, and answers this machine",
        }))
    }

    fn flow(&self, name: &str, params: Params, timeout: Duration) -> Result<(Box<dyn Plan>, Pace)> {
        let store = self.store.clone();
        flows::plan(name, params, &self.account.appid, store, timeout)
    }

    fn fingerprint(&self, _: &Event, _: &Headers) -> [u8; 32] {
        [0; 32]
    }

    /// Whatever came is not understood here, so it is not accepted.
    fn reply(&self, _: i32) -> Reply {
        Reply {
            status: 400,
            content_type: "text/plain; charset=utf-8",
            body: Vec::new(),
        }
    }

    fn invoke(
        &self,
        kind: &str,
        params: Map<String, Value>,
        _: &Origin,
        host: &Host,
    ) -> Result<Map<String, Value>> {
        js_config::invoke(&self.account.appid, kind, params, host)
    }

    fn min_key_interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn keys(&self, _: &Host) -> Result<Keys> {
        Ok(Keys::Ready)
    }

    fn can_fetch_key(&self, _: &str) -> bool {
        false
    }

    fn key_request(&self, _: Option<&str>, _: &Host) -> Result<Option<Prepared>> {
        Ok(None)
    }

    fn accept_keys(&self, _: &Response, _: &Host) -> Result<usize> {
        Ok(0)
    }
}

fn no_notifications() -> Error {
    Error::new(
        Code::SignatureMissing,
        "this provider sends no notifications about money, so nothing that comes is believed",
    )
}
