//! What the catalogue promises: it says what the provider says, and nothing wrong gets past it.

mod alipay;
mod amounts;
mod facts;
mod fields;
mod lookup;
mod property;
#[path = "../support/sample.rs"]
#[allow(dead_code, reason = "each test target uses a part of it")]
mod sample;
mod texts;
mod walk;

use payseal::catalogue::{self, Operation, Violation};
use serde_json::{Map, Value, json};

const JSAPI: &str = "POST /v3/pay/transactions/jsapi";
const REFUND: &str = "POST /v3/refund/domestic/refunds";

fn operation(name: &str) -> Operation {
    catalogue::find("wechat", name).unwrap_or_else(|| panic!("{name} is not catalogued"))
}

/// An order with every field there is.
fn jsapi_order() -> Value {
    json!({
        "appid": "wxd678efh567hg6787", "mchid": "1900000001", "description": "Image形象店-深圳腾大-QQ公仔",
        "out_trade_no": "1217752501201407033233368018", "time_expire": "2018-06-08T10:34:56+08:00", "attach": "自定义数据",
        "notify_url": "https://shop.example/notify/wechat", "goods_tag": "WXG", "limit_pay": ["no_credit"], "support_fapiao": false,
        "amount": {"total": 100, "currency": "CNY"},
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "identity": {"type": "IDCARD", "number": "1234567890", "name": "张三"}},
        "detail": {
            "cost_price": 608800, "invoice_id": "微信123",
            "goods_detail": [{"merchant_goods_id": "1246464644", "wechatpay_goods_id": "1001", "goods_name": "iPhoneX", "quantity": 1, "unit_price": 528800}]
        },
        "scene_info": {"payer_client_ip": "14.23.150.211", "device_id": "013467007045764", "store_info": {"id": "0001", "name": "腾讯大厦分店"}},
        "settle_info": {"profit_sharing": false},
        "subsidy_info": {"subsidy_detail": [{"subsidy_period_type": "DAILY", "subsidy_plan": [{"subsidy_installment_num": 3, "subsidy_percent": 100}]}]}
    })
}

fn refund() -> Value {
    json!({
        "out_trade_no": "1217752501201407033233368018", "out_refund_no": "R@1", "reason": "商品已售完",
        "amount": {"refund": 50, "total": 100, "currency": "CNY", "from": [{"account": "AVAILABLE", "amount": 50}]}
    })
}

fn check_body(name: &str, body: &Value) -> Result<(), Violation> {
    catalogue::check(&operation(name), &Map::new(), &Map::new(), Some(body))
}

/// The violation of the full order when the value at the JSON pointer is another.
fn order_with(pointer: &str, value: Value) -> Violation {
    let mut order = jsapi_order();
    *order.pointer_mut(pointer).expect(pointer) = value;
    check_body(JSAPI, &order).expect_err(pointer)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}
