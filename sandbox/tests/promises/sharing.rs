//! Profit sharing: what is kept back, who gets what, what comes back; for merchants and for platforms.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::stage::{
    Answer, Merchant, NATIVE, NOBODY, Reply, Sandbox, Shop, decrypt_oaep, encrypt_oaep,
};

const PATH: &str = "/v3/profitsharing";
/// The minute before sharing passes in a millisecond, the thirty days until its end not before fifty seconds.
const SPEED: &str = "50000";
const STORE: &str = "1700000001";

/// A paid order of ¥100.00 whose money waits for sharing; answers its transaction_id.
fn paid(sandbox: &Sandbox, merchant: &Merchant, number: &str) -> String {
    let mut order = merchant.order(number, NOBODY);
    order["amount"]["total"] = 10_000.into();
    order["settle_info"] = json!({ "profit_sharing": true });
    merchant.post(NATIVE, &order);
    sandbox.pay(number)["transaction_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn add(merchant: &Merchant, account: &str, name: &str) -> Answer {
    let serial = &merchant.public_key_id;
    let body = json!({
        "appid": merchant.appid, "type": "MERCHANT_ID", "account": account, "relation_type": "STORE",
        "name": encrypt_oaep(&merchant.platform_key(serial), name),
    });
    merchant.post_naming(serial, &format!("{PATH}/receivers/add"), &body)
}

fn share(
    merchant: &Merchant,
    transaction_id: &str,
    number: &str,
    receivers: &[(&str, i64)],
    unfreeze: bool,
) -> Answer {
    let receivers: Vec<Value> = receivers.iter().map(|(account, fen)| json!({ "type": "MERCHANT_ID", "account": account, "amount": fen, "description": "分给门店" })).collect();
    merchant.post(&format!("{PATH}/orders"), &json!({
        "appid": merchant.appid, "transaction_id": transaction_id, "out_order_no": number, "receivers": receivers, "unfreeze_unsplit": unfreeze,
    }))
}

fn unsplit(merchant: &Merchant, transaction_id: &str) -> i64 {
    merchant
        .get(&format!("{PATH}/transactions/{transaction_id}/amounts"))
        .json()["unsplit_amount"]
        .as_i64()
        .unwrap()
}

#[test]
fn an_order_is_shared_told_unfrozen_and_partly_taken_back() {
    let sandbox = Sandbox::start_with(&["--speed", SPEED]);
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    sandbox.control(
        "PUT",
        "/settings",
        json!({ "profitsharing_notify_url": shop.notify_url }),
    );
    let id = paid(&sandbox, &merchant, "order-0001");
    assert_eq!(unsplit(&merchant, &id), 9_940);
    let balance = merchant.get("/v3/merchant/fund/balance/BASIC").json();
    assert_eq!(
        (&balance["available_amount"], &balance["pending_amount"]),
        (&json!(0), &json!(9_940))
    );

    let added = add(&merchant, STORE, "沙箱门店").json();
    let name = STANDARD.decode(added["name"].as_str().unwrap()).unwrap();
    assert_eq!(
        decrypt_oaep(&merchant.private_key(), &name),
        "沙箱门店".as_bytes()
    );
    assert_eq!(
        add(&merchant, STORE, "别的名字").refusal(),
        (400, "INVALID_REQUEST".into())
    );

    let shared = share(&merchant, &id, "share-1", &[(STORE, 1_000)], false).json();
    assert_eq!(
        (&shared["state"], &shared["receivers"][0]["result"]),
        (&json!("PROCESSING"), &json!("PENDING"))
    );
    let told = shop.next();
    assert_eq!(told.envelope()["event_type"], "PROFITSHARING");
    let told = told.opened(&merchant);
    assert_eq!(
        (&told["receiver"]["amount"], &told["mchid"]),
        (&json!(1_000), &json!(merchant.mchid))
    );
    let queried = merchant
        .get(&format!("{PATH}/orders/share-1?transaction_id={id}"))
        .json();
    assert_eq!(
        (&queried["state"], &queried["receivers"][0]["result"]),
        (&json!("FINISHED"), &json!("SUCCESS"))
    );
    assert_eq!(unsplit(&merchant, &id), 8_940);
    // The same again is the same; with another amount it is refused.
    assert_eq!(
        share(&merchant, &id, "share-1", &[(STORE, 1_000)], false).json()["order_id"],
        shared["order_id"]
    );
    assert_eq!(
        share(&merchant, &id, "share-1", &[(STORE, 1_001)], false).refusal(),
        (400, "INVALID_REQUEST".into())
    );

    let back = json!({ "out_order_no": "share-1", "out_return_no": "return-1", "return_mchid": STORE, "amount": 400, "description": "退" });
    let target = format!("{PATH}/return-orders");
    assert_eq!(merchant.post(&target, &back).json()["result"], "SUCCESS");
    assert_eq!(shop.next().envelope()["event_type"], "PROFITSHARING_RETURN");
    let mut more = back.clone();
    more["out_return_no"] = "return-2".into();
    more["amount"] = 601.into();
    assert_eq!(
        merchant.post(&target, &more).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    assert_eq!(
        merchant
            .get(&format!("{target}/return-1?out_order_no=share-1"))
            .json()["amount"],
        400
    );

    let mut events = sandbox.events();
    let rest = json!({ "transaction_id": id, "out_order_no": "unfreeze-1", "description": "解冻" });
    assert_eq!(
        merchant
            .post(&format!("{PATH}/orders/unfreeze"), &rest)
            .status,
        200
    );
    events.until(|change| change["change"] == "sharing");
    assert_eq!(unsplit(&merchant, &id), 0);
    assert_eq!(
        merchant.get("/v3/merchant/fund/balance/BASIC").json()["available_amount"],
        8_940 + 400
    );
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);
    let bill = merchant.get(&format!("{PATH}/bills?bill_date={}", crate::stage::today()));
    assert_eq!(bill.json()["hash_type"], "SHA1");
}

#[test]
fn what_cannot_be_shared() {
    let sandbox = Sandbox::start_with(&["--speed", SPEED]);
    let merchant = sandbox.merchant();
    let id = paid(&sandbox, &merchant, "order-0001");
    add(&merchant, STORE, "沙箱门店");
    let refusal =
        |receivers: &[(&str, i64)]| share(&merchant, &id, "share-1", receivers, false).refusal();
    assert_eq!(refusal(&[(STORE, 3_001)]), (403, "RULE_LIMIT".into()));
    assert_eq!(refusal(&[(STORE, 9_941)]), (400, "INVALID_REQUEST".into()));
    assert_eq!(refusal(&[]), (400, "PARAM_ERROR".into()));
    merchant.place("order-0002");
    let plain = sandbox.pay("order-0002");
    let answer = share(
        &merchant,
        plain["transaction_id"].as_str().unwrap(),
        "share-1",
        &[(STORE, 1)],
        false,
    );
    assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".into()));
    assert_eq!(
        share(&merchant, "4200000000", "share-1", &[(STORE, 1)], false)
            .refusal()
            .0,
        404
    );
    // Who is no receiver gets nothing, and it stays to be shared.
    let mut events = sandbox.events();
    share(&merchant, &id, "share-2", &[("1700000009", 100)], false);
    events.until(|change| change["change"] == "sharing");
    let queried = merchant
        .get(&format!("{PATH}/orders/share-2?transaction_id={id}"))
        .json();
    assert_eq!(
        (
            &queried["receivers"][0]["result"],
            &queried["receivers"][0]["fail_reason"]
        ),
        (&json!("CLOSED"), &json!("NO_RELATION"))
    );
    assert_eq!(unsplit(&merchant, &id), 9_940);
}

#[test]
fn an_order_cannot_be_shared_in_its_first_minute() {
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let merchant = sandbox.merchant();
    let id = paid(&sandbox, &merchant, "order-0001");
    add(&merchant, STORE, "沙箱门店");
    assert_eq!(
        share(&merchant, &id, "share-1", &[(STORE, 1)], false).refusal(),
        (400, "INVALID_REQUEST".into())
    );
}

#[test]
fn after_thirty_days_the_rest_is_the_merchants() {
    // Thirty days are 26 ms at this speed.
    let sandbox = Sandbox::start_with(&["--speed", "100000000"]);
    let merchant = sandbox.merchant();
    let mut events = sandbox.events();
    let id = paid(&sandbox, &merchant, "order-0001");
    events.until(|change| change["change"] == "sharing" && change["state"] == "UNFROZEN");
    assert_eq!(unsplit(&merchant, &id), 0);
    assert_eq!(
        merchant.get("/v3/merchant/fund/balance/BASIC").json()["available_amount"],
        9_940
    );
}

#[test]
fn a_platform_shares_refunds_and_withdraws_for_its_sub_merchants() {
    const SUB: &str = "1600000001";
    let sandbox = Sandbox::start_with(&["--speed", SPEED]);
    let merchant = sandbox.merchant();
    let order = json!({
        "sp_appid": merchant.appid, "sp_mchid": merchant.mchid, "sub_mchid": SUB, "description": "茶", "out_trade_no": "order-0001",
        "notify_url": NOBODY, "amount": { "total": 10_000 }, "settle_info": { "profit_sharing": true },
    });
    merchant.post("/v3/pay/partner/transactions/native", &order);
    let id = sandbox.pay("order-0001")["transaction_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let serial = &merchant.public_key_id;
    let base = "/v3/ecommerce/profitsharing";
    let receiver = json!({ "appid": merchant.appid, "type": "MERCHANT_ID", "account": STORE, "relation_type": "SUPPLIER", "name": "沙箱门店" });
    assert_eq!(
        merchant
            .post(&format!("{base}/receivers/add"), &receiver)
            .status,
        200
    );
    let share = json!({
        "sub_mchid": SUB, "appid": merchant.appid, "transaction_id": id, "out_order_no": "share-1", "finish": false,
        "receivers": [{ "type": "MERCHANT_ID", "receiver_account": STORE, "amount": 500, "description": "供货", "receiver_name": encrypt_oaep(&merchant.platform_key(serial), "沙箱门店") }],
    });
    let mut events = sandbox.events();
    let shared = merchant.post_naming(serial, &format!("{base}/orders"), &share);
    assert_eq!(shared.json()["status"], "PROCESSING", "{}", shared.text());
    events.until(|change| change["change"] == "sharing");
    let queried = merchant
        .get(&format!(
            "{base}/orders?sub_mchid={SUB}&transaction_id={id}&out_order_no=share-1"
        ))
        .json();
    assert_eq!(
        (
            &queried["status"],
            &queried["receivers"][0]["receiver_mchid"]
        ),
        (&json!("FINISHED"), &json!(STORE))
    );
    let back = json!({ "sub_mchid": SUB, "out_order_no": "share-1", "out_return_no": "return-1", "return_mchid": STORE, "amount": 100, "description": "退" });
    assert_eq!(
        merchant.post(&format!("{base}/returnorders"), &back).json()["result"],
        "SUCCESS"
    );

    let refund = json!({
        "sub_mchid": SUB, "sp_appid": merchant.appid, "transaction_id": id, "out_refund_no": "refund-1",
        "refund_account": "REFUND_SOURCE_PARTNER_ADVANCE", "amount": { "refund": 300, "total": 10_000, "currency": "CNY" },
    });
    let applied = merchant.post("/v3/ecommerce/refunds/apply", &refund).json();
    let refund_id = applied["refund_id"].as_str().unwrap();
    events.until(|change| change["change"] == "refund" && change["status"] == "SUCCESS");
    assert_eq!(
        merchant
            .get(&format!(
                "/v3/ecommerce/refunds/id/{refund_id}?sub_mchid={SUB}"
            ))
            .json()["status"],
        "SUCCESS"
    );
    let advance = merchant
        .post(
            &format!("/v3/ecommerce/refunds/{refund_id}/return-advance"),
            &json!({ "sub_mchid": SUB }),
        )
        .json();
    assert_eq!(
        (&advance["return_amount"], &advance["result"]),
        (&json!(300), &json!("SUCCESS"))
    );

    let finish = json!({ "sub_mchid": SUB, "transaction_id": id, "out_order_no": "finish-1", "description": "完结" });
    assert_eq!(
        merchant
            .post(&format!("{base}/finish-order"), &finish)
            .status,
        200
    );
    events.until(|change| change["change"] == "sharing");
    let available = merchant
        .get(&format!("/v3/ecommerce/fund/balance/{SUB}"))
        .json()["available_amount"]
        .as_i64()
        .unwrap();
    let withdraw = |fen: i64, number: &str| {
        merchant.post(
            "/v3/ecommerce/fund/withdraw",
            &json!({ "sub_mchid": SUB, "out_request_no": number, "amount": fen }),
        )
    };
    assert_eq!(
        withdraw(available + 1, "w1").refusal(),
        (403, "NOT_ENOUGH".into())
    );
    let withdrawn = withdraw(available, "w2").json();
    events.until(|change| change["change"] == "withdrawal");
    let id = withdrawn["withdraw_id"].as_str().unwrap();
    assert_eq!(
        merchant
            .get(&format!("/v3/ecommerce/fund/withdraw/{id}?sub_mchid={SUB}"))
            .json()["status"],
        "SUCCESS"
    );
    assert_eq!(
        merchant
            .get(&format!("/v3/ecommerce/fund/balance/{SUB}"))
            .json()["available_amount"],
        0
    );
    assert_eq!(sandbox.look("/ledger")["sum_fen"], 0);
}
