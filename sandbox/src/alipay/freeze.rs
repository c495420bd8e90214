//! `alipay.fund.auth.*`: a buyer's money is held, paid out of, set free. The held money stays the buyer's until it is paid.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::keys::MERCHANT_NAME;
use crate::sandbox::Sandbox;

use super::buyer;
use super::cashier;
use super::envelope::Style;
use super::money::yuan;
use super::notices::{self, Told};
use super::operations::{Ask, Operation, Party, Reply, api, app};
use super::parties::{BUYER_ID, BUYER_LOGON_ID, BUYER_OPEN_ID};
use super::refusal::Refusal;
use super::state::State;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.fund.auth.order.freeze", freeze),
    api("alipay.fund.auth.order.voucher.create", |ask| {
        let token = place(ask)?;
        Ok(json!({
            "out_order_no": ask.body["out_order_no"],
            "out_request_no": ask.body["out_request_no"],
            "code_type": "qrCode",
            "code_value": cashier::link(ask.sandbox, &token),
        })
        .into())
    }),
    app("alipay.fund.auth.order.app.freeze", |ask| {
        place(ask).map(|token| Reply::Page(format!("/cashier/{token}")))
    }),
    api("alipay.fund.auth.operation.detail.query", query),
    api("alipay.fund.auth.order.unfreeze", unfreeze),
    api("alipay.fund.auth.operation.cancel", cancel),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The buyer has yet to agree.
    Init,
    Authorized,
    /// Nothing is held any more.
    Finish,
    Closed,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Authorized => "AUTHORIZED",
            Self::Finish => "FINISH",
            Self::Closed => "CLOSED",
        }
    }
}

#[derive(Clone)]
pub struct Freeze {
    pub token: String,
    pub auth_no: String,
    out_order_no: String,
    title: String,
    amount: i64,
    pub paid: i64,
    unfrozen: i64,
    pub stage: Stage,
    steps: Vec<Step>,
    party: Party,
    notify_url: Option<String>,
    style: Style,
}

/// One operation on it.
#[derive(Clone)]
struct Step {
    operation_id: String,
    out_request_no: String,
    kind: &'static str,
    amount: i64,
    remark: String,
    at: OffsetDateTime,
}

impl Step {
    fn new(kind: &'static str, out_request_no: &str, amount: i64, remark: &str) -> Self {
        Self {
            operation_id: format!("{}{}", clock::date_digits(clock::now()), random_digits(12)),
            out_request_no: out_request_no.to_owned(),
            kind,
            amount,
            remark: remark.to_owned(),
            at: clock::now(),
        }
    }
}

impl Freeze {
    pub fn rest(&self) -> i64 {
        self.amount - self.paid - self.unfrozen
    }

    fn authorize(&mut self) -> bool {
        let waits = self.stage == Stage::Init;
        if waits {
            self.stage = Stage::Authorized;
        }
        waits
    }

    /// Pays out of what is held; with `complete` the rest is free.
    pub fn pay(&mut self, amount: i64, complete: bool) {
        self.paid += amount;
        if complete {
            self.unfrozen += self.rest();
        }
        self.finish();
    }

    fn finish(&mut self) {
        if self.rest() == 0 {
            self.stage = Stage::Finish;
        }
    }

    fn status(&self, step: &Step) -> &'static str {
        match (self.stage, step.kind) {
            (Stage::Init, "FREEZE") => "INIT",
            (Stage::Closed, "FREEZE") => "CLOSED",
            _ => "SUCCESS",
        }
    }

    fn answer(&self, step: &Step) -> Value {
        json!({
            "auth_no": self.auth_no,
            "out_order_no": self.out_order_no,
            "operation_id": step.operation_id,
            "out_request_no": step.out_request_no,
            "amount": yuan(step.amount),
            "status": self.status(step),
            "gmt_trans": clock::plain(step.at),
        })
    }

    /// With whose money it is, where the answer says so.
    fn answer_with_payer(&self, step: &Step) -> Value {
        let mut answer = self.answer(step);
        answer["payer_user_id"] = BUYER_ID.into();
        answer["payer_open_id"] = BUYER_OPEN_ID.into();
        answer
    }

    /// What the cashier shows.
    pub fn view(&self) -> Value {
        json!({
            "provider": "alipay",
            "deed": "freeze",
            "merchant": MERCHANT_NAME,
            "description": self.title,
            "amount_fen": self.amount,
            "out_trade_no": self.out_order_no,
            "trade_type": "预授权 authorization",
            "state": match self.stage {
                Stage::Init => "open",
                Stage::Closed => "closed",
                _ => "paid",
            },
            "transaction_id": self.auth_no,
            "paid_at": self.steps.first().map(|step| clock::rfc3339(step.at)),
        })
    }
}

/// Puts a freeze that waits for its buyer into the state. Its token.
fn place(ask: &Ask) -> Result<String, Refusal> {
    let out_order_no = ask.number("", "out_order_no")?.to_owned();
    let out_request_no = ask.number("", "out_request_no")?;
    let title = ask.short("", "order_title", 100)?;
    let amount = ask.amount("", "amount")?;
    let notify_url = ask.address("notify_url")?;
    let mut state = ask.sandbox.alipay.state();
    let known = state
        .freezes
        .iter()
        .find(|one| one.out_order_no == out_order_no);
    if let Some(known) = known {
        return match known.amount == amount && known.stage == Stage::Init {
            true => Ok(known.token.clone()),
            false => Err(Refusal::business("ORDER_ALREADY_EXIST", "授权订单已存在")),
        };
    }
    let freeze = Freeze {
        token: random_text(24),
        auth_no: format!(
            "{}10002001{}",
            clock::date_digits(clock::now()),
            random_digits(12)
        ),
        out_order_no,
        title: title.to_owned(),
        amount,
        paid: 0,
        unfrozen: 0,
        stage: Stage::Init,
        steps: vec![Step::new("FREEZE", out_request_no, amount, title)],
        party: ask.party.clone(),
        notify_url,
        style: ask.style,
    };
    let token = freeze.token.clone();
    state.freezes.push(freeze);
    Ok(token)
}

/// A scanned code. The buyer is not asked.
fn freeze(ask: &Ask) -> Result<Reply, Refusal> {
    let code = ask.required("", "auth_code")?;
    buyer::check(&ask.sandbox.alipay.state(), code)?;
    let token = place(ask)?;
    let scanned = buyer::scan(&mut ask.sandbox.alipay.state(), code, &token);
    if let Err(refusal) = scanned {
        if let Some(freeze) = ask.sandbox.alipay.state().freeze_by_token(&token) {
            freeze.stage = Stage::Closed;
        }
        return Err(refusal);
    }
    authorize(ask.sandbox, &token);
    let mut state = ask.sandbox.alipay.state();
    let freeze = state.freeze_by_token(&token).ok_or_else(not_exist)?;
    let step = freeze.steps.first().ok_or_else(not_exist)?;
    Ok(freeze.answer_with_payer(step).into())
}

/// The buyer agrees.
pub fn authorize(sandbox: &Arc<Sandbox>, token: &str) {
    let authorized = {
        let mut state = sandbox.alipay.state();
        let freeze = state.freeze_by_token(token);
        freeze.and_then(|freeze| freeze.authorize().then(|| freeze.clone()))
    };
    if let Some(freeze) = authorized
        && let Some(step) = freeze.steps.first()
    {
        tell(sandbox, &freeze, step, "fund_auth_freeze");
    }
}

fn tell(sandbox: &Arc<Sandbox>, freeze: &Freeze, step: &Step, notify_type: &str) {
    let Some(address) = freeze.notify_url.clone() else {
        return;
    };
    let fields = vec![
        ("auth_no", freeze.auth_no.clone()),
        ("out_order_no", freeze.out_order_no.clone()),
        ("operation_id", step.operation_id.clone()),
        ("out_request_no", step.out_request_no.clone()),
        ("operation_type", step.kind.to_owned()),
        ("amount", yuan(step.amount)),
        ("status", freeze.status(step).to_owned()),
        ("gmt_create", clock::plain(step.at)),
        ("gmt_trans", clock::plain(step.at)),
        ("payer_user_id", BUYER_ID.into()),
        ("payer_logon_id", BUYER_LOGON_ID.into()),
        ("payee_user_id", freeze.party.seller.clone()),
        ("total_freeze_amount", yuan(freeze.amount)),
        ("total_unfreeze_amount", yuan(freeze.unfrozen)),
        ("total_pay_amount", yuan(freeze.paid)),
        ("rest_amount", yuan(freeze.rest())),
    ];
    notices::tell(
        sandbox,
        Told {
            notify_type,
            event: format!("{notify_type}.{}", freeze.status(step)),
            number: freeze.out_order_no.clone(),
            address,
            style: freeze.style,
            auth_app_id: &freeze.party.auth_app_id,
            fields,
        },
    );
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let mut state = ask.sandbox.alipay.state();
    let freeze = state.named_freeze(ask)?;
    let mut steps = freeze.steps.iter();
    let step = steps.find(|step| {
        let is = |name: &str, own: &str| ask.text(name).is_none_or(|wanted| wanted == own);
        is("operation_id", &step.operation_id)
            && is("out_request_no", &step.out_request_no)
            && is("operation_type", step.kind)
    });
    let step = step.ok_or_else(|| Refusal::business("ORDER_NOT_EXIST", "授权操作不存在"))?;
    let mut answer = freeze.answer_with_payer(step);
    for (name, value) in [
        ("order_title", freeze.title.clone()),
        ("order_status", freeze.stage.name().to_owned()),
        ("total_freeze_amount", yuan(freeze.amount)),
        ("rest_amount", yuan(freeze.rest())),
        ("total_pay_amount", yuan(freeze.paid)),
        ("operation_type", step.kind.to_owned()),
        ("remark", step.remark.clone()),
        ("gmt_create", clock::plain(step.at)),
    ] {
        answer[name] = value.into();
    }
    Ok(answer.into())
}

fn unfreeze(ask: &Ask) -> Result<Reply, Refusal> {
    ask.required("", "auth_no")?;
    let out_request_no = ask.number("", "out_request_no")?;
    let remark = ask.short("", "remark", 100)?;
    let amount = ask.amount("", "amount")?;
    let (freeze, step) = {
        let mut state = ask.sandbox.alipay.state();
        let freeze = state.named_freeze(ask)?;
        let mut known = freeze.steps.iter();
        if let Some(step) = known.find(|step| step.out_request_no == out_request_no) {
            return match step.amount == amount && step.kind == "UNFREEZE" {
                true => Ok(freeze.answer(step).into()),
                false => Err(Refusal::business(
                    "REQUEST_INCONSISTENT",
                    "重复请求信息不一致",
                )),
            };
        }
        if freeze.stage != Stage::Authorized {
            return Err(Refusal::business(
                "ORDER_STATUS_INVALID",
                "授权订单状态不合法",
            ));
        }
        if amount > freeze.rest() {
            return Err(Refusal::business("UNFREEZE_AMOUNT_EXCEED", "解冻金额超限"));
        }
        let step = Step::new("UNFREEZE", out_request_no, amount, remark);
        freeze.unfrozen += amount;
        freeze.steps.push(step.clone());
        freeze.finish();
        (freeze.clone(), step)
    };
    tell(ask.sandbox, &freeze, &step, "fund_auth_unfreeze");
    Ok(freeze.answer(&step).into())
}

/// What nobody has agreed to is closed; what is held is free again.
fn cancel(ask: &Ask) -> Result<Reply, Refusal> {
    ask.short("", "remark", 100)?;
    let mut state = ask.sandbox.alipay.state();
    let freeze = state.named_freeze(ask)?;
    if freeze.paid > 0 {
        return Err(Refusal::business(
            "ORDER_STATUS_INVALID",
            "授权订单已发生支付，不能撤销",
        ));
    }
    let action = if freeze.stage == Stage::Init {
        "close"
    } else {
        "unfreeze"
    };
    freeze.unfrozen = freeze.amount;
    freeze.stage = Stage::Closed;
    let step = freeze.steps.first().ok_or_else(not_exist)?;
    Ok(json!({
        "auth_no": freeze.auth_no,
        "out_order_no": freeze.out_order_no,
        "operation_id": step.operation_id,
        "out_request_no": step.out_request_no,
        "action": action,
    })
    .into())
}

fn not_exist() -> Refusal {
    Refusal::business("AUTH_ORDER_NOT_EXIST", "支付宝资金授权订单不存在")
}

impl State {
    pub fn freeze_by_token(&mut self, token: &str) -> Option<&mut Freeze> {
        self.freezes.iter_mut().find(|freeze| freeze.token == token)
    }

    fn named_freeze(&mut self, ask: &Ask) -> Result<&mut Freeze, Refusal> {
        let (number, own) = (ask.text("auth_no"), ask.text("out_order_no"));
        let found = self.freezes.iter_mut().find(|freeze| match number {
            Some(number) => freeze.auth_no == number,
            None => Some(freeze.out_order_no.as_str()) == own,
        });
        found.ok_or_else(not_exist)
    }

    /// The freeze that a payment of `amount` is taken from.
    pub fn freeze_for(&mut self, auth_no: &str, amount: i64) -> Result<&mut Freeze, Refusal> {
        let found = self.freezes.iter_mut().find(|one| one.auth_no == auth_no);
        let freeze = found
            .filter(|freeze| freeze.stage == Stage::Authorized)
            .ok_or_else(|| Refusal::business("ACQ.AUTH_NO_ERROR", "预授权号错误或状态不对"))?;
        match amount <= freeze.rest() {
            true => Ok(freeze),
            false => Err(Refusal::business(
                "ACQ.AUTH_AMOUNT_NOT_ENOUGH",
                "授权余额不足",
            )),
        }
    }
}
