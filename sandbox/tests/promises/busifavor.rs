//! A merchant's own coupons: sent, used, returned, deactivated, each once; and sendings are told.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Sandbox, Shop, fits_the_facts};

const BASE: &str = "/v3/marketing/busifavor";
const OPENID: &str = "oUpF8uN95-Ptaags6E_roPHg7AG0";

struct Play {
    _sandbox: Sandbox,
    merchant: Merchant,
}

impl Play {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        Self {
            _sandbox: sandbox,
            merchant,
        }
    }

    /// A stock of two coupons, whose codes are made so.
    fn stock(&self, number: &str, mode: &str) -> Value {
        json!({
            "out_request_no": number, "belong_merchant": self.merchant.mchid, "stock_name": "茶券", "goods_name": "茶", "stock_type": "NORMAL",
            "coupon_code_mode": mode, "stock_send_rule": { "max_coupons": 2, "max_coupons_per_user": 1 },
            "coupon_use_rule": {
                "coupon_available_time": { "available_begin_time": "2026-01-01T00:00:00+08:00", "available_end_time": "2036-01-01T00:00:00+08:00" },
                "fixed_normal_coupon": { "discount_amount": 100, "transaction_minimum": 1000 }, "use_method": "OFF_LINE",
            },
        })
    }

    fn created(&self, number: &str, mode: &str) -> String {
        let answer = self
            .merchant
            .post(&format!("{BASE}/stocks"), &self.stock(number, mode));
        fits_the_facts(&format!("POST {BASE}/stocks"), &answer.json());
        answer.json()["stock_id"].as_str().unwrap().to_owned()
    }

    fn send(&self, stock: &str, number: &str, openid: &str, code: Value) -> Answer {
        self.merchant.post(&format!("{BASE}/coupons/send"), &json!({
            "appid": self.merchant.appid, "stock_id": stock, "out_request_no": number, "openid": openid, "coupon_code": code,
        }))
    }

    fn step(&self, what: &str, code: &Value, stock: &str, number: &str) -> Answer {
        let mut body = json!({ "coupon_code": code, "stock_id": stock });
        body[format!("{what}_request_no")] = number.into();
        if what == "use" {
            body["appid"] = self.merchant.appid.as_str().into();
            body["use_time"] = "2026-01-02T00:00:00+08:00".into();
        }
        let answer = self.merchant.post(&format!("{BASE}/coupons/{what}"), &body);
        if answer.status == 200 {
            fits_the_facts(&format!("POST {BASE}/coupons/{what}"), &answer.json());
        }
        answer
    }

    fn state(&self, code: &Value) -> Value {
        let code = code.as_str().unwrap();
        let found = self
            .merchant
            .get(&format!(
                "{BASE}/users/{OPENID}/coupons/{code}/appids/{}",
                self.merchant.appid
            ))
            .json();
        fits_the_facts(
            &format!("GET {BASE}/users/{{openid}}/coupons/{{coupon_code}}/appids/{{appid}}"),
            &found,
        );
        found["coupon_state"].clone()
    }
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.refusal(), (status, code.into()), "{}", answer.text());
}

#[test]
fn a_coupon_is_sent_told_used_returned_and_deactivated() {
    let play = Play::new();
    let shop = Shop::open(&[Reply::Status(200)]);
    let callback = json!({ "mchid": play.merchant.mchid, "notify_url": shop.notify_url });
    assert_eq!(
        play.merchant
            .post(&format!("{BASE}/callbacks"), &callback)
            .status,
        200
    );
    assert_eq!(
        play.merchant
            .get(&format!("{BASE}/callbacks?mchid={}", play.merchant.mchid))
            .json(),
        callback
    );
    let stock = play.created("request-1", "WECHATPAY_MODE");
    let sent = play.send(&stock, "send-1", OPENID, Value::Null).json();
    fits_the_facts(&format!("POST {BASE}/coupons/send"), &sent);
    let code = &sent["coupon_code"];
    let received = shop.next();
    assert_eq!(received.envelope()["event_type"], "COUPON.SEND");
    let told = received.opened(&play.merchant);
    assert_eq!(
        (&told["coupon_code"], &told["openid"], &told["stock_id"]),
        (code, &json!(OPENID), &json!(stock))
    );

    refused(
        &play.step("return", code, &stock, "return-1"),
        400,
        "INVALID_REQUEST",
    );
    for (what, number, state) in [
        ("use", "use-1", "USED"),
        ("return", "return-1", "SENDED"),
        ("use", "use-2", "USED"),
        ("return", "return-2", "SENDED"),
        ("deactivate", "end-1", "DEACTIVATED"),
    ] {
        let first = play.step(what, code, &stock, number);
        assert_eq!(first.status, 200, "{}", first.text());
        assert_eq!(play.step(what, code, &stock, number).json(), first.json());
        assert_eq!(play.state(code), state);
    }
    refused(
        &play.step("use", code, &stock, "use-3"),
        400,
        "INVALID_REQUEST",
    );
    refused(
        &play.step("use", &json!("unknown"), &stock, "use-4"),
        404,
        "RESOURCE_NOT_EXISTS",
    );
}

#[test]
fn coupons_are_sent_within_the_limits_of_their_stock() {
    let play = Play::new();
    let stock = play.created("request-1", "WECHATPAY_MODE");
    let first = play.send(&stock, "send-1", OPENID, Value::Null).json();
    assert_eq!(
        play.send(&stock, "send-1", OPENID, Value::Null).json(),
        first
    );
    refused(
        &play.send(&stock, "send-1", "another", Value::Null),
        400,
        "INVALID_REQUEST",
    );
    refused(
        &play.send(&stock, "send-2", OPENID, Value::Null),
        403,
        "RULE_LIMIT",
    );
    assert_eq!(
        play.send(&stock, "send-2", "another", Value::Null).status,
        200
    );
    refused(
        &play.send(&stock, "send-3", "third", Value::Null),
        403,
        "NOT_ENOUGH",
    );
    refused(
        &play.send("1", "send-3", OPENID, Value::Null),
        404,
        "RESOURCE_NOT_EXISTS",
    );
    let found = play.merchant.get(&format!("{BASE}/stocks/{stock}")).json();
    fits_the_facts(&format!("GET {BASE}/stocks/{{stock_id}}"), &found);
    assert_eq!(
        (
            &found["stock_state"],
            &found["send_count_information"]["total_send_num"]
        ),
        (&json!("RUNNING"), &json!(2))
    );
    let listed = |more: &str| {
        play.merchant
            .get(&format!(
                "{BASE}/users/{OPENID}/coupons?appid={}{more}",
                play.merchant.appid
            ))
            .json()
    };
    fits_the_facts(&format!("GET {BASE}/users/{{openid}}/coupons"), &listed(""));
    assert_eq!(
        (
            &listed("")["total_count"],
            &listed("&coupon_state=USED")["total_count"]
        ),
        (&json!(1), &json!(0))
    );
}

#[test]
fn a_stock_with_the_merchants_codes_wants_one_with_every_coupon_and_none_twice() {
    let play = Play::new();
    let stock = play.created("request-1", "MERCHANT_API");
    let missing = play.send(&stock, "send-1", OPENID, Value::Null);
    assert_eq!(missing.json()["detail"]["field"], "/coupon_code");
    assert_eq!(
        play.send(&stock, "send-1", OPENID, json!("TEA1")).json()["coupon_code"],
        "TEA1"
    );
    refused(
        &play.send(&stock, "send-2", "another", json!("TEA1")),
        400,
        "INVALID_REQUEST",
    );
}

#[test]
fn a_stock_needs_the_rule_of_its_type() {
    let play = Play::new();
    let mut stock = play.stock("request-1", "WECHATPAY_MODE");
    stock["stock_type"] = "DISCOUNT".into();
    let answer = play.merchant.post(&format!("{BASE}/stocks"), &stock);
    assert_eq!(
        answer.json()["detail"]["field"],
        "/coupon_use_rule/discount_coupon"
    );
    let made = play.created("request-1", "WECHATPAY_MODE");
    assert_eq!(play.created("request-1", "WECHATPAY_MODE"), made);
    let other = play.merchant.post(
        &format!("{BASE}/stocks"),
        &play.stock("request-1", "MERCHANT_API"),
    );
    refused(&other, 400, "INVALID_REQUEST");
}
