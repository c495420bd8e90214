//! Orders and the rules of their states.

use std::collections::HashMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::clock;
use crate::crypto::{hex_upper, random_bytes, random_digits, random_text};
use crate::problem::Problem;
use crate::refunds::Refund;
use crate::signing::Asked;

/// Who pays when the order names nobody (APP, H5, Native).
pub const SANDBOX_OPENID: &str = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TradeType {
    Jsapi,
    App,
    H5,
    Native,
}

impl TradeType {
    /// The provider's word in queries and notifications.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::App => "APP",
            Self::H5 => "MWEB",
            Self::Native => "NATIVE",
        }
    }

    /// How long the cashier's link of this kind lives.
    fn link_lifetime(self) -> Duration {
        match self {
            Self::H5 => Duration::minutes(5),
            Self::Jsapi | Self::App | Self::Native => Duration::hours(2),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TradeState {
    NotPay,
    Success,
    Refund,
    Closed,
}

impl TradeState {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotPay => "NOTPAY",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::Closed => "CLOSED",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::NotPay => "订单未支付",
            Self::Success => "支付成功",
            Self::Refund => "订单发生过退款，退款详情请查询退款单",
            Self::Closed => "订单已关闭",
        }
    }
}

#[derive(Clone)]
pub struct Payment {
    pub transaction_id: String,
    pub at: OffsetDateTime,
}

#[derive(Clone)]
pub struct Order {
    pub trade_type: TradeType,
    /// The body of the first request, sealed fields opened: what a repetition is compared with.
    pub request: Value,
    pub out_trade_no: String,
    pub total: i64,
    pub notify_url: String,
    pub created: OffsetDateTime,
    pub prepay_id: String,
    /// Names the order in the cashier's address.
    pub token: String,
    pub link_expires: OffsetDateTime,
    /// The end of payment: `time_expire`, if the order has one.
    pub expires: Option<OffsetDateTime>,
    /// Counts the orders, so that they can be listed as they came.
    sequence: usize,
    pub state: TradeState,
    pub payment: Option<Payment>,
    /// The key the order's maker asked for; notifications follow it.
    pub asked: Asked,
}

/// What the cashier shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payable {
    Open,
    Paid,
    Closed,
    Expired,
}

impl Order {
    pub fn new(trade_type: TradeType, request: Value, asked: Asked) -> Self {
        let created = clock::now();
        let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
        Self {
            trade_type,
            out_trade_no: text("out_trade_no"),
            total: request["amount"]["total"].as_i64().unwrap_or_default(),
            notify_url: text("notify_url"),
            created,
            prepay_id: format!(
                "wx{}{}",
                clock::digits(created),
                hex_upper(&random_bytes::<10>()).to_lowercase()
            ),
            token: random_text(24),
            link_expires: created + trade_type.link_lifetime(),
            expires: request["time_expire"]
                .as_str()
                .and_then(clock::parse_rfc3339),
            sequence: 0,
            state: TradeState::NotPay,
            payment: None,
            asked,
            request,
        }
    }

    pub fn description(&self) -> &str {
        self.request["description"].as_str().unwrap_or_default()
    }

    pub fn payable(&self, now: OffsetDateTime) -> Payable {
        match self.state {
            TradeState::Success | TradeState::Refund => Payable::Paid,
            TradeState::Closed => Payable::Closed,
            TradeState::NotPay
                if now >= self.link_expires || self.expires.is_some_and(|end| now >= end) =>
            {
                Payable::Expired
            }
            TradeState::NotPay => Payable::Open,
        }
    }

    /// The order as a query and a notification tell it.
    pub fn transaction(&self) -> Value {
        let mut amount = json!({ "total": self.total, "currency": "CNY", "payer_currency": "CNY" });
        let mut transaction = json!({
            "appid": self.request["appid"],
            "mchid": self.request["mchid"],
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state.name(),
            "trade_state_desc": self.state.description(),
            "promotion_detail": [],
        });
        if let Some(attach) = self.request.get("attach") {
            transaction["attach"] = attach.clone();
        }
        if let Some(device_id) = self.request.pointer("/scene_info/device_id") {
            transaction["scene_info"] = json!({ "device_id": device_id });
        }
        if let Some(payment) = &self.payment {
            amount["payer_total"] = self.total.into();
            transaction["transaction_id"] = payment.transaction_id.as_str().into();
            transaction["trade_type"] = self.trade_type.name().into();
            transaction["bank_type"] = "OTHERS".into();
            transaction["success_time"] = clock::rfc3339(payment.at).into();
            transaction["payer"] = json!({ "openid": self.request.pointer("/payer/openid").and_then(Value::as_str).unwrap_or(SANDBOX_OPENID) });
        }
        transaction["amount"] = amount;
        transaction
    }
}

/// Every order and refund of the merchant. In memory: a sandbox begins empty.
#[derive(Default)]
pub struct Ledger {
    orders: HashMap<String, Order>,
    pub refunds: HashMap<String, Refund>,
}

impl Ledger {
    /// Takes an order, or finds the same one again. `request` has been checked already.
    pub fn place(&mut self, mut order: Order) -> Result<&Order, Problem> {
        let now = clock::now();
        order.sequence = self.orders.len();
        if order.expires.is_some_and(|end| end <= now)
            && !self.orders.contains_key(&order.out_trade_no)
        {
            let value = order.request.get("time_expire");
            return Err(Problem::parameter(
                "body",
                "/time_expire",
                value,
                "须晚于当前时间 (lies in the past)",
            ));
        }
        let existing = self
            .orders
            .entry(order.out_trade_no.clone())
            .or_insert_with(|| order.clone());
        if existing.trade_type != order.trade_type || existing.request != order.request {
            return Err(Problem::different_parameters());
        }
        match existing.state {
            TradeState::Success | TradeState::Refund => return Err(Problem::order_paid()),
            TradeState::Closed => return Err(Problem::order_closed()),
            TradeState::NotPay if existing.expires.is_some_and(|end| end <= now) => {
                return Err(Problem::order_expired());
            }
            TradeState::NotPay => {}
        }
        existing.link_expires = now + existing.trade_type.link_lifetime();
        Ok(existing)
    }

    /// Pays as a person at the cashier does, in one step.
    pub fn pay(&mut self, out_trade_no: &str) -> Result<&Order, Problem> {
        let now = clock::now();
        let order = self
            .orders
            .get_mut(out_trade_no)
            .ok_or_else(Problem::order_not_exist)?;
        match order.payable(now) {
            Payable::Open => {}
            Payable::Paid => return Err(Problem::order_paid()),
            Payable::Closed => return Err(Problem::order_closed()),
            Payable::Expired => return Err(Problem::order_expired()),
        }
        order.state = TradeState::Success;
        order.payment = Some(Payment {
            transaction_id: format!(
                "42000{}{}{}",
                random_digits(5),
                clock::date_digits(now),
                random_digits(10)
            ),
            at: now,
        });
        Ok(order)
    }

    /// Closes an unpaid order; closing it again changes nothing.
    pub fn close(&mut self, out_trade_no: &str) -> Result<(), Problem> {
        let order = self
            .orders
            .get_mut(out_trade_no)
            .ok_or_else(Problem::order_not_exist)?;
        match order.state {
            TradeState::Success | TradeState::Refund => Err(Problem::order_paid()),
            TradeState::NotPay | TradeState::Closed => {
                order.state = TradeState::Closed;
                Ok(())
            }
        }
    }

    /// Lets an unpaid order's time run out now.
    pub fn expire(&mut self, out_trade_no: &str) -> Result<(), Problem> {
        let order = self
            .orders
            .get_mut(out_trade_no)
            .ok_or_else(Problem::order_not_exist)?;
        if order.state == TradeState::NotPay {
            order.expires = Some(clock::now());
        }
        Ok(())
    }

    pub fn order(&self, out_trade_no: &str) -> Option<&Order> {
        self.orders.get(out_trade_no)
    }

    pub fn order_mut(&mut self, out_trade_no: &str) -> Option<&mut Order> {
        self.orders.get_mut(out_trade_no)
    }

    pub fn by_transaction(&self, transaction_id: &str) -> Option<&Order> {
        self.orders.values().find(|order| {
            order
                .payment
                .as_ref()
                .is_some_and(|payment| payment.transaction_id == transaction_id)
        })
    }

    pub fn by_token(&self, token: &str) -> Option<&Order> {
        self.orders.values().find(|order| order.token == token)
    }

    pub fn by_prepay_id(&self, prepay_id: &str) -> Option<&Order> {
        self.orders
            .values()
            .find(|order| order.prepay_id == prepay_id)
    }

    /// Newest first.
    pub fn orders(&self) -> Vec<&Order> {
        let mut orders: Vec<_> = self.orders.values().collect();
        orders.sort_by_key(|order| std::cmp::Reverse(order.sequence));
        orders
    }
}
