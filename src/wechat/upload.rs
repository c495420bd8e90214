//! Uploads: a form of a file and of the part `meta`, which is signed in the file's place.
//! <https://pay.weixin.qq.com/doc/v3/merchant/4012760432>

use serde_json::{Map, Value};

use crate::catalogue::{Format, Operation};
use crate::crypto::sha256;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::Params;
use crate::wire::multipart;

use super::prepare::Content;

/// Looks whether what is uploaded is there, and completes `meta`, which is the body, by what follows from the file.
pub(super) fn complete(operation: &Operation, params: &mut Params) -> Result<()> {
    let Some(filename) = &params.options.filename else {
        return Err(refused(
            "$.filename",
            "is missing; an upload has a file name",
        ));
    };
    if params.payload.is_empty() {
        return Err(refused("payload", "is missing; it is the file"));
    }
    let meta = params.body.get_or_insert_with(|| Value::Object(Map::new()));
    let (Value::Object(meta), Some(schema)) = (meta, operation.body) else {
        return Ok(()); // refused by the check, which says what it must be
    };
    for field in schema.fields() {
        match field.schema.format() {
            Some(Format::FileName) => {
                meta.entry(field.name)
                    .or_insert_with(|| filename.clone().into());
            }
            Some(Format::FileSha256) => {
                let hash = hash(&params.payload);
                let given = meta
                    .entry(field.name)
                    .or_insert_with(|| hash.clone().into());
                if given
                    .as_str()
                    .is_some_and(|given| !given.eq_ignore_ascii_case(&hash))
                {
                    return Err(refused(
                        &format!("body.{}", field.name),
                        "is not the hash of the payload; leave it out, and it is made",
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn refused(field: &str, problem: &str) -> Error {
    Error::new(Code::ParamsInvalid, format!("{field} {problem}")).with_field(field)
}

/// The signature covers only the part `meta`, byte for byte; the file is covered by the hash inside it. Of an operation that is not
/// catalogued the file's part is called `file`.
pub(super) fn content(
    operation: Option<&Operation>,
    filename: &str,
    meta: Option<&Value>,
    file: &[u8],
    host: &Host,
) -> Result<Content> {
    let meta = match meta {
        Some(meta) => meta.to_string(),
        None => serde_json::json!({ "filename": filename, "sha256": hash(file) }).to_string(),
    };
    let part = operation
        .and_then(|operation| operation.file)
        .unwrap_or("file");
    let (body, content_type) =
        multipart::form(&host.nonce()?, meta.as_bytes(), part, filename, file);
    Ok(Content {
        body,
        content_type: Some(content_type),
        signed: Some(meta.into_bytes()),
    })
}

fn hash(file: &[u8]) -> String {
    sha256(file).map(|byte| format!("{byte:02x}")).concat()
}
