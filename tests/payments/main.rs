//! What payments promises about orders and events that must survive a crash.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../alipay/alipay.rs"]
mod gateway;

mod cut;
mod doubts;
mod due;
mod inbox;
mod orders;
mod provider;
mod refunds;
mod simulation;
mod store;
mod till;
