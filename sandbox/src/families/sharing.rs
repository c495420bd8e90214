//! `/v3/profitsharing` and `/v3/ecommerce/profitsharing`: what was paid for an order with
//! `profit_sharing` is kept back until it is shared or unfrozen. The two APIs have the same rules and
//! different names for their fields.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration as Wait;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::bodies::{ID, POSITIVE_FEN};
use super::{bills, ecommerce};
use crate::books::{Account, Cause};
use crate::clock;
use crate::crypto::random_digits;
use crate::fields::{Field, Kind, optional, required};
use crate::notifications::{self, Event};
use crate::operations::{Input, Operation, Reply, operation, own_appid};
use crate::orders::{Ledger, Order, key};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{Asked, seal_field};

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/profitsharing/orders", |sandbox, input| {
        let body = input.checked_body(sandbox, SHARE)?;
        share(sandbox, body, input.asked).map(|order| order.answer().into())
    }),
    operation("GET /v3/profitsharing/orders/{out_order_no}", query),
    operation(
        "POST /v3/profitsharing/orders/unfreeze",
        |sandbox, input| {
            let body = input.checked_body(sandbox, UNFREEZE)?;
            unfreeze(sandbox, body, input.asked).map(|order| order.answer().into())
        },
    ),
    operation("POST /v3/profitsharing/return-orders", |sandbox, input| {
        let body = input.checked_body(sandbox, RETURN)?;
        take_back(sandbox, body, input.asked).map(|back| back.answer().into())
    }),
    operation(
        "GET /v3/profitsharing/return-orders/{out_return_no}",
        |sandbox, input| {
            input.required_query("out_order_no")?;
            let sub_mchid = input.query("sub_mchid");
            find_return(sandbox, sub_mchid, input.placeholder("out_return_no"))
                .map(|back| back.answer().into())
        },
    ),
    operation(
        "GET /v3/profitsharing/transactions/{transaction_id}/amounts",
        amounts,
    ),
    operation(
        "GET /v3/profitsharing/merchant-configs/{sub_mchid}",
        |_, input| {
            Ok(json!({ "sub_mchid": input.placeholder("sub_mchid"), "max_ratio": MOST_BASIS_POINTS })
                .into())
        },
    ),
    operation("POST /v3/profitsharing/receivers/add", add_receiver),
    operation("POST /v3/profitsharing/receivers/delete", delete_receiver),
    operation("GET /v3/profitsharing/bills", bills::profitsharing),
];

pub const RECEIVER_TYPES: Kind =
    Kind::OneOf(&["MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID"]);
const OUT_NO: Kind = Kind::Number {
    min: 1,
    max: 64,
    also: "_-|*@",
};
const RECEIVER: Kind = Kind::Object(&[
    required("type", RECEIVER_TYPES),
    required("account", Kind::Text { min: 1, max: 64 }),
    optional("name", Kind::Sealed),
    required("amount", POSITIVE_FEN),
    required("description", Kind::Text { min: 1, max: 80 }),
]);
const SHARE: &[Field] = &[
    optional("sub_mchid", ID),
    optional("appid", ID),
    optional("sub_appid", ID),
    required("transaction_id", ID),
    required("out_order_no", OUT_NO),
    optional("receivers", Kind::List(&RECEIVER)),
    required("unfreeze_unsplit", Kind::Boolean),
];
const UNFREEZE: &[Field] = &[
    optional("sub_mchid", ID),
    required("transaction_id", ID),
    required("out_order_no", OUT_NO),
    required("description", Kind::Text { min: 1, max: 80 }),
];
const RETURN: &[Field] = &[
    optional("sub_mchid", ID),
    optional("order_id", Kind::Text { min: 1, max: 64 }),
    optional("out_order_no", OUT_NO),
    required("out_return_no", OUT_NO),
    required("return_mchid", ID),
    required("amount", POSITIVE_FEN),
    required("description", Kind::Text { min: 1, max: 80 }),
];
const ADD: &[Field] = &[
    optional("sub_mchid", ID),
    required("appid", ID),
    optional("sub_appid", ID),
    required("type", RECEIVER_TYPES),
    required("account", Kind::Text { min: 1, max: 64 }),
    optional("name", Kind::Sealed),
    required(
        "relation_type",
        Kind::OneOf(&[
            "SERVICE_PROVIDER",
            "STORE",
            "STAFF",
            "STORE_OWNER",
            "PARTNER",
            "HEADQUARTER",
            "BRAND",
            "DISTRIBUTOR",
            "USER",
            "SUPPLIER",
            "CUSTOM",
        ]),
    ),
    optional("custom_relation", Kind::Text { min: 1, max: 10 }),
];
const DELETE: &[Field] = &[
    optional("sub_mchid", ID),
    required("appid", ID),
    optional("sub_appid", ID),
    required("type", RECEIVER_TYPES),
    required("account", Kind::Text { min: 1, max: 64 }),
];

/// 万分比: at most thirty hundredths of an order may be shared.
const MOST_BASIS_POINTS: i64 = 3000;
const MOST_RECEIVERS: usize = 50;
/// How long after its payment an order cannot be shared yet, and when all that is left goes to the merchant.
const EARLIEST: Wait = Wait::from_secs(60);
const LATEST: Wait = Wait::from_secs(30 * 86_400);
/// How long the platform works on a sharing, at speed 1.
const PROCESSING: Wait = Wait::from_secs(1);
const RETURN_WITHIN: Duration = Duration::days(180);

#[derive(Default)]
pub struct Sharing {
    /// Who may be shared with, and under which name.
    relations: HashMap<Relation, Option<String>>,
    /// By number, with the sub-merchant's before it.
    pub orders: HashMap<String, Share>,
    returns: HashMap<String, Return>,
}

/// The merchant, and the type and account of the receiver.
type Relation = (String, String, String);

#[derive(Clone)]
pub struct Share {
    request: Value,
    pub key: String,
    pub payee: String,
    pub transaction_id: String,
    pub order_id: String,
    pub finished: bool,
    /// Whether what is left goes to the merchant when it is done.
    unfreezes: bool,
    pub receivers: Vec<Receiver>,
    pub created: OffsetDateTime,
    asked: Asked,
}

#[derive(Clone)]
pub struct Receiver {
    pub kind: String,
    pub account: String,
    pub amount: i64,
    pub description: String,
    pub detail_id: String,
    /// `PENDING`, `SUCCESS` or `CLOSED`
    pub result: &'static str,
    fail_reason: Option<&'static str>,
    pub finished: OffsetDateTime,
    returned: i64,
}

#[derive(Clone)]
pub struct Return {
    request: Value,
    order_id: String,
    out_order_no: String,
    pub transaction_id: String,
    return_id: String,
    amount: i64,
    at: OffsetDateTime,
}

impl Share {
    pub fn out_order_no(&self) -> &str {
        self.request["out_order_no"].as_str().unwrap_or_default()
    }

    fn answer(&self) -> Value {
        let mut answer = json!({
            "transaction_id": self.transaction_id,
            "out_order_no": self.out_order_no(),
            "order_id": self.order_id,
            "state": if self.finished { "FINISHED" } else { "PROCESSING" },
            "receivers": self.receivers.iter().map(|receiver| {
                let mut answer = receiver.answer();
                answer["type"] = receiver.kind.as_str().into();
                answer["account"] = receiver.account.as_str().into();
                answer["create_time"] = clock::rfc3339(self.created).into();
                answer
            }).collect::<Value>(),
        });
        if let Some(sub_mchid) = self.request.get("sub_mchid") {
            answer["sub_mchid"] = sub_mchid.clone();
        }
        answer
    }

    fn cause(&self, kind: &'static str, remark: &str) -> Cause {
        Cause {
            name: "分账",
            kind,
            number: self.order_id.clone(),
            voucher: self.out_order_no().to_owned(),
            remark: remark.to_owned(),
        }
    }
}

impl Receiver {
    /// What both APIs tell under the same names.
    pub fn answer(&self) -> Value {
        let mut answer = json!({
            "amount": self.amount,
            "description": self.description,
            "detail_id": self.detail_id,
            "result": self.result,
            // Before its end the provider says when the epoch began.
            "finish_time": clock::rfc3339(self.finished),
        });
        if let Some(reason) = self.fail_reason {
            answer["fail_reason"] = reason.into();
        }
        answer
    }

    fn its_account(&self) -> Account {
        match self.kind.as_str() {
            "MERCHANT_ID" => Account::basic(&self.account),
            _ => Account::Wallet(self.account.clone()),
        }
    }
}

impl Return {
    pub fn answer(&self) -> Value {
        let mut answer = json!({
            "order_id": self.order_id,
            "out_order_no": self.out_order_no,
            "out_return_no": self.request["out_return_no"],
            "return_id": self.return_id,
            "return_mchid": self.request["return_mchid"],
            "amount": self.amount,
            "description": self.request["description"],
            "result": "SUCCESS",
            "create_time": clock::rfc3339(self.at),
            "finish_time": clock::rfc3339(self.at),
        });
        if let Some(sub_mchid) = self.request.get("sub_mchid") {
            answer["sub_mchid"] = sub_mchid.clone();
        }
        answer
    }
}

/// The paid order of a sharing, which must be its merchant's own.
fn shared_order(ledger: &Ledger, body: &Value) -> Result<Order, Problem> {
    let sub_mchid = body["sub_mchid"].as_str();
    let order = ledger
        .by_transaction(body["transaction_id"].as_str().unwrap_or_default())
        .filter(|order| order.is_partner() == sub_mchid.is_some())
        .filter(|order| sub_mchid.is_none_or(|mchid| order.payee == mchid))
        .ok_or_else(|| Problem::not_found("微信支付订单不存在"))?;
    match order.is_for_sharing() {
        true => Ok(order.clone()),
        false => Err(Problem::request(268435481, "非分账订单不支持分账")),
    }
}

/// An earlier request of the same number: the same answer, or a refusal.
fn repeated(ledger: &Ledger, body: &Value) -> Result<Option<Share>, Problem> {
    let number = key(
        body["sub_mchid"].as_str(),
        body["out_order_no"].as_str().unwrap_or_default(),
    );
    match ledger.families.sharing.orders.get(&number) {
        Some(share) if share.request == *body => Ok(Some(share.clone())),
        Some(_) => Err(Problem::different_parameters()),
        None => Ok(None),
    }
}

/// Shares. `body` has the ordinary API's names; the e-commerce API's are translated before.
pub fn share(sandbox: &Arc<Sandbox>, body: Value, asked: Asked) -> Result<Share, Problem> {
    if body["appid"].is_string() {
        own_appid(sandbox, &body["appid"])?;
    }
    let ledger = sandbox.ledger();
    if let Some(share) = repeated(&ledger, &body)? {
        return Ok(share);
    }
    let order = shared_order(&ledger, &body)?;
    let age = order
        .payment
        .as_ref()
        .map(|payment| payment.instant.elapsed());
    if age.is_some_and(|age| age < sandbox.scaled(EARLIEST)) {
        return Err(Problem::request(
            268435482,
            "订单支付成功1分钟后才能分账，请稍后再试",
        ));
    }
    let receivers: Vec<Receiver> = body["receivers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|receiver| new_receiver(&ledger, &order.payee, receiver))
        .collect::<Result<_, _>>()?;
    if receivers.is_empty() || receivers.len() > MOST_RECEIVERS {
        return Err(Problem::parameter(
            "body",
            "/receivers",
            None,
            "须为1至50个 (from 1 to 50)",
        ));
    }
    let sum = receivers
        .iter()
        .try_fold(0_i64, |sum, receiver| sum.checked_add(receiver.amount))
        .filter(|sum| *sum <= order.frozen)
        .ok_or_else(|| Problem::request(268435483, "分账金额超过订单剩余待分金额"))?;
    let earlier: i64 = ledger
        .families
        .sharing
        .orders
        .values()
        .filter(|share| share.transaction_id == transaction_id(&order))
        .flat_map(|share| &share.receivers)
        .filter(|receiver| receiver.result != "CLOSED")
        .map(|receiver| receiver.amount)
        .sum();
    if i128::from(earlier + sum) * 10_000 > i128::from(order.total) * i128::from(MOST_BASIS_POINTS)
    {
        return Err(Problem::rule_limit("分账金额超出最大分账比例30%"));
    }
    let unfreezes = body["unfreeze_unsplit"] == true;
    begin(sandbox, ledger, body, &order, receivers, unfreezes, asked)
}

fn transaction_id(order: &Order) -> &str {
    order
        .payment
        .as_ref()
        .map_or("", |payment| &payment.transaction_id)
}

fn new_receiver(ledger: &Ledger, payee: &str, receiver: &Value) -> Result<Receiver, Problem> {
    let text = |name: &str| receiver[name].as_str().unwrap_or_default().to_owned();
    let relation = (payee.to_owned(), text("type"), text("account"));
    let relations = &ledger.families.sharing.relations;
    let of_platform = (
        ecommerce::EVERY_SUB_MERCHANT.to_owned(),
        text("type"),
        text("account"),
    );
    let known = relations
        .get(&relation)
        .or_else(|| relations.get(&of_platform));
    let name = receiver["name"].as_str();
    if let (Some(Some(registered)), Some(name)) = (known, name)
        && registered != name
    {
        return Err(Problem::request(
            268435484,
            "分账接收方姓名与已添加的接收方不一致",
        ));
    }
    Ok(Receiver {
        kind: text("type"),
        account: text("account"),
        amount: receiver["amount"].as_i64().unwrap_or_default(),
        description: text("description"),
        detail_id: format!("36{}", random_digits(27)),
        result: "PENDING",
        fail_reason: known.is_none().then_some("NO_RELATION"),
        finished: OffsetDateTime::UNIX_EPOCH,
        returned: 0,
    })
}

/// Gives the merchant all that is left.
pub fn unfreeze(sandbox: &Arc<Sandbox>, body: Value, asked: Asked) -> Result<Share, Problem> {
    let ledger = sandbox.ledger();
    if let Some(share) = repeated(&ledger, &body)? {
        return Ok(share);
    }
    let order = shared_order(&ledger, &body)?;
    if order.frozen == 0 {
        return Err(Problem::request(268435485, "订单已无待分金额，不需要解冻"));
    }
    begin(sandbox, ledger, body, &order, Vec::new(), true, asked)
}

fn begin(
    sandbox: &Arc<Sandbox>,
    mut ledger: std::sync::MutexGuard<'_, Ledger>,
    body: Value,
    order: &Order,
    receivers: Vec<Receiver>,
    unfreezes: bool,
    asked: Asked,
) -> Result<Share, Problem> {
    let share = Share {
        key: key(
            body["sub_mchid"].as_str(),
            body["out_order_no"].as_str().unwrap_or_default(),
        ),
        payee: order.payee.clone(),
        transaction_id: transaction_id(order).to_owned(),
        order_id: format!("30{}{}", random_digits(8), random_digits(18)),
        finished: false,
        unfreezes,
        receivers,
        created: clock::now(),
        asked,
        request: body,
    };
    let sum: i64 = share.receivers.iter().map(|receiver| receiver.amount).sum();
    ledger.books.transfer(
        share.cause("分账", ""),
        Account::Frozen(share.payee.clone()),
        Account::Transit,
        sum,
    )?;
    if let Some(order) = ledger.order_mut(&order.key) {
        order.frozen -= sum;
    }
    let sharing = &mut ledger.families.sharing;
    sharing.orders.insert(share.key.clone(), share.clone());
    drop(ledger);
    let (sandbox, key, order) = (sandbox.clone(), share.key.clone(), order.key.clone());
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(PROCESSING)).await;
        let settled = sandbox.ledger().settle_share(&key, &order);
        if let Some(share) = settled {
            told(&sandbox, &share);
        }
    });
    Ok(share)
}

impl Ledger {
    /// Hands every receiver his part, and what could not be handed over back.
    fn settle_share(&mut self, share_key: &str, order_key: &str) -> Option<Share> {
        let mut share = self.families.sharing.orders.get(share_key)?.clone();
        let now = clock::now();
        let mut back = 0;
        for receiver in &mut share.receivers {
            receiver.finished = now;
            receiver.result = match receiver.fail_reason {
                None => "SUCCESS",
                Some(_) => "CLOSED",
            };
            if receiver.result == "CLOSED" {
                back += receiver.amount;
            }
        }
        share.finished = true;
        for receiver in share
            .receivers
            .iter()
            .filter(|receiver| receiver.result == "SUCCESS")
        {
            self.books
                .transfer(
                    share.cause("分账", &receiver.description),
                    Account::Transit,
                    receiver.its_account(),
                    receiver.amount,
                )
                .expect("what is on its way can arrive");
        }
        let left = self.order(order_key)?.frozen + back;
        let frozen = Account::Frozen(share.payee.clone());
        self.books
            .transfer(
                share.cause("分账退回", ""),
                Account::Transit,
                frozen.clone(),
                back,
            )
            .expect("what is on its way can arrive");
        let mut kept = left;
        if share.unfreezes {
            self.books
                .transfer(
                    share.cause("解冻", ""),
                    frozen,
                    Account::basic(&share.payee),
                    left,
                )
                .expect("what is frozen is there");
            kept = 0;
        }
        self.order_mut(order_key)?.frozen = kept;
        self.families
            .sharing
            .orders
            .insert(share_key.to_owned(), share.clone());
        Some(share)
    }
}

/// One notification for every receiver who got something, to the address of the settings.
fn told(sandbox: &Arc<Sandbox>, share: &Share) {
    sandbox.announce(
        json!({ "change": "sharing", "out_order_no": share.out_order_no(), "state": "FINISHED" }),
    );
    let Some(notify_url) = sandbox.settings().profitsharing_notify_url else {
        return;
    };
    for receiver in share
        .receivers
        .iter()
        .filter(|receiver| receiver.result == "SUCCESS")
    {
        let mut resource = parties(sandbox, &share.request);
        resource["transaction_id"] = share.transaction_id.as_str().into();
        resource["order_id"] = share.order_id.as_str().into();
        resource["out_order_no"] = share.out_order_no().into();
        resource["receiver"] = json!({
            "type": receiver.kind,
            "account": receiver.account,
            "amount": receiver.amount,
            "description": receiver.description,
        });
        resource["success_time"] = clock::rfc3339(receiver.finished).into();
        let event = Event {
            event_type: "PROFITSHARING",
            original_type: "profitsharing",
            summary: "分账",
            resource,
            number: share.out_order_no().to_owned(),
            notify_url: notify_url.clone(),
            asked: share.asked,
        };
        notifications::tell(sandbox, event);
    }
}

fn parties(sandbox: &Sandbox, request: &Value) -> Value {
    match request["sub_mchid"].as_str() {
        Some(sub_mchid) => json!({ "sp_mchid": sandbox.merchant.mchid, "sub_mchid": sub_mchid }),
        None => json!({ "mchid": sandbox.merchant.mchid }),
    }
}

/// After thirty days what nobody has shared is the merchant's.
pub fn unfreeze_in_time(sandbox: &Arc<Sandbox>, order: &Order) {
    if order.frozen == 0 {
        return;
    }
    let (sandbox, key) = (sandbox.clone(), order.key.clone());
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(LATEST)).await;
        let mut ledger = sandbox.ledger();
        let Some(order) = ledger.order(&key).filter(|order| order.frozen > 0).cloned() else {
            return;
        };
        let cause = Cause {
            name: "分账",
            kind: "解冻",
            number: transaction_id(&order).to_owned(),
            voucher: order.out_trade_no.clone(),
            remark: "到期自动解冻".into(),
        };
        let from = Account::Frozen(order.payee.clone());
        ledger
            .books
            .transfer(cause, from, Account::basic(&order.payee), order.frozen)
            .expect("what is frozen is there");
        if let Some(order) = ledger.order_mut(&key) {
            order.frozen = 0;
        }
        drop(ledger);
        sandbox.announce(
            json!({ "change": "sharing", "out_trade_no": order.out_trade_no, "state": "UNFROZEN" }),
        );
    });
}

fn query(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let transaction_id = input.required_query("transaction_id")?;
    let sub_mchid = input.query("sub_mchid");
    find_share(
        sandbox,
        sub_mchid,
        input.placeholder("out_order_no"),
        &transaction_id,
    )
    .map(|share| share.answer().into())
}

pub fn find_share(
    sandbox: &Sandbox,
    sub_mchid: Option<String>,
    out_order_no: &str,
    transaction_id: &str,
) -> Result<Share, Problem> {
    sandbox
        .ledger()
        .families
        .sharing
        .orders
        .get(&key(sub_mchid.as_deref(), out_order_no))
        .filter(|share| share.transaction_id == transaction_id)
        .cloned()
        .ok_or_else(|| Problem::not_found("分账单不存在"))
}

/// Takes a part back from a merchant who received it.
pub fn take_back(sandbox: &Arc<Sandbox>, body: Value, asked: Asked) -> Result<Return, Problem> {
    let sub_mchid = body["sub_mchid"].as_str();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let return_key = key(sub_mchid, &text("out_return_no"));
    let mut ledger = sandbox.ledger();
    if let Some(existing) = ledger.families.sharing.returns.get(&return_key) {
        return match existing.request == body {
            true => Ok(existing.clone()),
            false => Err(Problem::different_parameters()),
        };
    }
    let named = |share: &&mut Share| match body["order_id"].as_str() {
        Some(id) => share.order_id == id && share.request["sub_mchid"].as_str() == sub_mchid,
        None => share.key == key(sub_mchid, &text("out_order_no")),
    };
    if !body["order_id"].is_string() && !body["out_order_no"].is_string() {
        return Err(Problem::parameter(
            "body",
            "/out_order_no",
            None,
            "order_id和out_order_no二选一 (one of both is required)",
        ));
    }
    let now = clock::now();
    let amount = body["amount"].as_i64().unwrap_or_default();
    let return_mchid = text("return_mchid");
    let share = ledger
        .families
        .sharing
        .orders
        .values_mut()
        .find(named)
        .filter(|share| share.finished)
        .ok_or_else(|| Problem::not_found("分账单不存在或未完成"))?;
    if now - share.created > RETURN_WITHIN {
        return Err(Problem::request(268435486, "分账已超过180天，不能回退"));
    }
    let receiver = share
        .receivers
        .iter_mut()
        .find(|receiver| {
            receiver.kind == "MERCHANT_ID"
                && receiver.account == return_mchid
                && receiver.result == "SUCCESS"
        })
        .ok_or_else(|| Problem::request(268435487, "回退方不是该分账单的接收商户"))?;
    if amount > receiver.amount - receiver.returned {
        return Err(Problem::request(268435488, "回退金额超过可回退金额"));
    }
    let back = Return {
        order_id: share.order_id.clone(),
        out_order_no: share.request["out_order_no"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        transaction_id: share.transaction_id.clone(),
        return_id: format!("31{}", random_digits(26)),
        amount,
        at: now,
        request: body.clone(),
    };
    let into = Account::basic(&share.payee);
    let cause = Cause {
        name: "分账回退",
        kind: "分账回退",
        number: back.return_id.clone(),
        voucher: text("out_return_no"),
        remark: text("description"),
    };
    let (share_key, receiver_id) = (share.key.clone(), receiver.detail_id.clone());
    ledger
        .books
        .transfer(cause, Account::basic(&return_mchid), into, amount)?;
    let sharing = &mut ledger.families.sharing;
    let receiver = sharing.orders.get_mut(&share_key).and_then(|share| {
        share
            .receivers
            .iter_mut()
            .find(|receiver| receiver.detail_id == receiver_id)
    });
    if let Some(receiver) = receiver {
        receiver.returned += amount;
    }
    sharing.returns.insert(return_key, back.clone());
    drop(ledger);
    told_back(sandbox, &back, asked);
    Ok(back)
}

fn told_back(sandbox: &Arc<Sandbox>, back: &Return, asked: Asked) {
    sandbox
        .announce(json!({ "change": "sharing", "out_return_no": back.request["out_return_no"] }));
    let Some(notify_url) = sandbox.settings().profitsharing_notify_url else {
        return;
    };
    let mut resource = parties(sandbox, &back.request);
    let told = json!({
        "transaction_id": back.transaction_id,
        "order_id": back.order_id,
        "out_order_no": back.out_order_no,
        "out_return_no": back.request["out_return_no"],
        "return_id": back.return_id,
        "return_mchid": back.request["return_mchid"],
        "amount": back.amount,
        "result": "SUCCESS",
        "success_time": clock::rfc3339(back.at),
    });
    if let (Value::Object(resource), Value::Object(told)) = (&mut resource, told) {
        resource.extend(told);
    }
    let event = Event {
        event_type: "PROFITSHARING_RETURN",
        original_type: "profitsharing",
        summary: "分账回退",
        resource,
        number: back.out_order_no.clone(),
        notify_url,
        asked,
    };
    notifications::tell(sandbox, event);
}

pub fn find_return(
    sandbox: &Sandbox,
    sub_mchid: Option<String>,
    out_return_no: &str,
) -> Result<Return, Problem> {
    sandbox
        .ledger()
        .families
        .sharing
        .returns
        .get(&key(sub_mchid.as_deref(), out_return_no))
        .cloned()
        .ok_or_else(|| Problem::not_found("分账回退单不存在"))
}

pub fn amounts(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let id = input.placeholder("transaction_id");
    sandbox
        .ledger()
        .by_transaction(id)
        .map(|order| json!({ "transaction_id": id, "unsplit_amount": order.frozen }).into())
        .ok_or_else(|| Problem::not_found("微信支付订单不存在"))
}

/// The merchant in whose name a relation is made.
fn payer_of(sandbox: &Sandbox, body: &Value) -> String {
    body["sub_mchid"]
        .as_str()
        .unwrap_or(&sandbox.merchant.mchid)
        .to_owned()
}

fn add_receiver(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, ADD)?;
    own_appid(sandbox, &body["appid"])?;
    if body["relation_type"] == "CUSTOM" && !body["custom_relation"].is_string() {
        return Err(Problem::parameter(
            "body",
            "/custom_relation",
            None,
            "relation_type为CUSTOM时必填 (required with CUSTOM)",
        ));
    }
    relate(sandbox, &payer_of(sandbox, &body), &body)?;
    let mut answer = json!({
        "type": body["type"],
        "account": body["account"],
        "relation_type": body["relation_type"],
    });
    for name in ["sub_mchid", "custom_relation"] {
        if let Some(value) = body.get(name) {
            answer[name] = value.clone();
        }
    }
    if let Some(name) = body["name"].as_str() {
        answer["name"] = seal_field(sandbox, name).into();
    }
    Ok(answer.into())
}

/// Notes who may be shared with. A merchant must be named; a name that is given twice must be the same.
pub fn relate(sandbox: &Sandbox, payer: &str, body: &Value) -> Result<(), Problem> {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let name = body["name"].as_str().map(str::to_owned);
    if text("type") == "MERCHANT_ID" && name.is_none() {
        return Err(Problem::parameter(
            "body",
            "/name",
            None,
            "接收方为商户时必填 (required of a merchant)",
        ));
    }
    let mut ledger = sandbox.ledger();
    let relations = &mut ledger.families.sharing.relations;
    let relation = (payer.to_owned(), text("type"), text("account"));
    if let (Some(Some(known)), Some(name)) = (relations.get(&relation), &name)
        && known != name
    {
        return Err(Problem::request(268435489, "分账接收方姓名与账户不匹配"));
    }
    relations.insert(relation, name);
    Ok(())
}

fn delete_receiver(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, DELETE)?;
    own_appid(sandbox, &body["appid"])?;
    part(sandbox, &payer_of(sandbox, &body), &body);
    let mut answer = json!({ "type": body["type"], "account": body["account"] });
    if let Some(sub_mchid) = body.get("sub_mchid") {
        answer["sub_mchid"] = sub_mchid.clone();
    }
    Ok(answer.into())
}

/// Ends a relation; ending it again changes nothing.
pub fn part(sandbox: &Sandbox, payer: &str, body: &Value) {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    sandbox.ledger().families.sharing.relations.remove(&(
        payer.to_owned(),
        text("type"),
        text("account"),
    ));
}
