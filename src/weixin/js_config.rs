//! What a page needs for `wx.config`. <https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html>

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::crypto::sha1;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::wire::json::Wiped;

/// `appId`, `timestamp`, `nonceStr` and `signature` for the page at `url`.
pub(super) fn sign(
    appid: &str,
    ticket: &str,
    url: &str,
    host: &Host,
) -> Result<Map<String, Value>> {
    let (timestamp, nonce) = (host.now_s()?, host.nonce()?);
    let signature = signature(ticket, &nonce, timestamp, url);
    Ok(Map::from_iter([
        ("appId".to_owned(), appid.into()),
        ("timestamp".to_owned(), timestamp.into()),
        ("nonceStr".to_owned(), nonce.into()),
        ("signature".to_owned(), signature.into()),
    ]))
}

fn signature(ticket: &str, nonce: &str, timestamp: i64, url: &str) -> String {
    let timestamp = timestamp.to_string();
    let parts = [
        ("jsapi_ticket=", ticket),
        ("&noncestr=", nonce),
        ("&timestamp=", &timestamp),
        ("&url=", url),
    ];
    // Never a place that grows: the ticket is a secret.
    let text = Zeroizing::new(parts.map(|(name, value)| [name, value]).concat().concat());
    let digest = sha1(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
    let ticket = Wiped(params.shift_remove("jsapi_ticket").unwrap_or_default());
    if let Some(key) = params.keys().next() {
        return Err(invalid(
            key,
            "is not a parameter; there are url and jsapi_ticket",
        ));
    }
    let page = page(url.as_ref(), "url")?;
    let ticket = ticket
        .as_str()
        .filter(|ticket| !ticket.is_empty() && ticket.bytes().all(|b| b.is_ascii_graphic()))
        .ok_or_else(|| invalid("jsapi_ticket", "is missing or is not a ticket"))?;
    sign(appid, ticket, &page, host)
}

pub(super) fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field} {problem}")).with_field(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "JS-SDK说明文档", appendix 1.
    #[test]
    fn the_platforms_published_example_is_signed_as_it_says() {
        let ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
        let url = page(Some(&"http://mp.weixin.qq.com?params=value".into()), "url");
        assert_eq!(
            signature(ticket, "Wm3WZYTPz0wzccnW", 1_414_587_457, &url.unwrap()),
            "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
        );
    }
}
