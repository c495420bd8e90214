//! WeChat Pay, APIv3.

use payseal::crypto::{Verdict, base64};
use payseal::face::{
    Fact, Identity, PayRequest, PaymentFact, PaymentState, Placed, Presented, RefundFact,
    RefundState,
};
use payseal::wire::Response;
use payseal::{Code, Error, Outcome};
use serde_json::{Value, json};

use crate::shop::{Shop, body, pay, placed, refund};
use crate::support::merchant::*;
use crate::support::platform::{
    BY_PUBLIC_KEY, envelope, merchant_key, sealed, transaction, unsigned, verify,
};
use crate::support::{field, refused, refused_as};

const NOTIFY: &str = "https://shop.example.com/notify";
const SUB: &str = "1900000109";
const ID: &str = "4200001234202311141234567890";

fn shop() -> Shop {
    Shop::new(config(json!({})))
}

fn yes(body: Value) -> Response {
    BY_PUBLIC_KEY.json(200, body)
}

fn no(status: u16, code: &str) -> Response {
    BY_PUBLIC_KEY.json(status, json!({ "code": code, "message": "为什么" }))
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

/// The members that every order has but the one of a scanned code.
fn ordered(changes: Value) -> Value {
    let base = json!({
        "description": "a test",
        "out_trade_no": ORDER,
        "amount": { "total": 100, "currency": "CNY" },
        "time_expire": "2023-11-15T06:43:20+08:00",
        "scene_info": { "payer_client_ip": "14.23.150.211" },
        "appid": APPID,
        "mchid": MCHID,
        "notify_url": NOTIFY,
    });
    with(base, changes)
}

#[test]
fn each_method_becomes_the_providers_own_order() {
    let scene = json!({ "payer_client_ip": "14.23.150.211", "h5_info": { "type": "Wap" } });
    for (method, expected) in [
        ("native", ordered(json!({}))),
        ("app", ordered(json!({}))),
        ("jsapi", ordered(json!({ "payer": { "openid": OPENID } }))),
        ("h5", ordered(json!({ "scene_info": scene }))),
    ] {
        let request = shop().order(&pay(method, json!({}))).unwrap();
        assert_eq!(request.target, format!("/v3/pay/transactions/{method}"));
        assert_eq!(body(&request), expected, "{method}");
        verify(&request, &request.body);
    }
}

#[test]
fn a_scanned_code_is_ordered_with_the_code_and_without_a_notification() {
    let store = json!({ "scene_info": { "store_info": { "id": "1" } } });
    let request = shop().order(&pay("codepay", store)).unwrap();
    assert_eq!(request.target, "/v3/pay/transactions/codepay");
    let expected = json!({
        "description": "a test",
        "out_trade_no": ORDER,
        "amount": { "total": 100, "currency": "CNY" },
        "payer": { "auth_code": "130061098828009406" },
        "scene_info": { "device_ip": "14.23.150.211", "store_info": { "id": "1" } },
        "appid": APPID,
        "mchid": MCHID,
    });
    assert_eq!(body(&request), expected);
    assert!(!shop().face().is_repeatable("codepay"));
    assert!(shop().face().is_repeatable("native"));
}

#[test]
fn an_order_for_a_sub_merchant_is_the_service_providers() {
    let sub = json!({ "sub_mchid": SUB });
    let with_app = json!({ "sub_mchid": SUB, "sub_appid": "wxsub" });
    for (extra, payer) in [
        (&sub, json!({ "sp_openid": OPENID })),
        (&with_app, json!({ "sub_openid": OPENID })),
    ] {
        let request = shop().order(&pay("jsapi", extra.clone())).unwrap();
        assert_eq!(request.target, "/v3/pay/partner/transactions/jsapi");
        let own = json!({
            "appid": null, "mchid": null, "payer": payer, "sp_appid": APPID, "sp_mchid": MCHID,
        });
        assert_eq!(
            body(&request),
            with(with(ordered(own), extra.clone()), json!({}))
        );
    }
    let order = placed("jsapi", sub);
    let ask = shop().face().query(&order).unwrap();
    assert_eq!(
        shop().request(&ask).unwrap().target,
        format!(
            "/v3/pay/partner/transactions/out-trade-no/{ORDER}?sub_mchid={SUB}&sp_mchid={MCHID}"
        )
    );
    let ask = shop().face().close(&order).unwrap().unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(
        request.target,
        format!("/v3/pay/partner/transactions/out-trade-no/{ORDER}/close")
    );
    assert_eq!(
        body(&request),
        json!({ "sub_mchid": SUB, "sp_mchid": MCHID })
    );
    let ask = shop().face().refund(&order, &refund(json!({}))).unwrap();
    assert_eq!(body(&shop().request(&ask).unwrap())["sub_mchid"], SUB);
    let ask = shop()
        .face()
        .query_refund(&order, &refund(json!({})))
        .unwrap();
    assert_eq!(
        shop().request(&ask).unwrap().target,
        format!("/v3/refund/domestic/refunds/refund0001?sub_mchid={SUB}")
    );
}

#[test]
fn extra_members_are_merged_and_win_but_for_what_is_compared_later() {
    let extra = json!({
        "attach": "x",
        "description": "another",
        "appid": "wxother",
        "notify_url": "https://shop.example.com/other",
        "scene_info": { "device_id": "013467007045764" },
    });
    let scene = json!({ "payer_client_ip": "14.23.150.211", "device_id": "013467007045764" });
    let sent = body(&shop().order(&pay("native", extra.clone())).unwrap());
    assert_eq!(sent, with(ordered(extra), json!({ "scene_info": scene })));
    for (extra, expected) in [
        (json!({ "out_trade_no": "order0002" }), "extra.out_trade_no"),
        (json!({ "amount": { "total": 1 } }), "extra.amount.total"),
        (
            json!({ "amount": { "currency": "USD" } }),
            "extra.amount.currency",
        ),
        (json!({ "amount": 1 }), "extra.amount.total"),
        (json!({ "mchid": "1" }), "extra.mchid"),
        (
            json!({ "time_expire": "2050-01-01T00:00:00+08:00" }),
            "extra.time_expire",
        ),
        (
            json!({ "payer": { "auth_code": "1" } }),
            "extra.payer.auth_code",
        ),
    ] {
        let error = refused_as(Code::ParamsInvalid, shop().order(&pay("native", extra)));
        assert_eq!(field(&error), expected);
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    for (extra, expected) in [
        (json!({ "out_refund_no": "2" }), "extra.out_refund_no"),
        (json!({ "amount": { "refund": 1 } }), "extra.amount.refund"),
        (json!({ "transaction_id": "1" }), "extra.transaction_id"),
        (json!({ "sub_mchid": SUB }), "extra.sub_mchid"),
    ] {
        let order = placed("native", json!({}));
        let refused = shop().face().refund(&order, &refund(extra));
        assert_eq!(field(&refused_as(Code::ParamsInvalid, refused)), expected);
    }
}

#[test]
fn what_a_method_needs_is_named_before_anything_is_sent() {
    type Change = fn(&mut PayRequest);
    let cases: [(&str, Change, &str); 12] = [
        ("jsapi", |r| r.payer.id = None, "payer.id"),
        ("jsapi", |r| r.payer.id = Some(String::new()), "payer.id"),
        ("h5", |r| r.payer.client_ip = None, "payer.client_ip"),
        ("h5", |r| r.return_url = Some("/done".into()), "return_url"),
        ("codepay", |r| r.payer.auth_code = None, "payer.auth_code"),
        ("native", |r| r.amount = 0, "amount"),
        ("native", |r| r.amount = -1, "amount"),
        ("native", |r| r.currency = "USD".into(), "currency"),
        ("native", |r| r.currency = String::new(), "currency"),
        ("native", |r| r.method = "precreate".into(), "method"),
        ("native", |r| r.expires_ms = -1, "expires_ms"),
        ("native", |r| r.expires_ms = i64::MAX, "expires_ms"),
    ];
    for (method, change, expected) in cases {
        let mut request = pay(method, json!({}));
        change(&mut request);
        let error = refused_as(Code::ParamsInvalid, shop().order(&request));
        assert_eq!(field(&error), expected, "{method}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let mut request = pay("jsapi", json!({ "payer": { "openid": "o1" } }));
    request.payer.id = None;
    assert_eq!(
        body(&shop().order(&request).unwrap())["payer"],
        json!({ "openid": "o1" })
    );
    // Length and characters are the catalogue's to check.
    let mut request = pay("native", json!({}));
    request.order_no = "x".repeat(33);
    let error = refused_as(Code::ParamsInvalid, shop().order(&request));
    assert_eq!(field(&error), "body.out_trade_no");
}

#[test]
fn without_an_expiry_or_an_address_none_is_sent() {
    let mut request = pay("native", json!({}));
    request.expires_ms = 0;
    request.payer = Default::default();
    request.notify_url = Some("https://shop.example.com/mine".into());
    let changes = json!({
        "time_expire": null, "scene_info": null, "notify_url": "https://shop.example.com/mine",
    });
    assert_eq!(body(&shop().order(&request).unwrap()), ordered(changes));
}

#[track_caller]
fn signed(lines: &[&str], signature: &Value) {
    let signature = base64::decode(signature.as_str().unwrap().as_bytes()).unwrap();
    let message = format!("{}\n", lines.join("\n"));
    assert_eq!(
        merchant_key().verify_sha256(message.as_bytes(), &signature),
        Verdict::Valid
    );
}

#[test]
fn the_client_gets_what_calls_up_the_cashier() {
    let code = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";
    assert_eq!(
        shop().shown(&pay("native", json!({})), &json!({ "code_url": code })),
        json!({ "kind": "qr", "code_url": code })
    );

    let address = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1";
    let mut request = pay("h5", json!({}));
    let answer = json!({ "h5_url": address });
    assert_eq!(
        shop().shown(&request, &answer),
        json!({ "kind": "redirect", "url": address })
    );
    request.return_url = Some("https://shop.example.com/done".into());
    let back = format!("{address}&redirect_url=https%3A%2F%2Fshop.example.com%2Fdone");
    assert_eq!(
        shop().shown(&request, &answer),
        json!({ "kind": "redirect", "url": back })
    );

    let answer = json!({ "prepay_id": "wx201410272009395522657a690389285100" });
    let now = NOW.to_string();
    for (extra, appid) in [
        (json!({}), APPID),
        (json!({ "appid": "wxother" }), "wxother"),
        (json!({ "sub_mchid": SUB }), APPID),
        (json!({ "sub_mchid": SUB, "sub_appid": "wxsub" }), "wxsub"),
        (
            json!({ "sub_mchid": SUB, "sub_appid": "wxsub", "payer": { "sp_openid": "o1" } }),
            APPID,
        ),
    ] {
        let shown = shop().shown(&pay("jsapi", extra), &answer);
        assert_eq!(shown["kind"], "invoke");
        let params = &shown["params"];
        assert_eq!(params["appId"], appid);
        let nonce = params["nonceStr"].as_str().unwrap();
        let package = "prepay_id=wx201410272009395522657a690389285100";
        signed(&[appid, &now, nonce, package], &params["paySign"]);
    }
    for (extra, appid, partner) in [
        (json!({}), APPID, MCHID),
        (json!({ "sub_mchid": SUB }), APPID, MCHID),
        (
            json!({ "sub_mchid": SUB, "sub_appid": "wxsub" }),
            "wxsub",
            SUB,
        ),
    ] {
        let shown = shop().shown(&pay("app", extra), &answer);
        let params = &shown["params"];
        assert_eq!(
            (&params["appid"], &params["partnerid"]),
            (&json!(appid), &json!(partner))
        );
        let nonce = params["noncestr"].as_str().unwrap();
        let id = "wx201410272009395522657a690389285100";
        signed(&[appid, &now, nonce, id], &params["sign"]);
    }
}

#[test]
fn an_answer_that_shows_nothing_leaves_the_order_open() {
    for (method, answer) in [
        ("native", json!({})),
        ("native", json!({ "code_url": "javascript:alert(1)" })),
        ("native", json!({ "code_url": 1 })),
        ("jsapi", json!({ "prepay_id": "" })),
        ("h5", json!({ "prepay_id": "wx1" })),
    ] {
        let error = refused(shop().present(&pay(method, json!({})), &answer));
        assert_eq!(error.outcome(), Outcome::Unknown, "{method} {answer}");
    }
}

#[test]
fn the_answer_to_a_scanned_code_is_a_fact() {
    let fact = |answer: Value| shop().present(&pay("codepay", json!({})), &answer);
    let Presented::Fact(paid) = fact(transaction()).unwrap() else {
        panic!("a fact");
    };
    assert_eq!(paid.state, PaymentState::Paid);
    let Presented::Fact(waiting) =
        fact(with(transaction(), json!({ "trade_state": "USERPAYING" }))).unwrap()
    else {
        panic!("a fact");
    };
    assert_eq!(waiting.state, PaymentState::Unpaid);
    refused_as(
        Code::ResponseMismatch,
        fact(with(transaction(), json!({ "out_trade_no": "order0002" }))),
    );
}

fn order() -> Placed {
    placed("native", json!({}))
}

fn queried(changes: Value) -> Result<PaymentFact, Error> {
    shop().queried(&order(), yes(with(transaction(), changes)))
}

#[test]
fn a_paid_order_is_told_with_everything_that_is_compared() {
    let fact = queried(json!({
        "success_time": "2023-11-15T06:13:20+08:00",
        "amount": { "total": 100, "payer_total": 90, "currency": "CNY", "payer_currency": "CNY" },
    }))
    .unwrap();
    let expected = PaymentFact {
        order_no: ORDER.into(),
        state: PaymentState::Paid,
        provider_state: "SUCCESS".into(),
        transaction_id: Some(ID.into()),
        amount: Some(100),
        currency: Some("CNY".into()),
        merchant: Some(MCHID.into()),
        sub_merchant: None,
        application: Some(APPID.into()),
        paid_ms: Some(NOW * 1000),
    };
    assert_eq!(fact, expected);
    assert_eq!(shop().face().identity(&order()).conflict(&fact), None);
}

#[test]
fn every_state_of_a_payment_has_its_meaning_and_an_unknown_one_none() {
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
        assert_eq!((fact.state, fact.provider_state.as_str()), (state, word));
    }
    for word in [
        json!("success"),
        json!("PAID"),
        json!(""),
        Value::Null,
        json!(1),
    ] {
        let error = refused_as(Code::BodyInvalid, queried(json!({ "trade_state": word })));
        assert_eq!(field(&error), "trade_state");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn an_unpaid_order_need_not_name_what_only_a_paid_one_has() {
    let bare = json!({
        "trade_state": "NOTPAY", "transaction_id": null, "amount": { "payer_currency": "CNY" },
    });
    let fact = queried(bare).unwrap();
    assert_eq!((fact.transaction_id, fact.amount), (None, None));
    for (changes, expected) in [
        (json!({ "transaction_id": null }), "transaction_id"),
        (json!({ "transaction_id": "" }), "transaction_id"),
        (json!({ "amount": null }), "amount.total"),
        (
            json!({ "amount": { "total": 1.0, "currency": "CNY" } }),
            "amount.total",
        ),
        (json!({ "amount": { "total": "100" } }), "amount.total"),
        (json!({ "amount": { "total": -1 } }), "amount.total"),
        (json!({ "mchid": null }), "mchid"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
    ] {
        let error = refused_as(Code::BodyInvalid, queried(changes));
        assert_eq!(field(&error), expected);
    }
}

#[test]
fn only_the_providers_own_word_makes_an_order_missing() {
    let missing = shop()
        .queried(&order(), no(404, "ORDER_NOT_EXIST"))
        .unwrap();
    assert_eq!(missing.state, PaymentState::Missing);
    assert_eq!(missing.provider_state, "ORDER_NOT_EXIST");
    let body = r#"{"code":"ORDER_NOT_EXIST","message":"x"}"#;
    for (answer, outcome) in [
        (unsigned(404, body), Outcome::Unknown),
        (no(404, "RESOURCE_NOT_EXISTS"), Outcome::Rejected),
        (no(403, "NO_AUTH"), Outcome::Rejected),
        (no(500, "SYSTEM_ERROR"), Outcome::Unknown),
    ] {
        let ask = shop().face().query(&order()).unwrap();
        let plain = shop().said(&ask, answer.clone()).unwrap_err();
        let error = refused(shop().queried(&order(), answer));
        assert_eq!(error, plain);
        assert_eq!(error.outcome(), outcome);
    }
}

#[test]
fn who_is_paid_is_compared() {
    let fact = queried(json!({})).unwrap();
    let identity = shop().face().identity(&order());
    let expected = Identity {
        merchant: MCHID.into(),
        sub_merchant: None,
        application: Some(APPID.into()),
    };
    assert_eq!(identity, expected);
    let named = |change: fn(&mut PaymentFact)| {
        let mut fact = fact.clone();
        change(&mut fact);
        fact
    };
    for (fact, expected) in [
        (named(|f| f.merchant = Some("1".into())), Some("merchant")),
        (
            named(|f| f.application = Some("wx1".into())),
            Some("application"),
        ),
        (
            named(|f| f.sub_merchant = Some(SUB.into())),
            Some("sub_merchant"),
        ),
        (named(|f| f.application = None), None),
    ] {
        assert_eq!(identity.conflict(&fact), expected);
    }
    let order = placed("native", json!({ "sub_mchid": SUB, "sp_appid": "wxsp" }));
    let identity = shop().face().identity(&order);
    let expected = Identity {
        merchant: MCHID.into(),
        sub_merchant: Some(SUB.into()),
        application: Some("wxsp".into()),
    };
    assert_eq!(identity, expected);
    assert_eq!(identity.conflict(&fact), Some("sub_merchant"));
    let answer = with(
        transaction(),
        json!({ "mchid": null, "appid": null, "sp_mchid": MCHID, "sp_appid": "wxsp", "sub_mchid": SUB }),
    );
    let fact = shop().queried(&order, yes(answer.clone())).unwrap();
    assert_eq!(identity.conflict(&fact), None);
    let stranger = with(answer, json!({ "sub_mchid": "1900000110" }));
    refused_as(
        Code::ResponseMismatch,
        shop().queried(&order, yes(stranger)),
    );
}

#[test]
fn an_order_is_closed_once_nobody_can_pay_it() {
    let ask = shop().face().close(&order()).unwrap().unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(
        request.target,
        format!("/v3/pay/transactions/out-trade-no/{ORDER}/close")
    );
    assert_eq!(body(&request), json!({ "mchid": MCHID }));
    let closed = |answer| shop().closed(&order(), answer, NOW * 1000);
    assert!(closed(BY_PUBLIC_KEY.answer(204, "")).unwrap());
    assert!(closed(no(400, "ORDER_CLOSED")).unwrap());
    assert!(closed(no(404, "ORDER_NOT_EXIST")).unwrap());
    assert!(!closed(no(400, "ORDERPAID")).unwrap());
    for answer in [
        no(500, "SYSTEM_ERROR"),
        no(400, "INVALID_REQUEST"),
        unsigned(400, r#"{"code":"ORDER_CLOSED"}"#),
        unsigned(404, r#"{"code":"ORDER_NOT_EXIST"}"#),
    ] {
        refused(closed(answer));
    }
}

#[test]
fn a_scanned_code_is_reversed() {
    let order = placed("codepay", json!({ "appid": "wxother" }));
    let ask = shop().face().close(&order).unwrap().unwrap();
    let request = shop().request(&ask).unwrap();
    assert_eq!(
        request.target,
        format!("/v3/pay/transactions/out-trade-no/{ORDER}/reverse")
    );
    assert_eq!(
        body(&request),
        json!({ "appid": "wxother", "mchid": MCHID })
    );
    let answer = json!({ "appid": "wxother", "mchid": MCHID, "out_trade_no": ORDER });
    assert!(shop().closed(&order, yes(answer), NOW * 1000).unwrap());
    assert!(
        shop()
            .closed(&order, no(404, "ORDER_NOT_EXIST"), NOW * 1000)
            .unwrap()
    );
}

fn refund_answer(changes: Value) -> Value {
    let base = json!({
        "refund_id": "50000000382019052709732678859", "out_refund_no": "refund0001",
        "transaction_id": ID, "out_trade_no": ORDER, "status": "PROCESSING",
        "amount": { "total": 100, "refund": 60, "payer_refund": 50, "currency": "CNY" },
    });
    with(base, changes)
}

#[test]
fn a_refund_names_the_payment_its_total_and_its_own_number() {
    let mut order = order();
    let sent = |order: &Placed, extra: Value| {
        let ask = shop().face().refund(order, &refund(extra)).unwrap();
        let request = shop().request(&ask).unwrap();
        assert_eq!(request.target, "/v3/refund/domestic/refunds");
        body(&request)
    };
    let expected = json!({
        "out_trade_no": ORDER,
        "out_refund_no": "refund0001",
        "amount": { "refund": 60, "total": 100, "currency": "CNY" },
        "reason": "too large",
    });
    assert_eq!(sent(&order, json!({})), expected);
    order.transaction_id = Some(ID.into());
    let extra = json!({ "funds_account": "AVAILABLE" });
    let changes = json!({
        "out_trade_no": null, "transaction_id": ID, "funds_account": "AVAILABLE",
    });
    assert_eq!(sent(&order, extra), with(expected, changes));
    let mut nothing = refund(json!({}));
    nothing.amount = 0;
    let refused = refused_as(Code::ParamsInvalid, shop().face().refund(&order, &nothing));
    assert_eq!(field(&refused), "amount");
}

#[test]
fn every_state_of_a_refund_has_its_meaning_and_an_unknown_one_none() {
    let refund = refund(json!({}));
    let begun = |answer: Response| {
        let ask = shop().face().refund(&order(), &refund).unwrap();
        let said = shop().said(&ask, answer);
        shop().face().refunded(&order(), &refund, said.as_ref())
    };
    let asked = |answer: Response| {
        let ask = shop().face().query_refund(&order(), &refund).unwrap();
        let said = shop().said(&ask, answer);
        shop()
            .face()
            .queried_refund(&order(), &refund, said.as_ref())
    };
    for (word, state) in [
        ("PROCESSING", RefundState::Processing),
        ("SUCCESS", RefundState::Succeeded),
        ("CLOSED", RefundState::Failed),
        ("ABNORMAL", RefundState::Abnormal),
    ] {
        let expected = RefundFact {
            order_no: ORDER.into(),
            refund_no: "refund0001".into(),
            state,
            provider_state: word.into(),
            refund_id: Some("50000000382019052709732678859".into()),
            transaction_id: Some(ID.into()),
            amount: Some(60),
            currency: Some("CNY".into()),
            merchant: None,
            sub_merchant: None,
        };
        let answer = || yes(refund_answer(json!({ "status": word })));
        assert_eq!(begun(answer()).unwrap(), expected);
        assert_eq!(asked(answer()).unwrap(), expected);
    }
    for (changes, expected) in [
        (json!({ "status": "DONE" }), "status"),
        (json!({ "status": null }), "status"),
        (json!({ "amount": {} }), "amount.refund"),
        (json!({ "out_refund_no": null }), "out_refund_no"),
        (json!({ "out_trade_no": null }), "out_trade_no"),
    ] {
        for fact in [
            begun(yes(refund_answer(changes.clone()))),
            asked(yes(refund_answer(changes.clone()))),
        ] {
            assert_eq!(field(&refused_as(Code::BodyInvalid, fact)), expected);
        }
    }
    refused_as(
        Code::ResponseMismatch,
        asked(yes(refund_answer(json!({ "out_trade_no": "order0002" })))),
    );
    let missing = asked(no(404, "RESOURCE_NOT_EXISTS")).unwrap();
    assert_eq!(missing.state, RefundState::Missing);
    assert_eq!(
        refused(begun(no(404, "RESOURCE_NOT_EXISTS"))).outcome(),
        Outcome::Rejected
    );
    for answer in [
        no(403, "NOT_ENOUGH"),
        unsigned(404, r#"{"code":"RESOURCE_NOT_EXISTS"}"#),
    ] {
        refused(asked(answer));
    }
}

fn told(event_type: &str, plaintext: Value) -> Result<Option<Fact>, Error> {
    let resource = sealed(
        APIV3_KEY,
        "fdasflkja484",
        "transaction",
        plaintext.to_string().as_bytes(),
    );
    let body = with(envelope(resource), json!({ "event_type": event_type })).to_string();
    let event = BY_PUBLIC_KEY.signed(body);
    shop().told(&event.lines(), &event.body, b"")
}

#[test]
fn a_notification_of_a_payment_says_the_same_as_the_query() {
    let fact = told("TRANSACTION.SUCCESS", transaction()).unwrap().unwrap();
    assert_eq!(fact, Fact::Payment(queried(json!({})).unwrap()));
    let refused = refused_as(
        Code::BodyInvalid,
        told(
            "TRANSACTION.SUCCESS",
            with(transaction(), json!({ "trade_state": "WHO" })),
        ),
    );
    assert_eq!(refused.outcome(), Outcome::Malformed);
    refused_as(
        Code::BodyInvalid,
        told(
            "TRANSACTION.SUCCESS",
            with(transaction(), json!({ "amount": null })),
        ),
    );
}

#[test]
fn a_notification_of_a_refund_is_a_fact_about_it() {
    for (event, word, state) in [
        ("REFUND.SUCCESS", "SUCCESS", RefundState::Succeeded),
        ("REFUND.ABNORMAL", "ABNORMAL", RefundState::Abnormal),
        ("REFUND.CLOSED", "CLOSED", RefundState::Failed),
    ] {
        let plaintext = json!({
            "mchid": MCHID, "transaction_id": ID, "out_trade_no": ORDER,
            "refund_id": "50000000382019052709732678859", "out_refund_no": "refund0001",
            "refund_status": word, "success_time": "2023-11-15T06:13:20+08:00",
            "user_received_account": "招商银行信用卡0403",
            "amount": { "total": 100, "refund": 60, "payer_total": 100, "payer_refund": 60 },
        });
        let expected = RefundFact {
            order_no: ORDER.into(),
            refund_no: "refund0001".into(),
            state,
            provider_state: word.into(),
            refund_id: Some("50000000382019052709732678859".into()),
            transaction_id: Some(ID.into()),
            amount: Some(60),
            currency: None,
            merchant: Some(MCHID.into()),
            sub_merchant: None,
        };
        assert_eq!(
            told(event, plaintext).unwrap(),
            Some(Fact::Refund(expected))
        );
    }
}

#[test]
fn a_notification_of_something_else_is_no_fact() {
    let combined = json!({
        "combine_appid": APPID, "combine_mchid": MCHID, "combine_out_trade_no": ORDER,
        "sub_orders": [],
    });
    assert_eq!(told("TRANSACTION.SUCCESS", combined).unwrap(), None);
    for event in [
        "COMPLAINT.CREATE",
        "TRANSACTION.PAY_BACK",
        "REFUND.",
        "SECURITY_ECHO.SUCCESS",
    ] {
        assert_eq!(told(event, transaction()).unwrap(), None, "{event}");
    }
}

#[test]
fn a_brand_is_paid_by_nobody() {
    let config = config(json!({
        "scheme": "WECHATPAY-BRAND-SHA256-RSA2048", "mchid": null, "brand_id": "1", "appid": null, "notify_url": null,
    }));
    assert!(Shop::new(config).client.face().is_none());
}
