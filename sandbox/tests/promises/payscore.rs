//! PayScore: a service is agreed to, ends, and is paid; users give their leave and take it back.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, PATIENCE, Reply, Sandbox, Shop, fits_the_facts};

const ORDERS: &str = "/v3/payscore/serviceorder";
const PERMISSIONS: &str = "/v3/payscore/permissions";
const OPENID: &str = "oUpF8uN95-Ptaags6E_roPHg7AG0";

struct Play {
    sandbox: Sandbox,
    merchant: Merchant,
    shop: Shop,
}

impl Play {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        let shop = Shop::open(&[Reply::Status(200)]);
        Self {
            sandbox,
            merchant,
            shop,
        }
    }

    /// Deductions find money, or none.
    fn funds(&self, deductions: &str) {
        let settings = json!({ "deductions": deductions });
        assert_eq!(
            self.sandbox.control("PUT", "/settings", settings).status,
            200
        );
    }

    fn order(&self, number: &str) -> Value {
        json!({
            "out_order_no": number, "appid": self.merchant.appid, "service_id": "500001", "service_introduction": "茶具租借",
            "time_range": { "start_time": "OnAccept" }, "risk_fund": { "name": "DEPOSIT", "amount": 10000 },
            "post_payments": [{ "name": "就餐费用", "description": "未用" }], "attach": "a", "notify_url": self.shop.notify_url,
        })
    }

    fn create(&self, order: &Value) -> Answer {
        self.merchant.post(ORDERS, order)
    }

    fn created(&self, number: &str) -> Value {
        let answer = self.create(&self.order(number));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fits_the_facts(&format!("POST {ORDERS}"), &answer.json());
        answer.json()
    }

    fn user(&self, number: &str, what: &str) -> Answer {
        self.sandbox.control(
            "POST",
            &format!("/payscore/orders/{number}/{what}"),
            Value::Null,
        )
    }

    /// An order that the user has confirmed; the news is read.
    fn confirmed(&self, number: &str) {
        self.created(number);
        assert_eq!(self.user(number, "confirm").status, 200);
        assert_eq!(self.next("PAYSCORE.USER_CONFIRM")["out_order_no"], number);
    }

    fn next(&self, event_type: &str) -> Value {
        let received = self.shop.next();
        assert_eq!(received.envelope()["event_type"], event_type);
        assert_eq!(received.envelope()["resource"]["original_type"], "payscore");
        received.opened(&self.merchant)
    }

    fn post(&self, number: &str, what: &str, more: Value) -> Answer {
        let mut body = json!({ "appid": self.merchant.appid, "service_id": "500001" });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let answer = self
            .merchant
            .post(&format!("{ORDERS}/{number}/{what}"), &body);
        if answer.status == 200 {
            fits_the_facts(
                &format!("POST {ORDERS}/{{out_order_no}}/{what}"),
                &answer.json(),
            );
        }
        answer
    }

    fn complete(&self, number: &str, fen: i64) -> Answer {
        let parts = json!([{ "name": "就餐费用", "amount": fen + 10 }]);
        let off = json!([{ "name": "满减", "amount": 10 }]);
        self.post(number, "complete", json!({ "post_payments": parts, "post_discounts": off, "total_amount": fen, "time_range": { "end_time": "20260102100000" } }))
    }

    fn query(&self, number: &str) -> Value {
        let answer = self.merchant.get(&format!(
            "{ORDERS}?out_order_no={number}&service_id=500001&appid={}",
            self.merchant.appid
        ));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fits_the_facts(&format!("GET {ORDERS}"), &answer.json());
        answer.json()
    }

    fn state(&self, number: &str) -> (Value, Value) {
        let order = self.query(number);
        (order["state"].clone(), order["state_description"].clone())
    }
}

fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.refusal(), (400, code.into()), "{}", answer.text());
}

#[test]
fn an_order_is_created_confirmed_completed_and_paid() {
    let play = Play::new();
    let created = play.created("score-1");
    assert_eq!(created["state"], "CREATED");
    assert!(created["package"].is_string());
    refused(&play.complete("score-1", 100), "INVALID_ORDER_STATE");

    let confirmed = play.user("score-1", "confirm").json();
    let told = play.next("PAYSCORE.USER_CONFIRM");
    fits_the_facts(&format!("GET {ORDERS}"), &told);
    assert_eq!(
        (&told["state"], &told["state_description"]),
        (&json!("DOING"), &json!("USER_CONFIRM"))
    );
    assert!(told["openid"].is_string());
    let by_id = play.merchant.get(&format!(
        "{ORDERS}?query_id={}&service_id=500001&appid={}",
        confirmed["query_id"].as_str().unwrap(),
        play.merchant.appid
    ));
    assert_eq!(by_id.json()["out_order_no"], "score-1");

    let completed = play.complete("score-1", 100).json();
    assert_eq!(
        (
            &completed["state_description"],
            &completed["total_amount"],
            &completed["need_collection"]
        ),
        (&json!("MCH_COMPLETE"), &json!(100), &json!(true))
    );
    let told = play.next("PAYSCORE.USER_PAID");
    let collection = &told["collection"];
    assert_eq!(
        (
            &told["state"],
            &collection["state"],
            &collection["paid_amount"]
        ),
        (&json!("DONE"), &json!("USER_PAID"), &json!(100))
    );
    assert_eq!(
        told["time_range"],
        json!({ "start_time": "OnAccept", "end_time": "20260102100000" })
    );
    assert_eq!(play.query("score-1"), told);
    refused(&play.complete("score-1", 50), "ORDER_DONE");
    refused(
        &play.post("score-1", "cancel", json!({ "reason": "r" })),
        "ORDER_DONE",
    );

    // The payment is one like any other.
    let refund = json!({
        "transaction_id": collection["details"][0]["transaction_id"], "out_refund_no": "refund-1",
        "amount": { "refund": 40, "total": 100, "currency": "CNY" },
    });
    assert_eq!(
        play.merchant
            .post("/v3/refund/domestic/refunds", &refund)
            .status,
        200
    );
}

#[test]
fn a_complaint_about_its_payment_names_the_service_order() {
    let play = Play::new();
    play.confirmed("score-1");
    play.complete("score-1", 100);
    play.next("PAYSCORE.USER_PAID");
    let made = play
        .sandbox
        .control("POST", "/orders/score-1/complain", Value::Null)
        .json();
    let target = format!(
        "/v3/merchant-service/complaints-v2/{}",
        made["complaint_id"].as_str().unwrap()
    );
    let service = &play.merchant.get(&target).json()["service_order_info"][0];
    assert_eq!(
        (&service["out_order_no"], &service["state"]),
        (&json!("score-1"), &json!("DONE"))
    );
}

#[test]
fn without_money_an_order_waits_until_it_is_collected_paid_or_synchronised() {
    let play = Play::new();
    play.funds("fail");
    for number in ["score-1", "score-2", "score-3", "score-4"] {
        play.confirmed(number);
        assert_eq!(play.complete(number, 100).status, 200);
    }
    let unpaid = play.query("score-1");
    assert_eq!(
        (
            &unpaid["collection"]["state"],
            &unpaid["collection"]["paying_amount"]
        ),
        (&json!("USER_PAYING"), &json!(100))
    );

    // The user pays by himself; then the price is lowered and collected; then paid elsewhere; then given up.
    assert_eq!(play.user("score-1", "pay").status, 200);
    assert_eq!(play.next("PAYSCORE.USER_PAID")["out_order_no"], "score-1");
    let lower = json!({ "post_payments": [{ "name": "就餐费用", "amount": 60 }], "post_discounts": [], "total_amount": 60, "reason": "r" });
    assert_eq!(
        play.post("score-2", "modify", lower.clone()).json()["total_amount"],
        60
    );
    play.funds("succeed");
    assert_eq!(play.post("score-2", "pay", json!({})).status, 200);
    assert_eq!(
        play.next("PAYSCORE.USER_PAID")["collection"]["paid_amount"],
        60
    );
    let elsewhere = json!({ "type": "Order_Paid", "detail": { "paid_time": "20260102100000" } });
    let synchronised = play.post("score-3", "sync", elsewhere.clone()).json();
    assert_eq!(
        (
            &synchronised["state"],
            &synchronised["collection"]["details"][0]["paid_type"]
        ),
        (&json!("DONE"), &json!("MCH"))
    );
    assert_eq!(
        play.post("score-4", "cancel", json!({ "reason": "r" }))
            .status,
        200
    );
    assert_eq!(play.state("score-4").0, "REVOKED");
    for (what, body) in [("modify", lower), ("pay", json!({})), ("sync", elsewhere)] {
        refused(&play.post("score-2", what, body.clone()), "ORDER_DONE");
        refused(&play.post("score-4", what, body), "ORDER_CANCELED");
    }
    assert!(play.shop.is_quiet());
}

#[test]
fn what_costs_nothing_is_done_at_once() {
    let play = Play::new();
    play.confirmed("score-1");
    let done = play.complete("score-1", 0).json();
    assert_eq!(
        (&done["state"], &done["need_collection"]),
        (&json!("DONE"), &json!(false))
    );
    assert!(play.query("score-1").get("collection").is_none());
}

#[test]
fn a_request_that_comes_again_is_the_same_and_another_under_its_number_is_refused() {
    let play = Play::new();
    let first = play.created("score-1");
    assert_eq!(play.created("score-1"), first);
    let mut other = play.order("score-1");
    other["attach"] = "b".into();
    refused(&play.create(&other), "INVALID_REQUEST");
    assert_eq!(play.user("score-1", "confirm").status, 200);
    assert_eq!(play.user("score-1", "confirm").status, 400);
    play.funds("fail");
    assert_eq!(
        play.complete("score-1", 100).json(),
        play.complete("score-1", 100).json()
    );
    refused(&play.complete("score-1", 90), "INVALID_REQUEST");
    assert_eq!(
        play.post("score-1", "cancel", json!({ "reason": "r" }))
            .status,
        200
    );
    assert_eq!(
        play.post("score-1", "cancel", json!({ "reason": "r" }))
            .status,
        200
    );
    refused(
        &play.post("score-1", "cancel", json!({ "reason": "other" })),
        "ORDER_CANCELED",
    );
}

#[test]
fn a_sum_that_does_not_add_up_is_refused_with_its_field() {
    let play = Play::new();
    play.confirmed("score-1");
    let wrong = json!({ "post_payments": [{ "name": "n", "amount": 100 }], "post_discounts": [{ "name": "d", "amount": 1 }], "total_amount": 100 });
    let answer = play.post("score-1", "complete", wrong);
    refused(&answer, "PARAM_ERROR");
    assert_eq!(answer.json()["detail"]["field"], "/total_amount");
    let mut order = play.order("score-2");
    order["risk_fund"]["amount"] = 0.into();
    assert_eq!(
        play.create(&order).json()["detail"]["field"],
        "/risk_fund/amount"
    );
    order = play.order("sc#re");
    assert_eq!(
        play.create(&order).json()["detail"]["field"],
        "/out_order_no"
    );
    order = play.order("score-2");
    order.as_object_mut().unwrap().remove("time_range");
    assert_eq!(play.create(&order).json()["detail"]["field"], "/time_range");
    assert_eq!(
        play.post("unknown", "cancel", json!({ "reason": "r" }))
            .refusal(),
        (404, "ORDER_NOT_EXIST".into())
    );
    let both = play.merchant.get(&format!(
        "{ORDERS}?service_id=500001&appid={}",
        play.merchant.appid
    ));
    refused(&both, "PARAM_ERROR");
}

#[test]
fn a_user_gives_leave_is_not_asked_again_and_takes_it_back() {
    let play = Play::new();
    let application = json!({ "service_id": "500001", "appid": play.merchant.appid, "authorization_code": "auth-1", "notify_url": play.shop.notify_url });
    assert!(
        play.merchant.post(PERMISSIONS, &application).json()["apply_permissions_token"].is_string()
    );
    let by_code = || {
        play.merchant
            .get(&format!(
                "{PERMISSIONS}/authorization-code/auth-1?service_id=500001"
            ))
            .json()
    };
    let by_user = || {
        play.merchant
            .get(&format!(
                "{PERMISSIONS}/openid/{OPENID}?service_id=500001&appid={}",
                play.merchant.appid
            ))
            .json()
    };
    let usable = || {
        play.merchant
            .get(&format!(
                "/v3/payscore/user-service-state?service_id=500001&openid={OPENID}&appid={}",
                play.merchant.appid
            ))
            .json()
    };
    assert_eq!(
        (
            &by_code()["authorization_state"],
            &by_user()["authorization_state"]
        ),
        (&json!("UNBINDUSER"), &json!("UNAVAILABLE"))
    );
    let mut unconfirmed = play.order("score-1");
    unconfirmed["need_user_confirm"] = false.into();
    unconfirmed["openid"] = OPENID.into();
    assert_eq!(play.create(&unconfirmed).refusal(), (403, "NO_AUTH".into()));

    let user = |what: &str| {
        play.sandbox.control(
            "POST",
            &format!("/payscore/permissions/auth-1/{what}"),
            match what {
                "open" => json!({ "openid": OPENID }),
                _ => Value::Null,
            },
        )
    };
    assert_eq!(user("open").status, 200);
    let told = play.next("PAYSCORE.USER_OPEN_SERVICE");
    assert_eq!(
        (
            &told["openid"],
            &told["user_service_status"],
            &told["authorization_code"]
        ),
        (
            &json!(OPENID),
            &json!("USER_OPEN_SERVICE"),
            &json!("auth-1")
        )
    );
    for answer in [by_code(), by_user()] {
        assert_eq!(answer["authorization_state"], "AVAILABLE");
    }
    fits_the_facts(
        &format!("GET {PERMISSIONS}/authorization-code/{{authorization_code}}"),
        &by_code(),
    );
    fits_the_facts(&format!("GET {PERMISSIONS}/openid/{{openid}}"), &by_user());
    assert_eq!(usable()["use_service_state"], "AVAILABLE");
    assert_eq!(play.create(&unconfirmed).json()["state"], "DOING");

    let end = json!({ "service_id": "500001", "reason": "r" });
    let terminate = || {
        play.merchant.post(
            &format!("{PERMISSIONS}/authorization-code/auth-1/terminate"),
            &end,
        )
    };
    assert_eq!(terminate().status, 204);
    assert_eq!(
        play.next("PAYSCORE.USER_CLOSE_SERVICE")["user_service_status"],
        "USER_CLOSE_SERVICE"
    );
    assert_eq!(
        (
            &by_code()["authorization_state"],
            &usable()["use_service_state"]
        ),
        (&json!("UNAVAILABLE"), &json!("UNAVAILABLE"))
    );
    refused(&terminate(), "INVALID_REQUEST");
    assert_eq!(user("close").status, 400);
    unconfirmed["out_order_no"] = "score-2".into();
    assert_eq!(play.create(&unconfirmed).refusal(), (403, "NO_AUTH".into()));
}

#[test]
fn what_nobody_confirms_in_time_expires() {
    // Thirty days are a thousandth of a second.
    let sandbox = Sandbox::start_with(&["--speed", "4000000000"]);
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let play = Play {
        sandbox,
        merchant,
        shop,
    };
    assert_eq!(play.create(&play.order("score-1")).status, 200);
    let deadline = std::time::Instant::now() + PATIENCE;
    while play.state("score-1").0 != "EXPIRED" {
        assert!(std::time::Instant::now() < deadline);
    }
    assert_eq!(play.user("score-1", "confirm").status, 400);
    refused(
        &play.post("score-1", "cancel", json!({ "reason": "r" })),
        "INVALID_ORDER_STATE",
    );
}
