//! Access token, ticket and the signature of a page: taken from the cache, else fetched, one after the other.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Outcome, Result};
use crate::flow::{Ask, Move, Pace, Plan, Seen};
use crate::host::Host;
use crate::params::Params;
use crate::provider::no_such_flow;

use super::js_config;
use super::store::{Kept, Store, Token};

const NAMES: [&str; 3] = ["access_token", "jsapi_ticket", "js_config"];

pub(super) fn plan(
    name: &str,
    params: Params,
    appid: &str,
    store: Arc<Store>,
) -> Result<(Box<dyn Plan>, Pace)> {
    let body = params.body.as_ref().and_then(Value::as_object);
    let wanted = match name {
        "access_token" => Wanted::AccessToken,
        "jsapi_ticket" => Wanted::Ticket,
        "js_config" => Wanted::Page(js_config::page(
            body.and_then(|body| body.get("url")),
            "body.url",
        )?),
        _ => return Err(no_such_flow(&NAMES)),
    };
    let is_empty = params.path.is_empty() && params.query.is_empty();
    let known = usize::from(matches!(wanted, Wanted::Page(_)));
    if !is_empty || body.map_or(0, Map::len) > known {
        return Err(js_config::invalid(
            "params",
            "has parts that this flow does not take; only js_config takes one, body.url",
        ));
    }
    let plan = Tokens {
        wanted,
        appid: appid.to_owned(),
        store,
        asked: None,
        is_renewed: false,
    };
    let pace = Pace {
        pauses: Vec::new(),
        deadline: None,
    };
    Ok((Box::new(plan), pace))
}

enum Wanted {
    AccessToken,
    Ticket,
    /// The configuration of the page at this address.
    Page(String),
}

struct Tokens {
    wanted: Wanted,
    appid: String,
    store: Arc<Store>,
    /// What is on its way.
    asked: Option<Kept>,
    /// A new access token was demanded already; once is enough.
    is_renewed: bool,
}

impl Plan for Tokens {
    fn next(&mut self, seen: Seen<'_>, host: &Host) -> Move {
        self.go(seen, host).unwrap_or_else(Move::Fail)
    }
}

impl Tokens {
    fn go(&mut self, seen: Seen<'_>, host: &Host) -> Result<Move> {
        match (seen, self.asked.take()) {
            (Seen::Nothing, _) => match self.wanted {
                Wanted::AccessToken => match self.store.get(Kept::AccessToken, host)? {
                    Some(token) => self.give(&token, host),
                    None => Ok(self.ask_for_token(false)),
                },
                Wanted::Ticket | Wanted::Page(_) => {
                    match self.store.get(Kept::JsapiTicket, host)? {
                        Some(ticket) => self.give(&ticket, host),
                        None => match self.store.get(Kept::AccessToken, host)? {
                            Some(token) => Ok(self.ask_for_ticket(&token.text)),
                            None => Ok(self.ask_for_token(false)),
                        },
                    }
                }
            },
            (Seen::Answer(body), Some(Kept::AccessToken)) => {
                let token = self.keep(Kept::AccessToken, body, "access_token", host)?;
                match self.wanted {
                    Wanted::AccessToken => self.give(&token, host),
                    Wanted::Ticket | Wanted::Page(_) => Ok(self.ask_for_ticket(&token.text)),
                }
            }
            (Seen::Answer(body), Some(Kept::JsapiTicket)) => {
                let ticket = self.keep(Kept::JsapiTicket, body, "ticket", host)?;
                self.give(&ticket, host)
            }
            // Somebody has ended the token that was kept.
            (Seen::Error(error), Some(Kept::JsapiTicket))
                if is_invalid_token(error) && !self.is_renewed =>
            {
                Ok(self.ask_for_token(true))
            }
            (Seen::Error(error), _) => Err(error.clone()),
            (Seen::Answer(_) | Seen::OverTime, _) => Err(Error::new(
                Code::Internal,
                "an answer came that was not asked for",
            )),
        }
    }

    /// The stable token: whoever asks while it is valid gets the same one, so that processes without a common cache do not end each other's.
    fn ask_for_token(&mut self, force_refresh: bool) -> Move {
        self.asked = Some(Kept::AccessToken);
        self.is_renewed |= force_refresh;
        Move::Ask(Box::new(Ask {
            operation: "POST /cgi-bin/stable_token".to_owned(),
            params: Params {
                body: Some(json!({ "force_refresh": force_refresh })),
                ..Params::default()
            },
        }))
    }

    fn ask_for_ticket(&mut self, token: &str) -> Move {
        self.asked = Some(Kept::JsapiTicket);
        Move::Ask(Box::new(Ask {
            operation: "GET /cgi-bin/ticket/getticket".to_owned(),
            params: Params {
                query: Map::from_iter([
                    ("access_token".to_owned(), token.into()),
                    ("type".to_owned(), "jsapi".into()),
                ]),
                ..Params::default()
            },
        }))
    }

    fn keep(&self, kept: Kept, body: &Value, name: &str, host: &Host) -> Result<Token> {
        let text = body.get(name).and_then(Value::as_str);
        let seconds = body.get("expires_in").and_then(Value::as_i64);
        match (text, seconds) {
            (Some(text), Some(seconds)) if !text.is_empty() => {
                self.store.put(kept, text, seconds, host)
            }
            _ => Err(Error::new(
                Code::BodyInvalid,
                format!("the answer has no {name} with its expires_in"),
            )
            .with_outcome(Outcome::Unknown)),
        }
    }

    fn give(&self, token: &Token, host: &Host) -> Result<Move> {
        let text = token.text.as_str();
        let result = match &self.wanted {
            Wanted::AccessToken => json!({ "access_token": text, "until": token.until_s }),
            Wanted::Ticket => json!({ "jsapi_ticket": text, "until": token.until_s }),
            Wanted::Page(url) => Value::Object(js_config::sign(&self.appid, text, url, host)?),
        };
        Ok(Move::Give(Zeroizing::new(result.to_string().into_bytes())))
    }
}

fn is_invalid_token(error: &Error) -> bool {
    let code = error.detail("provider_code").and_then(Value::as_str);
    matches!(code, Some("40001" | "40014" | "42001"))
}
