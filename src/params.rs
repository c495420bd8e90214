//! The parameters of a call: `{"path":…, "query":…, "body":…, "$":…}`.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::Zeroize;

use crate::error::{Code, Error, Result};
use crate::wire::json;

/// What the caller wants done. Printed without its values.
#[derive(Clone, Default)]
pub struct Params {
    pub path: Map<String, Value>,
    pub query: Map<String, Value>,
    pub body: Option<Value>,
    pub options: Options,
    /// Raw bytes: the exact body when `body` is absent, or the file of an upload.
    pub payload: Vec<u8>,
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Params")
            .field("path", &names(&self.path))
            .field("query", &names(&self.query))
            .field("body", &self.body.as_ref().map(|_| "…"))
            .field("options", &self.options)
            .field("bytes", &self.payload.len())
            .finish()
    }
}

/// Parameters among which a secret is put: wiped when they are dropped.
pub(crate) struct Secretive(pub Params);

impl Deref for Secretive {
    type Target = Params;

    fn deref(&self) -> &Params {
        &self.0
    }
}

impl DerefMut for Secretive {
    fn deref_mut(&mut self) -> &mut Params {
        &mut self.0
    }
}

impl Drop for Secretive {
    fn drop(&mut self) {
        let Params {
            path,
            query,
            body,
            options: _,
            payload,
        } = &mut self.0;
        path.values_mut()
            .chain(query.values_mut())
            .chain(body)
            .for_each(json::wipe);
        payload.zeroize();
    }
}

fn names(map: &Map<String, Value>) -> Vec<&String> {
    map.keys().collect()
}

/// The options of one call, `"$"`. What is expected is printed without its values.
#[derive(Clone, Default)]
pub struct Options {
    pub timeout: Option<Duration>,
    pub max_attempts: Option<u32>,
    pub idempotency_key: Option<String>,
    pub trace_id: Option<String>,
    pub accept: Option<String>,
    pub content_type: Option<String>,
    pub filename: Option<String>,
    /// Of an upload that is not catalogued: the name of the part that is the file.
    pub file_field: Option<String>,
    /// The parameters are not checked against the catalogue.
    pub unchecked: bool,
    /// Of a notification: whether one that is encrypted but not signed is handed out. Whoever sets it queries before acting.
    pub accept_unauthenticated: bool,
    /// Dotted path into the verified answer → the value it must have.
    pub expect: Map<String, Value>,
}

impl Params {
    pub fn parse(text: &[u8], payload: &[u8]) -> Result<Params> {
        let mut map = object("params", text)?;
        let options = Options::take(take_object(&mut map, "$")?)?;
        Ok(Params {
            options,
            payload: payload.to_vec(),
            ..Params::of(map)?
        })
    }

    /// Path, query and body.
    fn of(mut map: Map<String, Value>) -> Result<Params> {
        let params = Params {
            path: take_object(&mut map, "path")?,
            query: take_object(&mut map, "query")?,
            body: map.shift_remove("body").filter(|body| !body.is_null()),
            ..Params::default()
        };
        match map.keys().next() {
            Some(key) => Err(invalid(
                key,
                format!("{key} is not a part of params; the parts are path, query, body and $"),
            )),
            None => Ok(params),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("timeout", &self.timeout)
            .field("max_attempts", &self.max_attempts)
            .field("trace_id", &self.trace_id)
            .field("expect", &names(&self.expect))
            .finish_non_exhaustive()
    }
}

impl Options {
    /// The options of opening a notification.
    pub fn parse_for_notification(text: &[u8]) -> Result<Options> {
        let mut map = object("options", text)?;
        if let Some(key) = map
            .keys()
            .find(|key| !FOR_NOTIFICATIONS.contains(&key.as_str()))
        {
            return Err(invalid(
                key,
                format!(
                    "{key} is not an option of a notification; there are {}",
                    FOR_NOTIFICATIONS.join(", ")
                ),
            ));
        }
        let accept_unauthenticated = take_flag(&mut map, "accept_unauthenticated")?;
        Ok(Options {
            accept_unauthenticated,
            ..Options::take(map)?
        })
    }

    /// The options of what payments do.
    pub fn parse_for_payments(map: Map<String, Value>) -> Result<Options> {
        const KNOWN: [&str; 3] = ["timeout_ms", "max_attempts", "trace_id"];
        match map.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            Some(key) => Err(invalid(
                &format!("$.{key}"),
                format!(
                    "$.{key} is not an option of payments; there are {}",
                    KNOWN.join(", ")
                ),
            )),
            None => Options::take(map),
        }
    }

    fn take(mut map: Map<String, Value>) -> Result<Options> {
        let options = Options {
            timeout: take_integer(&mut map, "timeout_ms", 1, 600_000)?.map(Duration::from_millis),
            max_attempts: take_integer(&mut map, "max_attempts", 1, 10)?.map(|n| n as u32),
            idempotency_key: take_text(&mut map, "idempotency_key", 64)?,
            trace_id: take_text(&mut map, "trace_id", 64)?,
            accept: take_text(&mut map, "accept", 128)?,
            content_type: take_text(&mut map, "content_type", 128)?,
            filename: take_filename(&mut map)?,
            file_field: take_text(&mut map, "file_field", 64)?,
            unchecked: take_flag(&mut map, "unchecked")?,
            accept_unauthenticated: false,
            expect: take_object(&mut map, "expect").map_err(|_| {
                invalid("$.expect", "$.expect must be an object of paths and values")
            })?,
        };
        match map.keys().next() {
            Some(key) => Err(invalid(
                &format!("$.{key}"),
                format!(
                    "$.{key} is not an option; see the C ABI's documentation for those there are"
                ),
            )),
            None => Ok(options),
        }
    }
}

/// The options of a flow, `"$"`.
#[derive(Clone, Default)]
pub struct FlowOptions {
    /// Of each exchange.
    pub timeout: Option<Duration>,
    pub max_attempts: Option<u32>,
    pub trace_id: Option<String>,
    /// Until when it is asked again.
    pub deadline: Option<Duration>,
    /// The pauses between looks, in place of the provider's own pace.
    pub schedule: Option<Vec<Duration>>,
    /// Dotted path into the final answer → the value it must have.
    pub expect: Map<String, Value>,
}

const FOR_FLOWS: [&str; 6] = [
    "timeout_ms",
    "max_attempts",
    "trace_id",
    "deadline_ms",
    "schedule_ms",
    "expect",
];
const A_DAY_MS: u64 = 86_400_000;
const MOST_PAUSES: usize = 100;

impl FlowOptions {
    /// The parameters of a flow, and its options apart from them.
    pub fn parse(text: &[u8]) -> Result<(Params, FlowOptions)> {
        let mut map = object("params", text)?;
        let mut options = take_object(&mut map, "$")?;
        if let Some(key) = options
            .keys()
            .find(|key| !FOR_FLOWS.contains(&key.as_str()))
        {
            return Err(invalid(
                &format!("$.{key}"),
                format!(
                    "$.{key} is not an option of a flow; there are {}",
                    FOR_FLOWS.join(", ")
                ),
            ));
        }
        let deadline = take_integer(&mut options, "deadline_ms", 1, A_DAY_MS)?;
        let schedule = take_pauses(&mut options)?;
        let common = Options::take(options)?;
        let params = Params::of(map)?;
        let options = FlowOptions {
            timeout: common.timeout,
            max_attempts: common.max_attempts,
            trace_id: common.trace_id,
            deadline: deadline.map(Duration::from_millis),
            schedule,
            expect: common.expect,
        };
        Ok((params, options))
    }
}

fn take_pauses(map: &mut Map<String, Value>) -> Result<Option<Vec<Duration>>> {
    let refused = || {
        let message = format!(
            "$.schedule_ms must be 1 to {MOST_PAUSES} integers from 1 to {A_DAY_MS}: the pauses between looks, of which the last one is repeated"
        );
        invalid("$.schedule_ms", message)
    };
    let pauses = match map.shift_remove("schedule_ms") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(pauses)) if (1..=MOST_PAUSES).contains(&pauses.len()) => pauses,
        Some(_) => return Err(refused()),
    };
    let pause = |value: &Value| {
        let milliseconds = value.as_u64().filter(|n| (1..=A_DAY_MS).contains(n));
        milliseconds.map(Duration::from_millis)
    };
    pauses
        .iter()
        .map(pause)
        .collect::<Option<Vec<_>>>()
        .map(Some)
        .ok_or_else(refused)
}

/// What `doctor` is asked for.
pub struct DoctorOptions {
    /// Whether a test request is sent.
    pub online: bool,
    pub timeout: Duration,
    /// Where the provider may send a test notification.
    pub notify_url: Option<String>,
}

impl DoctorOptions {
    pub fn parse(text: &[u8]) -> Result<DoctorOptions> {
        let mut map = object("options", text)?;
        let online = match map.shift_remove("online") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(online)) => online,
            Some(_) => return Err(invalid("online", "online must be true or false")),
        };
        let options = DoctorOptions {
            online,
            timeout: take_integer(&mut map, "timeout_ms", 1, 600_000)?
                .map_or(Duration::from_secs(10), Duration::from_millis),
            notify_url: take_text(&mut map, "notify_url", 255)?,
        };
        match map.keys().next() {
            Some(key) => Err(invalid(
                key,
                format!("{key} is not an option; there are online, timeout_ms and notify_url"),
            )),
            None => Ok(options),
        }
    }
}

const FOR_NOTIFICATIONS: [&str; 4] = ["timeout_ms", "trace_id", "expect", "accept_unauthenticated"];

fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Code::ParamsInvalid, message).with_field(field)
}

/// Nothing at all is an empty object.
fn object(what: &str, text: &[u8]) -> Result<Map<String, Value>> {
    if text.is_empty() {
        return Ok(Map::new());
    }
    json::parse_object(text).map_err(|problem| {
        Error::new(
            Code::ParamsInvalid,
            format!("{what} cannot be read: {problem}"),
        )
        .with_field(what)
    })
}

fn take_object(map: &mut Map<String, Value>, key: &str) -> Result<Map<String, Value>> {
    match map.shift_remove(key) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(invalid(key, format!("{key} must be an object"))),
    }
}

fn take_integer(
    map: &mut Map<String, Value>,
    key: &str,
    min: u64,
    max: u64,
) -> Result<Option<u64>> {
    match map.shift_remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|n| (min..=max).contains(n)) {
            Some(number) => Ok(Some(number)),
            None => Err(invalid(
                &format!("$.{key}"),
                format!("$.{key} must be an integer from {min} to {max}"),
            )),
        },
    }
}

fn take_flag(map: &mut Map<String, Value>, key: &str) -> Result<bool> {
    match map.shift_remove(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(invalid(
            &format!("$.{key}"),
            format!("$.{key} must be true or false"),
        )),
    }
}

/// A value that becomes a header or a log field: visible ASCII and spaces only.
fn take_text(map: &mut Map<String, Value>, key: &str, max: usize) -> Result<Option<String>> {
    let plain = |text: &str| {
        !text.is_empty() && text.len() <= max && text.bytes().all(|b| (0x20..0x7f).contains(&b))
    };
    match map.shift_remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if plain(&text) => Ok(Some(text)),
        Some(_) => Err(invalid(
            &format!("$.{key}"),
            format!("$.{key} must be 1 to {max} characters of visible ASCII"),
        )),
    }
}

fn take_filename(map: &mut Map<String, Value>) -> Result<Option<String>> {
    match map.shift_remove("filename") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name))
            if !name.is_empty()
                && name.len() <= 255
                && !name.contains(|c: char| c.is_control() || c == '/' || c == '\\') =>
        {
            Ok(Some(name))
        }
        Some(_) => Err(invalid(
            "$.filename",
            "$.filename must be a file's name of at most 255 bytes, without a folder",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_printed_without_their_values() {
        let text = br#"{"path":{"a":"canary"},"query":{"b":"canary"},"body":{"c":"canary"},"$":{"expect":{"d":"canary"}}}"#;
        let params = Params::parse(text, b"canary").unwrap();
        let shown = format!("{params:?} {params:#?}");
        assert!(!shown.contains("canary"), "{shown}");
        for name in ["\"a\"", "\"b\"", "\"d\""] {
            assert!(shown.contains(name), "{name} in {shown}");
        }
    }
}
