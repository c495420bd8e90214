//! `/v3/combine-transactions`: several orders, also of several merchants, that are paid as one.

use std::collections::HashSet;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::bodies::{
    CLIENT_IP, CNY, DEVICE_ID, H5_SCENE, ID, IDENTITY, NOTIFY_URL, OPENID, OUT_TRADE_NO,
    POSITIVE_FEN, SUBSIDY,
};
use super::partner::check_sub_mchid;
use super::pay::way_to_cashier;
use crate::cashier;
use crate::clock;
use crate::crypto::random_text;
use crate::fields::{Field, Kind, optional, required};
use crate::keys::MERCHANT_NAME;
use crate::notifications::{self, Event};
use crate::operations::{
    Input, Operation, Reply, check_notify_url, operation, own_appid, own_mchid,
};
use crate::orders::{
    Ledger, Order, Payable, SANDBOX_OPENID, TradeState, TradeType, key, prepay_id, transaction_id,
};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

pub const OPERATIONS: &[Operation] = &[
    operation("POST /v3/combine-transactions/app", |sandbox, input| {
        prepay(sandbox, TradeType::App, APP, input)
    }),
    operation("POST /v3/combine-transactions/h5", |sandbox, input| {
        prepay(sandbox, TradeType::H5, H5, input)
    }),
    operation("POST /v3/combine-transactions/jsapi", |sandbox, input| {
        prepay(sandbox, TradeType::Jsapi, JSAPI, input)
    }),
    operation(
        "POST /v3/combine-transactions/miniprogram",
        |sandbox, input| prepay(sandbox, TradeType::Jsapi, MINIPROGRAM, input),
    ),
    operation("POST /v3/combine-transactions/native", |sandbox, input| {
        prepay(sandbox, TradeType::Native, APP, input)
    }),
    operation(
        "GET /v3/combine-transactions/id/{combine_transaction_id}",
        query_by_id,
    ),
    operation(
        "GET /v3/combine-transactions/out-trade-no/{combine_out_trade_no}",
        query_by_number,
    ),
    operation(
        "POST /v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close",
        close,
    ),
];

const SUB_ORDER: Kind = Kind::Object(&[
    required("mchid", ID),
    required("out_trade_no", OUT_TRADE_NO),
    required("attach", Kind::Text { min: 1, max: 128 }),
    required("description", Kind::Text { min: 1, max: 127 }),
    required(
        "amount",
        Kind::Object(&[
            required("total_amount", POSITIVE_FEN),
            required("currency", CNY),
        ]),
    ),
    optional("sub_mchid", ID),
    optional("sub_appid", ID),
    optional("goods_tag", Kind::Text { min: 1, max: 32 }),
    optional("detail", Kind::Text { min: 1, max: 6000 }),
    optional("profit_sharing", Kind::Boolean),
    optional(
        "settle_info",
        Kind::Object(&[
            optional("profit_sharing", Kind::Boolean),
            optional(
                "subsidy_amount",
                Kind::Integer {
                    min: 0,
                    max: i64::MAX,
                },
            ),
        ]),
    ),
]);

macro_rules! combined {
    ($($more:expr),+ $(,)?) => {
        &[
            required("combine_appid", ID),
            required("combine_mchid", ID),
            required("combine_out_trade_no", OUT_TRADE_NO),
            required("sub_orders", Kind::List(&SUB_ORDER)),
            optional("time_start", Kind::Time),
            optional("time_expire", Kind::Time),
            optional("limit_pay", Kind::List(&Kind::OneOf(&["balance_only", "no_balance", "no_credit", "no_debit"]))),
            $($more),+
        ]
    };
}

const SCENE: Field = optional(
    "scene_info",
    Kind::Object(&[DEVICE_ID, required("payer_client_ip", CLIENT_IP)]),
);
const ADDRESS: Field = required("notify_url", NOTIFY_URL);
const APP: &[Field] = combined![
    ADDRESS,
    optional("combine_payer_info", Kind::Object(&[IDENTITY])),
    SCENE,
    SUBSIDY,
];
const H5: &[Field] = combined![
    ADDRESS,
    optional("combine_payer_info", Kind::Object(&[IDENTITY])),
    required("scene_info", H5_SCENE),
];
/// Of `openid` and `sub_openid` one must be there.
const PAYER: Kind = Kind::Object(&[
    optional("openid", OPENID),
    optional("sub_openid", OPENID),
    IDENTITY,
]);
const JSAPI: &[Field] = combined![
    ADDRESS,
    required("combine_payer_info", PAYER),
    SCENE,
    SUBSIDY
];
const MINIPROGRAM: &[Field] = combined![
    optional("notify_url", NOTIFY_URL),
    required(
        "combine_payer_info",
        Kind::Object(&[required("openid", OPENID)])
    ),
    SCENE,
];

const CLOSE: &[Field] = &[
    required("combine_appid", ID),
    required(
        "sub_orders",
        Kind::List(&Kind::Object(&[
            required("mchid", ID),
            required("out_trade_no", OUT_TRADE_NO),
            optional("sub_mchid", ID),
            optional("sub_appid", ID),
        ])),
    ),
];

const MOST_SUB_ORDERS: usize = 50;

#[derive(Clone)]
pub struct Combined {
    /// The body of the first request, sealed fields opened.
    pub request: Value,
    /// `combine_out_trade_no`
    pub number: String,
    /// The sub-orders in the order they were named, as the ledger calls them.
    keys: Vec<String>,
    pub trade_type: TradeType,
    pub prepay_id: String,
    pub token: String,
    total: i64,
    link_expires: OffsetDateTime,
    pub expires: Option<OffsetDateTime>,
    transaction_id: Option<String>,
    asked: Asked,
}

impl Combined {
    fn orders<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = &'a Order> {
        self.keys.iter().filter_map(|key| ledger.order(key))
    }

    pub fn payable(&self, ledger: &Ledger) -> Payable {
        let now = clock::now();
        let state = self.orders(ledger).next().map(|order| order.state);
        match state {
            _ if self.transaction_id.is_some() => Payable::Paid,
            Some(TradeState::NotPay)
                if now < self.link_expires && self.expires.is_none_or(|end| now < end) =>
            {
                Payable::Open
            }
            Some(TradeState::NotPay) => Payable::Expired,
            _ => Payable::Closed,
        }
    }

    /// As a query and a notification tell it.
    fn answer(&self, ledger: &Ledger) -> Value {
        let openid = self.request.pointer("/combine_payer_info/openid");
        let mut answer = json!({
            "combine_appid": self.request["combine_appid"],
            "combine_mchid": self.request["combine_mchid"],
            "combine_out_trade_no": self.number,
            "combine_payer_info": { "openid": openid.and_then(Value::as_str).unwrap_or(SANDBOX_OPENID) },
            "sub_orders": self.orders(ledger).map(sub_answer).collect::<Value>(),
        });
        if let Some(id) = &self.transaction_id {
            answer["combine_transaction_id"] = id.as_str().into();
        }
        if let Some(device_id) = self.request.pointer("/scene_info/device_id") {
            answer["scene_info"] = json!({ "device_id": device_id });
        }
        answer
    }

    pub fn cashier_view(&self, ledger: &Ledger) -> Value {
        let first = self.orders(ledger).next();
        json!({
            "merchant": MERCHANT_NAME,
            "description": format!("{} 等{}单 · {} orders", first.map_or("", Order::description), self.keys.len(), self.keys.len()),
            "amount_fen": self.total,
            "out_trade_no": self.number,
            "trade_type": self.trade_type.name(),
            "state": cashier::state_word(self.payable(ledger)),
            "transaction_id": self.transaction_id,
            "paid_at": first.and_then(|order| order.payment.as_ref()).map(|payment| clock::rfc3339(payment.at)),
            "parts": self.orders(ledger).map(|order| json!({
                "description": order.description(),
                "amount_fen": order.total,
                "out_trade_no": order.out_trade_no,
                "merchant": order.payee,
            })).collect::<Value>(),
        })
    }
}

fn sub_answer(order: &Order) -> Value {
    let mut amount = json!({ "total_amount": order.total, "currency": "CNY" });
    let mut answer = json!({
        "mchid": order.request.get("mchid").or(order.request.get("sp_mchid")),
        "out_trade_no": order.out_trade_no,
        "attach": order.request["attach"],
        "trade_state": order.state.name(),
    });
    for name in ["sub_mchid", "sub_appid"] {
        if let Some(value) = order.request.get(name) {
            answer[name] = value.clone();
        }
    }
    if let Some(payment) = &order.payment {
        amount["payer_amount"] = order.total.into();
        amount["payer_currency"] = "CNY".into();
        answer["transaction_id"] = payment.transaction_id.as_str().into();
        answer["trade_type"] = order.trade_type.name().into();
        answer["bank_type"] = "OTHERS".into();
        answer["success_time"] = clock::rfc3339(payment.at).into();
    }
    answer["amount"] = amount;
    answer
}

fn prepay(
    sandbox: &Arc<Sandbox>,
    trade_type: TradeType,
    fields: &[Field],
    input: &Input,
) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, fields)?;
    own_mchid(sandbox, &body["combine_mchid"])?;
    own_appid(sandbox, &body["combine_appid"])?;
    check_notify_url(&body)?;
    let payer = &body["combine_payer_info"];
    if trade_type == TradeType::Jsapi
        && !payer["openid"].is_string()
        && !payer["sub_openid"].is_string()
    {
        return Err(Problem::parameter(
            "body",
            "/combine_payer_info/openid",
            None,
            "openid和sub_openid二选一 (one of both is required)",
        ));
    }
    check_sub_orders(sandbox, &body["sub_orders"])?;
    let combined = place(&mut sandbox.ledger(), trade_type, body, input.asked)?;
    sandbox.announce(
        json!({ "change": "order", "combine_out_trade_no": combined.number, "state": "NOTPAY" }),
    );
    Ok(way_to_cashier(sandbox, trade_type, &combined.prepay_id, &combined.token).into())
}

fn check_sub_orders(sandbox: &Sandbox, sub_orders: &Value) -> Result<(), Problem> {
    let sub_orders = sub_orders.as_array().map_or(&[][..], Vec::as_slice);
    let refused = |field: &str, issue| Err(Problem::parameter("body", field, None, issue));
    if sub_orders.is_empty() || sub_orders.len() > MOST_SUB_ORDERS {
        return refused("/sub_orders", "须为1至50条 (from 1 to 50)");
    }
    let mut seen = HashSet::new();
    for (index, order) in sub_orders.iter().enumerate() {
        own_mchid(sandbox, &order["mchid"])?;
        if let Some(sub_mchid) = order["sub_mchid"].as_str() {
            check_sub_mchid(sandbox, sub_mchid)?;
        }
        if !seen.insert(sub_key(order)) {
            return refused(
                &format!("/sub_orders/{index}/out_trade_no"),
                "子单商户订单号重复 (comes twice)",
            );
        }
    }
    Ok(())
}

fn sub_key(order: &Value) -> String {
    key(
        order["sub_mchid"].as_str(),
        order["out_trade_no"].as_str().unwrap_or_default(),
    )
}

fn place(
    ledger: &mut Ledger,
    trade_type: TradeType,
    request: Value,
    asked: Asked,
) -> Result<Combined, Problem> {
    let number = request["combine_out_trade_no"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let now = clock::now();
    if let Some(existing) = ledger.combined.get(&number).cloned() {
        if existing.trade_type != trade_type || existing.request != request {
            return Err(Problem::different_parameters());
        }
        return match existing.payable(ledger) {
            Payable::Paid => Err(Problem::order_paid()),
            Payable::Closed => Err(Problem::order_closed()),
            Payable::Expired if existing.expires.is_some_and(|end| end <= now) => {
                Err(Problem::order_expired())
            }
            Payable::Open | Payable::Expired => {
                let renewed = ledger.combined.get_mut(&number).expect("just found");
                renewed.link_expires = now + trade_type.link_lifetime();
                Ok(renewed.clone())
            }
        };
    }
    let expires = request["time_expire"]
        .as_str()
        .and_then(clock::parse_rfc3339);
    if expires.is_some_and(|end| end <= now) {
        return Err(Problem::parameter(
            "body",
            "/time_expire",
            request.get("time_expire"),
            "须晚于当前时间 (lies in the past)",
        ));
    }
    let orders: Vec<Order> = request["sub_orders"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|sub_order| {
            let mut order = Order::new(trade_type, ordinary(&request, sub_order), asked);
            order.combined = Some(number.clone());
            order
        })
        .collect();
    if orders
        .iter()
        .any(|order| ledger.order(&order.key).is_some())
    {
        return Err(Problem::coded(
            StatusCode::FORBIDDEN,
            "OUT_TRADE_NO_USED",
            "子单商户订单号已被使用",
        ));
    }
    let total = orders
        .iter()
        .try_fold(0_i64, |sum, order| sum.checked_add(order.total))
        .ok_or_else(|| Problem::request(268435476, "合单总金额超出范围"))?;
    let combined = Combined {
        keys: orders.iter().map(|order| order.key.clone()).collect(),
        number: number.clone(),
        trade_type,
        prepay_id: prepay_id(now),
        token: random_text(24),
        total,
        link_expires: now + trade_type.link_lifetime(),
        expires,
        transaction_id: None,
        asked,
        request,
    };
    for order in orders {
        ledger.place(order)?;
    }
    ledger.combined.insert(number, combined.clone());
    Ok(combined)
}

/// A sub-order as the order it would be on its own.
fn ordinary(request: &Value, sub_order: &Value) -> Value {
    let (appid, mchid) = match sub_order["sub_mchid"].is_string() {
        true => ("sp_appid", "sp_mchid"),
        false => ("appid", "mchid"),
    };
    let mut order = json!({
        appid: request["combine_appid"],
        mchid: sub_order["mchid"],
        "description": sub_order["description"],
        "out_trade_no": sub_order["out_trade_no"],
        "attach": sub_order["attach"],
        "amount": { "total": sub_order["amount"]["total_amount"], "currency": "CNY" },
        "notify_url": request["notify_url"],
    });
    for name in ["sub_mchid", "sub_appid", "settle_info"] {
        if let Some(value) = sub_order.get(name) {
            order[name] = value.clone();
        }
    }
    if sub_order["profit_sharing"] == true {
        order["settle_info"] = json!({ "profit_sharing": true });
    }
    if let Some(openid) = request.pointer("/combine_payer_info/openid") {
        let name = if appid == "appid" {
            "openid"
        } else {
            "sp_openid"
        };
        order["payer"] = json!({ name: openid });
    }
    if let Some(time_expire) = request.get("time_expire") {
        order["time_expire"] = time_expire.clone();
    }
    order
}

/// Pays every sub-order at once, and tells it once.
pub fn pay(sandbox: &Arc<Sandbox>, number: &str) -> Result<Value, Problem> {
    let (combined, told) = {
        let mut ledger = sandbox.ledger();
        let combined = ledger
            .combined
            .get(number)
            .cloned()
            .ok_or_else(Problem::order_not_exist)?;
        match combined.payable(&ledger) {
            Payable::Open => {}
            Payable::Paid => return Err(Problem::order_paid()),
            Payable::Closed => return Err(Problem::order_closed()),
            Payable::Expired => return Err(Problem::order_expired()),
        }
        for key in &combined.keys {
            let order = ledger.pay(key)?.clone();
            super::sharing::unfreeze_in_time(sandbox, &order);
        }
        let paid = ledger.combined.get_mut(number).expect("just found");
        paid.transaction_id = Some(transaction_id(clock::now()));
        let paid = paid.clone();
        let told = paid.answer(&ledger);
        (paid, told)
    };
    sandbox
        .announce(json!({ "change": "order", "combine_out_trade_no": number, "state": "SUCCESS" }));
    if let Some(notify_url) = combined.request["notify_url"].as_str() {
        let event = Event {
            event_type: "TRANSACTION.SUCCESS",
            original_type: "transaction",
            summary: "支付成功",
            resource: told.clone(),
            number: number.to_owned(),
            notify_url: notify_url.to_owned(),
            asked: combined.asked,
        };
        notifications::tell(sandbox, event);
    }
    Ok(told)
}

fn query_by_id(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let id = input.placeholder("combine_transaction_id");
    let ledger = sandbox.ledger();
    ledger
        .combined
        .values()
        .find(|combined| combined.transaction_id.as_deref() == Some(id))
        .map(|combined| combined.answer(&ledger).into())
        .ok_or_else(Problem::order_not_exist)
}

fn query_by_number(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let ledger = sandbox.ledger();
    ledger
        .combined
        .get(input.placeholder("combine_out_trade_no"))
        .map(|combined| combined.answer(&ledger).into())
        .ok_or_else(Problem::order_not_exist)
}

fn close(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, CLOSE)?;
    own_appid(sandbox, &body["combine_appid"])?;
    let number = input.placeholder("combine_out_trade_no");
    let mut ledger = sandbox.ledger();
    let combined = ledger
        .combined
        .get(number)
        .cloned()
        .ok_or_else(Problem::order_not_exist)?;
    let named: HashSet<String> = body["sub_orders"]
        .as_array()
        .into_iter()
        .flatten()
        .map(sub_key)
        .collect();
    if named != combined.keys.iter().cloned().collect() {
        return Err(Problem::parameter(
            "body",
            "/sub_orders",
            None,
            "须为该合单的全部子单 (must be all sub-orders of this order)",
        ));
    }
    if combined.transaction_id.is_some() {
        return Err(Problem::order_paid());
    }
    for key in &combined.keys {
        ledger.shut(key)?;
    }
    drop(ledger);
    sandbox
        .announce(json!({ "change": "order", "combine_out_trade_no": number, "state": "CLOSED" }));
    Ok(Reply::Nothing)
}

impl Ledger {
    pub fn combined_by_token(&self, token: &str) -> Option<&Combined> {
        self.combined
            .values()
            .find(|combined| combined.token == token)
    }

    pub fn combined_by_prepay_id(&self, prepay_id: &str) -> Option<&Combined> {
        self.combined
            .values()
            .find(|combined| combined.prepay_id == prepay_id)
    }
}
