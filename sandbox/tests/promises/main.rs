//! What the sandbox promises, tested from outside: the program runs as a process, requests are signed and
//! answers verified with openssl, notifications arrive at a plain listener.

mod authorization;
mod certificates;
mod client;
mod faults;
mod fields;
mod loopback;
mod notifications;
mod orders;
mod refunds;
mod shangmi;
mod stage;
mod start;
mod v2;
