//! What a page and a mini-program need.

use payseal::Code;
use serde_json::{Value, json};

use super::*;
use crate::support::drive::{execute, request};
use crate::support::openssl;
use crate::support::{field, refused_as};

/// The other implementation: openssl's SHA-1 over the text that the platform's documentation describes.
fn by_openssl(ticket: &str, nonce: &str, timestamp: i64, url: &str) -> String {
    let text = format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}");
    let digest = openssl::run(&["dgst", "-sha1", "-binary"], text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signature_of(config: &Value, url: &str) -> String {
    let nonce = config["nonceStr"].as_str().unwrap();
    by_openssl(TICKET, nonce, config["timestamp"].as_i64().unwrap(), url)
}

/// What openssl is given here is what the platform means. That the library signs the example so is tested beside its code, since the nonce
/// is nobody's to choose.
#[test]
fn openssl_signs_the_published_example_as_the_platform_says() {
    let ticket =
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
    let url = "http://mp.weixin.qq.com?params=value";
    assert_eq!(
        by_openssl(ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, url),
        "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    );
}

#[test]
fn the_configuration_of_a_page_is_signed_as_openssl_says() {
    let client = client(&World::new(), None);
    let params = json!({ "body": { "url": "https://shop.example.com/cart?a=1&b=2#top" } });
    let (config, _) = run(&client, "js_config", params, vec![token(), ticket()]);
    let config = config.unwrap();
    assert_eq!(config["appId"], APPID);
    assert_eq!(
        config["signature"],
        signature_of(&config, "https://shop.example.com/cart?a=1&b=2")
    );
    let again = client
        .invoke(
            "js_config",
            json!({ "url": "https://shop.example.com/", "jsapi_ticket": TICKET })
                .to_string()
                .as_bytes(),
        )
        .unwrap();
    let again = Value::Object(again);
    assert_eq!(
        again["signature"],
        signature_of(&again, "https://shop.example.com/")
    );
}

#[test]
fn the_secret_goes_where_it_is_needed_and_nowhere_else() {
    let client = client(&World::new(), None);
    let session = request(
        &client,
        "GET /sns/jscode2session",
        &json!({ "query": { "js_code": CODE } }),
    )
    .unwrap();
    let query = session.target.split_once('?').unwrap().1;
    let mut pairs: Vec<&str> = query.split('&').collect();
    pairs.sort();
    assert_eq!(
        pairs,
        [
            format!("appid={APPID}"),
            "grant_type=authorization_code".to_owned(),
            format!("js_code={CODE}"),
            format!("secret={SECRET}"),
        ]
    );
    let ticket = request(
        &client,
        "GET /cgi-bin/ticket/getticket",
        &json!({ "query": { "access_token": TOKEN, "type": "jsapi" } }),
    )
    .unwrap();
    assert!(!ticket.target.contains(SECRET));
}

#[test]
fn a_code_is_exchanged_for_the_user_and_says_that_nobody_signed_it() {
    let client = client(&World::new(), None);
    let delivered = execute(
        &client,
        "GET /sns/jscode2session",
        &json!({ "query": { "js_code": CODE } }),
        |_| answer(json!({ "openid": "oUpF8uMuAJO", "session_key": SESSION_KEY })),
    )
    .unwrap();
    assert_eq!(value(&delivered)["openid"], "oUpF8uMuAJO");
    assert_eq!(delivered.info()["verified"], false);
}

#[test]
fn what_is_no_page_is_refused() {
    let client = client(&World::new(), None);
    for url in [
        json!("shop.example.com"),
        json!("https://"),
        json!("https://a b"),
        json!(1),
        Value::Null,
    ] {
        let params = json!({ "body": { "url": url } }).to_string();
        let error = refused_as(
            Code::ParamsInvalid,
            client.flow("js_config", params.as_bytes()),
        );
        assert_eq!(field(&error), "body.url");
    }
    let unknown =
        json!({ "url": "https://shop.example.com/", "jsapi_ticket": TICKET, "x": 1 }).to_string();
    assert_eq!(
        field(&refused_as(
            Code::ParamsInvalid,
            client.invoke("js_config", unknown.as_bytes())
        )),
        "x"
    );
    refused_as(Code::ParamsInvalid, client.invoke("jsapi", b"{}"));
    for (flow, params) in [
        ("access_token", r#"{"body":{"x":1}}"#),
        ("access_token", r#"{"body":[]}"#),
        (
            "access_token",
            r#"{"body":{"url":"https://shop.example.com/"}}"#,
        ),
        ("access_token", r#"{"query":{"invalid_token":"72_x"}}"#),
        ("jsapi_ticket", r#"{"body":{"invalid_token":"72_x"}}"#),
    ] {
        refused_as(Code::ParamsInvalid, client.flow(flow, params.as_bytes()));
    }
    for invalid in ["1", "\"\"", "[]"] {
        let params = format!(r#"{{"body":{{"invalid_token":{invalid}}}}}"#);
        let error = refused_as(
            Code::ParamsInvalid,
            client.flow("access_token", params.as_bytes()),
        );
        assert_eq!(field(&error), "body.invalid_token");
    }
}
