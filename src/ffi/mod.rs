//! The C ABI of `include/payseal.h`: pointers in, pointers out, no decisions.
//!
//! Each exported function is a few flat lines inside [`boundary::call`], which stops panics and hands out errors. Handles are places in a
//! checked table ([`handle`]), so that a freed or foreign one is an error and never a crash.

#![allow(
    clippy::missing_safety_doc,
    reason = "the header's conventions say once what every pointer must be"
)]
#![allow(non_camel_case_types, reason = "the names are the header's")]

mod boundary;
mod buffer;
mod call;
mod callbacks;
mod cancel;
mod client;
mod crypto;
mod doctor;
mod download;
mod error;
mod handle;
mod input;
mod notification;
mod panic;
mod payments;
mod qr;
mod version;

pub use buffer::{payseal_buffer, payseal_buffer_free};
pub use call::*;
pub use callbacks::payseal_callbacks;
pub use cancel::*;
pub use client::*;
pub use crypto::*;
pub use doctor::*;
pub use download::*;
pub use error::*;
pub use notification::*;
pub use payments::*;
pub use qr::*;
pub use version::*;
