//! Bills: what is in them, how they are fetched, how they are sealed.

use serde_json::{Value, json};

use crate::stage::{
    Answer, Merchant, NATIVE, NOBODY, Sandbox, decrypt_oaep, digest, gunzip, open_gcm, today,
};

use base64::{Engine, engine::general_purpose::STANDARD};

fn apply(merchant: &Merchant, kind: &str, more: &str) -> Answer {
    merchant.get(&format!("/v3/bill/{kind}?bill_date={}{more}", today()))
}

fn fetch(sandbox: &Sandbox, merchant: &Merchant, link: &Value) -> Answer {
    let target = link.as_str().unwrap().strip_prefix(&sandbox.url).unwrap();
    merchant
        .signed("GET", target, b"")
        .send(sandbox.port)
        .unwrap()
}

/// Two payments, one refund; the second with everything that may upset a table.
fn business(sandbox: &Sandbox, merchant: &Merchant) {
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    let mut order = merchant.order("order-0002", NOBODY);
    order["amount"]["total"] = 123_456.into();
    order["description"] = "茶,\n\"杯\"".into();
    merchant.post(NATIVE, &order);
    sandbox.pay("order-0002");
    merchant.refund("order-0001", "refund-1", 40);
}

#[test]
fn a_trade_bill_is_the_days_business_to_the_fen() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    assert_eq!(
        apply(&merchant, "tradebill", "").refusal(),
        (404, "NO_STATEMENT_EXIST".into())
    );
    business(&sandbox, &merchant);
    let applied = apply(&merchant, "tradebill", "&bill_type=ALL").json();
    assert_eq!(applied["hash_type"], "SHA1");
    let file = fetch(&sandbox, &merchant, &applied["download_url"]);
    assert_eq!(
        (file.status, file.header("Wechatpay-Signature")),
        (200, None)
    );
    assert_eq!(applied["hash_value"], digest("sha1", &file.body));
    let text = String::from_utf8(file.body).unwrap();
    let lines: Vec<&str> = text.strip_prefix('\u{FEFF}').unwrap().lines().collect();
    assert!(lines[0].starts_with(
        "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识"
    ));
    assert_eq!(lines.len(), 1 + 3 + 2);
    let width = lines[0].split(',').count();
    for line in &lines[1..4] {
        assert!(
            line.starts_with('`') && line.split(",`").count() == width,
            "{line}"
        );
    }
    assert!(lines[1].contains("`order-0001") && lines[1].contains("`1.00,"));
    assert!(lines[2].contains("`1234.56,"));
    assert!(lines[3].contains("`refund-1,`0.40,"));
    assert!(lines[4].starts_with("总交易单数,应结订单总金额"));
    assert_eq!(lines[5], "`3,`1235.56,`0.40,`0.00,`7.42,`1235.56,`0.40");
}

#[test]
fn a_compressed_bill_has_the_hash_of_what_is_in_it() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    business(&sandbox, &merchant);
    let applied = apply(
        &merchant,
        "fundflowbill",
        "&account_type=BASIC&tar_type=GZIP",
    )
    .json();
    let file = fetch(&sandbox, &merchant, &applied["download_url"]).body;
    let text = gunzip(&file);
    assert_eq!(applied["hash_value"], digest("sha1", &text));
    let text = String::from_utf8(text).unwrap();
    // 1.00 - 0.01 + 1234.56 - 7.41 - 0.40
    let summary = text.lines().last().unwrap();
    assert_eq!(summary, "`5,`2,`1235.56,`3,`7.82");
    assert!(
        text.lines()
            .rev()
            .nth(2)
            .unwrap()
            .contains("`0.40,`1227.74,")
    );
}

#[test]
fn a_link_needs_a_signature_and_ends_after_five_minutes() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    business(&sandbox, &merchant);
    let link = apply(&merchant, "tradebill", "").json()["download_url"].clone();
    let target = link
        .as_str()
        .unwrap()
        .strip_prefix(&sandbox.url)
        .unwrap()
        .to_owned();
    let unsigned = merchant
        .signed("GET", &target, b"")
        .without("Authorization")
        .send(sandbox.port)
        .unwrap();
    assert_eq!(unsigned.refusal(), (401, "SIGN_ERROR".into()));
    assert_eq!(
        merchant
            .get("/v3/billdownload/file?token=nothing")
            .refusal(),
        (400, "INVALID_REQUEST".into())
    );
    // Five minutes are five seconds at this speed.
    let deadline = std::time::Instant::now() + crate::stage::PATIENCE;
    while fetch(&sandbox, &merchant, &link).status == 200 {
        assert!(std::time::Instant::now() < deadline);
    }
    assert_eq!(
        fetch(&sandbox, &merchant, &link).refusal(),
        (400, "INVALID_REQUEST".into())
    );
}

#[test]
fn a_day_is_billed_when_the_settings_say() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    business(&sandbox, &merchant);
    sandbox.control("PUT", "/settings", json!({ "bills": "next_day" }));
    assert_eq!(
        apply(&merchant, "tradebill", "").refusal(),
        (400, "PARAM_ERROR".into())
    );
    sandbox.control("PUT", "/settings", json!({}));
    assert_eq!(apply(&merchant, "tradebill", "").status, 200);
    for (day, refusal) in [
        ("2019-01-01", (404, "NO_STATEMENT_EXIST")),
        ("2999-01-01", (400, "PARAM_ERROR")),
        ("today", (400, "PARAM_ERROR")),
    ] {
        let answer = merchant.get(&format!("/v3/bill/tradebill?bill_date={day}"));
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()), "{day}");
    }
    assert_eq!(
        apply(&merchant, "tradebill", "&bill_type=NONE").refusal(),
        (400, "PARAM_ERROR".into())
    );
    assert_eq!(
        apply(&merchant, "fundflowbill", "&account_type=NONE").refusal(),
        (400, "PARAM_ERROR".into())
    );
}

#[test]
fn a_sub_merchants_bill_is_sealed_for_the_merchant_in_parts() {
    const SUB: &str = "1600000001";
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let merchant = sandbox.merchant();
    sandbox.control("PUT", "/settings", json!({ "bill_part_rows": 2 }));
    for number in ["order-0001", "order-0002", "order-0003"] {
        let order = json!({
            "sp_appid": merchant.appid, "sp_mchid": merchant.mchid, "sub_mchid": SUB, "description": "茶", "out_trade_no": number,
            "notify_url": NOBODY, "amount": { "total": 1_000 },
        });
        merchant.post("/v3/pay/partner/transactions/native", &order);
        sandbox.pay(number);
    }
    let day = today();
    for (path, gzip) in [
        (
            format!(
                "/v3/bill/sub-merchant-fundflowbill?sub_mchid={SUB}&account_type=BASIC&bill_date={day}&algorithm=AEAD_AES_256_GCM"
            ),
            false,
        ),
        (
            format!(
                "/v3/bill/sub-merchant-fundflowbill?sub_mchid={SUB}&account_type=BASIC&bill_date={day}&algorithm=AEAD_AES_256_GCM&tar_type=GZIP"
            ),
            true,
        ),
        (
            format!(
                "/v3/ecommerce/bill/fundflowbill?account_type=ALL&bill_date={day}&algorithm=AEAD_AES_256_GCM"
            ),
            false,
        ),
    ] {
        let applied = merchant.get(&path).json();
        assert_eq!(applied["download_bill_count"], 3, "{path}");
        let mut bill = Vec::new();
        for (index, part) in applied["download_bill_list"]
            .as_array()
            .unwrap()
            .iter()
            .enumerate()
        {
            assert_eq!(part["bill_sequence"], index + 1);
            let nonce = part["nonce"].as_str().unwrap();
            assert_eq!(nonce.len(), 16);
            let key = STANDARD
                .decode(part["encrypt_key"].as_str().unwrap())
                .unwrap();
            let key = decrypt_oaep(&merchant.private_key(), &key);
            assert_eq!(key.len(), 32);
            let sealed = fetch(&sandbox, &merchant, &part["download_url"]).body;
            let opened = open_gcm(&key, nonce.as_bytes(), &sealed);
            let text = if gzip { gunzip(&opened) } else { opened };
            assert_eq!(part["hash_value"], digest("sha1", &text));
            bill.extend(text);
        }
        let bill = String::from_utf8(bill).unwrap();
        assert!(bill.starts_with("\u{FEFF}记账时间,"));
        assert_eq!(
            bill.lines().last().unwrap(),
            "`6,`3,`30.00,`3,`0.18",
            "{path}"
        );
    }
    let sm = merchant.get(&format!("/v3/bill/sub-merchant-fundflowbill?sub_mchid={SUB}&account_type=BASIC&bill_date={day}&algorithm=SM4_GCM"));
    assert_eq!(sm.refusal(), (400, "PARAM_ERROR".into()));
}

#[test]
fn everything_that_moves_is_in_the_books_and_they_add_up() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    business(&sandbox, &merchant);
    let mut events = sandbox.events();
    let withdraw = |fen: i64, number: &str| {
        merchant.post(
            "/v3/merchant/fund/withdraw",
            &json!({ "out_request_no": number, "amount": fen, "account_type": "BASIC" }),
        )
    };
    let first = withdraw(1_000, "w1").json();
    assert_eq!(withdraw(1_000, "w1").json(), first);
    assert_eq!(
        withdraw(1_001, "w1").refusal(),
        (400, "INVALID_REQUEST".into())
    );
    events.until(|change| change["change"] == "withdrawal");
    let id = first["withdraw_id"].as_str().unwrap();
    assert_eq!(
        merchant
            .get(&format!("/v3/merchant/fund/withdraw/withdraw-id/{id}"))
            .json()["status"],
        "SUCCESS"
    );
    assert_eq!(
        merchant
            .get("/v3/merchant/fund/withdraw/out-request-no/w1")
            .json()["amount"],
        1_000
    );
    let books = sandbox.look("/ledger");
    assert_eq!(books["sum_fen"], 0);
    for posting in books["postings"].as_array().unwrap() {
        let sum: i64 = posting["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["change_fen"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, 0, "{posting}");
    }
    assert_eq!(
        merchant.get("/v3/merchant/fund/balance/BASIC").json()["available_amount"],
        122_774 - 1_000
    );
    assert_eq!(
        merchant
            .get("/v3/merchant/fund/dayendbalance/BASIC?date=2020-01-01")
            .json()["available_amount"],
        0
    );
    assert_eq!(
        merchant.get("/v3/merchant/fund/balance/NONE").refusal(),
        (400, "PARAM_ERROR".into())
    );
    // More than there is cannot be refunded, even when the order would allow it.
    withdraw(121_774, "w2");
    assert_eq!(merchant.post("/v3/refund/domestic/refunds", &json!({ "out_trade_no": "order-0002", "out_refund_no": "refund-2", "amount": { "refund": 1_000, "total": 123_456, "currency": "CNY" } })).refusal(), (403, "NOT_ENOUGH".into()));
}
