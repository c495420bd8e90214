//! Which algorithms merchant and platform speak with each other. The configuration says it; no message does.
//! <https://pay.weixin.qq.com/doc/v3/partner/4012082629>

use zeroize::Zeroizing;

use crate::config::Section;
use crate::crypto::suite::{PrivateKey, PublicKey, Suite};
use crate::crypto::{self, Certificate, CryptoError, KeyError, KeyErrorKind};
use crate::error::{Error, Result};

const RSA: &str = "WECHATPAY2-SHA256-RSA2048";
const BRAND: &str = "WECHATPAY-BRAND-SHA256-RSA2048";
const SM2: &str = "WECHATPAY2-SM2-WITH-SM3";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Rsa,
    /// The same algorithms; a brand asks, with certificate and key of its own, and not a merchant.
    Brand,
    /// 国密.
    #[cfg(feature = "shangmi")]
    Sm2,
}

impl Scheme {
    pub fn read(config: &mut Section) -> Result<Scheme> {
        match config.text("scheme")?.as_deref() {
            None | Some(RSA) => Ok(Scheme::Rsa),
            Some(BRAND) => Ok(Scheme::Brand),
            #[cfg(feature = "shangmi")]
            Some(SM2) => Ok(Scheme::Sm2),
            #[cfg(not(feature = "shangmi"))]
            Some(SM2) => Err(config.error(
                "scheme",
                "this build has no SM2, SM3 and SM4; build payseal with its feature `shangmi`",
            )),
            Some(_) => Err(config.error(
                "scheme",
                format!("there is no such scheme; there are {RSA}, {SM2} and {BRAND}"),
            )),
        }
    }

    /// Who asks, as `Authorization` and the configuration call it.
    pub fn identity(self) -> &'static str {
        match self {
            Scheme::Brand => "brand_id",
            _ => "mchid",
        }
    }

    /// In `Authorization` and `Wechatpay-Signature-Type`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Rsa => RSA,
            Scheme::Brand => BRAND,
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => SM2,
        }
    }

    pub fn suite(self) -> Suite {
        match self {
            Scheme::Rsa | Scheme::Brand => Suite::Rsa,
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => Suite::Shangmi,
        }
    }

    /// What platform certificates are asked for by; the provider's default is RSA.
    pub fn algorithm_type(self) -> Option<&'static str> {
        match self {
            Scheme::Rsa | Scheme::Brand => None,
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => Some("SM2"),
        }
    }

    /// What a page is told about the signature with which it calls up the cashier. The provider's documents name none for SM2.
    pub fn sign_type(self) -> Option<&'static str> {
        match self {
            Scheme::Rsa | Scheme::Brand => Some("RSA"),
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => None,
        }
    }

    /// In the `algorithm` of what is encrypted with the APIv3 key.
    pub fn aead(self) -> &'static str {
        match self {
            Scheme::Rsa | Scheme::Brand => "AEAD_AES_256_GCM",
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => "AEAD_SM4_GCM",
        }
    }

    /// Opens what is encrypted with the APIv3 key. A key of SM4 is half as long: the first half of the APIv3 key's hash.
    pub fn open(
        self,
        apiv3_key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        ciphertext: &[u8],
    ) -> std::result::Result<Zeroizing<Vec<u8>>, CryptoError> {
        match self {
            Scheme::Rsa | Scheme::Brand => {
                crypto::aes_256_gcm_open(apiv3_key, nonce, aad, ciphertext)
            }
            #[cfg(feature = "shangmi")]
            Scheme::Sm2 => {
                let hash = Zeroizing::new(crypto::sm3(apiv3_key));
                let mut key = Zeroizing::new([0; 16]);
                key.copy_from_slice(&hash[..16]);
                crypto::sm4_gcm_open(&key, nonce, aad, ciphertext)
            }
        }
    }

    pub fn private_key(self, config: &Section, field: &str, text: &[u8]) -> Result<PrivateKey> {
        PrivateKey::parse(self.suite(), text).map_err(|e| self.key_error(config, field, e))
    }

    pub fn public_key(self, config: &Section, field: &str, text: &[u8]) -> Result<PublicKey> {
        PublicKey::parse(self.suite(), text).map_err(|e| self.key_error(config, field, e))
    }

    pub fn certificate(self, config: &Section, field: &str, text: &[u8]) -> Result<Certificate> {
        self.read_certificate(text)
            .map_err(|e| self.key_error(config, field, e))
    }

    /// A certificate whose key is one of this scheme.
    pub fn read_certificate(self, text: &[u8]) -> std::result::Result<Certificate, KeyError> {
        let certificate = Certificate::parse(text)?;
        certificate.public_key().require(self.suite())?;
        Ok(certificate)
    }

    fn key_error(self, config: &Section, field: &str, error: KeyError) -> Error {
        let refused = config.error_with(error.kind.into(), field, error.message);
        match error.kind == KeyErrorKind::OtherSuite {
            true => refused.with_hint(format!("the scheme is {}: give a key of it, or set `scheme` to what the merchant has agreed with the provider", self.name())),
            false => refused,
        }
    }
}
