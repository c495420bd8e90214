//! What the whole call, not its last attempt, means for money.

use payseal::wire::FailureKind;
use payseal::{Code, Outcome};
use serde_json::json;

use crate::support::drive::{Sent, cancelled, execute, failure, lost, not_sent, script, timed_out};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_PUBLIC_KEY, transaction, unsigned};
use crate::support::{refused, text};

fn ends(operation: &str, answers: Vec<Sent>) -> (Code, Outcome, String) {
    let (client, _) = merchant::client(config(json!({})));
    let params = match operation {
        QUERY => query(ORDER),
        REFUND => refund(),
        _ => json!({ "body": {} }),
    };
    let error = refused(execute(&client, operation, &params, script(answers)));
    (
        error.code(),
        error.outcome(),
        text(&error, "advice").to_owned(),
    )
}

fn no(status: u16, code: &str) -> Sent {
    Ok(BY_PUBLIC_KEY.json(status, json!({ "code": code, "message": "m" })))
}

#[test]
fn one_attempt_without_an_answer_makes_the_whole_call_unknown() {
    for first in [
        lost(),
        timed_out(),
        failure(FailureKind::Sent, Code::ResponseInvalid),
    ] {
        let (code, outcome, _) = ends(REFUND, vec![Err(first), Err(not_sent()), Err(not_sent())]);
        assert_eq!((code, outcome), (Code::ConnectFailed, Outcome::Unknown));
    }
    for first in [
        Ok(unsigned(502, "")),
        no(500, "SYSTEM_ERROR"),
        no(429, "RATELIMIT_EXCEEDED"),
    ] {
        let (code, outcome, _) = ends(REFUND, vec![first, Err(not_sent()), Err(not_sent())]);
        assert_eq!((code, outcome), (Code::ConnectFailed, Outcome::Unknown));
    }
}

#[test]
fn attempts_that_all_never_left_were_not_sent() {
    let failures = || vec![Err(not_sent()), Err(not_sent()), Err(not_sent())];
    for operation in [QUERY, REFUND, UNKNOWN_POST] {
        let (code, outcome, advice) = ends(operation, failures());
        assert_eq!((code, outcome), (Code::ConnectFailed, Outcome::NotSent));
        assert_eq!(advice, "retry_later");
    }
}

#[test]
fn a_verified_no_to_the_only_attempt_that_left_is_a_no() {
    let (code, outcome, advice) = ends(REFUND, vec![Err(not_sent()), no(403, "NOT_ENOUGH")]);
    assert_eq!((code, outcome), (Code::ProviderRejected, Outcome::Rejected));
    assert_eq!(advice, "definite_failure");
}

#[test]
fn a_no_to_a_later_attempt_does_not_say_what_became_of_an_earlier_one() {
    for (status, code) in [
        (401, "SIGN_ERROR"),
        (403, "NO_AUTH"),
        (403, "NOT_ENOUGH"),
        (400, "INVALID_REQUEST"),
    ] {
        for first in [Err(lost()), Ok(unsigned(502, "")), no(500, "SYSTEM_ERROR")] {
            let ended = ends(REFUND, vec![first, no(status, code)]);
            assert_eq!(
                ended,
                (
                    Code::ProviderRejected,
                    Outcome::Unknown,
                    "query_first".into()
                )
            );
        }
    }
    let (_, outcome, advice) = ends(REFUND, vec![Err(lost()), no(400, "ORDERPAID")]);
    assert_eq!(
        (outcome, advice.as_str()),
        (Outcome::Unknown, "already_done")
    );
}

#[test]
fn of_a_question_a_later_no_is_the_answer() {
    let (code, outcome, _) = ends(QUERY, vec![Err(lost()), no(404, "ORDER_NOT_EXIST")]);
    assert_eq!((code, outcome), (Code::ProviderRejected, Outcome::Rejected));
}

#[test]
fn an_unsigned_no_leaves_it_unknown() {
    let (code, outcome, _) = ends(REFUND, vec![Ok(unsigned(403, r#"{"code":"NOT_ENOUGH"}"#))]);
    assert_eq!((code, outcome), (Code::ProviderRejected, Outcome::Unknown));
}

#[test]
fn a_cancelled_attempt_is_unknown_if_bytes_may_have_left() {
    for (sent, expected) in [(true, Outcome::Unknown), (false, Outcome::NotSent)] {
        let (code, outcome, _) = ends(UNKNOWN_POST, vec![Err(cancelled(sent))]);
        assert_eq!((code, outcome), (Code::Cancelled, expected));
    }
    let (code, outcome, _) = ends(REFUND, vec![Err(lost()), Err(cancelled(false))]);
    assert_eq!((code, outcome), (Code::Cancelled, Outcome::Unknown));
}

#[test]
fn a_clock_that_fails_while_an_answer_is_checked_leaves_it_unknown() {
    let world = World::new();
    let client = merchant::client_in(&world, config(json!({})));
    for answer in [
        BY_PUBLIC_KEY.json(200, transaction()),
        BY_PUBLIC_KEY.json(400, json!({ "code": "PARAM_ERROR" })),
    ] {
        world.break_clock(false);
        let error = refused(execute(&client, QUERY, &query(ORDER), |_| {
            world.break_clock(true);
            Ok(answer.clone())
        }));
        assert_eq!(error.code(), Code::CallbackFailed);
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn a_signer_that_fails_at_the_second_attempt_leaves_the_first_unknown() {
    let world = World::new();
    let client = merchant::client_in(&world, config(json!({})));
    let mut count = 0;
    let error = refused(execute(&client, REFUND, &refund(), |_| {
        count += 1;
        world.break_clock(true); // without a time nothing can be signed
        Err(lost())
    }));
    assert_eq!((count, error.outcome()), (1, Outcome::Unknown));
    world.break_clock(false);
    // The same with randomness, which the pause needs too.
    let error = refused(execute(&client, REFUND, &refund(), |_| {
        world.break_random(true);
        Err(lost())
    }));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn a_deadline_between_two_attempts_keeps_the_first_one_unknown() {
    // The second pause would end after the deadline, so the first failure is the last word.
    let (client, world) = merchant::client(config(json!({
        "retry": { "base_ms": 60_000, "cap_ms": 60_000 },
    })));
    world.set_random(|out| out.fill(0x77));
    let params = with_options(refund(), json!({ "timeout_ms": 500 }));
    let mut count = 0;
    let error = refused(execute(&client, REFUND, &params, |_| {
        count += 1;
        Err(lost())
    }));
    assert_eq!((count, error.outcome()), (1, Outcome::Unknown));
    assert_eq!(error.code(), Code::ConnectionLost);
}

#[test]
fn a_time_that_was_over_before_anything_left_was_not_sent() {
    let (client, _) = merchant::client(config(json!({})));
    let params = with_options(refund(), json!({ "timeout_ms": 1 }));
    let mut call = client
        .call(REFUND, params.to_string().as_bytes(), b"")
        .unwrap();
    // An event that has certainly happened after a millisecond: the clock has moved on by two.
    let start = std::time::Instant::now();
    while start.elapsed().as_millis() < 2 {
        std::thread::yield_now();
    }
    assert_eq!(call.step(), payseal::call::Step::Done);
    let error = refused(call.result());
    assert_eq!(error.code(), Code::Timeout);
    assert_eq!(error.outcome(), Outcome::NotSent);
}

#[test]
fn where_the_outcome_is_unknown_no_advice_says_otherwise() {
    let unsigned_no = |code: &str| Ok(unsigned(403, &json!({ "code": code }).to_string()));
    for code in ["NO_AUTH", "ORDERPAID"] {
        let (_, outcome, advice) = ends(REFUND, vec![unsigned_no(code)]);
        assert_eq!(
            (outcome, advice.as_str()),
            (Outcome::Unknown, "query_first"),
            "{code}"
        );
    }
    for answer in [
        no(500, "SYSTEM_ERROR"),
        no(429, "RATELIMIT_EXCEEDED"),
        Ok(unsigned(502, "")),
    ] {
        let (_, outcome, advice) = ends(UNKNOWN_POST, vec![answer]);
        assert_eq!(
            (outcome, advice.as_str()),
            (Outcome::Unknown, "query_first")
        );
    }
}

#[test]
fn a_caller_in_a_hurry_does_not_close_the_host_for_others() {
    let (client, _) = merchant::client(config(json!({ "circuit_breaker": { "failures": 1 } })));
    let hurried = with_options(
        query(ORDER),
        json!({ "timeout_ms": 500, "max_attempts": 1 }),
    );
    let error = refused(execute(
        &client,
        QUERY,
        &hurried,
        script(vec![Err(timed_out())]),
    ));
    assert_eq!(error.code(), Code::Timeout);
    let answer = Ok(BY_PUBLIC_KEY.json(200, transaction()));
    assert!(execute(&client, QUERY, &query(ORDER), script(vec![answer])).is_ok());
}
