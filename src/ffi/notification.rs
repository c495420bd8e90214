use crate::error::{Code, Error};

use super::boundary::{call, output};
use super::buffer::{clear, payseal_buffer};
use super::client::{self, Outputs, payseal_client};
use super::error::payseal_error;
use super::input::{self, bytes};

/// Verifies, decrypts and reads a notification. `headers` are its header lines "Name: value", ended by LF or CRLF; `body` is its body exactly as received, not parsed
/// and not re-encoded. `options` is NULL or JSON {"timeout_ms":…,"trace_id":…,"expect":{…},"accept_unauthenticated":…}. On success *plaintext is the decrypted resource, byte for byte, and *event, unless
/// `event` is NULL, a JSON object about it (docs/abi.md). Blocks only where new platform certificates have to be fetched, for options.timeout_ms (3000) at most.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_notification_open(
    client: *const payseal_client,
    headers: *const u8,
    headers_len: usize,
    body: *const u8,
    body_len: usize,
    options: *const u8,
    options_len: usize,
    plaintext: *mut payseal_buffer,
    event: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let outputs = Outputs::new(plaintext, "plaintext", event)?;
            let delivered = client::borrow(client)?.open_notification(
                bytes(headers, headers_len, input::HEADERS, "headers")?,
                bytes(body, body_len, input::DOCUMENT, "body")?,
                bytes(options, options_len, input::DOCUMENT, "options")?,
            )?;
            outputs.set(delivered);
            Ok(())
        })
    }
}

/// Verifies the query with which the payer's browser came back to the merchant's page, where the provider signs one. `query` is as it was received, without "?". *json is an object
/// of what was signed (docs/abi.md). It passed through the payer's hands and never says "paid": ask the provider.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_return_open(
    client: *const payseal_client,
    query: *const u8,
    query_len: usize,
    json: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(json, "json")?;
            *out = payseal_buffer::EMPTY;
            let query = bytes(query, query_len, input::DOCUMENT, "query")?;
            let returned = client::borrow(client)?.open_return(query)?;
            *out = payseal_buffer::of(serde_json::Value::Object(returned).to_string().into_bytes());
            Ok(())
        })
    }
}

/// The HTTP answer to a notification. `code` is PAYSEAL_OK when it was opened and taken care of, the code of the error that opening it gave, or PAYSEAL_INTERNAL when
/// the host's own work on it failed: then the provider sends it again. *reply is JSON {"status":…,"headers":[[name,value],…]}, *body the exact bytes to write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_notification_reply(
    client: *const payseal_client,
    code: i32,
    reply: *mut payseal_buffer,
    body: *mut payseal_buffer,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            clear(&[reply, body]);
            if reply == body {
                return Err(Error::new(
                    Code::InvalidArgument,
                    "reply and body are the same buffer, or both NULL",
                )
                .with_field("reply"));
            }
            let (head, content) = (output(reply, "reply")?, output(body, "body")?);
            let answer = client::borrow(client)?.notification_reply(code);
            *head = payseal_buffer::of(answer.head().to_string().into_bytes());
            *content = payseal_buffer::of(answer.body);
            Ok(())
        })
    }
}
