//! The sandbox as a whole: what all its parts share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::alipay::{self, Alipay};
use crate::certificates::Ring;
use crate::clock;
use crate::exchanges::Exchanges;
use crate::faults::Faults;
use crate::keys::{Folder, Merchant, PublicKey};
use crate::notifications::Deliveries;
use crate::orders::Ledger;
use crate::scheme::Key;

pub struct Sandbox {
    /// `http://127.0.0.1:PORT`
    pub address: String,
    /// Divides the provider's waiting times.
    pub speed: u32,
    pub merchant: Merchant,
    pub public_key: PublicKey,
    pub alipay: Alipay,
    folder: Folder,
    ring: RwLock<Ring>,
    stranger: OnceLock<Key>,
    ledger: Mutex<Ledger>,
    faults: Mutex<Faults>,
    deliveries: Mutex<Deliveries>,
    settings: Mutex<Settings>,
    requests: Mutex<VecDeque<RequestRecord>>,
    exchanges: Mutex<Exchanges>,
    changes: broadcast::Sender<Value>,
}

/// What can be set while the sandbox runs.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Added to the timestamp of answers and notifications.
    pub clock_skew_s: i64,
    pub notification_key: NotificationKey,
    /// False: a merchant that has only the public key; `/v3/certificates` answers 404.
    pub certificates: bool,
    /// When a day's bills can be fetched.
    pub bills: BillDays,
    /// How many rows a part of an encrypted bill has.
    pub bill_part_rows: usize,
    /// The real name of whoever receives transfers; none: it is always the name that the merchant says.
    pub receiver_name: Option<String>,
    /// Where results of profit sharing are told; the merchant platform has this setting, no request.
    pub profitsharing_notify_url: Option<String>,
    /// Whether there is money when the platform takes what was agreed before.
    pub deductions: Deductions,
    pub alipay: alipay::Settings,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deductions {
    Succeed,
    Fail,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillDays {
    /// At any time, also today's so far.
    AtOnce,
    /// As with the provider: from 10:00 of the next day on.
    NextDay,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            clock_skew_s: 0,
            notification_key: NotificationKey::Asked,
            certificates: true,
            bills: BillDays::AtOnce,
            bill_part_rows: 5000,
            receiver_name: None,
            profitsharing_notify_url: None,
            deductions: Deductions::Succeed,
            alipay: alipay::Settings::default(),
        }
    }
}

/// Which key signs notifications.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKey {
    /// As the order's request asked for its answer.
    Asked,
    Certificate,
    PublicKey,
    /// One and the other in turn, as while a merchant migrates.
    Alternate,
}

/// One request to `/v3/…`, for people and tests to look at.
#[derive(Clone, Serialize)]
pub struct RequestRecord {
    pub at: String,
    pub method: String,
    pub target: String,
    pub status: Option<u16>,
    /// The code of the refusal, if it was one.
    pub code: Option<String>,
    pub faults: Vec<&'static str>,
    pub nonce: Option<String>,
    pub timestamp: Option<String>,
    pub wechatpay_serial: Option<String>,
    pub request_id: Option<String>,
}

const REQUESTS_KEPT: usize = 1000;
const CHANGES_KEPT: usize = 1024;

impl Sandbox {
    pub fn new(address: String, speed: u32, folder: Folder) -> Result<Self, String> {
        let (merchant, public_key, ring) = folder.load_or_create()?;
        folder.write_configurations(&address, &merchant, &public_key, &ring)?;
        let mut ledger = Ledger::default();
        ledger.books.open(&merchant.mchid);
        let alipay = Alipay::open(folder.clone(), &address)?;
        Ok(Self {
            address,
            speed,
            merchant,
            public_key,
            alipay,
            folder,
            ring: RwLock::new(ring),
            stranger: OnceLock::new(),
            ledger: Mutex::new(ledger),
            faults: Mutex::default(),
            deliveries: Mutex::default(),
            settings: Mutex::default(),
            requests: Mutex::default(),
            exchanges: Mutex::default(),
            changes: broadcast::channel(CHANGES_KEPT).0,
        })
    }

    /// One of the provider's waiting times, at this sandbox's speed.
    pub fn scaled(&self, wait: Duration) -> Duration {
        wait / self.speed
    }

    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger
            .lock()
            .expect("no one panics while holding the ledger")
    }

    pub fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults
            .lock()
            .expect("no one panics while holding the faults")
    }

    pub fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries
            .lock()
            .expect("no one panics while holding the deliveries")
    }

    pub fn exchanges(&self) -> MutexGuard<'_, Exchanges> {
        self.exchanges
            .lock()
            .expect("no one panics while holding the exchanges")
    }

    pub fn settings(&self) -> Settings {
        self.settings
            .lock()
            .expect("no one panics while holding the settings")
            .clone()
    }

    pub fn change_settings(&self, settings: Settings) {
        *self
            .settings
            .lock()
            .expect("no one panics while holding the settings") = settings;
    }

    pub fn ring(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring
            .read()
            .expect("no one panics while holding the ring")
    }

    /// A new platform certificate signs from now on; the older ones end after `overlap`.
    pub fn rotate(&self, overlap: time::Duration) -> Result<String, String> {
        let mut ring = self
            .ring
            .write()
            .expect("no one panics while holding the ring");
        let serial = ring.rotate(overlap)?.serial.clone();
        self.folder.save(&self.merchant, &self.public_key, &ring)?;
        self.folder
            .write_configurations(&self.address, &self.merchant, &self.public_key, &ring)?;
        drop(ring);
        self.announce(serde_json::json!({ "change": "certificate", "serial": serial }));
        Ok(serial)
    }

    /// A key that belongs to nobody.
    pub fn stranger(&self) -> &Key {
        self.stranger.get_or_init(|| {
            Key::generate(self.merchant.scheme).expect("a key could be generated at the start, too")
        })
    }

    pub fn record(&self, request: RequestRecord) {
        let mut requests = self
            .requests
            .lock()
            .expect("no one panics while holding the requests");
        if requests.len() == REQUESTS_KEPT {
            requests.pop_front();
        }
        self.announce(serde_json::json!({ "change": "request", "method": request.method, "target": request.target, "status": request.status }));
        requests.push_back(request);
    }

    /// Newest first.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.requests
            .lock()
            .expect("no one panics while holding the requests")
            .iter()
            .rev()
            .cloned()
            .collect()
    }

    /// Tells whoever listens at `/sandbox/events`.
    pub fn announce(&self, mut change: Value) {
        change["at"] = clock::rfc3339(clock::now()).into();
        // Nobody listening is no error.
        let _ = self.changes.send(change);
    }

    pub fn changes(&self) -> broadcast::Receiver<Value> {
        self.changes.subscribe()
    }
}
