//! A notification: a form that the provider sends to `notify_url` and repeats for 25 hours, until it is answered with `success`.
//! <https://opendocs.alipay.com/open/203/105286>

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Outcome, Result};
use crate::notification::{Authenticity, Envelope, Event, Reply};

use super::app::App;
use super::keyring::KeyRing;
use super::message::{self, Message, malformed};
use super::{PROVIDER, time};

/// How far ahead of ours the provider's clock may be.
const FUTURE_S: i64 = 300;

pub(super) fn open(app: &App, ring: &KeyRing, body: &[u8], now_s: i64) -> Result<Event> {
    let message = message::verify(app, ring, body, now_s)?;
    message::belongs_to(app, &message)?;
    message::check_amounts(&message)?;
    let kind = Kind::of(&message)?;
    let id = message.required("notify_id")?.to_owned();
    let sent = message.text("notify_time").or(message.text("timestamp"));
    let timestamp = match sent {
        Some(text) => sent_at(text)
            .ok_or_else(|| malformed("notify_time is no time").with_field("notify_time"))?,
        None => return Err(malformed("notify_time is missing").with_field("notify_time")),
    };
    let age_s = now_s - timestamp;
    if age_s > app.notification_age_s || age_s < -FUTURE_S {
        return Err(Error::new(
            Code::ClockSkew,
            format!(
                "the notification is genuine, but was sent {age_s} seconds ago; {} are allowed",
                app.notification_age_s
            ),
        )
        .with("skew_s", -age_s)
        .with_hint(
            "an old notification was replayed, or a clock is wrong: check NTP on this machine",
        ));
    }
    let envelope = Envelope {
        id,
        create_time: sent.and_then(time::rfc3339),
        event_type: kind.event_type,
        resource_type: None,
        summary: None,
        original_type: kind.original_type,
        provider: PROVIDER,
        merchant: app.app_id.clone(),
        serial: message.number.clone().unwrap_or_default(),
        timestamp,
        authenticity: Authenticity::Signed,
        confirm_with: None,
        replay: false,
    };
    let plaintext = Value::Object(message.fields).to_string();
    Ok(Event {
        envelope,
        plaintext: Zeroizing::new(plaintext.into_bytes()),
    })
}

/// Beijing time; messages of the open platform have Unix milliseconds.
fn sent_at(text: &str) -> Option<i64> {
    match text.bytes().all(|b| b.is_ascii_digit()) {
        true => text.parse::<i64>().ok().map(|ms| ms / 1000),
        false => time::unix(text),
    }
}

/// What happened, in the provider's words.
struct Kind {
    event_type: String,
    original_type: Option<String>,
}

impl Kind {
    /// A payment's notification has to say its state and amount: what the browser brings back is signed by the same key in the same way, and
    /// has neither, so that it can never be taken for one.
    fn of(message: &Message) -> Result<Kind> {
        if let Some(method) = message.text("msg_method") {
            return Ok(Kind {
                event_type: method.to_owned(),
                original_type: None,
            });
        }
        let notify_type = message.required("notify_type")?;
        let event_type = match message.text("trade_status") {
            Some(status) => {
                for name in ["out_trade_no", "trade_no", "total_amount", "app_id"] {
                    message.required(name)?;
                }
                format!("{notify_type}.{status}")
            }
            None if notify_type == "trade_status_sync" => {
                return Err(malformed("trade_status is missing").with_field("trade_status"));
            }
            None => notify_type.to_owned(),
        };
        Ok(Kind {
            event_type,
            original_type: Some(notify_type.to_owned()),
        })
    }
}

/// Whether it is for this app: what it says is looked at first, since that costs nothing.
pub(super) fn names(app: &App, body: &[u8]) -> Result<()> {
    let fields = crate::wire::form::parse(body)
        .map_err(|problem| malformed(&problem).with_outcome(Outcome::Unauthentic))?;
    let named = fields.iter().find(|(name, _)| name == "app_id");
    match named {
        Some((_, id)) if *id != app.app_id.as_bytes() => Err(Error::new(
            Code::ResponseMismatch,
            "the notification names another app",
        )
        .with_outcome(Outcome::Malformed)
        .with_field("app_id")),
        _ => Ok(()),
    }
}

/// The provider reads seven letters; anything else makes it send again.
pub(super) fn reply(code: i32) -> Reply {
    let body = if code == 0 { "success" } else { "fail" };
    Reply {
        status: 200,
        content_type: "text/plain; charset=utf-8",
        body: body.into(),
    }
}

/// What the payer's browser brings to `return_url`. It passed through the payer's hands and says nothing about money: that has to be asked.
pub(super) fn open_return(
    app: &App,
    ring: &KeyRing,
    query: &[u8],
    now_s: i64,
) -> Result<Map<String, Value>> {
    let message = message::verify(app, ring, query.strip_prefix(b"?").unwrap_or(query), now_s)?;
    message::belongs_to(app, &message)?;
    message::check_amounts(&message)?;
    if ["notify_id", "notify_type", "trade_status"]
        .iter()
        .any(|name| message.text(name).is_some())
    {
        return Err(
            malformed("it is a notification, which belongs to notify_url").with_field("notify_id"),
        );
    }
    message.required("app_id")?;
    let mut returned = Map::new();
    returned.insert("provider".into(), PROVIDER.into());
    returned.insert("merchant".into(), app.app_id.as_str().into());
    returned.insert("confirm_with".into(), "alipay.trade.query".into());
    returned.insert("fields".into(), Value::Object(message.fields));
    Ok(returned)
}
