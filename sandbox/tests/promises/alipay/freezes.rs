//! Money that is held: frozen, paid out of, set free.

use serde_json::{Value, json};

use super::stage::{App, value};
use crate::stage::{Reply, Request, Sandbox, Shop};

fn order(number: &str) -> Value {
    json!({
        "out_order_no": number,
        "out_request_no": format!("{number}-1"),
        "order_title": "一杯茶",
        "amount": "100.00",
        "product_code": "PREAUTH_PAY",
    })
}

fn detail(app: &App, auth_no: &Value) -> Value {
    let body = json!({ "auth_no": auth_no, "operation_type": "FREEZE" });
    app.call("alipay.fund.auth.operation.detail.query", body)
}

#[test]
fn what_a_code_has_frozen_is_paid_out_of_and_the_rest_set_free() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let made = sandbox.control("POST", "/buyer/codes", json!({ "provider": "alipay" }));
    let mut body = order("freeze-1");
    body["auth_code"] = made.json()["auth_code"].clone();
    let url = [("notify_url", shop.notify_url.as_str())];
    let frozen = app.call_with("alipay.fund.auth.order.freeze", &url, body);
    assert_eq!(
        (&frozen["code"], &frozen["status"]),
        (&json!("10000"), &json!("SUCCESS")),
        "{frozen}"
    );
    let told = app.told(&shop.next());
    assert_eq!(value(&told, "notify_type"), "fund_auth_freeze");
    assert_eq!(
        (value(&told, "status"), value(&told, "rest_amount")),
        ("SUCCESS", "100.00")
    );

    let auth_no = &frozen["auth_no"];
    let pay = |number: &str, amount: &str, mode: &str| {
        let mut order = app.order(number);
        order["total_amount"] = amount.into();
        order["auth_no"] = auth_no.clone();
        order["product_code"] = "PREAUTH_PAY".into();
        order["auth_confirm_mode"] = mode.into();
        app.call("alipay.trade.pay", order)
    };
    assert_eq!(
        pay("order-0", "100.01", "")["sub_code"],
        "ACQ.AUTH_AMOUNT_NOT_ENOUGH"
    );
    assert_eq!(pay("order-1", "30.00", "NOT_COMPLETE")["code"], "10000");
    assert_eq!(app.query("order-1")["trade_status"], "TRADE_SUCCESS");
    let found = detail(&app, auth_no);
    assert_eq!(
        (&found["rest_amount"], &found["total_pay_amount"]),
        (&json!("70.00"), &json!("30.00"))
    );

    let unfreeze = |number: &str, amount: &str| {
        let body = json!({ "auth_no": auth_no, "out_request_no": number, "amount": amount, "remark": "r" });
        app.call_with("alipay.fund.auth.order.unfreeze", &url, body)
    };
    let freed = unfreeze("u-1", "20.00");
    assert_eq!(
        (&freed["status"], &freed["amount"]),
        (&json!("SUCCESS"), &json!("20.00"))
    );
    assert_eq!(
        value(&app.told(&shop.next()), "notify_type"),
        "fund_auth_unfreeze"
    );
    assert_eq!(
        unfreeze("u-1", "20.00")["operation_id"],
        freed["operation_id"]
    );
    assert_eq!(unfreeze("u-1", "20.01")["sub_code"], "REQUEST_INCONSISTENT");
    assert_eq!(
        unfreeze("u-2", "50.01")["sub_code"],
        "UNFREEZE_AMOUNT_EXCEED"
    );
    pay("order-2", "10.00", "COMPLETE");
    let found = detail(&app, auth_no);
    assert_eq!(
        (&found["order_status"], &found["rest_amount"]),
        (&json!("FINISH"), &json!("0.00"))
    );
}

#[test]
fn a_voucher_waits_for_its_buyer_and_can_be_taken_back() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let made = app.call("alipay.fund.auth.order.voucher.create", order("freeze-1"));
    let code = made["code_value"].as_str().unwrap();
    let by_number = json!({ "out_order_no": "freeze-1", "out_request_no": "freeze-1-1" });
    let found = || app.call("alipay.fund.auth.operation.detail.query", by_number.clone());
    assert_eq!(found()["status"], "INIT");
    let path = &code[code.find("/cashier/").unwrap()..];
    let act = |what: &str, method: &str| {
        let request = Request::new(method, &format!("{path}/{what}"), b"");
        request.send(app.port).unwrap().json()
    };
    assert_eq!(act("state", "GET")["state"], "open");
    assert_eq!(act("pay", "POST")["state"], "paid");
    assert_eq!(found()["order_status"], "AUTHORIZED");
    let mut cancel = by_number.clone();
    cancel["remark"] = "r".into();
    let taken = app.call("alipay.fund.auth.operation.cancel", cancel);
    assert_eq!(taken["action"], "unfreeze");
    assert_eq!(
        (&found()["order_status"], &found()["status"]),
        (&json!("CLOSED"), &json!("CLOSED"))
    );
    let nothing = app.call(
        "alipay.fund.auth.operation.detail.query",
        json!({ "auth_no": "1" }),
    );
    assert_eq!(nothing["sub_code"], "AUTH_ORDER_NOT_EXIST");
}
