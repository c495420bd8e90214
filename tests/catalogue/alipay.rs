//! What Alipay can be asked: names that are one word, amounts in yuan, parameters beside `biz_content`.

use payseal::catalogue::{self, Fill, Kind, Operation, Repeat, Violation};
use serde_json::{Map, Value, json};

use super::object;

fn operation(name: &str) -> Operation {
    catalogue::find("alipay", name).unwrap_or_else(|| panic!("{name} is not catalogued"))
}

fn check(name: &str, query: Value, body: &Value) -> Result<(), Violation> {
    catalogue::check(&operation(name), &Map::new(), &object(query), Some(body))
}

fn precreate(change: impl FnOnce(&mut Value)) -> Result<(), Violation> {
    let mut body =
        json!({ "out_trade_no": "TEA_1", "total_amount": "88.88", "subject": "One cup of tea" });
    change(&mut body);
    check("alipay.trade.precreate", json!({}), &body)
}

#[test]
fn every_operation_is_found_by_its_one_word() {
    let mut count = 0;
    for operation in catalogue::operations("alipay") {
        let name = operation.name;
        let found = catalogue::find("alipay", name).expect(name);
        assert_eq!((found.name, found.method, found.path), (name, "", name));
        assert!(
            !found.title.is_empty() && found.path_fields.is_empty(),
            "{name}"
        );
        count += 1;
    }
    assert_eq!(count, 40);
    for name in [
        "",
        "precreate",
        "alipay.trade",
        "Alipay.trade.precreate",
        "POST alipay.trade.precreate",
    ] {
        assert!(catalogue::find("alipay", name).is_none(), "{name:?}");
    }
    assert!(catalogue::find("wechat", "alipay.trade.precreate").is_none());
}

/// Every way of writing an amount that has cost somebody money.
#[test]
fn an_amount_is_digits_and_two_places_at_most() {
    for good in ["0.01", "1", "88.8", "88.88", "100000000", "100000000.00"] {
        let paid = precreate(|body| body["total_amount"] = good.into());
        assert_eq!(paid, Ok(()), "{good}");
    }
    for bad in [
        json!("0"),
        json!("0.00"),
        json!("100000000.01"),
        json!("92233720368547758.08"),
        json!("99999999999999999999"),
        json!("1.234"),
        json!("1."),
        json!(".5"),
        json!("-1"),
        json!("+1"),
        json!("1e2"),
        json!("1,000.00"),
        json!(" 1"),
        json!("1 "),
        json!("１"),
        json!("0x10"),
        json!("NaN"),
        json!(""),
        json!(88.88),
        json!(88),
        json!(null),
    ] {
        let violation =
            precreate(|body| body["total_amount"] = bad.clone()).expect_err(&bad.to_string());
        assert_eq!(violation.field, "body.total_amount", "{bad}");
    }
    let said = precreate(|body| body["total_amount"] = json!("0")).unwrap_err();
    assert_eq!(said.message, "body.total_amount must be at least 0.01");
}

#[test]
fn a_time_is_that_of_beijing() {
    for good in ["2021-12-31 10:05:00", "2024-02-29 23:59:59"] {
        assert_eq!(
            precreate(|body| body["time_expire"] = good.into()),
            Ok(()),
            "{good}"
        );
    }
    for bad in [
        "2021-12-31",
        "2021-12-31T10:05:00",
        "2021-12-31 10:05",
        "2021-12-31 24:05:00",
        "2023-02-29 10:05:00",
        "2021-12-31 10:05:00+08:00",
        "2021-12-31  10:05:0",
    ] {
        let violation = precreate(|body| body["time_expire"] = bad.into()).expect_err(bad);
        assert_eq!(violation.field, "body.time_expire", "{bad}");
    }
}

/// What is documented of the number that a merchant makes; a number that is asked for may be older.
#[test]
fn an_order_number_has_letters_digits_and_underscores() {
    for bad in ["", "a-b", "订单", "a b", &"9".repeat(65)] {
        let violation = precreate(|body| body["out_trade_no"] = json!(bad)).expect_err(bad);
        assert_eq!(violation.field, "body.out_trade_no", "{bad}");
    }
    let queried = check(
        "alipay.trade.query",
        json!({}),
        &json!({ "out_trade_no": "a-b" }),
    );
    assert_eq!(queried, Ok(()));
    let violation = check("alipay.trade.query", json!({}), &json!({})).unwrap_err();
    assert!(
        violation.message.contains("out_trade_no or trade_no"),
        "{violation}"
    );
}

#[test]
fn texts_may_have_characters_of_four_bytes_and_some_several_lines() {
    assert_eq!(precreate(|body| body["subject"] = json!("玩具 🧸")), Ok(()));
    assert_eq!(precreate(|body| body["body"] = json!("one\ntwo")), Ok(()));
    for bad in ["a\nb", "a\0b"] {
        let violation = precreate(|body| body["subject"] = json!(bad)).expect_err("refused");
        assert_eq!(violation.field, "body.subject");
    }
    let open =
        precreate(|body| body["extend_params"] = json!({ "new_one": "🧸", "hb_fq_num": "3" }));
    assert_eq!(open, Ok(()), "Alipay adds parameters there");
}

#[test]
fn every_operation_takes_the_common_parameters_and_no_others() {
    for operation in catalogue::operations("alipay") {
        for name in [
            "app_auth_token",
            "auth_token",
            "ws_service_url",
            "target_app_id",
        ] {
            assert!(
                operation.query_fields.get(name).is_some(),
                "{}: {name}",
                operation.name
            );
        }
        for name in [
            "app_id",
            "method",
            "sign",
            "timestamp",
            "biz_content",
            "version",
        ] {
            assert!(
                operation.query_fields.get(name).is_none(),
                "{}: {name}",
                operation.name
            );
        }
    }
    let query = json!({ "notify_url": "https://shop.example/notify", "app_auth_token": "t" });
    let body = json!({ "out_trade_no": "1", "total_amount": "1", "subject": "x" });
    assert_eq!(check("alipay.trade.precreate", query, &body), Ok(()));
    let violation = check(
        "alipay.trade.precreate",
        json!({ "notify_url": "https://a.example/?x=1" }),
        &body,
    );
    assert_eq!(violation.unwrap_err().field, "query.notify_url");
    let refund =
        json!({ "out_trade_no": "1", "refund_amount": "1", "notify_url": "https://a.example/" });
    let violation = check("alipay.trade.refund", json!({}), &refund).unwrap_err();
    assert_eq!(
        violation.field, "body.notify_url",
        "a refund is notified where its payment was"
    );
    let misplaced = json!({ "out_trade_no": "1", "total_amount": "1", "subject": "x", "notify_url": "https://a.example/" });
    let violation = check("alipay.trade.precreate", json!({}), &misplaced).unwrap_err();
    assert_eq!(
        violation.hint.as_deref(),
        Some("did you mean query.notify_url?")
    );
}

#[test]
fn what_the_configuration_knows_is_filled_in_where_it_is_taken() {
    let filled = |name: &str| {
        let fields = operation(name).query_fields.into_iter();
        let filled = fields.filter_map(|field| Some((field.name, field.filled?)));
        filled.collect::<Vec<_>>()
    };
    let token = ("app_auth_token", Fill::AppAuthToken);
    let notify = ("notify_url", Fill::NotifyUrl);
    assert_eq!(filled("alipay.trade.precreate"), [token, notify]);
    assert_eq!(
        filled("alipay.trade.page.pay"),
        [token, notify, ("return_url", Fill::ReturnUrl)]
    );
    assert_eq!(filled("alipay.trade.query"), [token]);
}

#[test]
fn parameters_that_are_not_in_biz_content_have_their_place() {
    let token = operation("alipay.system.oauth.token");
    assert!(token.body.is_none());
    let asked = |query: Value| catalogue::check(&token, &Map::new(), &object(query), None);
    assert_eq!(
        asked(json!({ "grant_type": "authorization_code", "code": "c" })),
        Ok(())
    );
    assert_eq!(
        asked(json!({ "grant_type": "password" }))
            .unwrap_err()
            .field,
        "query.grant_type"
    );
    assert_eq!(asked(json!({})).unwrap_err().field, "query.grant_type");
    let share = operation("alipay.user.info.share").query_fields;
    assert!(
        share.get("auth_token").unwrap().required,
        "its own, not the common one"
    );
    let upload = operation("alipay.merchant.item.file.upload");
    assert_eq!(upload.file, Some("file_content"));
    assert!(upload.query_fields.get("scene").unwrap().required);
}

#[test]
fn what_sends_nothing_says_what_it_is_made_into() {
    let made: Vec<_> = catalogue::operations("alipay")
        .filter(|operation| operation.makes.len() > 0)
        .map(|operation| (operation.name, operation.makes.collect::<Vec<_>>()))
        .collect();
    assert_eq!(
        made,
        [
            ("alipay.fund.auth.order.app.freeze", vec!["order_string"]),
            ("alipay.trade.app.pay", vec!["order_string"]),
            ("alipay.trade.page.pay", vec!["url", "form"]),
            ("alipay.trade.wap.pay", vec!["url", "form"]),
            (
                "alipay.user.agreement.page.sign",
                vec!["url", "form", "order_string"]
            ),
            ("alipay.user.certify.open.certify", vec!["url", "form"]),
        ]
    );
    assert!(catalogue::operations("wechat").all(|operation| operation.makes.len() == 0));
}

/// A wrong entry here moves money twice.
#[test]
fn only_what_alipay_counts_by_number_is_repeated() {
    let repeated: Vec<_> = catalogue::operations("alipay")
        .filter(|operation| operation.repeat == Repeat::SameNumber)
        .map(|operation| (operation.name, operation.order_number.unwrap()))
        .collect();
    assert_eq!(
        repeated,
        [
            ("alipay.fund.auth.order.unfreeze", "body.out_request_no"),
            ("alipay.fund.trans.uni.transfer", "body.out_biz_no"),
            ("alipay.trade.cancel", "body.out_trade_no"),
            ("alipay.trade.orderinfo.sync", "body.out_request_no"),
            ("alipay.trade.refund", "body.out_request_no"),
        ]
    );
    for operation in catalogue::operations("alipay") {
        let name = operation.name;
        let asks = name.ends_with(".query") || name == "alipay.user.info.share";
        assert_eq!(operation.repeat == Repeat::Safe, asks, "{name}");
        let Some(number) = operation.order_number else {
            continue;
        };
        let field = number.strip_prefix("body.").expect(name);
        let schema = operation
            .body
            .expect(name)
            .fields()
            .get(field)
            .expect(name)
            .schema;
        assert_eq!(schema.kind, Kind::String, "{name}");
    }
}
