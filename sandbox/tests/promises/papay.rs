//! Contracts: signed once by the user, deducted under by the merchant, ended by either or by the deduction itself.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Sandbox, Shop, fits_the_facts};

const SIGN: &str = "/v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign";
const APPLY: &str = "/v3/papay/pay/transactions/apply";
const CONTRACT: &str =
    "/v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}";

struct Play {
    sandbox: Sandbox,
    merchant: Merchant,
    shop: Shop,
}

impl Play {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        Self {
            sandbox,
            merchant,
            shop: Shop::open(&[Reply::Status(200)]),
        }
    }

    fn pre_sign(&self, way: &str, code: &str, schedule: Value) -> Answer {
        self.merchant.post(&format!("{SIGN}/{way}"), &json!({
            "appid": self.merchant.appid, "plan_id": 12535, "out_contract_code": code, "out_user_code": "u1",
            "contract_display_account": "张三的茶", "contract_notify_url": self.shop.notify_url, "deduct_schedule": schedule,
        }))
    }

    /// A signed contract; answers its id.
    fn signed(&self, code: &str, schedule: Value) -> String {
        assert_eq!(self.pre_sign("jsapi", code, schedule).status, 200);
        assert_eq!(self.user(code, "sign").status, 200);
        let told = self.next("ENTRUST.SIGN");
        assert_eq!(
            (&told["out_contract_code"], &told["contract_state"]),
            (&json!(code), &json!("SIGNED"))
        );
        told["contract_id"].as_str().unwrap().to_owned()
    }

    fn user(&self, code: &str, what: &str) -> Answer {
        self.sandbox
            .control("POST", &format!("/contracts/{code}/{what}"), Value::Null)
    }

    fn query(&self, code: &str) -> Answer {
        self.merchant.get(&format!(
            "/v3/papay/sign/contracts/plan-id/12535/out-contract-code/{code}"
        ))
    }

    fn next(&self, event_type: &str) -> Value {
        let received = self.shop.next();
        assert_eq!(received.envelope()["event_type"], event_type);
        received.opened(&self.merchant)
    }

    fn schedule(&self, id: &str, fen: i64) -> Answer {
        let target = format!("/v3/papay/pay/schedules/contract-id/{id}/schedule");
        self.merchant.post(&target, &json!({ "appid": self.merchant.appid, "schedule_amount": { "total": fen, "currency": "CNY" } }))
    }

    fn apply(&self, id: &str, number: &str, fen: i64) -> Answer {
        self.merchant.post(APPLY, &json!({
            "appid": self.merchant.appid, "out_trade_no": number, "description": "每月一茶", "transaction_notify_url": self.shop.notify_url,
            "contract_id": id, "amount": { "total": fen, "currency": "CNY" },
        }))
    }

    fn announce_to_user(&self, id: &str) -> Answer {
        let body = json!({ "mchid": self.merchant.mchid, "appid": self.merchant.appid, "estimated_amount": { "amount": 100, "currency": "CNY" } });
        self.merchant
            .post(&format!("/v3/papay/contracts/{id}/notify"), &body)
    }
}

fn monthly() -> Value {
    json!({ "description": "每月一茶", "estimated_deduct_date": "2026-02-01", "estimated_deduct_amount": { "total": 3000, "currency": "CNY" } })
}

fn refused(answer: &Answer) {
    assert_eq!(
        answer.refusal(),
        (400, "INVALID_REQUEST".into()),
        "{}",
        answer.text()
    );
}

#[test]
fn a_scheduled_deduction_is_signed_scheduled_taken_and_ends_the_contract() {
    let play = Play::new();
    let id = play.signed("code-1", monthly());
    fits_the_facts(&format!("GET {CONTRACT}"), &play.query("code-1").json());
    refused(&play.apply(&id, "order-0001", 3000));
    refused(&play.schedule(&id, 2999));
    let scheduled = play.schedule(&id, 3000).json();
    fits_the_facts(
        "POST /v3/papay/pay/schedules/contract-id/{contract_id}/schedule",
        &scheduled,
    );
    assert_eq!(
        (
            &scheduled["schedule_state"],
            &scheduled["deduct_start_date"]
        ),
        (&json!("SCHEDULED"), &json!("2026-02-01"))
    );
    refused(&play.apply(&id, "order-0001", 2999));
    let accepted = play.apply(&id, "order-0001", 3000);
    fits_the_facts(&format!("POST {APPLY}"), &accepted.json());

    let events = [play.shop.next(), play.shop.next()];
    let told = |event_type: &str| {
        let event = events
            .iter()
            .find(|event| event.envelope()["event_type"] == event_type);
        event.expect(event_type).opened(&play.merchant)
    };
    let paid = told("TRANSACTION.SUCCESS");
    assert_eq!(
        (
            &paid["out_trade_no"],
            &paid["contract_id"],
            &paid["trade_state"]
        ),
        (&json!("order-0001"), &json!(id), &json!("SUCCESS"))
    );
    assert_eq!(
        told("ENTRUST.TERMINATE")["contract_terminate_info"]["contract_termination_mode"],
        "SYSTEM_TERMINATE"
    );
    assert_eq!(
        play.merchant.query("order-0001").json()["transaction_id"],
        paid["transaction_id"]
    );
    let plan = play
        .merchant
        .get(&format!("/v3/papay/pay/schedules/contract-id/{id}"))
        .json();
    assert_eq!(
        (&plan["schedule_state"], &plan["deduct_amount"]["total"]),
        (&json!("PAID"), &json!(3000))
    );
    refused(&play.apply(&id, "order-0002", 3000));
}

#[test]
fn without_a_schedule_the_user_is_told_before_each_deduction() {
    let play = Play::new();
    let id = play.signed("code-1", Value::Null);
    refused(&play.apply(&id, "order-0001", 100));
    for number in ["order-0001", "order-0002"] {
        assert_eq!(play.announce_to_user(&id).status, 204);
        assert_eq!(play.apply(&id, number, 100).status, 200);
        assert_eq!(play.apply(&id, number, 100).status, 200);
        assert_eq!(play.next("TRANSACTION.SUCCESS")["out_trade_no"], number);
    }
    refused(&play.apply(&id, "order-0001", 101));
    assert_eq!(play.query("code-1").json()["contract_state"], "SIGNED");
}

#[test]
fn a_deduction_without_money_fails_and_is_told() {
    let play = Play::new();
    play.sandbox
        .control("PUT", "/settings", json!({ "deductions": "fail" }));
    let id = play.signed("code-1", monthly());
    play.schedule(&id, 3000);
    assert_eq!(play.apply(&id, "order-0001", 3000).status, 200);
    assert_eq!(play.next("TRANSACTION.FAIL")["out_trade_no"], "order-0001");
    assert_eq!(
        play.merchant.query("order-0001").json()["trade_state"],
        "PAYERROR"
    );
    play.sandbox.control("PUT", "/settings", json!({}));
    assert_eq!(play.apply(&id, "order-0002", 3000).status, 200);
    let next: Vec<Value> = (0..2)
        .map(|_| play.shop.next().envelope()["event_type"].clone())
        .collect();
    assert!(next.contains(&json!("TRANSACTION.SUCCESS")), "{next:?}");
}

#[test]
fn a_contract_is_ended_by_the_user_or_by_the_merchant() {
    let play = Play::new();
    let id = play.signed("code-1", Value::Null);
    let end = |code: &str| {
        play.merchant.post(
            &format!("/v3/papay/sign/contracts/plan-id/12535/out-contract-code/{code}/terminate"),
            &json!({ "contract_termination_remark": "停止服务" }),
        )
    };
    let ended = end("code-1");
    fits_the_facts(&format!("POST {CONTRACT}/terminate"), &ended.json());
    assert_eq!(ended.json()["contract_state"], "TERMINATED");
    assert_eq!(
        play.next("ENTRUST.TERMINATE")["contract_terminate_info"]["contract_termination_mode"],
        "MCH_API_TERMINATE"
    );
    refused(&end("code-1"));
    refused(&play.announce_to_user(&id));
    play.signed("code-2", Value::Null);
    assert_eq!(play.user("code-2", "terminate").status, 200);
    assert_eq!(
        play.next("ENTRUST.TERMINATE")["contract_terminate_info"]["contract_termination_mode"],
        "USER_TERMINATE"
    );
    assert_eq!(play.user("code-2", "terminate").status, 400);
}

#[test]
fn what_nobody_signed_does_not_exist_and_a_number_is_signed_once() {
    let play = Play::new();
    for way in ["jsapi", "h5", "app", "mini-program"] {
        let code = format!("code-{way}");
        let begun = play.pre_sign(way, &code, monthly());
        fits_the_facts(&format!("POST {SIGN}/{way}"), &begun.json());
        assert_eq!(
            play.query(&code).refusal(),
            (404, "RESOURCE_NOT_EXISTS".into())
        );
    }
    assert_eq!(play.pre_sign("h5", "code-h5", monthly()).status, 200);
    refused(&play.pre_sign("h5", "code-h5", Value::Null));
    assert_eq!(play.user("code-h5", "sign").status, 200);
    refused(&play.pre_sign("h5", "code-h5", monthly()));
    assert_eq!(play.user("code-h5", "sign").status, 400);
    assert_eq!(
        play.apply("Wx1", "order-0001", 100).refusal(),
        (404, "RESOURCE_NOT_EXISTS".into())
    );
}
