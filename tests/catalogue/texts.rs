use payseal::catalogue;
use serde_json::{Map, json};

use super::{JSAPI, REFUND, check_body, jsapi_order, order_with, refund};

#[test]
fn lengths_count_characters_not_bytes() {
    for (pointer, max) in [
        ("/description", 127),
        ("/attach", 128),
        ("/goods_tag", 32),
        ("/payer/openid", 128),
    ] {
        let mut order = jsapi_order();
        *order.pointer_mut(pointer).unwrap() = json!("字".repeat(max));
        assert_eq!(check_body(JSAPI, &order), Ok(()), "{pointer}");
        let violation = order_with(pointer, json!("字".repeat(max + 1)));
        assert!(
            violation
                .message
                .contains(&format!("at most {max} characters, not {}", max + 1)),
            "{violation}"
        );
        order_with(pointer, json!(""));
    }
}

#[test]
fn an_order_number_has_6_to_32_of_the_characters_allowed() {
    for good in ["123456", "Az0-_|*", &"9".repeat(32)] {
        let mut order = jsapi_order();
        order["out_trade_no"] = json!(good);
        assert_eq!(check_body(JSAPI, &order), Ok(()), "{good}");
    }
    for bad in [
        "",
        "12345",
        &"9".repeat(33),
        "1234 56",
        "订单号123456",
        "123456/",
        "123456@",
        "１２３４５６",
        "123456\u{200b}",
    ] {
        assert_eq!(
            order_with("/out_trade_no", json!(bad)).field,
            "body.out_trade_no",
            "{bad:?}"
        );
    }
}

#[test]
fn a_refund_number_has_up_to_64_of_the_characters_allowed() {
    for (number, good) in [
        ("1", true),
        ("Az0-_|*@", true),
        (&*"9".repeat(64), true),
        (&*"9".repeat(65), false),
        ("a b", false),
        ("", false),
    ] {
        let mut request = refund();
        request["out_refund_no"] = json!(number);
        assert_eq!(check_body(REFUND, &request).is_ok(), good, "{number:?}");
    }
}

#[test]
fn ends_of_lines_and_nul_are_refused_in_every_text() {
    for pointer in [
        "/description",
        "/attach",
        "/out_trade_no",
        "/notify_url",
        "/payer/openid",
        "/scene_info/store_info/name",
        "/payer/identity/name",
    ] {
        for byte in ['\r', '\n', '\0'] {
            let violation = order_with(pointer, json!(format!("abcdef{byte}X-Injected: 1")));
            assert!(violation.message.contains("contains"), "{violation}");
        }
    }
}

#[test]
fn text_that_takes_four_bytes_in_utf8_is_refused() {
    let violation = order_with("/description", json!("玩具 🧸"));
    assert!(violation.message.contains("four bytes"), "{violation}");
    let mut order = jsapi_order();
    order["description"] = json!("玩具 ☕ é €"); // one to three bytes each
    assert_eq!(check_body(JSAPI, &order), Ok(()));
}

#[test]
fn the_notification_goes_to_an_absolute_address_without_query() {
    for good in [
        "https://shop.example/notify",
        "http://127.0.0.1:8080/notify/wechat",
        "https://shop.example",
        "HTTPS://shop.example/a%20b",
        "http://[::1]:8080/n",
        "https://xn--fiqs8s.example:443/",
    ] {
        let mut order = jsapi_order();
        order["notify_url"] = json!(good);
        assert_eq!(check_body(JSAPI, &order), Ok(()), "{good}");
    }
    for bad in [
        "",
        "/notify",
        "shop.example/notify",
        "//shop.example/notify",
        "ftp://shop.example/notify",
        "https://",
        "https:///notify",
        "https://shop.example/notify?order=1",
        "https://shop.example/notify#top",
        "https://user:secret@shop.example/notify",
        "https://user@shop.example/notify",
        "https://shop.example:port/",
        "https://shop.example:0/",
        "https://shop.example:65536/",
        "https://[::1/",
        "https://[nonsense]/",
        "https://shop.example/a b",
        " https://shop.example/",
        "https://shop.example\\@evil.example/",
        "https://商店.example/notify",
        &format!("https://shop.example/{}", "a".repeat(240)),
    ] {
        assert_eq!(
            order_with("/notify_url", json!(bad)).field,
            "body.notify_url",
            "{bad:?}"
        );
    }
}

#[test]
fn a_time_has_its_zone() {
    for good in [
        "2018-06-08T10:34:56+08:00",
        "2024-02-29T23:59:59Z",
        "2018-06-08T10:34:56.123-05:30",
    ] {
        let mut order = jsapi_order();
        order["time_expire"] = json!(good);
        assert_eq!(check_body(JSAPI, &order), Ok(()), "{good}");
    }
    for bad in [
        "2018-06-08T10:34:56",
        "2018-06-08 10:34:56+08:00",
        "20180608103456",
        "2018-13-08T10:34:56+08:00",
        "2018-06-31T10:34:56+08:00",
        "2023-02-29T10:34:56Z",
        "2018-06-08T24:34:56+08:00",
        "2018-06-08T10:34:56+8:00",
        "2018-06-08T10:34:56.+08:00",
        "2018-06-08T10:34:56+08:00 ",
        "2018-06-0８T10:34:56Z",
        "now",
    ] {
        assert_eq!(
            order_with("/time_expire", json!(bad)).field,
            "body.time_expire",
            "{bad:?}"
        );
    }
}

#[test]
fn the_payers_address_is_an_ip_address() {
    for (address, good) in [
        ("14.23.150.211", true),
        ("2001:db8::1", true),
        ("localhost", false),
        ("256.1.1.1", false),
        ("1.2.3", false),
    ] {
        let mut order = jsapi_order();
        order["scene_info"]["payer_client_ip"] = json!(address);
        assert_eq!(check_body(JSAPI, &order).is_ok(), good, "{address}");
    }
}

#[test]
fn what_people_write_for_people_may_have_several_lines() {
    let answer = "POST /v3/merchant-service/complaints-v2/{complaint_id}/response";
    let operation = super::operation(answer);
    let path = super::object(json!({ "complaint_id": "1" }));
    let said = |text: &str| {
        let body = json!({ "complainted_mchid": "1900000001", "response_content": text });
        catalogue::check(&operation, &path, &Map::new(), Some(&body))
    };
    assert_eq!(said("您好：\n退款已到账。"), Ok(()));
    assert_eq!(said("\0").unwrap_err().field, "body.response_content");
}

#[test]
fn no_value_is_quoted() {
    for (pointer, value) in [
        ("/payer/identity/number", json!("SECRET\n")),
        ("/payer/identity/type", json!("SECRETKIND")),
        ("/payer/openid", json!(format!("SECRET{}", "x".repeat(200)))),
        ("/notify_url", json!("https://user:SECRET@shop.example/")),
        ("/time_expire", json!("SECRET")),
        ("/description", json!({"SECRET": 1})),
    ] {
        let violation = order_with(pointer, value);
        assert!(
            !format!("{violation:?}").contains("SECRET"),
            "{violation:?}"
        );
    }
}
