//! Cash coupons: a stock is made and started, its coupons are sent within its limits, and their use is told.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Sandbox, Shop, fits_the_facts};

const STOCKS: &str = "/v3/marketing/favor/stocks";
const OPENID: &str = "oUpF8uN95-Ptaags6E_roPHg7AG0";

struct Play {
    sandbox: Sandbox,
    merchant: Merchant,
}

impl Play {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        Self { sandbox, merchant }
    }

    /// A stock of three coupons of ¥1.00, two for each user at most.
    fn stock(&self, number: &str) -> Value {
        json!({
            "out_request_no": number, "belong_merchant": self.merchant.mchid, "stock_name": "茶券", "stock_type": "NORMAL", "no_cash": true,
            "available_begin_time": "2026-01-01T00:00:00+08:00", "available_end_time": "2036-01-01T00:00:00+08:00",
            "stock_use_rule": { "max_coupons": 3, "max_amount": 300, "max_coupons_per_user": 2, "natural_person_limit": false, "prevent_api_abuse": false },
            "coupon_use_rule": { "coupon_available_time": { "available_time_after_receive": 60 }, "fixed_normal_coupon": { "coupon_amount": 100, "transaction_minimum": 1000 } },
        })
    }

    fn create(&self, stock: &Value) -> Answer {
        self.merchant
            .post("/v3/marketing/favor/coupon-stocks", stock)
    }

    fn created(&self, number: &str) -> String {
        let answer = self.create(&self.stock(number));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fits_the_facts("POST /v3/marketing/favor/coupon-stocks", &answer.json());
        answer.json()["stock_id"].as_str().unwrap().to_owned()
    }

    fn turn(&self, stock: &str, how: &str) -> Answer {
        let answer = self.merchant.post(
            &format!("{STOCKS}/{stock}/{how}"),
            &json!({ "stock_creator_mchid": self.merchant.mchid }),
        );
        if answer.status == 200 {
            fits_the_facts(&format!("POST {STOCKS}/{{stock_id}}/{how}"), &answer.json());
        }
        answer
    }

    fn status(&self, stock: &str) -> Value {
        let found = self
            .merchant
            .get(&format!(
                "{STOCKS}/{stock}?stock_creator_mchid={}",
                self.merchant.mchid
            ))
            .json();
        fits_the_facts(&format!("GET {STOCKS}/{{stock_id}}"), &found);
        found["status"].clone()
    }

    fn send(&self, stock: &str, number: &str, openid: &str) -> Answer {
        self.merchant.post(&format!("/v3/marketing/favor/users/{openid}/coupons"), &json!({
            "appid": self.merchant.appid, "stock_id": stock, "out_request_no": number, "stock_creator_mchid": self.merchant.mchid,
        }))
    }

    fn coupons(&self, more: &str) -> Value {
        let listed = self
            .merchant
            .get(&format!(
                "/v3/marketing/favor/users/{OPENID}/coupons?appid={}{more}",
                self.merchant.appid
            ))
            .json();
        fits_the_facts("GET /v3/marketing/favor/users/{openid}/coupons", &listed);
        listed
    }
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.refusal(), (status, code.into()), "{}", answer.text());
}

#[test]
fn a_stock_is_started_paused_and_started_again() {
    let play = Play::new();
    let stock = play.created("request-1");
    assert_eq!(play.status(&stock), "unactivated");
    refused(&play.turn(&stock, "pause"), 400, "INVALID_REQUEST");
    for (how, status) in [
        ("start", "running"),
        ("pause", "paused"),
        ("restart", "running"),
    ] {
        assert_eq!(play.turn(&stock, how).status, 200);
        assert_eq!(play.status(&stock), status);
        refused(&play.turn(&stock, how), 400, "INVALID_REQUEST");
    }
    play.created("request-2");
    let list = |more: &str| {
        play.merchant
            .get(&format!(
                "{STOCKS}?stock_creator_mchid={}&offset=0&limit=10{more}",
                play.merchant.mchid
            ))
            .json()
    };
    fits_the_facts(&format!("GET {STOCKS}"), &list(""));
    assert_eq!(
        (
            &list("")["total_count"],
            &list("&status=running")["data"][0]["stock_id"]
        ),
        (&json!(2), &json!(stock))
    );
}

#[test]
fn coupons_are_sent_from_a_running_stock_within_its_limits() {
    let play = Play::new();
    let stock = play.created("request-1");
    refused(&play.send(&stock, "send-1", OPENID), 400, "INVALID_REQUEST");
    play.turn(&stock, "start");
    let first = play.send(&stock, "send-1", OPENID).json();
    assert_eq!(play.send(&stock, "send-1", OPENID).json(), first);
    refused(
        &play.send(&stock, "send-1", "another"),
        400,
        "INVALID_REQUEST",
    );
    assert_eq!(play.send(&stock, "send-2", OPENID).status, 200);
    refused(&play.send(&stock, "send-3", OPENID), 403, "RULE_LIMIT");
    assert_eq!(play.send(&stock, "send-3", "another").status, 200);
    refused(&play.send(&stock, "send-4", "third"), 403, "NOT_ENOUGH");
    refused(
        &play.send("1", "send-4", OPENID),
        404,
        "RESOURCE_NOT_EXISTS",
    );
    let listed = play.coupons("&limit=1&offset=1");
    assert_eq!(
        (&listed["total_count"], &listed["data"][0]["coupon_id"]),
        (&json!(2), &first["coupon_id"])
    );
    assert_eq!(
        listed["data"][0]["normal_coupon_information"],
        json!({ "coupon_amount": 100, "transaction_minimum": 1000 })
    );
    assert_eq!(play.coupons("&status=USED")["total_count"], 0);
}

#[test]
fn the_use_of_a_coupon_is_told_where_the_merchant_said() {
    let play = Play::new();
    let shop = Shop::open(&[Reply::Status(200)]);
    let callback = json!({ "mchid": play.merchant.mchid, "notify_url": shop.notify_url });
    assert_eq!(
        play.merchant
            .post("/v3/marketing/favor/callbacks", &callback)
            .status,
        200
    );
    let set = play.merchant.get(&format!(
        "/v3/marketing/favor/callbacks?mchid={}",
        play.merchant.mchid
    ));
    assert_eq!(set.json(), callback);
    let stock = play.created("request-1");
    play.turn(&stock, "start");
    let coupon = play.send(&stock, "send-1", OPENID).json()["coupon_id"]
        .as_str()
        .unwrap()
        .to_owned();
    play.merchant.place("order-0001");
    let use_it = || {
        play.sandbox.control(
            "POST",
            &format!("/coupons/{coupon}/use"),
            json!({ "out_trade_no": "order-0001" }),
        )
    };
    assert_eq!(use_it().status, 400);
    let transaction = play.sandbox.pay("order-0001");
    assert_eq!(use_it().status, 200);
    let received = shop.next();
    assert_eq!(received.envelope()["event_type"], "COUPON.USE");
    let told = received.opened(&play.merchant);
    assert_eq!(
        (&told["coupon_id"], &told["status"]),
        (&json!(coupon), &json!("USED"))
    );
    assert_eq!(
        told["consume_information"]["transaction_id"],
        transaction["transaction_id"]
    );
    assert_eq!(use_it().status, 400);
    let found = play.merchant.get(&format!(
        "/v3/marketing/favor/users/{OPENID}/coupons/{coupon}?appid={}",
        play.merchant.appid
    ));
    fits_the_facts(
        "GET /v3/marketing/favor/users/{openid}/coupons/{coupon_id}",
        &found.json(),
    );
    assert_eq!(found.json()["status"], "USED");
}

#[test]
fn a_stock_that_cannot_be_is_refused_with_its_field() {
    let play = Play::new();
    for (pointer, value) in [
        ("/stock_use_rule/max_amount", json!(299)),
        ("/available_end_time", json!("2025-01-01T00:00:00+08:00")),
        ("/coupon_use_rule/fixed_normal_coupon", Value::Null),
        ("/stock_name", Value::Null),
    ] {
        let mut stock = play.stock("request-1");
        *stock.pointer_mut(pointer).unwrap() = value;
        let answer = play.create(&stock);
        refused(&answer, 400, "PARAM_ERROR");
        assert_eq!(answer.json()["detail"]["field"], pointer);
    }
    let mut foreign = play.stock("request-1");
    foreign["belong_merchant"] = "1900000109".into();
    refused(&play.create(&foreign), 403, "NO_AUTH");
    let stock = play.created("request-1");
    assert_eq!(play.created("request-1"), stock);
    let mut other = play.stock("request-1");
    other["stock_name"] = "另一个".into();
    refused(&play.create(&other), 400, "INVALID_REQUEST");
}
