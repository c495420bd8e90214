//! A code that the shop scanned: the payer may have to confirm it. At the deadline the order is reversed, so that it ends paid or certainly not.

use serde_json::json;

use crate::error::Outcome;
use crate::flow::{Ask, Final, Move, Plan, Seen, may_pass};
use crate::host::Host;

/// How often the reversal is tried when nobody answers.
const REVERSALS: u32 = 5;

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Ordering,
    Querying,
    /// A reversal is under way.
    Reversing,
    /// What became of the reversal is asked.
    Confirming,
}

/// Orders, asks while the payer confirms, reverses at the deadline and asks what became of it.
pub(crate) struct Scanned {
    order: Option<Box<Ask>>,
    query: Box<Ask>,
    reverse: Box<Ask>,
    paid: Final,
    stage: Stage,
    reversals: u32,
    /// The order is answered only when it is paid, without saying its state.
    answer_means_paid: bool,
}

impl Scanned {
    /// `paid` are the states that do not change by waiting, whether paid or not.
    pub fn new(order: Box<Ask>, query: Box<Ask>, reverse: Box<Ask>, paid: Final) -> Scanned {
        Scanned {
            order: Some(order),
            query,
            reverse,
            paid,
            stage: Stage::Ordering,
            reversals: 0,
            answer_means_paid: false,
        }
    }

    pub fn answered_when_paid(mut self) -> Scanned {
        self.answer_means_paid = true;
        self
    }

    fn query_later(&mut self) -> Move {
        self.stage = Stage::Querying;
        Move::Later(self.query.clone())
    }

    fn reverse(&mut self) -> Move {
        self.stage = Stage::Reversing;
        self.reversals += 1;
        Move::Ask(self.reverse.clone())
    }

    /// Reversed or not, only the query says what the order's state is.
    fn confirm(&mut self) -> Move {
        self.stage = Stage::Confirming;
        Move::Ask(self.query.clone())
    }

    fn confirm_or_reverse_again(&mut self) -> Move {
        if self.reversals < REVERSALS {
            self.stage = Stage::Reversing;
            self.reversals += 1;
            return Move::Later(self.reverse.clone());
        }
        Move::End { is_final: false }
    }
}

impl Plan for Scanned {
    fn next(&mut self, seen: Seen<'_>, _: &Host) -> Move {
        let paid = self.paid;
        match (self.stage, seen) {
            (_, Seen::Nothing | Seen::Waited) => match self.order.take() {
                Some(order) => Move::Ask(order),
                None => self.query_later(),
            },
            (Stage::Ordering, Seen::Answer(_)) if self.answer_means_paid => {
                Move::End { is_final: true }
            }
            (Stage::Ordering | Stage::Querying | Stage::Confirming, Seen::Answer(body))
                if paid.is_reached(body) =>
            {
                Move::End { is_final: true }
            }
            (Stage::Ordering | Stage::Querying, Seen::Answer(_)) => self.query_later(),
            (Stage::Ordering, Seen::Error(error)) => match error.outcome() {
                Outcome::Unknown => self.query_later(),
                _ if error.detail("advice") == Some(&json!("already_done")) => self.query_later(),
                _ => Move::Fail(error.clone()),
            },
            // The order may be on its way still, so a no to the question is no reason to stop asking before the deadline.
            (Stage::Querying, Seen::Error(_)) => self.query_later(),
            (Stage::Ordering | Stage::Querying, Seen::OverTime) => self.reverse(),
            (Stage::Reversing, Seen::Answer(_)) => self.confirm(),
            (Stage::Reversing, Seen::Error(error)) if may_pass(error) => {
                self.confirm_or_reverse_again()
            }
            (Stage::Reversing, Seen::Error(_)) => self.confirm(),
            (Stage::Confirming, Seen::Answer(_)) => self.confirm_or_reverse_again(),
            (Stage::Confirming, Seen::Error(error)) if may_pass(error) => {
                self.confirm_or_reverse_again()
            }
            // The provider has no such order, and its number is taken by the reversal: nothing was paid and nothing will be.
            (Stage::Confirming, Seen::Error(error)) => Move::Fail(error.clone()),
            (Stage::Reversing | Stage::Confirming, Seen::OverTime) => self.confirm(),
        }
    }
}
