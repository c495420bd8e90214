//! `alipay.merchant.order.sync`: what the merchant tells of an order; kept by its number.

use serde_json::json;

use crate::clock;
use crate::crypto::random_digits;

use super::operations::{Ask, Operation, Reply, api};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[api("alipay.merchant.order.sync", sync)];

fn sync(ask: &Ask) -> Result<Reply, Refusal> {
    let out_biz_no = ask.number("", "out_biz_no")?.to_owned();
    let day = clock::date_digits(clock::now());
    let mut state = ask.sandbox.alipay.state();
    let order_id = state
        .synced_orders
        .entry(out_biz_no)
        .or_insert_with(|| format!("{day}{}", random_digits(20)))
        .clone();
    let mut answer = json!({
        "order_id": order_id,
        "record_id": format!("{day}{}", random_digits(20)),
    });
    // What the merchant says of it, in the one field that has it.
    let said = ask.body["ext_info"].as_array().into_iter().flatten();
    let status = said
        .filter(|pair| pair["ext_key"] == "merchant_order_status")
        .find_map(|pair| pair["ext_value"].as_str());
    if let Some(status) = status {
        answer["order_status"] = status.into();
    }
    Ok(answer.into())
}
