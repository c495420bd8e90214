//! Orders and the rules of their states.

use std::collections::HashMap;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::books::{self, Account, Books, Cause};
use crate::clock;
use crate::crypto::{hex_upper, random_bytes, random_digits, random_text};
use crate::families::{State, combine::Combined};
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
    /// The shop scans the buyer's code.
    Codepay,
    /// Taken without asking, as it was agreed before.
    Deducted,
}

impl TradeType {
    /// The provider's word in queries and notifications.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::App => "APP",
            Self::H5 => "MWEB",
            Self::Native => "NATIVE",
            Self::Codepay => "MICROPAY",
            Self::Deducted => "AUTH",
        }
    }

    /// How long the cashier's link of this kind lives.
    pub fn link_lifetime(self) -> Duration {
        match self {
            Self::H5 => Duration::minutes(5),
            Self::Jsapi | Self::App | Self::Native | Self::Codepay | Self::Deducted => {
                Duration::hours(2)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TradeState {
    NotPay,
    /// The buyer of a scanned code is asked for the password.
    UserPaying,
    /// The buyer of a scanned code has declined.
    PayError,
    Success,
    Refund,
    Closed,
    /// Taken back by the shop that had scanned the code.
    Revoked,
}

impl TradeState {
    pub fn name(self) -> &'static str {
        match self {
            Self::NotPay => "NOTPAY",
            Self::UserPaying => "USERPAYING",
            Self::PayError => "PAYERROR",
            Self::Revoked => "REVOKED",
            Self::Success => "SUCCESS",
            Self::Refund => "REFUND",
            Self::Closed => "CLOSED",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::NotPay => "订单未支付",
            Self::UserPaying => "用户支付中，需要输入密码",
            Self::PayError => "支付失败，请使用新的商户订单号重新下单",
            Self::Revoked => "订单已撤销",
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
    /// The same to the nanosecond, for waiting times that are divided.
    pub instant: std::time::Instant,
}

#[derive(Clone)]
pub struct Order {
    pub trade_type: TradeType,
    /// The body of the first request, sealed fields opened: what a repetition is compared with.
    pub request: Value,
    /// What the books call it: its number, with the sub-merchant's before it when there is one.
    pub key: String,
    pub out_trade_no: String,
    /// The merchant whose account is paid into.
    pub payee: String,
    /// The combined order it is a part of.
    pub combined: Option<String>,
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
    /// The provider's fee, once it is paid.
    pub fee: i64,
    /// What is kept back for sharing.
    pub frozen: i64,
}

/// An order's or a refund's number is unique for each merchant that is paid.
pub fn key(sub_mchid: Option<&str>, number: &str) -> String {
    match sub_mchid {
        Some(mchid) => format!("{mchid}/{number}"),
        None => number.to_owned(),
    }
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
        let sub_mchid = request["sub_mchid"].as_str();
        Self {
            trade_type,
            key: key(sub_mchid, &text("out_trade_no")),
            out_trade_no: text("out_trade_no"),
            payee: sub_mchid.map_or_else(|| text("mchid"), str::to_owned),
            combined: None,
            total: request["amount"]["total"].as_i64().unwrap_or_default(),
            notify_url: text("notify_url"),
            created,
            prepay_id: prepay_id(created),
            token: random_text(24),
            link_expires: created + trade_type.link_lifetime(),
            expires: request["time_expire"]
                .as_str()
                .and_then(clock::parse_rfc3339),
            sequence: 0,
            state: TradeState::NotPay,
            payment: None,
            asked,
            fee: 0,
            frozen: 0,
            request,
        }
    }

    pub fn description(&self) -> &str {
        self.request["description"].as_str().unwrap_or_default()
    }

    /// Whether a service provider made it for a sub-merchant.
    pub fn is_partner(&self) -> bool {
        self.request["sub_mchid"].is_string()
    }

    /// Whether what is paid waits for profit sharing.
    pub fn is_for_sharing(&self) -> bool {
        self.request.pointer("/settle_info/profit_sharing") == Some(&Value::Bool(true))
    }

    pub fn payable(&self, now: OffsetDateTime) -> Payable {
        match self.state {
            TradeState::Success | TradeState::Refund => Payable::Paid,
            TradeState::Closed | TradeState::Revoked | TradeState::PayError => Payable::Closed,
            TradeState::NotPay | TradeState::UserPaying
                if now >= self.link_expires || self.expires.is_some_and(|end| now >= end) =>
            {
                Payable::Expired
            }
            TradeState::NotPay | TradeState::UserPaying => Payable::Open,
        }
    }

    /// The order as a query and a notification tell it.
    pub fn transaction(&self) -> Value {
        let mut amount = json!({ "total": self.total, "currency": "CNY", "payer_currency": "CNY" });
        let mut transaction = json!({
            "out_trade_no": self.out_trade_no,
            "trade_state": self.state.name(),
            "trade_state_desc": self.state.description(),
            "promotion_detail": [],
        });
        let names: &[&str] = match self.is_partner() {
            true => &["sp_appid", "sp_mchid", "sub_appid", "sub_mchid", "attach"],
            false => &["appid", "mchid", "attach"],
        };
        for name in names {
            if let Some(value) = self.request.get(name) {
                transaction[*name] = value.clone();
            }
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
            transaction["payer"] = self.payer();
        }
        transaction["amount"] = amount;
        transaction
    }

    pub fn openid(&self) -> &str {
        ["/payer/openid", "/payer/sp_openid"]
            .iter()
            .find_map(|pointer| self.request.pointer(pointer).and_then(Value::as_str))
            .unwrap_or(SANDBOX_OPENID)
    }

    fn payer(&self) -> Value {
        if !self.is_partner() {
            return json!({ "openid": self.openid() });
        }
        let mut payer = json!({ "sp_openid": self.openid() });
        if let Some(sub_openid) = self.request.pointer("/payer/sub_openid") {
            payer["sub_openid"] = sub_openid.clone();
        }
        payer
    }
}

/// Everything that has to do with money, behind one lock. In memory: a sandbox begins empty.
#[derive(Default)]
pub struct Ledger {
    /// By `Order::key`.
    pub(crate) orders: HashMap<String, Order>,
    /// By `Refund::key`.
    pub refunds: HashMap<String, Refund>,
    pub combined: HashMap<String, Combined>,
    pub books: Books,
    /// What the other families remember.
    pub families: State,
}

impl Ledger {
    /// Takes an order, or finds the same one again. `request` has been checked already.
    pub fn place(&mut self, mut order: Order) -> Result<&Order, Problem> {
        let now = clock::now();
        order.sequence = self.orders.len();
        if order.expires.is_some_and(|end| end <= now) && !self.orders.contains_key(&order.key) {
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
            .entry(order.key.clone())
            .or_insert_with(|| order.clone());
        if existing.trade_type != order.trade_type
            || existing.request != order.request
            || existing.combined != order.combined
        {
            return Err(Problem::different_parameters());
        }
        match existing.state {
            TradeState::Success | TradeState::Refund => return Err(Problem::order_paid()),
            TradeState::Closed | TradeState::Revoked | TradeState::PayError => {
                return Err(Problem::order_closed());
            }
            TradeState::NotPay if existing.expires.is_some_and(|end| end <= now) => {
                return Err(Problem::order_expired());
            }
            TradeState::NotPay | TradeState::UserPaying => {}
        }
        existing.link_expires = now + existing.trade_type.link_lifetime();
        Ok(existing)
    }

    /// Pays as a person at the cashier does, in one step.
    pub fn pay(&mut self, key: &str) -> Result<&Order, Problem> {
        let now = clock::now();
        let order = self
            .orders
            .get_mut(key)
            .ok_or_else(Problem::order_not_exist)?;
        match order.payable(now) {
            Payable::Open => {}
            Payable::Paid => return Err(Problem::order_paid()),
            Payable::Closed => return Err(Problem::order_closed()),
            Payable::Expired => return Err(Problem::order_expired()),
        }
        let payment = Payment {
            transaction_id: transaction_id(now),
            at: now,
            instant: std::time::Instant::now(),
        };
        order.fee = books::fee(order.total);
        let into = match order.is_for_sharing() {
            true => Account::Frozen(order.payee.clone()),
            false => Account::basic(&order.payee),
        };
        let cause = |name, kind| Cause {
            name,
            kind,
            number: payment.transaction_id.clone(),
            voucher: order.out_trade_no.clone(),
            remark: String::new(),
        };
        // The fee is a line of its own in the fund-flow bill.
        self.books.transfer(
            cause("交易", "交易"),
            Account::Buyers,
            into.clone(),
            order.total,
        )?;
        self.books.transfer(
            cause("交易", "扣除交易手续费"),
            into,
            Account::Fees,
            order.fee,
        )?;
        order.frozen = match order.is_for_sharing() {
            true => order.total - order.fee,
            false => 0,
        };
        order.state = TradeState::Success;
        order.payment = Some(payment);
        Ok(order)
    }

    /// Closes an unpaid order; closing it again changes nothing. A part of a combined order is not closed alone.
    pub fn close(&mut self, key: &str) -> Result<(), Problem> {
        if self
            .order(key)
            .is_some_and(|order| order.combined.is_some())
        {
            return Err(Problem::request(
                268435495,
                "合单支付的子单，请使用合单关单接口",
            ));
        }
        self.shut(key)
    }

    pub fn shut(&mut self, key: &str) -> Result<(), Problem> {
        let order = self
            .orders
            .get_mut(key)
            .ok_or_else(Problem::order_not_exist)?;
        match order.state {
            TradeState::Success | TradeState::Refund => Err(Problem::order_paid()),
            TradeState::UserPaying => Err(Problem::user_paying()),
            TradeState::Revoked | TradeState::PayError => Err(Problem::order_closed()),
            TradeState::NotPay | TradeState::Closed => {
                order.state = TradeState::Closed;
                Ok(())
            }
        }
    }

    /// Lets an unpaid order's time run out now.
    pub fn expire(&mut self, key: &str) -> Result<(), Problem> {
        let order = self
            .orders
            .get_mut(key)
            .ok_or_else(Problem::order_not_exist)?;
        if order.state == TradeState::NotPay {
            order.expires = Some(clock::now());
        }
        // All of a combined order expires at once.
        let combined = order.combined.clone();
        if let Some(combined) = combined.and_then(|number| self.combined.get_mut(&number)) {
            combined.expires = Some(clock::now());
        }
        Ok(())
    }

    pub fn order(&self, key: &str) -> Option<&Order> {
        self.orders.get(key)
    }

    pub fn order_mut(&mut self, key: &str) -> Option<&mut Order> {
        self.orders.get_mut(key)
    }

    /// By a number alone, as people ask for it: the merchant's own order, else a sub-merchant's.
    pub fn find(&self, out_trade_no: &str) -> Option<&Order> {
        self.orders.get(out_trade_no).or_else(|| {
            self.orders()
                .into_iter()
                .find(|order| order.out_trade_no == out_trade_no)
        })
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

/// `4200…`: 28 digits with the day in them.
pub fn transaction_id(now: OffsetDateTime) -> String {
    format!(
        "42000{}{}{}",
        random_digits(5),
        clock::date_digits(now),
        random_digits(10)
    )
}

pub fn prepay_id(now: OffsetDateTime) -> String {
    format!(
        "wx{}{}",
        clock::digits(now),
        hex_upper(&random_bytes::<10>()).to_lowercase()
    )
}
