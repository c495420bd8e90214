//! What the sandbox plays, one file a family of the provider's operations. A new family adds its file and
//! its table here, and what it remembers to `State`.

mod batches;
pub mod bills;
mod bodies;
mod busifavor;
mod certificates;
pub mod codepay;
pub mod combine;
pub mod complaints;
mod deduction;
mod ecommerce;
pub mod favor;
pub mod files;
mod fund;
pub mod papay;
pub mod parking;
mod partner;
mod pay;
pub mod payscore;
pub mod receipts;
mod refund;
mod security;
pub mod sharing;
pub mod transfer;

use crate::operations::Operation;

/// The tables of all families.
pub const FAMILIES: &[&[Operation]] = &[
    pay::OPERATIONS,
    partner::OPERATIONS,
    codepay::OPERATIONS,
    combine::OPERATIONS,
    refund::OPERATIONS,
    ecommerce::OPERATIONS,
    sharing::OPERATIONS,
    transfer::OPERATIONS,
    batches::OPERATIONS,
    receipts::OPERATIONS,
    fund::OPERATIONS,
    bills::OPERATIONS,
    files::OPERATIONS,
    certificates::OPERATIONS,
    security::OPERATIONS,
    complaints::OPERATIONS,
    payscore::OPERATIONS,
    papay::OPERATIONS,
    parking::OPERATIONS,
    favor::OPERATIONS,
    busifavor::OPERATIONS,
];

/// What the families remember beside orders and refunds, behind the ledger's lock.
#[derive(Default)]
pub struct State {
    pub codes: codepay::Codes,
    pub sharing: sharing::Sharing,
    pub transfers: transfer::Transfers,
    pub batches: batches::Batches,
    pub receipts: receipts::Receipts,
    pub withdrawals: fund::Withdrawals,
    /// What platforms lent for refunds and got back, by refund_id.
    pub advances: std::collections::HashMap<String, serde_json::Value>,
    pub files: files::Files,
    pub complaints: complaints::Complaints,
    pub payscore: payscore::Orders,
    pub permissions: payscore::Permissions,
    pub contracts: papay::Contracts,
    pub parking: parking::Parkings,
    pub favor: favor::Favor,
    pub busifavor: busifavor::Busifavor,
}
