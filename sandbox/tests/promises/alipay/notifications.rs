//! What a shop is told: the form, its signature, the schedule, the one answer that ends it.

use serde_json::{Value, json};

use super::stage::{App, Mode, value};
use crate::stage::{Reply, Sandbox, Shop};

#[test]
fn a_payment_is_told_in_a_form_signed_without_sign_and_sign_type() {
    let sandbox = Sandbox::start();
    for mode in [Mode::Key, Mode::Certificate] {
        let app = App::with(&sandbox, mode);
        let shop = Shop::open(&[Reply::Text("success")]);
        let number = if mode == Mode::Key {
            "order-0001"
        } else {
            "order-0002"
        };
        let mut order = app.order(number);
        order["passback_params"] = "a%3D1 & b".into();
        let url = format!("{}?source=a", shop.notify_url);
        app.call_with("alipay.trade.precreate", &[("notify_url", &url)], order);
        sandbox.pay(number);
        let received = shop.next();
        assert_eq!(received.path, "/notify?source=a");
        let told = app.told(&received);
        let sent = |name: &str| value(&told, name);
        assert_eq!(sent("notify_type"), "trade_status_sync");
        assert_eq!(sent("trade_status"), "TRADE_SUCCESS");
        assert_eq!(
            (sent("out_trade_no"), sent("total_amount")),
            (number, "88.88")
        );
        assert_eq!(
            (sent("app_id"), sent("seller_id")),
            (app.id.as_str(), app.seller.as_str())
        );
        assert_eq!(
            (sent("subject"), sent("passback_params")),
            ("一杯茶", "a%3D1 & b")
        );
        assert_eq!(
            sent("fund_bill_list"),
            r#"[{"amount":"88.88","fundChannel":"ALIPAYACCOUNT"}]"#
        );
        assert!(!sent("notify_id").is_empty() && sent("alipay_cert_sn").is_empty());
        // By the other rule it is not signed.
        assert!(!app.is_true(&told, &["sign"]));
    }
}

#[test]
fn rsa_with_sha1_is_told_with_sha1() {
    let sandbox = Sandbox::start();
    let app = App {
        sign_type: "RSA",
        ..App::of(&sandbox)
    };
    let shop = Shop::open(&[Reply::Text("success")]);
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    assert_eq!(value(&app.told(&shop.next()), "sign_type"), "RSA");
}

#[test]
fn only_the_exact_word_ends_it_and_the_schedule_has_eight_attempts() {
    let sandbox = Sandbox::start_with(&["--speed", "100000"]);
    let app = App::of(&sandbox);
    let shop = Shop::open(&[
        Reply::Text("fail"),
        Reply::Text("success\n"),
        Reply::Text("SUCCESS"),
        Reply::Status(500),
        Reply::Text("\"success\""),
        Reply::Text(""),
        Reply::Text("ok"),
        Reply::Text("no"),
    ]);
    let mut events = sandbox.events();
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    let first = app.told(&shop.next());
    for _ in 1..8 {
        let next = app.told(&shop.next());
        assert_eq!(value(&next, "notify_id"), value(&first, "notify_id"));
    }
    events.until(|change| change["change"] == "notification" && change["state"] == "abandoned");
    assert!(shop.is_quiet());
    let delivery = &sandbox.look("/notifications?out_trade_no=order-0001")[0];
    assert_eq!(delivery["event_type"], "trade_status_sync.TRADE_SUCCESS");
    let attempts = delivery["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 8);
    let at = |index: usize| {
        attempts[index]["at_ms"].as_i64().unwrap()
            + attempts[index]["duration_ms"].as_i64().unwrap()
    };
    for (index, pause_s) in [240_i64, 600, 600, 3600, 7200, 21600, 54000]
        .into_iter()
        .enumerate()
    {
        let waited = attempts[index + 1]["at_ms"].as_i64().unwrap() - at(index);
        assert!(waited >= pause_s * 1000 / 100_000, "{index}: {waited}");
    }
}

#[test]
fn success_ends_it_and_it_can_be_sent_again() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let mut events = sandbox.events();
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    let first = app.told(&shop.next());
    events.until(|change| change["change"] == "notification" && change["state"] == "delivered");
    let id = value(&first, "notify_id");
    sandbox.control("POST", &format!("/notifications/{id}/resend"), Value::Null);
    assert_eq!(value(&app.told(&shop.next()), "notify_id"), id);
}

#[test]
fn refunds_and_the_end_are_told_with_their_state() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    shop.next();
    for (number, amount, fee, status) in [
        ("r1", "8.88", "8.88", "TRADE_SUCCESS"),
        ("r2", "80.00", "88.88", "TRADE_CLOSED"),
    ] {
        let body = json!({ "out_trade_no": "order-0001", "out_request_no": number, "refund_amount": amount });
        app.call("alipay.trade.refund", body);
        let told = app.told(&shop.next());
        let sent = |name: &str| value(&told, name);
        assert_eq!(
            (sent("out_biz_no"), sent("refund_fee"), sent("trade_status")),
            (number, fee, status)
        );
        assert!(sent("gmt_refund").ends_with(".000"));
    }
    app.precreate_for("order-0002", &shop.notify_url);
    sandbox.pay("order-0002");
    shop.next();
    sandbox.control("POST", "/alipay/trades/order-0002/finish", Value::Null);
    assert_eq!(
        value(&app.told(&shop.next()), "trade_status"),
        "TRADE_FINISHED"
    );
}

#[test]
fn the_certificates_name_may_come_along_unsigned() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Certificate);
    let settings = json!({ "alipay": { "names_certificate": true } });
    assert_eq!(sandbox.control("PUT", "/settings", settings).status, 200);
    let shop = Shop::open(&[Reply::Text("success")]);
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    let body = shop.next().body.unwrap();
    let fields = app.decoded(std::str::from_utf8(&body).unwrap());
    assert!(app.is_true(&fields, &["sign", "sign_type", "alipay_cert_sn"]));
    assert_eq!(
        value(&fields, "alipay_cert_sn"),
        App::certificate_sn(&app.alipay_key())
    );
}
