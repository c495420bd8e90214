//! No text that leaves the library gives a secret away. Every error and log record of these tests is searched as it comes; here the search
//! itself is tested, and what else can be printed.

use serde_json::json;

use crate::support::canary::{self, PAYER_NAME, PROXY_PASSWORD};
use crate::support::drive::{self, execute};
use crate::support::merchant::{self, *};
use crate::support::platform::BY_PUBLIC_KEY;
use crate::support::refused;

#[test]
fn the_search_finds_what_must_not_be_there() {
    let body: String = MERCHANT.private.lines().skip(3).take(1).collect();
    let hex: String = APIV3_KEY.bytes().map(|b| format!("{b:02X}")).collect();
    for text in [
        APIV3_KEY,
        &APIV3_KEY[3..25],
        &hex,
        &body,
        PREVIOUS_APIV3_KEY,
        PROXY_PASSWORD,
        PAYER_NAME,
        OPENID,
    ] {
        let text = format!("the value {text} is wrong");
        assert!(canary::found_in(&text).is_some(), "{text}");
    }
    assert_eq!(canary::found_in("the APIv3 key has 31 bytes"), None);
}

#[test]
fn a_configuration_with_every_secret_misplaced_tells_none_of_them() {
    // Each secret where each other value belongs.
    let secrets = [
        APIV3_KEY.to_owned(),
        MERCHANT.private.clone(),
        format!("http://user:{PROXY_PASSWORD}@proxy"),
    ];
    for secret in &secrets {
        for key in [
            "provider",
            "mchid",
            "merchant_serial",
            "merchant_certificate",
            "apiv3_key",
            "private_key",
            "platform_serial",
            "proxy",
            "root_certificates",
            "timestamp_window_s",
        ] {
            if let Err(error) =
                crate::configuration::made(&config(json!({ key: secret })).to_string())
            {
                refused::<()>(Err(error));
            }
        }
        for (key, value) in [
            ("hosts", json!([secret])),
            ("platform_certificates", json!([secret])),
            ("platform_public_keys", json!({ PUBLIC_KEY_ID: secret })),
            ("retry", json!(secret)),
            ("timeouts", json!({ "total_ms": secret })),
        ] {
            refused(crate::configuration::made(
                &config(json!({ key: value })).to_string(),
            ));
        }
        refused(crate::configuration::made(secret));
        refused(crate::configuration::made(&format!(
            "{{\"private_key\": {secret}"
        )));
    }
}

#[test]
fn parameters_and_answers_stay_out_of_errors_and_logs() {
    let (client, world) = merchant::client(config(json!({})));
    let mut params = jsapi_order();
    params["body"]["payer"]["identity"] =
        json!({ "type": "IDCARD", "number": "110101199003074258", "name": PAYER_NAME });
    for result in [
        execute(&client, JSAPI, &params, |_| Err(drive::lost())),
        execute(&client, JSAPI, &params, |_| {
            Ok(BY_PUBLIC_KEY.json(400, json!({ "code": "PARAM_ERROR" })))
        }),
    ] {
        refused(result);
    }
    params["body"]["unknown"] = PAYER_NAME.into();
    refused(
        client
            .call(JSAPI, params.to_string().as_bytes(), b"")
            .map(drop),
    );
    params["body"]["payer"]["openid"] = json!(["x", OPENID]);
    refused(
        client
            .call(JSAPI, params.to_string().as_bytes(), b"")
            .map(drop),
    );
    execute(&client, JSAPI, &jsapi_order(), |_| {
        Ok(BY_PUBLIC_KEY.json(200, json!({ "prepay_id": "wx1" })))
    })
    .unwrap();
    let records = world.records();
    assert!(records.len() >= 3);
    for record in &records {
        let text = record.to_string();
        canary::check(&text);
        for word in ["Authorization", "signature", "BEGIN", "prepay_id"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        assert!(record["event"].is_string() && record["ts_ms"].is_i64());
    }
    canary::check(&client.metrics());
}
