//! What both sides sign with. The configuration says it; no message does.

use crate::config::Section;
use crate::crypto::suite::{PrivateKey, PublicKey, Suite};
use crate::error::Result;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignType {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rsa2,
    /// The same with SHA-1, of old apps.
    Rsa,
}

impl SignType {
    pub fn read(config: &mut Section) -> Result<SignType> {
        match config.text("sign_type")?.as_deref() {
            None | Some("RSA2") => Ok(SignType::Rsa2),
            Some("RSA") => Ok(SignType::Rsa),
            Some(_) => Err(config.error("sign_type", "it must be RSA2 or, of an old app, RSA")),
        }
    }

    /// As `sign_type` spells it.
    pub fn name(self) -> &'static str {
        match self {
            SignType::Rsa2 => "RSA2",
            SignType::Rsa => "RSA",
        }
    }

    pub fn suite(self) -> Suite {
        match self {
            SignType::Rsa2 => Suite::Rsa,
            SignType::Rsa => Suite::RsaSha1,
        }
    }

    pub fn private_key(self, config: &Section, field: &str, text: &[u8]) -> Result<PrivateKey> {
        PrivateKey::parse(self.suite(), text)
            .map_err(|error| config.error_with(error.kind.into(), field, error.message))
    }

    pub fn public_key(self, config: &Section, field: &str, text: &[u8]) -> Result<PublicKey> {
        PublicKey::parse(self.suite(), text)
            .map_err(|error| config.error_with(error.kind.into(), field, error.message))
    }
}
