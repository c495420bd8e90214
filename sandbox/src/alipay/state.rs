//! What Alipay remembers of the business with it. It lives in memory.

use std::collections::HashMap;

use axum::body::Bytes;
use time::OffsetDateTime;

use super::fund::Transfer;
use super::trade::Trade;

#[derive(Default)]
pub struct State {
    /// Oldest first.
    pub trades: Vec<Trade>,
    pub transfers: Vec<Transfer>,
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
