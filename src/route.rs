//! One address for the notifications of many merchants: which of them a notification is for.

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::notification::Claim;
use crate::wire::Headers;

/// The place among `clients` of the one that a notification is for, to be opened with. `headers` are its header lines, `body` its bytes as
/// received.
///
/// Whose it is shows in what opens it: the key that signed it, the secret that decrypts it, the merchant that it names. Only one that is
/// genuine is assigned, or one whose signature needs a key that its merchant can fetch; opening it then decides.
pub fn route<'a>(
    clients: impl IntoIterator<Item = &'a Client>,
    headers: impl AsRef<[u8]>,
    body: &[u8],
) -> Result<usize> {
    let headers = Headers::parse_bytes(headers.as_ref())?;
    let mut pending = None;
    let mut nearest: Option<Error> = None;
    for (index, client) in clients.into_iter().enumerate() {
        match client.claim(&headers, body) {
            Ok(Claim::Certain) => return Ok(index),
            Ok(Claim::Pending) => pending = pending.or(Some(index)),
            Err(error)
                if nearest
                    .as_ref()
                    .is_none_or(|so_far| came(&error) > came(so_far)) =>
            {
                nearest = Some(error);
            }
            Err(_) => {}
        }
    }
    pending.ok_or_else(|| {
        nearest.unwrap_or_else(|| {
            Error::new(Code::InvalidArgument, "there is no client to choose from")
                .with_field("clients")
        })
    })
}

/// How far a notification came with a merchant that did not claim it; the farthest says most about it.
fn came(error: &Error) -> u8 {
    match error.code() {
        Code::UnknownSerial => 0,
        Code::DecryptionFailed => 2,
        _ => 1,
    }
}
