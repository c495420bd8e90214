//! Balances and withdrawals: a merchant's own below `/v3/merchant/fund`, a sub-merchant's below
//! `/v3/ecommerce/fund`.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::bodies::{ID, NOTIFY_URL, POSITIVE_FEN};
use super::files;
use super::partner::check_sub_mchid;
use crate::books::{Account, Cause, Kind as AccountKind};
use crate::clock;
use crate::crypto::random_digits;
use crate::fields::{Field, Kind, optional, required};
use crate::notifications::{self, Event};
use crate::operations::{Input, Operation, Reply, check_notify_url, operation};
use crate::orders::{Ledger, key};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

pub const OPERATIONS: &[Operation] = &[
    operation("GET /v3/merchant/fund/balance/{account_type}", balance),
    operation(
        "GET /v3/merchant/fund/dayendbalance/{account_type}",
        balance_at_end_of_day,
    ),
    operation("POST /v3/merchant/fund/withdraw", |sandbox, input| {
        let body = input.checked_body(sandbox, WITHDRAW)?;
        withdraw(sandbox, body, input)
    }),
    operation(
        "GET /v3/merchant/fund/withdraw/out-request-no/{out_request_no}",
        |sandbox, input| query(sandbox, input, false),
    ),
    operation(
        "GET /v3/merchant/fund/withdraw/withdraw-id/{withdraw_id}",
        |sandbox, input| query(sandbox, input, false),
    ),
    operation(
        "GET /v3/merchant/fund/withdraw/bill-type/{bill_type}",
        failed_withdrawals,
    ),
    operation("GET /v3/ecommerce/fund/balance/{sub_mchid}", sub_balance),
    operation(
        "GET /v3/ecommerce/fund/enddaybalance/{sub_mchid}",
        sub_balance_at_end_of_day,
    ),
    operation("POST /v3/ecommerce/fund/withdraw", |sandbox, input| {
        let body = input.checked_body(sandbox, SUB_WITHDRAW)?;
        check_sub_mchid(sandbox, body["sub_mchid"].as_str().unwrap_or_default())?;
        withdraw(sandbox, body, input)
    }),
    operation(
        "GET /v3/ecommerce/fund/withdraw/out-request-no/{out_request_no}",
        |sandbox, input| query(sandbox, input, true),
    ),
    operation(
        "GET /v3/ecommerce/fund/withdraw/{withdraw_id}",
        |sandbox, input| query(sandbox, input, true),
    ),
];

const OUT_REQUEST_NO: Field = required(
    "out_request_no",
    Kind::Number {
        min: 1,
        max: 32,
        also: "",
    },
);
const ACCOUNTS: Kind = Kind::OneOf(&["BASIC", "OPERATION", "FEES"]);
const WITHDRAW: &[Field] = &[
    OUT_REQUEST_NO,
    required("amount", POSITIVE_FEN),
    required("account_type", ACCOUNTS),
    optional("remark", Kind::Text { min: 1, max: 56 }),
    optional("bank_memo", Kind::Text { min: 1, max: 32 }),
    optional("notify_url", NOTIFY_URL),
];
const SUB_WITHDRAW: &[Field] = &[
    required("sub_mchid", ID),
    OUT_REQUEST_NO,
    required("amount", POSITIVE_FEN),
    optional("account_type", ACCOUNTS),
    optional("remark", Kind::Text { min: 1, max: 56 }),
    optional("bank_memo", Kind::Text { min: 1, max: 32 }),
    optional("notify_url", NOTIFY_URL),
];

/// How long a bank works on a withdrawal, at speed 1.
const BANK: std::time::Duration = std::time::Duration::from_secs(2);

/// By number, with the sub-merchant's before it.
pub type Withdrawals = HashMap<String, Withdrawal>;

#[derive(Clone)]
pub struct Withdrawal {
    request: Value,
    key: String,
    owner: String,
    account: AccountKind,
    amount: i64,
    withdraw_id: String,
    status: &'static str,
    created: OffsetDateTime,
    updated: OffsetDateTime,
    asked: Asked,
}

fn account_type(input: &Input) -> Result<AccountKind, Problem> {
    let name = input.placeholder("account_type");
    AccountKind::parse(name)
        .filter(|kind| *kind != AccountKind::Deposit)
        .ok_or_else(|| unknown_account("path", name))
}

fn unknown_account(location: &str, name: &str) -> Problem {
    Problem::parameter(
        location,
        "account_type",
        Some(&name.into()),
        "须为BASIC、OPERATION、FEES之一 (not an allowed value)",
    )
}

/// What can be used, and what waits for sharing.
fn amounts(ledger: &Ledger, mchid: &str, kind: AccountKind) -> Value {
    let pending = match kind {
        AccountKind::Basic => ledger.books.balance(&Account::Frozen(mchid.to_owned())),
        _ => 0,
    };
    json!({
        "available_amount": ledger.books.balance(&Account::Available(mchid.to_owned(), kind)),
        "pending_amount": pending,
    })
}

fn amounts_at_end_of(
    ledger: &Ledger,
    mchid: &str,
    kind: AccountKind,
    input: &Input,
) -> Result<Value, Problem> {
    let day = files::past_day(&input.required_query("date")?, "date")?;
    let at_end = |account| ledger.books.balance_at_end_of(&account, day);
    let pending = match kind {
        AccountKind::Basic => at_end(Account::Frozen(mchid.to_owned())),
        _ => 0,
    };
    Ok(json!({
        "available_amount": at_end(Account::Available(mchid.to_owned(), kind)),
        "pending_amount": pending,
    }))
}

fn balance(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let kind = account_type(input)?;
    Ok(amounts(&sandbox.ledger(), &sandbox.merchant.mchid, kind).into())
}

fn balance_at_end_of_day(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let kind = account_type(input)?;
    amounts_at_end_of(&sandbox.ledger(), &sandbox.merchant.mchid, kind, input).map(Reply::from)
}

/// The sub-merchant and account of a query; BASIC when it names none.
fn sub_account(sandbox: &Sandbox, input: &Input) -> Result<(String, AccountKind), Problem> {
    let sub_mchid = input.placeholder("sub_mchid");
    check_sub_mchid(sandbox, sub_mchid)?;
    let name = input
        .query("account_type")
        .unwrap_or_else(|| "BASIC".into());
    let kind = AccountKind::parse(&name).ok_or_else(|| unknown_account("query", &name))?;
    Ok((sub_mchid.to_owned(), kind))
}

fn named(mut answer: Value, sub_mchid: &str, kind: AccountKind) -> Reply {
    answer["sub_mchid"] = sub_mchid.into();
    answer["account_type"] = kind.name().into();
    answer.into()
}

fn sub_balance(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let (sub_mchid, kind) = sub_account(sandbox, input)?;
    let answer = amounts(&sandbox.ledger(), &sub_mchid, kind);
    Ok(named(answer, &sub_mchid, kind))
}

fn sub_balance_at_end_of_day(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let (sub_mchid, kind) = sub_account(sandbox, input)?;
    let answer = amounts_at_end_of(&sandbox.ledger(), &sub_mchid, kind, input)?;
    Ok(named(answer, &sub_mchid, kind))
}

fn withdraw(sandbox: &Arc<Sandbox>, body: Value, input: &Input) -> Result<Reply, Problem> {
    check_notify_url(&body)?;
    let sub_mchid = body["sub_mchid"].as_str();
    let number = body["out_request_no"].as_str().unwrap_or_default();
    let withdrawal_key = key(sub_mchid, number);
    let mut ledger = sandbox.ledger();
    if let Some(existing) = ledger.families.withdrawals.get(&withdrawal_key) {
        return match existing.request == body {
            true => Ok(existing.receipt().into()),
            false => Err(Problem::different_parameters()),
        };
    }
    let now = clock::now();
    let withdrawal = Withdrawal {
        key: withdrawal_key.clone(),
        owner: sub_mchid.unwrap_or(&sandbox.merchant.mchid).to_owned(),
        account: body["account_type"]
            .as_str()
            .and_then(AccountKind::parse)
            .unwrap_or(AccountKind::Basic),
        amount: body["amount"].as_i64().unwrap_or_default(),
        withdraw_id: format!("1{}", random_digits(27)),
        status: "CREATE_SUCCESS",
        created: now,
        updated: now,
        asked: input.asked,
        request: body,
    };
    let from = Account::Available(withdrawal.owner.clone(), withdrawal.account);
    ledger.books.transfer(
        withdrawal.cause("提现"),
        from,
        Account::Transit,
        withdrawal.amount,
    )?;
    let answer = withdrawal.receipt();
    ledger
        .families
        .withdrawals
        .insert(withdrawal_key, withdrawal.clone());
    drop(ledger);
    arrive(sandbox, withdrawal);
    Ok(answer.into())
}

/// The bank works on it, then it has arrived.
fn arrive(sandbox: &Arc<Sandbox>, withdrawal: Withdrawal) {
    let sandbox = sandbox.clone();
    tokio::spawn(async move {
        tokio::time::sleep(sandbox.scaled(BANK)).await;
        let settled = {
            let mut ledger = sandbox.ledger();
            ledger
                .books
                .transfer(
                    withdrawal.cause("提现"),
                    Account::Transit,
                    Account::Banks,
                    withdrawal.amount,
                )
                .expect("what is on its way can arrive");
            let Some(settled) = ledger.families.withdrawals.get_mut(&withdrawal.key) else {
                return;
            };
            settled.status = "SUCCESS";
            settled.updated = clock::now();
            settled.clone()
        };
        sandbox.announce(json!({ "change": "withdrawal", "withdraw_id": settled.withdraw_id, "status": settled.status }));
        let Some(notify_url) = settled.request["notify_url"].as_str() else {
            return;
        };
        let event = Event {
            event_type: "MCHWITHDRAW.CHANGE",
            original_type: "mch_withdraw",
            summary: "提现状态变更",
            resource: settled.answer(&sandbox.merchant.mchid),
            number: settled.request["out_request_no"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            notify_url: notify_url.to_owned(),
            asked: settled.asked,
        };
        notifications::tell(&sandbox, event);
    });
}

impl Withdrawal {
    fn receipt(&self) -> Value {
        let mut receipt = json!({
            "out_request_no": self.request["out_request_no"],
            "withdraw_id": self.withdraw_id,
        });
        if self.request["sub_mchid"].is_string() {
            receipt["sub_mchid"] = self.request["sub_mchid"].clone();
            receipt["account_type"] = self.account.name().into();
        }
        receipt
    }

    fn answer(&self, own_mchid: &str) -> Value {
        let mut answer = self.receipt();
        let told = json!({
            "status": self.status,
            "amount": self.amount,
            "account_type": self.account.name(),
            "create_time": clock::rfc3339(self.created),
            "update_time": clock::rfc3339(self.updated),
            "reason": "",
            "remark": self.request["remark"].as_str().unwrap_or_default(),
            "bank_memo": self.request["bank_memo"].as_str().unwrap_or_default(),
            "account_number": "1234",
            "account_bank": "工商银行",
            "bank_name": "中国工商银行股份有限公司深圳分行",
            "solution": "",
        });
        if self.request["sub_mchid"].is_string() {
            answer["sp_mchid"] = own_mchid.into();
        }
        if let (Value::Object(answer), Value::Object(told)) = (&mut answer, told) {
            answer.extend(told);
        }
        answer
    }

    fn cause(&self, kind: &'static str) -> Cause {
        let text = |name: &str| self.request[name].as_str().unwrap_or_default().to_owned();
        Cause {
            name: "提现",
            kind,
            number: self.withdraw_id.clone(),
            voucher: text("out_request_no"),
            remark: text("remark"),
        }
    }
}

fn query(sandbox: &Arc<Sandbox>, input: &Input, of_sub_merchant: bool) -> Result<Reply, Problem> {
    let sub_mchid = match of_sub_merchant {
        true => Some(input.required_query("sub_mchid")?),
        false => None,
    };
    let ledger = sandbox.ledger();
    let withdrawals = &ledger.families.withdrawals;
    let found = match input.placeholder("withdraw_id") {
        "" => withdrawals.get(&key(
            sub_mchid.as_deref(),
            input.placeholder("out_request_no"),
        )),
        id => withdrawals.values().find(|withdrawal| {
            withdrawal.withdraw_id == id
                && withdrawal.request["sub_mchid"].as_str() == sub_mchid.as_deref()
        }),
    };
    found
        .map(|withdrawal| withdrawal.answer(&sandbox.merchant.mchid).into())
        .ok_or_else(|| Problem::not_found("提现单不存在"))
}

/// The bill of withdrawals that failed. None fail here.
fn failed_withdrawals(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    if input.placeholder("bill_type") != "NO_SUCC" {
        return Err(Problem::parameter(
            "path",
            "bill_type",
            None,
            "须为NO_SUCC (not an allowed value)",
        ));
    }
    files::bill_day(sandbox, input)?;
    Err(Problem::no_statement())
}
