//! The part of the configuration that says how long things last.

use std::collections::HashMap;
use std::time::Duration;

use crate::catalogue;
use crate::config::Section;
use crate::error::Result;
use crate::host::Host;

use super::account::Account;

pub(super) struct Settings {
    /// How long an order may be paid unless it says otherwise.
    pub expires_ms: i64,
    /// The pauses between queries of an order that waits for money, the last repeated.
    pub query_pauses_ms: Vec<i64>,
    /// The same of a refund.
    pub refund_pauses_ms: Vec<i64>,
    pub lease_ms: i64,
    /// After so many attempts work is dead.
    pub max_attempts: i64,
    backoff_base_ms: u64,
    backoff_cap_ms: u64,
    /// Whether the rest of the service is told.
    pub has_outbox: bool,
    /// Whether money for an order that is not here is an exception.
    pub unknown_orders_are_exceptions: bool,
    pub keep_inbox_ms: i64,
    pub keep_outbox_ms: i64,
    /// Account → where its provider sends notifications.
    pub notify_urls: HashMap<String, String>,
}

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Callback and query: the first looks come soon, for most who pay do so at once.
const QUERY_PAUSES: [u64; 6] = [
    10 * SECOND,
    30 * SECOND,
    MINUTE,
    3 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
];
/// Refunds to a bank card take days.
const REFUND_PAUSES: [u64; 6] = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, DAY];

impl Settings {
    pub fn read(config: &mut Section, accounts: &[Account]) -> Result<Settings> {
        let expires_ms = config.integer("expires_ms", MINUTE..=90 * DAY)?;
        let pauses = |config: &mut Section, key, usual: [u64; 6]| -> Result<Vec<i64>> {
            let pauses = config.integers(key, 1..=30 * DAY)?;
            let pauses = pauses.unwrap_or_else(|| usual.to_vec());
            Ok(pauses.into_iter().map(|pause| pause as i64).collect())
        };
        let query_pauses_ms = pauses(config, "query_schedule_ms", QUERY_PAUSES)?;
        let refund_pauses_ms = pauses(config, "refund_schedule_ms", REFUND_PAUSES)?;
        let (lease_ms, max_attempts, backoff_base_ms, backoff_cap_ms) =
            config.part("work", |work| {
                Ok((
                    work.integer("lease_ms", 100..=DAY)?.unwrap_or(30 * SECOND) as i64,
                    work.integer("max_attempts", 1..=1_000)?.unwrap_or(20) as i64,
                    work.integer("base_ms", 1..=HOUR)?.unwrap_or(SECOND),
                    work.integer("cap_ms", 1..=DAY)?.unwrap_or(HOUR),
                ))
            })?;
        let has_outbox = config.flag("outbox")?.unwrap_or(false);
        let unknown = config.text("unknown_orders")?;
        let unknown_orders_are_exceptions = match unknown.as_deref() {
            None | Some("exception") => true,
            Some("ignore") => false,
            Some(_) => {
                return Err(
                    config.error("unknown_orders", "it must be \"exception\" or \"ignore\"")
                );
            }
        };
        // A provider repeats a notification for 25 hours: what it told may not be forgotten before.
        let (keep_inbox, keep_outbox) = config.part("keep", |keep| {
            Ok((
                keep.integer("inbox_ms", 2 * DAY..=3_650 * DAY)?
                    .unwrap_or(30 * DAY),
                keep.integer("outbox_ms", MINUTE..=3_650 * DAY)?
                    .unwrap_or(7 * DAY),
            ))
        })?;
        let notify_urls: HashMap<String, String> =
            config.pairs("notify_urls")?.into_iter().collect();
        if let Some(name) = notify_urls
            .keys()
            .find(|name| accounts.iter().all(|account| account.name != **name))
        {
            return Err(config.error("notify_urls", format!("there is no account {name}")));
        }
        for (name, url) in &notify_urls {
            if let Some(problem) = catalogue::notify_url(url) {
                return Err(config.error(&format!("notify_urls.{name}"), format!("it {problem}")));
            }
        }
        Ok(Settings {
            expires_ms: expires_ms.unwrap_or(30 * MINUTE) as i64,
            query_pauses_ms,
            refund_pauses_ms,
            lease_ms,
            max_attempts,
            backoff_base_ms,
            backoff_cap_ms,
            has_outbox,
            unknown_orders_are_exceptions,
            keep_inbox_ms: keep_inbox as i64,
            keep_outbox_ms: keep_outbox as i64,
            notify_urls,
        })
    }

    /// Full jitter: a random pause up to base · 2^(attempt − 1), never above the cap, so that those who failed together do not come back together.
    pub fn backoff_ms(&self, attempt: i64, host: &Host) -> Result<i64> {
        let doublings = (attempt - 1).clamp(0, 32) as u32;
        let most = self
            .backoff_base_ms
            .saturating_mul(1 << doublings)
            .min(self.backoff_cap_ms);
        let mut random = [0u8; 8];
        host.random.fill(&mut random)?;
        Ok((u64::from_le_bytes(random) % (most + 1)) as i64)
    }
}

/// The pause after so many looks.
pub(super) fn pause(pauses: &[i64], looks: i64) -> i64 {
    let last = pauses
        .last()
        .copied()
        .unwrap_or(Duration::from_secs(60).as_millis() as i64);
    pauses.get(looks.max(0) as usize).copied().unwrap_or(last)
}
