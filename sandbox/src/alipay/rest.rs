//! REST v3: `/v3/alipay/…`, the same methods by path, signed in the header `Authorization`, answered with signed headers.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::crypto::random_text;
use crate::faults::{Fault, Group, Kind as FaultKind, Place};
use crate::sandbox::Sandbox;
use crate::signing::Spoiling;
use crate::truncated::Truncated;
use crate::upload;

use super::canonical::{Params, read_form};
use super::charset::Charset;
use super::cipher;
use super::envelope::{Envelope, Mode, Style, sign};
use super::gateway::read_multipart;
use super::mistake::mistake_for_another;
use super::oauth;
use super::operations::{self, Ask, File, Kind, Operation, Party, Reply};
use super::outcome::{Instead, Outcome};
use super::record::{Seen, concerned};
use super::refusal::Refusal;
use super::signing::SignType;

const LONGEST_BODY: usize = 2 << 20;
/// How long a signature is good when the header does not say, and how far a clock may be ahead.
const WINDOW_MS: i64 = 600_000;
const STALE_BY_MS: i64 = 600_000;

/// Methods that are read with GET; all others are POST.
const GET: &[&str] = &[
    "alipay.data.bill.ereceipt.query",
    "alipay.data.dataservice.bill.downloadurl.query",
    "alipay.data.bill.accountlog.query",
    "alipay.data.bill.balance.query",
    "alipay.data.bill.sell.query",
    "alipay.fund.account.query",
    "alipay.fund.quota.query",
    "alipay.fund.trans.common.query",
    "alipay.user.agreement.query",
];

/// Methods that only gateway v2 has.
const GATEWAY_ONLY: &[&str] = &["alipay.open.app.alipaycert.download"];

struct Received {
    head: Parts,
    /// As sent; of a form, its part `data`: what is signed.
    body: Bytes,
    query: Map<String, Value>,
    files: Vec<File>,
}

pub async fn answer(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let is_form = upload::is_form(&head.headers);
    let longest = if is_form {
        upload::LONGEST
    } else {
        LONGEST_BODY
    };
    let Ok(whole) = to_bytes(body, longest).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    tokio::spawn(handle(sandbox, head, whole, is_form))
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn handle(sandbox: Arc<Sandbox>, head: Parts, whole: Bytes, is_form: bool) -> Response {
    let mut body = whole.clone();
    let mut files = Vec::new();
    if is_form {
        let mut parts = Vec::new();
        read_multipart(&head.headers, &whole, &mut parts, &mut files).await;
        let data = parts.into_iter().find(|(name, _)| *name == "data");
        body = data.map_or_else(Bytes::new, |(_, data)| data);
    }
    let query = read_form(head.uri.query().unwrap_or_default().as_bytes());
    let query = query
        .iter()
        .map(|(name, value)| {
            (
                Charset::Utf8.decode(name),
                Charset::Utf8.decode(value).into(),
            )
        })
        .collect();
    let received = Received {
        head,
        body,
        query,
        files,
    };
    let operation = route(&received.head);
    let content = content(&sandbox, &received);
    let number = content
        .as_ref()
        .ok()
        .and_then(|content| concerned(&sandbox, content));
    let path = received.head.uri.path();
    let place = Place::Answer {
        operation: operation.map(|operation| operation.name),
        path,
        out_trade_no: number.as_deref(),
    };
    let struck = sandbox
        .faults()
        .strike(&place, &[Group::Delay, Group::Rotation, Group::Outcome]);
    let name = operation.map_or("", |operation| operation.name);
    let mut seen = Seen::new(&received.head, &whole, name, number, &struck);
    let response = exchange(&sandbox, &received, operation, content, &struck, &mut seen).await;
    seen.finish(&sandbox, &response);
    response
}

/// `/v3/alipay/trade/query` is `alipay.trade.query`.
fn route(head: &Parts) -> Option<&'static Operation> {
    let name = head.uri.path().strip_prefix("/v3/")?.replace('/', ".");
    let operation = operations::find(&name)?;
    let verb = if GET.contains(&operation.name) {
        "GET"
    } else {
        "POST"
    };
    let here = operation.kind == Kind::Api && !GATEWAY_ONLY.contains(&operation.name);
    (here && head.method == verb).then_some(operation)
}

/// Query and body as one object.
fn content(sandbox: &Sandbox, received: &Received) -> Result<Value, Refusal> {
    let invalid = |words: &str| Refusal::invalid("isv.invalid-parameter", words);
    let mut content = received.query.clone();
    if !received.body.is_empty() {
        let plain = match received.head.headers.get("alipay-encrypt-type") {
            None => received.body.to_vec(),
            Some(_) => {
                let sealed = std::str::from_utf8(&received.body).unwrap_or_default();
                cipher::decrypt(&sandbox.alipay.app.encrypt_key, sealed).ok_or_else(|| {
                    Refusal::invalid("isv.decryption-error-unknown", "解密出错，未知异常")
                })?
            }
        };
        let body: Value =
            serde_json::from_slice(&plain).map_err(|_| invalid("请求体须为JSON对象"))?;
        let Value::Object(body) = body else {
            return Err(invalid("请求体须为JSON对象"));
        };
        content.extend(body);
    }
    Ok(content.into())
}

async fn exchange(
    sandbox: &Arc<Sandbox>,
    received: &Received,
    operation: Option<&'static Operation>,
    content: Result<Value, Refusal>,
    struck: &[Fault],
    seen: &mut Seen,
) -> Response {
    let outcome = match Outcome::begin(sandbox, struck).await {
        Ok(outcome) => outcome,
        Err(over) => return *over,
    };
    let (style, checked) = check(sandbox, received, seen);
    let perform = || {
        let party = checked.clone()?;
        let operation = operation.ok_or_else(|| {
            Refusal::invalid("isv.invalid-method", "不存在的接口，请检查路径与HTTP方法")
        })?;
        let ask = Ask {
            sandbox,
            params: &Params::default(),
            body: content.clone()?,
            files: &received.files,
            style,
            party,
        };
        (operation.perform)(&ask)
    };
    let result = match outcome.takes_effect() {
        true => perform(),
        // What comes instead is another answer.
        false => Ok(Reply::Done(Value::Null)),
    };
    let result = match outcome.instead(sandbox) {
        None => result,
        Some(Instead::Refusal(refusal)) => Err(refusal),
        Some(Instead::Other(response)) => return response,
    };
    let (status, mut node, is_signed) = match result {
        Ok(Reply::Done(fields) | Reply::Bare(fields) | Reply::Pending(fields)) => {
            (StatusCode::OK, fields, true)
        }
        Ok(Reply::Page(_)) => return StatusCode::NOT_FOUND.into_response(),
        Err(refusal) => {
            seen.refused(sandbox, &Params::default(), &refusal);
            (
                status(&refusal),
                error(sandbox, &refusal),
                !refusal.unsigned,
            )
        }
    };
    if outcome.is(FaultKind::WrongAnswer) {
        mistake_for_another(&mut node);
    }
    let spoiling = match is_signed {
        true => outcome.spoiling(),
        false => Spoiling::Unsigned,
    };
    let cut = outcome.is(FaultKind::TruncatedBody);
    sent(sandbox, style, status, (&node, cut), spoiling, seen)
}

fn status(refusal: &Refusal) -> StatusCode {
    match refusal.sub_code.as_str() {
        "isp.unknow-error" => StatusCode::INTERNAL_SERVER_ERROR,
        "isv.app-call-limited" => StatusCode::TOO_MANY_REQUESTS,
        "isv.invalid-method" => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// `{code, message, details, links}`; the code is that of gateway v2 without who is to blame.
fn error(sandbox: &Sandbox, refusal: &Refusal) -> Value {
    let code = ["isv.", "isp.", "aop."]
        .iter()
        .find_map(|prefix| refusal.sub_code.strip_prefix(prefix));
    json!({
        "code": code.unwrap_or(&refusal.sub_code),
        "message": refusal.sub_msg,
        "details": [],
        "links": [{ "link": format!("{}/sandbox/exchanges", sandbox.address), "desc": "解决方案" }],
    })
}

/// `Authorization: ALIPAY-SHA256withRSA app_id=…,nonce=…,timestamp=…,sign=…`
struct Authorization<'a> {
    /// Everything but the signature: the first line of what is signed.
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        let line = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (signed, signature) = line
            .strip_prefix("ALIPAY-SHA256withRSA ")?
            .split_once(",sign=")?;
        Some(Self { signed, signature })
    }

    fn field(&self, name: &str) -> Option<&'a str> {
        self.signed
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(key, value)| (key.trim() == name && !value.is_empty()).then_some(value))
    }
}

fn check(
    sandbox: &Sandbox,
    received: &Received,
    seen: &mut Seen,
) -> (Style, Result<Party, Refusal>) {
    let headers = &received.head.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut style = Style {
        mode: Mode::Key,
        charset: Charset::Utf8,
        sign_type: SignType::Rsa2,
        encrypted: text("alipay-encrypt-type").is_some(),
    };
    let Some(authorization) = Authorization::of(headers) else {
        let words = "缺少签名参数，Authorization须为ALIPAY-SHA256withRSA …,sign=…";
        return (
            style,
            Err(Refusal::missing("isv.missing-signature", words).unsigned()),
        );
    };
    let serial = authorization.field("app_cert_sn");
    if serial.is_some() {
        style.mode = Mode::Certificate;
    }
    let target = received
        .head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut message = format!(
        "{}\n{}\n{target}\n{}\n",
        authorization.signed,
        received.head.method,
        String::from_utf8_lossy(&received.body),
    );
    if let Some(token) = text("alipay-app-auth-token") {
        message.push_str(token);
        message.push('\n');
    }
    let fields = ["nonce", "timestamp"].map(|name| authorization.field(name));
    seen.rest(
        message.clone(),
        authorization.signature,
        [serial, fields[0], fields[1]],
    );
    let checked = credentials(sandbox, &authorization, headers, &message);
    (style, checked)
}

fn credentials(
    sandbox: &Sandbox,
    authorization: &Authorization,
    headers: &HeaderMap,
    message: &str,
) -> Result<Party, Refusal> {
    let app = &sandbox.alipay.app;
    let missing = |name: &str| Refusal::missing(&format!("isv.missing-{name}"), "缺少参数");
    let app_id = authorization
        .field("app_id")
        .ok_or_else(|| missing("app-id").unsigned())?;
    if app_id != app.id {
        return Err(Refusal::invalid("isv.invalid-app-id", "无效的AppID参数").unsigned());
    }
    if let Some(sn) = authorization.field("app_cert_sn") {
        if sn != app.certificate_sn {
            let words = format!("应用公钥证书序列号不匹配，应为{}", app.certificate_sn);
            return Err(Refusal::invalid("isv.invalid-app-cert-sn", words));
        }
        let root = headers.get("alipay-root-cert-sn");
        let root = root.ok_or_else(|| missing("alipay-root-cert-sn"))?;
        if root != app.root_sn.as_str() {
            let words = format!("支付宝根证书序列号不匹配，应为{}", app.root_sn);
            return Err(Refusal::invalid("isv.invalid-alipay-root-cert-sn", words));
        }
    }
    authorization
        .field("nonce")
        .ok_or_else(|| missing("nonce"))?;
    let timestamp = authorization
        .field("timestamp")
        .ok_or_else(|| missing("timestamp"))?;
    if !SignType::Rsa2.verify(&app.key, message.as_bytes(), authorization.signature) {
        let words = format!(
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：{message}"
        );
        return Err(Refusal::invalid("isv.invalid-signature", words));
    }
    let window = match authorization.field("expired_seconds") {
        Some(seconds) => seconds
            .parse::<u32>()
            .ok()
            .map(|seconds| i64::from(seconds) * 1000),
        None => Some(WINDOW_MS),
    };
    let now = clock::milliseconds();
    let at = timestamp
        .parse::<i64>()
        .ok()
        .filter(|_| timestamp.len() == 13);
    let is_fresh = match (at, window) {
        (Some(at), Some(window)) => now - at <= window && at - now <= WINDOW_MS,
        _ => false,
    };
    if !is_fresh {
        let words = format!("非法的时间戳参数，须为毫秒，现在是{now}");
        return Err(Refusal::invalid("isv.invalid-timestamp", words));
    }
    let token = headers.get("alipay-app-auth-token");
    oauth::party(
        sandbox,
        token.map(|token| token.to_str().unwrap_or_default()),
    )
}

fn sent(
    sandbox: &Sandbox,
    style: Style,
    status: StatusCode,
    (node, cut): (&Value, bool),
    spoiling: Spoiling,
    seen: &mut Seen,
) -> Response {
    let body = match style.encrypted && status.is_success() {
        true => cipher::encrypt(&sandbox.alipay.app.encrypt_key, node.to_string().as_bytes()),
        false => node.to_string(),
    };
    let bytes = Bytes::from(body.clone());
    let age = if spoiling == Spoiling::StaleTime {
        STALE_BY_MS
    } else {
        0
    };
    let skew = sandbox.settings().clock_skew_s * 1000;
    let timestamp = (clock::milliseconds() + skew - age).to_string();
    let nonce = random_text(32);
    let message = format!("{timestamp}\n{nonce}\n{body}\n");
    let signed = sign(sandbox, style, message.as_bytes(), spoiling);

    let mut response = match cut {
        true => Response::new(Body::new(Truncated::half_of(&bytes))),
        false => Response::new(Body::from(bytes.clone())),
    };
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    let mut put = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).expect("these headers are plain ASCII");
        headers.append(HeaderName::from_static(name), value);
    };
    put("alipay-trace-id", &seen.trace);
    if style.encrypted && status.is_success() {
        put("alipay-encrypt-type", "AES");
        put("content-type", "text/plain;charset=UTF-8");
    } else {
        put("content-type", "application/json;charset=UTF-8");
    }
    let is_signed = spoiling != Spoiling::Unsigned;
    if is_signed {
        put("alipay-timestamp", &timestamp);
        put("alipay-nonce", &nonce);
        put("alipay-signature", &signed.signature);
        if spoiling == Spoiling::DuplicateSignature {
            put("alipay-signature", &signed.signature);
        }
        if let Some(sn) = &signed.sn {
            put("alipay-sn", sn);
        }
    }
    let envelope = Envelope {
        bytes,
        signed_text: is_signed.then_some(message),
        signature: is_signed.then_some(signed.signature),
    };
    seen.answered(&envelope, Charset::Utf8);
    response
}
