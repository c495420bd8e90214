//! The key of our client certificate, lent to the TLS library while it loads it. A key in its configuration would stay in memory that nobody
//! wipes; what it makes of the key it wipes itself.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::crypto::{CryptoProvider, KeyProvider, aws_lc_rs};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use ureq::tls::{Certificate, ClientCert, PrivateKey};
use ureq::unversioned::transport::{ConnectionDetails, Connector, Transport};
use zeroize::Zeroizing;

use crate::provider::ClientIdentity;

/// PKCS#8, DER.
type Key = Arc<Zeroizing<Vec<u8>>>;

thread_local! {
    /// The key of the connection that this thread is making.
    static LENT: RefCell<Option<Key>> = const { RefCell::new(None) };
}

/// AWS-LC, with keys that are lent.
pub fn crypto_provider() -> CryptoProvider {
    CryptoProvider {
        key_provider: &Lent,
        ..aws_lc_rs::default_provider()
    }
}

/// The word `lent` where a key belongs.
const PLACEHOLDER: &[u8] = b"-----BEGIN PRIVATE KEY-----\nbGVudA==\n-----END PRIVATE KEY-----\n";

/// What the TLS library is told: the certificate, and a word in place of its key. None where it cannot sign with the key.
pub fn client_certificate(identity: &ClientIdentity) -> Option<ClientCert> {
    load(&identity.key).ok()?;
    let certificate = Certificate::from_der(&identity.certificate).to_owned();
    let key = PrivateKey::from_pem(PLACEHOLDER).ok()?;
    Some(ClientCert::new_with_certs(&[certificate], key))
}

#[derive(Debug)]
struct Lent;

impl KeyProvider for Lent {
    fn load_private_key(
        &self,
        _: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        LENT.with_borrow(|key| match key {
            Some(key) => load(key),
            None => Err(rustls::Error::General("no key is lent".into())),
        })
    }
}

fn load(key: &[u8]) -> Result<Arc<dyn SigningKey>, rustls::Error> {
    any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)))
}

/// Makes connections as the one inside does, with the key lent to whom needs it for that.
pub struct Lending<C> {
    key: Option<Key>,
    inner: C,
}

impl<C> Lending<C> {
    pub fn new(identity: Option<&ClientIdentity>, inner: C) -> Lending<C> {
        Lending {
            key: identity.map(|identity| identity.key.clone()),
            inner,
        }
    }
}

impl<In: Transport, C: Connector<In>> Connector<In> for Lending<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let _loan = Loan::of(self.key.clone());
        self.inner.connect(details, chained)
    }
}

impl<C> fmt::Debug for Lending<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lending(…)")
    }
}

/// Ends with the connection, however that ends.
struct Loan;

impl Loan {
    fn of(key: Option<Key>) -> Loan {
        LENT.set(key);
        Loan
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        LENT.set(None);
    }
}
