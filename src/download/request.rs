//! What a caller asks for: an operation that names files, or a file whose address and hash are known.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::error::{Code, Error, Result};
use crate::params::Params;
use crate::wire::json;

use super::decoder::Limits;

/// The parameters of a download, as documented in `docs/abi.md`.
pub(crate) struct DownloadRequest {
    pub ask: Ask,
    /// Where it says how the files are packed: query and body, or what stands beside the address.
    pub terms: Map<String, Value>,
    pub options: Options,
}

pub(crate) enum Ask {
    /// The provider is asked where the files are.
    Operation { name: String, params: Box<Params> },
    /// It was asked before: this is what it said.
    Known(Map<String, Value>),
}

#[derive(Clone)]
pub(crate) struct Options {
    /// For all of it.
    pub timeout: Duration,
    /// How long to wait for a file that is still being made.
    pub wait: Duration,
    pub max_attempts: Option<u32>,
    pub trace_id: Option<String>,
    pub limits: Limits,
    pub allow_unverified: bool,
}

const KNOWN: [&str; 7] = [
    "download_url",
    "hash_type",
    "hash_value",
    "encrypt_key",
    "nonce",
    "tar_type",
    "algorithm",
];

const DEFAULT_TIMEOUT: u64 = 3_600_000;
const LONGEST: u64 = 86_400_000;

impl DownloadRequest {
    pub fn parse(text: &[u8]) -> Result<DownloadRequest> {
        let mut given = json::parse_object(text)
            .map_err(|problem| invalid("params", format!("params cannot be read: {problem}")))?;
        let mut dollar = match given.shift_remove("$") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map,
            Some(_) => return Err(invalid("$", "$ must be an object")),
        };
        let options = Options::take(&mut dollar)?;
        match given.shift_remove("operation") {
            Some(Value::String(name)) => {
                let parts =
                    ["query", "body"].map(|part| given.get(part).and_then(Value::as_object));
                let terms = parts.into_iter().flatten().flatten();
                let terms = terms.map(|(k, v)| (k.clone(), v.clone())).collect();
                given.insert("$".into(), Value::Object(dollar));
                let params = Params::parse(Value::Object(given).to_string().as_bytes(), b"")?;
                let params = Box::new(params);
                Ok(DownloadRequest {
                    ask: Ask::Operation { name, params },
                    terms,
                    options,
                })
            }
            Some(_) => Err(invalid("operation", "operation must be a text")),
            None => DownloadRequest::known(given, &dollar, options),
        }
    }

    fn known(
        given: Map<String, Value>,
        dollar: &Map<String, Value>,
        options: Options,
    ) -> Result<DownloadRequest> {
        if !given.contains_key("download_url") {
            return Err(invalid(
                "operation",
                "give the operation that names the file, or its download_url with hash_type and hash_value",
            ));
        }
        for (key, value) in &given {
            if !KNOWN.contains(&key.as_str()) {
                return Err(invalid(
                    key,
                    format!(
                        "{key} does not belong beside download_url; there is {}",
                        KNOWN.join(", ")
                    ),
                ));
            }
            if !value.is_string() && !value.is_null() {
                return Err(invalid(key, format!("{key} must be a text")));
            }
        }
        if let Some(key) = dollar
            .keys()
            .find(|key| *key != "max_attempts" && *key != "trace_id")
        {
            let field = format!("$.{key}");
            return Err(invalid(
                &field,
                format!("{field} is no option of a download by its address"),
            ));
        }
        Ok(DownloadRequest {
            terms: given.clone(),
            ask: Ask::Known(given),
            options,
        })
    }
}

impl Options {
    /// Takes what is about the files, and looks at what is about the application for them as well.
    fn take(map: &mut Map<String, Value>) -> Result<Options> {
        let limits = Limits::default();
        let timeout = number(map.shift_remove("timeout_ms"), "timeout_ms", 1..=LONGEST)?;
        let wait = number(map.shift_remove("wait_ms"), "wait_ms", 0..=LONGEST)?;
        let max_bytes = number(map.shift_remove("max_bytes"), "max_bytes", 1..=1 << 50)?;
        let max_ratio = number(map.shift_remove("max_ratio"), "max_ratio", 1..=1_000_000)?;
        let allow_unverified = match map.shift_remove("allow_unverified") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(allowed)) => allowed,
            Some(_) => {
                return Err(invalid(
                    "$.allow_unverified",
                    "$.allow_unverified must be true or false",
                ));
            }
        };
        let max_attempts = number(map.get("max_attempts").cloned(), "max_attempts", 1..=10)?;
        let trace_id = match map.get("trace_id") {
            Some(Value::String(id))
                if (1..=64).contains(&id.len())
                    && id.bytes().all(|b| (0x20..0x7f).contains(&b)) =>
            {
                Some(id.clone())
            }
            None | Some(Value::Null) => None,
            Some(_) => {
                return Err(invalid(
                    "$.trace_id",
                    "$.trace_id must be 1 to 64 characters of visible ASCII",
                ));
            }
        };
        Ok(Options {
            timeout: Duration::from_millis(timeout.unwrap_or(DEFAULT_TIMEOUT)),
            wait: Duration::from_millis(wait.unwrap_or(0)),
            max_attempts: max_attempts.map(|number| number as u32),
            trace_id,
            limits: Limits {
                max_bytes: max_bytes.unwrap_or(limits.max_bytes),
                max_ratio: max_ratio.unwrap_or(limits.max_ratio),
            },
            allow_unverified,
        })
    }
}

fn number(
    value: Option<Value>,
    key: &str,
    range: std::ops::RangeInclusive<u64>,
) -> Result<Option<u64>> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let (least, most) = (range.start(), range.end());
                let field = format!("$.{key}");
                Err(invalid(
                    &field,
                    format!("{field} must be an integer from {least} to {most}"),
                ))
            }
        },
    }
}

fn invalid(field: &str, message: impl Into<String>) -> Error {
    Error::new(Code::ParamsInvalid, message).with_field(field)
}
