//! The account's books by queries; persons and orders that the merchant tells of.

use serde_json::{Value, json};

use super::stage::{App, beijing_time};
use crate::stage::{Request, Sandbox};

#[test]
fn what_was_sold_and_what_moved_the_account_is_listed_page_by_page() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    for number in ["order-0001", "order-0002"] {
        app.precreate(number);
        sandbox.pay(number);
    }
    app.call(
        "alipay.trade.refund",
        json!({ "out_trade_no": "order-0001", "out_request_no": "r1", "refund_amount": "8.88" }),
    );
    let span = json!({ "start_time": beijing_time(-3600), "end_time": beijing_time(3600) });
    let sold = app.call("alipay.data.bill.sell.query", span.clone());
    assert_eq!(sold["total_size"], "2", "{sold}");
    let first = &sold["detail_list"][0];
    assert_eq!(
        (&first["merchant_order_no"], &first["refund_amount"]),
        (&json!("order-0001"), &json!("8.88"))
    );
    let mut second = span.clone();
    second["page_size"] = "3".into();
    second["page_no"] = "2".into();
    let log = app.call("alipay.data.bill.accountlog.query", second);
    // The opening, two payments, a refund.
    assert_eq!(log["total_size"], "4");
    let rows = log["detail_list"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["direction"]), (1, &json!("支出")));
    let mut one = span;
    one["merchant_order_no"] = "order-0002".into();
    assert_eq!(
        app.call("alipay.data.bill.accountlog.query", one)["total_size"],
        "1"
    );
    let wide = json!({ "start_time": beijing_time(-40 * 86_400), "end_time": beijing_time(0) });
    let refused = app.call("alipay.data.bill.sell.query", wide);
    assert_eq!(refused["sub_code"], "INVALID_PARAMETER");

    let balance = app.call("alipay.data.bill.balance.query", json!({}));
    assert_eq!(balance["available_amount"], rows[0]["balance"]);
    let quota = app.call("alipay.fund.quota.query", json!({}));
    assert_eq!(
        quota["to_private_daily_available_amount"],
        rows[0]["balance"]
    );
}

#[test]
fn a_person_is_certified_by_a_click() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let begun = app.call(
        "alipay.user.certify.open.initialize",
        json!({
            "outer_order_no": "c-1",
            "biz_code": "FACE",
            "identity_param": { "identity_type": "CERT_INFO", "cert_type": "IDENTITY_CARD", "cert_name": "一", "cert_no": "1" },
            "merchant_config": { "return_url": "http://127.0.0.1:9/back" },
        }),
    );
    let id = json!({ "certify_id": begun["certify_id"] });
    let find = || app.call("alipay.user.certify.open.query", id.clone());
    assert_eq!(find()["passed"], "F");
    let fields = app.signed(app.fields("alipay.user.certify.open.certify", &[], &id));
    let target = format!("/gateway.do?{}", app.encoded(&fields));
    let page = Request::new("GET", &target, b"").send(app.port).unwrap();
    let page = page.header("Location").unwrap().to_owned();
    let path = &page[page.find("/cashier/").unwrap()..];
    let passed = Request::new("POST", &format!("{path}/pay"), b"")
        .send(app.port)
        .unwrap()
        .json();
    assert_eq!(passed["return_url"], "http://127.0.0.1:9/back");
    let found = find();
    let person: Value = serde_json::from_str(found["identity_info"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&found["passed"], &person["cert_no"]),
        (&json!("T"), &json!("1"))
    );
}

#[test]
fn an_order_that_is_told_again_is_the_same_order() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let sync = |status: &str| {
        app.call(
            "alipay.merchant.order.sync",
            json!({ "out_biz_no": "o-1", "ext_info": [{ "ext_key": "merchant_order_status", "ext_value": status }] }),
        )
    };
    let (first, second) = (sync("PAID"), sync("FINISHED"));
    assert_eq!(
        (&first["order_id"], &second["order_status"]),
        (&second["order_id"], &json!("FINISHED"))
    );
    assert_ne!(first["record_id"], second["record_id"]);
}
