//! Statements from overseas: a file that comes as the answer itself. What is signed in its place is its SHA-1, which stands in a header.
//! <https://pay.weixin.qq.com/doc/global/v3/zh/4012354982>

use crate::crypto::sha1;
use crate::error::{Code, Error, Outcome, Result};
use crate::wire::Response;

const SHA1: &str = "wechatpay-statement-sha1";
const PATHS: [&str; 3] = [
    "/v3/statements",
    "/hk/v3/statements",
    "/v3/global/statements",
];

/// The text that is signed in place of the body, where the answer to this path has one.
pub(super) fn signed(target: &str, response: &Response) -> Result<Option<String>> {
    let path = target.split('?').next().unwrap_or_default();
    if !PATHS.contains(&path) {
        return Ok(None);
    }
    let hash = response.headers.single(SHA1)?;
    Ok(hash.map(|hash| format!("{{\"sha1\":\"{hash}\"}}")))
}

/// Whether the body is the one of which the hash was signed. The hash is looked at after its signature.
pub(super) fn check(signed: &str, response: &Response) -> Result<()> {
    let hash: String = sha1(&response.body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match signed.eq_ignore_ascii_case(&format!("{{\"sha1\":\"{hash}\"}}")) {
        true => Ok(()),
        false => Err(Error::new(
            Code::HashMismatch,
            "the statement does not have the hash that the provider signed: use nothing of it",
        )
        .with_outcome(Outcome::Unknown)),
    }
}
