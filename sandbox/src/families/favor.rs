//! `/v3/marketing/favor`: cash coupons. A stock is made, started, paused and started again; its coupons are sent to
//! users, who use them in payments. That use is played by a control call: no payment is made cheaper by it.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::catalogue::Checked;
use crate::clock;
use crate::control::{options, refusal, refused};
use crate::crypto::random_digits;
use crate::notifications::{self, Event};
use crate::operations::{Operation, Reply, checked, own_appid, own_mchid};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

pub const OPERATIONS: &[Operation] = &[
    checked("POST /v3/marketing/favor/coupon-stocks", create),
    checked("GET /v3/marketing/favor/stocks", list),
    checked(
        "GET /v3/marketing/favor/stocks/{stock_id}",
        |sandbox, request| {
            let mut ledger = sandbox.ledger();
            let stock = ledger.families.favor.own(
                sandbox,
                request,
                &request.parameters["stock_creator_mchid"],
            )?;
            Ok(request.shaped(&stock.answer(sandbox)).into())
        },
    ),
    checked(
        "POST /v3/marketing/favor/stocks/{stock_id}/start",
        |sandbox, request| advance(sandbox, request, "unactivated", "running", "start_time"),
    ),
    checked(
        "POST /v3/marketing/favor/stocks/{stock_id}/pause",
        |sandbox, request| advance(sandbox, request, "running", "paused", "pause_time"),
    ),
    checked(
        "POST /v3/marketing/favor/stocks/{stock_id}/restart",
        |sandbox, request| advance(sandbox, request, "paused", "running", "restart_time"),
    ),
    checked("POST /v3/marketing/favor/users/{openid}/coupons", send),
    checked("GET /v3/marketing/favor/users/{openid}/coupons", of_user),
    checked(
        "GET /v3/marketing/favor/users/{openid}/coupons/{coupon_id}",
        |sandbox, request| {
            let ledger = sandbox.ledger();
            let favor = &ledger.families.favor;
            let asked = |it: &&Coupon| {
                it.id == request.parameter("coupon_id") && it.openid == request.parameter("openid")
            };
            let coupon = favor
                .coupons
                .iter()
                .find(asked)
                .ok_or_else(|| Problem::not_found("代金券不存在"))?;
            Ok(request.shaped(&coupon.answer(sandbox, favor)).into())
        },
    ),
    checked("POST /v3/marketing/favor/callbacks", |sandbox, request| {
        own_mchid(sandbox, &request.body["mchid"])?;
        let url = request.text("notify_url").to_owned();
        let on = request.body["switch"] != false;
        let answer = json!({ "notify_url": url, "update_time": clock::rfc3339(clock::now()) });
        sandbox.ledger().families.favor.callback = Some((url, on, request.asked));
        Ok(answer.into())
    }),
    checked("GET /v3/marketing/favor/callbacks", |sandbox, request| {
        own_mchid(sandbox, &request.parameters["mchid"])?;
        let callback = sandbox.ledger().families.favor.callback.clone();
        let (url, ..) = callback.ok_or_else(|| Problem::not_found("未设置消息通知地址"))?;
        Ok(json!({ "mchid": sandbox.merchant.mchid, "notify_url": url }).into())
    }),
];

#[derive(Default)]
pub struct Favor {
    /// As they were made.
    stocks: Vec<Stock>,
    coupons: Vec<Coupon>,
    /// Where uses are told, whether they are, and the key that was asked for with it.
    callback: Option<(String, bool, Asked)>,
}

struct Stock {
    request: Value,
    id: String,
    status: &'static str,
    created: OffsetDateTime,
    started: Option<OffsetDateTime>,
}

struct Coupon {
    request: Value,
    id: String,
    stock_id: String,
    openid: String,
    sent: OffsetDateTime,
    /// The payment in which it was used.
    used: Option<Value>,
}

impl Favor {
    /// A stock of this merchant, who must name himself.
    fn own(
        &mut self,
        sandbox: &Sandbox,
        request: &Checked,
        creator: &Value,
    ) -> Result<&mut Stock, Problem> {
        own_mchid(sandbox, creator)?;
        self.stock(request.parameter("stock_id"))
    }

    fn stock(&mut self, id: &str) -> Result<&mut Stock, Problem> {
        let found = self.stocks.iter_mut().find(|stock| stock.id == id);
        found.ok_or_else(|| Problem::not_found("批次不存在"))
    }

    fn sent(&self, stock_id: &str, openid: Option<&str>) -> i64 {
        let of = |it: &&Coupon| {
            it.stock_id == stock_id && openid.is_none_or(|openid| it.openid == openid)
        };
        self.coupons
            .iter()
            .filter(of)
            .count()
            .try_into()
            .unwrap_or(i64::MAX)
    }
}

impl Stock {
    fn normal(&self) -> &Value {
        &self.request["coupon_use_rule"]["fixed_normal_coupon"]
    }

    fn answer(&self, sandbox: &Sandbox) -> Value {
        let mut answer = self.request.clone();
        answer["stock_id"] = self.id.as_str().into();
        answer["stock_creator_mchid"] = sandbox.merchant.mchid.as_str().into();
        answer["status"] = self.status.into();
        answer["create_time"] = clock::rfc3339(self.created).into();
        answer["description"] = self.request["pattern_info"]["description"]
            .as_str()
            .unwrap_or_default()
            .into();
        answer["singleitem"] = false.into();
        if let Some(at) = self.started {
            answer["start_time"] = clock::rfc3339(at).into();
        }
        answer
    }
}

impl Coupon {
    fn answer(&self, sandbox: &Sandbox, favor: &Favor) -> Value {
        let mut answer = json!({
            "stock_creator_mchid": sandbox.merchant.mchid,
            "stock_id": self.stock_id,
            "coupon_id": self.id,
            "status": if self.used.is_some() { "USED" } else { "SENDED" },
            "create_time": clock::rfc3339(self.sent),
            "coupon_type": "NORMAL",
            "singleitem": false,
        });
        if let Some(stock) = favor.stocks.iter().find(|stock| stock.id == self.stock_id) {
            let made = stock.answer(sandbox);
            for name in [
                "no_cash",
                "description",
                "available_begin_time",
                "available_end_time",
            ] {
                answer[name] = made[name].clone();
            }
            answer["coupon_name"] = made["stock_name"].clone();
            answer["normal_coupon_information"] = self.value(stock);
        }
        if let Some(used) = &self.used {
            answer["consume_information"] = used.clone();
        }
        answer
    }

    /// Its own value, when the one who sent it said one.
    fn value(&self, stock: &Stock) -> Value {
        let mut value = stock.normal().clone();
        if !value.is_object() {
            value = json!({ "coupon_amount": 0, "transaction_minimum": 0 });
        }
        for (name, said) in [
            ("coupon_amount", "coupon_value"),
            ("transaction_minimum", "coupon_minimum"),
        ] {
            if !self.request[said].is_null() {
                value[name] = self.request[said].clone();
            }
        }
        value
    }
}

fn wrong(field: &str, issue: &str) -> Problem {
    Problem::parameter("body", field, None, issue)
}

fn create(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_mchid(sandbox, &body["belong_merchant"])?;
    let time = |name: &str| clock::parse_rfc3339(request.text(name));
    if time("available_end_time") <= time("available_begin_time") {
        return Err(wrong(
            "/available_end_time",
            "须晚于开始时间 (must be after available_begin_time)",
        ));
    }
    let rule = &body["stock_use_rule"];
    if body["stock_type"] == "NORMAL" {
        let each = &body["coupon_use_rule"]["fixed_normal_coupon"]["coupon_amount"];
        let Some(each) = each.as_i64() else {
            let issue = "满减券批次必填 (required of a NORMAL stock)";
            return Err(wrong("/coupon_use_rule/fixed_normal_coupon", issue));
        };
        let budget = rule["max_coupons"]
            .as_i64()
            .and_then(|count| count.checked_mul(each));
        if budget != rule["max_amount"].as_i64() {
            let issue = "须等于面额乘以发放总个数 (must be coupon_amount times max_coupons)";
            return Err(wrong("/stock_use_rule/max_amount", issue));
        }
    }
    let mut ledger = sandbox.ledger();
    let stocks = &mut ledger.families.favor.stocks;
    let known = stocks
        .iter()
        .find(|stock| stock.request["out_request_no"] == body["out_request_no"]);
    let (id, created) = match known {
        Some(stock) if stock.request == *body => (stock.id.clone(), stock.created),
        Some(_) => return Err(Problem::different_parameters()),
        None => {
            let (id, created) = (random_digits(8), clock::now());
            stocks.push(Stock {
                request: body.clone(),
                id: id.clone(),
                status: "unactivated",
                created,
                started: None,
            });
            (id, created)
        }
    };
    Ok(json!({ "stock_id": id, "create_time": clock::rfc3339(created) }).into())
}

fn list(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    own_mchid(sandbox, &request.parameters["stock_creator_mchid"])?;
    let status = request.parameter("status");
    let time = |name: &str| clock::parse_rfc3339(request.parameter(name));
    let (from, to) = (time("create_start_time"), time("create_end_time"));
    let ledger = sandbox.ledger();
    let wanted = |it: &&Stock| {
        (status.is_empty() || it.status == status)
            && from.is_none_or(|from| from <= it.created)
            && to.is_none_or(|to| it.created <= to)
    };
    let found: Vec<_> = ledger
        .families
        .favor
        .stocks
        .iter()
        .rev()
        .filter(wanted)
        .collect();
    request
        .page(&found, 10, 10, |stock| stock.answer(sandbox))
        .map(|page| request.shaped(&page).into())
}

/// From one state to the next, and when that was.
fn advance(
    sandbox: &Arc<Sandbox>,
    request: &Checked,
    from: &str,
    to: &'static str,
    when: &str,
) -> Result<Reply, Problem> {
    let mut ledger = sandbox.ledger();
    let stock =
        ledger
            .families
            .favor
            .own(sandbox, request, &request.body["stock_creator_mchid"])?;
    if stock.status != from {
        return Err(Problem::request(268435518, "批次状态不支持此操作"));
    }
    let now = clock::now();
    stock.status = to;
    stock.started.get_or_insert(now);
    let mut answer = json!({ "stock_id": stock.id });
    answer[when] = clock::rfc3339(now).into();
    Ok(answer.into())
}

fn send(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    own_mchid(sandbox, &body["stock_creator_mchid"])?;
    let openid = request.parameter("openid");
    let mut ledger = sandbox.ledger();
    let favor = &mut ledger.families.favor;
    let number = |it: &&Coupon| it.request["out_request_no"] == body["out_request_no"];
    if let Some(coupon) = favor.coupons.iter().find(number) {
        return match coupon.request == *body && coupon.openid == openid {
            true => Ok(json!({ "coupon_id": coupon.id }).into()),
            false => Err(Problem::different_parameters()),
        };
    }
    let stock_id = request.text("stock_id");
    let stock = favor.stock(stock_id)?;
    if stock.status != "running" {
        return Err(Problem::request(268435519, "批次未激活或已暂停，不能发放"));
    }
    let rule = stock.request["stock_use_rule"].clone();
    let most = |name: &str| rule[name].as_i64().unwrap_or(i64::MAX);
    if favor.sent(stock_id, Some(openid)) >= most("max_coupons_per_user") {
        return Err(Problem::rule_limit("用户已达到批次的领取上限"));
    }
    if favor.sent(stock_id, None) >= most("max_coupons") {
        return Err(Problem::coded(
            StatusCode::FORBIDDEN,
            "NOT_ENOUGH",
            "批次预算不足",
        ));
    }
    let id = random_digits(10);
    favor.coupons.push(Coupon {
        request: body.clone(),
        id: id.clone(),
        stock_id: stock_id.to_owned(),
        openid: openid.to_owned(),
        sent: clock::now(),
        used: None,
    });
    sandbox.announce(json!({ "change": "coupon", "coupon_id": id, "state": "SENDED" }));
    Ok(json!({ "coupon_id": id }).into())
}

fn of_user(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (openid, stock_id, status) = (
        request.parameter("openid"),
        request.parameter("stock_id"),
        request.parameter("status"),
    );
    let ledger = sandbox.ledger();
    let favor = &ledger.families.favor;
    let wanted = |it: &&Coupon| {
        it.openid == openid
            && (stock_id.is_empty() || it.stock_id == stock_id)
            && (status.is_empty() || (status == "USED") == it.used.is_some())
    };
    let found: Vec<_> = favor.coupons.iter().rev().filter(wanted).collect();
    request
        .page(&found, 20, 20, |coupon| coupon.answer(sandbox, favor))
        .map(|page| request.shaped(&page).into())
}

/// The control call.
pub fn control() -> Router<Arc<Sandbox>> {
    Router::new().route("/sandbox/coupons/{coupon_id}/use", post(use_coupon))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    out_trade_no: String,
}

/// `POST /sandbox/coupons/{coupon_id}/use`: it was used in the payment of that order.
async fn use_coupon(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let wish: Wish = match options(&body) {
        Ok(wish) => wish,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    match consume(&sandbox, &id, &wish.out_trade_no) {
        Ok(answer) => Json(answer).into_response(),
        Err(problem) => refused(&problem),
    }
}

fn consume(sandbox: &Arc<Sandbox>, id: &str, out_trade_no: &str) -> Result<Value, Problem> {
    let mut ledger = sandbox.ledger();
    let order = ledger
        .find(out_trade_no)
        .ok_or_else(Problem::order_not_exist)?;
    let Some(payment) = &order.payment else {
        return Err(Problem::request(268435520, "the order is not paid"));
    };
    let used = json!({
        "consume_time": clock::rfc3339(payment.at),
        "consume_mchid": order.payee,
        "transaction_id": payment.transaction_id,
    });
    let favor = &mut ledger.families.favor;
    let found = favor.coupons.iter_mut().find(|coupon| coupon.id == id);
    let coupon = found.ok_or_else(|| Problem::not_found("代金券不存在"))?;
    if coupon.used.is_some() {
        return Err(Problem::request(268435521, "the coupon has been used"));
    }
    coupon.used = Some(used);
    let favor = &ledger.families.favor;
    let used = favor.coupons.iter().find(|coupon| coupon.id == id);
    let resource = used.map_or(Value::Null, |coupon| coupon.answer(sandbox, favor));
    let callback = favor.callback.clone().filter(|(_, on, _)| *on);
    drop(ledger);
    sandbox.announce(json!({ "change": "coupon", "coupon_id": id, "state": "USED" }));
    if let Some((notify_url, _, asked)) = callback {
        let event = Event {
            event_type: "COUPON.USE",
            original_type: "coupon",
            summary: "代金券核销通知",
            resource: resource.clone(),
            number: out_trade_no.to_owned(),
            notify_url,
            asked,
        };
        notifications::tell(sandbox, event);
    }
    Ok(resource)
}
