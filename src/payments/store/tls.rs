//! Whether a connection to a database is encrypted, and whom it trusts. What is encrypted is also verified.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::url::{Url, invalid};
use crate::error::{Code, Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// In the clear only where nobody is between: to this machine.
    Safe,
    Always,
    Never,
}

impl Mode {
    /// `name` is the parameter of the URL in the words of its database.
    pub fn of(url: &Url, name: &str) -> Result<Mode> {
        let Some(text) = url.parameter(name) else {
            return Ok(Mode::Safe);
        };
        match text.to_ascii_lowercase().replace('_', "-").as_str() {
            "disable" | "disabled" => Ok(Mode::Never),
            "prefer" | "preferred" => Ok(Mode::Safe),
            "require" | "required" | "verify-ca" | "verify-full" | "verify-identity" => {
                Ok(Mode::Always)
            }
            _ => Err(invalid(format!(
                "`{name}` in the store's URL must say that TLS is disabled, preferred or required, in the words of the database"
            ))),
        }
    }

    /// `address` is none for a socket in the file system.
    pub fn encrypts(self, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Mode::Never, _) | (_, None) => false,
            (Mode::Always, _) => true,
            (Mode::Safe, Some(address)) => !address.is_loopback(),
        }
    }
}

/// Trusts the certificate authorities in a file, or those of the web.
pub(super) fn configuration(roots: Option<&str>) -> Result<Arc<ClientConfig>> {
    let mut store = RootCertStore::empty();
    match roots {
        None => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let pem = file(path)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|error| unreadable(path, &error))?;
                store
                    .add(certificate)
                    .map_err(|error| unreadable(path, &error))?;
            }
            if store.is_empty() {
                return Err(unreadable(path, &"it holds none, it must be PEM"));
            }
        }
    }
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map(|builder| Arc::new(builder.with_root_certificates(store).with_no_client_auth()))
        .map_err(|error| Error::new(Code::Internal, format!("TLS cannot be configured: {error}")))
}

/// The bytes of a file of certificates.
pub(super) fn file(path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &str, error: &dyn std::fmt::Display) -> Error {
    invalid(format!(
        "the certificates in {path} cannot be read: {error}"
    ))
}
