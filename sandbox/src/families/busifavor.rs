//! `/v3/marketing/busifavor`: a merchant's own coupons. A stock is made and runs at once; its coupons are sent to users,
//! used, returned and deactivated by the merchant, who redeems them by himself. That a user got one is told.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::catalogue::Checked;
use crate::clock;
use crate::crypto::random_digits;
use crate::notifications::{self, Event};
use crate::operations::{Operation, Reply, checked, own_appid, own_mchid};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

pub const OPERATIONS: &[Operation] = &[
    checked("POST /v3/marketing/busifavor/stocks", create),
    checked(
        "GET /v3/marketing/busifavor/stocks/{stock_id}",
        |sandbox, request| {
            let ledger = sandbox.ledger();
            let coupons = &ledger.families.busifavor;
            let stock = coupons.stock(request.parameter("stock_id"))?;
            Ok(request.shaped(&coupons.stock_answer(stock)).into())
        },
    ),
    checked("POST /v3/marketing/busifavor/coupons/send", send),
    checked(
        "POST /v3/marketing/busifavor/coupons/use",
        |sandbox, request| {
            own_appid(sandbox, &request.body["appid"])?;
            change(
                sandbox,
                request,
                Step {
                    number: "use_request_no",
                    from: "SENDED",
                    to: "USED",
                    when: "wechatpay_use_time",
                },
            )
        },
    ),
    checked(
        "POST /v3/marketing/busifavor/coupons/return",
        |sandbox, request| {
            change(
                sandbox,
                request,
                Step {
                    number: "return_request_no",
                    from: "USED",
                    to: "SENDED",
                    when: "wechatpay_return_time",
                },
            )
        },
    ),
    checked(
        "POST /v3/marketing/busifavor/coupons/deactivate",
        |sandbox, request| {
            change(
                sandbox,
                request,
                Step {
                    number: "deactivate_request_no",
                    from: "SENDED",
                    to: "DEACTIVATED",
                    when: "wechatpay_deactivate_time",
                },
            )
        },
    ),
    checked(
        "GET /v3/marketing/busifavor/users/{openid}/coupons",
        of_user,
    ),
    checked(
        "GET /v3/marketing/busifavor/users/{openid}/coupons/{coupon_code}/appids/{appid}",
        |sandbox, request| {
            own_appid(sandbox, &request.parameters["appid"])?;
            let ledger = sandbox.ledger();
            let coupons = &ledger.families.busifavor;
            let asked = |it: &&Coupon| {
                it.code == request.parameter("coupon_code")
                    && it.openid == request.parameter("openid")
            };
            let coupon = coupons.coupons.iter().find(asked).ok_or_else(unknown)?;
            Ok(request
                .shaped(&coupons.coupon_answer(sandbox, coupon))
                .into())
        },
    ),
    checked(
        "POST /v3/marketing/busifavor/callbacks",
        |sandbox, request| {
            if !request.body["mchid"].is_null() {
                own_mchid(sandbox, &request.body["mchid"])?;
            }
            let url = request.text("notify_url").to_owned();
            let answer = json!({ "mchid": sandbox.merchant.mchid, "notify_url": url, "update_time": clock::rfc3339(clock::now()) });
            sandbox.ledger().families.busifavor.callback = Some((url, request.asked));
            Ok(answer.into())
        },
    ),
    checked(
        "GET /v3/marketing/busifavor/callbacks",
        |sandbox, request| {
            own_mchid(sandbox, &request.parameters["mchid"])?;
            let callback = sandbox.ledger().families.busifavor.callback.clone();
            let (url, _) = callback.ok_or_else(|| Problem::not_found("未设置事件通知地址"))?;
            Ok(json!({ "mchid": sandbox.merchant.mchid, "notify_url": url }).into())
        },
    ),
];

#[derive(Default)]
pub struct Busifavor {
    /// As they were made.
    stocks: Vec<Stock>,
    coupons: Vec<Coupon>,
    /// Where sendings are told, and the key that was asked for with it.
    callback: Option<(String, Asked)>,
}

struct Stock {
    request: Value,
    id: String,
    created: OffsetDateTime,
}

struct Coupon {
    request: Value,
    code: String,
    stock_id: String,
    openid: String,
    received: OffsetDateTime,
    state: &'static str,
    /// What was done with it: the whole request, and what was answered.
    done: Vec<(Value, Value)>,
}

/// One thing that is done with a coupon.
struct Step {
    /// The field with the merchant's number of it.
    number: &'static str,
    from: &'static str,
    to: &'static str,
    when: &'static str,
}

fn unknown() -> Problem {
    Problem::not_found("商家券不存在")
}

impl Busifavor {
    fn stock(&self, id: &str) -> Result<&Stock, Problem> {
        let found = self.stocks.iter().find(|stock| stock.id == id);
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

    fn stock_answer(&self, stock: &Stock) -> Value {
        let mut answer = stock.request.clone();
        answer["stock_id"] = stock.id.as_str().into();
        answer["stock_state"] = "RUNNING".into();
        let rule = &mut answer["stock_send_rule"];
        if rule["max_amount"].is_null() {
            rule["max_amount"] = 0.into();
        }
        let sent = self.sent(&stock.id, None);
        answer["send_count_information"] =
            json!({ "total_send_num": sent, "today_send_num": sent });
        answer
    }

    fn coupon_answer(&self, sandbox: &Sandbox, coupon: &Coupon) -> Value {
        let stock = self.stocks.iter().find(|stock| stock.id == coupon.stock_id);
        let mut answer = stock.map_or_else(|| json!({}), |stock| stock.request.clone());
        let times = answer["coupon_use_rule"]["coupon_available_time"].clone();
        answer["coupon_code"] = coupon.code.as_str().into();
        answer["stock_id"] = coupon.stock_id.as_str().into();
        answer["coupon_state"] = coupon.state.into();
        answer["available_start_time"] = times["available_begin_time"].clone();
        answer["expire_time"] = times["available_end_time"].clone();
        answer["receive_time"] = clock::rfc3339(coupon.received).into();
        answer["send_request_no"] = coupon.request["out_request_no"].clone();
        answer["stock_creator_mchid"] = sandbox.merchant.mchid.as_str().into();
        if answer["display_pattern_info"].is_null() {
            answer["display_pattern_info"] = json!({});
        }
        let last = coupon
            .done
            .iter()
            .rev()
            .find(|(_, answered)| !answered["wechatpay_use_time"].is_null());
        if let Some((asked, answered)) = last.filter(|_| coupon.state == "USED") {
            answer["use_request_no"] = asked["use_request_no"].clone();
            answer["use_time"] = answered["wechatpay_use_time"].clone();
        }
        answer
    }
}

fn create(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_mchid(sandbox, &body["belong_merchant"])?;
    let rule = match request.text("stock_type") {
        "NORMAL" => "fixed_normal_coupon",
        "DISCOUNT" => "discount_coupon",
        _ => "exchange_coupon",
    };
    if !body["coupon_use_rule"][rule].is_object() {
        let field = format!("/coupon_use_rule/{rule}");
        return Err(Problem::parameter(
            "body",
            &field,
            None,
            "此批次类型必填 (required of this stock_type)",
        ));
    }
    let mut ledger = sandbox.ledger();
    let stocks = &mut ledger.families.busifavor.stocks;
    let known = stocks
        .iter()
        .find(|stock| stock.request["out_request_no"] == body["out_request_no"]);
    let (id, created) = match known {
        Some(stock) if stock.request == *body => (stock.id.clone(), stock.created),
        Some(_) => return Err(Problem::different_parameters()),
        None => {
            let (id, created) = (random_digits(15), clock::now());
            stocks.push(Stock {
                request: body.clone(),
                id: id.clone(),
                created,
            });
            (id, created)
        }
    };
    Ok(json!({ "stock_id": id, "create_time": clock::rfc3339(created) }).into())
}

/// Sends a coupon, whose code is the merchant's if the stock says so.
fn send(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    let mut ledger = sandbox.ledger();
    let coupons = &mut ledger.families.busifavor;
    let number = |it: &&Coupon| it.request["out_request_no"] == body["out_request_no"];
    if let Some(coupon) = coupons.coupons.iter().find(number) {
        return match coupon.request == *body {
            true => Ok(sent(coupon).into()),
            false => Err(Problem::different_parameters()),
        };
    }
    let (stock_id, openid) = (request.text("stock_id"), request.text("openid"));
    let stock = coupons.stock(stock_id)?;
    let own_codes = stock.request["coupon_code_mode"] == "MERCHANT_API";
    let code = match (own_codes, request.text("coupon_code")) {
        (true, "") => {
            let issue = "批次的券code由商户传入 (required: the stock takes the merchant's codes)";
            return Err(Problem::parameter("body", "/coupon_code", None, issue));
        }
        (true, code) => code.to_owned(),
        (false, _) => random_digits(16),
    };
    if coupons
        .coupons
        .iter()
        .any(|it| it.stock_id == stock_id && it.code == code)
    {
        return Err(Problem::request(268435522, "券code已被使用"));
    }
    let rule = &stock.request["stock_send_rule"];
    let most = |name: &str| rule[name].as_i64().unwrap_or(i64::MAX);
    if coupons.sent(stock_id, Some(openid)) >= most("max_coupons_per_user") {
        return Err(Problem::rule_limit("用户已达到批次的领取上限"));
    }
    if coupons.sent(stock_id, None) >= most("max_coupons") {
        return Err(Problem::coded(
            StatusCode::FORBIDDEN,
            "NOT_ENOUGH",
            "批次库存不足",
        ));
    }
    let coupon = Coupon {
        request: body.clone(),
        code,
        stock_id: stock_id.to_owned(),
        openid: openid.to_owned(),
        received: clock::now(),
        state: "SENDED",
        done: Vec::new(),
    };
    let answer = sent(&coupon);
    let event = coupons.callback.clone().map(|(notify_url, asked)| Event {
        event_type: "COUPON.SEND",
        original_type: "coupon",
        summary: "商家券领券通知",
        resource: json!({
            "event_type": "EVENT_TYPE_BUSICOUPON_SEND",
            "coupon_code": coupon.code,
            "stock_id": stock_id,
            "send_time": clock::rfc3339(coupon.received),
            "openid": openid,
            "send_channel": "BUSICOUPON_SEND_CHANNEL_API",
            "send_merchant": sandbox.merchant.mchid,
        }),
        number: request.text("out_request_no").to_owned(),
        notify_url,
        asked,
    });
    coupons.coupons.push(coupon);
    drop(ledger);
    sandbox.announce(
        json!({ "change": "coupon", "coupon_code": answer["coupon_code"], "state": "SENDED" }),
    );
    if let Some(event) = event {
        notifications::tell(sandbox, event);
    }
    Ok(answer.into())
}

fn sent(coupon: &Coupon) -> Value {
    json!({ "out_request_no": coupon.request["out_request_no"], "stock_id": coupon.stock_id, "coupon_code": coupon.code })
}

fn change(sandbox: &Arc<Sandbox>, request: &Checked, step: Step) -> Result<Reply, Problem> {
    let body = &request.body;
    let mut ledger = sandbox.ledger();
    let code = request.text("coupon_code");
    let asked = |it: &&mut Coupon| {
        it.code == code && (body["stock_id"].is_null() || body["stock_id"] == it.stock_id.as_str())
    };
    let coupon = ledger
        .families
        .busifavor
        .coupons
        .iter_mut()
        .find(asked)
        .ok_or_else(unknown)?;
    if let Some((before, answer)) = coupon
        .done
        .iter()
        .find(|(before, _)| before[step.number] == body[step.number])
    {
        return match before == body {
            true => Ok(answer.clone().into()),
            false => Err(Problem::different_parameters()),
        };
    }
    if coupon.state != step.from {
        return Err(Problem::request(268435523, "券状态不支持此操作"));
    }
    if body["openid"]
        .as_str()
        .is_some_and(|openid| openid != coupon.openid)
    {
        return Err(Problem::request(268435524, "券不属于该用户"));
    }
    coupon.state = step.to;
    let mut answer = json!({ "stock_id": coupon.stock_id, "openid": coupon.openid });
    answer[step.when] = clock::rfc3339(clock::now()).into();
    let answer = request.shaped(&answer);
    coupon.done.push((body.clone(), answer.clone()));
    sandbox
        .announce(json!({ "change": "coupon", "coupon_code": coupon.code, "state": coupon.state }));
    Ok(answer.into())
}

fn of_user(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    own_appid(sandbox, &request.parameters["appid"])?;
    let (openid, stock_id, state) = (
        request.parameter("openid"),
        request.parameter("stock_id"),
        request.parameter("coupon_state"),
    );
    let ledger = sandbox.ledger();
    let coupons = &ledger.families.busifavor;
    let wanted = |it: &&Coupon| {
        it.openid == openid
            && (stock_id.is_empty() || it.stock_id == stock_id)
            && (state.is_empty() || it.state == state)
    };
    let found: Vec<_> = coupons.coupons.iter().rev().filter(wanted).collect();
    request
        .page(&found, 50, 20, |coupon| {
            coupons.coupon_answer(sandbox, coupon)
        })
        .map(|page| request.shaped(&page).into())
}
