//! The debugging view: what came in and what went out, whole, readable, and harmless to look at.

use serde_json::{Value, json};

use crate::stage::{NOBODY, Reply, Request, Sandbox, Shop, encrypt_oaep, today};

fn newest(sandbox: &Sandbox, filter: &str) -> Value {
    let list = sandbox.look(&format!("/exchanges?brief=true&{filter}"));
    sandbox.look(&format!("/exchanges/{}", list[0]["id"]))
}

#[test]
fn an_attempt_of_a_notification_is_shown_as_it_was_sent() {
    // So slow that the second attempt is still to come.
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(500)]);
    let mut events = sandbox.events();
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    sandbox.pay("order-0001");
    let received = shop.next();
    events.until(|change| {
        change["change"] == "notification"
            && !sandbox.look("/notifications")[0]["next_attempt"].is_null()
    });
    let seen = newest(&sandbox, "kind=notification");
    assert_eq!(seen["kind"], "notification");
    assert_eq!(seen["operation"], "TRANSACTION.SUCCESS");
    assert_eq!(seen["number"], "order-0001");
    assert_eq!(seen["url"], shop.notify_url);
    let body = String::from_utf8(received.body.as_ref().unwrap().clone()).unwrap();
    assert_eq!(seen["body"], body);
    for (name, value) in &received.headers {
        let shown = json!([name.to_lowercase(), value]);
        assert!(
            seen["headers"].as_array().unwrap().contains(&shown),
            "{name}"
        );
    }
    assert_eq!(
        seen["headers"].as_array().unwrap().len(),
        received.headers.len()
    );
    let header = |name: &str| received.header(name).unwrap();
    let text = format!(
        "{}\n{}\n{body}\n",
        header("Wechatpay-Timestamp"),
        header("Wechatpay-Nonce")
    );
    assert_eq!(seen["signed_text"], text);
    assert_eq!(seen["signature"], header("Wechatpay-Signature"));
    assert_eq!(seen["serial"], header("Wechatpay-Serial"));
    assert_eq!(
        (&seen["outcome"], &seen["answer"]["status"]),
        (&json!("500"), &json!(500))
    );
    assert_eq!(seen["refusal"]["cause"], "SHOP_REFUSED");
    let opened = &seen["opened"][0];
    assert_eq!(opened["field"], "/resource/ciphertext");
    assert_eq!(opened["plaintext"], received.opened(&merchant));
    let delivery = &sandbox.look("/notifications")[0];
    assert_eq!(delivery["attempts"][0]["exchange"], seen["id"]);
    let notification = &seen["notification"];
    assert_eq!(
        (&notification["attempt"], &notification["state"]),
        (&json!(1), &json!("pending"))
    );
    let time = |text: &Value| {
        let format = time::format_description::well_known::Rfc3339;
        time::OffsetDateTime::parse(text.as_str().unwrap(), &format).unwrap()
    };
    let pause = time(&notification["next_attempt"]) - time(&seen["at"]);
    assert!((14..=17).contains(&pause.whole_seconds()), "{pause}");
}

#[test]
fn the_fault_that_was_played_in_an_attempt_is_shown() {
    for (fault, answer, outcome, cause) in [
        (
            "wrong_signature",
            200,
            "forgery_accepted",
            "FORGERY_ACCEPTED",
        ),
        ("wrong_signature", 401, "401", "FORGERY_REFUSED"),
        ("wrong_key", 500, "500", "FORGERY_REFUSED"),
        ("unsigned", 401, "401", "FORGERY_REFUSED"),
        ("reset_before", 200, "cut", "CUT_BY_FAULT"),
    ] {
        let sandbox = Sandbox::start_with(&["--speed", "1"]);
        let merchant = sandbox.merchant();
        let replies: &'static [Reply] = match answer {
            200 => &[Reply::Status(200)],
            401 => &[Reply::Status(401)],
            _ => &[Reply::Status(500)],
        };
        let shop = Shop::open(replies);
        merchant.place_with(merchant.order("order-0001", &shop.notify_url));
        sandbox.fault(json!({ "fault": fault, "target": "notification" }));
        let mut events = sandbox.events();
        sandbox.pay("order-0001");
        events.until(|change| change["change"] == "notification" && !attempts(&sandbox).is_empty());
        let seen = newest(&sandbox, "kind=notification");
        assert_eq!(seen["faults"], json!([fault]));
        assert_eq!(seen["outcome"], outcome, "{fault}");
        assert_eq!(seen["refusal"]["cause"], cause, "{fault}");
        assert_eq!(seen["signed_text"].is_null(), fault == "unsigned");
        // What another key has sealed cannot be opened, and the view does not pretend.
        assert_eq!(
            seen["opened"][0]["plaintext"].is_null(),
            fault == "wrong_key"
        );
    }
}

fn attempts(sandbox: &Sandbox) -> Vec<Value> {
    let list = sandbox.look("/exchanges?kind=notification&brief=true");
    list.as_array().unwrap().clone()
}

#[test]
fn a_shop_that_cannot_be_reached_is_no_refusal_of_the_shop() {
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let merchant = sandbox.merchant();
    merchant.place_with(merchant.order("order-0001", NOBODY));
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    events.until(|change| change["change"] == "notification" && !attempts(&sandbox).is_empty());
    let seen = newest(&sandbox, "outcome=no_answer");
    assert_eq!(seen["refusal"]["cause"], "SHOP_UNREACHABLE");
    assert!(seen["answer"]["status"].is_null() && seen["answer"]["error"].is_string());
}

#[test]
fn sealed_fields_are_shown_opened_on_both_ways() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let sealed = encrypt_oaep(
        &merchant.platform_key(&merchant.public_key_id),
        "秘密 secret",
    );
    let body = json!({ "echo_message": "hello", "encrypted_echo_message": sealed, "notify_url": shop.notify_url });
    let id = &merchant.public_key_id;
    let answer = merchant.post_naming(id, "/v3/security/echo", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let seen = newest(&sandbox, "kind=request");
    let field = |opened: &Value| {
        assert_eq!(opened["plaintext"], "秘密 secret");
        opened["field"].clone()
    };
    assert_eq!(field(&seen["opened"][0]), "/encrypted_echo_message");
    assert_eq!(seen["opened"][0]["by"], id.as_str());
    assert_eq!(
        field(&seen["answer"]["opened"][0]),
        "/encrypted_echo_message"
    );
    // In a notification: the box, and the sealed field inside.
    let mut events = sandbox.events();
    shop.next();
    while attempts(&sandbox).is_empty() {
        events.until(|change| change["change"] == "notification");
    }
    let told = newest(&sandbox, "kind=notification");
    assert_eq!(
        field(&told["opened"][1]),
        "/resource/ciphertext/encrypt_echo_message"
    );
    let certificates = merchant.get("/v3/certificates");
    assert_eq!(certificates.status, 200);
    let listed = newest(&sandbox, "operation=certificates");
    let pem = listed["answer"]["opened"][0]["plaintext"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn the_list_is_brief_on_demand_and_filtered_by_whatever_is_known() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    merchant.query("order-none");
    sandbox.pay("order-0001");
    let count = |filter: &str| {
        let list = sandbox.look(&format!("/exchanges?{filter}"));
        list.as_array().unwrap().len()
    };
    assert_eq!(count("kind=request"), 2);
    assert_eq!(count("operation=NATIVE&kind=request"), 1);
    assert_eq!(count("outcome=order_not_exist"), 1);
    assert_eq!(count("number=order-none"), 1);
    assert_eq!(count("number=order-none&outcome=accepted"), 0);
    let brief = sandbox.look("/exchanges?brief=true&kind=request");
    assert_eq!(brief[0]["cause"], "STATE");
    for long in ["body", "headers", "signed_text", "answer"] {
        assert!(brief[0].get(long).is_none(), "{long}");
    }
    let gone = sandbox.control("GET", "/exchanges/999999", Value::Null);
    assert_eq!(gone.status, 404);
    let wrong = sandbox.control("GET", "/exchanges?kind=cake", Value::Null);
    assert_eq!(wrong.status, 400);
}

#[test]
fn nothing_that_is_kept_contains_a_key() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    merchant.get("/v3/certificates");
    sandbox.pay("order-0001");
    let config = std::fs::read_to_string(sandbox.dir.join("config-v2.json")).unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let key = config["apiv2_key"].as_str().unwrap();
    // A caller who sends his own key by mistake.
    let body = format!("<xml><mch_id>1</mch_id><key>{key}</key><sign>00</sign></xml>");
    Request::new("POST", "/pay/unifiedorder", body.as_bytes())
        .send(sandbox.port)
        .unwrap();
    let all = sandbox.look("/exchanges").to_string();
    for secret in [key, &merchant.apiv3_key, "PRIVATE KEY"] {
        assert!(!all.contains(secret));
    }
    assert!(all.contains("&key=…"));
}

#[test]
fn what_a_caller_sends_comes_back_as_data_only() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let script = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let body = json!({ "description": script, "out_trade_no": script }).to_string();
    let request = merchant.signed("POST", "/v3/pay/transactions/native", body.as_bytes());
    let request = request.with("X-Shop", script);
    assert_eq!(request.send(sandbox.port).unwrap().status, 400);
    let seen = sandbox.control("GET", "/exchanges?operation=native", Value::Null);
    let json = "application/json";
    assert_eq!(seen.header("Content-Type"), Some(json));
    assert_eq!(seen.json()[0]["body"], body);
    // The page itself is the same for everybody, and never reads text as HTML.
    let page = Request::new("GET", "/exchanges", b"")
        .send(sandbox.port)
        .unwrap();
    let text = page.text();
    assert!(!text.contains("alert(1)"));
    for way in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "srcdoc",
        "eval(",
        "new Function",
        "javascript:",
    ] {
        assert!(!text.contains(way), "{way}");
    }
}

#[test]
fn binary_downloads_are_named_and_not_shown() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    let day = today();
    let bill = merchant.get(&format!("/v3/bill/tradebill?bill_date={day}&tar_type=GZIP"));
    let bill = bill.json();
    let link = bill["download_url"].as_str().unwrap();
    let target = link.strip_prefix(&sandbox.url).unwrap();
    let file = merchant.signed("GET", target, b"").send(sandbox.port);
    let file = file.unwrap();
    assert_eq!(file.status, 200);
    let seen = newest(&sandbox, "operation=billdownload");
    let said = format!("({} bytes, no text)", file.body.len());
    assert_eq!(seen["answer"]["body"], said);
}
