//! `alipay.fund.trans.*` and `alipay.fund.account.query`: transfers to a person, and what there is to draw on.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::books::Account;
use crate::clock;
use crate::crypto::random_digits;

use super::money::yuan;
use super::notices;
use super::operations::{Ask, Operation, Reply, api};
use super::parties::{balance, cause, post};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.fund.trans.uni.transfer", transfer),
    api("alipay.fund.trans.common.query", query),
    api("alipay.fund.account.query", account),
];

pub struct Transfer {
    pub out_biz_no: String,
    pub order_id: String,
    fund_order_id: String,
    pub amount: i64,
    request: Value,
    pub at: OffsetDateTime,
}

impl Transfer {
    /// Whether it bears this number of the provider's.
    pub fn has_number(&self, number: &str) -> bool {
        [&self.order_id, &self.fund_order_id].contains(&&number.to_owned())
    }

    fn answer(&self) -> Value {
        json!({
            "out_biz_no": self.out_biz_no,
            "order_id": self.order_id,
            "pay_fund_order_id": self.fund_order_id,
            "status": "SUCCESS",
            "trans_date": clock::plain(self.at),
        })
    }
}

fn transfer(ask: &Ask) -> Result<Reply, Refusal> {
    let out_biz_no = ask.number("", "out_biz_no")?.to_owned();
    let amount = ask.amount("", "trans_amount")?;
    let product = ask.required("", "product_code")?;
    let scene = ask.required("", "biz_scene")?;
    if (product, scene) != ("TRANS_ACCOUNT_NO_PWD", "DIRECT_TRANSFER") {
        let issue = "须为TRANS_ACCOUNT_NO_PWD，且biz_scene为DIRECT_TRANSFER";
        return Err(Refusal::parameter("", "product_code", issue));
    }
    ask.short("", "order_title", 128)?;
    let payee = ask.of(&ask.body["payee_info"]);
    let identity = payee.required("", "identity")?.to_owned();
    match payee.required("", "identity_type")? {
        "ALIPAY_USER_ID" if identity.starts_with("2088") && identity.len() == 16 => {}
        "ALIPAY_OPEN_ID" => {}
        // Whoever is named by an address or a number must be named by a name as well.
        "ALIPAY_LOGON_ID" => {
            payee.required("", "name")?;
        }
        "ALIPAY_USER_ID" => return Err(Refusal::business("PAYEE_NOT_EXIST", "收款账号不存在")),
        _ => return Err(Refusal::parameter("", "identity_type", "不支持")),
    }
    let mut state = ask.sandbox.alipay.state();
    let known = state
        .transfers
        .iter()
        .find(|one| one.out_biz_no == out_biz_no);
    if let Some(known) = known {
        // The money has gone once; the same request says so again.
        return match known.request == ask.body {
            true => Ok(known.answer().into()),
            false => Err(Refusal::business(
                "PAYMENT_INFO_INCONSISTENCY",
                "两次请求商户单号一样，但是参数不一致",
            )),
        };
    }
    let day = clock::date_digits(clock::now());
    let transfer = Transfer {
        order_id: format!("{day}110070000002{}", random_digits(12)),
        fund_order_id: format!("{day}110070001502{}", random_digits(12)),
        out_biz_no,
        amount,
        request: ask.body.clone(),
        at: clock::now(),
    };
    let moves = vec![
        (Account::basic(&ask.party.seller), -amount),
        (Account::Wallet(identity), amount),
    ];
    let cause = cause("转账", &transfer.order_id, &transfer.out_biz_no);
    post(ask.sandbox, &ask.party.seller, cause, moves)?;
    let answer = transfer.answer();
    let mut told = detail(&transfer);
    for name in ["product_code", "biz_scene"] {
        told[name] = transfer.request[name].clone();
    }
    let number = transfer.out_biz_no.clone();
    state.transfers.push(transfer);
    drop(state);
    ask.sandbox
        .announce(json!({ "change": "transfer", "out_biz_no": number }));
    notices::message(
        ask.sandbox,
        "alipay.fund.trans.order.changed",
        &number,
        ask.style,
        &told,
    );
    Ok(answer.into())
}

fn detail(transfer: &Transfer) -> Value {
    json!({
        "order_id": transfer.order_id,
        "pay_fund_order_id": transfer.fund_order_id,
        "out_biz_no": transfer.out_biz_no,
        "trans_amount": yuan(transfer.amount),
        "status": "SUCCESS",
        "pay_date": clock::plain(transfer.at),
        "order_fee": "0.00",
    })
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let state = ask.sandbox.alipay.state();
    let names = ["order_id", "pay_fund_order_id", "out_biz_no"];
    let Some((name, wanted)) = names
        .into_iter()
        .find_map(|name| ask.text(name).map(|text| (name, text)))
    else {
        return Err(Refusal::parameter(
            "",
            "out_biz_no",
            "与order_id、pay_fund_order_id不能同时为空",
        ));
    };
    let found = state.transfers.iter().find(|one| match name {
        "order_id" => one.order_id == wanted,
        "pay_fund_order_id" => one.fund_order_id == wanted,
        _ => one.out_biz_no == wanted,
    });
    found
        .map(|one| detail(one).into())
        .ok_or_else(|| Refusal::business("ORDER_NOT_EXIST", "转账订单不存在"))
}

fn account(ask: &Ask) -> Result<Reply, Refusal> {
    let names = ["alipay_user_id", "alipay_open_id"];
    let named = names.into_iter().find_map(|name| ask.text(name));
    if named.is_some_and(|named| named.starts_with("2088") && named != ask.party.seller) {
        return Err(Refusal::parameter(
            "",
            "alipay_user_id",
            "与应用的卖家不一致",
        ));
    }
    if ask
        .text("account_type")
        .is_some_and(|kind| kind != "ACCTRANS_ACCOUNT")
    {
        return Err(Refusal::parameter(
            "",
            "account_type",
            "须为ACCTRANS_ACCOUNT",
        ));
    }
    let available = balance(ask.sandbox, &ask.party.seller);
    Ok(json!({ "available_amount": yuan(available), "freeze_amount": "0.00" }).into())
}
