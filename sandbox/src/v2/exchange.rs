//! What `/sandbox/exchanges` shows of APIv2. The keys are never in it.

use axum::http::HeaderMap;

use crate::diagnosis::causes::{self, Cause};
use crate::exchanges::{Answer, Exchange, Kind, Refusal, lines, shown};
use crate::keys::Merchant;
use crate::sandbox::Sandbox;

use super::diagnosis::{self, HIDDEN_KEY};
use super::signing::{self, SignType, text};
use super::xml::{self, field};

/// The signed text of a document, as far as it may be shown.
pub struct Signed {
    /// `a=1&b=2&key=…`
    pub text: String,
    pub algorithm: &'static str,
    pub signature: String,
}

/// None: it is no document, or has no sign.
pub fn signed(document: &str) -> Option<Signed> {
    let fields = xml::read(document)?;
    let signature = field(&fields, "sign")?.to_owned();
    // Only a request says which it is; the length tells it everywhere.
    let sign_type = match signature.len() {
        64 => SignType::HmacSha256,
        _ => SignType::Md5,
    };
    Some(Signed {
        text: text(&fields) + HIDDEN_KEY,
        algorithm: sign_type.name(),
        signature,
    })
}

/// The plaintext of a refund's notification; none: it has none, or, inside, another key has sealed it.
pub fn open_information(sandbox: &Sandbox, document: &str) -> Option<Option<String>> {
    let fields = xml::read(document)?;
    let information = field(&fields, "req_info")?;
    Some(signing::opened(
        &signing::api_key(&sandbox.merchant),
        information,
    ))
}

/// What is known before the request is carried out.
pub fn begin(merchant: &Merchant, target: &str, headers: &HeaderMap, body: &[u8]) -> Exchange {
    let mut exchange = Exchange {
        headers: lines(headers),
        body: without_keys(merchant, &shown(body)),
        ..Exchange::new(Kind::Request, "v2", "POST", target)
    };
    let fields = std::str::from_utf8(body).ok().and_then(xml::read);
    if let Some(fields) = fields {
        let named = |name: &str| field(&fields, name).map(str::to_owned);
        let numbers = ["out_trade_no", "out_refund_no", "transaction_id"];
        let sign_type = SignType::of(field(&fields, "sign_type")).map(SignType::name);
        exchange.number = numbers.iter().find_map(|name| named(name));
        exchange.signed_text = Some(without_keys(merchant, &text(&fields)) + HIDDEN_KEY);
        exchange.signature = named("sign");
        exchange.algorithm = sign_type.map(str::to_owned).or_else(|| named("sign_type"));
    }
    exchange
}

/// The answer as it was sent. `code` is that of the refusal.
pub fn answered(
    merchant: &Merchant,
    exchange: &mut Exchange,
    (status, headers, body): (u16, &HeaderMap, &[u8]),
    code: Option<&str>,
    cause: Option<&'static Cause>,
) {
    let body = without_keys(merchant, &shown(body));
    let signed = signed(&body);
    exchange.outcome = match code {
        Some(code) => code.to_owned(),
        None if status < 400 => "accepted".into(),
        None => status.to_string(),
    };
    let fields = xml::read(&body).unwrap_or_default();
    if exchange.outcome != "accepted" {
        let words = ["err_code_des", "return_msg"];
        let issue = words.iter().find_map(|name| field(&fields, name));
        let mut refusal = match exchange.refusal.take() {
            Some(refusal) => refusal,
            None => Refusal::of(cause.unwrap_or(causes::STATE)),
        };
        refusal.issue = issue.map(str::to_owned);
        exchange.refusal = Some(refusal);
    }
    exchange.answer = Answer {
        status: Some(status),
        headers: lines(headers),
        body,
        signed_text: signed.as_ref().map(|signed| signed.text.clone()),
        signature: signed.map(|signed| signed.signature),
        error: None,
    };
}

/// Why the sign was refused.
pub fn explain(
    merchant: &Merchant,
    exchange: &mut Exchange,
    request: &xml::Fields,
    sign_type: SignType,
    key: &str,
) {
    let finding = diagnosis::of_sign(merchant, request, sign_type, key);
    let mut refusal = Refusal::of(causes::V2_NOTHING_FITS).found(finding);
    refusal.field = Some("sign".into());
    refusal.received = field(request, "sign").map(Into::into);
    refusal.expected = Some(signing::sign(sign_type, key, request).into());
    exchange.refusal = Some(refusal);
}

/// `getsignkey` tells a key, and a caller may send one by mistake.
fn without_keys(merchant: &Merchant, text: &str) -> String {
    let keys = [
        signing::api_key(merchant),
        signing::sandbox_key(merchant),
        merchant.apiv3_key.clone(),
    ];
    keys.iter()
        .fold(text.to_owned(), |text, key| text.replace(key, HIDDEN_KEY))
}
