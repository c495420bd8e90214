//! The provider's first look at a request: required headers, the Authorization scheme, the clock, the signature.

use axum::http::{HeaderMap, Method, header};
use serde_json::json;

use crate::clock;
use crate::keys::Merchant;
use crate::problem::Problem;
use crate::scheme::Scheme;

const TOLERANCE_S: i64 = 300;
/// How much of the signed message a refusal repeats.
const SHOWN_BYTES: usize = 256;

/// A request as it stands on the wire; `target` is path and query, byte for byte.
pub struct Received<'a> {
    pub method: &'a Method,
    pub target: &'a str,
    pub headers: &'a HeaderMap,
    /// What is signed: of a form, its part `meta`.
    pub body: &'a [u8],
    /// The request must be a form.
    pub is_form: bool,
}

/// The five fields of `Authorization`, in any order.
#[derive(Default)]
pub struct Credentials<'a> {
    pub mchid: Option<&'a str>,
    pub serial_no: Option<&'a str>,
    pub nonce_str: Option<&'a str>,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
}

pub fn check(request: &Received, merchant: &Merchant) -> Result<(), Problem> {
    check_headers(request)?;
    let credentials = credentials(request.headers, merchant.scheme)?;
    let field = |name: &str, value: Option<&'_ str>| {
        value
            .filter(|value| !value.is_empty())
            .map(str::to_owned)
            .ok_or(Problem::sign(
                name,
                &format!("Http头Authorization中缺少{name}"),
            ))
    };
    let mchid = field("mchid", credentials.mchid)?;
    let serial_no = field("serial_no", credentials.serial_no)?;
    let nonce = field("nonce_str", credentials.nonce_str)?;
    let timestamp = field("timestamp", credentials.timestamp)?;
    let signature = field("signature", credentials.signature)?;

    if mchid != merchant.mchid {
        return Err(Problem::sign("mchid", "商户号不存在，请检查mchid"));
    }
    if !serial_no.eq_ignore_ascii_case(&merchant.serial) {
        return Err(Problem::sign(
            "serial_no",
            "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
        ));
    }
    if nonce.len() > 32 {
        return Err(Problem::sign(
            "nonce_str",
            "Http头Authorization中的nonce_str不得长于32位",
        ));
    }
    let digits = timestamp.len() <= 11 && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: i64 = timestamp
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or(Problem::sign(
            "timestamp",
            "Http头Authorization中的timestamp格式有误",
        ))?;
    if (clock::now().unix_timestamp() - seconds).abs() > TOLERANCE_S {
        return Err(Problem::sign(
            "timestamp",
            "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
        ));
    }

    let mut message = format!(
        "{}\n{}\n{timestamp}\n{nonce}\n",
        request.method, request.target
    )
    .into_bytes();
    message.extend_from_slice(request.body);
    message.push(b'\n');
    if !merchant.key.verify(&message, &signature) {
        let mut problem = Problem::sign("signature", "错误的签名，验签失败");
        problem.detail = Some(json!({
            // The live service nests the issue once more; both places are filled.
            "issue": "sign not match",
            "detail": { "issue": "sign not match" },
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": request.method.as_str(),
                "url": request.target,
                "sign_message_length": message.len(),
                "truncated_sign_message": String::from_utf8_lossy(&message[..message.len().min(SHOWN_BYTES)]),
            },
        }));
        return Err(problem);
    }
    Ok(())
}

fn check_headers(request: &Received) -> Result<(), Problem> {
    let missing =
        |name: &str| Problem::parameter("header", name, None, &format!("Http头缺少{name}"));
    for name in ["Accept", "User-Agent"] {
        request
            .headers
            .get(name)
            .filter(|value| !value.is_empty())
            .ok_or(missing(name))?;
    }
    let accept = text(request.headers, "Accept").unwrap_or_default();
    if !["application/json", "*/*", "application/*"]
        .iter()
        .any(|kind| accept.contains(kind))
    {
        return Err(Problem::parameter(
            "header",
            "Accept",
            Some(&accept.into()),
            "Http头Accept须为application/json",
        ));
    }
    if request.method == Method::POST {
        let content_type =
            text(request.headers, header::CONTENT_TYPE.as_str()).ok_or(missing("Content-Type"))?;
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let wanted = match request.is_form {
            true => "multipart/form-data",
            false => "application/json",
        };
        if !essence.eq_ignore_ascii_case(wanted) {
            return Err(Problem::parameter(
                "header",
                "Content-Type",
                Some(&content_type.into()),
                &format!("Http头Content-Type须为{wanted}"),
            ));
        }
    }
    Ok(())
}

fn credentials(headers: &HeaderMap, merchants: Scheme) -> Result<Credentials<'_>, Problem> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let line = lines
        .next()
        .ok_or(Problem::sign("authorization", "Http头缺少Authorization"))?;
    if lines.next().is_some() {
        return Err(Problem::sign(
            "authorization",
            "Http头Authorization只能有一个",
        ));
    }
    let line = line
        .to_str()
        .map_err(|_| Problem::sign("authorization", "Http头Authorization格式有误"))?;
    let (scheme, fields) = line.split_once(' ').ok_or(Problem::sign(
        "authorization",
        "Http头Authorization格式有误",
    ))?;
    if scheme != merchants.name() {
        return Err(Problem::sign(
            "authorization",
            "Http头Authorization认证类型不正确",
        ));
    }
    parse_fields(fields).ok_or(Problem::sign(
        "authorization",
        "Http头Authorization格式有误",
    ))
}

/// `name="value"` five times, separated by commas; a name that is unknown or comes twice spoils it all.
pub fn parse_fields(fields: &str) -> Option<Credentials<'_>> {
    let mut credentials = Credentials::default();
    for pair in fields.split(',') {
        let (name, value) = pair.trim().split_once('=')?;
        let value = value.strip_prefix('"')?.strip_suffix('"')?;
        let slot = match name {
            "mchid" => &mut credentials.mchid,
            "serial_no" => &mut credentials.serial_no,
            "nonce_str" => &mut credentials.nonce_str,
            "timestamp" => &mut credentials.timestamp,
            "signature" => &mut credentials.signature,
            _ => return None,
        };
        if slot.replace(value).is_some() {
            return None;
        }
    }
    Some(credentials)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
