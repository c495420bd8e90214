//! The C ABI: handles and codes that are none, arbitrary bytes for every text; an error code, never a crash, and outputs that can be freed.
#![no_main]

use std::ptr;

use payseal::ffi::*;
use payseal_fuzz::cut;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (a, rest) = cut(data);
    let (b, c) = cut(rest);
    let handle = usize::from_le_bytes(std::array::from_fn(|at| {
        data.get(at).copied().unwrap_or_default()
    }));
    let (client, call): (*const payseal_client, *mut payseal_call) = (
        ptr::without_provenance(handle),
        ptr::without_provenance_mut(handle),
    );
    let mut first = payseal_buffer {
        data: ptr::null_mut(),
        len: 0,
    };
    let mut second = payseal_buffer {
        data: ptr::null_mut(),
        len: 0,
    };
    let mut error = ptr::null_mut();
    let (ap, al, bp, bl, cp, cl) = (
        a.as_ptr(),
        a.len(),
        b.as_ptr(),
        b.len(),
        c.as_ptr(),
        c.len(),
    );
    let check = |code: i32,
                 first: &mut payseal_buffer,
                 second: &mut payseal_buffer,
                 error: &mut *mut payseal_error| {
        assert_eq!(code == 0, error.is_null());
        assert_eq!(payseal_error_code(*error), code);
        if code != 0 {
            assert!(first.data.is_null() && second.data.is_null());
        }
        unsafe {
            payseal_buffer_free(first);
            payseal_buffer_free(second);
        }
        payseal_error_free(*error);
        *error = ptr::null_mut();
    };
    unsafe {
        let code = payseal_client_execute(
            client,
            ap,
            al,
            bp,
            bl,
            cp,
            cl,
            ptr::null(),
            &mut first,
            &mut second,
            &mut error,
        );
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_notification_open(
            client,
            ap,
            al,
            bp,
            bl,
            cp,
            cl,
            &mut first,
            &mut second,
            &mut error,
        );
        check(code, &mut first, &mut second, &mut error);
        let code =
            payseal_notification_reply(client, al as i32, &mut first, &mut second, &mut error);
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_call_respond(call, al as u32, ap, al, bp, bl, &mut error);
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_doctor(ap, al, ptr::null(), bp, bl, &mut first, &mut error);
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_operations(ap, al, &mut first, &mut error);
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_crypto_open(
            ap, al, bp, bl, cp, cl, ap, al, bp, bl, &mut first, &mut error,
        );
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_crypto_verify(ap, al, bp, bl, cp, cl, ap, al, &mut error);
        check(code, &mut first, &mut second, &mut error);
        let code = payseal_crypto_digest(ap, al, bp, bl, cp, cl, &mut first, &mut error);
        check(code, &mut first, &mut second, &mut error);
    }
});
