//! From operation and parameters to the bytes that will be sent: checked, completed, encrypted, signed.

use serde_json::{Map, Value};

use crate::catalogue::{self, Kind, Operation, Repeat};
use crate::crypto::md5;
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::operation::{USER_AGENT, parse_name, refused};
use crate::params::Params;
use crate::provider::Prepared;
use crate::wire::{multipart, url, xml};

use super::super::sensitive::{self, seal_at};
use super::PROVIDER;
use super::merchant::{Merchant, not_configured};
use super::paths::{self, AnswerKind};
use super::sandbox_key::KeySet;
use super::signature::{Algorithm, sign};

/// Of every request with XML in it.
pub(super) const HEADERS: [(&str, &str); 2] = [
    ("Accept", "text/xml"),
    ("Content-Type", "text/xml; charset=utf-8"),
];

/// The names under which an operation asks for what the configuration knows.
const MERCHANT_FIELDS: [&str; 3] = ["mch_id", "mchid", "combine_mch_id"];
const APP_FIELDS: [&str; 4] = ["appid", "mch_appid", "wxappid", "combine_appid"];
/// The names under which an operation asks for the serial number of the certificate that fields are encrypted with.
const SERIAL_FIELDS: [&str; 3] = ["cert_sn", "cert_serial_no", "cert_serial_number"];

/// The header fields of an attempt. The signature is in the body or the query, and settled.
pub(super) fn headers(prepared: &Prepared) -> Result<Vec<(&'static str, String)>> {
    if prepared.awaits_key {
        return Err(Error::new(
            Code::UnknownSerial,
            "the request must be signed and the sandbox's key is not there",
        )
        .with_outcome(Outcome::NotSent));
    }
    let mut headers = prepared.headers.clone();
    headers.push(("User-Agent", USER_AGENT.into()));
    Ok(headers)
}

pub(super) fn prepare(
    merchant: &Merchant,
    keys: &KeySet,
    name: &str,
    mut params: Params,
    host: &Host,
) -> Result<Prepared> {
    let (method, path) = parse_name(name)?;
    if !matches!(method, "GET" | "POST") || path.contains('{') {
        let problem = "APIv2 has only GET and POST, and no placeholders in paths; write \"POST /pay/unifiedorder\"";
        return Err(Error::new(Code::UnknownOperation, problem).with_field("operation"));
    }
    let kind = paths::answer_kind(path);
    if kind == AnswerKind::Page {
        let problem = "the operation is a page for the payer's browser, not a call: payseal_client_invoke, kind page, gives its signed address";
        return Err(Error::new(Code::UnknownOperation, problem).with_field("operation"));
    }
    let special_host = paths::special_host(path);
    if merchant.sandbox && special_host.is_some() {
        return Err(invalid(
            "operation",
            "the provider's sandbox does not have this operation",
        ));
    }
    if params.options.idempotency_key.is_some() {
        return Err(invalid(
            "$.idempotency_key",
            "APIv2 knows no Idempotency-Key: the merchant's number does its work",
        ));
    }
    let known = catalogue::find(PROVIDER, name);
    if known.as_ref().is_some_and(|it| it.file.is_some()) && params.options.filename.is_none() {
        let problem =
            "the operation uploads a file: give its name here and its bytes as the payload";
        return Err(invalid("$.filename", problem));
    }
    let placed = Placed::new(method, &mut params)?;
    let fields = fields(merchant, keys, known.as_ref(), placed, &mut params, host)?;

    let texts = || fields.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let mut target = match merchant.sandbox {
        true => paths::in_sandbox(path),
        false => path.to_owned(),
    };
    let query = query(method, &params, &fields)?;
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query);
    }
    let mut headers: Vec<(&'static str, String)> =
        HEADERS.map(|(name, value)| (name, value.to_owned())).into();
    let accept = params.options.accept.take();
    if let Some(accept) = accept {
        headers[0].1 = accept;
    }
    let mut signed_body = None;
    let body = match (method, params.options.filename.take()) {
        ("GET", _) => {
            headers.truncate(1);
            signed_body = Some(xml::write(texts()));
            Vec::new()
        }
        (_, Some(filename)) => {
            let (body, content_type) = {
                let fields = texts().map(|(name, text)| (name, text.as_bytes()));
                multipart::fields(&host.nonce()?, fields, "media", &filename, &params.payload)
            };
            headers[1].1 = content_type;
            signed_body = Some(xml::write(texts()));
            body
        }
        (_, None) if fields.is_empty() => {
            if let Some(content_type) = params.options.content_type.take() {
                headers[1].1 = content_type;
            }
            std::mem::take(&mut params.payload)
        }
        (_, None) => xml::write(texts()),
    };
    let otherwise = match method {
        "GET" => Repeat::Safe,
        _ => Repeat::Never,
    };
    Ok(Prepared {
        operation: name.to_owned(),
        label: known.as_ref().map_or("other", |operation| operation.name),
        method,
        origin: special_host
            .and_then(|name| merchant.special_host(name))
            .cloned(),
        client_certificate: !merchant.sandbox && needs_certificate(merchant, known.as_ref(), path),
        answer_is_signed: kind == AnswerKind::Signed,
        target,
        headers,
        body,
        signed_body,
        repeat: known
            .as_ref()
            .map_or(otherwise, |operation| operation.repeat),
        asked: asked(&fields),
        expect: params.options.expect,
        order_number: order_number(&fields),
        awaits_key: keys.current().is_none() && !fields.is_empty(),
    })
}

/// The signed address of a page for the payer's browser.
pub(super) fn page(
    merchant: &Merchant,
    keys: &KeySet,
    name: &str,
    query: Map<String, Value>,
    host: &Host,
) -> Result<(&'static str, String)> {
    let (method, path) = parse_name(name)?;
    if method != "GET" || path.contains('{') {
        return Err(invalid(
            "operation",
            "a page is asked for with GET, such as \"GET /papay/entrustweb\"",
        ));
    }
    let known = catalogue::find(PROVIDER, name);
    let mut params = Params {
        query,
        ..Params::default()
    };
    let placed = Placed::new("GET", &mut params)?;
    let fields = fields(merchant, keys, known.as_ref(), placed, &mut params, host)?;
    let pairs = fields.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    Ok((
        paths::special_host(path).unwrap_or("api.mch.weixin.qq.com"),
        format!("{path}?{}", url::query(pairs)),
    ))
}

/// The parameters that are signed: of a GET its query, else the body.
struct Placed {
    fields: Map<String, Value>,
    /// The exact body, handed over by the caller, who has signed it.
    raw: bool,
}

impl Placed {
    fn new(method: &str, params: &mut Params) -> Result<Placed> {
        if let Some(name) = params.path.keys().next() {
            return Err(invalid(
                &format!("path.{name}"),
                "APIv2 has no parameters in paths",
            ));
        }
        if method == "GET" {
            if params.body.is_some() || !params.payload.is_empty() {
                return Err(invalid(
                    "body",
                    "a GET operation has no body; pass its parameters in query",
                ));
            }
            let fields = std::mem::take(&mut params.query);
            return Ok(Placed { fields, raw: false });
        }
        let upload = params.options.filename.is_some();
        match params.body.take() {
            Some(Value::Object(fields)) if upload || params.payload.is_empty() => {
                Ok(Placed { fields, raw: false })
            }
            Some(Value::Object(_)) => Err(invalid(
                "body",
                "there are both a body and a payload; give one, or $.filename for an upload",
            )),
            Some(_) => Err(invalid(
                "body",
                "it must be an object of texts and integers",
            )),
            None => Ok(Placed {
                fields: Map::new(),
                raw: !upload && !params.payload.is_empty(),
            }),
        }
    }
}

/// All fields that are sent, the signature last. Empty where the caller hands over the exact body, or awaits the sandbox's key.
fn fields(
    merchant: &Merchant,
    keys: &KeySet,
    known: Option<&Operation>,
    placed: Placed,
    params: &mut Params,
    host: &Host,
) -> Result<Vec<(String, String)>> {
    let Placed { mut fields, raw } = placed;
    if raw {
        return Ok(Vec::new());
    }
    let part = if params.options.filename.is_none() && known.is_some_and(|it| it.method == "GET") {
        "query"
    } else {
        "body"
    };
    // Of some operations nothing but the name is known.
    let known = known.filter(|it| fields_of(it).is_some_and(|fields| !fields.is_empty()));
    let algorithm = complete(merchant, known, &mut fields, params, host)?;
    if let Some(operation) = known {
        check(operation, &fields, params)?;
        seal(merchant, operation, &mut fields, host)?;
    }
    let mut texts = texts(part, &fields)?;
    if let Some(key) = keys.current() {
        let signature = sign(
            algorithm,
            key,
            texts.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        );
        texts.push(("sign".into(), signature));
    }
    Ok(texts)
}

/// What an operation takes, as far as it is catalogued.
fn fields_of(operation: &Operation) -> Option<catalogue::Fields> {
    match operation.method {
        "GET" => Some(operation.query_fields),
        _ if operation.file.is_some() => Some(operation.form_fields),
        _ => Some(operation.body?.fields()),
    }
}

fn field_of(operation: &Operation, name: &str) -> Option<catalogue::Field> {
    fields_of(operation)?.get(name)
}

/// Fills in what the configuration knows and the caller left out, and settles what is signed with.
fn complete(
    merchant: &Merchant,
    known: Option<&Operation>,
    fields: &mut Map<String, Value>,
    params: &Params,
    host: &Host,
) -> Result<Algorithm> {
    fields.retain(|_, value| !value.is_null());
    let is_given = |fields: &Map<String, Value>, names: &[&str]| {
        names.iter().any(|name| fields.contains_key(*name))
    };
    let name_among = |names: &[&'static str]| match known {
        Some(operation) => names
            .iter()
            .copied()
            .find(|name| field_of(operation, name).is_some()),
        None => names.first().copied(),
    };
    if !is_given(fields, &MERCHANT_FIELDS)
        && let Some(name) = name_among(&MERCHANT_FIELDS)
    {
        fields.insert(name.into(), merchant.mchid.clone().into());
    }
    if !is_given(fields, &APP_FIELDS)
        && let (Some(name), Some(appid)) = (name_among(&APP_FIELDS), &merchant.appid)
    {
        fields.insert(name.into(), appid.clone().into());
    }
    let is_required = |name| {
        known
            .and_then(|it| field_of(it, name))
            .is_some_and(|field| field.required)
    };
    if let Some(address) = &merchant.notify_url
        && is_required("notify_url")
        && !fields.contains_key("notify_url")
    {
        fields.insert("notify_url".into(), address.clone().into());
    }
    if name_among(&["nonce_str"]).is_some() && !fields.contains_key("nonce_str") {
        fields.insert("nonce_str".into(), host.nonce()?.into());
    }
    if params.options.filename.is_some() && !fields.contains_key("media_hash") {
        let hash: String = md5(&params.payload)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        fields.insert("media_hash".into(), hash.into());
    }
    algorithm(merchant, known, fields)
}

/// What the request is signed with: the caller's word, else the configuration's, within what the operation takes. An operation
/// without `sign_type` takes MD5 alone.
fn algorithm(
    merchant: &Merchant,
    known: Option<&Operation>,
    fields: &mut Map<String, Value>,
) -> Result<Algorithm> {
    let given = match fields.get("sign_type") {
        None => None,
        Some(value) => Some(
            value
                .as_str()
                .and_then(Algorithm::parse)
                .ok_or_else(|| invalid("body.sign_type", "it must be HMAC-SHA256 or MD5"))?,
        ),
    };
    let taken = match known {
        None => Algorithm::ALL.to_vec(),
        Some(operation) => match field_of(operation, "sign_type") {
            None => return Ok(Algorithm::Md5),
            Some(field) if field.schema.values().len() == 0 => Algorithm::ALL.to_vec(),
            Some(field) => field.schema.values().filter_map(Algorithm::parse).collect(),
        },
    };
    let preferred = given.unwrap_or(merchant.algorithm);
    let chosen = match taken.first() {
        Some(first) if given.is_none() && !taken.contains(&preferred) => *first,
        _ => preferred,
    };
    if known.is_some() || chosen == Algorithm::HmacSha256 {
        fields.insert("sign_type".into(), chosen.name().into());
    }
    Ok(chosen)
}

/// The schema may ask for `sign`, which is made from all that is checked here: it stands there for the check alone.
fn check(operation: &Operation, fields: &Map<String, Value>, params: &Params) -> Result<()> {
    let mut whole = fields.clone();
    for (name, value) in &mut whole {
        if let Some(field) = field_of(operation, name) {
            as_described(field.schema.kind, value);
        }
    }
    if field_of(operation, "sign").is_some() && !whole.contains_key("sign") {
        whole.insert("sign".into(), "0".repeat(32).into());
    } else if whole.contains_key("sign") {
        return Err(invalid(
            "body.sign",
            "the signature is made here; leave it out",
        ));
    }
    let (path, query) = (&params.path, &params.query);
    let checked = match operation.method {
        _ if params.options.unchecked => Ok(()),
        "GET" => catalogue::check(operation, path, &whole, None),
        _ if operation.file.is_some() => catalogue::check_placement(operation, path, query),
        _ => catalogue::check(operation, path, query, Some(&Value::Object(whole))),
    };
    checked.map_err(refused)
}

/// On the wire all is text, so an integer and its digits are the same; the table of facts has either for the same field.
fn as_described(kind: Kind, value: &mut Value) {
    let described = match (kind, &*value) {
        (Kind::String, Value::Number(number)) if !number.is_f64() => {
            Some(number.to_string().into())
        }
        (Kind::Integer, Value::String(text)) => {
            let number = text.parse::<i64>().ok();
            number.filter(|it| it.to_string() == *text).map(Value::from)
        }
        _ => None,
    };
    if let Some(described) = described {
        *value = described;
    }
}

/// Encrypts what is sent encrypted. Operations that name a certificate use the platform's, the others the key for bank cards.
fn seal(
    merchant: &Merchant,
    operation: &Operation,
    fields: &mut Map<String, Value>,
    host: &Host,
) -> Result<()> {
    let mut paths = catalogue::encrypted_fields(operation)
        .filter(|path| fields.contains_key(*path))
        .collect::<Vec<_>>();
    if paths.is_empty() {
        return Ok(());
    }
    paths.dedup();
    let serial_field = SERIAL_FIELDS
        .into_iter()
        .find(|name| field_of(operation, name).is_some());
    let key = match (
        serial_field,
        &merchant.platform_certificate,
        &merchant.risk_key,
    ) {
        (Some(name), Some(certificate), _) => {
            fields
                .entry(name)
                .or_insert_with(|| certificate.serial().to_string().into());
            certificate.public_key()
        }
        (None, _, Some(key)) => key,
        (Some(_), None, _) => {
            return Err(not_configured(
                "platform_certificate",
                "it is missing, and a field of this operation is encrypted with it",
                "POST /risk/getcertficates tells where to get it",
            ));
        }
        (None, _, None) => {
            return Err(not_configured(
                "risk_public_key",
                "it is missing, and a field of this operation is encrypted with it",
                "execute POST /risk/getpublickey once and keep its pub_key",
            ));
        }
    };
    let mut whole = Value::Object(std::mem::take(fields));
    for path in paths {
        seal_at(&mut whole, path, "body", &mut |text, field| {
            sensitive::seal(text, field, key, host)
        })?;
    }
    if let Value::Object(sealed) = whole {
        *fields = sealed;
    }
    Ok(())
}

/// Texts, integers and booleans in their plain form. What is empty is not sent: it would not be signed.
fn texts(part: &str, fields: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    let mut texts = Vec::with_capacity(fields.len() + 1);
    for (name, value) in fields {
        let field = format!("{part}.{name}");
        if !xml::is_name(name) {
            return Err(invalid(
                &field,
                "the name has characters that cannot be in one",
            ));
        }
        let text = match value {
            Value::String(text) if text.contains(char::is_control) => {
                return Err(invalid(
                    &field,
                    "it has control characters, such as a line end; write JSON on one line",
                ));
            }
            Value::String(text) => text.clone(),
            Value::Bool(_) => value.to_string(),
            Value::Number(number) if !number.is_f64() => value.to_string(),
            _ => {
                return Err(invalid(
                    &field,
                    "it must be a text, an integer or a boolean; APIv2 takes objects and arrays as JSON in a text",
                ));
            }
        };
        if !text.is_empty() {
            texts.push((name.clone(), text));
        }
    }
    Ok(texts)
}

/// Of a GET the signed fields; of a POST what few operations have beside the body, unsigned.
fn query(method: &str, params: &Params, fields: &[(String, String)]) -> Result<String> {
    if method == "GET" {
        return Ok(url::query(
            fields.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        ));
    }
    let pairs = texts("query", &params.query)?;
    Ok(url::query(
        pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())),
    ))
}

/// An operation that is not catalogued gets the certificate if there is one: only a host that asks for it sees it.
fn needs_certificate(merchant: &Merchant, known: Option<&Operation>, path: &str) -> bool {
    match known {
        Some(operation) => operation.client_certificate,
        None => merchant.identity.is_some() || path.starts_with("/secapi/"),
    }
}

/// What an answer has to repeat, should it speak of it.
fn asked(fields: &[(String, String)]) -> Vec<(&'static str, Value)> {
    const NAMES: [&str; 20] = [
        "appid",
        "mch_appid",
        "wxappid",
        "combine_appid",
        "mch_id",
        "mchid",
        "combine_mch_id",
        "sub_mch_id",
        "out_trade_no",
        "transaction_id",
        "out_refund_no",
        "combine_out_trade_no",
        "partner_trade_no",
        "mch_billno",
        "out_order_no",
        "out_return_no",
        "contract_code",
        "total_fee",
        "refund_fee",
        "fee_type",
    ];
    let value = |name: &'static str| {
        let (_, text) = fields.iter().find(|(key, _)| key == name)?;
        Some((name, Value::String(text.clone())))
    };
    NAMES.into_iter().filter_map(value).collect()
}

/// The merchant's number of whatever the operation is about, for logs.
fn order_number(fields: &[(String, String)]) -> Option<String> {
    const NAMES: [&str; 7] = [
        "out_refund_no",
        "out_trade_no",
        "combine_out_trade_no",
        "partner_trade_no",
        "mch_billno",
        "out_order_no",
        "out_return_no",
    ];
    let find = |name: &&str| fields.iter().find(|(key, _)| key == name);
    NAMES.iter().find_map(find).map(|(_, text)| text.clone())
}

fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field}: {problem}")).with_field(field)
}
