//! What a page needs for `wx.config`. <https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html>

use serde_json::{Map, Value};

use crate::crypto::sha1;
use crate::error::{Code, Error, Result};
use crate::host::Host;

/// `appId`, `timestamp`, `nonceStr` and `signature` for the page at `url`.
pub(super) fn sign(
    appid: &str,
    ticket: &str,
    url: &str,
    host: &Host,
) -> Result<Map<String, Value>> {
    let (timestamp, nonce) = (host.now_s()?, host.nonce()?);
    let digest = sha1(
        format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}")
            .as_bytes(),
    );
    let signature: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Map::from_iter([
        ("appId".to_owned(), appid.into()),
        ("timestamp".to_owned(), timestamp.into()),
        ("nonceStr".to_owned(), nonce.into()),
        ("signature".to_owned(), signature.into()),
    ]))
}

/// The address of a page as the browser shows it, without what follows `#`.
pub(super) fn page(url: Option<&Value>, field: &str) -> Result<String> {
    let text = url.and_then(Value::as_str).unwrap_or_default();
    let is_address = ["https://", "http://"]
        .iter()
        .any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    let page = text.split('#').next().unwrap_or_default();
    match is_address && page.len() <= 2_048 && !page.contains(|c: char| c.is_control() || c == ' ')
    {
        true => Ok(page.to_owned()),
        false => Err(invalid(
            field,
            "must be the page's absolute address, as the browser shows it",
        )),
    }
}

/// The same with a ticket that the caller has.
pub(super) fn invoke(
    appid: &str,
    kind: &str,
    mut params: Map<String, Value>,
    host: &Host,
) -> Result<Map<String, Value>> {
    if kind != "js_config" {
        return Err(invalid("kind", "is none that there is; there is js_config"));
    }
    let url = params.shift_remove("url");
    let ticket = params.shift_remove("jsapi_ticket");
    if let Some(key) = params.keys().next() {
        return Err(invalid(
            key,
            "is not a parameter; there are url and jsapi_ticket",
        ));
    }
    let page = page(url.as_ref(), "url")?;
    let ticket = ticket
        .as_ref()
        .and_then(Value::as_str)
        .filter(|ticket| !ticket.is_empty() && ticket.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or_else(|| invalid("jsapi_ticket", "is missing or is not a ticket"))?;
    sign(appid, ticket, &page, host)
}

pub(super) fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field} {problem}")).with_field(field)
}
