//! WeChat Pay, APIv2. The platform of these tests signs with the second engine.

use payseal::crypto::engine::Engine;
use payseal::crypto::rustcrypto::RustCrypto;
use payseal::face::{
    Fact, Identity, PayRequest, PaymentFact, PaymentState, Placed, Presented, RefundFact,
    RefundState,
};
use payseal::notification::Authenticity;
use payseal::wire::{Request, Response, xml};
use payseal::{Code, Error, Outcome};
use serde_json::{Map, Value, json};

use crate::shop::{Shop, pay, placed, refund};
use crate::support::merchant::*;
use crate::support::openssl;
use crate::support::{field, refused, refused_as};

const ID: &str = "1004400740201409030005092168";
const SUB: &str = "1900000109";

fn shop() -> Shop {
    Shop::new(json!({
        "provider": "wechat-v2", "mchid": MCHID, "apiv2_key": APIV2_KEY, "appid": APPID,
        "notify_url": "https://shop.example.com/notify",
        "client_certificate": *MERCHANT_CERTIFICATE, "client_key": MERCHANT.private,
        "retry": { "base_ms": 1, "cap_ms": 1 },
    }))
}

/// The members that every message has, with `changes`; null takes one away.
fn fields(changes: Value) -> Map<String, Value> {
    let base = json!({
        "return_code": "SUCCESS", "result_code": "SUCCESS", "appid": APPID, "mch_id": MCHID,
        "nonce_str": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
    });
    let mut fields = base.as_object().unwrap().clone();
    fields.extend(changes.as_object().unwrap().clone());
    fields.retain(|_, value| !value.is_null());
    fields
}

fn over(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    base
}

/// HMAC-SHA256 over the sorted fields.
fn signature(fields: &Map<String, Value>) -> String {
    let mut lines: Vec<String> = fields
        .iter()
        .map(|(name, value)| (name, value.as_str().unwrap()))
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    lines.sort_by(|a, b| a.split('=').next().cmp(&b.split('=').next()));
    let message = format!("{}&key={APIV2_KEY}", lines.join("&"));
    let digest = RustCrypto::hmac_sha256(APIV2_KEY.as_bytes(), message.as_bytes());
    digest.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn document(fields: &Map<String, Value>) -> Vec<u8> {
    let element = |(name, value): (&String, &Value)| {
        format!("<{name}><![CDATA[{}]]></{name}>", value.as_str().unwrap())
    };
    let elements: String = fields.iter().map(element).collect();
    format!("<xml>{elements}</xml>").into_bytes()
}

fn signed(changes: Value) -> Vec<u8> {
    let mut fields = fields(changes);
    let sign = signature(&fields);
    fields.insert("sign".into(), sign.into());
    document(&fields)
}

fn answer(body: Vec<u8>) -> Response {
    Response::read(200, b"Content-Type: text/xml\n", &body).unwrap()
}

fn yes(changes: Value) -> Response {
    answer(signed(changes))
}

fn no(code: &str) -> Response {
    yes(json!({ "result_code": "FAIL", "err_code": code, "err_code_des": "x" }))
}

fn unsigned(code: &str) -> Response {
    let changes = json!({ "return_code": "FAIL", "result_code": "FAIL", "err_code": code });
    answer(document(&fields(changes)))
}

/// What was sent, but for the nonce and the signature.
fn sent(request: &Request) -> Value {
    let mut fields: Map<String, Value> = xml::read(&request.body)
        .unwrap()
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect();
    let sign = fields.shift_remove("sign").expect("it is signed");
    assert_eq!(sign, signature(&fields));
    fields.shift_remove("nonce_str").expect("it has a nonce");
    assert_eq!(fields.shift_remove("sign_type").unwrap(), "HMAC-SHA256");
    Value::Object(fields)
}

fn order(method: &str) -> Placed {
    placed(method, json!({}))
}

#[test]
fn each_method_becomes_the_providers_own_order() {
    let scene = r#"{"h5_info":{"type":"Wap"}}"#;
    for (method, trade_type, own) in [
        ("native", "NATIVE", json!({ "product_id": ORDER })),
        ("jsapi", "JSAPI", json!({ "openid": OPENID })),
        ("app", "APP", json!({})),
        ("mweb", "MWEB", json!({ "scene_info": scene })),
    ] {
        let request = shop().order(&pay(method, json!({}))).unwrap();
        assert_eq!(request.target, "/pay/unifiedorder");
        let expected = json!({
            "body": "a test", "out_trade_no": ORDER, "total_fee": "100", "trade_type": trade_type,
            "spbill_create_ip": "14.23.150.211", "time_expire": "20231115064320", "appid": APPID,
            "mch_id": MCHID, "notify_url": "https://shop.example.com/notify",
        });
        assert_eq!(sent(&request), over(expected, own), "{method}");
        assert!(shop().face().is_repeatable(method));
    }
    let mut request = pay("micropay", json!({}));
    request.notify_url = Some("https://shop.example.com/mine".into());
    let request = shop().order(&request).unwrap();
    assert_eq!(request.target, "/pay/micropay");
    let expected = json!({
        "body": "a test", "out_trade_no": ORDER, "total_fee": "100", "appid": APPID, "mch_id": MCHID,
        "spbill_create_ip": "14.23.150.211", "auth_code": "130061098828009406",
    });
    assert_eq!(sent(&request), expected);
    assert!(!shop().face().is_repeatable("micropay"));
}

#[test]
fn an_order_for_a_sub_merchant_names_him_in_every_question() {
    let extra = json!({ "sub_mch_id": SUB, "sub_appid": "wxsub", "appid": "wxsp" });
    let body = sent(&shop().order(&pay("jsapi", extra.clone())).unwrap());
    assert_eq!(body["sub_openid"], OPENID);
    assert!(body.get("openid").is_none());
    let order = placed("jsapi", extra.clone());
    let face = |shop: &Shop| shop.face().identity(&order);
    let expected = Identity {
        merchant: MCHID.into(),
        sub_merchant: Some(SUB.into()),
        application: Some("wxsp".into()),
    };
    assert_eq!(face(&shop()), expected);
    let shop = shop();
    let asks = [
        shop.face().query(&order).unwrap(),
        shop.face().close(&order).unwrap().unwrap(),
        shop.face().refund(&order, &refund(json!({}))).unwrap(),
        shop.face()
            .query_refund(&order, &refund(json!({})))
            .unwrap(),
    ];
    for ask in &asks {
        let body = sent(&shop.request(ask).unwrap());
        for (name, value) in extra.as_object().unwrap() {
            assert_eq!(&body[name], value, "{} {name}", ask.operation);
        }
        assert_eq!(body["mch_id"], MCHID);
    }
}

#[test]
fn extra_members_win_but_for_what_is_compared_later() {
    let extra = json!({ "attach": "x", "spbill_create_ip": "10.0.0.1", "product_id": "12" });
    let body = sent(&shop().order(&pay("native", extra.clone())).unwrap());
    for (name, value) in extra.as_object().unwrap() {
        assert_eq!(&body[name], value);
    }
    for (extra, expected) in [
        (json!({ "out_trade_no": "2" }), "extra.out_trade_no"),
        (json!({ "total_fee": 1 }), "extra.total_fee"),
        (json!({ "fee_type": "USD" }), "extra.fee_type"),
        (json!({ "mch_id": "1" }), "extra.mch_id"),
        (json!({ "trade_type": "APP" }), "extra.trade_type"),
        (json!({ "sign_type": "MD5" }), "extra.sign_type"),
        (
            json!({ "time_expire": "20500101000000" }),
            "extra.time_expire",
        ),
    ] {
        let error = refused_as(Code::ParamsInvalid, shop().order(&pay("native", extra)));
        assert_eq!(field(&error), expected);
    }
    for (extra, expected) in [
        (json!({ "refund_fee": 1 }), "extra.refund_fee"),
        (json!({ "out_refund_no": "2" }), "extra.out_refund_no"),
        (json!({ "sub_mch_id": SUB }), "extra.sub_mch_id"),
    ] {
        let refused = shop().face().refund(&order("native"), &refund(extra));
        assert_eq!(field(&refused_as(Code::ParamsInvalid, refused)), expected);
    }
}

#[test]
fn what_a_method_needs_is_named_before_anything_is_sent() {
    type Change = fn(&mut PayRequest);
    let cases: [(&str, Change, &str); 9] = [
        ("native", |r| r.payer.client_ip = None, "payer.client_ip"),
        ("jsapi", |r| r.payer.id = None, "payer.id"),
        ("micropay", |r| r.payer.auth_code = None, "payer.auth_code"),
        (
            "mweb",
            |r| r.return_url = Some("/done".into()),
            "return_url",
        ),
        ("native", |r| r.amount = 0, "amount"),
        ("native", |r| r.currency = "HKD".into(), "currency"),
        ("native", |r| r.method = "h5".into(), "method"),
        ("native", |r| r.expires_ms = i64::MAX, "expires_ms"),
        (
            "native",
            |r| r.order_no = "x".repeat(33),
            "body.out_trade_no",
        ),
    ];
    for (method, change, expected) in cases {
        let mut request = pay(method, json!({}));
        change(&mut request);
        let error = refused_as(Code::ParamsInvalid, shop().order(&request));
        assert_eq!(field(&error), expected, "{method}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}

#[test]
fn the_client_gets_what_calls_up_the_cashier() {
    let code = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";
    assert_eq!(
        shop().shown(&pay("native", json!({})), &json!({ "code_url": code })),
        json!({ "kind": "qr", "code_url": code })
    );
    let mut request = pay("mweb", json!({}));
    request.return_url = Some("https://shop.example.com/done".into());
    let address = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1";
    let back = format!("{address}&redirect_url=https%3A%2F%2Fshop.example.com%2Fdone");
    assert_eq!(
        shop().shown(&request, &json!({ "mweb_url": address })),
        json!({ "kind": "redirect", "url": back })
    );
    let answer = json!({ "prepay_id": "wx201411101639507cbf6ffd8b0779950874" });
    let sub = json!({ "sub_mch_id": SUB, "sub_appid": "wxsub" });
    for (extra, appid) in [(json!({}), APPID), (sub.clone(), "wxsub")] {
        let shown = shop().shown(&pay("jsapi", extra), &answer);
        assert_eq!(shown["kind"], "invoke");
        let mut params = shown["params"].as_object().unwrap().clone();
        assert_eq!(params["appId"], appid);
        let sign = params.shift_remove("paySign").unwrap();
        assert_eq!(sign, signature(&params));
    }
    for (extra, appid, partner) in [(json!({}), APPID, MCHID), (sub, "wxsub", SUB)] {
        let shown = shop().shown(&pay("app", extra), &answer);
        let mut params = shown["params"].as_object().unwrap().clone();
        assert_eq!(params["appid"], appid);
        assert_eq!(params["partnerid"], partner);
        let sign = params.shift_remove("sign").unwrap();
        assert_eq!(sign, signature(&params));
    }
    for (method, answer) in [
        ("native", json!({})),
        ("native", json!({ "code_url": "javascript:alert(1)" })),
        ("app", json!({ "prepay_id": "" })),
    ] {
        let error = refused(shop().present(&pay(method, json!({})), &answer));
        assert_eq!(error.outcome(), Outcome::Unknown, "{method} {answer}");
    }
}

fn told_by(state: PaymentState, word: &str) -> PaymentFact {
    PaymentFact {
        order_no: ORDER.into(),
        state,
        provider_state: word.into(),
        transaction_id: Some(ID.into()),
        amount: Some(100),
        currency: Some("CNY".into()),
        merchant: Some(MCHID.into()),
        sub_merchant: None,
        application: Some(APPID.into()),
        paid_ms: Some(NOW * 1000),
    }
}

fn paid(changes: Value) -> Value {
    let base = json!({
        "out_trade_no": ORDER, "transaction_id": ID, "total_fee": "100", "cash_fee": "90",
        "fee_type": "CNY", "time_end": "20231115061320",
    });
    over(base, changes)
}

#[test]
fn the_answer_to_a_scanned_code_is_a_fact() {
    let fact = |changes: Value| {
        let answer = Value::Object(fields(paid(changes)));
        match shop().present(&pay("micropay", json!({})), &answer)? {
            Presented::Fact(fact) => Ok(*fact),
            Presented::Client(client) => panic!("{client:?}"),
        }
    };
    assert_eq!(
        fact(json!({})).unwrap(),
        told_by(PaymentState::Paid, "SUCCESS")
    );
    refused_as(Code::ResponseMismatch, fact(json!({ "out_trade_no": "2" })));
    let error = refused_as(Code::BodyInvalid, fact(json!({ "total_fee": "1.00" })));
    assert_eq!(field(&error), "total_fee");
}

fn queried(changes: Value) -> Result<PaymentFact, Error> {
    shop().queried(&order("native"), yes(paid(changes)))
}

#[test]
fn every_state_of_a_payment_has_its_meaning_and_an_unknown_one_none() {
    let ask = shop().face().query(&order("native")).unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(request.target, "/pay/orderquery");
    let asked = json!({ "out_trade_no": ORDER, "appid": APPID, "mch_id": MCHID });
    assert_eq!(sent(&request), asked);
    for (word, state) in [
        ("SUCCESS", PaymentState::Paid),
        ("REFUND", PaymentState::Paid),
        ("NOTPAY", PaymentState::Unpaid),
        ("USERPAYING", PaymentState::Unpaid),
        ("ACCEPT", PaymentState::Unpaid),
        ("PAYERROR", PaymentState::Unpaid),
        ("CLOSED", PaymentState::Closed),
        ("REVOKED", PaymentState::Closed),
    ] {
        let fact = queried(json!({ "trade_state": word })).unwrap();
        assert_eq!(fact, told_by(state, word));
        let identity = shop().face().identity(&order("native"));
        assert_eq!(identity.conflict(&fact), None);
    }
    for (changes, expected) in [
        (json!({ "trade_state": "PAID" }), "trade_state"),
        (json!({}), "trade_state"),
        (
            json!({ "trade_state": "SUCCESS", "transaction_id": null }),
            "transaction_id",
        ),
        (
            json!({ "trade_state": "SUCCESS", "total_fee": null }),
            "total_fee",
        ),
        (
            json!({ "trade_state": "SUCCESS", "total_fee": "+100" }),
            "total_fee",
        ),
        (
            json!({ "trade_state": "SUCCESS", "total_fee": "100.0" }),
            "total_fee",
        ),
        (
            json!({ "trade_state": "SUCCESS", "mch_id": null }),
            "mch_id",
        ),
        (
            json!({ "trade_state": "SUCCESS", "out_trade_no": null }),
            "out_trade_no",
        ),
    ] {
        let error = refused_as(Code::BodyInvalid, queried(changes));
        assert_eq!(field(&error), expected);
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn only_the_providers_own_word_makes_an_order_missing() {
    let missing = shop()
        .queried(&order("native"), no("ORDERNOTEXIST"))
        .unwrap();
    assert_eq!(missing.state, PaymentState::Missing);
    for (answer, outcome) in [
        (unsigned("ORDERNOTEXIST"), Outcome::Unknown),
        (no("NOAUTH"), Outcome::Rejected),
        (no("SYSTEMERROR"), Outcome::Unknown),
    ] {
        let error = refused(shop().queried(&order("native"), answer));
        assert_eq!(error.outcome(), outcome);
    }
}

#[test]
fn an_order_is_closed_once_nobody_can_pay_it_and_a_scanned_code_is_reversed() {
    let target = |method: &str| {
        let ask = shop().face().close(&order(method)).unwrap().unwrap();
        let request = shop().request(&ask).unwrap();
        assert_eq!(request.client_certificate, method == "micropay");
        request.target.clone()
    };
    assert_eq!(target("native"), "/pay/closeorder");
    assert_eq!(target("micropay"), "/secapi/pay/reverse");
    let closed = |method, answer| shop().closed(&order(method), answer, NOW * 1000);
    for (method, answer, expected) in [
        ("native", yes(json!({})), true),
        ("native", no("ORDERCLOSED"), true),
        ("native", no("ORDERNOTEXIST"), true),
        ("native", no("ORDERPAID"), false),
        ("micropay", yes(json!({ "recall": "N" })), true),
        ("micropay", yes(json!({ "recall": "Y" })), false),
        ("micropay", yes(json!({})), false),
    ] {
        assert_eq!(closed(method, answer).unwrap(), expected);
    }
    for (method, answer) in [
        ("native", no("SYSTEMERROR")),
        ("native", unsigned("ORDERCLOSED")),
        ("micropay", no("REVERSE_EXPIRE")),
        ("micropay", no("USERPAYING")),
    ] {
        refused(closed(method, answer));
    }
}

#[test]
fn a_refund_is_asked_for_with_the_certificate_and_only_taken_on() {
    let mut order = order("native");
    let refund = refund(json!({ "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS" }));
    let ask = shop().face().refund(&order, &refund).unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(request.target, "/secapi/pay/refund");
    assert!(request.client_certificate);
    let expected = json!({
        "out_trade_no": ORDER, "out_refund_no": "refund0001", "total_fee": "100", "refund_fee": "60",
        "refund_desc": "too large", "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "appid": APPID, "mch_id": MCHID,
    });
    assert_eq!(sent(&request), expected);
    let refunded = |answer: Response| {
        let said = shop().said(&ask, answer);
        shop().face().refunded(&order, &refund, said.as_ref())
    };
    let answer = |changes: Value| {
        let base = json!({
            "out_trade_no": ORDER, "transaction_id": ID, "out_refund_no": "refund0001",
            "refund_id": "2007752501201407033233368018", "refund_fee": "60", "total_fee": "100",
        });
        yes(over(base, changes))
    };
    let fact = refunded(answer(json!({}))).unwrap();
    assert_eq!(fact, refund_fact(RefundState::Processing, "SUCCESS"));
    for (changes, expected) in [
        (json!({ "refund_fee": null }), "refund_fee"),
        (json!({ "out_refund_no": null }), "out_refund_no"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
    ] {
        let error = refused_as(Code::BodyInvalid, refunded(answer(changes)));
        assert_eq!(field(&error), expected);
    }
    assert_eq!(
        refused(refunded(no("NOTENOUGH"))).outcome(),
        Outcome::Rejected
    );
    assert_eq!(
        refused(refunded(no("SYSTEMERROR"))).outcome(),
        Outcome::Unknown
    );
    order.transaction_id = Some(ID.into());
    let ask = shop().face().refund(&order, &refund).unwrap();
    let body = sent(&shop().request(&ask).unwrap());
    assert_eq!(body["transaction_id"], ID);
    assert!(body.get("out_trade_no").is_none());
}

fn refund_fact(state: RefundState, word: &str) -> RefundFact {
    RefundFact {
        order_no: ORDER.into(),
        refund_no: "refund0001".into(),
        state,
        provider_state: word.into(),
        refund_id: Some("2007752501201407033233368018".into()),
        transaction_id: Some(ID.into()),
        amount: Some(60),
        currency: None,
        merchant: Some(MCHID.into()),
        sub_merchant: None,
    }
}

#[test]
fn every_state_of_a_refund_has_its_meaning_and_an_unknown_one_none() {
    let (order, refund) = (order("native"), refund(json!({})));
    let ask = shop().face().query_refund(&order, &refund).unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(request.target, "/pay/refundquery");
    let asked = json!({ "out_refund_no": "refund0001", "appid": APPID, "mch_id": MCHID });
    assert_eq!(sent(&request), asked);
    let queried = |answer: Response| {
        let said = shop().said(&ask, answer);
        shop().face().queried_refund(&order, &refund, said.as_ref())
    };
    // Of two refunds the second is the one.
    let list = |changes: Value| {
        let base = json!({
            "out_trade_no": ORDER, "transaction_id": ID, "total_fee": "100", "refund_count": "2",
            "out_refund_no_0": "refund0000", "refund_id_0": "1", "refund_fee_0": "30", "refund_status_0": "SUCCESS",
            "out_refund_no_1": "refund0001", "refund_id_1": "2007752501201407033233368018",
            "refund_fee_1": "60", "refund_status_1": "SUCCESS",
        });
        yes(over(base, changes))
    };
    for (word, state) in [
        ("SUCCESS", RefundState::Succeeded),
        ("PROCESSING", RefundState::Processing),
        ("REFUNDCLOSE", RefundState::Failed),
        ("CHANGE", RefundState::Abnormal),
    ] {
        let fact = queried(list(json!({ "refund_status_1": word }))).unwrap();
        assert_eq!(fact, refund_fact(state, word));
    }
    for (changes, expected) in [
        (json!({ "refund_status_1": "NOTSURE" }), "refund_status_1"),
        (json!({ "refund_status_1": null }), "refund_status_1"),
        (json!({ "refund_fee_1": null }), "refund_fee_1"),
        (json!({ "out_refund_no_1": null }), "out_refund_no_0"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
    ] {
        let error = refused_as(Code::BodyInvalid, queried(list(changes)));
        assert_eq!(field(&error), expected);
    }
    refused_as(
        Code::ResponseMismatch,
        queried(list(json!({ "out_trade_no": "2" }))),
    );
    assert_eq!(
        queried(no("REFUNDNOTEXIST")).unwrap().state,
        RefundState::Missing
    );
    refused(queried(unsigned("REFUNDNOTEXIST")));
    refused(queried(no("SYSTEMERROR")));
}

fn told(body: &[u8], options: Value) -> Result<Option<Fact>, Error> {
    let options = options.to_string();
    shop().told("Content-Type: text/xml\n", body, options.as_bytes())
}

#[test]
fn a_signed_notification_of_a_payment_is_a_fact_about_it() {
    let fact = told(&signed(paid(json!({}))), json!({})).unwrap();
    assert_eq!(
        fact,
        Some(Fact::Payment(told_by(PaymentState::Paid, "SUCCESS")))
    );
    let failed = signed(paid(json!({ "result_code": "FAIL" })));
    let fact = told(&failed, json!({})).unwrap();
    assert_eq!(
        fact,
        Some(Fact::Payment(told_by(PaymentState::Unpaid, "FAIL")))
    );
    let error = refused_as(
        Code::BodyInvalid,
        told(&signed(paid(json!({ "total_fee": null }))), json!({})),
    );
    assert_eq!(error.outcome(), Outcome::Malformed);
    let contract = signed(json!({ "change_type": "ADD", "contract_id": "1" }));
    assert_eq!(told(&contract, json!({})).unwrap(), None);
}

#[test]
fn a_notification_that_is_only_encrypted_is_never_a_fact() {
    let plaintext = format!(
        "<root><out_refund_no>refund0001</out_refund_no><out_trade_no>{ORDER}</out_trade_no><refund_fee>60</refund_fee><refund_status>SUCCESS</refund_status></root>"
    );
    let digest = openssl::run(&["dgst", "-md5", "-binary"], APIV2_KEY.as_bytes());
    let secret: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let ciphertext = openssl::run(&["enc", "-aes-256-ecb", "-K", &hex], plaintext.as_bytes());
    let info = payseal::crypto::base64::encode(&ciphertext);
    let changes = json!({ "result_code": null, "req_info": info });
    let body = document(&fields(changes));
    assert_eq!(
        told(&body, json!({ "accept_unauthenticated": true })).unwrap(),
        None
    );
    refused(told(&body, json!({})));

    // Whatever it says that it is about.
    let body = signed(paid(json!({})));
    let mut event = shop().opened("", &body, b"{}").unwrap();
    assert!(shop().face().told(&event).unwrap().is_some());
    event.envelope.authenticity = Authenticity::EncryptedOnly;
    assert_eq!(shop().face().told(&event).unwrap(), None);
}
