//! What an answer has to repeat, should it speak of it: its signature covers the answer, not the request, so that a genuine answer to another
//! request would pass.

use serde_json::Value;

use crate::error::{Code, Error, Outcome, Result};
use crate::params::Params;
use crate::provider::Prepared;
use crate::wire::json;

use super::amount::fen;

/// Numbers of the merchant and of the provider.
const NUMBERS: [&str; 8] = [
    "out_trade_no",
    "trade_no",
    "out_request_no",
    "out_biz_no",
    "out_order_no",
    "auth_no",
    "agreement_no",
    "external_agreement_no",
];
/// Amounts that an answer repeats. With a foreign currency they are not what was asked for.
const AMOUNTS: [&str; 2] = ["total_amount", "trans_amount"];
const CURRENCIES: [&str; 2] = ["trans_currency", "settle_currency"];

pub(super) fn of(params: &Params) -> Vec<(&'static str, Value)> {
    let Some(Value::Object(body)) = &params.body else {
        return Vec::new();
    };
    let is_foreign = CURRENCIES.iter().any(|name| body.contains_key(*name));
    let amounts = AMOUNTS.into_iter().filter(|_| !is_foreign);
    let asked = NUMBERS.into_iter().chain(amounts);
    asked
        .filter_map(|name| {
            Some((
                name,
                body.get(name).filter(|value| value.is_string())?.clone(),
            ))
        })
        .collect()
}

/// The merchant's number of whatever the operation is about, for logs.
pub(super) fn order_number(params: &Params) -> Option<String> {
    let body = params.body.as_ref()?;
    [
        "out_request_no",
        "out_trade_no",
        "out_biz_no",
        "out_order_no",
    ]
    .iter()
    .find_map(|name| body.get(*name)?.as_str())
    .map(str::to_owned)
}

/// Compares a verified answer with what was asked and with what the caller expects.
pub(super) fn compare(prepared: &Prepared, body: &Value) -> Result<()> {
    let mismatch = |path: &str, problem: &str| {
        let message = format!("the answer is genuine, but its {path} {problem}");
        Error::new(Code::ResponseMismatch, message)
            .with_outcome(Outcome::Unknown)
            .with_field(path)
    };
    for (path, asked) in &prepared.asked {
        if let Some(said) = body.get(*path)
            && !is_same(path, asked, said)
        {
            return Err(mismatch(
                path,
                "is not what was asked about: it belongs to another request",
            ));
        }
    }
    match json::unmet(body, &prepared.expect) {
        Some(path) => Err(mismatch(path, "is not what the caller expects")),
        None => Ok(()),
    }
}

/// `88.8` and `88.80` are the same amount.
fn is_same(path: &str, asked: &Value, said: &Value) -> bool {
    let both = (asked.as_str().and_then(fen), said.as_str().and_then(fen));
    match both {
        (Some(asked), Some(said)) if AMOUNTS.contains(&path) => asked == said,
        _ => asked == said || said.as_str() == Some(""),
    }
}
