//! What the built-in transport promises, against real servers on loopback that misbehave.
#![cfg(feature = "transport")]

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod cancelling;
mod doctor;
mod mtls;
mod pool;
mod requests;
mod tls;
