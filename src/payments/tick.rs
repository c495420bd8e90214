//! What is due: orders that wait for money are asked about, expired ones closed with the provider asked first, refunds followed to their end, and
//! what has ended long ago is removed. The host calls it again and again, on as many machines as it likes: what one has taken up no other does.

use std::collections::VecDeque;

use serde_json::json;

use crate::error::{Code, Error, Result};
use crate::host::Level;
use crate::observe::Record;

use super::Shared;
use super::given::Given;
use super::inquiry::{Inquiry, Progress};
use super::order::{Columns, Order, Refund, RefundStep, State};
use super::refund::{self, RefundInquiry};
use super::settings::pause;
use super::sql::{self, statement};
use super::store::{Queue, Row, Transaction, Value};
use super::work::{Heard, Job, Turn};

/// For so long what was taken up is left alone by others: longer than an exchange with a provider lasts.
const TAKEN_MS: i64 = 120_000;
/// How much is removed at once.
const PURGED: i64 = 500;

pub(super) struct Tick {
    most: i64,
    due: VecDeque<Due>,
    current: Option<Current>,
    has_begun: bool,
    orders: u32,
    refunds: u32,
    failed: u32,
}

/// The number of something, and since when it is due.
enum Due {
    Order(String, i64),
    Refund(String, i64),
}

enum Current {
    Order(Box<Inquiry>),
    Refund(Box<RefundInquiry>),
}

impl Tick {
    pub fn new(mut given: Given) -> Result<Tick> {
        let most = given.integer("most", 1..=10_000)?.unwrap_or(100);
        given.finish()?;
        Ok(Tick {
            most,
            due: VecDeque::new(),
            current: None,
            has_begun: false,
            orders: 0,
            refunds: 0,
            failed: 0,
        })
    }

    fn look(&mut self, shared: &Shared) -> Result<()> {
        let now_ms = shared.now_ms()?;
        let mut find = |table: &str, number: &str, make: fn(String, i64) -> Due| -> Result<()> {
            let sql = format!(
                "SELECT {number}, due_ms FROM {table} WHERE due_ms IS NOT NULL AND due_ms <= ? ORDER BY due_ms LIMIT {}",
                self.most
            );
            for row in shared
                .store()
                .rows(&statement(sql, [now_ms.into()], None))?
            {
                let mut row = Columns(row.into_iter());
                self.due.push_back(make(row.text()?, row.integer()?));
            }
            Ok(())
        };
        find("payseal_orders", "order_no", Due::Order)?;
        find("payseal_refunds", "refund_no", Due::Refund)
    }

    /// Takes the next one up, if nobody else has.
    fn take_up(&mut self, shared: &Shared, due: Due) -> Result<Option<Turn>> {
        let now_ms = shared.now_ms()?;
        let (sql, number, since) = match &due {
            Due::Order(number, since) => (
                "UPDATE payseal_orders SET due_ms = ? WHERE order_no = ? AND due_ms = ?",
                number,
                *since,
            ),
            Due::Refund(number, since) => (
                "UPDATE payseal_refunds SET due_ms = ? WHERE refund_no = ? AND due_ms = ?",
                number,
                *since,
            ),
        };
        let values = [
            (now_ms + TAKEN_MS).into(),
            number.as_str().into(),
            since.into(),
        ];
        if shared
            .store()
            .transact(&[statement(sql, values, Some(1))])?
            != Transaction::Committed
        {
            return Ok(None);
        }
        match due {
            Due::Order(number, _) => {
                let Some(order) = sql::load_order(shared.store(), &number)? else {
                    return Ok(None);
                };
                self.orders += 1;
                let closes = now_ms >= order.expires_ms || order.state == State::Closing;
                self.current = Some(Current::Order(Box::new(Inquiry::new(order, closes))));
            }
            Due::Refund(number, _) => {
                let Some(refund) = sql::load_refund(shared.store(), &number)? else {
                    return Ok(None);
                };
                let Some(order) = sql::load_order(shared.store(), &refund.order_no)? else {
                    return Ok(None);
                };
                self.refunds += 1;
                self.current = Some(Current::Refund(Box::new(RefundInquiry::asking(
                    order, refund,
                ))));
            }
        }
        self.get_on(shared, Heard::Nothing)
    }

    /// Goes on with the current one; None when it is over, whatever became of it.
    fn get_on(&mut self, shared: &Shared, heard: Heard) -> Result<Option<Turn>> {
        match &mut self.current {
            None => Ok(None),
            Some(Current::Order(inquiry)) => {
                match inquiry.next(heard, shared) {
                    Ok(Progress::Ask(account, ask)) => return Ok(Some(Turn::Ask(account, ask))),
                    Ok(Progress::Done { .. }) => {}
                    Err(error) => {
                        self.failed += note(shared, "order_no", &inquiry.order().order_no, &error)
                    }
                }
                let order = inquiry.order().clone();
                self.current = None;
                again(shared, &order)?;
                Ok(None)
            }
            Some(Current::Refund(inquiry)) => {
                match inquiry.next(heard, shared) {
                    Ok(refund::Progress::Ask(account, ask)) => {
                        return Ok(Some(Turn::Ask(account, ask)));
                    }
                    Ok(refund::Progress::Done { .. }) => {}
                    Err(error) => {
                        self.failed +=
                            note(shared, "refund_no", &inquiry.refund().refund_no, &error)
                    }
                }
                let refund = inquiry.refund().clone();
                self.current = None;
                again_refund(shared, &refund)?;
                Ok(None)
            }
        }
    }

    fn end(&self, shared: &Shared) -> Result<Turn> {
        let now_ms = shared.now_ms()?;
        let purged = purge(shared, Queue::Inbox, now_ms - shared.settings.keep_inbox_ms)?
            + purge(
                shared,
                Queue::Outbox,
                now_ms - shared.settings.keep_outbox_ms,
            )?;
        let next = |table: &str| {
            let sql = format!("SELECT MIN(due_ms) FROM {table} WHERE due_ms IS NOT NULL");
            sql::single(shared.store(), &statement(sql, [], None))
        };
        let next_due_ms = [next("payseal_orders")?, next("payseal_refunds")?]
            .into_iter()
            .flatten()
            .min();
        let done = json!({
            "orders": self.orders,
            "refunds": self.refunds,
            "failed": self.failed,
            "purged": purged,
            "next_due_ms": next_due_ms,
        });
        Ok(Turn::Give(done.to_string()))
    }
}

impl Job for Tick {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.look(shared)?;
        } else if let Some(turn) = self.get_on(shared, heard)? {
            return Ok(turn);
        }
        while let Some(due) = self.due.pop_front() {
            if let Some(turn) = self.take_up(shared, due)? {
                return Ok(turn);
            }
        }
        self.end(shared)
    }
}

/// One that failed holds up no other; it comes again.
fn note(shared: &Shared, key: &str, number: &str, error: &Error) -> u32 {
    Record::new(&shared.host, Level::Warn, "tick.failed")
        .with(key, number)
        .with("code", error.code().name())
        .with("message", error.message())
        .write();
    u32::from(error.code() != Code::Cancelled)
}

/// When an order that still waits for money is looked at again: at its end at the latest.
fn again(shared: &Shared, order: &Order) -> Result<()> {
    let now_ms = shared.now_ms()?;
    let next = now_ms + pause(&shared.settings.query_pauses_ms, order.polls + 1);
    let due_ms = match now_ms < order.expires_ms {
        true => next.min(order.expires_ms),
        false => next,
    };
    // Whoever changed the order in the meantime has set its time himself.
    let sql = "UPDATE payseal_orders SET due_ms = ?, polls = polls + 1 WHERE order_no = ? AND due_ms IS NOT NULL AND state IN ('created', 'paying', 'closing')";
    let values = [due_ms.into(), order.order_no.as_str().into()];
    shared.store().transact(&[statement(sql, values, None)])?;
    Ok(())
}

fn again_refund(shared: &Shared, refund: &Refund) -> Result<()> {
    let due_ms = match refund.state {
        RefundStep::Created | RefundStep::Processing | RefundStep::Abnormal => {
            Some(shared.now_ms()? + pause(&shared.settings.refund_pauses_ms, refund.polls + 1))
        }
        RefundStep::Succeeded | RefundStep::Failed => None,
    };
    let sql = "UPDATE payseal_refunds SET due_ms = ?, polls = polls + 1 WHERE refund_no = ? AND due_ms IS NOT NULL AND state IN ('created', 'processing', 'abnormal')";
    let values = [due_ms.into(), refund.refund_no.as_str().into()];
    shared.store().transact(&[statement(sql, values, None)])?;
    Ok(())
}

/// Removes what was done before `until_ms`. What is dead stays until a person has looked.
fn purge(shared: &Shared, queue: Queue, until_ms: i64) -> Result<usize> {
    let table = queue.table();
    let sql = format!(
        "SELECT id FROM {table} WHERE state = 1 AND ended_ms < ? ORDER BY ended_ms LIMIT {PURGED}"
    );
    let rows = shared
        .store()
        .rows(&statement(sql, [until_ms.into()], None))?;
    let ids: Vec<Value> = rows
        .into_iter()
        .filter_map(|row: Row| row.into_iter().next())
        .collect();
    if !ids.is_empty() {
        let sql = format!(
            "DELETE FROM {table} WHERE state = 1 AND id IN ({})",
            sql::places(ids.len())
        );
        shared
            .store()
            .transact(&[statement(sql, ids.clone(), None)])?;
    }
    Ok(ids.len())
}
