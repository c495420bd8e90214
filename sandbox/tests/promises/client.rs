//! The WeChat client's part: payment parameters are checked before the cashier opens.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Request, Sandbox, now, sign};

fn prepay(merchant: &Merchant, kind: &str, number: &str) -> String {
    let mut order = merchant.order(number, "http://127.0.0.1:9/");
    order["payer"] = json!({ "openid": "o1" });
    merchant
        .post(&format!("/v3/pay/transactions/{kind}"), &order)
        .json()["prepay_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn jsapi(merchant: &Merchant, prepay_id: &str, timestamp: i64) -> Value {
    let package = format!("prepay_id={prepay_id}");
    let message = format!("{}\n{timestamp}\nNONCE\n{package}\n", merchant.appid);
    json!({
        "appId": merchant.appid,
        "timeStamp": timestamp.to_string(),
        "nonceStr": "NONCE",
        "package": package,
        "signType": "RSA",
        "paySign": sign(&merchant.private_key(), message.as_bytes()),
    })
}

fn request_payment(sandbox: &Sandbox, parameters: &Value) -> Answer {
    sandbox.control("POST", "/wx/request-payment", parameters.clone())
}

#[test]
fn true_parameters_open_the_orders_own_cashier() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let parameters = jsapi(&merchant, &prepay(&merchant, "jsapi", "order-0001"), now());
    let opened = request_payment(&sandbox, &parameters);
    assert_eq!(
        opened.json()["cashier_url"],
        sandbox.look("/orders/order-0001")["cashier_url"]
    );
    // A mini-program does not name its appid.
    let mut mini_program = parameters;
    mini_program.as_object_mut().unwrap().remove("appId");
    assert_eq!(request_payment(&sandbox, &mini_program).status, 200);
}

#[test]
fn false_parameters_open_nothing() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let prepay_id = prepay(&merchant, "jsapi", "order-0001");
    let refused = |parameters: &Value, word: &str| {
        let answer = request_payment(&sandbox, parameters);
        assert_eq!(answer.status, 400, "{parameters}");
        assert!(
            answer.json()["error"].as_str().unwrap().starts_with(word),
            "{}",
            answer.text()
        );
    };
    let good = jsapi(&merchant, &prepay_id, now());
    for name in ["timeStamp", "nonceStr", "package", "signType", "paySign"] {
        let mut without = good.clone();
        without.as_object_mut().unwrap().remove(name);
        refused(&without, name);
    }
    for (name, value, word) in [
        ("appId", "wx0000000000000000", "appId"),
        ("signType", "MD5", "signType"),
        ("nonceStr", "OTHER", "paySign"),
        ("paySign", "AAAA", "paySign"),
        ("package", prepay_id.as_str(), "package"),
    ] {
        let mut other = good.clone();
        other[name] = value.into();
        refused(&other, word);
    }
    refused(&jsapi(&merchant, &prepay_id, now() - 3 * 3600), "timeStamp");
    refused(&jsapi(&merchant, &prepay_id, now() + 3600), "timeStamp");
    refused(&jsapi(&merchant, "wx0", now()), "prepay_id");
    refused(
        &jsapi(&merchant, &prepay(&merchant, "app", "order-0002"), now()),
        "prepay_id",
    );
    sandbox.pay("order-0001");
    assert_eq!(request_payment(&sandbox, &good).status, 400);
}

#[test]
fn an_app_signs_the_bare_prepay_id() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let prepay_id = prepay(&merchant, "app", "order-0001");
    let timestamp = now();
    let message = format!("{}\n{timestamp}\nNONCE\n{prepay_id}\n", merchant.appid);
    let good = json!({
        "appid": merchant.appid, "partnerid": merchant.mchid, "prepayid": prepay_id, "package": "Sign=WXPay", "noncestr": "NONCE",
        "timestamp": timestamp.to_string(), "sign": sign(&merchant.private_key(), message.as_bytes()),
    });
    let ask =
        |parameters: &Value| sandbox.control("POST", "/app/request-payment", parameters.clone());
    assert_eq!(ask(&good).status, 200);
    for name in [
        "appid",
        "partnerid",
        "prepayid",
        "package",
        "noncestr",
        "timestamp",
        "sign",
    ] {
        let mut other = good.clone();
        other[name] = "other".into();
        assert_eq!(ask(&other).status, 400, "{name}");
    }
}

#[test]
fn the_script_is_served_to_pages_of_this_machine() {
    let sandbox = Sandbox::start();
    let script = Request::new("GET", "/sandbox/wx.js", b"")
        .with("Origin", "http://127.0.0.1:3000")
        .send(sandbox.port)
        .unwrap();
    assert_eq!(
        script.header("Content-Type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(
        script.header("Access-Control-Allow-Origin"),
        Some("http://127.0.0.1:3000")
    );
    assert!(script.text().contains("requestPayment"));
}
