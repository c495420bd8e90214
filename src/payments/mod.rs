//! Orders, inbox and outbox: what must survive a crash.

pub mod store;
