//! A merchant's client and its face, driven without a network.

use payseal::call::About;
use payseal::face::{
    Face, Fact, Opening, PayRequest, Payer, PaymentFact, Placed, Presented, RefundRequest,
};
use payseal::flow::Ask;
use payseal::notification::Event;
use payseal::wire::url::Origin;
use payseal::wire::{Request, Response};
use payseal::{Client, Error};
use serde_json::{Map, Value, json};

use crate::support::drive;
use crate::support::host::World;
use crate::support::merchant::{NOW, OPENID, ORDER};

pub const ORIGIN: &str = "https://api.example.com";
/// Half an hour from now.
pub const EXPIRES_MS: i64 = (NOW + 1_800) * 1_000;

pub struct Shop {
    pub client: Client,
    pub world: World,
}

impl Shop {
    pub fn new(config: Value) -> Shop {
        let world = World::new();
        let client = Client::new(config.to_string().as_bytes(), world.host()).unwrap();
        Shop { client, world }
    }

    pub fn face(&self) -> &dyn Face {
        self.client.face().expect("a face")
    }

    pub fn open(&self, request: &PayRequest) -> Result<Opening, Error> {
        let origin = Origin::parse(ORIGIN).unwrap();
        self.face().pay(request, &origin, &self.world.host())
    }

    /// The order's first request as it would leave.
    pub fn order(&self, request: &PayRequest) -> Result<Request, Error> {
        match self.open(request)? {
            Opening::Ask(ask) => self.request(&ask),
            Opening::Ready(ready) => panic!("nothing is asked: {ready:?}"),
        }
    }

    /// What the client needs, of an order that was answered so.
    pub fn present(&self, request: &PayRequest, answer: &Value) -> Result<Presented, Error> {
        let origin = Origin::parse(ORIGIN).unwrap();
        self.face()
            .present(request, answer, &origin, &self.world.host())
    }

    pub fn shown(&self, request: &PayRequest, answer: &Value) -> Value {
        match self.present(request, answer).unwrap() {
            Presented::Client(client) => Value::Object(client),
            Presented::Fact(fact) => panic!("a fact: {fact:?}"),
        }
    }

    pub fn request(&self, ask: &Ask) -> Result<Request, Error> {
        drive::request(&self.client, &ask.operation, &params(ask))
    }

    /// What comes of it when the provider answers so: verified, compared with the question, read.
    pub fn said(&self, ask: &Ask, answer: Response) -> Result<Value, Error> {
        let exchange = |_: &Request| Ok(answer.clone());
        let delivered = drive::execute(&self.client, &ask.operation, &params(ask), exchange)?;
        Ok(serde_json::from_slice(&delivered.body).unwrap_or_default())
    }

    pub fn queried(&self, order: &Placed, answer: Response) -> Result<PaymentFact, Error> {
        let ask = self.face().query(order).unwrap();
        let said = self.said(&ask, answer);
        self.face().queried(order, said.as_ref())
    }

    pub fn closed(&self, order: &Placed, answer: Response, now_ms: i64) -> Result<bool, Error> {
        let ask = self.face().close(order).unwrap().expect("it is told");
        let said = self.said(&ask, answer);
        self.face().closed(order, said.as_ref(), now_ms)
    }

    pub fn opened(&self, headers: &str, body: &[u8], options: &[u8]) -> Result<Event, Error> {
        let opened = self.client.open_notification(headers, body, options)?;
        match opened.about {
            About::Event(envelope) => Ok(Event {
                envelope,
                plaintext: opened.body,
            }),
            about => panic!("not of a notification: {about:?}"),
        }
    }

    /// What a notification says.
    pub fn told(&self, headers: &str, body: &[u8], options: &[u8]) -> Result<Option<Fact>, Error> {
        self.face().told(&self.opened(headers, body, options)?)
    }
}

fn params(ask: &Ask) -> Value {
    let params = &ask.params;
    json!({ "path": params.path, "query": params.query, "body": params.body })
}

/// A complete request for one yuan, with `extra`.
pub fn pay(method: &str, extra: Value) -> PayRequest {
    PayRequest {
        order_no: ORDER.into(),
        method: method.into(),
        amount: 100,
        currency: "CNY".into(),
        subject: "a test".into(),
        notify_url: None,
        return_url: None,
        expires_ms: EXPIRES_MS,
        payer: Payer {
            id: Some(OPENID.into()),
            auth_code: Some("130061098828009406".into()),
            client_ip: Some("14.23.150.211".into()),
        },
        extra: members(extra),
    }
}

/// The same as it was placed.
pub fn placed(method: &str, extra: Value) -> Placed {
    Placed {
        order_no: ORDER.into(),
        method: method.into(),
        amount: 100,
        currency: "CNY".into(),
        expires_ms: EXPIRES_MS,
        extra: members(extra),
        transaction_id: None,
    }
}

pub fn refund(extra: Value) -> RefundRequest {
    RefundRequest {
        order_no: ORDER.into(),
        refund_no: "refund0001".into(),
        amount: 60,
        reason: Some("too large".into()),
        notify_url: None,
        extra: members(extra),
    }
}

pub fn members(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

pub fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}
