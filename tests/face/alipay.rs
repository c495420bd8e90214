//! Alipay, at the gateway.

use std::collections::BTreeMap;

use payseal::face::{
    Fact, Identity, Opening, PayRequest, PaymentFact, PaymentState, Placed, Presented, RefundFact,
    RefundState,
};
use payseal::wire::{Request, Response};
use payseal::{Code, Error, Outcome};
use serde_json::{Value, json};

use crate::gateway::{self, APP_ID, SELLER, canonical, config_with, sent, undone, verifies};
use crate::shop::{EXPIRES_MS, ORIGIN, Shop, pay, placed, refund};
use crate::support::merchant::{NOW, OPENID, ORDER};
use crate::support::{field, refused, refused_as};

const TRADE: &str = "2023111522001499999";
/// The clock of the tests shows 2023-11-15 06:13:20 there.
const EXPIRES: &str = "2023-11-15 06:43:20";

fn shop() -> Shop {
    Shop::new(config_with(
        json!({ "notify_url": "https://shop.example.com/notify" }),
    ))
}

fn with(mut base: Value, changes: Value) -> Value {
    for (key, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(base.as_object_mut().unwrap().shift_remove(key)),
            value => base[key] = value.clone(),
        }
    }
    base
}

/// The same, but null stays: what is taken away in the end.
fn over(mut base: Value, changes: Value) -> Value {
    let members = base.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    base
}

/// The signed answer of an operation: `query`, `fastpay.refund.query`.
fn yes(operation: &str, changes: Value) -> Response {
    let node = format!("alipay_trade_{}_response", operation.replace('.', "_"));
    let base =
        json!({ "code": "10000", "msg": "Success", "out_trade_no": ORDER, "trade_no": TRADE });
    gateway::answer(&node, &with(base, changes).to_string())
}

fn no(operation: &str, code: &str) -> Response {
    let node = format!("alipay_trade_{}_response", operation.replace('.', "_"));
    let content =
        json!({ "code": "40004", "msg": "Business Failed", "sub_code": code, "sub_msg": "x" });
    gateway::answer(&node, &content.to_string())
}

fn unsigned(operation: &str, code: &str) -> Response {
    let node = format!("alipay_trade_{}_response", operation.replace('.', "_"));
    let content = json!({ "code": "40004", "msg": "Business Failed", "sub_code": code });
    gateway::raw(json!({ node: content }).to_string().into_bytes())
}

fn text(fields: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(fields.get(name).cloned().unwrap_or_default()).unwrap()
}

fn business(request: &Request) -> Value {
    serde_json::from_str(&text(&sent(request), "biz_content")).unwrap()
}

#[test]
fn each_call_becomes_the_providers_own_order() {
    let base = json!({
        "out_trade_no": ORDER, "total_amount": "1.00", "subject": "a test", "time_expire": EXPIRES,
    });
    for (method, own) in [
        ("precreate", json!({})),
        ("create", json!({ "buyer_open_id": OPENID })),
        (
            "pay",
            json!({ "scene": "bar_code", "auth_code": "130061098828009406" }),
        ),
    ] {
        let mut request = pay(method, json!({}));
        request.return_url = Some("https://shop.example.com/done".into());
        let sent_request = shop().order(&request).unwrap();
        let fields = sent(&sent_request);
        assert_eq!(text(&fields, "method"), format!("alipay.trade.{method}"));
        assert_eq!(
            text(&fields, "notify_url"),
            "https://shop.example.com/notify"
        );
        assert_eq!(text(&fields, "return_url"), "");
        assert_eq!(business(&sent_request), with(base.clone(), own), "{method}");
        request.notify_url = Some("https://shop.example.com/mine".into());
        let fields = sent(&shop().order(&request).unwrap());
        assert_eq!(text(&fields, "notify_url"), "https://shop.example.com/mine");
    }
}

/// What a page or an app is sent away with, by its name.
fn ready(request: &PayRequest, name: &str) -> (Value, BTreeMap<String, Vec<u8>>) {
    let Opening::Ready(client) = shop().open(request).unwrap() else {
        panic!("nothing is asked for a page");
    };
    let client = Value::Object(client);
    let address = client[name].as_str().unwrap();
    let query = address.rsplit('?').next().unwrap();
    let fields = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), undone(value.as_bytes())))
        .collect();
    (client.clone(), fields)
}

#[test]
fn a_page_and_an_app_get_what_is_signed_here_and_nothing_is_asked() {
    for (method, name, kind, product) in [
        ("page", "url", "redirect", "FAST_INSTANT_TRADE_PAY"),
        ("wap", "url", "redirect", "QUICK_WAP_WAY"),
        ("app", "order_string", "order_string", "QUICK_MSECURITY_PAY"),
    ] {
        let mut request = pay(method, json!({ "passback_params": "x" }));
        request.return_url = Some("https://shop.example.com/done".into());
        let (client, fields) = ready(&request, name);
        assert_eq!(client["kind"], kind);
        assert_eq!(client.as_object().unwrap().len(), 2);
        if name == "url" {
            assert!(client[name].as_str().unwrap().starts_with(ORIGIN));
            assert_eq!(text(&fields, "return_url"), "https://shop.example.com/done");
        }
        assert_eq!(
            text(&fields, "method"),
            format!("alipay.trade.{method}.pay")
        );
        assert_eq!(
            text(&fields, "notify_url"),
            "https://shop.example.com/notify"
        );
        let expected = json!({
            "out_trade_no": ORDER, "total_amount": "1.00", "subject": "a test", "time_expire": EXPIRES,
            "product_code": product, "passback_params": "x",
        });
        let body: Value = serde_json::from_slice(&fields["biz_content"]).unwrap();
        assert_eq!(body, expected);
        let signature = text(&fields, "sign");
        assert!(verifies(
            "-sha256",
            &canonical(&fields, &["sign"]),
            &signature
        ));
    }
    for (method, expected) in [
        ("precreate", true),
        ("page", true),
        ("wap", true),
        ("app", true),
        ("create", false),
        ("pay", false),
    ] {
        assert_eq!(shop().face().is_repeatable(method), expected, "{method}");
    }
}

#[test]
fn an_amount_is_written_in_yuan_to_the_fen() {
    for (fen, yuan) in [
        (1, "0.01"),
        (10, "0.10"),
        (8888, "88.88"),
        (100_000, "1000.00"),
    ] {
        let mut request = pay("precreate", json!({}));
        request.amount = fen;
        assert_eq!(
            business(&shop().order(&request).unwrap())["total_amount"],
            yuan
        );
    }
}

#[test]
fn extra_members_win_but_for_what_is_compared_later() {
    let extra = json!({ "subject": "another", "store_id": "1", "extend_params": { "sys_service_provider_id": "2088" } });
    let body = business(&shop().order(&pay("precreate", extra)).unwrap());
    assert_eq!(
        (&body["subject"], &body["store_id"]),
        (&json!("another"), &json!("1"))
    );
    let (_, fields) = ready(&pay("wap", json!({ "product_code": "OTHER" })), "url");
    assert!(text(&fields, "biz_content").contains(r#""product_code":"OTHER""#));
    for (extra, expected) in [
        (json!({ "out_trade_no": "2" }), "extra.out_trade_no"),
        (json!({ "total_amount": "0.01" }), "extra.total_amount"),
        (json!({ "trans_currency": "USD" }), "extra.trans_currency"),
        (
            json!({ "time_expire": "2050-01-01 00:00:00" }),
            "extra.time_expire",
        ),
        (json!({ "timeout_express": "15d" }), "extra.timeout_express"),
        (
            json!({ "seller_id": "2088000000000002" }),
            "extra.seller_id",
        ),
        (json!({ "auth_code": "28" }), "extra.auth_code"),
    ] {
        let error = refused_as(Code::ParamsInvalid, shop().order(&pay("precreate", extra)));
        assert_eq!(field(&error), expected);
    }
    for (extra, expected) in [
        (json!({ "out_request_no": "2" }), "extra.out_request_no"),
        (json!({ "refund_amount": "1" }), "extra.refund_amount"),
        (json!({ "trade_no": "1" }), "extra.trade_no"),
    ] {
        let refused = shop().face().refund(&order("page"), &refund(extra));
        assert_eq!(field(&refused_as(Code::ParamsInvalid, refused)), expected);
    }
}

#[test]
fn what_a_method_needs_is_named_before_anything_is_sent() {
    type Change = fn(&mut PayRequest);
    let cases: [(&str, Change, &str); 7] = [
        ("create", |r| r.payer.id = None, "payer.id"),
        ("pay", |r| r.payer.auth_code = None, "payer.auth_code"),
        ("precreate", |r| r.amount = 0, "amount"),
        ("page", |r| r.amount = i64::MIN, "amount"),
        ("page", |r| r.currency = "USD".into(), "currency"),
        ("page", |r| r.method = "native".into(), "method"),
        ("page", |r| r.expires_ms = i64::MAX, "expires_ms"),
    ];
    for (method, change, expected) in cases {
        let mut request = pay(method, json!({}));
        change(&mut request);
        let error = refused_as(Code::ParamsInvalid, shop().open(&request));
        assert_eq!(field(&error), expected, "{method}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let mut request = pay("create", json!({ "buyer_id": "2088102146225135" }));
    request.payer.id = None;
    assert_eq!(
        business(&shop().order(&request).unwrap())["buyer_id"],
        "2088102146225135"
    );
    let mut request = pay(
        "pay",
        json!({ "agreement_params": { "agreement_no": "1" } }),
    );
    request.payer.auth_code = None;
    assert!(
        business(&shop().order(&request).unwrap())
            .get("scene")
            .is_none()
    );
    let mut request = pay("page", json!({}));
    request.order_no = "with a space".into();
    let error = refused_as(Code::ParamsInvalid, shop().open(&request));
    assert_eq!(field(&error), "body.out_trade_no");
}

#[test]
fn the_client_gets_what_the_answer_gave() {
    let answer = |changes: Value| with(json!({ "code": "10000", "out_trade_no": ORDER }), changes);
    let code = "https://qr.alipay.com/bax00000000000000000";
    assert_eq!(
        shop().shown(
            &pay("precreate", json!({})),
            &answer(json!({ "qr_code": code }))
        ),
        json!({ "kind": "qr", "code_url": code })
    );
    assert_eq!(
        shop().shown(
            &pay("create", json!({})),
            &answer(json!({ "trade_no": TRADE }))
        ),
        json!({ "kind": "invoke", "params": { "trade_no": TRADE } })
    );
    for (method, changes) in [
        ("precreate", json!({})),
        ("create", json!({ "trade_no": "" })),
    ] {
        let error = refused(shop().present(&pay(method, json!({})), &answer(changes)));
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let other = json!({ "out_trade_no": "order0002", "qr_code": code });
    refused_as(
        Code::ResponseMismatch,
        shop().present(&pay("precreate", json!({})), &other),
    );
}

#[test]
fn the_answer_to_a_scanned_code_is_a_fact() {
    let fact = |changes: Value| {
        let base = json!({
            "code": "10000", "out_trade_no": ORDER, "trade_no": TRADE, "total_amount": "1.00",
            "gmt_payment": "2023-11-15 06:13:20",
        });
        match shop().present(&pay("pay", json!({})), &with(base, changes))? {
            Presented::Fact(fact) => Ok(*fact),
            Presented::Client(client) => panic!("{client:?}"),
        }
    };
    let paid = fact(json!({})).unwrap();
    assert_eq!(
        paid,
        told_by_an_answer(PaymentState::Paid, "10000", Some(NOW * 1000))
    );
    let accepted = fact(json!({ "async_pay_apply_status": "S" })).unwrap();
    assert_eq!(accepted.state, PaymentState::Unpaid);
    for (changes, expected) in [
        (
            json!({ "credit_pay_mode": "creditAdvanceV2" }),
            "credit_pay_mode",
        ),
        (json!({ "trade_no": null }), "trade_no"),
        (json!({ "total_amount": "1.001" }), "total_amount"),
    ] {
        assert_eq!(
            field(&refused_as(Code::BodyInvalid, fact(changes))),
            expected
        );
    }
}

fn order(method: &str) -> Placed {
    placed(method, json!({}))
}

fn told_by_an_answer(state: PaymentState, word: &str, paid_ms: Option<i64>) -> PaymentFact {
    PaymentFact {
        order_no: ORDER.into(),
        state,
        provider_state: word.into(),
        transaction_id: Some(TRADE.into()),
        amount: Some(100),
        currency: Some("CNY".into()),
        merchant: None,
        sub_merchant: None,
        application: None,
        paid_ms,
    }
}

fn queried(method: &str, changes: Value) -> Result<PaymentFact, Error> {
    let base = json!({ "total_amount": "1.00", "buyer_pay_amount": "0.00" });
    shop().queried(&order(method), yes("query", over(base, changes)))
}

#[test]
fn every_state_of_a_trade_has_its_meaning_and_an_unknown_one_none() {
    let at = "2023-11-15 06:13:20";
    let paid_ms = Some(NOW * 1000);
    for (method, word, date, state) in [
        ("page", "WAIT_BUYER_PAY", None, PaymentState::Unpaid),
        ("page", "TRADE_SUCCESS", Some(at), PaymentState::Paid),
        ("page", "TRADE_FINISHED", Some(at), PaymentState::Paid),
        ("page", "TRADE_CLOSED", None, PaymentState::Closed),
        ("page", "TRADE_CLOSED", Some(at), PaymentState::Paid),
        ("pay", "TRADE_SUCCESS", Some(at), PaymentState::Paid),
        ("pay", "TRADE_CLOSED", Some(at), PaymentState::Closed),
    ] {
        let changes = json!({ "trade_status": word, "send_pay_date": date });
        let fact = queried(method, changes).unwrap();
        let paid_ms = paid_ms.filter(|_| date.is_some());
        assert_eq!(
            fact,
            told_by_an_answer(state, word, paid_ms),
            "{method} {word}"
        );
        assert_eq!(shop().face().identity(&order(method)).conflict(&fact), None);
    }
    for word in [
        json!("TRADE_PENDING"),
        json!("trade_success"),
        json!(""),
        Value::Null,
        json!(1),
    ] {
        let error = refused_as(
            Code::BodyInvalid,
            queried("page", json!({ "trade_status": word })),
        );
        assert_eq!(field(&error), "trade_status");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    for (changes, expected) in [
        (json!({ "trade_no": null }), "trade_no"),
        (json!({ "total_amount": null }), "total_amount"),
        (json!({ "total_amount": "1e2" }), "total_amount"),
        (json!({ "total_amount": "-1.00" }), "total_amount"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
        (
            json!({ "credit_pay_mode": "creditAdvanceV2" }),
            "credit_pay_mode",
        ),
    ] {
        let changes = over(json!({ "trade_status": "TRADE_SUCCESS" }), changes);
        let error = refused_as(Code::BodyInvalid, queried("page", changes));
        assert_eq!(field(&error), expected);
    }
}

#[test]
fn only_the_providers_own_word_makes_an_order_missing() {
    let missing = shop()
        .queried(&order("page"), no("query", "ACQ.TRADE_NOT_EXIST"))
        .unwrap();
    assert_eq!(missing.state, PaymentState::Missing);
    for (answer, outcome) in [
        (unsigned("query", "ACQ.TRADE_NOT_EXIST"), Outcome::Unknown),
        (no("query", "ACQ.INVALID_PARAMETER"), Outcome::Rejected),
        (no("query", "ACQ.SYSTEM_ERROR"), Outcome::Unknown),
    ] {
        let error = refused(shop().queried(&order("page"), answer));
        assert_eq!(error.outcome(), outcome);
    }
}

#[test]
fn an_order_that_does_not_exist_yet_is_not_closed_before_its_link_has_expired() {
    let late = EXPIRES_MS + 300_000;
    for (method, now_ms, expected) in [
        ("page", NOW * 1000, false),
        ("wap", EXPIRES_MS, false),
        ("app", late - 1, false),
        ("page", late, true),
        ("precreate", NOW * 1000, false),
        ("precreate", late, true),
        ("create", NOW * 1000, true),
    ] {
        let answer = no("close", "ACQ.TRADE_NOT_EXIST");
        let closed = shop().closed(&order(method), answer, now_ms).unwrap();
        assert_eq!(closed, expected, "{method} {now_ms}");
    }
    let mut endless = order("page");
    endless.expires_ms = 0;
    let answer = no("close", "ACQ.TRADE_NOT_EXIST");
    assert!(!shop().closed(&endless, answer, i64::MAX).unwrap());
}

#[test]
fn an_order_is_closed_when_the_provider_says_so_and_asked_for_when_it_is_something_else() {
    let ask = shop().face().close(&order("page")).unwrap().unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(text(&sent(&request), "method"), "alipay.trade.close");
    assert_eq!(business(&request), json!({ "out_trade_no": ORDER }));
    let closed = |answer| shop().closed(&order("page"), answer, NOW * 1000);
    assert!(closed(yes("close", json!({}))).unwrap());
    for code in [
        "ACQ.TRADE_STATUS_ERROR",
        "ACQ.REASON_TRADE_STATUS_INVALID",
        "ACQ.TRADE_HAS_CLOSE",
    ] {
        assert!(!closed(no("close", code)).unwrap(), "{code}");
    }
    for answer in [
        no("close", "ACQ.SYSTEM_ERROR"),
        no("close", "ACQ.INVALID_PARAMETER"),
        unsigned("close", "ACQ.TRADE_NOT_EXIST"),
    ] {
        refused(closed(answer));
    }
}

#[test]
fn a_scanned_code_is_cancelled() {
    let order = order("pay");
    let ask = shop().face().close(&order).unwrap().unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(text(&sent(&request), "method"), "alipay.trade.cancel");
    for (changes, expected) in [
        (json!({ "retry_flag": "N", "action": "close" }), true),
        (json!({ "retry_flag": "N", "action": "refund" }), true),
        (json!({ "retry_flag": "N" }), true),
        (json!({ "retry_flag": "Y" }), false),
        (json!({}), false),
    ] {
        let closed = shop().closed(&order, yes("cancel", changes), NOW * 1000);
        assert_eq!(closed.unwrap(), expected);
    }
}

#[test]
fn a_refund_succeeds_where_money_moved_and_is_asked_for_where_it_did_not() {
    let (order, refund) = (order("page"), refund(json!({ "operator_id": "1" })));
    let ask = shop().face().refund(&order, &refund).unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(text(&sent(&request), "method"), "alipay.trade.refund");
    let expected = json!({
        "out_trade_no": ORDER, "refund_amount": "0.60", "out_request_no": "refund0001",
        "refund_reason": "too large", "operator_id": "1",
    });
    assert_eq!(business(&request), expected);
    let refunded = |answer: Response| {
        let said = shop().said(&ask, answer);
        shop().face().refunded(&order, &refund, said.as_ref())
    };
    for (change, state) in [
        (json!("Y"), RefundState::Succeeded),
        (json!("N"), RefundState::Processing),
        (Value::Null, RefundState::Processing),
    ] {
        // The sum of all refunds, of which this is one.
        let answer = yes(
            "refund",
            json!({ "fund_change": change, "refund_fee": "0.90" }),
        );
        let fact = refunded(answer).unwrap();
        assert_eq!((fact.state, fact.amount), (state, Some(60)));
        assert_eq!(
            (fact.order_no.as_str(), fact.refund_no.as_str()),
            (ORDER, "refund0001")
        );
        assert_eq!(fact.transaction_id.as_deref(), Some(TRADE));
    }
    let error = refused_as(
        Code::BodyInvalid,
        refunded(yes("refund", json!({ "fund_change": "MAYBE" }))),
    );
    assert_eq!(field(&error), "fund_change");
    let error = refused(refunded(no("refund", "ACQ.SELLER_BALANCE_NOT_ENOUGH")));
    assert_eq!(error.outcome(), Outcome::Rejected);
    let error = refused(refunded(no("refund", "ACQ.SYSTEM_ERROR")));
    assert_eq!(error.outcome(), Outcome::Unknown);
    let mut nothing = refund.clone();
    nothing.amount = 0;
    let error = refused_as(Code::ParamsInvalid, shop().face().refund(&order, &nothing));
    assert_eq!(field(&error), "amount");
}

#[test]
fn what_became_of_a_refund_is_asked_by_its_number() {
    let (order, refund) = (order("page"), refund(json!({})));
    let ask = shop().face().query_refund(&order, &refund).unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(
        text(&sent(&request), "method"),
        "alipay.trade.fastpay.refund.query"
    );
    let asked = json!({ "out_trade_no": ORDER, "out_request_no": "refund0001" });
    assert_eq!(business(&request), asked);
    let queried = |answer: Response| {
        let said = shop().said(&ask, answer);
        shop().face().queried_refund(&order, &refund, said.as_ref())
    };
    let full = json!({
        "out_request_no": "refund0001", "refund_amount": "0.60", "total_amount": "1.00",
        "refund_status": "REFUND_SUCCESS",
    });
    let answer = |changes: Value| yes("fastpay.refund.query", over(full.clone(), changes));
    let expected = RefundFact {
        order_no: ORDER.into(),
        refund_no: "refund0001".into(),
        state: RefundState::Succeeded,
        provider_state: "REFUND_SUCCESS".into(),
        refund_id: None,
        transaction_id: Some(TRADE.into()),
        amount: Some(60),
        currency: None,
        merchant: None,
        sub_merchant: None,
    };
    assert_eq!(queried(answer(json!({}))).unwrap(), expected);
    let state = |answer| queried(answer).unwrap().state;
    assert_eq!(
        state(answer(json!({ "refund_status": null }))),
        RefundState::Processing
    );
    let nothing = json!({
        "refund_status": null, "refund_amount": null, "out_request_no": null, "out_trade_no": null,
        "trade_no": null, "total_amount": null,
    });
    assert_eq!(state(answer(nothing)), RefundState::Missing);
    assert_eq!(
        state(no("fastpay.refund.query", "ACQ.TRADE_NOT_EXIST")),
        RefundState::Missing
    );
    for (changes, expected) in [
        (json!({ "refund_status": "REFUND_FAIL" }), "refund_status"),
        (json!({ "refund_amount": null }), "refund_amount"),
        (json!({ "refund_amount": "0,60" }), "refund_amount"),
        (json!({ "out_request_no": null }), "out_request_no"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
    ] {
        let error = refused_as(Code::BodyInvalid, queried(answer(changes)));
        assert_eq!(field(&error), expected);
    }
    refused_as(
        Code::ResponseMismatch,
        queried(answer(json!({ "out_request_no": "refund0002" }))),
    );
    refused(queried(unsigned(
        "fastpay.refund.query",
        "ACQ.TRADE_NOT_EXIST",
    )));
    refused(queried(no("fastpay.refund.query", "ACQ.SYSTEM_ERROR")));
}

fn told_to(shop: &Shop, changes: Value) -> Result<Option<Fact>, Error> {
    let base = json!({ "out_trade_no": ORDER, "trade_no": TRADE, "total_amount": "1.00" });
    let fields = with(with(gateway::paid(), base), changes);
    shop.told("", &gateway::notification(&fields), b"{}")
}

fn told(changes: Value) -> Result<Option<Fact>, Error> {
    told_to(&shop(), changes)
}

#[test]
fn a_notification_of_a_payment_names_who_is_paid() {
    let expected = |merchant: &str| PaymentFact {
        merchant: Some(merchant.into()),
        application: Some(APP_ID.into()),
        ..told_by_an_answer(PaymentState::Paid, "TRADE_SUCCESS", Some(NOW * 1000))
    };
    let paid = json!({ "gmt_payment": "2023-11-15 06:13:20", "refund_fee": "0.00" });
    let fact = told(paid.clone()).unwrap();
    assert_eq!(fact, Some(Fact::Payment(expected(APP_ID))));
    let shop = Shop::new(config_with(json!({ "seller_id": SELLER })));
    let fact = told_to(&shop, paid).unwrap();
    assert_eq!(fact, Some(Fact::Payment(expected(SELLER))));
    let identity = shop.face().identity(&order("page"));
    let ours = Identity {
        merchant: SELLER.into(),
        sub_merchant: None,
        application: Some(APP_ID.into()),
    };
    assert_eq!(identity, ours);
    assert_eq!(identity.conflict(&expected(SELLER)), None);
    assert_eq!(
        identity.conflict(&expected("2088000000000002")),
        Some("merchant")
    );
}

#[test]
fn every_state_in_a_notification_has_its_meaning() {
    for (changes, state) in [
        (
            json!({ "trade_status": "WAIT_BUYER_PAY" }),
            PaymentState::Unpaid,
        ),
        (
            json!({ "trade_status": "TRADE_FINISHED", "refund_fee": "0.30" }),
            PaymentState::Paid,
        ),
        // As the provider sends it when nobody has paid in time.
        (
            json!({ "trade_status": "TRADE_CLOSED", "refund_fee": "0.00", "gmt_close": "2023-11-15 06:13:20" }),
            PaymentState::Closed,
        ),
        (
            json!({ "trade_status": "TRADE_CLOSED", "gmt_payment": "2023-11-15 06:13:20" }),
            PaymentState::Paid,
        ),
    ] {
        let Some(Fact::Payment(fact)) = told(changes.clone()).unwrap() else {
            panic!("of a payment: {changes}");
        };
        assert_eq!(fact.state, state, "{changes}");
    }
    let error = refused_as(
        Code::BodyInvalid,
        told(json!({ "trade_status": "TRADE_PENDING" })),
    );
    assert_eq!(field(&error), "trade_status");
    let error = refused_as(Code::BodyInvalid, told(json!({ "credit_pay_mode": "new" })));
    assert_eq!(field(&error), "credit_pay_mode");
}

#[test]
fn a_notification_of_a_refund_is_a_fact_about_it_without_its_amount() {
    for (word, number, expected) in [
        ("TRADE_SUCCESS", json!("refund0001"), "refund0001"),
        ("TRADE_CLOSED", json!("refund0001"), "refund0001"),
        ("TRADE_CLOSED", Value::Null, ORDER),
    ] {
        let fact = told(json!({
            "trade_status": word, "out_biz_no": number, "refund_fee": "0.90",
            "gmt_refund": "2023-11-15 06:13:20.123", "gmt_payment": "2023-11-15 06:00:00",
        }));
        let expected = RefundFact {
            order_no: ORDER.into(),
            refund_no: expected.into(),
            state: RefundState::Succeeded,
            provider_state: word.into(),
            refund_id: None,
            transaction_id: Some(TRADE.into()),
            // What it names is the sum of all refunds.
            amount: None,
            currency: None,
            merchant: Some(APP_ID.into()),
            sub_merchant: None,
        };
        assert_eq!(fact.unwrap(), Some(Fact::Refund(expected)));
    }
}

#[test]
fn a_notification_of_something_else_is_no_fact() {
    let changes = json!({ "notify_type": "dut_user_sign", "trade_status": null });
    assert_eq!(told(changes).unwrap(), None);
    let changes = json!({ "notify_type": "fund_status_sync" });
    assert_eq!(told(changes).unwrap(), None);
}
