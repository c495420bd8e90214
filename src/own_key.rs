//! The key we sign with: in the configuration, or kept by the host, who signs.

use std::fmt;

use crate::crypto::base64;
use crate::crypto::suite::{PrivateKey, PublicKey, Suite};
use crate::error::{Code, Error, Result};
use crate::host::Host;

pub(crate) struct OwnKey {
    suite: Suite,
    /// None where the host signs.
    key: Option<PrivateKey>,
}

impl OwnKey {
    pub fn new(suite: Suite, key: Option<PrivateKey>) -> OwnKey {
        OwnKey { suite, key }
    }

    /// What opens texts that are encrypted for us; None where the host holds the key.
    pub fn private(&self) -> Option<&PrivateKey> {
        self.key.as_ref()
    }

    pub fn public(&self) -> Option<PublicKey> {
        self.key.as_ref().map(PrivateKey::public_key)
    }

    /// Base64 of the signature over `message`, by the host's signer if there is one.
    pub fn sign(&self, message: &[u8], host: &Host) -> Result<String> {
        let signature = match (&self.key, &host.signer) {
            (_, Some(signer)) => self.plausible(signer.sign(message)?)?,
            (Some(key), None) => host
                .lend_random(|random| key.sign(message, random))?
                .map_err(|_| {
                    Error::new(
                        Code::Internal,
                        "the private key did not sign, although it did when it was loaded",
                    )
                })?,
            (None, None) => {
                return Err(Error::new(
                    Code::SignerFailed,
                    "there is neither a private key nor a signer",
                ));
            }
        };
        Ok(base64::encode(&signature))
    }

    /// What a signer gave, if a key of our suite can have made it: a digest or a text is nothing to send.
    fn plausible(&self, signature: Vec<u8>) -> Result<Vec<u8>> {
        let lengths = self.suite.signature_lengths();
        match lengths.contains(&signature.len()) {
            true => Ok(signature),
            false => Err(Error::new(
                Code::SignerFailed,
                format!(
                    "the signer gave {} bytes, and a signature by {} has {} to {}",
                    signature.len(),
                    self.suite,
                    lengths.start(),
                    lengths.end()
                ),
            )),
        }
    }
}

impl fmt::Debug for OwnKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnKey(…)")
    }
}
