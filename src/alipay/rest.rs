//! REST v3: a signature over the request line and the body, in the header, in both directions. <https://opendocs.alipay.com/open-v3/054q58>

use serde_json::Value;
use zeroize::Zeroizing;

use crate::catalogue::{self, Repeat};
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::operation::{USER_AGENT, parse_name, refused, target};
use crate::params::Params;
use crate::provider::{Answer, Prepared, Sensitive};
use crate::wire::{Headers, Response, json, multipart};

use super::app::App;
use super::keyring::KeyRing;
use super::prepare::invalid;
use super::refusal::{self, described};
use super::{PROVIDER, asked, encryption};

const SCHEME: &str = "ALIPAY-SHA256withRSA";
const APP_AUTH_TOKEN: &str = "alipay-app-auth-token";
/// Of an upload: the part whose bytes are signed.
const DATA: &str = "data";

const TIMESTAMP: &str = "alipay-timestamp";
const NONCE: &str = "alipay-nonce";
const SIGNATURE: &str = "alipay-signature";
const NUMBER: &str = "alipay-sn";
const ENCRYPT_TYPE: &str = "alipay-encrypt-type";

pub(super) fn prepare(app: &App, name: &str, mut params: Params, host: &Host) -> Result<Prepared> {
    let (method, template) = parse_name(name)?;
    if app.sign_type != super::sign_type::SignType::Rsa2 {
        return Err(Error::new(
            Code::ConfigInvalid,
            "configuration sign_type: REST v3 is signed with RSA2 only",
        )
        .with_field("sign_type"));
    }
    if app.charset != super::charset::Charset::Utf8 {
        return Err(Error::new(
            Code::ConfigInvalid,
            "configuration charset: REST v3 speaks UTF-8 only",
        )
        .with_field("charset"));
    }
    let known = catalogue::find(PROVIDER, name);
    let app_auth_token = match params.query.shift_remove("app_auth_token") {
        Some(Value::String(token)) => Some(token),
        Some(Value::Null) | None => app.app_auth_token.clone(),
        Some(_) => return Err(invalid("query.app_auth_token", "it must be a text")),
    };
    if let Some(operation) = known.as_ref().filter(|_| !params.options.unchecked) {
        catalogue::check(operation, &params.path, &params.query, params.body.as_ref())
            .map_err(refused)?;
    }
    if params.body.is_some() && !params.payload.is_empty() && params.options.filename.is_none() {
        return Err(invalid(
            "body",
            "there are both a body and a payload; give one, or $.filename for an upload",
        ));
    }
    let (asked, order_number) = (asked::of(&params), asked::order_number(&params));
    let plain = match &params.body {
        Some(body) => body.to_string().into_bytes(),
        None if params.options.filename.is_none() => std::mem::take(&mut params.payload),
        None => Vec::new(),
    };
    if method == "GET" && !plain.is_empty() {
        return Err(invalid(
            "body",
            "a GET operation has no body; pass its parameters in query",
        ));
    }
    let mut headers = vec![
        (
            "Accept",
            params
                .options
                .accept
                .take()
                .unwrap_or_else(|| "application/json".into()),
        ),
        ("User-Agent", USER_AGENT.into()),
    ];
    let mut signed_body = None;
    let body = match (params.options.filename.take(), &app.encrypt_key) {
        (Some(filename), _) => {
            let part = known
                .as_ref()
                .and_then(|operation| operation.file.map(str::to_owned))
                .or(params.options.file_field.take());
            let part = part.ok_or_else(|| {
                invalid(
                    "$.file_field",
                    "it is missing: the name of the part that is the file",
                )
            })?;
            let (body, content_type) = multipart::fields(
                &host.nonce()?,
                [(DATA, &*plain)].into_iter(),
                &part,
                &filename,
                &params.payload,
            );
            headers.push(("Content-Type", content_type));
            signed_body = Some(plain);
            body
        }
        (None, Some(key)) if !plain.is_empty() => {
            headers.push(("Content-Type", "text/plain".into()));
            headers.push((ENCRYPT_TYPE, encryption::NAME.into()));
            key.seal(&plain)?.into_bytes()
        }
        (None, _) => {
            if method != "GET" {
                let given = params.options.content_type.take();
                headers.push((
                    "Content-Type",
                    given.unwrap_or_else(|| "application/json".into()),
                ));
            }
            plain
        }
    };
    if let Some(ids) = &app.certificate_ids {
        headers.push(("alipay-root-cert-sn", ids.root.clone()));
    }
    if let Some(token) = app_auth_token {
        headers.push((APP_AUTH_TOKEN, token));
    }
    let otherwise = if method == "GET" {
        Repeat::Safe
    } else {
        Repeat::Never
    };
    Ok(Prepared {
        operation: name.to_owned(),
        label: known.as_ref().map_or("other", |operation| operation.name),
        method,
        origin: None,
        client_certificate: false,
        target: target(template, &params)?,
        headers,
        body,
        signed_body,
        repeat: known
            .as_ref()
            .map_or(otherwise, |operation| operation.repeat),
        answer_is_signed: true,
        asked,
        expect: params.options.expect,
        order_number,
        awaits_key: false,
    })
}

/// The header fields of one attempt.
pub(super) fn sign(
    app: &App,
    prepared: &Prepared,
    host: &Host,
) -> Result<Vec<(&'static str, String)>> {
    let certificate = match &app.certificate_ids {
        Some(ids) => format!(",app_cert_sn={}", ids.app),
        None => String::new(),
    };
    let nonce = host.nonce()?;
    let subject = format!(
        "app_id={}{certificate},nonce={nonce},timestamp={}",
        app.app_id,
        host.clock.now_ms()?
    );
    let mut message = format!("{subject}\n{}\n{}\n", prepared.method, prepared.target).into_bytes();
    message.extend_from_slice(prepared.signed_body.as_deref().unwrap_or(&prepared.body));
    message.push(b'\n');
    if let Some((_, token)) = prepared
        .headers
        .iter()
        .find(|(name, _)| *name == APP_AUTH_TOKEN)
    {
        message.extend_from_slice(token.as_bytes());
        message.push(b'\n');
    }
    let signature = app.sign(&message, host)?;
    let mut headers = prepared.headers.clone();
    headers.push(("alipay-request-id", nonce));
    headers.push((
        "Authorization",
        format!("{SCHEME} {subject},sign={signature}"),
    ));
    Ok(headers)
}

pub(super) fn check(
    app: &App,
    ring: &KeyRing,
    prepared: &Prepared,
    response: &Response,
    now_ms: i64,
) -> Result<Answer> {
    let unproven = |error: Error| described(error.with_outcome(Outcome::Unknown), response);
    let is_success = (200..300).contains(&response.status);
    if !response.headers.contains(SIGNATURE) {
        if is_success {
            return Err(unproven(
                Error::new(Code::SignatureMissing, "the answer is not signed")
                    .with_field(SIGNATURE),
            ));
        }
        let error = match json::parse_object(&response.body) {
            Ok(body) if response.status >= 400 => {
                refusal::unauthenticated(refusal::of_rest(response.status, &body))
            }
            _ => refusal::of_status(response.status),
        };
        return Err(described(error, response));
    }
    let proof = verify(app, ring, &response.headers, &response.body, now_ms)
        .map_err(|error| unproven(error).with("authenticated", false))?;
    let body = plaintext(app, response).map_err(unproven)?;
    let unreadable = |problem| {
        unproven(Error::new(
            Code::BodyInvalid,
            format!("the answer is genuine, but cannot be read: {problem}"),
        ))
    };
    if !is_success {
        let body = json::parse_object(&body).unwrap_or_default();
        return Err(described(
            refusal::of_rest(response.status, &body),
            response,
        ));
    }
    if !body.is_empty() {
        let read = json::parse(&body).map_err(unreadable)?;
        asked::compare(prepared, &read).map_err(|error| described(error, response))?;
    } else if let Some(path) = prepared.expect.keys().next() {
        let error = Error::new(
            Code::ResponseMismatch,
            format!("the answer is genuine, but its {path} was expected and there is no body"),
        );
        return Err(unproven(error.with_field(path)));
    }
    Ok(Answer {
        body,
        sensitive: Sensitive::default(),
        verified: true,
        serial: proof.number,
        skew_s: Some(proof.skew_s),
        status: response.status,
        request_id: refusal::request_id(response),
        content_type: response.headers.first("content-type").map(str::to_owned),
    })
}

struct Proof {
    number: Option<String>,
    skew_s: i64,
}

/// The signature first, then the time: a good signature with a wrong time tells that a clock is off, and by how much.
fn verify(app: &App, ring: &KeyRing, headers: &Headers, body: &[u8], now_ms: i64) -> Result<Proof> {
    let required = |name: &'static str| match headers.single(name)? {
        Some(value) if !value.is_empty() => Ok(value),
        _ => Err(Error::new(
            Code::SignatureMissing,
            format!("the answer is not signed: the header {name} is missing or empty"),
        )
        .with_field(name)),
    };
    let (signature, timestamp, nonce) =
        (required(SIGNATURE)?, required(TIMESTAMP)?, required(NONCE)?);
    let time_ms: i64 = match timestamp.parse() {
        Ok(time) if timestamp.len() <= 14 && timestamp.bytes().all(|b| b.is_ascii_digit()) => time,
        _ => {
            return Err(Error::new(
                Code::HeaderInvalid,
                "alipay-timestamp is not a Unix time in milliseconds",
            )
            .with_field(TIMESTAMP));
        }
    };
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    let number = ring.verify(
        headers.single(NUMBER)?,
        &message,
        signature,
        now_ms.div_euclid(1000),
    )?;
    let skew_s = (time_ms - now_ms).div_euclid(1000);
    if skew_s.abs() > app.window_s {
        let window_s = app.window_s;
        return Err(Error::new(Code::ClockSkew, format!("the answer is genuine, but its time differs from ours by {skew_s} seconds; {window_s} are allowed"))
            .with("skew_s", skew_s)
            .with_hint("an old answer was replayed, or a clock is wrong: check NTP on this machine"));
    }
    Ok(Proof { number, skew_s })
}

/// The verified body, decrypted where it says that it is encrypted.
fn plaintext(app: &App, response: &Response) -> Result<Zeroizing<Vec<u8>>> {
    match (response.headers.single(ENCRYPT_TYPE)?, &app.encrypt_key) {
        (None | Some(""), _) => Ok(Zeroizing::new(response.body.clone())),
        (Some(encryption::NAME), Some(key)) => key.open(response.body.trim_ascii()),
        (Some(encryption::NAME), None) => Err(Error::new(
            Code::DecryptionFailed,
            "the answer is encrypted, and there is no encrypt_key",
        )
        .with_field("encrypt_key")),
        (Some(_), _) => Err(Error::new(
            Code::AlgorithmMismatch,
            "the answer is encrypted with something else than AES",
        )
        .with_field(ENCRYPT_TYPE)),
    }
}
