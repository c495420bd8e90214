//! `/v3/ecommerce/refunds` and `/v3/ecommerce/profitsharing`: a platform's refunds and sharing for its
//! sub-merchants. The rules are those of `refunds.rs` and `sharing.rs`; the names of the fields are its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::bodies::{CNY, ID, NOTIFY_URL, OUT_REFUND_NO, POSITIVE_FEN};
use super::partner::check_sub_mchid;
use super::refund;
use super::sharing::{self, Return, Share};
use crate::books::{Account, Cause};
use crate::clock;
use crate::crypto::random_digits;
use crate::fields::{Field, Kind, optional, required};
use crate::notifications;
use crate::operations::{Input, Operation, Reply, check_notify_url, operation, own_appid};
use crate::orders::key;
use crate::problem::Problem;
use crate::refunds::{Refund, RefundStatus};
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/ecommerce/refunds/apply", apply),
    operation("GET /v3/ecommerce/refunds/id/{refund_id}", query_refund),
    operation(
        "GET /v3/ecommerce/refunds/out-refund-no/{out_refund_no}",
        query_refund,
    ),
    operation(
        "POST /v3/ecommerce/refunds/{refund_id}/apply-abnormal-refund",
        |sandbox, input| {
            refund::to_another_card(sandbox, input).map(|refund| refund_answer(&refund).into())
        },
    ),
    operation(
        "POST /v3/ecommerce/refunds/{refund_id}/return-advance",
        |sandbox, input| {
            let body = input.checked_body(sandbox, &[required("sub_mchid", ID)])?;
            let sub_mchid = body["sub_mchid"].as_str().unwrap_or_default().to_owned();
            return_advance(sandbox, input, &sub_mchid)
        },
    ),
    operation(
        "GET /v3/ecommerce/refunds/{refund_id}/return-advance",
        query_advance,
    ),
    operation("POST /v3/ecommerce/profitsharing/orders", share),
    operation("GET /v3/ecommerce/profitsharing/orders", query_share),
    operation(
        "GET /v3/ecommerce/profitsharing/orders/{transaction_id}/amounts",
        sharing::amounts,
    ),
    operation("POST /v3/ecommerce/profitsharing/returnorders", take_back),
    operation("GET /v3/ecommerce/profitsharing/returnorders", query_return),
    operation("POST /v3/ecommerce/profitsharing/finish-order", finish),
    operation(
        "POST /v3/ecommerce/profitsharing/receivers/add",
        add_receiver,
    ),
    operation(
        "POST /v3/ecommerce/profitsharing/receivers/delete",
        delete_receiver,
    ),
];

/// A platform relates receivers once, for all its sub-merchants.
pub const EVERY_SUB_MERCHANT: &str = "*";

const APPLY: &[Field] = &[
    required("sub_mchid", ID),
    required("sp_appid", ID),
    optional("sub_appid", ID),
    optional("transaction_id", ID),
    optional("out_trade_no", ID),
    OUT_REFUND_NO,
    optional("reason", Kind::Text { min: 1, max: 80 }),
    optional("notify_url", NOTIFY_URL),
    optional(
        "refund_account",
        Kind::OneOf(&[
            "REFUND_SOURCE_SUB_MERCHANT",
            "REFUND_SOURCE_PARTNER_ADVANCE",
        ]),
    ),
    optional(
        "funds_account",
        Kind::OneOf(&["AVAILABLE", "UNSETTLED", "PREPAID"]),
    ),
    required(
        "amount",
        Kind::Object(&[
            required("refund", POSITIVE_FEN),
            required("total", POSITIVE_FEN),
            optional("currency", CNY),
        ]),
    ),
];

const OUT_NO: Kind = Kind::Text { min: 1, max: 64 };
const TYPES: Kind = Kind::OneOf(&["MERCHANT_ID", "PERSONAL_OPENID"]);
const SHARE: &[Field] = &[
    required("sub_mchid", ID),
    optional("appid", ID),
    required("transaction_id", ID),
    required("out_order_no", OUT_NO),
    required("finish", Kind::Boolean),
    required(
        "receivers",
        Kind::List(&Kind::Object(&[
            required("type", TYPES),
            required("receiver_account", Kind::Text { min: 1, max: 64 }),
            optional("receiver_name", Kind::Sealed),
            required("amount", POSITIVE_FEN),
            required("description", Kind::Text { min: 1, max: 80 }),
        ])),
    ),
];
const RETURN: &[Field] = &[
    required("sub_mchid", ID),
    optional("order_id", OUT_NO),
    optional("out_order_no", OUT_NO),
    optional("transaction_id", ID),
    required("out_return_no", OUT_NO),
    required("return_mchid", ID),
    required("amount", POSITIVE_FEN),
    required("description", Kind::Text { min: 1, max: 80 }),
];
const FINISH: &[Field] = &[
    required("sub_mchid", ID),
    required("transaction_id", ID),
    required("out_order_no", OUT_NO),
    required("description", Kind::Text { min: 1, max: 80 }),
];
const ADD: &[Field] = &[
    required("appid", ID),
    required("type", TYPES),
    required("account", Kind::Text { min: 1, max: 64 }),
    optional("name", Kind::Text { min: 1, max: 1024 }),
    optional("encrypted_name", Kind::Sealed),
    required("relation_type", Kind::Text { min: 1, max: 32 }),
];
const DELETE: &[Field] = &[
    required("appid", ID),
    required("type", TYPES),
    required("account", Kind::Text { min: 1, max: 64 }),
];

fn apply(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, APPLY)?;
    own_appid(sandbox, &body["sp_appid"])?;
    check_sub_mchid(sandbox, body["sub_mchid"].as_str().unwrap_or_default())?;
    check_notify_url(&body)?;
    if body["refund_account"] == "REFUND_SOURCE_PARTNER_ADVANCE" {
        advance(sandbox, &body)?;
    }
    let (refund, new) = sandbox.ledger().refund(body)?;
    if new {
        notifications::process_refund(sandbox, &refund);
    }
    let answer = refund_answer(&refund);
    Ok(json!({
        "refund_id": answer["refund_id"],
        "out_refund_no": answer["out_refund_no"],
        "create_time": answer["create_time"],
        "amount": answer["amount"],
        "promotion_detail": [],
        "refund_account": answer["refund_account"],
    })
    .into())
}

/// The platform lends its sub-merchant what the refund takes.
fn advance(sandbox: &Sandbox, body: &Value) -> Result<(), Problem> {
    let sub_mchid = body["sub_mchid"].as_str().unwrap_or_default();
    let number = body["out_refund_no"].as_str().unwrap_or_default();
    let mut ledger = sandbox.ledger();
    if ledger.refunds.contains_key(&key(Some(sub_mchid), number)) {
        return Ok(());
    }
    let lent = body["amount"]["refund"].as_i64().unwrap_or_default();
    ledger.books.transfer(
        cause("平台垫付", number),
        Account::operation(&sandbox.merchant.mchid),
        Account::basic(sub_mchid),
        lent,
    )
}

fn cause(kind: &'static str, number: &str) -> Cause {
    Cause {
        name: "退款",
        kind,
        number: random_digits(28),
        voucher: number.to_owned(),
        remark: String::new(),
    }
}

fn is_advanced(refund: &Refund) -> bool {
    refund.request["refund_account"] == "REFUND_SOURCE_PARTNER_ADVANCE"
}

fn refund_answer(refund: &Refund) -> Value {
    let mut answer = refund.answer();
    let advance = if is_advanced(refund) {
        refund.amount
    } else {
        0
    };
    answer["amount"] = json!({
        "refund": refund.amount,
        "payer_refund": refund.amount,
        "discount_refund": 0,
        "currency": "CNY",
        "advance": advance,
    });
    answer["refund_account"] = refund.request["refund_account"]
        .as_str()
        .unwrap_or("REFUND_SOURCE_SUB_MERCHANT")
        .into();
    // This family's word for a closed refund is its own.
    if refund.status == RefundStatus::Closed {
        answer["status"] = "CLOSE".into();
    }
    answer
}

fn query_refund(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.required_query("sub_mchid")?;
    let ledger = sandbox.ledger();
    let found = match input.placeholder("refund_id") {
        "" => ledger
            .refunds
            .get(&key(Some(&sub_mchid), input.placeholder("out_refund_no"))),
        id => ledger.refund_by_id(id),
    };
    found
        .filter(|refund| refund.partner && refund.payer == sub_mchid)
        .map(|refund| refund_answer(refund).into())
        .ok_or_else(|| Problem::not_found("退款单不存在"))
}

fn advanced(sandbox: &Sandbox, input: &Input, sub_mchid: &str) -> Result<Refund, Problem> {
    let refund = sandbox
        .ledger()
        .refund_by_id(input.placeholder("refund_id"))
        .filter(|refund| refund.payer == sub_mchid)
        .cloned()
        .ok_or_else(|| Problem::not_found("退款单不存在"))?;
    match is_advanced(&refund) {
        true => Ok(refund),
        false => Err(Problem::request(268435490, "该退款未使用平台垫付")),
    }
}

/// The sub-merchant gives back what the platform lent.
fn return_advance(
    sandbox: &Arc<Sandbox>,
    input: &Input,
    sub_mchid: &str,
) -> Result<Reply, Problem> {
    let refund = advanced(sandbox, input, sub_mchid)?;
    let mut ledger = sandbox.ledger();
    if !ledger.families.advances.contains_key(&refund.refund_id) {
        ledger.books.transfer(
            cause("垫付回补", &refund.out_refund_no),
            Account::basic(sub_mchid),
            Account::operation(&sandbox.merchant.mchid),
            refund.amount,
        )?;
        let returned = json!({
            "refund_id": refund.refund_id,
            "advance_return_id": random_digits(28),
            "return_amount": refund.amount,
            "payer_mchid": sub_mchid,
            "payer_account": "BASIC",
            "payee_mchid": sandbox.merchant.mchid,
            "payee_account": "OPERATION",
            "result": "SUCCESS",
            "success_time": clock::rfc3339(clock::now()),
        });
        ledger
            .families
            .advances
            .insert(refund.refund_id.clone(), returned);
    }
    Ok(ledger.families.advances[&refund.refund_id].clone().into())
}

fn query_advance(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let refund = advanced(sandbox, input, &input.required_query("sub_mchid")?)?;
    let ledger = sandbox.ledger();
    ledger
        .families
        .advances
        .get(&refund.refund_id)
        .map(|returned| returned.clone().into())
        .ok_or_else(|| Problem::not_found("垫付回补单不存在"))
}

fn share_answer(share: &Share) -> Value {
    json!({
        "sub_mchid": share.payee,
        "transaction_id": share.transaction_id,
        "out_order_no": share.out_order_no(),
        "order_id": share.order_id,
        "status": if share.finished { "FINISHED" } else { "PROCESSING" },
        "receivers": share.receivers.iter().map(|receiver| {
            let mut answer = receiver.answer();
            answer["type"] = receiver.kind.as_str().into();
            answer["receiver_account"] = receiver.account.as_str().into();
            if receiver.kind == "MERCHANT_ID" {
                answer["receiver_mchid"] = receiver.account.as_str().into();
            }
            answer
        }).collect::<Value>(),
    })
}

fn share(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let mut body = input.checked_body(sandbox, SHARE)?;
    check_sub_mchid(sandbox, body["sub_mchid"].as_str().unwrap_or_default())?;
    body["unfreeze_unsplit"] = body["finish"].clone();
    for receiver in body["receivers"].as_array_mut().into_iter().flatten() {
        receiver["account"] = receiver["receiver_account"].clone();
        if let Some(name) = receiver.get("receiver_name").cloned() {
            receiver["name"] = name;
        }
    }
    sharing::share(sandbox, body, input.asked).map(|share| share_answer(&share).into())
}

fn query_share(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.required_query("sub_mchid")?;
    let out_order_no = input.required_query("out_order_no")?;
    let transaction_id = input.required_query("transaction_id")?;
    sharing::find_share(sandbox, Some(sub_mchid), &out_order_no, &transaction_id)
        .map(|share| share_answer(&share).into())
}

fn return_answer(back: &Return) -> Value {
    let mut answer = back.answer();
    answer["return_no"] = answer["return_id"].take();
    for name in ["return_id", "description", "create_time"] {
        answer.as_object_mut().map(|answer| answer.remove(name));
    }
    answer
}

fn take_back(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, RETURN)?;
    sharing::take_back(sandbox, body, input.asked).map(|back| return_answer(&back).into())
}

fn query_return(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let sub_mchid = input.required_query("sub_mchid")?;
    let out_return_no = input.required_query("out_return_no")?;
    sharing::find_return(sandbox, Some(sub_mchid), &out_return_no)
        .map(|back| return_answer(&back).into())
}

fn finish(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, FINISH)?;
    let share = sharing::unfreeze(sandbox, body, input.asked)?;
    Ok(json!({
        "sub_mchid": share.payee,
        "transaction_id": share.transaction_id,
        "out_order_no": share.out_order_no(),
        "order_id": share.order_id,
    })
    .into())
}

fn add_receiver(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let mut body = input.checked_body(sandbox, ADD)?;
    own_appid(sandbox, &body["appid"])?;
    if let Some(name) = body.get("encrypted_name").cloned() {
        body["name"] = name;
    }
    sharing::relate(sandbox, EVERY_SUB_MERCHANT, &body)?;
    Ok(json!({ "type": body["type"], "account": body["account"] }).into())
}

fn delete_receiver(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, DELETE)?;
    own_appid(sandbox, &body["appid"])?;
    sharing::part(sandbox, EVERY_SUB_MERCHANT, &body);
    Ok(json!({ "type": body["type"], "account": body["account"] }).into())
}
