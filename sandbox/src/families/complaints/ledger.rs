//! What a complaint is, how it changes, and who is told.

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::images::{Image, Images};
use crate::clock;
use crate::crypto::random_digits;
use crate::families::payscore;
use crate::notifications::{self, Event};
use crate::orders::{Ledger, Order};
use crate::problem::Problem;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;
use crate::signing::{Asked, seal_field};

#[derive(Default)]
pub struct Complaints {
    /// As they came.
    all: Vec<Complaint>,
    pub images: Images,
    /// Where changes are told, and the key that was asked for with it.
    pub address: Option<(String, Asked)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits for the merchant's first answer.
    Pending,
    Processing,
    Processed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Processed => "PROCESSED",
        }
    }
}

pub struct Complaint {
    pub id: String,
    /// Whom it is about.
    pub mchid: String,
    order_key: String,
    out_trade_no: String,
    transaction_id: String,
    amount: i64,
    openid: String,
    phone: Option<String>,
    problem_type: String,
    problem: String,
    detail: String,
    /// What the payer wants back.
    refund_wanted: i64,
    /// Ids of the payer's images.
    images: Vec<String>,
    pub needs_immediate_service: bool,
    pub opened: OffsetDateTime,
    pub state: State,
    /// How often the payer has complained.
    times: u32,
    /// Whether the payer's latest words wait for an answer.
    pub awaits_answer: bool,
    pub refund_approved: bool,
    /// What was said at once, by `idempotent_id`.
    pub said_at_once: HashMap<String, String>,
    /// As it is told, oldest first.
    pub history: Vec<Value>,
}

/// What a payer says when he complains.
pub struct Opening {
    pub detail: String,
    pub problem_type: String,
    pub problem: String,
    pub phone: Option<String>,
    pub refund_wanted: Option<i64>,
    pub images: Vec<Image>,
    pub needs_immediate_service: bool,
}

/// What a change adds to the history, and the `action_type` that is told.
pub struct Change {
    action: Option<&'static str>,
    entries: Vec<Value>,
}

impl Change {
    pub fn told(action: &'static str, entries: Vec<Value>) -> Self {
        Self {
            action: Some(action),
            entries,
        }
    }

    /// The provider has no `action_type` for it.
    pub fn untold(entries: Vec<Value>) -> Self {
        Self {
            action: None,
            entries,
        }
    }
}

impl Complaints {
    pub fn newest_first(&self) -> impl Iterator<Item = &Complaint> {
        self.all.iter().rev()
    }

    /// The `out_trade_no` of the order that a complaint is about.
    pub fn order_of(&self, id: &str) -> Option<String> {
        let complaint = self.find(id).ok()?;
        Some(complaint.out_trade_no.clone())
    }

    pub fn find(&self, id: &str) -> Result<&Complaint, Problem> {
        let found = self.all.iter().find(|complaint| complaint.id == id);
        found.ok_or_else(unknown)
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Complaint, Problem> {
        let found = self.all.iter_mut().find(|complaint| complaint.id == id);
        found.ok_or_else(unknown)
    }
}

fn unknown() -> Problem {
    Problem::not_found("投诉单不存在")
}

impl Complaint {
    /// One step of the negotiation.
    pub fn entry(&self, operator: &str, operate_type: &str, details: &str) -> Value {
        let mut entry = json!({
            "log_id": random_digits(26),
            "operator": operator,
            "operate_time": clock::rfc3339(clock::now()),
            "operate_type": operate_type,
        });
        if !details.is_empty() {
            entry["operate_details"] = details.into();
        }
        entry
    }

    pub fn must_be_about(&self, mchid: &str) -> Result<(), Problem> {
        match self.mchid == mchid {
            true => Ok(()),
            false => Err(Problem::no_auth("您暂无权限操作该投诉单")),
        }
    }

    pub fn must_be_open(&self, refusal: &str) -> Result<(), Problem> {
        match self.state {
            State::Processed => Err(Problem::request(268435505, refusal)),
            State::Pending | State::Processing => Ok(()),
        }
    }

    /// The merchant has said something.
    pub fn answered(&mut self) {
        self.state = State::Processing;
        self.awaits_answer = false;
    }

    /// The payer complains once more: it all begins again.
    pub fn complained_again(&mut self) {
        self.state = State::Pending;
        self.awaits_answer = true;
        self.refund_approved = false;
        self.times += 1;
    }

    pub fn asks_for_refund(&self) -> bool {
        self.problem_type == "REFUND"
    }

    pub fn detail(&self, sandbox: &Sandbox, ledger: &Ledger) -> Value {
        let refunded: i64 = ledger
            .refunds_of(Some(&self.order_key))
            .iter()
            .filter(|refund| refund.status == RefundStatus::Success)
            .map(|refund| refund.amount)
            .sum();
        let mut detail = json!({
            "complaint_id": self.id,
            "complaint_time": clock::rfc3339(self.opened),
            "complaint_detail": self.detail,
            "complainted_mchid": self.mchid,
            "complaint_state": self.state.name(),
            "payer_openid": self.openid,
            "complaint_order_info": [{
                "transaction_id": self.transaction_id,
                "out_trade_no": self.out_trade_no,
                "amount": self.amount,
            }],
            "complaint_full_refunded": refunded == self.amount,
            "incoming_user_response": self.awaits_answer,
            "user_complaint_times": self.times,
            "problem_description": self.problem,
            "problem_type": self.problem_type,
            "in_platform_service": false,
            "need_immediate_service": self.needs_immediate_service,
        });
        if let Some(service) = payscore::of_payment(ledger, &self.order_key) {
            detail["service_order_info"] = json!([service]);
        }
        if let Some(phone) = &self.phone {
            detail["payer_phone"] = seal_field(sandbox, phone).into();
        }
        if self.asks_for_refund() {
            detail["apply_refund_amount"] = self.refund_wanted.into();
        }
        if !self.images.is_empty() {
            detail["complaint_media_list"] = json!([self.media(sandbox)]);
        }
        detail
    }

    fn media(&self, sandbox: &Sandbox) -> Value {
        let links = self.images.iter();
        json!({
            "media_type": "USER_COMPLAINT_IMAGE",
            "media_url": links.map(|id| super::images::link(sandbox, id)).collect::<Value>(),
        })
    }
}

/// Takes a complaint about a paid order and tells it; answers its number.
pub fn open(sandbox: &Arc<Sandbox>, order: &Order, opening: Opening) -> Result<String, Problem> {
    let refuse = |code, message: &str| Err(Problem::coded(StatusCode::CONFLICT, code, message));
    let Some(payment) = &order.payment else {
        return refuse("NOT_PAID", "only what was paid can be complained about");
    };
    let refund_wanted = opening.refund_wanted.unwrap_or(order.total);
    let mut ledger = sandbox.ledger();
    let complaints = &mut ledger.families.complaints;
    if complaints
        .all
        .iter()
        .any(|it| it.order_key == order.key && it.state != State::Processed)
    {
        return refuse(
            "OPEN",
            "there is an open complaint about this order: continue it, or withdraw it",
        );
    }
    let now = clock::now();
    let mut complaint = Complaint {
        id: format!("200{}{}", clock::digits(now), random_digits(10)),
        mchid: order.payee.clone(),
        order_key: order.key.clone(),
        out_trade_no: order.out_trade_no.clone(),
        transaction_id: payment.transaction_id.clone(),
        amount: order.total,
        openid: order.openid().to_owned(),
        phone: opening.phone,
        problem_type: opening.problem_type,
        problem: opening.problem,
        detail: opening.detail,
        refund_wanted,
        images: opening
            .images
            .into_iter()
            .map(|image| complaints.images.keep(image))
            .collect(),
        needs_immediate_service: opening.needs_immediate_service,
        opened: now,
        state: State::Pending,
        times: 1,
        awaits_answer: true,
        refund_approved: false,
        said_at_once: HashMap::new(),
        history: Vec::new(),
    };
    let mut entry = complaint.entry("投诉人", "USER_CREATE_COMPLAINT", &complaint.detail);
    if !complaint.images.is_empty() {
        entry["complaint_media_list"] = complaint.media(sandbox);
    }
    let system = complaint.entry(
        "系统",
        "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE",
        "用户已提交投诉，请尽快处理",
    );
    complaint.history = vec![entry, system];
    let id = complaint.id.clone();
    complaints.all.push(complaint);
    drop(ledger);
    tell(sandbox, &id, "COMPLAINT.CREATE", "CREATE_COMPLAINT");
    Ok(id)
}

/// Changes a complaint, of this merchant if one is named, and tells it; answers the newest entry's `log_id`.
pub fn change(
    sandbox: &Arc<Sandbox>,
    id: &str,
    mchid: Option<&str>,
    change: impl FnOnce(&mut Complaint) -> Result<Change, Problem>,
) -> Result<String, Problem> {
    let mut ledger = sandbox.ledger();
    let complaint = ledger.families.complaints.find_mut(id)?;
    if let Some(mchid) = mchid {
        complaint.must_be_about(mchid)?;
    }
    let Change { action, entries } = change(complaint)?;
    complaint.history.extend(entries);
    let newest = complaint
        .history
        .last()
        .and_then(|entry| entry["log_id"].as_str());
    let log_id = newest.unwrap_or_default().to_owned();
    drop(ledger);
    match action {
        Some(action) => tell(sandbox, id, "COMPLAINT.STATE_CHANGE", action),
        None => announce(sandbox, id),
    }
    Ok(log_id)
}

/// What a refund means to complaints about its order.
pub fn refund_settled(sandbox: &Arc<Sandbox>, refund: &Refund) {
    if refund.status != RefundStatus::Success {
        return;
    }
    let ledger = sandbox.ledger();
    let concerned =
        |it: &&Complaint| it.order_key == refund.order_key && it.state != State::Processed;
    let Some(complaint) = ledger.families.complaints.newest_first().find(concerned) else {
        return;
    };
    let id = complaint.id.clone();
    let in_full = complaint.detail(sandbox, &ledger)["complaint_full_refunded"] == true;
    drop(ledger);
    let _ = change(sandbox, &id, None, |complaint| {
        let (operate_type, what) = match in_full {
            true => ("COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE", "订单已全额退款"),
            false => (
                "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE",
                "订单已部分退款",
            ),
        };
        let entry = complaint.entry("系统", operate_type, what);
        if complaint.refund_approved {
            complaint.state = State::Processed;
            let received = complaint.entry(
                "系统",
                "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE",
                "退款已到账",
            );
            return Ok(Change::told("REFUND_SUCCESS", vec![entry, received]));
        }
        Ok(match in_full {
            true => Change::told("SELLER_REFUND", vec![entry]),
            false => Change::untold(vec![entry]),
        })
    });
}

fn announce(sandbox: &Sandbox, id: &str) {
    let ledger = sandbox.ledger();
    let Ok(complaint) = ledger.families.complaints.find(id) else {
        return;
    };
    sandbox.announce(json!({ "change": "complaint", "complaint_id": id, "out_trade_no": complaint.out_trade_no, "state": complaint.state.name() }));
}

fn tell(sandbox: &Arc<Sandbox>, id: &str, event_type: &'static str, action: &str) {
    announce(sandbox, id);
    let ledger = sandbox.ledger();
    let complaints = &ledger.families.complaints;
    let (Some((notify_url, asked)), Ok(complaint)) =
        (complaints.address.clone(), complaints.find(id))
    else {
        return;
    };
    let event = Event {
        event_type,
        original_type: "complaint",
        summary: match event_type {
            "COMPLAINT.CREATE" => "产生新投诉",
            _ => "投诉单状态变化",
        },
        resource: json!({ "complaint_id": id, "action_type": action }),
        number: complaint.out_trade_no.clone(),
        notify_url,
        asked,
    };
    drop(ledger);
    notifications::tell(sandbox, event);
}
