//! Tokens are fetched once for all who share a cache, and again when they are good no more.

use serde_json::{Value, json};

use super::*;
use crate::support::merchant::NOW;

const KEY: &str = "payseal:weixin:wxd678efh567hg6787:access_token";

#[test]
fn two_clients_with_one_cache_fetch_once() {
    let (world, shared) = (World::new(), Shared::default());
    let first = client(&world, Some(Box::new(shared.clone())));
    let (token_value, asked) = run(&first, "access_token", json!({}), vec![token()]);
    assert_eq!(
        token_value.unwrap(),
        json!({ "access_token": TOKEN, "until": NOW + 6_900 })
    );
    assert_eq!(asked, ["POST /cgi-bin/stable_token"]);
    let second = client(&world, Some(Box::new(shared.clone())));
    let (token_value, asked) = run(&second, "access_token", json!({}), vec![]);
    assert_eq!(token_value.unwrap()["access_token"], TOKEN);
    assert!(asked.is_empty());
    let entries = shared.entries();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].0.as_str(), entries[0].2), (KEY, 6_900));
    assert!(!entries[0].1.contains(SECRET));
}

#[test]
fn without_a_cache_the_client_keeps_them_itself() {
    let world = World::new();
    let client = client(&world, None);
    run(&client, "access_token", json!({}), vec![token()])
        .0
        .unwrap();
    assert!(run(&client, "access_token", json!({}), vec![]).1.is_empty());
}

#[test]
fn a_token_in_its_last_minutes_is_fetched_anew() {
    let world = World::new();
    let client = client(&world, None);
    run(&client, "access_token", json!({}), vec![token()])
        .0
        .unwrap();
    world.set_now(NOW + 6_899);
    assert!(run(&client, "access_token", json!({}), vec![]).1.is_empty());
    world.set_now(NOW + 6_900);
    assert_eq!(
        run(&client, "access_token", json!({}), vec![token()])
            .1
            .len(),
        1
    );
}

#[test]
fn what_a_cache_holds_is_not_believed_blindly() {
    let until = NOW + 1_000;
    for value in [
        "".to_owned(),
        "garbage".to_owned(),
        json!({ "token": "", "until": until }).to_string(),
        json!({ "token": "a b", "until": until }).to_string(),
        json!({ "token": TOKEN }).to_string(),
        json!({ "token": TOKEN, "until": NOW }).to_string(),
        json!({ "token": TOKEN, "until": NOW + 86_401 }).to_string(),
        json!({ "token": 1, "until": until }).to_string(),
        format!("{{\"token\":\"a\",\"token\":\"b\",\"until\":{until}}}"),
    ] {
        let shared = Shared::default();
        shared.put_raw(KEY, &value);
        let client = client(&World::new(), Some(Box::new(shared)));
        let (result, asked) = run(&client, "access_token", json!({}), vec![token()]);
        assert_eq!(
            (result.unwrap()["access_token"].as_str(), asked.len()),
            (Some(TOKEN), 1),
            "{value}"
        );
    }
}

#[test]
fn a_cache_that_fails_costs_a_request_and_a_word_in_the_log() {
    let world = World::new();
    let client = client(&world, Some(Box::new(Broken)));
    assert!(
        run(&client, "access_token", json!({}), vec![token()])
            .0
            .is_ok()
    );
    let failed: Vec<Value> = world
        .records()
        .into_iter()
        .filter(|record| record["event"] == "cache.failed")
        .collect();
    // Looked up, looked up again when it was this flow's turn, and put.
    assert_eq!(failed.len(), 3);
}

#[test]
fn a_ticket_takes_a_token_first_and_both_are_kept() {
    let shared = Shared::default();
    let client = client(&World::new(), Some(Box::new(shared.clone())));
    let (result, asked) = run(&client, "jsapi_ticket", json!({}), vec![token(), ticket()]);
    assert_eq!(result.unwrap()["jsapi_ticket"], TICKET);
    assert_eq!(
        asked,
        [
            "POST /cgi-bin/stable_token",
            "GET /cgi-bin/ticket/getticket"
        ]
    );
    assert!(run(&client, "jsapi_ticket", json!({}), vec![]).1.is_empty());
    assert_eq!(shared.entries().len(), 2);
}

#[test]
fn no_value_is_longer_than_the_room_that_the_c_interface_gives_it() {
    for (token, is_kept) in [
        ("\\\"".repeat(512), true),
        ("x".repeat(1_025), false),
        ("a b".to_owned(), false),
    ] {
        let shared = Shared::default();
        let client = client(&World::new(), Some(Box::new(shared.clone())));
        let script = vec![token_of(&token)];
        let (result, _) = run(&client, "access_token", json!({}), script);
        assert_eq!(result.unwrap()["access_token"], token);
        let entries = shared.entries();
        assert_eq!(!entries.is_empty(), is_kept);
        assert!(entries.iter().all(|(_, value, _)| value.len() <= 4_096));
    }
}
