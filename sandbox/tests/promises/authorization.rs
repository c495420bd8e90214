//! What the provider makes of a request before it reads it, and the signature under every answer.

use serde_json::{Value, json};

use crate::stage::{Answer, Sandbox, now};

const CERTIFICATES: &str = "/v3/certificates";

fn sign_error(answer: &Answer, field: &str) {
    assert_eq!(
        answer.refusal(),
        (401, "SIGN_ERROR".into()),
        "{}",
        answer.text()
    );
    assert_eq!(answer.json()["detail"]["location"], "authorization");
    assert_eq!(answer.json()["detail"]["field"], field, "{}", answer.text());
    assert!(answer.header("Request-ID").unwrap().ends_with("-268443699"));
}

#[test]
fn an_answer_is_signed_with_the_key_that_was_asked_for() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let certificates = sandbox.look("/certificates");
    let serial = |index: usize| certificates[index]["serial"].as_str().unwrap().to_owned();
    let signing = serial(0);
    let signer = |asked: Option<&str>| {
        let request = merchant.signed("GET", CERTIFICATES, b"");
        let request = asked.map_or(request.clone(), |serial| {
            request.with("Wechatpay-Serial", serial)
        });
        let answer = merchant.verified(request.send(sandbox.port).unwrap());
        assert_eq!(answer.status, 200);
        answer.header("Wechatpay-Serial").unwrap().to_owned()
    };
    assert_eq!(signer(None), signing);
    assert_eq!(
        signer(Some(&merchant.public_key_id)),
        merchant.public_key_id
    );
    assert_eq!(signer(Some(&signing)), signing);
    // Whoever names the older certificate gets the newest one's signature, as in a rotation.
    assert_eq!(signer(Some(&serial(1))), signing);
}

#[test]
fn an_answer_carries_the_providers_headers() {
    let sandbox = Sandbox::start();
    let answer = sandbox.merchant().get(CERTIFICATES);
    assert_eq!(
        answer.header("Wechatpay-Signature-Type"),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
    assert_eq!(answer.header("Wechatpay-Nonce").unwrap().len(), 32);
    assert_eq!(
        answer.header("Content-Type"),
        Some("application/json; charset=utf-8")
    );
    let timestamp: i64 = answer
        .header("Wechatpay-Timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!((now() - timestamp).abs() < 60);
    let (_, number) = answer
        .header("Request-ID")
        .unwrap()
        .rsplit_once('-')
        .unwrap();
    assert!(number.len() == 9 && number.bytes().all(|byte| byte.is_ascii_digit()));
}

#[test]
fn refusals_are_signed_too_and_so_is_an_empty_answer() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let unsigned = merchant
        .signed("GET", CERTIFICATES, b"")
        .without("Authorization");
    sign_error(
        &merchant.verified(unsigned.send(sandbox.port).unwrap()),
        "authorization",
    );
    let named = unsigned.with("Wechatpay-Serial", &merchant.public_key_id);
    let answer = merchant.verified(named.send(sandbox.port).unwrap());
    assert_eq!(
        answer.header("Wechatpay-Serial"),
        Some(merchant.public_key_id.as_str())
    );

    assert_eq!(
        merchant.query("order-none").refusal(),
        (404, "ORDER_NOT_EXIST".into())
    );
    merchant.place("order-0001");
    let closed = merchant.close("order-0001");
    assert_eq!((closed.status, closed.body.len()), (204, 0));
}

#[test]
fn a_wrong_signature_is_told_what_should_have_been_signed() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let target = "/v3/pay/transactions/native?x=%7b%22a%22%3A%201";
    let body = json!({ "description": "茶".repeat(100) }).to_string();
    let mut request = merchant.signed("POST", target, body.as_bytes());
    request.body = body.replace("description", "Description").into_bytes();
    let answer = merchant.verified(request.send(sandbox.port).unwrap());
    sign_error(&answer, "signature");
    let detail = &answer.json()["detail"];
    assert_eq!(detail["issue"], "sign not match");
    let information = &detail["sign_information"];
    assert_eq!(information["method"], "POST");
    assert_eq!(information["url"], target);
    let field = |name: &str| {
        let authorization = request.header("Authorization").unwrap();
        let (_, rest) = authorization.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let head = format!(
        "POST\n{target}\n{}\n{}\n",
        field("timestamp"),
        field("nonce_str")
    );
    assert_eq!(
        information["sign_message_length"],
        head.len() + request.body.len() + 1
    );
    let truncated = information["truncated_sign_message"].as_str().unwrap();
    assert!(truncated.starts_with(&head) && truncated.len() < head.len() + request.body.len());
}

#[test]
fn path_query_and_body_are_checked_as_they_stand_on_the_wire() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.place("order|0001");
    let mchid = &merchant.mchid;
    let ordinary = format!("/v3/pay/transactions/out-trade-no/order%7C0001?mchid={mchid}");
    let lower_case = ordinary.replace("%7C", "%7c");
    for target in [
        &ordinary,
        &lower_case,
        &format!("{ordinary}&empty=&%20=%20"),
        &ordinary.replace("order", "%6Frder"),
    ] {
        let answer = merchant.get(target);
        assert_eq!(
            (answer.status, &answer.json()["out_trade_no"]),
            (200, &json!("order|0001")),
            "{target}"
        );
    }
    let mut request = merchant.signed("GET", &ordinary, b"");
    request.target = lower_case;
    sign_error(&request.send(sandbox.port).unwrap(), "signature");

    // Spaces, and a line feed at the end, are part of what was signed.
    let body = format!(" {}\n", merchant.order("order-0002", "http://127.0.0.1:9/"));
    let answer = merchant
        .signed("POST", "/v3/pay/transactions/native", body.as_bytes())
        .send(sandbox.port)
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn all_five_fields_are_needed_once_in_any_order() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let request = merchant.signed("GET", CERTIFICATES, b"");
    let authorization = request.header("Authorization").unwrap().to_owned();
    let (scheme, fields) = authorization.split_once(' ').unwrap();
    let fields: Vec<_> = fields.split(',').collect();
    let send = |authorization: String| {
        request
            .clone()
            .with("Authorization", &authorization)
            .send(sandbox.port)
            .unwrap()
    };

    let reversed: Vec<_> = fields.iter().rev().copied().collect();
    assert_eq!(send(format!("{scheme} {}", reversed.join(","))).status, 200);
    assert_eq!(send(format!("{scheme} {}", fields.join(", "))).status, 200);
    for (index, field) in fields.iter().enumerate() {
        let (name, _) = field.split_once('=').unwrap();
        let mut others = fields.clone();
        others.remove(index);
        sign_error(&send(format!("{scheme} {}", others.join(","))), name);
        sign_error(
            &send(format!("{scheme} {},{field}", fields.join(","))),
            "authorization",
        );
    }
    sign_error(
        &send(format!("WECHATPAY2-SM2-WITH-SM3 {}", fields.join(","))),
        "authorization",
    );
    sign_error(
        &send(format!("{scheme} {},extra=\"1\"", fields.join(","))),
        "authorization",
    );
    sign_error(&send(scheme.to_owned()), "authorization");
    sign_error(&send(authorization.replace('"', "")), "authorization");

    let mut twice = request.clone();
    twice.headers.push(("Authorization".into(), authorization));
    sign_error(&twice.send(sandbox.port).unwrap(), "authorization");
}

#[test]
fn foreign_merchants_and_serials_are_refused() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let request = merchant.signed("GET", CERTIFICATES, b"");
    let authorization = request.header("Authorization").unwrap().to_owned();
    let send = |from: &str, to: &str| {
        request
            .clone()
            .with("Authorization", &authorization.replace(from, to))
            .send(sandbox.port)
            .unwrap()
    };
    sign_error(&send(&merchant.mchid, "1900000000"), "mchid");
    sign_error(&send(&merchant.serial, &"0".repeat(40)), "serial_no");
    assert_eq!(
        send(&merchant.serial, &merchant.serial.to_lowercase()).status,
        200
    );
}

#[test]
fn a_timestamp_counts_within_five_minutes() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let at = |timestamp: i64| {
        let authorization = merchant.authorization("GET", CERTIFICATES, timestamp, b"");
        merchant
            .signed("GET", CERTIFICATES, b"")
            .with("Authorization", &authorization)
            .send(sandbox.port)
            .unwrap()
    };
    for age in [0, 200, -200] {
        assert_eq!(at(now() - age).status, 200, "{age}");
    }
    for age in [400, -400, now()] {
        sign_error(&at(now() - age), "timestamp");
    }
    let odd = merchant.signed("GET", CERTIFICATES, b"");
    let authorization = odd
        .header("Authorization")
        .unwrap()
        .replace("timestamp=\"", "timestamp=\"+");
    sign_error(
        &odd.with("Authorization", &authorization)
            .send(sandbox.port)
            .unwrap(),
        "timestamp",
    );
}

#[test]
fn accept_user_agent_and_content_type_are_required() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    let order = merchant
        .order("order-0001", "http://127.0.0.1:9/")
        .to_string();
    let request = merchant.signed("POST", "/v3/pay/transactions/native", order.as_bytes());
    let refused = |request: crate::stage::Request, name: &str| {
        let answer = merchant.verified(request.send(sandbox.port).unwrap());
        assert_eq!(answer.refusal(), (400, "PARAM_ERROR".into()), "{name}");
        assert_eq!(answer.json()["detail"]["location"], "header");
        assert_eq!(answer.json()["detail"]["field"], name);
    };
    for name in ["Accept", "User-Agent", "Content-Type"] {
        refused(request.clone().without(name), name);
        refused(request.clone().with(name, ""), name);
    }
    refused(
        request.clone().with("Content-Type", "text/plain"),
        "Content-Type",
    );
    refused(request.clone().with("Accept", "text/html"), "Accept");
    refused(
        request.clone().with("Wechatpay-Serial", &"5".repeat(40)),
        "Wechatpay-Serial",
    );
    refused(
        request.clone().with("Wechatpay-Serial", "PUB_KEY_ID_0"),
        "Wechatpay-Serial",
    );
    let answer = request
        .with("Content-Type", "application/json; charset=utf-8")
        .send(sandbox.port)
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[test]
fn what_is_no_operation_is_not_found_but_only_for_who_may_ask() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    assert_eq!(
        merchant.get("/v3/nothing").refusal(),
        (404, "RESOURCE_NOT_EXISTS".into())
    );
    assert_eq!(
        merchant.post(CERTIFICATES, &json!({})).refusal(),
        (405, "INVALID_REQUEST".into())
    );
    let unsigned = merchant
        .signed("GET", "/v3/nothing", b"")
        .without("Authorization");
    sign_error(&unsigned.send(sandbox.port).unwrap(), "authorization");
}

#[test]
fn requests_are_recorded_with_what_was_new_in_each() {
    let sandbox = Sandbox::start();
    let merchant = sandbox.merchant();
    merchant.query("order-none");
    merchant.post_naming(
        &merchant.public_key_id,
        "/v3/pay/transactions/native",
        &json!({}),
    );
    let requests = sandbox.look("/requests");
    let [last, first] = requests.as_array().unwrap().as_slice() else {
        panic!("{requests}")
    };
    assert_eq!(
        (&first["status"], &first["code"]),
        (&json!(404), &json!("ORDER_NOT_EXIST"))
    );
    assert_eq!(first["wechatpay_serial"], Value::Null);
    assert_eq!(last["wechatpay_serial"], merchant.public_key_id.as_str());
    assert_ne!(first["nonce"], last["nonce"]);
}
