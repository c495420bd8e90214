//! What a request's body must be.

use serde_json::{Value, json};

use crate::stage::{Merchant, Sandbox, encrypt_oaep};

const JSAPI: &str = "/v3/pay/transactions/jsapi";
const NOBODY: &str = "http://127.0.0.1:9/";

fn jsapi(merchant: &Merchant) -> Value {
    let mut order = merchant.order("order-0001", NOBODY);
    order["payer"] = json!({ "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" });
    order
}

/// `order` with one value changed, or taken away when it is null.
fn changed(order: &Value, pointer: &str, value: Value) -> Value {
    let mut order = order.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = order.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if value.is_null() {
        parent.remove(name);
    } else {
        parent.insert(name.into(), value);
    }
    order
}

#[test]
fn a_malformed_parameter_is_named() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = jsapi(&merchant);
    let long = |length: usize| Value::from("长".repeat(length));
    for (pointer, value) in [
        ("/appid", Value::Null),
        ("/mchid", Value::Null),
        ("/description", Value::Null),
        ("/description", json!("")),
        ("/description", json!(1)),
        ("/description", long(128)),
        ("/description", json!("🍵")),
        ("/out_trade_no", Value::Null),
        ("/out_trade_no", json!("short")),
        ("/out_trade_no", json!("o".repeat(33))),
        ("/out_trade_no", json!("order/0001")),
        ("/out_trade_no", json!("订单订单订单")),
        ("/notify_url", Value::Null),
        (
            "/notify_url",
            json!(format!("http://127.0.0.1:9/{}", "n".repeat(255))),
        ),
        ("/amount", Value::Null),
        ("/amount", json!(100)),
        ("/amount/total", Value::Null),
        ("/amount/total", json!(0)),
        ("/amount/total", json!(-1)),
        ("/amount/total", json!(1.0)),
        ("/amount/total", json!("100")),
        ("/amount/currency", json!("USD")),
        ("/payer", Value::Null),
        ("/payer/openid", Value::Null),
        ("/attach", long(129)),
        ("/time_expire", json!("tomorrow")),
        ("/time_expire", json!("2020-01-01T00:00:00+08:00")),
        ("/support_fapiao", json!("yes")),
        ("/settle_info", json!({ "profit_sharing": 1 })),
        ("/limit_pay", json!("no_credit")),
        ("/limit_pay", json!(["cash"])),
        (
            "/detail",
            json!({ "goods_detail": [{ "quantity": 1, "unit_price": 1 }] }),
        ),
        ("/scene_info", json!({ "store_info": { "name": "店" } })),
    ] {
        let answer = merchant.post(JSAPI, &changed(&order, pointer, value.clone()));
        assert_eq!(
            answer.refusal(),
            (400, "PARAM_ERROR".into()),
            "{pointer} {value}"
        );
        let field = answer.json()["detail"]["field"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(field.starts_with(pointer), "{pointer} {value}: {field}");
        assert!(answer.json()["detail"]["issue"].is_string());
        assert!(answer.header("Request-ID").unwrap().ends_with("-268435461"));
    }
    for body in ["", "[]", "{", "null", "{\"appid\":}"] {
        let answer = merchant
            .signed("POST", JSAPI, body.as_bytes())
            .send(sandbox.port)
            .unwrap();
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{body}");
    }
    assert_eq!(sandbox.look("/orders"), json!([]));
}

#[test]
fn every_optional_parameter_may_be_there() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let mut order = jsapi(&merchant);
    let more = json!({
        "attach": "附加数据", "goods_tag": "WXG", "support_fapiao": true, "limit_pay": ["no_credit"], "time_expire": "2099-01-01T00:00:00+08:00",
        "settle_info": { "profit_sharing": false },
        "detail": { "cost_price": 608_800, "invoice_id": "微信123", "goods_detail": [{ "merchant_goods_id": "1246464644", "quantity": 1, "unit_price": 528_800 }] },
        "scene_info": { "payer_client_ip": "14.23.150.211", "device_id": "013467007045764", "store_info": { "name": "店", "area_code": "440305", "address": "路" } },
        "a_new_parameter": { "of": "tomorrow" },
    });
    order
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    assert_eq!(merchant.post(JSAPI, &order).status, 200);
    let transaction = merchant.query("order-0001").json();
    assert_eq!(transaction["attach"], "附加数据");
    assert_eq!(
        transaction["scene_info"],
        json!({ "device_id": "013467007045764" })
    );
}

#[test]
fn each_kind_of_payment_gets_its_own_answer() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let pay = |kind: &str, number: &str, more: Value| {
        let mut order = merchant.order(number, NOBODY);
        order
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        merchant.post(&format!("/v3/pay/transactions/{kind}"), &order)
    };
    let text = |answer: &crate::stage::Answer, name: &str| {
        answer.json()[name].as_str().unwrap().to_owned()
    };
    for (kind, number, more) in [
        (
            "jsapi",
            "order-jsapi",
            json!({ "payer": { "openid": "o1" } }),
        ),
        ("app", "order-app", json!({})),
    ] {
        let prepay_id = text(&pay(kind, number, more), "prepay_id");
        assert!(
            prepay_id.starts_with("wx") && prepay_id.len() == 36,
            "{prepay_id}"
        );
    }
    let code_url = text(&pay("native", "order-native", json!({})), "code_url");
    assert!(code_url.starts_with(&format!("{}/cashier/", sandbox.url)));
    assert_eq!(pay("h5", "order-h5-0", json!({})).refusal().0, 400);
    let scene =
        json!({ "scene_info": { "payer_client_ip": "127.0.0.1", "h5_info": { "type": "Wap" } } });
    let h5_url = text(&pay("h5", "order-h5-1", scene), "h5_url");
    assert!(
        h5_url.starts_with(&format!("{}/cashier/", sandbox.url))
            && h5_url.contains("?prepay_id=wx")
    );
}

#[test]
fn merchant_and_appid_must_be_the_signers_own() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = jsapi(&merchant);
    let refusal = |pointer: &str, value: &str| {
        merchant
            .post(JSAPI, &changed(&order, pointer, json!(value)))
            .refusal()
    };
    assert_eq!(refusal("/mchid", "1900000001"), (403, "NO_AUTH".into()));
    assert_eq!(
        refusal("/appid", "wx0000000000000000"),
        (400, "APPID_MCHID_NOT_MATCH".into())
    );
    let foreign = merchant.get("/v3/pay/transactions/out-trade-no/order-0001?mchid=1900000001");
    assert_eq!(foreign.refusal(), (403, "NO_AUTH".into()));
    let without = merchant.get("/v3/pay/transactions/out-trade-no/order-0001");
    assert_eq!(without.refusal(), (400, "PARAM_ERROR".into()));
    assert_eq!(without.json()["detail"]["location"], "query");
}

#[test]
fn sensitive_fields_open_with_the_named_key_only() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let certificate = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    let public_key = merchant.public_key_id.clone();
    let order = |serial: &str, number: &str| {
        let sealed = |plain: &str| encrypt_oaep(&merchant.platform_key(serial), plain);
        let mut order = jsapi(&merchant);
        order["out_trade_no"] = number.into();
        order["payer"]["identity"] = json!({ "type": "IDCARD", "name": sealed("张三"), "number": sealed("440101199001011234") });
        order
    };
    for (number, serial) in [("order-0001", &certificate), ("order-0002", &public_key)] {
        assert_eq!(
            merchant
                .post_naming(serial, JSAPI, &order(serial, number))
                .status,
            200,
            "{serial}"
        );
        let identity = &sandbox.look(&format!("/orders/{number}"))["request"]["payer"]["identity"];
        assert_eq!(identity["name"], "张三");
        // The same again, encrypted anew, is still the same order.
        assert_eq!(
            merchant
                .post_naming(serial, JSAPI, &order(serial, number))
                .status,
            200
        );
    }

    let refused = |answer: crate::stage::Answer| {
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
        assert_eq!(answer.json()["detail"]["field"], "/payer/identity/number");
    };
    refused(merchant.post_naming(&public_key, JSAPI, &order(&certificate, "order-0003")));
    refused(merchant.post(JSAPI, &order(&certificate, "order-0003")));
    let mut plain = order(&certificate, "order-0003");
    plain["payer"]["identity"]["number"] = "440101199001011234".into();
    refused(merchant.post_naming(&certificate, JSAPI, &plain));
}
