//! What a mini-program, page or app needs to call up the cashier. <https://pay.weixin.qq.com/doc/v2/merchant/4011985713>

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::wire::url::{self, Origin};

use super::super::cashier::{Given, invalid, link};
use super::merchant::Merchant;
use super::prepare;
use super::sandbox_key::KeySet;
use super::signature::sign;

pub(super) fn invoke(
    merchant: &Merchant,
    keys: &KeySet,
    kind: &str,
    params: Map<String, Value>,
    host: &Host,
) -> Result<Map<String, Value>> {
    let mut given = Given(params);
    let parameters = match kind {
        "jsapi" => jsapi(merchant, keys, &mut given, host)?,
        "app" => app(merchant, keys, &mut given, host)?,
        "h5" => vec![("mweb_url", h5(&mut given)?)],
        "native" => vec![("code_url", link(given.required("code_url")?, "code_url")?)],
        "page" => vec![("url", page(merchant, keys, &mut given, host)?)],
        _ => {
            return Err(invalid(
                "kind",
                "there is no such kind of cashier; the kinds are jsapi, app, h5, native and page",
            ));
        }
    };
    given.finish()?;
    Ok(parameters
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Value::String(value)))
        .collect())
}

/// JSAPI and mini-program. The signature is made with what the order was signed with.
fn jsapi(
    merchant: &Merchant,
    keys: &KeySet,
    given: &mut Given,
    host: &Host,
) -> Result<Vec<(&'static str, String)>> {
    let appid = appid(merchant, given)?;
    let package = format!("prepay_id={}", given.prepay_id()?);
    let parameters = vec![
        ("appId", appid),
        ("timeStamp", host.now_s()?.to_string()),
        ("nonceStr", host.nonce()?),
        ("package", package),
        ("signType", merchant.algorithm.name().into()),
    ];
    signed(merchant, keys, parameters, "paySign")
}

/// The app names its fields in lower case, and the prepay id stands for itself.
fn app(
    merchant: &Merchant,
    keys: &KeySet,
    given: &mut Given,
    host: &Host,
) -> Result<Vec<(&'static str, String)>> {
    let appid = appid(merchant, given)?;
    let prepay_id = given.prepay_id()?;
    let partner = given
        .take("partnerid")?
        .unwrap_or_else(|| merchant.mchid.clone());
    let parameters = vec![
        ("appid", appid),
        ("partnerid", partner),
        ("prepayid", prepay_id),
        ("package", "Sign=WXPay".into()),
        ("noncestr", host.nonce()?),
        ("timestamp", host.now_s()?.to_string()),
    ];
    signed(merchant, keys, parameters, "sign")
}

fn h5(given: &mut Given) -> Result<String> {
    let mut address = link(given.required("mweb_url")?, "mweb_url")?;
    if let Some(redirect) = given.take("redirect_url")? {
        let redirect = link(redirect, "redirect_url")?;
        address.push(if address.contains('?') { '&' } else { '?' });
        address.push_str("redirect_url=");
        url::encode(&redirect, &mut address);
    }
    Ok(address)
}

/// A page of the provider that is opened with a signed address, such as that for signing a contract.
fn page(merchant: &Merchant, keys: &KeySet, given: &mut Given, host: &Host) -> Result<String> {
    let operation = given.required("operation")?;
    let query = match given.0.shift_remove("query") {
        Some(Value::Object(query)) => query,
        None | Some(Value::Null) => Map::new(),
        Some(_) => return Err(invalid("query", "it must be an object")),
    };
    let origin = match given.take("origin")? {
        Some(text) => Some(Origin::parse(&text).map_err(|problem| invalid("origin", &problem))?),
        None => None,
    };
    key(keys)?;
    let (usual, target) = prepare::page(merchant, keys, &operation, query, host)?;
    Ok(match origin {
        Some(origin) => format!("{}{target}", origin.as_str()),
        None => format!("https://{usual}{target}"),
    })
}

fn signed(
    merchant: &Merchant,
    keys: &KeySet,
    mut parameters: Vec<(&'static str, String)>,
    name: &'static str,
) -> Result<Vec<(&'static str, String)>> {
    let fields = parameters.iter().map(|(key, value)| (*key, value.as_str()));
    let signature = sign(merchant.algorithm, key(keys)?, fields);
    parameters.push((name, signature));
    Ok(parameters)
}

fn key(keys: &KeySet) -> Result<&super::signature::ApiKey> {
    keys.current().ok_or_else(|| {
        Error::new(
            Code::UnknownSerial,
            "the sandbox's key is not there yet: execute an operation first, which fetches it",
        )
    })
}

fn appid(merchant: &Merchant, given: &mut Given) -> Result<String> {
    match given.take("appid")?.or_else(|| merchant.appid.clone()) {
        Some(appid) => Ok(appid),
        None => Err(invalid(
            "appid",
            "it is missing, here and in the configuration",
        )),
    }
}
