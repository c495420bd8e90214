//! Answers of Alipay's gateway: arbitrary bytes, and arbitrary nodes that are signed. What is handed out is what was signed, to the byte.
#![no_main]

use payseal::call::{Step, Steps};
use payseal::crypto::base64;
use payseal_fuzz::{ALIPAY, sign};
use serde_json::Value;

const PARAMS: &[u8] = br#"{"body":{"out_trade_no":"A100"}}"#;

fn answer(body: &[u8]) -> Option<payseal::Result<payseal::call::Delivered>> {
    let mut call = ALIPAY.call("alipay.trade.query", PARAMS, b"").unwrap();
    if call.step() != Step::Send {
        return None; // after a thousand failures the host is left alone for a moment
    }
    call.respond_raw(200, b"", body).unwrap();
    assert_eq!(call.step(), Step::Done);
    Some(call.result())
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(result) = answer(data) {
        assert!(result.is_err(), "an answer that nobody signed was believed");
    }
    let signature = base64::encode(&sign(data));
    let body = [
        b"{\"alipay_trade_query_response\":",
        data,
        b",\"sign\":\"",
        signature.as_bytes(),
        b"\"}",
    ]
    .concat();
    if let Some(Ok(delivered)) = answer(&body) {
        assert_eq!(
            &**delivered.body, data,
            "something else than the signed span was handed out"
        );
        assert!(serde_json::from_slice::<Value>(data).unwrap().is_object());
    }
});
