//! Refunds: idempotent by their number, in parts, at most the total.

use serde_json::{Value, json};

use super::stage::App;
use crate::stage::Sandbox;

fn paid(sandbox: &Sandbox) -> App {
    let app = App::of(sandbox);
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    app
}

fn refund(app: &App, number: &str, amount: &str) -> Value {
    let mut body = json!({ "out_trade_no": "order-0001", "refund_amount": amount });
    if !number.is_empty() {
        body["out_request_no"] = number.into();
    }
    app.call("alipay.trade.refund", body)
}

fn find(app: &App, number: &str) -> Value {
    let body = json!({ "out_trade_no": "order-0001", "out_request_no": number });
    app.call("alipay.trade.fastpay.refund.query", body)
}

#[test]
fn parts_add_up_to_the_total_and_the_last_one_closes_the_trade() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox);
    let part = refund(&app, "r1", "8.88");
    assert_eq!(
        (&part["fund_change"], &part["refund_fee"]),
        (&json!("Y"), &json!("8.88"))
    );
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_SUCCESS");
    assert_eq!(
        refund(&app, "r2", "80.01")["sub_code"],
        "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    );
    let rest = refund(&app, "r2", "80.00");
    assert_eq!(
        (&rest["refund_fee"], &rest["send_back_fee"]),
        (&json!("88.88"), &json!("80.00"))
    );
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_CLOSED");
    assert_eq!(
        refund(&app, "r3", "0.01")["sub_code"],
        "ACQ.TRADE_STATUS_ERROR"
    );
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);
}

#[test]
fn a_refunds_number_is_one_refund() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox);
    refund(&app, "r1", "8.88");
    let again = refund(&app, "r1", "8.88");
    assert_eq!(
        (&again["fund_change"], &again["refund_fee"]),
        (&json!("N"), &json!("8.88"))
    );
    assert_eq!(
        refund(&app, "r1", "8.89")["sub_code"],
        "ACQ.DISCORDANT_REPEAT_REQUEST"
    );
    // Without a number it is the trade's own, once.
    refund(&app, "", "1.00");
    assert_eq!(refund(&app, "", "1.00")["refund_fee"], "9.88");
}

#[test]
fn only_what_is_paid_and_not_finished_is_refunded() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    app.precreate("order-0001");
    assert_eq!(
        refund(&app, "r1", "1.00")["sub_code"],
        "ACQ.TRADE_NOT_EXIST"
    );
    sandbox.pay("order-0001");
    let finished = sandbox.control("POST", "/alipay/trades/order-0001/finish", Value::Null);
    assert_eq!(finished.status, 204);
    assert_eq!(app.query("order-0001")["trade_status"], "TRADE_FINISHED");
    assert_eq!(
        refund(&app, "r1", "1.00")["sub_code"],
        "ACQ.TRADE_HAS_FINISHED"
    );
}

#[test]
fn a_refund_that_is_not_there_has_no_status() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox);
    let nothing = find(&app, "r1");
    assert_eq!(
        (&nothing["code"], nothing.get("refund_status")),
        (&json!("10000"), None)
    );
    refund(&app, "r1", "8.88");
    let found = find(&app, "r1");
    assert_eq!(
        (
            &found["refund_status"],
            &found["refund_amount"],
            &found["total_amount"]
        ),
        (&json!("REFUND_SUCCESS"), &json!("8.88"), &json!("88.88"))
    );
}

#[test]
fn a_refund_left_in_the_middle_is_finished_by_the_same_request() {
    let sandbox = Sandbox::start();
    let app = paid(&sandbox);
    sandbox.fault(json!({ "fault": "refund_abnormal", "target": "refund" }));
    let begun = refund(&app, "r1", "8.88");
    assert_eq!(
        (&begun["fund_change"], &begun["refund_fee"]),
        (&json!("N"), &json!("0.00"))
    );
    assert!(find(&app, "r1").get("refund_status").is_none());
    let done = refund(&app, "r1", "8.88");
    assert_eq!(
        (&done["fund_change"], &done["refund_fee"]),
        (&json!("Y"), &json!("8.88"))
    );
    assert_eq!(find(&app, "r1")["refund_status"], "REFUND_SUCCESS");
}
