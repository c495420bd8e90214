//! Bills and receipts: an answer that is signed names an address, and the file there has neither a signature nor a hash.
//! <https://opendocs.alipay.com/open/028woc>
//!
//! What comes over TLS from the provider's host is the provider's as far as that goes, and no further: a caller has to say that this is enough.

use serde_json::{Map, Value};

use crate::download::{Coding, File, Files, Terms, followed, request};
use crate::error::{Code, Error, Outcome, Result};
use crate::provider::Prepared;
use crate::wire::url::{Address, Origin};

/// Where bills are.
const HOST: &str = "https://dwbillcenter.alipay.com";

pub(super) fn hosts() -> Vec<Origin> {
    Origin::parse(HOST).into_iter().collect()
}

pub(super) fn terms(allow_unverified: bool) -> Result<Terms> {
    match allow_unverified {
        true => Ok(Terms {
            allow_unverified,
            ..Terms::default()
        }),
        false => Err(Error::new(
            Code::HashMismatch,
            "Alipay gives no hash for its files: nothing but the TLS connection vouches for one",
        )
        .with_outcome(Outcome::NotSent)
        .with_field("$.allow_unverified")
        .with_hint("set $.allow_unverified where that is acceptable")),
    }
}

/// The file of a verified answer: a bill, or a receipt that may still be in the making.
pub(super) fn read(answer: &Map<String, Value>, configured: &[Origin]) -> Result<Files> {
    let text = |name: &str| {
        let text = answer.get(name).and_then(Value::as_str);
        text.filter(|text| !text.is_empty())
    };
    let address = ["bill_download_url", "download_url"]
        .into_iter()
        .find_map(|name| Some((name, text(name)?)));
    match (address, text("status")) {
        (Some((name, url)), _) => Ok(Files::Ready(vec![File {
            address: Some(followed(name, &secure(url), &hosts(), configured)?),
            coding: Coding::default(),
        }])),
        (None, Some(status @ ("INIT" | "PROCESS"))) => Ok(Files::Preparing(status.to_owned())),
        (None, Some(status)) => Err(Error::new(
            Code::ProviderRejected,
            format!("the file is not to be had: it is {status}"),
        )
        .with("authenticated", true)
        .with("advice", "definite_failure")
        .with("provider_code", status)
        .with(
            "provider_message",
            text("error_message").unwrap_or_default(),
        )),
        (None, None) => Err(Error::new(
            Code::BodyInvalid,
            "the answer is genuine, but names no file",
        )
        .with_outcome(Outcome::Unknown)),
    }
}

/// The provider writes `http`, and its host has TLS.
fn secure(url: &str) -> String {
    let host = HOST.trim_start_matches("https");
    match url
        .strip_prefix("http")
        .filter(|rest| rest.starts_with(host))
    {
        Some(rest) => format!("https{rest}"),
        None => url.to_owned(),
    }
}

/// The request for a file, which carries no signature of ours.
pub(super) fn fetch(address: &Address, configured: &[Origin]) -> Prepared {
    let path = address.target.split('?').next().unwrap_or_default();
    request(address, configured, format!("GET {path}"), "other")
}
