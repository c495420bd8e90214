//! What an answer means: its signature is checked over the fields that were read, and only what it covers is handed out.

use serde_json::{Map, Value};

use crate::error::{Code, Error, Outcome, Result};
use crate::provider::{Answer, Prepared, Sensitive};
use crate::wire::{Response, json, xml};

use super::files::{self, Begins};
use super::paths::{self, AnswerKind};
use super::refusal::refusal;
use super::signature::{Algorithm, ApiKey, verify};

pub(super) fn check(keys: &[ApiKey], prepared: &Prepared, response: &Response) -> Result<Answer> {
    match response.status {
        200..=299 => {}
        300..=399 => {
            let message = format!(
                "the answer is a redirect ({}), which is never followed",
                response.status
            );
            return Err(described(
                Error::new(Code::ResponseInvalid, message),
                response,
            ));
        }
        status => return Err(described(refused_by_http(status), response)),
    }
    let path = prepared.target.split('?').next().unwrap_or_default();
    let read = match paths::answer_kind(path) {
        AnswerKind::Signed => signed(keys, prepared, &response.body),
        AnswerKind::Unsigned => unsigned(keys, prepared, &response.body, &[]),
        AnswerKind::UnsignedLists(lists) => unsigned(keys, prepared, &response.body, lists),
        AnswerKind::File => return file(response).map_err(|e| described(e, response)),
        AnswerKind::Json | AnswerKind::Page => from_json(&response.body),
    };
    let (fields, verified) = read.map_err(|e| described(e, response))?;
    compare(prepared, &fields).map_err(|e| described(e, response))?;
    Ok(Answer {
        body: Value::Object(fields).to_string().into_bytes().into(),
        sensitive: Sensitive::default(),
        verified,
        serial: None,
        status: response.status,
        request_id: request_id(response),
        content_type: Some("application/json".into()),
        skew_s: None,
    })
}

type Read = Result<(Map<String, Value>, bool)>;

/// The fields under the signature.
fn signed(keys: &[ApiKey], prepared: &Prepared, body: &[u8]) -> Read {
    let fields = xml::read(body).map_err(unreadable)?;
    let is_refused = accepted(&fields)?;
    if is_refused && field(&fields, "sign").is_empty() {
        return Err(refusal(&map(fields), false));
    }
    verify(&[algorithm(prepared)], keys, &fields).map_err(|e| e.with_outcome(Outcome::Unknown))?;
    succeeded(map(fields), is_refused, true)
}

/// The fields of an answer that the provider does not sign; should it do so all the same, the signature must fit.
fn unsigned(keys: &[ApiKey], prepared: &Prepared, body: &[u8], lists: &[&str]) -> Read {
    let all = xml::read_with_lists(body, lists).map_err(unreadable)?;
    let is_flat = all.values().all(Value::is_string);
    let fields: Vec<(String, String)> = all
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    let is_refused = accepted(&fields)?;
    let verified = is_flat && !field(&fields, "sign").is_empty();
    if verified {
        verify(&[algorithm(prepared)], keys, &fields)
            .map_err(|e| e.with_outcome(Outcome::Unknown))?;
        return succeeded(map(fields), is_refused, true);
    }
    if !is_refused && field(&fields, "result_code").is_empty() && !is_key_answer(prepared) {
        return Err(unreadable("result_code is missing".into()));
    }
    succeeded(without_empty(all), is_refused, false)
}

/// `return_code`, which says whether the request was understood at all. Whether it says no.
fn accepted(fields: &[(String, String)]) -> Result<bool> {
    match field(fields, "return_code") {
        "SUCCESS" => Ok(false),
        "FAIL" => Ok(true),
        "" => Err(unreadable("return_code is missing".into())),
        _ => Err(unreadable("return_code is neither SUCCESS nor FAIL".into())),
    }
}

/// `result_code`, which says what became of the business. The few answers that have none say with their signature that all is well.
fn succeeded(fields: Map<String, Value>, is_refused: bool, verified: bool) -> Read {
    let result = fields.get("result_code").and_then(Value::as_str);
    match result {
        _ if is_refused => Err(refusal(&fields, verified)),
        Some("SUCCESS") | None => Ok((fields, verified)),
        Some("FAIL") => Err(refusal(&fields, verified)),
        Some(_) => Err(unreadable("result_code is neither SUCCESS nor FAIL".into())),
    }
}

/// A bill, text or compressed, as it came; or XML that says why there is none. Neither is signed.
fn file(response: &Response) -> Result<Answer> {
    if files::begins(&response.body) == Some(Begins::Document) {
        let fields = xml::read(&response.body).map_err(unreadable)?;
        return Err(refusal(&map(fields), false));
    }
    Ok(Answer {
        body: response.body.clone().into(),
        sensitive: Sensitive::default(),
        verified: false,
        serial: None,
        status: response.status,
        request_id: request_id(response),
        content_type: response.headers.first("content-type").map(str::to_owned),
        skew_s: None,
    })
}

fn from_json(body: &[u8]) -> Read {
    let fields = json::parse_object(body).map_err(unreadable)?;
    let is_zero = |code: &Value| code == 0 || code == "0";
    match fields.get("retcode") {
        Some(code) if is_zero(code) => Ok((fields, false)),
        Some(_) => Err(refusal(&fields, false)),
        None => Err(unreadable("retcode is missing".into())),
    }
}

/// The signature covers no part of the request: a genuine answer to another one would pass.
fn compare(prepared: &Prepared, fields: &Map<String, Value>) -> Result<()> {
    let mismatch = |name: &str, problem: &str| {
        Error::new(
            Code::ResponseMismatch,
            format!("the answer's {name} {problem}"),
        )
        .with_outcome(Outcome::Unknown)
        .with_field(name)
    };
    for (name, asked) in &prepared.asked {
        if fields.get(*name).is_some_and(|said| said != asked) {
            return Err(mismatch(
                name,
                "is not what was asked about: it belongs to another request",
            ));
        }
    }
    match json::unmet(&Value::Object(fields.clone()), &prepared.expect) {
        Some(path) => Err(mismatch(path, "is not what the caller expects")),
        None => Ok(()),
    }
}

/// The algorithm of an answer is that of its request, which says MD5 by saying nothing.
fn algorithm(prepared: &Prepared) -> Algorithm {
    let sent = prepared.signed_body.as_deref().unwrap_or(&prepared.body);
    let fields = xml::read(sent).unwrap_or_default();
    Algorithm::parse(field(&fields, "sign_type")).unwrap_or(Algorithm::Md5)
}

fn is_key_answer(prepared: &Prepared) -> bool {
    prepared.target.ends_with("/getsignkey")
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

/// Only what the signature covers: not the signature, and nothing that is empty.
pub(super) fn map(fields: Vec<(String, String)>) -> Map<String, Value> {
    let covered = fields
        .into_iter()
        .filter(|(name, value)| name != "sign" && !value.is_empty());
    covered.map(|(name, value)| (name, value.into())).collect()
}

fn without_empty(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|_, value| value.as_str() != Some(""));
    fields
}

/// Load balancers answer like this, without a word that could be verified.
fn refused_by_http(status: u16) -> Error {
    let (code, advice) = match status {
        429 => (Code::ProviderRateLimited, "retry_later"),
        502..=504 => (Code::ProviderUnavailable, "retry_later"),
        500.. => (Code::ProviderUnavailable, "retry_same"),
        _ => (Code::ProviderRejected, "query_first"),
    };
    let message = format!("the provider answered {status} without a readable error");
    Error::new(code, message)
        .with("authenticated", false)
        .with("advice", advice)
        .with_outcome(Outcome::Unknown)
}

fn unreadable(problem: String) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the answer cannot be read: {problem}"),
    )
    .with_outcome(Outcome::Unknown)
}

fn request_id(response: &Response) -> Option<String> {
    response.headers.first("request-id").map(str::to_owned)
}

fn described(error: Error, response: &Response) -> Error {
    let error = error.with("http_status", response.status);
    match response.headers.first("request-id") {
        Some(id) => error.with("request_id", id),
        None => error,
    }
}
