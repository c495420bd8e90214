//! Gateway v2: `POST|GET /gateway.do`, from the first byte to the signed answer, with the faults that were asked for.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use crate::clock;
use crate::faults::{Fault, Group, Kind as FaultKind, Place};
use crate::sandbox::Sandbox;
use crate::truncated::Truncated;
use crate::upload;

use super::GATEWAY;
use super::canonical::{Pairs, Params, read_form};
use super::charset::Charset;
use super::cipher;
use super::envelope::{self, Envelope, Mode, Style};
use super::mistake::mistake_for_another;
use super::oauth;
use super::operations::{self, Ask, File, Kind, Operation, Party, Reply};
use super::outcome::{Instead, Outcome};
use super::record::{Seen, concerned_order};
use super::refusal::Refusal;
use super::signing::SignType;

const LONGEST_BODY: usize = 2 << 20;

/// How far the timestamp of a request may be from now, either way.
const WINDOW: time::Duration = time::Duration::minutes(10);
/// Of an order string or a link to a page, which may wait for its buyer.
const PAGE_WINDOW: time::Duration = time::Duration::days(1);

/// A request's parts, decoded.
pub struct Received {
    pub params: Params,
    /// What the address or the header says; it is answered in this when no parameter says another.
    charset: Charset,
    pub files: Vec<File>,
    /// The name that came twice.
    repeated: Option<String>,
}

impl Received {
    pub fn of(params: Params, charset: Charset) -> Self {
        Self {
            params,
            charset,
            files: Vec::new(),
            repeated: None,
        }
    }
}

/// A checked request.
pub struct Checked {
    pub operation: &'static Operation,
    pub style: Style,
    pub body: Value,
    pub party: Party,
}

pub async fn answer(State(sandbox): State<Arc<Sandbox>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let longest = match upload::is_form(&head.headers) {
        true => upload::LONGEST,
        false => LONGEST_BODY,
    };
    let Ok(body) = to_bytes(body, longest).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // A task of its own: a caller who hangs up meanwhile does not take his request back.
    tokio::spawn(handle(sandbox, head, body))
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn handle(sandbox: Arc<Sandbox>, head: Parts, body: Bytes) -> Response {
    let received = read(&head, &body).await;
    let operation = received.params.get("method").and_then(operations::find);
    let number = concerned_order(&sandbox, &received.params);
    let place = Place::Answer {
        operation: operation.map(|operation| operation.name),
        path: GATEWAY,
        out_trade_no: number.as_deref(),
    };
    let struck = sandbox
        .faults()
        .strike(&place, &[Group::Delay, Group::Rotation, Group::Outcome]);
    let mut seen = Seen::of_gateway(&head, &body, &received, number, &struck);
    let response = exchange(&sandbox, &received, &struck, &mut seen).await;
    seen.finish(&sandbox, &response);
    response
}

/// The query, and a form of either kind.
async fn read(head: &Parts, body: &Bytes) -> Received {
    let mut pairs = read_form(head.uri.query().unwrap_or_default().as_bytes());
    // The encoding must be known before anything is read: only the address and the header can say it. Else it is GBK.
    let charset = named_charset(&pairs)
        .or_else(|| content_type_charset(&head.headers))
        .unwrap_or(Charset::Gbk);
    let mut files = Vec::new();
    match upload::is_form(&head.headers) {
        true => read_multipart(&head.headers, body, &mut pairs, &mut files).await,
        false => pairs.extend(read_form(body)),
    }
    match Params::new(charset, &pairs) {
        Ok(params) => Received {
            files,
            ..Received::of(params, charset)
        },
        Err(name) => Received {
            repeated: Some(name),
            ..Received::of(Params::default(), charset)
        },
    }
}

fn named_charset(pairs: &Pairs) -> Option<Charset> {
    let (_, name) = pairs.iter().find(|(name, _)| *name == "charset")?;
    Charset::parse(std::str::from_utf8(name).ok()?)
}

fn content_type_charset(headers: &HeaderMap) -> Option<Charset> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let (_, name) = kind.split_once("charset=")?;
    Charset::parse(name.trim_matches(['"', ' ']))
}

/// Parts without a file name are parameters. Of a form that cannot be read, what could be read of it.
pub async fn read_multipart(
    headers: &HeaderMap,
    body: &Bytes,
    pairs: &mut Pairs,
    files: &mut Vec<File>,
) {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let Some(Ok(boundary)) = kind.map(multer::parse_boundary) else {
        return;
    };
    let body = body.clone();
    let whole = stream::once(async move { Ok::<_, Infallible>(body) });
    let mut form = multer::Multipart::new(whole, boundary);
    while let Ok(Some(part)) = form.next_field().await {
        let field = part.name().unwrap_or_default().to_owned();
        let name = part.file_name().map(str::to_owned);
        let Ok(bytes) = part.bytes().await else {
            return;
        };
        match name {
            Some(name) => files.push(File { field, name, bytes }),
            None => pairs.push((field.into(), bytes)),
        }
    }
}

async fn exchange(
    sandbox: &Arc<Sandbox>,
    received: &Received,
    struck: &[Fault],
    seen: &mut Seen,
) -> Response {
    let outcome = match Outcome::begin(sandbox, struck).await {
        Ok(outcome) => outcome,
        Err(over) => return *over,
    };
    let checked = check(sandbox, received);
    let result = match &checked {
        Ok(checked) if outcome.takes_effect() => perform(sandbox, received, checked),
        // What comes instead is another answer.
        Ok(_) => Ok(Reply::Done(Value::Null)),
        Err((refusal, _)) => Err(refusal.clone()),
    };
    let result = match outcome.instead(sandbox) {
        None => result,
        Some(Instead::Refusal(refusal)) => Err(refusal),
        Some(Instead::Other(response)) => return response,
    };
    let style = match &checked {
        Ok(checked) => checked.style,
        Err((_, style)) => *style,
    };
    let is_page = checked.as_ref().map_or_else(
        |_| names_page(&received.params),
        |checked| checked.operation.kind == Kind::Page,
    );
    let (root, mut node) = match result {
        Ok(Reply::Page(path)) => return onwards(sandbox, &path),
        Ok(Reply::Done(fields)) => (
            root_of(&received.params),
            with_code("10000", "Success", fields),
        ),
        Ok(Reply::Bare(fields)) => (root_of(&received.params), fields),
        Ok(Reply::Pending(fields)) => (
            root_of(&received.params),
            with_code("10003", " order success pay inprocess", fields),
        ),
        Err(refusal) => {
            seen.refused(sandbox, &received.params, &refusal);
            if is_page {
                return error_page(&refusal);
            }
            let root = root_of_refusal(&received.params, &refusal);
            if refusal.unsigned {
                let envelope =
                    envelope::unsigned(style.charset, &root, &refusal.node().to_string());
                return sent(envelope, style, false, seen);
            }
            (root, refusal.node())
        }
    };
    if outcome.is(FaultKind::WrongAnswer) {
        mistake_for_another(&mut node);
    }
    let envelope = envelope::seal(sandbox, style, &root, &node, outcome.spoiling());
    sent(envelope, style, outcome.is(FaultKind::TruncatedBody), seen)
}

fn with_code(code: &str, msg: &str, fields: Value) -> Value {
    let mut node = json!({ "code": code, "msg": msg });
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        node[name] = value;
    }
    node
}

fn root_of(params: &Params) -> String {
    match params.get("method") {
        Some(method) => format!("{}_response", method.replace('.', "_")),
        None => "error_response".into(),
    }
}

/// A method that does not exist has no node of its own; and of tokens every refusal is such.
fn root_of_refusal(params: &Params, refusal: &Refusal) -> String {
    let unknown = refusal.sub_code == "isv.invalid-method";
    match unknown || params.get("method") == Some("alipay.system.oauth.token") {
        true => "error_response".into(),
        false => root_of(params),
    }
}

fn names_page(params: &Params) -> bool {
    params
        .get("method")
        .and_then(operations::find)
        .is_some_and(|operation| operation.kind == Kind::Page)
}

/// Everything but the business. Err: the refusal, and how it is answered.
pub fn check(sandbox: &Sandbox, received: &Received) -> Result<Checked, (Refusal, Style)> {
    let params = &received.params;
    let app = &sandbox.alipay.app;
    let certificate = params.get("app_cert_sn").is_some();
    let mut style = Style {
        mode: if certificate {
            Mode::Certificate
        } else {
            Mode::Key
        },
        charset: match params.get("charset") {
            None => received.charset,
            Some(name) => Charset::parse(name).unwrap_or(Charset::Utf8),
        },
        sign_type: params
            .get("sign_type")
            .and_then(SignType::parse)
            .unwrap_or(SignType::Rsa2),
        encrypted: false,
    };
    let refuse = |refusal: Refusal| Err((refusal, style));
    let missing = |name: &str| Refusal::missing(&format!("isv.missing-{name}"), "缺少参数");

    if let Some(name) = &received.repeated {
        let words = format!("参数{name}重复");
        return refuse(Refusal::invalid("isv.suspected-attack", words).unsigned());
    }
    let Some(method) = params.get("method") else {
        return refuse(missing("method").unsigned());
    };
    let Some(app_id) = params.get("app_id") else {
        return refuse(missing("app-id").unsigned());
    };
    if app_id != app.id {
        let words = "无效的AppID参数";
        return refuse(Refusal::invalid("isv.invalid-app-id", words).unsigned());
    }
    let charset = params.get("charset");
    if charset.is_some_and(|name| Charset::parse(name).is_none()) {
        return refuse(Refusal::invalid("isv.invalid-charset", "字符集错误"));
    }
    let Some(sign_type) = params.get("sign_type") else {
        return refuse(missing("signature-type"));
    };
    let Some(sign_type) = SignType::parse(sign_type) else {
        return refuse(Refusal::invalid(
            "isv.invalid-signature-type",
            "无效的签名类型",
        ));
    };
    let Some(signature) = params.get("sign") else {
        return refuse(missing("signature"));
    };
    let Some(timestamp) = params.get("timestamp") else {
        return refuse(missing("timestamp"));
    };
    match params.get("version") {
        None => return refuse(missing("version")),
        Some("1.0") => {}
        Some(_) => return refuse(Refusal::invalid("isv.invalid-version", "无效的版本参数")),
    }
    let format = params.get("format");
    if format.is_some_and(|format| !format.eq_ignore_ascii_case("json")) {
        return refuse(Refusal::invalid("isv.invalid-format", "无效的数据格式"));
    }
    if certificate {
        if params.get("app_cert_sn") != Some(app.certificate_sn.as_str()) {
            let words = format!("应用公钥证书序列号不匹配，应为{}", app.certificate_sn);
            return refuse(Refusal::invalid("isv.invalid-app-cert-sn", words));
        }
        match params.get("alipay_root_cert_sn") {
            None => return refuse(missing("alipay-root-cert-sn")),
            Some(sn) if sn == app.root_sn => {}
            Some(_) => {
                let words = format!("支付宝根证书序列号不匹配，应为{}", app.root_sn);
                return refuse(Refusal::invalid("isv.invalid-alipay-root-cert-sn", words));
            }
        }
    }
    let canonical = params.canonical();
    if !sign_type.verify(&app.key, &style.charset.encode(&canonical), signature) {
        return refuse(invalid_signature(&canonical));
    }
    let Some(operation) = operations::find(method) else {
        return refuse(Refusal::invalid("isv.invalid-method", "不存在的方法名"));
    };
    let window = match operation.kind {
        Kind::Api => WINDOW,
        Kind::Page | Kind::App => PAGE_WINDOW,
    };
    let at = clock::parse_plain(timestamp);
    if at.is_none_or(|at| (clock::now() - at).abs() > window) {
        let words = format!(
            "非法的时间戳参数，须为北京时间yyyy-MM-dd HH:mm:ss，现在是{}",
            clock::plain(clock::now())
        );
        return refuse(Refusal::invalid("isv.invalid-timestamp", words));
    }
    let party = match oauth::party(sandbox, params.get("app_auth_token")) {
        Ok(party) => party,
        Err(refusal) => return refuse(refusal),
    };

    let content = params.get("biz_content").unwrap_or("{}");
    let content = match params.get("encrypt_type") {
        None => content.to_owned(),
        Some("AES") => match cipher::decrypt(&app.encrypt_key, content) {
            Some(plain) => style.charset.decode(&plain),
            None => {
                let words = "解密出错，未知异常";
                return refuse(Refusal::invalid("isv.decryption-error-unknown", words));
            }
        },
        Some(_) => {
            let words = "解密出错，不支持的加密算法";
            return refuse(Refusal::invalid(
                "isv.decryption-error-not-valid-encrypt-type",
                words,
            ));
        }
    };
    style.encrypted = params.get("encrypt_type").is_some();
    let body: Option<Value> = serde_json::from_str(&content).ok();
    let Some(body) = body.filter(Value::is_object) else {
        let words = "biz_content须为JSON对象";
        return Err((Refusal::invalid("isv.invalid-parameter", words), style));
    };
    Ok(Checked {
        operation,
        style,
        body,
        party,
    })
}

/// With the text that should have been signed, escaped for HTML as the provider does.
fn invalid_signature(canonical: &str) -> Refusal {
    let words = match canonical.contains('\u{FFFD}') {
        true => {
            "验签出错，请确认charset参数放在了URL查询字符串中且各参数值使用charset参数指示的字符集编码".to_owned()
        }
        false => format!(
            "验签出错，建议检查签名字符串或签名私钥与应用公钥是否匹配，网关生成的验签字符串为：{}",
            escape(canonical)
        ),
    };
    Refusal::invalid("isv.invalid-signature", words)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub fn perform(
    sandbox: &Arc<Sandbox>,
    received: &Received,
    checked: &Checked,
) -> Result<Reply, Refusal> {
    let ask = Ask {
        sandbox,
        params: &received.params,
        body: checked.body.clone(),
        files: &received.files,
        style: checked.style,
        party: checked.party.clone(),
    };
    match checked.operation.kind {
        // An app's order is no request: its string goes to Alipay's app.
        Kind::App => Err(Refusal::invalid("isv.invalid-method", "不存在的方法名")),
        Kind::Api | Kind::Page => (checked.operation.perform)(&ask),
    }
}

fn sent(envelope: Envelope, style: Style, cut: bool, seen: &mut Seen) -> Response {
    let mut response = match cut {
        true => Response::new(Body::new(Truncated::half_of(&envelope.bytes))),
        false => Response::new(Body::from(envelope.bytes.clone())),
    };
    let kind = format!("text/html;charset={}", style.charset.name());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, envelope.bytes.len().into());
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_str(&kind).expect("plain ASCII"),
    );
    headers.insert(header::SERVER, HeaderValue::from_static("Tengine"));
    headers.insert(
        "trace_id",
        HeaderValue::from_str(&seen.trace).expect("hex digits"),
    );
    seen.answered(&envelope, style.charset);
    response
}

fn onwards(sandbox: &Sandbox, path: &str) -> Response {
    let target = format!("{}{path}", sandbox.address);
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}

/// What a buyer's browser shows instead of the cashier.
fn error_page(refusal: &Refusal) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><title>支付宝 Alipay</title>\
         <body><h1>调试错误，请回到请求来源地，重新发起请求。</h1><p>错误代码 {}</p><p>错误原因: {}</p></body></html>",
        escape(refusal.sub_code.trim_start_matches("isv.")),
        escape(&refusal.sub_msg)
    );
    Html(page).into_response()
}
