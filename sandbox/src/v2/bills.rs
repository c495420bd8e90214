//! Bills of APIv2: the answer is the file, signed by nobody; XML says why there is none. The ledger behind them is that of APIv3's.

use std::sync::Arc;

use time::Date;
use time::macros::format_description;

use crate::books::Kind;
use crate::families::bills::{Bill, Trades, flow_bill, trade_bill};
use crate::families::files;
use crate::sandbox::Sandbox;

use super::xml::{Fields, field};
use super::{Reply, own};

/// The day's payments and refunds.
pub fn trade(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let failed = |code: &str, words: &str| {
        Reply::Unsigned(own(&[
            ("return_code", "FAIL"),
            ("return_msg", words),
            ("error_code", code),
        ]))
    };
    let trades = Trades::parse(field(request, "bill_type"));
    let (Some(trades), Some(day), Some(is_packed)) = (trades, day(request), is_packed(request))
    else {
        return failed("20001", "invalid bill_date, bill_type or tar_type");
    };
    match trade_bill(&sandbox.ledger(), day, trades, None) {
        Ok(bill) => file(&bill, is_packed, false),
        Err(_) => failed("20002", "No Bill Exist"),
    }
}

/// What has moved on an account. It comes with a hash, of the bill as it is unpacked.
pub fn fund_flow(sandbox: &Arc<Sandbox>, request: &Fields) -> Reply {
    let failed = |code: &str, words: &str| {
        Reply::Unsigned(own(&[
            ("return_code", "SUCCESS"),
            ("return_msg", "OK"),
            ("result_code", "FAIL"),
            ("err_code", code),
            ("err_code_des", words),
        ]))
    };
    let kind = match field(request, "account_type") {
        Some("Basic") => Some(Kind::Basic),
        Some("Operation") => Some(Kind::Operation),
        Some("Fees") => Some(Kind::Fees),
        _ => None,
    };
    let is_signed_right = field(request, "sign_type") == Some("HMAC-SHA256");
    let (Some(kind), Some(day), Some(is_packed), true) =
        (kind, day(request), is_packed(request), is_signed_right)
    else {
        let words = "bill_date, account_type, tar_type or sign_type参数错误";
        return failed("PARAM_ERROR", words);
    };
    let owner = sandbox.merchant.mchid.clone();
    match flow_bill(&sandbox.ledger(), &[(owner, kind)], day) {
        Ok(bill) => file(&bill, is_packed, true),
        Err(_) => failed("NO_BILL_EXIST", "账单不存在"),
    }
}

fn file(bill: &Bill, is_packed: bool, with_digest: bool) -> Reply {
    let csv = bill.csv();
    let digest = with_digest.then(|| format!("SHA={}", files::sha1(&csv)));
    let (content_type, bytes) = match is_packed {
        true => ("application/gzip", files::gzip(&csv)),
        false => ("text/plain;charset=utf-8", csv),
    };
    Reply::File {
        content_type,
        bytes,
        digest,
    }
}

/// `20260131`
fn day(request: &Fields) -> Option<Date> {
    let digits = format_description!("[year][month][day]");
    Date::parse(field(request, "bill_date")?, digits).ok()
}

fn is_packed(request: &Fields) -> Option<bool> {
    match field(request, "tar_type") {
        None => Some(false),
        Some("GZIP") => Some(true),
        Some(_) => None,
    }
}
