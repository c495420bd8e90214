//! Alipay: the gateway (v2) and REST v3, of one app. Pure protocol. <https://opendocs.alipay.com/common/02kkv7>
//!
//! An operation is named as the provider names it: `alipay.trade.precreate` goes to the gateway, `POST /v3/alipay/trade/pay` to REST v3.

mod amount;
mod answer;
mod app;
mod asked;
mod canonical;
mod cashier;
mod certificates;
mod charset;
mod encryption;
mod examination;
mod explanation;
mod face;
mod files;
mod flows;
mod keyring;
mod message;
mod notification;
mod prepare;
mod refusal;
mod request;
mod rest;
mod sign_type;
mod span;
mod time;

use std::time::Duration;

use arc_swap::ArcSwap;
use serde_json::{Map, Value, json};

use crate::config::Section;
use crate::crypto::sha256;
use crate::download::{Files, Terms};
use crate::error::{Code, Error, Result};
use crate::face::Face;
use crate::flow::{Pace, Plan};
use crate::host::Host;
use crate::notification::{Claim, Event, Explanation, Reply};
use crate::params::Params;
use crate::provider::{Answer, Keys, Prepared, Provider, SelfTest};
use crate::wire::url::{Address, Origin};
use crate::wire::{Headers, Response, json as strict};

use self::app::App;
use self::certificates::Files as CertificateFiles;
use self::keyring::KeyRing;

pub(crate) use self::examination::examine;

const PROVIDER: &str = "alipay";

/// One app at Alipay.
#[derive(Debug)]
pub struct Alipay {
    app: App,
    /// Read without a lock; replaced whole by `accept_keys`.
    ring: ArcSwap<KeyRing>,
}

impl Alipay {
    pub(crate) fn new(config: &mut Section, host: &Host) -> Result<Alipay> {
        let files = CertificateFiles::read(config)?;
        let app = App::read(config, files.as_ref(), host)?;
        let ring = KeyRing::read(config, &app, files.as_ref(), host.now_s()?)?;
        Ok(Alipay {
            app,
            ring: ArcSwap::from_pointee(ring),
        })
    }
}

/// Methods of REST v3 have a method of HTTP before them.
fn is_rest(operation: &str) -> bool {
    operation.contains(' ')
}

impl Provider for Alipay {
    fn name(&self) -> &'static str {
        PROVIDER
    }

    fn merchant(&self) -> &str {
        &self.app.app_id
    }

    fn prepare(&self, operation: &str, params: Params, host: &Host) -> Result<Prepared> {
        match is_rest(operation) {
            true => rest::prepare(&self.app, operation, params, host),
            false => prepare::prepare(&self.app, operation, params, host),
        }
    }

    fn sign(&self, prepared: &Prepared, host: &Host) -> Result<Vec<(&'static str, String)>> {
        match is_rest(&prepared.operation) && prepared.answer_is_signed {
            true => rest::sign(&self.app, prepared, host),
            false => Ok(prepared.headers.clone()),
        }
    }

    fn check(&self, prepared: &Prepared, response: &Response, host: &Host) -> Result<Answer> {
        let ring = self.ring.load();
        match is_rest(&prepared.operation) {
            true => rest::check(&self.app, &ring, prepared, response, host.clock.now_ms()?),
            false => answer::check(&self.app, &ring, prepared, response, host.now_s()?),
        }
    }

    fn open(&self, _: &Headers, body: &[u8], host: &Host) -> Result<Event> {
        notification::open(&self.app, &self.ring.load(), body, host.now_s()?)
    }

    fn claim(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Claim> {
        notification::names(&self.app, body)?;
        match self.open(headers, body, host) {
            Ok(_) => Ok(Claim::Certain),
            Err(error) if error.code() == Code::UnknownSerial && self.can_fetch(&error) => {
                Ok(Claim::Pending)
            }
            Err(error) => Err(error),
        }
    }

    fn open_return(&self, query: &[u8], host: &Host) -> Result<Map<String, Value>> {
        notification::open_return(&self.app, &self.ring.load(), query, host.now_s()?)
    }

    fn explain(&self, _: &Headers, body: &[u8], host: &Host) -> Result<Explanation> {
        explanation::explain(&self.app, &self.ring.load(), body, host)
    }

    fn self_test(&self, _: Option<&str>, host: &Host) -> Result<Option<SelfTest>> {
        examination::self_test(host).map(Some)
    }

    fn flow(&self, name: &str, params: Params, _: Duration) -> Result<(Box<dyn Plan>, Pace)> {
        flows::plan(name, params)
    }

    /// All of what was signed.
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
        origin: &Origin,
        host: &Host,
    ) -> Result<Map<String, Value>> {
        cashier::invoke(&self.app, origin, kind, params, host)
    }

    fn face(&self) -> Option<&dyn Face> {
        Some(self)
    }

    fn min_key_interval(&self) -> Duration {
        Duration::from_secs(60)
    }

    fn special_hosts(&self) -> Vec<Origin> {
        files::hosts()
    }

    fn file_terms(
        &self,
        _: Option<&str>,
        _: &Map<String, Value>,
        allow_unverified: bool,
    ) -> Result<Terms> {
        files::terms(allow_unverified)
    }

    fn files(&self, answer: &Map<String, Value>, _: &Terms, hosts: &[Origin]) -> Result<Files> {
        files::read(answer, hosts)
    }

    fn fetch(&self, address: &Address, hosts: &[Origin]) -> Result<Prepared> {
        Ok(files::fetch(address, hosts))
    }

    fn keys(&self, _: &Host) -> Result<Keys> {
        Ok(Keys::Ready) // what has expired is said where it is used
    }

    fn can_fetch_key(&self, serial: &str) -> bool {
        self.ring.load().can_fetch(serial)
    }

    fn key_request(&self, serial: Option<&str>, host: &Host) -> Result<Option<Prepared>> {
        let Some(number) = serial else {
            return Ok(None);
        };
        let params = Params {
            body: Some(json!({ "alipay_cert_sn": number })),
            ..Params::default()
        };
        prepare::prepare(&self.app, certificates::DOWNLOAD, params, host).map(Some)
    }

    /// The answer to it comes without a signature. What is believed is the certificate: it leads to a configured root through authorities that
    /// say they are ones, and names the holder that the configured certificate names.
    fn accept_keys(&self, response: &Response, host: &Host) -> Result<usize> {
        let ring = self.ring.load();
        let now_s = host.now_s()?;
        let refused = |problem: String| {
            Error::new(
                Code::CertificateInvalid,
                format!("no certificate was downloaded: {problem}"),
            )
        };
        let trust = ring
            .trust
            .as_ref()
            .ok_or_else(|| refused("the client has a public key in its configuration".into()))?;
        if response.status != 200 {
            return Err(refusal::described(
                refusal::of_status(response.status),
                response,
            ));
        }
        let parts = span::take_apart(&response.body, self.app.charset).map_err(refused)?;
        let text = self
            .app
            .charset
            .decode(parts.signed)
            .ok_or_else(|| refused("it cannot be read".into()))?;
        let node = strict::parse_object(text.as_bytes()).map_err(refused)?;
        if let Some(error) = refusal::of_node(&node, parts.node == "error_response") {
            return Err(refusal::described(
                refusal::unauthenticated(error),
                response,
            ));
        }
        let renewed = ring.with(trust.downloaded(text.as_bytes(), now_s)?);
        if let Some(signature) = parts
            .signature
            .as_deref()
            .filter(|signature| !signature.is_empty())
        {
            answer::verify(&renewed, &parts, signature, now_s)?;
        }
        let known = renewed.len();
        self.ring.store(renewed.into());
        Ok(known)
    }
}

impl Alipay {
    fn can_fetch(&self, error: &Error) -> bool {
        error
            .detail("serial")
            .and_then(Value::as_str)
            .is_some_and(|serial| self.can_fetch_key(serial))
    }
}
