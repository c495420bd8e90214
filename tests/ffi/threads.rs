//! Many threads at one client, one call and one cancel, while they are freed.

use std::ptr;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use payseal::Code;
use payseal::ffi::*;
use serde_json::json;

use crate::abi::{Raised, garbage, invoke, new_call, new_client, open, run, step, take};
use crate::support::merchant::{ORDER, QUERY, config, query};
use crate::support::platform::{BY_PUBLIC_KEY, notification};

const THREADS: usize = 64;

/// A handle is a number; sharing it is what the header allows.
struct Shared<T>(*mut T);
unsafe impl<T> Send for Shared<T> {}
unsafe impl<T> Sync for Shared<T> {}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

impl<T> Shared<T> {
    fn get(self) -> *mut T {
        self.0
    }
}

fn gone(raised: &Raised) -> bool {
    raised.code == Code::InvalidHandle as i32
}

#[test]
fn sixty_four_threads_use_a_client_until_it_is_freed_under_them() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn dropped(_: *mut std::ffi::c_void) {
        DROPPED.fetch_add(1, SeqCst);
    }
    unsafe extern "C" fn now_ms(_: *mut std::ffi::c_void) -> i64 {
        assert_eq!(DROPPED.load(SeqCst), 0, "used after it was dropped");
        crate::support::merchant::NOW * 1000
    }
    let table = payseal_callbacks {
        size: size_of::<payseal_callbacks>(),
        user: ptr::null_mut(),
        log: None,
        now_ms: Some(now_ms),
        random: None,
        sign: None,
        drop: Some(dropped),
        cache_get: None,
        cache_put: None,
    };
    let client = Shared(new_client(&config(json!({})), &table).unwrap());
    let event = BY_PUBLIC_KEY.signed(notification().to_string());
    let (lines, body) = (event.lines(), event.body);
    let (start, worked) = (Barrier::new(THREADS + 1), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, worked, lines, body) = (&start, &worked, &lines, &body);
            scope.spawn(move || {
                let client = client.get();
                start.wait();
                loop {
                    let result = match thread % 4 {
                        0 => invoke(client, &json!({ "prepay_id": "wx1" })).map(drop),
                        1 => open(client, lines, body).map(drop),
                        2 => new_call(client, QUERY, &query(ORDER)).map(|call| {
                            // The call outlives the client if it must.
                            assert_eq!(step(call).unwrap().0, Action::Send as i32);
                            payseal_call_free(call);
                        }),
                        _ => {
                            let mut text = garbage();
                            run(|e| unsafe { payseal_client_metrics(client, &mut text, e) })
                                .map(|()| drop(take(text)))
                        }
                    };
                    match result {
                        Ok(()) => drop(worked.fetch_add(1, SeqCst)),
                        Err(raised) => {
                            assert!(gone(&raised), "{raised:?}");
                            return;
                        }
                    }
                }
            });
        }
        start.wait();
        while worked.load(SeqCst) < 500 {
            std::thread::yield_now();
        }
        // Two at once: one of them frees, the other finds nothing.
        scope.spawn(move || payseal_client_free(client.get()));
        payseal_client_free(client.get());
    });
    assert_eq!(DROPPED.load(SeqCst), 1);
    println!("{} uses before the client was freed", worked.load(SeqCst));
}

#[test]
fn a_call_that_two_threads_use_at_once_is_an_error_and_no_crash() {
    let client = new_client(&config(json!({})), ptr::null()).unwrap();
    let call = Shared(new_call(client, QUERY, &query(ORDER)).unwrap());
    let start = Barrier::new(THREADS + 1);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let start = &start;
            scope.spawn(move || {
                let call = call.get();
                start.wait();
                for _ in 0..200 {
                    let result = match thread % 4 {
                        0 => step(call).map(drop),
                        1 => {
                            let mut request = garbage();
                            run(|e| unsafe { payseal_call_request(call, &mut request, e) })
                                .map(|()| drop(take(request)))
                        }
                        2 => run(|e| unsafe {
                            payseal_call_fail(call, HostFailure::NotSent as i32, ptr::null(), 0, e)
                        }),
                        _ => {
                            let (mut body, mut info) = (garbage(), garbage());
                            run(|e| unsafe { payseal_call_result(call, &mut body, &mut info, e) })
                        }
                    };
                    if let Err(raised) = result {
                        let expected = [
                            Code::InvalidState as i32,
                            Code::InvalidHandle as i32,
                            Code::ConnectFailed as i32,
                        ];
                        assert!(expected.contains(&raised.code), "{raised:?}");
                    }
                }
            });
        }
        start.wait();
        std::thread::yield_now();
        payseal_call_free(call.get());
    });
    payseal_client_free(client);
}

#[test]
fn a_cancel_is_triggered_and_freed_from_everywhere() {
    for _ in 0..20 {
        let mut cancel = ptr::null_mut();
        run(|e| unsafe { payseal_cancel_new(&mut cancel, e) }).unwrap();
        let cancel = Shared(cancel);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                scope.spawn(move || {
                    let cancel = cancel.get();
                    for _ in 0..50 {
                        if let Err(raised) = run(|e| unsafe { payseal_cancel_trigger(cancel, e) }) {
                            assert!(gone(&raised));
                        }
                    }
                    if thread % 2 == 0 {
                        payseal_cancel_free(cancel);
                    }
                });
            }
        });
    }
}

#[test]
fn an_error_is_read_by_many_threads() {
    let mut error = ptr::null_mut();
    unsafe { payseal_client_metrics(ptr::null(), &mut garbage(), &mut error) };
    let error = Shared(error);
    let first = crate::abi::read(error.get());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let first = &first;
            scope.spawn(move || {
                for _ in 0..100 {
                    assert_eq!(crate::abi::read(error.get()), *first);
                }
            });
        }
    });
    payseal_error_free(error.get());
}
