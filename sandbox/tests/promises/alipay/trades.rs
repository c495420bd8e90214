//! Trades: placed, seen, paid, closed, cancelled.

use serde_json::{Value, json};

use super::stage::App;
use crate::stage::{Request, Sandbox};

fn sub_code(node: &Value) -> &str {
    node["sub_code"].as_str().unwrap_or_default()
}

/// As a buyer's phone does with what it has read from the QR code.
fn look(app: &App, address: &str) -> Value {
    let path = &address[address.find("/cashier/").unwrap()..];
    let request = Request::new("GET", &format!("{path}/state"), b"");
    request.send(app.port).unwrap().json()
}

#[test]
fn a_trade_does_not_exist_until_the_buyer_has_scanned_its_code() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let code = app.precreate("order-0001");
    assert!(code.starts_with(&sandbox.url), "{code}");
    assert_eq!(sub_code(&app.query("order-0001")), "ACQ.TRADE_NOT_EXIST");
    let page = look(&app, &code);
    assert_eq!(
        (&page["provider"], &page["state"], &page["amount_fen"]),
        (&json!("alipay"), &json!("open"), &json!(8888))
    );
    let found = app.query("order-0001");
    assert_eq!(found["trade_status"], "WAIT_BUYER_PAY");
    assert_eq!(found["receipt_amount"], "0.00");

    let path = &code[code.find("/cashier/").unwrap()..];
    let paid = Request::new("POST", &format!("{path}/pay"), b"")
        .send(app.port)
        .unwrap();
    assert_eq!(paid.json()["state"], "paid");
    let found = app.query("order-0001");
    assert_eq!(found["trade_status"], "TRADE_SUCCESS");
    assert_eq!(
        (&found["total_amount"], &found["receipt_amount"]),
        (&json!("88.88"), &json!("88.88"))
    );
    let by_number = app.call(
        "alipay.trade.query",
        json!({ "trade_no": found["trade_no"] }),
    );
    assert_eq!(by_number, found);
}

#[test]
fn the_same_order_is_the_same_trade_and_another_one_is_refused() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let place = |order: Value| app.call("alipay.trade.precreate", order);
    let first = place(app.order("order-0001"));
    assert_eq!(place(app.order("order-0001")), first);
    let mut dearer = app.order("order-0001");
    dearer["total_amount"] = "88.89".into();
    assert_eq!(sub_code(&place(dearer)), "ACQ.CONTEXT_INCONSISTENT");
    sandbox.pay("order-0001");
    assert_eq!(
        sub_code(&place(app.order("order-0001"))),
        "ACQ.TRADE_HAS_SUCCESS"
    );
}

#[test]
fn parameters_are_checked_by_name() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    for (name, to) in [
        ("total_amount", json!("1e2")),
        ("total_amount", json!("88.888")),
        ("total_amount", json!("0.00")),
        ("total_amount", Value::Null),
        ("total_amount", json!("100000000.01")),
        ("subject", json!("")),
        ("subject", json!("a=b")),
        ("out_trade_no", json!("a b")),
        ("out_trade_no", json!("a".repeat(65))),
        ("timeout_express", json!("16d")),
        ("time_expire", json!("2020-01-01 00:00:00")),
        ("seller_id", json!("2088000000000000")),
    ] {
        let mut order = app.order("order-0001");
        order[name] = to.clone();
        let node = app.call("alipay.trade.precreate", order);
        assert_eq!(sub_code(&node), "ACQ.INVALID_PARAMETER", "{name} {to}");
        assert!(node["sub_msg"].as_str().unwrap().contains(name), "{node}");
    }
    let elsewhere = [("notify_url", "https://shop.example/notify")];
    let node = app.call_with(
        "alipay.trade.precreate",
        &elsewhere,
        app.order("order-0001"),
    );
    assert_eq!(sub_code(&node), "isv.invalid-parameter");
}

#[test]
fn a_closed_trade_cannot_be_paid_and_a_paid_one_not_closed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let close = |number: &str| app.call("alipay.trade.close", json!({ "out_trade_no": number }));
    let code = app.precreate("order-0001");
    assert_eq!(sub_code(&close("order-0001")), "ACQ.TRADE_NOT_EXIST");
    look(&app, &code);
    assert_eq!(close("order-0001")["code"], "10000");
    assert_eq!(look(&app, &code)["state"], "closed");
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_CLOSED");
    let refused = sandbox.control("POST", "/orders/order-0001/pay", Value::Null);
    assert_eq!(refused.json()["code"], "ACQ.TRADE_HAS_CLOSE");

    app.precreate("order-0002");
    sandbox.pay("order-0002");
    assert_eq!(
        sub_code(&close("order-0002")),
        "ACQ.REASON_TRADE_STATUS_INVALID"
    );
}

#[test]
fn cancel_leaves_nothing_paid_whatever_there_was() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let cancel = |number: &str| app.call("alipay.trade.cancel", json!({ "out_trade_no": number }));
    let nothing = cancel("order-0000");
    assert_eq!(
        (&nothing["code"], nothing.get("action")),
        (&json!("10000"), None)
    );

    let code = app.precreate("order-0001");
    assert!(cancel("order-0001").get("action").is_none());
    assert_eq!(look(&app, &code)["state"], "closed");

    look(&app, &app.precreate("order-0002"));
    assert_eq!(cancel("order-0002")["action"], "close");

    app.precreate("order-0003");
    sandbox.pay("order-0003");
    assert_eq!(cancel("order-0003")["action"], "refund");
    assert_eq!(cancel("order-0003")["action"], "refund");
    assert_eq!(app.query("order-0003")["trade_status"], "TRADE_CLOSED");
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);
}

#[test]
fn an_unpaid_trade_closes_itself_in_time() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let code = app.precreate("order-0001");
    look(&app, &code);
    sandbox.control("POST", "/orders/order-0001/expire", Value::Null);
    assert_eq!(look(&app, &code)["state"], "expired");
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_CLOSED");
}

#[test]
fn a_mini_programs_order_exists_at_once() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let mut order = app.order("order-0001");
    let refused = app.call("alipay.trade.create", order.clone());
    assert_eq!(sub_code(&refused), "ACQ.INVALID_PARAMETER");
    order["buyer_open_id"] = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5".into();
    order["product_code"] = "JSAPI_PAY".into();
    let placed = app.call("alipay.trade.create", order);
    assert_eq!(placed["code"], "10000");
    let found = app.query("order-0001");
    assert_eq!(
        (&found["trade_no"], &found["trade_status"]),
        (&placed["trade_no"], &json!("WAIT_BUYER_PAY"))
    );
}

#[test]
fn a_payment_is_shared_and_synchronized() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    let trade_no = app.query("order-0001")["trade_no"].clone();
    let share = |number: &str, amount: &str| {
        app.call(
            "alipay.trade.order.settle",
            json!({
                "out_request_no": number,
                "trade_no": trade_no,
                "royalty_parameters": [{ "trans_in": "2088101126708402", "trans_in_type": "userId", "amount": amount }],
            }),
        )
    };
    let done = share("share-1", "10.00");
    assert_eq!(done["code"], "10000", "{done}");
    assert_eq!(share("share-1", "10.00")["settle_no"], done["settle_no"]);
    assert_eq!(
        sub_code(&share("share-1", "10.01")),
        "ACQ.DISCORDANT_REPEAT_REQUEST"
    );
    assert_eq!(
        sub_code(&share("share-2", "88.88")),
        "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR"
    );
    let found = app.call(
        "alipay.trade.order.settle.query",
        json!({ "settle_no": done["settle_no"] }),
    );
    assert_eq!(found["royalty_detail_list"][0]["amount"], "10.00");
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);

    let synced = app.call(
        "alipay.trade.orderinfo.sync",
        json!({ "trade_no": trade_no, "out_request_no": "sync-1", "biz_type": "CREDIT_AUTH" }),
    );
    assert_eq!(
        (&synced["code"], &synced["trade_no"]),
        (&json!("10000"), &trade_no)
    );
}
