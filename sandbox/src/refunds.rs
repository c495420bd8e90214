//! Refunds: together at most the order's total, at most fifty, each number for one refund.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::books::{Account, Cause, fee_returned};
use crate::clock;
use crate::crypto::random_digits;
use crate::orders::{Ledger, Order, TradeState, key};
use crate::problem::Problem;

/// How long the platform works on a refund, at speed 1.
pub const PROCESSING: std::time::Duration = std::time::Duration::from_secs(2);
const MOST_PER_ORDER: usize = 50;
const LONGEST_AFTER_PAYMENT: Duration = Duration::days(365);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefundStatus {
    Processing,
    Success,
    Abnormal,
    Closed,
}

impl RefundStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success => "SUCCESS",
            Self::Abnormal => "ABNORMAL",
            Self::Closed => "CLOSED",
        }
    }
}

#[derive(Clone)]
pub struct Refund {
    pub request: Value,
    /// What the books call it: its number, with the sub-merchant's before it when there is one.
    pub key: String,
    pub order_key: String,
    /// The merchant who pays it.
    pub payer: String,
    pub partner: bool,
    pub out_refund_no: String,
    pub out_trade_no: String,
    pub transaction_id: String,
    pub refund_id: String,
    pub amount: i64,
    pub total: i64,
    pub created: OffsetDateTime,
    pub status: RefundStatus,
    pub settled: Option<OffsetDateTime>,
    /// The part of it that the provider gives back of its fee.
    pub fee: i64,
    /// How much of it comes out of what is frozen for sharing.
    pub from_frozen: i64,
}

const RECEIVED_BY: &str = "支付用户零钱";

impl Refund {
    /// The refund as its request and its query answer it.
    pub fn answer(&self) -> Value {
        let mut answer = json!({
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": RECEIVED_BY,
            "create_time": clock::rfc3339(self.created),
            "status": self.status.name(),
            "funds_account": if self.from_frozen > 0 { "UNSETTLED" } else { "AVAILABLE" },
            "amount": {
                "total": self.total,
                "refund": self.amount,
                "payer_total": self.total,
                "payer_refund": self.amount,
                "settlement_total": self.total,
                "settlement_refund": self.amount,
                "discount_refund": 0,
                "currency": "CNY",
            },
            "promotion_detail": [],
        });
        if let (RefundStatus::Success, Some(at)) = (self.status, self.settled) {
            answer["success_time"] = clock::rfc3339(at).into();
        }
        answer
    }

    /// The refund as its notification tells it.
    pub fn notification(&self, mchid: &str) -> Value {
        let mut resource = match self.partner {
            true => json!({ "sp_mchid": mchid, "sub_mchid": self.payer }),
            false => json!({ "mchid": mchid }),
        };
        let told = json!({
            "out_trade_no": self.out_trade_no,
            "transaction_id": self.transaction_id,
            "out_refund_no": self.out_refund_no,
            "refund_id": self.refund_id,
            "refund_status": self.status.name(),
            "user_received_account": RECEIVED_BY,
            "amount": { "total": self.total, "refund": self.amount, "payer_total": self.total, "payer_refund": self.amount },
        });
        if let (Value::Object(resource), Value::Object(told)) = (&mut resource, told) {
            resource.extend(told);
        }
        if let (RefundStatus::Success, Some(at)) = (self.status, self.settled) {
            resource["success_time"] = clock::rfc3339(at).into();
        }
        resource
    }

    /// Where its notification goes, when the order's address is not meant.
    pub fn notify_url(&self) -> Option<&str> {
        self.request["notify_url"].as_str()
    }
}

impl Ledger {
    /// Starts a refund, or finds the same one again. The flag says whether it is new.
    pub fn refund(&mut self, request: Value) -> Result<(Refund, bool), Problem> {
        let out_refund_no = request["out_refund_no"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let sub_mchid = request["sub_mchid"].as_str();
        let key_of = |number| key(sub_mchid, number);
        let order = match (
            request["transaction_id"].as_str(),
            request["out_trade_no"].as_str(),
        ) {
            (None, None) => {
                return Err(Problem::parameter(
                    "body",
                    "/out_trade_no",
                    None,
                    "transaction_id和out_trade_no二选一 (one of both is required)",
                ));
            }
            (Some(id), None) => self.by_transaction(id),
            (None, Some(number)) => self.order(&key_of(number)),
            (Some(id), Some(number)) => self
                .by_transaction(id)
                .filter(|order| order.out_trade_no == number),
        };
        // A sub-merchant's order is refunded in his name, and only his.
        let order = order
            .filter(|order| order.is_partner() == sub_mchid.is_some())
            .filter(|order| sub_mchid.is_none_or(|mchid| order.payee == mchid))
            .ok_or_else(|| Problem::not_found("订单不存在"))?
            .clone();
        let refund_key = key_of(&out_refund_no);

        if let Some(existing) = self.refunds.get(&refund_key) {
            return match existing.request == request {
                true => Ok((existing.clone(), false)),
                false => Err(Problem::request(
                    268498688,
                    "订单金额或退款金额与之前请求不一致，请核实后再试",
                )),
            };
        }

        let Some(payment) = order.payment.clone() else {
            return Err(Problem::request(268435466, "订单未支付，不能退款"));
        };
        let now = clock::now();
        if now - payment.at > LONGEST_AFTER_PAYMENT {
            return Err(Problem::request(268435467, "订单支付已超过一年，不能退款"));
        }
        let amount = request["amount"]["refund"].as_i64().unwrap_or_default();
        if request["amount"]["total"].as_i64() != Some(order.total) {
            return Err(Problem::request(268435468, "订单总金额与原订单不一致"));
        }
        let earlier = self.refunds.values().filter(|refund| {
            refund.order_key == order.key && refund.status != RefundStatus::Closed
        });
        let (count, refunded) = earlier.fold((0, 0), |(count, sum), refund| {
            (count + 1, sum + refund.amount)
        });
        if count >= MOST_PER_ORDER {
            return Err(Problem::request(268435469, "一笔订单最多支持50次部分退款"));
        }
        if amount > order.total - refunded {
            return Err(Problem::request(
                268435470,
                "申请退款金额大于订单剩余可退金额",
            ));
        }

        let fee = fee_returned(order.fee, order.total, refunded + amount)
            - fee_returned(order.fee, order.total, refunded);
        let refund = Refund {
            key: refund_key.clone(),
            order_key: order.key.clone(),
            payer: order.payee.clone(),
            partner: order.is_partner(),
            fee,
            from_frozen: order.frozen.min(amount - fee),
            out_trade_no: order.out_trade_no.clone(),
            transaction_id: payment.transaction_id,
            refund_id: format!(
                "50{}{}{}",
                random_digits(8),
                clock::date_digits(now),
                random_digits(11)
            ),
            amount,
            total: order.total,
            created: now,
            status: RefundStatus::Processing,
            settled: None,
            out_refund_no,
            request,
        };
        self.draw(&order, &refund)?;
        if let Some(order) = self.order_mut(&refund.order_key) {
            order.frozen -= refund.from_frozen;
            if order.state != TradeState::Revoked {
                order.state = TradeState::Refund;
            }
        }
        self.refunds.insert(refund_key, refund.clone());
        Ok((refund, true))
    }

    /// Takes a refund's money from the merchant, and the provider's fee back with it.
    fn draw(&mut self, order: &Order, refund: &Refund) -> Result<(), Problem> {
        let moves = vec![
            (Account::Frozen(order.payee.clone()), -refund.from_frozen),
            (
                Account::basic(&order.payee),
                refund.from_frozen + refund.fee - refund.amount,
            ),
            (Account::Fees, -refund.fee),
            (Account::Transit, refund.amount),
        ];
        self.books.post(cause(refund), moves)
    }

    /// Ends the processing of a refund; whoever settles it first wins.
    pub fn settle(&mut self, key: &str, status: RefundStatus) -> Option<Refund> {
        let refund = self.refunds.get_mut(key).filter(|refund| {
            refund.status == RefundStatus::Processing
                || (refund.status == RefundStatus::Abnormal && status == RefundStatus::Success)
        })?;
        refund.status = status;
        refund.settled = Some(clock::now());
        let refund = refund.clone();
        // The money of an abnormal refund stays on its way.
        let moves = match status {
            RefundStatus::Success => vec![
                (Account::Transit, -refund.amount),
                (Account::Buyers, refund.amount),
            ],
            RefundStatus::Closed => vec![
                (Account::Transit, -refund.amount),
                (Account::Frozen(refund.payer.clone()), refund.from_frozen),
                (
                    Account::basic(&refund.payer),
                    refund.amount - refund.fee - refund.from_frozen,
                ),
                (Account::Fees, refund.fee),
            ],
            RefundStatus::Processing | RefundStatus::Abnormal => Vec::new(),
        };
        if status == RefundStatus::Closed
            && let Some(order) = self.order_mut(&refund.order_key)
        {
            order.frozen += refund.from_frozen;
        }
        if !moves.is_empty() {
            self.books
                .post(cause(&refund), moves)
                .expect("what is on its way can arrive");
        }
        Some(refund)
    }

    pub fn refund_by_id(&self, refund_id: &str) -> Option<&Refund> {
        self.refunds
            .values()
            .find(|refund| refund.refund_id == refund_id)
    }

    /// An order's refunds, or all, newest first.
    pub fn refunds_of(&self, order_key: Option<&str>) -> Vec<&Refund> {
        let mut refunds: Vec<_> = self
            .refunds
            .values()
            .filter(|refund| order_key.is_none_or(|key| refund.order_key == key))
            .collect();
        refunds.sort_by(|one, other| {
            (other.created, &other.refund_id).cmp(&(one.created, &one.refund_id))
        });
        refunds
    }
}

fn cause(refund: &Refund) -> Cause {
    Cause {
        name: "退款",
        kind: "退款",
        number: refund.refund_id.clone(),
        voucher: refund.out_refund_no.clone(),
        remark: refund.request["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    }
}
