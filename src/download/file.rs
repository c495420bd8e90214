//! Files as a provider names them.

use crate::wire::url::Address;

use super::coding::{Cipher, Coding};

/// How files are packed, as far as the request for them decides it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    pub gzip: bool,
    pub cipher: Option<Cipher>,
    /// The caller takes a file that nobody vouches for.
    pub allow_unverified: bool,
}

/// One file, or one part of a file that comes in several.
#[derive(Clone, Debug)]
pub struct File {
    pub address: Address,
    pub coding: Coding,
}

/// What a verified answer says about files.
#[derive(Clone, Debug)]
pub enum Files {
    /// At least one.
    Ready(Vec<File>),
    /// They are still being made; the provider's word for it.
    Preparing(String),
}
