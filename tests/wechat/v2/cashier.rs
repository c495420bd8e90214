//! What a mini-program, page or app needs to call up the cashier.

use payseal::Code;
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

fn invoke(client: &Client, kind: &str, params: Value) -> Result<serde_json::Map<String, Value>> {
    client.invoke(kind, params.to_string().as_bytes())
}

fn texts(map: &serde_json::Map<String, Value>, without: &str) -> Pairs {
    map.iter()
        .filter(|(name, _)| *name != without)
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn a_page_and_a_mini_program_get_what_they_sign() {
    for sign_type in ["HMAC-SHA256", "MD5"] {
        let client = client(json!({ "sign_type": sign_type }));
        let parameters = invoke(&client, "jsapi", json!({ "prepay_id": "wx1" })).unwrap();
        let names: Vec<&String> = parameters.keys().collect();
        assert_eq!(
            names,
            [
                "appId",
                "timeStamp",
                "nonceStr",
                "package",
                "signType",
                "paySign"
            ]
        );
        assert_eq!(
            (
                &parameters["package"],
                &parameters["signType"],
                &parameters["timeStamp"]
            ),
            (
                &json!("prepay_id=wx1"),
                &json!(sign_type),
                &json!(NOW.to_string())
            )
        );
        let expected = signature(sign_type, APIV2_KEY, &texts(&parameters, "paySign"));
        assert_eq!(parameters["paySign"], expected);
    }
}

#[test]
fn an_app_gets_names_in_lower_case() {
    let parameters = invoke(&client(json!({})), "app", json!({ "prepay_id": "wx1" })).unwrap();
    let names: Vec<&String> = parameters.keys().collect();
    assert_eq!(
        names,
        [
            "appid",
            "partnerid",
            "prepayid",
            "package",
            "noncestr",
            "timestamp",
            "sign"
        ]
    );
    assert_eq!(
        (
            &parameters["package"],
            &parameters["partnerid"],
            &parameters["prepayid"]
        ),
        (&json!("Sign=WXPay"), &json!(MCHID), &json!("wx1"))
    );
    assert_eq!(
        parameters["sign"],
        signature("HMAC-SHA256", APIV2_KEY, &texts(&parameters, "sign"))
    );
}

#[test]
fn addresses_are_checked_and_handed_on() {
    let client = client(json!({}));
    let h5 = invoke(&client, "h5", json!({ "mweb_url": "https://wx.tenpay.com/x?prepay_id=1", "redirect_url": "https://shop.example.com/a b" })).unwrap();
    assert_eq!(
        h5["mweb_url"],
        "https://wx.tenpay.com/x?prepay_id=1&redirect_url=https%3A%2F%2Fshop.example.com%2Fa%20b"
    );
    assert_eq!(
        invoke(
            &client,
            "native",
            json!({ "code_url": "weixin://wxpay/bizpayurl?pr=1" })
        )
        .unwrap()["code_url"],
        "weixin://wxpay/bizpayurl?pr=1"
    );
    refused_as(
        Code::ParamsInvalid,
        invoke(&client, "native", json!({ "code_url": "javascript:x" })),
    );
}

#[test]
fn a_page_of_the_provider_has_a_signed_address() {
    let query = json!({ "appid": APPID, "plan_id": "123", "contract_code": "c1", "request_serial": 1, "contract_display_account": "五 a", "notify_url": "https://shop.example.com/n?a=1", "version": "1.0", "timestamp": NOW.to_string() });
    let page = invoke(
        &client(json!({ "sign_type": "MD5" })),
        "page",
        json!({ "operation": "GET /papay/entrustweb", "query": query }),
    )
    .unwrap();
    let url = page["url"].as_str().unwrap();
    let (address, query) = url.split_once('?').unwrap();
    assert_eq!(address, "https://api.mch.weixin.qq.com/papay/entrustweb");
    let decoded: Pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.into(), percent_decoded(value)))
        .collect();
    assert_eq!(
        field(&decoded, "sign"),
        Some(signature("MD5", APIV2_KEY, &decoded).as_str()),
        "{url}"
    );
    let elsewhere = invoke(
        &client(json!({})),
        "page",
        json!({ "operation": "GET /papay/entrustweb", "query": json!({}), "origin": "http://127.0.0.1:8" }),
    );
    let _ = elsewhere.map(|page| {
        assert!(
            page["url"]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:8/papay/entrustweb?")
        )
    });
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&rest[..2]).unwrap(), 16).unwrap());
            rest = &rest[2..];
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let client = client(json!({ "appid": null }));
    for (kind, params, field) in [
        ("jsapi", json!({ "prepay_id": "wx1" }), "appid"),
        ("jsapi", json!({ "appid": APPID }), "prepay_id"),
        (
            "jsapi",
            json!({ "appid": APPID, "prepay_id": "prepay_id=wx1" }),
            "prepay_id",
        ),
        (
            "app",
            json!({ "appid": APPID, "prepay_id": "a\nb" }),
            "prepay_id",
        ),
        (
            "app",
            json!({ "appid": APPID, "prepay_id": "a", "x": 1 }),
            "x",
        ),
        ("sms", json!({}), "kind"),
        (
            "page",
            json!({ "operation": "POST /pay/unifiedorder" }),
            "operation",
        ),
    ] {
        let error = refused_as(Code::ParamsInvalid, invoke(&client, kind, params));
        assert_eq!(text(&error, "field"), field);
    }
}
