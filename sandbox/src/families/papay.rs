//! `/v3/papay`: a contract that the user signs once, and deductions under it. One with a `deduct_schedule` is for one
//! deduction, which must be scheduled; before any other the user must be told. Signing is played by control calls.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::deduction;
use crate::catalogue::Checked;
use crate::clock;
use crate::control::{options, refusal, refused};
use crate::crypto::{random_digits, random_text};
use crate::notifications::{self, Event};
use crate::operations::{Operation, Reply, check_address, checked, own_appid, own_mchid};
use crate::orders::{Order, SANDBOX_OPENID, TradeState, TradeType};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

const LIFETIME: Duration = Duration::days(365);

pub const OPERATIONS: &[Operation] = &[
    checked(
        "POST /v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/jsapi",
        pre_sign,
    ),
    checked(
        "POST /v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/h5",
        pre_sign,
    ),
    checked(
        "POST /v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/app",
        pre_sign,
    ),
    checked(
        "POST /v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/mini-program",
        pre_sign,
    ),
    checked(
        "GET /v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}",
        |sandbox, request| {
            let ledger = sandbox.ledger();
            let contract = ledger.families.contracts.signed(request)?;
            Ok(request.shaped(&contract.answer(sandbox)).into())
        },
    ),
    checked(
        "POST /v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}/terminate",
        terminate,
    ),
    checked(
        "POST /v3/papay/contracts/{contract_id}/notify",
        |sandbox, request| {
            own_mchid(sandbox, &request.body["mchid"])?;
            let mut ledger = sandbox.ledger();
            ledger
                .families
                .contracts
                .live(request.parameter("contract_id"))?
                .user_knows = true;
            Ok(Reply::Nothing)
        },
    ),
    checked(
        "POST /v3/papay/pay/schedules/contract-id/{contract_id}/schedule",
        schedule,
    ),
    checked(
        "GET /v3/papay/pay/schedules/contract-id/{contract_id}",
        |sandbox, request| {
            let ledger = sandbox.ledger();
            let contract = ledger
                .families
                .contracts
                .by_id(request.parameter("contract_id"))?;
            Ok(request.shaped(&contract.plan()).into())
        },
    ),
    checked("POST /v3/papay/pay/transactions/apply", apply),
];

/// As they were asked for.
#[derive(Default)]
pub struct Contracts(Vec<Contract>);

struct Contract {
    request: Value,
    id: String,
    /// What the page of signing is opened with.
    token: String,
    openid: String,
    signed: Option<OffsetDateTime>,
    terminated: Option<Termination>,
    user_knows: bool,
    scheduled: Option<Value>,
    /// The day and the amount of the scheduled deduction.
    deducted: Option<(String, Value)>,
    asked: Asked,
}

struct Termination {
    at: OffsetDateTime,
    mode: &'static str,
    remark: String,
}

fn unknown() -> Problem {
    Problem::not_found("签约协议不存在")
}

impl Contracts {
    fn by_code(&mut self, code: &str) -> Option<&mut Contract> {
        self.0
            .iter_mut()
            .find(|contract| contract.request["out_contract_code"] == code)
    }

    /// The signed contract of that plan and number.
    fn signed(&self, request: &Checked) -> Result<&Contract, Problem> {
        let named = |it: &&Contract| it.is_named(request);
        self.0.iter().find(named).ok_or_else(unknown)
    }

    fn by_id(&self, id: &str) -> Result<&Contract, Problem> {
        let found = self
            .0
            .iter()
            .find(|contract| contract.id == id && contract.signed.is_some());
        found.ok_or_else(unknown)
    }

    /// One that has not ended.
    fn live(&mut self, id: &str) -> Result<&mut Contract, Problem> {
        let found = self
            .0
            .iter_mut()
            .find(|contract| contract.id == id && contract.signed.is_some());
        let contract = found.ok_or_else(unknown)?;
        match contract.terminated {
            None => Ok(contract),
            Some(_) => Err(ended()),
        }
    }
}

fn ended() -> Problem {
    Problem::request(268435513, "签约协议已解约")
}

impl Contract {
    fn is_named(&self, request: &Checked) -> bool {
        let plan = request.parameter("plan_id");
        self.signed.is_some()
            && self.request["out_contract_code"] == request.parameter("out_contract_code")
            && plan
                .parse()
                .is_ok_and(|plan: i64| self.request["plan_id"] == plan)
    }

    /// How far its scheduled deduction is.
    fn plan(&self) -> Value {
        let agreed = &self.request["deduct_schedule"];
        let mut plan = json!({ "schedule_state": "NO_SCHEDULED" });
        if let Some(amount) = &self.scheduled {
            plan["schedule_state"] = "SCHEDULED".into();
            plan["scheduled_amount"] = amount.clone();
            for name in ["deduct_start_date", "deduct_end_date"] {
                plan[name] = agreed["estimated_deduct_date"].clone();
            }
        }
        if let Some((day, amount)) = &self.deducted {
            plan["schedule_state"] = "PAID".into();
            plan["deduct_amount"] = amount.clone();
            plan["deduct_date"] = day.as_str().into();
        }
        plan
    }

    fn answer(&self, sandbox: &Sandbox) -> Value {
        let mut answer = self.request.clone();
        answer["mchid"] = sandbox.merchant.mchid.as_str().into();
        answer["contract_id"] = self.id.as_str().into();
        answer["openid"] = self.openid.as_str().into();
        answer["contract_state"] = if self.terminated.is_some() {
            "TERMINATED"
        } else {
            "SIGNED"
        }
        .into();
        if let Some(at) = self.signed {
            answer["contract_signed_time"] = clock::rfc3339(at).into();
            answer["contract_expired_time"] = clock::rfc3339(at + LIFETIME).into();
        }
        if let Some(end) = &self.terminated {
            answer["contract_terminate_info"] = json!({
                "contract_terminated_time": clock::rfc3339(end.at),
                "contract_termination_mode": end.mode,
                "contract_termination_remark": end.remark,
            });
        }
        if let (Value::Object(agreed), Value::Object(plan)) =
            (&mut answer["deduct_schedule"], self.plan())
        {
            agreed.extend(plan);
        }
        answer
    }

    /// What is told when it was signed or ended.
    fn news(&self, sandbox: &Sandbox) -> Event {
        let mut resource = self.answer(sandbox);
        if let Some(told) = resource.as_object_mut() {
            for name in ["deduct_schedule", "contract_notify_url", "jump_control"] {
                told.shift_remove(name);
            }
        }
        let (event_type, summary) = match self.terminated {
            None => ("ENTRUST.SIGN", "委托代扣签约通知"),
            Some(_) => ("ENTRUST.TERMINATE", "委托代扣解约通知"),
        };
        Event {
            event_type,
            original_type: "entrust",
            summary,
            resource,
            number: self.request["out_contract_code"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            notify_url: self.request["contract_notify_url"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            asked: self.asked,
        }
    }

    fn end(&mut self, mode: &'static str, remark: &str) {
        self.terminated = Some(Termination {
            at: clock::now(),
            mode,
            remark: remark.to_owned(),
        });
    }
}

fn pre_sign(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    check_address(body, "contract_notify_url")?;
    let mut ledger = sandbox.ledger();
    let contracts = &mut ledger.families.contracts;
    let known = contracts.by_code(request.text("out_contract_code"));
    let token = match known {
        Some(contract) if contract.request != *body => return Err(Problem::different_parameters()),
        Some(contract) if contract.signed.is_some() => {
            return Err(Problem::request(
                268435514,
                "商户协议号已签约，请使用新的商户协议号",
            ));
        }
        Some(contract) => contract.token.clone(),
        None => {
            let token = random_text(32);
            contracts.0.push(Contract {
                request: body.clone(),
                id: format!("Wx{}", random_digits(26)),
                token: token.clone(),
                openid: body["openid"].as_str().unwrap_or(SANDBOX_OPENID).to_owned(),
                signed: None,
                terminated: None,
                user_knows: false,
                scheduled: None,
                deducted: None,
                asked: request.asked,
            });
            token
        }
    };
    let page = format!("{}/sandbox/contracts?token={token}", sandbox.address);
    // Each way to the page is told as its own operation tells it.
    Ok(request
        .shaped(&json!({
            "pre_entrustweb_id": token,
            "redirect_url": page,
            "redirect_appid": "wxbd687630cd02ce1d",
            "redirect_path": format!("pages/index/index?pre_entrustweb_id={token}"),
            "miniprogram_username": "gh_f0c2a2b3c4d5",
            "miniprogram_path": format!("pages/index/index?pre_entrustweb_id={token}"),
        }))
        .into())
}

fn terminate(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let mut ledger = sandbox.ledger();
    let found = ledger
        .families
        .contracts
        .0
        .iter_mut()
        .find(|it| it.is_named(request));
    let contract = found.ok_or_else(unknown)?;
    if contract.terminated.is_some() {
        return Err(ended());
    }
    contract.end(
        "MCH_API_TERMINATE",
        request.text("contract_termination_remark"),
    );
    let answer = request.shaped(&contract.answer(sandbox));
    let news = contract.news(sandbox);
    drop(ledger);
    notifications::tell(sandbox, news);
    Ok(answer.into())
}

/// Only what was agreed to can be scheduled; its day is not waited for.
fn schedule(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    own_appid(sandbox, &request.body["appid"])?;
    let amount = &request.body["schedule_amount"];
    let mut ledger = sandbox.ledger();
    let contract = ledger
        .families
        .contracts
        .live(request.parameter("contract_id"))?;
    let agreed = &contract.request["deduct_schedule"]["estimated_deduct_amount"];
    if agreed["total"] != amount["total"] {
        return Err(Problem::request(
            268435515,
            "预约扣费金额须等于签约时的预计扣费金额",
        ));
    }
    contract.scheduled.get_or_insert_with(|| amount.clone());
    Ok(request.shaped(&contract.plan()).into())
}

/// Accepts a deduction; its result is told a little later.
fn apply(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let body = &request.body;
    own_appid(sandbox, &body["appid"])?;
    check_address(body, "transaction_notify_url")?;
    if body["amount"]["total"].as_i64().is_none_or(|fen| fen < 1) {
        return Err(Problem::parameter(
            "body",
            "/amount/total",
            None,
            "须大于0，单位为分 (must be above 0, in fen)",
        ));
    }
    let mut ledger = sandbox.ledger();
    if let Some(order) = ledger.order(request.text("out_trade_no")) {
        return match order.request["deduction"] == *body {
            true => Ok(request.shaped(body).into()),
            false => Err(Problem::different_parameters()),
        };
    }
    let contract = ledger
        .families
        .contracts
        .live(request.text("contract_id"))?;
    let agreed = !contract.request["deduct_schedule"].is_null();
    if agreed
        && contract
            .scheduled
            .as_ref()
            .is_none_or(|amount| amount["total"] != body["amount"]["total"])
    {
        return Err(Problem::request(
            268435516,
            "须先预约扣费，且扣费金额等于预约扣费金额",
        ));
    }
    if !agreed && !contract.user_knows {
        return Err(Problem::request(268435517, "须先发送预扣费通知"));
    }
    let order = Order::new(
        TradeType::Deducted,
        json!({
            "appid": body["appid"],
            "mchid": sandbox.merchant.mchid,
            "description": body["description"],
            "out_trade_no": body["out_trade_no"],
            "notify_url": body["transaction_notify_url"],
            "amount": { "total": body["amount"]["total"], "currency": "CNY" },
            "payer": { "openid": contract.openid },
            "attach": body.get("attach").unwrap_or(&json!("")),
            "deduction": body,
        }),
        request.asked,
    );
    // It can be queried from now on.
    ledger.place(order.clone())?;
    drop(ledger);
    deduct(sandbox, order, request.text("contract_id").to_owned());
    Ok(request.shaped(body).into())
}

fn deduct(sandbox: &Arc<Sandbox>, order: Order, contract_id: String) {
    let sandbox = sandbox.clone();
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(deduction::PROCESSING)).await;
        let funded = deduction::funded(&sandbox).is_ok();
        let mut ledger = sandbox.ledger();
        let ended = match funded {
            true => deduction::take(&mut ledger, order),
            false => deduction::fail(&mut ledger, order),
        };
        // The merchant may have closed it meanwhile.
        let Ok(order) = ended else { return };
        let mut news = vec![result(&order, &contract_id)];
        let contract = ledger.families.contracts.live(&contract_id).ok();
        if let Some(contract) = contract.filter(|_| order.state == TradeState::Success) {
            contract.user_knows = false;
            // A scheduled deduction was the only one.
            if contract.scheduled.is_some() {
                let amount = json!({ "total": order.total, "currency": "CNY" });
                contract.deducted = Some((clock::now().date().to_string(), amount));
                contract.end("SYSTEM_TERMINATE", "扣费成功，系统解约");
                news.push(contract.news(&sandbox));
            }
        }
        drop(ledger);
        deduction::taken(&sandbox, &order);
        for event in news {
            notifications::tell(&sandbox, event);
        }
    });
}

fn result(order: &Order, contract_id: &str) -> Event {
    let mut resource = order.transaction();
    resource["contract_id"] = contract_id.into();
    let (event_type, summary) = match order.state {
        TradeState::Success => ("TRANSACTION.SUCCESS", "支付成功"),
        _ => ("TRANSACTION.FAIL", "支付失败"),
    };
    Event {
        event_type,
        original_type: "transaction",
        summary,
        resource,
        number: order.out_trade_no.clone(),
        notify_url: order.notify_url.clone(),
        asked: order.asked,
    }
}

/// The control calls: what the user does.
pub fn control() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/sandbox/contracts", get(list))
        .route("/sandbox/contracts/{out_contract_code}/sign", post(sign))
        .route(
            "/sandbox/contracts/{out_contract_code}/terminate",
            post(end),
        )
}

async fn list(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let view = |contract: &Contract| match contract.signed {
        Some(_) => contract.answer(&sandbox),
        None => {
            json!({ "out_contract_code": contract.request["out_contract_code"], "contract_state": "UNSIGNED" })
        }
    };
    Json(ledger.families.contracts.0.iter().rev().map(view).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    openid: Option<String>,
}

async fn sign(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(code): Path<String>,
    body: Bytes,
) -> Response {
    let person: Person = match options(&body) {
        Ok(person) => person,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, error),
    };
    change(&sandbox, &code, |contract| {
        if contract.signed.is_some() {
            return Err(Problem::request(268435514, "协议已签约 (signed before)"));
        }
        contract.signed = Some(clock::now());
        if let Some(openid) = person.openid {
            contract.openid = openid;
        }
        Ok(())
    })
}

async fn end(Shared(sandbox): Shared<Arc<Sandbox>>, Path(code): Path<String>) -> Response {
    change(&sandbox, &code, |contract| {
        if contract.signed.is_none() || contract.terminated.is_some() {
            return Err(ended());
        }
        contract.end("USER_TERMINATE", "");
        Ok(())
    })
}

fn change(
    sandbox: &Arc<Sandbox>,
    code: &str,
    change: impl FnOnce(&mut Contract) -> Result<(), Problem>,
) -> Response {
    let mut ledger = sandbox.ledger();
    let contract = ledger.families.contracts.by_code(code).ok_or_else(unknown);
    let changed = contract.and_then(|contract| {
        change(contract)?;
        Ok((contract.answer(sandbox), contract.news(sandbox)))
    });
    drop(ledger);
    match changed {
        Ok((answer, news)) => {
            notifications::tell(sandbox, news);
            Json(answer).into_response()
        }
        Err(problem) => refused(&problem),
    }
}
