//! What a configuration must be, and what is said when it is not.

#[path = "../support/mod.rs"]
mod support;

mod configuration;
mod doctor;
mod keys;
mod route;
mod secrets;
