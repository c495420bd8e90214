//! REST v3: the same business by path, with the signature in headers.

use serde_json::{Value, json};

use super::stage::{App, Mode, open_aes, value};
use crate::stage::{Answer, Request, Sandbox, now, sign, verify};

const QUERY: &str = "/v3/alipay/trade/query";

/// A signed request; `timestamp_ms` and `extra` go into `Authorization`.
fn signed(
    app: &App,
    method: &str,
    target: &str,
    body: &str,
    timestamp_ms: i64,
    extra: &str,
) -> Request {
    let common = app.common("");
    let certificate = match app.mode {
        Mode::Certificate => format!(",app_cert_sn={}", value(&common, "app_cert_sn")),
        _ => String::new(),
    };
    let authorization = format!(
        "app_id={}{certificate},nonce=n1,timestamp={timestamp_ms}{extra}",
        app.id
    );
    let message = format!("{authorization}\n{method}\n{target}\n{body}\n");
    let signature = sign(&app.private_key(), message.as_bytes());
    let line = format!("ALIPAY-SHA256withRSA {authorization},sign={signature}");
    let request = Request::new(method, target, body.as_bytes())
        .with("Authorization", &line)
        .with("Content-Type", "application/json");
    match app.mode {
        Mode::Certificate => {
            request.with("alipay-root-cert-sn", value(&common, "alipay_root_cert_sn"))
        }
        _ => request,
    }
}

fn is_verified(app: &App, answer: &Answer) -> bool {
    let names = ["alipay-timestamp", "alipay-nonce", "alipay-signature"];
    let [Some(timestamp), Some(nonce), Some(signature)] = names.map(|name| answer.header(name))
    else {
        return false;
    };
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(&answer.body);
    message.push(b'\n');
    verify(&app.alipay_key(), &message, signature)
}

fn send(app: &App, method: &str, target: &str, body: &Value) -> Answer {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = signed(app, method, target, &body, now() * 1000, "");
    let answer = request.send(app.port).unwrap();
    assert!(
        is_verified(app, &answer),
        "{} {:?}",
        answer.text(),
        answer.headers
    );
    answer
}

#[test]
fn the_same_trade_is_placed_by_path_and_found_by_the_gateway() {
    let sandbox = Sandbox::start();
    for mode in [Mode::Key, Mode::Certificate] {
        let app = App::with(&sandbox, mode);
        let number = if mode == Mode::Key {
            "order-0001"
        } else {
            "order-0002"
        };
        let placed = send(
            &app,
            "POST",
            "/v3/alipay/trade/precreate",
            &app.order(number),
        );
        assert_eq!(placed.status, 200);
        assert!(placed.json()["qr_code"].is_string() && placed.json().get("code").is_none());
        let sn = (mode == Mode::Certificate).then(|| App::certificate_sn(&app.alipay_key()));
        assert_eq!(placed.header("alipay-sn"), sn.as_deref());
        sandbox.pay(number);
        let found = send(&app, "POST", QUERY, &json!({ "out_trade_no": number }));
        assert_eq!(found.json()["trade_status"], "TRADE_SUCCESS");
        assert_eq!(app.query(number)["trade_no"], found.json()["trade_no"]);
    }
    let seen = sandbox.look("/exchanges?operation=alipay.trade.query&number=order-0001");
    let text = seen[1]["signed_text"].as_str().unwrap();
    assert!(text.contains("\nPOST\n/v3/alipay/trade/query\n{"), "{seen}");
}

#[test]
fn refusals_have_a_status_and_codes_without_who_is_to_blame() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let nothing = json!({ "out_trade_no": "order-0001" });
    let refused = send(&app, "POST", QUERY, &nothing);
    assert_eq!(refused.refusal(), (400, "ACQ.TRADE_NOT_EXIST".into()));
    let body = refused.json();
    assert!(
        body["message"].is_string()
            && body["details"].is_array()
            && body["links"][0]["link"].is_string()
    );
    for (method, target) in [
        ("GET", QUERY),
        ("POST", "/v3/alipay/no/such"),
        ("POST", "/v3/alipay/trade/page/pay"),
    ] {
        let body = if method == "GET" {
            Value::Null
        } else {
            nothing.clone()
        };
        assert_eq!(
            send(&app, method, target, &body).refusal(),
            (404, "invalid-method".into()),
            "{target}"
        );
    }
    let ms = now() * 1000;
    let text = nothing.to_string();
    for (timestamp, extra, code) in [
        (ms - 601_000, "", "invalid-timestamp"),
        (ms + 660_000, "", "invalid-timestamp"),
        (ms / 1000, "", "invalid-timestamp"),
        (ms - 10_000, ",expired_seconds=5", "invalid-timestamp"),
        (ms - 10_000, ",expired_seconds=120", "ACQ.TRADE_NOT_EXIST"),
    ] {
        let answer = signed(&app, "POST", QUERY, &text, timestamp, extra)
            .send(app.port)
            .unwrap();
        assert!(is_verified(&app, &answer));
        assert_eq!(answer.refusal(), (400, code.into()), "{timestamp} {extra}");
    }
    let mut tampered = signed(&app, "POST", QUERY, &text, ms, "");
    tampered.body = json!({ "out_trade_no": "order-0002" })
        .to_string()
        .into_bytes();
    let answer = tampered.send(app.port).unwrap();
    assert_eq!(answer.refusal(), (400, "invalid-signature".into()));
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .contains("order-0002")
    );
    let without = signed(&app, "POST", QUERY, &text, ms, "").without("Authorization");
    let answer = without.send(app.port).unwrap();
    assert_eq!(answer.refusal(), (400, "missing-signature".into()));
    assert!(!is_verified(&app, &answer));
    let stranger = App {
        id: "2021000000000000".into(),
        ..App::of(&sandbox)
    };
    let answer = signed(&stranger, "POST", QUERY, &text, ms, "")
        .send(app.port)
        .unwrap();
    assert_eq!(answer.refusal(), (400, "invalid-app-id".into()));
    assert!(!is_verified(&app, &answer));
}

#[test]
fn an_encrypted_body_is_answered_encrypted_and_signed_as_it_is_sent() {
    let sandbox = Sandbox::start();
    let app = App::with(&sandbox, Mode::Aes);
    let sealed = app.biz_content(&app.order("order-0001"));
    let request = signed(
        &app,
        "POST",
        "/v3/alipay/trade/precreate",
        &sealed,
        now() * 1000,
        "",
    )
    .with("Content-Type", "text/plain")
    .with("alipay-encrypt-type", "AES");
    let answer = request.send(app.port).unwrap();
    assert!(is_verified(&app, &answer));
    assert_eq!(answer.header("alipay-encrypt-type"), Some("AES"));
    let opened = open_aes(app.encrypt_key.as_ref().unwrap(), &answer.text());
    let opened: Value = serde_json::from_slice(&opened).unwrap();
    assert_eq!(opened["out_trade_no"], "order-0001");
}

#[test]
fn of_a_form_only_the_part_data_is_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let target = "/v3/alipay/merchant/item/file/upload";
    let data = json!({ "scene": "SYNC_ORDER" }).to_string();
    let mut request = signed(&app, "POST", target, &data, now() * 1000, "");
    let mut form = format!("--x\r\nContent-Disposition: form-data; name=\"data\"\r\nContent-Type: application/json\r\n\r\n{data}\r\n").into_bytes();
    form.extend_from_slice(b"--x\r\nContent-Disposition: form-data; name=\"file_content\"; filename=\"a.png\"\r\n\r\n\x89PNG\r\n--x--\r\n");
    request.body = form;
    let answer = request
        .with("Content-Type", "multipart/form-data; boundary=x")
        .send(app.port)
        .unwrap();
    assert!(is_verified(&app, &answer));
    assert!(
        answer.json()["material_id"].is_string(),
        "{}",
        answer.text()
    );
}

#[test]
fn faults_strike_here_too_and_time_is_part_of_the_signature() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let text = json!({ "out_trade_no": "order-0001" }).to_string();
    let ask = || signed(&app, "POST", QUERY, &text, now() * 1000, "").send(app.port);
    sandbox.fault(json!({ "fault": "stale_time", "target": "/v3/alipay" }));
    let stale = ask().unwrap();
    assert!(is_verified(&app, &stale));
    let at: i64 = stale.header("alipay-timestamp").unwrap().parse().unwrap();
    assert!((590_000..620_000).contains(&(now() * 1000 - at)));
    for fault in ["wrong_signature", "unknown_serial", "unsigned", "signtest"] {
        sandbox.fault(json!({ "fault": fault, "target": "/v3/alipay" }));
        assert!(!is_verified(&app, &ask().unwrap()), "{fault}");
    }
    sandbox.fault(json!({ "fault": "duplicate_signature", "target": "/v3/alipay" }));
    assert_eq!(ask().unwrap().count("alipay-signature"), 2);
    sandbox.fault(json!({ "fault": "system_error", "target": "/v3/alipay" }));
    assert_eq!(ask().unwrap().refusal(), (500, "unknow-error".into()));
    sandbox.fault(json!({ "fault": "reset_after", "target": "/v3/alipay" }));
    assert!(ask().is_err());
}

#[test]
fn a_merchants_token_is_the_last_line_of_what_is_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let made = sandbox
        .control("POST", "/alipay/app-auth-codes", Value::Null)
        .json();
    let exchange = json!({ "grant_type": "authorization_code", "code": made["app_auth_code"] });
    let tokens = send(&app, "POST", "/v3/alipay/open/auth/token/app", &exchange).json();
    let token = tokens["app_auth_token"].as_str().unwrap();
    let target = "/v3/alipay/fund/account/query";
    let authorization = format!("app_id={},nonce=n1,timestamp={}", app.id, now() * 1000);
    let ask = |message: String| {
        let signature = sign(&app.private_key(), message.as_bytes());
        Request::new("GET", target, b"")
            .with(
                "Authorization",
                &format!("ALIPAY-SHA256withRSA {authorization},sign={signature}"),
            )
            .with("alipay-app-auth-token", token)
            .send(app.port)
            .unwrap()
    };
    let without = ask(format!("{authorization}\nGET\n{target}\n\n"));
    assert_eq!(without.refusal(), (400, "invalid-signature".into()));
    let with = ask(format!("{authorization}\nGET\n{target}\n\n{token}\n"));
    assert_eq!(with.json()["available_amount"], "1000000.00");
}

#[test]
fn queries_are_read_with_get_and_their_query_is_signed() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let target = format!(
        "/v3/alipay/fund/account/query?alipay_user_id={}&account_type=ACCTRANS_ACCOUNT",
        app.seller
    );
    let answer = send(&app, "GET", &target, &Value::Null);
    assert_eq!(answer.json()["available_amount"], "1000000.00");
}
