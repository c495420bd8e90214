use serde_json::{Map, Value, json};

use payseal::catalogue;

use super::{JSAPI, REFUND, check_body, jsapi_order, object, operation, order_with, refund};

#[test]
fn a_complete_order_and_a_complete_refund_pass() {
    assert_eq!(check_body(JSAPI, &jsapi_order()), Ok(()));
    assert_eq!(check_body(REFUND, &refund()), Ok(()));
}

#[test]
fn each_required_field_is_missed() {
    for (holder, names) in [
        (
            "",
            &[
                "appid",
                "mchid",
                "description",
                "out_trade_no",
                "notify_url",
                "amount",
                "payer",
            ][..],
        ),
        ("/amount", &["total"]),
        ("/payer", &["openid"]),
        ("/payer/identity", &["type", "number", "name"]),
        (
            "/detail/goods_detail/0",
            &["merchant_goods_id", "quantity", "unit_price"],
        ),
    ] {
        for name in names {
            let mut order = jsapi_order();
            order
                .pointer_mut(holder)
                .unwrap()
                .as_object_mut()
                .unwrap()
                .shift_remove(*name);
            let violation = check_body(JSAPI, &order).expect_err(name);
            let place = holder.replace("/0", "[0]").replace('/', ".");
            assert_eq!(violation.field, format!("body{place}.{name}"));
            assert!(violation.message.contains("is missing"), "{violation}");
        }
    }
}

#[test]
fn what_the_configuration_could_fill_in_is_said() {
    let mut order = jsapi_order();
    order.as_object_mut().unwrap().shift_remove("notify_url");
    let hint = check_body(JSAPI, &order).unwrap_err().hint.expect("a hint");
    assert!(
        hint.contains("configuration") && hint.contains("notify_url"),
        "{hint}"
    );
}

#[test]
fn an_absent_body_is_an_empty_one() {
    let violation =
        catalogue::check(&operation(JSAPI), &Map::new(), &Map::new(), None).unwrap_err();
    assert!(violation.message.contains("is missing"), "{violation}");
}

#[test]
fn a_typing_error_is_refused_with_what_was_meant() {
    for (written, meant) in [
        ("out_trade_on", "body.out_trade_no"),
        ("outTradeNo", "body.out_trade_no"),
        ("Description", "body.description"),
        ("notifyurl", "body.notify_url"),
        ("OUTTRADENO", "body.out_trade_no"),
        ("OUTTRADEMO", "body.out_trade_no"),
        ("openid", "body.payer.openid"),
        ("openId", "body.payer.openid"),
        ("payer-client-ip", "body.scene_info.payer_client_ip"),
        ("total", "body.amount.total"),
    ] {
        let mut order = jsapi_order();
        order[written] = json!("x");
        let violation = check_body(JSAPI, &order).expect_err(written);
        assert_eq!(violation.field, format!("body.{written}"));
        assert_eq!(
            violation.hint,
            Some(format!("did you mean {meant}?")),
            "{written}"
        );
    }
}

#[test]
fn an_unknown_field_is_refused_at_every_depth_and_names_the_way_out() {
    for holder in [
        "",
        "/amount",
        "/payer",
        "/scene_info/store_info",
        "/detail/goods_detail/0",
    ] {
        let mut order = jsapi_order();
        order.pointer_mut(holder).unwrap()["brand_new_thing"] = json!(1);
        let violation = check_body(JSAPI, &order).expect_err(holder);
        assert!(violation.field.ends_with(".brand_new_thing"), "{violation}");
        assert!(violation.hint.unwrap().contains("unchecked"));
    }
}

#[test]
fn an_unknown_name_cannot_break_or_flood_a_message() {
    let mut order = jsapi_order();
    order["a\nb\u{1b}[0m".repeat(1000)] = json!(1);
    let violation = check_body(JSAPI, &order).unwrap_err();
    assert!(
        violation.field.len() < 700 && !violation.message.contains(['\n', '\u{1b}']),
        "{violation}"
    );
}

#[test]
fn wrong_types_are_refused() {
    for (pointer, field) in [
        ("/description", "body.description"),
        ("/amount", "body.amount"),
        ("/amount/total", "body.amount.total"),
        ("/support_fapiao", "body.support_fapiao"),
        ("/limit_pay", "body.limit_pay"),
        ("/limit_pay/0", "body.limit_pay[0]"),
        (
            "/detail/goods_detail/0/unit_price",
            "body.detail.goods_detail[0].unit_price",
        ),
    ] {
        let right = jsapi_order().pointer(pointer).unwrap().clone();
        for wrong in [
            json!(null),
            json!(true),
            json!(7),
            json!("text"),
            json!([]),
            json!({}),
        ] {
            if std::mem::discriminant(&wrong) == std::mem::discriminant(&right) {
                continue;
            }
            let violation = order_with(pointer, wrong.clone());
            assert_eq!(violation.field, field, "{wrong}");
            assert!(violation.message.contains("must be"), "{violation}");
        }
    }
    assert_eq!(check_body(JSAPI, &json!([])).unwrap_err().field, "body");
    assert_eq!(check_body(JSAPI, &Value::Null).unwrap_err().field, "body");
}

#[test]
fn values_that_the_provider_does_not_list_are_refused() {
    let violation = order_with("/limit_pay/0", json!("no_kredit"));
    assert_eq!(violation.hint.as_deref(), Some("did you mean no_credit?"));
    order_with("/amount/currency", json!("USD"));
    order_with(
        "/subsidy_info/subsidy_detail/0/subsidy_plan/0/subsidy_installment_num",
        json!(4),
    );
    order_with("/payer/identity/type", json!("idcard"));
}

#[test]
fn a_refund_names_its_payment() {
    let mut request = refund();
    request
        .as_object_mut()
        .unwrap()
        .shift_remove("out_trade_no");
    let violation = check_body(REFUND, &request).unwrap_err();
    assert!(
        violation.message.contains("transaction_id or out_trade_no"),
        "{violation}"
    );
    request["transaction_id"] = json!("4200000000000000");
    assert_eq!(check_body(REFUND, &request), Ok(()));
}

#[test]
fn where_nothing_belongs_nothing_is_taken() {
    let certificates = operation("GET /v3/certificates");
    let empty = Map::new();
    let stray = object(json!({"x": 1}));
    assert_eq!(
        catalogue::check(&certificates, &empty, &empty, Some(&json!({})))
            .unwrap_err()
            .field,
        "body"
    );
    assert_eq!(
        catalogue::check(&certificates, &stray, &empty, None)
            .unwrap_err()
            .field,
        "path.x"
    );
    assert_eq!(
        catalogue::check(&certificates, &empty, &stray, None)
            .unwrap_err()
            .field,
        "query.x"
    );
    assert_eq!(
        catalogue::check(
            &certificates,
            &empty,
            &object(json!({"algorithm_type": "RSA"})),
            None
        ),
        Ok(())
    );
}

#[test]
fn what_stands_in_the_wrong_part_is_told_where_it_belongs() {
    let close = operation("POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close");
    let body = json!({"mchid": "1900000001", "out_trade_no": "1217752501"});
    let path = object(json!({"out_trade_no": "1217752501"}));
    let violation = catalogue::check(&close, &path, &Map::new(), Some(&body)).unwrap_err();
    assert_eq!(
        violation.hint.as_deref(),
        Some("did you mean path.out_trade_no?")
    );
}

#[test]
fn a_part_of_the_path_is_one_step() {
    let query = operation("GET /v3/pay/transactions/id/{transaction_id}");
    let mchid = object(json!({"mchid": "1900000001"}));
    for wrong in [
        json!(""),
        json!("."),
        json!(".."),
        json!("a/b"),
        json!("a?b"),
        json!("a%2Fb"),
        json!("a\nb"),
        json!(42),
        json!(null),
    ] {
        let violation = catalogue::check(
            &query,
            &object(json!({"transaction_id": wrong})),
            &mchid,
            None,
        )
        .expect_err("refused");
        assert_eq!(violation.field, "path.transaction_id");
    }
    assert_eq!(
        catalogue::check(
            &query,
            &object(json!({"transaction_id": "4200001"})),
            &mchid,
            None
        ),
        Ok(())
    );
    assert_eq!(
        catalogue::check(&query, &Map::new(), &mchid, None)
            .unwrap_err()
            .field,
        "path.transaction_id"
    );
}
