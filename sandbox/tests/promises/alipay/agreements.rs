//! Agreements: signed by the buyer, deducted under, ended by either side.

use serde_json::{Value, json};

use super::stage::{App, value};
use crate::stage::{Answer, Reply, Request, Sandbox, Shop};

fn sign(app: &App, number: &str, notify_url: &str) -> Answer {
    let body = json!({
        "personal_product_code": "CYCLE_PAY_AUTH_P",
        "sign_scene": "INDUSTRY|DEFAULT",
        "external_agreement_no": number,
        "access_params": { "channel": "QRCODE" },
        "product_code": "GENERAL_WITHHOLDING",
        "period_rule_params": { "period_type": "MONTH", "period": "1", "execute_time": "2026-12-01", "single_amount": "30.00" },
    });
    let urls = [
        ("notify_url", notify_url),
        ("return_url", "http://127.0.0.1:9/signed"),
    ];
    let fields = app.signed(app.fields("alipay.user.agreement.page.sign", &urls, &body));
    Request::new("GET", &format!("/gateway.do?{}", app.encoded(&fields)), b"")
        .send(app.port)
        .unwrap()
}

fn find(app: &App, number: &str) -> Value {
    app.call(
        "alipay.user.agreement.query",
        json!({ "external_agreement_no": number }),
    )
}

#[test]
fn what_a_buyer_has_signed_is_deducted_until_it_is_ended() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let cashier = sign(&app, "contract-1", &shop.notify_url)
        .header("Location")
        .unwrap()
        .to_owned();
    assert_eq!(
        find(&app, "contract-1")["sub_code"],
        "USER_AGREEMENT_NOT_EXIST"
    );
    let path = &cashier[cashier.find("/cashier/").unwrap()..];
    let signed = Request::new("POST", &format!("{path}/pay"), b"")
        .send(app.port)
        .unwrap()
        .json();
    let back = signed["return_url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://127.0.0.1:9/signed?")
        .unwrap();
    let fields = app.decoded(back);
    assert!(app.is_true(&fields, &["sign", "sign_type"]));
    let told = app.told(&shop.next());
    assert_eq!(
        (value(&told, "notify_type"), value(&told, "status")),
        ("dut_user_sign", "NORMAL")
    );
    let found = find(&app, "contract-1");
    let agreement_no = found["agreement_no"].as_str().unwrap();
    assert_eq!(
        (value(&told, "agreement_no"), value(&fields, "agreement_no")),
        (agreement_no, agreement_no)
    );

    let deduct = |number: &str, amount: &str| {
        let mut order = app.order(number);
        order["total_amount"] = amount.into();
        order["product_code"] = "CYCLE_PAY_AUTH".into();
        order["agreement_params"] = json!({ "agreement_no": agreement_no });
        app.call("alipay.trade.pay", order)
    };
    assert_eq!(
        deduct("order-0", "30.01")["sub_code"],
        "ACQ.CYCLE_PAY_SINGLE_FEE_EXCEED"
    );
    let paid = deduct("order-1", "30.00");
    assert_eq!(
        (&paid["code"], &paid["total_amount"]),
        (&json!("10000"), &json!("30.00")),
        "{paid}"
    );
    let later = json!({ "agreement_no": agreement_no, "deduct_time": "2026-12-03" });
    assert_eq!(
        app.call("alipay.user.agreement.executionplan.modify", later)["deduct_time"],
        "2026-12-03"
    );
    assert_eq!(find(&app, "contract-1")["next_deduct_time"], "2026-12-03");

    let ended = app.call(
        "alipay.user.agreement.unsign",
        json!({ "agreement_no": agreement_no }),
    );
    assert_eq!(ended["code"], "10000");
    let told = app.told(&shop.next());
    assert_eq!(
        (value(&told, "notify_type"), value(&told, "status")),
        ("dut_user_unsign", "STOP")
    );
    assert_eq!(
        deduct("order-2", "1.00")["sub_code"],
        "ACQ.AGREEMENT_STATUS_NOT_NORMAL"
    );
}

#[test]
fn the_buyer_may_end_it_too() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let shop = Shop::open(&[Reply::Text("success")]);
    let cashier = sign(&app, "contract-1", &shop.notify_url)
        .header("Location")
        .unwrap()
        .to_owned();
    let path = &cashier[cashier.find("/cashier/").unwrap()..];
    Request::new("POST", &format!("{path}/pay"), b"")
        .send(app.port)
        .unwrap();
    shop.next();
    let number = sandbox.look("/alipay/agreements")[0]["agreement_no"]
        .as_str()
        .unwrap()
        .to_owned();
    let ended = sandbox.control(
        "POST",
        &format!("/alipay/agreements/{number}/unsign"),
        Value::Null,
    );
    assert_eq!(ended.status, 204);
    assert_eq!(
        value(&app.told(&shop.next()), "notify_type"),
        "dut_user_unsign"
    );
    assert_eq!(find(&app, "contract-1")["status"], "STOP");
}
