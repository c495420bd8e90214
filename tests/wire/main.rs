//! What `payseal::wire` promises of messages that are no JSON.

mod xml;
