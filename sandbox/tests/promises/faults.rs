//! Faults: each does what its name says, as often as asked, where asked, and nowhere else.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Sandbox, Shop, now};

const NATIVE: &str = "/v3/pay/transactions/native";

/// Places `order-0001` under a fault, without looking at the answer.
fn place(sandbox: &Sandbox, merchant: &Merchant) -> std::io::Result<Answer> {
    let order = merchant
        .order("order-0001", "http://127.0.0.1:9/notify")
        .to_string();
    merchant
        .signed("POST", NATIVE, order.as_bytes())
        .send(sandbox.port)
}

/// Whether the order came into being.
fn took_effect(merchant: &Merchant) -> bool {
    merchant.query("order-0001").status == 200
}

#[test]
fn a_reset_before_leaves_nothing_and_a_reset_after_leaves_the_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    for (fault, effect) in [("reset_before", false), ("reset_after", true)] {
        sandbox.fault(json!({ "fault": fault }));
        assert_eq!(
            place(&sandbox, &merchant).unwrap_err().kind(),
            ErrorKind::ConnectionReset,
            "{fault}"
        );
        assert_eq!(took_effect(&merchant), effect, "{fault}");
    }
    assert_eq!(sandbox.look("/requests")[1]["status"], Value::Null);
}

#[test]
fn a_load_balancers_page_replaces_the_answer_before_or_after_the_effect() {
    for (fault, status) in [("html_500", 500), ("html_502", 502)] {
        for processed in [false, true] {
            let sandbox = Sandbox::start();
            let merchant = sandbox.merchant();
            sandbox.fault(json!({ "fault": fault, "processed": processed }));
            let answer = place(&sandbox, &merchant).unwrap();
            assert_eq!(answer.status, status);
            assert_eq!(answer.header("Content-Type"), Some("text/html"));
            assert!(
                answer.text().starts_with("<html>")
                    && answer.header("Wechatpay-Signature").is_none()
            );
            assert_eq!(took_effect(&merchant), processed);
        }
    }
}

#[test]
fn the_provider_itself_may_be_busy() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    for (fault, status, code) in [
        ("rate_limit", 429, "FREQUENCY_LIMITED"),
        ("system_error", 500, "SYSTEM_ERROR"),
    ] {
        sandbox.fault(json!({ "fault": fault }));
        let answer = merchant.verified(place(&sandbox, &merchant).unwrap());
        assert_eq!(answer.refusal(), (status, code.into()));
        assert!(!took_effect(&merchant));
    }
}

#[test]
fn a_redirect_points_to_where_one_would_be_seen() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    sandbox.fault(json!({ "fault": "redirect" }));
    let answer = place(&sandbox, &merchant).unwrap();
    assert_eq!(answer.status, 302);
    let location = answer
        .header("Location")
        .unwrap()
        .strip_prefix(&sandbox.url)
        .unwrap()
        .to_owned();
    merchant.get(&location);
    assert_eq!(sandbox.look("/requests")[0]["target"], location);
}

#[test]
fn a_truncated_body_promises_more_than_it_brings() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    sandbox.fault(json!({ "fault": "truncated_body" }));
    assert_eq!(
        place(&sandbox, &merchant).unwrap_err().kind(),
        ErrorKind::UnexpectedEof
    );
    assert!(took_effect(&merchant));
}

#[test]
fn a_delay_delays() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    sandbox.fault(json!({ "fault": "delay", "ms": 300 }));
    let before = Instant::now();
    assert_eq!(place(&sandbox, &merchant).unwrap().status, 200);
    assert!(before.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_caller_who_hangs_up_does_not_take_his_request_back() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    sandbox.fault(
        json!({ "fault": "delay", "ms": 300, "times": 0, "target": format!("POST {NATIVE}") }),
    );
    // Many, since it matters how much of a request has been read when the end is found behind it.
    let numbers: Vec<_> = (0..20).map(|n| format!("order-{n:04}")).collect();
    let signed = |number: &String| {
        let order = merchant.order(number, "http://127.0.0.1:9/notify");
        merchant.signed("POST", NATIVE, order.to_string().as_bytes())
    };
    let requests: Vec<_> = numbers.iter().map(signed).collect();
    let mut events = sandbox.events();
    for request in &requests {
        request.send_and_hang_up(sandbox.port);
    }
    for _ in &requests {
        events.until(|change| change["change"] == "order");
    }
    for number in &numbers {
        assert_eq!(merchant.query(number).status, 200, "{number}");
    }
}

#[test]
fn signatures_are_spoiled_each_in_its_way() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let spoiled = |fault: &str| {
        sandbox.fault(json!({ "fault": fault }));
        let answer = place(&sandbox, &merchant).unwrap();
        assert_eq!(answer.status, 200, "{fault}");
        answer
    };
    let known = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();

    let wrong = spoiled("wrong_signature");
    assert!(!merchant.is_verified(&wrong));
    assert_eq!(wrong.header("Wechatpay-Serial"), Some(known.as_str()));
    assert_eq!(wrong.header("Wechatpay-Signature").unwrap().len(), 344);

    let unknown = spoiled("unknown_serial");
    let serial = unknown.header("Wechatpay-Serial").unwrap();
    assert!(serial.len() == 40 && serial != known && !merchant.platform_key(serial).exists());

    let stale = merchant.verified(spoiled("stale_time"));
    let timestamp: i64 = stale
        .header("Wechatpay-Timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!(now() - timestamp >= 600);

    let probe = spoiled("signtest");
    assert!(
        probe
            .header("Wechatpay-Signature")
            .unwrap()
            .starts_with("WECHATPAY/SIGNTEST/")
    );
    assert!(!merchant.is_verified(&probe));

    let unsigned = spoiled("unsigned");
    assert!(
        unsigned
            .headers
            .iter()
            .all(|(name, _)| !name.to_lowercase().starts_with("wechatpay-"))
    );
    assert!(unsigned.header("Request-ID").is_some());

    assert_eq!(
        spoiled("duplicate_signature").count("Wechatpay-Signature"),
        2
    );
    merchant.verified(place(&sandbox, &merchant).unwrap());
}

#[test]
fn a_wrong_answer_is_well_signed_and_about_another_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let true_answer = merchant.place("order-0001");
    sandbox.fault(json!({ "fault": "wrong_answer", "times": 2 }));
    assert_ne!(merchant.place("order-0001"), true_answer);
    let query = merchant.query("order-0001").json();
    assert_ne!(query["out_trade_no"], "order-0001");
    assert_ne!(query["amount"]["total"], 100);
    assert_eq!(merchant.query("order-0001").json()["amount"]["total"], 100);
}

#[test]
fn even_the_greatest_amount_has_a_wrong_answer() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let mut order = merchant.order("order-0001", "http://127.0.0.1:9/notify");
    order["amount"]["total"] = i64::MAX.into();
    merchant.place_with(order);
    sandbox.fault(json!({ "fault": "wrong_answer" }));
    assert_ne!(
        merchant.query("order-0001").json()["amount"]["total"],
        i64::MAX
    );
}

#[test]
fn a_certificate_rotates_in_the_middle_of_a_request() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let old = sandbox.look("")["platform_serial"]
        .as_str()
        .unwrap()
        .to_owned();
    sandbox.fault(json!({ "fault": "rotate_certificate" }));
    let answer = merchant.post_naming(
        &old,
        NATIVE,
        &merchant.order("order-0001", "http://127.0.0.1:9/notify"),
    );
    assert_eq!(answer.status, 200);
    let new = answer.header("Wechatpay-Serial").unwrap();
    assert_ne!(new, old);
    assert_eq!(sandbox.look("")["platform_serial"], new);
}

#[test]
fn a_skewed_clock_shows_in_answers_and_notifications() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    sandbox.control("PUT", "/settings", json!({ "clock_skew_s": -1000 }));
    let answer = merchant.post(NATIVE, &merchant.order("order-0001", &shop.notify_url));
    sandbox.pay("order-0001");
    let notification = shop.next();
    assert!(notification.is_verified(&merchant));
    for timestamp in [
        answer.header("Wechatpay-Timestamp"),
        notification.header("Wechatpay-Timestamp"),
    ] {
        let skew = timestamp.unwrap().parse::<i64>().unwrap() - now();
        assert!((-1060..=-940).contains(&skew), "{skew}");
    }
    assert_eq!(
        sandbox.control("PUT", "/settings", json!({})).json()["clock_skew_s"],
        0
    );
    let endless = json!({ "clock_skew_s": i64::MIN });
    assert_eq!(sandbox.control("PUT", "/settings", endless).status, 400);
}

#[test]
fn faults_strike_only_where_they_are_aimed() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    sandbox.fault(json!({ "fault": "rate_limit", "target": "GET /v3/pay/transactions/out-trade-no/{out_trade_no}", "times": 0 }));
    sandbox.fault(json!({ "fault": "system_error", "target": "/v3/refund", "times": 0 }));
    sandbox.fault(json!({ "fault": "unsigned", "out_trade_no": "order-0002", "times": 0 }));
    merchant.place("order-0001");
    assert_eq!(merchant.query("order-0001").status, 429);
    assert_eq!(merchant.query("order-0001").status, 429);
    assert_eq!(merchant.refund("order-0001", "refund-1", 1).status, 500);
    assert_eq!(merchant.close("order-0001").status, 204);
    let order = merchant
        .order("order-0002", "http://127.0.0.1:9/notify")
        .to_string();
    let answer = merchant
        .signed("POST", NATIVE, order.as_bytes())
        .send(sandbox.port)
        .unwrap();
    assert!(answer.header("Wechatpay-Signature").is_none());

    let faults = sandbox.look("/faults");
    assert_eq!(
        (&faults[0]["struck"], &faults[0]["remaining"]),
        (&json!(2), &Value::Null)
    );
    assert_eq!(
        sandbox.control("DELETE", "/faults/1", Value::Null).status,
        204
    );
    assert_eq!(
        sandbox.control("DELETE", "/faults/1", Value::Null).status,
        404
    );
    assert_eq!(merchant.query("order-0001").status, 200);
    assert_eq!(
        sandbox.control("DELETE", "/faults", Value::Null).status,
        204
    );
    assert_eq!(sandbox.look("/faults"), json!([]));
}

#[test]
fn a_fault_that_makes_no_sense_is_refused() {
    let sandbox = Sandbox::start();
    for wish in [
        json!({}),
        json!({ "fault": "fire" }),
        json!({ "fault": "delay" }),
        json!({ "fault": "duplicate", "target": "/v3/" }),
        json!({ "fault": "html_502", "target": "notification" }),
        json!({ "fault": "html_502", "times": -1 }),
        json!({ "fault": "html_502", "colour": "red" }),
    ] {
        let answer = sandbox.control("POST", "/faults", wish.clone());
        assert!((400..500).contains(&answer.status), "{wish}");
        assert!(answer.json()["error"].is_string(), "{wish}");
    }
}

/// Pays an order under a fault of its notification; returns what the shop gets.
fn notified(fault: &str, attempts: usize) -> (Sandbox, Vec<crate::stage::Received>) {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    // The shop believes everything; only the sandbox decides what counts.
    let shop = Shop::open(&[Reply::Status(200)]);
    merchant.place_with(merchant.order("order-0001", &shop.notify_url));
    sandbox.fault(json!({ "fault": fault, "target": "notification" }));
    sandbox.pay("order-0001");
    let received = (0..attempts).map(|_| shop.next()).collect();
    (sandbox, received)
}

#[test]
fn a_forged_notification_is_followed_by_the_true_one() {
    for fault in [
        "wrong_signature",
        "unknown_serial",
        "signtest",
        "unsigned",
        "duplicate_signature",
        "stale_time",
        "wrong_key",
    ] {
        let (sandbox, received) = notified(fault, 2);
        let merchant = sandbox.merchant();
        let [forged, genuine] = received.as_slice() else {
            unreachable!()
        };
        match fault {
            "stale_time" => {
                let timestamp: i64 = forged
                    .header("Wechatpay-Timestamp")
                    .unwrap()
                    .parse()
                    .unwrap();
                assert!(forged.is_verified(&merchant) && now() - timestamp >= 600);
            }
            "wrong_key" => assert!(
                forged.is_verified(&merchant)
                    && merchant.open(&forged.envelope()["resource"]).is_err()
            ),
            "duplicate_signature" => {
                assert_eq!(
                    forged
                        .headers
                        .iter()
                        .filter(|(name, _)| name == "Wechatpay-Signature")
                        .count(),
                    2
                );
            }
            _ => assert!(!forged.is_verified(&merchant), "{fault}"),
        }
        assert_eq!(genuine.opened(&merchant)["out_trade_no"], "order-0001");
        assert_eq!(genuine.envelope()["id"], forged.envelope()["id"]);
        assert_eq!(
            sandbox.look("/notifications")[0]["attempts"][0]["forgery_accepted"],
            true
        );
    }
}

#[test]
fn a_broken_off_notification_is_followed_by_a_whole_one() {
    for (fault, kind) in [
        ("truncated_body", ErrorKind::UnexpectedEof),
        ("reset_before", ErrorKind::ConnectionReset),
    ] {
        let (sandbox, received) = notified(fault, 2);
        assert_eq!(
            received[0].body.as_ref().unwrap_err().kind(),
            kind,
            "{fault}"
        );
        received[1].opened(&sandbox.merchant());
    }
}

#[test]
fn a_duplicate_comes_although_the_first_was_accepted() {
    let (sandbox, received) = notified("duplicate", 2);
    assert_eq!(received[0].envelope(), received[1].envelope());
    assert!(
        received
            .iter()
            .all(|one| one.is_verified(&sandbox.merchant()))
    );
}

#[test]
fn a_notification_may_be_signed_by_a_certificate_nobody_has_seen() {
    let (sandbox, received) = notified("rotate_certificate", 1);
    received[0].opened(&sandbox.merchant());
    assert_eq!(
        received[0].header("Wechatpay-Serial"),
        sandbox.look("")["platform_serial"].as_str()
    );
    assert_eq!(sandbox.look("/certificates").as_array().unwrap().len(), 3);
}

#[test]
fn a_reordered_notification_is_overtaken() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let shop = Shop::open(&[Reply::Status(200)]);
    for number in ["order-0001", "order-0002"] {
        merchant.place_with(merchant.order(number, &shop.notify_url));
    }
    sandbox.fault(json!({ "fault": "reorder", "out_trade_no": "order-0001", "ms": 20_000 }));
    sandbox.pay("order-0001");
    sandbox.pay("order-0002");
    let numbers: Vec<_> = (0..2)
        .map(|_| shop.next().opened(&merchant)["out_trade_no"].clone())
        .collect();
    assert_eq!(numbers, ["order-0002", "order-0001"]);
}
