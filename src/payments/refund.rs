//! Refunds: stored first, then asked for at the provider, and asked about until they have ended.

use serde_json::json;

use crate::error::{Code, Error, Outcome, Result};
use crate::face::{Fact, RefundFact, RefundRequest, RefundState};
use crate::flow::Ask;

use super::Shared;
use super::apply::{self, Told};
use super::create::refusal;
use super::event;
use super::given::Given;
use super::inquiry::load;
use super::order::{Order, Refund, RefundStep, State};
use super::settings::pause;
use super::settle::{self, Topic};
use super::sql::{self, Source, Transition};
use super::store::{Statement, Transaction};
use super::work::{Heard, Job, Turn};

const TRIES: usize = 8;

/// Gets on with a refund that is stored: sends it, or asks what became of it.
pub(super) struct RefundInquiry {
    order: Order,
    refund: Refund,
    stage: Stage,
}

enum Stage {
    /// It was stored in this very moment: it is sent without asking first.
    Send,
    /// It may have been sent before.
    Ask,
    Sending {
        first: bool,
    },
    Asking,
    /// Sent again, it was refused. Whether the one before is under way, the refusal does not say.
    Confirming(Error),
}

pub(super) enum Progress {
    Ask(usize, Box<Ask>),
    Done {
        order: Box<Order>,
        refund: Box<Refund>,
    },
}

impl RefundInquiry {
    pub fn sending(order: Order, refund: Refund) -> RefundInquiry {
        RefundInquiry {
            order,
            refund,
            stage: Stage::Send,
        }
    }

    pub fn asking(order: Order, refund: Refund) -> RefundInquiry {
        RefundInquiry {
            order,
            refund,
            stage: Stage::Ask,
        }
    }

    pub fn refund(&self) -> &Refund {
        &self.refund
    }

    pub fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Progress> {
        let account = shared.account(&self.order.account)?;
        let face = shared.accounts[account].face()?;
        let placed = self.order.placed();
        let request = self.refund.request.clone();
        match (std::mem::replace(&mut self.stage, Stage::Ask), heard) {
            (Stage::Send, _) => {
                self.stage = Stage::Sending { first: true };
                Ok(Progress::Ask(
                    account,
                    Box::new(face.refund(&placed, &request)?),
                ))
            }
            (Stage::Ask, _) => {
                self.stage = Stage::Asking;
                Ok(Progress::Ask(
                    account,
                    Box::new(face.query_refund(&placed, &request)?),
                ))
            }
            (Stage::Sending { .. }, Heard::Answer(answer)) => {
                let fact = face.refunded(&placed, &request, Ok(&answer));
                let fact = fact.map_err(|error| error.with_outcome(Outcome::Unknown))?;
                self.tell(shared, account, Source::Answer, fact)
            }
            (Stage::Sending { first }, Heard::Failed(error)) => {
                match face.refunded(&placed, &request, Err(&error)) {
                    Ok(fact) => self.tell(shared, account, Source::Answer, fact),
                    Err(error) if error.outcome() != Outcome::Rejected => Err(error),
                    Err(error) if first => self.refused(shared, account, error),
                    Err(error) => {
                        self.stage = Stage::Confirming(error);
                        Ok(Progress::Ask(
                            account,
                            Box::new(face.query_refund(&placed, &request)?),
                        ))
                    }
                }
            }
            (stage @ (Stage::Asking | Stage::Confirming(_)), heard) => {
                let said = match &heard {
                    Heard::Answer(answer) => Ok(&**answer),
                    Heard::Failed(error) => Err(error),
                    _ => {
                        return Err(Error::new(
                            Code::Internal,
                            "a refund was told something that it did not ask for",
                        ));
                    }
                };
                let fact = face.queried_refund(&placed, &request, said)?;
                let is_missing =
                    fact.state == RefundState::Missing && self.refund.state == RefundStep::Created;
                match stage {
                    Stage::Confirming(refusal) if is_missing => {
                        self.refused(shared, account, refusal)
                    }
                    // The provider never had it: it is sent, under the same number.
                    Stage::Asking if is_missing => {
                        if !self.begin_again(shared)? {
                            return Ok(self.done());
                        }
                        self.stage = Stage::Sending { first: false };
                        Ok(Progress::Ask(
                            account,
                            Box::new(face.refund(&placed, &request)?),
                        ))
                    }
                    _ => self.tell(shared, account, Source::Query, fact),
                }
            }
            (Stage::Sending { .. }, _) => Err(Error::new(
                Code::Internal,
                "a refund ended in no way that there is",
            )),
        }
    }

    fn tell(
        &mut self,
        shared: &Shared,
        account: usize,
        source: Source,
        fact: RefundFact,
    ) -> Result<Progress> {
        let told = Told {
            account: &shared.accounts[account].name,
            source,
            fact: &Fact::Refund(fact),
        };
        apply::tell(shared, told).map_err(|error| error.with_outcome(Outcome::Unknown))?;
        self.reload(shared)?;
        Ok(self.done())
    }

    fn reload(&mut self, shared: &Shared) -> Result<()> {
        self.order = load(shared, &self.order.order_no)?;
        self.refund = load_refund(shared, &self.refund.refund_no)?;
        Ok(())
    }

    fn done(&self) -> Progress {
        Progress::Done {
            order: Box::new(self.order.clone()),
            refund: Box::new(self.refund.clone()),
        }
    }

    /// Whoever sends it again writes that first: a refusal of what was sent before says nothing of the refund any more. False where somebody else
    /// got on with it.
    fn begin_again(&mut self, shared: &Shared) -> Result<bool> {
        self.refund.updated_ms = shared.now_ms()?;
        let begun = shared
            .store()
            .transact(&[sql::update_refund(&self.refund)])?
            == Transaction::Committed;
        match begun {
            true => self.refund.version += 1,
            false => self.reload(shared)?,
        }
        Ok(begun)
    }

    /// A verified no, and nothing under way: no money moves. Where somebody else has sent it again since, what became of that counts.
    fn refused(&mut self, shared: &Shared, account: usize, error: Error) -> Result<Progress> {
        match self.write_refusal(shared, account, &error) {
            Ok(true) => Err(error),
            Ok(false) => Ok(self.done()),
            // It is still there to be sent, and will be.
            Err(store) => Err(error
                .with_outcome(Outcome::Unknown)
                .with("store", store.message())),
        }
    }

    fn write_refusal(&mut self, shared: &Shared, account: usize, error: &Error) -> Result<bool> {
        let attempt = self.refund.version;
        let name = &shared.accounts[account].name;
        let word = error.detail("provider_code").and_then(|code| code.as_str());
        let fact = RefundFact {
            order_no: self.order.order_no.clone(),
            refund_no: self.refund.refund_no.clone(),
            state: RefundState::Failed,
            provider_state: word.unwrap_or("refused").to_owned(),
            refund_id: None,
            transaction_id: None,
            amount: Some(self.refund.amount),
            currency: None,
            merchant: None,
            sub_merchant: None,
        };
        let fact = Fact::Refund(fact);
        let told = Told {
            account: name,
            source: Source::Answer,
            fact: &fact,
        };
        for _ in 0..TRIES {
            let now_ms = shared.now_ms()?;
            let from = self.order.state;
            let (mut order, mut refund) = (self.order.clone(), self.refund.clone());
            settle::refused(&mut order, &mut refund, refusal(error), now_ms);
            let number = format!("{}\n{attempt}", refund.refund_no);
            let key = event::decision_key(name, "refused", &number);
            let topic = Topic::RefundFailed;
            let mut statements = vec![
                sql::update_order(&order),
                sql::update_refund(&refund),
                sql::insert_history(Transition {
                    order_no: &order.order_no,
                    refund_no: Some(&refund.refund_no),
                    at_ms: now_ms,
                    from: Some(from),
                    to: order.state,
                    source: told.source,
                    detail: sql::json(&fact),
                }),
                event::tell(shared, told, topic.name(), key, now_ms),
            ];
            let order = Some(&order);
            apply::publish(shared, told, topic, order, None, now_ms, &mut statements);
            let written = shared.store().transact(&statements)?;
            self.reload(shared)?;
            match written {
                Transaction::Committed => return Ok(true),
                Transaction::Refused(_) if self.refund.version != attempt => return Ok(false),
                Transaction::Refused(_) => {}
            }
        }
        Err(apply::contended_order(&self.order.order_no))
    }
}

/// The action `refund`.
pub(super) struct CreateRefund {
    inquiry: Option<RefundInquiry>,
    /// It exists and has ended or is under way: nothing is sent.
    known: Option<(Order, Refund)>,
}

impl CreateRefund {
    pub fn new(shared: &Shared, mut given: Given) -> Result<CreateRefund> {
        let order_no = given.required_text("order_no")?;
        let refund_no = given.required_text("refund_no")?;
        if refund_no.len() > 64 {
            return Err(given.error("refund_no", "must have 64 bytes at most"));
        }
        let amount = given.amount("amount")?;
        let reason = given.text("reason")?;
        let notify_url = given.text("notify_url")?;
        let extra = given.object("extra")?;
        given.finish()?;
        for _ in 0..TRIES {
            let order = load(shared, &order_no)?;
            let default_url = || shared.settings.notify_urls.get(&order.account).cloned();
            let request = RefundRequest {
                order_no: order_no.clone(),
                refund_no: refund_no.clone(),
                amount,
                reason: reason.clone(),
                notify_url: notify_url.clone().or_else(default_url),
                extra: extra.clone(),
            };
            if let Some(begun) = CreateRefund::begin(shared, order, request)? {
                return Ok(begun);
            }
        }
        Err(apply::contended_order(&order_no))
    }

    /// None where somebody else got on with the order.
    fn begin(
        shared: &Shared,
        mut order: Order,
        request: RefundRequest,
    ) -> Result<Option<CreateRefund>> {
        let known = sql::load_refund(shared.store(), &request.refund_no)?;
        let is_tried_again = match &known {
            None => false,
            Some(refund) => {
                if refund.order_no != order.order_no || refund.amount != request.amount {
                    return Err(Error::new(
                        Code::OrderConflict,
                        format!(
                            "refund {} exists with another order or amount; nothing was sent",
                            refund.refund_no
                        ),
                    )
                    .with_field("refund_no"));
                }
                // What the provider refused may be tried again under its number, once the reason is gone.
                refund.state == RefundStep::Failed && refund.refusal.is_some()
            }
        };
        if let (Some(refund), false) = (&known, is_tried_again) {
            return Ok(Some(match refund.state {
                RefundStep::Created => {
                    CreateRefund::going_on(RefundInquiry::asking(order, refund.clone()))
                }
                _ => CreateRefund {
                    inquiry: None,
                    known: Some((order, refund.clone())),
                },
            }));
        }
        if !order.state.is_refundable() {
            return Err(Error::new(
                Code::OrderState,
                format!(
                    "order {} is {}; only what was paid can be refunded",
                    order.order_no, order.state
                ),
            )
            .with("state", order.state.name()));
        }
        let left = order.amount - order.refunded - order.refunding;
        if request.amount > left {
            return Err(Error::new(
                Code::OrderState,
                format!(
                    "amount {} is more than the {left} that are left of order {}",
                    request.amount, order.order_no
                ),
            )
            .with_field("amount"));
        }
        // Whatever is wrong with the request shows before anything is stored.
        let account = shared.account(&order.account)?;
        let face = shared.accounts[account].face()?;
        let ask = face.refund(&order.placed(), &request)?;
        let core = shared.accounts[account].client.core();
        core.provider
            .prepare(&ask.operation, ask.params, &core.host)?;

        let now_ms = shared.now_ms()?;
        let from = order.state;
        order.refunding += request.amount;
        order.state = order.state_by_refunds();
        order.updated_ms = now_ms;
        let refund = Refund {
            refund_no: request.refund_no.clone(),
            order_no: order.order_no.clone(),
            amount: request.amount,
            state: RefundStep::Created,
            version: known.as_ref().map_or(1, |refund| refund.version),
            refund_id: None,
            request,
            refusal: None,
            created_ms: known.as_ref().map_or(now_ms, |refund| refund.created_ms),
            updated_ms: now_ms,
            due_ms: Some(now_ms + pause(&shared.settings.refund_pauses_ms, 0)),
            polls: 0,
        };
        let written = [
            sql::update_order(&order),
            match known {
                Some(_) => sql::update_refund(&refund),
                None => sql::insert_refund(&refund),
            },
            asked(&order, &refund, from),
        ];
        match shared.store().transact(&written) {
            Ok(Transaction::Committed) => {}
            Ok(Transaction::Refused(_)) => return Ok(None),
            // The number was taken in this very moment.
            Err(error) => match sql::load_refund(shared.store(), &refund.refund_no) {
                Ok(Some(_)) if known.is_none() => return Ok(None),
                _ => return Err(error),
            },
        }
        let order = load(shared, &order.order_no)?;
        let refund = load_refund(shared, &refund.refund_no)?;
        Ok(Some(CreateRefund::going_on(RefundInquiry::sending(
            order, refund,
        ))))
    }

    fn going_on(inquiry: RefundInquiry) -> CreateRefund {
        CreateRefund {
            inquiry: Some(inquiry),
            known: None,
        }
    }
}

fn asked(order: &Order, refund: &Refund, from: State) -> Statement {
    sql::insert_history(Transition {
        order_no: &order.order_no,
        refund_no: Some(&refund.refund_no),
        at_ms: refund.updated_ms,
        from: Some(from),
        to: order.state,
        source: Source::Host,
        detail: json!({ "amount": refund.amount, "reason": refund.request.reason }).to_string(),
    })
}

impl Job for CreateRefund {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        let progress = match (&mut self.inquiry, self.known.take()) {
            (Some(inquiry), _) => {
                // Not having been able to ask does not mean that what was sent before moves no money.
                let asks = matches!(inquiry.stage, Stage::Asking | Stage::Confirming(_));
                inquiry.next(heard, shared).map_err(|error| {
                    match asks && error.outcome() == Outcome::NotSent {
                        true => error.with_outcome(Outcome::Unknown),
                        false => error,
                    }
                })?
            }
            (None, Some((order, refund))) => Progress::Done {
                order: Box::new(order),
                refund: Box::new(refund),
            },
            (None, None) => return Err(Error::new(Code::Internal, "a refund has nothing to do")),
        };
        Ok(shown(progress))
    }
}

/// The action `query_refund`.
pub(super) struct QueryRefund(RefundInquiry);

impl QueryRefund {
    pub fn new(shared: &Shared, mut given: Given) -> Result<QueryRefund> {
        let refund_no = given.required_text("refund_no")?;
        given.finish()?;
        let refund = load_refund(shared, &refund_no)?;
        let order = load(shared, &refund.order_no)?;
        Ok(QueryRefund(RefundInquiry::asking(order, refund)))
    }
}

impl Job for QueryRefund {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        Ok(shown(self.0.next(heard, shared)?))
    }
}

fn shown(progress: Progress) -> Turn {
    match progress {
        Progress::Ask(account, ask) => Turn::Ask(account, ask),
        Progress::Done { order, refund } => {
            Turn::Give(json!({ "order": order, "refund": refund }).to_string())
        }
    }
}

fn load_refund(shared: &Shared, refund_no: &str) -> Result<Refund> {
    sql::load_refund(shared.store(), refund_no)?.ok_or_else(|| {
        Error::new(
            Code::OrderUnknown,
            format!("there is no refund {refund_no}"),
        )
        .with_field("refund_no")
    })
}
