//! A new order: stored first, then asked for at the provider. The same number again is the same order: what is there already is given back, and
//! what broke off is gone on with.

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};

use crate::call::Call;
use crate::error::{Code, Error, Outcome, Result};
use crate::face::request;
use crate::face::{Face, Fact, Opening, PayRequest, Payer, PaymentState, Presented};
use crate::params::{Options, Params};
use crate::wire::url::Origin;

use super::Shared;
use super::account::{self, Account};
use super::apply::{self, Told};
use super::given::Given;
use super::inquiry::{Inquiry, Progress};
use super::order::{Order, State};
use super::settings::pause;
use super::sql::{self, Source, Transition};
use super::store::Transaction;
use super::work::{Heard, Job, Turn};

/// How often the order is read and written anew when somebody else got on with it.
const TRIES: usize = 8;

pub(super) struct Create {
    account: usize,
    request: PayRequest,
    options: Options,
    stage: Stage,
}

enum Stage {
    Begin,
    /// The order call is under way.
    Ordering,
    /// The order was placed before in a way that may not be repeated: the provider is asked what became of it.
    Asking(Box<Inquiry>),
}

impl Create {
    pub fn new(shared: &Shared, mut given: Given, options: Options) -> Result<Create> {
        let (name, provider) = (given.text("account")?, given.text("provider")?);
        let account = account::meant(&shared.accounts, name.as_deref(), provider.as_deref())?;
        let order_no = given.required_text("order_no")?;
        if order_no.len() > 64 {
            return Err(given.error("order_no", "must have 64 bytes at most"));
        }
        let method = given.required_text("method")?;
        let amount = given.amount("amount")?;
        let currency = given.text("currency")?.unwrap_or_else(|| "CNY".into());
        let subject = given.required_text("subject")?;
        let default_url = || {
            shared
                .settings
                .notify_urls
                .get(&shared.accounts[account].name)
                .cloned()
        };
        let notify_url = given.text("notify_url")?.or_else(default_url);
        let return_url = given.text("return_url")?;
        let expires_in = given.integer("expires_in_ms", 60_000..=7_776_000_000)?;
        let mut payer = given.part("payer")?;
        let payer = {
            let read = Payer {
                id: payer.text("id")?,
                auth_code: payer.text("auth_code")?,
                client_ip: payer.text("client_ip")?,
            };
            payer.finish()?;
            read
        };
        let extra = given.object("extra")?;
        given.finish()?;
        let expires_ms = shared.now_ms()? + expires_in.unwrap_or(shared.settings.expires_ms);
        let request = PayRequest {
            order_no,
            method,
            amount,
            currency,
            subject,
            notify_url,
            return_url,
            expires_ms,
            payer,
            extra,
        };
        let face = shared.accounts[account].face()?;
        if !face.methods().contains(&request.method.as_str()) {
            return Err(Error::new(
                Code::ParamsInvalid,
                format!(
                    "method {} is none of {}; there are {}",
                    request.method,
                    shared.accounts[account].provider(),
                    face.methods().join(", ")
                ),
            )
            .with_field("method"));
        }
        Ok(Create {
            account,
            request,
            options,
            stage: Stage::Begin,
        })
    }

    fn account<'a>(&self, shared: &'a Shared) -> &'a Account {
        &shared.accounts[self.account]
    }

    fn begin(&mut self, shared: &Shared) -> Result<Turn> {
        // Whatever is wrong with the request shows before anything is stored.
        let known = sql::load_order(shared.store(), &self.request.order_no)?;
        if let Some(order) = &known {
            self.compare(shared, order)?;
            // Signed and sent is the same, to the end of its time.
            self.request.expires_ms = order.expires_ms;
        }
        if let Some(order) = known {
            return self.go_on(shared, order);
        }
        let opening = self.opening(shared)?;
        let prepared = match opening {
            Opening::Ask(ask) => Ok(self.prepare(shared, ask.operation, ask.params)?),
            Opening::Ready(client) => Err(client),
        };
        let order = self.order(shared)?;
        let stored = [sql::insert_order(&order), created(&order, &self.request)];
        match shared.store().transact(&stored) {
            Ok(Transaction::Committed) => {}
            Ok(Transaction::Refused(_)) => return self.begin_again(shared),
            // The number was taken in this very moment.
            Err(error) => match sql::load_order(shared.store(), &self.request.order_no) {
                Ok(Some(_)) => return self.begin_again(shared),
                _ => return Err(error),
            },
        }
        match prepared {
            Ok(call) => {
                self.stage = Stage::Ordering;
                Ok(Turn::Call(self.account, call))
            }
            Err(client) => self.show(shared, Some(client)),
        }
    }

    /// Somebody else has stored the same number since we looked.
    fn begin_again(&mut self, shared: &Shared) -> Result<Turn> {
        match sql::load_order(shared.store(), &self.request.order_no)? {
            Some(order) => {
                self.compare(shared, &order)?;
                self.request.expires_ms = order.expires_ms;
                self.go_on(shared, order)
            }
            None => Err(apply::contended_order(&self.request.order_no)),
        }
    }

    fn opening(&self, shared: &Shared) -> Result<Opening> {
        let account = self.account(shared);
        let core = account.client.core();
        let face = account.face()?;
        if self.request.notify_url.is_none()
            && !self.request.extra.contains_key("notify_url")
            && face.lacks_notify_url(&self.request.method)
        {
            return Err(Error::new(
                Code::ParamsInvalid,
                format!(
                    "notify_url is missing, so nobody would be told that the order is paid: give one with the call, for account {} in `notify_urls` of the payments' configuration, or in the client's configuration",
                    account.name
                ),
            )
            .with_field("notify_url"));
        }
        face.pay(&self.request, origin(account), &core.host)
            .map_err(|error| self.in_common_terms(face, error))
    }

    fn in_common_terms(&self, face: &dyn Face, error: Error) -> Error {
        match error.code() {
            Code::ParamsInvalid => {
                request::in_common_terms(error, face.terms(), &self.request.extra)
            }
            _ => error,
        }
    }

    fn prepare(&self, shared: &Shared, operation: String, mut params: Params) -> Result<Box<Call>> {
        let options = &mut params.options;
        options.timeout = options.timeout.or(self.options.timeout);
        options.max_attempts = options.max_attempts.or(self.options.max_attempts);
        options.trace_id = options
            .trace_id
            .take()
            .or_else(|| self.options.trace_id.clone());
        let account = self.account(shared);
        let face = account.face()?;
        Call::operation(account.client.core().clone(), &operation, params)
            .map(Box::new)
            .map_err(|error| self.in_common_terms(face, error))
    }

    fn order(&self, shared: &Shared) -> Result<Order> {
        let account = self.account(shared);
        let now_ms = shared.now_ms()?;
        let mut order = Order {
            order_no: self.request.order_no.clone(),
            account: account.name.clone(),
            provider: account.provider().to_owned(),
            method: self.request.method.clone(),
            merchant: String::new(),
            sub_merchant: None,
            application: None,
            amount: self.request.amount,
            currency: self.request.currency.clone(),
            subject: self.request.subject.clone(),
            state: State::Created,
            version: 1,
            transaction_id: None,
            refunding: 0,
            refunded: 0,
            request: self.request.clone(),
            client: None,
            refusal: None,
            created_ms: now_ms,
            updated_ms: now_ms,
            expires_ms: self.request.expires_ms,
            paid_ms: None,
            due_ms: Some(now_ms + pause(&shared.settings.query_pauses_ms, 0)),
            polls: 0,
        };
        let identity = account.face()?.identity(&order.placed());
        order.merchant = identity.merchant;
        order.sub_merchant = identity.sub_merchant;
        order.application = identity.application;
        Ok(order)
    }

    /// The same number must mean the same order.
    fn compare(&self, shared: &Shared, order: &Order) -> Result<()> {
        let account = &self.account(shared).name;
        let asked = &self.request;
        let differs = [
            ("account", order.account != *account),
            ("method", order.method != asked.method),
            ("amount", order.amount != asked.amount),
            ("currency", order.currency != asked.currency),
        ];
        match differs.iter().find(|(_, differs)| *differs) {
            None => Ok(()),
            Some((field, _)) => Err(Error::new(
                Code::OrderConflict,
                format!(
                    "order {} exists with another {field}; nothing was sent. A new order needs a new number",
                    order.order_no
                ),
            )
            .with_field(*field)
            .with("state", order.state.name())),
        }
    }

    /// The order exists: give back what it has, or go on where it broke off.
    fn go_on(&mut self, shared: &Shared, order: Order) -> Result<Turn> {
        match order.state {
            State::Closing | State::Closed => Err(Error::new(
                Code::OrderState,
                format!(
                    "order {} is {}; a new payment needs a new number",
                    order.order_no, order.state
                ),
            )
            .with("state", order.state.name())),
            State::Created | State::Paying if shared.now_ms()? >= order.expires_ms => {
                Err(Error::new(
                    Code::OrderState,
                    format!(
                        "order {} has expired and will be closed; a new payment needs a new number",
                        order.order_no
                    ),
                )
                .with("state", order.state.name()))
            }
            State::Created | State::Paying if order.client.is_none() => {
                let face = self.account(shared).face()?;
                if face.is_repeatable(&order.method) {
                    return self.order_anew(shared);
                }
                let mut inquiry = Box::new(Inquiry::new(order, false));
                let progress = inquiry.next(Heard::Nothing, shared)?;
                self.stage = Stage::Asking(inquiry);
                match progress {
                    Progress::Ask(account, ask) => Ok(Turn::Ask(account, ask)),
                    Progress::Done { order, .. } => Ok(Turn::Give(given(&order))),
                }
            }
            _ => Ok(Turn::Give(given(&order))),
        }
    }

    fn order_anew(&mut self, shared: &Shared) -> Result<Turn> {
        match self.opening(shared)? {
            Opening::Ready(client) => self.show(shared, Some(client)),
            Opening::Ask(ask) => {
                self.stage = Stage::Ordering;
                Ok(Turn::Call(
                    self.account,
                    self.prepare(shared, ask.operation, ask.params)?,
                ))
            }
        }
    }

    /// The payer's client can pay, or the payer has been asked to confirm: the order waits for money.
    fn show(&self, shared: &Shared, client: Option<Map<String, Json>>) -> Result<Turn> {
        let client = client.map(|client| raw(&Json::Object(client)));
        let order = self.update(shared, |order| {
            if client.is_some() {
                order.client.clone_from(&client);
                order.refusal = None;
            }
            (State::Paying, json!({}))
        })?;
        Ok(Turn::Give(given(&order)))
    }

    /// The provider said no, or nothing: which of both is kept, for the service and for the next try.
    fn failed(&self, shared: &Shared, error: Error) -> Error {
        let kept = self.update(shared, |order| {
            order.refusal = Some(refusal(&error));
            let next = match error.outcome() {
                Outcome::Unknown => State::Paying,
                _ => order.state,
            };
            (next, json!({ "error": order_refusal(&error) }))
        });
        match kept {
            // What the provider said weighs more than that it could not be kept: the order is queried later in any case.
            Err(store) => error.with("store", store.message()),
            Ok(_) => error,
        }
    }

    /// Changes the order as it is now, so long as it waits for money; `change` gives the next state and what the history says of it.
    fn update(
        &self,
        shared: &Shared,
        change: impl Fn(&mut Order) -> (State, Json),
    ) -> Result<Order> {
        for _ in 0..TRIES {
            let mut order = self.reload(shared)?;
            if !matches!(order.state, State::Created | State::Paying) {
                return Ok(order); // paid or closed in the meantime
            }
            let from = order.state;
            let (next, detail) = change(&mut order);
            if self.write(shared, &mut order, from, next, detail)? {
                return Ok(order);
            }
        }
        Err(apply::contended_order(&self.request.order_no).with_outcome(Outcome::Unknown))
    }

    fn reload(&self, shared: &Shared) -> Result<Order> {
        sql::load_order(shared.store(), &self.request.order_no)
            .and_then(|order| order.ok_or_else(|| unknown(&self.request.order_no)))
            .map_err(|error| error.with_outcome(Outcome::Unknown))
    }

    /// Whether nobody else has written the order since it was read.
    fn write(
        &self,
        shared: &Shared,
        order: &mut Order,
        from: State,
        next: State,
        detail: Json,
    ) -> Result<bool> {
        order.state = next;
        order.updated_ms = shared.now_ms()?;
        let mut statements = vec![sql::update_order(order)];
        if from != next || detail.get("error").is_some() {
            statements.push(sql::insert_history(Transition {
                order_no: &order.order_no,
                refund_no: None,
                at_ms: order.updated_ms,
                from: Some(from),
                to: next,
                source: Source::Answer,
                detail: detail.to_string(),
            }));
        }
        let written = shared.store().transact(&statements);
        let written = written.map_err(|error| error.with_outcome(Outcome::Unknown))?;
        Ok(written == Transaction::Committed)
    }

    fn answered(&mut self, shared: &Shared, answer: &Json) -> Result<Turn> {
        let account = self.account(shared);
        let host = &account.client.core().host;
        let presented = account
            .face()?
            .present(&self.request, answer, origin(account), host);
        // The order stands at the provider; only what to do with it is not understood.
        let presented = presented.map_err(|error| error.with_outcome(Outcome::Unknown));
        match presented {
            Err(error) => Err(self.failed(shared, error)),
            Ok(Presented::Client(client)) => self.show(shared, Some(client)),
            Ok(Presented::Fact(fact)) => {
                if fact.state == PaymentState::Unpaid {
                    // The payer has to confirm.
                    return self.show(shared, None);
                }
                let told = Told {
                    account: &account.name,
                    source: Source::Answer,
                    fact: &Fact::Payment(*fact),
                };
                let told = apply::tell(shared, told)
                    .map_err(|error| error.with_outcome(Outcome::Unknown))?;
                match told.1 {
                    Some(order) => Ok(Turn::Give(given(&order))),
                    None => Err(unknown(&self.request.order_no)),
                }
            }
        }
    }
}

impl Job for Create {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        match (&mut self.stage, heard) {
            (Stage::Begin, _) => self.begin(shared),
            (Stage::Ordering, Heard::Answer(answer)) => self.answered(shared, &answer),
            (Stage::Ordering, Heard::Failed(error)) => Err(self.failed(shared, error)),
            // Not having been able to ask does not mean that what was sent before moves no money.
            (Stage::Asking(inquiry), heard) => match inquiry
                .next(heard, shared)
                .map_err(|error| error.with_outcome(Outcome::Unknown))?
            {
                Progress::Ask(account, ask) => Ok(Turn::Ask(account, ask)),
                // The provider never had it: the code may be spent after all.
                Progress::Done {
                    order,
                    provider_state,
                    ..
                } if provider_state == Some(PaymentState::Missing)
                    && order.state == State::Created =>
                {
                    self.order_anew(shared)
                }
                Progress::Done { order, .. } => Ok(Turn::Give(given(&order))),
            },
            (Stage::Ordering, _) => Err(Error::new(
                Code::Internal,
                "an order call ended in no way that there is",
            )),
        }
    }
}

fn origin(account: &Account) -> &Origin {
    &account.client.core().settings.hosts[0]
}

/// The order, and what the payer's client needs.
pub(super) fn given(order: &Order) -> String {
    json!({ "order": order, "client": order.client.as_ref().filter(|_| order.state == State::Paying) }).to_string()
}

fn created(order: &Order, request: &PayRequest) -> super::store::Statement {
    sql::insert_history(Transition {
        order_no: &order.order_no,
        refund_no: None,
        at_ms: order.created_ms,
        from: None,
        to: State::Created,
        source: Source::Host,
        detail: json!({ "amount": request.amount, "currency": request.currency, "method": request.method }).to_string(),
    })
}

pub(super) fn raw(value: &Json) -> Box<RawValue> {
    RawValue::from_string(value.to_string()).expect("JSON is written as JSON")
}

fn order_refusal(error: &Error) -> Json {
    json!({
        "code": error.code() as i32,
        "code_name": error.code().name(),
        "outcome": error.outcome().name(),
        "message": error.message(),
        "provider_code": error.detail("provider_code"),
    })
}

/// A no, to be kept.
pub(super) fn refusal(error: &Error) -> Box<RawValue> {
    raw(&order_refusal(error))
}

pub(super) fn unknown(order_no: &str) -> Error {
    Error::new(Code::OrderUnknown, format!("there is no order {order_no}")).with_field("order_no")
}
