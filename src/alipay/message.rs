//! A signed form from the provider: what a notification is, and what the payer's browser brings back.
//! <https://opendocs.alipay.com/common/02mse7>

use serde_json::{Map, Value};

use crate::error::{Code, Error, Outcome, Result};
use crate::wire::form;

use super::app::App;
use super::charset::Charset;
use super::keyring::KeyRing;
use super::{amount, canonical};

const MAX_BODY: usize = 1 << 20;

/// Fields of which each value was covered by the signature. Only `verify` makes one.
pub(super) struct Message {
    /// In the order they came; without the signature and what it does not cover.
    pub fields: Map<String, Value>,
    /// The number of the certificate that verified it.
    pub number: Option<String>,
}

impl Message {
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    pub fn required(&self, name: &str) -> Result<&str> {
        self.text(name)
            .ok_or_else(|| malformed(&format!("{name} is missing")).with_field(name))
    }
}

/// Which fields a signature leaves out, beside itself. Payments leave `sign_type` out, messages of the open platform do not; the number of the
/// certificate is left out by some senders. Each is a signature by the same pinned key over the fields that are then read, so that to
/// try them all lets nothing pass that the provider did not sign.
const LEFT_OUT: [&[&str]; 4] = [
    &["sign_type"],
    &[],
    &["sign_type", "alipay_cert_sn"],
    &["alipay_cert_sn"],
];

/// Reads the bytes of the form, verifies them, and only then decodes them.
pub(super) fn verify(app: &App, ring: &KeyRing, form: &[u8], now_s: i64) -> Result<Message> {
    let unauthentic = |problem: &str| malformed(problem).with_outcome(Outcome::Unauthentic);
    if form.len() > MAX_BODY {
        return Err(unauthentic("it is longer than 1 MiB"));
    }
    let fields = form::parse(form).map_err(|problem| unauthentic(&problem))?;
    if fields.iter().any(|(name, _)| !is_plain(name)) {
        return Err(unauthentic(
            "a field has a name that no field of the provider has",
        ));
    }
    let ascii = |name: &str| {
        let (_, value) = fields.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value)
            .ok()
            .filter(|text| !text.is_empty())
    };
    let Some(signature) = ascii("sign") else {
        return Err(Error::new(
            Code::SignatureMissing,
            "the message is not signed: sign is missing or empty",
        )
        .with_field("sign"));
    };
    if ascii("sign_type").is_some_and(|named| named != app.sign_type.name()) {
        let problem = format!(
            "the message is not signed with {}, the only sign_type that is configured",
            app.sign_type.name()
        );
        return Err(Error::new(Code::AlgorithmMismatch, problem).with_field("sign_type"));
    }
    let number = ascii("alipay_cert_sn");
    let mut first = None;
    for left_out in LEFT_OUT
        .iter()
        .filter(|left_out| number.is_some() || !left_out.contains(&"alipay_cert_sn"))
    {
        let covered = || {
            let is_covered = |name: &str| name != "sign" && !left_out.contains(&name);
            fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .filter(move |(name, value)| is_covered(name) && !value.is_empty())
        };
        match ring.verify(number, &canonical::text(covered()), signature, now_s) {
            Ok(number) => {
                if let Some(name) = canonical::ambiguous(covered()) {
                    return Err(ambiguous(name));
                }
                return Ok(Message {
                    fields: decode(app, covered())?,
                    number,
                });
            }
            Err(error) if error.code() == Code::SignatureInvalid => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    Err(first.unwrap_or_else(|| {
        Error::new(
            Code::SignatureInvalid,
            "the signature does not fit the message",
        )
    }))
}

fn decode<'a>(
    app: &App,
    covered: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Result<Map<String, Value>> {
    let fields: Map<String, Value> = covered
        .map(|(name, value)| match app.charset.decode(value) {
            Some(text) => Ok((name.to_owned(), Value::String(text.into_owned()))),
            None => Err(
                malformed(&format!("{name} is not text in {}", app.charset.name()))
                    .with_field(name)
                    .with_hint(
                        "is charset in the configuration the one that the request was made with?",
                    ),
            ),
        })
        .collect::<Result<_>>()?;
    let named = fields.get("charset").and_then(Value::as_str);
    match named.is_some_and(|name| Charset::named(name) != Some(app.charset)) {
        true => Err(malformed(&format!(
            "its charset is not {}, the one that is configured",
            app.charset.name()
        ))
        .with_field("charset")),
        false => Ok(fields),
    }
}

/// What belongs to this app: a key may serve several.
pub(super) fn belongs_to(app: &App, message: &Message) -> Result<()> {
    let named = [
        ("app_id", Some(&app.app_id)),
        ("seller_id", app.seller_id.as_ref()),
    ];
    for (name, ours) in named {
        if let (Some(said), Some(ours)) = (message.text(name), ours)
            && said != ours
        {
            let problem =
                format!("the message is genuine, but its {name} is not the one this client is for");
            return Err(Error::new(Code::ResponseMismatch, problem)
                .with_outcome(Outcome::Malformed)
                .with_field(name)
                .with_hint("was the message of another app or seller routed to this client?"));
        }
    }
    Ok(())
}

/// Amounts are read strictly before anybody else reads them.
pub(super) fn check_amounts(message: &Message) -> Result<()> {
    const AMOUNTS: [&str; 9] = [
        "total_amount",
        "receipt_amount",
        "invoice_amount",
        "buyer_pay_amount",
        "point_amount",
        "refund_fee",
        "send_back_fee",
        "refund_amount",
        "total_freeze_amount",
    ];
    let wrong = AMOUNTS.into_iter().find(|name| {
        message
            .text(name)
            .is_some_and(|text| amount::fen(text).is_none())
    });
    match wrong {
        Some(name) => Err(malformed(&format!(
            "{name} is no amount in yuan with at most two decimals"
        ))
        .with_field(name)),
        None => Ok(()),
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= 64
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
}

fn ambiguous(name: &str) -> Error {
    malformed(&format!("{name} holds what could be read as another field, so what was signed can be read in two ways"))
        .with_field(name)
        .with_hint("do not let people write & and = into what is sent as subject, body or passback_params; encode it first")
}

pub(super) fn malformed(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the message cannot be used: {problem}"),
    )
}
