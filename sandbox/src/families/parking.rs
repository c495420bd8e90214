//! `/v3/vehicle/parking` and `/v3/vehicle/transactions`: a car drives in, drives out, and its owner is charged. Whether
//! a plate's owner can be charged is said by a control call.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::deduction;
use crate::catalogue::{self, Checked};
use crate::clock;
use crate::control::{options, refusal};
use crate::crypto::random_digits;
use crate::notifications::{self, Event};
use crate::operations::{Operation, Reply, checked, own_appid};
use crate::orders::{Order, SANDBOX_OPENID, TradeType, key};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

const QUERY: &str = "GET /v3/vehicle/transactions/out-trade-no/{out_trade_no}";

pub const OPERATIONS: &[Operation] = &[
    checked("GET /v3/vehicle/parking/services/find", find_service),
    checked("POST /v3/vehicle/parking/parkings", enter),
    checked("POST /v3/vehicle/transactions/parking", charge),
    checked(QUERY, |sandbox, request| {
        let sub_mchid = Some(request.parameter("sub_mchid")).filter(|mchid| !mchid.is_empty());
        let number = key(sub_mchid, request.parameter("out_trade_no"));
        let ledger = sandbox.ledger();
        let charge = ledger
            .families
            .parking
            .charges
            .get(&number)
            .ok_or_else(Problem::order_not_exist)?;
        Ok(request.shaped(&charge.answer).into())
    }),
];

#[derive(Default)]
pub struct Parkings {
    /// Plates whose owners cannot be charged, and why.
    blocked: HashMap<(String, String), Block>,
    /// By `out_parking_no`, with the sub-merchant's number before it.
    entered: HashMap<String, Parking>,
    /// By `out_trade_no`, with the sub-merchant's number before it.
    charges: HashMap<String, Charge>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Block {
    Pause,
    OutService,
    Overdue,
    EvaluationFailed,
}

impl Block {
    fn name(self) -> &'static str {
        match self {
            Self::Pause => "PAUSE",
            Self::OutService => "OUT_SERVICE",
            Self::Overdue => "OVERDUE",
            Self::EvaluationFailed => "EVALUATION_FAILED",
        }
    }
}

struct Parking {
    request: Value,
    id: String,
    /// A car that has been charged for is gone.
    gone: bool,
    asked: Asked,
}

struct Charge {
    request: Value,
    /// What a query answers.
    answer: Value,
}

/// The plate that a request is about.
fn plate(of: &Value) -> (String, String) {
    let text = |name: &str| of[name].as_str().unwrap_or_default().to_owned();
    (text("plate_number"), text("plate_color"))
}

impl Parking {
    fn answer(&self, block: Option<Block>) -> Value {
        let mut answer = self.request.clone();
        answer["id"] = self.id.as_str().into();
        answer["state"] = if block.is_some() { "BLOCKED" } else { "NORMAL" }.into();
        if let Some(block) = block {
            answer["block_reason"] = block.name().into();
        }
        answer
    }

    fn news(&self, sandbox: &Sandbox, block: Option<Block>) -> Event {
        let request = &self.request;
        let mut resource = json!({ "sp_mchid": sandbox.merchant.mchid, "parking_id": self.id });
        for name in [
            "sub_mchid",
            "out_parking_no",
            "plate_number",
            "plate_color",
            "start_time",
            "parking_name",
            "free_duration",
        ] {
            resource[name] = request[name].clone();
        }
        resource["parking_state"] = if block.is_some() { "BLOCKED" } else { "NORMAL" }.into();
        if let Some(block) = block {
            resource["blocked_state_description"] = block.name().into();
        }
        resource["state_update_time"] = clock::rfc3339(clock::now()).into();
        Event {
            event_type: "VEHICLE.ENTRANCE_STATE_CHANGE",
            original_type: "",
            summary: "停车入场状态通知",
            resource,
            number: request["out_parking_no"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            notify_url: request["notify_url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            asked: self.asked,
        }
    }
}

fn find_service(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    own_appid(sandbox, &request.parameter("appid").into())?;
    let parameters = Value::Object(request.parameters.clone());
    let block = sandbox
        .ledger()
        .families
        .parking
        .blocked
        .get(&plate(&parameters))
        .copied();
    let mut answer = parameters;
    answer["service_state"] = match block {
        None => "NORMAL",
        Some(Block::OutService) => "OUT_SERVICE",
        Some(_) => "PAUSE",
    }
    .into();
    if block != Some(Block::OutService) {
        answer["service_open_time"] = "2026-01-01T12:00:00+08:00".into();
    }
    Ok(request.shaped(&answer).into())
}

fn enter(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    let number = key(body["sub_mchid"].as_str(), request.text("out_parking_no"));
    let mut ledger = sandbox.ledger();
    let parkings = &mut ledger.families.parking;
    let block = parkings.blocked.get(&plate(body)).copied();
    let parking = parkings.entered.entry(number).or_insert_with(|| Parking {
        request: body.clone(),
        id: random_digits(28),
        gone: false,
        asked: request.asked,
    });
    if parking.request != *body {
        return Err(Problem::different_parameters());
    }
    Ok(request.shaped(&parking.answer(block)).into())
}

/// Accepts a charge; the money is taken a little later.
fn charge(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    if body["trade_scene"] != "PARKING" {
        return Err(Problem::parameter(
            "body",
            "/trade_scene",
            Some(&body["trade_scene"]),
            "固定为PARKING (must be PARKING)",
        ));
    }
    if body["amount"]["total"].as_i64().is_none_or(|fen| fen < 1) {
        return Err(Problem::parameter(
            "body",
            "/amount/total",
            None,
            "须大于0，单位为分 (must be above 0, in fen)",
        ));
    }
    let sub_mchid = body["sub_mchid"].as_str();
    let number = key(sub_mchid, request.text("out_trade_no"));
    let mut ledger = sandbox.ledger();
    if let Some(charge) = ledger.families.parking.charges.get(&number) {
        return match charge.request == *body {
            true => Ok(request.shaped(&charge.answer).into()),
            false => Err(Problem::different_parameters()),
        };
    }
    if ledger.order(&number).is_some() {
        return Err(Problem::different_parameters());
    }
    let parkings = &mut ledger.families.parking;
    let info = &body["parking_info"];
    let of_plate = |it: &&mut Parking| {
        it.id == info["parking_id"]
            && plate(&it.request) == plate(info)
            && it.request["sub_mchid"] == body["sub_mchid"]
    };
    let Some(parking) = parkings.entered.values_mut().find(of_plate) else {
        return Err(Problem::request(
            268435511,
            "停车入场信息不存在，请先创建停车入场",
        ));
    };
    if parkings.blocked.contains_key(&plate(info)) {
        return Err(Problem::request(
            268435512,
            "车牌服务不可用，请引导用户以其他方式支付",
        ));
    }
    parking.gone = true;
    let mut answer = body.clone();
    answer["sp_mchid"] = sandbox.merchant.mchid.as_str().into();
    answer["amount"]["currency"] = "CNY".into();
    answer["create_time"] = clock::rfc3339(clock::now()).into();
    answer["payer"] = json!({ "openid": SANDBOX_OPENID });
    answer["trade_state"] = "ACCEPTED".into();
    answer["trade_state_description"] = "扣款已受理".into();
    let accepted = request.shaped(&answer);
    parkings.charges.insert(
        number.clone(),
        Charge {
            request: body.clone(),
            answer,
        },
    );
    drop(ledger);
    collect(sandbox, number, request.asked);
    Ok(accepted.into())
}

fn collect(sandbox: &Arc<Sandbox>, number: String, asked: Asked) {
    let sandbox = sandbox.clone();
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(deduction::PROCESSING)).await;
        let funded = deduction::funded(&sandbox);
        let mut ledger = sandbox.ledger();
        let Some(charge) = ledger.families.parking.charges.get(&number) else {
            return;
        };
        let due = to_pay(&sandbox, &charge.request, asked);
        let paid = funded.and_then(|()| deduction::take(&mut ledger, due));
        let Some(charge) = ledger.families.parking.charges.get_mut(&number) else {
            return;
        };
        let event = charge.ended(paid.as_ref(), asked);
        drop(ledger);
        if let Ok(paid) = &paid {
            deduction::taken(&sandbox, paid);
        }
        notifications::tell(&sandbox, event);
    });
}

fn to_pay(sandbox: &Sandbox, request: &Value, asked: Asked) -> Order {
    let order = json!({
        "sp_appid": request["appid"],
        "sp_mchid": sandbox.merchant.mchid,
        "sub_appid": request["sub_appid"],
        "sub_mchid": request["sub_mchid"],
        "description": request["description"],
        "out_trade_no": request["out_trade_no"],
        "notify_url": request["notify_url"],
        "amount": { "total": request["amount"]["total"], "currency": "CNY" },
        "payer": { "sp_openid": SANDBOX_OPENID },
        "settle_info": { "profit_sharing": request["profit_sharing"] == "Y" },
    });
    Order::new(TradeType::Deducted, order, asked)
}

impl Charge {
    /// Notes what came of it, and how that is told.
    fn ended(&mut self, paid: Result<&Order, &Problem>, asked: Asked) -> Event {
        let answer = &mut self.answer;
        let payment = paid.ok().and_then(|order| order.payment.as_ref());
        let (state, description, event_type, summary) = match payment {
            Some(_) => ("SUCCESS", "支付成功", "TRANSACTION.SUCCESS", "支付成功"),
            None => (
                "PAY_FAIL",
                "余额不足，扣款失败",
                "TRANSACTION.FAIL",
                "支付失败",
            ),
        };
        answer["trade_state"] = state.into();
        answer["trade_state_description"] = description.into();
        if let Some(payment) = payment {
            answer["transaction_id"] = payment.transaction_id.as_str().into();
            answer["success_time"] = clock::rfc3339(payment.at).into();
            answer["bank_type"] = "OTHERS".into();
            answer["amount"]["payer_total"] = answer["amount"]["total"].clone();
            answer["amount"]["discount_total"] = 0.into();
        }
        Event {
            event_type,
            original_type: "transaction",
            summary,
            // A query says the same.
            resource: catalogue::shaped(QUERY, answer),
            number: self.request["out_trade_no"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            notify_url: self.request["notify_url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            asked,
        }
    }
}

/// The control calls.
pub fn control() -> Router<Arc<Sandbox>> {
    Router::new().route("/sandbox/vehicles", post(change_plate))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    plate_number: String,
    plate_color: String,
    /// None: it can be charged again.
    #[serde(default)]
    block_reason: Option<Block>,
}

/// `POST /sandbox/vehicles`: from now on the owner of a plate can be charged, or not. Told for every car that is in.
async fn change_plate(Shared(sandbox): Shared<Arc<Sandbox>>, body: Bytes) -> Response {
    let wish: Wish = match options(&body) {
        Ok(wish) => wish,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    let plate_of = (wish.plate_number, wish.plate_color);
    let mut ledger = sandbox.ledger();
    let parkings = &mut ledger.families.parking;
    let before = match wish.block_reason {
        Some(block) => parkings.blocked.insert(plate_of.clone(), block),
        None => parkings.blocked.remove(&plate_of),
    };
    let concerned = parkings
        .entered
        .values()
        .filter(|it| !it.gone && plate(&it.request) == plate_of);
    let changed = before.is_some() != wish.block_reason.is_some();
    let news: Vec<_> = concerned
        .filter(|_| changed)
        .map(|it| it.news(&sandbox, wish.block_reason))
        .collect();
    drop(ledger);
    let told = news.len();
    for event in news {
        notifications::tell(&sandbox, event);
    }
    Json(json!({ "told": told })).into_response()
}
