//! Files as a provider names them, or as it sends them in place of an answer.

use crate::wire::url::Address;

use super::coding::{Cipher, Coding};

/// How files are packed, as far as the request for them decides it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    pub gzip: bool,
    pub cipher: Option<Cipher>,
    /// The caller takes a file that nobody vouches for.
    pub allow_unverified: bool,
    /// The answer to the operation is the file, and not a word about where it is.
    pub in_answer: bool,
}

/// One file, or one part of a file that comes in several.
#[derive(Clone, Debug)]
pub struct File {
    /// None where the file came as the answer to the operation.
    pub address: Option<Address>,
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

/// What the answer to an operation begins with whose answer is a file.
#[derive(Clone, Debug)]
pub enum Beginning {
    File(Coding),
    /// It says why there is no file.
    Refusal,
    /// Too little came to tell.
    Unclear,
}
