//! Flows: several exchanges until a state is final, each one verified, none of them a second order.

#[path = "../support/mod.rs"]
mod support;

mod codepay;
mod driving;
mod waiting;
