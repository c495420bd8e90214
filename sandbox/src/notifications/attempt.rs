//! One attempt of a notification, with the faults that were asked for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::json;

use crate::clock;
use crate::exchanges::{Exchange, notification as exchange};
use crate::faults::{Fault, Group, Kind, Place};
use crate::loopback;
use crate::post::{self, Breaking, Said};
use crate::sandbox::{NotificationKey, Sandbox};
use crate::signing::{self, Asked, Spoiling};

use super::{Delivery, DeliveryState};

/// How long a shop may take to answer, at any speed.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much of the answer the list of notifications repeats.
const ANSWER_SHOWN: usize = 300;

#[derive(Clone, Serialize)]
pub struct Attempt {
    /// What `/sandbox/exchanges` has it under, as long as it is kept.
    pub exchange: u64,
    pub at: String,
    /// The same in milliseconds since 1970; with `duration_ms`, when the shop had answered.
    pub at_ms: i64,
    pub faults: Vec<&'static str>,
    /// Status of the shop's answer.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
    /// The beginning of the shop's answer.
    pub answer: String,
    pub duration_ms: u64,
    /// The serial of the key that signed it.
    pub serial: Option<String>,
    /// A forgery was answered with 2xx: the shop does not check signatures.
    pub forgery_accepted: bool,
}

/// One attempt now. True when the notification counts as delivered.
pub async fn attempt(sandbox: &Arc<Sandbox>, id: &str) -> bool {
    let Some(delivery) = sandbox.deliveries().find(id).cloned() else {
        return false;
    };
    let struck = struck(sandbox, &delivery).await;
    let outcome = struck
        .iter()
        .map(|fault| fault.fault)
        .find(|kind| kind.group() == Group::Outcome);
    let spoiling = outcome.map_or(Spoiling::None, Kind::spoiling);
    // Alipay's signature has no time: what is old is still true.
    let only_old = delivery.alipay.is_some() && spoiling == Spoiling::StaleTime;
    let forged = (spoiling != Spoiling::None && !only_old) || outcome == Some(Kind::WrongKey);
    // What APIv2 can spoil of a signature is its key.
    let under_wrong_key = outcome == Some(Kind::WrongKey) || (delivery.is_v2 && forged);
    let form = delivery.alipay.as_ref();
    let form = form.map(|notice| notice.form(sandbox, outcome));
    let body = match (&form, under_wrong_key) {
        (Some(form), _) => &form.bytes,
        (None, true) => &delivery.body_under_wrong_key,
        (None, false) => &delivery.body,
    };
    let breaking = match outcome {
        Some(Kind::TruncatedBody) => Breaking::Truncated,
        Some(Kind::ResetBefore) => Breaking::Reset,
        _ => Breaking::None,
    };
    let typed = |kind| HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
    let signature = match (&form, delivery.is_v2) {
        (Some(form), _) => typed(form.content_type),
        (None, true) => typed("text/xml"),
        (None, false) => signing::headers(sandbox, signer(sandbox, &delivery), body, spoiling),
    };

    let (at, at_ms, started) = (
        clock::rfc3339(clock::now()),
        clock::milliseconds(),
        Instant::now(),
    );
    let mut seen = exchange::begin(&delivery, body);
    if let Some(form) = &form {
        form.show(&mut seen);
    }
    let said = send(&delivery, signature, body, breaking, &mut seen).await;
    let accepted = said.as_ref().is_ok_and(|said| {
        (200..300).contains(&said.status)
            && (!delivery.is_v2 || said.body.contains("SUCCESS"))
            && (delivery.alipay.is_none() || said.body == "success")
    });
    seen.faults = struck.iter().map(|fault| fault.fault.name()).collect();
    let mut made = Attempt {
        exchange: 0,
        at,
        at_ms,
        faults: seen.faults.clone(),
        status: said.as_ref().ok().map(|said| said.status),
        error: said.as_ref().err().cloned(),
        answer: said.as_ref().map_or_else(
            |_| String::new(),
            |said| said.body.chars().take(ANSWER_SHOWN).collect(),
        ),
        duration_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        serial: seen.serial.clone(),
        forgery_accepted: accepted && forged,
    };
    exchange::answered(
        &mut seen,
        said,
        exchange::Verdict {
            accepted,
            forged,
            cut: breaking != Breaking::None,
        },
    );
    made.exchange = sandbox.exchanges().add(seen);

    // A spoiled attempt never counts: the provider follows its probes with the true notification.
    let delivered = accepted && !forged;
    let mut deliveries = sandbox.deliveries();
    deliveries.attempts.send_modify(|count| *count += 1);
    if let Some(delivery) = deliveries.find_mut(id) {
        delivery.attempts.push(made);
        if delivered {
            delivery.state = DeliveryState::Delivered;
            delivery.next_attempt = None;
        }
    }
    drop(deliveries);
    let state = if delivered { "delivered" } else { "pending" };
    sandbox.announce(json!({ "change": "notification", "id": id, "state": state }));
    delivered
}

/// The faults of this attempt; those that come before it have taken their time.
async fn struck(sandbox: &Sandbox, delivery: &Delivery) -> Vec<Fault> {
    let place = Place::Notification {
        out_trade_no: &delivery.out_trade_no,
    };
    let struck = sandbox
        .faults()
        .strike(&place, &[Group::Delay, Group::Rotation, Group::Outcome]);
    if let Some(fault) = struck.iter().find(|fault| fault.fault == Kind::Delay) {
        tokio::time::sleep(Duration::from_millis(fault.ms)).await;
    }
    if struck
        .iter()
        .any(|fault| fault.fault == Kind::RotateCertificate)
    {
        // Should the folder have vanished, the notification is still sent, under the old certificate.
        let _ = match delivery.alipay {
            Some(_) => sandbox.alipay.rotate(&sandbox.address),
            None => sandbox.rotate(time::Duration::hours(24)),
        };
    }
    struck
}

/// The shop's answer, or why there is none.
async fn send(
    delivery: &Delivery,
    signature: HeaderMap,
    body: &Bytes,
    breaking: Breaking,
    seen: &mut Exchange,
) -> Result<Said, String> {
    let target = match delivery.alipay {
        Some(_) => loopback::target_with_query(&delivery.notify_url)?,
        None => loopback::target(&delivery.notify_url)?,
    };
    let headers = post::headers(&target, body.len(), signature);
    exchange::sent(seen, &headers);
    let answer = post::post(&target, headers, body.clone(), breaking);
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// The key that signs the next attempt of `delivery`.
fn signer(sandbox: &Sandbox, delivery: &Delivery) -> Asked {
    match sandbox.settings().notification_key {
        NotificationKey::Asked => delivery.asked,
        NotificationKey::Certificate => Asked::Certificate,
        NotificationKey::PublicKey => Asked::PublicKey,
        NotificationKey::Alternate if delivery.attempts.len().is_multiple_of(2) => Asked::PublicKey,
        NotificationKey::Alternate => Asked::Certificate,
    }
}
