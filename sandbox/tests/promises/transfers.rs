//! Money that a merchant gives: new transfers, authorizations, old batches, receipts.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Request, Sandbox, Shop, decrypt_oaep, encrypt_oaep};

const BILLS: &str = "/v3/fund-app/mch-transfer/transfer-bills";

fn transfer(merchant: &Merchant, number: &str, fen: i64) -> Value {
    json!({
        "appid": merchant.appid, "out_bill_no": number, "transfer_scene_id": "1000", "openid": "o1", "transfer_amount": fen,
        "transfer_remark": "活动奖励", "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员有礼" }],
    })
}

fn named(merchant: &Merchant, mut body: Value, name: &str) -> Answer {
    let serial = &merchant.public_key_id;
    body["user_name"] = encrypt_oaep(&merchant.platform_key(serial), name).into();
    merchant.post_naming(serial, BILLS, &body)
}

fn query(merchant: &Merchant, number: &str) -> Value {
    merchant
        .get(&format!("{BILLS}/out-bill-no/{number}"))
        .json()
}

fn operation_balance(merchant: &Merchant) -> i64 {
    merchant.get("/v3/merchant/fund/balance/OPERATION").json()["available_amount"]
        .as_i64()
        .unwrap()
}

#[test]
fn a_transfer_waits_for_its_receiver_then_arrives_and_is_told() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let before = operation_balance(&merchant);
    let mut body = transfer(&merchant, "bill0001", 250_000);
    body["notify_url"] = shop.notify_url.as_str().into();
    let created = named(&merchant, body.clone(), "张三").json();
    assert_eq!(created["state"], "WAIT_USER_CONFIRM");
    assert_eq!(operation_balance(&merchant), before - 250_000);
    // The same again, sealed anew, is the same transfer.
    assert_eq!(named(&merchant, body.clone(), "张三").json(), created);
    assert_eq!(
        named(&merchant, body, "李四").refusal(),
        (400, "INVALID_REQUEST".into())
    );

    let waiting = query(&merchant, "bill0001");
    let name = STANDARD
        .decode(waiting["user_name"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        decrypt_oaep(&merchant.private_key(), &name),
        "张三".as_bytes()
    );

    let invoked = sandbox.control("POST", "/wx/request-merchant-transfer", json!({ "mchId": merchant.mchid, "appId": merchant.appid, "package": created["package_info"] }));
    let page = invoked.json()["transfer_url"]
        .as_str()
        .unwrap()
        .strip_prefix(&sandbox.url)
        .unwrap()
        .to_owned();
    let ask = |method: &str, action: &str| {
        Request::new(method, &format!("{page}{action}"), b"")
            .send(sandbox.port)
            .unwrap()
    };
    assert!(ask("GET", "").text().contains("id=\"confirm\""));
    assert_eq!(ask("GET", "/state").json()["amount_fen"], 250_000);
    ask("POST", "/confirm");

    let told = shop.next();
    assert_eq!(told.envelope()["event_type"], "MCHTRANSFER.BILL.FINISHED");
    assert_eq!(told.envelope()["resource"]["original_type"], "mch_payment");
    let told = told.opened(&merchant);
    assert_eq!(
        (&told["state"], &told["transfer_amount"], &told["mch_id"]),
        (&json!("SUCCESS"), &json!(250_000), &json!(merchant.mchid))
    );
    let id = created["transfer_bill_no"].as_str().unwrap();
    assert_eq!(
        merchant
            .get(&format!("{BILLS}/transfer-bill-no/{id}"))
            .json()["state"],
        "SUCCESS"
    );
    assert_eq!(
        merchant.get(&format!("{BILLS}/out-bill-no/none")).refusal(),
        (404, "NOT_FOUND".into())
    );
    let cancel = merchant.post(&format!("{BILLS}/out-bill-no/bill0001/cancel"), &json!({}));
    assert_eq!(cancel.refusal(), (400, "INVALID_REQUEST".into()));
}

#[test]
fn a_cancelled_transfer_gives_the_money_back() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let before = operation_balance(&merchant);
    merchant.post(BILLS, &transfer(&merchant, "bill0001", 100));
    let mut events = sandbox.events();
    let cancelled = merchant
        .post(&format!("{BILLS}/out-bill-no/bill0001/cancel"), &json!({}))
        .json();
    assert_eq!(cancelled["state"], "CANCELING");
    events.until(|change| change["state"] == "CANCELLED");
    assert_eq!(query(&merchant, "bill0001")["state"], "CANCELLED");
    assert_eq!(operation_balance(&merchant), before);
    assert_eq!(
        sandbox
            .control("POST", "/transfers/bill0001/confirm", Value::Null)
            .status,
        400
    );
}

#[test]
fn names_are_asked_for_and_compared() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let refused = |answer: Answer| (answer.refusal(), answer.json()["detail"]["field"].clone());
    let field = ((400, "PARAM_ERROR".to_owned()), json!("/user_name"));
    assert_eq!(
        refused(merchant.post(BILLS, &transfer(&merchant, "bill0001", 200_000))),
        field
    );
    assert_eq!(
        refused(named(
            &merchant,
            transfer(&merchant, "bill0001", 29),
            "张三"
        )),
        field
    );
    // Sealed for another key than the header names.
    let mut crossed = transfer(&merchant, "bill0001", 100);
    crossed["user_name"] =
        encrypt_oaep(&merchant.platform_key(&merchant.public_key_id), "张三").into();
    let certificate = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        refused(merchant.post_naming(&certificate, BILLS, &crossed)),
        field
    );
    assert_eq!(refused(merchant.post(BILLS, &crossed)), field);

    sandbox.control("PUT", "/settings", json!({ "receiver_name": "张三" }));
    let mut events = sandbox.events();
    assert_eq!(
        named(&merchant, transfer(&merchant, "bill0002", 100), "李四").status,
        200
    );
    sandbox.control("POST", "/transfers/bill0002/confirm", Value::Null);
    events.until(|change| change["state"] == "FAIL");
    assert_eq!(
        query(&merchant, "bill0002")["fail_reason"],
        "NAME_NOT_CORRECT"
    );
}

#[test]
fn nothing_is_given_that_is_not_there() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    for number in 0..5 {
        let answer = named(
            &merchant,
            transfer(&merchant, &format!("bill000{number}"), 20_000_000),
            "张三",
        );
        assert_eq!(answer.status, 200);
    }
    let poor = merchant.post(BILLS, &transfer(&merchant, "bill0009", 100));
    assert_eq!(poor.refusal(), (403, "NOT_ENOUGH".into()));
    sandbox.control(
        "POST",
        "/ledger/top-up",
        json!({ "account_type": "OPERATION", "amount_fen": 100 }),
    );
    assert_eq!(
        merchant
            .post(BILLS, &transfer(&merchant, "bill0009", 100))
            .status,
        200
    );
}

#[test]
fn who_has_allowed_it_is_not_asked_again() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let path = "/v3/fund-app/mch-transfer/user-confirm-authorization";
    let wish = json!({
        "appid": merchant.appid, "openid": "o1", "out_authorization_no": "auth0001", "transfer_scene_id": "1000",
        "user_display_name": "张三（138****0000）", "authorization_notify_url": shop.notify_url,
    });
    let asked = merchant.post(path, &wish).json();
    assert_eq!(asked["state"], "WAIT_USER_CONFIRM");
    let mut body = transfer(&merchant, "bill0001", 100);
    body.as_object_mut().unwrap().remove("openid");
    body["out_authorization_no"] = "auth0001".into();
    let pay = || merchant.post(&format!("{BILLS}/transfer"), &body);
    assert_eq!(pay().refusal(), (400, "INVALID_REQUEST".into()));
    let page = format!(
        "/transfer/{}/confirm",
        asked["package_info"].as_str().unwrap()
    );
    Request::new("POST", &page, b"").send(sandbox.port).unwrap();
    let told = shop.next();
    assert_eq!(
        told.envelope()["event_type"],
        "MCHTRANSFER.AUTHORIZATION.CONFIRMED"
    );
    assert_eq!(told.opened(&merchant)["state"], "TAKING_EFFECT");
    let mut events = sandbox.events();
    assert_eq!(pay().json()["state"], "TRANSFERING");
    events.until(|change| change["change"] == "transfer" && change["state"] == "SUCCESS");
    let close = merchant
        .post(
            &format!("{path}/out-authorization-no/auth0001/close"),
            &json!({}),
        )
        .json();
    assert_eq!(
        (&close["state"], &close["close_info"]["close_reason"]),
        (&json!("CLOSED"), &json!("CLOSE_VIA_MCH_API"))
    );
    body["out_bill_no"] = "bill0002".into();
    assert_eq!(
        merchant.post(&format!("{BILLS}/transfer"), &body).refusal(),
        (400, "INVALID_REQUEST".into())
    );
}

/// Fetches a file as a merchant does: a signed request, an unsigned answer.
fn fetch(sandbox: &Sandbox, merchant: &Merchant, link: &Value) -> Vec<u8> {
    let target = link.as_str().unwrap().strip_prefix(&sandbox.url).unwrap();
    let answer = merchant
        .signed("GET", target, b"")
        .send(sandbox.port)
        .unwrap();
    assert_eq!(
        (answer.status, answer.header("Wechatpay-Signature")),
        (200, None),
        "{}",
        answer.text()
    );
    answer.body
}

#[test]
fn a_receipt_is_made_and_is_the_file_it_says() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.post(BILLS, &transfer(&merchant, "bill0001", 100));
    let path = "/v3/fund-app/mch-transfer/elecsign/out-bill-no";
    let apply = || merchant.post(path, &json!({ "out_bill_no": "bill0001" }));
    assert_eq!(apply().refusal(), (400, "INVALID_REQUEST".into()));
    assert_eq!(
        merchant.get(&format!("{path}/bill0001")).refusal(),
        (404, "NOT_FOUND".into())
    );
    let mut events = sandbox.events();
    sandbox.control("POST", "/transfers/bill0001/confirm", Value::Null);
    events.until(|change| change["state"] == "SUCCESS");
    assert_eq!(apply().json()["state"], "GENERATING");
    let made = finished(|| merchant.get(&format!("{path}/bill0001")).json(), "state");
    assert_eq!(made["hash_type"], "SHA256");
    let file = fetch(&sandbox, &merchant, &made["download_url"]);
    assert!(file.starts_with(b"%PDF-1.4") && file.ends_with(b"%%EOF\n"));
    assert_eq!(made["hash_value"], crate::stage::digest("sha256", &file));
}

/// Asks until it is finished, as the provider wants it.
fn finished(ask: impl Fn() -> Value, name: &str) -> Value {
    let deadline = std::time::Instant::now() + crate::stage::PATIENCE;
    loop {
        let answer = ask();
        if answer[name] == "FINISHED" {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "{answer}");
    }
}

#[test]
fn a_batch_arrives_and_its_details_can_be_asked_for() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let serial = &merchant.public_key_id;
    let sealed = |name: &str| encrypt_oaep(&merchant.platform_key(serial), name);
    sandbox.control("PUT", "/settings", json!({ "receiver_name": "张三" }));
    let detail = |number: &str, fen: i64, name: &str| json!({ "out_detail_no": number, "transfer_amount": fen, "transfer_remark": "工资", "openid": "o1", "user_name": sealed(name) });
    let batch = json!({
        "appid": merchant.appid, "out_batch_no": "batch0001", "batch_name": "一月", "batch_remark": "一月", "total_amount": 300, "total_num": 2,
        "transfer_detail_list": [detail("detail001", 100, "张三"), detail("detail002", 200, "李四")], "notify_url": shop.notify_url,
    });
    let post = |batch: &Value| merchant.post_naming(serial, "/v3/transfer/batches", batch);
    let mut wrong = batch.clone();
    wrong["total_amount"] = 299.into();
    assert_eq!(post(&wrong).json()["detail"]["field"], "/total_amount");
    let before = operation_balance(&merchant);
    let created = post(&batch).json();
    assert_eq!(created["batch_status"], "ACCEPTED");
    let told = shop.next();
    assert_eq!(told.envelope()["event_type"], "MCHTRANSFER.BATCH.FINISHED");
    let told = told.opened(&merchant);
    assert_eq!(
        (&told["success_amount"], &told["fail_num"]),
        (&json!(100), &json!(1))
    );
    assert_eq!(operation_balance(&merchant), before - 100);
    assert_eq!(post(&batch).json()["batch_id"], created["batch_id"]);

    let base = "/v3/transfer/batches/out-batch-no/batch0001";
    let listed = merchant
        .get(&format!("{base}?need_query_detail=true&detail_status=FAIL"))
        .json();
    assert_eq!(listed["transfer_detail_list"].as_array().unwrap().len(), 1);
    assert_eq!(listed["transfer_batch"]["batch_status"], "FINISHED");
    let detail = merchant
        .get(&format!("{base}/details/out-detail-no/detail002"))
        .json();
    assert_eq!(
        (&detail["detail_status"], &detail["fail_reason"]),
        (&json!("FAIL"), &json!("NAME_NOT_CORRECT"))
    );
    let name = STANDARD
        .decode(detail["user_name"].as_str().unwrap())
        .unwrap();
    assert_eq!(
        decrypt_oaep(&merchant.private_key(), &name),
        "李四".as_bytes()
    );

    merchant.post(
        "/v3/transfer/bill-receipt",
        &json!({ "out_batch_no": "batch0001" }),
    );
    let made = finished(
        || merchant.get("/v3/transfer/bill-receipt/batch0001").json(),
        "signature_status",
    );
    assert!(fetch(&sandbox, &merchant, &made["download_url"]).starts_with(b"%PDF"));
    let wish = json!({ "accept_type": "BATCH_TRANSFER", "out_batch_no": "batch0001", "out_detail_no": "detail001" });
    assert_eq!(
        merchant
            .post("/v3/transfer-detail/electronic-receipts", &wish)
            .status,
        200
    );
    let target = "/v3/transfer-detail/electronic-receipts?accept_type=BATCH_TRANSFER&out_batch_no=batch0001&out_detail_no=detail001";
    let made = finished(|| merchant.get(target).json(), "signature_status");
    assert_eq!(
        made["hash_value"],
        crate::stage::digest("sha256", &fetch(&sandbox, &merchant, &made["download_url"]))
    );
}
