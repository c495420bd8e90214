//! The kinds that need a client: requests, answers, notifications, client-side parameters.

use payseal::Result;
use payseal::call::{Call, Step};
use payseal::wire::{Headers, Request, Response};
use serde_json::Value;

use super::Case;

/// A call that is about to send, or the error with which it has ended before.
fn begin(case: &Case) -> Result<Call> {
    let mut call = case.client()?.call(
        case.text("operation"),
        &case.json("params"),
        &case.bytes("payload_base64"),
    )?;
    match call.step() {
        Step::Send => Ok(call),
        Step::Done => Err(call.result().unwrap_err()),
        Step::Wait(_) => panic!("nothing to wait for"),
    }
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    let mut found = request
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let (_, value) = found.next().unwrap_or_else(|| panic!("no header {name}"));
    assert!(found.next().is_none(), "header {name} twice");
    value
}

pub fn request(case: &Case) -> Result<()> {
    let call = begin(case)?;
    let request = call.request()?;
    assert_eq!(case.expect["method"], request.method);
    assert_eq!(case.expect["url"], request.url());
    assert_eq!(
        case.expect["authorization"],
        header(request, "Authorization"),
        "signed was {}",
        case.expect["message"]
    );
    assert_eq!(
        case.expect["wechatpay_serial"],
        header(request, "Wechatpay-Serial")
    );
    if !case.expect["body_base64"].is_null() {
        case.expects_bytes("body_base64", &request.body);
    }
    Ok(())
}

pub fn answer(case: &Case) -> Result<()> {
    let mut call = begin(case)?;
    call.respond(Response {
        status: case.input["status"].as_u64().unwrap() as u16,
        headers: Headers::parse(case.text("headers"))?,
        body: case.bytes("answer_base64"),
    })?;
    assert_eq!(call.step(), Step::Done);
    let delivered = call.result()?;
    case.expects_bytes("body_base64", &delivered.body);
    assert_eq!(delivered.info()["verified"], true);
    Ok(())
}

pub fn notification(case: &Case) -> Result<()> {
    let delivered =
        case.client()?
            .open_notification(case.text("headers"), &case.bytes("body_base64"), b"")?;
    assert_eq!(
        case.expect["plaintext"],
        String::from_utf8_lossy(&delivered.body).as_ref()
    );
    for (name, value) in case.expect["event"].as_object().unwrap() {
        assert_eq!(&delivered.info()[name], value, "{name}");
    }
    Ok(())
}

pub fn invoke(case: &Case) -> Result<()> {
    let result = case
        .client()?
        .invoke(case.text("invoke"), &case.json("params"))?;
    assert_eq!(case.expect["result"], Value::Object(result));
    Ok(())
}
