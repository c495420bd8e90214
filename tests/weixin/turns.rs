//! Of those who miss a token together one asks the platform, and the others wait for its answer, as long as they like.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Condvar};
use std::time::Duration;

use payseal::Outcome;
use payseal::call::{Step, Steps};
use payseal::flow::Flow;
use serde_json::json;

use super::*;
use crate::support::drive::lost;
use crate::support::{refused, refused_as};

const THREADS: usize = 16;

/// How many have come somewhere, for others to wait for.
#[derive(Default)]
struct Arrivals(Mutex<usize>, Condvar);

impl Arrivals {
    fn add(&self) {
        *self.0.lock().unwrap() += 1;
        self.1.notify_all();
    }

    fn wait_for(&self, many: usize) {
        let count = self.0.lock().unwrap();
        let bound = Duration::from_secs(30);
        let waited = self
            .1
            .wait_timeout_while(count, bound, |count| *count < many)
            .unwrap();
        assert!(!waited.1.timed_out(), "{} of {many} came", *waited.0);
    }
}

/// Runs a flow on many threads at once. The platform answers its first question only when all others wait; what it was asked is returned.
fn together(client: &Client, name: &str, params: Value) -> Vec<String> {
    let (start, waiting) = (Barrier::new(THREADS), Arrivals::default());
    let asked = Mutex::new(Vec::new());
    let one = || {
        let mut flow = client.flow(name, params.to_string().as_bytes()).unwrap();
        start.wait();
        let mut has_waited = false;
        loop {
            match flow.step() {
                Step::Done => return value(&flow.result().unwrap()),
                Step::Wait(time) => {
                    if !std::mem::replace(&mut has_waited, true) {
                        waiting.add();
                    }
                    std::thread::sleep(time);
                }
                Step::Send => {
                    let question = asked_for(flow.request().unwrap());
                    asked.lock().unwrap().push(question.clone());
                    waiting.wait_for(THREADS - 1);
                    let answer = match question.as_str() {
                        STABLE_TOKEN => token(),
                        _ => ticket(),
                    };
                    flow.respond(answer.unwrap()).unwrap();
                }
            }
        }
    };
    let results: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    for result in results {
        match name {
            "access_token" => assert_eq!(result["access_token"], TOKEN),
            _ => assert_eq!(result["signature"].as_str().unwrap().len(), 40),
        }
    }
    asked.into_inner().unwrap()
}

#[test]
fn threads_that_miss_a_token_together_ask_for_it_once() {
    let caches: [Option<Box<dyn Cache>>; 3] =
        [None, Some(Box::<Shared>::default()), Some(Box::new(Broken))];
    for cache in caches {
        let client = client(&World::new(), cache);
        assert_eq!(together(&client, "access_token", json!({})), [STABLE_TOKEN]);
    }
}

#[test]
fn threads_that_sign_pages_together_ask_once_for_token_and_ticket() {
    let client = client(&World::new(), None);
    let page = json!({ "body": { "url": "https://shop.example.com/" } });
    assert_eq!(
        together(&client, "js_config", page),
        [STABLE_TOKEN, GET_TICKET]
    );
}

#[test]
fn threads_that_were_refused_the_same_token_replace_it_once() {
    let client = client(&World::new(), None);
    let before = vec![token_of(NEXT_TOKEN)];
    run(&client, "access_token", json!({}), before).0.unwrap();
    let invalid = json!({ "body": { "invalid_token": NEXT_TOKEN } });
    assert_eq!(together(&client, "access_token", invalid), [STABLE_TOKEN]);
}

fn flow(client: &Client, options: Value) -> Flow {
    let params = json!({ "$": options }).to_string();
    client.flow("access_token", params.as_bytes()).unwrap()
}

/// A flow whose turn it is, and another that waits.
fn two(client: &Client, options: Value) -> (Flow, Flow) {
    let (mut leader, mut other) = (flow(client, json!({})), flow(client, options));
    assert_eq!(leader.step(), Step::Send);
    assert!(matches!(other.step(), Step::Wait(_)));
    (leader, other)
}

/// What it says when it is done waiting.
fn after_waiting(flow: &mut Flow) -> Step {
    loop {
        match flow.step() {
            Step::Wait(time) => std::thread::sleep(time),
            step => return step,
        }
    }
}

#[test]
fn when_the_one_who_asks_fails_the_next_one_tries() {
    let client = client(&World::new(), None);
    let (mut leader, mut other) = two(&client, json!({}));
    leader.fail(lost()).unwrap();
    assert_eq!(leader.step(), Step::Done);
    refused(leader.result());
    assert_eq!(after_waiting(&mut other), Step::Send);
    other.respond(token().unwrap()).unwrap();
    assert_eq!(other.step(), Step::Done);
    assert_eq!(value(&other.result().unwrap())["access_token"], TOKEN);
}

#[test]
fn when_the_one_who_asks_is_cancelled_the_next_one_tries_at_once() {
    let client = client(&World::new(), None);
    // Its patience is shorter than what the cancelled one would have had.
    let (mut leader, mut other) = two(&client, json!({ "timeout_ms": 5_000 }));
    leader.cancel();
    assert_eq!(after_waiting(&mut other), Step::Send);
    refused_as(Code::Cancelled, leader.result());
}

#[test]
fn one_who_asks_and_is_never_heard_of_again_keeps_nobody_out_for_longer_than_its_time() {
    let client = client(&World::new(), None);
    let mut abandoned = flow(&client, json!({ "timeout_ms": 50 }));
    assert_eq!(abandoned.step(), Step::Send);
    let mut other = flow(&client, json!({}));
    assert!(matches!(other.step(), Step::Wait(_)));
    assert_eq!(after_waiting(&mut other), Step::Send);
}

#[test]
fn a_flow_that_nobody_drives_keeps_nobody_waiting() {
    let client = client(&World::new(), None);
    let _idle = flow(&client, json!({}));
    assert_eq!(flow(&client, json!({})).step(), Step::Send);
}

#[test]
fn who_waits_gives_up_when_its_own_time_is_over() {
    for options in [json!({ "timeout_ms": 30 }), json!({ "deadline_ms": 30 })] {
        let client = client(&World::new(), None);
        let (mut leader, mut other) = two(&client, options);
        assert_eq!(after_waiting(&mut other), Step::Done);
        let error = refused_as(Code::Timeout, other.result());
        assert_eq!(error.outcome(), Outcome::NotSent);
        assert_eq!(error.detail("advice"), Some(&json!("retry_later")));
        leader.respond(token().unwrap()).unwrap();
        assert_eq!(leader.step(), Step::Done);
        leader.result().unwrap();
    }
}

#[test]
fn who_waits_can_be_cancelled_and_the_one_who_asks_goes_on() {
    let client = client(&World::new(), None);
    let (mut leader, mut other) = two(&client, json!({}));
    other.cancel();
    assert_eq!(other.step(), Step::Done);
    let error = refused_as(Code::Cancelled, other.result());
    assert_eq!(error.outcome(), Outcome::NotSent);
    leader.respond(token().unwrap()).unwrap();
    assert_eq!(leader.step(), Step::Done);
    leader.result().unwrap();
}

/// Looking a token up needs no turn.
#[test]
fn who_finds_a_token_waits_for_nobody() {
    let client = client(&World::new(), None);
    run(&client, "access_token", json!({}), vec![token()])
        .0
        .unwrap();
    let invalid = json!({ "body": { "invalid_token": TOKEN } }).to_string();
    let mut renewing = client.flow("access_token", invalid.as_bytes()).unwrap();
    let mut ticket_flow = client.flow("jsapi_ticket", b"{}").unwrap();
    assert_eq!(ticket_flow.step(), Step::Send);
    assert_eq!(asked_for(ticket_flow.request().unwrap()), GET_TICKET);
    let found = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let mut flow = flow(&client, json!({}));
                assert_eq!(flow.step(), Step::Done);
                found.fetch_add(1, SeqCst);
            });
        }
    });
    assert_eq!(found.load(SeqCst), THREADS);
    assert_eq!(renewing.step(), Step::Send);
}
