//! Payments in common terms. <https://pay.weixin.qq.com/doc/v3/merchant/4012791911>
//!
//! An order whose `extra` names a `sub_mchid` is a service provider's for that sub-merchant.

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

use super::{WeChat, cashier};

const METHODS: &[&str] = &["native", "jsapi", "app", "h5", "codepay"];
const CURRENCY: &str = "CNY";
/// RFC 3339 in Beijing, the only form that the provider writes.
const TIME: &str = "dddd-dd-ddTdd:dd:dd+08:00";

const NO_SUCH_ORDER: &[&str] = &["ORDER_NOT_EXIST", "ORDER_NOT_EXISTS", "ORDERNOTEXIST"];
const NO_SUCH_REFUND: &[&str] = &["RESOURCE_NOT_EXISTS", "REFUND_NOT_EXISTS", "REFUNDNOTEXIST"];
const OVER: &[&str] = &[
    "ORDER_CLOSED",
    "ORDERCLOSED",
    "ORDER_REVERSED",
    "ORDERREVERSED",
];
const PAID: &[&str] = &["ORDERPAID", "ORDER_PAID"];

/// What an order is compared by. The merchant ids come from the configuration, which signs.
const KEPT: &[&str] = &[
    "out_trade_no",
    "amount.total",
    "amount.currency",
    "time_expire",
    "mchid",
    "sp_mchid",
    "payer.auth_code",
];
const TERMS: &[(&str, &str)] = &[
    ("body.out_trade_no", "order_no"),
    ("body.description", "subject"),
    ("body.amount.total", "amount"),
    ("body.amount.currency", "currency"),
    ("body.notify_url", "notify_url"),
    ("body.time_expire", "expires_in_ms"),
    ("body.payer.openid", "payer.id"),
    ("body.payer.sp_openid", "payer.id"),
    ("body.payer.sub_openid", "payer.id"),
    ("body.payer.auth_code", "payer.auth_code"),
    ("body.scene_info.payer_client_ip", "payer.client_ip"),
    ("body.scene_info.device_ip", "payer.client_ip"),
];
const KEPT_OF_REFUND: &[&str] = &[
    "out_refund_no",
    "out_trade_no",
    "transaction_id",
    "amount.refund",
    "amount.total",
    "amount.currency",
    "sub_mchid",
];

impl Face for WeChat {
    fn identity(&self, order: &Placed) -> Identity {
        let party = Party::of(&order.extra);
        let named = request::text(&order.extra, party.appid());
        Identity {
            merchant: self.merchant.mchid.clone(),
            sub_merchant: party.sub_mchid.map(str::to_owned),
            application: named.map(str::to_owned).or(self.merchant.appid.clone()),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    fn is_repeatable(&self, method: &str) -> bool {
        method != "codepay"
    }

    fn lacks_notify_url(&self, method: &str) -> bool {
        method != "codepay" && self.merchant.notify_url.is_none()
    }

    fn terms(&self) -> &'static [(&'static str, &'static str)] {
        TERMS
    }

    fn pay(&self, request: &PayRequest, _: &Origin, _: &Host) -> Result<Opening> {
        request::check(request, METHODS, CURRENCY)?;
        let party = Party::of(&request.extra);
        let mut body = Map::from_iter([
            ("description".to_owned(), json!(request.subject)),
            ("out_trade_no".to_owned(), json!(request.order_no)),
            (
                "amount".to_owned(),
                json!({ "total": request.amount, "currency": CURRENCY }),
            ),
        ]);
        let client_ip = request.payer.client_ip.as_deref();
        if request.method == "codepay" {
            // The answer tells what became of it: there is no notification, and no time to wait for.
            let code = request::required(&request.payer.auth_code, "payer.auth_code", "codepay")?;
            body.insert("payer".into(), json!({ "auth_code": code }));
            if let Some(ip) = client_ip {
                body.insert("scene_info".into(), json!({ "device_ip": ip }));
            }
        } else {
            if let Some(notify_url) = &request.notify_url {
                body.insert("notify_url".into(), json!(notify_url));
            }
            if let Some(expires) = expiry(request.expires_ms)? {
                body.insert("time_expire".into(), json!(expires));
            }
            if let Some(ip) = client_ip {
                body.insert("scene_info".into(), json!({ "payer_client_ip": ip }));
            }
        }
        match request.method.as_str() {
            "jsapi" => {
                if !party.names_payer() {
                    let id = request::required(&request.payer.id, "payer.id", "jsapi")?;
                    body.insert("payer".into(), json!({ party.openid(): id }));
                }
                if self.merchant.scheme.sign_type().is_none() {
                    let given = request::text(&request.extra, "signType").map(str::to_owned);
                    request::required(&given, "extra.signType", "jsapi with SM2")?;
                }
            }
            "h5" => {
                request::required(&request.payer.client_ip, "payer.client_ip", "h5")?;
                body["scene_info"]["h5_info"] = json!({ "type": "Wap" });
                if let Some(address) = &request.return_url {
                    cashier::link(address.clone(), "return_url")?;
                }
            }
            _ => {}
        }
        let mut extra = request.extra.clone();
        extra.shift_remove("signType"); // the cashier's, not the order's
        request::merge(&mut body, &extra, KEPT)?;
        let operation = format!("POST {}/{}", party.path(), request.method);
        Ok(Opening::Ask(Box::new(ask(
            operation,
            Params {
                body: Some(Value::Object(body)),
                ..Params::default()
            },
        ))))
    }

    fn present(
        &self,
        request: &PayRequest,
        answer: &Value,
        _: &Origin,
        host: &Host,
    ) -> Result<Presented> {
        let statement = Statement::answer(answer);
        if request.method == "codepay" {
            statement.same("out_trade_no", &request.order_no)?;
            return Ok(Presented::Fact(Box::new(payment(statement)?)));
        }
        let key = match request.method.as_str() {
            "native" => "code_url",
            "h5" => "h5_url",
            _ => "prepay_id",
        };
        let mut given = member(key, statement.required(key)?);
        let mut give = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                given.insert(name.to_owned(), value.into());
            }
        };
        let party = Party::of(&request.extra);
        match request.method.as_str() {
            "jsapi" => {
                give("appid", party.cashier_appid());
                give("signType", request::text(&request.extra, "signType"));
            }
            "app" => {
                give("appid", party.cashier_appid());
                let is_its_app = request.extra.contains_key("sub_appid");
                give("partnerid", party.sub_mchid.filter(|_| is_its_app));
            }
            "h5" => give("redirect_url", request.return_url.as_deref()),
            _ => {}
        }
        // The order is placed: what cannot be shown now does not undo it.
        let mut shown = cashier::invoke(&self.merchant, &request.method, given, host)
            .map_err(|error| error.with_outcome(Outcome::Unknown))?;
        let (kind, name, value) = match request.method.as_str() {
            "native" => ("qr", "code_url", shown.shift_remove("code_url")),
            "h5" => ("redirect", "url", shown.shift_remove("h5_url")),
            _ => ("invoke", "params", Some(Value::Object(shown))),
        };
        let mut client = member("kind", kind);
        client.insert(name.to_owned(), value.unwrap_or_default());
        Ok(Presented::Client(client))
    }

    fn query(&self, order: &Placed) -> Result<Ask> {
        let party = Party::of(&order.extra);
        let operation = format!("GET {}/out-trade-no/{{out_trade_no}}", party.path());
        Ok(ask(
            operation,
            Params {
                path: member("out_trade_no", &order.order_no),
                query: party.sub_mchid_as_members(),
                ..Params::default()
            },
        ))
    }

    fn queried(&self, order: &Placed, said: Said<'_>) -> Result<PaymentFact> {
        match said {
            Ok(body) => {
                let statement = Statement::answer(body);
                statement.same("out_trade_no", &order.order_no)?;
                payment(statement)
            }
            Err(error) if is_refusal(error, NO_SUCH_ORDER) => {
                Ok(PaymentFact::missing(&order.order_no, code(error)))
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn close(&self, order: &Placed) -> Result<Option<Ask>> {
        let party = Party::of(&order.extra);
        let is_scanned = order.method == "codepay";
        let verb = if is_scanned { "reverse" } else { "close" };
        let operation = format!("POST {}/out-trade-no/{{out_trade_no}}/{verb}", party.path());
        let mut body = party.sub_mchid_as_members();
        if is_scanned {
            for name in ["appid", "sp_appid", "sub_appid"] {
                if let Some(appid) = order.extra.get(name) {
                    body.insert(name.to_owned(), appid.clone());
                }
            }
        }
        Ok(Some(ask(
            operation,
            Params {
                path: member("out_trade_no", &order.order_no),
                body: Some(Value::Object(body)),
                ..Params::default()
            },
        )))
    }

    /// An order exists as soon as the payer has anything to pay it with, so one that does not exist cannot be paid.
    fn closed(&self, _: &Placed, said: Said<'_>, _: i64) -> Result<bool> {
        match said {
            Ok(_) => Ok(true),
            Err(error) if is_refusal(error, OVER) || is_refusal(error, NO_SUCH_ORDER) => Ok(true),
            Err(error) if is_refusal(error, PAID) => Ok(false),
            Err(error) => Err(error.clone()),
        }
    }

    fn refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        request::check_amount(refund.amount)?;
        let mut body = Party::of(&order.extra).sub_mchid_as_members();
        let (name, number) = match &order.transaction_id {
            Some(id) => ("transaction_id", id),
            None => ("out_trade_no", &order.order_no),
        };
        body.insert(name.into(), json!(number));
        body.insert("out_refund_no".into(), json!(refund.refund_no));
        let amount =
            json!({ "refund": refund.amount, "total": order.amount, "currency": order.currency });
        body.insert("amount".into(), amount);
        for (name, text) in [
            ("reason", &refund.reason),
            ("notify_url", &refund.notify_url),
        ] {
            if let Some(text) = text {
                body.insert(name.into(), json!(text));
            }
        }
        request::merge(&mut body, &refund.extra, KEPT_OF_REFUND)?;
        Ok(ask(
            "POST /v3/refund/domestic/refunds".into(),
            Params {
                body: Some(Value::Object(body)),
                ..Params::default()
            },
        ))
    }

    fn refunded(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        let statement = Statement::answer(said.map_err(Error::clone)?);
        statement.same("out_trade_no", &order.order_no)?;
        statement.same("out_refund_no", &refund.refund_no)?;
        refund_fact(statement, "status")
    }

    fn query_refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        let operation = "GET /v3/refund/domestic/refunds/{out_refund_no}";
        Ok(ask(
            operation.into(),
            Params {
                path: member("out_refund_no", &refund.refund_no),
                query: Party::of(&order.extra).sub_mchid_as_members(),
                ..Params::default()
            },
        ))
    }

    fn queried_refund(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        match said {
            Err(error) if is_refusal(error, NO_SUCH_REFUND) => Ok(RefundFact::missing(
                &order.order_no,
                &refund.refund_no,
                code(error),
            )),
            said => self.refunded(order, refund, said),
        }
    }

    fn told(&self, event: &Event) -> Result<Option<Fact>> {
        let kind = event.envelope.event_type.as_str();
        let is_refund = matches!(kind, "REFUND.SUCCESS" | "REFUND.ABNORMAL" | "REFUND.CLOSED");
        let is_known = is_refund || kind == "TRANSACTION.SUCCESS";
        if event.envelope.authenticity != Authenticity::Signed || !is_known {
            return Ok(None);
        }
        let plaintext = strict::parse(&event.plaintext).map_err(|problem| {
            let message = format!("the plaintext cannot be read: {problem}");
            Error::new(Code::BodyInvalid, message)
        })?;
        let statement = Statement::notification(&plaintext);
        if statement.has("combine_out_trade_no") {
            return Ok(None); // several orders paid at once, none of them placed here
        }
        match is_refund {
            true => refund_fact(statement, "refund_status").map(|fact| Some(Fact::Refund(fact))),
            false => payment(statement).map(|fact| Some(Fact::Payment(fact))),
        }
    }
}

/// For whom an order is: the merchant himself, or a sub-merchant of the service provider.
#[derive(Clone, Copy)]
struct Party<'a> {
    extra: &'a Map<String, Value>,
    sub_mchid: Option<&'a str>,
}

impl<'a> Party<'a> {
    fn of(extra: &'a Map<String, Value>) -> Party<'a> {
        Party {
            extra,
            sub_mchid: request::text(extra, "sub_mchid"),
        }
    }

    fn path(self) -> &'static str {
        match self.sub_mchid {
            Some(_) => "/v3/pay/partner/transactions",
            None => "/v3/pay/transactions",
        }
    }

    fn appid(self) -> &'static str {
        match self.sub_mchid {
            Some(_) => "sp_appid",
            None => "appid",
        }
    }

    /// Whose the payer's id is: the sub-merchant's app where the order names it.
    fn openid(self) -> &'static str {
        match (self.sub_mchid, self.extra.contains_key("sub_appid")) {
            (Some(_), true) => "sub_openid",
            (Some(_), false) => "sp_openid",
            (None, _) => "openid",
        }
    }

    fn names_payer(self) -> bool {
        let payer = self.extra.get("payer").and_then(Value::as_object);
        let ids = ["openid", "sp_openid", "sub_openid"];
        payer.is_some_and(|payer| ids.iter().any(|id| payer.contains_key(*id)))
    }

    /// The app that calls up the cashier, where that is not the configured one.
    fn cashier_appid(self) -> Option<&'a str> {
        let own = request::text(self.extra, self.appid());
        let payer = self.extra.get("payer").and_then(Value::as_object);
        let is_of_provider = payer.is_some_and(|payer| payer.contains_key("sp_openid"));
        match self.sub_mchid {
            Some(_) if !is_of_provider => request::text(self.extra, "sub_appid").or(own),
            _ => own,
        }
    }

    fn sub_mchid_as_members(self) -> Map<String, Value> {
        self.sub_mchid
            .map_or_else(Map::new, |id| member("sub_mchid", id))
    }
}

/// The state, and the provider's word for it.
pub(super) fn trade_state<'a>(statement: Statement<'a>) -> Result<(PaymentState, &'a str)> {
    let word = statement.required("trade_state")?;
    let state = match word {
        // What was given back of it is asked for by the refund's number.
        "SUCCESS" | "REFUND" => PaymentState::Paid,
        // Of a scanned code that failed the provider says to reverse it: only then it is certain that nothing is taken.
        "NOTPAY" | "USERPAYING" | "ACCEPT" | "PAYERROR" => PaymentState::Unpaid,
        "CLOSED" | "REVOKED" => PaymentState::Closed,
        _ => return Err(statement.unknown_word("trade_state")),
    };
    Ok((state, word))
}

fn payment(statement: Statement<'_>) -> Result<PaymentFact> {
    let (state, word) = trade_state(statement)?;
    let (merchant, application) = match statement.has("sp_mchid") {
        true => ("sp_mchid", "sp_appid"),
        false => ("mchid", "appid"),
    };
    let fact = PaymentFact {
        order_no: statement.required("out_trade_no")?.to_owned(),
        state,
        provider_state: word.to_owned(),
        transaction_id: statement.owned("transaction_id")?,
        amount: statement.amount("amount.total")?,
        currency: statement.owned("amount.currency")?,
        merchant: statement.owned(merchant)?,
        sub_merchant: statement.owned("sub_mchid")?,
        application: statement.owned(application)?,
        paid_ms: statement.text("success_time")?.and_then(milliseconds),
    };
    let missing = match &fact {
        PaymentFact { state, .. } if *state != PaymentState::Paid => None,
        PaymentFact {
            transaction_id: None,
            ..
        } => Some("transaction_id"),
        PaymentFact { amount: None, .. } => Some("amount.total"),
        PaymentFact { merchant: None, .. } => Some(merchant),
        _ => None,
    };
    match missing {
        Some(path) => Err(statement.unreadable(path, "is missing")),
        None => Ok(fact),
    }
}

fn refund_fact(statement: Statement<'_>, state_at: &str) -> Result<RefundFact> {
    let word = statement.required(state_at)?;
    let state = match word {
        "SUCCESS" => RefundState::Succeeded,
        "PROCESSING" => RefundState::Processing,
        "CLOSED" => RefundState::Failed,
        "ABNORMAL" => RefundState::Abnormal,
        _ => return Err(statement.unknown_word(state_at)),
    };
    let merchant = match statement.has("sp_mchid") {
        true => "sp_mchid",
        false => "mchid",
    };
    let amount = statement.amount("amount.refund")?;
    Ok(RefundFact {
        order_no: statement.required("out_trade_no")?.to_owned(),
        refund_no: statement.required("out_refund_no")?.to_owned(),
        state,
        provider_state: word.to_owned(),
        refund_id: statement.owned("refund_id")?,
        transaction_id: statement.owned("transaction_id")?,
        amount: Some(amount.ok_or_else(|| statement.unreadable("amount.refund", "is missing"))?),
        currency: statement.owned("amount.currency")?,
        merchant: statement.owned(merchant)?,
        sub_merchant: statement.owned("sub_mchid")?,
    })
}

fn expiry(expires_ms: i64) -> Result<Option<String>> {
    if expires_ms == 0 {
        return Ok(None);
    }
    let text = time::write(expires_ms / 1000, TIME);
    text.map(Some)
        .ok_or_else(|| invalid("expires_ms", "it is no time before the year 10000"))
}

fn milliseconds(text: &str) -> Option<i64> {
    time::read(text, TIME).map(|seconds| seconds * 1000)
}

fn member(name: &str, value: &str) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value.into())])
}

fn ask(operation: String, params: Params) -> Ask {
    Ask { operation, params }
}
