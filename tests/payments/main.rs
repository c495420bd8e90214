//! What payments promises about orders and events that must survive a crash.

mod store;
