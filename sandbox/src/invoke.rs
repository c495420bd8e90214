//! What the WeChat client does with a shop's payment parameters: checks them, then opens the cashier.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::cashier;
use crate::clock;
use crate::orders::{Payable, TradeType};
use crate::sandbox::Sandbox;

/// How old `timeStamp` may be: the prepay id lives two hours, and so may what is signed over it.
const OLDEST_S: i64 = 2 * 3600;
const NEWEST_S: i64 = 300;

/// The parameters of `wx.requestPayment` and of `getBrandWCPayRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JsapiParameters {
    /// A mini-program does not pass it; the client knows its own.
    app_id: Option<String>,
    time_stamp: Option<String>,
    nonce_str: Option<String>,
    package: Option<String>,
    sign_type: Option<String>,
    pay_sign: Option<String>,
}

/// The parameters an app hands to the WeChat client.
#[derive(Deserialize)]
pub struct AppParameters {
    appid: Option<String>,
    partnerid: Option<String>,
    prepayid: Option<String>,
    package: Option<String>,
    noncestr: Option<String>,
    timestamp: Option<String>,
    sign: Option<String>,
}

pub async fn jsapi(
    State(sandbox): State<Arc<Sandbox>>,
    Json(parameters): Json<JsapiParameters>,
) -> Response {
    reply(check_jsapi(&sandbox, parameters))
}

pub async fn app(
    State(sandbox): State<Arc<Sandbox>>,
    Json(parameters): Json<AppParameters>,
) -> Response {
    reply(check_app(&sandbox, parameters))
}

/// The cashier's address, or why the client would not open it.
fn reply(result: Result<String, String>) -> Response {
    match result {
        Ok(cashier_url) => Json(json!({ "cashier_url": cashier_url })).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response(),
    }
}

fn check_jsapi(sandbox: &Sandbox, parameters: JsapiParameters) -> Result<String, String> {
    let app_id = parameters
        .app_id
        .unwrap_or_else(|| sandbox.merchant.appid.clone());
    let time_stamp = present("timeStamp", parameters.time_stamp)?;
    let nonce_str = present("nonceStr", parameters.nonce_str)?;
    let package = present("package", parameters.package)?;
    let pay_sign = present("paySign", parameters.pay_sign)?;
    let sign_type = sandbox.merchant.scheme.algorithm_type();
    if present("signType", parameters.sign_type)? != sign_type {
        return Err(format!("signType: 须为{sign_type} (must be {sign_type})"));
    }
    check_appid(
        "appId",
        sandbox,
        &app_id,
        package.trim_start_matches("prepay_id="),
    )?;
    check_time("timeStamp", &time_stamp)?;
    let prepay_id = package
        .strip_prefix("prepay_id=")
        .ok_or("package: 须以prepay_id=开头 (must begin with prepay_id=)")?;
    check_sign(
        "paySign",
        sandbox,
        &[&app_id, &time_stamp, &nonce_str, &package],
        &pay_sign,
    )?;
    open(sandbox, TradeType::Jsapi, prepay_id)
}

fn check_app(sandbox: &Sandbox, parameters: AppParameters) -> Result<String, String> {
    let appid = present("appid", parameters.appid)?;
    let prepayid = present("prepayid", parameters.prepayid)?;
    let noncestr = present("noncestr", parameters.noncestr)?;
    let timestamp = present("timestamp", parameters.timestamp)?;
    let sign = present("sign", parameters.sign)?;
    let partnerid = present("partnerid", parameters.partnerid)?;
    if partnerid != sandbox.merchant.mchid && !names(sandbox, &prepayid, "sub_mchid", &partnerid) {
        return Err("partnerid: 商户号不存在 (is not the merchant's mchid)".into());
    }
    if present("package", parameters.package)? != "Sign=WXPay" {
        return Err("package: 须为Sign=WXPay (must be Sign=WXPay)".into());
    }
    check_appid("appid", sandbox, &appid, &prepayid)?;
    check_time("timestamp", &timestamp)?;
    check_sign(
        "sign",
        sandbox,
        &[&appid, &timestamp, &noncestr, &prepayid],
        &sign,
    )?;
    open(sandbox, TradeType::App, &prepayid)
}

fn present(name: &str, value: Option<String>) -> Result<String, String> {
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| format!("{name}: 缺少参数 (missing)"))
}

/// The merchant's own app, or the one of the sub-merchant who is paid.
fn check_appid(name: &str, sandbox: &Sandbox, appid: &str, prepay_id: &str) -> Result<(), String> {
    let known = appid == sandbox.merchant.appid || names(sandbox, prepay_id, "sub_appid", appid);
    known
        .then_some(())
        .ok_or_else(|| format!("{name}: 与下单的appid不一致 (is not the merchant's)"))
}

/// Whether the order of that prepay id says so.
fn names(sandbox: &Sandbox, prepay_id: &str, field: &str, value: &str) -> bool {
    let ledger = sandbox.ledger();
    ledger
        .by_prepay_id(prepay_id)
        .is_some_and(|order| order.request[field] == value)
}

fn check_time(name: &str, text: &str) -> Result<(), String> {
    let seconds: i64 = text
        .parse()
        .map_err(|_| format!("{name}: 须为秒级时间戳 (must be seconds)"))?;
    let age = clock::now().unix_timestamp() - seconds;
    (-NEWEST_S..=OLDEST_S)
        .contains(&age)
        .then_some(())
        .ok_or_else(|| format!("{name}: 已过期 (is not fresh)"))
}

fn check_sign(
    name: &str,
    sandbox: &Sandbox,
    lines: &[&str],
    signature: &str,
) -> Result<(), String> {
    let message: String = lines.iter().map(|line| format!("{line}\n")).collect();
    sandbox
        .merchant
        .key
        .verify(message.as_bytes(), signature)
        .then_some(())
        .ok_or_else(|| {
            format!("{name}: 支付验证签名失败 (does not verify with the merchant's certificate)")
        })
}

/// The cashier of an order of that kind, or of a combined one.
fn open(sandbox: &Sandbox, trade_type: TradeType, prepay_id: &str) -> Result<String, String> {
    let ledger = sandbox.ledger();
    let (kind, token, payable) = match ledger.by_prepay_id(prepay_id) {
        Some(order) => (order.trade_type, &order.token, order.payable(clock::now())),
        None => {
            let combined = ledger
                .combined_by_prepay_id(prepay_id)
                .ok_or("prepay_id: 不存在 (unknown)")?;
            (
                combined.trade_type,
                &combined.token,
                combined.payable(&ledger),
            )
        }
    };
    if kind != trade_type {
        return Err("prepay_id: 不存在 (unknown)".into());
    }
    match payable {
        Payable::Open => Ok(cashier::link(sandbox, token)),
        Payable::Paid => Err("该订单已支付 (already paid)".into()),
        Payable::Closed => Err("该订单已关闭 (closed)".into()),
        Payable::Expired => Err("prepay_id: 已过期 (expired)".into()),
    }
}
