//! The C functions, called as C does, with their errors read and freed.

use std::ffi::c_void;
use std::ptr;

use payseal::ffi::*;
use serde_json::Value;

use crate::support::canary;
use crate::support::merchant::NOW;

/// What an error object said; it has been freed.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    pub code: i32,
    pub outcome: i32,
    pub message: String,
    pub details: Value,
}

impl Raised {
    pub fn field(&self) -> &str {
        self.details["field"].as_str().unwrap_or_default()
    }
}

/// Runs one fallible function and reads its error.
#[track_caller]
pub fn run(call: impl FnOnce(*mut *mut payseal_error) -> i32) -> Result<(), Raised> {
    // Not NULL: the function has to set it in any case.
    let mut error = ptr::without_provenance_mut(0xDEAD);
    let code = call(&mut error);
    if code == 0 {
        assert!(error.is_null(), "success with an error object");
        return Ok(());
    }
    let raised = read(error);
    assert_eq!(raised.code, code);
    payseal_error_free(error);
    Err(raised)
}

#[track_caller]
pub fn read(error: *mut payseal_error) -> Raised {
    assert!(!error.is_null(), "a failure without an error object");
    let text = |view: extern "C" fn(*const payseal_error, *mut usize) -> *const u8| {
        let mut len = usize::MAX;
        let data = view(error, &mut len);
        // SAFETY: a view of this length, until the error is freed.
        let bytes = unsafe { std::slice::from_raw_parts(data, len) };
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    let (message, details) = (text(payseal_error_message), text(payseal_error_details));
    canary::check(&message);
    canary::check(&details);
    let details: Value = serde_json::from_str(&details).unwrap();
    assert!(details["code_name"].is_string());
    Raised {
        code: payseal_error_code(error),
        outcome: payseal_error_outcome(error),
        message,
        details,
    }
}

/// An output buffer that is not empty before the call, as an uninitialised variable of C.
pub fn garbage() -> payseal_buffer {
    payseal_buffer {
        data: ptr::without_provenance_mut(0xBAD),
        len: 77,
    }
}

/// The bytes of a buffer that payseal filled; frees it.
pub fn take(mut buffer: payseal_buffer) -> Vec<u8> {
    let bytes = match buffer.data.is_null() {
        true => Vec::new(),
        // SAFETY: filled by payseal.
        false => unsafe { std::slice::from_raw_parts(buffer.data, buffer.len) }.to_vec(),
    };
    // SAFETY: as above; the second time it is empty, which is fine.
    unsafe {
        payseal_buffer_free(&mut buffer);
        assert!(buffer.data.is_null() && buffer.len == 0);
        payseal_buffer_free(&mut buffer);
    }
    bytes
}

unsafe extern "C" fn now_ms(_: *mut c_void) -> i64 {
    NOW * 1000
}

/// A host that lends only a clock, which stands at `NOW`.
pub fn standing_clock() -> payseal_callbacks {
    payseal_callbacks {
        size: size_of::<payseal_callbacks>(),
        user: ptr::null_mut(),
        log: None,
        now_ms: Some(now_ms),
        random: None,
        sign: None,
        drop: None,
        cache_get: None,
        cache_put: None,
    }
}

#[track_caller]
pub fn new_client(
    config: &Value,
    callbacks: *const payseal_callbacks,
) -> Result<*mut payseal_client, Raised> {
    let config = config.to_string();
    let mut client = ptr::without_provenance_mut(0xBAD);
    let made = run(|error| unsafe {
        payseal_client_new(config.as_ptr(), config.len(), callbacks, &mut client, error)
    });
    match made {
        Ok(()) => Ok(client),
        Err(raised) => {
            assert!(client.is_null(), "an output of a failure is not zero");
            Err(raised)
        }
    }
}

#[track_caller]
pub fn new_call(
    client: *const payseal_client,
    operation: &str,
    params: &Value,
) -> Result<*mut payseal_call, Raised> {
    let params = params.to_string();
    let mut call = ptr::without_provenance_mut(0xBAD);
    run(|error| unsafe {
        payseal_call_new(
            client,
            operation.as_ptr(),
            operation.len(),
            params.as_ptr(),
            params.len(),
            ptr::null(),
            0,
            &mut call,
            error,
        )
    })
    .inspect_err(|_| assert!(call.is_null()))
    .map(|()| call)
}

pub fn new_download(
    client: *const payseal_client,
    params: &str,
) -> Result<*mut payseal_download, Raised> {
    let mut download = ptr::without_provenance_mut(0xBAD);
    run(|error| unsafe {
        payseal_download_new(
            client,
            params.as_ptr(),
            params.len(),
            ptr::null(),
            &mut download,
            error,
        )
    })
    .inspect_err(|_| assert!(download.is_null()))
    .map(|()| download)
}

pub fn step(call: *mut payseal_call) -> Result<(i32, u64), Raised> {
    let (mut action, mut wait) = (-1, u64::MAX);
    run(|error| unsafe { payseal_call_step(call, &mut action, &mut wait, error) })
        .map(|()| (action, wait))
}

pub fn invoke(client: *const payseal_client, params: &Value) -> Result<Value, Raised> {
    let (kind, params) = ("jsapi", params.to_string());
    let mut json = garbage();
    run(|error| unsafe {
        payseal_client_invoke(
            client,
            kind.as_ptr(),
            kind.len(),
            params.as_ptr(),
            params.len(),
            &mut json,
            error,
        )
    })?;
    Ok(serde_json::from_slice(&take(json)).unwrap())
}

/// Opens a notification; its plaintext and event.
pub fn open(
    client: *const payseal_client,
    headers: &str,
    body: &[u8],
) -> Result<(Vec<u8>, Value), Raised> {
    let (mut plaintext, mut event) = (garbage(), garbage());
    let opened = run(|error| unsafe {
        payseal_notification_open(
            client,
            headers.as_ptr(),
            headers.len(),
            body.as_ptr(),
            body.len(),
            ptr::null(),
            0,
            &mut plaintext,
            &mut event,
            error,
        )
    });
    if let Err(raised) = opened {
        assert!(plaintext.data.is_null() && plaintext.len == 0);
        assert!(event.data.is_null() && event.len == 0);
        return Err(raised);
    }
    let event = serde_json::from_slice(&take(event)).unwrap();
    Ok((take(plaintext), event))
}
