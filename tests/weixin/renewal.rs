//! A token that the platform takes no more is replaced once, and nobody's good token is ended for it.

use payseal::call::{Step, Steps};
use payseal::flow::Flow;
use payseal::wire::Request;
use serde_json::{Value, json};

use super::*;
use crate::support::drive::{Sent, lost};
use crate::support::refused;

/// What a request says: the operation, and for tokens whether a new one is demanded.
fn said(request: &Request) -> String {
    let body = String::from_utf8(request.body.clone()).unwrap();
    match serde_json::from_str::<Value>(&body) {
        Ok(body) if body["force_refresh"] == true => format!("{} by force", asked_for(request)),
        _ => asked_for(request),
    }
}

/// Runs a flow and notes what each request says.
fn say(
    client: &Client,
    flow: &str,
    params: Value,
    script: Vec<Sent>,
) -> (Result<Value>, Vec<String>) {
    let mut flow = client.flow(flow, params.to_string().as_bytes()).unwrap();
    let (mut asked, mut script) = (Vec::new(), script.into_iter());
    let result = drive(&mut flow, |request| {
        asked.push(said(request));
        script.next().expect("no more is asked")
    });
    assert_eq!(script.count(), 0, "not everything was asked");
    (result.map(|delivered| value(&delivered)), asked)
}

/// The request that the flow wants sent, and the answer to it.
fn exchange(flow: &mut Flow, answer: Sent) -> String {
    assert_eq!(flow.step(), Step::Send);
    let said = said(flow.request().unwrap());
    flow.respond(answer.unwrap()).unwrap();
    said
}

/// The access token in the query of the request that the flow wants sent.
fn token_in(flow: &mut Flow) -> String {
    assert_eq!(flow.step(), Step::Send);
    let target = &flow.request().unwrap().target;
    let (_, rest) = target.split_once("access_token=").unwrap();
    rest.split('&').next().unwrap().to_owned()
}

#[test]
fn a_token_that_somebody_ended_is_replaced_and_nothing_is_forced() {
    for errcode in [40001, 40014, 42001] {
        let client = client(&World::new(), None);
        let script = vec![token(), ended(errcode), token_of(NEXT_TOKEN), ticket()];
        let (result, asked) = say(&client, "jsapi_ticket", json!({}), script);
        assert_eq!(result.unwrap()["jsapi_ticket"], TICKET);
        assert_eq!(asked, [STABLE_TOKEN, GET_TICKET, STABLE_TOKEN, GET_TICKET]);
        let (kept, asked) = say(&client, "access_token", json!({}), vec![]);
        assert_eq!(kept.unwrap()["access_token"], NEXT_TOKEN);
        assert!(asked.is_empty());
    }
}

#[test]
fn a_new_one_is_forced_only_where_the_platform_gives_the_refused_one_again() {
    let client = client(&World::new(), None);
    let script = vec![
        token(),
        ended(40001),
        token(),
        token_of(NEXT_TOKEN),
        ticket(),
    ];
    let (result, asked) = say(&client, "jsapi_ticket", json!({}), script);
    assert_eq!(result.unwrap()["jsapi_ticket"], TICKET);
    let forced = format!("{STABLE_TOKEN} by force");
    assert_eq!(
        asked,
        [STABLE_TOKEN, GET_TICKET, STABLE_TOKEN, &forced, GET_TICKET]
    );
}

#[test]
fn a_token_that_is_refused_after_its_renewal_is_an_error_and_is_not_kept() {
    for shared in [None, Some(Shared::default())] {
        let cache = shared.clone().map(|it| Box::new(it) as Box<dyn Cache>);
        let client = client(&World::new(), cache);
        let script = vec![token(), ended(42001), token_of(NEXT_TOKEN), ended(42001)];
        let error = refused(say(&client, "jsapi_ticket", json!({}), script).0);
        assert_eq!(error.detail("provider_code").unwrap(), "42001");
        for (_, entry, _) in shared.iter().flat_map(Shared::entries) {
            assert!(!entry.contains("AccessToken"), "{entry}");
        }
        let (_, asked) = say(&client, "access_token", json!({}), vec![token()]);
        assert_eq!(asked, [STABLE_TOKEN]);
    }
}

#[test]
fn a_refused_token_is_not_given_out_where_no_other_could_be_had() {
    for shared in [None, Some(Shared::default())] {
        let client = client(
            &World::new(),
            shared.map(|it| Box::new(it) as Box<dyn Cache>),
        );
        let script = vec![token(), ended(40014), Err(lost())];
        refused(say(&client, "jsapi_ticket", json!({}), script).0);
        let next = vec![token_of(NEXT_TOKEN)];
        let (result, asked) = say(&client, "access_token", json!({}), next);
        assert_eq!(result.unwrap()["access_token"], NEXT_TOKEN);
        assert_eq!(asked, [STABLE_TOKEN]);
    }
}

/// Two processes with one cache, whose flows ask for a ticket with the same token.
fn two_with_one_token() -> [Flow; 2] {
    let (world, shared) = (World::new(), Shared::default());
    let processes = [(); 2].map(|()| client(&world, Some(Box::new(shared.clone()))));
    run(&processes[0], "access_token", json!({}), vec![token()])
        .0
        .unwrap();
    let mut flows = processes.map(|process| process.flow("jsapi_ticket", b"{}").unwrap());
    for flow in &mut flows {
        assert_eq!(token_in(flow), TOKEN);
    }
    flows
}

#[test]
fn of_two_processes_with_one_ended_token_the_second_takes_what_the_first_has_fetched() {
    let [mut first, mut second] = two_with_one_token();
    exchange(&mut first, ended(40001));
    assert_eq!(exchange(&mut first, token_of(NEXT_TOKEN)), STABLE_TOKEN);
    assert_eq!(token_in(&mut first), NEXT_TOKEN);
    exchange(&mut second, ended(40001));
    assert_eq!(token_in(&mut second), NEXT_TOKEN);
}

#[test]
fn the_cache_is_looked_at_again_before_a_token_is_ended_for_another() {
    let [mut first, mut second] = two_with_one_token();
    for flow in [&mut first, &mut second] {
        exchange(flow, ended(40001));
        token_request(flow);
    }
    // The platform takes the refused token for good and gives it to both; the first has a new one made.
    exchange(&mut first, token());
    let forced = format!("{STABLE_TOKEN} by force");
    assert_eq!(exchange(&mut first, token_of(NEXT_TOKEN)), forced);
    assert_eq!(token_in(&mut first), NEXT_TOKEN);
    exchange(&mut second, token());
    assert_eq!(token_in(&mut second), NEXT_TOKEN);
}

fn token_request(flow: &mut Flow) {
    assert_eq!(flow.step(), Step::Send);
    assert_eq!(said(flow.request().unwrap()), STABLE_TOKEN);
}

#[test]
fn a_host_that_was_refused_elsewhere_says_so_and_gets_another_token() {
    let client = client(&World::new(), Some(Box::<Shared>::default()));
    run(&client, "access_token", json!({}), vec![token()])
        .0
        .unwrap();
    let invalid = || json!({ "body": { "invalid_token": TOKEN } });
    let next = vec![token_of(NEXT_TOKEN)];
    let (result, asked) = say(&client, "access_token", invalid(), next);
    assert_eq!(result.unwrap()["access_token"], NEXT_TOKEN);
    assert_eq!(asked, [STABLE_TOKEN]);
    // Whoever says it late gets the one that there is by now.
    let (result, asked) = say(&client, "access_token", invalid(), vec![]);
    assert_eq!(result.unwrap()["access_token"], NEXT_TOKEN);
    assert!(asked.is_empty());
}

#[test]
fn a_leaked_token_can_be_ended_by_naming_it() {
    let client = client(&World::new(), None);
    let invalid = json!({ "body": { "invalid_token": TOKEN } });
    let script = vec![token(), token_of(NEXT_TOKEN)];
    let (result, asked) = say(&client, "access_token", invalid, script);
    assert_eq!(result.unwrap()["access_token"], NEXT_TOKEN);
    assert_eq!(
        asked,
        [STABLE_TOKEN.to_owned(), format!("{STABLE_TOKEN} by force")]
    );
}
