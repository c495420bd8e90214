//! Refunds: how much, how often, and which number.

use serde_json::json;

use crate::stage::{Reply, Sandbox, Shop};

const REFUNDS: &str = "/v3/refund/domestic/refunds";

#[test]
fn refunds_add_up_to_at_most_the_total() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    assert_eq!(merchant.refund("order-0001", "refund-1", 60).status, 200);
    assert_eq!(
        merchant.refund("order-0001", "refund-2", 41).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    assert_eq!(merchant.refund("order-0001", "refund-2", 40).status, 200);
    assert_eq!(
        merchant.refund("order-0001", "refund-3", 1).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    assert_eq!(merchant.query("order-0001").json()["trade_state"], "REFUND");
}

#[test]
fn a_refund_number_is_one_refund() {
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    let first = merchant.refund("order-0001", "refund-1", 60).json();
    assert_eq!(first["status"], "PROCESSING");
    let again = merchant.refund("order-0001", "refund-1", 60).json();
    assert_eq!(again["refund_id"], first["refund_id"]);
    let other = merchant.refund("order-0001", "refund-1", 61);
    assert_eq!(other.refusal(), (400, "INVALID_REQUEST".into()));
    assert!(other.header("Request-ID").unwrap().ends_with("-268498688"));
    assert_eq!(
        sandbox.look("/orders/order-0001")["refunds"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_refund_is_processed_then_successful_then_told() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let transaction = sandbox.pay("order-0001");
    shop.next();
    let refund = json!({
        "transaction_id": transaction["transaction_id"],
        "out_refund_no": "refund@1",
        "reason": "商品已售完",
        "amount": { "refund": 30, "total": 100, "currency": "CNY" },
    });
    let accepted = merchant.post(REFUNDS, &refund).json();
    assert_eq!(
        (&accepted["status"], accepted.get("success_time")),
        (&json!("PROCESSING"), None)
    );
    assert_eq!(accepted["amount"]["payer_refund"], 30);

    let notification = shop.next();
    assert_eq!(notification.envelope()["event_type"], "REFUND.SUCCESS");
    assert_eq!(
        notification.envelope()["resource"]["original_type"],
        "refund"
    );
    let told = notification.opened(&merchant);
    assert_eq!(told["refund_status"], "SUCCESS");
    assert_eq!(
        told["amount"],
        json!({ "total": 100, "refund": 30, "payer_total": 100, "payer_refund": 30 })
    );
    let queried = merchant.get(&format!("{REFUNDS}/refund%401")).json();
    assert_eq!(queried["status"], "SUCCESS");
    assert_eq!(queried["refund_id"], told["refund_id"]);
    assert_eq!(queried["success_time"], told["success_time"]);
}

#[test]
fn a_refund_has_its_own_address_when_it_names_one() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let (orders, refunds) = (
        Shop::open(&[Reply::Status(200)]),
        Shop::open(&[Reply::Status(200)]),
    );
    merchant.place_with(merchant.order("order-0001", &orders.notify_url));
    sandbox.pay("order-0001");
    orders.next();
    let refund = json!({
        "out_trade_no": "order-0001",
        "out_refund_no": "refund-1",
        "notify_url": refunds.notify_url,
        "amount": { "refund": 30, "total": 100, "currency": "CNY" },
    });
    assert_eq!(merchant.post(REFUNDS, &refund).status, 200);
    assert_eq!(
        refunds.next().opened(&merchant)["out_refund_no"],
        "refund-1"
    );
    assert!(orders.is_quiet());
}

#[test]
fn at_most_fifty_refunds_of_one_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    for number in 0..50 {
        assert_eq!(
            merchant
                .refund("order-0001", &format!("refund-{number}"), 1)
                .status,
            200
        );
    }
    assert_eq!(
        merchant.refund("order-0001", "refund-50", 1).refusal(),
        (400, "INVALID_REQUEST".into())
    );
}

#[test]
fn what_cannot_be_refunded() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let invalid = (400, "INVALID_REQUEST".to_owned());
    merchant.place("order-0001");
    assert_eq!(
        merchant.refund("order-0001", "refund-1", 1).refusal(),
        invalid,
        "unpaid"
    );
    merchant.place("order-0002");
    merchant.close("order-0002");
    assert_eq!(
        merchant.refund("order-0002", "refund-1", 1).refusal(),
        invalid,
        "closed"
    );
    assert_eq!(
        merchant.refund("order-none", "refund-1", 1).refusal(),
        (404, "RESOURCE_NOT_EXISTS".into())
    );
    assert_eq!(
        merchant.get(&format!("{REFUNDS}/refund-1")).refusal(),
        (404, "RESOURCE_NOT_EXISTS".into())
    );

    let transaction = sandbox.pay("order-0001");
    let refund = |body: serde_json::Value| merchant.post(REFUNDS, &body).refusal();
    let amount = json!({ "refund": 1, "total": 100, "currency": "CNY" });
    assert_eq!(
        refund(json!({ "out_refund_no": "refund-1", "amount": amount })).1,
        "PARAM_ERROR"
    );
    assert_eq!(
        refund(json!({ "out_trade_no": "order-0001", "amount": amount })).1,
        "PARAM_ERROR"
    );
    assert_eq!(refund(json!({ "out_trade_no": "order-0001", "out_refund_no": "refund-1", "amount": { "refund": 1, "total": 100 } })).1, "PARAM_ERROR");
    let other_total = json!({ "refund": 1, "total": 99, "currency": "CNY" });
    assert_eq!(
        refund(
            json!({ "out_trade_no": "order-0001", "out_refund_no": "refund-1", "amount": other_total })
        ),
        invalid
    );
    let both = json!({ "out_trade_no": "order-0002", "transaction_id": transaction["transaction_id"], "out_refund_no": "refund-1", "amount": amount });
    assert_eq!(refund(both), (404, "RESOURCE_NOT_EXISTS".into()));
}

#[test]
fn a_refund_may_fail_and_that_is_told_too() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    sandbox.pay("order-0001");
    shop.next();
    for (fault, status) in [("refund_abnormal", "ABNORMAL"), ("refund_closed", "CLOSED")] {
        sandbox.fault(json!({ "fault": fault, "out_trade_no": "order-0001" }));
        assert_eq!(merchant.refund("order-0001", fault, 50).status, 200);
        let notification = shop.next();
        assert_eq!(
            notification.envelope()["event_type"],
            format!("REFUND.{status}")
        );
        assert_eq!(notification.opened(&merchant)["refund_status"], status);
        assert_eq!(
            merchant.get(&format!("{REFUNDS}/{fault}")).json()["status"],
            status
        );
    }
    // A closed refund gives its amount back to the order.
    assert_eq!(merchant.refund("order-0001", "refund-1", 50).status, 200);
}
