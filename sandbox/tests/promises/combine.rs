//! Combined orders: several, paid as one.

use serde_json::{Value, json};

use crate::stage::{Merchant, Reply, Request, Sandbox, Shop};

const PATH: &str = "/v3/combine-transactions";
const SUB: &str = "1600000001";

fn combined(merchant: &Merchant, notify_url: &str) -> Value {
    let part = |number: &str, fen: i64, sub_mchid: Option<&str>| {
        let mut part = json!({
            "mchid": merchant.mchid, "out_trade_no": number, "attach": "附加", "description": format!("商品 {number}"),
            "amount": { "total_amount": fen, "currency": "CNY" },
        });
        if let Some(sub_mchid) = sub_mchid {
            part["sub_mchid"] = sub_mchid.into();
        }
        part
    };
    json!({
        "combine_appid": merchant.appid, "combine_mchid": merchant.mchid, "combine_out_trade_no": "combine-0001",
        "notify_url": notify_url,
        "sub_orders": [part("part-0001", 60, None), part("part-0002", 40, Some(SUB))],
    })
}

#[test]
fn one_payment_pays_every_part_and_is_told_once() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    let order = combined(&merchant, &shop.notify_url);
    let placed = merchant.post(&format!("{PATH}/native"), &order).json();
    let cashier = placed["code_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&sandbox.url)
        .unwrap()
        .to_owned();
    let ask = |method: &str, action: &str| {
        Request::new(method, &format!("{cashier}{action}"), b"")
            .send(sandbox.port)
            .unwrap()
            .json()
    };
    let view = ask("GET", "/state");
    assert_eq!(
        (&view["amount_fen"], view["parts"].as_array().unwrap().len()),
        (&json!(100), 2)
    );
    assert_eq!(ask("POST", "/pay")["state"], "paid");

    let told = shop.next();
    assert_eq!(told.envelope()["event_type"], "TRANSACTION.SUCCESS");
    let told = told.opened(&merchant);
    assert_eq!(told["combine_out_trade_no"], "combine-0001");
    let parts = told["sub_orders"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    assert!(
        parts
            .iter()
            .all(|part| part["trade_state"] == "SUCCESS" && part["transaction_id"].is_string())
    );
    assert_eq!(parts[1]["sub_mchid"], SUB);
    assert_eq!(
        parts[1]["amount"],
        json!({ "total_amount": 40, "currency": "CNY", "payer_amount": 40, "payer_currency": "CNY" })
    );
    let queried = merchant
        .get(&format!("{PATH}/out-trade-no/combine-0001"))
        .json();
    assert_eq!(queried, told);
    let id = told["combine_transaction_id"].as_str().unwrap();
    assert_eq!(merchant.get(&format!("{PATH}/id/{id}")).json(), told);
    assert!(shop.is_quiet());

    // A part is refunded as if it stood alone.
    let refund = json!({
        "sub_mchid": SUB, "transaction_id": parts[1]["transaction_id"], "out_refund_no": "refund-1",
        "amount": { "refund": 40, "total": 40, "currency": "CNY" },
    });
    assert_eq!(
        merchant.post("/v3/refund/domestic/refunds", &refund).status,
        200
    );
    assert_eq!(shop.next().envelope()["event_type"], "REFUND.SUCCESS");
    let after = merchant
        .get(&format!("{PATH}/out-trade-no/combine-0001"))
        .json();
    assert_eq!(
        (
            &after["sub_orders"][0]["trade_state"],
            &after["sub_orders"][1]["trade_state"]
        ),
        (&json!("SUCCESS"), &json!("REFUND"))
    );
}

#[test]
fn the_same_number_is_the_same_combined_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = combined(&merchant, "http://127.0.0.1:9/");
    let place = |kind: &str, order: &Value| merchant.post(&format!("{PATH}/{kind}"), order);
    let mut jsapi = order.clone();
    jsapi["combine_payer_info"] = json!({ "openid": "o1" });
    let first = place("jsapi", &jsapi).json();
    assert!(first["prepay_id"].as_str().unwrap().starts_with("wx"));
    assert_eq!(place("jsapi", &jsapi).json(), first);
    assert_eq!(
        place("native", &jsapi).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    let mut dearer = jsapi.clone();
    dearer["sub_orders"][0]["amount"]["total_amount"] = 61.into();
    assert_eq!(
        place("jsapi", &dearer).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    // A part's number belongs to one order.
    let mut other = jsapi.clone();
    other["combine_out_trade_no"] = "combine-0002".into();
    assert_eq!(
        place("jsapi", &other).refusal(),
        (403, "OUT_TRADE_NO_USED".into())
    );
    let mut twice = other;
    twice["sub_orders"] = json!([order["sub_orders"][0], order["sub_orders"][0]]);
    let refused = place("jsapi", &twice);
    assert_eq!(
        refused.json()["detail"]["field"],
        "/sub_orders/1/out_trade_no"
    );
}

#[test]
fn closing_names_every_part_and_closes_all_of_them() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = combined(&merchant, "http://127.0.0.1:9/");
    merchant.post(&format!("{PATH}/native"), &order);
    let close = |parts: Value| {
        let body = json!({ "combine_appid": merchant.appid, "sub_orders": parts });
        merchant.post(&format!("{PATH}/out-trade-no/combine-0001/close"), &body)
    };
    let named = |index: usize| {
        let part = &order["sub_orders"][index];
        json!({ "mchid": part["mchid"], "out_trade_no": part["out_trade_no"], "sub_mchid": part["sub_mchid"] })
    };
    assert_eq!(
        close(json!([named(0)])).refusal(),
        (400, "PARAM_ERROR".into())
    );
    // A part is not closed alone.
    assert_eq!(
        merchant.close("part-0001").refusal(),
        (400, "INVALID_REQUEST".into())
    );
    assert_eq!(close(json!([named(1), named(0)])).status, 204);
    let queried = merchant
        .get(&format!("{PATH}/out-trade-no/combine-0001"))
        .json();
    assert!(
        queried["sub_orders"]
            .as_array()
            .unwrap()
            .iter()
            .all(|part| part["trade_state"] == "CLOSED")
    );
    assert_eq!(
        sandbox
            .control("POST", "/orders/part-0001/pay", Value::Null)
            .refusal(),
        (400, "ORDER_CLOSED".into())
    );
}

#[test]
fn all_of_a_combined_order_expires_at_once() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.post(
        &format!("{PATH}/native"),
        &combined(&merchant, "http://127.0.0.1:9/"),
    );
    let act = |part: &str, action: &str| {
        sandbox.control("POST", &format!("/orders/{part}/{action}"), Value::Null)
    };
    assert_eq!(act("part-0002", "expire").status, 204);
    assert_eq!(
        act("part-0001", "pay").refusal(),
        (400, "INVALID_REQUEST".into())
    );
    let queried = merchant
        .get(&format!("{PATH}/out-trade-no/combine-0001"))
        .json();
    let parts = queried["sub_orders"].as_array().unwrap();
    assert!(parts.iter().all(|part| part["trade_state"] == "NOTPAY"));
}
