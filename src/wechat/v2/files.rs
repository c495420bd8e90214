//! Bills: the answer to the operation is the file, as text or as gzip. Where there is none, XML says why, with the same status.
//! <https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=9_6>
//!
//! Nobody signs either. What comes over TLS from the provider's host is the provider's as far as that goes, and no further: so a caller has to
//! say that this is enough.

use serde_json::{Map, Value};

use crate::download::{Beginning, Coding, Digest, DigestKind, Terms};
use crate::error::{Code, Error, Outcome, Result};
use crate::wire::Response;

use super::super::files::{hex, is_gzip};
use super::paths::{self, AnswerKind};
use crate::operation::parse_name;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What the first bytes of an answer are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    File,
    /// XML, or a page of something between us and the provider: no bill begins like that.
    Document,
}

/// None where too little came to tell.
pub(super) fn begins(body: &[u8]) -> Option<Begins> {
    let rest = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    match rest.trim_ascii_start().first() {
        None => None,
        Some(b'<') => Some(Begins::Document),
        Some(_) if BYTE_ORDER_MARK.starts_with(body) => None,
        Some(_) => Some(Begins::File),
    }
}

pub(super) fn terms(
    operation: Option<&str>,
    given: &Map<String, Value>,
    allow_unverified: bool,
) -> Result<Terms> {
    let Some(operation) = operation else {
        return Err(Error::new(
            Code::ParamsInvalid,
            "the files of APIv2 have no addresses: give the operation, such as \"POST /pay/downloadbill\"",
        )
        .with_field("operation"));
    };
    let (_, path) = parse_name(operation)?;
    if paths::answer_kind(path) != AnswerKind::File {
        return Err(Error::new(
            Code::UnknownOperation,
            "the answer to this operation is no file: execute it",
        )
        .with_field("operation"));
    }
    if !allow_unverified {
        return Err(Error::new(
            Code::HashMismatch,
            "APIv2 does not sign its bills: nothing but the TLS connection vouches for one",
        )
        .with_outcome(Outcome::NotSent)
        .with_field("$.allow_unverified")
        .with_hint(
            "set $.allow_unverified where that is acceptable; the bills of APIv3 are signed for",
        ));
    }
    Ok(Terms {
        gzip: is_gzip(given)?,
        in_answer: true,
        allow_unverified,
        ..Terms::default()
    })
}

pub(super) fn begin(terms: &Terms, response: &Response) -> Result<Beginning> {
    Ok(match begins(&response.body) {
        None => Beginning::Unclear,
        Some(Begins::Document) => Beginning::Refusal,
        Some(Begins::File) => Beginning::File(Coding {
            gzip: terms.gzip,
            checksum: checksum(response)?,
            ..Coding::default()
        }),
    })
}

/// `Digest: SHA=` and hexadecimal digits, which comes with fund flow bills. <https://pay.weixin.qq.com/wiki/doc/api/jsapi.php?chapter=9_18>
fn checksum(response: &Response) -> Result<Option<Digest>> {
    let members = response.headers.single("digest")?.unwrap_or_default();
    let named = members
        .split(',')
        .filter_map(|it| it.trim().split_once('='));
    let mut values = named.filter(|(name, _)| name.eq_ignore_ascii_case("SHA"));
    let Some((_, value)) = values.next() else {
        return Ok(None);
    };
    let kind = DigestKind::Sha1;
    match hex(value).filter(|value| value.len() == kind.length()) {
        Some(value) if values.next().is_none() => Ok(Some(Digest { kind, value })),
        _ => Err(Error::new(
            Code::HashMismatch,
            "the header Digest has no SHA-1 in 40 hexadecimal digits",
        )
        .with_field("digest")),
    }
}
