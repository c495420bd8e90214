//! What `payseal::face` promises: every provider's payments in the same terms, translated through the real client: the exact request that
//! leaves, and the meaning of an answer that was verified.

#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../alipay/alipay.rs"]
mod gateway;

mod alipay;
mod shop;
mod wechat;
mod wechat_v2;
