//! What the sandbox plays, one file a family of the provider's operations. A new family adds its file and
//! its table here.

mod bodies;
mod certificates;
mod pay;
mod refund;

use crate::operations::Operation;

/// The tables of all families.
pub const FAMILIES: &[&[Operation]] = &[
    pay::OPERATIONS,
    refund::OPERATIONS,
    certificates::OPERATIONS,
];
