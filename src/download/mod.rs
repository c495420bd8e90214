mod coding;
mod decoder;
mod gunzip;

pub use coding::{Cipher, Coding, Digest, DigestKind, Seal};
pub use decoder::{Decoded, Decoder, Limits, decode};
