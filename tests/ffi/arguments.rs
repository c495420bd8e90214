//! NULL, nothing, too much and no text, for every argument of every function.

use std::ptr;

use payseal::Code;
use payseal::ffi::*;
use serde_json::json;

use crate::abi::{Raised, garbage, new_call, new_client, new_download, run, take};
use crate::support::merchant::{MERCHANT, ORDER, QUERY, config, query};

/// An input: pointer and length.
type Input = (*const u8, usize);

const NOTHING: Input = (ptr::null(), 0);

fn input(text: &'static str) -> Input {
    (text.as_ptr(), text.len())
}

/// What no input may be: NULL with a length, and longer than any memory. None of them is ever read.
fn impossible() -> Vec<(Input, &'static str)> {
    let text = "{}".as_ptr();
    vec![
        ((ptr::null(), 1), "NULL with a length"),
        ((ptr::null(), usize::MAX), "NULL with the longest length"),
        ((text, usize::MAX), "the longest length"),
        ((text, isize::MAX as usize), "a length near the longest"),
        ((text, (1 << 32) + 1), "more than any limit"),
    ]
}

const NOT_UTF8: &[u8] = b"\xff\xfe";

/// Parameters of a download for which nothing has to be asked first.
const KNOWN_FILE: &str = r#"{"download_url":"https://api.mch.weixin.qq.com/v3/billdownload/file?token=x","hash_type":"SHA1",
    "hash_value":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}"#;

/// Something done with a download that has sent nothing yet.
fn on_a_download(
    client: *mut payseal_client,
    work: impl FnOnce(*mut payseal_download) -> Result<(), Raised>,
) -> Result<(), Raised> {
    let download = new_download(client, KNOWN_FILE)?;
    let result = work(download);
    payseal_download_free(download);
    result
}

type Call = dyn Fn(&[Input]) -> Result<(), Raised>;

/// A function with some inputs, all of them good but one.
struct Case {
    name: &'static str,
    inputs: Vec<Input>,
    /// Which of them are text.
    texts: &'static [usize],
    call: Box<Call>,
}

fn case(
    name: &'static str,
    inputs: &[Input],
    texts: &'static [usize],
    call: impl Fn(&[Input]) -> Result<(), Raised> + 'static,
) -> Case {
    Case {
        name,
        inputs: inputs.to_vec(),
        texts,
        call: Box::new(call),
    }
}

fn cases(client: *mut payseal_client, call: *mut payseal_call) -> Vec<Case> {
    // Real keys: what comes after the key is looked at only when it can be read.
    let private = input(&MERCHANT.private);
    let crypto = [
        input("RSA-SHA256"),
        input(&MERCHANT.public),
        input("message"),
        input("signature"),
    ];
    let aead = [
        input("AES-256-GCM"),
        input("0123456789abcdef0123456789abcdef"),
        input("123456789012"),
        NOTHING,
        input("plaintext"),
    ];
    vec![
        case("payseal_client_new", &[input("{}")], &[], |i| {
            let mut client = ptr::null_mut();
            run(|e| unsafe { payseal_client_new(i[0].0, i[0].1, ptr::null(), &mut client, e) })
        }),
        case("payseal_operations", &[input("wechat")], &[0], |i| {
            let mut json = garbage();
            run(|e| unsafe { payseal_operations(i[0].0, i[0].1, &mut json, e) })?;
            take(json);
            Ok(())
        }),
        case(
            "payseal_client_execute",
            &[input("no operation"), input("{}"), NOTHING],
            &[0],
            move |i| {
                let (mut body, mut info) = (garbage(), garbage());
                run(|e| unsafe {
                    payseal_client_execute(
                        client,
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        i[2].0,
                        i[2].1,
                        ptr::null(),
                        &mut body,
                        &mut info,
                        e,
                    )
                })
            },
        ),
        case(
            "payseal_client_invoke",
            &[input("native"), input(r#"{"code_url":"weixin://x"}"#)],
            &[0],
            move |i| {
                let mut json = garbage();
                run(|e| unsafe {
                    payseal_client_invoke(client, i[0].0, i[0].1, i[1].0, i[1].1, &mut json, e)
                })?;
                take(json);
                Ok(())
            },
        ),
        case(
            "payseal_call_new",
            &[input("GET /v3/x"), input("{}"), NOTHING],
            &[0],
            move |i| {
                let mut call = ptr::null_mut();
                run(|e| unsafe {
                    payseal_call_new(
                        client, i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, &mut call, e,
                    )
                })?;
                payseal_call_free(call);
                Ok(())
            },
        ),
        case(
            "payseal_call_new_notification",
            &[input("A: b"), input("body"), NOTHING],
            &[],
            move |i| {
                let mut call = ptr::null_mut();
                run(|e| unsafe {
                    payseal_call_new_notification(
                        client, i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, &mut call, e,
                    )
                })?;
                payseal_call_free(call);
                Ok(())
            },
        ),
        case(
            "payseal_notification_open",
            &[input("A: b"), input("body"), NOTHING],
            &[],
            move |i| {
                let (mut plaintext, mut event) = (garbage(), garbage());
                run(|e| unsafe {
                    payseal_notification_open(
                        client,
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        i[2].0,
                        i[2].1,
                        &mut plaintext,
                        &mut event,
                        e,
                    )
                })
            },
        ),
        case(
            "payseal_client_run",
            &[input("await_nothing"), input("{}")],
            &[0],
            move |i| {
                let (mut body, mut info) = (garbage(), garbage());
                run(|e| unsafe {
                    payseal_client_run(
                        client,
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        ptr::null(),
                        &mut body,
                        &mut info,
                        e,
                    )
                })
            },
        ),
        case(
            "payseal_call_new_flow",
            &[input("await_payment"), input("{}")],
            &[0],
            move |i| {
                let mut call = ptr::null_mut();
                run(|e| unsafe {
                    payseal_call_new_flow(client, i[0].0, i[0].1, i[1].0, i[1].1, &mut call, e)
                })?;
                payseal_call_free(call);
                Ok(())
            },
        ),
        case(
            "payseal_qr_encode",
            &[input("weixin://wxpay/x"), input("{}")],
            &[0],
            |i| {
                let mut image = garbage();
                run(|e| unsafe {
                    payseal_qr_encode(i[0].0, i[0].1, i[1].0, i[1].1, &mut image, e)
                })?;
                take(image);
                Ok(())
            },
        ),
        case("payseal_doctor", &[input("{}"), NOTHING], &[], |i| {
            let mut report = garbage();
            run(|e| unsafe {
                payseal_doctor(i[0].0, i[0].1, ptr::null(), i[1].0, i[1].1, &mut report, e)
            })?;
            take(report);
            Ok(())
        }),
        case(
            "payseal_notification_explain",
            &[input("A: b"), input("body")],
            &[],
            move |i| {
                let mut explanation = garbage();
                run(|e| unsafe {
                    payseal_notification_explain(
                        client,
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        &mut explanation,
                        e,
                    )
                })?;
                take(explanation);
                Ok(())
            },
        ),
        case(
            "payseal_notification_route",
            &[input("A: b"), input("body")],
            &[],
            move |i| {
                let clients: [*const payseal_client; 1] = [client];
                let mut index = 7;
                run(|e| unsafe {
                    payseal_notification_route(
                        clients.as_ptr(),
                        1,
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        &mut index,
                        e,
                    )
                })
            },
        ),
        case(
            "payseal_download_new",
            &[input(KNOWN_FILE)],
            &[],
            move |i| {
                let mut download = ptr::null_mut();
                run(|e| unsafe {
                    payseal_download_new(client, i[0].0, i[0].1, ptr::null(), &mut download, e)
                })?;
                payseal_download_free(download);
                Ok(())
            },
        ),
        case("payseal_download_save", &[input("/tmp")], &[], move |i| {
            on_a_download(client, |download| {
                let mut info = garbage();
                run(|e| unsafe { payseal_download_save(download, i[0].0, i[0].1, &mut info, e) })
            })
        }),
        case(
            "payseal_download_save_to",
            &[input("/tmp")],
            &[],
            move |i| {
                on_a_download(client, |download| {
                    run(|e| unsafe { payseal_download_save_to(download, i[0].0, i[0].1, e) })
                })
            },
        ),
        case(
            "payseal_download_respond",
            &[input("A: b")],
            &[],
            move |i| {
                on_a_download(client, |download| {
                    run(|e| unsafe { payseal_download_respond(download, 200, i[0].0, i[0].1, e) })
                })
            },
        ),
        case(
            "payseal_download_receive",
            &[input("piece")],
            &[],
            move |i| {
                on_a_download(client, |download| {
                    run(|e| unsafe { payseal_download_receive(download, i[0].0, i[0].1, e) })
                })
            },
        ),
        case(
            "payseal_download_fail",
            &[input("reason")],
            &[0],
            move |i| {
                on_a_download(client, |download| {
                    run(|e| unsafe { payseal_download_fail(download, 1, i[0].0, i[0].1, e) })
                })
            },
        ),
        case(
            "payseal_call_respond",
            &[input("A: b"), input("body")],
            &[],
            move |i| {
                run(|e| unsafe {
                    payseal_call_respond(call, 200, i[0].0, i[0].1, i[1].0, i[1].1, e)
                })
            },
        ),
        case("payseal_call_fail", &[input("reason")], &[0], move |i| {
            run(|e| unsafe { payseal_call_fail(call, 1, i[0].0, i[0].1, e) })
        }),
        case(
            "payseal_crypto_sign",
            &[crypto[0], private, crypto[2]],
            &[0],
            |i| {
                let mut signature = garbage();
                run(|e| unsafe {
                    payseal_crypto_sign(
                        i[0].0,
                        i[0].1,
                        i[1].0,
                        i[1].1,
                        i[2].0,
                        i[2].1,
                        &mut signature,
                        e,
                    )
                })?;
                take(signature);
                Ok(())
            },
        ),
        case("payseal_crypto_verify", &crypto, &[0], |i| {
            run(|e| unsafe {
                payseal_crypto_verify(
                    i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, i[3].0, i[3].1, e,
                )
            })
        }),
        case("payseal_crypto_seal", &aead, &[0], |i| {
            let mut out = garbage();
            run(|e| unsafe {
                payseal_crypto_seal(
                    i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, i[3].0, i[3].1, i[4].0, i[4].1,
                    &mut out, e,
                )
            })?;
            take(out);
            Ok(())
        }),
        case("payseal_crypto_open", &aead, &[0], |i| {
            let mut out = garbage();
            run(|e| unsafe {
                payseal_crypto_open(
                    i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, i[3].0, i[3].1, i[4].0, i[4].1,
                    &mut out, e,
                )
            })
        }),
        case(
            "payseal_crypto_digest",
            &[input("HMAC-SHA256"), input("key"), input("message")],
            &[0],
            |i| {
                let mut out = garbage();
                run(|e| unsafe {
                    payseal_crypto_digest(
                        i[0].0, i[0].1, i[1].0, i[1].1, i[2].0, i[2].1, &mut out, e,
                    )
                })?;
                take(out);
                Ok(())
            },
        ),
    ]
}

/// A client, and a call of it that waits for an answer.
fn handles() -> (*mut payseal_client, *mut payseal_call) {
    let client = new_client(&config(json!({})), ptr::null()).unwrap();
    let call = new_call(client, QUERY, &query(ORDER)).unwrap();
    assert_eq!(crate::abi::step(call).unwrap().0, Action::Send as i32);
    (client, call)
}

#[test]
fn an_impossible_input_is_an_error_of_the_argument_and_is_never_read() {
    let (client, call) = handles();
    let mut count = 0;
    for case in cases(client, call) {
        for at in 0..case.inputs.len() {
            for (bad, what) in impossible() {
                let mut inputs = case.inputs.clone();
                inputs[at] = bad;
                let raised = (case.call)(&inputs).expect_err(case.name);
                assert_eq!(
                    raised.code,
                    Code::InvalidArgument as i32,
                    "{} argument {at}: {what}: {raised:?}",
                    case.name
                );
                assert!(!raised.field().is_empty(), "{}: {raised:?}", case.name);
                count += 1;
            }
        }
        for at in case.texts {
            let mut inputs = case.inputs.clone();
            inputs[*at] = (NOT_UTF8.as_ptr(), NOT_UTF8.len());
            let raised = (case.call)(&inputs).expect_err(case.name);
            assert_eq!(raised.code, Code::InvalidArgument as i32, "{raised:?}");
            count += 1;
        }
    }
    println!("{count} impossible inputs refused");
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn an_empty_input_is_no_crash() {
    let (client, call) = handles();
    for case in cases(client, call) {
        for at in 0..case.inputs.len() {
            for empty in [NOTHING, input("")] {
                let mut inputs = case.inputs.clone();
                inputs[at] = empty;
                let _ = (case.call)(&inputs);
            }
        }
        let _ = (case.call)(&vec![NOTHING; case.inputs.len()]);
    }
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn an_output_that_is_null_or_not_aligned_is_an_error() {
    let (client, call) = handles();
    let mut room = [0u64; 4];
    let odd: *mut u8 = room.as_mut_ptr().cast::<u8>().wrapping_add(1);
    let text = config(json!({})).to_string();
    let (a, n) = input("GET /v3/x");
    let (p, l) = input("{}");
    let (file, file_len) = input(KNOWN_FILE);
    let download = new_download(client, KNOWN_FILE).unwrap();
    let mut bytes = [0u8; 4];
    let out = bytes.as_mut_ptr();
    for place in [ptr::null_mut(), odd] {
        let buffer: *mut payseal_buffer = place.cast();
        let mut good = garbage();
        let (config, config_len) = (text.as_ptr(), text.len());
        let null = ptr::null();
        let results = [
            run(|e| unsafe {
                payseal_client_new(config, config_len, ptr::null(), place.cast(), e)
            }),
            run(|e| unsafe { payseal_client_metrics(client, buffer, e) }),
            run(|e| unsafe { payseal_operations(a, n, buffer, e) }),
            run(|e| unsafe {
                payseal_client_execute(
                    client,
                    a,
                    n,
                    p,
                    l,
                    null,
                    0,
                    ptr::null(),
                    buffer,
                    &mut good,
                    e,
                )
            }),
            run(|e| unsafe { payseal_client_invoke(client, a, n, p, l, buffer, e) }),
            run(|e| unsafe { payseal_cancel_new(place.cast(), e) }),
            run(|e| unsafe { payseal_call_new(client, a, n, p, l, null, 0, place.cast(), e) }),
            run(|e| unsafe {
                payseal_call_new_notification(client, a, n, p, l, null, 0, place.cast(), e)
            }),
            run(|e| unsafe { payseal_call_new_flow(client, a, n, p, l, place.cast(), e) }),
            run(|e| unsafe {
                payseal_client_run(client, a, n, p, l, ptr::null(), buffer, &mut good, e)
            }),
            run(|e| unsafe { payseal_call_step(call, place.cast(), ptr::null_mut(), e) }),
            run(|e| unsafe { payseal_call_request(call, buffer, e) }),
            run(|e| unsafe { payseal_call_body(call, buffer, e) }),
            run(|e| unsafe { payseal_call_result(call, buffer, &mut good, e) }),
            run(|e| unsafe {
                payseal_notification_open(client, a, n, p, l, null, 0, buffer, &mut good, e)
            }),
            run(|e| unsafe { payseal_notification_reply(client, 0, buffer, &mut good, e) }),
            run(|e| unsafe { payseal_qr_encode(a, n, p, l, buffer, e) }),
            run(|e| unsafe { payseal_doctor(p, l, null.cast(), null, 0, buffer, e) }),
            run(|e| unsafe { payseal_notification_explain(client, a, n, p, l, buffer, e) }),
            run(|e| unsafe {
                payseal_notification_route(&client.cast_const(), 1, a, n, p, l, place.cast(), e)
            }),
            run(|e| unsafe { payseal_notification_reply(client, 0, &mut good, buffer, e) }),
            run(|e| unsafe {
                payseal_download_new(client, file, file_len, ptr::null(), place.cast(), e)
            }),
            run(|e| unsafe { payseal_download_read(download, out, 4, place.cast(), e) }),
            run(|e| unsafe { payseal_download_take(download, out, 4, place.cast(), e) }),
            run(|e| unsafe { payseal_download_info(download, buffer, e) }),
            run(|e| unsafe { payseal_download_step(download, place.cast(), ptr::null_mut(), e) }),
            run(|e| unsafe { payseal_download_request(download, buffer, e) }),
            run(|e| unsafe { payseal_download_body(download, buffer, e) }),
            run(|e| unsafe { payseal_crypto_sign(a, n, p, l, p, l, buffer, e) }),
            run(|e| unsafe { payseal_crypto_seal(a, n, p, l, p, l, p, l, p, l, buffer, e) }),
            run(|e| unsafe { payseal_crypto_open(a, n, p, l, p, l, p, l, p, l, buffer, e) }),
            run(|e| unsafe { payseal_crypto_digest(a, n, p, l, p, l, buffer, e) }),
        ];
        for (index, result) in results.into_iter().enumerate() {
            let raised = result.expect_err("an output is needed");
            assert_eq!(
                raised.code,
                Code::InvalidArgument as i32,
                "{index}: {raised:?}"
            );
        }
        assert_eq!(room, [0; 4], "nothing was written where nothing fits");
    }
    payseal_download_free(download);
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn places_that_may_be_null_may_also_be_crooked() {
    let (client, call) = handles();
    let mut room = [0u64; 4];
    let odd: *mut u8 = room.as_mut_ptr().cast::<u8>().wrapping_add(1);
    unsafe {
        payseal_buffer_free(ptr::null_mut());
        payseal_buffer_free(odd.cast());
        let mut action = 0;
        assert_eq!(
            payseal_call_step(call, &mut action, odd.cast(), ptr::null_mut()),
            0
        );
        assert_eq!(
            payseal_call_step(call, &mut action, ptr::null_mut(), odd.cast()),
            0
        );
        assert_ne!(
            payseal_call_step(ptr::null_mut(), &mut action, ptr::null_mut(), odd.cast()),
            0
        );
        let mut json = garbage();
        assert_ne!(
            payseal_operations(ptr::null(), 1, &mut json, ptr::null_mut()),
            0
        );
    }
    let raised = run(|e| unsafe { payseal_client_metrics(ptr::null(), &mut garbage(), e) });
    assert!(raised.is_err());
    for len in [ptr::null_mut(), odd.cast()] {
        assert!(payseal_error_message(ptr::null(), len).is_null());
        assert!(payseal_error_details(ptr::null(), len).is_null());
        let mut error = ptr::null_mut();
        unsafe { payseal_client_metrics(ptr::null(), ptr::null_mut(), &mut error) };
        assert!(!payseal_error_message(error, len).is_null());
        payseal_error_free(error);
    }
    assert_eq!(room, [0; 4]);
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn a_list_of_clients_that_is_none_is_an_error() {
    let (client, call) = handles();
    let (a, n) = input("A: b");
    let mut index = 7;
    let mut route = |clients: *const *const payseal_client, len| {
        run(|e| unsafe { payseal_notification_route(clients, len, a, n, a, n, &mut index, e) })
            .unwrap_err()
    };
    let known: *const payseal_client = client;
    let crooked = (&raw const known).cast::<u8>().wrapping_add(1).cast();
    for (clients, len) in [
        (ptr::null(), 1),
        (crooked, 1),
        (&raw const known, usize::MAX),
    ] {
        let raised = route(clients, len);
        assert_eq!(raised.code, Code::InvalidArgument as i32);
        assert_eq!(raised.field(), "clients");
    }
    assert_eq!(route(ptr::null(), 0).field(), "clients");
    let foreign: [*const payseal_client; 2] = [client, call.cast()];
    assert_eq!(route(foreign.as_ptr(), 2).code, Code::InvalidHandle as i32);
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn bytes_are_read_only_into_a_place_that_is_there() {
    let (client, call) = handles();
    let download = new_download(client, KNOWN_FILE).unwrap();
    let (mut read, mut bytes) = (7, [0u8; 4]);
    let nowhere =
        run(|e| unsafe { payseal_download_read(download, ptr::null_mut(), 4, &mut read, e) });
    assert_eq!(nowhere.unwrap_err().field(), "out");
    let no_room =
        run(|e| unsafe { payseal_download_read(download, bytes.as_mut_ptr(), 0, &mut read, e) });
    assert_eq!(no_room.unwrap_err().field(), "out");
    assert_eq!(read, 0);
    let nowhere =
        run(|e| unsafe { payseal_download_take(download, ptr::null_mut(), 4, &mut read, e) });
    assert_eq!(nowhere.unwrap_err().field(), "out");
    for failure in [0, 5, -1, i32::MAX] {
        let raised =
            run(|e| unsafe { payseal_download_fail(download, failure, ptr::null(), 0, e) });
        assert_eq!(raised.unwrap_err().field(), "failure");
    }
    for path in ["", "a\0b"] {
        let raised = run(|e| unsafe {
            payseal_download_save(download, path.as_ptr(), path.len(), ptr::null_mut(), e)
        });
        assert_eq!(raised.unwrap_err().field(), "path");
    }
    payseal_download_free(download);
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn one_buffer_for_two_outputs_is_refused() {
    let (client, call) = handles();
    let mut buffer = garbage();
    let same: *mut payseal_buffer = &mut buffer;
    let (a, n) = input("A: b");
    for result in [
        run(|e| unsafe {
            payseal_notification_open(client, a, n, a, n, ptr::null(), 0, same, same, e)
        }),
        run(|e| unsafe { payseal_call_result(call, same, same, e) }),
    ] {
        assert_eq!(result.unwrap_err().code, Code::InvalidArgument as i32);
    }
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn values_that_are_none_of_an_enumeration_are_refused() {
    let (client, call) = handles();
    for failure in [0, 5, -1, i32::MIN, i32::MAX] {
        let raised = run(|e| unsafe { payseal_call_fail(call, failure, ptr::null(), 0, e) });
        assert_eq!(raised.unwrap_err().field(), "failure");
    }
    for algorithm in ["", "rsa-sha256", "RSA-SHA1", "SM9", "sm2", "MD4", "none"] {
        let (a, n) = (algorithm.as_ptr(), algorithm.len());
        let (p, l) = input("x");
        let mut out = garbage();
        for result in [
            run(|e| unsafe { payseal_crypto_sign(a, n, p, l, p, l, &mut out, e) }),
            run(|e| unsafe { payseal_crypto_verify(a, n, p, l, p, l, p, l, e) }),
            run(|e| unsafe { payseal_crypto_seal(a, n, p, l, p, l, p, l, p, l, &mut out, e) }),
            run(|e| unsafe { payseal_crypto_open(a, n, p, l, p, l, p, l, p, l, &mut out, e) }),
            run(|e| unsafe { payseal_crypto_digest(a, n, p, l, p, l, &mut out, e) }),
        ] {
            assert_eq!(result.unwrap_err().field(), "algorithm", "{algorithm}");
        }
    }
    payseal_call_free(call);
    payseal_client_free(client);
}

#[test]
fn lengths_of_keys_and_nonces_are_checked_before_any_computation() {
    let seal = |algorithm: &str, key: &[u8], nonce: &[u8]| {
        let mut out = garbage();
        let sealed = run(|e| unsafe {
            payseal_crypto_seal(
                algorithm.as_ptr(),
                algorithm.len(),
                key.as_ptr(),
                key.len(),
                nonce.as_ptr(),
                nonce.len(),
                ptr::null(),
                0,
                b"x".as_ptr(),
                1,
                &mut out,
                e,
            )
        });
        sealed.map(|()| drop(take(out)))
    };
    seal("AES-256-GCM", &[1; 32], &[2; 12]).unwrap();
    for length in [0, 1, 16, 24, 31, 33, 64] {
        let raised = seal("AES-256-GCM", &vec![1; length], &[2; 12]).unwrap_err();
        assert_eq!(raised.field(), "key");
    }
    for length in [0, 8, 11, 13, 16] {
        let raised = seal("AES-256-GCM", &[1; 32], &vec![2; length]).unwrap_err();
        assert_eq!(raised.field(), "nonce");
    }
    assert_eq!(
        seal("RSA-OAEP-SHA1", b"x", &[2; 12]).unwrap_err().field(),
        "nonce"
    );
}

#[test]
fn an_empty_result_is_null_and_zero() {
    let mut digest = garbage();
    let (a, n) = input("AES-256-GCM");
    let key = [7u8; 32];
    let nonce = [1u8; 12];
    run(|e| unsafe {
        payseal_crypto_seal(
            a,
            n,
            key.as_ptr(),
            32,
            nonce.as_ptr(),
            12,
            ptr::null(),
            0,
            ptr::null(),
            0,
            &mut digest,
            e,
        )
    })
    .unwrap();
    let tag = take(digest);
    assert_eq!(tag.len(), 16);
    let mut plaintext = garbage();
    run(|e| unsafe {
        payseal_crypto_open(
            a,
            n,
            key.as_ptr(),
            32,
            nonce.as_ptr(),
            12,
            ptr::null(),
            0,
            tag.as_ptr(),
            16,
            &mut plaintext,
            e,
        )
    })
    .unwrap();
    assert!(plaintext.data.is_null() && plaintext.len == 0);
}
