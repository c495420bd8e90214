//! What the C ABI promises: whatever C hands over, an error code and never a crash.

#[path = "../support/mod.rs"]
mod support;

mod abi;
mod arguments;
mod boundary;
mod callbacks;
#[cfg(all(target_os = "linux", feature = "transport"))]
mod fork;
mod handles;
mod header;
mod hosted;
#[cfg(target_os = "linux")]
mod memory;
mod published;
#[cfg(target_os = "linux")]
mod residue;
mod threads;
