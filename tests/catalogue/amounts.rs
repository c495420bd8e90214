use serde_json::{Value, json};

use super::{JSAPI, REFUND, check_body, jsapi_order, order_with, refund};

/// Every way of writing an amount that has cost somebody money, read by the parser that reads the caller's JSON.
#[test]
fn an_amount_is_a_positive_integer_and_nothing_else() {
    for text in [
        "0",
        "-1",
        "-0",
        "1.0",
        "1e2",
        "1E2",
        "0.01",
        "100.5",
        "2147483648",
        "9223372036854775808",
        "18446744073709551616",
        "1e400",
        "\"100\"",
        "\"１００\"",
        "null",
        "true",
        "[100]",
        "{}",
    ] {
        // A number that the parser itself refuses never reaches the catalogue.
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let violation = order_with("/amount/total", value);
        assert_eq!(violation.field, "body.amount.total", "{text}");
    }
    for total in [1, 100, 2_147_483_647] {
        let mut order = jsapi_order();
        order["amount"]["total"] = json!(total);
        assert_eq!(check_body(JSAPI, &order), Ok(()), "{total}");
    }
}

#[test]
fn an_amount_in_text_or_with_a_fraction_is_explained() {
    assert!(
        order_with("/amount/total", json!("100"))
            .hint
            .unwrap()
            .contains("without quotes")
    );
    assert!(
        order_with("/amount/total", json!(100.0))
            .hint
            .unwrap()
            .contains("smallest unit")
    );
}

#[test]
fn more_than_was_paid_is_not_refunded() {
    let mut request = refund();
    request["amount"]["refund"] = json!(101);
    assert_eq!(
        check_body(REFUND, &request).unwrap_err().field,
        "body.amount.refund"
    );
    request["amount"]["refund"] = json!(100);
    assert_eq!(check_body(REFUND, &request), Ok(()));
}
