//! Website, mobile website and app: links and order strings, the cashier, the way back.

use serde_json::{Value, json};

use super::stage::{App, Fields, Mode, changed, value};
use crate::stage::{NOBODY, Reply, Request, Sandbox, Shop};

fn link(app: &App, method: &str, code: &str, number: &str, return_url: &str) -> Fields {
    let mut order = app.order(number);
    order["product_code"] = code.into();
    let urls = [("return_url", return_url), ("notify_url", NOBODY)];
    app.signed(app.fields(method, &urls, &order))
}

fn open(app: &App, fields: &Fields) -> crate::stage::Answer {
    let target = format!("/gateway.do?{}", app.encoded(fields));
    Request::new("GET", &target, b"").send(app.port).unwrap()
}

fn act(app: &App, cashier: &str, what: &str, method: &str) -> Value {
    let path = &cashier[cashier.find("/cashier/").unwrap()..];
    let request = Request::new(method, &format!("{path}/{what}"), b"");
    request.send(app.port).unwrap().json()
}

#[test]
fn a_link_leads_to_the_cashier_and_from_there_back_with_a_signed_query_that_does_not_say_paid() {
    let sandbox = Sandbox::start();
    for (mode, method, code) in [
        (Mode::Key, "alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"),
        (Mode::Certificate, "alipay.trade.wap.pay", "QUICK_WAP_WAY"),
    ] {
        let app = App::with(&sandbox, mode);
        let number = method.replace('.', "_");
        let back = "http://127.0.0.1:9/back?order=1";
        let answer = open(&app, &link(&app, method, code, &number, back));
        assert_eq!(answer.status, 302, "{}", answer.text());
        let cashier = answer.header("Location").unwrap().to_owned();
        assert_eq!(app.query(&number)["sub_code"], "ACQ.TRADE_NOT_EXIST");
        assert_eq!(act(&app, &cashier, "state", "GET")["state"], "open");
        assert_eq!(app.query(&number)["trade_status"], "WAIT_BUYER_PAY");
        let paid = act(&app, &cashier, "pay", "POST");
        let url = paid["return_url"].as_str().unwrap();
        let query = url
            .strip_prefix("http://127.0.0.1:9/back?order=1&")
            .unwrap();
        let fields = app.decoded(query);
        assert!(app.is_true(&fields, &["sign", "sign_type"]), "{url}");
        assert_eq!(value(&fields, "out_trade_no"), number);
        assert_eq!(value(&fields, "total_amount"), "88.88");
        assert_eq!(value(&fields, "method"), format!("{method}.return"));
        assert!(!query.contains("trade_status") && !query.contains("notify_id"));
    }
}

#[test]
fn a_form_may_be_posted_too_and_a_wrong_one_shows_a_page_for_people() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let fields = link(
        &app,
        "alipay.trade.page.pay",
        "FAST_INSTANT_TRADE_PAY",
        "order-0001",
        NOBODY,
    );
    assert_eq!(app.send(&fields).status, 302);
    let wrong = open(
        &app,
        &changed(fields, "return_url", "http://127.0.0.1:9/other"),
    );
    assert_eq!(wrong.status, 200);
    assert!(
        wrong.text().contains("invalid-signature") && wrong.text().starts_with("<!doctype html>")
    );
    let fields = link(
        &app,
        "alipay.trade.page.pay",
        "QUICK_WAP_WAY",
        "order-0002",
        NOBODY,
    );
    assert!(open(&app, &fields).text().contains("ACQ.INVALID_PARAMETER"));
}

#[test]
fn an_apps_order_string_is_checked_and_paid_with_a_signed_result() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let method = "alipay.trade.app.pay";
    let fields = link(&app, method, "QUICK_MSECURITY_PAY", "order-0001", "");
    let order_string = app.encoded(&fields);
    let hand =
        |order: &str| sandbox.control("POST", "/alipay/app/pay", json!({ "order_string": order }));
    let tampered = app.encoded(&changed(fields.clone(), "timestamp", "2026-01-01 00:00:00"));
    assert_eq!(hand(&tampered).json()["code"], "isv.invalid-signature");
    let opened = hand(&order_string);
    assert_eq!(opened.status, 200, "{}", opened.text());
    let cashier = opened.json()["cashier_url"].as_str().unwrap().to_owned();
    act(&app, &cashier, "pay", "POST");
    let order = sandbox.look("/orders/order-0001");
    let result = &order["app_result"];
    assert_eq!(result["resultStatus"], "9000");
    let answer = crate::stage::Answer {
        status: 200,
        headers: Vec::new(),
        body: result["result"].as_str().unwrap().as_bytes().to_vec(),
    };
    let node = app.opened(method, &answer);
    assert_eq!(
        (&node["out_trade_no"], &node["total_amount"]),
        (&json!("order-0001"), &json!("88.88"))
    );
    assert_eq!(answer.json()["sign_type"], "RSA2");
    // The gateway itself does not know this method.
    let refused = app.opened_as("error_response", &app.send(&fields));
    assert_eq!(refused["sub_code"], "isv.invalid-method");
}

#[test]
fn the_end_of_an_unpaid_order_on_a_website_is_told_face_to_face_it_is_not() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let mut order = app.order("order-0001");
    order["product_code"] = "FAST_INSTANT_TRADE_PAY".into();
    let urls = [("notify_url", shop.notify_url.as_str())];
    let fields = app.signed(app.fields("alipay.trade.page.pay", &urls, &order));
    let cashier = open(&app, &fields).header("Location").unwrap().to_owned();
    act(&app, &cashier, "state", "GET");
    app.precreate_for("order-0002", &shop.notify_url);
    for number in ["order-0002", "order-0001"] {
        sandbox.control("POST", &format!("/orders/{number}/close"), Value::Null);
    }
    let told = app.told(&shop.next());
    assert_eq!(
        (value(&told, "trade_status"), value(&told, "out_trade_no")),
        ("TRADE_CLOSED", "order-0001")
    );
    assert!(shop.is_quiet());
}
