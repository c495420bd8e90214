//! payseal takes money through WeChat Pay and Alipay: signing, verification, decryption of notifications and HTTP calls live
//! here once, for every language that can call C.
//!
//! A reader's map, from the outside in:
//!
//! * [`ffi`]: the C ABI of `include/payseal.h`. Pointers in, pointers out, no decisions.
//! * [`client`]: configuration in, immutable client out. [`call`]: one exchange as a state machine without I/O, which alone knows
//!   about attempts. [`http`]: the built-in transport; moves bytes, decides nothing.
//! * [`flow`]: several exchanges that belong together, until a state is final.
//! * [`provider`]: the one trait every provider implements. [`wechat`]: WeChat Pay, pure protocol: the same configuration, clock,
//!   random source and input give the same bytes.
//! * [`alipay`]: Alipay, gateway v2 and REST v3.
//! * [`face`]: payments in terms that all providers share. [`payments`]: orders, inbox and outbox that survive a crash.
//! * [`weixin`]: mini-programs and official accounts, which sign nothing.
//! * [`catalogue`]: what a provider can be asked, as data. [`notification`]: a verified event and the answer to it.
//! * [`route`](route()): whose a notification is, where one address serves many merchants.
//! * [`doctor`]: looks a configuration over for people.
//! * [`wire`]: requests, headers, JSON, URLs as values. [`crypto`]: algorithms over bytes; knows no provider.
//! * [`host`]: what the embedding program lends: clock, random source, signer, log. [`observe`]: metrics and log records.
//! * [`qr`]: QR codes as PNG and SVG.
//! * [`error`]: every error says whether money may have moved.

#![cfg_attr(
    not(feature = "transport"),
    allow(
        dead_code,
        reason = "settings that the built-in HTTP client alone reads"
    )
)]

pub mod alipay;
mod breaker;
pub mod call;
pub mod cancel;
pub mod catalogue;
pub mod client;
mod config;
#[doc(hidden)]
pub mod crypto;
pub mod doctor;
pub mod download;
pub mod error;
pub mod face;
pub mod ffi;
pub mod flow;
pub mod host;
#[cfg(feature = "transport")]
pub mod http;
pub mod notification;
pub mod observe;
mod operation;
mod own_key;
mod params;
pub mod payments;
mod process;
pub mod provider;
pub mod qr;
mod refresh;
mod replay;
mod route;
mod turn;
pub mod wechat;
pub mod weixin;
pub mod wire;

pub use client::Client;
pub use error::{Code, Error, Outcome, Result};
pub use route::route;
