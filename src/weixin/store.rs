//! Where tokens are kept while they are valid: in the host's cache, which many processes may share, else in the client.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::error::Result;
use crate::host::{Host, Level};
use crate::observe::Record;
use crate::process::PerProcess;
use crate::wire::json as strict;

use super::PROVIDER;

/// A token is not used in the last five minutes of its life: a page may still be signed with it, or a request be on its way.
const MARGIN_S: i64 = 300;
/// No token of the platform lives longer; what says so is not one of ours.
const LONGEST_S: i64 = 86_400;

/// What is kept, and its name in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    AccessToken,
    JsapiTicket,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Kept::AccessToken => "access_token",
            Kept::JsapiTicket => "jsapi_ticket",
        }
    }
}

/// A token with the time until which it may be used, Unix seconds.
pub(super) struct Token {
    pub text: Zeroizing<String>,
    pub until_s: i64,
}

pub(super) struct Store {
    appid: String,
    own: PerProcess<Mutex<Values>>,
}

/// What the client keeps by itself.
type Values = HashMap<&'static str, Zeroizing<Vec<u8>>>;

impl Store {
    pub fn new(appid: &str) -> Store {
        Store {
            appid: appid.to_owned(),
            own: PerProcess::new(Mutex::default),
        }
    }

    /// What is kept and good. A cache that fails or gives what it was not given is as good as empty.
    pub fn get(&self, kept: Kept, host: &Host) -> Result<Option<Token>> {
        let value = match &host.cache {
            Some(cache) => match cache.get(&self.key(kept)) {
                Ok(value) => value,
                Err(error) => {
                    self.report(host, error.message());
                    None
                }
            },
            None => {
                let own = self.own.get();
                let map = own.lock().unwrap_or_else(PoisonError::into_inner);
                map.get(kept.name()).cloned()
            }
        };
        let now_s = host.now_s()?;
        let token = value.and_then(|value| read(&value));
        Ok(token.filter(|token| (now_s + 1..=now_s + LONGEST_S).contains(&token.until_s)))
    }

    /// Keeps a token that the platform has just given out for `expires_in` seconds.
    pub fn put(&self, kept: Kept, text: &str, expires_in: i64, host: &Host) -> Result<Token> {
        let now_s = host.now_s()?;
        let ttl_s = expires_in.clamp(0, LONGEST_S) - MARGIN_S;
        let token = Token {
            text: Zeroizing::new(text.to_owned()),
            until_s: now_s + ttl_s.max(0),
        };
        if ttl_s <= 0 {
            return Ok(token);
        }
        let value = json!({ "token": text, "until": token.until_s }).to_string();
        let value = Zeroizing::new(value.into_bytes());
        match &host.cache {
            Some(cache) => {
                if let Err(error) = cache.put(&self.key(kept), &value, ttl_s) {
                    self.report(host, error.message());
                }
            }
            None => {
                let own = self.own.get();
                let mut map = own.lock().unwrap_or_else(PoisonError::into_inner);
                map.insert(kept.name(), value);
            }
        }
        Ok(token)
    }

    fn key(&self, kept: Kept) -> String {
        format!("payseal:weixin:{}:{}", self.appid, kept.name())
    }

    fn report(&self, host: &Host, message: &str) {
        Record::new(host, Level::Warn, "cache.failed")
            .with("provider", PROVIDER)
            .with("mchid", self.appid.as_str())
            .with("message", message)
            .write();
    }
}

fn read(value: &[u8]) -> Option<Token> {
    let map = strict::parse_object(value).ok()?;
    let text = map.get("token").and_then(Value::as_str)?;
    let plain = |b: u8| b.is_ascii_graphic();
    (!text.is_empty() && text.len() <= 1_024 && text.bytes().all(plain)).then_some(())?;
    Some(Token {
        text: Zeroizing::new(text.to_owned()),
        until_s: map.get("until").and_then(Value::as_i64)?,
    })
}
