//! Thousands of calls with everything that can come back, in any order: what is said about money is always true.

use std::sync::LazyLock;

use payseal::wire::FailureKind;
use payseal::{Client, Code, Outcome};
use proptest::prelude::*;
use serde_json::json;

use crate::support::canary;
use crate::support::drive::{Sent, execute, failure};
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, Platform, unsigned};

/// What one attempt meets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    NotSent,
    Lost,
    TimedOut,
    CancelledUnsent,
    CancelledSent,
    Yes,
    No,
    AlreadyDone,
    Busy,
    Trouble,
    UnsignedYes,
    UnsignedNo,
    UnsignedTrouble,
    ForgedYes,
    ForgedNo,
    Probe,
    Stale,
    UnknownSerial,
    OtherOrder,
    NoJson,
    Redirect,
}

use Fate::*;

const FATES: [Fate; 21] = [
    NotSent,
    Lost,
    TimedOut,
    CancelledUnsent,
    CancelledSent,
    Yes,
    No,
    AlreadyDone,
    Busy,
    Trouble,
    UnsignedYes,
    UnsignedNo,
    UnsignedTrouble,
    ForgedYes,
    ForgedNo,
    Probe,
    Stale,
    UnknownSerial,
    OtherOrder,
    NoJson,
    Redirect,
];

/// What a fate says for certain about its own attempt.
#[derive(PartialEq)]
enum Certain {
    NothingLeft,
    Yes,
    No,
    Nothing,
}

impl Fate {
    fn certain(self) -> Certain {
        match self {
            NotSent | CancelledUnsent => Certain::NothingLeft,
            Yes => Certain::Yes,
            No | AlreadyDone => Certain::No,
            _ => Certain::Nothing,
        }
    }

    /// Signed once: the same answer serves every attempt that meets this fate.
    fn happens(self) -> Sent {
        static ANSWERS: LazyLock<Vec<Sent>> =
            LazyLock::new(|| FATES.iter().map(|fate| fate.make()).collect());
        let at = FATES.iter().position(|fate| *fate == self).unwrap();
        ANSWERS[at].clone()
    }

    fn make(self) -> Sent {
        let stranger = Platform::new(&STRANGER, PUBLIC_KEY_ID);
        let yes = json!({ "out_trade_no": ORDER, "status": "PROCESSING" });
        let no = |code| json!({ "code": code, "message": "m" });
        match self {
            NotSent => Err(failure(FailureKind::NotSent, Code::ConnectFailed)),
            Lost => Err(failure(FailureKind::Sent, Code::ConnectionLost)),
            TimedOut => Err(failure(FailureKind::Sent, Code::Timeout)),
            CancelledUnsent => Err(failure(
                FailureKind::Cancelled { sent: false },
                Code::Cancelled,
            )),
            CancelledSent => Err(failure(
                FailureKind::Cancelled { sent: true },
                Code::Cancelled,
            )),
            Yes => Ok(BY_PUBLIC_KEY.json(200, yes)),
            No => Ok(BY_PUBLIC_KEY.json(400, no("PARAM_ERROR"))),
            AlreadyDone => Ok(BY_PUBLIC_KEY.json(400, no("ORDERPAID"))),
            Busy => Ok(BY_PUBLIC_KEY.json(429, no("RATELIMIT_EXCEEDED"))),
            Trouble => Ok(BY_PUBLIC_KEY.json(500, no("SYSTEM_ERROR"))),
            UnsignedYes => Ok(unsigned(200, &yes.to_string())),
            UnsignedNo => Ok(unsigned(400, &no("PARAM_ERROR").to_string())),
            UnsignedTrouble => Ok(unsigned(502, "<html>")),
            ForgedYes => Ok(stranger.json(200, yes)),
            ForgedNo => Ok(stranger.json(400, no("PARAM_ERROR"))),
            Probe => Ok(BY_PUBLIC_KEY
                .signed(yes.to_string())
                .with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/x")
                .response(200)),
            Stale => Ok(BY_PUBLIC_KEY
                .signed_at("1600000000", yes.to_string())
                .response(200)),
            UnknownSerial => Ok(BY_PUBLIC_KEY
                .signed(yes.to_string())
                .with("Wechatpay-Serial", "PUB_KEY_ID_7")
                .response(200)),
            OtherOrder => Ok(BY_PUBLIC_KEY.json(200, json!({ "out_trade_no": "another" }))),
            NoJson => Ok(BY_PUBLIC_KEY.answer(200, "<html>")),
            Redirect => Ok(unsigned(302, "")),
        }
    }
}

fn kinds() -> impl Strategy<Value = (&'static str, serde_json::Value, bool)> {
    prop_oneof![
        Just((REFUND, refund(), false)),
        Just((JSAPI, jsapi_order(), false)),
        Just((
            UNKNOWN_POST,
            json!({ "body": { "out_trade_no": ORDER } }),
            false
        )),
        Just((QUERY, query(ORDER), true)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_and_not_sent_are_said_only_where_nothing_is_left_unanswered(
        (operation, params, asks_only) in kinds(),
        fates in proptest::collection::vec(proptest::sample::select(&FATES[..]), 5),
    ) {
        // One client for all: its breaker opens and closes again on the way.
        static CLIENT: LazyLock<Client> = LazyLock::new(|| {
            merchant::client(config(json!({
                "retry": { "max_attempts": 5, "base_ms": 1, "cap_ms": 1 },
                "circuit_breaker": { "failures": 4, "open_ms": 1 },
            })))
            .0
        });
        let mut met = Vec::new();
        let result = execute(&CLIENT, operation, &params, |_| {
            let fate = fates[met.len()];
            met.push(fate);
            fate.happens()
        });
        let left = met.iter().filter(|fate| fate.certain() != Certain::NothingLeft).count();
        let last = met.last().map(|fate| fate.certain());
        match result {
            Ok(_) => prop_assert!(last == Some(Certain::Yes), "{met:?}"),
            Err(error) => {
                canary::check(&format!("{error:?}"));
                match error.outcome() {
                    Outcome::NotSent => prop_assert_eq!(left, 0, "{:?}", met),
                    Outcome::Rejected => {
                        prop_assert!(last == Some(Certain::No), "{:?}", met);
                        prop_assert!(left == 1 || asks_only, "an attempt before it has no answer: {:?}", met);
                    }
                    Outcome::Unknown => prop_assert!(left > 0, "nothing left: {:?}", met),
                    other => prop_assert!(false, "{:?} is no outcome of an operation", other),
                }
            }
        }
        // What is not safe to repeat left at most once.
        prop_assert!(operation != UNKNOWN_POST || left <= 1, "{:?}", met);
    }
}
