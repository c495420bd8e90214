//! What a fact does to an order. Pure: an order, a fact and the time in, the changed order and what has to be kept beside it out.
//!
//! The same fact may come any number of times, from an answer, a notification, a query or a bill, and in any order: told again it changes
//! nothing. What does not fit is never dropped: it is an exception, with the fact as evidence.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::face::{PaymentFact, PaymentState, RefundFact, RefundState};

use super::order::{Order, Refund, RefundStep, State};

/// Why a person has to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// Money came for an order that is not here.
    UnknownOrder,
    /// The fact came through another account than the order was placed with.
    AccountMismatch,
    MerchantMismatch,
    ApplicationMismatch,
    AmountMismatch,
    CurrencyMismatch,
    /// The order was paid twice.
    SecondTransaction,
    /// Money came after the order had been closed.
    PaidAfterClose,
    /// The provider says closed of what it had said was paid.
    ClosedAfterPaid,
    /// A refund that was not asked for here.
    UnknownRefund,
    RefundAmountMismatch,
    /// The provider says of a refund that ended the contrary of what it had said.
    RefundContradiction,
    /// The money is on neither side until somebody acts at the provider.
    RefundAbnormal,
}

impl Doubt {
    pub fn name(self) -> &'static str {
        match self {
            Doubt::UnknownOrder => "unknown_order",
            Doubt::AccountMismatch => "account_mismatch",
            Doubt::MerchantMismatch => "merchant_mismatch",
            Doubt::ApplicationMismatch => "application_mismatch",
            Doubt::AmountMismatch => "amount_mismatch",
            Doubt::CurrencyMismatch => "currency_mismatch",
            Doubt::SecondTransaction => "second_transaction",
            Doubt::PaidAfterClose => "paid_after_close",
            Doubt::ClosedAfterPaid => "closed_after_paid",
            Doubt::UnknownRefund => "unknown_refund",
            Doubt::RefundAmountMismatch => "refund_amount_mismatch",
            Doubt::RefundContradiction => "refund_contradiction",
            Doubt::RefundAbnormal => "refund_abnormal",
        }
    }
}

/// What the world is told when something came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    PaymentPaid,
    PaymentClosed,
    RefundSucceeded,
    RefundFailed,
    ExceptionRaised,
}

impl Topic {
    pub fn name(self) -> &'static str {
        match self {
            Topic::PaymentPaid => "payment.paid",
            Topic::PaymentClosed => "payment.closed",
            Topic::RefundSucceeded => "refund.succeeded",
            Topic::RefundFailed => "refund.failed",
            Topic::ExceptionRaised => "exception.raised",
        }
    }
}

/// What a fact did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it was known, or it is nothing final.
    None,
    /// The order or the refund is another now.
    Changed(Option<Topic>),
    Doubtful(Doubt),
}

/// Where and when a fact was learned.
#[derive(Clone, Copy, Debug)]
pub struct Learned<'a> {
    pub account: &'a str,
    pub now_ms: i64,
}

/// A fact about the payment of `order`.
pub fn payment(order: &mut Order, fact: &PaymentFact, learned: Learned) -> Effect {
    match fact.state {
        PaymentState::Missing | PaymentState::Unpaid => Effect::None,
        PaymentState::Paid => paid(order, fact, learned),
        PaymentState::Closed => closed(order, learned),
    }
}

fn paid(order: &mut Order, fact: &PaymentFact, learned: Learned) -> Effect {
    if let Some(doubt) = mismatch(order, fact, learned) {
        return doubtful(order, doubt, learned);
    }
    match (&order.transaction_id, &fact.transaction_id) {
        (Some(known), Some(told)) if known == told => Effect::None,
        (Some(_), _) => doubtful(order, Doubt::SecondTransaction, learned),
        (None, _) => match order.state {
            State::Created | State::Paying | State::Closing => {
                order.transaction_id.clone_from(&fact.transaction_id);
                order.paid_ms = Some(fact.paid_ms.unwrap_or(learned.now_ms));
                order.due_ms = None;
                enter(order, State::Paid, learned);
                Effect::Changed(Some(Topic::PaymentPaid))
            }
            State::Closed => doubtful(order, Doubt::PaidAfterClose, learned),
            // What is told anew is known by its evidence; this is other money.
            State::Exception => Effect::Doubtful(Doubt::SecondTransaction),
            _ => Effect::None,
        },
    }
}

fn mismatch(order: &Order, fact: &PaymentFact, learned: Learned) -> Option<Doubt> {
    if learned.account != order.account {
        return Some(Doubt::AccountMismatch);
    }
    match order.identity().conflict(fact) {
        Some("application") => return Some(Doubt::ApplicationMismatch),
        Some(_) => return Some(Doubt::MerchantMismatch),
        None => {}
    }
    if fact.amount != Some(order.amount) {
        return Some(Doubt::AmountMismatch);
    }
    let currency = fact.currency.as_ref();
    currency
        .is_some_and(|told| *told != order.currency)
        .then_some(Doubt::CurrencyMismatch)
}

fn closed(order: &mut Order, learned: Learned) -> Effect {
    match order.state {
        State::Created | State::Paying | State::Closing if learned.account == order.account => {
            order.due_ms = None;
            enter(order, State::Closed, learned);
            Effect::Changed(Some(Topic::PaymentClosed))
        }
        State::Paid | State::PartlyRefunded => doubtful(order, Doubt::ClosedAfterPaid, learned),
        // What is refunded in full is closed for some providers.
        _ => Effect::None,
    }
}

/// A fact about a refund of `order`; without `refund`, of one that is not here.
pub fn refund(
    order: &mut Order,
    refund: Option<&mut Refund>,
    fact: &RefundFact,
    learned: Learned,
) -> Effect {
    let Some(refund) = refund else {
        return match fact.state {
            RefundState::Missing | RefundState::Processing | RefundState::Failed => Effect::None,
            _ => doubtful(order, Doubt::UnknownRefund, learned),
        };
    };
    if learned.account != order.account {
        return doubtful(order, Doubt::AccountMismatch, learned);
    }
    if fact.order_no != refund.order_no || fact.amount.is_some_and(|told| told != refund.amount) {
        return doubtful(order, Doubt::RefundAmountMismatch, learned);
    }
    let next = match fact.state {
        RefundState::Missing => return Effect::None,
        RefundState::Processing => RefundStep::Processing,
        RefundState::Succeeded => RefundStep::Succeeded,
        RefundState::Failed => RefundStep::Failed,
        RefundState::Abnormal => RefundStep::Abnormal,
    };
    if next == refund.state {
        return Effect::None;
    }
    if !refund.state.is_open() {
        return match next {
            RefundStep::Succeeded => {
                // The money has gone all the same, and is not there to be given back again.
                refund.state = next;
                refund.updated_ms = learned.now_ms;
                order.refunded += refund.amount;
                doubtful(order, Doubt::RefundContradiction, learned)
            }
            // It has what it refused: another sending of the same refund reached it. It is followed to its end.
            RefundStep::Processing | RefundStep::Abnormal if refund.refusal.is_some() => {
                refund.state = next;
                refund.updated_ms = learned.now_ms;
                refund.due_ms = Some(learned.now_ms);
                order.refunding += refund.amount;
                doubtful(order, Doubt::RefundContradiction, learned)
            }
            RefundStep::Failed => doubtful(order, Doubt::RefundContradiction, learned),
            // An old word about what has ended since.
            _ => Effect::None,
        };
    }
    if next == RefundStep::Processing && refund.state == RefundStep::Abnormal {
        return Effect::None;
    }
    refund.state = next;
    refund.updated_ms = learned.now_ms;
    if refund.refund_id.is_none() {
        refund.refund_id.clone_from(&fact.refund_id);
    }
    if !next.is_open() {
        refund.due_ms = None;
        order.refunding -= refund.amount;
    }
    if next == RefundStep::Succeeded {
        order.refunded += refund.amount;
    }
    stand_by_refunds(order, learned.now_ms);
    match next {
        RefundStep::Succeeded => Effect::Changed(Some(Topic::RefundSucceeded)),
        RefundStep::Failed => Effect::Changed(Some(Topic::RefundFailed)),
        RefundStep::Abnormal => Effect::Doubtful(Doubt::RefundAbnormal),
        _ => Effect::Changed(None),
    }
}

/// The provider will not do it, and no money moves. What was set aside for it is free again.
pub fn refused(order: &mut Order, refund: &mut Refund, refusal: Box<RawValue>, now_ms: i64) {
    refund.state = RefundStep::Failed;
    refund.refusal = Some(refusal);
    refund.updated_ms = now_ms;
    refund.due_ms = None;
    order.refunding -= refund.amount;
    stand_by_refunds(order, now_ms);
}

fn stand_by_refunds(order: &mut Order, now_ms: i64) {
    order.updated_ms = now_ms;
    if order.state != State::Exception {
        order.state = order.state_by_refunds();
    }
}

fn doubtful(order: &mut Order, doubt: Doubt, learned: Learned) -> Effect {
    if order.state != State::Exception {
        order.due_ms = None;
        enter(order, State::Exception, learned);
    }
    Effect::Doubtful(doubt)
}

/// The only place where an order's state changes by a payment: a way that does not exist is a bug, and caught here.
fn enter(order: &mut Order, next: State, learned: Learned) {
    debug_assert!(order.state.may_become(next), "{} → {next}", order.state);
    order.state = next;
    order.updated_ms = learned.now_ms;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::face::{PayRequest, RefundRequest};

    const AMOUNT: i64 = 100;

    fn order() -> Order {
        Order {
            order_no: "order".into(),
            account: "shop".into(),
            provider: "wechat".into(),
            method: "native".into(),
            merchant: "merchant".into(),
            sub_merchant: None,
            application: None,
            amount: AMOUNT,
            currency: "CNY".into(),
            subject: "tea".into(),
            state: State::Paying,
            version: 1,
            transaction_id: None,
            refunding: 0,
            refunded: 0,
            request: PayRequest::default(),
            client: None,
            refusal: None,
            created_ms: 0,
            updated_ms: 0,
            expires_ms: 0,
            paid_ms: None,
            due_ms: Some(0),
            polls: 0,
        }
    }

    /// Asked for as `CreateRefund` does it, where it may be.
    fn asked(order: &mut Order, number: usize, amount: i64) -> Option<Refund> {
        let left = order.amount - order.refunded - order.refunding;
        if !order.state.is_refundable() || amount > left {
            return None;
        }
        order.refunding += amount;
        order.state = order.state_by_refunds();
        Some(Refund {
            refund_no: format!("refund{number}"),
            order_no: "order".into(),
            amount,
            state: RefundStep::Created,
            version: 1,
            refund_id: None,
            request: RefundRequest::default(),
            refusal: None,
            created_ms: 0,
            updated_ms: 0,
            due_ms: Some(0),
            polls: 0,
        })
    }

    #[derive(Clone, Debug)]
    enum Event {
        Payment(PaymentState, u8, i64),
        Ask(usize, i64),
        Refund(usize, RefundState, i64),
        /// The refund is refused, if it was not heard of yet.
        Refuse(usize),
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        use PaymentState as P;
        use RefundState as R;
        let payment =
            prop::sample::select(vec![P::Missing, P::Unpaid, P::Paid, P::Paid, P::Closed]);
        let refund = prop::sample::select(vec![
            R::Missing,
            R::Processing,
            R::Succeeded,
            R::Failed,
            R::Abnormal,
        ]);
        let wrong = prop::sample::select(vec![0, 0, 0, 0, 1]);
        let event = prop_oneof![
            (payment, 0..2u8, wrong.clone())
                .prop_map(|(state, id, wrong)| Event::Payment(state, id, wrong)),
            (0..3usize, 1..AMOUNT).prop_map(|(number, amount)| Event::Ask(number, amount)),
            (0..3usize, refund, wrong)
                .prop_map(|(number, state, wrong)| Event::Refund(number, state, wrong)),
            (0..3usize).prop_map(Event::Refuse),
        ];
        prop::collection::vec(event, 0..24)
    }

    proptest! {
        #[test]
        fn whatever_is_told_in_whatever_order_money_is_counted_once(events in events()) {
            let learned = Learned { account: "shop", now_ms: 1 };
            let (mut order, mut refunds) = (order(), [None::<Refund>, None, None]);
            let mut paid = 0;
            let mut ended = [0; 3];
            for event in events {
                let (from, transaction) = (order.state, order.transaction_id.clone());
                let effect = match event {
                    Event::Payment(state, id, wrong) => {
                        let mut fact = PaymentFact::closed("order", "word");
                        fact.state = state;
                        if state == PaymentState::Paid {
                            fact.transaction_id = Some(format!("transaction{id}"));
                            fact.amount = Some(AMOUNT + wrong);
                        }
                        let effect = payment(&mut order, &fact, learned);
                        let known = order.transaction_id == fact.transaction_id;
                        // Money is the order's, or somebody is told.
                        prop_assert!(state != PaymentState::Paid || known || matches!(effect, Effect::Doubtful(_)));
                        effect
                    }
                    Event::Ask(number, amount) => {
                        if refunds[number].is_none() {
                            refunds[number] = asked(&mut order, number, amount);
                        }
                        continue;
                    }
                    Event::Refuse(number) => {
                        if let Some(kept) = &mut refunds[number] && kept.state == RefundStep::Created {
                            let refusal = RawValue::from_string("{}".into()).unwrap();
                            refused(&mut order, kept, refusal, 1);
                            ended[number] += 1;
                        }
                        continue;
                    }
                    Event::Refund(number, state, wrong) => {
                        let Some(kept) = &mut refunds[number] else { continue };
                        let was_open = kept.state.is_open();
                        let fact = RefundFact {
                            order_no: "order".into(),
                            refund_no: kept.refund_no.clone(),
                            state,
                            provider_state: "word".into(),
                            refund_id: None,
                            transaction_id: None,
                            amount: Some(kept.amount + wrong),
                            currency: None,
                            merchant: None,
                            sub_merchant: None,
                        };
                        let before = kept.state;
                        let effect = refund(&mut order, Some(kept), &fact, learned);
                        ended[number] += usize::from(was_open && !kept.state.is_open());
                        // What has ended is changed by nothing but the money that went, or is on its way, after all: somebody is told.
                        if !was_open && kept.state != before {
                            prop_assert!(kept.state == RefundStep::Succeeded || kept.refusal.is_some() && kept.due_ms.is_some());
                            prop_assert_eq!(effect, Effect::Doubtful(Doubt::RefundContradiction));
                            ended[number] -= usize::from(kept.state.is_open());
                        }
                        effect
                    }
                };
                prop_assert!(from == order.state || from.may_become(order.state), "{} → {}", from, order.state);
                prop_assert!(transaction.is_none() || transaction == order.transaction_id);
                paid += usize::from(effect == Effect::Changed(Some(Topic::PaymentPaid)));
                let sum = |of: fn(&Refund) -> bool| -> i64 {
                    refunds.iter().flatten().filter(|it| of(it)).map(|it| it.amount).sum()
                };
                prop_assert_eq!(order.refunding, sum(|it| it.state.is_open()));
                prop_assert_eq!(order.refunded, sum(|it| it.state == RefundStep::Succeeded));
            }
            prop_assert_eq!(paid, usize::from(order.transaction_id.is_some()));
            prop_assert!(ended.iter().all(|times| *times <= 1));
        }
    }
}
