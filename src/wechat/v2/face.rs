//! Payments in common terms, by APIv2. <https://pay.weixin.qq.com/doc/v2/merchant/4011935214>
//!
//! An order whose `extra` names a `sub_mch_id` is a service provider's for that sub-merchant.

use serde_json::{Map, Value, json};

use crate::error::{Code, Error, Outcome, Result};
use crate::face::request::{self, invalid};
use crate::face::said::{Statement, code, is_refusal};
use crate::face::{
    Face, Fact, Identity, Opening, PayRequest, PaymentFact, PaymentState, Placed, Presented,
    RefundFact, RefundRequest, RefundState, Said,
};
use crate::flow::Ask;
use crate::host::Host;
use crate::notification::{Authenticity, Event};
use crate::params::Params;
use crate::wire::url::Origin;
use crate::wire::{json as strict, time};

use super::super::cashier::link;
use super::super::face::trade_state;
use super::{WeChatV2, cashier};

const METHODS: &[&str] = &["native", "jsapi", "app", "mweb", "micropay"];
const CURRENCY: &str = "CNY";
/// In Beijing.
const TIME: &str = "dddddddddddddd";

const NO_SUCH_ORDER: &[&str] = &["ORDERNOTEXIST"];
const NO_SUCH_REFUND: &[&str] = &["REFUNDNOTEXIST"];
const OVER: &[&str] = &["ORDERCLOSED", "ORDERREVERSED"];
const PAID: &[&str] = &["ORDERPAID"];
/// Of one payment there are no more refunds than that.
const MOST_REFUNDS: usize = 50;

/// Members of the order that every question repeats.
const CARRIED: [&str; 3] = ["appid", "sub_appid", "sub_mch_id"];
const KEPT: &[&str] = &[
    "out_trade_no",
    "total_fee",
    "fee_type",
    "time_expire",
    "trade_type",
    "mch_id",
    "sign_type",
    "auth_code",
];
const TERMS: &[(&str, &str)] = &[
    ("body.out_trade_no", "order_no"),
    ("body.body", "subject"),
    ("body.total_fee", "amount"),
    ("body.fee_type", "currency"),
    ("body.notify_url", "notify_url"),
    ("body.time_expire", "expires_in_ms"),
    ("body.openid", "payer.id"),
    ("body.sub_openid", "payer.id"),
    ("body.auth_code", "payer.auth_code"),
    ("body.spbill_create_ip", "payer.client_ip"),
];
const KEPT_OF_REFUND: &[&str] = &[
    "out_trade_no",
    "transaction_id",
    "out_refund_no",
    "total_fee",
    "refund_fee",
    "refund_fee_type",
    "mch_id",
    "sub_mch_id",
    "sign_type",
];

impl Face for WeChatV2 {
    fn identity(&self, order: &Placed) -> Identity {
        let named = |name: &str| request::text(&order.extra, name).map(str::to_owned);
        Identity {
            merchant: self.merchant.mchid.clone(),
            sub_merchant: named("sub_mch_id"),
            application: named("appid").or(self.merchant.appid.clone()),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn is_repeatable(&self, method: &str) -> bool {
        method != "micropay"
    }

    fn lacks_notify_url(&self, method: &str) -> bool {
        method != "micropay" && self.merchant.notify_url.is_none()
    }

    fn terms(&self) -> &'static [(&'static str, &'static str)] {
        TERMS
    }

    fn pay(&self, request: &PayRequest, _: &Origin, _: &Host) -> Result<Opening> {
        request::check(request, METHODS, CURRENCY)?;
        let extra = &request.extra;
        let mut body = Map::from_iter([
            ("body".to_owned(), json!(request.subject)),
            ("out_trade_no".to_owned(), json!(request.order_no)),
            ("total_fee".to_owned(), json!(request.amount)),
        ]);
        if !extra.contains_key("spbill_create_ip") {
            let ip = &request.payer.client_ip;
            let ip = request::required(ip, "payer.client_ip", &request.method)?;
            body.insert("spbill_create_ip".into(), json!(ip));
        }
        let operation = if request.method == "micropay" {
            // The answer tells what became of it: there is no notification, and no time to wait for.
            let code = request::required(&request.payer.auth_code, "payer.auth_code", "micropay")?;
            body.insert("auth_code".into(), json!(code));
            "POST /pay/micropay"
        } else {
            body.insert("trade_type".into(), json!(request.method.to_uppercase()));
            if let Some(notify_url) = &request.notify_url {
                body.insert("notify_url".into(), json!(notify_url));
            }
            if request.expires_ms > 0 {
                let expires = time::write(request.expires_ms / 1000, TIME)
                    .ok_or_else(|| invalid("expires_ms", "it is no time before the year 10000"))?;
                body.insert("time_expire".into(), json!(expires));
            }
            "POST /pay/unifiedorder"
        };
        match request.method.as_str() {
            // The provider wants the number of what is sold; nobody else reads it.
            "native" => drop(body.insert("product_id".into(), json!(request.order_no))),
            "jsapi" if !extra.contains_key("openid") && !extra.contains_key("sub_openid") => {
                let id = request::required(&request.payer.id, "payer.id", "jsapi")?;
                let name = match extra.contains_key("sub_appid") {
                    true => "sub_openid",
                    false => "openid",
                };
                body.insert(name.into(), json!(id));
            }
            "mweb" => {
                // An object in a text, as all objects of APIv2.
                let scene = json!({ "h5_info": { "type": "Wap" } }).to_string();
                body.insert("scene_info".into(), json!(scene));
                if let Some(address) = &request.return_url {
                    link(address.clone(), "return_url")?;
                }
            }
            _ => {}
        }
        request::merge(&mut body, extra, KEPT)?;
        Ok(Opening::Ask(Box::new(ask(operation, body))))
    }

    fn present(
        &self,
        request: &PayRequest,
        answer: &Value,
        _: &Origin,
        host: &Host,
    ) -> Result<Presented> {
        let statement = Statement::answer(answer);
        let (key, kind) = match request.method.as_str() {
            "micropay" => {
                // Without a state: success is that it was paid.
                statement.same("out_trade_no", &request.order_no)?;
                let fact = payment(statement, PaymentState::Paid, "SUCCESS")?;
                return Ok(Presented::Fact(Box::new(fact)));
            }
            "native" => ("code_url", "native"),
            "mweb" => ("mweb_url", "h5"),
            method => ("prepay_id", method),
        };
        let mut given = Map::from_iter([(key.to_owned(), json!(statement.required(key)?))]);
        let mut give = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                given.insert(name.to_owned(), json!(value));
            }
        };
        let named = |name: &str| request::text(&request.extra, name);
        match kind {
            "jsapi" => {
                let is_of_provider = named("openid").is_some();
                let sub_appid = named("sub_appid").filter(|_| !is_of_provider);
                give("appid", sub_appid.or(named("appid")));
            }
            "app" => {
                give("appid", named("sub_appid").or(named("appid")));
                let is_its_app = named("sub_appid").is_some();
                give("partnerid", named("sub_mch_id").filter(|_| is_its_app));
            }
            "h5" => give("redirect_url", request.return_url.as_deref()),
            _ => {}
        }
        // The order is placed: what cannot be shown now does not undo it.
        let mut shown = cashier::invoke(&self.merchant, &self.keys.load(), kind, given, host)
            .map_err(|error| error.with_outcome(Outcome::Unknown))?;
        let (kind, name, value) = match key {
            "code_url" => ("qr", "code_url", shown.shift_remove(key)),
            "mweb_url" => ("redirect", "url", shown.shift_remove(key)),
            _ => ("invoke", "params", Some(Value::Object(shown))),
        };
        Ok(Presented::Client(Map::from_iter([
            ("kind".to_owned(), json!(kind)),
            (name.to_owned(), value.unwrap_or_default()),
        ])))
    }

    fn query(&self, order: &Placed) -> Result<Ask> {
        Ok(ask("POST /pay/orderquery", question(order)))
    }

    fn queried(&self, order: &Placed, said: Said<'_>) -> Result<PaymentFact> {
        match said {
            Ok(body) => {
                let statement = Statement::answer(body);
                statement.same("out_trade_no", &order.order_no)?;
                let (state, word) = trade_state(statement)?;
                payment(statement, state, word)
            }
            Err(error) if is_refusal(error, NO_SUCH_ORDER) => {
                Ok(PaymentFact::missing(&order.order_no, code(error)))
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn close(&self, order: &Placed) -> Result<Option<Ask>> {
        let operation = match order.method.as_str() {
            "micropay" => "POST /secapi/pay/reverse",
            _ => "POST /pay/closeorder",
        };
        Ok(Some(ask(operation, question(order))))
    }

    /// An order exists as soon as the payer has anything to pay it with, so one that does not exist cannot be paid.
    fn closed(&self, order: &Placed, said: Said<'_>, _: i64) -> Result<bool> {
        match said {
            // A reversal says itself whether it has to be asked for again.
            Ok(body) if order.method == "micropay" => {
                Ok(Statement::answer(body).text("recall")? == Some("N"))
            }
            Ok(_) => Ok(true),
            Err(error) if is_refusal(error, OVER) || is_refusal(error, NO_SUCH_ORDER) => Ok(true),
            Err(error) if is_refusal(error, PAID) => Ok(false),
            Err(error) => Err(error.clone()),
        }
    }

    fn refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        request::check_amount(refund.amount)?;
        let mut body = question(order);
        if let Some(id) = &order.transaction_id {
            body.shift_remove("out_trade_no");
            body.insert("transaction_id".into(), json!(id));
        }
        body.insert("out_refund_no".into(), json!(refund.refund_no));
        body.insert("total_fee".into(), json!(order.amount));
        body.insert("refund_fee".into(), json!(refund.amount));
        for (name, text) in [
            ("refund_desc", &refund.reason),
            ("notify_url", &refund.notify_url),
        ] {
            if let Some(text) = text {
                body.insert(name.into(), json!(text));
            }
        }
        request::merge(&mut body, &refund.extra, KEPT_OF_REFUND)?;
        Ok(ask("POST /secapi/pay/refund", body))
    }

    /// The answer says only that the refund was taken on.
    fn refunded(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        let statement = Statement::answer(said.map_err(Error::clone)?);
        statement.same("out_trade_no", &order.order_no)?;
        statement.same("out_refund_no", &refund.refund_no)?;
        Ok(RefundFact {
            state: RefundState::Processing,
            refund_id: statement.owned("refund_id")?,
            amount: Some(required_fee(statement, "refund_fee")?),
            ..refund_fact(statement, order, refund, "SUCCESS")?
        })
    }

    fn query_refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        let mut body = question(order);
        body.shift_remove("out_trade_no");
        body.insert("out_refund_no".into(), json!(refund.refund_no));
        Ok(ask("POST /pay/refundquery", body))
    }

    fn queried_refund(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        let statement = match said {
            Ok(body) => Statement::answer(body),
            Err(error) if is_refusal(error, NO_SUCH_REFUND) => {
                let (order_no, refund_no) = (&order.order_no, &refund.refund_no);
                return Ok(RefundFact::missing(order_no, refund_no, code(error)));
            }
            Err(error) => return Err(error.clone()),
        };
        statement.same("out_trade_no", &order.order_no)?;
        // The answer is a list: member_0, member_1, …
        let number = |n: usize| statement.text(&format!("out_refund_no_{n}"));
        let mut at = 0;
        while number(at)? != Some(&refund.refund_no) {
            at += 1;
            if at == MOST_REFUNDS {
                return Err(statement.unreadable("out_refund_no_0", "is none that was asked about"));
            }
        }
        let member = |name: &str| format!("{name}_{at}");
        let status = member("refund_status");
        let word = statement.required(&status)?;
        let state = match word {
            "SUCCESS" => RefundState::Succeeded,
            "PROCESSING" => RefundState::Processing,
            "REFUNDCLOSE" => RefundState::Failed,
            "CHANGE" => RefundState::Abnormal,
            _ => return Err(statement.unknown_word(&status)),
        };
        Ok(RefundFact {
            state,
            refund_id: statement.owned(&member("refund_id"))?,
            amount: Some(required_fee(statement, &member("refund_fee"))?),
            ..refund_fact(statement, order, refund, word)?
        })
    }

    /// Of refunds nothing: the provider does not sign what it says of them.
    fn told(&self, event: &Event) -> Result<Option<Fact>> {
        let kind = event.envelope.event_type.as_str();
        let is_payment = matches!(kind, "TRANSACTION.SUCCESS" | "TRANSACTION.FAIL");
        if event.envelope.authenticity != Authenticity::Signed || !is_payment {
            return Ok(None);
        }
        let fields = strict::parse(&event.plaintext).map_err(|problem| {
            let message = format!("the plaintext cannot be read: {problem}");
            Error::new(Code::BodyInvalid, message)
        })?;
        let statement = Statement::notification(&fields);
        // A failed try does not end an order.
        let (state, word) = match kind {
            "TRANSACTION.SUCCESS" => (PaymentState::Paid, "SUCCESS"),
            _ => (PaymentState::Unpaid, "FAIL"),
        };
        payment(statement, state, word).map(|fact| Some(Fact::Payment(fact)))
    }
}

fn payment(statement: Statement<'_>, state: PaymentState, word: &str) -> Result<PaymentFact> {
    let order_no = statement.required("out_trade_no")?;
    let paid_at = statement.text("time_end")?;
    let paid_s = paid_at.and_then(|text| time::read(text, TIME));
    let fact = PaymentFact {
        state,
        transaction_id: statement.owned("transaction_id")?,
        amount: fee(statement, "total_fee")?,
        currency: statement.owned("fee_type")?,
        merchant: statement.owned("mch_id")?,
        sub_merchant: statement.owned("sub_mch_id")?,
        application: statement.owned("appid")?,
        paid_ms: paid_s.map(|seconds| seconds * 1000),
        ..PaymentFact::missing(order_no, word)
    };
    if state == PaymentState::Paid {
        for name in ["transaction_id", "total_fee", "mch_id"] {
            statement.required(name)?;
        }
    }
    Ok(fact)
}

fn refund_fact(
    statement: Statement<'_>,
    order: &Placed,
    refund: &RefundRequest,
    word: &str,
) -> Result<RefundFact> {
    Ok(RefundFact {
        transaction_id: statement.owned("transaction_id")?,
        currency: statement.owned("fee_type")?,
        merchant: statement.owned("mch_id")?,
        sub_merchant: statement.owned("sub_mch_id")?,
        ..RefundFact::missing(&order.order_no, &refund.refund_no, word)
    })
}

/// An amount in fen, as digits.
fn fee(statement: Statement<'_>, path: &str) -> Result<Option<i64>> {
    let Some(text) = statement.text(path)? else {
        return Ok(None);
    };
    let is_plain = text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<i64>().ok().filter(|_| is_plain) {
        Some(fee) => Ok(Some(fee)),
        None => Err(statement.unreadable(path, "is not an amount")),
    }
}

fn required_fee(statement: Statement<'_>, path: &str) -> Result<i64> {
    fee(statement, path)?.ok_or_else(|| statement.unreadable(path, "is missing"))
}

/// What every question about an order names.
fn question(order: &Placed) -> Map<String, Value> {
    let carried = CARRIED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), order.extra.get(*name)?.clone())));
    let mut body: Map<String, Value> = carried.collect();
    body.insert("out_trade_no".into(), json!(order.order_no));
    body
}

fn ask(operation: &str, body: Map<String, Value>) -> Ask {
    let params = Params {
        body: Some(Value::Object(body)),
        ..Params::default()
    };
    Ask {
        operation: operation.to_owned(),
        params,
    }
}
