//! APIv2: flat XML signed with a shared key, over the same orders, refunds and cashier as APIv3.
//!
//! The client certificate that the provider demands for some operations cannot be seen on a plain loopback connection: here they are
//! carried out without it.

mod notifications;
mod operations;
mod signing;
mod xml;

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock;
use crate::crypto::random_text;
use crate::keys::Merchant;
use crate::sandbox::{RequestRecord, Sandbox};

use self::signing::{SignType, sign};
use self::xml::{Fields, field};

pub use self::notifications::{Notice, refund_notice, transaction_notice};

const LONGEST_BODY: usize = 1 << 20;
const SANDBOX_PREFIX: &str = "/xdc/apiv2sandbox";
const SIGN_KEY: &str = "/xdc/apiv2getsignkey/sign/getsignkey";

/// What an operation answers.
pub enum Reply {
    Fields(Fields),
    /// A business refusal: signed like a success.
    Refused {
        code: &'static str,
        words: String,
    },
    /// A bill as it is.
    Text(String),
    /// A refusal that nobody signs.
    Failed {
        code: Option<&'static str>,
        words: String,
    },
}

/// The configuration for payseal.
pub fn configuration(host: &str, merchant: &Merchant, private_key_pem: &str) -> Value {
    json!({
        "provider": "wechat-v2",
        "mchid": merchant.mchid,
        "apiv2_key": signing::api_key(merchant),
        "appid": merchant.appid,
        "client_certificate": merchant.certificate_pem,
        "client_key": private_key_pem,
        "hosts": [host],
    })
}

pub async fn answer(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let target = request.uri().path().to_owned();
    let method = request.method().to_string();
    let body = to_bytes(request.into_body(), LONGEST_BODY)
        .await
        .unwrap_or_default();
    let (status, code, response) = answered(&sandbox, &target, &body);
    sandbox.record(RequestRecord {
        at: clock::rfc3339(clock::now()),
        method,
        target,
        status: Some(status.as_u16()),
        code,
        faults: Vec::new(),
        nonce: None,
        timestamp: None,
        wechatpay_serial: None,
        request_id: None,
    });
    response
}

fn answered(
    sandbox: &Arc<Sandbox>,
    target: &str,
    body: &Bytes,
) -> (StatusCode, Option<String>, Response) {
    let (path, key) = match target.strip_prefix(SANDBOX_PREFIX) {
        Some(path) => (path, signing::sandbox_key(&sandbox.merchant)),
        None => (target, signing::api_key(&sandbox.merchant)),
    };
    let Some(operation) = operations::find(path) else {
        return (
            StatusCode::NOT_FOUND,
            None,
            StatusCode::NOT_FOUND.into_response(),
        );
    };
    let failed = |code: Option<&'static str>, words: &str| {
        let mut fields = vec![
            ("return_code".to_owned(), "FAIL".to_owned()),
            ("return_msg".to_owned(), words.to_owned()),
        ];
        if let Some(code) = code {
            fields.push(("error_code".into(), code.into()));
        }
        (
            StatusCode::OK,
            Some(code.unwrap_or("FAIL").to_owned()),
            document(&fields),
        )
    };
    let Some(request) = std::str::from_utf8(body).ok().and_then(xml::read) else {
        return failed(None, "XML格式错误");
    };
    let Some(sign_type) = SignType::of(field(&request, "sign_type")) else {
        return failed(None, "签名类型错误");
    };
    if field(&request, "sign") != Some(sign(sign_type, &key, &request).as_str()) {
        return failed(None, "签名错误");
    }
    if field(&request, "mch_id") != Some(sandbox.merchant.mchid.as_str()) {
        return failed(None, "mch_id参数错误");
    }
    if path == SIGN_KEY {
        let fields = own(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "ok"),
            ("mch_id", &sandbox.merchant.mchid),
            ("sandbox_signkey", &signing::sandbox_key(&sandbox.merchant)),
        ]);
        return (StatusCode::OK, None, document(&fields));
    }
    if field(&request, "appid") != Some(sandbox.merchant.appid.as_str()) {
        return failed(None, "appid不存在");
    }
    if field(&request, "nonce_str").is_none_or(|nonce| nonce.len() > 32) {
        return failed(None, "缺少参数nonce_str");
    }
    let (rest, code) = match operation(sandbox, &request) {
        Reply::Failed { code, words } => return failed(code, &words),
        Reply::Text(text) => {
            let head = [(header::CONTENT_TYPE, "text/plain;charset=utf-8")];
            return (StatusCode::OK, None, (head, text).into_response());
        }
        Reply::Fields(fields) => (fields, None),
        Reply::Refused { code, words } => (
            own(&[
                ("result_code", "FAIL"),
                ("err_code", code),
                ("err_code_des", &words),
            ]),
            Some(code.to_owned()),
        ),
    };
    let mut fields = own(&[
        ("return_code", "SUCCESS"),
        ("return_msg", "OK"),
        ("appid", &sandbox.merchant.appid),
        ("mch_id", &sandbox.merchant.mchid),
        ("nonce_str", &random_text(16)),
    ]);
    if code.is_none() {
        fields.push(("result_code".into(), "SUCCESS".into()));
    }
    fields.extend(rest);
    let signature = sign(sign_type, &key, &fields);
    fields.push(("sign".into(), signature));
    (StatusCode::OK, code, document(&fields))
}

fn document(fields: &[(String, String)]) -> Response {
    let head = [(header::CONTENT_TYPE, "text/xml;charset=utf-8")];
    (head, xml::write("xml", fields)).into_response()
}

fn own(fields: &[(&str, &str)]) -> Fields {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
