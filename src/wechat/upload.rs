//! Uploads: a form of a file, of the part `meta` that is signed in the file's place, and now and then of some parts more.
//! <https://pay.weixin.qq.com/doc/v3/merchant/4012760432>

use serde_json::{Map, Value};

use crate::catalogue::{self, Operation};
use crate::crypto::sha256;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::Params;
use crate::wire::multipart::{self, Form};

use super::prepare::{Content, refused, texts};

/// Looks whether what is uploaded is there, completes `meta`, which is the body, by what follows from the file, and takes the form's other
/// parts out of it.
pub(super) fn complete(operation: &Operation, params: &mut Params) -> Result<Map<String, Value>> {
    let Some(filename) = &params.options.filename else {
        return Err(missing(
            "$.filename",
            "is missing; an upload has a file name",
        ));
    };
    if params.payload.is_empty() {
        return Err(missing("payload", "is missing; it is the file"));
    }
    let known = operation.body.map(|meta| meta.fields());
    let can_be_made = known.is_some_and(|known| known.get("filename").is_some());
    if params.body.is_none() && !can_be_made {
        return Err(missing(
            "body",
            "is missing; it is the part meta of the form, as the provider describes it for this operation",
        ));
    }
    let Value::Object(meta) = params.body.get_or_insert_with(|| Value::Object(Map::new())) else {
        return Ok(Map::new()); // refused by the check, which says what it must be
    };
    let mut form = Map::new();
    for field in operation.form_fields {
        if let Some(value) = meta.shift_remove(field.name) {
            form.insert(field.name.into(), value);
        }
    }
    if can_be_made {
        meta.entry("filename")
            .or_insert_with(|| filename.clone().into());
        let hash = hex(&sha256(&params.payload));
        match meta.entry("sha256").or_insert_with(|| hash.clone().into()) {
            Value::String(given) if !given.eq_ignore_ascii_case(&hash) => {
                return Err(missing(
                    "body.sha256",
                    "is not the hash of the payload; leave it out, and it is made",
                ));
            }
            _ => {}
        }
    }
    catalogue::check_form(operation, &form).map_err(refused)?;
    Ok(form)
}

fn missing(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field} {problem}")).with_field(field)
}

/// The signature covers only the part `meta`, byte for byte; the file is covered by the hash inside it. Of an operation that is not
/// catalogued the file's part is called `file`.
pub(super) fn content(
    operation: Option<&Operation>,
    parts: &Map<String, Value>,
    filename: &str,
    meta: Option<&Value>,
    file: &[u8],
    host: &Host,
) -> Result<Content> {
    let meta = match meta {
        Some(meta) => meta.to_string(),
        None => {
            serde_json::json!({ "filename": filename, "sha256": hex(&sha256(file)) }).to_string()
        }
    };
    let (body, content_type) = multipart::encode(
        &host.nonce()?,
        &Form {
            meta: meta.as_bytes(),
            texts: &texts("body", parts)?,
            name: operation
                .and_then(|operation| operation.file)
                .unwrap_or("file"),
            filename,
            file,
        },
    );
    Ok(Content {
        body,
        content_type: Some(content_type),
        signed: Some(meta.into_bytes()),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
