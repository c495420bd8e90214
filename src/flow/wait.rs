//! Asks again until a state is final.

use crate::error::Outcome;
use crate::flow::{Ask, Final, Move, Plan, Seen, may_pass};
use crate::host::Host;

pub(crate) struct Wait {
    /// What begins it, until it was sent.
    begin: Option<Box<Ask>>,
    question: Box<Ask>,
    state: Final,
    /// The first look comes after a pause.
    pauses_first: bool,
    /// Codes by which the provider says that there is nothing yet.
    not_yet: &'static [&'static str],
    /// What begins it was answered, or may have been carried out.
    is_begun: bool,
}

impl Wait {
    /// Without something to begin with, what exists is waited for.
    pub fn new(begin: Option<Box<Ask>>, question: Box<Ask>, state: Final) -> Wait {
        Wait {
            is_begun: begin.is_none(),
            begin,
            question,
            state,
            pauses_first: false,
            not_yet: &[],
        }
    }

    pub fn after_a_pause(mut self) -> Wait {
        self.pauses_first = true;
        self
    }

    pub fn not_yet(mut self, codes: &'static [&'static str]) -> Wait {
        self.not_yet = codes;
        self
    }
}

impl Plan for Wait {
    fn next(&mut self, seen: Seen<'_>, _: &Host) -> Move {
        let again = || Move::Later(self.question.clone());
        match seen {
            Seen::Nothing => match self.begin.take() {
                Some(begin) => Move::Ask(begin),
                None if self.pauses_first => again(),
                None => Move::Ask(self.question.clone()),
            },
            Seen::Waited => again(),
            Seen::Answer(body) if self.state.is_reached(body) => Move::End { is_final: true },
            Seen::Answer(_) => {
                self.is_begun = true;
                Move::Later(self.question.clone())
            }
            // Bytes left and no answer came: what was begun may be under way.
            Seen::Error(error) if !self.is_begun && error.outcome() == Outcome::Unknown => {
                self.is_begun = true;
                Move::Later(self.question.clone())
            }
            Seen::Error(error) if self.is_begun && may_pass(error) => again(),
            Seen::Error(error)
                if self.is_begun
                    && self
                        .not_yet
                        .iter()
                        .any(|code| error.detail("provider_code") == Some(&(*code).into())) =>
            {
                again()
            }
            Seen::Error(error) => Move::Fail(error.clone()),
            Seen::OverTime => Move::End { is_final: false },
        }
    }
}
