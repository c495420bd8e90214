//! Access token, ticket and the signature of a page: taken from the cache, else fetched, one after the other, and by one caller for all
//! who want it at that moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Outcome, Result};
use crate::flow::{Ask, Move, Pace, Plan, Seen};
use crate::host::Host;
use crate::params::Params;
use crate::provider::no_such_flow;
use crate::turn::{LOOK_AGAIN, Permit};
use crate::wire::json::{self as strict, Wiped};

use super::js_config;
use super::store::{Kept, Store, Token};

const NAMES: [&str; 3] = ["access_token", "jsapi_ticket", "js_config"];

pub(super) fn plan(
    name: &str,
    params: Params,
    appid: &str,
    store: Arc<Store>,
    timeout: Duration,
) -> Result<(Box<dyn Plan>, Pace)> {
    let is_empty = params.path.is_empty() && params.query.is_empty() && params.payload.is_empty();
    let mut body = Wiped(params.body.unwrap_or_else(|| json!({})));
    let mut refused = None;
    let (wanted, known) = match name {
        "access_token" => {
            refused = invalid_token(&mut body)?;
            (Wanted::AccessToken, "invalid_token")
        }
        "jsapi_ticket" => (Wanted::Ticket, ""),
        "js_config" => {
            let url = js_config::page(body.get("url"), "body.url")?;
            (Wanted::Page(url), "url")
        }
        _ => return Err(no_such_flow(&NAMES)),
    };
    let is_known = |body: &Map<String, Value>| body.keys().all(|key| key == known);
    if !is_empty || !body.as_object().is_some_and(is_known) {
        return Err(js_config::invalid(
            "params",
            "has parts that this flow does not take; access_token takes body.invalid_token, js_config takes body.url, and there are no others",
        ));
    }
    let plan = Tokens {
        wanted,
        appid: appid.to_owned(),
        store,
        timeout,
        state: State::Between,
        token_turn: None,
        ticket_turn: None,
        used: None,
        refused,
        is_renewed: false,
    };
    let pace = Pace {
        pauses: Vec::new(),
        deadline: None,
    };
    Ok((Box::new(plan), pace))
}

/// The token with which the caller was refused.
fn invalid_token(body: &mut Wiped) -> Result<Option<Zeroizing<String>>> {
    match body.0.get_mut("invalid_token").map(Value::take) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(token)) if !token.is_empty() => Ok(Some(Zeroizing::new(token))),
        Some(_) => Err(js_config::invalid(
            "body.invalid_token",
            "must be the access token that the platform refused",
        )),
    }
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
    /// How long an exchange may take, and how long one of somebody else is waited for.
    timeout: Duration,
    state: State,
    /// Held while this is fetched. A ticket's is taken before a token's, never the other way round.
    token_turn: Option<Permit>,
    ticket_turn: Option<Permit>,
    /// The access token that the ticket is asked for with.
    used: Option<Zeroizing<String>>,
    /// The access token that the platform refused: not taken from anywhere again.
    refused: Option<Zeroizing<String>>,
    /// A refused token was replaced already; once is enough.
    is_renewed: bool,
}

enum State {
    Between,
    /// Somebody else fetches this, in the turn of that number.
    Waiting {
        kept: Kept,
        turn: u64,
        until: Instant,
    },
    /// It is on its way.
    Asked {
        kept: Kept,
        is_forced: bool,
    },
}

impl Plan for Tokens {
    fn next(&mut self, seen: Seen<'_>, host: &Host) -> Move {
        let next = self.go(seen, host).unwrap_or_else(Move::Fail);
        if matches!(next, Move::Give(_) | Move::Fail(_)) {
            (self.token_turn, self.ticket_turn) = (None, None);
        }
        next
    }
}

impl Tokens {
    fn go(&mut self, seen: Seen<'_>, host: &Host) -> Result<Move> {
        match (seen, std::mem::replace(&mut self.state, State::Between)) {
            (Seen::Nothing, _) => {
                if let Some(refused) = &self.refused {
                    self.store.forget(Kept::AccessToken, refused, host);
                }
                self.need(self.goal(), host)
            }
            (Seen::Waited, State::Waiting { kept, turn, until }) => {
                match self.fetched_since(kept, turn) {
                    Some(token) => self.have(kept, &token, host),
                    None => self.take_turn(kept, Some((turn, until)), host),
                }
            }
            (
                Seen::Answer(body),
                State::Asked {
                    kept: Kept::AccessToken,
                    is_forced,
                },
            ) => self.got_token(body, is_forced, host),
            (
                Seen::Answer(body),
                State::Asked {
                    kept: Kept::JsapiTicket,
                    ..
                },
            ) => {
                let (text, seconds) = read(body, "ticket")?;
                self.keep(Kept::JsapiTicket, text, seconds, host)
            }
            (
                Seen::Error(error),
                State::Asked {
                    kept: Kept::JsapiTicket,
                    ..
                },
            ) if is_invalid_token(error) => self.renew(error, host),
            (Seen::Error(error), _) => Err(error.clone()),
            (Seen::OverTime, _) => Err(self.too_late()),
            (Seen::Answer(_) | Seen::Waited, _) => Err(Error::new(
                Code::Internal,
                "an answer came that was not asked for",
            )),
        }
    }

    fn goal(&self) -> Kept {
        match self.wanted {
            Wanted::AccessToken => Kept::AccessToken,
            Wanted::Ticket | Wanted::Page(_) => Kept::JsapiTicket,
        }
    }

    fn need(&mut self, kept: Kept, host: &Host) -> Result<Move> {
        match self.look(kept, host)? {
            Some(token) => self.have(kept, &token, host),
            None => self.take_turn(kept, None, host),
        }
    }

    fn look(&self, kept: Kept, host: &Host) -> Result<Option<Token>> {
        let token = self.store.get(kept, host)?;
        Ok(token.filter(|token| !self.is_refused(kept, &token.text)))
    }

    fn fetched_since(&self, kept: Kept, turn: u64) -> Option<Token> {
        let token = self.store.fetched_since(kept, turn);
        token.filter(|token| !self.is_refused(kept, &token.text))
    }

    fn is_refused(&self, kept: Kept, text: &str) -> bool {
        let refused = self.refused.as_ref().map(|refused| refused.as_str());
        kept == Kept::AccessToken && refused == Some(text)
    }

    /// `waited` is whose turn was waited for, and until when it is.
    fn take_turn(
        &mut self,
        kept: Kept,
        waited: Option<(u64, Instant)>,
        host: &Host,
    ) -> Result<Move> {
        let now = Instant::now();
        match self.store.turn(kept).take(now, now + self.timeout) {
            Ok(permit) => {
                // Between looking and taking the turn somebody may have come back with it, here or in another process.
                let fetched = waited.and_then(|(turn, _)| self.fetched_since(kept, turn));
                if let Some(token) =
                    fetched.map_or_else(|| self.look(kept, host), |it| Ok(Some(it)))?
                {
                    drop(permit);
                    return self.have(kept, &token, host);
                }
                *self.turn(kept) = Some(permit);
                match kept {
                    Kept::AccessToken => Ok(self.ask_for_token(false)),
                    Kept::JsapiTicket => self.need(Kept::AccessToken, host),
                }
            }
            Err(_) if waited.is_some_and(|(_, until)| now >= until) => Err(self.too_late()),
            Err(turn) => {
                let until = waited.map_or(now + self.timeout, |(_, until)| until);
                self.state = State::Waiting { kept, turn, until };
                self.hold();
                Ok(Move::Wait(LOOK_AGAIN))
            }
        }
    }

    fn turn(&mut self, kept: Kept) -> &mut Option<Permit> {
        match kept {
            Kept::AccessToken => &mut self.token_turn,
            Kept::JsapiTicket => &mut self.ticket_turn,
        }
    }

    /// Whoever has a turn and goes on keeps it.
    fn hold(&self) {
        let until = Instant::now() + self.timeout;
        for permit in [&self.token_turn, &self.ticket_turn].into_iter().flatten() {
            permit.extend(until);
        }
    }

    fn have(&mut self, kept: Kept, token: &Token, host: &Host) -> Result<Move> {
        match kept == self.goal() {
            true => self.give(token, host),
            false => Ok(self.ask_for_ticket(&token.text)),
        }
    }

    fn got_token(&mut self, body: &Value, is_forced: bool, host: &Host) -> Result<Move> {
        let (text, seconds) = read(body, "access_token")?;
        if is_forced || !self.is_refused(Kept::AccessToken, text) {
            return self.keep(Kept::AccessToken, text, seconds, host);
        }
        // The platform takes the refused token for good. A new one ends that for everybody, and may be made twenty times a day: not where
        // another process has one by now.
        match self.look(Kept::AccessToken, host)? {
            Some(token) => {
                self.token_turn = None;
                self.have(Kept::AccessToken, &token, host)
            }
            None => Ok(self.ask_for_token(true)),
        }
    }

    fn keep(&mut self, kept: Kept, text: &str, seconds: i64, host: &Host) -> Result<Move> {
        let permit = self
            .turn(kept)
            .take()
            .ok_or_else(|| Error::new(Code::Internal, "something was fetched out of turn"))?;
        let token = self.store.put(kept, text, seconds, &permit, host)?;
        drop(permit);
        self.have(kept, &token, host)
    }

    /// Somebody has ended the token that was used. Another process may have the next one already.
    fn renew(&mut self, error: &Error, host: &Host) -> Result<Move> {
        if let Some(used) = &self.used {
            self.store.forget(Kept::AccessToken, used, host);
        }
        if self.is_renewed {
            return Err(error.clone());
        }
        self.is_renewed = true;
        self.refused = self.used.take();
        self.need(Kept::AccessToken, host)
    }

    /// The stable token: whoever asks while it is valid gets the same one, so that processes without a common cache do not end each other's.
    /// With `is_forced` the platform makes a new one and ends the last.
    fn ask_for_token(&mut self, is_forced: bool) -> Move {
        let params = Params {
            body: Some(json!({ "force_refresh": is_forced })),
            ..Params::default()
        };
        self.ask(
            Kept::AccessToken,
            is_forced,
            "POST /cgi-bin/stable_token",
            params,
        )
    }

    fn ask_for_ticket(&mut self, token: &str) -> Move {
        self.used = Some(Zeroizing::new(token.to_owned()));
        let query = Map::from_iter([
            ("access_token".to_owned(), token.into()),
            ("type".to_owned(), "jsapi".into()),
        ]);
        let params = Params {
            query,
            ..Params::default()
        };
        self.ask(
            Kept::JsapiTicket,
            false,
            "GET /cgi-bin/ticket/getticket",
            params,
        )
    }

    fn ask(&mut self, kept: Kept, is_forced: bool, operation: &str, params: Params) -> Move {
        self.state = State::Asked { kept, is_forced };
        self.hold();
        Move::Ask(Box::new(Ask {
            operation: operation.to_owned(),
            params,
        }))
    }

    fn give(&self, token: &Token, host: &Host) -> Result<Move> {
        let (text, until) = (token.text.as_str(), token.until_s);
        let result = match &self.wanted {
            Wanted::AccessToken => json!({ "access_token": text, "until": until }),
            Wanted::Ticket => json!({ "jsapi_ticket": text, "until": until }),
            Wanted::Page(url) => Value::Object(js_config::sign(&self.appid, text, url, host)?),
        };
        Ok(Move::Give(strict::text(&*Wiped(result))))
    }

    fn too_late(&self) -> Error {
        let message = "another call of this client fetches the token, and it did not come in time";
        Error::new(Code::Timeout, message)
            .with("advice", "retry_later")
            .with_outcome(match self.is_renewed {
                true => Outcome::Unknown,
                false => Outcome::NotSent,
            })
    }
}

/// The token of that name in an answer, and for how many seconds it is good.
fn read<'a>(body: &'a Value, name: &str) -> Result<(&'a str, i64)> {
    let text = body.get(name).and_then(Value::as_str);
    let seconds = body.get("expires_in").and_then(Value::as_i64);
    match (text, seconds) {
        (Some(text), Some(seconds)) if !text.is_empty() => Ok((text, seconds)),
        _ => Err(Error::new(
            Code::BodyInvalid,
            format!("the answer has no {name} with its expires_in"),
        )
        .with_outcome(Outcome::Unknown)),
    }
}

fn is_invalid_token(error: &Error) -> bool {
    let code = error.detail("provider_code").and_then(Value::as_str);
    matches!(code, Some("40001" | "40014" | "42001"))
}
