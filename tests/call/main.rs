//! What a call promises about attempts, time and money. No network: the test itself is the HTTP client.

#[path = "../support/mod.rs"]
mod support;

mod backoff;
mod breaker;
mod cancelling;
mod hosts;
mod keys;
mod outcomes;
mod retries;
mod simulation;
mod turns;
