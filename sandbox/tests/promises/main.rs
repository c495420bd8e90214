//! What the sandbox promises, tested from outside: the program runs as a process, requests are signed and
//! answers verified with openssl, notifications arrive at a plain listener.

mod alipay;
mod authorization;
mod bills;
mod busifavor;
mod certificates;
mod client;
mod codepay;
mod combine;
mod complaints;
mod diagnosis;
mod exchanges;
mod faults;
mod favor;
mod fields;
mod loopback;
mod notifications;
mod orders;
mod papay;
mod parking;
mod partner;
mod payscore;
mod refunds;
mod samples;
mod shangmi;
mod sharing;
mod stage;
mod start;
mod transfers;
mod v2;
