//! What payments promises about orders and events that must survive a crash.

#[path = "../support/mod.rs"]
mod support;

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
