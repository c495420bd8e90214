//! WeChat Pay in memory, as far as payments ask it: orders, queries, closing and refunds, answered with real signatures; and payers who pay.

use std::collections::HashMap;

use payseal::host::Clock;
use payseal::wire::{Request, Response};
use serde_json::{Value, json};

use crate::support::drive::{self, Sent};
use crate::support::host::World;
use crate::support::merchant::{APIV3_KEY, APPID, MCHID};
use crate::support::platform::{self, BY_PUBLIC_KEY, QUICK, Signed};

pub struct Provider {
    /// Its clock is the merchant's: what it signs is never old.
    world: World,
    pub orders: HashMap<String, Ordered>,
    pub refunds: HashMap<String, Refunded>,
    /// Every payment that was ever made.
    pub payments: Vec<Payment>,
    /// Every request that came: method and target.
    pub asked: Vec<String>,
    /// What happens to the next requests instead of an answer, one after another.
    pub faults: Vec<Fault>,
    /// Whether it signs with payseal's own engine, which is faster.
    pub is_quick: bool,
    events: u64,
}

#[derive(Clone)]
pub struct Ordered {
    pub amount: i64,
    pub state: &'static str,
    pub transaction_id: Option<String>,
}

pub struct Payment {
    pub order_no: String,
    pub transaction_id: String,
    pub amount: i64,
}

#[derive(Clone)]
pub struct Refunded {
    pub order_no: String,
    pub amount: i64,
    pub state: &'static str,
}

pub enum Fault {
    /// The request does not arrive.
    NotSent,
    /// It arrives and is carried out, and the answer is lost.
    AnswerLost,
    /// A verified no.
    No(u16, &'static str),
}

impl Provider {
    pub fn new(world: &World) -> Provider {
        Provider {
            world: world.clone(),
            orders: HashMap::new(),
            refunds: HashMap::new(),
            payments: Vec::new(),
            asked: Vec::new(),
            faults: Vec::new(),
            is_quick: false,
            events: 0,
        }
    }

    /// As the provider signs at this moment.
    pub fn signed(&self, body: impl Into<Vec<u8>>) -> Signed {
        let now_s = self.world.now_ms().unwrap() / 1000;
        match self.is_quick {
            true => QUICK.signed_at(&now_s.to_string(), body),
            false => BY_PUBLIC_KEY.signed_at(&now_s.to_string(), body),
        }
    }

    fn yes(&self, body: Value) -> Response {
        self.signed(body.to_string()).response(200)
    }

    fn no(&self, status: u16, code: &str) -> Response {
        let body = json!({ "code": code, "message": "为什么" });
        self.signed(body.to_string()).response(status)
    }

    pub fn answer(&mut self, request: &Request) -> Sent {
        let asked = format!("{} {}", request.method, request.target);
        self.asked.push(asked.clone());
        let fault = (!self.faults.is_empty()).then(|| self.faults.remove(0));
        match fault {
            Some(Fault::NotSent) => return Err(drive::not_sent()),
            Some(Fault::No(status, code)) => return Ok(self.no(status, code)),
            _ => {}
        }
        let response = self.carry_out(request);
        match fault {
            Some(Fault::AnswerLost) => Err(drive::lost()),
            _ => Ok(response),
        }
    }

    fn carry_out(&mut self, request: &Request) -> Response {
        let path = request.target.split('?').next().unwrap();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        match (request.method, parts.as_slice()) {
            ("POST", ["v3", "pay", "transactions", "out-trade-no", number, "close"]) => {
                self.close(number)
            }
            ("POST", ["v3", "pay", "transactions", method]) => self.order(method, &body),
            ("GET", ["v3", "pay", "transactions", "out-trade-no", number]) => {
                match self.orders.get(*number) {
                    Some(order) => self.yes(transaction(number, order)),
                    None => self.no(404, "ORDER_NOT_EXIST"),
                }
            }
            ("POST", ["v3", "refund", "domestic", "refunds"]) => self.refund(&body),
            ("GET", ["v3", "refund", "domestic", "refunds", number]) => {
                match self.refunds.get(*number) {
                    Some(refund) => self.yes(self.refund_answer(number, refund)),
                    None => self.no(404, "RESOURCE_NOT_EXISTS"),
                }
            }
            _ => panic!("nobody expects {} {}", request.method, request.target),
        }
    }

    fn order(&mut self, method: &str, body: &Value) -> Response {
        let number = body["out_trade_no"].as_str().unwrap().to_owned();
        let amount = body["amount"]["total"].as_i64().unwrap();
        let order = self.orders.entry(number.clone()).or_insert(Ordered {
            amount,
            state: "NOTPAY",
            transaction_id: None,
        });
        match (order.amount == amount, order.state) {
            (false, _) => self.no(400, "INVALID_REQUEST"),
            (_, "SUCCESS") => self.no(400, "ORDERPAID"),
            (_, "CLOSED") => self.no(400, "ORDER_CLOSED"),
            _ if method == "native" => {
                self.yes(json!({ "code_url": format!("weixin://wxpay/bizpayurl?pr={number}") }))
            }
            _ => self.yes(json!({ "prepay_id": format!("wx{number}") })),
        }
    }

    fn close(&mut self, number: &str) -> Response {
        match self.orders.get_mut(number) {
            None => self.no(404, "ORDER_NOT_EXIST"),
            Some(order) if order.state == "SUCCESS" => self.no(400, "ORDERPAID"),
            Some(order) => {
                order.state = "CLOSED";
                self.signed("").response(204)
            }
        }
    }

    fn refund(&mut self, body: &Value) -> Response {
        let number = body["out_refund_no"].as_str().unwrap().to_owned();
        let order_no = body["out_trade_no"]
            .as_str()
            .map(str::to_owned)
            .unwrap_or_else(|| {
                let transaction = body["transaction_id"].as_str();
                let paid = self
                    .payments
                    .iter()
                    .find(|payment| Some(&*payment.transaction_id) == transaction);
                paid.unwrap().order_no.clone()
            });
        let refund = self.refunds.entry(number.clone()).or_insert(Refunded {
            order_no,
            amount: body["amount"]["refund"].as_i64().unwrap(),
            state: "PROCESSING",
        });
        let refund = refund.clone();
        self.yes(self.refund_answer(&number, &refund))
    }

    fn refund_answer(&self, number: &str, refund: &Refunded) -> Value {
        let order = &self.orders[&refund.order_no];
        json!({
            "refund_id": format!("50{number}"),
            "out_refund_no": number,
            "transaction_id": order.transaction_id,
            "out_trade_no": refund.order_no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": "2023-11-15T06:13:20+08:00",
            "status": refund.state,
            "amount": { "total": order.amount, "refund": refund.amount, "payer_total": order.amount, "payer_refund": refund.amount, "settlement_refund": refund.amount, "settlement_total": order.amount, "discount_refund": 0, "currency": "CNY" },
        })
    }

    /// The payer pays what was ordered.
    pub fn pay(&mut self, number: &str) {
        let id = format!("4200{:024}", self.payments.len() + 1);
        let order = self
            .orders
            .get_mut(number)
            .expect("an order that was placed");
        order.state = "SUCCESS";
        order.transaction_id = Some(id.clone());
        self.payments.push(Payment {
            order_no: number.to_owned(),
            transaction_id: id,
            amount: order.amount,
        });
    }

    pub fn end_refund(&mut self, number: &str, state: &'static str) {
        self.refunds
            .get_mut(number)
            .expect("a refund that was asked for")
            .state = state;
    }

    /// The notification that an order was paid, signed and sealed; `changes` go into what it says.
    pub fn notify(&mut self, number: &str, changes: Value) -> Signed {
        let body = self.payment_told(number, changes);
        self.signed(body)
    }

    /// The body of that notification, to be signed whenever it is sent.
    pub fn payment_told(&mut self, number: &str, changes: Value) -> String {
        let mut said = transaction(number, &self.orders[number]);
        merge(&mut said, changes);
        self.event("TRANSACTION.SUCCESS", said)
    }

    pub fn notify_refund(&mut self, number: &str) -> Signed {
        let body = self.refund_told(number);
        self.signed(body)
    }

    pub fn refund_told(&mut self, number: &str) -> String {
        let refund = &self.refunds[number];
        let order = &self.orders[&refund.order_no];
        let event = match refund.state {
            "SUCCESS" => "REFUND.SUCCESS",
            "ABNORMAL" => "REFUND.ABNORMAL",
            _ => "REFUND.CLOSED",
        };
        let said = json!({
            "mchid": MCHID,
            "out_trade_no": refund.order_no,
            "transaction_id": order.transaction_id,
            "out_refund_no": number,
            "refund_id": format!("50{number}"),
            "refund_status": refund.state,
            "success_time": "2023-11-15T06:13:20+08:00",
            "user_received_account": "支付用户零钱",
            "amount": { "total": order.amount, "refund": refund.amount, "payer_total": order.amount, "payer_refund": refund.amount },
        });
        self.event(event, said)
    }

    /// Any event, under an id of its own.
    pub fn tell(&mut self, event_type: &str, said: Value) -> Signed {
        let body = self.event(event_type, said);
        self.signed(body)
    }

    fn event(&mut self, event_type: &str, said: Value) -> String {
        self.events += 1;
        let sealed = platform::sealed(
            APIV3_KEY,
            "fdasflkja484",
            "transaction",
            said.to_string().as_bytes(),
        );
        let mut envelope = platform::envelope(sealed);
        envelope["id"] = format!("EV-{:020}", self.events).into();
        envelope["event_type"] = event_type.into();
        envelope.to_string()
    }
}

fn transaction(number: &str, order: &Ordered) -> Value {
    let mut said = json!({
        "mchid": MCHID,
        "appid": APPID,
        "out_trade_no": number,
        "trade_state": order.state,
        "trade_state_desc": "…",
        "amount": { "total": order.amount, "payer_total": order.amount, "currency": "CNY" },
    });
    if let Some(id) = &order.transaction_id {
        said["transaction_id"] = id.as_str().into();
        said["trade_type"] = "NATIVE".into();
        said["success_time"] = "2023-11-15T06:13:20+08:00".into();
    }
    said
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(into.entry(key).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}
