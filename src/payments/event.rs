//! Events of the inbox: what they are called, and how they are stored and read.

use crate::crypto::sha256;
use crate::error::{Code, Error, Result};
use crate::face::{Fact, PaymentState, RefundState};

use super::Shared;
use super::apply::Told;
use super::settle::Topic;
use super::sql::{self, Source, statement};
use super::store::{Dialect, NewEvent, Statement, Value};

/// What a worker is given of an event, after what every claim begins with.
pub(super) const COLUMNS: &str =
    "id, attempts, budget, account, kind, order_no, source, envelope, plaintext, fact, received_ms";

/// What a worker is told that a fact is; None where it is nothing final.
pub(super) fn kind(fact: &Fact) -> Option<&'static str> {
    match fact {
        Fact::Payment(fact) => match fact.state {
            PaymentState::Paid => Some(Topic::PaymentPaid.name()),
            PaymentState::Closed => Some(Topic::PaymentClosed.name()),
            _ => None,
        },
        Fact::Refund(fact) => match fact.state {
            RefundState::Succeeded => Some(Topic::RefundSucceeded.name()),
            RefundState::Failed => Some(Topic::RefundFailed.name()),
            RefundState::Abnormal => Some("refund.abnormal"),
            _ => None,
        },
    }
}

/// The unique key of an event that tells a fact. It is made of what is told and not of the telling, so that a notification, its repetition, a query
/// and a bill that report the same fact are one event.
pub(super) fn key(account: &str, fact: &Fact) -> [u8; 32] {
    sha256(format!("{account}\nfact\n{}", fact.key()).as_bytes())
}

/// The unique key of an event that tells what was decided here: `what` was decided under a number that comes once.
pub(super) fn decision_key(account: &str, what: &str, number: &str) -> [u8; 32] {
    sha256(format!("{account}\ndecision\n{what}\n{number}").as_bytes())
}

/// Inserts the event of a fact that has taken effect already, for the service's own worker, unless it is there.
pub(super) fn tell(
    shared: &Shared,
    told: Told,
    kind: &str,
    key: [u8; 32],
    now_ms: i64,
) -> Statement {
    let event = NewEvent {
        event_key: key,
        account: told.account.to_owned(),
        kind: kind.to_owned(),
        order_no: told.fact.order_no().to_owned(),
        source: told.source.name(),
        headers: String::new(),
        body: Vec::new(),
        envelope: "{}".to_owned(),
        plaintext: Vec::new(),
        fact: Some(sql::json(told.fact)),
        received_ms: now_ms,
    };
    insert(shared.store().dialect(), event)
}

fn insert(dialect: Dialect, event: NewEvent) -> Statement {
    let columns: [(&str, Value); 14] = [
        ("event_key", Value::Bytes(event.event_key.to_vec())),
        ("account", event.account.into()),
        ("kind", event.kind.into()),
        ("order_no", event.order_no.into()),
        ("source", event.source.into()),
        ("headers", event.headers.into()),
        ("body", Value::Bytes(event.body)),
        ("envelope", event.envelope.into()),
        ("plaintext", Value::Bytes(event.plaintext)),
        ("fact", event.fact.into()),
        ("received_ms", event.received_ms.into()),
        ("state", 0.into()),
        ("due_ms", event.received_ms.into()),
        ("attempts", 0.into()),
    ];
    let names = columns.each_ref().map(|(name, _)| *name);
    let sql = dialect.insert_or_nothing("payseal_inbox", &names);
    statement(sql, columns.map(|(_, value)| value), None)
}

/// The facts that the work states: account, source and fact.
pub(super) type Stated = (String, Source, Fact);

pub(super) fn read_stated(account: String, source: &str, fact: &str) -> Result<Stated> {
    let foreign = |what: String| Error::new(Code::StoreFailed, what);
    let source = Source::named(source)
        .ok_or_else(|| foreign(format!("the source of an event, {source:?}, is not known")))?;
    let fact = serde_json::from_str(fact)
        .map_err(|error| foreign(format!("the fact of an event is not understood: {error}")))?;
    Ok((account, source, fact))
}
