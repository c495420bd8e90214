//! The signature of a request. <https://pay.weixin.qq.com/doc/v3/merchant/4012365336>

use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::operation::USER_AGENT;
use crate::provider::Prepared;

use super::merchant::Merchant;

/// All header fields of one attempt.
pub(super) fn headers(
    merchant: &Merchant,
    prepared: &Prepared,
    host: &Host,
) -> Result<Vec<(&'static str, String)>> {
    if prepared.awaits_key {
        return Err(Error::new(
            Code::UnknownSerial,
            "a field must be encrypted and there is no valid platform key",
        )
        .with_outcome(Outcome::NotSent));
    }
    let signed_body = prepared.signed_body.as_deref().unwrap_or(&prepared.body);
    let mut headers = prepared.headers.clone();
    headers.push(("User-Agent", USER_AGENT.into()));
    headers.push((
        "Authorization",
        authorization(
            merchant,
            prepared.method,
            &prepared.target,
            signed_body,
            host,
        )?,
    ));
    Ok(headers)
}

fn authorization(
    merchant: &Merchant,
    method: &str,
    target: &str,
    body: &[u8],
    host: &Host,
) -> Result<String> {
    let timestamp = host.now_s()?;
    let nonce = host.nonce()?;
    let signature = merchant.sign(&message(method, target, timestamp, &nonce, body), host)?;
    Ok(format!(
        "{} {}=\"{}\",nonce_str=\"{nonce}\",signature=\"{signature}\",timestamp=\"{timestamp}\",serial_no=\"{}\"",
        merchant.scheme.name(),
        merchant.scheme.identity(),
        merchant.mchid,
        merchant.serial
    ))
}

/// Five lines, each ended by `\n`, also the last and also an empty body.
fn message(method: &str, target: &str, timestamp: i64, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}
