//! A service provider's orders, paid to its sub-merchants.

use serde_json::{Value, json};

use crate::stage::{Merchant, NATIVE, Reply, Sandbox, Shop};

const SUB: &str = "1600000001";
const PATH: &str = "/v3/pay/partner/transactions";

fn order(merchant: &Merchant, number: &str, notify_url: &str) -> Value {
    json!({
        "sp_appid": merchant.appid, "sp_mchid": merchant.mchid, "sub_mchid": SUB,
        "description": "一杯茶 A cup of tea", "out_trade_no": number, "notify_url": notify_url,
        "amount": { "total": 100, "currency": "CNY" },
    })
}

fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    value[pointer] = new;
    value
}

#[test]
fn a_partners_order_is_paid_told_and_refunded_in_the_sub_merchants_name() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    let order = order(&merchant, "order-0001", &shop.notify_url);
    let placed = merchant.post(&format!("{PATH}/native"), &order).json();
    assert!(placed["code_url"].as_str().unwrap().contains("/cashier/"));
    let paid = sandbox.pay("order-0001");
    let told = shop.next();
    assert_eq!(told.envelope()["event_type"], "TRANSACTION.SUCCESS");
    let told = told.opened(&merchant);
    assert_eq!(told, paid);
    assert_eq!(
        (&told["sp_mchid"], &told["sub_mchid"], told.get("mchid")),
        (&json!(merchant.mchid), &json!(SUB), None)
    );
    assert!(told["payer"]["sp_openid"].is_string());

    let refund = json!({
        "sub_mchid": SUB, "out_trade_no": "order-0001", "out_refund_no": "refund-1",
        "amount": { "refund": 40, "total": 100, "currency": "CNY" },
    });
    let refunds = "/v3/refund/domestic/refunds";
    assert_eq!(merchant.post(refunds, &refund).status, 200);
    let told = shop.next().opened(&merchant);
    assert_eq!(
        (
            &told["sp_mchid"],
            &told["sub_mchid"],
            &told["refund_status"]
        ),
        (&json!(merchant.mchid), &json!(SUB), &json!("SUCCESS"))
    );
    let query = |more: &str| merchant.get(&format!("{refunds}/refund-1{more}"));
    assert_eq!(
        query(&format!("?sub_mchid={SUB}")).json()["status"],
        "SUCCESS"
    );
    assert_eq!(query("").refusal().0, 404);
    // Nobody else's name will do.
    let mut foreign = refund.clone();
    foreign["out_refund_no"] = "refund-2".into();
    foreign["sub_mchid"] = "1600000002".into();
    assert_eq!(merchant.post(refunds, &foreign).refusal().0, 404);
}

#[test]
fn only_the_parties_of_an_order_can_ask_for_it() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let nobody = "http://127.0.0.1:9/";
    merchant.post(
        &format!("{PATH}/native"),
        &order(&merchant, "order-0001", nobody),
    );
    // The merchant's own order of the same number is another one.
    merchant.post(
        NATIVE,
        &with(
            merchant.order("order-0001", nobody),
            "amount",
            json!({ "total": 7 }),
        ),
    );
    let id = sandbox.look("/orders").as_array().unwrap().len();
    assert_eq!(id, 2);
    let mchid = &merchant.mchid;
    let ask = |query: &str| merchant.get(&format!("{PATH}/out-trade-no/order-0001?{query}"));
    assert_eq!(
        ask(&format!("sp_mchid={mchid}&sub_mchid={SUB}")).json()["amount"]["total"],
        100
    );
    assert_eq!(merchant.query("order-0001").json()["amount"]["total"], 7);
    assert_eq!(
        ask(&format!("sp_mchid={mchid}&sub_mchid=1600000002")).refusal(),
        (404, "ORDER_NOT_EXIST".into())
    );
    assert_eq!(
        ask(&format!("sp_mchid={mchid}")).refusal(),
        (400, "PARAM_ERROR".into())
    );
    assert_eq!(
        ask(&format!("sp_mchid=1900000001&sub_mchid={SUB}")).refusal(),
        (403, "NO_AUTH".into())
    );

    let close = json!({ "sp_mchid": mchid, "sub_mchid": SUB });
    let target = format!("{PATH}/out-trade-no/order-0001/close");
    assert_eq!(merchant.post(&target, &close).status, 204);
    assert_eq!(merchant.query("order-0001").json()["trade_state"], "NOTPAY");
}

#[test]
fn the_parties_must_be_whom_they_may_be() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let good = order(&merchant, "order-0001", "http://127.0.0.1:9/");
    let refusal =
        |kind: &str, order: &Value| merchant.post(&format!("{PATH}/{kind}"), order).refusal();
    let native =
        |name: &str, value: &str| refusal("native", &with(good.clone(), name, json!(value)));
    assert_eq!(native("sp_mchid", "1900000001"), (403, "NO_AUTH".into()));
    assert_eq!(
        native("sub_mchid", &merchant.mchid),
        (403, "NO_AUTH".into())
    );
    assert_eq!(native("sub_mchid", "me"), (403, "NO_AUTH".into()));
    assert_eq!(
        native("sp_appid", "wx0000000000000000"),
        (400, "APPID_MCHID_NOT_MATCH".into())
    );
    let payer = |payer: Value| refusal("jsapi", &with(good.clone(), "payer", payer));
    assert_eq!(payer(json!({})), (400, "PARAM_ERROR".into()));
    assert_eq!(
        payer(json!({ "sub_openid": "o1" })),
        (400, "PARAM_ERROR".into())
    );
    let fitting = with(
        with(good, "payer", json!({ "sub_openid": "o1" })),
        "sub_appid",
        json!("wx1111111111111111"),
    );
    assert_eq!(
        merchant.post(&format!("{PATH}/jsapi"), &fitting).status,
        200
    );
}
