//! A request to the gateway: every parameter, signed. <https://opendocs.alipay.com/common/02khjm>

use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::host::Host;

use super::app::App;
use super::{canonical, certificates, encryption, time};

/// What no caller gives: it follows from the configuration and from the body, or is the signature.
pub(super) const OURS: [&str; 12] = [
    "app_id",
    "method",
    "format",
    "charset",
    "sign_type",
    "sign",
    "timestamp",
    "version",
    "app_cert_sn",
    "alipay_root_cert_sn",
    "encrypt_type",
    "biz_content",
];

/// Parameters that any operation takes, beside what it is about.
pub(super) const COMMON: [&str; 6] = [
    "notify_url",
    "return_url",
    "app_auth_token",
    "auth_token",
    "target_app_id",
    "ws_service_url",
];

/// All parameters with their values in the app's charset.
pub(super) struct Signed {
    fields: Vec<(String, Vec<u8>)>,
}

impl Signed {
    /// `given` are the parameters beside those that every request has; `biz_content` is the text of the business parameters.
    pub fn new(
        app: &App,
        method: &str,
        given: Vec<(String, Zeroizing<String>)>,
        biz_content: Option<&str>,
        host: &Host,
    ) -> Result<Signed> {
        let clock = || {
            Error::new(
                Code::CallbackFailed,
                "the clock tells a time that cannot be written",
            )
        };
        let timestamp = time::beijing(host.now_s()?).ok_or_else(clock)?;
        let mut texts: Vec<(&str, &str)> = vec![
            ("app_id", &app.app_id),
            ("method", method),
            ("format", "JSON"),
            ("charset", app.charset.name()),
            ("sign_type", app.sign_type.name()),
            ("timestamp", &timestamp),
            ("version", "1.0"),
        ];
        if let Some(ids) = &app.certificate_ids {
            texts.extend([
                ("app_cert_sn", &*ids.app),
                ("alipay_root_cert_sn", &*ids.root),
            ]);
        }
        texts.extend(
            given
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str())),
        );
        let encode = |name: &str, text: &str| {
            app.charset.encode(text).map(|bytes| (name.to_owned(), bytes.into_owned())).ok_or_else(|| {
                let field = if name == "biz_content" { "body" } else { name };
                Error::new(Code::ParamsInvalid, format!("{field} has a character that {} has not, the charset of the configuration", app.charset.name()))
                    .with_field(field)
            })
        };
        let mut fields: Vec<(String, Vec<u8>)> = texts
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(name, text)| encode(name, text))
            .collect::<Result<_>>()?;
        if let Some(text) = biz_content {
            let (name, plain) = encode("biz_content", text)?;
            // The answer to a download comes unsigned, and what is not verified is not decrypted.
            match app
                .encrypt_key
                .as_ref()
                .filter(|_| method != certificates::DOWNLOAD)
            {
                Some(key) => {
                    fields.push(("encrypt_type".into(), encryption::NAME.into()));
                    fields.push((name, key.seal(&plain)?.into_bytes()));
                }
                None => fields.push((name, plain)),
            }
        }
        let signature = app.sign(&canonical::text(borrowed(&fields)), host)?;
        fields.push(("sign".into(), signature.into_bytes()));
        Ok(Signed { fields })
    }

    /// The query of the address.
    pub fn query(&self) -> String {
        encoded(borrowed(&self.fields).filter(|(name, _)| is_system(name)))
    }

    /// The form of the body, not encoded yet.
    pub fn form(&self) -> impl Iterator<Item = (&str, &[u8])> {
        borrowed(&self.fields).filter(|(name, _)| !is_system(name))
    }

    /// Everything in one query.
    pub fn whole(&self) -> String {
        encoded(borrowed(&self.fields))
    }
}

fn borrowed(fields: &[(String, Vec<u8>)]) -> impl Iterator<Item = (&str, &[u8])> {
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
}

/// What stands in the address of a request; the business is its form.
fn is_system(name: &str) -> bool {
    name != "biz_content" && (OURS.contains(&name) || COMMON.contains(&name))
}

pub(super) fn encoded<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    crate::wire::form::encode(fields)
}
