//! `/v3/refund/domestic`: refunds of every kind of order.

use std::sync::Arc;

use super::bodies;
use crate::notifications;
use crate::operations::{Input, Operation, Reply, check_notify_url, operation};
use crate::orders::key;
use crate::problem::Problem;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/refund/domestic/refunds", refund),
    operation("GET /v3/refund/domestic/refunds/{out_refund_no}", query),
    operation(
        "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
        |sandbox, input| to_another_card(sandbox, input).map(|refund| refund.answer().into()),
    ),
];

fn refund(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, bodies::REFUND)?;
    check_notify_url(&body)?;
    let (refund, new) = sandbox.ledger().refund(body)?;
    if new {
        notifications::process_refund(sandbox, &refund);
    }
    Ok(refund.answer().into())
}

fn query(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.query("sub_mchid");
    sandbox
        .ledger()
        .refunds
        .get(&key(
            sub_mchid.as_deref(),
            input.placeholder("out_refund_no"),
        ))
        .map(|refund| refund.answer().into())
        .ok_or_else(|| Problem::not_found("退款单不存在"))
}

/// An abnormal refund goes to another card, which is sealed.
pub fn to_another_card(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Refund, Problem> {
    let body = input.checked_body(sandbox, bodies::ABNORMAL_REFUND)?;
    let mut ledger = sandbox.ledger();
    let refund = ledger
        .refund_by_id(input.placeholder("refund_id"))
        .filter(|refund| body["out_refund_no"] == refund.out_refund_no.as_str())
        .filter(|refund| !refund.partner || body["sub_mchid"] == refund.payer.as_str())
        .cloned()
        .ok_or_else(|| Problem::not_found("退款单不存在"))?;
    if refund.status != RefundStatus::Abnormal {
        return Err(Problem::request(268435491, "退款单不是异常状态"));
    }
    if body["type"] == "USER_BANK_CARD" {
        for name in ["bank_type", "bank_account", "real_name"] {
            if !body[name].is_string() {
                return Err(Problem::parameter(
                    "body",
                    &format!("/{name}"),
                    None,
                    "退款至用户银行卡时必填 (required with USER_BANK_CARD)",
                ));
            }
        }
    }
    let settled = ledger.settle(&refund.key, RefundStatus::Success);
    drop(ledger);
    if let Some(settled) = &settled {
        notifications::refund_settled(sandbox, settled);
    }
    Ok(settled.unwrap_or(refund))
}
