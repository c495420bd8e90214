//! Alipay: gateway v2, its keys and certificates, trades, notifications.

mod account;
mod agreements;
mod bills;
mod buyer;
mod certificates;
mod charset;
mod facts;
mod faults;
mod freezes;
mod fund;
mod gateway;
mod notifications;
mod oauth;
mod pages;
mod refunds;
mod rest;
mod stage;
mod trades;
mod vectors;
