//! It never leaves loopback, and lets nobody in from elsewhere.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::stage::{Request, Sandbox, empty_dir, program};

#[test]
fn other_addresses_are_not_listened_on() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080", "169.254.1.1:80"] {
        let output = program()
            .args(["--listen", address, "--dir"])
            .arg(empty_dir())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(!output.status.success(), "{address}");
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .contains("never leaves loopback"),
            "{address}"
        );
    }
}

#[test]
fn other_loopback_addresses_may_be_listened_on() {
    let sandbox = Sandbox::start_with(&["--listen", "localhost:0"]);
    assert!(sandbox.url.starts_with("http://127.0.0.1:"));
}

#[test]
fn an_order_that_would_be_notified_elsewhere_is_refused() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    for url in [
        "https://shop.example/notify",
        "http://shop.example/notify",
        "http://192.0.2.1/notify",
        "http://127.0.0.1.shop.example/notify",
        "http://127.0.0.1@192.0.2.1/notify",
        "http://127.0.0.1:8080/notify?order=1",
        "http://0.0.0.0/notify",
        "notify",
    ] {
        let answer = merchant.post(
            "/v3/pay/transactions/native",
            &merchant.order("order-0001", url),
        );
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{url}");
        assert_eq!(answer.json()["detail"]["field"], "/notify_url", "{url}");
    }
    assert_eq!(sandbox.look("/orders"), json!([]));
}

#[test]
fn a_refund_that_would_be_notified_elsewhere_is_refused() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order-0001");
    sandbox.pay("order-0001");
    let refund = json!({
        "out_trade_no": "order-0001",
        "out_refund_no": "refund-1",
        "notify_url": "http://192.0.2.1/notify",
        "amount": { "refund": 1, "total": 100, "currency": "CNY" },
    });
    let answer = merchant.post("/v3/refund/domestic/refunds", &refund);
    assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()));
    assert_eq!(sandbox.look("/orders/order-0001")["refunds"], json!([]));
}

#[test]
fn pages_from_elsewhere_may_not_use_the_control_api() {
    let sandbox = Sandbox::start();
    let asked = |method: &str, origin: &str| {
        Request::new(method, "/sandbox/faults", b"")
            .with("Origin", origin)
            .send(sandbox.port)
            .unwrap()
    };
    for origin in [
        "https://shop.example",
        "http://127.0.0.1.shop.example",
        "null",
    ] {
        assert_eq!(asked("DELETE", origin).status, 403, "{origin}");
        assert_eq!(
            asked("OPTIONS", origin).header("Access-Control-Allow-Origin"),
            None,
            "{origin}"
        );
    }
    for origin in [
        "http://127.0.0.1:3000",
        "http://localhost:8080",
        "http://[::1]:1",
    ] {
        assert_eq!(asked("DELETE", origin).status, 204, "{origin}");
        let preflight = asked("OPTIONS", origin);
        assert_eq!(
            preflight.header("Access-Control-Allow-Origin"),
            Some(origin)
        );
        assert!(
            preflight
                .header("Access-Control-Allow-Methods")
                .unwrap()
                .contains("POST")
        );
    }
}

#[test]
fn pages_load_nothing_from_elsewhere() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let code_url = merchant.place("order-0001")["code_url"]
        .as_str()
        .unwrap()
        .to_owned();
    let cashier = code_url.strip_prefix(&sandbox.url).unwrap();
    for page in ["/", "/exchanges", "/buyer", "/transfer/none", cashier] {
        let answer = Request::new("GET", page, b"").send(sandbox.port).unwrap();
        assert_eq!(answer.status, 200);
        assert!(
            answer
                .header("Content-Security-Policy")
                .unwrap()
                .starts_with("default-src 'none'")
        );
        let text = answer.text().replace("http://www.w3.org/2000/svg", "");
        assert!(
            !text.contains("http://") && !text.contains("https://") && !text.contains("src=\"//"),
            "{page}"
        );
    }
    assert_eq!(sandbox.control("GET", "/nothing", Value::Null).status, 404);
}
