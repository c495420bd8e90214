//! A buyer's payment code, scanned by the shop.

use serde_json::{Value, json};

use super::stage::App;
use crate::stage::Sandbox;

fn fresh(sandbox: &Sandbox, mut wish: Value) -> String {
    wish["provider"] = "alipay".into();
    let made = sandbox.control("POST", "/buyer/codes", wish);
    assert_eq!(made.status, 201);
    made.json()["auth_code"].as_str().unwrap().to_owned()
}

fn pay(app: &App, out_trade_no: &str, code: &str, amount: &str) -> Value {
    let mut order = app.order(out_trade_no);
    order["auth_code"] = code.into();
    order["scene"] = "bar_code".into();
    order["total_amount"] = amount.into();
    app.call("alipay.trade.pay", order)
}

#[test]
fn a_code_pays_at_once_and_only_once() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let code = fresh(&sandbox, json!({}));
    assert!(code.starts_with("28") && code.len() == 18);
    let paid = pay(&app, "order-0001", &code, "1.00");
    assert_eq!(
        (&paid["code"], &paid["total_amount"]),
        (&json!("10000"), &json!("1.00")),
        "{paid}"
    );
    assert!(paid["gmt_payment"].is_string() && paid.get("trade_status").is_none());
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_SUCCESS");
    assert_eq!(
        sandbox.look(&format!("/buyer/codes/{code}"))["state"],
        "paid"
    );
    let again = pay(&app, "order-0002", &code, "1.00");
    assert_eq!(again["sub_code"], "ACQ.PAYMENT_AUTH_CODE_INVALID");
    let unknown = pay(&app, "order-0003", "281234567890123456", "1.00");
    assert_eq!(unknown["sub_code"], "ACQ.PAYMENT_AUTH_CODE_INVALID");
    assert_eq!(app.query("order-0003")["sub_code"], "ACQ.TRADE_NOT_EXIST");
}

#[test]
fn a_buyer_who_is_asked_lets_the_shop_wait() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    for (wish, amount) in [
        (json!({ "asks_password": true }), "1.00"),
        (json!({}), "1000.01"),
    ] {
        let code = fresh(&sandbox, wish);
        let number = format!("order-{code}");
        let waits = pay(&app, &number, &code, amount);
        assert_eq!(waits["code"], "10003", "{waits}");
        assert_eq!(app.query(&number)["trade_status"], "WAIT_BUYER_PAY");
        let screen = sandbox.look(&format!("/buyer/codes/{code}"));
        assert_eq!(
            (&screen["state"], &screen["provider"]),
            (&json!("paying"), &json!("alipay"))
        );
        let confirmed = sandbox.control(
            "POST",
            &format!("/buyer/codes/{code}/confirm"),
            json!({ "password": "123456" }),
        );
        assert_eq!(confirmed.json()["state"], "paid");
        assert_eq!(app.query(&number)["trade_status"], "TRADE_SUCCESS");
    }
}

#[test]
fn a_buyer_may_decline_or_have_nothing_left() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let code = fresh(&sandbox, json!({ "asks_password": true }));
    pay(&app, "order-0001", &code, "1.00");
    let declined = sandbox.control("POST", &format!("/buyer/codes/{code}/decline"), Value::Null);
    assert_eq!(declined.json()["state"], "declined");
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_CLOSED");

    let code = fresh(&sandbox, json!({ "poor": true }));
    let refused = pay(&app, "order-0002", &code, "1.00");
    assert_eq!(refused["sub_code"], "ACQ.BUYER_BALANCE_NOT_ENOUGH");
    assert_eq!(app.query("order-0002")["trade_status"], "TRADE_CLOSED");
}
