//! What calls up the cashier: signed with the merchant's key, checked by another implementation.

use payseal::crypto::{Verdict, base64};
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::support::merchant::{self, *};
use crate::support::platform::merchant_key;
use crate::support::{field, refused_as};

const PREPAY_ID: &str = "wx201410272009395522657a690389285100";

fn invoke(kind: &str, params: Value) -> payseal::Result<Value> {
    let (client, _) = merchant::client(config(json!({})));
    client
        .invoke(kind, params.to_string().as_bytes())
        .map(Value::Object)
}

#[track_caller]
fn signed_by_the_merchant(message: &str, signature: &Value) {
    let signature = base64::decode(signature.as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(
        merchant_key().verify_sha256(message.as_bytes(), &signature),
        Verdict::Valid,
        "{message:?}"
    );
}

#[test]
fn a_jsapi_page_gets_six_parameters_signed_over_four_lines() {
    let result = invoke("jsapi", json!({ "prepay_id": PREPAY_ID })).unwrap();
    let nonce = result["nonceStr"].as_str().unwrap();
    signed_by_the_merchant(
        &format!("{APPID}\n{NOW}\n{nonce}\nprepay_id={PREPAY_ID}\n"),
        &result["paySign"],
    );
    let expected = json!({
        "appId": APPID, "timeStamp": NOW.to_string(), "nonceStr": nonce,
        "package": format!("prepay_id={PREPAY_ID}"), "signType": "RSA", "paySign": result["paySign"],
    });
    assert_eq!(result, expected);
    assert_eq!(nonce.len(), 32);
}

#[test]
fn an_app_gets_seven_parameters_signed_over_the_bare_prepay_id() {
    for (partner, expected) in [(Value::Null, MCHID), (json!("1900000109"), "1900000109")] {
        let params = json!({ "prepay_id": PREPAY_ID, "partnerid": partner, "appid": "wxother" });
        let result = invoke("app", params).unwrap();
        let nonce = result["noncestr"].as_str().unwrap();
        signed_by_the_merchant(
            &format!("wxother\n{NOW}\n{nonce}\n{PREPAY_ID}\n"),
            &result["sign"],
        );
        let expected = json!({
            "appid": "wxother", "partnerid": expected, "prepayid": PREPAY_ID, "package": "Sign=WXPay",
            "noncestr": nonce, "timestamp": NOW.to_string(), "sign": result["sign"],
        });
        assert_eq!(result, expected);
    }
}

#[test]
fn an_h5_address_gets_the_way_back_percent_encoded() {
    let address = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx2016&package=1";
    let back = "https://shop.example.com/done?a=1&b=五 +#x";
    let result = invoke("h5", json!({ "h5_url": address, "redirect_url": back })).unwrap();
    assert_eq!(
        result["h5_url"],
        format!(
            "{address}&redirect_url=https%3A%2F%2Fshop.example.com%2Fdone%3Fa%3D1%26b%3D%E4%BA%94%20%2B%23x"
        )
    );
    assert_eq!(
        invoke("h5", json!({ "h5_url": address })).unwrap(),
        json!({ "h5_url": address })
    );
}

#[test]
fn a_native_code_is_passed_through() {
    let url = "weixin://wxpay/bizpayurl?pr=p4lpSuKzz";
    assert_eq!(
        invoke("native", json!({ "code_url": url })).unwrap(),
        json!({ "code_url": url })
    );
}

#[test]
fn two_calls_of_the_cashier_have_two_nonces() {
    let (client, _) = merchant::client(config(json!({})));
    let nonce = || {
        let params = json!({ "prepay_id": PREPAY_ID }).to_string();
        client.invoke("jsapi", params.as_bytes()).unwrap()["nonceStr"].clone()
    };
    assert_ne!(nonce(), nonce());
}

#[test]
fn parameters_that_would_forge_a_line_or_a_link_are_refused() {
    for (kind, params, expected) in [
        ("jsapi", json!({}), "prepay_id"),
        ("jsapi", json!({ "prepay_id": "" }), "prepay_id"),
        ("jsapi", json!({ "prepay_id": 1 }), "prepay_id"),
        ("jsapi", json!({ "prepay_id": "a\nb" }), "prepay_id"),
        (
            "jsapi",
            json!({ "prepay_id": format!("prepay_id={PREPAY_ID}") }),
            "prepay_id",
        ),
        (
            "jsapi",
            json!({ "prepay_id": "x", "appid": "wx\r1" }),
            "appid",
        ),
        (
            "jsapi",
            json!({ "prepay_id": "x", "partnerid": "1" }),
            "partnerid",
        ),
        (
            "app",
            json!({ "prepay_id": "x", "partnerid": "" }),
            "partnerid",
        ),
        ("h5", json!({ "h5_url": "javascript:alert(1)" }), "h5_url"),
        (
            "h5",
            json!({ "h5_url": "https://a", "redirect_url": "/done" }),
            "redirect_url",
        ),
        ("native", json!({}), "code_url"),
        ("native", json!({ "code_url": "x" }), "code_url"),
        (
            "native",
            json!({ "code_url": "weixin://x", "h5_url": "https://a" }),
            "h5_url",
        ),
        ("miniprogram", json!({}), "kind"),
        ("JSAPI", json!({ "prepay_id": "x" }), "kind"),
        ("jsapi", json!([]), "params"),
    ] {
        let error = refused_as(Code::ParamsInvalid, invoke(kind, params.clone()));
        assert_eq!(field(&error), expected, "{kind} {params}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}

#[test]
fn without_an_app_id_anywhere_nothing_is_signed() {
    let (client, _) = merchant::client(config(json!({ "appid": null })));
    let error = refused_as(
        Code::ParamsInvalid,
        client.invoke("jsapi", br#"{"prepay_id":"x"}"#),
    );
    assert_eq!(field(&error), "appid");
}
