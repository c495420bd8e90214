//! The flow of APIv2 that waits: a code that the shop scanned. <https://pay.weixin.qq.com/doc/v2/merchant/4011939558>

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::flow::{Ask, Pace, Plan, Scanned};
use crate::params::Params;
use crate::provider::no_such_flow;

use super::super::flows::TRADE_STATE;

const MICROPAY: &str = "micropay";

/// Members of the order that the questions repeat.
const CARRIED: [&str; 5] = ["appid", "mch_id", "sub_appid", "sub_mch_id", "sign_type"];

pub(super) fn plan(name: &str, params: Params) -> Result<(Box<dyn Plan>, Pace)> {
    if name != MICROPAY {
        return Err(no_such_flow(&[MICROPAY]));
    }
    let body = params.body.as_ref().and_then(Value::as_object);
    let number = body
        .and_then(|body| body.get("out_trade_no"))
        .and_then(Value::as_str)
        .filter(|number| !number.is_empty());
    let (Some(body), Some(number)) = (body, number) else {
        let message = "body.out_trade_no is missing; what became of it is asked by this number";
        return Err(Error::new(Code::ParamsInvalid, message).with_field("body.out_trade_no"));
    };
    let mut question: Map<String, Value> = CARRIED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), body.get(*name)?.clone())))
        .collect();
    question.insert("out_trade_no".to_owned(), number.into());
    let question = Params {
        body: Some(Value::Object(question)),
        ..Params::default()
    };
    let ask = |operation: &str, params: Params| {
        Box::new(Ask {
            operation: operation.to_owned(),
            params,
        })
    };
    let scanned = Scanned::new(
        ask("POST /pay/micropay", params),
        ask("POST /pay/orderquery", question.clone()),
        ask("POST /secapi/pay/reverse", question),
        TRADE_STATE,
    );
    let pace = Pace {
        pauses: vec![Duration::from_secs(5)],
        deadline: Some(Duration::from_secs(45)),
    };
    Ok((Box::new(scanned.answered_when_paid()), pace))
}
