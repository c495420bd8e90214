//! `payseal call`

use std::ffi::OsString;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Value};
use serde_json::json;

use crate::{Failure, input, output};

pub fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (mut given, mut body, mut payload, mut info) = (Vec::new(), None, None, false);
    let mut params = json!({ "path": {}, "query": {}, "$": {} });
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long(part @ ("path" | "query")) => {
                let part = part.to_owned();
                let text = parser.value()?.string()?;
                let (name, value) = input::pair(&text)?;
                params[part][name] = value.into();
            }
            Long("body") => body = Some(parser.value()?),
            Long("payload") => payload = Some(parser.value()?),
            Long("filename") => params["$"]["filename"] = parser.value()?.string()?.into(),
            Long("info") => info = true,
            Value(value) => given.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let [config, operation] = input::positional(given, ["CONFIG", "OPERATION"])?;
    let operation = operation
        .into_string()
        .map_err(|_| Failure::Usage("the operation's name is not UTF-8".into()))?;
    let payload = match payload {
        Some(file) => input::read(&file)?.to_vec(),
        None => Vec::new(),
    };
    let client = input::client(&config)?;
    let params = with_body(params.to_string(), body)?;
    let answer = client.execute(&operation, &params, &payload, None)?;
    if info {
        eprintln!("{}", answer.info_text());
    }
    output::bytes(&answer.body)?;
    match answer.body.last() {
        None | Some(b'\n') => Ok(()),
        Some(_) => output::line(""),
    }
}

/// The body stays the text that it is: the library reads it, and strictly.
fn with_body(params: String, body: Option<OsString>) -> Result<Vec<u8>, Failure> {
    let mut text = params.into_bytes();
    if let Some(file) = body {
        text.pop();
        text.extend_from_slice(b",\"body\":");
        text.extend_from_slice(&input::read(&file)?);
        text.push(b'}');
    }
    Ok(text)
}
