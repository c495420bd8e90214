//! From an operation of the gateway and its parameters to the bytes that will be sent: checked, completed, encrypted, signed.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::catalogue::{self, Fill, Operation, Repeat};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::operation::{USER_AGENT, refused, texts};
use crate::params::Params;
use crate::provider::Prepared;
use crate::wire::multipart;

use super::app::App;
use super::cashier;
use super::request::{COMMON, OURS, Signed};
use super::{PROVIDER, asked};

pub(super) const GATEWAY: &str = "/gateway.do";

/// A request to the gateway. Its signature covers a time, but is settled: every attempt sends the same bytes.
pub(super) fn prepare(app: &App, name: &str, mut params: Params, host: &Host) -> Result<Prepared> {
    let known = catalogue::find(PROVIDER, name);
    if known.as_ref().is_some_and(cashier::is_page) {
        let problem = "the operation is a page for the payer's browser or app, not a call: payseal_client_invoke, kind url, form or order_string, makes it";
        return Err(Error::new(Code::UnknownOperation, problem).with_field("operation"));
    }
    let file = file(known.as_ref(), &mut params)?;
    let (asked, order_number) = (asked::of(&params), asked::order_number(&params));
    let signed = signed(
        app,
        name,
        known.as_ref(),
        &mut params,
        if file.is_some() {
            Way::Upload
        } else {
            Way::Call
        },
        host,
    )?;
    let (body, content_type) = match &file {
        Some(file) => multipart::fields(
            &host.nonce()?,
            signed.form(),
            &file.part,
            &file.name,
            &params.payload,
        ),
        None => {
            let content_type = format!(
                "application/x-www-form-urlencoded;charset={}",
                app.charset.name()
            );
            (
                super::request::encoded(signed.form()).into_bytes(),
                content_type,
            )
        }
    };
    Ok(Prepared {
        operation: name.to_owned(),
        label: known.as_ref().map_or("other", |operation| operation.name),
        method: "POST",
        origin: None,
        client_certificate: false,
        target: format!("{GATEWAY}?{}", signed.query()),
        headers: vec![
            (
                "Accept",
                params
                    .options
                    .accept
                    .take()
                    .unwrap_or_else(|| "application/json".into()),
            ),
            ("Content-Type", content_type),
            ("User-Agent", USER_AGENT.into()),
        ],
        body,
        signed_body: None,
        repeat: known
            .as_ref()
            .map_or(Repeat::Never, |operation| operation.repeat),
        answer_is_signed: true,
        asked,
        expect: params.options.expect,
        order_number,
        awaits_key: false,
    })
}

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is sent; a payload is its business parameters.
    Call,
    /// It is sent; a payload is a file.
    Upload,
    /// It is handed to the payer.
    Page,
}

/// Everything of a request, signed: what a page is opened with, too.
pub(super) fn signed(
    app: &App,
    name: &str,
    known: Option<&Operation>,
    params: &mut Params,
    way: Way,
    host: &Host,
) -> Result<Signed> {
    check_name(name)?;
    if let Some(part) = params.path.keys().next() {
        return Err(invalid(
            &format!("path.{part}"),
            "the gateway has no parameters in paths",
        ));
    }
    if params.options.idempotency_key.is_some() {
        return Err(invalid(
            "$.idempotency_key",
            "the gateway knows no Idempotency-Key: the merchant's number does its work",
        ));
    }
    let mut common = take_common(known, params);
    if let Some(operation) = known {
        complete(app, operation, params);
        let raw = way != Way::Upload && params.body.is_none() && !params.payload.is_empty();
        let checked = match raw {
            _ if params.options.unchecked => Ok(()),
            true => catalogue::check_placement(operation, &params.path, &params.query),
            false => catalogue::check(operation, &params.path, &params.query, params.body.as_ref()),
        };
        checked.map_err(refused)?;
    }
    for (key, value) in [
        ("notify_url", &app.notify_url),
        ("return_url", &app.return_url),
        ("app_auth_token", &app.app_auth_token),
    ] {
        let takes = key == "app_auth_token" || takes_address(known, key, way);
        if let Some(value) = value
            .as_ref()
            .filter(|_| takes && !common.contains_key(key) && !params.query.contains_key(key))
        {
            common.insert(key.into(), value.as_str().into());
        }
    }
    let mut given: Vec<(String, Zeroizing<String>)> = Vec::new();
    for part in [&common, &params.query] {
        let part = texts("query", part)?;
        given.extend(part.into_iter().map(|(name, text)| (name.to_owned(), text)));
    }
    if let Some((name, _)) = given.iter().find(|(name, _)| OURS.contains(&name.as_str())) {
        return Err(invalid(&format!("query.{name}"), "the library sets it"));
    }
    let biz_content = biz_content(params, way)?;
    Signed::new(app, name, given, biz_content.as_deref(), host)
}

/// Lower case and dots: `alipay.trade.precreate`.
fn check_name(name: &str) -> Result<()> {
    let plain = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    match name.len() <= 128 && name.contains('.') && name.split('.').all(plain) {
        true => Ok(()),
        false => Err(Error::new(Code::UnknownOperation, "the operation's name is neither a method of the gateway nor one of REST v3; write it as the provider's documentation does: \"alipay.trade.precreate\", \"POST /v3/alipay/trade/pay\"")
            .with_field("operation")),
    }
}

/// The parameters that every operation may have, unless the catalogue knows them as this operation's own.
fn take_common(known: Option<&Operation>, params: &mut Params) -> Map<String, Value> {
    let mut common = Map::new();
    for name in COMMON {
        let is_own = known.is_some_and(|operation| operation.query_fields.get(name).is_some());
        if !is_own
            && let Some(value) = params
                .query
                .shift_remove(name)
                .filter(|value| !value.is_null())
        {
            common.insert(name.into(), value);
        }
    }
    common
}

/// Whether an operation is told where notifications or the payer go: as the catalogue says; of others those that begin a payment.
fn takes_address(known: Option<&Operation>, key: &str, way: Way) -> bool {
    match known {
        Some(operation) => operation.query_fields.get(key).is_some(),
        None => key == "notify_url" || way == Way::Page,
    }
}

/// Fills in what the configuration knows and the caller left out.
fn complete(app: &App, operation: &Operation, params: &mut Params) {
    for field in operation.query_fields {
        let value = match (field.filled, field.name) {
            (Some(Fill::NotifyUrl), _) => &app.notify_url,
            (_, "return_url") => &app.return_url,
            _ => &None,
        };
        if let Some(value) = value
            .as_ref()
            .filter(|_| !params.query.contains_key(field.name))
        {
            params
                .query
                .insert(field.name.into(), value.as_str().into());
        }
    }
    if operation.body.is_some() && params.payload.is_empty() {
        params.body.get_or_insert_with(|| Value::Object(Map::new()));
    }
}

/// The text of the business parameters; none where the operation has none.
fn biz_content(params: &Params, way: Way) -> Result<Option<String>> {
    let payload = match way {
        Way::Upload => b"",
        Way::Call | Way::Page => &*params.payload,
    };
    match (&params.body, payload.is_empty()) {
        (Some(_), false) => Err(invalid(
            "body",
            "there are both a body and a payload; give one, or $.filename for an upload",
        )),
        (Some(body @ Value::Object(_)), true) => Ok(Some(body.to_string())),
        (Some(_), true) => Err(invalid(
            "body",
            "it must be an object: the business parameters",
        )),
        (None, true) => Ok(None),
        (None, false) => match std::str::from_utf8(payload) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(invalid(
                "payload",
                "it is not UTF-8; for a file give $.filename too",
            )),
        },
    }
}

/// The part of a form that is a file.
struct File {
    part: String,
    name: String,
}

fn file(known: Option<&Operation>, params: &mut Params) -> Result<Option<File>> {
    let part = known
        .and_then(|operation| operation.file)
        .map(str::to_owned);
    let given = params.options.file_field.take();
    let Some(name) = params.options.filename.take() else {
        return match (part, given) {
            (None, None) => Ok(None),
            _ => Err(invalid(
                "$.filename",
                "it is missing: an upload has a file name, and its bytes are the payload",
            )),
        };
    };
    match part.or(given) {
        Some(_) if params.payload.is_empty() => {
            Err(invalid("payload", "it is missing; it is the file"))
        }
        Some(part) => Ok(Some(File { part, name })),
        None => Err(invalid(
            "$.file_field",
            "it is missing: the name of the parameter that is the file, such as image_content",
        )),
    }
}

pub(super) fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field}: {problem}")).with_field(field)
}
