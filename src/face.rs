//! The unified face: payments in terms that all providers share, so that `payments` can order, ask, close and refund without knowing whom.
//!
//! A provider translates in both directions and does nothing else: what is wanted into one of its own operations, and what it said, in an
//! answer or a notification, into a [`Fact`]. Amounts are integers in the currency's minor unit here; where the provider speaks decimal
//! text, its folder converts.

pub(crate) mod request;
pub(crate) mod said;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::flow::Ask;
use crate::host::Host;
use crate::notification::Event;
use crate::wire::url::Origin;

/// What a payment is asked for with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayRequest {
    /// The merchant's order number.
    pub order_no: String,
    /// How the payer pays, in the provider's word: `native`, `jsapi`, `app`, `h5`, `codepay`; `precreate`, `page`, `wap`, `app`, `create`, `pay`.
    pub method: String,
    /// In the minor unit of the currency: fen.
    pub amount: i64,
    /// ISO 4217; `CNY` unless given.
    #[serde(default = "cny")]
    pub currency: String,
    /// What the payer reads.
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    /// Where the payer's browser goes afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<String>,
    /// Until when it can be paid, Unix milliseconds.
    #[serde(default)]
    pub expires_ms: i64,
    #[serde(default)]
    pub payer: Payer,
    /// Members of the provider's own request that have no common name; they are merged into its body and win. What is compared later, such
    /// as number, amount, currency and the time of expiry, is no such member.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

fn cny() -> String {
    "CNY".into()
}

/// Who pays, as far as a method needs to know.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// The payer's id at the provider: openid, buyer_open_id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The code that the shop scanned. It is spent once and never stored.
    #[serde(default, skip_serializing)]
    pub auth_code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ip: Option<String>,
}

impl std::fmt::Debug for Payer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Payer(…)")
    }
}

/// What a refund is asked for with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundRequest {
    pub order_no: String,
    /// The merchant's refund number.
    pub refund_no: String,
    /// In the minor unit of the order's currency.
    pub amount: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_url: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

/// An order as it was placed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    pub order_no: String,
    pub method: String,
    pub amount: i64,
    pub currency: String,
    /// As it was asked for; 0 where it was not.
    pub expires_ms: i64,
    /// As it was asked for: who is paid may stand in it, such as a service provider's sub-merchant, and is named again in every question.
    pub extra: Map<String, Value>,
    /// Once the provider has told it.
    pub transaction_id: Option<String>,
}

/// How a payment begins.
#[derive(Debug)]
pub enum Opening {
    /// The provider is asked, and `present` makes of its answer what the client needs.
    Ask(Box<Ask>),
    /// Nothing is sent: the payer's browser or app brings the order to the provider.
    Ready(Map<String, Value>),
}

/// What came of an order call.
#[derive(Debug)]
pub enum Presented {
    /// What the client needs: `{"kind":"qr","code_url":…}`, `{"kind":"redirect","url":…}`, `{"kind":"invoke","params":{…}}`, `{"kind":"order_string",…}`.
    Client(Map<String, Value>),
    /// Of a scanned code: the answer says what became of the payment.
    Fact(Box<PaymentFact>),
}

/// Where a payment stands, by the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// The provider has no such order, yet.
    Missing,
    /// Nothing was paid, but may be.
    Unpaid,
    Paid,
    /// Nothing was paid and nothing can be any more: closed, reversed, failed.
    Closed,
}

/// What a provider said about a payment, verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaymentFact {
    pub order_no: String,
    pub state: PaymentState,
    /// The provider's own word.
    pub provider_state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Of the order, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The merchant id that it names; of a service provider's payment the service provider's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// The sub-merchant who is paid through a service provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_merchant: Option<String>,
    /// The app that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_ms: Option<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The provider has no such refund, yet.
    Missing,
    Processing,
    Succeeded,
    /// It did not and will not happen.
    Failed,
    /// The money is on neither side until somebody acts at the provider.
    Abnormal,
}

/// What a provider said about a refund, verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RefundFact {
    pub order_no: String,
    pub refund_no: String,
    pub state: RefundState,
    pub provider_state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// Of the refund, in minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_merchant: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Fact {
    Payment(PaymentFact),
    Refund(RefundFact),
}

/// Who is paid: what a fact is compared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    pub merchant: String,
    pub sub_merchant: Option<String>,
    /// None where neither the configuration nor the order names an app.
    pub application: Option<String>,
}

impl Identity {
    /// The first member in which a fact names somebody else. What the provider does not name, or we do not know, is not compared: that an
    /// answer belongs to the question was looked at before.
    pub fn conflict(&self, fact: &PaymentFact) -> Option<&'static str> {
        let differ = |ours: Option<&String>, named: Option<&String>| matches!((ours, named), (Some(ours), Some(named)) if ours != named);
        if differ(Some(&self.merchant), fact.merchant.as_ref()) {
            return Some("merchant");
        }
        // A payment to nobody's sub-merchant and one to somebody's are two.
        if fact.merchant.is_some() && self.sub_merchant != fact.sub_merchant {
            return Some("sub_merchant");
        }
        differ(self.application.as_ref(), fact.application.as_ref()).then_some("application")
    }
}

/// A verified answer, or the error that came instead.
pub type Said<'a> = std::result::Result<&'a Value, &'a Error>;

/// What a provider translates. Like all of a provider it is pure.
pub trait Face: Send + Sync {
    /// Who is paid by an order.
    fn identity(&self, order: &Placed) -> Identity;

    /// The methods that it knows, for error messages.
    fn methods(&self) -> &'static [&'static str];

    /// Whether the order call may be sent again under its number by itself, and what it says is the same. False where a code is scanned.
    fn is_repeatable(&self, method: &str) -> bool;

    /// Whether a notification tells what becomes of a payment by this method, and the client's configuration says nothing of where it goes: the
    /// order has to.
    fn lacks_notify_url(&self, method: &str) -> bool;

    /// What members of the provider's own requests are called in common terms: `body.out_trade_no` and `order_no`.
    fn terms(&self) -> &'static [(&'static str, &'static str)];

    /// How a payment begins; `ParamsInvalid` names what is missing for the method.
    fn pay(&self, request: &PayRequest, origin: &Origin, host: &Host) -> Result<Opening>;

    /// What the client needs, of the answer to `pay`.
    fn present(
        &self,
        request: &PayRequest,
        answer: &Value,
        origin: &Origin,
        host: &Host,
    ) -> Result<Presented>;

    fn query(&self, order: &Placed) -> Result<Ask>;

    /// What the answer to `query` says. A provider's no that means "there is no such order" is `Missing`; every other error comes back.
    fn queried(&self, order: &Placed, said: Said<'_>) -> Result<PaymentFact>;

    /// Closes an order that nobody has paid. None where it does not have to be told: the order ends by itself. Where a code was scanned it is
    /// reversed, which gives the money back if there was any: no other end of such an order is certain.
    fn close(&self, order: &Placed) -> Result<Option<Ask>>;

    /// Whether the order can no longer be paid. False means ask, and then close again: it was paid in the meantime, or it does not exist yet
    /// and may still be made by a link or a code that the payer has. `now_ms` is the clock of the host, Unix milliseconds.
    fn closed(&self, order: &Placed, said: Said<'_>, now_ms: i64) -> Result<bool>;

    fn refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask>;

    fn refunded(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact>;

    fn query_refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask>;

    /// What the answer to `query_refund` says; "there is no such refund" is `Missing`.
    fn queried_refund(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact>;

    /// What a notification says about an order or a refund; None where it is about something else, such as a complaint, and where nothing
    /// proves who wrote it ([`Authenticity::EncryptedOnly`](crate::notification::Authenticity::EncryptedOnly)): what became of it has to be
    /// asked.
    fn told(&self, event: &Event) -> Result<Option<Fact>>;
}

impl PaymentFact {
    /// That nothing can be paid any more.
    pub fn closed(order_no: &str, word: &str) -> PaymentFact {
        PaymentFact {
            order_no: order_no.to_owned(),
            state: PaymentState::Closed,
            provider_state: word.to_owned(),
            transaction_id: None,
            amount: None,
            currency: None,
            merchant: None,
            sub_merchant: None,
            application: None,
            paid_ms: None,
        }
    }
}

impl Fact {
    pub fn order_no(&self) -> &str {
        match self {
            Fact::Payment(fact) => &fact.order_no,
            Fact::Refund(fact) => &fact.order_no,
        }
    }

    /// What makes it this fact and no other, however it was learned: what a notification, a query and a bill agree on. Not every one of them names the currency.
    pub fn key(&self) -> String {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let number = |part: Option<i64>| part.map(|n| n.to_string()).unwrap_or_default();
        match self {
            Fact::Payment(fact) => [
                "payment",
                &fact.order_no,
                &format!("{:?}", fact.state),
                &text(&fact.transaction_id),
                &number(fact.amount),
            ]
            .join("\n"),
            Fact::Refund(fact) => [
                "refund",
                &fact.order_no,
                &fact.refund_no,
                &format!("{:?}", fact.state),
                &number(fact.amount),
            ]
            .join("\n"),
        }
    }
}
