//! Payments in common terms, at the gateway. <https://opendocs.alipay.com/open/203/107090>

use serde_json::{Map, Value, json};

use crate::error::{Code, Error, Result};
use crate::face::request::{self, invalid};
use crate::face::said::{Statement, is_refusal};
use crate::face::{
    Face, Fact, Identity, Opening, PayRequest, PaymentFact, PaymentState, Placed, Presented,
    RefundFact, RefundRequest, RefundState, Said,
};
use crate::flow::Ask;
use crate::host::Host;
use crate::notification::Event;
use crate::params::Params;
use crate::wire::json as strict;
use crate::wire::url::Origin;

use super::{Alipay, amount, cashier, refusal, time};

const METHODS: &[&str] = &["precreate", "page", "wap", "app", "create", "pay"];
const CURRENCY: &str = "CNY";
const NOT_THERE: &[&str] = &["ACQ.TRADE_NOT_EXIST"];
/// Closed, paid or refunded: the state has to be asked for.
const OTHER_STATE: &[&str] = &[
    "ACQ.TRADE_STATUS_ERROR",
    "ACQ.REASON_TRADE_STATUS_INVALID",
    "ACQ.TRADE_HAS_SUCCESS",
    "ACQ.TRADE_HAS_FINISHED",
    "ACQ.TRADE_HAS_CLOSE",
];
/// By how much the provider's clock may be behind ours when it refuses an order that has expired.
const GRACE_MS: i64 = 300_000;

const KEPT: &[&str] = &[
    "out_trade_no",
    "total_amount",
    "trans_currency",
    "settle_currency",
    "time_expire",
    "timeout_express",
    "auth_code",
];
const TERMS: &[(&str, &str)] = &[
    ("body.out_trade_no", "order_no"),
    ("body.subject", "subject"),
    ("body.total_amount", "amount"),
    ("query.notify_url", "notify_url"),
    ("query.return_url", "return_url"),
    ("body.time_expire", "expires_in_ms"),
    ("body.buyer_open_id", "payer.id"),
    ("body.auth_code", "payer.auth_code"),
];
const KEPT_OF_REFUND: &[&str] = &[
    "out_trade_no",
    "trade_no",
    "out_request_no",
    "refund_amount",
    "refund_currency",
];

impl Face for Alipay {
    fn identity(&self, _: &Placed) -> Identity {
        let app = &self.app;
        Identity {
            merchant: app.seller_id.as_ref().unwrap_or(&app.app_id).clone(),
            sub_merchant: None,
            application: Some(app.app_id.clone()),
        }
    }

    fn methods(&self) -> &'static [&'static str] {
        METHODS
    }

    /// Links and codes for one number all lead to the one order, which exists once the payer is there.
    fn is_repeatable(&self, method: &str) -> bool {
        !matches!(method, "create" | "pay")
    }

    /// The answer to a scanned code says what became of it.
    fn lacks_notify_url(&self, method: &str) -> bool {
        method != "pay" && self.app.notify_url.is_none()
    }

    fn terms(&self) -> &'static [(&'static str, &'static str)] {
        TERMS
    }

    fn pay(&self, request: &PayRequest, origin: &Origin, host: &Host) -> Result<Opening> {
        request::check(request, METHODS, CURRENCY)?;
        let extra = &request.extra;
        let mut body = Map::from_iter([
            ("out_trade_no".to_owned(), json!(request.order_no)),
            (
                "total_amount".to_owned(),
                json!(amount::yuan(request.amount as u64)),
            ),
            ("subject".to_owned(), json!(request.subject)),
        ]);
        if request.expires_ms > 0 {
            let expires = time::beijing(request.expires_ms / 1000)
                .ok_or_else(|| invalid("expires_ms", "it is no time before the year 10000"))?;
            body.insert("time_expire".into(), json!(expires));
        }
        if let Some(named) = request::text(extra, "seller_id")
            && self.app.seller_id.as_deref() != Some(named)
        {
            let problem =
                "it must be the seller_id of the configuration, which facts are compared with";
            return Err(invalid("extra.seller_id", problem));
        }
        let product = match request.method.as_str() {
            "page" => Some("FAST_INSTANT_TRADE_PAY"),
            "wap" => Some("QUICK_WAP_WAY"),
            "app" => Some("QUICK_MSECURITY_PAY"),
            "create" => {
                const BUYERS: [&str; 4] = [
                    "buyer_id",
                    "buyer_open_id",
                    "buyer_logon_id",
                    "op_buyer_open_id",
                ];
                if !BUYERS.iter().any(|name| extra.contains_key(*name)) {
                    let id = request::required(&request.payer.id, "payer.id", "create")?;
                    body.insert("buyer_open_id".into(), json!(id));
                }
                None
            }
            "pay" => {
                let is_agreed = ["agreement_params", "auth_no"]
                    .iter()
                    .any(|name| extra.contains_key(*name));
                if !is_agreed {
                    let code = &request.payer.auth_code;
                    let code = request::required(code, "payer.auth_code", "pay")?;
                    body.insert("scene".into(), json!("bar_code"));
                    body.insert("auth_code".into(), json!(code));
                }
                None
            }
            _ => None,
        };
        if let Some(product) = product {
            body.insert("product_code".into(), json!(product));
        }
        request::merge(&mut body, extra, KEPT)?;
        let mut query = Map::new();
        if let Some(address) = &request.notify_url {
            query.insert("notify_url".into(), json!(address));
        }
        if let Some(address) = &request.return_url
            && matches!(request.method.as_str(), "page" | "wap")
        {
            query.insert("return_url".into(), json!(address));
        }
        let (operation, kind) = match request.method.as_str() {
            "page" => ("alipay.trade.page.pay", "url"),
            "wap" => ("alipay.trade.wap.pay", "url"),
            "app" => ("alipay.trade.app.pay", "order_string"),
            method => {
                let params = Params {
                    query,
                    body: Some(Value::Object(body)),
                    ..Params::default()
                };
                let operation = format!("alipay.trade.{method}");
                return Ok(Opening::Ask(Box::new(Ask { operation, params })));
            }
        };
        let given = Map::from_iter([
            ("operation".to_owned(), json!(operation)),
            ("query".to_owned(), Value::Object(query)),
            ("body".to_owned(), Value::Object(body)),
        ]);
        let mut client = cashier::invoke(&self.app, origin, kind, given, host)?;
        let kind = if kind == "url" { "redirect" } else { kind };
        client.insert("kind".into(), json!(kind));
        Ok(Opening::Ready(client))
    }

    fn present(
        &self,
        request: &PayRequest,
        answer: &Value,
        _: &Origin,
        _: &Host,
    ) -> Result<Presented> {
        let statement = Statement::answer(answer);
        statement.same("out_trade_no", &request.order_no)?;
        let client = match request.method.as_str() {
            "precreate" => json!({ "kind": "qr", "code_url": statement.required("qr_code")? }),
            "create" => {
                let params = json!({ "trade_no": statement.required("trade_no")? });
                json!({ "kind": "invoke", "params": params })
            }
            _ => {
                // Without a state: success is that it was paid, unless it says that it is going to be.
                let state = match statement.has("async_pay_apply_status") {
                    true => PaymentState::Unpaid,
                    false => PaymentState::Paid,
                };
                let fact = payment(statement, state, refusal::SUCCESS, "gmt_payment")?;
                return Ok(Presented::Fact(Box::new(fact)));
            }
        };
        match client {
            Value::Object(client) => Ok(Presented::Client(client)),
            _ => Err(statement.unreadable("out_trade_no", "leads to nothing")),
        }
    }

    fn query(&self, order: &Placed) -> Result<Ask> {
        Ok(ask(
            "alipay.trade.query",
            json!({ "out_trade_no": order.order_no }),
        ))
    }

    fn queried(&self, order: &Placed, said: Said<'_>) -> Result<PaymentFact> {
        match said {
            Ok(body) => {
                let statement = Statement::answer(body);
                statement.same("out_trade_no", &order.order_no)?;
                let word = statement.required("trade_status")?;
                let state = match word {
                    // A trade that was paid also ends closed, once all of it was given back. One of a scanned code was reversed, then: there is
                    // no telling from a refund, and no money.
                    "TRADE_CLOSED" if order.method != "pay" && statement.has("send_pay_date") => {
                        PaymentState::Paid
                    }
                    _ => state(statement, word)?,
                };
                payment(statement, state, word, "send_pay_date")
            }
            Err(error) if is_refusal(error, NOT_THERE) => {
                Ok(PaymentFact::missing(&order.order_no, NOT_THERE[0]))
            }
            Err(error) => Err(error.clone()),
        }
    }

    fn close(&self, order: &Placed) -> Result<Option<Ask>> {
        let operation = match order.method.as_str() {
            "pay" => "alipay.trade.cancel",
            _ => "alipay.trade.close",
        };
        Ok(Some(ask(
            operation,
            json!({ "out_trade_no": order.order_no }),
        )))
    }

    /// A link or a code makes the order only when the payer follows it: until its time is over, an order that does not exist may come to exist.
    fn closed(&self, order: &Placed, said: Said<'_>, now_ms: i64) -> Result<bool> {
        let is_over = order.expires_ms > 0 && now_ms >= order.expires_ms.saturating_add(GRACE_MS);
        let is_made_at_once = matches!(order.method.as_str(), "create" | "pay");
        match said {
            // A cancellation says itself whether it has to be asked for again.
            Ok(body) if order.method == "pay" => {
                Ok(Statement::answer(body).text("retry_flag")? == Some("N"))
            }
            Ok(_) => Ok(true),
            Err(error) if is_refusal(error, NOT_THERE) => Ok(is_over || is_made_at_once),
            Err(error) if is_refusal(error, OTHER_STATE) => Ok(false),
            Err(error) => Err(error.clone()),
        }
    }

    fn refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        request::check_amount(refund.amount)?;
        let mut body = Map::from_iter([
            ("out_trade_no".to_owned(), json!(order.order_no)),
            (
                "refund_amount".to_owned(),
                json!(amount::yuan(refund.amount as u64)),
            ),
            ("out_request_no".to_owned(), json!(refund.refund_no)),
        ]);
        if let Some(reason) = &refund.reason {
            body.insert("refund_reason".into(), json!(reason));
        }
        request::merge(&mut body, &refund.extra, KEPT_OF_REFUND)?;
        Ok(ask("alipay.trade.refund", Value::Object(body)))
    }

    /// The answer says whether this call moved money. Where it did not, an earlier one may have: that has to be asked for.
    fn refunded(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        let statement = Statement::answer(said.map_err(Error::clone)?);
        statement.same("out_trade_no", &order.order_no)?;
        let (state, word) = match statement.text("fund_change")? {
            Some("Y") => (RefundState::Succeeded, "fund_change=Y"),
            Some("N") | None => (RefundState::Processing, "fund_change=N"),
            Some(_) => return Err(statement.unknown_word("fund_change")),
        };
        Ok(RefundFact {
            state,
            provider_state: word.to_owned(),
            transaction_id: statement.owned("trade_no")?,
            // The answer names the sum of all refunds only.
            amount: Some(refund.amount),
            ..RefundFact::missing(&order.order_no, &refund.refund_no, word)
        })
    }

    fn query_refund(&self, order: &Placed, refund: &RefundRequest) -> Result<Ask> {
        let body = json!({ "out_trade_no": order.order_no, "out_request_no": refund.refund_no });
        Ok(ask("alipay.trade.fastpay.refund.query", body))
    }

    fn queried_refund(
        &self,
        order: &Placed,
        refund: &RefundRequest,
        said: Said<'_>,
    ) -> Result<RefundFact> {
        let missing = |word: &str| RefundFact::missing(&order.order_no, &refund.refund_no, word);
        let statement = match said {
            Ok(body) => Statement::answer(body),
            Err(error) if is_refusal(error, NOT_THERE) => return Ok(missing(NOT_THERE[0])),
            Err(error) => return Err(error.clone()),
        };
        // Without a state nothing has been refunded, or not yet; without anything about a refund none was asked for.
        let state = match statement.text("refund_status")? {
            Some("REFUND_SUCCESS") => RefundState::Succeeded,
            Some(_) => return Err(statement.unknown_word("refund_status")),
            None if statement.has("refund_amount") => RefundState::Processing,
            None => return Ok(missing("")),
        };
        statement.same("out_trade_no", &order.order_no)?;
        statement.same("out_request_no", &refund.refund_no)?;
        let amount = fen(statement, "refund_amount")?
            .ok_or_else(|| statement.unreadable("refund_amount", "is missing"))?;
        Ok(RefundFact {
            state,
            transaction_id: statement.owned("trade_no")?,
            amount: Some(amount),
            ..missing(statement.text("refund_status")?.unwrap_or_default())
        })
    }

    fn told(&self, event: &Event) -> Result<Option<Fact>> {
        if !event.envelope.event_type.starts_with("trade_status_sync.") {
            return Ok(None);
        }
        let fields = strict::parse(&event.plaintext).map_err(|problem| {
            let message = format!("the plaintext cannot be read: {problem}");
            Error::new(Code::BodyInvalid, message)
        })?;
        let statement = Statement::notification(&fields);
        let word = statement.required("trade_status")?;
        let merchant = match self.app.seller_id {
            Some(_) => "seller_id",
            None => "app_id",
        };
        // An order that nobody paid says that 0.00 was refunded of it, and one that ends after a year repeats what was.
        let refunded = fen(statement, "refund_fee")?.unwrap_or_default();
        if refunded > 0 && matches!(word, "TRADE_SUCCESS" | "TRADE_CLOSED") {
            let order_no = statement.required("out_trade_no")?;
            // Of a refund that was given no number.
            let refund_no = statement.text("out_biz_no")?.unwrap_or(order_no);
            return Ok(Some(Fact::Refund(RefundFact {
                state: RefundState::Succeeded,
                transaction_id: statement.owned("trade_no")?,
                merchant: statement.owned(merchant)?,
                ..RefundFact::missing(order_no, refund_no, word)
            })));
        }
        let state = match word {
            "TRADE_CLOSED" if statement.has("gmt_payment") => PaymentState::Paid,
            _ => state(statement, word)?,
        };
        let fact = PaymentFact {
            merchant: statement.owned(merchant)?,
            application: statement.owned("app_id")?,
            ..payment(statement, state, word, "gmt_payment")?
        };
        Ok(Some(Fact::Payment(fact)))
    }
}

fn state(statement: Statement<'_>, word: &str) -> Result<PaymentState> {
    match word {
        "WAIT_BUYER_PAY" => Ok(PaymentState::Unpaid),
        "TRADE_SUCCESS" | "TRADE_FINISHED" => Ok(PaymentState::Paid),
        "TRADE_CLOSED" => Ok(PaymentState::Closed),
        _ => Err(statement.unknown_word("trade_status")),
    }
}

/// Without who is paid: answers do not name it.
fn payment(
    statement: Statement<'_>,
    state: PaymentState,
    word: &str,
    paid_at: &str,
) -> Result<PaymentFact> {
    // The buyer pays afterwards, or not: the provider wants each way that is not known treated as no payment.
    if state == PaymentState::Paid && statement.text("credit_pay_mode")?.is_some() {
        return Err(statement.unknown_word("credit_pay_mode"));
    }
    let order_no = statement.required("out_trade_no")?;
    let paid_ms = statement.text(paid_at)?.and_then(time::unix);
    let fact = PaymentFact {
        state,
        transaction_id: statement.owned("trade_no")?,
        amount: fen(statement, "total_amount")?,
        // Yuan, unless it names the currency of a price.
        currency: Some(
            statement
                .text("trans_currency")?
                .unwrap_or(CURRENCY)
                .to_owned(),
        ),
        paid_ms: paid_ms.map(|seconds| seconds * 1000),
        ..PaymentFact::missing(order_no, word)
    };
    let missing = match &fact {
        PaymentFact { state, .. } if *state != PaymentState::Paid => return Ok(fact),
        PaymentFact {
            transaction_id: None,
            ..
        } => "trade_no",
        PaymentFact { amount: None, .. } => "total_amount",
        _ => return Ok(fact),
    };
    Err(statement.unreadable(missing, "is missing"))
}

fn fen(statement: Statement<'_>, path: &str) -> Result<Option<i64>> {
    let Some(text) = statement.text(path)? else {
        return Ok(None);
    };
    match amount::fen(text).and_then(|fen| i64::try_from(fen).ok()) {
        Some(fen) => Ok(Some(fen)),
        None => Err(statement.unreadable(path, "is not an amount")),
    }
}

fn ask(operation: &str, body: Value) -> Ask {
    let params = Params {
        body: Some(body),
        ..Params::default()
    };
    Ask {
        operation: operation.to_owned(),
        params,
    }
}
