//! Carries out what facts do: reads the orders, decides, and writes order, history, exception and message in one transaction. When somebody else
//! wrote in between, all of it is decided anew on what is there now.

use std::collections::HashMap;

use serde_json::json;

use crate::crypto::sha256;
use crate::error::{Code, Error, Result};
use crate::face::{Fact, PaymentState, RefundState};
use crate::host::Level;
use crate::observe::Record;

use super::Shared;
use super::event;
use super::order::{Columns, Order, Refund};
use super::settle::{self, Doubt, Effect, Learned, Topic};
use super::sql::{self, NewException, Source, Transition};
use super::store::{Row, Statement, Transaction, Value};

/// How often a decision is made anew before we give up: every time somebody else got on with the order.
const DECISIONS: usize = 8;

/// A fact, and how it was learned.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub account: &'a str,
    pub source: Source,
    pub fact: &'a Fact,
}

/// Orders and refunds in memory while decisions are made about them.
pub(super) struct Ledger {
    orders: HashMap<String, Result<Order>>,
    refunds: HashMap<String, Result<Refund>>,
    /// The evidence of exceptions that were raised before, and their kinds: told again, it raises none.
    evidence: HashMap<String, String>,
}

impl Ledger {
    pub fn load<'a>(shared: &Shared, facts: impl Iterator<Item = &'a Fact>) -> Result<Ledger> {
        let mut numbers = Vec::new();
        let mut refunds = Vec::new();
        for fact in facts {
            if !numbers.contains(&fact.order_no()) {
                numbers.push(fact.order_no());
            }
            if let Fact::Refund(fact) = fact
                && !refunds.contains(&&*fact.refund_no)
            {
                refunds.push(&*fact.refund_no);
            }
        }
        Ok(Ledger {
            orders: HashMap::from_iter(sql::load_orders(shared.store(), &numbers)?),
            refunds: HashMap::from_iter(sql::load_refunds(shared.store(), &refunds)?),
            evidence: evidence(shared, &numbers)?,
        })
    }

    /// The kind of the exception that a fact raises, or has raised before, and the order as it is once the fact takes effect. Fails where the order
    /// or the refund cannot be read.
    pub fn foresee(
        &self,
        shared: &Shared,
        told: Told,
        now_ms: i64,
    ) -> Result<(Option<String>, Option<Order>)> {
        let learned = Learned {
            account: told.account,
            now_ms,
        };
        let order = self.orders.get(told.fact.order_no()).cloned().transpose()?;
        if let Some(kind) = self.evidence.get(&evidence_key(told, order.is_some())) {
            return Ok((Some(kind.clone()), order));
        }
        let Some(mut order) = order else {
            let doubt = is_nobodys(shared, told.fact).then_some(Doubt::UnknownOrder);
            return Ok((doubt.map(|doubt| doubt.name().to_owned()), None));
        };
        if has_taken_effect(told.source) {
            return Ok((None, Some(order)));
        }
        let effect = match told.fact {
            Fact::Payment(fact) => settle::payment(&mut order, fact, learned),
            Fact::Refund(fact) => {
                let mut refund = self.refunds.get(&fact.refund_no).cloned().transpose()?;
                settle::refund(&mut order, refund.as_mut(), fact, learned)
            }
        };
        let doubt = match effect {
            Effect::Doubtful(doubt) => Some(doubt.name().to_owned()),
            _ => None,
        };
        Ok((doubt, Some(order)))
    }

    /// Decides, and adds the statements that carry it out. Fails where the order or the refund cannot be read; then nothing is added.
    pub fn apply(
        &mut self,
        shared: &Shared,
        told: Told,
        now_ms: i64,
        statements: &mut Vec<Statement>,
    ) -> Result<Effect> {
        let learned = Learned {
            account: told.account,
            now_ms,
        };
        let is_known = self.orders.contains_key(told.fact.order_no());
        let evidence_key = evidence_key(told, is_known);
        if self.evidence.contains_key(&evidence_key) {
            return Ok(Effect::None);
        }
        let Some(order) = readable(self.orders.get_mut(told.fact.order_no()))? else {
            if !is_nobodys(shared, told.fact) {
                return Ok(Effect::None);
            }
            let kind = Doubt::UnknownOrder.name().to_owned();
            self.evidence.insert(evidence_key, kind);
            raise(shared, told, Doubt::UnknownOrder, None, now_ms, statements);
            return Ok(Effect::Doubtful(Doubt::UnknownOrder));
        };
        let mut refund = match told.fact {
            Fact::Refund(fact) => readable(self.refunds.get_mut(&fact.refund_no))?,
            Fact::Payment(_) => None,
        };
        let before = (order.state, order.refunding, order.refunded);
        let step = refund.as_ref().map(|refund| refund.state);
        let effect = match told.fact {
            Fact::Payment(fact) => settle::payment(order, fact, learned),
            Fact::Refund(fact) => settle::refund(order, refund.as_deref_mut(), fact, learned),
        };
        let order_changed = before != (order.state, order.refunding, order.refunded);
        let changed_refund = refund.filter(|refund| Some(refund.state) != step);
        if order_changed {
            statements.push(sql::update_order(order));
            order.version += 1;
        }
        let refund_no = changed_refund.map(|refund| {
            statements.push(sql::update_refund(refund));
            refund.version += 1;
            &*refund.refund_no
        });
        if order_changed || refund_no.is_some() {
            statements.push(sql::insert_history(Transition {
                order_no: &order.order_no,
                refund_no,
                at_ms: now_ms,
                from: Some(before.0),
                to: order.state,
                source: told.source,
                detail: sql::json(told.fact),
            }));
        }
        match effect {
            Effect::Doubtful(doubt) => {
                let kind = doubt.name().to_owned();
                self.evidence.insert(evidence_key, kind);
                raise(shared, told, doubt, Some(order), now_ms, statements);
            }
            Effect::Changed(Some(topic)) => {
                publish(shared, told, topic, Some(order), None, now_ms, statements)
            }
            _ => {}
        }
        Ok(effect)
    }
}

/// What was found, if it can be read.
fn readable<T>(found: Option<&mut Result<T>>) -> Result<Option<&mut T>> {
    found
        .map(|found| found.as_mut().map_err(|error| error.clone()))
        .transpose()
}

/// Whether it was told, and took effect, when it was learned; what a notification says does when its event is acknowledged.
pub(super) fn has_taken_effect(source: Source) -> bool {
    source != Source::Notification
}

/// Whether somebody's money is where no order knows of it, and all orders are here.
fn is_nobodys(shared: &Shared, fact: &Fact) -> bool {
    let means_money = match fact {
        Fact::Payment(fact) => fact.state == PaymentState::Paid,
        Fact::Refund(fact) => matches!(fact.state, RefundState::Succeeded | RefundState::Abnormal),
    };
    shared.settings.unknown_orders_are_exceptions && means_money
}

fn raise(
    shared: &Shared,
    told: Told,
    doubt: Doubt,
    order: Option<&Order>,
    now_ms: i64,
    statements: &mut Vec<Statement>,
) {
    let exception = NewException {
        account: told.account,
        order_no: told.fact.order_no(),
        kind: doubt.name(),
        source: told.source,
        at_ms: now_ms,
        evidence_key: evidence_key(told, order.is_some()),
        evidence: json!({ "fact": told.fact, "order": order }).to_string(),
    };
    statements.push(sql::insert_exception(exception));
    publish(
        shared,
        told,
        Topic::ExceptionRaised,
        order,
        Some(doubt),
        now_ms,
        statements,
    );
}

/// Money for an order that was not here is no evidence against the order that is here since.
fn evidence_key(told: Told, is_known: bool) -> String {
    let of = if is_known { "" } else { "unknown order\n" };
    let identity = format!("{of}{}\n{}", told.account, told.fact.key());
    sql::hex(&sha256(identity.as_bytes()))
}

fn evidence(shared: &Shared, numbers: &[&str]) -> Result<HashMap<String, String>> {
    if numbers.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT evidence_key, kind FROM payseal_exceptions WHERE order_no IN ({})",
        sql::places(numbers.len())
    );
    let numbers: Vec<Value> = numbers.iter().map(|number| Value::from(*number)).collect();
    let rows = shared.store().rows(&sql::statement(sql, numbers, None))?;
    let read = |row: Row| {
        let mut row = Columns(row.into_iter());
        Ok((row.text()?, row.text()?))
    };
    rows.into_iter().map(read).collect()
}

/// The message for the rest of the service, where there is an outbox.
pub(super) fn publish(
    shared: &Shared,
    told: Told,
    topic: Topic,
    order: Option<&Order>,
    doubt: Option<Doubt>,
    now_ms: i64,
    statements: &mut Vec<Statement>,
) {
    let level = match doubt {
        Some(_) => Level::Warn,
        None => Level::Info,
    };
    Record::new(&shared.host, level, topic.name())
        .with("account", told.account)
        .with("order_no", told.fact.order_no())
        .with("source", told.source.name())
        .with_some("exception", doubt.map(Doubt::name))
        .write();
    if !shared.settings.has_outbox {
        return;
    }
    let payload = json!({
        "type": topic.name(),
        "order_no": told.fact.order_no(),
        "account": told.account,
        "source": told.source.name(),
        "at_ms": now_ms,
        "exception": doubt.map(Doubt::name),
        "fact": told.fact,
        "order": order,
    });
    let message = sql::insert_message(
        topic.name(),
        told.fact.order_no(),
        payload.to_string(),
        now_ms,
    );
    statements.push(message);
}

/// Tells a fact that was learned otherwise than by a notification. Where it takes effect, the service's own worker hears of it too: it becomes
/// an event in the inbox, unless a notification has brought it already. Returns the order as it is now.
pub(super) fn tell(shared: &Shared, told: Told) -> Result<(Effect, Option<Order>)> {
    for _ in 0..DECISIONS {
        let now_ms = shared.now_ms()?;
        let mut ledger = Ledger::load(shared, std::iter::once(told.fact))?;
        let mut statements = Vec::new();
        let effect = ledger.apply(shared, told, now_ms, &mut statements)?;
        let kind = match effect {
            Effect::Changed(Some(_)) => event::kind(told.fact),
            Effect::Doubtful(_) => Some(Topic::ExceptionRaised.name()),
            _ => None,
        };
        if let Some(kind) = kind {
            let key = event::key(told.account, told.fact);
            statements.push(event::tell(shared, told, kind, key, now_ms));
        }
        if statements.is_empty() || shared.store().transact(&statements)? == Transaction::Committed
        {
            let order = ledger.orders.remove(told.fact.order_no()).transpose()?;
            return Ok((effect, order));
        }
    }
    Err(contended_order(told.fact.order_no()))
}

/// `what` was decided about, again and again. Nothing of it was written.
pub(super) fn contended(what: &str) -> Error {
    Error::new(
        Code::StoreLocked,
        format!("{what} was changed by others each time it was about to be written; try again"),
    )
}

/// The same of one order.
pub(super) fn contended_order(order_no: &str) -> Error {
    contended(&format!("order {order_no}"))
}
