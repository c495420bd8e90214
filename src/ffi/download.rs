use std::path::PathBuf;
use std::ptr;
use std::sync::Mutex;

use crate::download::{Download, Next};
use crate::error::{Code, Error, Result};

use super::boundary::{call, infallible, output, place};
use super::buffer::payseal_buffer;
use super::call::{Action, host_failure, take_turn};
use super::cancel::{self, payseal_cancel};
use super::client::{self, invalid_handle, payseal_client};
use super::error::payseal_error;
use super::handle::{Guard, Table};
use super::input::{self, bytes};

/// A file on its way: applied for, fetched, decrypted, decompressed and checked while it is read, in bounded memory. For one thread at a time, and in the
/// process that made it.
pub struct payseal_download {
    _private: (),
}

static DOWNLOADS: Table<Mutex<Download>> = Table::new(0x5EA6);

/// More is never read at once.
const LARGEST_READ: usize = 1 << 30;

fn borrow(download: *const payseal_download) -> Result<Guard<Mutex<Download>>> {
    DOWNLOADS
        .get(download.addr() as u64)
        .ok_or_else(|| invalid_handle("download"))
}

fn with<T>(
    download: *const payseal_download,
    work: impl FnOnce(&mut Download) -> Result<T>,
) -> Result<T> {
    work(&mut *take_turn(&*borrow(download)?, "download")?)
}

/// Where bytes may be written.
///
/// # Safety
/// `out` is NULL or may be written for `out_len` bytes while the call lasts.
unsafe fn room<'a>(out: *mut u8, out_len: usize) -> Result<&'a mut [u8]> {
    if out.is_null() {
        return Err(Error::new(
            Code::InvalidArgument,
            "out is NULL; it must point to where bytes go",
        )
        .with_field("out"));
    }
    // SAFETY: promised by the caller; the length is far below isize::MAX.
    Ok(unsafe { std::slice::from_raw_parts_mut(out, out_len.min(LARGEST_READ)) })
}

/// # Safety
/// `path` is NULL or may be read for `path_len` bytes.
unsafe fn path(path: *const u8, path_len: usize) -> Result<PathBuf> {
    // SAFETY: promised by the caller.
    let bytes = unsafe { bytes(path, path_len, input::HEADERS, "path") }?;
    let refused = |problem: &str| {
        Err(Error::new(Code::InvalidArgument, format!("path {problem}")).with_field("path"))
    };
    if bytes.is_empty() || bytes.contains(&0) {
        return refused("is empty or contains a NUL");
    }
    #[cfg(unix)]
    return Ok(PathBuf::from(
        <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes),
    ));
    #[cfg(not(unix))]
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(PathBuf::from(text)),
        Err(_) => refused("is not UTF-8"),
    }
}

/// Begins a download (JSON, docs/abi.md): of what an operation such as "GET /v3/bill/tradebill" names, or of a file whose address and hash are known. Nothing is
/// sent yet. The download keeps what it needs of the client. `cancel` may be NULL; triggered at any time, it ends the download.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_new(
    client: *const payseal_client,
    params: *const u8,
    params_len: usize,
    cancel: *const payseal_cancel,
    download: *mut *mut payseal_download,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(download, "download")?;
            *out = ptr::null_mut();
            let cancel = cancel::borrow(cancel)?;
            let params = bytes(params, params_len, input::DOCUMENT, "params")?;
            let made = client::borrow(client)?.download(params, cancel.as_deref())?;
            let handle = DOWNLOADS
                .insert(Mutex::new(made))
                .ok_or_else(|| Error::new(Code::Internal, "there are too many handles"))?;
            *out = ptr::without_provenance_mut(handle as usize);
            Ok(())
        })
    }
}

/// Reads decoded bytes, blocking: *read is how many of the `out_len` bytes at `out` were filled, at least one. 0 is the end: all of the file came, and every check has
/// passed. **Nothing that was read may be relied on before that.** An error is final; the next call returns it again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_read(
    download: *mut payseal_download,
    out: *mut u8,
    out_len: usize,
    read: *mut usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let read = output(read, "read")?;
            *read = 0;
            let out = room(out, out_len)?;
            *read = with(download, |download| download.read(out))?;
            Ok(())
        })
    }
}

/// Reads all of it into a file, blocking. Until every check has passed the file has another name, beside its place; then it replaces what was there. On failure
/// nothing stays, and what was there is untouched. `path` are the bytes of a path, not NUL-terminated. *info, unless `info` is NULL, is a JSON object
/// about the download.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_save(
    download: *mut payseal_download,
    path: *const u8,
    path_len: usize,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let info = place(info).map(|info| {
                *info = payseal_buffer::EMPTY;
                info
            });
            let path = self::path(path, path_len)?;
            let about = with(download, |download| download.save(&path))?;
            if let Some(info) = info {
                *info = payseal_buffer::of(about.to_string().into_bytes());
            }
            Ok(())
        })
    }
}

/// How far the download is, as a JSON object (docs/abi.md).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_info(
    download: *const payseal_download,
    info: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(info, "info")?;
            *out = payseal_buffer::EMPTY;
            let about = with(download, |download| Ok(download.info()))?;
            *out = payseal_buffer::of(about.to_string().into_bytes());
            Ok(())
        })
    }
}

/// For a host's own HTTP client: says what to do next. *action is PAYSEAL_SEND, PAYSEAL_WAIT (then *wait_ms is set), PAYSEAL_RECEIVE, PAYSEAL_TAKE or PAYSEAL_DONE:
/// all of the file came and is right. Fails with the error that the download ended with. `wait_ms` may be NULL only if waits are not heeded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_step(
    download: *mut payseal_download,
    action: *mut i32,
    wait_ms: *mut u64,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let wait_ms = place(wait_ms).map(|wait_ms| {
                *wait_ms = 0;
                wait_ms
            });
            let out = output(action, "action")?;
            *out = 0;
            let (step, wait) = match with(download, |download| download.machine()?.step())? {
                Next::Send => (Action::Send, 0),
                Next::Wait(time) => (Action::Wait, time.as_micros().div_ceil(1000) as u64),
                Next::Receive => (Action::Receive, 0),
                Next::Take => (Action::Take, 0),
                Next::Done => (Action::Done, 0),
            };
            *out = step as i32;
            if let Some(wait_ms) = wait_ms {
                *wait_ms = wait;
            }
            Ok(())
        })
    }
}

/// The request to send, as payseal_call_request describes it; {"head_timeout_ms"} is there when the answer is a file: how long its head may take, while "timeout_ms"
/// covers all of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_request(
    download: *const payseal_download,
    request: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(request, "request")?;
            *out = payseal_buffer::EMPTY;
            let head = with(download, |download| {
                Ok(download.machine()?.request()?.head())
            })?;
            *out = payseal_buffer::of_json(&*head);
            Ok(())
        })
    }
}

/// The exact bytes of the request's body; empty where there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_body(
    download: *const payseal_download,
    body: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(body, "body")?;
            *out = payseal_buffer::EMPTY;
            let bytes = with(download, |download| {
                Ok(download.machine()?.request()?.body.clone())
            })?;
            *out = payseal_buffer::of(bytes);
            Ok(())
        })
    }
}

/// Hands back the head of the answer: status and header lines "Name: value" ended by LF or CRLF. Its body follows piece by piece, whatever the status is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_respond(
    download: *mut payseal_download,
    status: u32,
    headers: *const u8,
    headers_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let headers = bytes(headers, headers_len, input::RESPONSE, "headers")?;
            with(download, |download| {
                download.machine()?.respond_raw(status, headers)
            })
        })
    }
}

/// Hands over the next piece of the answer's body, raw, at most 16 MiB; it is copied. Then step again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_receive(
    download: *mut payseal_download,
    piece: *const u8,
    piece_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let piece = bytes(piece, piece_len, input::DOCUMENT, "piece")?;
            with(download, |download| download.machine()?.receive(piece))
        })
    }
}

/// Says that the answer's body is at its end, also right after its last piece. Where the HTTP client knows that it is not, for a Content-Length was not reached, say payseal_download_fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_end(
    download: *mut payseal_download,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            with(download, |download| download.machine()?.ended())
        })
    }
}

/// Says that there is no answer, or that it broke off; as payseal_call_fail.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_fail(
    download: *mut payseal_download,
    failure: i32,
    reason: *const u8,
    reason_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let failure = host_failure(failure, reason, reason_len)?;
            with(download, |download| download.machine()?.fail(failure))
        })
    }
}

/// Takes decoded bytes while payseal_download_step says PAYSEAL_TAKE: *taken of the `out_len` bytes at `out` were filled, perhaps none. Nothing of it may be relied on before
/// PAYSEAL_DONE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_take(
    download: *mut payseal_download,
    out: *mut u8,
    out_len: usize,
    taken: *mut usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let taken = output(taken, "taken")?;
            *taken = 0;
            let out = room(out, out_len)?;
            *taken = with(download, |download| download.machine()?.take(out))?;
            Ok(())
        })
    }
}

/// For a host's own HTTP client: from now on decoded bytes go into a file, as payseal_download_save describes it, and payseal_download_step never says PAYSEAL_TAKE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_download_save_to(
    download: *mut payseal_download,
    path: *const u8,
    path_len: usize,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let path = self::path(path, path_len)?;
            with(download, |download| download.machine()?.save(&path))
        })
    }
}

/// Frees a download, also one that is not at its end: then it hangs up, and no part of a file stays. NULL and one that was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_download_free(download: *mut payseal_download) {
    infallible(false, || DOWNLOADS.remove(download.addr() as u64));
}
