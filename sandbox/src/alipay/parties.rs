//! Who else takes part: the buyer, and the accounts that money moves between.

use serde_json::{Value, json};

use crate::books::{self, Account, Cause};
use crate::sandbox::Sandbox;

use super::refusal::Refusal;

/// The one buyer, whose wallet never ends.
pub const BUYER_ID: &str = "2088102146225135";
pub const BUYER_OPEN_ID: &str = "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5";
pub const BUYER_LOGON_ID: &str = "buy***@sandbox.example";

pub fn buyer(mut into: Value) -> Value {
    into["buyer_user_id"] = BUYER_ID.into();
    into["buyer_open_id"] = BUYER_OPEN_ID.into();
    into["buyer_logon_id"] = BUYER_LOGON_ID.into();
    into
}

/// `[{"fund_channel":"ALIPAYACCOUNT","amount":"0.10"}]`
pub fn fund_bills(amount: &str) -> Value {
    json!([{ "fund_channel": "ALIPAYACCOUNT", "amount": amount }])
}

/// What a merchant is given to begin with: ¥1,000,000.00.
const OPENING_FEN: i64 = 100_000_000;

/// Moves money in the sandbox's books, all of it or nothing.
pub fn post(
    sandbox: &Sandbox,
    seller: &str,
    cause: Cause,
    moves: Vec<(Account, i64)>,
) -> Result<(), Refusal> {
    let mut ledger = sandbox.ledger();
    open(&mut ledger.books, seller);
    ledger.books.post(cause, moves).map_err(|_| not_enough())
}

pub fn not_enough() -> Refusal {
    Refusal::business("PAYER_BALANCE_NOT_ENOUGH", "付款方余额不足")
}

pub fn balance(sandbox: &Sandbox, seller: &str) -> i64 {
    let mut ledger = sandbox.ledger();
    open(&mut ledger.books, seller);
    ledger.books.balance(&Account::basic(seller))
}

fn open(books: &mut books::Books, seller: &str) {
    let account = Account::basic(seller);
    if books.lines(&account).next().is_none() {
        books
            .top_up(account, OPENING_FEN)
            .expect("banks can be drawn on");
    }
}

pub fn cause(name: &'static str, number: &str, voucher: &str) -> Cause {
    Cause {
        name,
        kind: name,
        number: number.to_owned(),
        voucher: voucher.to_owned(),
        remark: String::new(),
    }
}
