//! What became of an order: the provider is asked, and where it is to be closed, asked first and then told.

use serde_json::json;

use crate::error::{Code, Error, Result};
use crate::face::{Fact, PaymentFact, PaymentState};
use crate::flow::Ask;

use super::Shared;
use super::account::Account;
use super::apply::{self, Told};
use super::create::unknown;
use super::given::Given;
use super::order::{Order, State};
use super::sql::{self, Source, Transition};
use super::store::Transaction;
use super::work::{Heard, Job, Turn};

pub(super) struct Inquiry {
    order: Order,
    /// What nobody has paid is closed.
    closes: bool,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Begin,
    Querying,
    Closing,
    /// The provider would not close it: what became of it is asked once more.
    Confirming,
}

pub(super) enum Progress {
    Ask(usize, Box<Ask>),
    Done {
        order: Box<Order>,
        /// What the provider said last.
        provider_state: Option<PaymentState>,
        word: Option<String>,
    },
}

impl Inquiry {
    pub fn new(order: Order, closes: bool) -> Inquiry {
        Inquiry {
            order,
            closes,
            stage: Stage::Begin,
        }
    }

    pub fn order(&self) -> &Order {
        &self.order
    }

    pub fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Progress> {
        let account = shared.account(&self.order.account)?;
        let face = shared.accounts[account].face()?;
        let placed = self.order.placed();
        let said = match &heard {
            Heard::Nothing => {
                self.stage = Stage::Querying;
                return Ok(Progress::Ask(account, Box::new(face.query(&placed)?)));
            }
            Heard::Answer(answer) => Ok(&**answer),
            Heard::Failed(error) => Err(error),
            Heard::Opened(_) => return Err(out_of_order()),
        };
        match self.stage {
            Stage::Begin => Err(out_of_order()),
            Stage::Querying | Stage::Confirming => {
                let fact = face.queried(&placed, said)?;
                let (state, word) = (fact.state, fact.provider_state.clone());
                self.tell(shared, &shared.accounts[account], Source::Query, fact)?;
                let unpaid = matches!(state, PaymentState::Unpaid | PaymentState::Missing);
                if self.closes
                    && self.stage == Stage::Querying
                    && unpaid
                    && self.order.state.is_open()
                {
                    return self.close(shared, account);
                }
                Ok(self.done(Some(state), Some(word)))
            }
            Stage::Closing => {
                if face.closed(&placed, said, shared.now_ms()?)? {
                    let fact = PaymentFact::closed(&self.order.order_no, "closed");
                    self.tell(shared, &shared.accounts[account], Source::Answer, fact)?;
                    return Ok(self.done(Some(PaymentState::Closed), None));
                }
                self.stage = Stage::Confirming;
                Ok(Progress::Ask(account, Box::new(face.query(&placed)?)))
            }
        }
    }

    fn done(&self, provider_state: Option<PaymentState>, word: Option<String>) -> Progress {
        Progress::Done {
            order: Box::new(self.order.clone()),
            provider_state,
            word,
        }
    }

    fn tell(
        &mut self,
        shared: &Shared,
        account: &Account,
        source: Source,
        fact: PaymentFact,
    ) -> Result<()> {
        let told = Told {
            account: &account.name,
            source,
            fact: &Fact::Payment(fact),
        };
        self.order = apply::tell(shared, told)?
            .1
            .ok_or_else(|| unknown(&self.order.order_no))?;
        Ok(())
    }

    /// Says first that it is being closed: should money come now, it came in time.
    fn close(&mut self, shared: &Shared, account: usize) -> Result<Progress> {
        if self.order.state != State::Closing {
            let from = self.order.state;
            self.order.state = State::Closing;
            self.order.updated_ms = shared.now_ms()?;
            let transition = Transition {
                order_no: &self.order.order_no,
                refund_no: None,
                at_ms: self.order.updated_ms,
                from: Some(from),
                to: State::Closing,
                source: Source::Host,
                detail: json!({ "expires_ms": self.order.expires_ms }).to_string(),
            };
            let statements = [
                sql::update_order(&self.order),
                sql::insert_history(transition),
            ];
            if shared.store().transact(&statements)? != Transaction::Committed {
                // Somebody else got on with it: what there is now counts.
                self.order = load(shared, &self.order.order_no)?;
                return Ok(self.done(None, None));
            }
            self.order.version += 1;
        }
        let face = shared.accounts[account].face()?;
        match face.close(&self.order.placed())? {
            Some(ask) => {
                self.stage = Stage::Closing;
                Ok(Progress::Ask(account, Box::new(ask)))
            }
            None => {
                let fact = PaymentFact::closed(&self.order.order_no, "ended by itself");
                self.tell(shared, &shared.accounts[account], Source::Host, fact)?;
                Ok(self.done(None, None))
            }
        }
    }
}

/// The actions `query` and `close`.
pub(super) struct OneOrder {
    inquiry: Inquiry,
}

impl OneOrder {
    pub fn new(shared: &Shared, mut given: Given, closes: bool) -> Result<OneOrder> {
        let order_no = given.required_text("order_no")?;
        given.finish()?;
        let order = load(shared, &order_no)?;
        if closes && !order.state.is_open() && order.state != State::Closed {
            return Err(Error::new(
                Code::OrderState,
                format!(
                    "order {order_no} is {} and cannot be closed any more",
                    order.state
                ),
            )
            .with("state", order.state.name()));
        }
        Ok(OneOrder {
            inquiry: Inquiry::new(order, closes),
        })
    }
}

impl Job for OneOrder {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        match self.inquiry.next(heard, shared)? {
            Progress::Ask(account, ask) => Ok(Turn::Ask(account, ask)),
            Progress::Done {
                order,
                provider_state,
                word,
            } => Ok(Turn::Give(
                json!({ "order": order, "payment_state": provider_state, "provider_state": word })
                    .to_string(),
            )),
        }
    }
}

pub(super) fn load(shared: &Shared, order_no: &str) -> Result<Order> {
    sql::load_order(shared.store(), order_no)?.ok_or_else(|| unknown(order_no))
}

fn out_of_order() -> Error {
    Error::new(
        Code::Internal,
        "an inquiry was told something that it did not ask for",
    )
}
