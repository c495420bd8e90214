//! Notifications: what they are, when they are repeated, which key signs them.

use std::time::Instant;

use serde_json::{Value, json};

use crate::stage::{Reply, Sandbox, Shop, now};

#[test]
fn a_payment_is_told_signed_and_encrypted() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let transaction = sandbox.pay("order-0001");
    let notification = shop.next();
    assert_eq!(notification.path, "/notify");
    assert_eq!(
        notification.header("Content-Type"),
        Some("application/json")
    );
    assert_eq!(
        notification.header("Wechatpay-Signature-Type"),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
    let timestamp: i64 = notification
        .header("Wechatpay-Timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!((now() - timestamp).abs() < 60);
    assert_eq!(notification.opened(&merchant), transaction);

    let envelope = notification.envelope();
    assert_eq!(envelope["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(envelope["resource_type"], "encrypt-resource");
    assert_eq!(envelope["resource"]["original_type"], "transaction");
    assert!(
        envelope["create_time"]
            .as_str()
            .unwrap()
            .ends_with("+08:00")
    );
    assert!(envelope.get("mchid").is_none());
    assert_ne!(
        envelope["resource"]["nonce"],
        notification.header("Wechatpay-Nonce").unwrap()
    );
}

#[test]
fn it_is_signed_by_the_key_the_order_asked_for() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    let certificate = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    for (number, serial) in [
        ("order-0001", &merchant.public_key_id),
        ("order-0002", &certificate),
    ] {
        let order = merchant.order(number, &shop.notify_url);
        assert_eq!(
            merchant
                .post_naming(serial, "/v3/pay/transactions/native", &order)
                .status,
            200
        );
        sandbox.pay(number);
        let notification = shop.next();
        assert!(notification.is_verified(&merchant));
        assert_eq!(
            notification.header("Wechatpay-Serial"),
            Some(serial.as_str())
        );
    }
}

#[test]
fn a_migration_may_be_played() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let certificate = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    for (key, first) in [
        ("public_key", &merchant.public_key_id),
        ("certificate", &certificate),
        ("alternate", &merchant.public_key_id),
    ] {
        let set = sandbox.control("PUT", "/settings", json!({ "notification_key": key }));
        assert_eq!(set.json()["notification_key"], key);
        let shop = Shop::open(&[Reply::Status(500), Reply::Status(200)]);
        let number = format!("order-{key}");
        merchant.place_with(merchant.order(&number, &shop.notify_url));
        sandbox.pay(&number);
        let serials: Vec<_> = [shop.next(), shop.next()]
            .iter()
            .map(|one| one.header("Wechatpay-Serial").unwrap().to_owned())
            .collect();
        assert_eq!(serials[0], *first, "{key}");
        assert_eq!(serials[1] == *first, key != "alternate");
    }
    assert_eq!(
        sandbox
            .control("PUT", "/settings", json!({ "notification_key": "none" }))
            .status,
        400
    );
    assert_eq!(
        sandbox
            .control("PUT", "/settings", json!({ "colour": "red" }))
            .status,
        400
    );
}

#[test]
fn it_is_repeated_until_a_2xx_with_the_same_id_and_a_new_signature() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[
        Reply::Status(500),
        Reply::Status(302),
        Reply::Status(401),
        Reply::Status(200),
    ]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    let received: Vec<_> = (0..4).map(|_| shop.next()).collect();
    for notification in &received {
        notification.opened(&merchant);
        assert_eq!(notification.envelope()["id"], received[0].envelope()["id"]);
    }
    let nonces: std::collections::HashSet<_> = received
        .iter()
        .map(|one| one.header("Wechatpay-Nonce"))
        .collect();
    assert_eq!(nonces.len(), 4);
    events.until(|change| change["change"] == "notification" && change["state"] == "delivered");
    let delivery = &sandbox.look("/notifications?out_trade_no=order-0001")[0];
    assert_eq!(delivery["state"], "delivered");
    let statuses: Vec<_> = delivery["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["status"].clone())
        .collect();
    assert_eq!(statuses, [500, 302, 401, 200]);
}

#[test]
fn it_is_given_up_after_sixteen_attempts() {
    // At this speed the provider's day of pauses takes less than a second.
    let sandbox = Sandbox::start_with(&["--speed", "100000"]);
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(500)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    events.until(|change| change["change"] == "notification" && change["state"] == "abandoned");
    let delivery = &sandbox.look("/notifications")[0];
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 16);
    for _ in 0..16 {
        shop.next();
    }
    // It can still be sent by hand.
    let resent = sandbox.control(
        "POST",
        &format!("/notifications/{}/resend", delivery["id"].as_str().unwrap()),
        Value::Null,
    );
    assert_eq!(resent.json()["attempts"].as_array().unwrap().len(), 17);
    shop.next().opened(&merchant);
}

#[test]
fn pauses_follow_the_schedule_divided_by_the_speed() {
    let sandbox = Sandbox::start_with(&["--speed", "60"]);
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[
        Reply::Status(500),
        Reply::Status(500),
        Reply::Status(500),
        Reply::Status(200),
    ]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    sandbox.pay("order-0001");
    let times: Vec<_> = (0..4).map(|_| (shop.next(), Instant::now()).1).collect();
    // 15 s, 15 s, 30 s at sixty times the speed; never sooner.
    for (pair, quarters) in times.windows(2).zip([1, 1, 2]) {
        assert!(pair[1] - pair[0] >= std::time::Duration::from_millis(245 * quarters));
    }
}

#[test]
fn silence_of_five_seconds_is_a_failure() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Silence, Reply::Status(200)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    events.until(|change| change["change"] == "notification" && change["state"] == "delivered");
    let delivery = &sandbox.look("/notifications")[0];
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(delivery["attempts"][0]["status"], Value::Null);
    assert!(delivery["attempts"][0]["duration_ms"].as_u64().unwrap() >= 5000);
}

#[test]
fn a_shop_that_is_not_there_yet_is_reached_later() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    events.until(|change| change["change"] == "notification" && change["state"] == "pending");
    events.until(|change| change["change"] == "notification" && change["state"] == "pending");
    let delivery = &sandbox.look("/notifications")[0];
    assert_eq!(delivery["state"], "pending");
    assert!(delivery["attempts"][0]["error"].is_string());
    assert_eq!(
        sandbox
            .control("POST", "/notifications/none/resend", Value::Null)
            .status,
        404
    );
}

#[test]
fn resending_sends_the_same_notification_once_more() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    let first = shop.next();
    let change =
        events.until(|change| change["change"] == "notification" && change["state"] == "delivered");
    let resent = sandbox.control(
        "POST",
        &format!("/notifications/{}/resend", change["id"].as_str().unwrap()),
        Value::Null,
    );
    assert_eq!(resent.status, 200);
    let second = shop.next();
    assert_eq!(second.envelope(), first.envelope());
    assert_ne!(
        second.header("Wechatpay-Signature"),
        first.header("Wechatpay-Signature")
    );
    assert!(second.is_verified(&merchant));
}

#[test]
fn any_event_can_be_told_by_a_control_call() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(204)]);
    let told = serde_json::json!({ "complaint_id": "200201820200101080076610000", "action_type": "CREATE_COMPLAINT" });
    let mut wish = serde_json::json!({
        "event_type": "COMPLAINT.CREATE", "original_type": "complaint", "notify_url": shop.notify_url, "resource": told,
    });
    let answer = sandbox.control("POST", "/notifications", wish.clone());
    assert_eq!(answer.status, 201, "{}", answer.text());
    let envelope = shop.next().envelope();
    assert_eq!(envelope["event_type"], "COMPLAINT.CREATE");
    assert_eq!(envelope["id"], answer.json()["id"]);
    let plain = merchant.open(&envelope["resource"]).unwrap();
    assert_eq!(plain, told.to_string().into_bytes());
    wish["notify_url"] = "http://example.com/notify".into();
    assert_eq!(sandbox.control("POST", "/notifications", wish).status, 400);
}
