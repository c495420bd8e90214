//! What `payseal::crypto` promises, tested against the openssl command line, published vectors and a second engine.

/// Makes one test per engine of each generic function that is named.
macro_rules! on_each_engine {
    ($($promise:ident),* $(,)?) => {
        #[cfg(feature = "aws-lc-rs")]
        mod aws_lc_rs {
            $(#[test] fn $promise() { super::$promise::<payseal::crypto::awslc::AwsLc>() })*
        }
        #[cfg(feature = "rustcrypto")]
        mod rustcrypto {
            $(#[test] fn $promise() { super::$promise::<payseal::crypto::rustcrypto::RustCrypto>() })*
        }
    };
}

mod asn1;
#[cfg(target_os = "linux")]
mod canary;
mod certificate;
#[cfg(all(feature = "aws-lc-rs", feature = "rustcrypto"))]
mod differential;
mod ecb;
mod gate;
mod gcm;
mod hex;
#[cfg(target_os = "linux")]
mod memory;
mod openssl;
mod oracle;
mod properties;
mod published;
#[cfg(feature = "shangmi")]
mod sm2;
#[cfg(feature = "shangmi")]
mod sm2_keys;
mod wycheproof;
