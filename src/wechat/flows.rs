//! Flows that wait, at the pace that the provider's documentation asks for: payments, codes scanned by the shop, refunds, transfers, receipts.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::flow::{Ask, Final, Pace, Plan, Scanned, Wait};
use crate::params::Params;
use crate::provider::no_such_flow;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What is asked for until a member of the answer has one of these values.
struct Waiting {
    name: &'static str,
    /// What begins it; without one, something that exists is waited for.
    begin: Option<&'static str>,
    operation: &'static str,
    /// Members of the body with which it begins that the question needs too: in its path, in its query.
    carried: [&'static [&'static str]; 2],
    state: &'static str,
    last: &'static [&'static str],
    pauses: &'static [Duration],
    /// Without one it is over when the pauses are used up, of which the first comes before the first look.
    deadline: Option<Duration>,
}

/// The states of a payment that do not change by waiting.
const PAID: &[&str] = &["SUCCESS", "REFUND", "CLOSED", "REVOKED", "PAYERROR"];
pub(super) const TRADE_STATE: Final = Final {
    at: "trade_state",
    states: PAID,
};
const REFUNDED: &[&str] = &["SUCCESS", "CLOSED", "ABNORMAL"];
const TRANSFERRED: &[&str] = &["SUCCESS", "FAIL", "CANCELLED"];
const MADE: &[&str] = &["FINISHED", "FAILED"];

/// 1 s three times, 2 s three times, then 5 s: twelve looks. <https://pay.weixin.qq.com/doc/v3/merchant/4012791858>
const PAYMENT: &[Duration] = &[
    s(1),
    s(1),
    s(1),
    s(2),
    s(2),
    s(2),
    s(5),
    s(5),
    s(5),
    s(5),
    s(5),
    s(5),
];
const REFUND: &[Duration] = &[s(5), s(10), s(30), s(60)];
const TRANSFER: &[Duration] = &[s(2), s(3), s(5), s(5), s(5), s(10), s(30)];
const RECEIPT: &[Duration] = &[s(1), s(2), s(5)];

const WAITING: [Waiting; 12] = [
    Waiting {
        name: "await_payment",
        begin: None,
        operation: "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
        carried: [&[], &[]],
        state: "trade_state",
        last: PAID,
        pauses: PAYMENT,
        deadline: None,
    },
    Waiting {
        name: "await_partner_payment",
        begin: None,
        operation: "GET /v3/pay/partner/transactions/out-trade-no/{out_trade_no}",
        carried: [&[], &[]],
        state: "trade_state",
        last: PAID,
        pauses: PAYMENT,
        deadline: None,
    },
    Waiting {
        name: "refund",
        begin: Some("POST /v3/refund/domestic/refunds"),
        operation: "GET /v3/refund/domestic/refunds/{out_refund_no}",
        carried: [&["out_refund_no"], &["sub_mchid"]],
        state: "status",
        last: REFUNDED,
        pauses: REFUND,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "await_refund",
        begin: None,
        operation: "GET /v3/refund/domestic/refunds/{out_refund_no}",
        carried: [&[], &[]],
        state: "status",
        last: REFUNDED,
        pauses: REFUND,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "await_ecommerce_refund",
        begin: None,
        operation: "GET /v3/ecommerce/refunds/out-refund-no/{out_refund_no}",
        carried: [&[], &[]],
        state: "status",
        last: REFUNDED,
        pauses: REFUND,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "await_transfer",
        begin: None,
        operation: "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}",
        carried: [&[], &[]],
        state: "state",
        last: TRANSFERRED,
        pauses: TRANSFER,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "await_transfer_batch",
        begin: None,
        operation: "GET /v3/transfer/batches/out-batch-no/{out_batch_no}",
        carried: [&[], &[]],
        state: "transfer_batch.batch_status",
        last: &["FINISHED", "CLOSED"],
        pauses: TRANSFER,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "await_profit_sharing",
        begin: None,
        operation: "GET /v3/profitsharing/orders/{out_order_no}",
        carried: [&[], &[]],
        state: "state",
        last: &["FINISHED"],
        pauses: TRANSFER,
        deadline: Some(s(600)),
    },
    Waiting {
        name: "transfer_receipt",
        begin: Some("POST /v3/fund-app/mch-transfer/elecsign/out-bill-no"),
        operation: "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
        carried: [&["out_bill_no"], &[]],
        state: "state",
        last: MADE,
        pauses: RECEIPT,
        deadline: Some(s(300)),
    },
    Waiting {
        name: "await_transfer_receipt",
        begin: None,
        operation: "GET /v3/fund-app/mch-transfer/elecsign/out-bill-no/{out_bill_no}",
        carried: [&[], &[]],
        state: "state",
        last: MADE,
        pauses: RECEIPT,
        deadline: Some(s(300)),
    },
    Waiting {
        name: "batch_receipt",
        begin: Some("POST /v3/transfer/bill-receipt"),
        operation: "GET /v3/transfer/bill-receipt/{out_batch_no}",
        carried: [&["out_batch_no"], &[]],
        state: "signature_status",
        last: MADE,
        pauses: RECEIPT,
        deadline: Some(s(300)),
    },
    Waiting {
        name: "detail_receipt",
        begin: Some("POST /v3/transfer-detail/electronic-receipts"),
        operation: "GET /v3/transfer-detail/electronic-receipts",
        carried: [&[], &["accept_type", "out_batch_no", "out_detail_no"]],
        state: "signature_status",
        last: MADE,
        pauses: RECEIPT,
        deadline: Some(s(300)),
    },
];

pub(super) fn plan(name: &str, params: Params) -> Result<(Box<dyn Plan>, Pace)> {
    if let Some(codepay) = CODEPAY.iter().find(|codepay| codepay.name == name) {
        return Ok((Box::new(codepay.plan(params)?), codepay.pace()));
    }
    let Some(waiting) = WAITING.iter().find(|waiting| waiting.name == name) else {
        let names = CODEPAY.iter().map(|codepay| codepay.name);
        let names: Vec<&str> = names.chain(WAITING.iter().map(|it| it.name)).collect();
        return Err(no_such_flow(&names));
    };
    let pace = Pace {
        pauses: waiting.pauses.to_vec(),
        deadline: waiting.deadline,
    };
    Ok((Box::new(waiting.plan(params)?), pace))
}

/// A member of the body with which a flow begins, to be asked for by.
fn number(params: &Params, name: &str) -> Result<Value> {
    let body = params.body.as_ref().and_then(|body| body.get(name));
    match body {
        Some(Value::String(number)) if !number.is_empty() => Ok(number.as_str().into()),
        _ => {
            let field = format!("body.{name}");
            let message = format!("{field} is missing; what became of it is asked by this number");
            Err(Error::new(Code::ParamsInvalid, message).with_field(field))
        }
    }
}

fn optional(params: &Params, name: &str) -> Option<Value> {
    let value = params.body.as_ref()?.get(name)?;
    (!value.is_null()).then(|| value.clone())
}

fn ask(operation: &str, params: Params) -> Box<Ask> {
    Box::new(Ask {
        operation: operation.to_owned(),
        params,
    })
}

impl Waiting {
    fn plan(&'static self, params: Params) -> Result<Wait> {
        let [in_path, in_query] = self.carried;
        let question = match self.begin {
            None => params.clone(),
            Some(_) => {
                let path = in_path
                    .iter()
                    .map(|name| Ok(((*name).to_owned(), number(&params, name)?)));
                let query = in_query
                    .iter()
                    .filter_map(|name| Some(((*name).to_owned(), optional(&params, name)?)));
                Params {
                    path: path.collect::<Result<_>>()?,
                    query: query.collect(),
                    ..Params::default()
                }
            }
        };
        let wait = Wait::new(
            self.begin.map(|operation| ask(operation, params)),
            ask(self.operation, question),
            Final {
                at: self.state,
                states: self.last,
            },
        );
        Ok(match self.begin.is_none() && self.deadline.is_none() {
            true => wait.after_a_pause(),
            false => wait,
        })
    }
}

/// A code that the shop scanned. <https://pay.weixin.qq.com/doc/v3/merchant/4012791834>
struct Codepay {
    name: &'static str,
    order: &'static str,
    query: &'static str,
    reverse: &'static str,
    /// Members of the order that the questions repeat.
    carried: &'static [&'static str],
    /// Of those, the ones that the query takes.
    in_query: &'static [&'static str],
}

const CODEPAY: [Codepay; 2] = [
    Codepay {
        name: "codepay",
        order: "POST /v3/pay/transactions/codepay",
        query: "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
        reverse: "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse",
        carried: &["appid", "mchid"],
        in_query: &["mchid"],
    },
    Codepay {
        name: "partner_codepay",
        order: "POST /v3/pay/partner/transactions/codepay",
        query: "GET /v3/pay/partner/transactions/out-trade-no/{out_trade_no}",
        reverse: "POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse",
        carried: &["sp_appid", "sp_mchid", "sub_appid", "sub_mchid"],
        in_query: &["sp_mchid", "sub_mchid"],
    },
];

impl Codepay {
    fn pace(&self) -> Pace {
        Pace {
            pauses: vec![s(5)],
            deadline: Some(s(45)),
        }
    }

    fn plan(&'static self, params: Params) -> Result<Scanned> {
        let path = Map::from_iter([("out_trade_no".to_owned(), number(&params, "out_trade_no")?)]);
        let carried = |names: &[&str]| -> Map<String, Value> {
            names
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), optional(&params, name)?)))
                .collect()
        };
        let query = Params {
            path: path.clone(),
            query: carried(self.in_query),
            ..Params::default()
        };
        let reverse = Params {
            path,
            body: Some(Value::Object(carried(self.carried))),
            ..Params::default()
        };
        Ok(Scanned::new(
            ask(self.order, params),
            ask(self.query, query),
            ask(self.reverse, reverse),
            TRADE_STATE,
        ))
    }
}
