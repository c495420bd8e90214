//! Notifications in: verified, stored durably, and only then answered with success. A repetition is answered with success again and is not stored
//! twice; while the store is broken the provider is told to send again.

use serde_json::json;

use crate::call::{About, Call, Delivered};
use crate::crypto::sha256;
use crate::error::{Error, Result};
use crate::host::Level;
use crate::notification::{Authenticity, Event};
use crate::observe::Record;
use crate::params::Options;
use crate::wire::Headers;

use super::Shared;
use super::account::Account;
use super::event;
use super::sql::{self, Source};
use super::store::NewEvent;
use super::work::{Heard, Job, Turn};

/// Takes in one notification.
pub(super) struct Accept {
    account: Option<usize>,
    headers: Vec<u8>,
    body: Vec<u8>,
    options: Options,
}

/// What was stored.
struct Stored {
    kind: String,
    order_no: String,
    is_new: bool,
}

impl Accept {
    pub fn new(
        account: Option<usize>,
        headers: Vec<u8>,
        body: Vec<u8>,
        options: Options,
    ) -> Accept {
        Accept {
            account,
            headers,
            body,
            options,
        }
    }

    /// The account that it is for, and the call that opens it.
    fn open(&mut self, shared: &Shared) -> Result<Turn> {
        let account = match self.account {
            Some(account) => account,
            None => crate::route(
                shared.accounts.iter().map(|account| &account.client),
                &self.headers,
                &self.body,
            )?,
        };
        self.account = Some(account);
        let headers = Headers::parse_bytes(&self.headers)?;
        let core = shared.accounts[account].client.core().clone();
        // What is encrypted and not signed states no fact: it is stored for the service, which asks before it acts.
        let options = Options {
            accept_unauthenticated: true,
            ..self.options.clone()
        };
        let call = Call::notification(core, headers, &self.body, options);
        Ok(Turn::Call(account, Box::new(call)))
    }

    fn store(&self, shared: &Shared, account: &Account, opened: Delivered) -> Result<Stored> {
        let About::Event(envelope) = opened.about else {
            return Err(Error::new(
                crate::Code::Internal,
                "what was opened is no event",
            ));
        };
        let event = Event {
            envelope,
            plaintext: opened.body,
        };
        let event = self.event(shared, account, event)?;
        let (kind, order_no) = (event.kind.clone(), event.order_no.clone());
        let is_new = shared.commit.get().events.insert(shared.store(), event)?;
        Ok(Stored {
            kind,
            order_no,
            is_new,
        })
    }

    fn event(&self, shared: &Shared, account: &Account, event: Event) -> Result<NewEvent> {
        let told = match (
            event.envelope.authenticity,
            account.client.core().provider.face(),
        ) {
            (Authenticity::Signed, Some(face)) => face.told(&event),
            _ => Ok(None),
        };
        // What is genuine and yet cannot be understood is kept all the same: the service's worker gets it, and the query tells the fact.
        let fact = told.unwrap_or_else(|error| {
            Record::new(&shared.host, Level::Warn, "inbox.not_understood")
                .with("account", account.name.as_str())
                .with("message", error.message())
                .write();
            None
        });
        let Event {
            envelope,
            plaintext,
        } = event;
        let event_key = match &fact {
            Some(fact) => event::key(&account.name, fact),
            None => sha256(format!("{}\nevent\n{}", account.name, envelope.id).as_bytes()),
        };
        let known = fact.as_ref().and_then(event::kind);
        Ok(NewEvent {
            event_key,
            account: account.name.clone(),
            kind: known.unwrap_or(&envelope.event_type).to_owned(),
            order_no: fact
                .as_ref()
                .map(|fact| fact.order_no().to_owned())
                .unwrap_or_default(),
            source: Source::Notification.name(),
            headers: String::from_utf8_lossy(&self.headers).into_owned(),
            body: self.body.clone(),
            envelope: sql::json(&envelope),
            plaintext: plaintext.to_vec(),
            fact: fact.as_ref().map(sql::json),
            received_ms: shared.now_ms()?,
        })
    }

    /// The reply, and what became of the notification.
    fn reply(&self, shared: &Shared, result: Result<Stored>) -> Turn {
        let code = result
            .as_ref()
            .map_or_else(|error| error.code() as i32, |_| 0);
        // Whom nobody can be found for is answered as the first account's provider answers.
        let account = &shared.accounts[self.account.unwrap_or_default()];
        let reply = account.client.notification_reply(code);
        let mut about = json!({
            "status": reply.status,
            "headers": [["Content-Type", reply.content_type]],
            "accepted": result.is_ok(),
            "account": self.account.map(|_| account.name.as_str()),
        });
        match result {
            Ok(stored) => {
                about["duplicate"] = (!stored.is_new).into();
                about["kind"] = stored.kind.into();
                about["order_no"] = stored.order_no.into();
            }
            Err(error) => {
                Record::new(&shared.host, Level::Warn, "inbox.refused")
                    .with_some("account", self.account.map(|_| account.name.as_str()))
                    .with("code", error.code().name())
                    .with("message", error.message())
                    .write();
                about["error"] = json!({
                    "code": error.code() as i32,
                    "outcome": error.outcome() as i32,
                    "message": error.message(),
                    "details": error.details(),
                });
            }
        }
        Turn::Deliver(reply.body, about)
    }
}

impl Job for Accept {
    fn next(&mut self, heard: Heard, shared: &Shared) -> Result<Turn> {
        let result = match heard {
            Heard::Nothing => match self.open(shared) {
                Ok(turn) => return Ok(turn),
                Err(error) => Err(error),
            },
            Heard::Opened(opened) => {
                let account = &shared.accounts[self.account.unwrap_or_default()];
                self.store(shared, account, *opened)
            }
            Heard::Failed(error) => Err(error),
            Heard::Answer(_) => Err(Error::new(
                crate::Code::Internal,
                "a notification was answered",
            )),
        };
        Ok(self.reply(shared, result))
    }
}
