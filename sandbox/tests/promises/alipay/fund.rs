//! Transfers to a person, and the account they are drawn on.

use serde_json::{Value, json};

use super::stage::{App, value};
use crate::stage::{Reply, Sandbox, Shop};

fn order(number: &str, amount: &str) -> Value {
    json!({
        "out_biz_no": number,
        "trans_amount": amount,
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "一杯茶",
        "payee_info": { "identity": "2088102146225135", "identity_type": "ALIPAY_USER_ID" },
    })
}

fn transfer(app: &App, order: Value) -> Value {
    app.call("alipay.fund.trans.uni.transfer", order)
}

#[test]
fn a_number_is_one_transfer() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let done = transfer(&app, order("t-1", "100.00"));
    assert_eq!(
        (&done["code"], &done["status"]),
        (&json!("10000"), &json!("SUCCESS")),
        "{done}"
    );
    assert_eq!(transfer(&app, order("t-1", "100.00")), done);
    let other = transfer(&app, order("t-1", "100.01"));
    assert_eq!(other["sub_code"], "PAYMENT_INFO_INCONSISTENCY");
    let account = app.call(
        "alipay.fund.account.query",
        json!({ "alipay_user_id": app.seller }),
    );
    assert_eq!(account["available_amount"], "999900.00");
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);

    for (name, number) in [
        ("out_biz_no", &json!("t-1")),
        ("order_id", &done["order_id"]),
    ] {
        let mut wanted = json!({ "product_code": "TRANS_ACCOUNT_NO_PWD" });
        wanted[name] = number.clone();
        let found = app.call("alipay.fund.trans.common.query", wanted);
        assert_eq!(
            (&found["status"], &found["trans_amount"]),
            (&json!("SUCCESS"), &json!("100.00"))
        );
    }
    let nothing = app.call(
        "alipay.fund.trans.common.query",
        json!({ "out_biz_no": "t-2" }),
    );
    assert_eq!(nothing["sub_code"], "ORDER_NOT_EXIST");
}

#[test]
fn what_is_not_there_or_for_nobody_is_not_sent() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let refused = transfer(&app, order("t-1", "1000000.01"));
    assert_eq!(refused["sub_code"], "PAYER_BALANCE_NOT_ENOUGH");
    let mut nobody = order("t-2", "1.00");
    nobody["payee_info"]["identity"] = "1".into();
    assert_eq!(transfer(&app, nobody)["sub_code"], "PAYEE_NOT_EXIST");
    let mut nameless = order("t-3", "1.00");
    nameless["payee_info"] =
        json!({ "identity": "a@b.example", "identity_type": "ALIPAY_LOGON_ID" });
    assert_eq!(transfer(&app, nameless)["sub_code"], "INVALID_PARAMETER");
    let mut otherwise = order("t-4", "1.00");
    otherwise["biz_scene"] = "PERSONAL".into();
    assert_eq!(transfer(&app, otherwise)["sub_code"], "INVALID_PARAMETER");
}

#[test]
fn a_transfer_is_told_to_the_application_gateway_with_its_sign_type_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let settings = json!({ "alipay": { "app_gateway": shop.notify_url } });
    assert_eq!(sandbox.control("PUT", "/settings", settings).status, 200);
    transfer(&app, order("t-1", "1.00"));
    let body = shop.next().body.unwrap();
    let fields = app.decoded(std::str::from_utf8(&body).unwrap());
    assert!(app.is_true(&fields, &["sign"]) && !app.is_true(&fields, &["sign", "sign_type"]));
    assert_eq!(
        value(&fields, "msg_method"),
        "alipay.fund.trans.order.changed"
    );
    let content: Value = serde_json::from_str(value(&fields, "biz_content")).unwrap();
    assert_eq!(
        (&content["out_biz_no"], &content["status"]),
        (&json!("t-1"), &json!("SUCCESS"))
    );
    let elsewhere = json!({ "alipay": { "app_gateway": "http://10.0.0.1/" } });
    assert_eq!(sandbox.control("PUT", "/settings", elsewhere).status, 400);
}
