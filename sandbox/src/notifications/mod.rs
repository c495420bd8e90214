//! Notifications: signed, encrypted, and repeated on the provider's schedule until a 2xx within five seconds.

mod attempt;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::alipay;
use crate::clock;
use crate::crypto::{hex_upper, random_bytes, random_text};
use crate::families::complaints;
use crate::faults::{Group, Kind, Place};
use crate::orders::Order;
use crate::refunds::{PROCESSING, Refund, RefundStatus};
use crate::sandbox::Sandbox;
use crate::signing::Asked;
use crate::v2;

pub use self::attempt::{Attempt, attempt};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// The pauses before the second and every further attempt, in seconds at speed 1.
pub const SCHEDULE_S: [u64; 15] = [
    15,
    15,
    30,
    3 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    60 * MINUTE,
    3 * HOUR,
    3 * HOUR,
    3 * HOUR,
    6 * HOUR,
    6 * HOUR,
];

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Further attempts will follow.
    Pending,
    Delivered,
    /// All attempts of the schedule failed.
    Abandoned,
}

#[derive(Clone, Serialize)]
pub struct Delivery {
    /// The notification's own id: the same in every attempt.
    pub id: String,
    pub event_type: String,
    pub out_trade_no: String,
    pub notify_url: String,
    pub created: String,
    pub state: DeliveryState,
    /// When the schedule has the next attempt.
    pub next_attempt: Option<String>,
    pub attempts: Vec<Attempt>,
    /// The plaintext, for people and tests.
    pub resource: Value,
    #[serde(skip)]
    body: Bytes,
    /// The same under another APIv3 key, for the fault `wrong_key`.
    #[serde(skip)]
    body_under_wrong_key: Bytes,
    /// XML, taken only when the answer says SUCCESS.
    #[serde(skip)]
    pub is_v2: bool,
    /// A form of Alipay's, signed when it is sent.
    #[serde(skip)]
    pub alipay: Option<Arc<alipay::Notice>>,
    #[serde(skip)]
    asked: Asked,
}

/// Every delivery since the start, oldest first.
pub struct Deliveries {
    deliveries: Vec<Delivery>,
    /// Counts the attempts that were made, whatever came of them.
    attempts: watch::Sender<u64>,
}

impl Default for Deliveries {
    fn default() -> Self {
        Self {
            deliveries: Vec::new(),
            attempts: watch::channel(0).0,
        }
    }
}

impl Deliveries {
    pub fn all(&self) -> &[Delivery] {
        &self.deliveries
    }

    pub fn find(&self, id: &str) -> Option<&Delivery> {
        self.deliveries.iter().find(|delivery| delivery.id == id)
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut Delivery> {
        self.deliveries
            .iter_mut()
            .find(|delivery| delivery.id == id)
    }
}

/// Tells the shop that its order was paid.
pub fn transaction_succeeded(sandbox: &Arc<Sandbox>, order: &Order) {
    if let Some(notice) = v2::transaction_notice(sandbox, order) {
        return tell_v2(
            sandbox,
            "TRANSACTION.SUCCESS",
            order,
            &order.notify_url,
            notice,
        );
    }
    // A scanned code has no address: its answer was the news.
    if order.notify_url.is_empty() {
        return;
    }
    let event = Event {
        event_type: "TRANSACTION.SUCCESS",
        original_type: "transaction",
        summary: "支付成功",
        resource: order.transaction(),
        number: order.out_trade_no.clone(),
        notify_url: order.notify_url.clone(),
        asked: order.asked,
    };
    tell(sandbox, event);
}

/// Lets the platform work on a refund for a while, then settles and tells it.
pub fn process_refund(sandbox: &Arc<Sandbox>, refund: &Refund) {
    sandbox.announce(json!({ "change": "refund", "out_refund_no": refund.out_refund_no, "status": refund.status.name() }));
    let sandbox = sandbox.clone();
    let refund = refund.clone();
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(PROCESSING)).await;
        let place = Place::Refund {
            out_trade_no: &refund.out_trade_no,
        };
        let struck = sandbox.faults().strike(&place, &[Group::Settlement]);
        let status = match struck.first().map(|fault| fault.fault) {
            Some(Kind::RefundAbnormal) => RefundStatus::Abnormal,
            Some(Kind::RefundClosed) => RefundStatus::Closed,
            _ => RefundStatus::Success,
        };
        let settled = sandbox.ledger().settle(&refund.key, status);
        if let Some(refund) = settled {
            refund_settled(&sandbox, &refund);
        }
    });
}

pub fn refund_settled(sandbox: &Arc<Sandbox>, refund: &Refund) {
    sandbox.announce(json!({ "change": "refund", "out_refund_no": refund.out_refund_no, "status": refund.status.name() }));
    let (event_type, summary) = match refund.status {
        RefundStatus::Processing => return,
        RefundStatus::Success => ("REFUND.SUCCESS", "退款成功"),
        RefundStatus::Abnormal => ("REFUND.ABNORMAL", "退款异常"),
        RefundStatus::Closed => ("REFUND.CLOSED", "退款关闭"),
    };
    complaints::refund_settled(sandbox, refund);
    let order = sandbox.ledger().order(&refund.order_key).cloned();
    let Some(order) = order else { return };
    if let Some(notice) = v2::refund_notice(sandbox, &order, refund) {
        let address = refund.notify_url().unwrap_or(&order.notify_url);
        return tell_v2(sandbox, event_type, &order, address, notice);
    }
    let event = Event {
        event_type,
        original_type: "refund",
        summary,
        resource: refund.notification(&sandbox.merchant.mchid),
        number: order.out_trade_no,
        notify_url: refund.notify_url().unwrap_or(&order.notify_url).to_owned(),
        asked: order.asked,
    };
    if event.notify_url.is_empty() {
        return;
    }
    tell(sandbox, event);
}

/// What a shop is told.
pub struct Event<Text = &'static str> {
    pub event_type: Text,
    pub original_type: Text,
    pub summary: Text,
    pub resource: Value,
    /// The merchant's number of what it is about; `out_trade_no` of the delivery and of faults.
    pub number: String,
    pub notify_url: String,
    /// The key that the request asked for, which was the cause of it.
    pub asked: Asked,
}

/// Begins to tell, at once and on the schedule. The id of the notification.
pub fn tell<Text: AsRef<str>>(sandbox: &Arc<Sandbox>, event: Event<Text>) -> String {
    let original_type = event.original_type.as_ref();
    let id = uuid();
    let created = clock::rfc3339(clock::now());
    let body = |apiv3_key: &str| {
        let nonce = random_text(12);
        let envelope = json!({
            "id": id,
            "create_time": created,
            "resource_type": "encrypt-resource",
            "event_type": event.event_type.as_ref(),
            "summary": event.summary.as_ref(),
            "resource": {
                "original_type": original_type,
                "algorithm": sandbox.merchant.scheme.aead(),
                "ciphertext": sandbox.merchant.scheme.seal(apiv3_key, &nonce, original_type, event.resource.to_string().as_bytes()),
                "associated_data": original_type,
                "nonce": nonce,
            },
        });
        Bytes::from(envelope.to_string())
    };
    let delivery = Delivery {
        body: body(&sandbox.merchant.apiv3_key),
        body_under_wrong_key: body(&random_text(32)),
        id: id.clone(),
        event_type: event.event_type.as_ref().to_owned(),
        out_trade_no: event.number,
        notify_url: event.notify_url,
        created,
        state: DeliveryState::Pending,
        next_attempt: None,
        attempts: Vec::new(),
        resource: event.resource,
        is_v2: false,
        alipay: None,
        asked: event.asked,
    };
    sandbox.deliveries().deliveries.push(delivery);
    sandbox.announce(json!({ "change": "notification", "id": id, "state": "pending" }));
    tokio::spawn(deliver(sandbox.clone(), id.clone()));
    id
}

/// The same in the XML of APIv2, which has no envelope and no header of a signature. An order without an address is told nowhere.
fn tell_v2(
    sandbox: &Arc<Sandbox>,
    event_type: &'static str,
    order: &Order,
    notify_url: &str,
    notice: v2::Notice,
) {
    if notify_url.is_empty() {
        return;
    }
    let id = uuid();
    let delivery = Delivery {
        id: id.clone(),
        event_type: event_type.to_owned(),
        out_trade_no: order.out_trade_no.clone(),
        notify_url: notify_url.to_owned(),
        created: clock::rfc3339(clock::now()),
        state: DeliveryState::Pending,
        next_attempt: None,
        attempts: Vec::new(),
        resource: notice.tells,
        body: notice.body,
        body_under_wrong_key: notice.forged,
        is_v2: true,
        alipay: None,
        asked: order.asked,
    };
    sandbox.deliveries().deliveries.push(delivery);
    sandbox.announce(json!({ "change": "notification", "id": id, "state": "pending" }));
    tokio::spawn(deliver(sandbox.clone(), id));
}

/// The same as a form of Alipay's.
pub fn tell_alipay(
    sandbox: &Arc<Sandbox>,
    (id, event_type, number, notify_url): (String, String, String, String),
    resource: Value,
    notice: alipay::Notice,
) {
    let delivery = Delivery {
        id: id.clone(),
        event_type,
        out_trade_no: number,
        notify_url,
        created: clock::rfc3339(clock::now()),
        state: DeliveryState::Pending,
        next_attempt: None,
        attempts: Vec::new(),
        resource,
        body: Bytes::new(),
        body_under_wrong_key: Bytes::new(),
        is_v2: false,
        alipay: Some(Arc::new(notice)),
        asked: Asked::default(),
    };
    sandbox.deliveries().deliveries.push(delivery);
    sandbox.announce(json!({ "change": "notification", "id": id, "state": "pending" }));
    tokio::spawn(deliver(sandbox.clone(), id));
}

/// Every attempt of one notification, until one succeeds.
async fn deliver(sandbox: Arc<Sandbox>, id: String) {
    let Some(delivery) = sandbox.deliveries().find(&id).cloned() else {
        return;
    };
    let place = Place::Notification {
        out_trade_no: &delivery.out_trade_no,
    };
    let struck = sandbox
        .faults()
        .strike(&place, &[Group::Duplicate, Group::Reorder]);
    if let Some(fault) = struck.iter().find(|fault| fault.fault == Kind::Reorder) {
        let mut attempts = sandbox.deliveries().attempts.subscribe();
        // Until another notification has overtaken this one, or nobody comes.
        let _ = tokio::time::timeout(Duration::from_millis(fault.ms), attempts.changed()).await;
    }
    let mut pauses = match delivery.alipay {
        Some(_) => alipay::PAUSES_S.iter(),
        None => SCHEDULE_S.iter(),
    };
    while !attempt(&sandbox, &id).await {
        let Some(&pause) = pauses.next() else {
            set_state(&sandbox, &id, DeliveryState::Abandoned);
            return;
        };
        let pause = sandbox.scaled(Duration::from_secs(pause));
        set_next_attempt(&sandbox, &id, Some(pause));
        tokio::time::sleep(pause).await;
        set_next_attempt(&sandbox, &id, None);
        if is_delivered(&sandbox, &id) {
            return;
        }
    }
    if struck.iter().any(|fault| fault.fault == Kind::Duplicate) {
        attempt(&sandbox, &id).await;
    }
}

fn is_delivered(sandbox: &Sandbox, id: &str) -> bool {
    sandbox
        .deliveries()
        .find(id)
        .is_none_or(|delivery| delivery.state == DeliveryState::Delivered)
}

fn set_state(sandbox: &Sandbox, id: &str, state: DeliveryState) {
    if let Some(delivery) = sandbox.deliveries().find_mut(id) {
        delivery.state = state;
    }
    sandbox.announce(json!({ "change": "notification", "id": id, "state": state }));
}

/// None: it is now, or there will be none.
fn set_next_attempt(sandbox: &Sandbox, id: &str, after: Option<Duration>) {
    if let Some(delivery) = sandbox.deliveries().find_mut(id) {
        delivery.next_attempt = after.map(|after| clock::rfc3339(clock::now() + after));
    }
    if after.is_some() {
        sandbox.announce(json!({ "change": "notification", "id": id, "state": "pending" }));
    }
}

fn uuid() -> String {
    let hex = hex_upper(&random_bytes::<16>()).to_lowercase();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_lasts_twenty_four_hours_and_four_minutes() {
        assert_eq!(SCHEDULE_S.iter().sum::<u64>(), 24 * HOUR + 4 * MINUTE);
    }
}
