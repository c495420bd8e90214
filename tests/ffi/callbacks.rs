//! What a host lends: each function may fail, and `drop` comes once, at the very end.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use payseal::crypto::PrivateKey;
use payseal::ffi::*;
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::abi::{invoke, new_call, new_client, run, step};
use crate::support::canary;
use crate::support::merchant::{MERCHANT, NOW, ORDER, QUERY, config, query};

/// What the functions find behind `user`.
struct Lent {
    now_ms: i64,
    random: i32,
    sign: i32,
    signature_len: usize,
    dropped: AtomicUsize,
    logged: AtomicUsize,
}

impl Lent {
    fn new() -> Box<Lent> {
        Box::new(Lent {
            now_ms: NOW * 1000,
            random: 0,
            sign: 0,
            signature_len: 256,
            dropped: AtomicUsize::new(0),
            logged: AtomicUsize::new(0),
        })
    }

    /// All functions, or those that are asked for.
    fn table(&self) -> payseal_callbacks {
        payseal_callbacks {
            size: size_of::<payseal_callbacks>(),
            user: (&raw const *self).cast_mut().cast(),
            log: Some(log),
            now_ms: Some(now_ms),
            random: Some(random),
            sign: None,
            drop: Some(dropped),
            cache_get: None,
            cache_put: None,
        }
    }

    fn drops(&self) -> usize {
        self.dropped.load(SeqCst)
    }
}

unsafe fn lent<'a>(user: *mut c_void) -> &'a Lent {
    // SAFETY: the tests keep it for as long as the client lives.
    unsafe { &*user.cast() }
}

unsafe extern "C" fn log(user: *mut c_void, level: i32, record: *const u8, len: usize) {
    let record = unsafe { std::slice::from_raw_parts(record, len) };
    let record = std::str::from_utf8(record).unwrap();
    canary::check(record);
    let record: Value = serde_json::from_str(record).unwrap();
    assert!((1..=4).contains(&level) && record["event"].is_string());
    unsafe { lent(user) }.logged.fetch_add(1, SeqCst);
}

unsafe extern "C" fn now_ms(user: *mut c_void) -> i64 {
    unsafe { lent(user) }.now_ms
}

unsafe extern "C" fn random(user: *mut c_void, out: *mut u8, len: usize) -> i32 {
    unsafe { ptr::write_bytes(out, 0xAB, len) };
    unsafe { lent(user) }.random
}

unsafe extern "C" fn sign(
    user: *mut c_void,
    message: *const u8,
    len: usize,
    signature: *mut u8,
    signature_len: *mut usize,
) -> i32 {
    let lent = unsafe { lent(user) };
    assert_eq!(
        unsafe { *signature_len },
        1024,
        "the room that the header promises"
    );
    let message = unsafe { std::slice::from_raw_parts(message, len) };
    let key = PrivateKey::parse(MERCHANT.private.as_bytes()).unwrap();
    let signed = key.sign_sha256(message).unwrap();
    unsafe {
        ptr::copy_nonoverlapping(signed.as_ptr(), signature, signed.len());
        *signature_len = lent.signature_len;
    }
    lent.sign
}

unsafe extern "C" fn dropped(user: *mut c_void) {
    unsafe { lent(user) }.dropped.fetch_add(1, SeqCst);
}

fn page() -> Value {
    json!({ "prepay_id": "wx1" })
}

#[test]
fn clock_and_random_source_of_the_host_are_used() {
    let lent = Lent::new();
    let client = new_client(&config(json!({})), &lent.table()).unwrap();
    let result = invoke(client, &page()).unwrap();
    assert_eq!(result["timeStamp"], NOW.to_string());
    assert_eq!(result["nonceStr"], "AB".repeat(16));
    payseal_client_free(client);
    assert_eq!(lent.drops(), 1);
}

#[test]
fn a_signer_of_the_host_signs_and_no_key_is_needed() {
    let lent = Lent::new();
    let table = payseal_callbacks {
        sign: Some(sign),
        ..lent.table()
    };
    let by_host = new_client(&config(json!({ "private_key": null })), &table).unwrap();
    let by_key = new_client(&config(json!({})), &lent.table()).unwrap();
    assert_eq!(
        invoke(by_host, &page()).unwrap(),
        invoke(by_key, &page()).unwrap()
    );
    payseal_client_free(by_host);
    payseal_client_free(by_key);
    assert_eq!(lent.drops(), 2);
}

#[test]
fn a_function_of_the_host_that_fails_fails_the_call_and_nothing_is_sent() {
    let sign_with = |lent: &Lent| payseal_callbacks {
        sign: Some(sign),
        ..lent.table()
    };
    let cases: Vec<(Box<Lent>, Code)> = vec![
        (
            Box::new(Lent {
                random: -1,
                ..*Lent::new()
            }),
            Code::CallbackFailed,
        ),
        (
            Box::new(Lent {
                random: 1,
                ..*Lent::new()
            }),
            Code::CallbackFailed,
        ),
        (
            Box::new(Lent {
                sign: -1,
                ..*Lent::new()
            }),
            Code::SignerFailed,
        ),
        (
            Box::new(Lent {
                sign: i32::MAX,
                ..*Lent::new()
            }),
            Code::SignerFailed,
        ),
        (
            Box::new(Lent {
                signature_len: 0,
                ..*Lent::new()
            }),
            Code::SignerFailed,
        ),
        (
            Box::new(Lent {
                signature_len: 1025,
                ..*Lent::new()
            }),
            Code::SignerFailed,
        ),
        (
            Box::new(Lent {
                signature_len: usize::MAX,
                ..*Lent::new()
            }),
            Code::SignerFailed,
        ),
    ];
    for (lent, code) in cases {
        let client =
            new_client(&config(json!({ "private_key": null })), &sign_with(&lent)).unwrap();
        let raised = invoke(client, &page()).unwrap_err();
        assert_eq!(
            (raised.code, raised.outcome),
            (code as i32, Outcome::NotSent as i32)
        );
        let call = new_call(client, QUERY, &query(ORDER)).unwrap();
        assert_eq!(step(call).unwrap().0, Action::Done as i32);
        payseal_call_free(call);
        payseal_client_free(client);
        assert_eq!(lent.drops(), 1);
    }
    for now_ms in [-1, i64::MIN] {
        let lent = Box::new(Lent {
            now_ms,
            ..*Lent::new()
        });
        let raised = new_client(&config(json!({})), &lent.table()).unwrap_err();
        assert_eq!(raised.code, Code::CallbackFailed as i32);
        assert_eq!(lent.drops(), 1);
    }
}

#[test]
fn drop_comes_once_also_when_no_client_is_made() {
    let lent = Lent::new();
    for wrong in [
        json!({ "mchid": "x" }),
        json!({ "apiv3_key": "" }),
        json!({ "unknown": 1 }),
    ] {
        let before = lent.drops();
        new_client(&config(wrong), &lent.table()).unwrap_err();
        assert_eq!(lent.drops(), before + 1);
    }
    let before = lent.drops();
    let text = config(json!({})).to_string();
    let code = unsafe {
        payseal_client_new(
            text.as_ptr(),
            text.len(),
            &lent.table(),
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
    assert_eq!(code, Code::InvalidArgument as i32);
    assert_eq!(lent.drops(), before + 1);
}

#[test]
fn drop_waits_for_the_last_call() {
    let lent = Lent::new();
    let client = new_client(&config(json!({})), &lent.table()).unwrap();
    let (one, two) = (
        new_call(client, QUERY, &query(ORDER)).unwrap(),
        new_call(client, QUERY, &query(ORDER)).unwrap(),
    );
    payseal_client_free(client);
    payseal_client_free(client);
    assert_eq!(lent.drops(), 0);
    payseal_call_free(one);
    assert_eq!(lent.drops(), 0);
    assert_eq!(
        step(two).unwrap().0,
        Action::Send as i32,
        "the host's clock is still there"
    );
    payseal_call_free(two);
    assert_eq!(lent.drops(), 1);
    assert_eq!(lent.logged.load(SeqCst), 0);
}

#[test]
fn a_table_of_the_wrong_size_or_place_is_refused() {
    let lent = Lent::new();
    let least = std::mem::offset_of!(payseal_callbacks, cache_get);
    for size in [0, 1, size_of::<usize>(), least - 1] {
        let table = payseal_callbacks {
            size,
            ..lent.table()
        };
        let raised = new_client(&config(json!({})), &table).unwrap_err();
        assert_eq!(
            (raised.code, raised.field()),
            (Code::InvalidArgument as i32, "callbacks")
        );
    }
    let table = [lent.table(); 2];
    let crooked = table.as_ptr().cast::<u8>().wrapping_add(1).cast();
    let raised = new_client(&config(json!({})), crooked).unwrap_err();
    assert_eq!(raised.field(), "callbacks");
    // A later version's table is longer; what follows is not ours.
    let longer = payseal_callbacks {
        size: 4096,
        ..lent.table()
    };
    payseal_client_free(new_client(&config(json!({})), &longer).unwrap());
}

#[test]
fn an_empty_table_is_as_good_as_none() {
    let table = payseal_callbacks {
        size: size_of::<payseal_callbacks>(),
        user: ptr::null_mut(),
        log: None,
        now_ms: None,
        random: None,
        sign: None,
        drop: None,
        cache_get: None,
        cache_put: None,
    };
    let client = new_client(&config(json!({})), &table).unwrap();
    invoke(client, &page()).unwrap();
    payseal_client_free(client);
}

#[test]
fn a_table_from_before_there_was_a_cache_still_works() {
    let lent = Lent::new();
    let older = payseal_callbacks {
        size: std::mem::offset_of!(payseal_callbacks, cache_get),
        ..lent.table()
    };
    let client = new_client(&config(json!({})), &older).unwrap();
    payseal_client_free(client);
    assert_eq!(lent.drops(), 1);
}

#[test]
fn half_a_cache_is_refused() {
    let lent = Lent::new();
    let half = payseal_callbacks {
        cache_get: Some(cached),
        ..lent.table()
    };
    let raised = new_client(&config(json!({})), &half).unwrap_err();
    assert_eq!(raised.field(), "callbacks");
    assert_eq!(lent.drops(), 1);
}

const KEPT: &[u8] = br#"{"token":"72_Shared","until":1700001000}"#;

unsafe extern "C" fn cached(
    _: *mut c_void,
    key: *const u8,
    key_len: usize,
    value: *mut u8,
    value_len: *mut usize,
) -> i32 {
    // SAFETY: as the header promises.
    unsafe {
        let key = std::slice::from_raw_parts(key, key_len);
        if key != b"payseal:weixin:wxd678efh567hg6787:access_token" {
            return 1;
        }
        assert!(*value_len >= KEPT.len());
        ptr::copy_nonoverlapping(KEPT.as_ptr(), value, KEPT.len());
        *value_len = KEPT.len();
        0
    }
}

unsafe extern "C" fn keep(
    _: *mut c_void,
    _: *const u8,
    _: usize,
    _: *const u8,
    _: usize,
    _: i64,
) -> i32 {
    0
}

#[test]
fn a_token_that_is_in_the_hosts_cache_is_not_fetched() {
    let table = payseal_callbacks {
        cache_get: Some(cached),
        cache_put: Some(keep),
        ..crate::abi::standing_clock()
    };
    let weixin = json!({ "provider": "weixin", "appid": "wxd678efh567hg6787", "secret": "5eCreT0fTheApp5eCreT0fTheApp5eCr" });
    let client = new_client(&weixin, &table).unwrap();
    let flow = "access_token";
    let mut call = ptr::null_mut();
    run(|e| unsafe {
        payseal_call_new_flow(
            client,
            flow.as_ptr(),
            flow.len(),
            ptr::null(),
            0,
            &mut call,
            e,
        )
    })
    .unwrap();
    assert_eq!(crate::abi::step(call).unwrap().0, Action::Done as i32);
    let mut body = crate::abi::garbage();
    run(|e| unsafe { payseal_call_result(call, &mut body, ptr::null_mut(), e) }).unwrap();
    let token: serde_json::Value = serde_json::from_slice(&crate::abi::take(body)).unwrap();
    assert_eq!(token["access_token"], "72_Shared");
    payseal_call_free(call);
    payseal_client_free(client);
}
