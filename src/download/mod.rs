//! Files: bills, receipts and whatever else a provider hands out by address.
//!
//! A file may be larger than memory. It is decrypted, decompressed and hashed while it comes ([`decoder`](Decoder)); [`Machine`] is the whole
//! way as a state machine without sockets, for a host's own HTTP client; [`Download`] drives it with the built-in transport.

mod address;
mod blocking;
mod coding;
mod decoder;
mod file;
mod gunzip;
mod machine;
mod request;
mod save;

pub(crate) use address::{followed, request};
pub use blocking::Download;
pub use coding::{Cipher, Coding, Digest, DigestKind, Seal};
pub use decoder::{Decoded, Decoder, Limits, decode};
pub use file::{Beginning, File, Files, Terms};
pub use machine::{Machine, Next};
