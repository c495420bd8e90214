//! What a mini-program, page or app needs to call up the cashier. <https://pay.weixin.qq.com/doc/v3/merchant/4012365341>

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::wire::url;

use super::merchant::Merchant;

pub(super) fn invoke(
    merchant: &Merchant,
    kind: &str,
    params: Map<String, Value>,
    host: &Host,
) -> Result<Map<String, Value>> {
    let mut given = Given(params);
    let parameters = match kind {
        "jsapi" => jsapi(merchant, &mut given, host)?,
        "app" => app(merchant, &mut given, host)?,
        "h5" => vec![("h5_url", h5(&mut given)?)],
        "native" => vec![("code_url", link(given.required("code_url")?, "code_url")?)],
        _ => {
            return Err(invalid(
                "kind",
                "there is no such kind of cashier; the kinds are jsapi, app, h5 and native",
            ));
        }
    };
    given.finish()?;
    Ok(parameters
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::String(value)))
        .collect())
}

/// JSAPI and mini-program: `wx.requestPayment`, `WeixinJSBridge`.
fn jsapi(
    merchant: &Merchant,
    given: &mut Given,
    host: &Host,
) -> Result<Vec<(&'static str, String)>> {
    let appid = given.appid(merchant)?;
    let package = format!("prepay_id={}", given.prepay_id()?);
    let sign_type = match merchant.scheme.sign_type() {
        Some(known) => known.to_owned(),
        None => given.take("signType")?.ok_or_else(|| {
            invalid("signType", "it is missing; the provider publishes none for SM2, so give the one that it told the merchant")
        })?,
    };
    let (timestamp, nonce) = (host.now_s()?.to_string(), host.nonce()?);
    let signature = sign(merchant, [&appid, &timestamp, &nonce, &package], host)?;
    Ok(vec![
        ("appId", appid),
        ("timeStamp", timestamp),
        ("nonceStr", nonce),
        ("package", package),
        ("signType", sign_type),
        ("paySign", signature),
    ])
}

/// The app signs the bare prepay id and names its fields in lower case.
fn app(merchant: &Merchant, given: &mut Given, host: &Host) -> Result<Vec<(&'static str, String)>> {
    let appid = given.appid(merchant)?;
    let prepay_id = given.prepay_id()?;
    let partner = given
        .take("partnerid")?
        .unwrap_or_else(|| merchant.mchid.clone());
    let (timestamp, nonce) = (host.now_s()?.to_string(), host.nonce()?);
    let signature = sign(merchant, [&appid, &timestamp, &nonce, &prepay_id], host)?;
    Ok(vec![
        ("appid", appid),
        ("partnerid", partner),
        ("prepayid", prepay_id),
        ("package", "Sign=WXPay".into()),
        ("noncestr", nonce),
        ("timestamp", timestamp),
        ("sign", signature),
    ])
}

fn h5(given: &mut Given) -> Result<String> {
    let mut address = link(given.required("h5_url")?, "h5_url")?;
    if let Some(redirect) = given.take("redirect_url")? {
        let redirect = link(redirect, "redirect_url")?;
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str("redirect_url=");
        url::encode(&redirect, &mut address);
    }
    Ok(address)
}

fn sign(merchant: &Merchant, lines: [&str; 4], host: &Host) -> Result<String> {
    merchant.sign(format!("{}\n", lines.join("\n")).as_bytes(), host)
}

pub(super) fn link(text: String, field: &'static str) -> Result<String> {
    match ["https://", "http://", "weixin://"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
    {
        true => Ok(text),
        false => Err(invalid(
            field,
            "it must be an absolute address, as the order's answer gave it",
        )),
    }
}

pub(super) struct Given(pub(super) Map<String, Value>);

impl Given {
    /// A text without line ends: it becomes a line of what is signed.
    pub(super) fn take(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.0.shift_remove(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && !text.contains(char::is_control) => {
                Ok(Some(text))
            }
            Some(_) => Err(invalid(
                key,
                "it must be a text that is not empty and has no control characters",
            )),
        }
    }

    pub(super) fn required(&mut self, key: &'static str) -> Result<String> {
        self.take(key)?.ok_or_else(|| invalid(key, "it is missing"))
    }

    fn appid(&mut self, merchant: &Merchant) -> Result<String> {
        match self.take("appid")? {
            Some(appid) => Ok(appid),
            None => merchant
                .appid
                .clone()
                .ok_or_else(|| invalid("appid", "it is missing, here and in the configuration")),
        }
    }

    pub(super) fn prepay_id(&mut self) -> Result<String> {
        let id = self.required("prepay_id")?;
        match id.starts_with("prepay_id=") {
            true => Err(invalid(
                "prepay_id",
                "give the bare prepay id; `prepay_id=` is added here",
            )),
            false => Ok(id),
        }
    }

    pub(super) fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            Some(key) => Err(invalid(key, "this kind of cashier has no such parameter")),
            None => Ok(()),
        }
    }
}

pub(super) fn invalid(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field}: {problem}")).with_field(field)
}
