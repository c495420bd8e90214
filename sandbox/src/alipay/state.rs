//! What Alipay remembers of the business with it. It lives in memory.

use std::collections::HashMap;

use axum::body::Bytes;
use time::OffsetDateTime;

use super::agreement::Agreement;
use super::bills::Link;
use super::certify::Certification;
use super::freeze::Freeze;
use super::fund::Transfer;
use super::oauth::Grants;
use super::receipts::Receipt;
use super::trade::Trade;

#[derive(Default)]
pub struct State {
    /// Oldest first.
    pub trades: Vec<Trade>,
    pub transfers: Vec<Transfer>,
    pub freezes: Vec<Freeze>,
    pub agreements: Vec<Agreement>,
    pub receipts: Vec<Receipt>,
    pub certifications: Vec<Certification>,
    /// Orders that the merchant has told of: the provider's number by the merchant's.
    pub synced_orders: HashMap<String, String>,
    pub grants: Grants,
    /// Files that can be fetched for a while, by the token in their address.
    pub links: HashMap<String, Link>,
    /// What buyers show, by its digits.
    pub codes: HashMap<String, Code>,
    /// Files that were uploaded, by their id.
    pub files: HashMap<String, Bytes>,
}

/// A payment code on the buyer's screen.
#[derive(Clone)]
pub struct Code {
    pub created: OffsetDateTime,
    pub asks_password: bool,
    /// The wallet is empty.
    pub poor: bool,
    /// The token of the trade that it was scanned for.
    pub trade: Option<String>,
}
