//! What a download promises: whole and right, or an error and nothing.

#[path = "../support/mod.rs"]
mod support;

mod addresses;
#[cfg(feature = "transport")]
mod bills_v2;
mod decoding;
#[cfg(feature = "transport")]
mod fetching;
mod files;
mod hosted;
#[cfg(all(target_os = "linux", feature = "transport"))]
mod memory;
#[cfg(feature = "transport")]
mod provider;
#[cfg(feature = "transport")]
mod saving;
