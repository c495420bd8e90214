//! One attempt of a notification, from what was sent to what the shop answered.

use axum::body::Bytes;
use axum::http::HeaderMap;

use crate::alipay;
use crate::diagnosis::causes;
use crate::notifications::Delivery;
use crate::post::Said;
use crate::v2;

use super::{Answer, Attempted, Exchange, Kind, Refusal, lines, shown};

/// What is known before anything is sent.
pub fn begin(delivery: &Delivery, body: &Bytes) -> Exchange {
    let api = match (&delivery.alipay, delivery.is_v2) {
        (Some(_), _) => "alipay",
        (None, true) => "v2",
        (None, false) => "v3",
    };
    let mut exchange = Exchange {
        operation: Some(delivery.event_type.clone()),
        number: Some(delivery.out_trade_no.clone()).filter(|number| !number.is_empty()),
        body: shown(body),
        notification: Some(Attempted {
            id: delivery.id.clone(),
            attempt: delivery.attempts.len() + 1,
        }),
        ..Exchange::new(Kind::Notification, api, "POST", &delivery.notify_url)
    };
    if delivery.is_v2
        && let Some(signed) = v2::signed(&exchange.body)
    {
        exchange.signed_text = Some(signed.text);
        exchange.algorithm = Some(signed.algorithm.into());
        exchange.signature = Some(signed.signature);
    }
    exchange
}

/// The headers as they go out.
pub fn sent(exchange: &mut Exchange, headers: &HeaderMap) {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::to_owned);
    exchange.headers = lines(headers);
    if let (Some(timestamp), Some(nonce), Some(signature)) = (
        text("wechatpay-timestamp"),
        text("wechatpay-nonce"),
        text("wechatpay-signature"),
    ) {
        exchange.signed_text = Some(format!("{timestamp}\n{nonce}\n{}\n", exchange.body));
        exchange.signature = Some(signature);
        exchange.algorithm = text("wechatpay-signature-type");
        exchange.serial = text("wechatpay-serial");
    }
}

/// What came of it.
pub struct Verdict {
    pub accepted: bool,
    /// It was made to be refused.
    pub forged: bool,
    /// It was broken off half-way.
    pub cut: bool,
}

pub fn answered(exchange: &mut Exchange, said: Result<Said, String>, verdict: Verdict) {
    let (cause, outcome) = match (&said, verdict) {
        (
            _,
            Verdict {
                accepted: true,
                forged: true,
                ..
            },
        ) => (
            Some(causes::FORGERY_ACCEPTED),
            "forgery_accepted".to_owned(),
        ),
        (_, Verdict { accepted: true, .. }) => (None, "accepted".into()),
        (Err(_), Verdict { cut: true, .. }) => (Some(causes::CUT_BY_FAULT), "cut".into()),
        (Err(error), _) if error.starts_with("no answer") => {
            (Some(causes::SHOP_SILENT), "no_answer".into())
        }
        (Err(_), _) => (Some(causes::SHOP_UNREACHABLE), "no_answer".into()),
        (Ok(said), Verdict { forged: true, .. }) => {
            (Some(causes::FORGERY_REFUSED), said.status.to_string())
        }
        (Ok(said), _) if (200..300).contains(&said.status) => {
            let cause = match exchange.api {
                "alipay" => alipay::NOT_EXACTLY_SUCCESS,
                _ => causes::SHOP_NOT_SUCCESS,
            };
            (Some(cause), "not_success".into())
        }
        (Ok(said), _) => (Some(causes::SHOP_REFUSED), said.status.to_string()),
    };
    exchange.outcome = outcome;
    exchange.refusal = cause.map(Refusal::of);
    exchange.answer = match said {
        Ok(said) => Answer {
            status: Some(said.status),
            headers: lines(&said.headers),
            body: said.body,
            ..Answer::default()
        },
        Err(error) => Answer {
            error: Some(error),
            ..Answer::default()
        },
    };
}
