//! From operation and parameters to the bytes that will be sent: checked, completed, encrypted.

use serde_json::{Map, Value};

use crate::catalogue::{self, Fill, Operation, Repeat};
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::operation::{parse_name, refused, target};
use crate::params::Params;
use crate::provider::Prepared;
use crate::wire;

use super::keyring::KeyRing;
use super::merchant::Merchant;
use super::scheme::Scheme;
use super::{answer, sensitive, upload};

pub(super) fn prepare(
    merchant: &Merchant,
    ring: &KeyRing,
    name: &str,
    mut params: Params,
    host: &Host,
) -> Result<Prepared> {
    let (method, template) = parse_name(name)?;
    let known = catalogue::find("wechat", name);
    if let Some(operation) = known {
        fill(merchant, &operation, &mut params);
        if operation.file.is_some() {
            upload::complete(&operation, &mut params)?;
        } else if params.options.filename.is_some() {
            let message = format!("$.filename has no place here: {name} is not an upload");
            return Err(Error::new(Code::ParamsInvalid, message).with_field("$.filename"));
        }
        // Bytes that are handed over as they are get sent as they are.
        let raw = params.body.is_none() && !params.payload.is_empty() && operation.body.is_some();
        let checked = match raw {
            _ if params.options.unchecked => Ok(()),
            true => catalogue::check_placement(&operation, &params.path, &params.query),
            false => catalogue::check(
                &operation,
                &params.path,
                &params.query,
                params.body.as_ref(),
            ),
        };
        checked.map_err(refused)?;
        if operation.idempotency_key && params.options.idempotency_key.is_none() {
            let message = format!("$.idempotency_key is missing; {name} requires it");
            let error = Error::new(Code::ParamsInvalid, message);
            return Err(error.with_field("$.idempotency_key").with_hint(
                "a new one for each new request, the same one where a request is repeated",
            ));
        }
    }
    let order_number = known
        .as_ref()
        .and_then(|operation| operation.order_number)
        .and_then(|at| value_at(&params, at))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let asked = asked(&params);
    // One key for the whole request: what is encrypted with it, and what the answer is asked to be signed with.
    let key = ring.preferred(host.now_s()?);
    let awaits_key = match &known {
        Some(operation) => sensitive::seal_all(operation, &mut params, key, host)?,
        None => false,
    };
    let target = target(template, &params)?;
    let content = match &params.options.filename {
        Some(filename) => upload::content(
            known.as_ref(),
            filename,
            params.body.as_ref(),
            &params.payload,
            host,
        )?,
        None => content(method, &mut params)?,
    };

    let mut headers = vec![(
        "Accept",
        params
            .options
            .accept
            .take()
            .unwrap_or_else(|| "application/json".into()),
    )];
    if let Some(content_type) = content.content_type {
        headers.push(("Content-Type", content_type));
    }
    if let Some(key) = key {
        headers.push(("Wechatpay-Serial", key.id.to_string()));
    }
    let mut repeat = known.as_ref().map_or(
        if method == "GET" {
            Repeat::Safe
        } else {
            Repeat::Never
        },
        |operation| operation.repeat,
    );
    if let Some(idempotency_key) = params.options.idempotency_key {
        headers.push(("Idempotency-Key", idempotency_key));
        repeat = if repeat == Repeat::Never {
            Repeat::SameNumber
        } else {
            repeat
        };
    }
    let path = target.split('?').next().unwrap_or_default();
    Ok(Prepared {
        operation: name.to_owned(),
        label: known.map_or("other", |operation| operation.name),
        method,
        origin: None,
        client_certificate: false,
        answer_is_signed: !answer::is_never_signed(path),
        target,
        headers,
        body: content.body,
        signed_body: content.signed,
        repeat,
        asked,
        expect: params.options.expect,
        order_number,
        awaits_key,
    })
}

/// Fills in what the configuration knows and the caller left out.
fn fill(merchant: &Merchant, operation: &Operation, params: &mut Params) {
    let known = |fill: Fill| match fill {
        Fill::MerchantId => (merchant.scheme != Scheme::Brand).then(|| merchant.mchid.clone()),
        Fill::AppId => merchant.appid.clone(),
        Fill::NotifyUrl => merchant.notify_url.clone(),
        Fill::ReturnUrl | Fill::AppAuthToken => None,
    };
    let complete = |fields: catalogue::Fields, map: &mut Map<String, Value>| {
        for field in fields {
            if let Some(value) = field
                .filled
                .and_then(known)
                .filter(|_| !map.contains_key(field.name))
            {
                map.insert(field.name.into(), value.into());
            }
        }
    };
    complete(operation.query_fields, &mut params.query);
    if let Some(schema) = operation.body
        && params.payload.is_empty()
        && let Value::Object(body) = params.body.get_or_insert_with(|| Value::Object(Map::new()))
    {
        complete(schema.fields(), body);
    }
}

/// `"body.out_trade_no"` → the value there.
fn value_at<'a>(params: &'a Params, at: &str) -> Option<&'a Value> {
    match at.split_once('.')? {
        ("path", key) => params.path.get(key),
        ("query", key) => params.query.get(key),
        ("body", path) => wire::json::at(params.body.as_ref()?, path),
        _ => None,
    }
}

/// What an answer has to repeat, should it speak of it.
fn asked(params: &Params) -> Vec<(&'static str, Value)> {
    const NUMBERS: [&str; 7] = [
        "out_trade_no",
        "transaction_id",
        "out_refund_no",
        "mchid",
        "appid",
        "sub_mchid",
        "combine_out_trade_no",
    ];
    const AMOUNTS: [&str; 3] = ["amount.total", "amount.refund", "amount.currency"];
    let body = params.body.as_ref();
    let is_given = |value: &&Value| !value.is_null();
    let number = |name: &'static str| {
        let in_target = params.path.get(name).or(params.query.get(name));
        let value = match in_target.filter(is_given) {
            // In an address a number is text, and so it comes back.
            Some(Value::Number(number)) => Value::String(number.to_string()),
            Some(value) => value.clone(),
            None => body?.get(name).filter(is_given)?.clone(),
        };
        Some((name, value))
    };
    let amount = |path: &'static str| {
        let value = wire::json::at(body?, path).filter(is_given)?;
        Some((path, value.clone()))
    };
    NUMBERS
        .into_iter()
        .filter_map(number)
        .chain(AMOUNTS.into_iter().filter_map(amount))
        .collect()
}

pub(super) struct Content {
    pub body: Vec<u8>,
    pub content_type: Option<String>,
    /// For an upload, the part that is signed.
    pub signed: Option<Vec<u8>>,
}

fn content(method: &str, params: &mut Params) -> Result<Content> {
    let payload = std::mem::take(&mut params.payload);
    let content_type = params.options.content_type.take();
    if params.body.is_some() && !payload.is_empty() {
        return Err(Error::new(
            Code::ParamsInvalid,
            "there are both a body and a payload; give one, or $.filename for an upload",
        )
        .with_field("body"));
    }
    let body = match &params.body {
        Some(body) => body.to_string().into_bytes(),
        None => payload,
    };
    if method == "GET" && !body.is_empty() {
        return Err(Error::new(
            Code::ParamsInvalid,
            "a GET operation has no body; pass its parameters in query",
        )
        .with_field("body"));
    }
    let content_type = match (method, body.is_empty()) {
        ("GET", _) => None,
        ("DELETE", true) => None,
        _ => Some(content_type.unwrap_or_else(|| "application/json".into())),
    };
    Ok(Content {
        body,
        content_type,
        signed: None,
    })
}
