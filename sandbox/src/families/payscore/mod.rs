//! `/v3/payscore/serviceorder` and `/v3/payscore/permissions`: a service first, its payment later. What the user does is
//! played by control calls, in `user`.

mod order;
mod permissions;
mod user;

use std::sync::Arc;

use serde_json::{Value, json};

use crate::catalogue::Checked;
use crate::operations::{Operation, Reply, checked, own_appid};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub use order::{Orders, of_payment};
pub use permissions::Permissions;
pub use user::control;

use order::{ServiceOrder, State, wrong_state};

pub const OPERATIONS: &[Operation] = &[
    checked("POST /v3/payscore/serviceorder", create),
    checked("GET /v3/payscore/serviceorder", query),
    checked(
        "POST /v3/payscore/serviceorder/{out_order_no}/complete",
        complete,
    ),
    checked(
        "POST /v3/payscore/serviceorder/{out_order_no}/modify",
        modify,
    ),
    checked(
        "POST /v3/payscore/serviceorder/{out_order_no}/pay",
        collect_again,
    ),
    checked(
        "POST /v3/payscore/serviceorder/{out_order_no}/sync",
        paid_elsewhere,
    ),
    checked(
        "POST /v3/payscore/serviceorder/{out_order_no}/cancel",
        cancel,
    ),
    checked("POST /v3/payscore/permissions", permissions::apply),
    checked(
        "GET /v3/payscore/permissions/authorization-code/{authorization_code}",
        permissions::by_code,
    ),
    checked(
        "GET /v3/payscore/permissions/openid/{openid}",
        permissions::by_openid,
    ),
    checked(
        "POST /v3/payscore/permissions/authorization-code/{authorization_code}/terminate",
        permissions::end_by_code,
    ),
    checked(
        "POST /v3/payscore/permissions/openid/{openid}/terminate",
        permissions::end_by_openid,
    ),
    checked("GET /v3/payscore/user-service-state", permissions::state),
];

fn wrong(field: &str, issue: &str) -> Problem {
    Problem::parameter("body", field, None, issue)
}

/// At most 32 characters, as of every number of the merchant's.
fn check_number(field: &str, number: &str) -> Result<(), Problem> {
    let allowed = |character: char| character.is_ascii_alphanumeric() || "_-|*".contains(character);
    match (1..=32).contains(&number.len()) && number.chars().all(allowed) {
        true => Ok(()),
        false => Err(wrong(
            field,
            "只能是数字、大小写字母和_-|*，至多32个字符 (at most 32 of letters, digits and _-|*)",
        )),
    }
}

fn create(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    let number = request.text("out_order_no");
    check_number("/out_order_no", number)?;
    if body["risk_fund"]["amount"]
        .as_i64()
        .is_none_or(|fen| fen < 1)
    {
        return Err(wrong(
            "/risk_fund/amount",
            "须为大于0的整数，单位为分 (must be above 0, in fen)",
        ));
    }
    let mut ledger = sandbox.ledger();
    if let Some(order) = ledger.families.payscore.find(number) {
        return match order.request == *body {
            true => Ok(request.shaped(&order.answer(sandbox)).into()),
            false => Err(Problem::different_parameters()),
        };
    }
    let mut order = ServiceOrder::new(sandbox, body, request.asked);
    if body["need_user_confirm"] == false {
        let openid = request.text("openid");
        let service_id = request.text("service_id");
        if openid.is_empty() {
            return Err(wrong(
                "/openid",
                "免确认订单必填 (required without the user's confirmation)",
            ));
        }
        if !ledger.families.permissions.is_open(service_id, openid) {
            return Err(Problem::no_auth("用户未授权此服务，不能创建免确认订单"));
        }
        order.state = State::Doing;
    }
    let answer = request.shaped(&order.answer(sandbox));
    ledger.families.payscore.add(order);
    Ok(answer.into())
}

fn query(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (number, query_id) = (
        request.parameter("out_order_no"),
        request.parameter("query_id"),
    );
    if number.is_empty() == query_id.is_empty() {
        let issue = "out_order_no和query_id必填且只填一个 (exactly one of both is required)";
        return Err(Problem::parameter("query", "out_order_no", None, issue));
    }
    let ledger = sandbox.ledger();
    let orders = &ledger.families.payscore;
    let order = match query_id.is_empty() {
        true => orders.find(number),
        false => orders.find_by_query_id(query_id),
    };
    let order = order
        .filter(|order| order.request["service_id"] == request.parameter("service_id"))
        .ok_or_else(Problem::order_not_exist)?;
    Ok(request.shaped(&order.answer(sandbox)).into())
}

/// Finds the order that a request is about, changes it, and answers it as it then is.
fn change(
    sandbox: &Arc<Sandbox>,
    request: &Checked,
    change: impl FnOnce(&mut ServiceOrder) -> Result<(), Problem>,
) -> Result<Reply, Problem> {
    let body = &request.body;
    let mut ledger = sandbox.ledger();
    let order = ledger
        .families
        .payscore
        .find_mut(request.parameter("out_order_no"))
        .ok_or_else(Problem::order_not_exist)?;
    for name in ["appid", "service_id"] {
        if !body[name].is_null() && body[name] != order.request[name] {
            return Err(wrong(
                &format!("/{name}"),
                "与创建订单时不一致 (not that of the order)",
            ));
        }
    }
    change(order)?;
    let answer = request.shaped(&order.answer(sandbox));
    order.announce(sandbox);
    Ok(answer.into())
}

/// What the service costs in the end must be what its parts add up to.
fn total(body: &Value) -> Result<i64, Problem> {
    let sum = |name: &str| {
        let parts = body[name].as_array().into_iter().flatten();
        parts
            .map(|part| part["amount"].as_i64().unwrap_or_default())
            .try_fold(0_i64, i64::checked_add)
    };
    let total = body["total_amount"].as_i64().filter(|total| *total >= 0);
    let parts = sum("post_payments").zip(sum("post_discounts"));
    match (total, parts.and_then(|(paid, off)| paid.checked_sub(off))) {
        (Some(total), Some(sum)) if total == sum => Ok(total),
        _ => Err(wrong(
            "/total_amount",
            "须等于付费项目总额减去优惠总额 (must be the sum of post_payments less post_discounts)",
        )),
    }
}

fn complete(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let total = total(&request.body)?;
    let mut collects = false;
    let reply = change(sandbox, request, |order| {
        if order.completion.as_ref() == Some(&request.body) {
            return Ok(());
        }
        match order.state {
            State::Doing if order.completion.is_none() => {}
            State::Doing => return Err(Problem::different_parameters()),
            state => return Err(wrong_state(state)),
        }
        order.complete(&request.body, total);
        collects = total > 0;
        Ok(())
    })?;
    if collects {
        order::collect_soon(sandbox, request.parameter("out_order_no"));
    }
    Ok(reply)
}

/// What is asked for may change as long as it is not paid.
fn modify(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let total = total(&request.body)?;
    if total == 0 {
        return Err(wrong("/total_amount", "须大于0 (must be above 0)"));
    }
    change(sandbox, request, |order| {
        order.must_be_unpaid()?;
        order.revise(&request.body, total);
        Ok(())
    })
}

fn collect_again(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let reply = change(sandbox, request, |order| order.must_be_unpaid())?;
    order::collect_soon(sandbox, request.parameter("out_order_no"));
    Ok(reply)
}

/// The merchant has the money from elsewhere.
fn paid_elsewhere(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    if request.text("type") != "Order_Paid" {
        return Err(wrong("/type", "固定为Order_Paid (must be Order_Paid)"));
    }
    let paid_time = request.body["detail"]["paid_time"]
        .as_str()
        .unwrap_or_default();
    if paid_time.len() != 14 || !paid_time.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong(
            "/detail/paid_time",
            "须为yyyyMMddHHmmss (must be yyyyMMddHHmmss)",
        ));
    }
    change(sandbox, request, |order| {
        order.must_be_unpaid()?;
        order.paid(json!({ "paid_type": "MCH", "paid_time": paid_time }));
        Ok(())
    })
}

fn cancel(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    change(sandbox, request, |order| match order.state_now(sandbox) {
        State::Created | State::Doing => {
            order.state = State::Revoked;
            order.cancellation = Some(request.body.clone());
            Ok(())
        }
        State::Revoked if order.cancellation.as_ref() == Some(&request.body) => Ok(()),
        state => Err(wrong_state(state)),
    })
}
