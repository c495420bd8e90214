//! The double-entry books behind every bill and balance: integer fen, each posting adds up to nothing, and
//! no merchant's account goes below it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::crypto::random_digits;
use crate::problem::Problem;

/// What a merchant is given to begin with, so that transfers have something to draw on: ¥1,000,000.00.
const OPENING_FEN: i64 = 100_000_000;

/// The provider takes six thousandths of what is paid.
const FEE_THOUSANDTHS: i64 = 6;
pub const FEE_RATE: &str = "0.60%";

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Account {
    /// Money of a merchant that can be used, by the kind of account.
    Available(String, Kind),
    /// What a merchant has been paid and must first share or unfreeze.
    Frozen(String),
    /// A person's wallet.
    Wallet(String),
    /// Buyers' cards and balances: where payments come from and refunds go to.
    Buyers,
    /// Bank accounts: where withdrawals go and top-ups come from.
    Banks,
    /// What the provider has earned.
    Fees,
    /// On its way: refunds, transfers and withdrawals that are being processed.
    Transit,
}

/// A merchant's accounts, by the provider's names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Basic,
    Operation,
    Fees,
    Deposit,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Basic, Self::Operation, Self::Fees, Self::Deposit];

    pub fn name(self) -> &'static str {
        match self {
            Self::Basic => "BASIC",
            Self::Operation => "OPERATION",
            Self::Fees => "FEES",
            Self::Deposit => "DEPOSIT",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Account {
    pub fn basic(mchid: &str) -> Self {
        Self::Available(mchid.to_owned(), Kind::Basic)
    }

    pub fn operation(mchid: &str) -> Self {
        Self::Available(mchid.to_owned(), Kind::Operation)
    }

    /// Merchants cannot owe; the world outside may be drawn on without end.
    fn may_be_overdrawn(&self) -> bool {
        matches!(self, Self::Buyers | Self::Banks)
    }

    fn view(&self) -> Value {
        match self {
            Self::Available(mchid, kind) => json!({ "mchid": mchid, "account": kind.name() }),
            Self::Frozen(mchid) => json!({ "mchid": mchid, "account": "FROZEN" }),
            Self::Wallet(openid) => json!({ "openid": openid, "account": "WALLET" }),
            Self::Buyers => json!({ "account": "BUYERS" }),
            Self::Banks => json!({ "account": "BANKS" }),
            Self::Fees => json!({ "account": "PROVIDER" }),
            Self::Transit => json!({ "account": "TRANSIT" }),
        }
    }
}

/// Why money moves, in the words of the fund-flow bill.
#[derive(Clone)]
pub struct Cause {
    /// 业务名称
    pub name: &'static str,
    /// 业务类型
    pub kind: &'static str,
    /// 微信支付业务单号
    pub number: String,
    /// 业务凭证号: the merchant's number.
    pub voucher: String,
    /// 备注
    pub remark: String,
}

#[derive(Clone)]
pub struct Posting {
    pub at: OffsetDateTime,
    pub cause: Cause,
    /// 资金流水单号
    pub flow_number: String,
    pub lines: Vec<Line>,
}

#[derive(Clone)]
pub struct Line {
    pub account: Account,
    pub change: i64,
    /// The account's balance after it.
    pub balance: i64,
}

#[derive(Default)]
pub struct Books {
    balances: BTreeMap<Account, i64>,
    postings: Vec<Posting>,
}

impl Books {
    /// A merchant's first money, in his account for operations.
    pub fn open(&mut self, mchid: &str) {
        self.top_up(Account::operation(mchid), OPENING_FEN)
            .expect("banks can be drawn on");
    }

    pub fn top_up(&mut self, into: Account, fen: i64) -> Result<(), Problem> {
        let cause = Cause {
            name: "充值",
            kind: "充值",
            number: random_digits(20),
            voucher: String::new(),
            remark: String::new(),
        };
        self.transfer(cause, Account::Banks, into, fen)
    }

    pub fn transfer(
        &mut self,
        cause: Cause,
        from: Account,
        to: Account,
        fen: i64,
    ) -> Result<(), Problem> {
        self.post(cause, vec![(from, -fen), (to, fen)])
    }

    /// Moves money, all of it or nothing.
    pub fn post(&mut self, cause: Cause, moves: Vec<(Account, i64)>) -> Result<(), Problem> {
        let sum = moves
            .iter()
            .try_fold(0_i64, |sum, (_, change)| sum.checked_add(*change));
        assert_eq!(sum, Some(0), "a posting adds up to nothing");
        let mut lines = Vec::with_capacity(moves.len());
        let mut balances = self.balances.clone();
        for (account, change) in moves.into_iter().filter(|(_, change)| *change != 0) {
            let before = balances.get(&account).copied().unwrap_or_default();
            let balance = before
                .checked_add(change)
                .filter(|after| change > 0 || *after >= 0 || account.may_be_overdrawn())
                .ok_or_else(Problem::not_enough)?;
            balances.insert(account.clone(), balance);
            lines.push(Line {
                account,
                change,
                balance,
            });
        }
        if lines.is_empty() {
            return Ok(());
        }
        self.balances = balances;
        self.postings.push(Posting {
            at: clock::now(),
            cause,
            flow_number: random_digits(28),
            lines,
        });
        Ok(())
    }

    pub fn balance(&self, account: &Account) -> i64 {
        self.balances.get(account).copied().unwrap_or_default()
    }

    /// What an account held when `day` was over.
    pub fn balance_at_end_of(&self, account: &Account, day: time::Date) -> i64 {
        self.lines(account)
            .filter(|(posting, _)| posting.at.date() <= day)
            .last()
            .map_or(0, |(_, line)| line.balance)
    }

    /// Every merchant's accounts that have ever been used.
    pub fn merchants(&self) -> Vec<(String, Kind)> {
        let accounts = self.balances.keys().filter_map(|account| match account {
            Account::Available(mchid, kind) => Some((mchid.clone(), *kind)),
            Account::Frozen(mchid) => Some((mchid.clone(), Kind::Basic)),
            _ => None,
        });
        let mut accounts: Vec<_> = accounts.collect();
        accounts.sort();
        accounts.dedup();
        accounts
    }

    /// Everything that touched an account, oldest first.
    pub fn lines(&self, account: &Account) -> impl Iterator<Item = (&Posting, &Line)> {
        self.postings.iter().flat_map(move |posting| {
            posting
                .lines
                .iter()
                .filter(move |line| line.account == *account)
                .map(move |line| (posting, line))
        })
    }

    pub fn view(&self) -> Value {
        let balances = self.balances.iter().map(|(account, fen)| {
            let mut view = account.view();
            view["balance_fen"] = (*fen).into();
            view
        });
        let postings = self.postings.iter().rev().take(200).map(|posting| {
            json!({
                "at": clock::rfc3339(posting.at),
                "name": posting.cause.name,
                "kind": posting.cause.kind,
                "number": posting.cause.number,
                "voucher": posting.cause.voucher,
                "remark": posting.cause.remark,
                "flow_number": posting.flow_number,
                "lines": posting.lines.iter().map(|line| {
                    let mut view = line.account.view();
                    view["change_fen"] = line.change.into();
                    view["balance_fen"] = line.balance.into();
                    view
                }).collect::<Vec<_>>(),
            })
        });
        json!({
            "balances": balances.collect::<Vec<_>>(),
            "sum_fen": self.balances.values().sum::<i64>(),
            "postings": postings.collect::<Vec<_>>(),
        })
    }
}

/// The fee for a payment, rounded half up.
pub fn fee(total: i64) -> i64 {
    let exact = i128::from(total) * i128::from(FEE_THOUSANDTHS);
    i64::try_from((exact + 500) / 1000).expect("less than the total")
}

/// How much of `fee` goes back when `refunded` of `total` has been refunded in all.
pub fn fee_returned(fee: i64, total: i64, refunded: i64) -> i64 {
    i64::try_from(i128::from(fee) * i128::from(refunded) / i128::from(total.max(1)))
        .expect("at most the fee")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause() -> Cause {
        Cause {
            name: "交易",
            kind: "交易",
            number: "1".into(),
            voucher: "2".into(),
            remark: String::new(),
        }
    }

    #[test]
    fn balances_always_add_up_to_nothing() {
        let mut books = Books::default();
        books.open("1900000001");
        for fen in [1, 99, 100, 12_345, i64::from(u32::MAX)] {
            let fee = fee(fen);
            let moves = vec![
                (Account::Buyers, -fen),
                (Account::basic("1900000001"), fen - fee),
                (Account::Fees, fee),
            ];
            books.post(cause(), moves).unwrap();
            assert_eq!(books.balances.values().sum::<i64>(), 0);
        }
    }

    #[test]
    fn a_merchant_cannot_owe_and_a_refused_posting_leaves_no_trace() {
        let mut books = Books::default();
        let problem = books
            .post(
                cause(),
                vec![
                    (Account::Buyers, -1),
                    (Account::Fees, 1),
                    (Account::basic("1"), -5),
                    (Account::Transit, 5),
                ],
            )
            .unwrap_err();
        assert_eq!(problem.code, "NOT_ENOUGH");
        assert!(books.balances.is_empty() && books.postings.is_empty());
    }

    #[test]
    #[should_panic(expected = "adds up to nothing")]
    fn a_lopsided_posting_is_a_mistake_of_ours() {
        let moves = vec![(Account::Buyers, -2), (Account::Fees, 1)];
        let _ = Books::default().post(cause(), moves);
    }

    #[test]
    fn the_whole_fee_comes_back_with_the_whole_payment() {
        let fee = fee(100);
        assert_eq!(fee, 1);
        assert_eq!(
            [1, 60, 99, 100].map(|refunded| fee_returned(fee, 100, refunded)),
            [0, 0, 0, 1]
        );
    }
}
