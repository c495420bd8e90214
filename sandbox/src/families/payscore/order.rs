//! A service order: created, confirmed by the user, completed by the merchant, paid.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use crate::catalogue;
use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::families::deduction;
use crate::notifications::{self, Event};
use crate::orders::{Ledger, Order, SANDBOX_OPENID, TradeType};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

/// How long a user may take to confirm.
const CONFIRM_WITHIN: Duration = Duration::from_secs(30 * 86_400);

/// By `out_order_no`.
#[derive(Default)]
pub struct Orders(HashMap<String, ServiceOrder>);

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Created,
    Doing,
    Done,
    Revoked,
    Expired,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Doing => "DOING",
            Self::Done => "DONE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// The provider's refusal of what an order in this state does not allow.
pub fn wrong_state(state: State) -> Problem {
    let (code, message) = match state {
        State::Done => ("ORDER_DONE", "订单已完成，当前状态无需操作"),
        State::Revoked => ("ORDER_CANCELED", "单据已取消，当前状态无需操作"),
        _ => ("INVALID_ORDER_STATE", "当前订单状态不合法"),
    };
    Problem::coded(StatusCode::BAD_REQUEST, code, message)
}

pub struct ServiceOrder {
    pub request: Value,
    pub number: String,
    order_id: String,
    query_id: String,
    /// What the app opens the page of confirmation with.
    package: String,
    pub openid: Option<String>,
    pub state: State,
    pub completion: Option<Value>,
    pub cancellation: Option<Value>,
    /// What completion and modification said of it.
    said: Map<String, Value>,
    total: i64,
    /// How it was paid; none: not yet.
    payment: Option<Value>,
    created: Instant,
    asked: Asked,
}

impl Orders {
    pub fn find(&self, number: &str) -> Option<&ServiceOrder> {
        self.0.get(number)
    }

    pub fn find_mut(&mut self, number: &str) -> Option<&mut ServiceOrder> {
        self.0.get_mut(number)
    }

    pub fn find_by_query_id(&self, query_id: &str) -> Option<&ServiceOrder> {
        self.0.values().find(|order| order.query_id == query_id)
    }

    pub fn add(&mut self, order: ServiceOrder) {
        self.0.insert(order.number.clone(), order);
    }

    /// Newest first.
    pub fn all(&self) -> Vec<&ServiceOrder> {
        let mut all: Vec<_> = self.0.values().collect();
        all.sort_by_key(|order| std::cmp::Reverse(order.created));
        all
    }
}

/// The key of the payment among the merchant's other orders.
fn payment_key(number: &str) -> String {
    format!("payscore/{number}")
}

/// The service order that an order is the payment of, as complaints show it.
pub fn of_payment(ledger: &Ledger, order_key: &str) -> Option<Value> {
    let number = order_key.strip_prefix("payscore/")?;
    let order = ledger.families.payscore.find(number)?;
    let state = match order.state {
        State::Doing if order.completion.is_some() => "WAITPAY",
        state => state.name(),
    };
    Some(json!({ "order_id": order.order_id, "out_order_no": number, "state": state }))
}

impl ServiceOrder {
    pub fn new(sandbox: &Sandbox, request: &Value, asked: Asked) -> Self {
        let mut said = Map::new();
        said.insert("mchid".into(), sandbox.merchant.mchid.as_str().into());
        Self {
            number: request["out_order_no"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            order_id: format!("150{}{}", clock::digits(clock::now()), random_digits(16)),
            query_id: random_digits(32),
            package: random_text(64),
            openid: request["openid"].as_str().map(str::to_owned),
            state: State::Created,
            completion: None,
            cancellation: None,
            said,
            total: 0,
            payment: None,
            created: Instant::now(),
            asked,
            request: request.clone(),
        }
    }

    /// What nobody confirmed in time has expired.
    pub fn state_now(&self, sandbox: &Sandbox) -> State {
        let expired = self.created.elapsed() > sandbox.scaled(CONFIRM_WITHIN);
        match self.state {
            State::Created if expired => State::Expired,
            state => state,
        }
    }

    /// All that may be said of it; which operation says what of it is for the facts to tell.
    pub fn answer(&self, sandbox: &Sandbox) -> Value {
        let mut answer = self.request.clone();
        for (name, value) in &self.said {
            answer[name] = merged(&answer[name], value);
        }
        let state = self.state_now(sandbox);
        answer["state"] = state.name().into();
        answer["order_id"] = self.order_id.as_str().into();
        if let Some(openid) = &self.openid {
            answer["openid"] = openid.as_str().into();
        }
        if state == State::Created {
            answer["package"] = self.package.as_str().into();
        }
        match (state, &self.completion) {
            (State::Doing, None) => answer["state_description"] = "USER_CONFIRM".into(),
            (State::Doing, Some(_)) => answer["state_description"] = "MCH_COMPLETE".into(),
            _ => {}
        }
        if self.completion.is_some() {
            answer["total_amount"] = self.total.into();
            answer["need_collection"] = (self.total > 0).into();
            if self.total > 0 {
                answer["collection"] = self.collection();
            }
        }
        answer
    }

    /// The answer, and what only the user's side knows.
    pub fn view(&self, sandbox: &Sandbox) -> Value {
        let mut view = self.answer(sandbox);
        view["query_id"] = self.query_id.as_str().into();
        view
    }

    fn collection(&self) -> Value {
        let paid = if self.payment.is_some() {
            self.total
        } else {
            0
        };
        let mut collection = json!({
            "state": if self.payment.is_some() { "USER_PAID" } else { "USER_PAYING" },
            "total_amount": self.total,
            "paying_amount": self.total - paid,
            "paid_amount": paid,
        });
        if let Some(payment) = &self.payment {
            collection["details"] = json!([payment]);
        }
        collection
    }

    pub fn must_be_unpaid(&self) -> Result<(), Problem> {
        match (self.state, &self.completion) {
            (State::Doing, Some(_)) => Ok(()),
            (state, _) => Err(wrong_state(state)),
        }
    }

    pub fn complete(&mut self, body: &Value, total: i64) {
        self.completion = Some(body.clone());
        self.say(
            body,
            &["post_payments", "post_discounts", "time_range", "location"],
        );
        self.total = total;
        if total == 0 {
            self.state = State::Done;
        }
    }

    /// Another price, before it is paid.
    pub fn revise(&mut self, body: &Value, total: i64) {
        self.say(body, &["post_payments", "post_discounts"]);
        self.total = total;
    }

    fn say(&mut self, body: &Value, names: &[&str]) {
        for name in names.iter().filter(|name| !body[**name].is_null()) {
            self.said.insert((*name).to_owned(), body[*name].clone());
        }
    }

    pub fn paid(&mut self, mut how: Value) {
        how["seq"] = 1.into();
        how["amount"] = self.total.into();
        self.payment = Some(how);
        self.state = State::Done;
    }

    pub fn announce(&self, sandbox: &Sandbox) {
        sandbox.announce(json!({ "change": "payscore_order", "out_order_no": self.number, "state": self.state.name() }));
    }

    /// The payment, as an order that is yet to be paid. Nobody is told of it but by the service order's own event.
    fn to_pay(&self, sandbox: &Sandbox) -> Order {
        let completion = self.completion.as_ref().unwrap_or(&Value::Null);
        let request = json!({
            "appid": self.request["appid"],
            "mchid": sandbox.merchant.mchid,
            "description": self.request["service_introduction"],
            "out_trade_no": self.number,
            "amount": { "total": self.total, "currency": "CNY" },
            "payer": { "openid": self.openid },
            "settle_info": { "profit_sharing": completion["profit_sharing"] == true },
        });
        let mut order = Order::new(TradeType::Deducted, request, self.asked);
        order.key = payment_key(&self.number);
        order
    }
}

/// Objects field by field; of anything else, the later.
fn merged(earlier: &Value, later: &Value) -> Value {
    match (earlier, later) {
        (Value::Object(earlier), Value::Object(later)) => {
            let mut all = earlier.clone();
            all.extend(later.clone());
            all.into()
        }
        _ => later.clone(),
    }
}

/// The platform tries to take the money, a little later.
pub fn collect_soon(sandbox: &Arc<Sandbox>, number: &str) {
    let (sandbox, number) = (sandbox.clone(), number.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(deduction::PROCESSING)).await;
        // Without money it stays to be paid.
        let _ = deduction::funded(&sandbox).and_then(|()| settle(&sandbox, &number));
    });
}

/// What is due is paid, and told.
pub fn settle(sandbox: &Arc<Sandbox>, number: &str) -> Result<Value, Problem> {
    let mut ledger = sandbox.ledger();
    let orders = &ledger.families.payscore;
    let order = orders.find(number).ok_or_else(Problem::order_not_exist)?;
    order.must_be_unpaid()?;
    let due = order.to_pay(sandbox);
    let paid = deduction::take(&mut ledger, due)?;
    let payment = paid.payment.as_ref().ok_or_else(Problem::system_error)?;
    let how = json!({
        "paid_type": "NEWTON",
        "paid_time": clock::digits(payment.at),
        "transaction_id": payment.transaction_id,
    });
    let told = change(
        ledger,
        sandbox,
        number,
        ("PAYSCORE.USER_PAID", "支付成功"),
        |order| {
            order.paid(how);
            Ok(())
        },
    );
    deduction::taken(sandbox, &paid);
    told
}

/// The user agrees to the service.
pub fn confirm(
    sandbox: &Arc<Sandbox>,
    number: &str,
    openid: Option<String>,
) -> Result<Value, Problem> {
    let event = ("PAYSCORE.USER_CONFIRM", "用户确认成功");
    change(sandbox.ledger(), sandbox, number, event, |order| {
        let state = order.state_now(sandbox);
        if state != State::Created {
            return Err(wrong_state(state));
        }
        order.state = State::Doing;
        let named = order.openid.take();
        order.openid = openid.or(named).or_else(|| Some(SANDBOX_OPENID.to_owned()));
        Ok(())
    })
}

/// Changes an order and tells what it then is.
fn change(
    mut ledger: MutexGuard<'_, Ledger>,
    sandbox: &Arc<Sandbox>,
    number: &str,
    (event_type, summary): (&'static str, &'static str),
    change: impl FnOnce(&mut ServiceOrder) -> Result<(), Problem>,
) -> Result<Value, Problem> {
    let orders = &mut ledger.families.payscore;
    let order = orders
        .find_mut(number)
        .ok_or_else(Problem::order_not_exist)?;
    change(order)?;
    order.announce(sandbox);
    let view = order.view(sandbox);
    let event = Event {
        event_type,
        original_type: "payscore",
        summary,
        // A query says the same.
        resource: catalogue::shaped("GET /v3/payscore/serviceorder", &view),
        number: number.to_owned(),
        notify_url: order.request["notify_url"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        asked: order.asked,
    };
    drop(ledger);
    if !event.notify_url.is_empty() {
        notifications::tell(sandbox, event);
    }
    Ok(view)
}
