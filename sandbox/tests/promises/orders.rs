//! The states of an order.

use serde_json::{Value, json};

use crate::stage::{Request, Sandbox};

const NATIVE: &str = "/v3/pay/transactions/native";
const NOBODY: &str = "http://127.0.0.1:9/";

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn the_same_order_again_is_the_same_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let first = merchant.place("order-0001");
    assert_eq!(merchant.place("order-0001"), first);
    assert_ne!(merchant.place("order-0002"), first);
    // Neither the order of the keys nor white space is a difference.
    let order = merchant.order("order-0001", "http://127.0.0.1:9/notify");
    let reversed: serde_json::Map<_, _> = order
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .rev()
        .collect();
    let spaced = serde_json::to_string_pretty(&reversed).unwrap();
    let answer = merchant
        .signed("POST", NATIVE, spaced.as_bytes())
        .send(sandbox.port)
        .unwrap();
    assert_eq!(answer.json(), first);
}

#[test]
fn the_same_number_with_other_parameters_is_refused() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = merchant.order("order-0001", NOBODY);
    merchant.place_with(order.clone());
    for (name, value) in [
        ("amount", json!({ "total": 101, "currency": "CNY" })),
        ("description", json!("Coffee")),
        ("attach", json!("more")),
    ] {
        let mut other = order.clone();
        other[name] = value;
        let answer = merchant.post(NATIVE, &other);
        assert_eq!(answer.refusal(), refusal(400, "INVALID_REQUEST"), "{name}");
        assert!(answer.header("Request-ID").unwrap().ends_with("-268498688"));
    }
    assert_eq!(
        merchant.post("/v3/pay/transactions/app", &order).refusal(),
        refusal(400, "INVALID_REQUEST")
    );
    assert_eq!(merchant.query("order-0001").json()["amount"]["total"], 100);
}

#[test]
fn a_paid_order_is_found_by_both_its_numbers() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    let unpaid = merchant.query("order-0001").json();
    assert_eq!(
        (&unpaid["trade_state"], unpaid.get("transaction_id")),
        (&json!("NOTPAY"), None)
    );
    let paid = sandbox.pay("order-0001");
    let transaction_id = paid["transaction_id"].as_str().unwrap();
    assert!(transaction_id.len() == 28 && transaction_id.starts_with("42"));
    assert_eq!(merchant.query("order-0001").json(), paid);
    let by_transaction = merchant.get(&format!(
        "/v3/pay/transactions/id/{transaction_id}?mchid={}",
        merchant.mchid
    ));
    assert_eq!(by_transaction.json(), paid);
    assert_eq!(paid["trade_state"], "SUCCESS");
    assert_eq!(paid["trade_type"], "NATIVE");
    assert_eq!(
        paid["amount"],
        json!({ "total": 100, "currency": "CNY", "payer_currency": "CNY", "payer_total": 100 })
    );
    assert!(paid["success_time"].as_str().unwrap().ends_with("+08:00"));
}

#[test]
fn unknown_orders_do_not_exist() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let unknown = refusal(404, "ORDER_NOT_EXIST");
    assert_eq!(merchant.query("order-none").refusal(), unknown);
    assert_eq!(
        merchant
            .get(&format!(
                "/v3/pay/transactions/id/4200000000000000000000000000?mchid={}",
                merchant.mchid
            ))
            .refusal(),
        unknown
    );
    assert_eq!(merchant.close("order-none").refusal(), unknown);
    assert_eq!(
        sandbox
            .control("POST", "/orders/order-none/pay", Value::Null)
            .refusal(),
        unknown
    );
}

#[test]
fn a_paid_order_can_neither_be_placed_nor_closed_nor_paid_again() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    let again = merchant.post(
        NATIVE,
        &merchant.order("order-0001", "http://127.0.0.1:9/notify"),
    );
    assert_eq!(again.refusal(), refusal(400, "ORDERPAID"));
    assert!(again.header("Request-ID").unwrap().ends_with("-268449538"));
    assert_eq!(
        merchant.close("order-0001").refusal(),
        refusal(400, "ORDERPAID")
    );
    assert_eq!(
        sandbox
            .control("POST", "/orders/order-0001/pay", Value::Null)
            .refusal(),
        refusal(400, "ORDERPAID")
    );
    assert_eq!(
        merchant.query("order-0001").json()["trade_state"],
        "SUCCESS"
    );
}

#[test]
fn a_closed_order_stays_closed() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    assert_eq!(merchant.close("order-0001").status, 204);
    assert_eq!(merchant.close("order-0001").status, 204);
    assert_eq!(merchant.query("order-0001").json()["trade_state"], "CLOSED");
    assert_eq!(
        sandbox
            .control("POST", "/orders/order-0001/pay", Value::Null)
            .refusal(),
        refusal(400, "ORDER_CLOSED")
    );
    let again = merchant.post(
        NATIVE,
        &merchant.order("order-0001", "http://127.0.0.1:9/notify"),
    );
    assert_eq!(again.refusal(), refusal(400, "ORDER_CLOSED"));
}

#[test]
fn closing_needs_the_merchants_number() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    let close = |body: Value| {
        merchant
            .post("/v3/pay/transactions/out-trade-no/order-0001/close", &body)
            .refusal()
    };
    assert_eq!(close(json!({})), refusal(400, "PARAM_ERROR"));
    assert_eq!(
        close(json!({ "mchid": "1900000001" })),
        refusal(403, "NO_AUTH")
    );
    assert_eq!(merchant.query("order-0001").json()["trade_state"], "NOTPAY");
}

#[test]
fn an_expired_order_cannot_be_paid() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    assert_eq!(
        sandbox
            .control("POST", "/orders/order-0001/expire", Value::Null)
            .status,
        204
    );
    let answer = sandbox.control("POST", "/orders/order-0001/pay", Value::Null);
    assert_eq!(answer.refusal(), refusal(400, "INVALID_REQUEST"));
    let again = merchant.post(
        NATIVE,
        &merchant.order("order-0001", "http://127.0.0.1:9/notify"),
    );
    assert!(again.header("Request-ID").unwrap().ends_with("-268447914"));
    assert_eq!(merchant.query("order-0001").json()["trade_state"], "NOTPAY");
    assert_eq!(merchant.close("order-0001").status, 204);
}

#[test]
fn a_person_pays_at_the_cashier_once() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let code_url = merchant.place("order-0001")["code_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let cashier = code_url.strip_prefix(&sandbox.url).unwrap().to_owned();
    let ask = |method: &str, action: &str| {
        Request::new(method, &format!("{cashier}{action}"), b"")
            .send(sandbox.port)
            .unwrap()
    };
    let page = ask("GET", "");
    assert!(page.text().contains("id=\"pay\"") && page.text().contains("id=\"paid\""));
    let view = ask("GET", "/state").json();
    assert_eq!(
        (&view["state"], &view["amount_fen"], &view["description"]),
        (&json!("open"), &json!(100), &json!("一杯茶 A cup of tea"))
    );
    let paid = ask("POST", "/pay").json();
    assert_eq!(paid["state"], "paid");
    assert_eq!(ask("POST", "/pay").json(), paid);
    assert_eq!(
        merchant.query("order-0001").json()["transaction_id"],
        paid["transaction_id"]
    );
    assert_eq!(sandbox.look("/notifications").as_array().unwrap().len(), 1);
}

#[test]
fn the_cashier_tells_why_an_order_cannot_be_paid() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let state = |number: &str, end: &str| {
        let code_url = merchant.place(number)["code_url"]
            .as_str()
            .unwrap()
            .to_owned();
        sandbox.control("POST", &format!("/orders/{number}/{end}"), Value::Null);
        let target = format!("{}/pay", code_url.strip_prefix(&sandbox.url).unwrap());
        Request::new("POST", &target, b"")
            .send(sandbox.port)
            .unwrap()
            .json()["state"]
            .clone()
    };
    assert_eq!(state("order-0001", "close"), "closed");
    assert_eq!(state("order-0002", "expire"), "expired");
    let unknown = Request::new("POST", "/cashier/nothing/pay", b"")
        .send(sandbox.port)
        .unwrap();
    assert_eq!(
        (unknown.status, unknown.json()),
        (404, json!({ "state": "unknown" }))
    );
}
