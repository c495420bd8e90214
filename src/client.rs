//! Configuration in, immutable client out.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::alipay::Alipay;
use crate::breaker::Breaker;
use crate::call::{Call, Delivered, Step, Steps};
use crate::cancel::Cancel;
use crate::catalogue::{self, Repeat};
use crate::config::Section;
use crate::download::{Download, Machine};
use crate::error::{Code, Error, Result};
use crate::face::Face;
use crate::flow::Flow;
use crate::host::Host;
use crate::notification::{Claim, Event, Explanation, Reply};
use crate::observe::Metrics;
use crate::params::{FlowOptions, Options, Params};
use crate::process::PerProcess;
use crate::provider::{Prepared, Provider, SelfTest};
use crate::refresh::RefreshGate;
use crate::replay::ReplayGuard;
use crate::wechat::WeChat;
use crate::wechat::v2::WeChatV2;
use crate::weixin::Weixin;
use crate::wire::url::Origin;
use crate::wire::{Failure, Headers, Request, Response};

#[cfg(feature = "transport")]
use crate::http::Transport;

/// One merchant's access to one provider. Immutable; any number of threads may use it at once, also after `fork`.
pub struct Client {
    core: Arc<Core>,
    #[cfg(feature = "transport")]
    transport: Arc<PerProcess<Transport>>,
}

/// What all calls of a client share.
pub(crate) struct Core {
    pub provider: Box<dyn Provider>,
    pub host: Host,
    pub settings: Settings,
    /// The configured hosts, then those at which the provider has single operations.
    pub hosts: Vec<Origin>,
    /// One for each of `hosts`.
    pub breakers: Vec<Breaker>,
    pub metrics: Metrics,
    gate: PerProcess<Arc<RefreshGate>>,
    replay: Option<PerProcess<ReplayGuard>>,
}

/// The part of the configuration that is the same for every provider.
pub(crate) struct Settings {
    pub hosts: Vec<Origin>,
    pub total: Duration,
    pub max_attempts: u32,
    base: Duration,
    cap: Duration,
    failures: u32,
    open: Duration,
    max_response_bytes: u64,
    replay_entries: Option<usize>,
    pub network: Network,
}

/// What only the transport needs.
#[derive(Clone)]
pub(crate) struct Network {
    pub resolve: Duration,
    pub connect: Duration,
    pub read: Duration,
    pub proxy: Option<Zeroizing<String>>,
    pub root_certificates: Option<String>,
}

/// A provider that a configuration may name.
struct Kind {
    name: &'static str,
    /// Where requests go unless `hosts` says otherwise.
    default_host: &'static str,
    make: fn(&mut Section, &Host) -> Result<Box<dyn Provider>>,
}

const PROVIDERS: [Kind; 4] = [
    Kind {
        name: "alipay",
        default_host: "https://openapi.alipay.com",
        make: |config, host| Ok(Box::new(Alipay::new(config, host)?)),
    },
    Kind {
        name: "wechat",
        default_host: "https://api.mch.weixin.qq.com",
        make: |config, host| Ok(Box::new(WeChat::new(config, host)?)),
    },
    Kind {
        name: "wechat-v2",
        default_host: "https://api.mch.weixin.qq.com",
        make: |config, _| Ok(Box::new(WeChatV2::new(config)?)),
    },
    Kind {
        name: "weixin",
        default_host: "https://api.weixin.qq.com",
        make: |config, _| Ok(Box::new(Weixin::new(config)?)),
    },
];

impl Kind {
    fn find(name: &str) -> std::result::Result<&'static Kind, String> {
        PROVIDERS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = PROVIDERS.iter().map(|kind| kind.name).collect();
                format!("there is no such provider; there is {}", names.join(", "))
            })
    }
}

/// The catalogued operations of a provider: name, title, and whether the same request may be sent again (`safe`, `same_number`, `never`).
pub fn operations(provider: &str) -> Result<Value> {
    Kind::find(provider)
        .map_err(|problem| Error::new(Code::InvalidArgument, problem).with_field("provider"))?;
    let repeat = |repeat| match repeat {
        Repeat::Safe => "safe",
        Repeat::SameNumber => "same_number",
        Repeat::Never => "never",
    };
    Ok(catalogue::operations(provider).map(|operation| json!({ "name": operation.name, "title": operation.title, "repeat": repeat(operation.repeat) })).collect())
}

impl Client {
    /// `config` is JSON, as documented in `docs/abi.md`. Every key and every pair of things that must fit is checked here, so that a client
    /// that exists can sign and verify.
    pub fn new(config: &[u8], host: Host) -> Result<Client> {
        let mut section = Section::parse(config)?;
        let name = section.required_text("provider")?;
        let kind = Kind::find(&name).map_err(|problem| section.error("provider", problem))?;
        let settings = Settings::read(&mut section, kind.default_host)?;
        let provider = (kind.make)(&mut section, &host)?;
        section.finish()?;

        let min_interval = provider.min_key_interval();
        let mut hosts = settings.hosts.clone();
        let special = provider.special_hosts();
        hosts.extend(
            special
                .into_iter()
                .filter(|host| !settings.hosts.contains(host)),
        );
        #[cfg(feature = "transport")]
        let transport = {
            let network = settings.network.clone();
            let identity = provider.client_identity().cloned();
            Transport::new(&network, identity.as_ref())?; // what cannot be used is refused now
            Arc::new(PerProcess::new(move || {
                Transport::new(&network, identity.as_ref())
                    .expect("it was made from the same settings before")
            }))
        };
        let core = Core {
            breakers: hosts
                .iter()
                .map(|_| Breaker::new(settings.failures, settings.open))
                .collect(),
            hosts,
            metrics: Metrics::new(provider.name()),
            gate: PerProcess::new(move || Arc::new(RefreshGate::new(min_interval))),
            replay: settings
                .replay_entries
                .map(|entries| PerProcess::new(move || ReplayGuard::new(entries))),
            provider,
            host,
            settings,
        };
        Ok(Client {
            core: Arc::new(core),
            #[cfg(feature = "transport")]
            transport,
        })
    }

    /// Executes an operation, blocking. `payload` are raw bytes: usually none.
    pub fn execute(
        &self,
        operation: &str,
        params: &[u8],
        payload: &[u8],
        cancel: Option<&Cancel>,
    ) -> Result<Delivered> {
        let call = self.call(operation, params, payload)?;
        if call.needs_client_certificate() {
            self.core.can_present_certificate()?;
        }
        self.drive(call, cancel)
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// The same client once more: connections, keys and metrics are shared.
    pub(crate) fn share(&self) -> Client {
        Client {
            core: self.core.clone(),
            #[cfg(feature = "transport")]
            transport: self.transport.clone(),
        }
    }

    /// The same as a state machine, for a host's own HTTP client.
    pub fn call(&self, operation: &str, params: &[u8], payload: &[u8]) -> Result<Call> {
        Call::operation(
            self.core.clone(),
            operation,
            Params::parse(params, payload)?,
        )
    }

    /// A download: of the files that an operation names, or of one whose address is known. Nothing is sent yet. `cancel` ends it at any time.
    pub fn download(&self, params: &[u8], cancel: Option<&Cancel>) -> Result<Download> {
        let machine = Machine::new(self.core.clone(), params)?;
        Ok(Download::new(
            self.core.clone(),
            machine,
            cancel.cloned(),
            #[cfg(feature = "transport")]
            self.transport.clone(),
        ))
    }

    /// Runs a flow, blocking: asks, waits and asks again until its state is final or its deadline has passed.
    pub fn run(&self, flow: &str, params: &[u8], cancel: Option<&Cancel>) -> Result<Delivered> {
        self.drive(self.flow(flow, params)?, cancel)
    }

    /// The same as a state machine, for a host's own HTTP client.
    pub fn flow(&self, flow: &str, params: &[u8]) -> Result<Flow> {
        let (params, options) = FlowOptions::parse(params)?;
        let timeout = options.timeout.unwrap_or(self.core.settings.total);
        let (plan, pace) = self.core.provider.flow(flow, params, timeout)?;
        Ok(Flow::new(self.core.clone(), plan, pace, options))
    }

    /// Verifies, decrypts and reads a notification. Blocks only where new platform certificates have to be fetched for it.
    pub fn open_notification(
        &self,
        headers: impl AsRef<[u8]>,
        body: &[u8],
        options: &[u8],
    ) -> Result<Delivered> {
        self.drive(self.call_notification(headers, body, options)?, None)
    }

    pub fn call_notification(
        &self,
        headers: impl AsRef<[u8]>,
        body: &[u8],
        options: &[u8],
    ) -> Result<Call> {
        Ok(Call::notification(
            self.core.clone(),
            Headers::parse_bytes(headers.as_ref())?,
            body,
            Options::parse_for_notification(options)?,
        ))
    }

    /// Payments in common terms, for tests; None where the provider takes none.
    #[doc(hidden)]
    pub fn face(&self) -> Option<&dyn Face> {
        self.core.provider.face()
    }

    /// Whether a notification is for this merchant; `route` asks several.
    pub(crate) fn claim(&self, headers: &Headers, body: &[u8]) -> Result<Claim> {
        self.core.provider.claim(headers, body, &self.core.host)
    }

    pub(crate) fn self_test(&self, notify_url: Option<&str>) -> Result<Option<SelfTest>> {
        self.core.provider.self_test(notify_url, &self.core.host)
    }

    /// Why a notification would be refused, for people who look for a mistake. Fetches no keys and lets nothing pass.
    pub fn explain_notification(
        &self,
        headers: impl AsRef<[u8]>,
        body: &[u8],
    ) -> Result<Explanation> {
        let headers = Headers::parse_bytes(headers.as_ref())?;
        self.core.provider.explain(&headers, body, &self.core.host)
    }

    /// Verifies the query with which the payer's browser came back. What it says about money is not to be believed: it passed through the payer's
    /// hands, so there is nothing in it that says "paid".
    pub fn open_return(&self, query: &[u8]) -> Result<Map<String, Value>> {
        self.core.provider.open_return(query, &self.core.host)
    }

    /// What to answer to a notification: `code` 0 for success, else the code of the error.
    pub fn notification_reply(&self, code: i32) -> Reply {
        self.core.provider.reply(code)
    }

    /// What a page, mini-program or app needs to call up the cashier.
    pub fn invoke(&self, kind: &str, params: &[u8]) -> Result<Map<String, Value>> {
        let params = if params.is_empty() { b"{}" } else { params };
        let params = crate::wire::json::parse_object(params).map_err(|problem| {
            Error::new(
                Code::ParamsInvalid,
                format!("params cannot be read: {problem}"),
            )
            .with_field("params")
        })?;
        let origin = &self.core.settings.hosts[0];
        self.core
            .provider
            .invoke(kind, params, origin, &self.core.host)
    }

    /// Prometheus text format 0.0.4.
    pub fn metrics(&self) -> String {
        let hosts = self.core.hosts.iter().map(Origin::as_str);
        let breakers = self.core.breakers.iter().map(Breaker::is_open);
        let configured = self.core.settings.hosts.len();
        // Of the provider's many other hosts only those where something is wrong.
        let shown = hosts
            .zip(breakers)
            .enumerate()
            .filter(|(index, (_, is_open))| *index < configured || *is_open)
            .map(|(_, shown)| shown);
        self.core.metrics.text(shown)
    }

    fn drive(&self, mut call: impl Steps, cancel: Option<&Cancel>) -> Result<Delivered> {
        loop {
            match call.step() {
                Step::Done => return call.result(),
                _ if cancel.is_some_and(Cancel::is_triggered) => call.cancel(),
                Step::Wait(time) => match cancel {
                    Some(cancel) => drop(cancel.wait(time)),
                    None => std::thread::sleep(time),
                },
                Step::Send => match self.send(call.request()?, cancel) {
                    Ok(response) => call.respond(response)?,
                    Err(failure) => call.fail(failure)?,
                },
            }
        }
    }

    #[cfg(feature = "transport")]
    pub(crate) fn send(
        &self,
        request: &Request,
        cancel: Option<&Cancel>,
    ) -> std::result::Result<Response, Failure> {
        self.transport.get().send(request, cancel)
    }

    #[cfg(not(feature = "transport"))]
    pub(crate) fn send(
        &self,
        _: &Request,
        _: Option<&Cancel>,
    ) -> std::result::Result<Response, Failure> {
        let reason =
            "this build has no HTTP client of its own; use the call functions with the host's";
        Err(Failure {
            kind: crate::wire::FailureKind::Cancelled { sent: false },
            code: Code::InvalidState,
            reason: reason.into(),
        })
    }
}

impl Core {
    /// Fails where the built-in transport has no certificate to present.
    pub fn can_present_certificate(&self) -> Result<()> {
        match self.provider.client_identity() {
            Some(_) => Ok(()),
            None => Err(Error::new(Code::ConfigInvalid, "configuration client_certificate: it is missing, and the operation is only answered to those who present theirs")
                .with_field("client_certificate")
                .with_hint("set client_certificate and client_key: apiclient_cert.pem and apiclient_key.pem of the merchant")),
        }
    }

    pub fn max_response_bytes(&self) -> u64 {
        self.settings.max_response_bytes
    }

    pub fn gate(&self) -> Arc<RefreshGate> {
        (*self.gate.get()).clone()
    }

    /// Whether this very delivery was opened before, as far as the replay guard remembers.
    pub fn is_repeated(&self, event: &Event, headers: &Headers) -> bool {
        self.replay.as_ref().is_some_and(|guard| {
            let fingerprint = self.provider.fingerprint(event, headers);
            guard.get().is_repeated(&fingerprint)
        })
    }

    /// Whether another host can be asked when one fails.
    pub fn has_several_hosts(&self, prepared: &Prepared) -> bool {
        prepared.origin.is_none() && self.settings.hosts.len() > 1
    }

    /// The first host in order of preference whose breaker lets a request through; the one that has just failed comes last.
    pub fn choose_host(&self, prepared: &Prepared, avoid: Option<usize>) -> Option<usize> {
        let now = std::time::Instant::now();
        let admits = |host: &usize| self.breakers[*host].admits(now);
        if let Some(origin) = &prepared.origin {
            let only = self.hosts.iter().position(|host| host == origin);
            return only.filter(admits);
        }
        let preferred = (0..self.settings.hosts.len()).filter(|host| Some(*host) != avoid);
        preferred.chain(avoid).find(admits)
    }

    /// The request of one attempt: the settled bytes under a new signature.
    pub fn request(&self, prepared: &Prepared, host: usize, timeout: Duration) -> Result<Request> {
        Ok(Request {
            method: prepared.method,
            origin: self.hosts[host].as_str().to_owned(),
            client_certificate: prepared.client_certificate,
            target: prepared.target.clone(),
            headers: self.provider.sign(prepared, &self.host)?,
            body: prepared.body.clone(),
            timeout,
            head_timeout: None,
            max_response_bytes: self.settings.max_response_bytes,
        })
    }

    /// A random pause from nothing to base · 2^(attempt − 1), never above the cap.
    pub fn jitter(&self, attempt: u32) -> Result<Duration> {
        let most = self
            .settings
            .base
            .saturating_mul(1u32 << attempt.saturating_sub(1).min(16))
            .min(self.settings.cap);
        let mut random = [0u8; 8];
        self.host.random.fill(&mut random)?;
        Ok(Duration::from_micros(
            u64::from_le_bytes(random) % (most.as_micros() as u64 + 1),
        ))
    }
}

impl Settings {
    fn read(config: &mut Section, default_host: &str) -> Result<Settings> {
        let hosts = read_hosts(config, default_host)?;
        let proxy = read_proxy(config)?;
        let root_certificates = config.text("root_certificates")?;
        let (network, total) = config.part("timeouts", |timeouts| {
            let network = Network {
                resolve: timeouts.milliseconds("resolve_ms", 2_000)?,
                connect: timeouts.milliseconds("connect_ms", 3_000)?,
                read: timeouts.milliseconds("read_ms", 10_000)?,
                proxy,
                root_certificates,
            };
            Ok((network, timeouts.milliseconds("total_ms", 15_000)?))
        })?;
        let (max_attempts, base, cap) = config.part("retry", |retry| {
            let max_attempts = retry.integer("max_attempts", 1..=10)?.unwrap_or(3) as u32;
            Ok((
                max_attempts,
                retry.milliseconds("base_ms", 200)?,
                retry.milliseconds("cap_ms", 2_000)?,
            ))
        })?;
        let (failures, open) = config.part("circuit_breaker", |breaker| {
            Ok((
                breaker.integer("failures", 1..=1_000)?.unwrap_or(5) as u32,
                breaker.milliseconds("open_ms", 10_000)?,
            ))
        })?;
        let replay_entries = match config.section("replay_guard")? {
            None => None,
            Some(mut section) => {
                let entries = section
                    .integer("entries", 1..=1_000_000)?
                    .unwrap_or(100_000);
                section.finish()?;
                Some(entries as usize)
            }
        };
        let max_response_bytes = config
            .integer("max_response_bytes", 1_024..=1 << 32)?
            .unwrap_or(10 << 20);
        Ok(Settings {
            hosts,
            total,
            max_attempts,
            base,
            cap,
            failures,
            open,
            max_response_bytes,
            replay_entries,
            network,
        })
    }
}

fn read_hosts(config: &mut Section, default_host: &str) -> Result<Vec<Origin>> {
    let texts = config
        .texts("hosts")?
        .unwrap_or_else(|| vec![default_host.into()]);
    if texts.is_empty() || texts.len() > 8 {
        return Err(config.error("hosts", "there must be one to eight hosts"));
    }
    let parse = |(index, text): (usize, &String)| {
        Origin::parse(text).map_err(|problem| config.error(&format!("hosts.{index}"), problem))
    };
    texts.iter().enumerate().map(parse).collect()
}

/// May hold a password, so it is kept like one.
fn read_proxy(config: &mut Section) -> Result<Option<Zeroizing<String>>> {
    let Some(bytes) = config.secret("proxy")? else {
        return Ok(None);
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.starts_with("http://") || text.starts_with("https://") => {
            Ok(Some(Zeroizing::new(text.to_owned())))
        }
        _ => Err(config.error("proxy", "it must be http://[user:password@]host:port")),
    }
}
