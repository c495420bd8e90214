//! What shops are told: forms, signed when they are sent, and the query of a `return_url`.

use std::sync::Arc;

use axum::body::Bytes;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::crypto::{hex_upper, random_bytes};
use crate::exchanges::Exchange;
use crate::faults::Kind as FaultKind;
use crate::notifications;
use crate::sandbox::Sandbox;
use crate::signing::Spoiling;

use super::canonical::{Rule, canonical, write_form};
use super::charset::Charset;
use super::envelope::{Mode, Signed, Style, sign};
use super::money::yuan;
use super::operations::Party;
use super::parties::{BUYER_ID, BUYER_LOGON_ID, BUYER_OPEN_ID};
use super::trade::{Product, Refund, Status, Trade};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// The pauses before the second and every further attempt, in seconds at speed 1.
pub const PAUSES_S: [u64; 7] = [
    4 * MINUTE,
    10 * MINUTE,
    10 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    15 * HOUR,
];

type Fields = Vec<(String, String)>;

/// A notification, signed anew for every attempt.
pub struct Notice {
    rule: Rule,
    style: Style,
    /// Without `sign`.
    fields: Fields,
}

/// A notification as it goes out once.
pub struct Form {
    pub bytes: Bytes,
    pub content_type: &'static str,
    signed_text: Option<String>,
    signed: Option<Signed>,
    algorithm: &'static str,
}

impl Form {
    /// For those who look on.
    pub fn show(&self, exchange: &mut Exchange) {
        let Some(signed) = &self.signed else {
            return;
        };
        exchange.signed_text.clone_from(&self.signed_text);
        exchange.signature = Some(signed.signature.clone());
        exchange.algorithm = Some(self.algorithm.to_owned());
        exchange.serial.clone_from(&signed.sn);
    }
}

impl Notice {
    /// `fault` may spoil it.
    pub fn form(&self, sandbox: &Sandbox, fault: Option<FaultKind>) -> Form {
        let spoiling = match fault {
            Some(FaultKind::WrongKey) => Spoiling::UnknownSerial,
            fault => fault.map_or(Spoiling::None, FaultKind::spoiling),
        };
        let mut fields = self.fields.clone();
        let age = match spoiling {
            Spoiling::StaleTime => time::Duration::minutes(10),
            _ => time::Duration::ZERO,
        };
        if self.rule == Rule::V1 {
            let now = clock::plain(clock::now() - age);
            fields.push(("notify_time".into(), now));
        }
        fields.sort();
        signed(sandbox, self.rule, self.style, fields, spoiling)
    }
}

/// A form or query with its signature.
fn signed(
    sandbox: &Sandbox,
    rule: Rule,
    style: Style,
    mut fields: Fields,
    spoiling: Spoiling,
) -> Form {
    let charset = style.charset;
    let form = |fields: &Fields, signed_text, signed| Form {
        bytes: write_form(charset, fields).into(),
        content_type: match charset {
            Charset::Utf8 => "application/x-www-form-urlencoded; charset=utf-8",
            Charset::Gbk => "application/x-www-form-urlencoded; charset=GBK",
        },
        signed_text,
        signed,
        algorithm: style.sign_type.name(),
    };
    if spoiling == Spoiling::Unsigned {
        return form(&fields, None, None);
    }
    fields.push(("sign_type".into(), style.sign_type.name().into()));
    let text = canonical(rule, &fields);
    let signed = sign(sandbox, style, &charset.encode(&text), spoiling);
    let names = style.mode == Mode::Certificate && sandbox.settings().alipay.names_certificate;
    if let Some(sn) = signed.sn.as_ref().filter(|_| names) {
        fields.push(("alipay_cert_sn".into(), sn.clone()));
    }
    fields.push(("sign".into(), signed.signature.clone()));
    if spoiling == Spoiling::DuplicateSignature {
        fields.push(("sign".into(), signed.signature.clone()));
    }
    form(&fields, Some(text), Some(signed))
}

pub fn paid(sandbox: &Arc<Sandbox>, trade: &Trade) {
    tell_of_trade(sandbox, trade, Vec::new());
}

/// Of an unpaid trade that is over, where the product has it told.
pub fn closed(sandbox: &Arc<Sandbox>, trade: &Trade) {
    super::pay::announce(sandbox, &trade.out_trade_no, trade.status);
    if trade.product.tells_closing() && trade.trade_no.is_some() {
        tell_of_trade(sandbox, trade, Vec::new());
    }
}

pub fn finished(sandbox: &Arc<Sandbox>, trade: &Trade) {
    tell_of_trade(sandbox, trade, Vec::new());
}

pub fn refunded(sandbox: &Arc<Sandbox>, trade: &Trade, refund: &Refund) {
    let done = trade.refunds.iter().filter(|refund| !refund.pending);
    let done: i64 = done.map(|refund| refund.amount).sum();
    let extra = vec![
        ("refund_fee", yuan(done)),
        ("gmt_refund", with_milliseconds(refund.at)),
        ("out_biz_no", refund.out_request_no.clone()),
    ];
    tell_of_trade(sandbox, trade, extra);
}

fn with_milliseconds(time: OffsetDateTime) -> String {
    format!("{}.000", clock::plain(time))
}

fn tell_of_trade(sandbox: &Arc<Sandbox>, trade: &Trade, extra: Vec<(&str, String)>) {
    let Some(address) = trade.notify_url.clone() else {
        return;
    };
    let total = yuan(trade.total);
    let mut fields = vec![
        ("trade_no", trade.number().to_owned()),
        ("out_trade_no", trade.out_trade_no.clone()),
        ("trade_status", trade.status.name().to_owned()),
        ("subject", trade.subject.clone()),
        ("total_amount", total.clone()),
        ("buyer_id", BUYER_ID.into()),
        ("buyer_open_id", BUYER_OPEN_ID.into()),
        ("buyer_logon_id", BUYER_LOGON_ID.into()),
        ("seller_id", trade.party.seller.clone()),
        ("seller_email", sandbox.alipay.app.seller_email.clone()),
        ("gmt_create", clock::plain(trade.placed)),
    ];
    for name in ["body", "passback_params"] {
        if let Some(text) = trade.request[name].as_str() {
            fields.push((name, text.to_owned()));
        }
    }
    if let Some(at) = trade.paid {
        let bills = json!([{ "amount": total, "fundChannel": "ALIPAYACCOUNT" }]);
        fields.extend([
            ("gmt_payment", clock::plain(at)),
            ("receipt_amount", total.clone()),
            ("invoice_amount", total.clone()),
            ("buyer_pay_amount", total),
            ("point_amount", "0.00".into()),
            ("fund_bill_list", bills.to_string()),
        ]);
    }
    if let (Status::Closed, Some(at)) = (trade.status, trade.closed) {
        fields.push(("gmt_close", clock::plain(at)));
    }
    fields.extend(extra);
    let event = format!("trade_status_sync.{}", trade.status.name());
    tell(
        sandbox,
        Told {
            notify_type: "trade_status_sync",
            event,
            number: trade.out_trade_no.clone(),
            address,
            style: trade.style,
            auth_app_id: &trade.party.auth_app_id,
            fields,
        },
    );
}

/// Something that is told to a `notify_url`.
pub struct Told<'a> {
    pub notify_type: &'a str,
    /// As `/sandbox/notifications` calls it.
    pub event: String,
    /// The merchant's number of what it is about.
    pub number: String,
    pub address: String,
    pub style: Style,
    pub auth_app_id: &'a str,
    pub fields: Vec<(&'a str, String)>,
}

/// Begins to tell. The id of the notification.
pub fn tell(sandbox: &Arc<Sandbox>, told: Told) -> String {
    let app = &sandbox.alipay.app;
    let id = notify_id();
    let mut fields = own(&[
        ("notify_type", told.notify_type),
        ("notify_id", &id),
        ("app_id", &app.id),
        ("auth_app_id", told.auth_app_id),
        ("charset", told.style.charset.name()),
        ("version", "1.0"),
    ]);
    fields.extend(
        told.fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let notice = Notice {
        rule: Rule::V1,
        style: told.style,
        fields,
    };
    begin(sandbox, id, told.event, told.number, told.address, notice)
}

/// A message to the application gateway, if the settings name one: signed with its `sign_type`.
pub fn message(sandbox: &Arc<Sandbox>, method: &str, number: &str, style: Style, content: &Value) {
    let Some(address) = sandbox.settings().alipay.app_gateway else {
        return;
    };
    let app = &sandbox.alipay.app;
    let id = notify_id();
    let fields = own(&[
        ("notify_id", &id),
        ("utc_timestamp", &clock::milliseconds().to_string()),
        ("msg_method", method),
        ("app_id", &app.id),
        ("version", "1.1"),
        ("charset", style.charset.name()),
        ("biz_content", &content.to_string()),
    ]);
    let notice = Notice {
        rule: Rule::V2,
        style,
        fields,
    };
    begin(
        sandbox,
        id,
        method.to_owned(),
        number.to_owned(),
        address,
        notice,
    );
}

fn begin(
    sandbox: &Arc<Sandbox>,
    id: String,
    event: String,
    number: String,
    address: String,
    notice: Notice,
) -> String {
    let shown = notice
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()));
    let shown = Value::Object(shown.collect::<Map<_, _>>());
    notifications::tell_alipay(sandbox, (id.clone(), event, number, address), shown, notice);
    id
}

fn own(fields: &[(&str, &str)]) -> Fields {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn notify_id() -> String {
    let day = clock::digits(clock::now());
    format!("{day}{}", hex_upper(&random_bytes::<10>()).to_lowercase())
}

/// Where the buyer's browser goes after the payment: the `return_url` with a signed query that never says "paid".
pub fn return_address(sandbox: &Sandbox, trade: &Trade) -> Option<String> {
    let address = trade.return_url.as_deref()?;
    let method = match trade.product {
        Product::Wap => "alipay.trade.wap.pay.return",
        _ => "alipay.trade.page.pay.return",
    };
    let fields = vec![
        ("out_trade_no", trade.out_trade_no.clone()),
        ("seller_id", trade.party.seller.clone()),
        ("total_amount", yuan(trade.total)),
        ("trade_no", trade.number().to_owned()),
    ];
    Some(return_with(
        sandbox,
        (address, method),
        trade.style,
        &trade.party,
        fields,
    ))
}

/// A `return_url` with these fields and the common ones.
pub fn return_with(
    sandbox: &Sandbox,
    (address, method): (&str, &str),
    style: Style,
    party: &Party,
    extra: Vec<(&str, String)>,
) -> String {
    let app = &sandbox.alipay.app;
    let mut fields = own(&[
        ("app_id", &app.id),
        ("auth_app_id", &party.auth_app_id),
        ("charset", style.charset.name()),
        ("method", method),
        ("timestamp", &clock::plain(clock::now())),
        ("version", "1.0"),
    ]);
    let extra = extra.into_iter().filter(|(_, value)| !value.is_empty());
    fields.extend(extra.map(|(name, value)| (name.to_owned(), value)));
    fields.sort();
    let query = signed(sandbox, Rule::V1, style, fields, Spoiling::None).bytes;
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{}", String::from_utf8_lossy(&query))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_eight_attempts_in_a_day() {
        assert_eq!(PAUSES_S.iter().sum::<u64>(), 24 * HOUR + 24 * MINUTE);
    }
}
