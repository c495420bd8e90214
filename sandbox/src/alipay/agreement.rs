//! `alipay.user.agreement.*`: what a buyer lets the merchant deduct, once or in periods.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::keys::MERCHANT_NAME;
use crate::sandbox::Sandbox;

use super::envelope::Style;
use super::money::fen;
use super::notices::{self, Told};
use super::operations::{Ask, Operation, Party, Reply, api, page};
use super::parties::{BUYER_ID, BUYER_LOGON_ID, BUYER_OPEN_ID};
use super::refusal::Refusal;
use super::state::State;

pub const OPERATIONS: &[Operation] = &[
    page("alipay.user.agreement.page.sign", sign),
    api("alipay.user.agreement.query", query),
    api("alipay.user.agreement.unsign", unsign),
    api("alipay.user.agreement.executionplan.modify", modify),
];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Temp,
    Normal,
    Stop,
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Temp => "TEMP",
            Self::Normal => "NORMAL",
            Self::Stop => "STOP",
        }
    }
}

#[derive(Clone)]
pub struct Agreement {
    pub token: String,
    pub agreement_no: String,
    external_agreement_no: String,
    request: Value,
    pub status: Status,
    signed: Option<OffsetDateTime>,
    ended: Option<OffsetDateTime>,
    /// The day of the next deduction, of an agreement in periods.
    next_deduction: Option<String>,
    notify_url: Option<String>,
    return_url: Option<String>,
    style: Style,
    party: Party,
}

impl Agreement {
    fn fields(&self) -> Vec<(&'static str, String)> {
        let text = |name: &str| self.request[name].as_str().unwrap_or_default().to_owned();
        let until = "2115-02-01 00:00:00".to_owned();
        let mut fields = vec![
            ("agreement_no", self.agreement_no.clone()),
            ("external_agreement_no", self.external_agreement_no.clone()),
            ("personal_product_code", text("personal_product_code")),
            ("sign_scene", text("sign_scene")),
            ("status", self.status.name().to_owned()),
            ("alipay_logon_id", BUYER_LOGON_ID.into()),
        ];
        if let Some(at) = self.signed {
            fields.extend([
                ("sign_time", clock::plain(at)),
                ("valid_time", clock::plain(at)),
                ("invalid_time", until),
            ]);
        }
        fields
    }

    fn answer(&self) -> Value {
        let mut answer = json!({});
        for (name, value) in self.fields() {
            answer[name] = value.into();
        }
        // The provider's own spelling.
        answer["pricipal_type"] = "CARD".into();
        answer["principal_id"] = BUYER_ID.into();
        answer["principal_open_id"] = BUYER_OPEN_ID.into();
        if let Some(day) = &self.next_deduction {
            answer["next_deduct_time"] = day.as_str().into();
        }
        answer
    }

    /// The same as it is told, which names the buyer otherwise.
    fn told(&self) -> Vec<(&'static str, String)> {
        let mut fields = self.fields();
        fields.push(("alipay_user_id", BUYER_ID.into()));
        fields.push(("alipay_open_id", BUYER_OPEN_ID.into()));
        fields
    }

    /// The most that one deduction may take.
    fn limit(&self) -> Option<i64> {
        fen(self.request["period_rule_params"]["single_amount"].as_str()?)
    }

    /// What the page shows. It has no amount of its own.
    pub fn view(&self, sandbox: &Sandbox) -> Value {
        let mut view = json!({
            "provider": "alipay",
            "deed": "agreement",
            "merchant": MERCHANT_NAME,
            "description": "授权商家扣款 Agreement for deductions",
            "out_trade_no": self.external_agreement_no,
            "trade_type": "商家扣款 agreement",
            "state": match self.status {
                Status::Temp => "open",
                Status::Normal => "paid",
                Status::Stop => "closed",
            },
            "transaction_id": self.agreement_no,
            "paid_at": self.signed.map(clock::rfc3339),
        });
        if let Some(limit) = self.limit() {
            view["amount_fen"] = limit.into();
        }
        if self.status == Status::Normal
            && let Some(address) = &self.return_url
        {
            let method = "alipay.user.agreement.page.sign.return";
            let back = notices::return_with(
                sandbox,
                (address, method),
                self.style,
                &self.party,
                self.told(),
            );
            view["return_url"] = back.into();
        }
        view
    }
}

fn sign(ask: &Ask) -> Result<Reply, Refusal> {
    for name in ["personal_product_code", "sign_scene"] {
        ask.short("", name, 64)?;
    }
    let external_agreement_no = match ask.text("external_agreement_no") {
        Some(_) => ask.number("", "external_agreement_no")?.to_owned(),
        None => String::new(),
    };
    let periods = ask.of(&ask.body["period_rule_params"]);
    let is_in_periods =
        ask.text("personal_product_code") == Some("CYCLE_PAY_AUTH_P") || periods.body.is_object();
    if is_in_periods {
        for name in ["period_type", "execute_time"] {
            periods.required("", name)?;
        }
        periods.amount("", "single_amount")?;
    }
    let mut state = ask.sandbox.alipay.state();
    let is_same = |one: &&Agreement| {
        !external_agreement_no.is_empty()
            && one.external_agreement_no == external_agreement_no
            && one.status == Status::Normal
    };
    if state.agreements.iter().any(|one| is_same(&one)) {
        return Err(Refusal::business("AGREEMENT_HAS_SIGNED", "协议已签约"));
    }
    let agreement = Agreement {
        token: random_text(24),
        agreement_no: format!("{}{}", clock::date_digits(clock::now()), random_digits(12)),
        external_agreement_no,
        status: Status::Temp,
        signed: None,
        ended: None,
        next_deduction: periods.text("execute_time").map(str::to_owned),
        request: ask.body.clone(),
        notify_url: ask.address("notify_url")?,
        return_url: ask.address("return_url")?,
        style: ask.style,
        party: ask.party.clone(),
    };
    let path = format!("/cashier/{}", agreement.token);
    state.agreements.push(agreement);
    Ok(Reply::Page(path))
}

/// The buyer agrees.
pub fn agree(sandbox: &Arc<Sandbox>, token: &str) {
    let agreed = {
        let mut state = sandbox.alipay.state();
        let agreement = state.agreement_by_token(token);
        agreement
            .filter(|one| one.status == Status::Temp)
            .map(|agreement| {
                agreement.status = Status::Normal;
                agreement.signed = Some(clock::now());
                agreement.clone()
            })
    };
    if let Some(agreement) = agreed {
        tell(sandbox, &agreement, "dut_user_sign");
    }
}

fn tell(sandbox: &Arc<Sandbox>, agreement: &Agreement, notify_type: &str) {
    let Some(address) = agreement.notify_url.clone() else {
        return;
    };
    let mut fields = agreement.told();
    if let Some(at) = agreement.ended {
        fields.push(("unsign_time", clock::plain(at)));
    }
    notices::tell(
        sandbox,
        Told {
            notify_type,
            event: format!("{notify_type}.{}", agreement.status.name()),
            number: agreement.external_agreement_no.clone(),
            address,
            style: agreement.style,
            auth_app_id: &agreement.party.auth_app_id,
            fields,
        },
    );
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let mut state = ask.sandbox.alipay.state();
    Ok(state.named_agreement(ask)?.answer().into())
}

fn unsign(ask: &Ask) -> Result<Reply, Refusal> {
    let ended = {
        let mut state = ask.sandbox.alipay.state();
        end(state.named_agreement(ask)?)?
    };
    tell(ask.sandbox, &ended, "dut_user_unsign");
    Ok(json!({}).into())
}

fn end(agreement: &mut Agreement) -> Result<Agreement, Refusal> {
    if agreement.status != Status::Normal {
        return Err(not_exist());
    }
    agreement.status = Status::Stop;
    agreement.ended = Some(clock::now());
    Ok(agreement.clone())
}

/// The next deduction comes later.
fn modify(ask: &Ask) -> Result<Reply, Refusal> {
    let day = ask.required("", "deduct_time")?.to_owned();
    if clock::parse_plain(&format!("{day} 00:00:00")).is_none() {
        return Err(Refusal::parameter("", "deduct_time", "格式为yyyy-MM-dd"));
    }
    let mut state = ask.sandbox.alipay.state();
    let agreement = state.named_agreement(ask)?;
    if agreement.status != Status::Normal || agreement.next_deduction.is_none() {
        return Err(not_exist());
    }
    agreement.next_deduction = Some(day.clone());
    Ok(json!({ "agreement_no": agreement.agreement_no, "deduct_time": day }).into())
}

fn not_exist() -> Refusal {
    Refusal::business("USER_AGREEMENT_NOT_EXIST", "用户协议不存在")
}

impl State {
    pub fn agreement_by_token(&mut self, token: &str) -> Option<&mut Agreement> {
        self.agreements.iter_mut().find(|one| one.token == token)
    }

    fn named_agreement(&mut self, ask: &Ask) -> Result<&mut Agreement, Refusal> {
        let (number, own) = (ask.text("agreement_no"), ask.text("external_agreement_no"));
        if number.is_none() && own.is_none() {
            let issue = "与external_agreement_no不能同时为空";
            return Err(Refusal::parameter("", "agreement_no", issue));
        }
        let mut agreements = self.agreements.iter_mut();
        let found = agreements.rfind(|one| match number {
            Some(number) => one.agreement_no == number,
            None => Some(one.external_agreement_no.as_str()) == own,
        });
        found
            .filter(|one| one.status != Status::Temp)
            .ok_or_else(not_exist)
    }

    /// Whether `amount` may be deducted under an agreement.
    pub fn may_deduct(&self, agreement_no: &str, amount: i64) -> Result<(), Refusal> {
        let mut agreements = self.agreements.iter();
        let agreement = agreements.find(|one| one.agreement_no == agreement_no);
        let agreement = agreement
            .ok_or_else(|| Refusal::business("ACQ.AGREEMENT_NOT_EXIST", "用户协议不存在"))?;
        if agreement.status != Status::Normal {
            let words = "用户签约协议状态非NORMAL";
            return Err(Refusal::business("ACQ.AGREEMENT_STATUS_NOT_NORMAL", words));
        }
        if agreement.limit().is_some_and(|limit| amount > limit) {
            let words = "周期扣款扣款失败，单次金额超过签约时的限额";
            return Err(Refusal::business("ACQ.CYCLE_PAY_SINGLE_FEE_EXCEED", words));
        }
        Ok(())
    }
}

/// `GET /sandbox/alipay/agreements`: newest first.
pub async fn list(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let state = sandbox.alipay.state();
    let agreements = state.agreements.iter().rev();
    let view = |one: &Agreement| {
        let mut view = one.answer();
        view["cashier_url"] = super::cashier::link(&sandbox, &one.token).into();
        view
    };
    Json(agreements.map(view).collect())
}

/// `POST /sandbox/alipay/agreements/{agreement_no}/unsign`: the buyer ends it in the app.
pub async fn unsign_by_buyer(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(agreement_no): Path<String>,
) -> Response {
    let ended = {
        let mut state = sandbox.alipay.state();
        let mut agreements = state.agreements.iter_mut();
        let found = agreements.find(|one| one.agreement_no == agreement_no);
        found.and_then(|one| end(one).ok())
    };
    let Some(agreement) = ended else {
        let error = json!({ "error": "no such agreement that is NORMAL" });
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    };
    tell(&sandbox, &agreement, "dut_user_unsign");
    StatusCode::NO_CONTENT.into_response()
}
