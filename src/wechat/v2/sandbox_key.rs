//! The provider's own sandbox of APIv2: every merchant has a key there, which is asked for with the real one.
//! <https://pay.weixin.qq.com/doc/v2/merchant/4011984889>

use zeroize::Zeroizing;

use crate::catalogue::Repeat;
use crate::error::{Code, Error, Outcome, Result};
use crate::host::Host;
use crate::provider::{Keys, Prepared};
use crate::wire::{Response, xml};

use super::merchant::Merchant;
use super::paths;
use super::prepare::HEADERS;
use super::signature::{Algorithm, ApiKey, KEY_LENGTH, sign};

/// The key is replaced now and then, without a word.
const LIFETIME_S: i64 = 12 * 60 * 60;

/// How a message that cannot be verified yet names the key it would need.
pub(super) const SERIAL: &str = "sandbox";

/// What requests are signed and messages verified with: outside the sandbox the configured keys, always.
#[derive(Default)]
pub(super) struct KeySet {
    pub keys: Vec<ApiKey>,
    /// When it was asked for, Unix seconds; None for configured keys.
    pub since: Option<i64>,
}

impl KeySet {
    pub fn state(&self, now_s: i64) -> Keys {
        match self.since {
            _ if self.keys.is_empty() => Keys::Missing,
            Some(since) if (now_s - since).abs() > LIFETIME_S => Keys::Due,
            _ => Keys::Ready,
        }
    }

    /// The key that signs.
    pub fn current(&self) -> Option<&ApiKey> {
        self.keys.first()
    }
}

/// The request for the sandbox's key. It is signed with MD5, whatever the configuration says: its parameters have no `sign_type`.
pub(super) fn request(merchant: &Merchant, host: &Host) -> Result<Prepared> {
    let nonce = host.nonce()?;
    let mut fields = vec![
        ("mch_id", merchant.mchid.as_str()),
        ("nonce_str", nonce.as_str()),
    ];
    let signature = sign(Algorithm::Md5, &merchant.keys[0], fields.iter().copied());
    fields.push(("sign", &signature));
    Ok(Prepared {
        operation: format!("POST {}", paths::SANDBOX_KEY),
        label: "other",
        method: "POST",
        origin: None,
        client_certificate: false,
        target: paths::SANDBOX_KEY.into(),
        headers: HEADERS.map(|(name, value)| (name, value.to_owned())).into(),
        body: xml::write(fields.into_iter()),
        signed_body: None,
        repeat: Repeat::Safe,
        answer_is_signed: false,
        asked: Vec::new(),
        expect: Default::default(),
        order_number: None,
        awaits_key: false,
    })
}

/// The answer is not signed: with its key only play money can be had.
pub(super) fn accept(merchant: &Merchant, response: &Response, now_s: i64) -> Result<KeySet> {
    let refused = |problem: &str| {
        Error::new(
            Code::BodyInvalid,
            format!("the sandbox gave no key: {problem}"),
        )
        .with_outcome(Outcome::NotSent)
        .with("http_status", response.status)
        .with("authenticated", false)
    };
    if response.status != 200 {
        return Err(refused(&format!("it answered {}", response.status)));
    }
    let fields = xml::read(&response.body).map_err(|problem| refused(&problem))?;
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if field("return_code") != "SUCCESS" {
        let error = refused("it refused the request")
            .with_hint("the request is signed with apiv2_key: is it this merchant's?");
        return Err(error.with("provider_message", field("return_msg")));
    }
    if field("mch_id") != merchant.mchid {
        return Err(refused("the answer is about another merchant"));
    }
    let key = field("sandbox_signkey").as_bytes();
    match key.len() {
        KEY_LENGTH => Ok(KeySet {
            keys: vec![Zeroizing::new(key.to_vec())],
            since: Some(now_s),
        }),
        _ => Err(refused("its key has not 32 bytes")),
    }
}
