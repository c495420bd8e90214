//! APIv2: flat XML signed with a shared key, over the same orders, refunds and cashier as APIv3.
//!
//! The client certificate that the provider demands for some operations cannot be seen on a plain loopback connection: here they are
//! carried out without it.

mod bills;
mod diagnosis;
mod exchange;
mod notifications;
mod operations;
mod signing;
mod xml;

use std::sync::Arc;

use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock;
use crate::crypto::random_text;
use crate::diagnosis::causes::{self, Cause};
use crate::exchanges::Exchange;
use crate::keys::Merchant;
use crate::sandbox::{RequestRecord, Sandbox};

use self::signing::{SignType, sign};
use self::xml::{Fields, field};

pub use self::exchange::{open_information, signed};
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
    File {
        content_type: &'static str,
        bytes: Vec<u8>,
        /// What the header `Digest` says.
        digest: Option<String>,
    },
    /// A refusal that nobody signs.
    Unsigned(Fields),
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
    let (head, body) = request.into_parts();
    let target = head.uri.path().to_owned();
    let body = to_bytes(body, LONGEST_BODY).await.unwrap_or_default();
    let mut seen = exchange::begin(&sandbox.merchant, &target, &head.headers, &body);
    let said = answered(&sandbox, &target, &body, &mut seen);
    let mut response = said.body.clone().into_response();
    *response.status_mut() = said.status;
    if let Some(kind) = said.content_type {
        let kind = HeaderValue::from_static(kind);
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    if let Some(digest) = said.digest {
        response.headers_mut().insert("digest", digest);
    }
    let answer = (said.status.as_u16(), response.headers(), &said.body[..]);
    let code = said.code.as_deref();
    exchange::answered(&sandbox.merchant, &mut seen, answer, code, said.cause);
    sandbox.exchanges().add(seen);
    sandbox.record(RequestRecord {
        at: clock::rfc3339(clock::now()),
        method: head.method.to_string(),
        target,
        status: Some(said.status.as_u16()),
        code: said.code,
        faults: Vec::new(),
        nonce: None,
        timestamp: None,
        wechatpay_serial: None,
        request_id: None,
    });
    response
}

/// An answer, and what the view of exchanges says of it.
struct Said {
    status: StatusCode,
    content_type: Option<&'static str>,
    /// The header that goes with some bills.
    digest: Option<HeaderValue>,
    body: Bytes,
    /// Of a refusal.
    code: Option<String>,
    cause: Option<&'static Cause>,
}

impl Said {
    fn document(fields: &[(String, String)]) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: Some("text/xml;charset=utf-8"),
            digest: None,
            body: xml::write("xml", fields).into(),
            code: None,
            cause: None,
        }
    }

    /// A refusal that nobody signs.
    fn failed(cause: &'static Cause, words: &str) -> Self {
        let fields = own(&[("return_code", "FAIL"), ("return_msg", words)]);
        Self::unsigned(cause, &fields)
    }

    /// The same with fields of its own.
    fn unsigned(cause: &'static Cause, fields: &Fields) -> Self {
        let code = field(fields, "err_code").or(field(fields, "error_code"));
        Self {
            code: Some(code.unwrap_or("FAIL").to_owned()),
            cause: Some(cause),
            ..Self::document(fields)
        }
    }
}

fn answered(sandbox: &Arc<Sandbox>, target: &str, body: &Bytes, seen: &mut Exchange) -> Said {
    let (path, key) = match target.strip_prefix(SANDBOX_PREFIX) {
        Some(path) => (path, signing::sandbox_key(&sandbox.merchant)),
        None => (target, signing::api_key(&sandbox.merchant)),
    };
    let Some(operation) = operations::find(path) else {
        return Said {
            status: StatusCode::NOT_FOUND,
            content_type: None,
            digest: None,
            body: Bytes::new(),
            code: None,
            cause: Some(causes::NO_SUCH_OPERATION),
        };
    };
    seen.operation = Some(format!("POST {path}"));
    let Some(request) = std::str::from_utf8(body).ok().and_then(xml::read) else {
        return Said::failed(causes::V2_XML, "XML格式错误");
    };
    let Some(sign_type) = SignType::of(field(&request, "sign_type")) else {
        return Said::failed(causes::V2_SIGN_TYPE_UNKNOWN, "签名类型错误");
    };
    if field(&request, "sign") != Some(sign(sign_type, &key, &request).as_str()) {
        exchange::explain(&sandbox.merchant, seen, &request, sign_type, &key);
        return Said::failed(causes::V2_NOTHING_FITS, "签名错误");
    }
    if field(&request, "mch_id") != Some(sandbox.merchant.mchid.as_str()) {
        return Said::failed(causes::V2_MERCHANT_OTHER, "mch_id参数错误");
    }
    if path == SIGN_KEY {
        return Said::document(&own(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "ok"),
            ("mch_id", &sandbox.merchant.mchid),
            ("sandbox_signkey", &signing::sandbox_key(&sandbox.merchant)),
        ]));
    }
    if field(&request, "appid") != Some(sandbox.merchant.appid.as_str()) {
        return Said::failed(causes::V2_MERCHANT_OTHER, "appid不存在");
    }
    if field(&request, "nonce_str").is_none_or(|nonce| nonce.len() > 32) {
        return Said::failed(causes::PARAMETER, "缺少参数nonce_str");
    }
    let (rest, code) = match operation(sandbox, &request) {
        Reply::Unsigned(fields) => return Said::unsigned(causes::STATE, &fields),
        Reply::File {
            content_type,
            bytes,
            digest,
        } => {
            return Said {
                content_type: Some(content_type),
                digest: digest.and_then(|digest| HeaderValue::try_from(digest).ok()),
                body: bytes.into(),
                ..Said::document(&[])
            };
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
    Said {
        code,
        ..Said::document(&fields)
    }
}

fn own(fields: &[(&str, &str)]) -> Fields {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}
