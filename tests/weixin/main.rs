//! Mini-programs and pages: codes, tokens and signatures, with a cache that processes share.

#[path = "../support/mod.rs"]
mod support;

mod cache;
mod pages;
mod platform;
mod refusals;
mod renewal;
mod secrets;
mod turns;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use payseal::call::Delivered;
use payseal::host::Cache;
use payseal::wire::{Request, Response};
use payseal::{Client, Code, Error, Result};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use support::canary;
use support::drive::{Sent, drive};
use support::host::World;

pub const APPID: &str = "wxd678efh567hg6787";
/// Found nowhere but in the requests that need it.
pub const SECRET: &str = canary::APP_SECRET;
pub const TOKEN: &str = canary::ACCESS_TOKEN;
pub const NEXT_TOKEN: &str = canary::NEXT_ACCESS_TOKEN;
pub const TICKET: &str = canary::JSAPI_TICKET;
pub const CODE: &str = canary::LOGIN_CODE;
pub const SESSION_KEY: &str = canary::SESSION_KEY;

pub const STABLE_TOKEN: &str = "POST /cgi-bin/stable_token";
pub const GET_TICKET: &str = "GET /cgi-bin/ticket/getticket";

pub fn config() -> Value {
    json!({ "provider": "weixin", "appid": APPID, "secret": SECRET, "retry": { "max_attempts": 1 } })
}

/// A cache as many processes would share it: what was put, and for how long.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<HashMap<String, Entry>>>);

/// The value, and for how many seconds.
type Entry = (Vec<u8>, i64);

impl Shared {
    pub fn put_raw(&self, key: &str, value: &str) {
        let mut map = self.0.lock().unwrap();
        map.insert(key.into(), (value.into(), 1));
    }

    pub fn entries(&self) -> Vec<(String, String, i64)> {
        let map = self.0.lock().unwrap();
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let mut entries: Vec<_> = map
            .iter()
            .map(|(key, (value, ttl))| (key.clone(), text(value), *ttl))
            .collect();
        entries.sort();
        entries
    }
}

impl Cache for Shared {
    fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let map = self.0.lock().unwrap();
        Ok(map.get(key).map(|(value, _)| Zeroizing::new(value.clone())))
    }

    fn put(&self, key: &str, value: &[u8], ttl_s: i64) -> Result<()> {
        let mut map = self.0.lock().unwrap();
        map.insert(key.into(), (value.to_vec(), ttl_s));
        Ok(())
    }
}

/// A cache that is not there.
pub struct Broken;

impl Cache for Broken {
    fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        Err(Error::new(Code::CallbackFailed, "the cache is not there"))
    }

    fn put(&self, _: &str, _: &[u8], _: i64) -> Result<()> {
        Err(Error::new(Code::CallbackFailed, "the cache is not there"))
    }
}

pub fn client(world: &World, cache: Option<Box<dyn Cache>>) -> Client {
    let mut host = world.host();
    host.cache = cache;
    Client::new(config().to_string().as_bytes(), host).unwrap()
}

pub fn answer(body: Value) -> Sent {
    Ok(Response::read(
        200,
        b"Content-Type: application/json\n",
        body.to_string().as_bytes(),
    )
    .unwrap())
}

pub fn token() -> Sent {
    token_of(TOKEN)
}

pub fn token_of(text: &str) -> Sent {
    answer(json!({ "access_token": text, "expires_in": 7200 }))
}

/// What the platform says to a token that it does not take.
pub fn ended(errcode: i64) -> Sent {
    answer(json!({ "errcode": errcode, "errmsg": format!("invalid credential {TOKEN}") }))
}

pub fn ticket() -> Sent {
    answer(json!({ "errcode": 0, "errmsg": "ok", "ticket": TICKET, "expires_in": 7200 }))
}

/// Runs a flow; what is asked is noted as method and path.
pub fn run(
    client: &Client,
    flow: &str,
    params: Value,
    script: Vec<Sent>,
) -> (Result<Value>, Vec<String>) {
    let mut flow = client.flow(flow, params.to_string().as_bytes()).unwrap();
    let (mut asked, mut script) = (Vec::new(), script.into_iter());
    let result = drive(&mut flow, |request| {
        asked.push(asked_for(request));
        script.next().expect("no more is asked")
    });
    assert_eq!(script.count(), 0, "not everything was asked");
    (result.map(|delivered| value(&delivered)), asked)
}

pub fn asked_for(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap();
    format!("{} {path}", request.method)
}

pub fn value(delivered: &Delivered) -> Value {
    serde_json::from_slice(&delivered.body).unwrap()
}
