//! GBK, byte for byte.

use serde_json::json;

use super::stage::{App, changed, value};
use crate::stage::{Reply, Sandbox, Shop};

#[test]
fn a_request_in_gbk_is_answered_and_told_in_gbk() {
    let sandbox = Sandbox::start();
    let app = App {
        charset: "GBK",
        ..App::of(&sandbox)
    };
    let shop = Shop::open(&[Reply::Text("success")]);
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");

    let fields = app.fields(
        "alipay.trade.query",
        &[],
        &json!({ "out_trade_no": "order-0001" }),
    );
    let answer = app.send(&app.signed(fields));
    assert_eq!(answer.header("Content-Type"), Some("text/html;charset=GBK"));
    let tea = b"\"subject\":\"\xD2\xBB\xB1\xAD\xB2\xE8\"";
    assert!(answer.body.windows(tea.len()).any(|part| part == tea));
    let node = app.opened("alipay.trade.query", &answer);
    assert_eq!(
        (&node["subject"], &node["trade_status"]),
        (&json!("一杯茶"), &json!("TRADE_SUCCESS"))
    );

    let told = shop.next();
    assert_eq!(
        told.header("Content-Type"),
        Some("application/x-www-form-urlencoded; charset=GBK")
    );
    let body = String::from_utf8(told.body.as_ref().unwrap().clone()).unwrap();
    assert!(body.contains("subject=%D2%BB%B1%AD%B2%E8"), "{body}");
    assert_eq!(value(&app.told(&told), "subject"), "一杯茶");
}

#[test]
fn without_a_charset_in_the_address_bytes_are_read_as_gbk() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = app.signed(app.fields("alipay.trade.precreate", &[], &app.order("order-0001")));
    let form = app.encoded(&fields);
    let request = crate::stage::Request::new("POST", "/gateway.do", form.as_bytes())
        .with("Content-Type", "application/x-www-form-urlencoded");
    let answer = request.send(app.port).unwrap();
    let node = app.opened("alipay.trade.precreate", &answer);
    assert_eq!(node["sub_code"], "isv.invalid-signature");
    // With it in the header it is well.
    let request = request.with(
        "Content-Type",
        "application/x-www-form-urlencoded; charset=utf-8",
    );
    let node = app.opened("alipay.trade.precreate", &request.send(app.port).unwrap());
    assert_eq!(node["code"], "10000", "{node}");
}

#[test]
fn what_gbk_lacks_is_escaped() {
    let sandbox = Sandbox::start();
    let by_utf8 = App::of(&sandbox);
    let mut order = by_utf8.order("order-0001");
    order["subject"] = "tea 🍵".into();
    order["buyer_id"] = "2088102146225135".into();
    let placed = by_utf8.call("alipay.trade.create", order);
    assert_eq!(placed["code"], "10000", "{placed}");
    let app = App {
        charset: "GBK",
        ..by_utf8
    };
    let fields = app.fields(
        "alipay.trade.query",
        &[],
        &json!({ "out_trade_no": "order-0001" }),
    );
    let answer = app.send(&app.signed(changed(fields, "nothing", "")));
    assert!(answer.text().contains(r"tea \ud83c\udf75"));
    assert_eq!(
        app.opened("alipay.trade.query", &answer)["subject"],
        "tea 🍵"
    );
}
