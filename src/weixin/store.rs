//! Where tokens are kept while they are valid: in the host's cache, which many processes may share, else in the client.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::host::{Host, Level};
use crate::observe::Record;
use crate::process::PerProcess;
use crate::turn::{Permit, Turn};
use crate::wire::json::{self as strict, Wiped};

use super::PROVIDER;

/// A token is not used in the last five minutes of its life: a page may still be signed with it, or a request be on its way.
const MARGIN_S: i64 = 300;
/// No token of the platform lives longer; what says so is not one of ours.
const LONGEST_S: i64 = 86_400;
/// In place of a token that is good no more: read like nothing, by every version.
const NOTHING: &[u8] = b"{}";

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
#[derive(Clone)]
pub(super) struct Token {
    pub text: Zeroizing<String>,
    pub until_s: i64,
}

pub(super) struct Store {
    appid: String,
    own: PerProcess<Own>,
}

/// What the client keeps by itself, for its threads.
#[derive(Default)]
struct Own {
    access_token: Place,
    jsapi_ticket: Place,
}

#[derive(Default)]
struct Place {
    /// Of fetching it.
    turn: Arc<Turn>,
    /// What was fetched last, and in which turn. Where the host has a cache it is for those alone who waited for that turn.
    fetched: Mutex<Option<(u64, Token)>>,
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Option<(u64, Token)>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    fn place(&self, kept: Kept) -> &Place {
        match kept {
            Kept::AccessToken => &self.access_token,
            Kept::JsapiTicket => &self.jsapi_ticket,
        }
    }
}

impl Store {
    pub fn new(appid: &str) -> Store {
        Store {
            appid: appid.to_owned(),
            own: PerProcess::new(Own::default),
        }
    }

    /// What is kept and good. A cache that fails or gives what it was not given is as good as empty.
    pub fn get(&self, kept: Kept, host: &Host) -> Result<Option<Token>> {
        let token = match &host.cache {
            Some(_) => self.cached(kept, host),
            None => {
                let own = self.own.get();
                let fetched = own.place(kept).lock();
                fetched.as_ref().map(|(_, token)| token.clone())
            }
        };
        let now_s = host.now_s()?;
        Ok(token.filter(|token| (now_s + 1..=now_s + LONGEST_S).contains(&token.until_s)))
    }

    /// Keeps a token that the platform has just given out for `expires_in` seconds, and hands it to those who wait for this turn.
    pub fn put(
        &self,
        kept: Kept,
        text: &str,
        expires_in: i64,
        turn: &Permit,
        host: &Host,
    ) -> Result<Token> {
        let now_s = host.now_s()?;
        let ttl_s = expires_in.clamp(0, LONGEST_S) - MARGIN_S;
        let token = Token {
            text: Zeroizing::new(text.to_owned()),
            until_s: now_s + ttl_s.max(0),
        };
        *self.own.get().place(kept).lock() = Some((turn.number(), token.clone()));
        // What would not be read is not put either, so that no value is longer than the room that a cache is given for one.
        if ttl_s > 0
            && is_token(text)
            && let Some(cache) = &host.cache
        {
            let value = strict::text(&Entry {
                token: text,
                until: token.until_s,
            });
            self.noted(host, cache.put(&self.key(kept), &value, ttl_s));
        }
        Ok(token)
    }

    /// Forgets a token that the platform does not take any more, unless another one is kept by now.
    pub fn forget(&self, kept: Kept, text: &str, host: &Host) {
        let own = self.own.get();
        own.place(kept)
            .lock()
            .take_if(|(_, token)| *token.text == text);
        if let Some(cache) = &host.cache
            && self
                .cached(kept, host)
                .is_some_and(|token| *token.text == text)
        {
            self.noted(host, cache.put(&self.key(kept), NOTHING, 1));
        }
    }

    pub fn turn(&self, kept: Kept) -> Arc<Turn> {
        self.own.get().place(kept).turn.clone()
    }

    /// What came of this turn, or of a later one.
    pub fn fetched_since(&self, kept: Kept, turn: u64) -> Option<Token> {
        let own = self.own.get();
        let fetched = own.place(kept).lock();
        let (number, token) = fetched.as_ref()?;
        (*number >= turn).then(|| token.clone())
    }

    fn cached(&self, kept: Kept, host: &Host) -> Option<Token> {
        let cache = host.cache.as_ref()?;
        let value = self.noted(host, cache.get(&self.key(kept)));
        read(&value??)
    }

    fn key(&self, kept: Kept) -> String {
        format!("payseal:weixin:{}:{}", self.appid, kept.name())
    }

    fn noted<T>(&self, host: &Host, done: std::result::Result<T, Error>) -> Option<T> {
        let report = |error: Error| {
            Record::new(host, Level::Warn, "cache.failed")
                .with("provider", PROVIDER)
                .with("mchid", self.appid.as_str())
                .with("message", error.message())
                .write();
        };
        done.map_err(report).ok()
    }
}

/// As it stands in the cache.
#[derive(Serialize)]
struct Entry<'a> {
    token: &'a str,
    until: i64,
}

fn read(value: &[u8]) -> Option<Token> {
    let map = Wiped(strict::parse(value).ok()?);
    let text = map.get("token").and_then(Value::as_str)?;
    let until_s = map.get("until").and_then(Value::as_i64)?;
    is_token(text).then(|| Token {
        text: Zeroizing::new(text.to_owned()),
        until_s,
    })
}

fn is_token(text: &str) -> bool {
    (1..=1_024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
