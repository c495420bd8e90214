//! The signature of APIv2, the same in both directions. <https://pay.weixin.qq.com/doc/v2/merchant/4011985891>
//!
//! Fields with a value, but `sign`, sorted by the bytes of their names, joined as `k=v&…`, with the key at the end: the MD5 or the
//! HMAC-SHA256 of that in upper-case hex. `{a: "1&b=2"}` and `{a: "1", b: "2"}` sign alike, so a value is always read from the message
//! itself and never from this string.

use zeroize::Zeroizing;

use crate::crypto::{burn_stack, constant_time_eq, hmac_sha256, md5};
use crate::error::{Code, Error, Result};

/// An APIv2 key, or the sandbox's in its place: 32 bytes. On the heap, for what is moved about leaves copies where it was.
pub(super) type ApiKey = Zeroizing<Vec<u8>>;

pub(super) const KEY_LENGTH: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    HmacSha256,
}

impl Algorithm {
    pub const ALL: [Algorithm; 2] = [Algorithm::HmacSha256, Algorithm::Md5];

    /// As `sign_type` names it.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::HmacSha256 => "HMAC-SHA256",
        }
    }

    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|it| it.name() == name)
    }

    /// How many characters its signatures have.
    fn length(self) -> usize {
        match self {
            Algorithm::Md5 => 32,
            Algorithm::HmacSha256 => 64,
        }
    }
}

pub(super) fn sign<'a>(
    algorithm: Algorithm,
    key: &ApiKey,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let message = message(key, fields);
    let signature = match algorithm {
        Algorithm::Md5 => hex(&md5(&message)),
        Algorithm::HmacSha256 => hex(&hmac_sha256(key, &message)),
    };
    burn_stack(); // the key ends the message, and so it was the last that a hash function held
    signature
}

/// Checks the signature of fields that came in. `algorithms` are those that may have been used; the message does not choose beyond them.
pub(super) fn verify(
    algorithms: &[Algorithm],
    keys: &[ApiKey],
    fields: &[(String, String)],
) -> Result<()> {
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    };
    let Some(signature) = field("sign").filter(|sign| !sign.is_empty()) else {
        return Err(Error::new(
            Code::SignatureMissing,
            "the message is not signed: sign is missing or empty",
        )
        .with_field("sign"));
    };
    let named = match field("sign_type").filter(|name| !name.is_empty()) {
        None => Algorithm::ALL
            .into_iter()
            .find(|it| it.length() == signature.len()),
        Some(name) => Some(Algorithm::parse(name).ok_or_else(|| mismatch(algorithms))?),
    };
    let Some(algorithm) = named.filter(|it| it.length() == signature.len()) else {
        return Err(Error::new(
            Code::SignatureInvalid,
            "the signature has not the length of one",
        )
        .with_field("sign"));
    };
    if !algorithms.contains(&algorithm) {
        return Err(mismatch(algorithms));
    }
    let texts = || fields.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let fits = |key| {
        let ours = sign(algorithm, key, texts());
        constant_time_eq(ours.as_bytes(), signature.as_bytes())
    };
    match keys.iter().any(fits) {
        true => Ok(()),
        false => Err(Error::new(Code::SignatureInvalid, "the signature does not fit the message")
            .with_field("sign")
            .with_hint("is apiv2_key this merchant's current APIv2 key, and not the APIv3 key? After a change, keep the old one as previous_apiv2_key")),
    }
}

fn mismatch(algorithms: &[Algorithm]) -> Error {
    let names: Vec<&str> = algorithms.iter().map(|it| it.name()).collect();
    Error::new(
        Code::AlgorithmMismatch,
        format!(
            "the message is not signed with {}, which is all that is accepted here",
            names.join(" or ")
        ),
    )
    .with_field("sign_type")
}

/// Holds the key, so it is wiped; made in one piece, so that no copy of it is left behind.
fn message<'a>(
    key: &ApiKey,
    fields: impl Iterator<Item = (&'a str, &'a str)>,
) -> Zeroizing<Vec<u8>> {
    let mut pairs: Vec<(&str, &str)> = fields
        .filter(|(name, value)| !value.is_empty() && *name != "sign")
        .collect();
    pairs.sort_unstable();
    let length: usize = pairs.iter().map(|(k, v)| k.len() + v.len() + 2).sum();
    let mut message = Zeroizing::new(Vec::with_capacity(length + 4 + key.len()));
    for (name, value) in pairs {
        for part in [name.as_bytes(), b"=", value.as_bytes(), b"&"] {
            message.extend_from_slice(part);
        }
    }
    message.extend_from_slice(b"key=");
    message.extend_from_slice(key);
    message
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The provider's own example.
    const FIELDS: [(&str, &str); 5] = [
        ("mch_id", "10000100"),
        ("appid", "wxd930ea5d5a258f4f"),
        ("device_info", "1000"),
        ("body", "test"),
        ("nonce_str", "ibuaiVcKdpRxkhJA"),
    ];
    const KEY: &[u8; 32] = b"192006250b4c09247ec02edce69f6a2d";

    fn signed(algorithm: Algorithm, extra: &[(&'static str, &'static str)]) -> String {
        let fields = FIELDS.into_iter().chain(extra.iter().copied());
        sign(algorithm, &Zeroizing::new(KEY.to_vec()), fields)
    }

    #[test]
    fn the_published_examples_are_reproduced() {
        assert_eq!(
            signed(Algorithm::Md5, &[]),
            "9A0A8659F005D6984697E2CA0A9CF3B7"
        );
        assert_eq!(
            signed(Algorithm::HmacSha256, &[]),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
        );
    }

    #[test]
    fn empty_values_and_the_signature_itself_take_no_part() {
        for algorithm in Algorithm::ALL {
            let plain = signed(algorithm, &[]);
            assert_eq!(signed(algorithm, &[("sign", "x"), ("attach", "")]), plain);
            assert_ne!(signed(algorithm, &[("attach", "0")]), plain);
            assert_ne!(
                signed(algorithm, &[("Sign", "x")]),
                plain,
                "names are bytes"
            );
        }
    }
}
