//! `/v3/fund-app/mch-transfer`: a merchant gives a person money, and the person takes it on the page
//! `/transfer/{token}`; or has allowed, on the same kind of page, that it comes without asking.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration as Wait;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::bodies::{ID, NOTIFY_URL, OPENID};
use crate::books::{Account, Cause};
use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::fields::{Field, Kind, optional, required};
use crate::keys::MERCHANT_NAME;
use crate::loopback;
use crate::notifications::{self, Event};
use crate::operations::{Input, Operation, Reply, check_notify_url, operation, own_appid};
use crate::orders::Ledger;
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{Asked, seal_field};

pub const OPERATIONS: &[Operation] = &[
    operation(
        "POST /v3/fund-app/mch-transfer/transfer-bills",
        |sandbox, input| {
            let body = input.checked_body(sandbox, CREATE)?;
            create(sandbox, body, input.asked).map(|transfer| transfer.created_answer().into())
        },
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/transfer-bills/pre-transfer-with-authorization",
        with_authorization,
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/transfer-bills/transfer",
        authorized,
    ),
    operation(
        "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}",
        query,
    ),
    operation(
        "GET /v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}",
        query,
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel",
        cancel,
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/user-confirm-authorization",
        authorize,
    ),
    operation(
        "GET /v3/fund-app/mch-transfer/user-confirm-authorization/out-authorization-no/{out_authorization_no}",
        query_authorization,
    ),
    operation(
        "POST /v3/fund-app/mch-transfer/user-confirm-authorization/out-authorization-no/{out_authorization_no}/close",
        close_authorization,
    ),
];

const OUT_NO: Kind = Kind::Number {
    min: 1,
    max: 32,
    also: "",
};
/// From ¥0.10 to ¥200,000.
const AMOUNT: Kind = Kind::Integer {
    min: 10,
    max: 20_000_000,
};
const SCENE: Field = required(
    "transfer_scene_id",
    Kind::OneOf(&[
        "1000", "1002", "1004", "1005", "1009", "1010", "1011", "1013",
    ]),
);
const REMARK: Field = required("transfer_remark", Kind::Text { min: 1, max: 32 });
const REPORT: Field = required(
    "transfer_scene_report_infos",
    Kind::List(&Kind::Object(&[
        required("info_type", Kind::Text { min: 1, max: 15 }),
        required("info_content", Kind::Text { min: 1, max: 32 }),
    ])),
);
const NAME: Field = optional("user_name", Kind::Sealed);
const PERCEPTION: Field = optional("user_recv_perception", Kind::Text { min: 1, max: 32 });

macro_rules! transfer {
    ($($more:expr),+ $(,)?) => {
        &[
            required("appid", ID),
            required("out_bill_no", OUT_NO),
            required("transfer_amount", AMOUNT),
            optional("notify_url", NOTIFY_URL),
            SCENE,
            REMARK,
            REPORT,
            NAME,
            PERCEPTION,
            $($more),+
        ]
    };
}

const CREATE: &[Field] = transfer![
    required("openid", OPENID),
    optional(
        "user_recv_style",
        Kind::Object(&[required(
            "type",
            Kind::OneOf(&["CONFIRM_PAGE", "RED_PACKET"])
        )]),
    ),
];
const WITH_AUTHORIZATION: &[Field] = transfer![
    required("openid", OPENID),
    optional(
        "authorization_info",
        Kind::Object(&[
            required("user_display_name", Kind::Text { min: 1, max: 32 }),
            required("out_authorization_no", OUT_NO),
            required("authorization_notify_url", NOTIFY_URL),
        ]),
    ),
];
const AUTHORIZED: &[Field] = transfer![
    optional("authorization_id", Kind::Text { min: 1, max: 64 }),
    optional("out_authorization_no", OUT_NO),
];
const AUTHORIZE: &[Field] = &[
    required("appid", ID),
    required("openid", OPENID),
    required("out_authorization_no", OUT_NO),
    SCENE,
    required("user_display_name", Kind::Text { min: 1, max: 32 }),
    required("authorization_notify_url", NOTIFY_URL),
    PERCEPTION,
];

/// From ¥2000 on the receiver must be named; below ¥0.30 he must not.
const NAME_FROM_FEN: i64 = 200_000;
const NAMELESS_BELOW_FEN: i64 = 30;
/// How long the platform works on a transfer or its cancellation, at speed 1.
pub const PROCESSING: Wait = Wait::from_secs(1);
/// How long a receiver may take, at speed 1.
const CONFIRM_WITHIN: Wait = Wait::from_secs(24 * 3600);

#[derive(Default)]
pub struct Transfers {
    /// By `out_bill_no`.
    pub bills: HashMap<String, Transfer>,
    /// By `out_authorization_no`.
    authorizations: HashMap<String, Authorization>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    WaitUserConfirm,
    Transfering,
    Success,
    Fail,
    Canceling,
    Cancelled,
}

impl Stage {
    pub fn name(self) -> &'static str {
        match self {
            Self::WaitUserConfirm => "WAIT_USER_CONFIRM",
            // The provider's own spelling.
            Self::Transfering => "TRANSFERING",
            Self::Success => "SUCCESS",
            Self::Fail => "FAIL",
            Self::Canceling => "CANCELING",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Clone)]
pub struct Transfer {
    request: Value,
    mchid: String,
    pub out_bill_no: String,
    pub transfer_bill_no: String,
    pub openid: String,
    pub amount: i64,
    pub state: Stage,
    fail_reason: Option<&'static str>,
    /// Names it in the page's address, and is the `package_info`.
    token: String,
    created: OffsetDateTime,
    pub updated: OffsetDateTime,
    asked: Asked,
}

#[derive(Clone)]
struct Authorization {
    request: Value,
    authorization_id: Option<String>,
    /// `WAIT_USER_CONFIRM`, `TAKING_EFFECT` or `CLOSED`
    state: &'static str,
    closed: Option<(&'static str, OffsetDateTime)>,
    token: String,
    created: OffsetDateTime,
    confirmed: Option<OffsetDateTime>,
    asked: Asked,
}

impl Transfer {
    fn new(request: Value, openid: &str, mchid: &str, state: Stage, asked: Asked) -> Self {
        let now = clock::now();
        Self {
            out_bill_no: request["out_bill_no"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            mchid: mchid.to_owned(),
            transfer_bill_no: format!("1{}{}", random_digits(9), random_digits(18)),
            openid: openid.to_owned(),
            amount: request["transfer_amount"].as_i64().unwrap_or_default(),
            state,
            fail_reason: None,
            token: random_text(40),
            created: now,
            updated: now,
            asked,
            request,
        }
    }

    fn created_answer(&self) -> Value {
        let mut answer = json!({
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "create_time": clock::rfc3339(self.created),
            "state": self.state.name(),
        });
        if self.state == Stage::WaitUserConfirm {
            answer["package_info"] = self.token.as_str().into();
        }
        if let Some(reason) = self.fail_reason {
            answer["fail_reason"] = reason.into();
        }
        answer
    }

    /// As a query tells it; the name is sealed for the merchant.
    fn answer(&self, sandbox: &Sandbox) -> Value {
        let mut answer = self.told();
        answer["appid"] = self.request["appid"].clone();
        answer["transfer_remark"] = self.request["transfer_remark"].clone();
        if let Some(name) = self.request["user_name"].as_str() {
            answer["user_name"] = seal_field(sandbox, name).into();
        }
        answer
    }

    /// As its notification tells it.
    fn told(&self) -> Value {
        let mut told = json!({
            "mch_id": self.mchid,
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "state": self.state.name(),
            "transfer_amount": self.amount,
            "openid": self.openid,
            "create_time": clock::rfc3339(self.created),
            "update_time": clock::rfc3339(self.updated),
        });
        if let Some(reason) = self.fail_reason {
            told["fail_reason"] = reason.into();
        }
        told
    }

    fn cause(&self, kind: &'static str) -> Cause {
        Cause {
            name: "商家转账",
            kind,
            number: self.transfer_bill_no.clone(),
            voucher: self.out_bill_no.clone(),
            remark: self.request["transfer_remark"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// What people and tests see of it.
    pub fn view(&self, sandbox: &Sandbox) -> Value {
        let mut view = self.told();
        view["transfer_remark"] = self.request["transfer_remark"].clone();
        view["user_name"] = self.request["user_name"].clone();
        view["transfer_url"] = link(sandbox, &self.token).into();
        view
    }
}

fn link(sandbox: &Sandbox, token: &str) -> String {
    format!("{}/transfer/{token}", sandbox.address)
}

fn check_name(body: &Value) -> Result<(), Problem> {
    let amount = body["transfer_amount"].as_i64().unwrap_or_default();
    let refused = |issue| Err(Problem::parameter("body", "/user_name", None, issue));
    match body["user_name"].is_string() {
        false if amount >= NAME_FROM_FEN => {
            refused("转账金额2000元及以上时必填 (required from 200000 fen on)")
        }
        true if amount < NAMELESS_BELOW_FEN => {
            refused("转账金额低于0.3元时不支持 (not accepted below 30 fen)")
        }
        _ => Ok(()),
    }
}

fn repeated(ledger: &Ledger, body: &Value) -> Result<Option<Transfer>, Problem> {
    let number = body["out_bill_no"].as_str().unwrap_or_default();
    match ledger.families.transfers.bills.get(number) {
        Some(transfer) if transfer.request == *body => Ok(Some(transfer.clone())),
        Some(_) => Err(Problem::different_parameters()),
        None => Ok(None),
    }
}

fn check_report(body: &Value) -> Result<(), Problem> {
    match body["transfer_scene_report_infos"]
        .as_array()
        .is_some_and(|infos| !infos.is_empty())
    {
        true => Ok(()),
        false => Err(Problem::parameter(
            "body",
            "/transfer_scene_report_infos",
            None,
            "须按转账场景报备 (must not be empty)",
        )),
    }
}

/// A transfer that waits for its receiver. The money leaves the merchant's account at once.
fn create(sandbox: &Arc<Sandbox>, body: Value, asked: Asked) -> Result<Transfer, Problem> {
    own_appid(sandbox, &body["appid"])?;
    check_notify_url(&body)?;
    check_name(&body)?;
    check_report(&body)?;
    let openid = body["openid"].as_str().unwrap_or_default().to_owned();
    let mchid = &sandbox.merchant.mchid;
    let transfer = {
        let mut ledger = sandbox.ledger();
        if let Some(transfer) = repeated(&ledger, &body)? {
            return Ok(transfer);
        }
        let transfer = Transfer::new(body, &openid, mchid, Stage::WaitUserConfirm, asked);
        ledger.accept(transfer)?
    };
    announce(sandbox, &transfer);
    let (waiting, number) = (sandbox.clone(), transfer.out_bill_no.clone());
    tokio::spawn(async move {
        tokio::time::sleep(waiting.scaled(CONFIRM_WITHIN)).await;
        let still = [Stage::WaitUserConfirm];
        waiting
            .ledger()
            .change(&number, &still, Stage::Fail, Some("OVERDUE_CLOSE"))
            .inspect(|transfer| finished(&waiting, transfer));
    });
    Ok(transfer)
}

impl Ledger {
    fn accept(&mut self, transfer: Transfer) -> Result<Transfer, Problem> {
        self.books.transfer(
            transfer.cause("商家转账"),
            Account::operation(&transfer.mchid),
            Account::Transit,
            transfer.amount,
        )?;
        self.families
            .transfers
            .bills
            .insert(transfer.out_bill_no.clone(), transfer.clone());
        Ok(transfer)
    }

    /// Changes a transfer's state if it is one of `from`, and lets the money follow.
    fn change(
        &mut self,
        out_bill_no: &str,
        from: &[Stage],
        to: Stage,
        fail_reason: Option<&'static str>,
    ) -> Option<Transfer> {
        let transfer = self
            .families
            .transfers
            .bills
            .get_mut(out_bill_no)
            .filter(|transfer| from.contains(&transfer.state))?;
        transfer.state = to;
        transfer.fail_reason = fail_reason;
        transfer.updated = clock::now();
        let transfer = transfer.clone();
        let into = match to {
            Stage::Success => Account::Wallet(transfer.openid.clone()),
            Stage::Fail | Stage::Cancelled => Account::operation(&transfer.mchid),
            Stage::WaitUserConfirm | Stage::Transfering | Stage::Canceling => {
                return Some(transfer);
            }
        };
        let kind = match to {
            Stage::Success => "商家转账",
            _ => "商家转账退回",
        };
        self.books
            .transfer(
                transfer.cause(kind),
                Account::Transit,
                into,
                transfer.amount,
            )
            .expect("what is on its way can arrive");
        Some(transfer)
    }
}

fn announce(sandbox: &Sandbox, transfer: &Transfer) {
    sandbox.announce(json!({ "change": "transfer", "out_bill_no": transfer.out_bill_no, "state": transfer.state.name() }));
}

/// A transfer has come to its end, and is told.
fn finished(sandbox: &Arc<Sandbox>, transfer: &Transfer) {
    announce(sandbox, transfer);
    let Some(notify_url) = transfer.request["notify_url"].as_str() else {
        return;
    };
    let event = Event {
        event_type: "MCHTRANSFER.BILL.FINISHED",
        original_type: "mch_payment",
        summary: "商家转账单据终态通知",
        resource: transfer.told(),
        number: transfer.out_bill_no.clone(),
        notify_url: notify_url.to_owned(),
        asked: transfer.asked,
    };
    notifications::tell(sandbox, event);
}

/// The platform works on it, then it ends.
fn settle_later(sandbox: &Arc<Sandbox>, number: &str, from: Stage) {
    let (sandbox, number) = (sandbox.clone(), number.to_owned());
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(PROCESSING)).await;
        let wrong_name = is_wrong_name(&sandbox, &number);
        let (to, reason) = match from {
            Stage::Canceling => (Stage::Cancelled, None),
            _ if wrong_name => (Stage::Fail, Some("NAME_NOT_CORRECT")),
            _ => (Stage::Success, None),
        };
        let ended = sandbox.ledger().change(&number, &[from], to, reason);
        if let Some(transfer) = ended {
            finished(&sandbox, &transfer);
        }
    });
}

fn is_wrong_name(sandbox: &Sandbox, number: &str) -> bool {
    let Some(receiver) = sandbox.settings().receiver_name else {
        return false;
    };
    let ledger = sandbox.ledger();
    let transfer = ledger.families.transfers.bills.get(number);
    transfer
        .and_then(|transfer| transfer.request["user_name"].as_str())
        .is_some_and(|name| name != receiver)
}

fn find(sandbox: &Sandbox, input: &Input) -> Result<Transfer, Problem> {
    let ledger = sandbox.ledger();
    let bills = &ledger.families.transfers.bills;
    let found = match input.placeholder("transfer_bill_no") {
        "" => bills.get(input.placeholder("out_bill_no")),
        id => bills
            .values()
            .find(|transfer| transfer.transfer_bill_no == id),
    };
    found
        .cloned()
        .ok_or_else(|| Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "记录不存在"))
}

fn query(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    find(sandbox, input).map(|transfer| transfer.answer(sandbox).into())
}

fn cancel(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let found = find(sandbox, input)?;
    let changed = sandbox.ledger().change(
        &found.out_bill_no,
        &[Stage::WaitUserConfirm],
        Stage::Canceling,
        None,
    );
    let transfer = match changed {
        Some(transfer) => {
            announce(sandbox, &transfer);
            settle_later(sandbox, &transfer.out_bill_no, Stage::Canceling);
            transfer
        }
        None if matches!(found.state, Stage::Canceling | Stage::Cancelled) => found,
        None => {
            return Err(Problem::request(268435492, "当前单据状态不允许撤销"));
        }
    };
    Ok(json!({
        "out_bill_no": transfer.out_bill_no,
        "transfer_bill_no": transfer.transfer_bill_no,
        "state": transfer.state.name(),
        "update_time": clock::rfc3339(transfer.updated),
    })
    .into())
}

impl Authorization {
    fn new(request: Value, asked: Asked) -> Self {
        Self {
            authorization_id: None,
            state: "WAIT_USER_CONFIRM",
            closed: None,
            token: random_text(40),
            created: clock::now(),
            confirmed: None,
            asked,
            request,
        }
    }

    fn answer(&self) -> Value {
        let mut answer =
            json!({ "state": self.state, "create_time": clock::rfc3339(self.created) });
        for name in [
            "appid",
            "openid",
            "out_authorization_no",
            "user_display_name",
            "transfer_scene_id",
            "user_recv_perception",
        ] {
            if let Some(value) = self.request.get(name) {
                answer[name] = value.clone();
            }
        }
        if self.state == "WAIT_USER_CONFIRM" {
            answer["package_info"] = self.token.as_str().into();
        }
        if let Some(id) = &self.authorization_id {
            answer["authorization_id"] = id.as_str().into();
        }
        if let Some(at) = self.confirmed {
            answer["authorize_time"] = clock::rfc3339(at).into();
        }
        if let Some((reason, at)) = self.closed {
            answer["close_info"] =
                json!({ "close_reason": reason, "close_time": clock::rfc3339(at) });
        }
        answer
    }
}

fn check_authorization_url(body: &Value) -> Result<(), Problem> {
    let url = body["authorization_notify_url"]
        .as_str()
        .unwrap_or_default();
    loopback::target(url).map(drop).map_err(|issue| {
        Problem::parameter(
            "body",
            "/authorization_notify_url",
            Some(&url.into()),
            &issue,
        )
    })
}

fn authorize(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, AUTHORIZE)?;
    own_appid(sandbox, &body["appid"])?;
    check_authorization_url(&body)?;
    let authorization = ask(sandbox, body, input.asked)?;
    Ok(json!({
        "out_authorization_no": authorization.request["out_authorization_no"],
        "state": authorization.state,
        "create_time": clock::rfc3339(authorization.created),
        "package_info": authorization.token,
    })
    .into())
}

/// Asks the person, or finds that he has been asked the same.
fn ask(sandbox: &Sandbox, body: Value, asked: Asked) -> Result<Authorization, Problem> {
    let number = body["out_authorization_no"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let mut ledger = sandbox.ledger();
    let authorization = ledger
        .families
        .transfers
        .authorizations
        .entry(number)
        .or_insert_with(|| Authorization::new(body.clone(), asked));
    match authorization.request == body {
        true => Ok(authorization.clone()),
        false => Err(Problem::different_parameters()),
    }
}

/// A transfer and, on the same page, the question whether later ones may come without asking.
fn with_authorization(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, WITH_AUTHORIZATION)?;
    let Some(mut wish) = body.get("authorization_info").cloned() else {
        return create(sandbox, body, input.asked).map(|transfer| transfer.created_answer().into());
    };
    check_authorization_url(&wish)?;
    for name in ["appid", "openid", "transfer_scene_id"] {
        wish[name] = body[name].clone();
    }
    let transfer = create(sandbox, body, input.asked)?;
    let authorization = ask(sandbox, wish, input.asked)?;
    let mut answer = transfer.created_answer();
    answer["out_authorization_no"] = authorization.request["out_authorization_no"].clone();
    answer["user_display_name"] = authorization.request["user_display_name"].clone();
    Ok(answer.into())
}

/// A transfer that its receiver has allowed before.
fn authorized(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, AUTHORIZED)?;
    own_appid(sandbox, &body["appid"])?;
    check_notify_url(&body)?;
    check_name(&body)?;
    check_report(&body)?;
    let mut ledger = sandbox.ledger();
    let transfer = match repeated(&ledger, &body)? {
        Some(transfer) => transfer,
        None => {
            let authorization = ledger
                .families
                .transfers
                .authorizations
                .values()
                .find(|authorization| match body["authorization_id"].as_str() {
                    Some(id) => authorization.authorization_id.as_deref() == Some(id),
                    None => {
                        body["out_authorization_no"].is_string()
                            && authorization.request["out_authorization_no"]
                                == body["out_authorization_no"]
                    }
                })
                .filter(|authorization| authorization.state == "TAKING_EFFECT")
                .ok_or_else(|| Problem::request(268435493, "授权不存在或未生效"))?;
            let openid = authorization.request["openid"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let mchid = &sandbox.merchant.mchid;
            let transfer = Transfer::new(body, &openid, mchid, Stage::Transfering, input.asked);
            let transfer = ledger.accept(transfer)?;
            settle_later(sandbox, &transfer.out_bill_no, Stage::Transfering);
            transfer
        }
    };
    drop(ledger);
    announce(sandbox, &transfer);
    Ok(transfer.answer(sandbox).into())
}

fn query_authorization(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    sandbox
        .ledger()
        .families
        .transfers
        .authorizations
        .get(input.placeholder("out_authorization_no"))
        .map(|authorization| authorization.answer().into())
        .ok_or_else(|| Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "授权不存在"))
}

fn close_authorization(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let mut ledger = sandbox.ledger();
    let authorization = ledger
        .families
        .transfers
        .authorizations
        .get_mut(input.placeholder("out_authorization_no"))
        .ok_or_else(|| Problem::coded(StatusCode::NOT_FOUND, "NOT_FOUND", "授权不存在"))?;
    if authorization.state != "CLOSED" {
        authorization.state = "CLOSED";
        authorization.closed = Some(("CLOSE_VIA_MCH_API", clock::now()));
    }
    Ok(authorization.answer().into())
}

/// What a receiver's phone is handed by `wx.requestMerchantTransfer`, or by an app.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    mch_id: Option<String>,
    app_id: Option<String>,
    package: Option<String>,
}

/// `POST /sandbox/wx/request-merchant-transfer`: checks the parameters, answers the page's address.
pub async fn invoke(
    State(sandbox): State<Arc<Sandbox>>,
    Json(invocation): Json<Invocation>,
) -> Response {
    let refused =
        |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    if invocation.mch_id.as_deref() != Some(&sandbox.merchant.mchid) {
        return refused("mchId: 商户号不存在 (is not the merchant's mchid)");
    }
    if invocation
        .app_id
        .is_some_and(|appid| appid != sandbox.merchant.appid)
    {
        return refused("appId: 与下单的appid不一致 (is not the merchant's)");
    }
    let package = invocation.package.unwrap_or_default();
    match page_of(&sandbox, &package) {
        Some(_) => Json(json!({ "transfer_url": link(&sandbox, &package) })).into_response(),
        None => refused("package: 不存在 (unknown)"),
    }
}

enum Asks {
    Transfer(Box<Transfer>),
    /// By its number.
    Authorization(String),
}

fn page_of(sandbox: &Sandbox, token: &str) -> Option<Asks> {
    let ledger = sandbox.ledger();
    let transfers = &ledger.families.transfers;
    if let Some(transfer) = transfers.bills.values().find(|bill| bill.token == token) {
        return Some(Asks::Transfer(Box::new(transfer.clone())));
    }
    transfers
        .authorizations
        .iter()
        .find(|(_, authorization)| authorization.token == token)
        .map(|(number, _)| Asks::Authorization(number.clone()))
}

/// `GET /transfer/{token}/state`: what the receiver's page shows.
pub async fn page_state(
    State(sandbox): State<Arc<Sandbox>>,
    Path(token): Path<String>,
) -> Response {
    match page_of(&sandbox, &token) {
        Some(Asks::Transfer(transfer)) => Json(json!({
            "kind": "transfer",
            "merchant": MERCHANT_NAME,
            "state": transfer.state.name(),
            "amount_fen": transfer.amount,
            "remark": transfer.request["transfer_remark"],
            "perception": transfer.request["user_recv_perception"],
            "out_bill_no": transfer.out_bill_no,
            "transfer_bill_no": transfer.transfer_bill_no,
            "fail_reason": transfer.fail_reason,
            "updated": clock::rfc3339(transfer.updated),
            "may_authorize": transfer.request.get("authorization_info").is_some(),
        }))
        .into_response(),
        Some(Asks::Authorization(number)) => {
            let ledger = sandbox.ledger();
            let authorization = &ledger.families.transfers.authorizations[&number];
            Json(json!({
                "kind": "authorization",
                "merchant": MERCHANT_NAME,
                "state": authorization.state,
                "display_name": authorization.request["user_display_name"],
                "out_authorization_no": number,
                "authorization_id": authorization.authorization_id,
            }))
            .into_response()
        }
        None => (StatusCode::NOT_FOUND, Json(json!({ "state": "unknown" }))).into_response(),
    }
}

/// `POST /transfer/{token}/confirm`: the receiver takes the money, or allows what he is asked.
pub async fn page_confirm(
    State(sandbox): State<Arc<Sandbox>>,
    Path(token): Path<String>,
) -> Response {
    match page_of(&sandbox, &token) {
        Some(Asks::Transfer(transfer)) => {
            confirm(&sandbox, &transfer.out_bill_no);
            if let Some(number) = transfer
                .request
                .pointer("/authorization_info/out_authorization_no")
                .and_then(Value::as_str)
            {
                allow(&sandbox, number);
            }
        }
        Some(Asks::Authorization(number)) => allow(&sandbox, &number),
        None => {}
    }
    page_state(State(sandbox), Path(token)).await
}

/// Takes a waiting transfer; false when it does not wait.
pub fn confirm(sandbox: &Arc<Sandbox>, out_bill_no: &str) -> bool {
    let changed = sandbox.ledger().change(
        out_bill_no,
        &[Stage::WaitUserConfirm],
        Stage::Transfering,
        None,
    );
    let Some(transfer) = changed else {
        return false;
    };
    announce(sandbox, &transfer);
    settle_later(sandbox, out_bill_no, Stage::Transfering);
    true
}

fn allow(sandbox: &Arc<Sandbox>, out_authorization_no: &str) {
    let (resource, notify_url, asked) = {
        let mut ledger = sandbox.ledger();
        let authorizations = &mut ledger.families.transfers.authorizations;
        let Some(authorization) = authorizations
            .get_mut(out_authorization_no)
            .filter(|authorization| authorization.state == "WAIT_USER_CONFIRM")
        else {
            return;
        };
        authorization.state = "TAKING_EFFECT";
        authorization.authorization_id = Some(random_digits(32));
        authorization.confirmed = Some(clock::now());
        let url = authorization.request["authorization_notify_url"].clone();
        (authorization.answer(), url, authorization.asked)
    };
    sandbox.announce(json!({ "change": "transfer", "out_authorization_no": out_authorization_no, "state": "TAKING_EFFECT" }));
    let mut resource = resource;
    resource["mch_id"] = sandbox.merchant.mchid.as_str().into();
    let event = Event {
        event_type: "MCHTRANSFER.AUTHORIZATION.CONFIRMED",
        original_type: "mch_payment",
        summary: "用户确认免确认收款授权",
        resource,
        number: out_authorization_no.to_owned(),
        notify_url: notify_url.as_str().unwrap_or_default().to_owned(),
        asked,
    };
    notifications::tell(sandbox, event);
}

/// `GET /sandbox/transfers`: newest first.
pub async fn list(State(sandbox): State<Arc<Sandbox>>) -> Json<Value> {
    let ledger = sandbox.ledger();
    let mut bills: Vec<_> = ledger.families.transfers.bills.values().collect();
    bills.sort_by_key(|bill| std::cmp::Reverse((bill.created, bill.out_bill_no.clone())));
    Json(bills.into_iter().map(|bill| bill.view(&sandbox)).collect())
}

/// `POST /sandbox/transfers/{out_bill_no}/confirm`: as the receiver does on the page.
pub async fn confirm_by_number(
    State(sandbox): State<Arc<Sandbox>>,
    Path(out_bill_no): Path<String>,
) -> Response {
    match confirm(&sandbox, &out_bill_no) {
        true => StatusCode::NO_CONTENT.into_response(),
        false => (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "the transfer does not wait for its receiver" })),
        )
            .into_response(),
    }
}
