//! Control calls that concern Alipay alone, and what the common ones say of its trades.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, extract::Path};
use serde_json::{Value, json};

use crate::clock;
use crate::sandbox::Sandbox;

use super::agreement;
use super::bills;
use super::canonical::{Params, read_form};
use super::cashier::{self, app_result};
use super::charset::Charset;
use super::gateway::{self, Received};
use super::money::yuan;
use super::notices;
use super::oauth;
use super::operations::{Ask, Kind, Reply};
use super::pay::{has_paid, payment};
use super::refusal::Refusal;
use super::trade::{Status, Trade, has_closed, has_succeeded};

pub fn routes() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/sandbox/alipay/certificates", get(certificates))
        .route("/sandbox/alipay/certificates/rotate", post(rotate))
        .route("/sandbox/alipay/app/pay", post(app_pay))
        .route("/sandbox/alipay/agreements", get(agreement::list))
        .route(
            "/sandbox/alipay/agreements/{agreement_no}/unsign",
            post(agreement::unsign_by_buyer),
        )
        .route("/sandbox/alipay/auth-codes", post(oauth::fresh))
        .route("/sandbox/alipay/app-auth-codes", post(oauth::fresh_for_app))
        .route("/oauth2/publicAppAuthorize.htm", get(oauth::authorize))
        .route("/alipay/files/{name}", get(bills::fetch))
        .route("/sandbox/alipay/trades/{out_trade_no}/finish", post(finish))
}

fn refused(refusal: &Refusal) -> Response {
    let error = json!({ "error": refusal.sub_msg, "code": refusal.sub_code });
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// Every certificate, newest first.
async fn certificates(Shared(sandbox): Shared<Arc<Sandbox>>) -> Json<Value> {
    let ring = sandbox.alipay.ring();
    let signing = &ring.signing().sn;
    let certificates = ring.all().iter().rev();
    Json(
        certificates
            .map(|one| json!({ "sn": one.sn, "signs": one.sn == *signing, "pem": one.chain }))
            .collect(),
    )
}

/// A new one signs from now on; the older ones stay known.
async fn rotate(Shared(sandbox): Shared<Arc<Sandbox>>) -> Response {
    match sandbox.alipay.rotate(&sandbox.address) {
        Ok(sn) => {
            sandbox.announce(json!({ "change": "certificate", "serial": sn }));
            Json(json!({ "sn": sn })).into_response()
        }
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            Json(json!({ "error": error })),
        )
            .into_response(),
    }
}

/// What Alipay's app does with an order string: checks it, and opens the cashier.
async fn app_pay(Shared(sandbox): Shared<Arc<Sandbox>>, body: Bytes) -> Response {
    let wish: Value = serde_json::from_slice(&body).unwrap_or_default();
    let order = wish["order_string"].as_str().unwrap_or_default();
    let pairs = read_form(order.as_bytes());
    let named = pairs.iter().find(|(name, _)| *name == "charset");
    let charset = named.and_then(|(_, name)| Charset::parse(std::str::from_utf8(name).ok()?));
    let charset = charset.unwrap_or(Charset::Gbk);
    let received = match Params::new(charset, &pairs) {
        Ok(params) => Received::of(params, charset),
        Err(name) => {
            let words = format!("参数{name}重复");
            return refused(&Refusal::invalid("isv.suspected-attack", words));
        }
    };
    let placed = gateway::check(&sandbox, &received)
        .map_err(|(refusal, _)| refusal)
        .and_then(|checked| {
            if checked.operation.kind != Kind::App {
                return Err(Refusal::invalid("isv.invalid-method", "不是App支付的接口"));
            }
            let ask = Ask {
                sandbox: &sandbox,
                params: &received.params,
                body: checked.body,
                files: &[],
                style: checked.style,
                party: checked.party,
            };
            (checked.operation.perform)(&ask)
        });
    match placed {
        Ok(Reply::Page(path)) => {
            Json(json!({ "cashier_url": format!("{}{path}", sandbox.address) })).into_response()
        }
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refused(&refusal),
    }
}

/// The time for refunds is over.
async fn finish(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Path(out_trade_no): Path<String>,
) -> Response {
    let finished = {
        let mut state = sandbox.alipay.state();
        let trade = state.by_out_trade_no(&out_trade_no);
        trade
            .filter(|trade| trade.status == Status::Success)
            .map(|trade| {
                trade.status = Status::Finished;
                trade.clone()
            })
    };
    let Some(trade) = finished else {
        let error = json!({ "error": "no such trade that is TRADE_SUCCESS" });
        return (StatusCode::NOT_FOUND, Json(error)).into_response();
    };
    notices::finished(&sandbox, &trade);
    StatusCode::NO_CONTENT.into_response()
}

/// All trades, newest first, in the form of `/sandbox/orders`.
pub fn orders(sandbox: &Sandbox) -> Vec<Value> {
    let mut state = sandbox.alipay.state();
    let trades = state.trades.iter_mut().rev();
    trades
        .map(|trade| {
            trade.lapse();
            view(sandbox, trade)
        })
        .collect()
}

pub fn order(sandbox: &Sandbox, out_trade_no: &str) -> Option<Value> {
    let mut state = sandbox.alipay.state();
    let trade = state.by_out_trade_no(out_trade_no)?;
    Some(view(sandbox, trade))
}

fn view(sandbox: &Sandbox, trade: &Trade) -> Value {
    let refunds: Vec<Value> = trade
        .refunds
        .iter()
        .map(|refund| {
            json!({
                "out_refund_no": refund.out_request_no,
                "status": if refund.pending { "PROCESSING" } else { "SUCCESS" },
                "amount": { "refund": refund.amount },
            })
        })
        .collect();
    json!({
        "provider": "alipay",
        "out_trade_no": trade.out_trade_no,
        "trade_type": trade.product.name(),
        "state": trade.status.name(),
        "seen": trade.trade_no.is_some(),
        "description": trade.subject,
        "amount_fen": trade.total,
        "total_amount": yuan(trade.total),
        "notify_url": trade.notify_url,
        "return_url": trade.return_url,
        "created": clock::rfc3339(trade.placed),
        "cashier_url": cashier::link(sandbox, &trade.token),
        "transaction_id": trade.trade_no,
        "paid_at": trade.paid.map(clock::rfc3339),
        "request": trade.request,
        "refunds": refunds,
        "app_result": app_result(sandbox, trade),
    })
}

/// As the cashier's button does. None: the number is not Alipay's.
pub fn pay(sandbox: &Arc<Sandbox>, out_trade_no: &str) -> Option<Response> {
    let paid = {
        let mut state = sandbox.alipay.state();
        let trade = state.by_out_trade_no(out_trade_no)?;
        trade.pay(sandbox).map(|()| trade.clone())
    };
    Some(match paid {
        Ok(trade) => {
            has_paid(sandbox, &trade);
            Json(payment(&trade)).into_response()
        }
        Err(refusal) => refused(&refusal),
    })
}

/// As the merchant's own close would.
pub fn close(sandbox: &Arc<Sandbox>, out_trade_no: &str) -> Option<Response> {
    end(sandbox, out_trade_no, Trade::close)
}

/// Its time runs out now.
pub fn expire(sandbox: &Arc<Sandbox>, out_trade_no: &str) -> Option<Response> {
    end(sandbox, out_trade_no, |trade| {
        trade.expires = clock::now();
        trade.lapse();
    })
}

fn end(
    sandbox: &Arc<Sandbox>,
    out_trade_no: &str,
    act: impl FnOnce(&mut Trade),
) -> Option<Response> {
    let ended = {
        let mut state = sandbox.alipay.state();
        let trade = state.by_out_trade_no(out_trade_no)?;
        match trade.status {
            Status::WaitBuyerPay => {
                act(trade);
                Ok(trade.clone())
            }
            Status::Closed => Err(has_closed()),
            _ => Err(has_succeeded()),
        }
    };
    Some(match ended {
        Ok(trade) => {
            notices::closed(sandbox, &trade);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(refusal) => refused(&refusal),
    })
}
