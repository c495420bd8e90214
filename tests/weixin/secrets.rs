//! What is printed by mistake says no secret.

use payseal::call::{Step, Steps};
use payseal::catalogue::Repeat;
use payseal::provider::{Answer, Prepared, Sensitive};
use payseal::wire::url::Address;
use payseal::wire::{Headers, Response};
use serde_json::json;

use super::*;
use crate::support::drive::request;

/// The `Debug` of a value, in both forms, searched.
fn printed(value: &impl std::fmt::Debug) -> String {
    let printed = format!("{value:?} {value:#?}");
    canary::check(&printed);
    printed
}

#[test]
fn the_search_knows_what_an_app_must_not_show() {
    for secret in [SECRET, TOKEN, NEXT_TOKEN, TICKET, SESSION_KEY, CODE] {
        assert!(canary::found_in(&format!("x{secret}x")).is_some());
    }
}

#[test]
fn requests_with_a_secret_or_a_token_are_printed_without_them() {
    let client = client(&World::new(), None);
    let params = json!({ "query": { "js_code": CODE } });
    let session = request(&client, "GET /sns/jscode2session", &params).unwrap();
    assert!(session.target.contains(SECRET) && session.target.contains(CODE));
    let shown = printed(&session);
    assert!(shown.contains("/sns/jscode2session") && shown.contains("User-Agent"));
    let params = json!({ "query": { "access_token": TOKEN, "type": "jsapi" } });
    let ticket = request(&client, "GET /cgi-bin/ticket/getticket", &params).unwrap();
    assert!(ticket.target.contains(TOKEN));
    printed(&ticket);
    let mut flow = client.flow("access_token", b"{}").unwrap();
    assert_eq!(flow.step(), Step::Send);
    let token = flow.request().unwrap();
    assert!(String::from_utf8_lossy(&token.body).contains(SECRET));
    printed(token);
    let prepared = Prepared {
        operation: "GET /sns/jscode2session".into(),
        label: "other",
        method: "GET",
        origin: None,
        client_certificate: false,
        target: session.target.clone(),
        headers: vec![("Authorization", TICKET.into())],
        body: token.body.clone(),
        signed_body: Some(token.body.clone()),
        repeat: Repeat::Never,
        answer_is_signed: false,
        asked: vec![("openid", TOKEN.into())],
        expect: serde_json::Map::from_iter([("session_key".into(), SESSION_KEY.into())]),
        order_number: None,
        awaits_key: false,
    };
    assert!(printed(&prepared).contains("GET /sns/jscode2session"));
}

#[test]
fn answers_with_a_session_or_a_token_are_printed_without_them() {
    let body = json!({ "openid": "oUpF8uMuAJO", "session_key": SESSION_KEY }).to_string();
    let cookie = format!("Set-Cookie: {TICKET}\n");
    let response = Response::read(200, cookie.as_bytes(), body.as_bytes()).unwrap();
    let shown = printed(&response);
    assert!(shown.contains("200") && shown.contains("set-cookie"));
    let answer = Answer {
        body: body.into_bytes().into(),
        sensitive: Sensitive::default(),
        verified: false,
        serial: None,
        skew_s: None,
        status: 200,
        request_id: None,
        content_type: None,
    };
    assert!(printed(&answer).contains("200"));
    printed(&Headers::parse(&format!("Authorization: {TOKEN}")).unwrap());
}

#[test]
fn the_address_of_a_file_is_printed_without_the_token_that_opens_it() {
    let address = format!("https://api.mch.weixin.qq.com/v3/billdownload/file?token={TOKEN}");
    let shown = printed(&Address::parse(&address).unwrap());
    assert!(shown.contains("/v3/billdownload/file"));
}
