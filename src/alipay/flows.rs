//! Flows that wait: a code that the shop scanned, a code that the payer scans, a refund, a transfer.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::flow::{Ask, Final, Pace, Plan, Scanned, Wait};
use crate::params::Params;
use crate::provider::no_such_flow;

const QUERY: &str = "alipay.trade.query";

const TRADE_STATUS: Final = Final {
    at: "trade_status",
    states: &["TRADE_SUCCESS", "TRADE_FINISHED", "TRADE_CLOSED"],
};
const REFUND_STATUS: Final = Final {
    at: "refund_status",
    states: &["REFUND_SUCCESS"],
};
const TRANSFER_STATUS: Final = Final {
    at: "status",
    states: &["SUCCESS", "FAIL", "CLOSED", "REFUND"],
};

/// A precreated order is not there before the payer has scanned its code.
const NOT_SCANNED: &[&str] = &["ACQ.TRADE_NOT_EXIST"];

const NAMES: [&str; 6] = [
    "pay",
    "precreate",
    "await_payment",
    "await_refund",
    "transfer",
    "await_transfer",
];

/// Members of what begins a flow that the question needs too; the first is required.
const OF_TRADE: [&str; 1] = ["out_trade_no"];
const OF_TRANSFER: [&str; 3] = ["out_biz_no", "product_code", "biz_scene"];

pub(super) fn plan(name: &str, params: Params) -> Result<(Box<dyn Plan>, Pace)> {
    let (plan, deadline_s): (Box<dyn Plan>, u64) = match name {
        "pay" => {
            let question = question(&params, &OF_TRADE)?;
            let scanned = Scanned::new(
                ask("alipay.trade.pay", params),
                ask(QUERY, question.clone()),
                ask("alipay.trade.cancel", question),
                TRADE_STATUS,
            );
            // Of a payment that waits for the payer the answer is an error that says to query.
            (Box::new(scanned.answered_when_paid()), 45)
        }
        "precreate" => {
            let question = ask(QUERY, question(&params, &OF_TRADE)?);
            let begin = ask("alipay.trade.precreate", params);
            (
                Box::new(Wait::new(Some(begin), question, TRADE_STATUS).not_yet(NOT_SCANNED)),
                300,
            )
        }
        "await_payment" => (
            Box::new(Wait::new(None, ask(QUERY, params), TRADE_STATUS).not_yet(NOT_SCANNED)),
            300,
        ),
        "await_refund" => {
            let question = ask("alipay.trade.fastpay.refund.query", params);
            (Box::new(Wait::new(None, question, REFUND_STATUS)), 600)
        }
        "transfer" => {
            let question = ask(
                "alipay.fund.trans.common.query",
                question(&params, &OF_TRANSFER)?,
            );
            let begin = ask("alipay.fund.trans.uni.transfer", params);
            (
                Box::new(Wait::new(Some(begin), question, TRANSFER_STATUS)),
                600,
            )
        }
        "await_transfer" => {
            let question = ask("alipay.fund.trans.common.query", params);
            (Box::new(Wait::new(None, question, TRANSFER_STATUS)), 600)
        }
        _ => return Err(no_such_flow(&NAMES)),
    };
    // The provider asks for a query every three to five seconds.
    let pace = Pace {
        pauses: vec![Duration::from_secs(3), Duration::from_secs(5)],
        deadline: Some(Duration::from_secs(deadline_s)),
    };
    Ok((plan, pace))
}

fn question(params: &Params, names: &[&str]) -> Result<Params> {
    let given = |name: &&str| {
        let value = params.body.as_ref()?.get(*name)?;
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(|text| ((*name).to_owned(), Value::from(text)))
    };
    if names.first().is_some_and(|name| given(name).is_none()) {
        let field = format!("body.{}", names[0]);
        let message = format!("{field} is missing; what became of it is asked by this number");
        return Err(Error::new(Code::ParamsInvalid, message).with_field(field));
    }
    let body: Map<String, Value> = names.iter().filter_map(given).collect();
    let token = params
        .query
        .get("app_auth_token")
        .map(|token| ("app_auth_token".to_owned(), token.clone()));
    Ok(Params {
        body: Some(Value::Object(body)),
        query: token.into_iter().collect(),
        ..Params::default()
    })
}

fn ask(operation: &str, params: Params) -> Box<Ask> {
    Box::new(Ask {
        operation: operation.to_owned(),
        params,
    })
}
