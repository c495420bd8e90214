//! Scanned codes: the buyer's screen, the password, taking back.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Sandbox};

fn code(sandbox: &Sandbox, asks_password: bool) -> String {
    let answer = sandbox.control(
        "POST",
        "/buyer/codes",
        json!({ "asks_password": asks_password }),
    );
    answer.json()["auth_code"].as_str().unwrap().to_owned()
}

fn scan(merchant: &Merchant, number: &str, auth_code: &str, fen: i64) -> Answer {
    let order = json!({
        "appid": merchant.appid, "mchid": merchant.mchid, "description": "一杯茶", "out_trade_no": number,
        "amount": { "total": fen, "currency": "CNY" }, "payer": { "auth_code": auth_code },
        "scene_info": { "store_info": { "id": "0001" } },
    });
    merchant.post("/v3/pay/transactions/codepay", &order)
}

fn reverse(merchant: &Merchant, number: &str) -> Answer {
    let target = format!("/v3/pay/transactions/out-trade-no/{number}/reverse");
    merchant.post(
        &target,
        &json!({ "appid": merchant.appid, "mchid": merchant.mchid }),
    )
}

#[test]
fn a_scanned_code_pays_at_once_and_only_once() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let auth_code = code(&sandbox, false);
    let paid = scan(&merchant, "order-0001", &auth_code, 100).json();
    assert_eq!(
        (&paid["trade_state"], &paid["trade_type"]),
        (&json!("SUCCESS"), &json!("MICROPAY"))
    );
    assert_eq!(merchant.query("order-0001").json(), paid);
    assert_eq!(
        sandbox.look(&format!("/buyer/codes/{auth_code}"))["state"],
        "paid"
    );
    assert_eq!(
        scan(&merchant, "order-0002", &auth_code, 100).refusal(),
        (400, "AUTH_CODE_INVALID".into())
    );
    assert_eq!(
        scan(&merchant, "order-0003", "130000000000000000", 100).refusal(),
        (400, "AUTH_CODE_INVALID".into())
    );
    assert_eq!(
        scan(&merchant, "order-0004", "280000000000000000", 100).refusal(),
        (400, "PARAM_ERROR".into())
    );
    // Nobody is told: the answer was the news.
    assert_eq!(sandbox.look("/notifications"), json!([]));
}

#[test]
fn a_password_is_asked_for_when_the_buyer_or_the_amount_wants_it() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    for (number, asks, fen) in [("order-0001", true, 100), ("order-0002", false, 100_001)] {
        let auth_code = code(&sandbox, asks);
        let paying = scan(&merchant, number, &auth_code, fen).json();
        assert_eq!(
            (&paying["trade_state"], paying.get("transaction_id")),
            (&json!("USERPAYING"), None),
            "{number}"
        );
        assert_eq!(
            scan(&merchant, number, &auth_code, fen).json()["trade_state"],
            "USERPAYING"
        );
        assert_eq!(
            merchant.close(number).refusal(),
            (400, "USER_PAYING".into())
        );
        let act = |action: &str, body: Value| {
            sandbox.control("POST", &format!("/buyer/codes/{auth_code}/{action}"), body)
        };
        assert_eq!(act("confirm", json!({ "password": "12345" })).status, 400);
        assert_eq!(merchant.query(number).json()["trade_state"], "USERPAYING");
        assert_eq!(
            act("confirm", json!({ "password": "123456" })).json()["state"],
            "paid"
        );
        assert_eq!(merchant.query(number).json()["trade_state"], "SUCCESS");
    }
}

#[test]
fn who_declines_has_not_paid() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let auth_code = code(&sandbox, true);
    scan(&merchant, "order-0001", &auth_code, 100);
    let declined = sandbox.control(
        "POST",
        &format!("/buyer/codes/{auth_code}/decline"),
        Value::Null,
    );
    assert_eq!(declined.json()["state"], "declined");
    assert_eq!(
        merchant.query("order-0001").json()["trade_state"],
        "PAYERROR"
    );
    assert_eq!(reverse(&merchant, "order-0001").status, 200);
    assert_eq!(
        merchant.query("order-0001").json()["trade_state"],
        "REVOKED"
    );
}

#[test]
fn reversing_stops_a_payment_and_gives_a_paid_one_back() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let balance =
        || merchant.get("/v3/merchant/fund/balance/BASIC").json()["available_amount"].clone();
    let auth_code = code(&sandbox, true);
    scan(&merchant, "order-0001", &auth_code, 100);
    let reversed = reverse(&merchant, "order-0001").json();
    assert_eq!(
        reversed,
        json!({ "appid": merchant.appid, "mchid": merchant.mchid, "out_trade_no": "order-0001" })
    );
    assert_eq!(
        sandbox.look(&format!("/buyer/codes/{auth_code}"))["state"],
        "reversed"
    );
    sandbox.control(
        "POST",
        &format!("/buyer/codes/{auth_code}/confirm"),
        json!({ "password": "123456" }),
    );
    assert_eq!(
        merchant.query("order-0001").json()["trade_state"],
        "REVOKED"
    );

    scan(&merchant, "order-0002", &code(&sandbox, false), 1000);
    assert_eq!(balance(), 994);
    assert_eq!(reverse(&merchant, "order-0002").status, 200);
    assert_eq!(reverse(&merchant, "order-0002").status, 200);
    assert_eq!(balance(), 0);
    merchant.place("order-0003");
    assert_eq!(
        reverse(&merchant, "order-0003").refusal(),
        (400, "INVALID_REQUEST".into())
    );
    assert_eq!(
        reverse(&merchant, "order-none").refusal(),
        (404, "ORDER_NOT_EXIST".into())
    );
}
