//! What `payseal::wechat` promises: requests as WeChat Pay wants them, and belief in nothing that it did not sign.
//!
//! The platform of these tests signs, seals and verifies with the engine that payseal does not use by default.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod brand;
mod cashier;
mod certificates;
mod diagnosis;
mod encryption;
mod explanation;
mod freshness;
mod notifications;
mod parameters;
mod refusals;
#[cfg(feature = "shangmi")]
mod shangmi;
mod signatures;
mod signing;
mod v2;
mod walk;
