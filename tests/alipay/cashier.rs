//! What the payer's browser or app is sent away with.

use std::collections::BTreeMap;

use payseal::Code;
use serde_json::{Value, json};

use crate::alipay::{canonical, client, client_of, config_with, undone, verifies};
use crate::support::host::World;
use crate::support::{field, refused_as};

fn page() -> Value {
    json!({ "operation": "alipay.trade.page.pay", "query": { "return_url": "https://shop.example/back?x='\"<>&" }, "body": { "out_trade_no": "A100", "product_code": "FAST_INSTANT_TRADE_PAY", "total_amount": "88.88", "subject": "\"茶\" & <Tee>'s" } })
}

fn fields(query: &str) -> BTreeMap<String, Vec<u8>> {
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), undone(value.as_bytes())))
        .collect()
}

fn is_signed(fields: &BTreeMap<String, Vec<u8>>) -> bool {
    verifies(
        "-sha256",
        &canonical(fields, &["sign"]),
        std::str::from_utf8(&fields["sign"]).unwrap(),
    )
}

#[test]
fn an_address_and_an_order_string_hold_everything_signed() {
    let client = client(&World::new());
    let made = client.invoke("url", page().to_string().as_bytes()).unwrap();
    let query = made["url"]
        .as_str()
        .unwrap()
        .strip_prefix("https://openapi.alipay.com/gateway.do?")
        .unwrap();
    let sent = fields(query);
    assert!(is_signed(&sent));
    assert_eq!(
        sent["return_url"],
        page()["query"]["return_url"].as_str().unwrap().as_bytes()
    );

    let mut order = page();
    order["operation"] = "alipay.trade.app.pay".into();
    order["query"] = json!({ "notify_url": "https://shop.example/n" });
    order["body"]["product_code"] = "QUICK_MSECURITY_PAY".into();
    let made = client
        .invoke("order_string", order.to_string().as_bytes())
        .unwrap();
    assert!(is_signed(&fields(made["order_string"].as_str().unwrap())));
}

#[test]
fn a_form_says_the_same_and_nothing_in_it_ends_an_attribute() {
    let client = client(&World::new());
    let made = client
        .invoke("form", page().to_string().as_bytes())
        .unwrap();
    let html = made["form"].as_str().unwrap();
    let attribute = |from: &str| {
        let rest = &html[html.find(from).unwrap() + from.len()..];
        rest[..rest.find('"').unwrap()]
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    };
    let mut sent = fields(attribute("action=\"").split_once('?').unwrap().1);
    sent.insert(
        "biz_content".into(),
        attribute("name=\"biz_content\" value=\"").into_bytes(),
    );
    assert!(is_signed(&sent));
    assert!(html.contains("accept-charset=\"utf-8\"") && !html.contains("<Tee>"));
}

#[test]
fn pages_go_to_the_host_that_is_configured() {
    let config = config_with(
        json!({ "hosts": ["https://openapi-sandbox.dl.alipaydev.com"], "return_url": "https://shop.example/back" }),
    );
    let client = client_of(&config, &World::new()).unwrap();
    let mut order = page();
    order["query"] = json!({});
    let made = client.invoke("url", order.to_string().as_bytes()).unwrap();
    let url = made["url"].as_str().unwrap();
    assert!(url.starts_with("https://openapi-sandbox.dl.alipaydev.com/gateway.do?"));
    assert_eq!(
        fields(url.split_once('?').unwrap().1)["return_url"],
        b"https://shop.example/back"
    );
}

#[test]
fn what_is_no_page_is_refused() {
    let client = client(&World::new());
    for (kind, params, at) in [
        ("teleport", page(), "kind"),
        ("url", json!({}), "operation"),
        (
            "url",
            json!({ "operation": "alipay.trade.page.pay", "more": 1 }),
            "more",
        ),
    ] {
        let error = refused_as(
            Code::ParamsInvalid,
            client.invoke(kind, params.to_string().as_bytes()),
        );
        assert_eq!(field(&error), at);
    }
}
