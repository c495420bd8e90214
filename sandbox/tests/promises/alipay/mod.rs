//! Alipay: gateway v2, its keys and certificates, trades, notifications.

mod buyer;
mod certificates;
mod charset;
mod faults;
mod fund;
mod gateway;
mod notifications;
mod pages;
mod refunds;
mod rest;
mod stage;
mod trades;
mod vectors;
