//! Bundles of certificates as Alipay's console gives them: read or refused, and never a crash.
#![no_main]

use payseal::Client;
use payseal::crypto::{CertificateIssue, pem_blocks};
use payseal::host::Host;
use payseal_fuzz::{ALIPAY_APP, cut};
use serde_json::json;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let _ = CertificateIssue::read(data);
    for block in pem_blocks(data) {
        assert!(block.starts_with(b"-----BEGIN ") && block.ends_with(b"-----"));
        let _ = CertificateIssue::read(block);
    }
    let (certificates, roots) = cut(data);
    if let (Ok(certificates), Ok(roots)) = (
        std::str::from_utf8(certificates),
        std::str::from_utf8(roots),
    ) {
        let config = json!({
            "provider": "alipay", "app_id": ALIPAY_APP, "private_key": "x", "app_certificate": certificates,
            "alipay_certificate": certificates, "alipay_root_certificate": roots,
        });
        assert!(Client::new(config.to_string().as_bytes(), Host::default()).is_err());
    }
});
