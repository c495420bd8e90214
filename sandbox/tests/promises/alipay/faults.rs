//! The faults of answers and notifications, as for WeChat Pay.

use serde_json::{Value, json};

use super::stage::{App, Mode, split, value};
use crate::stage::{Answer, Reply, Sandbox, Shop};

const QUERY: &str = "alipay.trade.query";
const ROOT: &str = "alipay_trade_query_response";

fn ask(app: &App) -> std::io::Result<Answer> {
    let fields = app.signed(app.fields(QUERY, &[], &json!({ "out_trade_no": "order-0001" })));
    let target = format!("/gateway.do?{}", app.encoded(&fields));
    crate::stage::Request::new("POST", &target, b"").send(app.port)
}

fn paid(sandbox: &Sandbox, mode: Mode) -> App {
    let app = App::with(sandbox, mode);
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    app
}

#[test]
fn an_answers_signature_can_be_spoiled_in_every_way() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox, Mode::Certificate);
    for fault in ["wrong_signature", "unknown_serial", "signtest", "unsigned"] {
        sandbox.fault(json!({ "fault": fault, "target": QUERY }));
        let answer = ask(&app).unwrap();
        assert!(!app.is_verified(ROOT, &answer), "{fault}");
        assert_eq!(answer.json().get("sign").is_some(), fault != "unsigned");
        assert_eq!(answer.json()[ROOT]["code"], "10000");
    }
    sandbox.fault(json!({ "fault": "duplicate_signature", "target": "/gateway.do" }));
    let answer = ask(&app).unwrap();
    assert_eq!(answer.text().matches("\"sign\":").count(), 2);
    assert!(split(ROOT, &answer.body).is_some());
    sandbox.fault(json!({ "fault": "rotate_certificate", "target": QUERY }));
    let before = App::certificate_sn(&app.alipay_key());
    let answer = ask(&app).unwrap();
    assert_ne!(answer.json()["alipay_cert_sn"], before.as_str());
    app.opened(QUERY, &answer);
}

#[test]
fn an_answer_can_be_another_ones_late_cut_off_or_none() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox, Mode::Key);
    let set = |mut fault: Value| {
        fault["target"] = "/gateway.do".into();
        sandbox.fault(fault);
    };
    set(json!({ "fault": "wrong_answer" }));
    let other = app.opened(QUERY, &ask(&app).unwrap());
    assert_eq!(
        (&other["out_trade_no"], &other["total_amount"]),
        (&json!("order-0000"), &json!("89.88"))
    );

    set(json!({ "fault": "system_error" }));
    let busy = app.opened(QUERY, &ask(&app).unwrap());
    assert_eq!(
        (&busy["code"], &busy["sub_code"]),
        (&json!("20000"), &json!("isp.unknow-error"))
    );
    set(json!({ "fault": "rate_limit" }));
    assert_eq!(app.opened(QUERY, &ask(&app).unwrap())["code"], "40005");

    for fault in ["reset_before", "reset_after", "truncated_body"] {
        set(json!({ "fault": fault }));
        assert!(ask(&app).is_err(), "{fault}");
    }
    set(json!({ "fault": "html_502" }));
    assert_eq!(ask(&app).unwrap().status, 502);
    set(json!({ "fault": "delay", "ms": 200 }));
    let began = std::time::Instant::now();
    app.opened(QUERY, &ask(&app).unwrap());
    assert!(began.elapsed().as_millis() >= 200);
}

#[test]
fn a_request_takes_effect_or_not_as_the_fault_says() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let place = |number: &str| {
        let fields = app.signed(app.fields("alipay.trade.precreate", &[], &app.order(number)));
        let target = format!("/gateway.do?{}", app.encoded(&fields));
        crate::stage::Request::new("POST", &target, b"").send(app.port)
    };
    for (number, fault, placed) in [
        ("order-0001", json!({ "fault": "reset_before" }), false),
        ("order-0002", json!({ "fault": "reset_after" }), true),
        ("order-0003", json!({ "fault": "html_500" }), false),
        (
            "order-0004",
            json!({ "fault": "html_500", "processed": true }),
            true,
        ),
    ] {
        let mut fault = fault;
        fault["target"] = "alipay.trade.precreate".into();
        fault["out_trade_no"] = number.into();
        sandbox.fault(fault);
        let _ = place(number);
        let found = sandbox.control("GET", &format!("/orders/{number}"), Value::Null);
        assert_eq!(found.status == 200, placed, "{number}");
    }
    let struck = sandbox.look("/exchanges?number=order-0002");
    assert_eq!(
        (&struck[0]["outcome"], &struck[0]["faults"]),
        (&json!("reset"), &json!(["reset_after"]))
    );
}

#[test]
fn a_spoiled_notification_never_counts_and_the_true_one_follows() {
    let sandbox = Sandbox::start_with(&["--speed", "100000"]);
    let app = App::with(&sandbox, Mode::Certificate);
    let shop = Shop::open(&[Reply::Text("success")]);
    for (index, fault) in [
        "wrong_signature",
        "unknown_serial",
        "wrong_key",
        "signtest",
        "unsigned",
    ]
    .iter()
    .enumerate()
    {
        let number = format!("order-{index}");
        sandbox.fault(json!({ "fault": fault, "target": "notification", "out_trade_no": number }));
        app.precreate_for(&number, &shop.notify_url);
        sandbox.pay(&number);
        let body = shop.next().body.unwrap();
        let forged = app.decoded(std::str::from_utf8(&body).unwrap());
        assert!(!app.is_true(&forged, &["sign", "sign_type"]), "{fault}");
        let told = app.told(&shop.next());
        assert_eq!(value(&told, "out_trade_no"), number);
        let attempts = sandbox.look(&format!("/notifications?out_trade_no={number}"));
        assert_eq!(attempts[0]["attempts"][0]["forgery_accepted"], true);
    }
}

#[test]
fn a_notification_can_come_twice_out_of_order_or_broken_off() {
    let sandbox = Sandbox::start_with(&["--speed", "100000"]);
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    sandbox.fault(json!({ "fault": "duplicate", "target": "notification" }));
    app.precreate_for("order-0001", &shop.notify_url);
    sandbox.pay("order-0001");
    let twice = [app.told(&shop.next()), app.told(&shop.next())];
    assert_eq!(value(&twice[0], "notify_id"), value(&twice[1], "notify_id"));

    sandbox.fault(
        json!({ "fault": "reorder", "target": "notification", "out_trade_no": "order-0002" }),
    );
    for number in ["order-0002", "order-0003"] {
        app.precreate_for(number, &shop.notify_url);
        sandbox.pay(number);
    }
    let order = [app.told(&shop.next()), app.told(&shop.next())];
    assert_eq!(
        order.map(|told| value(&told, "out_trade_no").to_owned()),
        ["order-0003", "order-0002"]
    );

    sandbox.fault(json!({ "fault": "truncated_body", "target": "notification" }));
    app.precreate_for("order-0004", &shop.notify_url);
    sandbox.pay("order-0004");
    assert!(shop.next().body.is_err());
    assert_eq!(value(&app.told(&shop.next()), "out_trade_no"), "order-0004");
}

#[test]
fn a_fault_without_a_signed_time_cannot_strike_the_gateway() {
    let sandbox = Sandbox::start();
    for target in ["/gateway.do", QUERY] {
        let refused = sandbox.control(
            "POST",
            "/faults",
            json!({ "fault": "stale_time", "target": target }),
        );
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}
