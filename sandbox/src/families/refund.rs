//! `/v3/refund/domestic`: refunds of every kind of order.

use std::sync::Arc;

use super::bodies;
use crate::notifications;
use crate::operations::{Input, Operation, Reply, check_notify_url, operation};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/refund/domestic/refunds", refund),
    operation("GET /v3/refund/domestic/refunds/{out_refund_no}", query),
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
    sandbox
        .ledger()
        .refunds
        .get(input.placeholder("out_refund_no"))
        .map(|refund| refund.answer().into())
        .ok_or_else(|| Problem::not_found("退款单不存在"))
}
