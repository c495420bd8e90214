//! Waiting for a payment, a refund, a transfer, a receipt.

use std::time::{Duration, Instant};

use payseal::call::{About, Delivered};
use payseal::wire::Request;
use payseal::{Client, Code, Outcome, Result};
use serde_json::{Value, json};

use crate::support::drive::{Sent, drive, lost, script};
use crate::support::merchant::{self, *};
use crate::support::platform::{BY_CERTIFICATE, BY_PUBLIC_KEY, unsigned};
use crate::support::{field, refused, refused_as};

fn client() -> Client {
    merchant::client(config(json!({ "retry": { "max_attempts": 1 } }))).0
}

fn state(state: &str) -> Sent {
    let body = json!({ "out_trade_no": ORDER, "mchid": MCHID, "trade_state": state, "amount": { "total": 100 } });
    Ok(BY_PUBLIC_KEY.json(200, body))
}

fn run(flow: &str, params: &Value, exchange: impl FnMut(&Request) -> Sent) -> Result<Delivered> {
    let mut flow = client().flow(flow, params.to_string().as_bytes())?;
    drive(&mut flow, exchange)
}

fn payment(options: Value) -> Value {
    json!({ "path": { "out_trade_no": ORDER }, "$": options })
}

/// Whether the state is final, and how many answers there were.
fn ending(delivered: &Delivered) -> (bool, u32) {
    match &delivered.about {
        About::Answer(exchange) => (exchange.is_final.unwrap(), exchange.polls.unwrap()),
        About::Event(_) | About::Work(_) => panic!("a flow ends with an answer"),
    }
}

fn text(delivered: &Delivered, key: &str) -> String {
    let body: Value = serde_json::from_slice(&delivered.body).unwrap();
    body[key].as_str().unwrap().to_owned()
}

const QUICK: [u64; 3] = [1, 1, 1];

#[test]
fn a_payment_is_asked_for_until_its_state_is_final() {
    for last in ["SUCCESS", "CLOSED", "REFUND", "REVOKED", "PAYERROR"] {
        let mut seen = Vec::new();
        let mut answers = script(vec![state("NOTPAY"), state("USERPAYING"), state(last)]);
        let delivered = run(
            "await_payment",
            &payment(json!({ "schedule_ms": QUICK })),
            |request| {
                seen.push(format!("{} {}", request.method, request.target));
                answers(request)
            },
        )
        .unwrap();
        assert_eq!(ending(&delivered), (true, 3));
        assert_eq!(text(&delivered, "trade_state"), last);
        let query = format!("GET /v3/pay/transactions/out-trade-no/{ORDER}?mchid={MCHID}");
        assert_eq!(seen, vec![query; 3]);
    }
}

#[test]
fn when_the_looks_are_used_up_the_last_verified_state_is_told_as_not_final() {
    let answers = vec![state("NOTPAY"), state("NOTPAY"), state("USERPAYING")];
    let delivered = run(
        "await_payment",
        &payment(json!({ "schedule_ms": QUICK })),
        script(answers),
    )
    .unwrap();
    assert_eq!(ending(&delivered), (false, 3));
    assert_eq!(text(&delivered, "trade_state"), "USERPAYING");
    let info: Value = serde_json::from_str(&delivered.info_text()).unwrap();
    assert_eq!((&info["final"], &info["polls"]), (&json!(false), &json!(3)));
}

#[test]
fn a_deadline_repeats_the_last_pause_and_then_ends_it() {
    let started = Instant::now();
    let options = json!({ "schedule_ms": [1], "deadline_ms": 1_000 });
    let delivered = run("await_payment", &payment(options), |_| state("NOTPAY")).unwrap();
    let (is_final, polls) = ending(&delivered);
    assert!(!is_final && polls > 2, "{polls}");
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn the_pace_of_a_payment_is_the_providers() {
    let mut flow = client()
        .flow("await_payment", payment(json!({})).to_string().as_bytes())
        .unwrap();
    match payseal::call::Steps::step(&mut flow) {
        payseal::call::Step::Wait(first) => {
            assert!(first <= Duration::from_secs(1) && first > Duration::from_millis(900))
        }
        other => panic!("{other:?} before the first pause"),
    }
}

#[test]
fn what_may_pass_does_not_end_the_waiting_and_what_is_a_no_does() {
    let answers = vec![
        Err(lost()),
        Ok(unsigned(502, "<html>bad gateway</html>")),
        Ok(BY_PUBLIC_KEY.json(429, json!({ "code": "RATELIMIT_EXCEEDED", "message": "" }))),
        Ok(unsigned(200, r#"{"trade_state":"SUCCESS"}"#)),
        state("SUCCESS"),
    ];
    let schedule = json!({ "schedule_ms": [1, 1, 1, 1, 1] });
    let delivered = run("await_payment", &payment(schedule.clone()), script(answers)).unwrap();
    assert_eq!(ending(&delivered), (true, 5));
    let no = BY_PUBLIC_KEY.json(404, json!({ "code": "ORDER_NOT_EXIST", "message": "" }));
    let error = refused_as(
        Code::ProviderRejected,
        run(
            "await_payment",
            &payment(schedule),
            script(vec![state("NOTPAY"), Ok(no)]),
        ),
    );
    assert_eq!(error.outcome(), Outcome::Rejected);
}

#[test]
fn without_any_verified_state_the_end_is_an_error_that_leaves_it_open() {
    let error = refused(run(
        "await_payment",
        &payment(json!({ "schedule_ms": QUICK })),
        |_| Err(lost()),
    ));
    assert_eq!(error.code(), Code::ConnectionLost);
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn an_answer_about_another_order_is_no_state_of_this_one() {
    let other = json!({ "out_trade_no": "another00001", "mchid": MCHID, "trade_state": "SUCCESS" });
    let answers = vec![
        Ok(BY_PUBLIC_KEY.json(200, other)),
        state("NOTPAY"),
        state("NOTPAY"),
    ];
    let delivered = run(
        "await_payment",
        &payment(json!({ "schedule_ms": QUICK })),
        script(answers),
    )
    .unwrap();
    assert_eq!(ending(&delivered), (false, 3));
}

#[test]
fn what_the_caller_expects_counts_for_the_final_state_alone() {
    let options = |total| json!({ "schedule_ms": QUICK, "expect": { "amount.total": total, "trade_state": "SUCCESS" } });
    let answers = || script(vec![state("NOTPAY"), state("SUCCESS")]);
    assert!(run("await_payment", &payment(options(100)), answers()).is_ok());
    let error = refused_as(
        Code::ResponseMismatch,
        run("await_payment", &payment(options(101)), answers()),
    );
    assert_eq!(field(&error), "amount.total");
    assert_eq!(error.outcome(), Outcome::Unknown);
}

fn refund_answer(status: &str) -> Sent {
    let body = json!({ "refund_id": "50000000382019052709732678859", "out_refund_no": "refund0001", "out_trade_no": ORDER, "status": status,
                       "amount": { "total": 100, "refund": 60, "currency": "CNY" } });
    Ok(BY_CERTIFICATE.json(200, body))
}

#[test]
fn a_refund_is_asked_for_once_and_then_waited_for() {
    let mut seen = Vec::new();
    let mut answers = script(vec![
        refund_answer("PROCESSING"),
        refund_answer("PROCESSING"),
        refund_answer("SUCCESS"),
    ]);
    let params = with_options(refund(), json!({ "schedule_ms": [1] }));
    let delivered = run("refund", &params, |request| {
        seen.push(request.method);
        answers(request)
    })
    .unwrap();
    assert_eq!(ending(&delivered), (true, 3));
    assert_eq!(seen, ["POST", "GET", "GET"]);
}

#[test]
fn a_refund_whose_answer_was_lost_is_asked_about_and_not_ordered_again() {
    let mut seen = Vec::new();
    let mut answers = script(vec![Err(lost()), refund_answer("SUCCESS")]);
    let params = with_options(refund(), json!({ "schedule_ms": [1] }));
    let delivered = run("refund", &params, |request| {
        seen.push(request.method);
        answers(request)
    })
    .unwrap();
    assert_eq!(ending(&delivered), (true, 2));
    assert_eq!(seen, ["POST", "GET"]);
}

#[test]
fn a_refund_that_is_refused_is_not_waited_for() {
    let no = BY_PUBLIC_KEY.json(403, json!({ "code": "NOT_ENOUGH", "message": "" }));
    let params = with_options(refund(), json!({ "schedule_ms": [1] }));
    let error = refused_as(
        Code::ProviderRejected,
        run("refund", &params, script(vec![Ok(no)])),
    );
    assert_eq!(error.outcome(), Outcome::Rejected);
}

#[test]
fn transfers_and_receipts_end_with_their_own_states() {
    for (flow, params, member, states) in [
        (
            "await_transfer",
            json!({ "path": { "out_bill_no": "BILL0001" } }),
            "state",
            ["WAIT_USER_CONFIRM", "CANCELLED"],
        ),
        (
            "transfer_receipt",
            json!({ "body": { "out_bill_no": "BILL0001" } }),
            "state",
            ["GENERATING", "FINISHED"],
        ),
        (
            "await_transfer_receipt",
            json!({ "path": { "out_bill_no": "BILL0001" } }),
            "state",
            ["GENERATING", "FAILED"],
        ),
        (
            "batch_receipt",
            json!({ "body": { "out_batch_no": "BATCH0001" } }),
            "signature_status",
            ["ACCEPTED", "FINISHED"],
        ),
        (
            "detail_receipt",
            json!({ "body": { "accept_type": "BATCH_TRANSFER", "out_batch_no": "BATCH0001", "out_detail_no": "DETAIL0001" } }),
            "signature_status",
            ["ACCEPTED", "FINISHED"],
        ),
        (
            "await_profit_sharing",
            json!({ "path": { "out_order_no": "SHARE0001" }, "query": { "transaction_id": "4200001234" } }),
            "state",
            ["PROCESSING", "FINISHED"],
        ),
        (
            "await_refund",
            json!({ "path": { "out_refund_no": "refund0001" } }),
            "status",
            ["PROCESSING", "ABNORMAL"],
        ),
    ] {
        let answers = states
            .iter()
            .map(|state| Ok(BY_PUBLIC_KEY.json(200, json!({ member: state }))));
        let params = with_options(params, json!({ "schedule_ms": [1] }));
        let delivered = run(flow, &params, script(answers.collect()))
            .unwrap_or_else(|error| panic!("{flow}: {error:?}"));
        assert_eq!(ending(&delivered), (true, 2), "{flow}");
        assert_eq!(text(&delivered, member), states[1]);
    }
}

#[test]
fn parameters_that_are_none_are_refused_before_anything_is_sent() {
    for (flow, params, code, at) in [
        ("await_nothing", json!({}), Code::UnknownOperation, "flow"),
        (
            "await_payment",
            json!({ "$": { "schedule_ms": [] } }),
            Code::ParamsInvalid,
            "$.schedule_ms",
        ),
        (
            "await_payment",
            json!({ "$": { "schedule_ms": [0] } }),
            Code::ParamsInvalid,
            "$.schedule_ms",
        ),
        (
            "await_payment",
            json!({ "$": { "schedule_ms": ["1"] } }),
            Code::ParamsInvalid,
            "$.schedule_ms",
        ),
        (
            "await_payment",
            json!({ "$": { "deadline_ms": 86_400_001 } }),
            Code::ParamsInvalid,
            "$.deadline_ms",
        ),
        (
            "await_payment",
            json!({ "$": { "filename": "x" } }),
            Code::ParamsInvalid,
            "$.filename",
        ),
        (
            "refund",
            json!({ "body": {} }),
            Code::ParamsInvalid,
            "body.out_refund_no",
        ),
        (
            "codepay",
            json!({}),
            Code::ParamsInvalid,
            "body.out_trade_no",
        ),
    ] {
        let error = refused_as(code, run(flow, &params, script(vec![])));
        assert_eq!(field(&error), at, "{error:?}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
    let error = refused_as(
        Code::ParamsInvalid,
        run(
            "await_payment",
            &json!({ "path": {}, "$": { "schedule_ms": [1] } }),
            script(vec![]),
        ),
    );
    assert_eq!(error.outcome(), Outcome::NotSent);
}
