//! Orders and refunds as they are stored.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::{Code, Error, Result};
use crate::face::{Identity, PayRequest, Placed, RefundRequest};

use super::store::{Row, Value};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Stored; whether the provider has it is not known.
    Created,
    /// The provider may be paid for it.
    Paying,
    Paid,
    /// It has expired or was given up, and the provider is being told.
    Closing,
    Closed,
    /// A refund is under way.
    Refunding,
    PartlyRefunded,
    Refunded,
    /// Something about it is not as it was ordered; a person decides.
    Exception,
}

impl State {
    pub const ALL: [State; 9] = [
        State::Created,
        State::Paying,
        State::Paid,
        State::Closing,
        State::Closed,
        State::Refunding,
        State::PartlyRefunded,
        State::Refunded,
        State::Exception,
    ];

    pub fn name(self) -> &'static str {
        match self {
            State::Created => "created",
            State::Paying => "paying",
            State::Paid => "paid",
            State::Closing => "closing",
            State::Closed => "closed",
            State::Refunding => "refunding",
            State::PartlyRefunded => "partly_refunded",
            State::Refunded => "refunded",
            State::Exception => "exception",
        }
    }

    pub fn named(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the order waits for money.
    pub fn is_open(self) -> bool {
        matches!(self, State::Created | State::Paying | State::Closing)
    }

    /// Whether money came and may go back.
    pub fn is_refundable(self) -> bool {
        matches!(self, State::Paid | State::Refunding | State::PartlyRefunded)
    }

    /// The only ways that there are. What is paid is never again unpaid, and what is closed opens no more; everything may become an
    /// exception, out of which a person alone leads.
    pub fn may_become(self, next: State) -> bool {
        use State::*;
        match next {
            Created => false,
            Paying => self == Created,
            Paid => matches!(self, Created | Paying | Closing | Refunding | Exception),
            Closing => matches!(self, Created | Paying),
            Closed => matches!(self, Created | Paying | Closing | Exception),
            Refunding => matches!(self, Paid | PartlyRefunded | Exception),
            PartlyRefunded => matches!(self, Refunding | Exception),
            Refunded => matches!(self, Refunding | Exception),
            Exception => self != Exception,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An order, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Order {
    pub order_no: String,
    pub account: String,
    pub provider: String,
    pub method: String,
    pub merchant: String,
    /// Who is paid through a service provider.
    pub sub_merchant: Option<String>,
    pub application: Option<String>,
    /// In the currency's minor unit.
    pub amount: i64,
    pub currency: String,
    pub subject: String,
    pub state: State,
    #[serde(skip)]
    pub version: i64,
    pub transaction_id: Option<String>,
    /// The sum of refunds that are under way.
    pub refunding: i64,
    /// The sum of refunds that have succeeded.
    pub refunded: i64,
    #[serde(skip)]
    pub request: PayRequest,
    /// What the payer's client needs to pay.
    #[serde(skip)]
    pub client: Option<Box<RawValue>>,
    /// The provider's last no to the order call.
    pub refusal: Option<Box<RawValue>>,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub expires_ms: i64,
    pub paid_ms: Option<i64>,
    /// When the provider is asked again.
    pub due_ms: Option<i64>,
    pub polls: i64,
}

impl Order {
    pub const COLUMNS: &'static str = "order_no, account, provider, method, merchant, sub_merchant, application, amount, currency, state, version, transaction_id, refunding, refunded, request, client, refusal, created_ms, updated_ms, expires_ms, paid_ms, due_ms, polls";

    pub fn read(row: Row) -> Result<Order> {
        let mut row = Columns(row.into_iter());
        let mut order = Order {
            order_no: row.text()?,
            account: row.text()?,
            provider: row.text()?,
            method: row.text()?,
            merchant: row.text()?,
            sub_merchant: row.text_or_null()?,
            application: row.text_or_null()?,
            amount: row.integer()?,
            currency: row.text()?,
            subject: String::new(),
            state: row.state()?,
            version: row.integer()?,
            transaction_id: row.text_or_null()?,
            refunding: row.integer()?,
            refunded: row.integer()?,
            request: row.json()?,
            client: row.json_or_null()?,
            refusal: row.json_or_null()?,
            created_ms: row.integer()?,
            updated_ms: row.integer()?,
            expires_ms: row.integer()?,
            paid_ms: row.integer_or_null()?,
            due_ms: row.integer_or_null()?,
            polls: row.integer()?,
        };
        order.subject.clone_from(&order.request.subject);
        Ok(order)
    }

    pub fn placed(&self) -> Placed {
        Placed {
            order_no: self.order_no.clone(),
            method: self.method.clone(),
            amount: self.amount,
            currency: self.currency.clone(),
            expires_ms: self.expires_ms,
            extra: self.request.extra.clone(),
            transaction_id: self.transaction_id.clone(),
        }
    }

    /// Who is paid by it.
    pub fn identity(&self) -> Identity {
        Identity {
            merchant: self.merchant.clone(),
            sub_merchant: self.sub_merchant.clone(),
            application: self.application.clone(),
        }
    }

    /// Where it stands by its refunds.
    pub fn state_by_refunds(&self) -> State {
        match (self.refunding, self.refunded) {
            (1.., _) => State::Refunding,
            (_, refunded) if refunded >= self.amount => State::Refunded,
            (_, 1..) => State::PartlyRefunded,
            _ => State::Paid,
        }
    }
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStep {
    /// Stored; whether the provider has it is not known.
    Created,
    Processing,
    Succeeded,
    Failed,
    /// The money is on neither side until somebody acts at the provider.
    Abnormal,
}

impl RefundStep {
    const ALL: [RefundStep; 5] = [
        RefundStep::Created,
        RefundStep::Processing,
        RefundStep::Succeeded,
        RefundStep::Failed,
        RefundStep::Abnormal,
    ];

    pub fn name(self) -> &'static str {
        match self {
            RefundStep::Created => "created",
            RefundStep::Processing => "processing",
            RefundStep::Succeeded => "succeeded",
            RefundStep::Failed => "failed",
            RefundStep::Abnormal => "abnormal",
        }
    }

    /// Whether the provider is still at it. An abnormal one may yet succeed: somebody has to act.
    pub fn is_open(self) -> bool {
        !matches!(self, RefundStep::Succeeded | RefundStep::Failed)
    }
}

/// A refund, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Refund {
    pub refund_no: String,
    pub order_no: String,
    /// In the currency's minor unit.
    pub amount: i64,
    pub state: RefundStep,
    #[serde(skip)]
    pub version: i64,
    pub refund_id: Option<String>,
    #[serde(skip)]
    pub request: RefundRequest,
    /// The provider's last no.
    pub refusal: Option<Box<RawValue>>,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub due_ms: Option<i64>,
    pub polls: i64,
}

impl Refund {
    pub const COLUMNS: &'static str = "refund_no, order_no, amount, state, version, refund_id, request, refusal, created_ms, updated_ms, due_ms, polls";

    pub fn read(row: Row) -> Result<Refund> {
        let mut row = Columns(row.into_iter());
        Ok(Refund {
            refund_no: row.text()?,
            order_no: row.text()?,
            amount: row.integer()?,
            state: {
                let name = row.text()?;
                let known = RefundStep::ALL.into_iter().find(|step| step.name() == name);
                known.ok_or_else(|| foreign("a state of a refund"))?
            },
            version: row.integer()?,
            refund_id: row.text_or_null()?,
            request: row.json()?,
            refusal: row.json_or_null()?,
            created_ms: row.integer()?,
            updated_ms: row.integer()?,
            due_ms: row.integer_or_null()?,
            polls: row.integer()?,
        })
    }
}

/// A row, column by column.
pub(super) struct Columns<I>(pub I);

impl<I: Iterator<Item = Value>> Columns<I> {
    pub fn integer(&mut self) -> Result<i64> {
        self.integer_or_null()?.ok_or_else(|| foreign("a number"))
    }

    pub fn integer_or_null(&mut self) -> Result<Option<i64>> {
        match self.0.next() {
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(foreign("a number")),
        }
    }

    pub fn text(&mut self) -> Result<String> {
        self.text_or_null()?.ok_or_else(|| foreign("a text"))
    }

    pub fn text_or_null(&mut self) -> Result<Option<String>> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(foreign("a text")),
        }
    }

    /// A text for a person to look at: of what is none, as much as can be read.
    pub fn shown(&mut self) -> Result<Option<String>> {
        match self.0.next() {
            Some(Value::Bytes(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            value => Columns(value.into_iter()).text_or_null(),
        }
    }

    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        match self.0.next() {
            Some(Value::Bytes(bytes)) => Ok(bytes),
            _ => Err(foreign("bytes")),
        }
    }

    pub fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        serde_json::from_str(&self.text()?).map_err(|_| foreign("JSON"))
    }

    pub fn json_or_null(&mut self) -> Result<Option<Box<RawValue>>> {
        self.text_or_null()?
            .map(|text| RawValue::from_string(text).map_err(|_| foreign("JSON")))
            .transpose()
    }

    pub fn state(&mut self) -> Result<State> {
        State::named(&self.text()?).ok_or_else(|| foreign("a state of an order"))
    }
}

fn foreign(expected: &str) -> Error {
    Error::new(
        Code::StoreFailed,
        format!(
            "a row of the store does not have {expected} where payseal wrote one; has something else written to its tables?"
        ),
    )
}
