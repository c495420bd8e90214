//! What `payseal::alipay` promises: requests as Alipay wants them, and belief in nothing that it did not sign.
//!
//! The Alipay of these tests signs and verifies with openssl, and builds what is signed by itself.

#[path = "../support/mod.rs"]
mod support;

mod alipay;

mod answers;
mod cashier;
mod certificates;
mod configuration;
mod encryption;
mod explanation;
mod files;
mod flows;
mod notifications;
mod published;
mod requests;
mod rest;
mod returns;
mod walk;
