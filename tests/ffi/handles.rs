//! Handles that are NULL, freed, freed twice, of another kind or made up.

use std::ptr;

use payseal::Code;
use payseal::ffi::*;
use serde_json::json;

use crate::abi::{
    Raised, garbage, invoke, new_call, new_client, new_download, open, run, standing_clock, step,
};
use crate::support::merchant::{NATIVE, ORDER, QUERY, config, native_order, query};
use crate::support::platform::{BY_PUBLIC_KEY, notification};

fn client() -> *mut payseal_client {
    new_client(&config(json!({})), &standing_clock()).unwrap()
}

fn cancel() -> *mut payseal_cancel {
    let mut cancel = ptr::null_mut();
    run(|e| unsafe { payseal_cancel_new(&mut cancel, e) }).unwrap();
    cancel
}

fn error() -> *mut payseal_error {
    let mut error = ptr::null_mut();
    unsafe { payseal_client_metrics(ptr::null(), ptr::null_mut(), &mut error) };
    assert!(!error.is_null());
    error
}

/// Every function that takes a client.
fn uses_of_a_client(client: *const payseal_client) -> Vec<Result<(), Raised>> {
    let (a, n) = ("GET /v3/x".as_ptr(), 9);
    let (mut out, mut more) = (garbage(), garbage());
    let mut call = ptr::null_mut();
    let null = ptr::null();
    vec![
        run(|e| unsafe { payseal_client_metrics(client, &mut out, e) }),
        run(|e| unsafe {
            payseal_client_execute(
                client,
                a,
                n,
                null,
                0,
                null,
                0,
                ptr::null(),
                &mut out,
                &mut more,
                e,
            )
        }),
        invoke(client, &json!({ "prepay_id": "x" })).map(drop),
        run(|e| unsafe { payseal_call_new(client, a, n, null, 0, null, 0, &mut call, e) }),
        run(|e| unsafe {
            payseal_call_new_notification(client, null, 0, null, 0, null, 0, &mut call, e)
        }),
        open(client, "", b"").map(drop),
        run(|e| unsafe { payseal_notification_reply(client, 0, &mut out, &mut more, e) }),
    ]
}

fn uses_of_a_call(call: *mut payseal_call) -> Vec<Result<(), Raised>> {
    let (mut out, mut more) = (garbage(), garbage());
    vec![
        step(call).map(drop),
        run(|e| unsafe { payseal_call_request(call, &mut out, e) }),
        run(|e| unsafe { payseal_call_body(call, &mut out, e) }),
        run(|e| unsafe { payseal_call_respond(call, 200, ptr::null(), 0, ptr::null(), 0, e) }),
        run(|e| unsafe { payseal_call_fail(call, 1, ptr::null(), 0, e) }),
        run(|e| unsafe { payseal_call_result(call, &mut out, &mut more, e) }),
    ]
}

fn uses_of_a_download(download: *mut payseal_download) -> Vec<Result<(), Raised>> {
    let (mut out, mut bytes, mut count) = (garbage(), [0u8; 4], 0);
    let (mut action, to) = (0, bytes.as_mut_ptr());
    let (path, path_len) = ("/nowhere/x".as_ptr(), 10);
    vec![
        run(|e| unsafe { payseal_download_read(download, to, 4, &mut count, e) }),
        run(|e| unsafe { payseal_download_save(download, path, path_len, &mut out, e) }),
        run(|e| unsafe { payseal_download_info(download, &mut out, e) }),
        run(|e| unsafe { payseal_download_step(download, &mut action, ptr::null_mut(), e) }),
        run(|e| unsafe { payseal_download_request(download, &mut out, e) }),
        run(|e| unsafe { payseal_download_body(download, &mut out, e) }),
        run(|e| unsafe { payseal_download_respond(download, 200, ptr::null(), 0, e) }),
        run(|e| unsafe { payseal_download_receive(download, to, 4, e) }),
        run(|e| unsafe { payseal_download_end(download, e) }),
        run(|e| unsafe { payseal_download_fail(download, 1, ptr::null(), 0, e) }),
        run(|e| unsafe { payseal_download_take(download, to, 4, &mut count, e) }),
        run(|e| unsafe { payseal_download_save_to(download, path, path_len, e) }),
    ]
}

#[track_caller]
fn all_refused(uses: Vec<Result<(), Raised>>) {
    for (index, result) in uses.into_iter().enumerate() {
        let raised = result.expect_err("a handle that is none");
        assert_eq!(
            raised.code,
            Code::InvalidHandle as i32,
            "use {index}: {raised:?}"
        );
        assert_eq!(raised.outcome, payseal::Outcome::NotSent as i32);
    }
}

/// Numbers that look like handles, and pointers to memory that is ours.
fn made_up(real: usize) -> Vec<usize> {
    let local = 7u64;
    vec![
        1,
        8,
        usize::MAX,
        isize::MAX as usize,
        (&raw const local).addr(),
        real ^ 1,
        real + 1,
        real ^ (1 << 24),
        real ^ (1 << 47),
        real ^ (1 << 48),
        real & 0xFFFF_FFFF,
        real | 0xFF_FFFF,
    ]
}

#[test]
fn a_client_that_is_none_is_refused_by_every_function() {
    let real = client();
    all_refused(uses_of_a_client(ptr::null()));
    for number in made_up(real.addr()) {
        all_refused(uses_of_a_client(ptr::without_provenance(number)));
        payseal_client_free(ptr::without_provenance_mut(number));
    }
    let other = cancel();
    let call = new_call(real, QUERY, &query(ORDER)).unwrap();
    let error = error();
    for foreign in [other.addr(), call.addr(), error.addr()] {
        all_refused(uses_of_a_client(ptr::without_provenance(foreign)));
        payseal_client_free(ptr::without_provenance_mut(foreign));
    }
    assert!(
        invoke(real, &json!({ "prepay_id": "x" })).is_ok(),
        "it was not harmed"
    );
    payseal_client_free(real);
    all_refused(uses_of_a_client(real));
    payseal_client_free(real);
    payseal_client_free(ptr::null_mut());
    let next = client();
    assert_ne!(next, real);
    all_refused(uses_of_a_client(real));
    payseal_client_free(real);
    assert!(invoke(next, &json!({ "prepay_id": "x" })).is_ok());
    payseal_client_free(next);
    payseal_call_free(call);
    payseal_cancel_free(other);
    payseal_error_free(error);
}

#[test]
fn a_call_that_is_none_is_refused_by_every_function() {
    let client = client();
    let call = new_call(client, QUERY, &query(ORDER)).unwrap();
    all_refused(uses_of_a_call(ptr::null_mut()));
    for number in made_up(call.addr()) {
        all_refused(uses_of_a_call(ptr::without_provenance_mut(number)));
        payseal_call_free(ptr::without_provenance_mut(number));
    }
    all_refused(uses_of_a_call(ptr::without_provenance_mut(client.addr())));
    payseal_call_free(ptr::without_provenance_mut(client.addr()));
    assert_eq!(step(call).unwrap().0, Action::Send as i32);
    payseal_call_free(call);
    all_refused(uses_of_a_call(call));
    payseal_call_free(call);
    payseal_call_free(ptr::null_mut());
    payseal_client_free(client);
}

#[test]
fn a_download_that_is_none_is_refused_by_every_function() {
    let client = client();
    let file = r#"{"operation":"GET /v3/bill/tradebill","query":{"bill_date":"2023-11-13"}}"#;
    let download = new_download(client, file).unwrap();
    all_refused(uses_of_a_download(ptr::null_mut()));
    for number in made_up(download.addr()) {
        all_refused(uses_of_a_download(ptr::without_provenance_mut(number)));
        payseal_download_free(ptr::without_provenance_mut(number));
    }
    all_refused(uses_of_a_download(ptr::without_provenance_mut(
        client.addr(),
    )));
    payseal_client_free(client);
    let mut action = 0;
    run(|e| unsafe { payseal_download_step(download, &mut action, ptr::null_mut(), e) })
        .expect("a download keeps what it needs of its client");
    assert_eq!(action, Action::Send as i32);
    payseal_download_free(download);
    all_refused(uses_of_a_download(download));
    payseal_download_free(download);
    payseal_download_free(ptr::null_mut());
}

#[test]
fn a_cancel_that_is_none_is_refused_and_null_is_no_cancel() {
    let client = client();
    let real = cancel();
    let mut freed = Vec::new();
    payseal_cancel_free(real);
    freed.push(real.addr());
    freed.extend(made_up(real.addr()));
    freed.push(client.addr());
    for number in freed {
        let bad: *const payseal_cancel = ptr::without_provenance(number);
        let raised = run(|e| unsafe { payseal_cancel_trigger(bad, e) }).unwrap_err();
        assert_eq!(raised.code, Code::InvalidHandle as i32);
        let (mut body, mut info) = (garbage(), garbage());
        let operation = "GET /v3/x";
        let raised = run(|e| unsafe {
            payseal_client_execute(
                client,
                operation.as_ptr(),
                operation.len(),
                ptr::null(),
                0,
                ptr::null(),
                0,
                bad,
                &mut body,
                &mut info,
                e,
            )
        })
        .unwrap_err();
        assert_eq!(raised.code, Code::InvalidHandle as i32);
        payseal_cancel_free(ptr::without_provenance_mut(number));
    }
    let raised = run(|e| unsafe { payseal_cancel_trigger(ptr::null(), e) }).unwrap_err();
    assert_eq!(raised.code, Code::InvalidHandle as i32);
    payseal_cancel_free(ptr::null_mut());
    payseal_client_free(client);
}

#[test]
fn an_error_that_is_none_says_so_and_shows_nothing() {
    assert_eq!(payseal_error_code(ptr::null()), 0);
    assert_eq!(payseal_error_outcome(ptr::null()), 0);
    let (client, real) = (client(), error());
    payseal_error_free(real);
    let mut numbers = made_up(real.addr());
    numbers.extend([real.addr(), client.addr()]);
    for number in numbers {
        let bad: *mut payseal_error = ptr::without_provenance_mut(number);
        assert_eq!(payseal_error_code(bad), Code::InvalidHandle as i32);
        assert_eq!(payseal_error_outcome(bad), 0);
        let mut len = 77;
        assert!(payseal_error_message(bad, &mut len).is_null());
        assert_eq!(len, 0);
        assert!(payseal_error_details(bad, &mut len).is_null());
        payseal_error_free(bad);
    }
    payseal_error_free(ptr::null_mut());
    payseal_client_free(client);
}

#[test]
fn a_freed_client_is_kept_by_its_calls_until_they_are_done() {
    let client = client();
    let call = new_call(client, NATIVE, &native_order()).unwrap();
    payseal_client_free(client);
    assert_eq!(step(call).unwrap().0, Action::Send as i32);
    let signed = BY_PUBLIC_KEY.signed(r#"{"code_url":"weixin://x"}"#);
    let lines = signed.lines();
    run(|e| unsafe {
        payseal_call_respond(
            call,
            200,
            lines.as_ptr(),
            lines.len(),
            signed.body.as_ptr(),
            signed.body.len(),
            e,
        )
    })
    .unwrap();
    assert_eq!(step(call).unwrap().0, Action::Done as i32);
    let (mut body, mut info) = (garbage(), garbage());
    run(|e| unsafe { payseal_call_result(call, &mut body, &mut info, e) }).unwrap();
    assert_eq!(crate::abi::take(body), signed.body);
    crate::abi::take(info);
    let raised = run(|e| unsafe { payseal_call_result(call, &mut garbage(), &mut garbage(), e) });
    assert_eq!(
        raised.unwrap_err().code,
        Code::InvalidState as i32,
        "the result is given once"
    );
    payseal_call_free(call);
}

#[test]
fn an_open_notification_needs_no_event_and_no_error_place() {
    let client = client();
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let lines = event.lines();
    let mut plaintext = garbage();
    let code = unsafe {
        payseal_notification_open(
            client,
            lines.as_ptr(),
            lines.len(),
            event.body.as_ptr(),
            event.body.len(),
            ptr::null(),
            0,
            &mut plaintext,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(code, 0);
    assert!(!crate::abi::take(plaintext).is_empty());
    payseal_client_free(client);
}
